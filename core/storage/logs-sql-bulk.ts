/**
 * Writing log rows where each statement is a way over the network: a batch is one text of JSON and one
 * run of bytes, and SQL takes them apart.
 *
 * @module
 */
import { Minutes } from "../analytics/rollups.ts";
import type { LogEntry } from "../log/row.ts";
import { cleanText } from "./logs-conditions.ts";
import { detailValues, logValues } from "./logs-sql-row.ts";
import { detailColumns, type Dialect, lastSeq, logColumns } from "./logs-sql-schema.ts";
import type { SqlValue } from "./sql.ts";

/** A part of a batch. */
export interface Parcel {
  /** A JSON array of rows, each an array of values, places and lengths of its bodies at the end. */
  json: string;
  bodies: Uint8Array;
}

/** Bounds of a parcel. */
export interface ParcelLimits {
  /** Characters of JSON. */
  json: number;
  /** Bytes of all bodies. */
  bodies: number;
  /** Bytes of one body; of a longer one its beginning is kept. */
  body: number;
}

/**
 * Packs entries into parcels; of several with one id the first counts.
 *
 * @param names Entries of metadata that sums are kept apart by.
 */
export function parcelsOf(
  entries: readonly LogEntry[],
  limits: ParcelLimits,
  names: readonly string[] = [],
): Parcel[] {
  const parcels: Parcel[] = [];
  let rows: string[] = [];
  let bodies: Uint8Array[] = [];
  let characters = 0;
  let bytes = 0;
  const close = () => {
    if (rows.length === 0) return;
    parcels.push({ json: `[${rows.join(",")}]`, bodies: joined(bodies, bytes) });
    rows = [];
    bodies = [];
    characters = bytes = 0;
  };
  const ids = new Set<string>();
  for (const given of entries) {
    if (ids.has(given.row.id)) continue;
    ids.add(given.row.id);
    const entry = shortened(given, limits.body);
    const parts = [entry.request?.bytes, entry.response?.bytes];
    const size = (parts[0]?.length ?? 0) + (parts[1]?.length ?? 0);
    const values = wellFormed([...logValues(entry.row), ...detailValues(entry)]);
    if (characters + values.length > limits.json || bytes + size > limits.bodies) close();
    const places: (number | null)[] = [];
    for (const part of parts) {
      places.push(part === undefined ? null : bytes + 1, part?.length ?? null);
      if (part === undefined) continue;
      bodies.push(part);
      bytes += part.length;
    }
    // Each row's own sums: which rows are new, only the database knows.
    const minutes = new Minutes(names);
    minutes.add(entry.row);
    const sums = minutes.stored();
    rows.push(`${values.slice(0, -1)},${JSON.stringify(places).slice(1, -1)},${sums.slice(1)}`);
    characters += values.length + sums.length;
  }
  close();
  return parcels;
}

/** JSON without escapes that PostgreSQL refuses. */
function wellFormed(values: SqlValue[]): string {
  const json = JSON.stringify(values);
  if (!/\\u(?:0000|d[89a-f])/.test(json)) return json;
  return JSON.stringify(
    values.map((value) => typeof value === "string" ? cleanText(value) : value),
  );
}

function shortened(entry: LogEntry, most: number): LogEntry {
  const { row, request, response } = entry;
  const long = (request?.bytes.length ?? 0) > most || (response?.bytes.length ?? 0) > most;
  if (!long) return entry;
  const short = (payload: typeof request) =>
    payload === undefined || payload.bytes.length <= most
      ? payload
      : { bytes: payload.bytes.subarray(0, most), complete: false };
  return { row, request: short(request), response: short(response) };
}

function joined(parts: Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const names = (columns: typeof logColumns) => columns.map(([name]) => name).join(", ");
const place = (name: string) => logColumns.findIndex(([column]) => column === name);
const bodiesAt = logColumns.length + detailColumns.length;
const cellAt = bodiesAt + 4;

/** Reads a value of a row. */
const reader: Record<Dialect, (i: number, type: string) => string> = {
  sqlite: (i) => `(v.value ->> ${i})`,
  postgresql: (i, type) =>
    type === "text" ? `(v.value ->> ${i})` : `(v.value ->> ${i})::${casts[type]}`,
};
const casts: Record<string, string> = { number: "float8", flag: "smallint", place: "int" };

const columns = (dialect: Dialect, of: typeof logColumns, from = 0) =>
  of.map(([, type], i) => reader[dialect](from + i, type)).join(", ");
const details = (dialect: Dialect) => columns(dialect, detailColumns, logColumns.length);
const body = (dialect: Dialect, of: string, i: number) =>
  `substr(${of}, ${reader[dialect](bodiesAt + i, "place")}, ` +
  `${reader[dialect](bodiesAt + i + 1, "place")})`;

const id = reader.sqlite(place("id"), "text");

/** What D1 does with a parcel: `?1` is its JSON, `?2` its bodies. All of them in one transaction. */
export const d1Insert: readonly { sql: string; bodies: boolean }[] = [
  {
    sql: "INSERT INTO sluice_log_counts (gateway, total) " +
      `SELECT ${reader.sqlite(place("gateway"), "text")}, count(*) FROM json_each(?1) AS v ` +
      `WHERE NOT EXISTS (SELECT 1 FROM sluice_logs WHERE id = ${id}) GROUP BY 1 ` +
      "ON CONFLICT (gateway) DO UPDATE SET total = total + excluded.total",
    bodies: false,
  },
  {
    sql: "INSERT INTO sluice_rollup_batches (cells) " +
      `SELECT json_group_array(json(v.value -> ${cellAt})) FROM json_each(?1) AS v ` +
      `WHERE NOT EXISTS (SELECT 1 FROM sluice_logs WHERE id = ${id}) HAVING count(*) > 0`,
    bodies: false,
  },
  {
    sql: `INSERT INTO sluice_logs (seq, ${names(logColumns)}) ` +
      `SELECT ${lastSeq} + 1 + v.key, ${columns("sqlite", logColumns)} ` +
      "FROM json_each(?1) AS v WHERE TRUE ORDER BY v.key ON CONFLICT (id) DO NOTHING",
    bodies: false,
  },
  {
    sql: `INSERT INTO sluice_log_details (seq, ${names(detailColumns)}, request, response) ` +
      `SELECT l.seq, ${details("sqlite")}, ${body("sqlite", "?2", 0)}, ${
        body("sqlite", "?2", 2)
      } ` +
      `FROM json_each(?1) AS v JOIN sluice_logs AS l ON l.id = ${id} WHERE TRUE ` +
      "ON CONFLICT (seq) DO NOTHING",
    bodies: true,
  },
];

/** What PostgreSQL does with a parcel: `$1` is its JSON, `$2` its bodies. */
export const postgresInsert: string =
  "WITH v AS (SELECT value, place FROM jsonb_array_elements($1::jsonb) " +
  "WITH ORDINALITY AS e (value, place)), " +
  `added AS (INSERT INTO sluice_logs (${names(logColumns)}) ` +
  `SELECT ${columns("postgresql", logColumns)} FROM v ORDER BY v.place ` +
  "ON CONFLICT (id) DO NOTHING RETURNING seq, id, gateway), " +
  "counted AS (INSERT INTO sluice_log_counts (gateway, total) " +
  "SELECT gateway, count(*) FROM added GROUP BY gateway ORDER BY gateway " +
  "ON CONFLICT (gateway) DO UPDATE SET total = sluice_log_counts.total + excluded.total), " +
  "summed AS (INSERT INTO sluice_rollup_batches (cells) " +
  `SELECT jsonb_agg(v.value -> ${cellAt})::text FROM v ` +
  `JOIN added ON added.id = (v.value ->> ${place("id")}) HAVING count(*) > 0) ` +
  `INSERT INTO sluice_log_details (seq, ${names(detailColumns)}, request, response) ` +
  `SELECT added.seq, ${details("postgresql")}, ${body("postgresql", "$2::bytea", 0)}, ` +
  `${body("postgresql", "$2::bytea", 2)} ` +
  `FROM v JOIN added ON added.id = (v.value ->> ${place("id")})`;
