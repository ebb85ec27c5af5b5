/**
 * Provider keys that the gateway holds, and to whom they are lent.
 *
 * @module
 */
import { authenticated, type Context } from "./context.ts";
import { type CorsSettings, fromStrangePage } from "./cors.ts";
import { Code, GatewayError } from "./error.ts";

/** A key on loan to one attempt. */
export interface LentKey {
  key: string;
  /** `default` unless `cf-aig-byok-alias` named another. */
  alias: string;
}

/** One key of an alias. */
export interface PoolKey {
  key: string;
  /** Share of the requests. */
  weight: number;
}

/** The keys of one gateway. */
export interface Keyring {
  /** True when any key may be stored for the provider. */
  has(slug: string): boolean;
  /**
   * The key for a request whose client brought none: alias `default`, or the one that
   * `cf-aig-byok-alias` names (an unknown one is a 400 with code 2040). Nothing for a caller that
   * nobody has authenticated, unless the gateway is `open`, and then not for pages of other sites.
   */
  lend(ctx: Context): LentKey | undefined | Promise<LentKey | undefined>;
  /** What the provider said of a key that was lent: after a 401 or 429 it rests. */
  learn(lent: LentKey, response: Response): void;
}

/**
 * @param keys By provider slug, then alias.
 * @param cors As configured; nothing when it is not.
 */
export function createKeyring(
  keys: ReadonlyMap<string, ReadonlyMap<string, readonly PoolKey[]>>,
  cors: CorsSettings | undefined,
): Keyring {
  return {
    has: (slug) => keys.has(slug),
    learn() {},
    lend(ctx) {
      const known = ctx.get(authenticated) === true;
      if (!known && !ctx.gateway.open) return undefined;
      if (!known && fromStrangePage(ctx.request.headers, cors)) return undefined;
      const slug = ctx.provider.slug;
      const aliases = keys.get(slug);
      const asked = ctx.request.headers.get("cf-aig-byok-alias");
      const alias = asked ?? "default";
      const key = aliases?.get(alias)?.[0]?.key;
      if (key === undefined && asked !== null) {
        throw new GatewayError(
          400,
          Code.unknownKeyAlias,
          `Provider '${slug}' has no BYOK credential named '${asked}'. Configured aliases: ` +
            [...aliases?.keys() ?? []].map((alias) => `'${alias}'`).join(", "),
        );
      }
      return key === undefined ? undefined : { key, alias };
    },
  };
}
