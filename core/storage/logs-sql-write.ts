/**
 * What changes the log's tables, the way that each database does it best: SQLite at once, row by row
 * with prepared statements; D1 and PostgreSQL in as few ways over the network as they allow.
 *
 * @module
 */
// deno-lint-ignore-file require-await -- what is thrown at once is to be a rejection as well
import type { LogEntry, LogRow } from "../log/row.ts";
import { d1Insert, parcelsOf, postgresInsert } from "./logs-sql-bulk.ts";
import { notePatches } from "./logs-sql-blocks.ts";
import { detailValues, logValues } from "./logs-sql-row.ts";
import {
  type D1,
  detailColumns,
  keepLastSeq,
  lastSeq,
  logColumns,
  migrateD1,
  migratePostgres,
  migrateSync,
} from "./logs-sql-schema.ts";
import {
  d1Folding,
  foldAfter,
  type Folding,
  namesSql,
  postgresFolding,
  sqliteFolding,
} from "./logs-sql-rollups.ts";
import { type SqlDatabase, type SqlRow, type SqlValue, type SyncDatabase, syncSql } from "./sql.ts";

/** SQL that selects rows to delete, by `seq`. */
export interface Doomed {
  sql: string;
  values: SqlValue[];
}

/** What sums for analytics are made with. */
export interface SumOptions {
  /** Entries of metadata that they are kept apart by. */
  names: readonly string[];
  /** Milliseconds since 1970. */
  now(): number;
}

/** Changes of the log's tables. */
export interface LogWriting extends Folding {
  /** All or nothing. */
  append(entries: readonly LogEntry[]): Promise<void>;
  /** @param doomed The rows, at most so many of them. @returns Number of rows deleted. */
  remove(doomed: (limit: number) => Doomed, limit: number): Promise<number>;
}

/** The part of `node:sqlite`'s `DatabaseSync` that is used. */
interface Sqlite extends SyncDatabase {
  prepare(sql: string): {
    all(...values: SqlValue[]): unknown[];
    get(...values: SqlValue[]): unknown;
    run(...values: SqlValue[]): { changes: number | bigint };
  };
}

/** `INSERT` into all named columns. */
const insert = (table: string, columns: string[]) =>
  `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
const names = (columns: typeof logColumns) => columns.map(([name]) => name);
/** Rows that are deleted in one go: the process answers nobody meanwhile. */
const atOnce = 200;
/** Rows that are looked up in one go for deletion. */
const lookedUp = 2000;

/** Writes to SQLite through `node:sqlite`. */
export function sqliteWriting(instance: unknown, { names: apart, now }: SumOptions): LogWriting {
  const database = instance as Sqlite;
  migrateSync(database);
  const { rows, transaction } = syncSql(database);
  database.exec(notePatches);
  transaction(() => namesSql(false).forEach((sql) => rows(sql, JSON.stringify(apart))));
  const folding = sqliteFolding(database, { names: apart, now });
  const foldNow = nowAndThen(folding, foldAfter);
  const last = database.prepare(`SELECT ${lastSeq} AS seq`);
  const noteLast = database.prepare(keepLastSeq);
  const addRow = database.prepare(
    `${insert("sluice_logs", ["seq", ...names(logColumns)])} ON CONFLICT (id) DO NOTHING`,
  );
  const addDetails = database.prepare(
    insert("sluice_log_details", ["seq", ...names(detailColumns), "request", "response"]),
  );
  const addCount = database.prepare(
    `${insert("sluice_log_counts", ["gateway", "total"])} ` +
      "ON CONFLICT (gateway) DO UPDATE SET total = total + excluded.total",
  );
  const removeRow = database.prepare("DELETE FROM sluice_logs WHERE seq = ? AND id = ?");
  const removeDetails = database.prepare("DELETE FROM sluice_log_details WHERE seq = ?");

  function count(gateways: Map<string, number>): void {
    for (const [gateway, rows] of gateways) addCount.run(gateway, rows);
  }

  return {
    async append(entries) {
      const rows: LogRow[] = [];
      transaction(() => {
        let { seq } = last.get() as { seq: number };
        const added = new Map<string, number>();
        const before = seq;
        for (const entry of entries) {
          const values = logValues(entry.row);
          if (Number(addRow.run(seq + 1, ...values).changes) === 0) continue;
          seq++;
          rows.push(entry.row);
          const { request, response } = entry;
          addDetails.run(
            seq,
            ...detailValues(entry),
            request === undefined ? null : request.bytes,
            response === undefined ? null : response.bytes,
          );
          const gateway = values[0] as string;
          added.set(gateway, (added.get(gateway) ?? 0) + 1);
        }
        count(added);
        if (seq > before) folding.note(before + 1, seq);
      });
      if (rows.length > 0) folding.count(rows);
      await foldNow();
    },
    fold: folding.fold,
    async remove(doomed, limit) {
      let deleted = 0;
      while (deleted < limit) {
        const wanted = Math.min(limit - deleted, lookedUp);
        const { sql, values } = doomed(wanted);
        const found = database.prepare(
          `SELECT seq, id, gateway FROM sluice_logs WHERE seq IN (${sql})`,
        ).all(...values) as { seq: number; id: string; gateway: string }[];
        for (let at = 0; at < found.length; at += atOnce) {
          // Others get their turn in between; a row that somebody else deleted by then is not counted.
          if (at > 0 || deleted > 0) await new Promise((done) => setTimeout(done, 0));
          transaction(() => {
            const gone = new Map<string, number>();
            // Rows count, whatever becomes of them.
            while (folding.within());
            noteLast.run();
            for (const { seq, id, gateway } of found.slice(at, at + atOnce)) {
              if (Number(removeRow.run(seq, id).changes) === 0) continue;
              removeDetails.run(seq);
              gone.set(gateway, (gone.get(gateway) ?? 0) - 1);
              deleted++;
            }
            count(gone);
          });
        }
        if (found.length < wanted) break;
      }
      return deleted;
    },
  };
}

/** What D1 takes in one parameter and in one row: 2 MB. */
const d1Limits = { json: 400_000, bodies: 900_000, body: 800_000 };

/** Writes to D1. Bodies over 800,000 bytes are cut, as a row there has 2 MB at most. */
export async function d1Writing(
  d1: D1,
  database: SqlDatabase,
  { names: apart, now }: SumOptions,
): Promise<LogWriting> {
  await migrateD1(d1);
  if (apart.length > 0) {
    await d1.batch(namesSql(false).map((sql) => d1.prepare(sql).bind(JSON.stringify(apart))));
  }
  const folding = d1Folding(d1, database, now);
  // An instance may end after any request: by chance, one of so many folds.
  const foldNow = nowAndThen(folding, 1, 1 / foldAfter);
  return {
    async append(entries) {
      const statements = parcelsOf(entries, d1Limits, apart).flatMap(({ json, bodies: bytes }) =>
        d1Insert.map(({ sql, bodies }) => d1.prepare(sql).bind(json, ...bodies ? [bytes] : []))
      );
      if (statements.length > 0) await d1.batch(statements);
      await foldNow();
    },
    fold: folding.fold,
    async remove(doomed, limit) {
      const { sql, values } = doomed(limit);
      const statements = [
        `DELETE FROM sluice_log_details WHERE seq IN (${sql})`,
        "UPDATE sluice_log_counts SET total = total - (SELECT count(*) FROM sluice_logs AS l " +
        `WHERE l.gateway = sluice_log_counts.gateway AND l.seq IN (${sql}))`,
        `DELETE FROM sluice_logs WHERE seq IN (${sql})`,
      ];
      const results = await d1.batch([
        d1.prepare(keepLastSeq),
        ...statements.map((statement) => d1.prepare(statement).bind(...values)),
      ]);
      return results.at(-1)?.meta?.changes ?? 0;
    },
  };
}

/** Folds with every so many batches, or by chance; what fails is done another time. */
function nowAndThen({ fold }: Folding, every: number, chance = 1): () => Promise<void> {
  let since = 0;
  return async () => {
    if (++since < every || (chance < 1 && Math.random() > chance)) return;
    since = 0;
    try {
      while (await fold());
    } catch {
      // The rows are written, and their sums with them.
    }
  };
}

const noLimits = { json: Infinity, bodies: Infinity, body: Infinity };

/** Writes to PostgreSQL: a batch and a deletion are one statement each, and so one transaction. */
export async function postgresWriting(
  database: SqlDatabase,
  { names: apart, now }: SumOptions,
): Promise<LogWriting> {
  await migratePostgres(database);
  for (const sql of namesSql(true)) await database.prepare(sql).run(JSON.stringify(apart));
  const folding = postgresFolding(database, now);
  const foldNow = nowAndThen(folding, foldAfter);
  return {
    async append(entries) {
      for (const { json, bodies } of parcelsOf(entries, noLimits, apart)) {
        await database.prepare(postgresInsert).run(json, bodies);
      }
      await foldNow();
    },
    fold: folding.fold,
    async remove(doomed, limit) {
      const { sql, values } = doomed(limit);
      const row = await database.prepare(
        "WITH gone AS (DELETE FROM sluice_logs " +
          `WHERE seq IN (${sql}) RETURNING seq, gateway), ` +
          "details AS (DELETE FROM sluice_log_details WHERE seq IN (SELECT seq FROM gone)), " +
          "counted AS (UPDATE sluice_log_counts AS c SET total = c.total - g.rows " +
          "FROM (SELECT gateway, count(*) AS rows FROM gone GROUP BY gateway) AS g " +
          "WHERE c.gateway = g.gateway) SELECT count(*) AS rows FROM gone",
      ).get(...values) as SqlRow;
      return Number(row["rows"]);
    },
  };
}
