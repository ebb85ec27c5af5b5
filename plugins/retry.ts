/**
 * The same request once more, after a failure that may pass.
 *
 * @module
 */
import {
  assertClient,
  isOfAttempt,
  isOutage,
  isPassing,
  isPassingFault,
  keepBody,
  pause,
} from "../core/again.ts";
import { askedNumber, askedWord } from "../core/asked.ts";
import type { Context } from "../core/context.ts";
import { retryAfter } from "../core/auth/key-pool.ts";
import { definePlugin, type Next, type Plugin } from "../core/plugin.ts";
import { drop } from "../core/streams/drop.ts";
import { wholeBody } from "../core/streams/tape.ts";

/** How a delay grows with the number n of the attempt that failed, from 1. */
export type Backoff =
  /** d */
  | "constant"
  /** d * n */
  | "linear"
  /** d * 2^(n-1) */
  | "exponential";

/** Options of {@link retry}; each wins over the gateway's setting, a header of the request over both. */
export interface RetryOptions {
  /** Attempts in all, 1 to 5 (`retry_max_attempts`, `cf-aig-max-attempts`). */
  attempts?: number;
  /** Milliseconds, 0 to 60,000 (`retry_delay`, `cf-aig-retry-delay`). */
  delay?: number;
  /** `retry_backoff`, `cf-aig-backoff`. */
  backoff?: Backoff;
  /**
   * Most milliseconds for which a streamed answer waits for its first content as long as another attempt
   * is left; 30,000 unless given.
   */
  hold?: number;
  /** Waits between attempts, and rejects when the client leaves; a timer unless given. */
  wait?: (ctx: Context, ms: number) => Promise<void>;
}

/** Most milliseconds that are waited, whoever asks for them. */
const longest = 60_000;
const mostAttempts = 5;
const backoffs = ["constant", "linear", "exponential"] as const;

/**
 * Sends a request again when its provider cannot be reached, times out, or answers 408, 409, 429 (unless a
 * quota is used up) or 5xx, and when a stream breaks off, or begins with an error that may pass, before its first content. Other errors
 * of the client's own, refusals of the gateway, and a client that left are final. A `retry-after` is
 * waited for when it is longer than the delay; one over 60 s is the client's to wait for. Where it is a lent
 * key that is refused, and another one of its pool is ready, that is tried at once.
 */
export function retry(options: RetryOptions = {}): Plugin {
  const { hold = 30_000, wait = pause } = options;

  return definePlugin("retry", (ctx, next) => {
    const { gateway } = ctx;
    const attempts = askedNumber(ctx, "cf-aig-max-attempts", 1, mostAttempts) ??
      options.attempts ?? gateway.retry_max_attempts;
    return attempts <= 1 ? next() : run(ctx, next, Math.min(attempts, mostAttempts));
  });

  async function run(ctx: Context, next: Next, attempts: number): Promise<Response> {
    const { gateway, shared } = ctx;
    const delay = askedNumber(ctx, "cf-aig-retry-delay", 0, longest) ?? options.delay ??
      gateway.retry_delay;
    const backoff = askedWord(ctx, "cf-aig-backoff", backoffs) ?? options.backoff ??
      gateway.retry_backoff;
    if (!await keepBody(ctx)) return next();
    const holding = ctx.with({ hold: ctx.hold ?? hold });
    for (let n = 1; n < attempts; n++) {
      const before = shared.attempts;
      let ms = delayed(delay, backoff, n);
      let response: Response | undefined;
      try {
        response = await next(holding);
        if (shared.attempts === before || !mayPass(response, ctx)) return response;
        if (shared.otherKey === true) ms = 0;
        else {
          if (response.status === 429) {
            const { answer, spent } = await quotaOf(response);
            if (spent) return answer;
            response = answer;
          }
          const asked = retryAfter(response.headers, ctx.host.now()) ?? 0;
          if (asked > longest) return response;
          ms = Math.max(ms, asked);
        }
      } catch (error) {
        if (!isOfAttempt(ctx, error) || !isOutage(error)) throw error;
      }
      assertClient(ctx);
      if (response !== undefined) drop(response);
      const started = performance.now();
      if (ms > 0) await wait(ctx, ms);
      shared.upstreamMs += performance.now() - started; // it is the provider that is waited for
    }
    return next();
  }
}

function mayPass(response: Response, { shared }: Context): boolean {
  if (shared.fault !== undefined) return isPassingFault(shared.fault);
  if (shared.otherKey === true) return true;
  if (response.ok) return false;
  // As the SDKs of OpenAI and Anthropic read it.
  const told = response.headers.get("x-should-retry");
  return told === "true" || (told !== "false" && isPassing(response.status));
}

/** Errors longer than this are not read. */
const longestError = 16 * 1024;

/** Tells what is over for the moment from what is used up: providers answer 429 to both. */
async function quotaOf(response: Response): Promise<{ answer: Response; spent: boolean }> {
  const length = Number(response.headers.get("content-length") ?? Infinity);
  if (length > longestError || response.headers.has("content-encoding")) {
    return { answer: response, spent: false };
  }
  const { response: answer, bytes } = await wholeBody(response, length);
  const text = bytes === undefined ? "" : new TextDecoder().decode(bytes);
  return { answer, spent: /"(?:insufficient_quota|billing_\w+)"/.test(text) };
}

function delayed(delay: number, backoff: Backoff, n: number): number {
  const factor = backoff === "constant" ? 1 : backoff === "linear" ? n : 2 ** (n - 1);
  return Math.min(delay * factor, longest);
}
