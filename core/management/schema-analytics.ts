/**
 * What queries of analytics may hold.
 *
 * @module
 */
import * as v from "valibot";
import { type Dimension, dimensions, type Interval } from "../analytics/query.ts";
import { invalid } from "./answer.ts";
import { check } from "./schema.ts";

const flag = v.pipe(
  v.picklist(["true", "false", "1", "0"], "true or false"),
  v.transform((text) => text === "true" || text === "1"),
);
const query = v.object({
  start: v.optional(v.string()),
  end: v.optional(v.string()),
  interval: v.optional(v.picklist(["minute", "hour", "day"])),
  compare: v.optional(flag, "false"),
  order: v.optional(v.picklist(["requests", "cost", "tokens", "errors"]), "requests"),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,3}$/, "a whole number from 1 to 100"),
      v.transform(Number),
      v.check((n) => n >= 1 && n <= 100, "a whole number from 1 to 100"),
    ),
    "10",
  ),
});

/** Query of `analytics`, filters aside. */
export interface AnalyticsParameters {
  /** Milliseconds since 1970. */
  start: number;
  /** Milliseconds since 1970. */
  end: number;
  interval: Interval | undefined;
  group_by: Dimension[];
  compare: boolean;
  order: "requests" | "cost" | "tokens" | "errors";
  /** Groups that are told apart. */
  limit: number;
}

/** @param now Milliseconds since 1970. */
export function analyticsOf(params: URLSearchParams, now: number): AnalyticsParameters {
  const { start, end, ...rest } = check(query, Object.fromEntries(params), "query");
  // What came in this very millisecond is part of the time until now.
  const until = timeOf("end", end) ?? now + 1;
  const from = timeOf("start", start) ?? until - 86_400_000;
  if (from >= until) throw invalid(["query", "start"], "Parameter 'start' must be before 'end'");
  return { ...rest, interval: rest.interval, start: from, end: until, group_by: groupsOf(params) };
}

function timeOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const time = /^\d{10,14}$/.test(text) ? Number(text) : Date.parse(text);
  if (time >= 0 && time < 8e15) return time;
  throw invalid(
    ["query", name],
    `Parameter '${name}' must be a date and time, as 2026-01-31T12:00:00Z, or milliseconds since 1970`,
  );
}

/** `group_by=a,b`, `group_by=a&group_by=b`, `group_by[]=a`. */
function groupsOf(params: URLSearchParams): Dimension[] {
  const given = [...params]
    .filter(([name]) => /^group_by(?:\[\d*\])?$/.test(name))
    .flatMap(([, text]) => text.split(",")).map((text) => text.trim()).filter((text) =>
      text !== ""
    );
  const unique = [...new Set(given)];
  if (unique.length > 3) {
    throw invalid(["query", "group_by"], "Parameter 'group_by' must be 3 dimensions at most");
  }
  for (const dimension of unique) {
    const known = (dimensions as readonly string[]).includes(dimension) ||
      /^metadata\..{1,256}$/s.test(dimension);
    if (known) continue;
    throw invalid(
      ["query", "group_by"],
      `Parameter 'group_by' must be of ${dimensions.join(", ")}, metadata.<name>`,
    );
  }
  return unique as Dimension[];
}
