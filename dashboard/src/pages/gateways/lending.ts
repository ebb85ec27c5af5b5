/** Which providers' keys a gateway has to lend. */
import { get } from "../../api.ts";
import type { Provider } from "./providers.ts";

export interface Lending {
  providers: readonly Provider[];
  /** Slugs of the providers for which there is a key, stored or in the configuration. */
  lent: ReadonlySet<string>;
}

export async function lendingOf(gateway: string, signal: AbortSignal): Promise<Lending> {
  const path = `/gateways/${encodeURIComponent(gateway)}/provider_configs?per_page=100`;
  const [{ result: providers }, stored] = await Promise.all([
    get<Provider[]>("/providers?per_page=1000", signal),
    // Without the store of keys there is still something to say.
    get<{ provider_slug: string }[]>(path, signal).catch(() => ({ result: [] })),
  ]);
  const configured = providers.filter(({ configured_keys = [] }) => configured_keys.length > 0);
  return {
    providers,
    lent: new Set([
      ...stored.result.map(({ provider_slug }) => provider_slug),
      ...configured.map(({ slug }) => slug),
    ]),
  };
}
