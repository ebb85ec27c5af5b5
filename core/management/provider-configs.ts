/**
 * Stored provider keys: `gateways/{gateway}/provider_configs` (spec 14.6). A key goes in and never
 * comes out again.
 *
 * @module
 */
import { shown, suggestion } from "../nearest.ts";
import { invalid, notFound, type Result } from "./answer.ts";
import type { Call, Resource } from "./resource.ts";
import { pageOf, providerConfigOf, rotationOf } from "./schema.ts";

/** `provider_configs`. */
export const providerConfigs: Resource = {
  "GET gateways/:gateway/provider_configs": list,
  "POST gateways/:gateway/provider_configs": create,
  "PUT gateways/:gateway/provider_configs/:id": rotate,
  "DELETE gateways/:gateway/provider_configs/:id": remove,
};

async function list({ host, params, query }: Call): Promise<Result> {
  const { page, per_page, offset, limit } = pageOf(query, 100);
  const all = await host.providerKeys.list(params.gateway);
  const result = all.slice(offset, offset + limit);
  return { result, info: { page, per_page, count: result.length, total_count: all.length } };
}

async function create({ host, params, body, audit }: Call): Promise<Result> {
  const { provider_slug: name, secret, secret_id, ...input } = providerConfigOf(body);
  const { providers } = await host.settings.latest();
  const provider = providers.get(name)?.provider;
  if (provider === undefined) {
    const hint = suggestion(name, [...providers.keys()], "providers");
    throw invalid(["body", "provider_slug"], `Unknown provider '${shown(name)}'; ${hint}`);
  }
  if (secret === undefined) {
    throw secret_id === undefined
      ? invalid(["body", "secret"], "Field 'secret' is missing")
      : invalid(["body", "secret_id"], "There is no Secrets Store here; send the key as 'secret'");
  }
  const record = await host.providerKeys.put(params.gateway, {
    provider_slug: provider.slug,
    alias: input.alias,
    secret,
    ...input.default_config !== undefined && { default_config: input.default_config },
    ...input.rate_limit !== undefined && { rate_limit: input.rate_limit },
    ...input.rate_limit_period !== undefined && { rate_limit_period: input.rate_limit_period },
  });
  const { gateway } = params;
  await audit({ action: "create", type: "provider_config", id: record.id, gateway, new: record });
  return { result: record };
}

async function rotate({ host, params: { gateway, id }, body, audit }: Call): Promise<Result> {
  const record = await host.providerKeys.rotate(gateway, id, rotationOf(body).secret);
  if (record === undefined) throw notFound("no such provider config");
  await audit({ action: "rotate", type: "provider_config", id, gateway, new: record });
  return { result: record };
}

async function remove({ host, params: { gateway, id }, audit }: Call): Promise<Result> {
  const record = await host.providerKeys.delete(gateway, id);
  if (record === undefined) throw notFound("no such provider config");
  await audit({ action: "delete", type: "provider_config", id, gateway, old: record });
  return { result: record };
}
