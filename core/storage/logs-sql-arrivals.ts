/**
 * Rows of the log in the order of arrival, from a database.
 *
 * `seq` is that order where one writes at a time: SQLite, D1. PostgreSQL hands numbers out before rows
 * can be seen, so a lower one may show after a higher one; there, rows are given once everybody is done
 * who was writing when they were looked at.
 *
 * @module
 */
import { rowColumns, rowOf } from "./logs-sql-row.ts";
import { type Dialect, lastSeq } from "./logs-sql-schema.ts";
import type { Arrival, Logs } from "./ports.ts";
import type { SqlRow, SqlValue } from "./sql.ts";

/** Runs one statement. */
type Run = (sql: string, ...values: SqlValue[]) => Promise<SqlRow[]>;

/** Milliseconds between two looks at who is writing, and how many of them. */
const pause = 20, looks = 50;

/** Transactions that write to the table. One that has a number of it has this lock, too. */
const writing = "SELECT virtualtransaction AS id FROM pg_locks WHERE locktype = 'relation' " +
  "AND mode = 'RowExclusiveLock' AND granted AND relation = 'sluice_logs'::regclass " +
  "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/** The highest number that PostgreSQL has handed out. */
const lastGiven =
  "coalesce(pg_sequence_last_value(pg_get_serial_sequence('sluice_logs', 'seq')::regclass), 0)";

/** {@link Logs.arrivals} over `sluice_logs`. A place is `<seq>:<id>`. */
export function sqlArrivals(dialect: Dialect, run: Run): NonNullable<Logs["arrivals"]> {
  const n = (i: number) => dialect === "sqlite" ? "?" : `$${i}`;

  /** The number behind which reading goes on. */
  async function from(after: string | undefined): Promise<number> {
    const [, digits, id] = /^(\d{1,15}):(.*)$/s.exec(after ?? "") ?? [];
    if (digits === undefined) return 0;
    const seq = Number(digits);
    const [found] = await run(`SELECT id FROM sluice_logs WHERE seq = ${n(1)}`, seq);
    if (found !== undefined) return found["id"] === id ? seq : 0;
    const [last] = await run(`SELECT ${dialect === "sqlite" ? lastSeq : lastGiven} AS seq`);
    return Number(last?.["seq"]) < seq ? 0 : seq; // a log that began anew has not come so far
  }

  /** The number up to which no row can show any more; nothing while somebody is writing for long. */
  async function settled(): Promise<number | undefined> {
    const [top] = await run("SELECT coalesce(max(seq), 0) AS seq FROM sluice_logs");
    let writers: unknown[] | undefined;
    for (let look = 0; look < looks; look++) {
      const now = (await run(writing)).map(({ id }) => id);
      writers = (writers ?? now).filter((id) => now.includes(id));
      if (writers.length === 0) return Number(top?.["seq"]);
      await new Promise((done) => setTimeout(done, pause));
    }
    return undefined;
  }

  return async (after, limit) => {
    const seq = await from(after);
    const most = dialect === "sqlite" ? Number.MAX_SAFE_INTEGER : await settled();
    if (most === undefined || most <= seq) return [];
    const found = await run(
      `SELECT l.seq AS seq, ${rowColumns} FROM sluice_logs AS l ` +
        "JOIN sluice_log_details AS d ON d.seq = l.seq " +
        `WHERE l.seq > ${n(1)} AND l.seq <= ${n(2)} ORDER BY l.seq LIMIT ${n(3)}`,
      seq,
      most,
      limit,
    );
    return found.map((record): Arrival => {
      const row = rowOf(record);
      return { row, place: `${record["seq"]}:${row.id}` };
    });
  };
}
