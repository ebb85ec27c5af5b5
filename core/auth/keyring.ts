/**
 * Provider keys that the gateway holds, from its configuration and its store, and to whom they are lent.
 *
 * @module
 */
import { authenticated, type Context, type Shared } from "../context.ts";
import { fromStrangePage, type OwnPages, underStrangeName } from "../cors.ts";
import { Code, GatewayError, isGatewayError } from "../error.ts";
import { KeyIndex, type StoredTable } from "./key-index.ts";
import { KeyPool, mayBeKeysFault, type PoolKey, restAfter } from "./key-pool.ts";
import type { Limiter } from "../limits/limiter.ts";
import { type Call, dropPlaceholders, hasClientKey } from "../provider.ts";
import { shown } from "../nearest.ts";
import type { ProviderKeyRecord, ProviderKeys, StoredKey } from "./provider-keys.ts";

export type { PoolKey } from "./key-pool.ts";

/** Keys of the configuration, by provider slug, then alias. */
export type KeyTable = ReadonlyMap<string, ReadonlyMap<string, readonly PoolKey[]>>;

/** A key on loan to one attempt. */
export interface LentKey {
  key: string;
  /** `default` unless `cf-aig-byok-alias` or the store named another. */
  alias: string;
}

/** What {@link Keyring} is made of. */
export interface KeyringOptions {
  keys: KeyTable;
  stored: ProviderKeys;
  limiter: Limiter;
  /** An open gateway lends to no others. */
  pages: OwnPages;
  /** Milliseconds since 1970. */
  now(): number;
  /** Requests must not wait for each other's work (Workers). */
  immediate: boolean;
  /** Tells the operator. */
  report(message: string, cause?: unknown): void;
}

/** Where a request's key comes from. */
interface Source {
  alias: string;
  pool?: KeyPool;
  stored?: StoredKey;
}

/** A loan that can be learned from. */
interface PoolLoan extends LentKey {
  pool: KeyPool;
  seat: PoolKey;
}

/** The keys of one gateway program. */
export class Keyring {
  readonly #pools = new Map<string, Map<string, KeyPool>>();
  readonly #stored: ProviderKeys;
  readonly #index: KeyIndex;
  readonly #limiter: Limiter;
  readonly #pages: OwnPages;
  readonly #now: () => number;
  readonly #report: (message: string, cause?: unknown) => void;
  /** Secrets that could not be decrypted, by id: told once. */
  readonly #broken = new Set<string>();
  /** Names under which nothing was lent: told once. */
  #toldName = false;

  /** Reads nothing yet. */
  constructor(options: KeyringOptions) {
    const { keys, stored, now, immediate } = options;
    for (const [slug, aliases] of keys) {
      const pools = [...aliases].map(([alias, pool]) => [alias, new KeyPool(pool)] as const);
      this.#pools.set(slug, new Map(pools));
    }
    this.#stored = stored;
    this.#index = new KeyIndex({ stored, now, immediate });
    this.#limiter = options.limiter;
    this.#pages = options.pages;
    this.#now = now;
    this.#report = options.report;
  }

  /**
   * The key for a call whose client brought none: alias `default`, or the one that `cf-aig-byok-alias`
   * names (an unknown one is a 400 with code 2040). Nothing for a caller that nobody has authenticated,
   * unless the gateway is `open`, and then not for pages of other sites. With `byok_only`, or
   * `cf-aig-no-wholesale: true`, a call without any key is a 400; model servers on the operator's own
   * machine need none.
   */
  keyFor(ctx: Context, call: Call): LentKey | undefined | Promise<LentKey | undefined> {
    const borrows = this.mayBorrow(ctx);
    if (!borrows && !needsKey(ctx)) return undefined;
    if (hasClientKey(ctx.provider, call)) return undefined;
    if (!borrows) throw noCredential(ctx);
    const table = this.#index.of(ctx.gateway.id, (work) => ctx.waitUntil(work));
    if (!(table instanceof Promise)) return this.#lend(ctx, call, table);
    return table.then(
      (table) => this.#lend(ctx, call, table),
      (cause) => this.#lend(ctx, call, undefined, cause),
    );
  }

  /** Slugs of the providers for which this caller would be lent a key. */
  async lendable(ctx: Context): Promise<Set<string>> {
    if (!this.mayBorrow(ctx)) return new Set();
    const table = await this.#index.of(ctx.gateway.id, (work) => ctx.waitUntil(work));
    return new Set([...this.#pools.keys(), ...table.keys()]);
  }

  /** True where this caller would be lent a key for the request's provider, as far as is known now. */
  async lends(ctx: Context): Promise<boolean> {
    if (!this.mayBorrow(ctx)) return false;
    const slug = ctx.provider.slug;
    const asked = ctx.clientHeaders.get("cf-aig-byok-alias");
    let table: StoredTable | undefined;
    try {
      table = await this.#index.of(ctx.gateway.id, (work) => ctx.waitUntil(work));
    } catch {
      // What is stored cannot be lent now.
    }
    return find(table?.get(slug), this.#pools.get(slug), asked) !== undefined;
  }

  /** What the provider said of a key that was lent: after a refusal it rests, if there are others. */
  learn(lent: LentKey, response: Response, shared: Shared): Response | Promise<Response> {
    const { pool, seat } = lent as PoolLoan;
    if (pool === undefined || pool.size === 1 || !mayBeKeysFault(response.status)) return response;
    const now = this.#now();
    return restAfter(response, now).then(({ response: answer, ms }) => {
      if (ms !== undefined) {
        pool.rest(seat, ms, now);
        shared.otherKey = pool.isReady(now);
      }
      return answer;
    });
  }

  /** True for a caller to whom stored keys are lent. */
  mayBorrow(ctx: Context): boolean {
    if (ctx.get(authenticated) === true) return true;
    const { headers } = ctx.request;
    if (!ctx.gateway.open) return false;
    if (!fromStrangePage(headers, this.#pages)) return true;
    if (!this.#toldName && underStrangeName(headers, this.#pages)) {
      this.#toldName = true;
      this.#report(
        `A request under the name '${
          shown(headers.get("host") ?? "")
        }' was lent no key, though its ` +
          "gateway is open: if the name is this gateway's, list it in 'hosts' of the configuration",
      );
    }
    return false;
  }

  #lend(
    ctx: Context,
    call: Call,
    table: StoredTable | undefined,
    cause?: unknown,
  ): LentKey | undefined | Promise<LentKey | undefined> {
    const slug = ctx.provider.slug;
    const stored = table?.get(slug);
    const pools = this.#pools.get(slug);
    const asked = ctx.clientHeaders.get("cf-aig-byok-alias");
    const source = find(stored, pools, asked);
    if (source === undefined) {
      const maybeStored = table === undefined && this.#stored.readable && !ctx.provider.local;
      if (maybeStored) throw unavailable(cause);
      if (asked !== null) throw unknownAlias(slug, asked, stored, pools);
      if (needsKey(ctx)) throw noCredential(ctx);
      return undefined;
    }
    dropPlaceholders(ctx.provider, call);
    const { alias, pool } = source;
    if (pool !== undefined) {
      const seat = pool.next(this.#now());
      const loan: PoolLoan = { key: seat.key, alias, pool, seat };
      return loan;
    }
    const { record } = source.stored!;
    if (record.rate_limit) {
      return this.#admit(record).then(() => this.#decrypted(source.stored!));
    }
    return this.#decrypted(source.stored!);
  }

  #decrypted(stored: StoredKey): LentKey | Promise<LentKey> {
    const { alias } = stored.record;
    const secret = stored.secret();
    if (typeof secret === "string") return { key: secret, alias };
    return secret.then((key) => ({ key, alias }), (error) => {
      throw this.#unusable(stored.record, error);
    });
  }

  /** Another key in its place could be somebody else's account: the request ends here. */
  #unusable(record: ProviderKeyRecord, error: unknown): GatewayError {
    const { alias, provider_slug: slug, gateway_id: gateway, secret_id: id } = record;
    const reason = error instanceof Error ? error.message : "unknown";
    if (!this.#broken.has(id)) {
      this.#broken.add(id);
      this.#report(
        `The stored key '${alias}' for '${slug}' on gateway '${gateway}' cannot be decrypted: ${reason}`,
      );
    }
    return new GatewayError(
      500,
      Code.storedKeyUnusable,
      `The stored key '${alias}' for '${slug}' cannot be decrypted; check SLUICE_MASTER_KEY, or store ` +
        "the key anew",
    );
  }

  async #admit(record: ProviderKeyRecord): Promise<void> {
    const { rate_limit: limit = Infinity, rate_limit_period: window = 60 } = record;
    const taken = await this.#limiter.take(`pkey:${record.id}`, 1, { limit, window }, this.#now());
    if (taken.ok) return;
    throw new GatewayError(
      429,
      Code.rateLimited,
      `Rate limited: the stored key '${record.alias}' for '${record.provider_slug}' is used up; try ` +
        `again in ${taken.retryAfter} s`,
      { headers: { "retry-after": String(taken.retryAfter) } },
    );
  }
}

/** What is stored wins over the configuration. */
function find(
  stored: ReadonlyMap<string, StoredKey> | undefined,
  pools: ReadonlyMap<string, KeyPool> | undefined,
  asked: string | null,
): Source | undefined {
  const alias = asked ?? markedDefault(stored) ?? "default";
  const own = stored?.get(alias);
  if (own !== undefined) return { alias, stored: own };
  const pool = pools?.get(alias);
  return pool && { alias, pool };
}

function markedDefault(stored: ReadonlyMap<string, StoredKey> | undefined): string | undefined {
  if (stored === undefined || stored.get("default")?.record.default_config) return undefined;
  for (const [alias, { record }] of stored) if (record.default_config) return alias;
  return undefined;
}

/** True where a request without any key must not go on. */
function needsKey({ gateway, provider, clientHeaders }: Context): boolean {
  if (provider.local) return false;
  return gateway.byok_only || clientHeaders.get("cf-aig-no-wholesale") === "true";
}

function noCredential({ provider }: Context): GatewayError {
  return new GatewayError(
    400,
    Code.noCredential,
    `No key for provider '${provider.slug}': send one in its own header, or store one on the gateway ` +
      "and authenticate with a gateway token",
  );
}

function unknownAlias(
  slug: string,
  asked: string,
  ...tables: (ReadonlyMap<string, unknown> | undefined)[]
): GatewayError {
  const names = new Set(tables.flatMap((table) => [...table?.keys() ?? []]));
  return new GatewayError(
    400,
    Code.unknownKeyAlias,
    `Provider '${slug}' has no BYOK credential named '${shown(asked)}'. Configured aliases: ` +
      ([...names].map((name) => `'${name}'`).join(", ") || "none"),
  );
}

function unavailable(cause: unknown): GatewayError {
  if (isGatewayError(cause)) return cause;
  return new GatewayError(
    503,
    Code.authUnavailable,
    "The store of provider keys cannot be reached; try again in a moment",
    { cause, headers: { "retry-after": "1" } },
  );
}
