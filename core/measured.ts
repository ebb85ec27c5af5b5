/**
 * What the meter finds out about an attempt, and hands to whoever asked.
 *
 * @module
 */
import type { Attempt } from "./attempt.ts";
import type { End, UsageQuality } from "./log/row.ts";
import type { CostParts } from "./usage/cost.ts";
import type { Usage } from "./usage/usage.ts";

/** What is known of one attempt once it is over. Times are milliseconds from its start. */
export interface Measured {
  /** What was tried. */
  readonly attempt: Attempt;
  /** The provider's status, or the gateway's own where there was no answer. */
  status: number;
  /** `content-type` of the answer. */
  contentType: string;
  /** To the head of the answer. */
  latency: number;
  /** To the first byte of the body; null when there was none. */
  firstByte: number | null;
  /** To the first event with content; null unless streamed. */
  firstToken: number | null;
  /** When each chunk of the beginning of a body came, by `performance.now()`; not told of short ones. */
  chunkTimes: readonly number[] | undefined;
  /** To the end. */
  total: number;
  /** How the answer ended. */
  end: End;
  /** The answer was a stream of events. */
  streamed: boolean;
  /** As the request names it, else as the answer does; empty when neither does. */
  model: string;
  /** As the answer names it; nothing when it does not. */
  answeredAs: string | undefined;
  /** `chat`, `embeddings`, ...; empty when not known. */
  modelType: string;
  /** The provider's own word. */
  finish: string | null;
  /** Tokens; null when nobody knows. */
  usage: Usage | null;
  /** Who counted them. */
  quality: UsageQuality | null;
  /** US dollars; null where the price is not known. */
  cost: number | null;
  /** The parts of the cost. */
  costParts: CostParts | null;
  /** The provider's error, or the gateway's own. */
  error: { code: number | string | null; message: string } | null;
  /** Beginning of the answer's body, decoded. */
  body: Uint8Array;
  /** False when {@link body} is only the beginning. */
  bodyComplete: boolean;
  /** Bytes of the answer's body as they came. */
  size: number;
  /** The request's body, or the beginning of a streamed one; nothing when there was none. */
  sent: Uint8Array | undefined;
  /** False when {@link sent} is only the beginning. */
  sentComplete: boolean;
  /** Bytes of the request's body. */
  sentSize: number;
}

/** Told of each attempt once it is over. */
export type AttemptListener = (measured: Measured) => void | Promise<void>;
