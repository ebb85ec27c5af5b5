/**
 * The way of answers into the store: many together, for many stores write many at the price of a few, and
 * after the requests that they were for.
 *
 * @module
 */
import { unref } from "../settler.ts";
import type { KV, KVBytes } from "../storage/ports.ts";
import { encodeEntry, endOfLife, type Entry } from "./entry.ts";
import type { Asked } from "./identity.ts";
import type { Places } from "./place.ts";
import type { Purges } from "./purges.ts";

/** An answer on its way. */
export interface Pending {
  asked: Asked;
  entry: Entry;
  /** It stands beside one of another form. */
  beside: boolean;
  /** What is still to be done before; must not reject. */
  ready: Promise<void> | undefined;
  /** It is not to be stored any more. */
  dropped: boolean;
}

/** What {@link Storing} needs. */
export interface StoringOptions {
  kv: KV;
  places: Places;
  purges: Purges;
  /** Milliseconds since 1970. */
  now(): number;
  /** Requests must not wait for each other's work (Workers). */
  immediate: boolean;
  /** Told of each answer that the store did not take. */
  onFailure(): void;
}

/** Milliseconds that an answer waits for company: what a killed process may lose. */
const pause = 100;
/** Answers that are written together, and the bytes from which on there are enough. */
const batch = 256;
const batchBytes = 4 * 1024 * 1024;
/** Answers that wait, and their bytes; what is more is not stored. */
const mostWaiting = 4_000;
const mostBytes = 64 * 1024 * 1024;

/** Stores answers soon. */
export class Storing {
  readonly #options: StoringOptions;
  readonly #waiting = new Set<Pending>();
  readonly #queue: Pending[] = [];
  #bytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;

  constructor(options: StoringOptions) {
    this.#options = options;
  }

  /** All that is not stored yet. */
  get waiting(): Iterable<Pending> {
    return this.#waiting;
  }

  /** False when too much waits already. */
  hasRoom({ body }: Entry): boolean {
    return this.#waiting.size < mostWaiting && this.#bytes + body.byteLength <= mostBytes;
  }

  /**
   * Stores an answer soon; a promise where requests must not wait for each other's work, which resolves
   * when it is stored. Never rejects.
   */
  push(pending: Pending): void | Promise<void> {
    this.#waiting.add(pending);
    this.#bytes += pending.entry.body.byteLength;
    if (this.#options.immediate) return this.#write([pending]);
    this.#queue.push(pending);
    this.#timer ??= unref(setTimeout(() => this.flush(), pause));
  }

  /** Stores all that waits. Never rejects. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#running ??= this.#work().finally(() => this.#running = undefined);
  }

  async #work(): Promise<void> {
    while (this.#queue.length > 0) {
      let count = 0;
      for (let bytes = 0; count < batch && count < this.#queue.length && bytes < batchBytes;) {
        bytes += this.#queue[count++]!.entry.body.byteLength;
      }
      await this.#write(this.#queue.splice(0, count));
      if (this.#queue.length > 0) await new Promise((done) => setTimeout(done, 0));
    }
  }

  async #write(part: readonly Pending[]): Promise<void> {
    const { kv, places, now } = this.#options;
    const values: Stored[] = [];
    for (const pending of part) {
      const { asked, entry, beside, ready } = pending;
      if (ready !== undefined) await ready;
      const found = places.of(asked, beside);
      const key = typeof found === "string" ? found : await found.catch(() => undefined);
      const ttl = Math.ceil((endOfLife(entry) - now()) / 1000);
      if (key === undefined || pending.dropped || ttl < 1) continue;
      values.push({ key, value: encodeEntry(entry), ttl, pending });
    }
    const stored = kv.setBytesOfAll !== undefined && values.length > 0
      ? await this.#taken(values, kv.setBytesOfAll(values))
      : (await Promise.all(
        values.map((one) => this.#taken([one], kv.setBytes(one.key, one.value, one.ttl))),
      )).flat();
    await this.#removePurged(stored);
    for (const pending of part) {
      this.#waiting.delete(pending);
      this.#bytes -= pending.entry.body.byteLength;
    }
  }

  /** The values, once they are stored; none where they are not. */
  #taken(values: readonly Stored[], work: Promise<void>): Promise<readonly Stored[]> {
    return work.then(() => values, () => {
      for (const _ of values) this.#options.onFailure();
      return [];
    });
  }

  /** What was purged while it was written. */
  async #removePurged(stored: readonly Stored[]): Promise<void> {
    const { kv, purges, onFailure } = this.#options;
    const gateways = new Map<string, boolean>();
    for (const { key: place, pending: { asked: { gateway, key }, entry } } of stored) {
      let known = gateways.get(gateway);
      if (known === undefined) {
        known = await purges.reread(gateway).then(() => true, () => false);
        gateways.set(gateway, known);
      }
      if (!known) onFailure();
      else if (purges.cover(gateway, entry, key)) await kv.delete(place).catch(onFailure);
    }
  }
}

/** An answer as it is stored. */
interface Stored extends KVBytes {
  pending: Pending;
}
