/**
 * What plugins need that send a request more than once.
 *
 * @module
 */
import type { Context } from "./context.ts";
import { Code, GatewayError, isGatewayError } from "./error.ts";
import type { Fault } from "./formats/draft.ts";

/** Bodies up to this size are kept for another attempt. */
const mostKept = 32 * 1024 * 1024;

/**
 * Keeps the body for another attempt. False for one that says it is over 32 MiB: that streams through, and
 * is sent once.
 */
export async function keepBody(ctx: Context): Promise<boolean> {
  if (ctx.body !== undefined || ctx.method === "GET" || ctx.method === "HEAD") return true;
  if (Number(ctx.headers["content-length"] ?? 0) > mostKept) return false;
  await ctx.bytes();
  return true;
}

/**
 * True for an error with which the innermost step ended an attempt: the provider's, or that of its key.
 * All others are refusals of plugins, or their defects, and end the request, as does a client that left.
 */
export function isOfAttempt(ctx: Context, error: unknown): boolean {
  if (ctx.shared.failure !== error) return false;
  return !(isGatewayError(error) && error.code === Code.clientClosed);
}

/** True for a provider that could not be reached, broke off or took too long; not for a bad request. */
export function isOutage(error: unknown): boolean {
  return isGatewayError(error) && error.code === Code.upstreamFailed && error.status >= 500;
}

/** Statuses after which the same request may well succeed. */
export function isPassing(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/** What providers call errors that stay errors, in a stream whose status was 200. */
const lasting =
  /invalid|auth|permission|forbidden|not_?found|billing|quota|credit|too_large|length_exceeded|content_?filter|policy|validation|unsupported|denied|failed_precondition|tool_use_failed/i;

/** As {@link isPassing}, for an error in a stream. */
export function isPassingFault({ code }: Fault): boolean {
  const status = Number(code ?? NaN);
  if (status >= 400 && status < 1000) return isPassing(status);
  return code === null || !lasting.test(String(code));
}

/** Rejects with a 499 once the client has left. */
export function assertClient(ctx: Context): void {
  if (ctx.request.signal.aborted) throw clientLeft();
}

/** Waits; rejects with a 499 as soon as the client leaves. */
export function pause(ctx: Context, ms: number): Promise<void> {
  const { signal } = ctx.request;
  return new Promise((resolve, reject) => {
    const left = () => {
      clearTimeout(timer);
      reject(clientLeft());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", left);
      resolve();
    }, ms);
    if (signal.aborted) left();
    else signal.addEventListener("abort", left, { once: true });
  });
}

function clientLeft(): GatewayError {
  return new GatewayError(499, Code.clientClosed, "The client closed the request");
}
