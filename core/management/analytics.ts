/**
 * Figures over time: `gateways/{gateway}/analytics`, and `analytics` of all gateways.
 *
 * @module
 */
import { Figures, type FigureValues } from "../analytics/figures.ts";
import {
  type Analysis,
  type AnalyticsQuery,
  type Group,
  type Interval,
  intervals,
} from "../analytics/query.ts";
import { Code } from "../error.ts";
import type { Logs } from "../storage/ports.ts";
import { ApiError, invalid, type Result } from "./answer.ts";
import { filtersOf } from "./filters.ts";
import type { Call, Resource } from "./resource.ts";
import { analyticsOf, type AnalyticsParameters } from "./schema-analytics.ts";
import { settled } from "./settled.ts";

/** `analytics`. */
export const analytics: Resource = {
  "GET analytics": get,
  "GET gateways/:gateway/analytics": get,
};

/** Steps of one series. */
const mostPoints = 3000;
/** Steps of all series together. */
const mostInAll = 30_000;

/** Rows of one group, over time. */
interface Series {
  /** By dimension; null for what is left of all groups. */
  group: Record<string, unknown> | null;
  totals: FigureValues;
  /** Steps without a row are left out. */
  points: ({ start: string } & FigureValues)[];
}

interface Answer {
  /** What is counted begins here: the question's, or the step that it is in. */
  start: string;
  end: string;
  source: Analysis["source"];
  complete: boolean;
  totals: FigureValues;
  series: Series[];
}

async function get({ host, params, query }: Call): Promise<Result> {
  const asked = analyticsOf(query, host.now());
  const { start, end, group_by, compare } = asked;
  const interval = asked.interval ?? usualInterval(end - start);
  assertSize(asked, interval);
  const question: AnalyticsQuery = {
    ...params.gateway !== "" && { gateway: params.gateway },
    start,
    end,
    interval,
    group_by,
    filters: filtersOf(query),
  };
  await settled(host);
  const { logs } = host.stores;
  const found = await analyze(logs, question);
  const kept = latest(found.groups, asked);
  const answer = answerOf(found, asked, kept);
  let previous: Answer | undefined;
  if (compare) {
    const span = found.end - found.start;
    const before = { ...question, start: found.start - span, end: found.start };
    previous = answerOf(await analyze(logs, before), asked, kept);
  }
  return {
    result: {
      interval,
      group_by,
      ...answer,
      ...previous !== undefined && { previous },
    },
  };
}

async function analyze(logs: Logs, query: AnalyticsQuery): Promise<Analysis> {
  if (logs.analyze !== undefined) return await logs.analyze(query);
  const message = `The store of the log (${logs.driver}) has no analytics; ` +
    "those of memory, SQLite, D1 and PostgreSQL have";
  throw new ApiError(501, [{ code: Code.notServed, message }]);
}

function usualInterval(span: number): Interval {
  if (span <= 6 * intervals.hour) return "minute";
  return span <= 7 * intervals.day ? "hour" : "day";
}

function assertSize({ start, end, group_by, limit }: AnalyticsParameters, interval: Interval) {
  const points = (end - start) / intervals[interval];
  const series = group_by.length === 0 ? 1 : limit + 1;
  if (points <= mostPoints && points * series <= mostInAll) return;
  throw invalid(
    ["query", "interval"],
    `There are too many steps of a ${interval} from 'start' to 'end'; ask for longer ones, ` +
      "less time or a smaller 'limit'",
  );
}

/** Keys of the groups that are told apart: the largest. */
function latest(groups: Group[], { order, limit }: AnalyticsParameters): string[] {
  return groups.toSorted((a, b) => b.figures.rank(order) - a.figures.rank(order))
    .slice(0, limit).map(({ values }) => JSON.stringify(values));
}

function answerOf(
  { start, end, source, complete, groups }: Analysis,
  { group_by }: AnalyticsParameters,
  kept: readonly string[],
): Answer {
  const totals = new Figures();
  for (const { figures } of groups) totals.merge(figures);
  const byKey = new Map(groups.map((group) => [JSON.stringify(group.values), group]));
  const series = kept.flatMap((key) => {
    const group = byKey.get(key);
    byKey.delete(key);
    if (group === undefined) return [];
    const names = group_by.map((name, i) => [name, group.values[i]]);
    return [seriesOf(Object.fromEntries(names), group)];
  });
  if (byKey.size > 0) {
    const rest: Group = { values: [], figures: new Figures(), points: new Map() };
    for (const { figures, points } of byKey.values()) {
      rest.figures.merge(figures);
      for (const [at, point] of points) {
        let sum = rest.points.get(at);
        if (sum === undefined) rest.points.set(at, sum = new Figures());
        sum.merge(point);
      }
    }
    series.push(seriesOf(null, rest));
  }
  const times = { start: new Date(start).toISOString(), end: new Date(end).toISOString() };
  return { ...times, source, complete, totals: totals.values(), series };
}

function seriesOf(group: Series["group"], { figures, points }: Group): Series {
  return {
    group,
    totals: figures.values(),
    points: [...points].sort(([a], [b]) => a - b).map(([at, point]) => ({
      start: new Date(at).toISOString(),
      ...point.values(),
    })),
  };
}
