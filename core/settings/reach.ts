/**
 * Where names lead: one that anybody can have may lead to an address that only the gateway's machine can
 * reach. Loaded with stored providers, where the runtime can look names up.
 *
 * @module
 */
import { Code, GatewayError } from "../error.ts";
import type { Call } from "../provider.ts";
import { addressFault, type AddressRules } from "./address.ts";

/** Addresses of a name; rejects where there are none. */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** Milliseconds for which an answer holds. */
const fresh = 5_000;

/** True for a URL whose name has an address that may not be used. What leads nowhere does no harm. */
export async function leadsInside(
  url: string,
  rules: AddressRules,
  resolve: Resolve | undefined,
): Promise<boolean> {
  if (resolve === undefined || rules.any) return false;
  const { hostname } = new URL(url);
  if (hostname.startsWith("[") || /^[\d.]+$/.test(hostname)) return false; // was looked at as it is
  try {
    return (await resolve(hostname)).some((address) =>
      addressFault(`https://${address.includes(":") ? `[${address}]` : address}`, rules)
    );
  } catch {
    return false;
  }
}

/** What {@link Provider.admit} of a stored provider is: what its name leads to may have changed. */
export function admissionTo(
  slug: string,
  url: string,
  rules: AddressRules,
  resolve: Resolve,
): (call: Call) => Promise<void> | undefined {
  let lookedAt = -Infinity;
  let running: Promise<void> | undefined;
  const look = async (at: number) => {
    if (await leadsInside(url, rules, resolve)) {
      throw new GatewayError(
        502,
        Code.upstreamFailed,
        `Provider '${slug}' has a name that leads to an inner address; set 'allow_private_providers' in ` +
          "the configuration to allow it",
      );
    }
    lookedAt = at;
  };
  return ({ tools }) => {
    const at = tools.now();
    if (at >= lookedAt && at - lookedAt < fresh) return undefined;
    return running ??= look(at).finally(() => running = undefined);
  };
}
