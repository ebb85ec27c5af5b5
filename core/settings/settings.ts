/**
 * The settings in force: the configuration's, and over them what was changed over the API, here or by
 * another process. From memory: no request waits for the store but the first, and one that comes when
 * nobody has asked for a while.
 *
 * @module
 */
import type { Platform } from "../context.ts";
import { Code, GatewayError } from "../error.ts";
import type { Setup } from "../config/setup.ts";
import type { KV } from "../storage/ports.ts";
import { revisionKey } from "./records.ts";
import { configured, type Snapshot } from "./snapshot.ts";
import type { SettingsStore } from "./store.ts";

/** What {@link Settings} is made of. */
export interface SettingsOptions {
  setup: Setup;
  kv: KV;
  /** Milliseconds since 1970. */
  now(): number;
  /** Requests must not wait for each other's work (Workers). */
  immediate: boolean;
  /** The management API is on: something may well be stored. */
  managed: boolean;
  /** Tells the operator. */
  report(message: string, cause?: unknown): void;
  /** Told of each new snapshot, before the first request that sees it. */
  onChange(snapshot: Snapshot): void;
}

/** Milliseconds for which the store is not asked again. */
const fresh = 2_000;
/** Milliseconds after which a request waits for an answer. */
const stale = 5_000;
/** Milliseconds between two tries of a store that fails. */
const pause = 1_000;
/**
 * Milliseconds after a change in which all is read again, and how often: a store may show a new revision
 * before what it is about.
 */
const unsettled = 70_000, again = 10_000;

/** The settings of all gateways. */
export class Settings {
  readonly #setup: Setup;
  readonly #kv: KV;
  /** Loaded once something is stored: most gateways never need it. */
  #store: Promise<SettingsStore> | undefined;
  readonly #now: () => number;
  readonly #immediate: boolean;
  readonly #off: boolean;
  /** No request is served before what is stored was read. */
  readonly #required: boolean;
  readonly #report: SettingsOptions["report"];
  readonly #onChange: (snapshot: Snapshot) => void;
  #snapshot: Snapshot;
  #revision: string | undefined;
  #revisionSince = 0;
  #loadedAt = 0;
  #checkedAt = -Infinity;
  #askedAt = -Infinity;
  /** The last answer was none: nobody waits for the next one. */
  #failed = false;
  #running: Promise<Snapshot> | undefined;
  /** Counts what this process changed: an answer from before a change is void. */
  #changes = 0;
  #writes: Promise<unknown> = Promise.resolve();

  /** Reads nothing yet. */
  constructor(options: SettingsOptions) {
    const { setup, kv, now, immediate, managed, report, onChange } = options;
    this.#setup = setup;
    this.#kv = kv;
    this.#now = now;
    this.#immediate = immediate;
    this.#report = report;
    this.#onChange = onChange;
    this.#snapshot = configured(setup);
    const { stored_settings: wanted } = setup.config;
    this.#off = wanted === false;
    this.#required = wanted ?? managed;
    if (this.#off) this.#checkedAt = Infinity;
  }

  /**
   * For a request that begins. What another process changed shows after 5 s at most. While the store is
   * away, what was there before is still there; where nothing was, this rejects with a 503, as a gateway
   * that is to refuse strangers must not let them in (see `stored_settings`).
   */
  current(platform: Platform): Snapshot | Promise<Snapshot> {
    const age = this.#now() - this.#checkedAt;
    if (age < fresh && (age >= 0 || this.#checkedAt === Infinity)) return this.#snapshot;
    return this.#aged(age, platform);
  }

  /** As of the last look. */
  get last(): Snapshot {
    return this.#snapshot;
  }

  /** As of now; rejects where the store cannot be asked. */
  async latest(): Promise<Snapshot> {
    if (this.#off) return this.#snapshot;
    return await this.#load();
  }

  /** Reads, decides and writes; one change after the other, since a store cannot compare before it writes. */
  change<T>(work: (store: SettingsStore) => Promise<T>): Promise<T> {
    const run = async (): Promise<T> => {
      if (this.#off) {
        throw new GatewayError(
          403,
          Code.notServed,
          "Settings cannot be changed over the API: 'stored_settings' is false in the configuration",
        );
      }
      try {
        return await work(await this.#opened());
      } finally {
        this.#changes++;
        this.#revision = undefined;
        // What was written holds from now on here; where it cannot be read, from the next look on.
        await this.#load().catch(() => this.#checkedAt = -Infinity);
      }
    };
    if (this.#immediate) return run();
    const done = this.#writes.then(run);
    this.#writes = done.catch(() => {});
    return done;
  }

  #opened(): Promise<SettingsStore> {
    return this.#store ??= import("./store.ts").then(({ SettingsStore }) =>
      new SettingsStore({
        kv: this.#kv,
        vault: this.#setup.vault,
        report: this.#report,
        now: this.#now,
      })
    );
  }

  #aged(age: number, platform: Platform): Snapshot | Promise<Snapshot> {
    const at = this.#now();
    const known = this.#loadedAt > 0 || !this.#required;
    if (known && (this.#failed || (age >= 0 && age < stale))) {
      const asked = at - this.#askedAt;
      if (asked < 0 || asked >= pause) {
        const work = this.#refresh().catch(() => {});
        platform.waitUntil?.(work);
      }
      return this.#snapshot;
    }
    const work = this.#refresh();
    return known ? work.catch(() => this.#snapshot) : work.catch((cause) => {
      throw unavailable(cause);
    });
  }

  #refresh(): Promise<Snapshot> {
    if (this.#running !== undefined) return this.#running;
    this.#askedAt = this.#now();
    const work = this.#load().catch((error) => {
      this.#failed = true;
      throw error;
    }).finally(() => this.#running = undefined);
    if (!this.#immediate) this.#running = work;
    return work;
  }

  async #load(): Promise<Snapshot> {
    for (;;) {
      const changes = this.#changes;
      const found = await this.#kv.get(revisionKey);
      const revision = typeof found === "string" ? found : "";
      const at = this.#now();
      const settled = at - this.#revisionSince >= unsettled ||
        (at >= this.#loadedAt && at - this.#loadedAt < again);
      // Nothing was ever stored: nothing is listed.
      const nothing = revision === "" && changes === 0;
      if (revision === this.#revision && (nothing || settled)) {
        this.#checked(at);
        return this.#snapshot;
      }
      const next = nothing ? configured(this.#setup) : await this.#read();
      if (changes !== this.#changes) continue;
      if (revision !== this.#revision) this.#revisionSince = at;
      this.#revision = revision;
      this.#loadedAt = at;
      this.#snapshot = next;
      this.#checked(at);
      this.#onChange(next);
      return next;
    }
  }

  async #read(): Promise<Snapshot> {
    const { withRecords } = await import("./effective.ts");
    const records = await (await this.#opened()).load();
    return withRecords(this.#setup, records, this.#snapshot, this.#report);
  }

  #checked(at: number): void {
    this.#checkedAt = at;
    this.#failed = false;
  }
}

function unavailable(cause: unknown): GatewayError {
  return new GatewayError(
    503,
    Code.authUnavailable,
    "The store of settings cannot be reached, and without it nobody can tell who may use this gateway; " +
      "try again in a moment",
    { cause, headers: { "retry-after": "1" } },
  );
}
