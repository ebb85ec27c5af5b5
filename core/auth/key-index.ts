/**
 * Which provider keys are stored, from memory: no request waits for the store but the first of a
 * gateway.
 *
 * @module
 */
import type { ProviderKeys, StoredKey } from "./provider-keys.ts";

/** Stored keys by provider and alias. */
export type StoredTable = ReadonlyMap<string, ReadonlyMap<string, StoredKey>>;

interface Entry {
  table: StoredTable;
  revision: string;
  /** Milliseconds since 1970. */
  checkedAt: number;
  loadedAt: number;
  askedAt: number;
  /** The last answer was none: nobody waits for the next one. */
  failed: boolean;
}

/** Milliseconds for which the store is not asked again. */
const fresh = 2_000;
/** Milliseconds after which a request waits for an answer. */
const stale = 5_000;
/** Milliseconds between two tries of a store that fails. */
const pause = 1_000;
/** Milliseconds after which all is read again, in case a store shows a new revision before its keys. */
const reload = 60_000;

/** What {@link KeyIndex} is made of. */
export interface KeyIndexOptions {
  stored: ProviderKeys;
  /** Milliseconds since 1970. */
  now(): number;
  /** Requests must not wait for each other's work (Workers). */
  immediate: boolean;
}

/** The stored keys of each gateway. */
export class KeyIndex {
  readonly #stored: ProviderKeys;
  readonly #now: () => number;
  readonly #immediate: boolean;
  readonly #entries = new Map<string, Entry>();
  readonly #running = new Map<string, Promise<StoredTable>>();
  #changes = 0;

  /** Reads nothing yet. */
  constructor({ stored, now, immediate }: KeyIndexOptions) {
    this.#stored = stored;
    this.#now = now;
    this.#immediate = immediate;
    stored.onChange((gateway) => {
      this.#changes++;
      // Kept, in case the store is away when it is asked; but not without asking.
      const entry = this.#entries.get(gateway);
      if (entry !== undefined) {
        Object.assign(entry, { checkedAt: -Infinity, revision: "?", failed: false });
      }
    });
  }

  /**
   * The stored keys of a gateway. What another process changed shows after 5 s at most. While the store
   * is away, what was there before is still there; rejects where nothing was.
   */
  of(
    gateway: string,
    waitUntil: (work: Promise<unknown>) => void,
  ): StoredTable | Promise<StoredTable> {
    const entry = this.#entries.get(gateway);
    if (entry === undefined) return this.#refresh(gateway, undefined);
    const at = this.#now();
    const age = at - entry.checkedAt;
    if (age >= 0 && age < fresh) return entry.table;
    const asked = at - entry.askedAt;
    const lately = asked >= 0 && asked < pause;
    if (entry.failed || (age >= 0 && age < stale)) {
      if (!lately) waitUntil(this.#refresh(gateway, entry).catch(() => {}));
      return entry.table;
    }
    return this.#refresh(gateway, entry).catch(() => entry.table);
  }

  #refresh(gateway: string, entry: Entry | undefined): Promise<StoredTable> {
    const running = this.#running.get(gateway);
    if (running !== undefined) return running;
    if (entry !== undefined) entry.askedAt = this.#now();
    const work = this.#load(gateway, entry).catch((error) => {
      if (entry !== undefined) entry.failed = true;
      throw error;
    }).finally(() => this.#running.delete(gateway));
    if (!this.#immediate) this.#running.set(gateway, work);
    return work;
  }

  async #load(gateway: string, entry: Entry | undefined): Promise<StoredTable> {
    for (;;) {
      const changes = this.#changes;
      const revision = await this.#stored.revision(gateway);
      const at = this.#now();
      if (entry !== undefined && entry.revision === revision && at - entry.loadedAt < reload) {
        entry.checkedAt = at;
        entry.failed = false;
        return entry.table;
      }
      const table = await this.#stored.load(gateway);
      if (changes !== this.#changes) continue;
      this.#entries.set(gateway, {
        table,
        revision,
        checkedAt: at,
        loadedAt: at,
        askedAt: at,
        failed: false,
      });
      return table;
    }
  }
}
