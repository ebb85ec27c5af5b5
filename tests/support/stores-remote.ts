// Stores that are called over HTTP, for those of a runtime that has no test runner.
// Bytes travel as `{ bytes: [...] }`, numbers that JSON does not have as `{ number: "..." }`.
import type { Counters, KV, Stores } from "../../core/storage/ports.ts";

/** Sends one call and answers with its body. */
export type Send = (body: string) => Promise<string>;

export async function call(
  send: Send,
  store: keyof Stores | "reports" | "drivers" | "clean",
  method = "",
  args: unknown[] = [],
  now = Date.now(),
): Promise<any> {
  const { value, error } = JSON.parse(
    await send(JSON.stringify({ store, method, args, now }, replace)),
    revive,
  );
  if (error === "TypeError") throw new TypeError(`${store}.${method}`);
  if (error !== undefined) throw new Error(error);
  return value;
}

export function remoteKV(send: Send, store: "keys" | "cache", now: () => number): KV {
  const on = (method: string) => (...args: unknown[]) => call(send, store, method, args, now());
  return {
    driver: "remote",
    get: on("get"),
    set: on("set"),
    getBytes: on("getBytes"),
    setBytes: on("setBytes"),
    delete: on("delete"),
    keys: on("keys"),
    close: () => Promise.resolve(),
  };
}

export function remoteCounters(send: Send): Counters {
  return {
    driver: "remote",
    shared: true,
    add: (...args) => call(send, "counters", "add", args),
    close: () => Promise.resolve(),
  };
}

export function replace(_key: string, value: unknown): unknown {
  if (value === undefined) return { nothing: true };
  if (value instanceof Uint8Array) return { bytes: Array.from(value) };
  if (typeof value === "number" && !Number.isFinite(value)) return { number: String(value) };
  return value;
}

export function revive(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("nothing" in value) return undefined;
  if ("bytes" in value) return Uint8Array.from(value.bytes as number[]);
  if ("number" in value) return Number(value.number);
  return value;
}
