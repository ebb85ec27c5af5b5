/**
 * What stores over SQL share. Two kinds of database are met: ones that answer with promises (db0's
 * interface; D1, PostgreSQL) and ones that answer at once (`node:sqlite`, a Durable Object's storage).
 *
 * A connection of the second kind is shared by all stores, so a transaction on it may never wait for
 * anything: whatever another store wrote meanwhile would be in it.
 *
 * @module
 */

/** What may be stored in a column. */
export type SqlValue = string | number | null | Uint8Array;

/** A row by column. */
export type SqlRow = Record<string, unknown>;

/** What a statement takes: db0's own type has no bytes, though all of its drivers take them. */
export type SqlParameter = SqlValue | boolean | undefined;

/** The part of db0's `Statement` that is used. */
export interface SqlStatement {
  all(...values: SqlParameter[]): Promise<unknown[]>;
  get(...values: SqlParameter[]): Promise<unknown>;
  run(...values: SqlParameter[]): Promise<unknown>;
}

/** The part of db0's `Database` that is used; each of its databases is one. */
export interface SqlDatabase {
  /** `sqlite` or `postgresql`. */
  readonly dialect: string;
  /** The connector's name, for health and metrics. */
  readonly connector: string;
  getInstance(): Promise<unknown>;
  exec(sql: string): Promise<unknown>;
  prepare(sql: string): SqlStatement;
  dispose(): Promise<void>;
}

/** SQLite that answers at once. */
export interface SyncSql {
  /** Runs one statement and returns its rows. */
  rows(sql: string, ...values: SqlValue[]): SqlRow[];
  /** Runs `work` as one transaction that holds the write lock; it is undone when `work` throws. */
  transaction<T>(work: () => T): T;
}

/** The part of `node:sqlite`'s `DatabaseSync` that is used. */
export interface SyncDatabase {
  exec(sql: string): void;
  prepare(sql: string): { all(...values: SqlValue[]): unknown[] };
}

/** Statements that are kept prepared. */
const keptStatements = 200;

/** Over a connection to SQLite that nobody else uses for transactions; statements stay prepared. */
export function syncSql(database: SyncDatabase): SyncSql {
  const prepare = keepPrepared((sql: string) => database.prepare(sql));
  return {
    rows: (sql, ...values) => prepare(sql).all(...values) as SqlRow[],
    transaction(work) {
      // Asking for the write lock at once: a lock that is asked for later is refused, not waited for.
      database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        try {
          database.exec("ROLLBACK");
        } catch {
          // SQLite itself has undone it, as it does when the disk is full.
        }
        throw error;
      }
    },
  };
}

/** `prepare` that keeps what it prepared; what was not used for longest goes first. */
export function keepPrepared<T>(prepare: (sql: string) => T): (sql: string) => T {
  const kept = new Map<string, T>();
  return (sql) => {
    let statement = kept.get(sql);
    if (statement === undefined) {
      statement = prepare(sql);
      if (kept.size >= keptStatements) {
        for (const oldest of kept.keys()) {
          kept.delete(oldest);
          break;
        }
      }
    } else if (kept.size < keptStatements / 2) return statement;
    else kept.delete(sql);
    kept.set(sql, statement);
    return statement;
  };
}

/** Writes after which it is time to look for what has expired. */
const sweepAfter = 200;
/** Milliseconds after which it is time, too. */
const sweepEvery = 10_000;
/** Rows that are removed at a time: more than were written since, so that none pile up. */
export const mostSwept: number = 2 * sweepAfter;

/** Asked at each write, says when it is time to remove what has expired. */
export function sweeper(): (now: number) => boolean {
  let writes = 0;
  let last = 0;
  return (now) => {
    if (++writes < sweepAfter && Math.abs(now - last) < sweepEvery) return false;
    writes = 0;
    last = now;
    return true;
  };
}
