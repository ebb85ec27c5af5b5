/**
 * Stored answers in SQLite. Most looks find nothing, and most of what is written is never read: rows are
 * written one behind the other, many in one transaction, and which keys there are is known in memory.
 * What other processes write is noticed by the version that SQLite keeps of the file.
 *
 * @module
 */
import { Directory, hashOf } from "./directory.ts";
import { checkKey, checkPrefix, expiryOf, InputError } from "./key.ts";
import type { Json, KV } from "./ports.ts";
import type { SqlValue, SyncSql } from "./sql.ts";

/** How {@link sqlCache} works. */
export interface SqlCacheOptions {
  /** Most bytes of values; what was written first goes first. No bound unless given. */
  maxBytes?: number;
  /** Most values, 400,000 unless given: a process needs some 30 bytes of memory for each. */
  maxRows?: number;
  /** Milliseconds since 1970; `Date.now` unless given. */
  now?: () => number;
}

/** The tables, for whoever creates them; ids are given once, in the order of commits. */
export const cacheTables: readonly string[] = [
  // A value is text (JSON) or a blob (bytes); one that never expires has no time.
  "CREATE TABLE answers (id INTEGER PRIMARY KEY, key TEXT NOT NULL, value BLOB NOT NULL, expires INTEGER)",
  // In the order of rows, so that a new one is written at the end: to read keys without their values.
  "CREATE INDEX answers_keys ON answers (id, expires, key)",
  "CREATE INDEX answers_expires ON answers (expires) WHERE expires IS NOT NULL",
  "CREATE TABLE answers_state (next INTEGER NOT NULL, bytes INTEGER NOT NULL)",
  "INSERT INTO answers_state (next, bytes) VALUES (1, 0)",
];

const text = {
  state: "SELECT next, bytes FROM answers_state",
  setState: "UPDATE answers_state SET next = ?, bytes = ?",
  get: "SELECT key, value, expires FROM answers WHERE id = ?",
  put: "INSERT INTO answers (id, key, value, expires) VALUES (?, ?, ?, ?)",
  remove: "DELETE FROM answers WHERE id = ? AND key = ? RETURNING octet_length(value) AS size",
  sweep: "DELETE FROM answers WHERE id IN (SELECT id FROM answers WHERE expires <= ? LIMIT ?) " +
    "RETURNING id, octet_length(value) AS size",
  first: "DELETE FROM answers WHERE id IN (SELECT id FROM answers ORDER BY id LIMIT ?) " +
    "RETURNING id, octet_length(value) AS size",
  oldest: "SELECT MIN(id) AS id FROM answers",
  after: "SELECT id, key, expires FROM answers INDEXED BY answers_keys WHERE id > ? " +
    "ORDER BY id LIMIT ?",
  keys: "SELECT key FROM answers INDEXED BY answers_keys " +
    "WHERE key >= ? AND key < ? AND (expires IS NULL OR expires > ?)",
};

/** Keys that are read at a time. */
const slice = 5000;
/** Rows that are removed at a time. */
const some = 64;
/** Rounds of making room in one transaction. */
const mostRounds = 10;
/** Milliseconds for which what other processes wrote is not looked for again. */
const fresh = 5;

/** Something to be written; without a value, to be removed. */
interface Change {
  key: string;
  value: SqlValue | undefined;
  size: number;
  expires: number;
}

/** Whoever waits for changes. */
interface Waiting {
  done(): void;
  failed(error: unknown): void;
}

/** A KV that is made for many writes, on a connection that nobody else uses for transactions. */
export function sqlCache(sql: SyncSql, options: SqlCacheOptions = {}): KV {
  const { maxBytes = Infinity, maxRows = 400_000, now = Date.now } = options;
  const directory = new Directory();
  let queue: Change[] = [];
  let waiting: Waiting[] = [];
  /** The last row that the directory knows. */
  let last = 0;
  let version: unknown;
  let lookedAt = -Infinity;
  let loading: Promise<void> | undefined;

  /** Reads keys of rows that others have written; true when there may be more. */
  function learn(): boolean {
    const rows = sql.rows(text.after, last, slice);
    const at = now();
    for (const { id, key, expires } of rows) {
      last = Number(id);
      directory.set(hashOf(String(key)), last, expires === null ? Infinity : Number(expires), at);
    }
    return rows.length === slice;
  }

  /** Brings the directory up to date. A large file that is new to this process takes some turns. */
  function refresh(): void | Promise<void> {
    if (loading !== undefined) return loading;
    const at = performance.now();
    if (at - lookedAt < fresh) return;
    const found = sql.rows("PRAGMA data_version")[0]?.["data_version"];
    if (found !== version && learn()) {
      const rest = async () => {
        do await new Promise((resolve) => setTimeout(resolve, 0)); while (learn());
        version = found;
      };
      return loading = rest().finally(() => loading = undefined);
    }
    version = found;
    lookedAt = at;
  }

  async function find(key: string): Promise<unknown> {
    checkKey(key);
    commit();
    const busy = refresh();
    if (busy !== undefined) await busy;
    const hash = hashOf(key);
    for (let tries = 0; tries < 2; tries++) {
      const id = directory.get(hash);
      if (id === undefined) return undefined;
      const [row] = sql.rows(text.get, id);
      if (row !== undefined) {
        const { expires, value } = row;
        const isIt = row["key"] === key && (expires === null || Number(expires) > now());
        return isIt ? value : undefined;
      }
      directory.delete(hash, id);
      // Another process may have written it anew just now.
      lookedAt = -Infinity;
      const busy = refresh();
      if (busy !== undefined) await busy;
    }
    return undefined;
  }

  function add(key: string, value: SqlValue | undefined, size: number, ttl?: number): void {
    const at = now();
    const expires = expiryOf(ttl, at);
    queue.push({ key, value: expires > at ? value : undefined, size, expires });
  }

  /** All changes of one turn are one transaction. */
  function committed(): Promise<void> {
    return new Promise((done, failed) => {
      if (waiting.push({ done, failed }) === 1) queueMicrotask(commit);
    });
  }

  function commit(): void {
    if (waiting.length === 0) return;
    const changes = queue;
    const all = waiting;
    queue = [];
    waiting = [];
    try {
      const learnt = sql.transaction(() => write(changes));
      for (const learn of learnt) learn();
    } catch (error) {
      for (const { failed } of all) failed(error);
      return;
    }
    for (const { done } of all) done();
  }

  /** Gives back what is to be noted once it is committed. */
  function write(changes: readonly Change[]): (() => void)[] {
    const at = now();
    const learnt: (() => void)[] = [];
    const [state] = sql.rows(text.state);
    let { next, bytes } = { next: Number(state?.["next"]), bytes: Number(state?.["bytes"]) };
    if (loading === undefined) { while (last < next - 1 && learn()); }
    const known = loading === undefined;
    // Of several changes of one key the last one counts.
    const each = new Map(changes.map((change) => [change.key, change]));
    for (const { key, value, size, expires } of each.values()) {
      const hash = hashOf(key);
      const old = directory.get(hash);
      if (old !== undefined) {
        bytes -= sum(sql.rows(text.remove, old, key));
        learnt.push(() => directory.delete(hash, old));
      }
      if (value === undefined) continue;
      const id = next++;
      sql.rows(
        text.put,
        id,
        key,
        value,
        expires > Number.MAX_SAFE_INTEGER ? null : Math.ceil(expires),
      );
      bytes += size;
      learnt.push(() => directory.set(hash, id, expires, at));
    }
    // More than are written, so that none pile up.
    bytes -= sum(sql.rows(text.sweep, at, 2 * each.size + some));
    let floor = 0;
    for (let round = 0; round < mostRounds; round++) {
      const oldest = sql.rows(text.oldest)[0]?.["id"] ?? null;
      if (oldest === null || !(bytes > maxBytes || next - Number(oldest) > maxRows)) break;
      const gone = sql.rows(text.first, some);
      bytes -= sum(gone);
      for (const { id } of gone) floor = Math.max(floor, Number(id));
    }
    sql.rows(text.setState, next, bytes);
    learnt.push(() => {
      directory.floor = Math.max(directory.floor, floor);
      if (known) last = next - 1;
    });
    return learnt;
  }

  return {
    driver: "sqlite",
    async get(key) {
      const value = await find(key);
      return typeof value === "string" ? JSON.parse(value) as Json : undefined;
    },
    async set(key, value, ttl) {
      checkKey(key);
      const json = JSON.stringify(value);
      if (json === undefined) throw new InputError(`The value of '${key}' is not JSON`);
      add(key, json, encoder.encode(json).byteLength, ttl);
      await committed();
    },
    lacks(key) {
      if (queue.length > 0) return false;
      const busy = refresh();
      if (busy === undefined) return directory.get(hashOf(key)) === undefined;
      busy.catch(() => {}); // whoever asks next is told
      return false;
    },
    async getBytes(key) {
      const value = await find(key);
      return value instanceof Uint8Array ? value : undefined;
    },
    async setBytes(key, value, ttl) {
      add(checkKey(key), value, value.byteLength, ttl);
      await committed();
    },
    async setBytesOfAll(values) {
      for (const { key, ttl } of values) { // all or none
        checkKey(key);
        expiryOf(ttl, 0);
      }
      for (const { key, value, ttl } of values) add(key, value, value.byteLength, ttl);
      await committed();
    },
    async delete(key) {
      add(checkKey(key), undefined, 0);
      await committed();
    },
    async keys(prefix) {
      checkPrefix(prefix);
      commit();
      const next = `${prefix.slice(0, -1)};`; // ';' follows ':'
      return [...new Set(sql.rows(text.keys, prefix, next, now()).map(({ key }) => String(key)))];
    },
    async close() {
      commit();
    },
  };
}

const encoder = new TextEncoder();

function sum(rows: readonly Record<string, unknown>[]): number {
  let sum = 0;
  for (const { size } of rows) sum += Number(size);
  return sum;
}
