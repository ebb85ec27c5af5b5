/**
 * Virtual keys: what callers show instead of a provider's key. Only hashes are stored; a key is shown
 * once, when it is made. Who asks for a key on each request gets the answer from memory.
 *
 * @module
 */
import type { KeyRules } from "../config/config.ts";
import { Code, GatewayError } from "../error.ts";
import { isUUID } from "../id.ts";
import { digestKey, type Json, type KV } from "../storage/ports.ts";

/** What is said of a key when it is made. */
export type KeyInput = { name: string } & KeyRules;

/** A virtual key, without the key. */
export interface KeyRecord extends KeyRules {
  /** UUID; `config.<gateway>.<name>` for a key from the configuration. */
  id: string;
  name: string;
  /** First and last characters of the key, for people. */
  preview: string;
  enabled: boolean;
  /** RFC 3339; null is never. */
  expires_at: string | null;
  /** Gateway that it was made for; the only one that it opens, unless `gateways` says otherwise. */
  gateway: string;
  /** RFC 3339. */
  created_at: string;
  /** RFC 3339. */
  modified_at: string;
  /** RFC 3339, to the minute; null before its first use. Only where keys are listed. */
  last_used_at?: string | null;
}

/** What {@link VirtualKeys} is made of. */
export interface VirtualKeysOptions {
  /** Where keys are stored. */
  kv: KV;
  /** Milliseconds since 1970. */
  now(): number;
  /** Keys of the configuration, by the hex SHA-256 of the key; one key may open several gateways. */
  configured?: ReadonlyMap<string, readonly KeyRecord[]>;
  /** Requests must not wait for each other's work (Workers). */
  immediate?: boolean;
}

/** What is remembered of a key that is known. */
interface Known {
  records: readonly KeyRecord[];
  digest: string;
  /** Milliseconds since 1970; `Infinity` for the configuration's. */
  checkedAt: number;
  /** When the last look behind a request's back began. */
  askedAt: number;
}

/** Milliseconds for which an answer of the store is not asked for again. */
const fresh = 2_000;
/** Milliseconds after which a request waits for a new answer. */
const stale = 5_000;
/** Milliseconds for which a key stays good while the store is away. */
const grace = 60_000;
/** Milliseconds for which a store that failed is left alone. */
const pause = 1_000;
/** Most keys, and as many texts that are none, that are remembered. */
const most = 10_000;
/** Most texts that nobody knows yet, asked for at a time: whoever guesses keys must not use up a store. */
const mostLookups = 256;
/** Most characters of a key; those of the configuration are as their owner wrote them. */
const longest = 512;

/** Virtual keys of all gateways. */
export class VirtualKeys {
  readonly #kv: KV;
  readonly #now: () => number;
  readonly #configured: ReadonlyMap<string, readonly KeyRecord[]>;
  readonly #immediate: boolean;
  readonly #known = new Map<string, Known>();
  /** When a text was found to be no key. */
  readonly #unknown = new Map<string, number>();
  readonly #lookups = new Map<string, Promise<Known | undefined>>();
  readonly #usedAt = new Map<string, number>();
  #pending = 0;
  #awayUntil = 0;
  /** Counts what this process changed: an answer from before a change is void. */
  #changes = 0;
  #writes: Promise<unknown> = Promise.resolve();

  /** Reads nothing yet. */
  constructor(options: VirtualKeysOptions) {
    this.#kv = options.kv;
    this.#now = options.now;
    this.#configured = options.configured ?? new Map();
    this.#immediate = options.immediate ?? false;
  }

  /** True when a text that does not look like a key of ours may be one, from the configuration. */
  get anyText(): boolean {
    return this.#configured.size > 0;
  }

  /** Makes a key. It is in this answer and never again. */
  async create(gateway: string, input: KeyInput): Promise<{ record: KeyRecord; key: string }> {
    const key = newKey();
    const digest = await digestKey(key);
    const at = new Date(this.#now()).toISOString();
    const record = withRules({
      id: crypto.randomUUID(),
      name: input.name,
      preview: `${key.slice(0, 5)}…${key.slice(-4)}`,
      enabled: true,
      expires_at: null,
      gateway,
      created_at: at,
      modified_at: at,
    }, input);
    // In this order, so that no key can be good that cannot be found and deleted.
    await this.#kv.set(await pointer(gateway, record.id), { digest });
    await this.#kv.set(keyOf(digest), asJson(record));
    return { record, key };
  }

  /** All keys that were made for a gateway, the newest first. */
  async list(gateway: string): Promise<KeyRecord[]> {
    const pointers = await this.#kv.keys(await folder(gateway));
    const found = await Promise.all(pointers.map((at) => this.#read(at)));
    return found.flatMap((each) => each === undefined ? [] : [each.record])
      .sort((a, b) => b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id));
  }

  /** A key of a gateway by its id, or nothing. */
  async get(gateway: string, id: string): Promise<KeyRecord | undefined> {
    if (!isUUID(id)) return undefined;
    return (await this.#read(await pointer(gateway, id)))?.record;
  }

  /** Changes a key from its next request on; a member that is null goes, one that is absent stays. */
  update(
    gateway: string,
    id: string,
    patch: { [Name in keyof KeyInput]?: KeyInput[Name] | null },
  ): Promise<KeyRecord | undefined> {
    return this.#write(async () => {
      if (!isUUID(id)) return undefined;
      const found = await this.#read(await pointer(gateway, id));
      if (found === undefined) return undefined;
      const { last_used_at, ...old } = found.record;
      const record = withRules(old, patch);
      record.modified_at = new Date(this.#now()).toISOString();
      await this.#kv.set(keyOf(found.digest), asJson(record));
      this.#forget(found.digest);
      return { ...record, last_used_at: last_used_at ?? null };
    });
  }

  /** Ends a key, from its next request on; false when there is none of this id. */
  delete(gateway: string, id: string): Promise<boolean> {
    return this.#write(async () => {
      if (!isUUID(id)) return false;
      const at = await pointer(gateway, id);
      const found = await this.#read(at);
      if (found === undefined) return false;
      await this.#kv.delete(keyOf(found.digest));
      this.#forget(found.digest);
      await this.#kv.delete(at);
      await this.#kv.delete(usedKey(id));
      return true;
    });
  }

  /**
   * The record of a key, whether or not the key is good; nothing for a text that is no key. From memory
   * for {@link fresh} ms, then asked for again behind the request's back, and after {@link stale} ms
   * before the request goes on: a key that another process changed is as it was for 5 s at most. While the
   * store is away a key stays as it was for {@link grace} ms; then, and for a text that nobody knows, this
   * throws a 503.
   *
   * @param gateway Which of several records of one key, where the configuration has several.
   * @param waitUntil Keeps a platform alive that ends with the request.
   */
  find(
    token: string,
    gateway?: string,
    waitUntil?: (work: Promise<unknown>) => void,
  ): Promise<KeyRecord | undefined> | KeyRecord | undefined {
    const at = this.#now();
    const known = this.#known.get(token);
    if (known !== undefined) {
      const age = at - known.checkedAt;
      if (age < fresh && (age >= 0 || known.checkedAt === Infinity)) return pick(known, gateway);
      if (age >= 0 && age < grace && at < this.#awayUntil) return pick(known, gateway);
      if (age >= 0 && age < stale) {
        if (at - known.askedAt >= pause || at < known.askedAt) {
          known.askedAt = at;
          const work = this.#lookUp(token).catch(() => {});
          waitUntil?.(work);
        }
        return pick(known, gateway);
      }
    } else {
      if (token.length > longest || !(looksLikeKey(token) || this.anyText)) return undefined;
      const age = at - (this.#unknown.get(token) ?? -Infinity);
      if (age >= 0 && age < fresh) return undefined;
    }
    return this.#ask(token, known, gateway);
  }

  /** Notes that a key was used, once a minute at most. */
  touch(record: KeyRecord): Promise<void> | undefined {
    const at = this.#now();
    if (at - (this.#usedAt.get(record.id) ?? -Infinity) < 60_000 || !isUUID(record.id)) {
      return undefined;
    }
    remember(this.#usedAt, record.id, at);
    const minute = new Date(at - at % 60_000).toISOString();
    return this.#kv.set(usedKey(record.id), minute).catch(() => {});
  }

  async #ask(
    token: string,
    known: Known | undefined,
    gateway: string | undefined,
  ): Promise<KeyRecord | undefined> {
    try {
      const found = await this.#lookUp(token);
      return found && pick(found, gateway);
    } catch (error) {
      const age = this.#now() - (known?.checkedAt ?? -Infinity);
      if (known !== undefined && age >= 0 && age < grace) return pick(known, gateway);
      throw error;
    }
  }

  /** Asks the store; requests for one key wait for one answer. */
  #lookUp(token: string): Promise<Known | undefined> {
    const running = this.#lookups.get(token);
    if (running !== undefined) return running;
    const work = this.#load(token).finally(() => this.#lookups.delete(token));
    if (!this.#immediate) this.#lookups.set(token, work);
    return work;
  }

  async #load(token: string): Promise<Known | undefined> {
    if (this.#pending >= mostLookups) throw unavailable("Too many unknown keys are asked for");
    this.#pending++;
    try {
      const digest = await digestKey(token);
      const configured = this.#configured.get(digest);
      if (configured !== undefined) {
        const known = { records: configured, digest, checkedAt: Infinity, askedAt: 0 };
        remember(this.#known, token, known);
        return known;
      }
      let record: KeyRecord | undefined;
      let changes: number;
      do {
        changes = this.#changes;
        record = looksLikeKey(token) ? await this.#stored(digest) : undefined;
      } while (changes !== this.#changes);
      const checkedAt = this.#now();
      if (record === undefined) {
        this.#known.delete(token);
        remember(this.#unknown, token, checkedAt);
        return undefined;
      }
      const old = this.#known.get(token);
      // The same object while nothing changes: others tie to it what they made of it.
      const same = old !== undefined && JSON.stringify(old.records[0]) === JSON.stringify(record);
      const records = same ? old.records : [record];
      const known = { records, digest, checkedAt, askedAt: 0 };
      this.#unknown.delete(token);
      remember(this.#known, token, known);
      return known;
    } finally {
      this.#pending--;
    }
  }

  async #stored(digest: string): Promise<KeyRecord | undefined> {
    if (this.#now() < this.#awayUntil) throw unavailable();
    try {
      return asRecord(await this.#kv.get(keyOf(digest)));
    } catch (error) {
      this.#awayUntil = this.#now() + pause;
      throw unavailable(undefined, error);
    }
  }

  async #read(at: string): Promise<{ record: KeyRecord; digest: string } | undefined> {
    const stored = await this.#kv.get(at);
    const digest = typeof stored === "object" && stored !== null && !Array.isArray(stored)
      ? stored.digest
      : undefined;
    if (typeof digest !== "string") return undefined;
    const record = asRecord(await this.#kv.get(keyOf(digest)));
    if (record === undefined) return undefined;
    const used = await this.#kv.get(usedKey(record.id));
    return { record: { ...record, last_used_at: typeof used === "string" ? used : null }, digest };
  }

  #forget(digest: string): void {
    this.#changes++;
    for (const [token, known] of this.#known) {
      if (known.digest === digest) this.#known.delete(token);
    }
  }

  /** One change after the other: a store has no way to change a value only if nobody else did. */
  #write<T>(work: () => Promise<T>): Promise<T> {
    // On Workers what a departed request has begun may never end.
    if (this.#immediate) return work();
    const done = this.#writes.then(work);
    this.#writes = done.catch(() => {});
    return done;
  }
}

/** What every key that was made here looks like. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith("sl-");
}

/** 43 letters and digits: 256 bits, and a double click marks all of it. */
function newKey(): string {
  for (let text = "";;) {
    text += btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(64))));
    text = text.replace(/[^A-Za-z0-9]/g, "");
    if (text.length >= 43) return `sl-${text.slice(0, 43)}`;
  }
}

function pick({ records }: Known, gateway: string | undefined): KeyRecord | undefined {
  if (records.length === 1) return records[0];
  return records.find((record) => record.gateway === gateway) ?? records[0];
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > most) { for (const oldest of map.keys()) return void map.delete(oldest); }
}

const keyOf = (digest: string): string => `vkey:${digest}`;
const usedKey = (id: string): string => `vused:${id}`;

async function folder(gateway: string): Promise<string> {
  return `vkeys:${(await digestKey(gateway)).slice(0, 32)}:`;
}

async function pointer(gateway: string, id: string): Promise<string> {
  return await folder(gateway) + id;
}

const ruleNames = ["gateways", "providers", "models", "metadata", "limits"] as const;

/** A record with what is given in place of what it had. */
function withRules(
  record: KeyRecord,
  given: { [Name in keyof KeyInput]?: KeyInput[Name] | null },
): KeyRecord {
  const changed: KeyRecord = { ...record };
  if (typeof given.name === "string") changed.name = given.name;
  if (given.enabled !== undefined) changed.enabled = given.enabled ?? true;
  if (given.expires_at !== undefined) changed.expires_at = given.expires_at;
  for (const name of ruleNames) {
    const value = given[name];
    if (value === null) delete changed[name];
    else if (value !== undefined) Object.assign(changed, { [name]: value });
  }
  return changed;
}

function asJson(record: KeyRecord): Json {
  return JSON.parse(JSON.stringify(record)) as Json;
}

function asRecord(stored: Json | undefined): KeyRecord | undefined {
  if (typeof stored !== "object" || stored === null || Array.isArray(stored)) return undefined;
  const { id, name, gateway } = stored;
  if (typeof id !== "string" || typeof name !== "string" || typeof gateway !== "string") {
    return undefined;
  }
  return stored as unknown as KeyRecord;
}

/** Not a 401: clients throw away a credential that was refused. */
function unavailable(what = "The store of keys cannot be reached", cause?: unknown): GatewayError {
  return new GatewayError(
    503,
    Code.authUnavailable,
    `${what}; try again in a moment`,
    { cause, headers: { "retry-after": "1" } },
  );
}
