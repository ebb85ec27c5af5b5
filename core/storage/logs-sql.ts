/**
 * The log in a database: SQLite through `node:sqlite`, Cloudflare D1, PostgreSQL.
 *
 * @module
 */
import { metadataText } from "./logs-conditions.ts";
import { figures } from "./logs-match.ts";
import { sqlArrivals } from "./logs-sql-arrivals.ts";
import { sqlAnalytics } from "./logs-sql-analytics.ts";
import type { LogBlocks } from "./logs-sql-blocks.ts";
import { columnOf, isCovered, orderOf, Query, whereOf } from "./logs-sql-filter.ts";
import { keptOf, rowColumns, rowOf } from "./logs-sql-row.ts";
import type { D1, Dialect } from "./logs-sql-schema.ts";
import { sqlWalks } from "./logs-sql-walk.ts";
import { d1Writing, type LogWriting, postgresWriting, sqliteWriting } from "./logs-sql-write.ts";
import type {
  LogExtremes,
  LogField,
  LogPatch,
  Logs,
  LogSelection,
  LogSums,
  StoredPayload,
} from "./ports.ts";
import type { SqlDatabase, SqlRow } from "./sql.ts";

/** How {@link sqlLogs} works. */
export interface SqlLogsOptions {
  /** Milliseconds since 1970; `Date.now` unless given. */
  now?: () => number;
  /** Entries of metadata that analytics keep sums for; all instances must have the same. */
  metadata?: readonly string[];
  /** Rows that analytics look at where sums have no answer: 200,000, and 10,000 on D1, unless given. */
  mostRows?: number;
}

/** Newest rows among which a page is looked for before all rows are. */
const recent = 20_000;
/** The table, row by row. */
const inOrder = "sluice_logs NOT INDEXED";

/**
 * The log over a database of db0: of the connectors `node-sqlite` and `cloudflare-d1`, or one that speaks
 * PostgreSQL's dialect. Tables come to be with the first use. `close` leaves the database open: it is
 * closed by whoever opened it.
 *
 * Each method rejects as its database does. An error of another version's tables says so.
 */
export function sqlLogs(database: SqlDatabase, options: SqlLogsOptions = {}): Logs {
  const { now = Date.now, metadata: names = [] } = options;
  const { connector } = database;
  const dialect: Dialect = database.dialect === "postgresql" ? "postgresql" : "sqlite";
  const d1 = connector === "cloudflare-d1";
  if (dialect === "sqlite" && !d1 && connector !== "node-sqlite") {
    throw new TypeError(
      `The log cannot be kept through the connector '${connector}'; ` +
        "those of node-sqlite, cloudflare-d1 and PostgreSQL can",
    );
  }
  const query = () => new Query(dialect, dialect === "sqlite" && !d1);

  let opened: LogWriting | undefined;
  /** No promise is kept: on Workers one request may not wait for what another has begun. */
  async function ready(): Promise<LogWriting> {
    return opened ??= await open();
  }
  async function open(): Promise<LogWriting> {
    const sums = { names, now };
    if (dialect === "postgresql") return await postgresWriting(database, sums);
    const instance = await database.getInstance();
    return d1 ? await d1Writing(instance as D1, database, sums) : sqliteWriting(instance, sums);
  }

  let blocks: LogBlocks | undefined;
  async function known(): Promise<LogBlocks> {
    const { LogBlocks } = await import("./logs-sql-blocks.ts");
    return blocks ??= new LogBlocks(async (sql, ...values) => {
      await ready();
      return await database.prepare(sql).all(...values) as SqlRow[];
    });
  }

  async function rows(sql: string, { values }: Query): Promise<SqlRow[]> {
    await ready();
    return await database.prepare(sql).all(...values) as SqlRow[];
  }

  /**
   * What a selection walks through. Where the index over time lacks a column that is asked for, a walk
   * through the table itself is shorter than one through the index that looks into the table for each
   * row; unless the gateway has few of all rows.
   */
  async function tableOf(selection: LogSelection, fields: readonly LogField[]): Promise<string> {
    const { covered, narrow } = whereOf(query(), selection);
    const indexed = "sluice_logs";
    if (dialect !== "sqlite" || narrow || (covered && fields.every(isCovered))) return indexed;
    if (selection.gateway === undefined) return inOrder;
    const q = query();
    const own = `CASE WHEN gateway = ${q.bind(selection.gateway)} THEN total ELSE 0 END`;
    const [row] = await rows(
      `SELECT sum(${own}) AS own, sum(total) AS total FROM sluice_log_counts`,
      q,
    );
    return Number(row?.["own"]) * 5 < Number(row?.["total"]) ? indexed : inOrder;
  }

  async function page(
    table: string,
    selection: LogSelection,
    { offset, limit }: { offset: number; limit: number },
    since?: number,
  ): Promise<SqlRow[]> {
    const q = query();
    const { sql } = whereOf(q, selection);
    const bound = since === undefined ? "" : ` AND created_at >= ${q.bind(since)}`;
    const seqs = `SELECT seq FROM ${table} WHERE ${sql}${bound} ${orderOf(selection, true)} ` +
      `LIMIT ${q.bind(limit)} OFFSET ${q.bind(offset)}`;
    return await rows(
      `SELECT ${rowColumns} FROM (${seqs}) AS p JOIN sluice_logs AS l ON l.seq = p.seq ` +
        `JOIN sluice_log_details AS d ON d.seq = l.seq ${orderOf(selection, true, "l.")}`,
      q,
    );
  }

  /** Since when the newest rows are, where a page of the newest is asked for. */
  async function sinceOf(selection: LogSelection): Promise<number | undefined> {
    const { gateway, order_by = "created_at", direction = "desc" } = selection;
    if (gateway === undefined || order_by !== "created_at" || direction !== "desc") {
      return undefined;
    }
    const q = query();
    const [row] = await rows(
      `SELECT created_at FROM sluice_logs WHERE gateway = ${q.bind(gateway)} ` +
        `ORDER BY created_at DESC LIMIT 1 OFFSET ${q.bind(recent)}`,
      q,
    );
    return row?.["created_at"] as number | undefined;
  }

  return {
    driver: d1 ? "d1" : dialect,
    async append(entries) {
      await (await ready()).append(entries);
    },
    async list(selection, bounds) {
      const table = await tableOf(selection, [selection.order_by ?? "created_at"]);
      const since = table === inOrder ? await sinceOf(selection) : undefined;
      if (since !== undefined) {
        const found = await page("sluice_logs", selection, bounds, since);
        if (found.length >= bounds.limit) return found.map(rowOf);
      }
      return (await page(table, selection, bounds)).map(rowOf);
    },
    async count(selection) {
      const q = query();
      const { filters = [], search = "", gateway } = selection;
      if (filters.length === 0 && search === "") {
        const of = gateway === undefined ? "" : ` WHERE gateway = ${q.bind(gateway)}`;
        const [row] = await rows(`SELECT sum(total) AS n FROM sluice_log_counts${of}`, q);
        return Number(row?.["n"] ?? 0);
      }
      const table = await tableOf(selection, []);
      const { sql } = whereOf(q, selection);
      const [row] = await rows(`SELECT count(*) AS n FROM ${table} WHERE ${sql}`, q);
      return Number(row!["n"]);
    },
    async extremes(selection) {
      const q = query();
      const table = await tableOf(selection, ["cost"]);
      const { sql } = whereOf(q, selection);
      const wanted = figures.flatMap(([name, field]) =>
        ["min", "max"].map((of) => `${of}(${columnOf(field)}) AS ${of}_${name}`)
      );
      const [row] = await rows(`SELECT ${wanted.join(", ")} FROM ${table} WHERE ${sql}`, q);
      return { ...row } as unknown as LogExtremes;
    },
    async sums(selections) {
      const q = query();
      const [first] = selections;
      // Several are met on one walk through the table.
      const table = first !== undefined && selections.length === 1
        ? await tableOf(first, ["cost", "duration", "feedback"])
        : dialect === "sqlite"
        ? inOrder
        : "sluice_logs";
      const any = selections.map((selection) => `(${whereOf(q, selection).sql})`);
      const [row] = await rows(
        "SELECT count(*) AS rows, sum(cost) AS cost, count(cost) AS costs, " +
          "sum(duration) AS duration, count(duration) AS durations, " +
          "sum(CASE WHEN feedback = 1 THEN 1 ELSE 0 END) AS likes, count(feedback) AS feedbacks " +
          `FROM ${table} WHERE ${any.join(" OR ") || "FALSE"}`,
        q,
      );
      return Object.fromEntries(
        Object.entries(row!).map(([name, value]) => [name, Number(value ?? 0)]),
      ) as unknown as LogSums;
    },
    async sizes(gateway, before, limit) {
      const q = query();
      const from = before === undefined ? "" : ` AND l.seq < ${q.bind(Number(before))}`;
      // Only their headers are read: the database knows how long a body is.
      const found = await rows(
        "SELECT l.seq, coalesce(length(d.request), 0) + coalesce(length(d.response), 0) AS bytes " +
          "FROM sluice_logs AS l JOIN sluice_log_details AS d ON d.seq = l.seq " +
          `WHERE ${dialect === "sqlite" ? "+" : ""}l.gateway = ${q.bind(gateway)}${from} ` +
          `ORDER BY l.seq DESC LIMIT ${q.bind(limit)}`,
        q,
      );
      const last = found.at(-1)?.["seq"];
      return {
        bytes: found.map(({ bytes }) => Number(bytes)),
        next: found.length < limit ? null : String(last),
      };
    },
    async get(gateway, id) {
      const q = query();
      const [row] = await rows(
        `SELECT ${rowColumns} FROM sluice_logs AS l JOIN sluice_log_details AS d ON d.seq = l.seq ` +
          `WHERE l.id = ${q.bind(id)} AND l.gateway = ${q.bind(gateway)}`,
        q,
      );
      return row && rowOf(row);
    },
    async payload(gateway, id, which) {
      const q = query();
      const [row] = await rows(
        `SELECT d.detail, d.${which} AS bytes, l.${which}_content_type AS type ` +
          "FROM sluice_logs AS l JOIN sluice_log_details AS d ON d.seq = l.seq " +
          `WHERE l.id = ${q.bind(id)} AND l.gateway = ${q.bind(gateway)}`,
        q,
      );
      return row && payloadOf(row, which);
    },
    async patch(gateway, id, patch) {
      const q = query();
      const of = () => `WHERE id = ${q.bind(id)} AND gateway = ${q.bind(gateway)}`;
      const changes = changesOf(q, patch);
      const sql = changes.length === 0
        ? `SELECT id FROM sluice_logs ${of()}`
        : `UPDATE sluice_logs SET ${changes.join(", ")} ${of()} RETURNING id`;
      return (await rows(sql, q)).length > 0;
    },
    ...sqlWalks(dialect, query, rows, dialect === "sqlite" && !d1 ? known : undefined),
    analyze: sqlAnalytics({
      dialect,
      query,
      rows,
      now,
      most: options.mostRows ?? (d1 ? 10_000 : 200_000),
      fold: async () => await (await ready()).fold(),
    }),
    async lastPlace() {
      const sql = "SELECT seq, id FROM sluice_logs ORDER BY seq DESC LIMIT 1";
      const [row] = await rows(sql, query());
      return row && `${row["seq"]}:${row["id"]}`;
    },
    arrivals: sqlArrivals(dialect, async (sql, ...values) => {
      await ready();
      return await database.prepare(sql).all(...values) as SqlRow[];
    }),
    async delete(selection, limit) {
      if (!(limit > 0)) return 0;
      const table = await tableOf(selection, [selection.order_by ?? "created_at"]);
      const doomed = (most: number) => {
        const q = query();
        const { sql } = whereOf(q, selection);
        const order = orderOf(selection, false);
        return {
          sql: `SELECT seq FROM ${table} WHERE ${sql} ${order} LIMIT ${q.bind(most)}`,
          values: q.values,
        };
      };
      return await (await ready()).remove(doomed, Math.floor(limit));
    },
    async close() {},
  };
}

function changesOf(q: Query, { feedback, score, metadata }: LogPatch): string[] {
  const changes: string[] = [];
  if (feedback !== undefined) changes.push(`feedback = ${q.bind(feedback)}`);
  if (score !== undefined) changes.push(`score = ${q.bind(score)}`);
  if (metadata !== undefined) changes.push(`metadata = ${q.bind(metadataText(metadata))}`);
  return changes;
}

/** Bytes are of another type in each database: plain, a Buffer, a list of numbers. */
function payloadOf(
  { detail, bytes, type }: SqlRow,
  which: "request" | "response",
): StoredPayload | undefined {
  const complete = keptOf(detail, which);
  if (complete === undefined) return undefined;
  return { bytes: new Uint8Array((bytes ?? []) as Iterable<number>), type: String(type), complete };
}
