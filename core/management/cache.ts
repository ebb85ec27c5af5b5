/**
 * Forgetting stored answers: `gateways/{gateway}/cache/purge`. Sluice's own, beside Cloudflare's API.
 *
 * @module
 */
import { invalid, type Result } from "./answer.ts";
import type { Call, Resource } from "./resource.ts";
import { purgeOf } from "./schema.ts";

/** `cache`. */
export const cache: Resource = { "POST gateways/:gateway/cache/purge": purge };

/** Everything, or what has all that is named. What an alias means is the provider. */
async function purge({ host, params, body, audit }: Call): Promise<Result> {
  const { all, provider, ...rest } = purgeOf(body);
  const named = [provider, rest.key, rest.model].some((value) => value !== undefined);
  if (named === (all === true)) {
    throw invalid(
      ["body"],
      "The body must say either 'all': true or any of 'key', 'provider', 'model'",
    );
  }
  const slug = provider && (host.settings.last.providers.get(provider)?.provider.slug ?? provider);
  const purged = await (await host.openCache()).purge(params.gateway, { ...rest, provider: slug });
  await audit({
    action: "purge",
    type: "cache",
    id: params.gateway,
    gateway: params.gateway,
    new: { ...body as Record<string, unknown>, purged },
  });
  return { result: { purged } };
}
