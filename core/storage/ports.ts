/**
 * The ports of storage: what plugins may ask of a store, whatever stands behind it. Three of them,
 * since three things are asked: values by key, counts that hold across processes, rows of a log.
 *
 * Every method may reject when its store is away; who calls decides what that means. Nothing here
 * retries or waits: `core/storage/guard.ts` puts time limits and health around a port.
 *
 * @module
 */
import type { Analysis, AnalyticsQuery } from "../analytics/query.ts";
import type { LogEntry, LogRow } from "../log/row.ts";

/** JSON, as it is stored. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * Values by key. A key is segments of `[a-z0-9._-]` joined by `:`, 512 characters at most; whatever a
 * user had a hand in goes in as a digest ({@link digestKey}). Drivers that keep files cannot hold a key
 * that is the beginning of another one (`a` and `a:b`). A value that has expired is not there, on every
 * driver. A wrong key, value or time to live is a TypeError.
 */
export interface KV {
  /** Name of the driver, for health and metrics. */
  readonly driver: string;
  /** A JSON value, or nothing. */
  get(key: string): Promise<Json | undefined>;
  /**
   * Stores a JSON value.
   *
   * @param ttl Seconds until it is gone, 0 or less is at once; never unless given.
   */
  set(key: string, value: Json, ttl?: number): Promise<void>;
  /**
   * True where the key is surely not there, known without asking the store; a driver has it only where that
   * is cheap. What another process has written a moment ago may be missed.
   */
  lacks?(key: string): boolean;
  /** Bytes as they were set, or nothing. */
  getBytes(key: string): Promise<Uint8Array | undefined>;
  /**
   * Stores bytes.
   *
   * @param ttl Seconds until they are gone, 0 or less is at once; never unless given.
   */
  setBytes(key: string, value: Uint8Array, ttl?: number): Promise<void>;
  /** Stores several at once, all or none; a driver has it only where that costs less than one by one. */
  setBytesOfAll?(values: readonly KVBytes[]): Promise<void>;
  /** Nothing happens when it is not there. */
  delete(key: string): Promise<void>;
  /** Keys that begin with `prefix` (which ends in `:`), in no order; some may have expired just now. */
  keys(prefix: string): Promise<string[]>;
  /** Lets go of connections and files. */
  close(): Promise<void>;
}

/** Bytes to store. */
export interface KVBytes {
  /** As of {@link KV}. */
  key: string;
  /** Bytes. */
  value: Uint8Array;
  /** Seconds until they are gone. */
  ttl: number;
}

/** The time that one count covers, cut into slots: a slot is the grain in which it slides. */
export interface Span {
  /** Slots that are counted: this one and the ones before it. 1 is a fixed window. */
  slots: number;
  /** Milliseconds of a slot. */
  slotMs: number;
}

/** What {@link Counters.add} found. */
export interface Count {
  /** Whether the amount was added. */
  added: boolean;
  /** The sum over the span, the amount included if it was added. */
  total: number;
  /** Start of the oldest slot that counts, in milliseconds since 1970; 0 when none does. */
  oldest: number;
}

/**
 * Counts over time. One operation, atomic across all processes that share the store: it is what limits
 * and budgets are made of. A slot is `floor(now / slotMs)`; slots outside of the span count no more.
 */
export interface Counters {
  /** Name of the driver, for health and metrics. */
  readonly driver: string;
  /** False when each process counts on its own. */
  readonly shared: boolean;
  /**
   * Adds `amount` (negative gives back) unless the sum over the span would then be over `limit`; a
   * negative amount and a limit of `Infinity` always go in. An amount of 0 reads. What is no number is
   * a TypeError.
   *
   * @param now Milliseconds since 1970. Whatever corrects an earlier addition, up or down, comes with
   * the `now` of that one: in a later slot it would still count after what it corrects has passed.
   */
  add(key: string, amount: number, span: Span, limit: number, now: number): Promise<Count>;
  /** Lets go of connections and files. */
  close(): Promise<void>;
}

/** Fields that a filter may name; Cloudflare's, and ours. */
export type LogField = (typeof logFields)[number];

/** All of {@link LogField}. */
export const logFields = [
  "id",
  "created_at",
  "request_content_type",
  "response_content_type",
  "request_type",
  "success",
  "cached",
  "provider",
  "model",
  "model_type",
  "cost",
  "tokens",
  "tokens_in",
  "tokens_out",
  "duration",
  "feedback",
  "event_id",
  "metadata.key",
  "metadata.value",
  "authentication",
  "wholesale",
  "compatibilityMode",
  "dlp_action",
  "user_agent",
  "status_code",
  "step",
  "path",
  "key_id",
  "end",
  "usage_quality",
] as const;

/** One condition. Several values are alternatives (`neq`: none of them). */
export interface LogFilter {
  /** What is compared. */
  key: LogField;
  /** How. */
  operator: "eq" | "neq" | "contains" | "lt" | "gt";
  /** With what. */
  value: (string | number | boolean | null)[];
}

/** A field to sort by. */
export type LogOrder =
  | "created_at"
  | "provider"
  | "model"
  | "model_type"
  | "success"
  | "cached"
  | "cost"
  | "tokens_in"
  | "tokens_out"
  | "duration"
  | "feedback";

/** Which rows. All conditions hold at once. */
export interface LogSelection {
  /** Id of the gateway; all of them unless given. */
  gateway?: string;
  /** Conditions that hold at once. */
  filters?: LogFilter[];
  /** Text that id, event id, provider, model, path, user agent, metadata or error must contain. */
  search?: string;
  /** By time of creation unless given. */
  order_by?: LogOrder;
  /**
   * Of the sort and of its ties, which are broken by time of creation, then by order of arrival. Unless
   * given, pages begin with the latest and deletions with the earliest. What is not known comes last.
   */
  direction?: "asc" | "desc";
}

/** What `meta_info` asks for: extremes over all selected rows; null where no row has the value. */
export interface LogExtremes {
  /** US dollars, least. */
  min_cost: number | null;
  /** US dollars, most. */
  max_cost: number | null;
  /** Milliseconds, least. */
  min_duration: number | null;
  /** Milliseconds, most. */
  max_duration: number | null;
  /** Tokens, least. */
  min_tokens_in: number | null;
  /** Tokens, most. */
  max_tokens_in: number | null;
  /** Tokens, least. */
  min_tokens_out: number | null;
  /** Tokens, most. */
  max_tokens_out: number | null;
  /** Tokens, least. */
  min_total_tokens: number | null;
  /** Tokens, most. */
  max_total_tokens: number | null;
}

/** Sums over rows, for averages. */
export interface LogSums {
  /** Number of rows. */
  rows: number;
  /** US dollars, of the rows whose cost is known. */
  cost: number;
  /** Rows whose cost is known. */
  costs: number;
  /** Milliseconds. */
  duration: number;
  /** Rows whose duration is known. */
  durations: number;
  /** Rows with a thumb up. */
  likes: number;
  /** Rows with a thumb, up or down. */
  feedbacks: number;
}

/** What may change in a row after it was written; a member that is absent stays. */
export interface LogPatch {
  /** A thumb up or down; null takes it back. */
  feedback?: -1 | 1 | null;
  /** A grade; null takes it back. */
  score?: number | null;
  /** In place of what was there. */
  metadata?: Record<string, string | number | boolean> | null;
}

/** A body as it was stored. */
export interface StoredPayload {
  /** As they were stored. */
  bytes: Uint8Array;
  /** Media type; empty when there was none. */
  type: string;
  /** False when only the beginning was kept. */
  complete: boolean;
}

/** Bytes of bodies. */
export interface LogSizes {
  /** Of each row, the latest first. */
  bytes: number[];
  /** Where the next page begins; null at the end. */
  next: string | null;
}

/** Where a walk goes on, and how far. */
export interface LogWalk {
  /** `next` of the page before, or the id of a row; from the first row on unless given. */
  after?: string;
  /** Most rows. */
  limit: number;
  /** About as long as it may take. */
  milliseconds: number;
}

/** Rows that were met on a walk. */
export interface LogPage {
  /** Without bodies. */
  rows: LogRow[];
  /** What goes on behind them; null at the end. */
  next: string | null;
}

/** A row in the order of arrival. */
export interface Arrival {
  /** Without bodies. */
  row: LogRow;
  /** Where {@link Logs.arrivals} goes on behind this row. */
  place: string;
}

/** Rows of the log. */
export interface Logs {
  /** Name of the driver, for health and metrics. */
  readonly driver: string;
  /** Writes all or nothing. Writing a row whose id is there already changes nothing. */
  append(entries: readonly LogEntry[]): Promise<void>;
  /** One page of rows, without bodies. */
  list(selection: LogSelection, page: { offset: number; limit: number }): Promise<LogRow[]>;
  /** Number of rows. */
  count(selection: LogSelection): Promise<number>;
  /** Extremes of the figures. */
  extremes(selection: LogSelection): Promise<LogExtremes>;
  /** Sums over the rows that are in any of some selections. A store without it has no evaluations. */
  sums?(selections: readonly LogSelection[]): Promise<LogSums>;
  /**
   * How many bytes the bodies of a gateway's rows have, about so many rows at a time, the latest arrivals first.
   * A store without it bounds its bytes by itself, or not at all.
   *
   * @param before `next` of the page before.
   */
  sizes?(gateway: string, before: string | undefined, limit: number): Promise<LogSizes>;
  /** One row of a gateway, or nothing. */
  get(gateway: string, id: string): Promise<LogRow | undefined>;
  /** The body of a row's request or answer, or nothing when none was kept. */
  payload(gateway: string, id: string, which: "request" | "response"): Promise<
    StoredPayload | undefined
  >;
  /** False when there is no such row. */
  patch(gateway: string, id: string, patch: LogPatch): Promise<boolean>;
  /**
   * Rows in the order in which they came, for who must miss none: once a row was given, none shows in
   * front of it any more. So a row may show some seconds late, and one may be given again. None is the end.
   * A store without it cannot be followed.
   *
   * @param after Place of the last row that was seen; from the first row on unless given, or where this is
   * another store than the one that the place is from.
   */
  arrivals?(after: string | undefined, limit: number): Promise<Arrival[]>;
  /** Place of the row that came last, for {@link arrivals}; nothing where there is none. */
  lastPlace?(): Promise<string | undefined>;
  /**
   * A page behind a row, which costs the same wherever it is. Where few rows are selected it may hold less
   * than `limit`, or nothing, after about `milliseconds`, and go on with the next one.
   */
  walk?(selection: LogSelection, page: LogWalk): Promise<LogPage>;
  /** Number of rows, or of some of them where counting all would take longer than `milliseconds`. */
  tally?(selection: LogSelection, milliseconds: number): Promise<{ count: number; exact: boolean }>;
  /** Figures of many rows. A store without it has no analytics. */
  analyze?(query: AnalyticsQuery): Promise<Analysis>;
  /** Deletes at most `limit` rows with their bodies, in the selection's order; the number deleted. */
  delete(selection: LogSelection, limit: number): Promise<number>;
  /** Lets go of connections and files. */
  close(): Promise<void>;
}

/** The stores of one gateway. */
export interface Stores {
  /** Virtual keys, stored provider keys, configuration. */
  keys: KV;
  /** Answers; may forget what it likes. */
  cache: KV;
  /** What limits and budgets count. */
  counters: Counters;
  /** Rows of the log. */
  logs: Logs;
}

/** A key segment for something that a user had a hand in: hex SHA-256. */
export async function digestKey(text: string): Promise<string> {
  const bytes = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
  );
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}
