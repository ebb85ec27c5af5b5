/**
 * Which stores a gateway has on Bun, Deno and Node: what the configuration names, else what the
 * environment points at, else SQLite files, or Deno KV where Deno has no disk.
 *
 * @module
 */
import { join } from "node:path";
import { ConfigError, type ConfigProblem } from "../core/config/config.ts";
import { entryNames } from "../core/analytics/names.ts";
import { suggestion } from "../core/nearest.ts";
import { memoryCounters } from "../core/storage/memory.ts";
import type { KVDriver } from "../core/storage/kv.ts";
import type { Counters, KV, Logs, Stores } from "../core/storage/ports.ts";
import { type Backend, driverBackend, openBackend, problem } from "./backends.ts";

/** What {@link openStores} chooses from. */
export interface StoreOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** The configuration; of it only `storage` is read, whose values may be stores when it is code. */
  config?: { storage?: Readonly<Record<string, unknown>> };
  report(message: string): void;
  /** Milliseconds since 1970; `Date.now` unless given. */
  now?: () => number;
}

/** What a store is used for. */
type Use = keyof Stores;

const uses: readonly Use[] = ["keys", "cache", "counters", "logs"];

/** A backend that is open, and how many stores on it are. */
interface Shared {
  backend: Backend;
  stores: number;
}

/**
 * Opens the stores. Throws a {@link ConfigError} that lists everything that cannot be used as
 * configured; a server that is away is reported, and used once it is there. Closing a store closes
 * what stands behind it with the last one on it.
 */
export async function openStores(options: StoreOptions): Promise<Stores> {
  const storage = options.config?.storage ?? {};
  const opened = new Map<unknown, Promise<Shared>>();
  const store = <U extends Use>(use: U) => storeOf(use, storage[use], options, opened);
  const [keys, cache, counters, logs, known] = await Promise.allSettled([
    store("keys"),
    store("cache"),
    store("counters"),
    store("logs"),
    Promise.resolve(storage).then(checkUses),
  ]);
  if (
    keys.status === "fulfilled" && cache.status === "fulfilled" &&
    counters.status === "fulfilled" && logs.status === "fulfilled" && known.status === "fulfilled"
  ) {
    return {
      keys: keys.value,
      cache: cache.value,
      counters: counters.value,
      logs: logs.value,
    };
  }
  for (const shared of await Promise.allSettled(opened.values())) {
    if (shared.status === "fulfilled") await shared.value.backend.close();
  }
  const problems = new Map<string, ConfigProblem>();
  for (const result of [keys, cache, counters, logs, known]) {
    if (result.status === "fulfilled") continue;
    if (!(result.reason instanceof ConfigError)) throw result.reason;
    // Several stores may have met the same one.
    for (const problem of result.reason.problems) problems.set(JSON.stringify(problem), problem);
  }
  throw new ConfigError([...problems.values()]);
}

function checkUses(storage: Readonly<Record<string, unknown>>): void {
  const unknown = Object.keys(storage).filter((use) => !uses.includes(use as Use));
  if (unknown.length === 0) return;
  throw new ConfigError(unknown.map((use) => ({
    path: `storage.${use}`,
    found: "an unknown key",
    expected: `a use of storage; ${suggestion(use, uses, "uses")}`,
  })));
}

async function storeOf<U extends Use>(
  use: U,
  given: unknown,
  options: StoreOptions,
  opened: Map<unknown, Promise<Shared>>,
): Promise<Stores[U]> {
  if (isStore(use, given)) return given;
  const { env, report, now = Date.now } = options;
  const choice = choose(use, given, options);
  let shared = opened.get(choice.id);
  if (shared === undefined) {
    const names = entryNames(env["SLUICE_ANALYTICS_METADATA"]);
    shared = choice.open(now, report, names).then((backend) => ({ backend, stores: 0 }));
    opened.set(choice.id, shared);
  }
  const { backend } = await shared;
  const make = backend[use];
  if (make !== undefined) return lease(await make() as Stores[U], await shared);
  if (use !== "counters") {
    const other = use === "logs" ? "postgresql" : "redis";
    throw problem(
      `storage.${use}.driver`,
      `'${choice.name}'`,
      `a driver that keeps ${use}, such as sqlite or ${other}`,
    );
  }
  report(
    `'${choice.name}' cannot count: limits and budgets hold for each process on its own, ` +
      "and begin anew when it starts",
  );
  return lease(memoryCounters() as Counters as Stores[U], await shared);
}

/** What stands behind a store, before it is open. */
interface Choice {
  /** Equal for stores that share one backend. */
  id: unknown;
  name: string;
  open(
    now: () => number,
    report: (message: string) => void,
    metadata: readonly string[],
  ): Promise<Backend>;
}

function choose(use: Use, given: unknown, { env }: StoreOptions): Choice {
  if (given === undefined) {
    if (use === "logs" && env["DATABASE_URL"]) {
      return named("postgresql", { url: env["DATABASE_URL"] }, "DATABASE_URL");
    }
    if (use !== "logs" && env["REDIS_URL"]) {
      return named("redis", { url: env["REDIS_URL"] }, "REDIS_URL");
    }
    return embedded(use, env["SLUICE_DATA"] || undefined);
  }
  const path = `storage.${use}`;
  if (isDriver(given)) return instance(given);
  const { driver, ...options } = isObject(given) ? given : {};
  if (isDriver(driver)) return instance(driver);
  if (typeof driver !== "string") {
    throw problem(`${path}.driver`, "no driver", "the name of one, or a driver of unstorage");
  }
  if (driver === "sqlite") {
    const usual = options["path"] === undefined ? fileIn(use, env["SLUICE_DATA"]) : {};
    return named(driver, { ...usual, ...options }, path);
  }
  if (driver === "redis" && env["REDIS_URL"] && Object.keys(options).length === 0) {
    return named(driver, { url: env["REDIS_URL"] }, "REDIS_URL");
  }
  if (driver === "postgresql" && options["url"] === undefined && env["DATABASE_URL"]) {
    return named(driver, { ...options, url: env["DATABASE_URL"] }, "DATABASE_URL");
  }
  return named(driver, options, path);
}

/** What needs no server. */
function embedded(use: Use, data: string | undefined): Choice {
  if (data === "memory") return named("memory", {}, "SLUICE_DATA");
  if (data === undefined && !mayWrite()) return named("deno-kv", {}, "SLUICE_DATA");
  return named("sqlite", fileIn(use, data), "SLUICE_DATA");
}

/**
 * The log has a file of its own, with large pages: an answer costs a third less to write there, while the
 * small values of the other stores would cost more.
 */
function fileIn(use: Use, data: string | undefined): { path: string; page_size?: number } {
  const at = data && data !== "memory" ? data : folder;
  if (use !== "logs") return { path: join(at, "sluice.db") };
  return { path: join(at, "sluice-logs.db"), page_size: 32_768 };
}

const folder = ".data";

/** Deno asks for a permission, and on Deno Deploy there is no disk. */
function mayWrite(): boolean {
  const { Deno } = globalThis as {
    Deno?: {
      env: { has(name: string): boolean };
      permissions: {
        querySync(descriptor: { name: string; path?: string; variable?: string }): {
          state: string;
        };
      };
    };
  };
  if (Deno === undefined) return true;
  const granted = (name: string, at: object) =>
    Deno.permissions.querySync({ name, ...at }).state === "granted";
  if (granted("env", { variable: "DENO_DEPLOYMENT_ID" }) && Deno.env.has("DENO_DEPLOYMENT_ID")) {
    return false;
  }
  return granted("write", { path: folder }) && granted("read", { path: folder });
}

function named(name: string, options: Record<string, unknown>, path: string): Choice {
  const plain = Object.values(options).every((value) => Object(value) !== value);
  return {
    id: plain ? `${name} ${JSON.stringify(options)}` : options,
    name,
    open: (now, report, metadata) => openBackend(name, { options, path, metadata, now, report }),
  };
}

function instance(driver: KVDriver): Choice {
  return {
    id: driver,
    name: driver.name ?? "a driver of your own",
    open: (now) => Promise.resolve(driverBackend(driver, now)),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isDriver(value: unknown): value is KVDriver {
  return isObject(value) && typeof value["getItem"] === "function";
}

/** Whether it is the port itself, made by the user's own code. */
function isStore<U extends Use>(use: U, value: unknown): value is Stores[U] {
  const method = { keys: "getBytes", cache: "getBytes", counters: "add", logs: "append" }[use];
  return isObject(value) && typeof value[method] === "function";
}

/** The store, whose closing closes what is behind it when no other store is open on it. */
function lease<S extends KV | Counters | Logs>(store: S, shared: Shared): S {
  shared.stores++;
  const close = store.close.bind(store);
  let closed = false;
  store.close = async () => {
    if (closed) return;
    closed = true;
    await close();
    if (--shared.stores === 0) await shared.backend.close();
  };
  return store;
}
