/**
 * A time limit and a state of health around each store. A store that hangs must not hang requests, and
 * one that is away must cost them nothing: after some failures in a row it counts as down, calls fail
 * at once, and one a second is let through to see whether it is back.
 *
 * What a failed call means is for the caller to decide; it learns why from a {@link StoreError}.
 *
 * @module
 */
import { runtimeName } from "../runtime.ts";
import { InputError } from "./key.ts";
import type { Counters, KV, Logs, Stores } from "./ports.ts";

/** What a store is used for. */
export type StoreUse = keyof Stores;

/** A call to a store that failed. The message names no key and no value. */
export class StoreError extends Error {
  /** For `error.name` checks across copies of the package. */
  override readonly name: string = "StoreError";
  /** What the store is used for. */
  readonly store: StoreUse;
  /** `timeout`, `down` (not even tried), or what its driver says: `ECONNREFUSED`, `SQLITE_FULL`. */
  readonly code: string;
  /** The cause is the driver's error; it may hold what a log must not show. */
  constructor(store: StoreUse, driver: string, code: string, cause?: unknown) {
    super(`The store of ${store} (${driver}) failed: ${code}`, { cause });
    this.store = store;
    this.code = code;
  }
}

/** How a store is. */
export interface StoreHealth {
  /** Name of the driver. */
  driver: string;
  /** False when calls fail without being tried. */
  up: boolean;
  /** Milliseconds since 1970: since when it is up, or down. */
  since: number;
  /** Code of the last failure, as in {@link StoreError}; null when the last call went well. */
  error: string | null;
  /** Calls that failed, those that were not tried aside. */
  failures: number;
  /** Calls that were tried. */
  calls: number;
  /** Milliseconds that the last answer took. */
  lastMs: number;
}

/** How {@link guardStores} works. */
export interface GuardOptions {
  /** Milliseconds since 1970; `Date.now` unless given. */
  now?: () => number;
  /** Milliseconds that a call may take: 1000 unless given, and 10,000 for logs. */
  timeoutMs?: Partial<Record<StoreUse, number>>;
  /** Told when a driver goes down and when it is back, once each. */
  report?: (message: string) => void;
  /** Milliseconds that never jump; `performance.now` unless given. */
  clock?: () => number;
}

/** Failures in a row after which a store is down. */
const mostFailures = 5;
/** Milliseconds between two tries of a store that is down. */
const probeEvery = 1000;
/** Milliseconds between two looks for calls that are over their time. */
const tick = 100;

const healthKey: unique symbol = Symbol.for("sluice.storeHealth");

interface Guarded extends Stores {
  [healthKey]?: Record<StoreUse, StoreHealth>;
}

/** The same stores behind their limits. Stores that are guarded already come back as they are. */
export function guardStores(stores: Stores, options: GuardOptions = {}): Stores {
  if ((stores as Guarded)[healthKey] !== undefined) return stores;
  const { timeoutMs = {}, report = () => {} } = options;
  const watch = new Watch(options.clock ?? (() => performance.now()), tick);
  const reporter = new Reporter(report);
  const guard = (use: StoreUse) =>
    new Guard(use, stores[use].driver, {
      limit: timeoutMs[use] ?? (use === "logs" ? 10_000 : 1000),
      watch,
      reporter,
      now: options.now ?? Date.now,
    });
  const guards = {
    keys: guard("keys"),
    cache: guard("cache"),
    counters: guard("counters"),
    logs: guard("logs"),
  };
  const guarded: Guarded = {
    keys: guardKV(stores.keys, guards.keys),
    cache: guardKV(stores.cache, guards.cache),
    counters: guardCounters(stores.counters, guards.counters),
    logs: guardLogs(stores.logs, guards.logs),
  };
  // Not to be copied along: stores that are put together anew are to be guarded anew.
  return Object.defineProperty(guarded, healthKey, {
    value: {
      keys: guards.keys.health,
      cache: guards.cache.health,
      counters: guards.counters.health,
      logs: guards.logs.health,
    },
  });
}

/** How guarded stores are, as of now; of others it is only known which they are. */
export function healthOf(stores: Stores): Record<StoreUse, StoreHealth> {
  const known = (stores as Guarded)[healthKey];
  const of = (use: StoreUse): StoreHealth => ({ ...known?.[use] ?? fresh(stores[use].driver, 0) });
  return { keys: of("keys"), cache: of("cache"), counters: of("counters"), logs: of("logs") };
}

function fresh(driver: string, since: number): StoreHealth {
  return { driver, up: true, since, error: null, failures: 0, calls: 0, lastMs: 0 };
}

/** A call that waits for its store. */
export interface Waiting {
  deadline: number;
  expire(): void;
}

/** Ends calls that are over their time. One timer looks at all of them, and only while there are any. */
export class Watch {
  /** Milliseconds that never jump. */
  readonly clock: () => number;
  readonly #tick: number;
  readonly #lists: Set<Waiting>[] = [];
  #armed = false;
  /** A timer of Workers ends with the request that set it: there each call has its own. */
  readonly #each = runtimeName() === "workers";

  /** @param tick Milliseconds between two looks: a call may take that much longer. */
  constructor(clock: () => number, tick: number) {
    this.clock = clock;
    this.#tick = tick;
  }

  /** Calls of one limit, so that the first in a list is the first to be over. */
  list(): Set<Waiting> {
    const list = new Set<Waiting>();
    this.#lists.push(list);
    return list;
  }

  /** Returns what ends the watch over the call. */
  add(list: Set<Waiting>, call: Waiting, limit: number): () => void {
    if (this.#each) {
      const timer = setTimeout(() => call.expire(), limit);
      return () => clearTimeout(timer);
    }
    list.add(call);
    if (!this.#armed) this.#arm();
    return () => list.delete(call);
  }

  #arm(): void {
    this.#armed = true;
    setTimeout(() => {
      const at = this.clock();
      let waiting = false;
      for (const list of this.#lists) {
        for (const call of list) {
          if (call.deadline > at) break;
          list.delete(call);
          call.expire();
        }
        waiting ||= list.size > 0;
      }
      if (waiting) this.#arm();
      else this.#armed = false;
    }, this.#tick);
  }
}

/** Says once that a driver is down, however many stores are on it, and once that it is back. */
class Reporter {
  readonly #report: (message: string) => void;
  readonly #down = new Set<string>();

  constructor(report: (message: string) => void) {
    this.#report = report;
  }

  down(driver: string, use: StoreUse, code: string): void {
    if (this.#down.has(driver)) return;
    this.#down.add(driver);
    this.#report(
      `The store of ${use} (${driver}) is down: ${code}; it is tried again once a second`,
    );
  }

  up(driver: string, use: StoreUse, seconds: number): void {
    if (!this.#down.delete(driver)) return;
    this.#report(`The store of ${use} (${driver}) is back after ${seconds} s`);
  }
}

interface GuardParts {
  limit: number;
  watch: Watch;
  reporter: Reporter;
  now(): number;
}

/** Limit and health of one store. */
class Guard {
  readonly health: StoreHealth;
  readonly #use: StoreUse;
  readonly #parts: GuardParts;
  readonly #pending: Set<Waiting>;
  readonly #slow: Set<Waiting>;
  /** Nothing in memory can hang or be away. */
  readonly #inMemory: boolean;
  #inRow = 0;
  #nextProbe = 0;

  constructor(use: StoreUse, driver: string, parts: GuardParts) {
    this.#use = use;
    this.#parts = parts;
    this.#pending = parts.watch.list();
    this.#slow = parts.watch.list();
    this.#inMemory = driver === "memory";
    this.health = fresh(driver, parts.now());
  }

  /** @param slow For what walks through a whole store: ten times the limit. */
  run<T>(work: () => Promise<T>, slow = false): Promise<T> {
    const { health } = this;
    if (this.#inMemory) {
      health.calls++;
      return work();
    }
    const { watch } = this.#parts;
    const limit = this.#parts.limit * (slow ? 10 : 1);
    const began = watch.clock();
    if (!health.up) {
      if (began < this.#nextProbe) return Promise.reject(this.#error("down"));
      this.#nextProbe = began + probeEvery;
    }
    health.calls++;
    return new Promise<T>((resolve, reject) => {
      let settled = false;
      const ended = watch.add(slow ? this.#slow : this.#pending, {
        deadline: began + limit,
        expire: () => {
          settled = true;
          health.lastMs = watch.clock() - began;
          this.#failed("timeout");
          reject(this.#error("timeout"));
        },
      }, limit);
      start(work).then(
        (value) => {
          if (settled) return;
          ended();
          health.lastMs = watch.clock() - began;
          this.#succeeded();
          resolve(value);
        },
        (cause) => {
          if (settled) return;
          ended();
          if (cause instanceof InputError) return reject(cause); // says nothing about the store
          health.lastMs = watch.clock() - began;
          const code = codeOf(cause);
          this.#failed(code);
          reject(this.#error(code, cause));
        },
      );
    });
  }

  #error(code: string, cause?: unknown): StoreError {
    return new StoreError(this.#use, this.health.driver, code, cause);
  }

  #succeeded(): void {
    const { health } = this;
    this.#inRow = 0;
    health.error = null;
    if (health.up) return;
    const at = this.#parts.now();
    const seconds = Math.max(0, Math.round((at - health.since) / 1000));
    health.up = true;
    health.since = at;
    this.#parts.reporter.up(health.driver, this.#use, seconds);
  }

  #failed(code: string): void {
    const { health } = this;
    health.failures++;
    health.error = code;
    if (++this.#inRow < mostFailures || !health.up) return;
    health.up = false;
    health.since = this.#parts.now();
    this.#nextProbe = this.#parts.watch.clock() + probeEvery;
    this.#parts.reporter.down(health.driver, this.#use, code);
  }
}

/** A store may be anybody's: what it throws at once is a rejection as well. */
function start<T>(work: () => Promise<T>): Promise<T> {
  try {
    return Promise.resolve(work());
  } catch (error) {
    return Promise.reject(error);
  }
}

/** What SQLite says, by runtime with or without a code of its own, as its result codes are named. */
const sqliteCodes: [RegExp, string][] = [
  [/disk is full/, "SQLITE_FULL"],
  [/is locked/, "SQLITE_BUSY"],
  [/readonly database/, "SQLITE_READONLY"],
  [/disk I\/O error/, "SQLITE_IOERR"],
  [/malformed/, "SQLITE_CORRUPT"],
  [/unable to open database/, "SQLITE_CANTOPEN"],
];

/** A short code for an error: its own, or its name; never its text. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "failed";
  const sqlite = sqliteCodes.find(([text]) => text.test(error.message));
  if (sqlite !== undefined) return sqlite[1];
  for (const at of [error, error.cause]) {
    const code = (at as { code?: unknown } | undefined)?.code;
    if (typeof code === "string" && /^\w{2,40}$/.test(code)) return code;
  }
  return /^\w{2,40}$/.test(error.name) && error.name !== "Error" ? error.name : "failed";
}

function guardKV(kv: KV, guard: Guard): KV {
  return {
    driver: kv.driver,
    get: (key) => guard.run(() => kv.get(key)),
    set: (key, value, ttl) => guard.run(() => kv.set(key, value, ttl)),
    ...kv.lacks && {
      lacks(key) {
        try {
          return kv.lacks!(key);
        } catch {
          return false; // who asks the store itself is told why
        }
      },
    },
    getBytes: (key) => guard.run(() => kv.getBytes(key)),
    setBytes: (key, value, ttl) => guard.run(() => kv.setBytes(key, value, ttl)),
    ...kv.setBytesOfAll && {
      setBytesOfAll: (values) => guard.run(() => kv.setBytesOfAll!(values)),
    },
    delete: (key) => guard.run(() => kv.delete(key)),
    keys: (prefix) => guard.run(() => kv.keys(prefix), true),
    close: () => kv.close(),
  };
}

function guardCounters(counters: Counters, guard: Guard): Counters {
  return {
    driver: counters.driver,
    shared: counters.shared,
    add: (key, amount, span, limit, now) =>
      guard.run(() => counters.add(key, amount, span, limit, now)),
    close: () => counters.close(),
  };
}

function guardLogs(logs: Logs, guard: Guard): Logs {
  return {
    driver: logs.driver,
    append: (entries) => guard.run(() => logs.append(entries)),
    list: (selection, page) => guard.run(() => logs.list(selection, page)),
    count: (selection) => guard.run(() => logs.count(selection)),
    extremes: (selection) => guard.run(() => logs.extremes(selection)),
    ...logs.sums && { sums: (selections) => guard.run(() => logs.sums!(selections), true) },
    ...logs.sizes && {
      sizes: (gateway, before, limit) => guard.run(() => logs.sizes!(gateway, before, limit)),
    },
    get: (gateway, id) => guard.run(() => logs.get(gateway, id)),
    payload: (gateway, id, which) => guard.run(() => logs.payload(gateway, id, which)),
    patch: (gateway, id, patch) => guard.run(() => logs.patch(gateway, id, patch)),
    ...logs.arrivals && {
      arrivals: (after, limit) => guard.run(() => logs.arrivals!(after, limit)),
    },
    ...logs.lastPlace && { lastPlace: () => guard.run(() => logs.lastPlace!()) },
    ...logs.walk && { walk: (selection, page) => guard.run(() => logs.walk!(selection, page)) },
    ...logs.tally && {
      tally: (selection, most) => guard.run(() => logs.tally!(selection, most)),
    },
    ...logs.analyze && { analyze: (query) => guard.run(() => logs.analyze!(query), true) },
    delete: (selection, limit) => guard.run(() => logs.delete(selection, limit)),
    close: () => logs.close(),
  };
}
