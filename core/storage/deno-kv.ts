/**
 * Values and counts in Deno KV: the store of Deno Deploy, where there is no disk.
 *
 * @module
 */
import type { KVDriver } from "./kv.ts";
import type { Count, Counters, Span } from "./ports.ts";
import { type Addition, additionOf, addToSlots, type Slots } from "./span.ts";

/** A key of Deno KV. */
export type DenoKvKey = readonly (string | number | bigint | boolean | Uint8Array | symbol)[];

/** The part of `Deno.Kv` that is used. */
export interface DenoKv {
  /** One entry. */
  get(key: DenoKvKey): Promise<DenoKvEntry>;
  /** Ten entries at most. */
  getMany(keys: readonly DenoKvKey[]): Promise<DenoKvEntry[]>;
  /** The entries below a key. */
  list(selector: { prefix: DenoKvKey }): AsyncIterable<DenoKvEntry>;
  /** Begins a change. */
  atomic(): DenoKvAtomic;
  /** Lets go of it. */
  close(): void;
}

/** What is under a key. */
export interface DenoKvEntry {
  /** The key. */
  key: DenoKvKey;
  /** The value, or null. */
  value: unknown;
  /** Null where there is nothing. */
  versionstamp: string | null;
}

/** Changes that are made together, unless an entry that was checked has changed. */
export interface DenoKvAtomic {
  /** Nothing is changed unless these entries are as they were read. */
  check(...entries: DenoKvEntry[]): DenoKvAtomic;
  /** Sets a value; `expireIn` is in milliseconds. */
  set(key: DenoKvKey, value: unknown, options?: { expireIn?: number }): DenoKvAtomic;
  /** Deletes a value. */
  delete(key: DenoKvKey): DenoKvAtomic;
  /** Carries out the change; `ok` is false where a check failed. */
  commit(): Promise<{ ok: boolean }>;
}

/** Deno KV takes 64 KiB in a value, its own framing included. */
const mostBytes = 60_000;
/** Reads at once, as Deno KV allows. */
const mostReads = 10;
/** Tries of a change that others come in between with. */
const mostTries = 30;

/** What stands for a value that is stored in parts. */
interface Head {
  /** Where the parts are. */
  id: string;
  parts: number;
  text: boolean;
}

const partsAt = "sluice-parts";

/** A driver for `kvOver`. Values over Deno KV's limit are stored in parts, and are there whole or not. */
export function denoDriver(kv: DenoKv): KVDriver {
  async function read(key: string): Promise<unknown> {
    const { value } = await kv.get(key.split(":"));
    if (!isHead(value)) return value;
    const bytes = new Uint8Array(value.parts * mostBytes);
    let length = 0;
    for (let at = 0; at < value.parts; at += mostReads) {
      for (const { value: part } of await kv.getMany(partPaths(value).slice(at, at + mostReads))) {
        if (!(part instanceof Uint8Array)) return null; // expired, or written anew meanwhile
        bytes.set(part, length);
        length += part.length;
      }
    }
    const whole = bytes.subarray(0, length);
    return value.text ? new TextDecoder().decode(whole) : whole;
  }

  /** Nothing deletes. */
  async function write(key: string, value?: string | Uint8Array, ttl?: number): Promise<void> {
    const path = key.split(":");
    const options = ttl === undefined ? {} : { expireIn: ttl * 1000 };
    const stored = value === undefined ? undefined : await writeParts(value, options);
    for (let tries = 0; tries < mostTries; tries++) {
      const old = await kv.get(path);
      const change = kv.atomic().check(old);
      if (stored === undefined) change.delete(path);
      else change.set(path, stored, options);
      if ((await change.commit()).ok) return await deleteParts(old.value);
      await pause(tries);
    }
    await deleteParts(stored);
    throw contended();
  }

  /** What to store under the key itself. */
  async function writeParts(
    value: string | Uint8Array,
    options: { expireIn?: number },
  ): Promise<string | Uint8Array | Head> {
    const text = typeof value === "string";
    if (value.length * (text ? 2 : 1) <= mostBytes) return value;
    const bytes = text ? new TextEncoder().encode(value) : value;
    const parts = Math.ceil(bytes.length / mostBytes);
    const head: Head = { id: crypto.randomUUID(), parts, text };
    for (const [i, path] of partPaths(head).entries()) {
      const part = bytes.slice(i * mostBytes, (i + 1) * mostBytes);
      await kv.atomic().set(path, part, options).commit();
    }
    return head;
  }

  async function deleteParts(value: unknown): Promise<void> {
    if (!isHead(value)) return;
    const change = kv.atomic();
    for (const path of partPaths(value)) change.delete(path);
    await change.commit();
  }

  return {
    name: "deno-kv",
    getItem: read,
    getItemRaw: read,
    setItem: (key, value, { ttl }) => write(key, value, ttl),
    setItemRaw: (key, value, { ttl }) => write(key, value, ttl),
    removeItem: (key) => write(key),
    async getKeys(base) {
      const keys: string[] = [];
      const prefix = base.split(":").filter((segment) => segment !== "");
      for await (const { key } of kv.list({ prefix })) keys.push(key.join(":"));
      return keys;
    },
  };
}

function partPaths({ id, parts }: Head): DenoKvKey[] {
  return Array.from({ length: parts }, (_, i) => [partsAt, id, i]);
}

function isHead(value: unknown): value is Head {
  return typeof value === "object" && value !== null && "parts" in value && "id" in value;
}

/** An addition that waits for the one write that carries out all that wait. */
interface Waiting {
  addition: Addition;
  span: Span;
  resolve(count: Count): void;
  reject(error: unknown): void;
}

/**
 * Counts in Deno KV, below `base`. Additions of one process to one count are written together: each
 * write that is checked fails where another one came first, and a crowd would never end.
 */
export function denoCounters(kv: DenoKv, base: DenoKvKey): Counters {
  const queues = new Map<string, Waiting[]>();

  async function work(id: string, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.splice(0);
      try {
        const counts = await addAll(id, batch);
        for (const [i, count] of counts.entries()) batch[i]!.resolve(count);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    queues.delete(id);
  }

  async function addAll(id: string, batch: Waiting[]): Promise<Count[]> {
    const path = [...base, id];
    const expireIn = Math.max(...batch.map(({ span }) => Math.ceil(2 * span.slots * span.slotMs)));
    for (let tries = 0; tries < mostTries; tries++) {
      try {
        const entry = await kv.get(path);
        const slots = isSlots(entry.value) ? entry.value : { slots: [], amounts: [] };
        const counts = batch.map(({ addition, span }) => addToSlots(slots, addition, span));
        if (!batch.some(({ addition }, i) => addition.amount !== 0 && counts[i]!.added)) {
          return counts;
        }
        const change = kv.atomic().check(entry).set(path, slots, { expireIn });
        if ((await change.commit()).ok) return counts;
      } catch (error) {
        // A file that another process writes at this moment: Deno does not wait for it.
        if (!/database is locked/.test(String(error))) throw error;
      }
      await pause(tries);
    }
    throw contended();
  }

  return {
    driver: "deno-kv",
    shared: true,
    async add(key, amount, span, limit, now) {
      const addition = additionOf(key, amount, span, limit, now);
      const { promise, resolve, reject } = Promise.withResolvers<Count>();
      const queue = queues.get(addition.id);
      if (queue !== undefined) queue.push({ addition, span, resolve, reject });
      else {
        const first = [{ addition, span, resolve, reject }];
        queues.set(addition.id, first);
        void work(addition.id, first);
      }
      return await promise;
    },
    async close() {},
  };
}

function isSlots(value: unknown): value is Slots {
  return typeof value === "object" && value !== null && "slots" in value && "amounts" in value;
}

/** A little longer each time, and not the same for all who try. */
function pause(tries: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(2 ** tries, 50)));
}

function contended(): Error {
  return Object.assign(new Error("Others changed the entry each time"), { code: "CONTENDED" });
}
