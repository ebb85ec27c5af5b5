/**
 * Requests that are no longer bound to one client.
 *
 * @module
 */
import type { Context } from "../context.ts";

/** The client's request, but for who ends it. Its body has been read. */
class ApartRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly signal: AbortSignal;
  readonly body = null;
  readonly bodyUsed = true;
  /** The request that the answer goes to as well, if any. */
  readonly client: Request | undefined;

  constructor(request: Request, signal: AbortSignal, client?: Request) {
    const { method, url, headers } = request;
    this.client = client;
    this.method = method;
    this.url = url;
    this.headers = headers;
    this.signal = signal;
  }
}

// `instanceof Request` holds.
Object.setPrototypeOf(ApartRequest.prototype, Request.prototype);

/** The request of the client that is answered first, as the runtime gave it. */
export function clientOf(request: Request): Request {
  return request instanceof ApartRequest ? request.client ?? request : request;
}

/** The context with a request that goes on when its client leaves, until the signal. */
export function apart(ctx: Context, signal: AbortSignal): Context {
  return unbound(ctx, new ApartRequest(ctx.request, signal, ctx.request));
}

function unbound(ctx: Context, request: ApartRequest): Context {
  // What is stored must be readable by any client.
  const headers = { ...ctx.headers, "accept-encoding": "identity" };
  return ctx.with({ request: request as unknown as Request, headers });
}

/** The same for a request of the gateway's own: with an id and attempts of its own, logged as the client's. */
export function behind(ctx: Context, signal: AbortSignal): Context {
  const { values, bytes, listeners, keep, logged } = ctx.shared;
  const copy = unbound(ctx, new ApartRequest(ctx.request, signal)).with({
    signal: undefined,
    hold: undefined,
    observer: undefined,
  });
  return Object.assign(copy, {
    requestId: ctx.host.nextId(),
    shared: {
      ...values && { values: new Map(values) },
      ...bytes && { bytes },
      ...listeners && { listeners },
      ...logged && { logged },
      keep,
      attempts: 0,
      upstreamMs: 0,
    },
  });
}

/** Calls back once when the signal ends; gives back what takes that back. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  if (signal.aborted) {
    callback();
    return () => {};
  }
  signal.addEventListener("abort", callback, { once: true });
  return () => signal.removeEventListener("abort", callback);
}
