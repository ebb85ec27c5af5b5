/**
 * Questions about many rows: over which time, in which steps, by what, of which rows.
 *
 * @module
 */
import type { LogRow } from "../log/row.ts";
import { cleanText } from "../storage/logs-conditions.ts";
import type { LogFilter } from "../storage/ports.ts";
import { Figures } from "./figures.ts";

/** A step of time, in UTC. */
export type Interval = "minute" | "hour" | "day";

/** Milliseconds of each {@link Interval}. */
export const intervals: Readonly<Record<Interval, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** What rows are grouped by; of `metadata.` the name of an entry follows. */
export type Dimension =
  | "gateway"
  | "provider"
  | "model"
  | "key"
  | "status"
  | "cached"
  | `metadata.${string}`;

/** All of {@link Dimension} but those of metadata. */
export const dimensions = ["gateway", "provider", "model", "key", "status", "cached"] as const;

/** Value of a dimension; null where a row has none. */
export type GroupValue = string | number | boolean | null;

/** A question. */
export interface AnalyticsQuery {
  /** Id; all gateways unless given. */
  gateway?: string;
  /** Milliseconds since 1970, included. */
  start: number;
  /** Milliseconds since 1970, not included. */
  end: number;
  /** Steps of the series; none unless given. */
  interval?: Interval;
  /** One group for each combination of values that there is. */
  group_by?: readonly Dimension[];
  /** As for a list of rows. */
  filters?: LogFilter[];
}

/** Rows of one group. */
export interface Group {
  /** One for each dimension that was asked for. */
  values: GroupValue[];
  /** All of them. */
  figures: Figures;
  /** By the beginning of each step that has some, in milliseconds since 1970. */
  points: Map<number, Figures>;
}

/** An answer. */
export interface Analysis {
  /** What is counted begins here: the question's start, or the beginning of the step that it is in. */
  start: number;
  /** And ends here. */
  end: number;
  /** From sums that were kept all along, or from the rows that are there now. */
  source: "rollups" | "rows";
  /** False where there were too many rows to look at: the latest of them are counted. */
  complete: boolean;
  /** In no order. */
  groups: Group[];
}

/** What is grouped and filtered of a row. */
export type Subject = Pick<
  LogRow,
  "gateway" | "provider" | "model" | "key_id" | "status_code" | "cached" | "metadata"
>;

/** The value of a dimension. */
export function valueOf(row: Subject, dimension: Dimension): GroupValue {
  switch (dimension) {
    case "key":
      return row.key_id;
    case "status":
      return row.status_code;
    case "gateway":
    case "provider":
    case "model":
    case "cached":
      return row[dimension];
  }
  const name = dimension.slice("metadata.".length);
  const { metadata } = row;
  return metadata !== null && Object.hasOwn(metadata, name) ? metadata[name] ?? null : null;
}

/** Puts rows, or sums of them, into groups. */
export class Grouping {
  readonly #groups = new Map<string, Group>();
  readonly #by: readonly Dimension[];
  readonly #step: number | undefined;

  constructor({ group_by = [], interval }: Pick<AnalyticsQuery, "group_by" | "interval">) {
    this.#by = group_by;
    this.#step = interval && intervals[interval];
  }

  /** @param at Milliseconds since 1970. @param count Told of all figures that are to count. */
  add(row: Subject, at: number, count: (figures: Figures) => void): void {
    const values = this.#by.map((dimension) => {
      const value = valueOf(row, dimension);
      return typeof value === "string" ? cleanText(value) : value;
    });
    const key = JSON.stringify(values);
    let group = this.#groups.get(key);
    if (group === undefined) {
      this.#groups.set(key, group = { values, figures: new Figures(), points: new Map() });
    }
    if (this.#step === undefined) return count(group.figures);
    const start = Math.floor(at / this.#step) * this.#step;
    let point = group.points.get(start);
    if (point === undefined) group.points.set(start, point = new Figures());
    count(point);
  }

  /** All groups, in no order. */
  done(): Group[] {
    const groups = [...this.#groups.values()];
    for (const { figures, points } of groups) {
      for (const point of points.values()) figures.merge(point);
    }
    return groups;
  }
}

/** Answers by looking at rows, which are those of the question already. */
export function analyzeRows(query: AnalyticsQuery, rows: Iterable<LogRow>): Analysis {
  const grouping = new Grouping(query);
  for (const row of rows) grouping.add(row, row.created_at, (figures) => figures.add(row));
  const { start, end } = query;
  return { start, end, source: "rows", complete: true, groups: grouping.done() };
}

/** The question's rows, as a selection. */
export function rowsOf({ gateway, start, end, filters = [] }: AnalyticsQuery): {
  gateway?: string;
  filters: LogFilter[];
} {
  return {
    ...gateway !== undefined && { gateway },
    filters: [
      // Whole milliseconds, and times with a fraction of one: both bounds are as the question says.
      { key: "created_at", operator: "gt", value: [below(start)] },
      { key: "created_at", operator: "lt", value: [end] },
      ...filters,
    ],
  };
}

/** The largest number under a time. */
function below(time: number): number {
  return time - Math.max(Math.abs(time) * Number.EPSILON / 2, Number.MIN_VALUE);
}
