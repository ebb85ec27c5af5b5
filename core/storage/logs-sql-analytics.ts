/**
 * Answers questions about many rows in a database: from sums where they can, else from the rows.
 *
 * @module
 */
import type { Figures } from "../analytics/figures.ts";
import { type Analysis, type AnalyticsQuery, Grouping, rowsOf } from "../analytics/query.ts";
import { analyzeRollups, readingOf } from "../analytics/reading.ts";
import type { Rollup } from "../analytics/rollups.ts";
import { type Query, whereOf } from "./logs-sql-filter.ts";
import { rowColumns, rowOf } from "./logs-sql-row.ts";
import type { Dialect } from "./logs-sql-schema.ts";
import type { RunQuery } from "./logs-sql-walk.ts";

/** What {@link sqlAnalytics} needs. */
export interface SqlAnalyticsOptions {
  dialect: Dialect;
  query(): Query;
  rows: RunQuery;
  /** Milliseconds since 1970. */
  now(): number;
  /** Rows that are looked at, at most. */
  most: number;
  /** Brings batches into the sums; false when all of them are. */
  fold(): Promise<boolean>;
}

/** Rows that are read in one go. */
const atOnce = 2000;

/** `analyze` of a log. */
export function sqlAnalytics(
  options: SqlAnalyticsOptions,
): (query: AnalyticsQuery) => Promise<Analysis> {
  const { query, rows, now, most, fold } = options;

  async function sinceOf(): Promise<Map<string, number>> {
    const found = await rows("SELECT name, since FROM sluice_rollup_names", query());
    return new Map(found.map(({ name, since }) => [String(name), Number(since)]));
  }

  async function fromSums(asked: AnalyticsQuery): Promise<Analysis | undefined> {
    const reading = readingOf(asked, now(), await sinceOf());
    if (reading === undefined) return undefined;
    while (await fold());
    const found: Rollup[] = [];
    for (const { grain, from, to } of reading.segments) {
      const q = query();
      const of = asked.gateway === undefined
        ? "IN (SELECT gateway FROM sluice_log_counts)"
        : `= ${q.bind(asked.gateway)}`;
      const sums = await rows(
        `SELECT gateway, start, dims, figures FROM sluice_rollups WHERE gateway ${of} ` +
          `AND grain = ${q.bind(grain)} AND level = ${q.bind(reading.level)} ` +
          `AND start >= ${q.bind(from)} AND start < ${q.bind(to)}`,
        q,
      );
      for (const sum of sums) found.push(sum as unknown as Rollup);
    }
    return analyzeRollups(asked, reading, found);
  }

  async function fromRows(asked: AnalyticsQuery): Promise<Analysis> {
    const grouping = new Grouping(asked);
    let seen = 0;
    let last: { created_at: number; seq: number } | undefined;
    for (;;) {
      const q = query();
      const { sql } = whereOf(q, rowsOf(asked));
      const behind = last === undefined ? "TRUE" : `created_at <= ${q.bind(last.created_at)} AND ` +
        `(created_at < ${q.bind(last.created_at)} OR seq < ${q.bind(last.seq)})`;
      const limit = Math.min(atOnce, most - seen);
      const part = await rows(
        `SELECT l.seq AS seq, ${rowColumns} FROM (SELECT seq FROM sluice_logs ` +
          `WHERE (${sql}) AND ${behind} ORDER BY created_at DESC, seq DESC ` +
          `LIMIT ${q.bind(limit)}) AS p JOIN sluice_logs AS l ON l.seq = p.seq ` +
          "JOIN sluice_log_details AS d ON d.seq = l.seq ORDER BY l.created_at DESC, l.seq DESC",
        q,
      );
      for (const record of part) {
        const row = rowOf(record);
        grouping.add(row, row.created_at, (figures: Figures) => figures.add(row));
      }
      seen += part.length;
      const { start, end } = asked;
      if (part.length < limit || seen >= most) {
        const complete = part.length < limit;
        return { start, end, source: "rows", complete, groups: grouping.done() };
      }
      const { created_at, seq } = part.at(-1)!;
      last = { created_at: Number(created_at), seq: Number(seq) };
      // Others get their turn.
      await new Promise((done) => setTimeout(done, 0));
    }
  }

  return async (asked) => await fromSums(asked) ?? await fromRows(asked);
}
