/**
 * Stores in the memory of one process: gone when it ends, shared with nobody, and bounded.
 *
 * @module
 */
// deno-lint-ignore-file require-await -- what is thrown at once is to be a rejection as well
import { checkKey, checkPrefix, expiryOf, InputError } from "./key.ts";
import type { Counters, Json, KV } from "./ports.ts";
import { additionOf, addToSlots, type Slots } from "./span.ts";

/** Bounds of {@link memoryKV}. */
export interface MemoryKVOptions {
  /** Most bytes of keys and values, 64 MiB unless given; what was not used for longest goes first. */
  maxBytes?: number;
  /** Most values, 100,000 unless given. */
  maxEntries?: number;
  /** Milliseconds since 1970; `Date.now` unless given. */
  now?: () => number;
}

interface Entry {
  /** JSON text, so that nobody changes what is stored. */
  value: string | Uint8Array;
  expires: number;
  size: number;
}

/** What an entry takes beside its value, roughly. */
const overhead = 128;

/** A KV in memory. A value that alone is over the bound is not kept. */
export function memoryKV(options: MemoryKVOptions = {}): KV {
  const { maxBytes = 64 * 1024 * 1024, maxEntries = 100_000, now = Date.now } = options;
  /** In the order of use, the longest unused first. */
  const entries = new Map<string, Entry>();
  let bytes = 0;
  let writes = 0;

  function remove(key: string, entry: Entry | undefined): void {
    if (entry !== undefined && entries.delete(key)) bytes -= entry.size;
  }

  function find(key: string): string | Uint8Array | undefined {
    const entry = entries.get(checkKey(key));
    if (entry === undefined) return undefined;
    if (entry.expires <= now()) {
      remove(key, entry);
      return undefined;
    }
    entries.delete(key);
    entries.set(key, entry);
    return entry.value;
  }

  function put(key: string, value: string | Uint8Array, ttl: number | undefined): void {
    const expires = expiryOf(ttl, now());
    remove(key, entries.get(key));
    const length = typeof value === "string" ? value.length * 2 : value.length;
    const size = key.length * 2 + length + overhead;
    if (size > maxBytes || expires <= now()) return;
    entries.set(key, { value, expires, size });
    bytes += size;
    // Now and then, for a store without a bound would keep what has expired and is never asked for.
    if (++writes > entries.size + 1000) sweep();
    for (const [oldest, entry] of entries) {
      if (bytes <= maxBytes && entries.size <= maxEntries) break;
      remove(oldest, entry);
    }
  }

  function sweep(): void {
    writes = 0;
    const at = now();
    for (const [key, entry] of entries) if (entry.expires <= at) remove(key, entry);
  }

  return {
    driver: "memory",
    async get(key) {
      const value = find(key);
      return typeof value === "string" ? JSON.parse(value) as Json : undefined;
    },
    async set(key, value, ttl) {
      checkKey(key);
      const text = JSON.stringify(value);
      if (text === undefined) throw new InputError(`The value of '${key}' is not JSON`);
      put(key, text, ttl);
    },
    async getBytes(key) {
      const value = find(key);
      // A copy: a byte stream takes the buffer of what it is given.
      return typeof value === "string" ? undefined : value?.slice();
    },
    async setBytes(key, value, ttl) {
      put(checkKey(key), new Uint8Array(value), ttl);
    },
    async delete(key) {
      remove(checkKey(key), entries.get(key));
    },
    async keys(prefix) {
      checkPrefix(prefix);
      sweep();
      return [...entries.keys()].filter((key) => key.startsWith(prefix));
    },
    async close() {
      entries.clear();
      bytes = 0;
    },
  };
}

/** Bounds of {@link memoryCounters}. */
export interface MemoryCountersOptions {
  /** Most keys, 250,000 unless given; those that would expire first are forgotten first. */
  maxKeys?: number;
}

interface ExpiringSlots extends Slots {
  expires: number;
}

/** Counts in memory: each process counts on its own. */
export function memoryCounters(options: MemoryCountersOptions = {}): Counters {
  const { maxKeys = 250_000 } = options;
  const counts = new Map<string, ExpiringSlots>();
  let sweepAt = Math.min(1000, maxKeys);

  function sweep(now: number): void {
    for (const [id, { expires }] of counts) if (expires <= now) counts.delete(id);
    if (counts.size >= maxKeys) {
      const soonest = [...counts].sort(([, a], [, b]) => a.expires - b.expires);
      // A tenth at once, or every further key would sort them all.
      const surplus = counts.size - Math.floor(maxKeys * 0.9);
      for (const [id] of soonest.slice(0, surplus)) counts.delete(id);
    }
    sweepAt = Math.min(Math.max(counts.size * 2, 1000), maxKeys);
  }

  return {
    driver: "memory",
    shared: false,
    async add(key, amount, span, limit, now) {
      const addition = additionOf(key, amount, span, limit, now);
      const { id, expires } = addition;
      const found = counts.get(id);
      const slots = found ?? { slots: [], amounts: [], expires };
      const count = addToSlots(slots, addition, span);
      if (!count.added || amount === 0) return count;
      if (found === undefined) {
        if (counts.size >= sweepAt) sweep(now);
        counts.set(id, slots);
      } else if (expires > found.expires) found.expires = expires;
      return count;
    },
    async close() {
      counts.clear();
    },
  };
}
