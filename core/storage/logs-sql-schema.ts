/**
 * The tables of the log in SQLite, D1 and PostgreSQL, and how they come to be.
 *
 * What is filtered, sorted or searched stands in a narrow table, so that a walk through all of it is
 * short; bodies and whatever is only shown stand in another. One index holds, in the order of time, the
 * columns that are filtered most: pages and counts over them read nothing else.
 *
 * @module
 */
import { type SqlDatabase, type SqlValue, type SyncDatabase, syncSql } from "./sql.ts";

/** A kind of SQL. */
export type Dialect = "sqlite" | "postgresql";

type Type = "text" | "number" | "flag";

/** Columns of `sluice_logs` behind `seq`, in their order. A flag is a small integer; `?` may be null. */
export const logColumns: readonly (readonly [name: string, type: Type, optional?: "?"])[] = [
  ["gateway", "text"],
  ["created_at", "number"],
  ["provider", "text"],
  ["model", "text"],
  ["status_code", "number"],
  ["success", "flag"],
  ["cached", "flag"],
  ["cost", "number", "?"],
  ["duration", "number"],
  ["tokens_in", "number", "?"],
  ["tokens_out", "number", "?"],
  ["feedback", "number", "?"],
  ["key_id", "text", "?"],
  ["metadata", "text", "?"],
  ["id", "text"],
  // Null where it is the same as the id, as it is for most rows: no need to index it twice.
  ["event_id", "text", "?"],
  ["model_type", "text"],
  ["request_type", "text"],
  ["step", "number"],
  ["ending", "text"],
  ["usage_quality", "text", "?"],
  // 1 authentication, 2 wholesale, 4 compatibilityMode, 8 streamed, 16 custom_cost.
  ["flags", "flag"],
  ["dlp_action", "text", "?"],
  ["path", "text"],
  ["user_agent", "text"],
  ["request_content_type", "text"],
  ["response_content_type", "text"],
  ["error", "text", "?"],
  ["score", "number", "?"],
];

/**
 * Columns of `sluice_log_details` behind `seq`, bodies aside. `detail` is a JSON array of the members
 * that nothing is done with but showing them.
 */
export const detailColumns: readonly (readonly [name: string, type: Type, optional?: "?"])[] = [
  ["latency", "number"],
  ["first_byte", "number", "?"],
  ["first_token", "number", "?"],
  ["detail", "text"],
];

/**
 * Columns that the index over time holds: a walk over these alone is half as long as one through the
 * table. Each costs every row, and all of them cost 0.2 us; metadata only rows that have some.
 */
export const coveredColumns: readonly string[] = [
  ...["gateway", "created_at", "provider", "model", "status_code", "success", "cached", "metadata"],
];

const types: Record<Dialect, Record<Type | "bytes" | "seq", string>> = {
  // REAL and not INTEGER: a count that a provider made up may be more than an integer holds.
  sqlite: {
    text: "TEXT",
    number: "REAL",
    flag: "INTEGER",
    bytes: "BLOB",
    seq: "INTEGER PRIMARY KEY",
  },
  // Text in the order of its bytes, as everywhere else.
  postgresql: {
    text: `text COLLATE "C"`,
    number: "double precision",
    flag: "smallint",
    bytes: "bytea",
    seq: "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
  },
};

/**
 * The highest `seq` that there ever was, on SQLite: a row that came later must not stand in front of one
 * that was seen, though the last ones were deleted. Unless kept beside, the table's own is the highest.
 */
export const lastSeq: string = "max((SELECT coalesce(max(seq), 0) FROM sluice_logs), " +
  "coalesce((SELECT version FROM sluice_schema WHERE name = 'logs-last'), 0))";

/** Comes before rows are deleted; see {@link lastSeq}. */
export const keepLastSeq: string = "INSERT INTO sluice_schema (name, version) " +
  "SELECT 'logs-last', coalesce(max(seq), 0) FROM sluice_logs WHERE TRUE " +
  "ON CONFLICT (name) DO UPDATE SET version = max(version, excluded.version)";

function tables(dialect: Dialect): string[] {
  const type = types[dialect];
  const list = (columns: typeof logColumns) =>
    columns.map(([name, kind, optional]) =>
      `${name} ${type[kind]}${optional === undefined ? " NOT NULL" : ""}`
    ).join(", ");
  // PostgreSQL filters by more than the first columns of an index only if it need not look further,
  // which it cannot know of rows that were written lately; it has other indexes instead.
  const indexes = dialect === "sqlite"
    ? [`CREATE INDEX sluice_logs_time ON sluice_logs (${coveredColumns.join(", ")})`]
    : [
      "CREATE INDEX sluice_logs_time ON sluice_logs (gateway, created_at, seq)",
      "CREATE INDEX sluice_logs_model ON sluice_logs (gateway, provider, model, created_at, seq)",
      "CREATE INDEX sluice_logs_status ON sluice_logs (gateway, status_code, created_at, seq)",
    ];
  return [
    `CREATE TABLE sluice_logs (seq ${type.seq}, ${list(logColumns)})`,
    "CREATE UNIQUE INDEX sluice_logs_id ON sluice_logs (id)",
    "CREATE INDEX sluice_logs_event ON sluice_logs (event_id) WHERE event_id IS NOT NULL",
    ...indexes,
    `CREATE TABLE sluice_log_details (seq ${
      type.seq.replace(/ GENERATED ALWAYS AS IDENTITY/, "")
    }, ` +
    `${list(detailColumns)}, request ${type.bytes}, response ${type.bytes})`,
    // Rows of each gateway, so that nothing has to count them.
    `CREATE TABLE sluice_log_counts (gateway ${type.text} PRIMARY KEY, total ${type.number} NOT NULL)`,
  ];
}

/** Columns that tell one sum from another; see `core/analytics/rollups.ts`. */
export const rollupKey: readonly string[] = ["gateway", "grain", "level", "start", "dims"];

/** Sums for analytics; whatever is written counts, and stays when rows go. */
function rollupTables(dialect: Dialect): string[] {
  const { text, number, flag, seq } = types[dialect];
  const clustered = dialect === "sqlite" ? " WITHOUT ROWID" : "";
  return [
    `CREATE TABLE sluice_rollups (gateway ${text} NOT NULL, grain ${flag} NOT NULL, ` +
    `level ${flag} NOT NULL, start ${number} NOT NULL, dims ${text} NOT NULL, ` +
    `figures ${text} NOT NULL, PRIMARY KEY (${rollupKey.join(", ")}))${clustered}`,
    // Sums of batches that are not in there yet.
    `CREATE TABLE sluice_rollup_batches (id ${seq}, cells ${text} NOT NULL)`,
    // One row: who brings batches into the sums makes the next one, and only one can.
    `CREATE TABLE sluice_rollup_folds (version ${number} PRIMARY KEY)`,
    "INSERT INTO sluice_rollup_folds (version) VALUES (0)",
    // From when on sums are complete, by the name of an entry of metadata, '' for all of them.
    `CREATE TABLE sluice_rollup_names (name ${text} PRIMARY KEY, since ${number} NOT NULL)`,
    `INSERT INTO sluice_rollup_names (name, since) SELECT '', ${nextTime}`,
  ];
}

/** A time in milliseconds that is after all rows that are there. */
export const nextTime: string = "coalesce((SELECT max(created_at) + 1 FROM sluice_logs), 0)";

/**
 * The schema, step by step: the version in `sluice_schema` is the number of steps that were made. A
 * step never changes; what comes later is another one at the end.
 */
function steps(dialect: Dialect): string[][] {
  return [tables(dialect), rollupTables(dialect)];
}

const versions =
  "CREATE TABLE IF NOT EXISTS sluice_schema (name TEXT PRIMARY KEY, version INTEGER NOT NULL)";
const read = "SELECT version FROM sluice_schema WHERE name = 'logs'";
const written = (version: number) =>
  `INSERT INTO sluice_schema (name, version) VALUES ('logs', ${version}) ` +
  "ON CONFLICT (name) DO UPDATE SET version = excluded.version";

function check(version: number, known: number): void {
  if (version <= known) return;
  throw new Error(
    `The tables of the log have version ${version}, and this version of Sluice knows ${known}; ` +
      "use the newer one",
  );
}

/** Brings the tables to this version on a connection that answers at once. */
export function migrateSync(database: SyncDatabase): void {
  const sql = syncSql(database);
  const all = steps("sqlite");
  sql.transaction(() => {
    sql.rows(versions);
    const version = Number(sql.rows(read)[0]?.["version"] ?? 0);
    check(version, all.length);
    for (const statement of all.slice(version).flat()) sql.rows(statement);
    if (version < all.length) sql.rows(written(all.length));
  });
}

/** The part of D1's binding that is used. */
export interface D1 {
  prepare(sql: string): D1Bindable;
  /** One transaction. */
  batch(statements: D1Bindable[]): Promise<{ results?: unknown[]; meta?: { changes?: number } }[]>;
}

/** A statement of D1. */
export interface D1Bindable {
  bind(...values: SqlValue[]): D1Bindable;
}

/** Brings the tables to this version on D1, which has no transactions that could look and then write. */
export async function migrateD1(d1: D1): Promise<void> {
  const all = steps("sqlite");
  const version = async () => {
    const [, found] = await d1.batch([versions, read].map((sql) => d1.prepare(sql)));
    return Number((found?.results?.[0] as { version?: unknown } | undefined)?.version ?? 0);
  };
  const before = await version();
  check(before, all.length);
  if (before === all.length) return;
  try {
    await d1.batch(
      [...all.slice(before).flat(), written(all.length)].map((sql) => d1.prepare(sql)),
    );
  } catch (error) {
    // Another instance did it meanwhile: then nothing of this has happened.
    if (await version() !== all.length) throw error;
  }
}

/** Names the lock that migrations of all processes take; any number of ours. */
const lock = 7236519;

/** Brings the tables to this version on PostgreSQL. */
export async function migratePostgres(database: SqlDatabase): Promise<void> {
  const all = steps("postgresql");
  const parts = all.map((step, i) =>
    `IF coalesce((${read}), 0) <= ${i} THEN ${[...step, written(i + 1)].join("; ")}; END IF;`
  );
  // Several statements in one message are one transaction.
  await database.exec(
    `SELECT pg_advisory_xact_lock(${lock}); ${versions}; ` +
      `DO $steps$ BEGIN ${parts.join(" ")} END $steps$`,
  );
  const row = await database.prepare(read).get() as { version: number };
  check(row.version, all.length);
}
