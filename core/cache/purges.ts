/**
 * Which answers have been purged. Entries are deleted as well; this is for those that cannot be reached:
 * in the memory of other processes, on their way into the store, or in a store that forgets slowly.
 *
 * @module
 */
import type { Json, KV } from "../storage/ports.ts";
import type { Entry } from "./entry.ts";
import { seg } from "./place.ts";

/** What is purged of a gateway: entries that have all of these; without any, all. */
export interface Selection {
  /** `cf-aig-cache-key`. */
  key?: string | undefined;
  /** Slug. */
  provider?: string | undefined;
  /** As requests name it, or `provider/model`. */
  model?: string | undefined;
}

interface Purge extends Selection {
  id: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** True for an entry that a selection holds. */
export function selects(
  { key, provider, model }: Selection,
  entry: Entry,
  keyOfEntry: string | undefined,
): boolean {
  return (key === undefined || key === keyOfEntry) &&
    (provider === undefined || provider === entry.about.provider) &&
    (model === undefined || model === entry.model ||
      model === `${entry.about.provider}/${entry.model}`);
}

/** Milliseconds for which the store is not asked again, and after which a request waits for it. */
const fresh = 1_000;
const stale = 2_000;
/** Milliseconds that a purge is told of: no request is under way for longer. */
const told = 60 * 60 * 1000;
/** Purges of a gateway that are told of. */
const most = 200;

interface State {
  list: readonly Purge[];
  checkedAt: number;
  asking: Promise<boolean> | undefined;
}

/** What {@link Purges} is made of. */
export interface PurgesOptions {
  kv: KV;
  /** Milliseconds since 1970. */
  now(): number;
  /** Requests must not wait for each other's work (Workers). */
  immediate: boolean;
  /** Another process has purged: to be forgotten at once. */
  onPurge(gateway: string, selection: Selection): void;
}

/** The purges of all gateways. */
export class Purges {
  readonly #options: PurgesOptions;
  readonly #shared: boolean;
  readonly #states = new Map<string, State>();
  #last = 0;
  #writes: Promise<unknown> = Promise.resolve();

  constructor(options: PurgesOptions) {
    this.#options = options;
    this.#shared = options.kv.driver !== "memory";
  }

  /** The time to give a request that comes now: later than all that was purged here before. */
  now(): number {
    return Math.max(this.#options.now(), this.#last + 0.5);
  }

  /**
   * True when what other processes have purged is known, to 2 s. Resolves to false when the store cannot
   * tell.
   */
  ready(gateway: string, waitUntil: (work: Promise<unknown>) => void): true | Promise<boolean> {
    if (!this.#shared) return true;
    const state = this.#states.get(gateway);
    const age = this.#options.now() - (state?.checkedAt ?? -Infinity);
    if (age >= 0 && age < fresh) return true;
    const asking = this.#ask(gateway);
    if (!(age >= 0 && age < stale)) return asking;
    waitUntil(asking);
    return true;
  }

  /** True for an entry whose request came before it was purged. */
  cover(gateway: string, entry: Entry, key: string | undefined): boolean {
    const list = this.#states.get(gateway)?.list;
    if (list === undefined || list.length === 0) return false;
    return list.some((purge) => entry.began <= purge.at && selects(purge, entry, key));
  }

  /** Tells all processes. */
  add(gateway: string, selection: Selection): Promise<void> {
    const write = this.#writes.then(async () => {
      const at = this.now();
      this.#last = at;
      const purge: Purge = { id: crypto.randomUUID(), at, ...selection };
      const known = this.#shared
        ? await this.#read(gateway)
        : this.#states.get(gateway)?.list ?? [];
      const list = [...known.filter((purge) => at - purge.at < told), purge].slice(-most);
      if (this.#shared) {
        await this.#options.kv.set(keyOf(gateway), list as unknown as Json, 2 * told / 1000);
      }
      this.#learn(gateway, list);
    });
    this.#writes = write.catch(() => {});
    return write;
  }

  /**
   * Learns what was purged while answers were written, for {@link cover}. A purge is told of before entries
   * are deleted: either that finds them, or this.
   */
  async reread(gateway: string): Promise<void> {
    if (this.#shared) this.#learn(gateway, await this.#read(gateway));
  }

  #ask(gateway: string): Promise<boolean> {
    const { immediate } = this.#options;
    const state = this.#states.get(gateway);
    if (state?.asking !== undefined) return state.asking;
    const asking = this.#read(gateway).then((list) => {
      this.#learn(gateway, list);
      return true;
    }, () => false).finally(() => {
      const state = this.#states.get(gateway);
      if (state !== undefined) state.asking = undefined;
    });
    if (immediate) return asking;
    if (state !== undefined) state.asking = asking;
    else this.#states.set(gateway, { list: [], checkedAt: -Infinity, asking });
    return asking;
  }

  async #read(gateway: string): Promise<Purge[]> {
    const found = await this.#options.kv.get(keyOf(gateway));
    if (!Array.isArray(found)) return [];
    return (found as unknown[]).filter((one): one is Purge =>
      typeof (one as Purge | null)?.id === "string" && typeof (one as Purge).at === "number"
    );
  }

  #learn(gateway: string, list: readonly Purge[]): void {
    const { now, onPurge } = this.#options;
    const state = this.#states.get(gateway) ??
      { list: [], checkedAt: -Infinity, asking: undefined };
    const at = now();
    const { checkedAt } = state;
    const oldest = list[0]?.at ?? at;
    // Something may have been told that is told no more.
    const missed = at - checkedAt > told || (list.length === most && checkedAt < oldest);
    if (missed && checkedAt !== -Infinity) onPurge(gateway, {});
    const known = new Set(state.list.map(({ id }) => id));
    for (const purge of list) if (!known.has(purge.id)) onPurge(gateway, purge);
    this.#states.set(gateway, { ...state, list, checkedAt: at });
  }
}

function keyOf(gateway: string): string {
  return `p:${seg(gateway)}`;
}
