/**
 * Provider keys that are stored: encrypted, one for each gateway, provider and alias.
 *
 * @module
 */
import { Code, GatewayError } from "../error.ts";
import { digestKey, type Json, type KV } from "../storage/ports.ts";
import type { Vault } from "./vault.ts";

/** What is given when a key is stored. */
export interface ProviderKeyInput {
  /** The provider's slug, no alias. */
  provider_slug: string;
  alias: string;
  /** The key; credentials of several parts (Bedrock, Vertex AI) as JSON. */
  secret: string;
  /** Used where a request names no alias. */
  default_config?: boolean;
  /** Most requests with this key in a period. */
  rate_limit?: number;
  /** Seconds; 60 unless given. */
  rate_limit_period?: number;
}

/** A stored key, without the key; names are Cloudflare's (spec 14.6). */
export interface ProviderKeyRecord {
  /** UUID. */
  id: string;
  alias: string;
  default_config: boolean;
  gateway_id: string;
  provider_slug: string;
  /** UUID; another one after each rotation. */
  secret_id: string;
  /** First and last characters, for people. */
  secret_preview: string;
  rate_limit?: number;
  rate_limit_period?: number;
  /** RFC 3339. */
  modified_at: string;
}

/** A stored key as it is lent. */
export interface StoredKey {
  record: ProviderKeyRecord;
  /** Decrypts the key, and remembers it; throws a `VaultError`. */
  secret(): string | Promise<string>;
}

/** What {@link ProviderKeys} is made of. */
export interface ProviderKeysOptions {
  kv: KV;
  /** Milliseconds since 1970. */
  now(): number;
  /** None without a master key: nothing can be stored then, and nothing read. */
  vault: Vault | undefined;
}

interface Stored extends ProviderKeyRecord {
  sealed: string;
}

/** Stored provider keys of all gateways. */
export class ProviderKeys {
  readonly #kv: KV;
  readonly #now: () => number;
  readonly #vault: Vault | undefined;
  #listeners: ((gateway: string) => void)[] = [];

  /** Reads nothing yet. */
  constructor(options: ProviderKeysOptions) {
    this.#kv = options.kv;
    this.#now = options.now;
    this.#vault = options.vault;
  }

  /** False without a master key: what is stored is of no use then. */
  get readable(): boolean {
    return this.#vault !== undefined;
  }

  /**
   * Stores a key; one of the same provider and alias is replaced and keeps its id. Throws a 400 where
   * there is no master key.
   */
  async put(gateway: string, input: ProviderKeyInput): Promise<ProviderKeyRecord> {
    const { provider_slug, alias } = input;
    const secret = input.secret.trim(); // files and shells leave line ends behind
    const at = await place(gateway, provider_slug, alias);
    const old = asStored(await this.#kv.get(at));
    const record: ProviderKeyRecord = {
      id: old?.id ?? crypto.randomUUID(),
      alias,
      default_config: input.default_config ?? false,
      gateway_id: gateway,
      provider_slug,
      secret_id: crypto.randomUUID(),
      secret_preview: masked(secret),
      ...input.rate_limit !== undefined && { rate_limit: input.rate_limit },
      ...input.rate_limit_period !== undefined && { rate_limit_period: input.rate_limit_period },
      modified_at: new Date(this.#now()).toISOString(),
    };
    await this.#save(at, record, secret);
    return record;
  }

  /** All stored keys of a gateway, by provider and alias. */
  async list(gateway: string): Promise<ProviderKeyRecord[]> {
    return (await this.#all(gateway)).map(({ stored }) => withoutSecret(stored));
  }

  /** Puts another secret in place of a key's; nothing when there is no such key. */
  async rotate(
    gateway: string,
    id: string,
    secret: string,
  ): Promise<ProviderKeyRecord | undefined> {
    const found = (await this.#all(gateway)).find(({ stored }) => stored.id === id);
    if (found === undefined) return undefined;
    const record = {
      ...withoutSecret(found.stored),
      secret_id: crypto.randomUUID(),
      secret_preview: masked(secret.trim()),
      modified_at: new Date(this.#now()).toISOString(),
    };
    await this.#save(found.at, record, secret.trim());
    return record;
  }

  /** Deletes a key, from its next request on, and gives back what it was; nothing when there is none. */
  async delete(gateway: string, id: string): Promise<ProviderKeyRecord | undefined> {
    const found = (await this.#all(gateway)).find(({ stored }) => stored.id === id);
    if (found === undefined) return undefined;
    await this.#kv.delete(found.at);
    await this.#changed(gateway);
    return withoutSecret(found.stored);
  }

  /** The keys of one provider on a gateway, by alias. */
  async secretsOf(gateway: string, provider: string): Promise<Map<string, StoredKey>> {
    return (await this.load(gateway)).get(provider) ?? new Map();
  }

  /** All keys of a gateway, by provider and alias. */
  async load(gateway: string): Promise<Map<string, Map<string, StoredKey>>> {
    const table = new Map<string, Map<string, StoredKey>>();
    for (const { stored } of await this.#all(gateway)) {
      const { provider_slug: slug, alias, sealed } = stored;
      let aliases = table.get(slug);
      if (aliases === undefined) table.set(slug, aliases = new Map());
      let secret: string | undefined;
      aliases.set(alias, {
        record: withoutSecret(stored),
        secret: () =>
          secret ?? this.#open(sealed, [gateway, slug, alias]).then((text) => secret = text),
      });
    }
    return table;
  }

  /** Changes whenever a key of the gateway does; cheap to ask for. */
  async revision(gateway: string): Promise<string> {
    const stored = await this.#kv.get(await revisionKey(gateway));
    return typeof stored === "string" ? stored : "";
  }

  /** Calls back when this process has changed a key of a gateway. */
  onChange(listener: (gateway: string) => void): void {
    this.#listeners.push(listener);
  }

  async #save(at: string, record: ProviderKeyRecord, secret: string): Promise<void> {
    if (this.#vault === undefined) {
      throw new GatewayError(
        400,
        Code.noMasterKey,
        "A provider key cannot be stored without SLUICE_MASTER_KEY; set it to 32 random bytes in " +
          "base64, such as from 'openssl rand -base64 32'",
      );
    }
    const { gateway_id, provider_slug, alias } = record;
    const sealed = await this.#vault.seal(secret, [gateway_id, provider_slug, alias]);
    await this.#kv.set(at, { ...record, sealed });
    await this.#changed(gateway_id);
  }

  async #open(sealed: string, context: string[]): Promise<string> {
    if (this.#vault === undefined) throw new Error("SLUICE_MASTER_KEY is not set");
    return await this.#vault.open(sealed, context);
  }

  async #changed(gateway: string): Promise<void> {
    try {
      await this.#kv.set(await revisionKey(gateway), crypto.randomUUID());
    } finally {
      for (const listener of this.#listeners) listener(gateway);
    }
  }

  async #all(gateway: string): Promise<{ at: string; stored: Stored }[]> {
    const places = await this.#kv.keys(await folder(gateway));
    const found = await Promise.all(places.map(async (at) => {
      const stored = asStored(await this.#kv.get(at));
      return stored === undefined ? [] : [{ at, stored }];
    }));
    return found.flat().sort((a, b) =>
      a.stored.provider_slug.localeCompare(b.stored.provider_slug) ||
      a.stored.alias.localeCompare(b.stored.alias)
    );
  }
}

/** The ends of a long key, and nothing of a short one or of credentials of several parts. */
function masked(secret: string): string {
  return secret.length < 20 || secret.trimStart().startsWith("{")
    ? "••••"
    : `${secret.slice(0, 3)}••••${secret.slice(-4)}`;
}

async function folder(gateway: string): Promise<string> {
  return `pkeys:${(await digestKey(gateway)).slice(0, 32)}:`;
}

async function place(gateway: string, provider: string, alias: string): Promise<string> {
  return await folder(gateway) + (await digestKey(JSON.stringify([provider, alias]))).slice(0, 32);
}

async function revisionKey(gateway: string): Promise<string> {
  return `pkeysrev:${(await digestKey(gateway)).slice(0, 32)}`;
}

function withoutSecret({ sealed: _, ...record }: Stored): ProviderKeyRecord {
  return record;
}

function asStored(value: Json | undefined): Stored | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { id, alias, provider_slug, sealed } = value;
  const texts = [id, alias, provider_slug, sealed];
  return texts.every((text) => typeof text === "string") ? value as unknown as Stored : undefined;
}
