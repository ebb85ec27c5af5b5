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
  /** Milliseconds since 1970; `Date.now` unless given. */
  now?: () => number;
}

/** The table, for whoever opens the database. */
export const kvTable: readonly string[] = [
  // A value is text (JSON) or a blob (bytes); one that never expires has no time.
  "CREATE TABLE IF NOT EXISTS kv_keys (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires INTEGER)",
  "CREATE INDEX IF NOT EXISTS kv_keys_expires ON kv_keys (expires) WHERE expires IS NOT NULL",
];

const text = {
  get: "SELECT value FROM kv_keys WHERE key = ? AND (expires IS NULL OR expires > ?)",
  put: "INSERT INTO kv_keys (key, value, expires) VALUES (?, ?, ?) " +
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires = excluded.expires",
  remove: "DELETE FROM kv_keys WHERE key = ?",
  // A range and not LIKE: '_' is a pattern there, and no index is used.
  keys: "SELECT key FROM kv_keys WHERE key >= ? AND key < ? AND (expires IS NULL OR expires > ?)",
  sweep: "DELETE FROM kv_keys WHERE key IN " +
    `(SELECT key FROM kv_keys WHERE expires <= ? LIMIT ${mostSwept})`,
};

/** A KV in the table. */
export function sqlKV(database: SqlDatabase, { now = Date.now }: SqlKVOptions = {}): KV {
  const due = sweeper();

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
    if (due(at)) database.prepare(text.sweep).run(at).catch(() => {});
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
