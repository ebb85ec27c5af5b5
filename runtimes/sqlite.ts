/**
 * SQLite through `node:sqlite`, which Bun, Deno and Node have alike: a file for any number of stores, that
 * several processes may have open.
 *
 * @module
 */
// deno-lint-ignore-file require-await -- what is thrown at once is to be a rejection as well
import {
  createDatabase,
  type Database,
  type PreparedStatement,
  type Primitive,
  type Statement,
} from "db0";
import nodeSqlite from "db0/connectors/node-sqlite";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { keepPrepared, type SyncSql, syncSql } from "../core/storage/sql.ts";
import { countsTable } from "../core/storage/sql-counters.ts";
import { cacheTables } from "../core/storage/sql-cache.ts";
import { kvTable } from "../core/storage/sql-kv.ts";

/** A file that is open. */
export interface Sqlite {
  /** For stores that take a database of db0; statements are kept prepared. */
  database: Database;
  /** The same connection, answering at once. */
  sql: SyncSql;
  /** `wal`; another mode where the file system cannot have it. */
  journal: string;
}

/**
 * The schema, step by step: a file's `user_version` is the number of steps that it has seen. A step
 * never changes; what comes later is another one at the end.
 */
const steps: readonly string[][] = [
  [...kvTable, ...countsTable],
  // Answers were in a table in the order of keys, once; they may be forgotten.
  ["DROP TABLE IF EXISTS kv_cache", "DROP TABLE IF EXISTS kv_cache_bytes", ...cacheTables],
];

/** Bytes of a page: a row with its answer costs a third less to write than with SQLite's own 4 KiB. */
const usualPage = 8192;
/** Bytes between two checkpoints. */
const checkpoint = 32 * 1024 * 1024;

/**
 * Opens a file, its folder included, and brings it to this version's schema. Throws on what cannot be
 * written, is no database, or is of a newer version.
 *
 * @param path Of the file, or `:memory:`.
 * @param pageSize Bytes of a page, where the file is new: a power of two from 512 to 65,536.
 */
export function openSqlite(path: string, pageSize: number = usualPage): Sqlite {
  const inMemory = path === ":memory:";
  if (!inMemory) {
    // What is stored is for its owner only. SQLite gives the files beside it the same mode.
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "a", 0o600));
  }
  const connector = nodeSqlite(inMemory ? { name: path } : { path });
  const db = connector.getInstance() as DatabaseSync;
  try {
    db.exec(`PRAGMA busy_timeout = 5000; PRAGMA page_size = ${pageSize}`);
    const mode = waiting(() => db.prepare("PRAGMA journal_mode = WAL").get()) as {
      journal_mode: string;
    };
    db.exec("PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864");
    const { page_size: bytes } = db.prepare("PRAGMA page_size").get() as { page_size: number };
    db.exec(`PRAGMA wal_autocheckpoint = ${Math.floor(checkpoint / bytes)}`);
    const sql = syncSql(db);
    migrate(sql);
    const prepare = keepPrepared((text: string) => db.prepare(text));
    const database = createDatabase({
      ...connector,
      prepare: (text) => statement(() => prepare(text)),
    });
    return { database, sql, journal: mode.journal_mode };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** SQLite does not wait for a lock by itself where two processes open a new file at once. */
function waiting<T>(work: () => T): T {
  for (let tries = 1;; tries++) {
    try {
      return work();
    } catch (error) {
      if (!/\blocked\b/.test(String(error)) || tries === 100) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function migrate(sql: SyncSql): void {
  // Also where there is nothing to do: a file that cannot be written is found out here.
  sql.transaction(() => {
    const version = Number(sql.rows("PRAGMA user_version")[0]?.["user_version"]);
    if (version > steps.length) {
      throw new Error(
        `its schema has version ${version}, and this version of Sluice knows ${steps.length}`,
      );
    }
    for (const step of steps.slice(version)) for (const line of step) sql.rows(line);
    if (version < steps.length) sql.rows(`PRAGMA user_version = ${steps.length}`);
  });
}

/** db0's own statement of this connector prepares anew each time. */
function statement(
  prepared: () => StatementSync,
  bound: Primitive[] = [],
): Statement & PreparedStatement {
  const all = (values: Primitive[]) => [...bound, ...values] as SQLInputValue[];
  return {
    bind: (...values) => statement(prepared, values),
    all: async (...values: Primitive[]) => prepared().all(...all(values)),
    get: async (...values: Primitive[]) => prepared().get(...all(values)),
    run: async (...values: Primitive[]) => ({ success: true, ...prepared().run(...all(values)) }),
  };
}
