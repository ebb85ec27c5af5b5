/**
 * What can stand behind the stores on Bun, Deno and Node, by the name that a configuration gives it.
 * Libraries are loaded only for a backend that is used.
 *
 * @module
 */
import { join } from "node:path";
import { ConfigError, type ConfigProblem } from "../core/config/config.ts";
import { suggestion } from "../core/nearest.ts";
import { denoCounters, denoDriver, type DenoKv } from "../core/storage/deno-kv.ts";
import { type KVDriver, kvOver } from "../core/storage/kv.ts";
import { memoryLogs } from "../core/storage/logs-memory.ts";
import { sqlLogs } from "../core/storage/logs-sql.ts";
import { memoryCounters, memoryKV } from "../core/storage/memory.ts";
import type { Counters, KV, Logs } from "../core/storage/ports.ts";
import { redisCounters } from "../core/storage/redis.ts";
import { sqlCounters } from "../core/storage/sql-counters.ts";
import { sqlCache } from "../core/storage/sql-cache.ts";
import { sqlKV } from "../core/storage/sql-kv.ts";

/** What stands behind stores; an absent member is a use that it does not have. */
export interface Backend {
  keys?(): KV;
  cache?(): KV;
  counters?(): Counters;
  logs?(): Logs | Promise<Logs>;
  close(): unknown;
}

/** What a backend is opened with. */
export interface BackendInput {
  /** Options from the configuration, `driver` aside. */
  options: Readonly<Record<string, unknown>>;
  /** Entries of metadata that analytics keep sums for. */
  metadata?: readonly string[];
  /** Where they stand in the configuration, for messages. */
  path: string;
  now(): number;
  report(message: string): void;
}

/** Opens the backend of that name; a ConfigError where it cannot be used as configured. */
export async function openBackend(name: string, input: BackendInput): Promise<Backend> {
  return await (Object.hasOwn(own, name) ? own[name]!(input) : openNamed(name, input));
}

const own: Record<string, (input: BackendInput) => Backend | Promise<Backend>> = {
  memory: openMemory,
  sqlite: openSqliteFile,
  redis: openRedisServer,
  postgresql: openPostgresServer,
  "deno-kv": openDenoKv,
};

/** A problem with what stands at a path of the configuration. */
export function problem(path: string, found: string, expected: string): ConfigError {
  return new ConfigError([{ path, found, expected } satisfies ConfigProblem]);
}

function openMemory({ options, path, now }: BackendInput): Backend {
  check(options, path, { max_bytes: "number", max_entries: "number", max_rows: "number" });
  const { max_bytes, max_entries, max_rows } = options as Record<string, number | undefined>;
  return {
    // A key must not be forgotten because there are many.
    keys: () =>
      memoryKV({ maxBytes: max_bytes ?? Infinity, maxEntries: max_entries ?? Infinity, now }),
    cache: () => memoryKV({ maxBytes: max_bytes, maxEntries: max_entries, now }),
    counters: () => memoryCounters(),
    logs: () => memoryLogs({ maxRows: max_rows, maxBytes: max_bytes }),
    close() {},
  };
}

async function openSqliteFile(
  { options, path, metadata = [], now, report }: BackendInput,
): Promise<Backend> {
  check(options, path, { path: "string", max_bytes: "number", page_size: "number" });
  const maxBytes = options["max_bytes"] as number | undefined ?? 2 ** 30;
  const file = String(options["path"] ?? join(".data", "sluice.db"));
  const { openSqlite } = await import("./sqlite.ts");
  let sqlite: ReturnType<typeof openSqlite> | undefined;
  let logs: Logs;
  try {
    sqlite = openSqlite(file, options["page_size"] as number | undefined);
    logs = sqlLogs(sqlite.database, { now, metadata });
    await logs.count({}); // its tables come to be with the first use, and may be of a newer version
  } catch (error) {
    await sqlite?.database.dispose();
    throw new ConfigError(
      [{
        path,
        found: `'${file}', which cannot be used: ${messageOf(error)}`,
        expected: "a folder that can be written, and in it no file or one of this version",
      }],
    );
  }
  const { database, sql, journal } = sqlite;
  if (journal !== "wal" && file !== ":memory:") {
    report(`${file} has no write-ahead log on this file system: each write waits for the disk`);
  }
  return {
    keys: () => sqlKV(database, { now }),
    cache: () => sqlCache(sql, { maxBytes, now }),
    counters: () => sqlCounters(sql),
    logs: () => logs,
    close: () => database.dispose(),
  };
}

async function openRedisServer({ options, path, now, report }: BackendInput): Promise<Backend> {
  const { url } = options;
  if (url !== undefined) checkURL(url, path, ["redis:", "rediss:"], "redis://host:6379");
  const { openRedis } = await import("./redis.ts");
  const redis = await openRedis(options).catch((error) => {
    throw problem(
      path,
      `${place(url)}, which refuses: ${messageOf(error)}`,
      "a user, password and database that it accepts",
    );
  });
  if (redis.away !== undefined) {
    const code = (redis.away as { code?: unknown }).code ?? "no answer";
    report(`Redis at ${place(url)} is away (${code}); it is used as soon as it is there`);
  }
  return {
    keys: () => kvOver(redis.driver, { base: "sluice:keys:", now }),
    cache: () => kvOver(redis.driver, { base: "sluice:cache:", now }),
    counters: () => redisCounters(redis, "sluice:counters:"),
    close: () => redis.close(),
  };
}

async function openPostgresServer(
  { options, path, metadata = [], now, report }: BackendInput,
): Promise<Backend> {
  check(options, path, { url: "string" });
  const { url } = options;
  checkURL(url, path, ["postgres:", "postgresql:"], "postgresql://user@host:5432/database");
  const { openPostgres } = await import("./postgres.ts");
  const database = openPostgres(url as string);
  try {
    await soon(database.prepare("SELECT 1").all());
  } catch (error) {
    const { code } = error as { code?: unknown };
    // Wrong password, wrong user, no such database: waiting does not help.
    if (code === "28P01" || code === "28000" || code === "3D000") {
      await database.dispose();
      throw problem(
        path,
        `${place(url)}, which refuses: ${messageOf(error)}`,
        "a user, password and database that it accepts",
      );
    }
    const why = typeof code === "string" ? code : "no answer";
    report(`PostgreSQL at ${place(url)} is away (${why}); it is used as soon as it is there`);
  }
  return { logs: () => sqlLogs(database, { now, metadata }), close: () => database.dispose() };
}

async function openDenoKv({ options, path, now }: BackendInput): Promise<Backend> {
  check(options, path, { path: "string" });
  const open = (globalThis as { Deno?: { openKv?(path?: unknown): Promise<DenoKv> } }).Deno?.openKv;
  if (open === undefined) {
    throw problem(path, "Deno KV", `Deno with '"unstable": ["kv"]' in deno.json, or --unstable-kv`);
  }
  const kv = await open(options["path"]).catch((error: unknown) => {
    throw problem(path, `Deno KV, which cannot be opened: ${messageOf(error)}`, "a path for it");
  });
  const driver = denoDriver(kv);
  return {
    keys: () => kvOver(driver, { base: "sluice:keys:", now }),
    cache: () => kvOver(driver, { base: "sluice:cache:", now }),
    counters: () => denoCounters(kv, ["sluice", "counters"]),
    logs: () => logsOver(driver, now),
    close: () => kv.close(),
  };
}

/** Any of unstorage's drivers, by its name there. */
async function openNamed(name: string, { options, path, now }: BackendInput): Promise<Backend> {
  const { builtinDrivers } = await import("unstorage");
  const module = (builtinDrivers as Record<string, string>)[name];
  if (!Object.hasOwn(builtinDrivers, name) || module === undefined) {
    const names = [...Object.keys(own), ...Object.keys(builtinDrivers)].filter((known) =>
      !/[A-Z]/.test(known)
    );
    throw problem(
      `${path}.driver`,
      `'${name}'`,
      `a driver of unstorage; ${suggestion(name, names, "drivers")}`,
    );
  }
  let driver: KVDriver;
  try {
    const { default: factory } = await import(module) as {
      default(options: unknown): KVDriver;
    };
    driver = factory(options);
  } catch (error) {
    throw problem(
      path,
      `the driver '${name}', which cannot be used: ${messageOf(error)}`,
      "its options as unstorage documents them, and the package that it needs",
    );
  }
  return driverBackend(driver, now);
}

/** A backend over a driver: unstorage has none that counts, so it has no counters. */
export function driverBackend(driver: KVDriver, now: () => number): Backend {
  return {
    keys: () => kvOver(driver, { base: "sluice:keys:", now }),
    cache: () => kvOver(driver, { base: "sluice:cache:", now }),
    logs: () => logsOver(driver, now),
    close: () => driver.dispose?.(),
  };
}

async function logsOver(driver: KVDriver, now: () => number): Promise<Logs> {
  const { kvLogs } = await import("../core/storage/logs-kv.ts");
  return kvLogs(kvOver(driver, { base: "sluice:logs:", now }), { now });
}

/** The options that a backend of ours has, and no others. */
function check(
  options: Readonly<Record<string, unknown>>,
  path: string,
  known: Record<string, "string" | "number">,
): void {
  for (const [key, value] of Object.entries(options)) {
    const type = Object.hasOwn(known, key) ? known[key] : undefined;
    if (type === undefined) {
      throw problem(`${path}.${key}`, "an unknown key", `one of ${Object.keys(known).join(", ")}`);
    }
    const found: string = typeof value;
    if (found !== type) throw problem(`${path}.${key}`, found, `a ${type}`);
  }
}

function checkURL(url: unknown, path: string, protocols: string[], example: string): void {
  if (typeof url === "string" && URL.canParse(url)) {
    const { protocol, hostname } = new URL(url);
    if (protocols.includes(protocol) && hostname !== "") return;
  }
  // The text is not shown: a password stands somewhere in it.
  throw problem(path, "something else", `a URL such as ${example}`);
}

/** Where a server is, without user and password. */
function place(url: unknown): string {
  return typeof url === "string" && URL.canParse(url) ? new URL(url).host : "the configured host";
}

/** Milliseconds that a start waits for a server. */
const patience = 2000;

async function soon<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("No answer")), patience);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // Whatever looks like the user and password of a URL stays out.
  return message.replace(/\/\/[^/@\s]*@/g, "//").slice(0, 300);
}
