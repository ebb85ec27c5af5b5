/**
 * Settings in the store of keys: one value for each object, so that two who change different objects at
 * once lose nothing, and a revision that tells others that something has changed.
 *
 * @module
 */
import { digestKey, type Json, type KV } from "../storage/ports.ts";
import type { Vault } from "../auth/vault.ts";
import {
  type CostRecord,
  type GatewayRecord,
  type PriceRecord,
  type ProviderRecord,
  type Records,
  revisionKey,
} from "./records.ts";
/** Kinds of objects, and what each is. */
interface Kinds {
  gateway: GatewayRecord;
  provider: ProviderRecord;
  price: CostRecord | PriceRecord;
}

/** A kind of object. */
export type Kind = keyof Kinds;

/** An object of a kind. */
export type RecordOf<K extends Kind> = Kinds[K];

/** What {@link SettingsStore} is made of. */
export interface SettingsStoreOptions {
  kv: KV;
  /** Seals what may be a credential; without one it is stored as it is. */
  vault: Vault | undefined;
  /** Tells the operator. */
  report(message: string, cause?: unknown): void;
  /** Milliseconds since 1970. */
  now(): number;
}

/** What this process has written to a store that may show it late. */
interface Written {
  /** Nothing where it was deleted. */
  record: Stored | undefined;
  /** Milliseconds since 1970. */
  at: number;
}

/** Milliseconds in which Workers KV shows everywhere what was written. */
const lag = 70_000;

const root = "settings:";
/** Values that are read at a time. */
const batch = 32;
/** Settings of a gateway that may hold credentials. */
export const secretSettings: readonly string[] = ["otel", "stripe"];

/** As it is stored; `sealed` holds the members that may be credentials. */
type Stored = { [name: string]: Json };

/** Reads and writes records. */
export class SettingsStore {
  readonly #kv: KV;
  readonly #vault: Vault | undefined;
  readonly #report: SettingsStoreOptions["report"];
  readonly #now: () => number;
  /** By place; of Workers KV alone. */
  readonly #written: Map<string, Written> | undefined;
  /** Texts that could not be opened: told once. */
  readonly #broken = new Set<string>();

  constructor({ kv, vault, report, now }: SettingsStoreOptions) {
    this.#kv = kv;
    this.#vault = vault;
    this.#report = report;
    this.#now = now;
    this.#written = /^(?:workers|cloudflare)-kv/.test(kv.driver) ? new Map() : undefined;
  }

  /** Everything, in the order of its ids. */
  async load(): Promise<Records> {
    const there = (await this.#kv.keys(root)).filter((at) => at !== revisionKey);
    const places = [...new Set([...there, ...this.#written?.keys() ?? []])].sort();
    const gateways = new Map<string, GatewayRecord>();
    const providers = new Map<string, ProviderRecord>();
    const prices = new Map<string, CostRecord | PriceRecord>();
    for (let i = 0; i < places.length; i += batch) {
      const some = places.slice(i, i + batch);
      const found = await Promise.all(some.map((at) => this.#read(at)));
      for (const [n, record] of found.entries()) {
        const [, kind] = some[n]!.split(":");
        if (record === undefined) continue;
        if (kind === "gateway") gateways.set(record.id as string, record as never);
        else if (kind === "provider") providers.set(record.id as string, record as never);
        else if (kind === "price") prices.set(record.id as string, record as never);
      }
    }
    return { gateways, providers, prices };
  }

  /** One object as it is now, or nothing. */
  async get<K extends Kind>(kind: K, id: string): Promise<RecordOf<K> | undefined> {
    return await this.#read(await place(kind, id)) as RecordOf<K> | undefined;
  }

  /** Stores an object. */
  async put<K extends Kind>(kind: K, record: RecordOf<K>): Promise<void> {
    const at = await place(kind, record.id);
    const stored = await this.#sealed(at, JSON.parse(JSON.stringify(record)));
    await this.#changing(() => this.#kv.set(at, stored));
    this.#remember(at, JSON.parse(JSON.stringify(record)));
  }

  /** Deletes objects. */
  async delete(kind: Kind, ids: readonly string[]): Promise<void> {
    const places = await Promise.all(ids.map((id) => place(kind, id)));
    await this.#changing(async () => {
      for (const at of places) await this.#kv.delete(at);
    });
    for (const at of places) this.#remember(at, undefined);
  }

  /**
   * The revision changes before and after: should this process die in between, others look again for some
   * time after the first, and find what it has done.
   */
  async #changing(work: () => Promise<void>): Promise<void> {
    await this.#kv.set(revisionKey, crypto.randomUUID());
    await work();
    await this.#kv.set(revisionKey, crypto.randomUUID());
  }

  #remember(place: string, record: Stored | undefined): void {
    this.#written?.set(place, { record, at: this.#now() });
  }

  /** The later one of what the store shows and what was written here a moment ago. */
  async #read(at: string): Promise<Stored | undefined> {
    const stored = await this.#shown(at);
    const written = this.#written?.get(at);
    if (written === undefined) return stored;
    if (this.#now() - written.at >= lag) {
      this.#written!.delete(at);
      return stored;
    }
    const since = written.record?.modified_at ?? new Date(written.at).toISOString();
    return stored !== undefined && String(stored.modified_at) > String(since)
      ? stored
      : written.record;
  }

  async #shown(at: string): Promise<Stored | undefined> {
    const stored = await this.#kv.get(at);
    if (typeof stored !== "object" || stored === null || Array.isArray(stored)) return undefined;
    if (typeof stored.id !== "string") return undefined;
    const { sealed, ...rest } = stored;
    if (typeof sealed !== "string") return rest;
    const opened = await this.#open(sealed, at);
    return { ...rest, ...opened, ...opened.settings && { settings: merged(rest, opened) } };
  }

  async #sealed(at: string, record: Stored): Promise<Stored> {
    if (this.#vault === undefined) return record;
    const { headers, settings, ...rest } = record;
    const secret: Stored = {};
    if (headers !== undefined && headers !== null) secret.headers = headers;
    const plain: Stored = {};
    if (isObject(settings)) {
      const hidden: Stored = {};
      for (const [name, value] of Object.entries(settings)) {
        (secretSettings.includes(name) && value !== null ? hidden : plain)[name] = value;
      }
      if (Object.keys(hidden).length > 0) secret.settings = hidden;
    }
    if (Object.keys(secret).length === 0) return record;
    const sealed = await this.#vault.seal(JSON.stringify(secret), [at]);
    return { ...rest, headers: null, ...isObject(settings) && { settings: plain }, sealed };
  }

  /** What cannot be opened is left out, and told: without its credentials nothing does harm. */
  async #open(sealed: string, at: string): Promise<Stored> {
    try {
      if (this.#vault === undefined) throw new Error("SLUICE_MASTER_KEY is not set");
      const opened: unknown = JSON.parse(await this.#vault.open(sealed, [at]));
      return isObject(opened) ? opened : {};
    } catch (error) {
      if (!this.#broken.has(sealed)) {
        this.#broken.add(sealed);
        const [, kind] = at.split(":");
        const reason = error instanceof Error ? error.message : "unknown";
        this.#report(`Headers of a stored ${kind} cannot be decrypted and are left out: ${reason}`);
      }
      return {};
    }
  }
}

function merged(rest: Stored, opened: Stored): Stored {
  return {
    ...isObject(rest.settings) && rest.settings,
    ...isObject(opened.settings) && opened.settings,
  };
}

function isObject(value: unknown): value is Stored {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

async function place(kind: Kind, id: string): Promise<string> {
  return `${root}${kind}:${(await digestKey(id)).slice(0, 32)}`;
}
