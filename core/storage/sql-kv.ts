/**
 * Values by key in a table of SQLite or D1.
 *
 * @module
 */
import { checkKey, checkPrefix, expiryOf, InputError } from "./key.ts";
import type { Json, KV } from "./ports.ts";
import { mostSwept, type SqlDatabase, type SqlRow, type SqlValue, sweeper } from "./sql.ts";

/** How {@link sqlKV} works. */
export interface SqlKVOptions {
  /** One of the tables that {@link kvTable} creates. */
  table: "kv_keys" | "kv_cache";
  /** Most bytes of values; what was written first goes first. Of `kv_cache` only; no bound unless given. */
  maxBytes?: number;
  /** Milliseconds since 1970; `Date.now` unless given. */
  now?: () => number;
}

/** Creates a table, for whoever opens the database. */
export function kvTable(table: SqlKVOptions["table"]): string[] {
  // A value is text (JSON) or a blob (bytes); one that never expires has no time.
  return [
    `CREATE TABLE IF NOT EXISTS ${table} (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires INTEGER)`,
    `CREATE INDEX IF NOT EXISTS ${table}_expires ON ${table} (expires) WHERE expires IS NOT NULL`,
  ];
}

/** What keeps count of the bytes in `kv_cache`: to add them up each time would read all of it. */
export const cacheBytesTable: readonly string[] = [
  "CREATE TABLE IF NOT EXISTS kv_cache_bytes (total INTEGER NOT NULL)",
  "INSERT INTO kv_cache_bytes (total) SELECT TOTAL(octet_length(value)) FROM kv_cache",
  "CREATE TRIGGER IF NOT EXISTS kv_cache_insert AFTER INSERT ON kv_cache BEGIN " +
  "UPDATE kv_cache_bytes SET total = total + octet_length(NEW.value); END",
  "CREATE TRIGGER IF NOT EXISTS kv_cache_update AFTER UPDATE OF value ON kv_cache BEGIN " +
  "UPDATE kv_cache_bytes SET total = total + octet_length(NEW.value) - octet_length(OLD.value); END",
  "CREATE TRIGGER IF NOT EXISTS kv_cache_delete AFTER DELETE ON kv_cache BEGIN " +
  "UPDATE kv_cache_bytes SET total = total - octet_length(OLD.value); END",
];

/** Rounds of making room after one look. */
const mostRounds = 10;

/** A KV in a table. */
export function sqlKV(
  database: SqlDatabase,
  { table, maxBytes = Infinity, now = Date.now }: SqlKVOptions,
): KV {
  const due = sweeper();
  const text = {
    get: `SELECT value FROM ${table} WHERE key = ? AND (expires IS NULL OR expires > ?)`,
    put: `INSERT INTO ${table} (key, value, expires) VALUES (?, ?, ?) ` +
      "ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires",
    remove: `DELETE FROM ${table} WHERE key = ?`,
    // A range and not LIKE: '_' is a pattern there, and no index is used.
    keys: `SELECT key FROM ${table} ` +
      "WHERE key >= ? AND key < ? AND (expires IS NULL OR expires > ?)",
    first: `DELETE FROM ${table} WHERE rowid IN ` +
      `(SELECT rowid FROM ${table} ORDER BY rowid LIMIT ${mostSwept})`,
    sweep: `DELETE FROM ${table} WHERE key IN ` +
      `(SELECT key FROM ${table} WHERE expires <= ? LIMIT ${mostSwept})`,
  };

  async function find(key: string): Promise<unknown> {
    const row = await database.prepare(text.get).get(checkKey(key), now()) as SqlRow | undefined;
    return row?.["value"];
  }

  async function put(key: string, value: SqlValue, ttl: number | undefined): Promise<void> {
    const at = now();
    const expires = expiryOf(ttl, at);
    if (expires <= at) await database.prepare(text.remove).run(key);
    else {
      const time = expires > Number.MAX_SAFE_INTEGER ? null : Math.ceil(expires);
      await database.prepare(text.put).run(key, value, time);
    }
    // Not waited for, and no failure of this write; whatever it is, the next write meets it.
    if (due(at)) tidy(at).catch(() => {});
  }

  /** Removes what has expired, and what there is no room for. */
  async function tidy(at: number): Promise<void> {
    await database.prepare(text.sweep).run(at);
    if (maxBytes === Infinity) return;
    for (let round = 0; round < mostRounds; round++) {
      const row = await database.prepare("SELECT total FROM kv_cache_bytes").get() as SqlRow;
      if (!(Number(row["total"]) > maxBytes)) return;
      await database.prepare(text.first).run();
    }
  }

  return {
    driver: database.connector === "cloudflare-d1" ? "d1" : database.dialect,
    async get(key) {
      const value = await find(key);
      return typeof value === "string" ? JSON.parse(value) as Json : undefined;
    },
    async set(key, value, ttl) {
      checkKey(key);
      const json = JSON.stringify(value);
      if (json === undefined) throw new InputError(`The value of '${key}' is not JSON`);
      await put(key, json, ttl);
    },
    async getBytes(key) {
      const value = await find(key);
      if (value instanceof Uint8Array) return value;
      // D1 answers with a list of numbers.
      return Array.isArray(value) ? Uint8Array.from(value) : undefined;
    },
    async setBytes(key, value, ttl) {
      await put(checkKey(key), value, ttl);
    },
    async delete(key) {
      await database.prepare(text.remove).run(checkKey(key));
    },
    async keys(prefix) {
      checkPrefix(prefix);
      const next = `${prefix.slice(0, -1)};`; // ';' follows ':'
      const rows = await database.prepare(text.keys).all(prefix, next, now()) as SqlRow[];
      return rows.map((row) => String(row["key"]));
    },
    async close() {},
  };
}
