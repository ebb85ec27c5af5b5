/**
 * What is counted of rows, and how two counts become one.
 *
 * @module
 */
import type { LogRow } from "../log/row.ts";
import { Sketch } from "./sketch.ts";

/** Kinds of failures, each row being of one at most. */
const errorKinds: readonly ErrorKind[] = [
  /** Status 429, the provider's or the gateway's own. */
  "rate_limited",
  /** Status 408 or 504, or nothing came for too long. */
  "timeout",
  /** Another status from 400 to 499. */
  "client",
  /** Another status of 500 or more, or none at all. */
  "server",
  /** The answer broke off. */
  "cut",
  /** The client left before the end. */
  "aborted",
];

/** What a row without success failed by. */
export type ErrorKind = "rate_limited" | "timeout" | "client" | "server" | "cut" | "aborted";

/** Sums by their place where they are stored, the kinds of failures behind them. */
const at = {
  attempts: 0,
  requests: 1,
  cached: 2,
  cost: 3,
  saved: 4,
  unpriced: 5,
  tokens_in: 6,
  tokens_out: 7,
  tokens_cached: 8,
  tokens_reasoning: 9,
} as const;
const firstKind = 10;
const length = firstKind + errorKinds.length;

/** What there are percentiles of, in the order in which they are stored. */
const measures = ["latency", "duration", "first_token", "tokens_per_second"] as const;

/** Percentiles of one measure; null where nothing was measured. */
export interface Percentiles {
  /** The median. */
  p50: number | null;
  /** What nine of ten are not above. */
  p90: number | null;
  /** What 99 of a hundred are not above. */
  p99: number | null;
}

/** Figures as they are shown. */
export interface FigureValues {
  /** Requests of clients, whatever it took to answer them. */
  requests: number;
  /** Rows: attempts, and answers without one. */
  attempts: number;
  /** Rows without success, and of which kind. */
  errors: { total: number } & Record<ErrorKind, number>;
  /** Rows answered from the cache. */
  cached: number;
  /** US dollars that were paid, as far as prices are known. */
  cost: number;
  /** US dollars that answers from the cache would have cost. */
  saved: number;
  /** Successful rows whose price is not known. */
  unpriced: number;
  /** Tokens, cached ones included; answers from the cache count as what they hold. */
  tokens_in: number;
  /** Tokens, reasoning included. */
  tokens_out: number;
  /** Part of `tokens_in` that providers had in their caches. */
  tokens_cached: number;
  /** Part of `tokens_out`. */
  tokens_reasoning: number;
  /** Milliseconds to the head of the answer, as all four of successful answers by providers. */
  latency: Percentiles;
  /** Milliseconds to its end. */
  duration: Percentiles;
  /** Milliseconds to the first content of a stream. */
  first_token: Percentiles;
  /** Output tokens by the time they took: from the first content of a stream, or all of it. */
  tokens_per_second: Percentiles;
}

/** Counts of rows. */
export class Figures {
  readonly #sums: number[] = new Array(length).fill(0);
  readonly #sketches: Sketch[] = measures.map(() => new Sketch());

  /** Counts a row. */
  add(row: LogRow): void {
    const all = this.#sums;
    const { usage, timings, tokens_out } = row;
    all[at.attempts]!++;
    if (row.id === row.request_id) all[at.requests]!++;
    all[at.tokens_in]! += amount(row.tokens_in);
    all[at.tokens_out]! += amount(tokens_out);
    if (usage !== null) {
      all[at.tokens_cached]! += amount(usage.cache_read);
      all[at.tokens_reasoning]! += amount(usage.reasoning);
    }
    if (row.cached) {
      all[at.cached]!++;
      all[at.saved]! += amount(row.cost_parts?.saved);
    }
    all[at.cost]! += amount(row.cost);
    if (!row.success) {
      all[firstKind + errorKinds.indexOf(kindOf(row))]!++;
      return;
    }
    if (row.cost === null) all[at.unpriced]!++;
    if (row.cached) return;
    const { latency, total, first_token } = timings;
    const [heads, ends, tokens, speeds] = this.#sketches;
    heads!.add(latency);
    ends!.add(total);
    tokens!.add(first_token);
    const took = total - (first_token ?? 0);
    if (tokens_out !== null && tokens_out > 0 && took > 0) {
      speeds!.add(tokens_out / took * 1000);
    }
  }

  /** Adds what {@link stored} made of others. */
  addStored(stored: readonly unknown[]): void {
    for (let i = 0; i < length; i++) this.#sums[i]! += Number(stored[i] ?? 0);
    for (let i = 0; i < measures.length; i++) {
      const numbers = stored[length + i];
      if (Array.isArray(numbers)) this.#sketches[i]!.addStored(numbers as number[]);
    }
  }

  /** Adds others. */
  merge(others: Figures): void {
    for (let i = 0; i < length; i++) this.#sums[i]! += others.#sums[i]!;
    for (let i = 0; i < measures.length; i++) {
      this.#sketches[i]!.merge(others.#sketches[i]!);
    }
  }

  /** JSON for {@link addStored}. */
  stored(): unknown[] {
    return [...this.#sums, ...this.#sketches.map((sketch) => sketch.stored())];
  }

  /** As they are shown. */
  values(): FigureValues {
    const all = this.#sums;
    const byKind = Object.fromEntries(errorKinds.map((kind, i) => [kind, all[firstKind + i]!]));
    const total = Object.values(byKind).reduce((sum, n) => sum + n, 0);
    const [latency, duration, first_token, tokens_per_second] = this.#sketches.map(percentilesOf);
    return {
      requests: all[at.requests]!,
      attempts: all[at.attempts]!,
      errors: { total, ...byKind as Record<ErrorKind, number> },
      cached: all[at.cached]!,
      cost: all[at.cost]!,
      saved: all[at.saved]!,
      unpriced: all[at.unpriced]!,
      tokens_in: all[at.tokens_in]!,
      tokens_out: all[at.tokens_out]!,
      tokens_cached: all[at.tokens_cached]!,
      tokens_reasoning: all[at.tokens_reasoning]!,
      latency: latency!,
      duration: duration!,
      first_token: first_token!,
      tokens_per_second: tokens_per_second!,
    };
  }

  /** What groups are sorted by. */
  rank(by: "requests" | "cost" | "tokens" | "errors"): number {
    const all = this.#sums;
    if (by === "cost") return all[at.cost]!;
    if (by === "tokens") return all[at.tokens_in]! + all[at.tokens_out]!;
    if (by === "errors") return all.slice(firstKind).reduce((sum, n) => sum + n, 0);
    return all[at.attempts]!;
  }
}

/** What a provider says may be anything. */
function amount(value: number | null | undefined): number {
  return typeof value === "number" && value > 0 && value < 1e15 ? value : 0;
}

function percentilesOf(sketch: Sketch): Percentiles {
  const [p50, p90, p99] = sketch.percentiles([0.5, 0.9, 0.99]).map((value) =>
    value === null ? null : Number(value.toPrecision(4))
  );
  return { p50: p50!, p90: p90!, p99: p99! };
}

/** Which kind of failure a row without success is. */
function kindOf({ status_code: status, end }: LogRow): ErrorKind {
  if (end === "client_abort") return "aborted";
  if (status === 429) return "rate_limited";
  if (status === 408 || status === 504 || end === "stalled") return "timeout";
  if (status >= 400 && status < 500) return "client";
  return status >= 500 || status < 200 || end === "error" ? "server" : "cut";
}
