/**
 * Virtual keys: `gateways/{gateway}/virtual_keys`. Sluice's own, beside Cloudflare's API.
 *
 * @module
 */
import { invalid, notFound, type Result } from "./answer.ts";
import type { Call, Resource } from "./resource.ts";
import { pageOf, virtualKeyEditOf, virtualKeyOf } from "./schema.ts";

/** `virtual_keys`. */
export const virtualKeys: Resource = {
  "GET gateways/:gateway/virtual_keys": list,
  "POST gateways/:gateway/virtual_keys": create,
  "GET gateways/:gateway/virtual_keys/:id": get,
  "PATCH gateways/:gateway/virtual_keys/:id": patch,
  "DELETE gateways/:gateway/virtual_keys/:id": remove,
};

async function list({ host, params, query }: Call): Promise<Result> {
  const { page, per_page, offset, limit } = pageOf(query, 100);
  const all = await host.virtualKeys.list(params.gateway);
  const result = all.slice(offset, offset + limit);
  return { result, info: { page, per_page, count: result.length, total_count: all.length } };
}

/** The only answer with the key. */
async function create({ host, params, body, audit }: Call): Promise<Result> {
  const input = virtualKeyOf(body);
  if (input.expires_at && Date.parse(input.expires_at) <= host.now()) {
    throw invalid(["body", "expires_at"], "Field 'expires_at' must be in the future");
  }
  const { record, key } = await host.virtualKeys.create(params.gateway, input);
  const { gateway } = params;
  await audit({ action: "create", type: "virtual_key", id: record.id, gateway, new: record });
  return { result: { ...record, key } };
}

async function get({ host, params: { gateway, id } }: Call): Promise<Result> {
  const record = await host.virtualKeys.get(gateway, id);
  if (record === undefined) throw notFound("no such virtual key");
  return { result: record };
}

async function patch({ host, params: { gateway, id }, body, audit }: Call): Promise<Result> {
  const edit = virtualKeyEditOf(body);
  const old = await host.virtualKeys.get(gateway, id);
  const record = await host.virtualKeys.update(gateway, id, edit);
  if (record === undefined) throw notFound("no such virtual key");
  await audit({ action: "update", type: "virtual_key", id, gateway, old, new: record });
  return { result: record };
}

async function remove({ host, params: { gateway, id }, audit }: Call): Promise<Result> {
  const old = await host.virtualKeys.get(gateway, id);
  if (!await host.virtualKeys.delete(gateway, id)) throw notFound("no such virtual key");
  await audit({ action: "delete", type: "virtual_key", id, gateway, old });
  return { result: { id } };
}
