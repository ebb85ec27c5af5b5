/**
 * Which stores a gateway has on Workers: the bindings that are there, else memory. Nothing is asked of
 * a binding before there is a request.
 *
 * @module
 */
import cloudflareKV from "unstorage/drivers/cloudflare-kv-binding";
import { ConfigError } from "../../core/config/config.ts";
import { entryNames } from "../../core/analytics/names.ts";
import { suggestion } from "../../core/nearest.ts";
import { type KVDriver, kvOver } from "../../core/storage/kv.ts";
import { memoryCounters, memoryKV } from "../../core/storage/memory.ts";
import { lazyLogs } from "../../core/storage/logs-lazy.ts";
import type { Counters, KV, Logs, Stores } from "../../core/storage/ports.ts";
import { type Addition, additionOf, countOf } from "../../core/storage/span.ts";
import type { Sum } from "../../core/storage/sql-counters.ts";
import { kvTable, sqlKV } from "../../core/storage/sql-kv.ts";
import { type D1Binding, d1Database } from "./d1.ts";

/** The part of Workers KV's binding that is used beside the driver. */
interface KVBinding {
  get(key: string, type: "arrayBuffer"): Promise<ArrayBuffer | null>;
  put(key: string, value: Uint8Array, options: { expirationTtl?: number }): Promise<void>;
  delete(key: string): Promise<void>;
}

/** A namespace of `SluiceCounters`. */
interface CountersBinding {
  idFromName(name: string): unknown;
  get(id: unknown): { add(addition: Addition): Promise<Sum> };
}

/** What {@link openWorkerStores} chooses from. */
export interface WorkerStoreOptions {
  /** The configuration; of it only `storage` is read, whose values may be stores when it is code. */
  config?: { storage?: Readonly<Record<string, unknown>> };
  report(message: string): void;
  /** Milliseconds since 1970; `Date.now` unless given. */
  now?: () => number;
}

/**
 * Opens the stores. Bindings are `SLUICE_KV` (keys, cache), `SLUICE_DB` (logs; keys where there is no
 * KV) and `SLUICE_COUNTERS` (counters); what is missing is in memory, which is reported, as each
 * instance then has its own. `SLUICE_DATA=memory` asks for that. Throws a {@link ConfigError}.
 *
 * @param env The worker's variables and bindings.
 */
export function openWorkerStores(
  env: Readonly<Record<string, unknown>>,
  options: WorkerStoreOptions,
): Stores {
  const { config, report, now = Date.now } = options;
  const storage = config?.storage ?? {};
  for (const use of Object.keys(storage)) {
    if (!uses.includes(use)) {
      throw problem(use, "an unknown key", `a use of storage; ${suggestion(use, uses, "uses")}`);
    }
  }
  const given = (use: string) => fromConfig(use, storage[use], env, now);
  const inMemory = env["SLUICE_DATA"] === "memory";
  const bound = (name: string) => inMemory ? undefined : env[name];
  const missing: string[] = [];
  const absent = <T>(name: string, what: string, store: T): T => {
    if (!inMemory) missing.push(`no ${name}: ${what}`);
    return store;
  };

  const kv = bound("SLUICE_KV") as KVBinding | undefined;
  const d1 = bound("SLUICE_DB") as D1Binding | undefined;
  const counters = bound("SLUICE_COUNTERS") as CountersBinding | undefined;
  const database = d1 && d1Database(d1, kvTable);
  const stores: Stores = {
    keys: given("keys") as KV | undefined ??
      (kv !== undefined
        ? kvOver(driverOf(kv), { base: "sluice:keys:", now })
        : database !== undefined
        ? sqlKV(database, { now })
        : absent("SLUICE_KV", "keys are forgotten", memoryKV({ ...unbounded, now }))),
    cache: given("cache") as KV | undefined ??
      (kv !== undefined
        ? kvOver(driverOf(kv), { base: "sluice:cache:", now })
        : absent("SLUICE_KV", "the cache is small", memoryKV({ maxBytes: cacheBytes, now }))),
    counters: given("counters") as Counters | undefined ??
      (counters !== undefined
        ? objectCounters(counters)
        : absent("SLUICE_COUNTERS", "limits hold for each instance alone", memoryCounters())),
    logs: given("logs") as Logs | undefined ??
      (database !== undefined
        ? lazyLogs(
          "d1",
          async () => {
            const { sqlLogs } = await import("../../core/storage/logs-sql.ts");
            const metadata = entryNames(env["SLUICE_ANALYTICS_METADATA"]);
            return sqlLogs(database, { now, metadata });
          },
        )
        : absent("SLUICE_DB", "logs are forgotten", logsInMemory(1000))),
  };
  if (missing.length > 0) {
    report(`Bindings are missing (${missing.join("; ")}); runtimes/wrangler.jsonc has all of them`);
  }
  return stores;
}

const uses: readonly string[] = ["keys", "cache", "counters", "logs"];
const unbounded = { maxBytes: Infinity, maxEntries: Infinity };
/** An instance has 128 MB for all that it does. */
const cacheBytes = 16 * 1024 * 1024;

function logsInMemory(maxRows?: number): Logs {
  return lazyLogs("memory", async () => {
    const { memoryLogs } = await import("../../core/storage/logs-memory.ts");
    return memoryLogs(maxRows === undefined ? {} : { maxRows });
  });
}

/** Counts in objects of `SluiceCounters`, one each. */
export function objectCounters(namespace: CountersBinding): Counters {
  return {
    driver: "durable-object",
    shared: true,
    async add(key, amount, span, limit, now) {
      const addition = additionOf(key, amount, span, limit, now);
      const object = namespace.get(namespace.idFromName(addition.id));
      const { total, oldest, added } = await object.add(addition);
      return countOf(total, oldest, added, span);
    },
    async close() {},
  };
}

/** unstorage's driver, which knows text only, with bytes as they are. */
function driverOf(binding: KVBinding): KVDriver {
  return {
    ...cloudflareKV({ binding: binding as never }),
    name: "workers-kv",
    getItemRaw: (key) => binding.get(key, "arrayBuffer"),
    setItemRaw: (key, value, { ttl }) =>
      // Nothing may live for less than a minute; what has expired before is not given out.
      binding.put(key, value, ttl === undefined ? {} : { expirationTtl: Math.max(ttl, 60) }),
  };
}

/** What a configuration says of a use: a store or a driver when it is code, else a driver's name. */
function fromConfig(
  use: string,
  given: unknown,
  env: Readonly<Record<string, unknown>>,
  now: () => number,
): unknown {
  if (given === undefined) return undefined;
  const { driver = given, binding } = Object(given) as { driver?: unknown; binding?: unknown };
  const method = { keys: "getBytes", cache: "getBytes", counters: "add", logs: "append" }[use];
  if (has(driver, method!)) return driver;
  const values = use === "keys" || use === "cache";
  if (values && has(driver, "getItem")) {
    return kvOver(driver as KVDriver, { base: `sluice:${use}:`, now });
  }
  if (values && driver === "cloudflare-kv-binding" && has(env[String(binding)], "put")) {
    return kvOver(driverOf(env[String(binding)] as KVBinding), { base: `sluice:${use}:`, now });
  }
  if (driver === "memory") {
    if (use === "counters") return memoryCounters();
    if (use === "logs") return logsInMemory();
    return memoryKV(use === "keys" ? { ...unbounded, now } : { maxBytes: cacheBytes, now });
  }
  throw problem(
    use,
    typeof driver === "string" ? `'${driver}'` : "something else",
    "'memory', 'cloudflare-kv-binding' with a 'binding' that is there (keys and cache), " +
      "or a store or driver made in code",
  );
}

function has(value: unknown, method: string): boolean {
  return typeof value === "object" && value !== null &&
    typeof (value as Record<string, unknown>)[method] === "function";
}

function problem(use: string, found: string, expected: string): ConfigError {
  return new ConfigError([{ path: `storage.${use}`, found, expected }]);
}
