/**
 * Stored answers: some in the memory of this process, all in the gateway's store of answers. A store that
 * is slow or away costs a request little time, and nothing else.
 *
 * @module
 */
import type { Metrics } from "../metrics.ts";
import { Watch } from "../storage/guard.ts";
import type { KV } from "../storage/ports.ts";
import type { Digest } from "./digest.ts";
import { decodeEntry, endOfLife, type Entry } from "./entry.ts";
import { bodyIn, Hot } from "./hot.ts";
import type { Asked } from "./identity.ts";
import { Places } from "./place.ts";
import { Purges, type Selection, selects } from "./purges.ts";
import { Storing } from "./storing.ts";

/** What {@link AnswerCache} is made of. */
export interface AnswerCacheOptions {
  kv: KV;
  metrics: Metrics;
  /** Milliseconds since 1970. */
  now(): number;
  /** Requests must not wait for each other's work (Workers). */
  immediate: boolean;
  /** What of a provider's configuration has a say in its answers. */
  saltOf(slug: string): string;
  /** The runtime's own, where it has one that is there at once. */
  digest?: Digest | undefined;
}

/** What a look into the store came to. */
export interface Found {
  entry?: Entry;
  /** Why there is none, for people. */
  why: string;
  /** An answer of another form, which cannot be given in this one. */
  other: Entry | undefined;
}

type WaitUntil = (work: Promise<unknown>) => void;

const nothingGood = "nothing is stored, or it has expired";

/** Milliseconds that a request waits for the store. */
const patience = 150;
/** Milliseconds for which a store that was too slow is not asked. */
const pause = 1_000;
/** Keys that are deleted at a time. */
const batch = 32;

/** How an answer is taken. */
export interface Taking {
  /** As {@link Found.other}. */
  other: Entry | undefined;
  /** Bytes that answers in memory may take. */
  memory: number;
  /** What is still to be done before it is stored; must not reject. */
  ready: Promise<void> | undefined;
}

/** The answers of all gateways. */
export class AnswerCache {
  readonly #options: AnswerCacheOptions;
  readonly #hot = new Hot();
  readonly #places: Places;
  readonly #purges: Purges;
  readonly #storing: Storing;
  readonly #watch = new Watch(() => performance.now(), patience / 3);
  readonly #looks = this.#watch.list();
  #slowUntil = -Infinity;

  /** Reads nothing yet. */
  constructor(options: AnswerCacheOptions) {
    this.#options = options;
    const { kv, now, immediate, metrics } = options;
    this.#places = new Places(options.digest);
    this.#purges = new Purges({
      kv,
      now,
      immediate,
      onPurge: (gateway, selection) =>
        this.#hot.drop(gateway, (entry, key) => selects(selection, entry, key)),
    });
    this.#storing = new Storing({
      ...options,
      places: this.#places,
      purges: this.#purges,
      onFailure: () => this.#count("write"),
    });
    metrics.gauge("sluice_cache_memory_bytes", "Answers in memory", {}, () => this.#hot.bytes);
  }

  /** The time to give a request that comes now; see {@link Entry.began}. */
  now(): number {
    return this.#purges.now();
  }

  /** The runtime's own, where it has one that is there at once. */
  get digest(): Digest | undefined {
    return this.#options.digest;
  }

  /** What of a provider's configuration has a say in its answers. */
  saltOf(slug: string): string {
    return this.#options.saltOf(slug);
  }

  /** The answer, if this process has it in memory; may be too old to be good, see `expiryOf`. */
  peek(asked: Asked, waitUntil: WaitUntil): Entry | undefined | Promise<Entry | undefined> {
    const entry = this.#inMemory(asked);
    if (entry === undefined) return undefined;
    const ready = this.#purges.ready(asked.gateway, waitUntil);
    if (ready === true) return entry;
    return this.#inTime(ready).then((known) => known === true ? this.#inMemory(asked) : undefined);
  }

  /** As {@link Found.other}, of what is in memory. */
  otherThan(asked: Asked): Entry | undefined {
    if (asked.forms === undefined) return undefined;
    const entry = this.#hot.get(asked.text, this.#options.now());
    if (entry === undefined) return undefined;
    return bodyIn(entry, asked.forms, asked.form) === undefined ? entry : undefined;
  }

  #inMemory(asked: Asked): Entry | undefined {
    const now = this.#options.now();
    const entry = this.#hot.get(asked.text, now);
    if (entry === undefined || bodyIn(entry, asked.forms, asked.form) !== undefined) return entry;
    return this.#hot.get(textOf(asked, true), now);
  }

  /**
   * The answer, if the store has it. Never rejects.
   *
   * @param memory Bytes that answers in memory may take.
   */
  find(asked: Asked, waitUntil: WaitUntil, memory: number): Found | Promise<Found> {
    const { now, kv } = this.#options;
    const other = this.otherThan(asked);
    if (now() < this.#slowUntil) return { why: "the store is slow", other };
    const place = this.#places.of(asked, false);
    if (typeof place === "string" && kv.lacks?.(place) === true) {
      return { why: nothingGood, other };
    }
    return this.#find(asked, waitUntil, memory, other);
  }

  async #find(
    asked: Asked,
    waitUntil: WaitUntil,
    memory: number,
    other: Entry | undefined,
  ): Promise<Found> {
    const at = this.#options.now();
    const none = (why: string): Found => ({ why, other });
    const ready = this.#purges.ready(asked.gateway, waitUntil);
    const look = async (beside: boolean): Promise<Found> => {
      const place = await this.#places.of(asked, beside);
      const bytes = await this.#options.kv.getBytes(place);
      if (bytes === undefined) return none(nothingGood);
      const forget = (why: string): Found => {
        waitUntil(this.#options.kv.delete(place).catch(() => {}));
        return none(why);
      };
      const entry = decodeEntry(bytes);
      if (entry === undefined) return forget("what is stored cannot be read");
      if (await ready !== true) return none("the store cannot be asked");
      if (this.#purges.cover(asked.gateway, entry, asked.key)) return forget("purged");
      if (endOfLife(entry) <= at) return none(nothingGood);
      if (bodyIn(entry, asked.forms, asked.form) === undefined) {
        if (!beside) {
          other = entry;
          return look(true);
        }
        return forget("what is stored has another form");
      }
      this.#hot.put(textOf(asked, beside), entry, asked, memory);
      return { entry, why: "", other };
    };
    const found = await this.#inTime(look(false));
    if (found !== undefined) return found;
    this.#count("read");
    return none("the store cannot be asked");
  }

  /** Nothing when the store takes too long, or fails. */
  #inTime<T>(work: Promise<T>): Promise<T | undefined> {
    if (this.#options.kv.driver === "memory") return work.catch(() => undefined);
    return new Promise((resolve) => {
      const ended = this.#watch.add(this.#looks, {
        deadline: this.#watch.clock() + patience,
        expire: () => {
          this.#slowUntil = this.#options.now() + pause;
          resolve(undefined);
        },
      }, patience);
      work.then((found) => {
        ended();
        resolve(found);
      }, () => {
        ended();
        resolve(undefined);
      });
    });
  }

  /**
   * Takes an answer: into memory at once, into the store soon. A promise where requests must not wait for
   * each other's work, which resolves when it is stored; never rejects.
   */
  take(asked: Asked, entry: Entry, how: Taking): void | Promise<void> {
    const { gateway, key, forms } = asked;
    if (this.#purges.cover(gateway, entry, key)) return;
    // One that can be given in both forms takes the other's place.
    const beside = how.other !== undefined &&
      bodyIn(entry, forms, how.other.form) === undefined;
    this.#hot.put(textOf(asked, beside), entry, asked, how.memory);
    if (!this.#storing.hasRoom(entry)) return this.#count("shed");
    return this.#storing.push({ asked, entry, beside, ready: how.ready, dropped: false });
  }

  /** Stores what waits to be stored. */
  flush(): Promise<void> {
    return this.#storing.flush();
  }

  /**
   * Forgets answers of a gateway, for all processes: those that have all that the selection says. Gives
   * back how many there were; rejects when the store is away.
   */
  async purge(gateway: string, selection: Selection): Promise<number> {
    const { kv } = this.#options;
    let count = 0;
    /** One that is being written may be found in the store as well. */
    const counted: (string | Promise<string>)[] = [];
    for (const pending of this.#storing.waiting) {
      const { asked, entry, beside } = pending;
      if (asked.gateway !== gateway || !selects(selection, entry, asked.key)) continue;
      if (pending.dropped) continue;
      pending.dropped = true;
      counted.push(this.#places.of(asked, beside));
      count++;
    }
    const known = new Set(await Promise.all(counted));
    await this.#purges.add(gateway, selection);
    const { prefixes, meant } = await this.#places.among(gateway, selection);
    const places = (await Promise.all(prefixes.map((prefix) => kv.keys(prefix)))).flat().filter(
      meant,
    );
    for (let at = 0; at < places.length; at += batch) {
      const gone = await Promise.all(
        places.slice(at, at + batch).map(async (place) => {
          if (selection.model !== undefined && place.startsWith("k:")) {
            const bytes = await kv.getBytes(place);
            const entry = bytes && decodeEntry(bytes);
            if (
              entry === undefined || !selects({ model: selection.model }, entry, undefined)
            ) return 0;
          }
          await kv.delete(place);
          return known.has(place) ? 0 : 1;
        }),
      );
      for (const one of gone) count += one;
    }
    return count;
  }

  #count(operation: string): void {
    const help = "Reads and writes of stored answers that failed";
    this.#options.metrics.count("sluice_cache_store_failures_total", help, { operation });
  }
}

/** In memory, an answer is under its text. */
function textOf({ text, form }: Asked, beside: boolean): string {
  return beside ? `${form} ${text}` : text;
}
