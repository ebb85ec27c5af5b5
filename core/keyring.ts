/**
 * Stored provider keys, and to whom they are lent.
 *
 * @module
 */
import { authenticated, type Context } from "./context.ts";
import { type CorsSettings, fromStrangePage } from "./cors.ts";
import { Code, GatewayError } from "./error.ts";

/** The keys of one configuration. */
export interface Keyring {
  /** True when any key is stored for the provider. */
  has(slug: string): boolean;
  /**
   * The key for a request whose client brought none: alias `default`, or the one that
   * `cf-aig-byok-alias` names (an unknown one is a 400 with code 2040). Nothing for a caller that
   * nobody has authenticated, unless the gateway is `open`, and then not for pages of other sites.
   */
  lend(ctx: Context): string | undefined;
}

/**
 * @param keys By provider slug, then alias.
 * @param cors As configured; nothing when it is not.
 */
export function createKeyring(
  keys: ReadonlyMap<string, ReadonlyMap<string, string>>,
  cors: CorsSettings | undefined,
): Keyring {
  return {
    has: (slug) => keys.has(slug),
    lend(ctx) {
      const known = ctx.get(authenticated) === true;
      if (!known && !ctx.gateway.open) return undefined;
      if (!known && fromStrangePage(ctx.request.headers, cors)) return undefined;
      const slug = ctx.provider.slug;
      const aliases = keys.get(slug);
      const asked = ctx.request.headers.get("cf-aig-byok-alias");
      const key = aliases?.get(asked ?? "default");
      if (key === undefined && asked !== null) {
        throw new GatewayError(
          400,
          Code.unknownKeyAlias,
          `Provider '${slug}' has no BYOK credential named '${asked}'. Configured aliases: ` +
            [...aliases?.keys() ?? []].map((alias) => `'${alias}'`).join(", "),
        );
      }
      return key;
    },
  };
}
