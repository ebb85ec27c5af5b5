/**
 * The KV port over any driver of unstorage. What drivers do differently is evened out here: some ignore
 * a time to live, some guess types, some only keep text. So each value is stored with its expiry, and
 * what is stored does not look like JSON to a driver that parses what it reads.
 *
 * @module
 */
import { checkKey, checkPrefix, expiryOf, InputError } from "./key.ts";
import type { Json, KV } from "./ports.ts";

/** The part of unstorage's `Driver` that is used; each of its drivers is one. */
export interface KVDriver {
  /** For health and metrics. */
  name?: string;
  /** The text as it was set, or null. */
  getItem(key: string, options?: Record<string, unknown>): unknown;
  /** The bytes as they were set, or null; a driver without it keeps text only. */
  getItemRaw?(key: string, options: Record<string, unknown>): unknown;
  /** A driver without it cannot be written. */
  setItem?(key: string, value: string, options: DriverOptions): void | Promise<void>;
  /** A driver without it keeps text only. */
  setItemRaw?(key: string, value: Uint8Array, options: DriverOptions): void | Promise<void>;
  /** A driver without it cannot be written. */
  removeItem?(key: string, options: Record<string, unknown>): void | Promise<void>;
  /** At least the keys that begin with `base`. */
  getKeys(base: string, options: Record<string, unknown>): string[] | Promise<string[]>;
  /** Lets go of connections and files. */
  dispose?(): void | Promise<void>;
}

/** What goes to a driver with a value. */
export interface DriverOptions {
  /** Whole seconds, 1 at least. */
  ttl?: number;
}

/** How {@link kvOver} works. */
export interface KVOptions {
  /** Name of the driver, where its own does not tell. */
  name?: string;
  /** What all keys begin with in the store, such as `sluice:cache:`; nothing unless given. */
  base?: string;
  /** Milliseconds since 1970; `Date.now` unless given. */
  now?: () => number;
}

/**
 * A KV over a driver. A value is written as `j<expiry>,<length>|<JSON>`; bytes as 0x01, expiry
 * (float64), length (uint32, both big endian) and the bytes, or as `b<expiry>,<length>|<base64>` where
 * the driver keeps text only. The expiry is in milliseconds since 1970, 0 is never. The length is for
 * drivers that a crash leaves with half a value. The driver is told the time to live as well, so that
 * one that knows it frees the space; others keep what has expired until it is written again.
 */
export function kvOver(driver: KVDriver, options: KVOptions = {}): KV {
  const { base = "", now = Date.now } = options;
  const at = (key: string) => base + checkKey(key);
  const { setItem, removeItem } = driver;
  if (setItem === undefined || removeItem === undefined) {
    throw new TypeError(`Driver '${driver.name ?? "unknown"}' of unstorage cannot write`);
  }
  const raw = driver.setItemRaw !== undefined && driver.getItemRaw !== undefined;

  /** Writes unless the value has expired by now; then what is there goes. */
  async function put(
    key: string,
    ttl: number | undefined,
    write: (expires: number, options: DriverOptions) => void | Promise<void>,
  ): Promise<void> {
    const began = now();
    const expires = expiryOf(ttl, began);
    if (expires <= began) await driver.removeItem!(key, {});
    else if (expires > furthest) await write(0, {});
    else await write(expires, { ttl: Math.ceil((expires - began) / 1000) });
  }

  return {
    driver: options.name ?? driver.name ?? "unknown",
    async get(key) {
      return textOf(await driver.getItem(at(key), {}), "j", now(), JSON.parse) as Json;
    },
    async set(key, value, ttl) {
      const place = at(key);
      const text = JSON.stringify(value);
      if (text === undefined) throw new InputError(`The value of '${key}' is not JSON`);
      await put(
        place,
        ttl,
        (expires, options) => driver.setItem!(place, withTextHead("j", expires, text), options),
      );
    },
    async getBytes(key) {
      const place = at(key);
      if (raw) return bytesOf(await driver.getItemRaw!(place, {}), now());
      return textOf(await driver.getItem(place, {}), "b", now(), fromBase64);
    },
    async setBytes(key, value, ttl) {
      const place = at(key);
      await put(
        place,
        ttl,
        (expires, options) =>
          raw
            ? driver.setItemRaw!(place, withHead(value, expires), options)
            : driver.setItem!(place, withTextHead("b", expires, toBase64(value)), options),
      );
    },
    async delete(key) {
      await driver.removeItem!(at(key), {});
    },
    async keys(prefix) {
      const below = base + checkPrefix(prefix);
      const keys = await driver.getKeys(below, {});
      // Some drivers list what is not below, some list a key twice, some list paths.
      return [...new Set(keys.map((key) => key.replace(/[/\\]/g, ":").replace(/^:/, "")))]
        .filter((key) => key.startsWith(below)).map((key) => key.slice(base.length));
    },
    async close() {
      await driver.dispose?.();
    },
  };
}

/** 2286: times from here on are never, as drivers refuse some of them. */
const furthest = 1e13;

function withTextHead(kind: string, expires: number, text: string): string {
  return `${kind}${expires},${text.length}|${text}`;
}

/** What follows the head, if it is of that kind, whole, and has not expired. */
function textOf<T>(
  stored: unknown,
  kind: string,
  now: number,
  read: (text: string) => T,
): T | undefined {
  if (typeof stored !== "string" || stored[0] !== kind) return undefined;
  const end = stored.indexOf("|");
  const [expires, length] = stored.slice(1, end).split(",").map(Number);
  if (expires !== 0 && !(expires! > now)) return undefined;
  if (length !== stored.length - end - 1) return undefined;
  try {
    return read(stored.slice(end + 1));
  } catch {
    return undefined; // nothing of ours
  }
}

const headSize = 13;
const headMark = 1;

function withHead(bytes: Uint8Array, expires: number): Uint8Array {
  const stored = new Uint8Array(headSize + bytes.length);
  stored[0] = headMark;
  const head = new DataView(stored.buffer);
  head.setFloat64(1, expires);
  head.setUint32(9, bytes.length);
  stored.set(bytes, headSize);
  return stored;
}

function bytesOf(stored: unknown, now: number): Uint8Array | undefined {
  const bytes = stored instanceof ArrayBuffer
    ? new Uint8Array(stored)
    : stored instanceof Uint8Array
    ? new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength) // a Buffer becomes plain
    : undefined;
  if (bytes === undefined || bytes.length < headSize || bytes[0] !== headMark) return undefined;
  const head = new DataView(bytes.buffer, bytes.byteOffset);
  const expires = head.getFloat64(1);
  if (expires !== 0 && !(expires > now)) return undefined;
  return head.getUint32(9) === bytes.length - headSize ? bytes.slice(headSize) : undefined;
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  // More arguments than this overflow the stack of some runtimes.
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return btoa(text);
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
