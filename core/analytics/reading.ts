/**
 * Answers from sums: which of them answer a question, and how its time is cut into theirs.
 *
 * @module
 */
import type { LogRow } from "../log/row.ts";
import { conditionsOf } from "../storage/logs-conditions.ts";
import { matcherOf } from "../storage/logs-match.ts";
import { type Analysis, type AnalyticsQuery, Grouping, intervals, type Subject } from "./query.ts";
import { type Dims, grains, kept, levels, type Rollup } from "./rollups.ts";

/** A time that sums of one grain answer for. */
export interface Segment {
  /** Index in `grains`. */
  grain: number;
  /** Milliseconds since 1970, included. */
  from: number;
  /** Milliseconds since 1970, not included. */
  to: number;
}

/** Which sums answer a question. */
export interface Reading {
  /** The question's, rounded down to what sums are kept for. */
  start: number;
  /** The same, rounded up. */
  end: number;
  /** Index in `levels`. */
  level: number;
  segments: Segment[];
}

/** Milliseconds that the oldest sums may be gone already. */
const margin = 2 * intervals.hour;

/**
 * Which sums answer a question, or nothing when none do and rows have to be looked at.
 *
 * @param now Milliseconds since 1970.
 * @param since From when on sums are complete, in milliseconds since 1970, by the name of the entry of
 * metadata that they are kept apart by; of all of them under the empty name.
 */
export function readingOf(
  query: AnalyticsQuery,
  now: number,
  since: ReadonlyMap<string, number>,
): Reading | undefined {
  const needed = neededOf(query);
  if (needed === undefined) return undefined;
  const short = levels.findIndex((names) => needed.every((name) => names.includes(name as never)));
  const level = short < 0 ? levels.length - 1 : short;
  const coarsest = grains.indexOf(query.interval ?? "day");
  const oldest = (at: number) => grains.findIndex((_, grain) => at >= now - kept[grain]! + margin);
  const finest = oldest(query.start);
  if (finest < 0 || finest > coarsest) return undefined;
  const step = intervals[grains[finest]!];
  const start = Math.floor(query.start / step) * step;
  // An end that is near is told to the minute, though the start is too long ago for that.
  const last = intervals[grains[oldest(query.end - intervals.day)] ?? "day"];
  const end = Math.ceil(query.end / last) * last;
  const names = needed.flatMap((name) =>
    name.startsWith("metadata.") ? [name.slice("metadata.".length)] : []
  );
  if (["", ...names].some((name) => start < (since.get(name) ?? Infinity))) return undefined;
  return { start, end, level, segments: segmentsOf(start, end, coarsest) };
}

/** Dimensions that a question is about beside the gateway; nothing where it is about something else. */
function neededOf({ group_by = [], filters = [] }: AnalyticsQuery): string[] | undefined {
  const needed: string[] = group_by.filter((name) => name !== "gateway");
  for (const { key, operator, texts, unknown, entry } of conditionsOf({ filters })) {
    const named = key === "metadata.key" && operator === "eq" && texts.length === 1 && !unknown;
    if (Object.hasOwn(byField, key)) needed.push(byField[key]!);
    else if (key === "metadata.value" && entry !== undefined) needed.push(`metadata.${entry}`);
    else if (named) needed.push(`metadata.${texts[0]}`);
    else return undefined;
  }
  return [...new Set(needed)];
}

const byField: Readonly<Record<string, string>> = {
  provider: "provider",
  model: "model",
  key_id: "key",
  status_code: "status",
  cached: "cached",
};

/** Cuts a time into the coarsest steps that fit, and finer ones at both ends. */
function segmentsOf(start: number, end: number, coarsest: number): Segment[] {
  const segments: Segment[] = [];
  const cut = (from: number, to: number, grain: number): void => {
    if (from >= to) return;
    const step = intervals[grains[grain]!];
    const first = Math.ceil(from / step) * step, last = Math.floor(to / step) * step;
    if (grain === 0) segments.push({ grain, from, to });
    else if (first >= last) cut(from, to, grain - 1);
    else {
      cut(from, first, grain - 1);
      segments.push({ grain, from: first, to: last });
      cut(last, to, grain - 1);
    }
  };
  cut(start, end, coarsest);
  return segments;
}

/** Answers a question from the sums of its reading. */
export function analyzeRollups(
  query: AnalyticsQuery,
  { start, end }: Reading,
  rollups: Iterable<Rollup>,
): Analysis {
  const grouping = new Grouping(query);
  const { filters = [] } = query;
  const matches = matcherOf({ filters });
  for (const { gateway, start: at, dims, figures } of rollups) {
    const subject = subjectOf(gateway, dims);
    // The filters are about nothing else than what a subject has.
    if (filters.length > 0 && !matches(subject as LogRow)) continue;
    const stored = JSON.parse(figures) as unknown[];
    grouping.add(subject, at, (sum) => sum.addStored(stored));
  }
  return { start, end, source: "rollups", complete: true, groups: grouping.done() };
}

function subjectOf(gateway: string, json: string): Subject {
  const [provider, model, key_id, status, cached, metadata] = JSON.parse(json) as Dims;
  return {
    gateway,
    provider: provider ?? "",
    model: model ?? "",
    key_id,
    status_code: status ?? 0,
    cached: cached === 1,
    metadata: metadata === null ? null : JSON.parse(metadata) as Subject["metadata"],
  };
}
