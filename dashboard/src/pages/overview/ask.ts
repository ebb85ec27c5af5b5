/** Figures of the analytics API: what is asked for, and what comes. */
import { soon } from "../../api.ts";
import { type Soon, then } from "../../early.ts";
import { type Range, ranges } from "../../range.ts";

export type Interval = "minute" | "hour" | "day";

/** Milliseconds of each. */
export const intervals: Readonly<Record<Interval, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** Milliseconds. */
export interface Percentiles {
  p50: number | null;
  p90: number | null;
  p99: number | null;
}

export const errorKinds = [
  "rate_limited",
  "timeout",
  "client",
  "server",
  "cut",
  "aborted",
] as const;

export interface Figures {
  requests: number;
  attempts: number;
  errors: { total: number } & Record<(typeof errorKinds)[number], number>;
  cached: number;
  /** US dollars. */
  cost: number;
  saved: number;
  unpriced: number;
  tokens_in: number;
  tokens_out: number;
  latency: Percentiles;
  duration: Percentiles;
  first_token: Percentiles;
}

export type GroupValue = string | number | boolean | null;

export interface Group {
  /** Null: what is left of all groups. */
  group: Record<string, GroupValue> | null;
  totals: Figures;
  points: ({ start: string } & Figures)[];
}

interface Span {
  start: string;
  end: string;
  totals: Figures;
  series: Group[];
}

export interface Analysis extends Span {
  interval: Interval;
  complete: boolean;
  /** The same time before. */
  previous?: Span;
}

/** A range in milliseconds since 1970, and the steps that show it best. */
function timesOf({ range, from, to }: Range): [start: number, end: number, Interval] {
  const end = range === "" && to !== "" ? Date.parse(to) : Date.now();
  const start = range === "" && from !== ""
    ? Date.parse(from)
    : end - ranges[range === "" ? "24h" : range] * 60_000;
  const hours = (end - start) / intervals.hour;
  return [start, end, hours <= 2 ? "minute" : hours <= 170 ? "hour" : "day"];
}

export const day: Range = { range: "24h", from: "", to: "" };

/**
 * @param by What is told apart; all is one without it.
 * @param isSum Only the totals are wanted: in large steps, an answer is a fraction of the size.
 * @param isCompared The same time before is wanted as well.
 */
export function analysisPath(
  gateway: string,
  range: Range,
  by: string,
  limit: number,
  isSum = false,
  isCompared = true,
): string {
  const [start, end, interval] = timesOf(range);
  const params = new URLSearchParams({
    start: new Date(start).toISOString(),
    end: new Date(end).toISOString(),
    interval: isSum ? "day" : interval,
    ...isCompared && { compare: "true" },
    ...by !== "" && { group_by: by, limit: String(limit) },
  });
  return `/gateways/${encodeURIComponent(gateway)}/analytics?${params}`;
}

export function analyze(path: string, signal: AbortSignal): Soon<Analysis> {
  return then(soon<Analysis>(path, signal), ({ result }) => result);
}

/** Where each step begins. */
export function stepsOf({ start, end, interval }: Analysis): number[] {
  const step = intervals[interval];
  const from = Math.floor(Date.parse(start) / step) * step;
  const count = Math.max(1, Math.ceil((Date.parse(end) - from) / step));
  return Array.from({ length: count }, (_, i) => from + i * step);
}

/** A figure at each step; what was not there is `none`. */
export function valuesOf<None extends 0 | null>(
  points: Group["points"],
  { start, interval }: { start: string; interval: Interval },
  count: number,
  read: (figures: Figures) => number | null,
  none: None,
): (number | None | null)[] {
  const step = intervals[interval];
  const from = Math.floor(Date.parse(start) / step);
  const values = new Array<number | None | null>(count).fill(none);
  for (const point of points) {
    const at = Math.floor(Date.parse(point.start) / step) - from;
    if (at >= 0 && at < count) values[at] = read(point);
  }
  return values;
}
