/**
 * One try to reach a provider, as the innermost step makes it. Plugins that listen to attempts (the
 * log, token limits) hear of each, wherever in the chain they stand: a retry further in is not hidden.
 *
 * @module
 */
import type { Context } from "./context.ts";

/** One try. */
export interface Attempt {
  /** The context that reached the innermost step. */
  readonly ctx: Context;
  /** Of its log row: a UUIDv7, for the first attempt the request's own. */
  readonly id: string;
  /** 0-based number within the client request. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** By `performance.now()`. */
  readonly started: number;
  /** Absolute upstream URL without its query, which may hold a key; empty until it is known. */
  url: string;
  /** Model named by the path or found in the body. */
  model: string | undefined;
  /** The whole body that goes upstream, where it was read; a streamed one is not. */
  body: Uint8Array | undefined;
  /** What goes upstream, credentials included: to find them where they do not belong, never to be shown. */
  headers: Readonly<Record<string, string>>;
  /** What the provider could not be told of the client's request (unified API). */
  readonly dropped: readonly string[] | undefined;
  /** Alias of the stored key that was lent. */
  keyAlias: string | undefined;
}

/** Watches one attempt. Must not throw. */
export interface Watch {
  /** A body streams upstream: the chunks that pass. */
  sent?(bytes: Uint8Array): void;
  /** The head of the answer is there; gives back the answer to use, observed as need be. */
  answered(response: Response): Response | Promise<Response>;
  /** There was no answer. */
  failed(error: unknown): void;
}
