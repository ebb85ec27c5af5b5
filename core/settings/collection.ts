/**
 * Objects of a gateway that no request is served from (datasets, evaluations): each is a value in the store of
 * keys, read when it is asked for.
 *
 * @module
 */
import { isUUID } from "../id.ts";
import { digestKey, type Json, type KV } from "../storage/ports.ts";

/** What every object has. */
export interface Collected {
  /** UUID. */
  id: string;
  /** RFC 3339. */
  created_at: string;
}

/** Values that are read at a time. */
const batch = 32;

/** The objects of one kind. */
export class Collection<T extends Collected> {
  readonly #kv: KV;
  readonly #root: string;

  /** @param name First segment of the keys. */
  constructor(kv: KV, name: string) {
    this.#kv = kv;
    this.#root = name;
  }

  /** All of a gateway, the newest first. */
  async list(gateway: string): Promise<T[]> {
    const places = await this.#kv.keys(await this.#folder(gateway));
    const found: T[] = [];
    for (let i = 0; i < places.length; i += batch) {
      const some = await Promise.all(places.slice(i, i + batch).map((at) => this.#read(at)));
      found.push(...some.filter((each) => each !== undefined));
    }
    return found.sort((a, b) =>
      b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id)
    );
  }

  /** One of a gateway, or nothing. */
  async get(gateway: string, id: string): Promise<T | undefined> {
    return isUUID(id) ? await this.#read(await this.#folder(gateway) + id) : undefined;
  }

  /** How many a gateway has. */
  async count(gateway: string): Promise<number> {
    return (await this.#kv.keys(await this.#folder(gateway))).length;
  }

  /** Stores one. */
  async put(gateway: string, record: T): Promise<void> {
    const value = JSON.parse(JSON.stringify(record)) as Json;
    await this.#kv.set(await this.#folder(gateway) + record.id, value);
  }

  /** Nothing happens when it is not there. */
  async delete(gateway: string, id: string): Promise<void> {
    if (isUUID(id)) await this.#kv.delete(await this.#folder(gateway) + id);
  }

  /** Deletes all of a gateway. */
  async clear(gateway: string): Promise<void> {
    for (const at of await this.#kv.keys(await this.#folder(gateway))) await this.#kv.delete(at);
  }

  async #read(at: string): Promise<T | undefined> {
    const stored = await this.#kv.get(at);
    const isOne = typeof stored === "object" && stored !== null && !Array.isArray(stored) &&
      typeof stored.id === "string" && typeof stored.created_at === "string";
    return isOne ? stored as unknown as T : undefined;
  }

  async #folder(gateway: string): Promise<string> {
    return `${this.#root}:${(await digestKey(gateway)).slice(0, 32)}:`;
  }
}
