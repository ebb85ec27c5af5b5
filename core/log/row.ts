/**
 * A row of the log: one attempt to reach a provider, or an answer that came without one (a cache hit,
 * a refusal). Names are Cloudflare AI Gateway's where it has the field.
 *
 * @module
 */
import type { CostParts } from "../usage/cost.ts";
import type { Usage } from "../usage/usage.ts";

/** How an answer ended. */
export type End =
  /** The format's own proof of the end was seen, or all declared bytes came. */
  | "complete"
  /** The provider broke off, or ended without its format's proof. */
  | "upstream_cut"
  /** Nothing came for longer than a limit allows. */
  | "stalled"
  /** The client left first. */
  | "client_abort"
  /** A plugin stopped it. */
  | "guard_stop"
  /** There was no answer: refused, unreachable, timed out. */
  | "error";

/** Where `tokens_in` and `tokens_out` are from. */
export type UsageQuality = "reported" | "estimated";

/** Milliseconds from the beginning of the attempt. */
export interface Timings {
  /** To the end of the answer. */
  total: number;
  /** To the head of the answer. */
  latency: number;
  /** To the first byte of its body; null when there was none. */
  first_byte: number | null;
  /** To the first event with content of a streamed answer; null on others. */
  first_token: number | null;
}

/** One row. Every member is there; `null` is "not known" or "none". */
export interface LogRow {
  /** UUIDv7. */
  id: string;
  /** Groups the rows of one client request. */
  event_id: string;
  /** Of the client request. */
  request_id: string;
  /** Milliseconds since 1970, when the attempt began. */
  created_at: number;
  /** Id. */
  gateway: string;
  /** Slug. */
  provider: string;
  /** `provider/model`, or empty. */
  model: string;
  /** What the endpoint does: `chat`, `embeddings`, `image`, `audio`, ...; empty when not known. */
  model_type: string;
  /** Path at the provider, without the query. */
  path: string;
  /** HTTP method of the request. */
  method: string;
  /** How the gateway was asked. */
  request_type: "native" | "universal" | "compat" | "binding" | "websocket";
  /** Media type of the request. */
  request_content_type: string;
  /** Media type of the answer. */
  response_content_type: string;
  /** Status that the provider answered with, or the gateway's own. */
  status_code: number;
  /** A 2xx that ended as `complete`. */
  success: boolean;
  /** The answer came from the cache. */
  cached: boolean;
  /** 0-based place in the fallback list. */
  step: number;
  /** 0-based number of the try within the client request. */
  attempt: number;
  /** Milliseconds, as `timings.total`. */
  duration: number;
  /** Where the time went. */
  timings: Timings;
  /** The answer was a stream of events. */
  streamed: boolean;
  /** How the answer ended. */
  end: End;
  /** The provider's own word. */
  finish_reason: string | null;
  /** All input tokens, cached ones included. */
  tokens_in: number | null;
  /** All output tokens, reasoning included. */
  tokens_out: number | null;
  /** The parts of the tokens. */
  usage: Usage | null;
  /** Who counted. */
  usage_quality: UsageQuality | null;
  /** US dollars; null where the price is not known. */
  cost: number | null;
  /** The parts of the cost. */
  cost_parts: CostParts | null;
  /** The price came with the request or from the configuration. */
  custom_cost: boolean;
  /** What the caller and its key say of the request. */
  metadata: Record<string, string | number | boolean | null> | null;
  /** What was said of the answer later. */
  feedback: -1 | 1 | null;
  /** 0 to 100, said later. */
  score: number | null;
  /** The caller was authenticated. */
  authentication: boolean;
  /** Always false: there is no unified billing. Kept for Cloudflare's clients. */
  wholesale: boolean;
  /** Alias of the stored provider key that was used. */
  byok: string | null;
  /** Through the unified API. */
  compatibilityMode: boolean;
  /** What the provider could not be told of the client's request, in the client's words (unified API). */
  dropped: string[] | null;
  /** The client's `user-agent`. */
  user_agent: string;
  /** Id of the virtual key that called. */
  key_id: string | null;
  /** The gateway's own failure, or the provider's message. */
  error: { code: number | string | null; message: string } | null;
  /** Always null: kept for Cloudflare's clients. */
  dlp_action: string | null;
  /** Bytes of the bodies as they went over the wire; null when not known. */
  request_size: number | null;
  /** Bytes of the answer's body; null when not known. */
  response_size: number | null;
}

/** A row with the bodies that are to be kept; they are redacted and capped already. */
export interface LogEntry {
  /** What is known. */
  row: LogRow;
  /** Body of the request. */
  request?: Payload;
  /** Body of the answer. */
  response?: Payload;
}

/** A body to keep. */
export interface Payload {
  /** As they are stored. */
  bytes: Uint8Array;
  /** False when only the beginning is kept. */
  complete: boolean;
}
