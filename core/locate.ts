/**
 * Which provider a name means, and who may reach it.
 *
 * @module
 */
import { fromStrangePage, underStrangeName } from "./cors.ts";
import { Code, GatewayError } from "./error.ts";
import { shown, suggestion } from "./nearest.ts";
import type { Provider } from "./provider.ts";
import type { Snapshot } from "./settings/snapshot.ts";

/**
 * The provider of a slug or alias, for a request with these headers; an error that names it, where there
 * is none (400, code 2008) or where it is closed to the page that asks (403, code 8008).
 */
export function providerNamed(settings: Snapshot, name: string, headers: Headers): Provider {
  const provider = settings.providers.get(name)?.provider;
  if (provider === undefined) {
    const off = [...settings.records.providers.values()].find(({ slug }) =>
      name === `custom-${slug}`
    );
    const hint = off === undefined
      ? suggestion(name, [...settings.providers.keys()], "providers")
      : "it is there, and off: set its 'enable' to true";
    throw new GatewayError(400, Code.unknownProvider, `Invalid provider '${shown(name)}'; ${hint}`);
  }
  assertPageMayCall(provider, headers, settings);
  return provider;
}

/** Any page may call a provider on the Internet, with a key of its own; a server at home has no key. */
function assertPageMayCall(
  provider: Provider,
  headers: Headers,
  { config: { cors, hosts }, loopback }: Snapshot,
): void {
  const own = { cors, hosts, loopback };
  if (!provider.local || !fromStrangePage(headers, own)) return;
  const [what, setting] = underStrangeName(headers, own)
    ? ["requests under other names than 'localhost'", "list the name in 'hosts'"]
    : ["pages of other sites", "list the page's origin in 'cors.origins'"];
  throw new GatewayError(
    403,
    Code.originRefused,
    `Provider '${provider.slug}' runs on the operator's machine and is closed to ${what}; ${setting} ` +
      "to open it",
  );
}
