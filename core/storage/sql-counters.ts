/**
 * Counts in SQLite, exact across all processes that have the file open: each addition is one
 * transaction that holds the write lock. A Durable Object counts with the same statements.
 *
 * @module
 */
// deno-lint-ignore-file require-await -- what is thrown at once is to be a rejection as well
import type { Counters } from "./ports.ts";
import { type Addition, additionOf, countOf } from "./span.ts";
import { mostSwept, sweeper, type SyncSql } from "./sql.ts";

/** The table, for whoever creates it. */
export const countsTable: readonly string[] = [
  "CREATE TABLE IF NOT EXISTS counts (id TEXT NOT NULL, slot INTEGER NOT NULL, " +
  "amount REAL NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY (id, slot)) WITHOUT ROWID",
  "CREATE INDEX IF NOT EXISTS counts_expires ON counts (expires)",
];

const sum = "SELECT TOTAL(amount) AS total, MIN(slot) AS oldest FROM counts " +
  "WHERE id = ? AND slot > ? AND slot <= ?";
const put = "INSERT INTO counts (id, slot, amount, expires) VALUES (?, ?, ?, ?) " +
  "ON CONFLICT (id, slot) DO UPDATE SET amount = amount + excluded.amount";
const sweep = "DELETE FROM counts WHERE (id, slot) IN " +
  `(SELECT id, slot FROM counts WHERE expires <= ? LIMIT ${mostSwept})`;

/** What {@link addTo} found. */
export interface Sum {
  total: number;
  oldest: number | null;
  added: boolean;
}

/** One addition, in a transaction of its own. */
export function addTo(sql: SyncSql, addition: Addition): Sum {
  const { id, slot, after, until, amount, most, expires } = addition;
  const read = (): Sum => {
    const [row] = sql.rows(sum, id, after, until);
    const total = Number(row?.["total"] ?? 0);
    const oldest = row?.["oldest"] ?? null;
    return {
      total,
      oldest: oldest === null ? null : Number(oldest),
      added: total + amount <= most,
    };
  };
  if (amount === 0) return read();
  return sql.transaction(() => {
    const found = read();
    if (!found.added) return found;
    sql.rows(put, id, slot, amount, expires);
    const { total, oldest } = found;
    return {
      total: total + amount,
      oldest: oldest === null || slot < oldest ? slot : oldest,
      added: true,
    };
  });
}

/** Counts in a table of a database that other processes may have open, too. */
export function sqlCounters(sql: SyncSql): Counters {
  const due = sweeper();
  return {
    driver: "sqlite",
    shared: true,
    async add(key, amount, span, limit, now) {
      const addition = additionOf(key, amount, span, limit, now);
      const { total, oldest, added } = addTo(sql, addition);
      if (added && amount !== 0 && due(now)) sql.rows(sweep, now);
      return countOf(total, oldest, added, span);
    },
    async close() {},
  };
}
