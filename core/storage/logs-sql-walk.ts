/**
 * Walks through a log in a database, from row to row in the order of time: a page costs the same wherever
 * it is, and one of rare rows ends in time. It goes from window to window, a few thousand rows each, which
 * an index over time finds; in between others get their turn. On SQLite, a walk that was long makes others
 * of rare rows short: what blocks of rows hold is known from then on.
 *
 * @module
 */
import { noPlace, placeOf, placeText } from "./logs-match.ts";
import type { LogBlocks, Span } from "./logs-sql-blocks.ts";
import { type Query, whereOf } from "./logs-sql-filter.ts";
import { rowColumns, rowOf } from "./logs-sql-row.ts";
import type { Dialect } from "./logs-sql-schema.ts";
import type { LogPage, Logs, LogSelection } from "./ports.ts";
import type { SqlRow } from "./sql.ts";

/** A row, as the index over time has it. */
interface Place {
  created_at: number;
  seq: number;
}

/** Rows of a walk: behind one place, up to another one, that included. */
interface Window {
  from: Place | undefined;
  to: Place | undefined;
}

/** Others get their turn. */
const pause = () => new Promise((done) => setTimeout(done, 0));

/** Runs a statement with the values of its query. */
export type RunQuery = (sql: string, query: Query) => Promise<SqlRow[]>;

/** Rows of the first window; what goes fast makes the next one larger. */
const firstWindow = { sqlite: 2000, postgresql: 20_000 };
/** Milliseconds that a window may take for the next one to be larger. */
const fast = 8;
/** Windows after which a walk is a long one. */
const many = 3;
/** Rows that are looked through where it is known that no others fit, and how many of them in one go. */
const most = { inAll: 120_000, inOne: 16_384 };

/**
 * `walk` and `tally` of {@link Logs}.
 *
 * @param blocks Loads what is known of blocks, where it may be.
 */
export function sqlWalks(
  dialect: Dialect,
  query: () => Query,
  run: RunQuery,
  blocks: (() => Promise<LogBlocks>) | undefined,
): Required<Pick<Logs, "walk" | "tally">> {
  /** What is behind a place, as SQL. */
  function behind(q: Query, way: "ASC" | "DESC", place: Place | undefined, table = ""): string {
    if (place === undefined) return "TRUE";
    const sign = way === "DESC" ? "<" : ">";
    const [time, seq] = [q.bind(place.created_at), q.bind(place.seq)];
    return `${table}created_at ${sign}= ${time} AND ` +
      `(${table}created_at ${sign} ${time} OR ${table}seq ${sign} ${seq})`;
  }

  /** The row that ends a window, or nothing where less is left. */
  async function endOf(
    { gateway }: LogSelection,
    way: "ASC" | "DESC",
    place: Place | undefined,
    size: number,
  ): Promise<Place | undefined> {
    const q = query();
    const of = gateway === undefined ? "TRUE" : `gateway = ${q.bind(gateway)}`;
    const [row] = await run(
      `SELECT created_at, seq FROM sluice_logs WHERE ${of} AND ${behind(q, way, place)} ` +
        `ORDER BY created_at ${way}, seq ${way} LIMIT 1 OFFSET ${q.bind(size - 1)}`,
      q,
    );
    return row as unknown as Place | undefined;
  }

  /** All windows behind a place, each once the one before is done with. */
  async function* windows(
    selection: LogSelection,
    way: "ASC" | "DESC",
    from: Place | undefined,
    milliseconds: number,
  ): AsyncGenerator<Window> {
    const began = performance.now();
    let size = firstWindow[dialect];
    for (let place = from, walked = 0;; walked++) {
      if (walked === many) void blocks?.().then((found) => found.read());
      const start = performance.now();
      const to = await endOf(selection, way, place, size);
      yield { from: place, to };
      if (to === undefined) return;
      const now = performance.now();
      const took = now - start;
      if (now + took - began > milliseconds) return;
      if (took < fast) size *= 2;
      place = to;
      await pause();
    }
  }

  /** Where the rows of a selection are, a few spans at a time; nothing where that is not known. */
  async function pieces(selection: LogSelection): Promise<Span[][] | undefined> {
    const { filters = [], search = "" } = selection;
    if (blocks === undefined || (filters.length === 0 && search === "")) return undefined;
    if (whereOf(query(), selection).narrow) return undefined;
    const spans = await (await blocks()).spans(selection, most.inAll);
    if (spans === undefined) return undefined;
    const found: Span[][] = [];
    let rows = Infinity;
    for (const span of spans) {
      const size = span[1] - span[0];
      if (rows + size > most.inOne) {
        found.push([]);
        rows = 0;
      }
      rows += size;
      found.at(-1)!.push(span);
    }
    return found;
  }

  /** The table within some spans, with the columns `low` and `high` beside its own. */
  function piece(q: Query, spans: Span[]): string {
    const list = `json_each(${q.bind(JSON.stringify(spans))})`;
    return `(SELECT json_extract(value, '$[0]') AS low, json_extract(value, '$[1]') AS high ` +
      `FROM ${list}) CROSS JOIN sluice_logs NOT INDEXED ON seq BETWEEN low AND high`;
  }

  function within(q: Query, way: "ASC" | "DESC", to: Place | undefined): string {
    if (to === undefined) return "TRUE";
    const sign = way === "DESC" ? ">" : "<";
    const [time, seq] = [q.bind(to.created_at), q.bind(to.seq)];
    return `created_at ${sign}= ${time} AND ` +
      `(created_at ${sign} ${time} OR seq ${sign}= ${seq})`;
  }

  /**
   * What a window is walked through in: where the index over time lacks what is asked for, its rows are read
   * from the table in the order in which they lie there, if that is about the order of time.
   */
  async function tableOf(
    selection: LogSelection,
    way: "ASC" | "DESC",
    { from, to }: Window,
  ): Promise<{ table: string; seqs: (q: Query) => string }> {
    const indexed = { table: "sluice_logs", seqs: () => "TRUE" };
    if (dialect !== "sqlite" || whereOf(query(), selection).covered) return indexed;
    const q = query();
    const of = selection.gateway === undefined ? "TRUE" : `gateway = ${q.bind(selection.gateway)}`;
    const [row] = await run(
      "SELECT min(seq) AS low, max(seq) AS high, count(*) AS n FROM sluice_logs " +
        `WHERE ${of} AND ${behind(q, way, from)} AND ${within(q, way, to)}`,
      q,
    );
    const [low, high, n] = [Number(row?.["low"]), Number(row?.["high"]), Number(row?.["n"])];
    if (!(high - low < 2 * n)) return indexed;
    return {
      table: "sluice_logs NOT INDEXED",
      seqs: (q) => `seq BETWEEN ${q.bind(low)} AND ${q.bind(high)}`,
    };
  }

  async function startOf({ gateway }: LogSelection, way: "ASC" | "DESC", after: string) {
    const { id, time } = placeOf(after);
    const q = query();
    const of = gateway === undefined ? "" : ` AND gateway = ${q.bind(gateway)}`;
    // The plus keeps SQLite from walking through a whole gateway.
    const sql = `SELECT created_at, seq FROM sluice_logs WHERE id = ${q.bind(id)}`;
    const [row] = await run(
      sql + of.replace("gateway", dialect === "sqlite" ? "+gateway" : "gateway"),
      q,
    );
    if (row !== undefined) {
      return { created_at: Number(row["created_at"]), seq: Number(row["seq"]) };
    }
    if (time === undefined) throw noPlace(after);
    return { created_at: time, seq: way === "DESC" ? Number.MAX_SAFE_INTEGER : 0 };
  }

  /** A page of rows that are known to be in some spans, which need not be in the order of time. */
  async function rare(
    known: Span[][],
    selection: LogSelection,
    way: "ASC" | "DESC",
    from: Place | undefined,
    limit: number,
  ): Promise<LogPage> {
    const places: Place[] = [];
    for (const spans of known) {
      const q = query();
      const { sql } = whereOf(q, selection);
      const found = await run(
        `SELECT created_at, seq FROM ${piece(q, spans)} WHERE (${sql}) AND ${
          behind(q, way, from)
        } ` +
          `ORDER BY created_at ${way}, seq ${way} LIMIT ${q.bind(limit)}`,
        q,
      );
      places.push(...found as unknown as Place[]);
      await pause();
    }
    const sign = way === "DESC" ? -1 : 1;
    places.sort((a, b) => sign * (a.created_at - b.created_at || a.seq - b.seq));
    const q = query();
    const seqs = q.bind(JSON.stringify(places.slice(0, limit).map(({ seq }) => seq)));
    const found = await run(
      `SELECT l.seq AS seq, ${rowColumns} FROM sluice_logs AS l ` +
        "JOIN sluice_log_details AS d ON d.seq = l.seq " +
        `WHERE l.seq IN (SELECT value FROM json_each(${seqs})) ` +
        `ORDER BY l.created_at ${way}, l.seq ${way}`,
      q,
    );
    const rows = found.map(rowOf);
    return {
      rows,
      next: places.length >= limit && rows.length > 0 ? placeText(rows.at(-1)!) : null,
    };
  }

  return {
    async walk(selection, { after, limit, milliseconds }) {
      const way = selection.direction === "asc" ? "ASC" : "DESC";
      const from = after === undefined ? undefined : await startOf(selection, way, after);
      const known = await pieces(selection);
      if (known !== undefined) return await rare(known, selection, way, from, limit);
      const found: SqlRow[] = [];
      let last: Place | undefined;
      for await (const window of windows(selection, way, from, milliseconds)) {
        const q = query();
        const { sql } = whereOf(q, selection);
        const order = (table: string) => `ORDER BY ${table}created_at ${way}, ${table}seq ${way}`;
        const { table, seqs: between } = await tableOf(selection, way, window);
        const seqs = `SELECT seq FROM ${table} WHERE ${between(q)} AND (${sql}) AND ` +
          `${behind(q, way, window.from)} AND ${within(q, way, window.to)} ` +
          `${order("")} LIMIT ${q.bind(limit - found.length)}`;
        const rows = await run(
          `SELECT l.seq AS seq, ${rowColumns} FROM (${seqs}) AS p ` +
            "JOIN sluice_logs AS l ON l.seq = p.seq " +
            `JOIN sluice_log_details AS d ON d.seq = l.seq ${order("l.")}`,
          q,
        );
        found.push(...rows);
        last = window.to;
        if (found.length >= limit) break;
      }
      const rows = found.map(rowOf);
      if (rows.length >= limit) return { rows, next: placeText(rows.at(-1)!) };
      if (last === undefined) return { rows, next: null };
      const q = query();
      const [row] = await run(`SELECT id FROM sluice_logs WHERE seq = ${q.bind(last.seq)}`, q);
      return { rows, next: placeText({ ...last, id: String(row?.["id"] ?? "") }) };
    },
    async tally(selection, milliseconds) {
      let count = 0;
      const known = await pieces(selection);
      if (known !== undefined) {
        for (const spans of known) {
          const q = query();
          const { sql } = whereOf(q, selection);
          const [row] = await run(`SELECT count(*) AS n FROM ${piece(q, spans)} WHERE ${sql}`, q);
          count += Number(row?.["n"] ?? 0);
          await pause();
        }
        return { count, exact: true };
      }
      let exact = true;
      for await (const { from, to } of windows(selection, "DESC", undefined, milliseconds)) {
        const q = query();
        const { sql } = whereOf(q, selection);
        const { table, seqs } = await tableOf(selection, "DESC", { from, to });
        const [row] = await run(
          `SELECT count(*) AS n FROM ${table} WHERE ${seqs(q)} AND (${sql}) AND ` +
            `${behind(q, "DESC", from)} AND ${within(q, "DESC", to)}`,
          q,
        );
        count += Number(row?.["n"] ?? 0);
        exact = to === undefined;
      }
      return { count, exact };
    },
  };
}
