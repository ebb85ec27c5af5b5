/**
 * Sums for analytics in a database. Each batch of rows brings its own, in its transaction: one row,
 * whatever is in it. They are brought into the tables that are read ({@link Folding}) now and then,
 * and before something is read: with a thousand rows in each, that costs next to nothing.
 *
 * Sums are added up here and not in SQL, for percentiles are among them. That nobody adds them twice is
 * what `sluice_rollup_folds` is for: only one can make the next of its versions.
 *
 * @module
 */
import { kept, levels, Minutes, type Rollup, rollupId } from "../analytics/rollups.ts";
import type { LogRow } from "../log/row.ts";
import type { RollupKey } from "../analytics/rollups.ts";
import { intervals } from "../analytics/query.ts";
import { rowColumns, rowOf } from "./logs-sql-row.ts";
import { type D1, nextTime, rollupKey } from "./logs-sql-schema.ts";
import { type SqlDatabase, type SqlRow, type SyncDatabase, syncSql } from "./sql.ts";

/** Brings sums of batches into the tables that are read. */
export interface Folding {
  /** @returns False when nothing is left to do. */
  fold(): Promise<boolean>;
}

/** Batches after which it is time to fold. */
export const foldAfter = 64;
/** Batches that are folded in one go: a process on SQLite answers nobody meanwhile. */
const together = 128;
/** Tries until the one who was faster has done all there is to do. */
const tries = 10;

/** When old sums are to go: once an hour. */
class Pruning {
  readonly #seen = new Map<string, number>();

  /** Times before which sums of a gateway go, by grain; nothing when they were looked at lately. */
  due(gateway: string, now: number): number[] | undefined {
    const hour = Math.floor(now / intervals.hour);
    if (this.#seen.get(gateway) === hour) return undefined;
    this.#seen.set(gateway, hour);
    return kept.map((time) => now - time);
  }
}

const where = (names: readonly string[], mark: (i: number) => string) =>
  names.map((name, i) => `${name} = ${mark(i)}`).join(" AND ");
const marks = (n: number) => Array.from({ length: n }, () => "?").join(", ");
const columns = [...rollupKey, "figures"].join(", ");
const prune = (mark: (i: number) => string) =>
  `DELETE FROM sluice_rollups WHERE gateway = ${mark(0)} AND grain = ${mark(1)} ` +
  `AND level = ${mark(2)} AND start < ${mark(3)}`;

/** {@link Folding} where rows are written, too, and nothing has to be looked up. */
export interface SqliteFolding extends Folding {
  /** In the transaction that wrote rows: they are to be counted. */
  note(first: number, last: number): void;
  /** After that transaction: counts them. */
  count(rows: readonly LogRow[]): void;
  /** The same as `fold`, in a transaction that is there already. */
  within(): boolean;
}

/**
 * For SQLite that answers at once. A batch is no more than the `seq` of its first and last row there: what
 * they come to is known in memory. Only what another process wrote, or one that was killed, is read.
 *
 * @param names Entries of metadata that sums are kept apart by.
 */
export function sqliteFolding(
  database: SyncDatabase,
  { names, now }: { names: readonly string[]; now(): number },
): SqliteFolding {
  const { rows, transaction } = syncSql(database);
  const pruning = new Pruning();
  let noted: [id: number, cells: string] | undefined;
  /** Batches that `minutes` holds; what is behind an id may be another one's by now. */
  let own = new Map<number, string>();
  let minutes = new Minutes(names);

  function forget(): void {
    own = new Map();
    minutes = new Minutes(names);
  }

  function within(): boolean {
    const batches = rows(
      `SELECT id, cells FROM sluice_rollup_batches ORDER BY id LIMIT ${together}`,
    );
    if (batches.length === 0) {
      forget();
      return false;
    }
    const there = new Map(batches.map(({ id, cells }) => [id as number, cells]));
    // Else somebody was faster with some of them, or there are more than go together.
    const known = [...own].every(([id, cells]) => there.get(id) === cells);
    const sum = known ? minutes : new Minutes(names);
    for (const { id, cells } of batches) {
      if (known && own.has(id as number)) continue;
      const [first, last] = JSON.parse(String(cells)) as [number, number];
      const found = rows(
        `SELECT ${rowColumns} FROM sluice_logs AS l JOIN sluice_log_details AS d ` +
          "ON d.seq = l.seq WHERE l.seq >= ? AND l.seq <= ?",
        first,
        last,
      );
      for (const record of found) sum.add(rowOf(record));
    }
    forget();
    const found = `SELECT figures FROM sluice_rollups WHERE ${where(rollupKey, () => "?")}`;
    const all = sum.fold(now()).onto(({ gateway, grain, level, start, dims }) =>
      rows(found, gateway, grain, level, start, dims)[0]?.["figures"] as string | undefined
    );
    const put = `INSERT OR REPLACE INTO sluice_rollups (${columns}) VALUES (${marks(6)})`;
    for (const { gateway, grain, level, start, dims, figures } of all) {
      rows(put, gateway, grain, level, start, dims, figures);
    }
    rows("DELETE FROM sluice_rollup_batches WHERE id <= ?", batches.at(-1)!["id"] as number);
    for (const gateway of new Set(all.map(({ gateway }) => gateway))) {
      for (const [grain, before] of pruning.due(gateway, now())?.entries() ?? []) {
        for (const level of levels.keys()) rows(prune(() => "?"), gateway, grain, level, before);
      }
    }
    return batches.length === together;
  }

  return {
    note(first, last) {
      const cells = `[${first},${last}]`;
      const [batch] = rows(
        "INSERT INTO sluice_rollup_batches (cells) VALUES (?) RETURNING id",
        cells,
      );
      noted = [batch!["id"] as number, cells];
    },
    count(counted) {
      if (noted !== undefined) own.set(...noted);
      for (const row of counted) minutes.add(row);
    },
    within,
    // deno-lint-ignore require-await -- what is thrown at once is to be a rejection as well
    fold: async () => transaction(within),
  };
}

/** A fold where each statement is a way over the network, worked out and to be written. */
interface Work {
  version: number;
  ids: number[];
  rollups: Rollup[];
}

/** For databases that are asked over a network, by any number of processes at once. */
function remoteFolding(
  run: (sql: string, ...values: (string | number)[]) => Promise<SqlRow[]>,
  sql: { list: string; keys: string },
  write: (work: Work) => Promise<void>,
  now: () => number,
): Folding {
  const versionNow = async () => {
    const [row] = await run("SELECT max(version) AS version FROM sluice_rollup_folds");
    return Number(row?.["version"]);
  };
  const stored = async (keys: RollupKey[]): Promise<Map<string, string>> => {
    const list = JSON.stringify(keys.map((key) => rollupKey.map((name) => key[name as "dims"])));
    const found = await run(sql.keys, list) as unknown as Rollup[];
    return new Map(found.map((rollup) => [rollupId(rollup), rollup.figures]));
  };
  return {
    async fold() {
      for (let left = tries;; left--) {
        const version = await versionNow();
        const batches = await run(sql.list);
        if (batches.length === 0) return false;
        const minutes = new Minutes([]);
        for (const { cells } of batches) minutes.addStored(String(cells));
        const fold = minutes.fold(now());
        const before = await stored(fold.keys);
        const rollups = fold.onto((key) => before.get(rollupId(key)));
        const ids = batches.map(({ id }) => Number(id));
        try {
          await write({ version, ids, rollups });
          return batches.length === together;
        } catch (error) {
          if (left === 0 || await versionNow() === version) throw error;
        }
      }
    },
  };
}

const list = `SELECT id, cells FROM sluice_rollup_batches ORDER BY id LIMIT ${together}`;
const valuesOf = (rollups: Rollup[]) =>
  JSON.stringify(
    rollups.map(({ gateway, grain, level, start, dims, figures }) => [
      ...[gateway, grain, level, start, dims, figures],
    ]),
  );
const read = (i: number) => `(v.value ->> ${i})`;
const readAll = [0, 1, 2, 3, 4, 5].map(read).join(", ");

/** For D1: one batch, which is one transaction. */
export function d1Folding(d1: D1, database: SqlDatabase, now: () => number): Folding {
  const pruning = new Pruning();
  const run = async (sql: string, ...values: (string | number)[]) =>
    await database.prepare(sql).all(...values) as SqlRow[];
  const keys = `SELECT r.* FROM json_each(?1) AS v JOIN sluice_rollups AS r ON ` +
    rollupKey.map((name, i) => `r.${name} = ${read(i)}`).join(" AND ");
  return remoteFolding(run, { list, keys }, async ({ version, ids, rollups }) => {
    const old = [...new Set(rollups.map(({ gateway }) => gateway))].flatMap((gateway) =>
      [...pruning.due(gateway, now())?.entries() ?? []].flatMap(([grain, before]) =>
        [...levels.keys()].map((level) =>
          d1.prepare(prune((i) => `?${i + 1}`)).bind(gateway, grain, level, before)
        )
      )
    );
    await d1.batch([
      d1.prepare("INSERT INTO sluice_rollup_folds (version) VALUES (?1)").bind(version + 1),
      d1.prepare("DELETE FROM sluice_rollup_folds WHERE version <= ?1").bind(version),
      // One parameter takes 2 MB.
      ...chunksOf(rollups, 500_000).map((part) =>
        d1.prepare(
          `INSERT OR REPLACE INTO sluice_rollups (${columns}) ` +
            `SELECT ${readAll} FROM json_each(?1) AS v`,
        ).bind(valuesOf(part))
      ),
      d1.prepare(
        "DELETE FROM sluice_rollup_batches WHERE id IN (SELECT value FROM json_each(?1))",
      ).bind(JSON.stringify(ids)),
      ...old,
    ]);
  }, now);
}

function chunksOf(rollups: Rollup[], characters: number): Rollup[][] {
  const chunks: Rollup[][] = [];
  let size = Infinity;
  for (const rollup of rollups) {
    const own = rollup.dims.length + rollup.figures.length + 100;
    if (size + own > characters) {
      chunks.push([]);
      size = 0;
    }
    chunks.at(-1)!.push(rollup);
    size += own;
  }
  return chunks;
}

/** For PostgreSQL: one statement, which is one transaction. */
export function postgresFolding(database: SqlDatabase, now: () => number): Folding {
  const pruning = new Pruning();
  const run = async (sql: string, ...values: (string | number)[]) =>
    await database.prepare(sql).all(...values) as SqlRow[];
  const types = ["text", "smallint", "smallint", "float8", "text", "text"];
  const typed = (i: number) => `(v.value ->> ${i})::${types[i]}`;
  const keys = "SELECT r.* FROM json_array_elements($1::json) AS v(value) " +
    `JOIN sluice_rollups AS r ON ${
      rollupKey.map((name, i) => `r.${name} = ${typed(i)}`).join(" AND ")
    }`;
  const write = "WITH next AS (INSERT INTO sluice_rollup_folds (version) VALUES ($1)), " +
    "last AS (DELETE FROM sluice_rollup_folds WHERE version < $1), " +
    "done AS (DELETE FROM sluice_rollup_batches WHERE id IN " +
    "(SELECT value::bigint FROM json_array_elements_text($2::json) AS value)) " +
    `INSERT INTO sluice_rollups (${columns}) SELECT ${[0, 1, 2, 3, 4, 5].map(typed).join(", ")} ` +
    "FROM json_array_elements($3::json) AS v(value) " +
    `ON CONFLICT (${rollupKey.join(", ")}) DO UPDATE SET figures = excluded.figures`;
  return remoteFolding(run, { list, keys }, async ({ version, ids, rollups }) => {
    await run(write, version + 1, JSON.stringify(ids), valuesOf(rollups));
    for (const gateway of new Set(rollups.map(({ gateway }) => gateway))) {
      for (const [grain, before] of pruning.due(gateway, now())?.entries() ?? []) {
        for (const level of levels.keys()) {
          await run(prune((i) => `$${i + 1}`), gateway, grain, level, before);
        }
      }
    }
  }, now);
}

/** Has sums kept apart by these entries of metadata from now on, and by no others. */
export function namesSql(postgres: boolean): readonly [forget: string, add: string] {
  const names = postgres
    ? "SELECT value FROM json_array_elements_text($1::json) AS value"
    : "SELECT value FROM json_each(?1)";
  return [
    `DELETE FROM sluice_rollup_names WHERE name <> '' AND name NOT IN (${names})`,
    `INSERT INTO sluice_rollup_names (name, since) SELECT value, ${nextTime} ` +
    `FROM (${names}) AS names WHERE TRUE ON CONFLICT (name) DO NOTHING`,
  ];
}
