/**
 * Custom providers: `custom-providers` (spec 14.5), and ours beside them: `providers`, all that requests
 * may name.
 *
 * @module
 */
import { isUUID } from "../id.ts";
import type { ProviderRecord } from "../settings/records.ts";
import { ApiCode, ApiError, invalid, type Result } from "./answer.ts";
import { addressFaultOf, type Call, type Resource } from "./resource.ts";
import { pageOf } from "./schema.ts";
import { listQueryOf, providerOf } from "./schema-settings.ts";

/** `custom-providers`. */
export const customProviders: Resource = {
  "GET custom-providers": list,
  "POST custom-providers": create,
  "GET custom-providers/:id": get,
  "PATCH custom-providers/:id": patch,
  "DELETE custom-providers/:id": remove,
  "GET providers": all,
};

/** Custom providers that may be stored; each is in the memory of each process. */
const most = 1_000;

const none: Omit<
  ProviderRecord,
  "id" | "slug" | "name" | "base_url" | "created_at" | "modified_at"
> = {
  enable: false,
  beta: false,
  description: null,
  link: null,
  curl_example: null,
  js_example: null,
  position: null,
  headers: null,
  format: null,
  key_header: null,
  key_scheme: null,
};

function providerJson(record: ProviderRecord, account: string): Record<string, unknown> {
  const { id, ...rest } = record;
  return {
    id,
    account_id: account,
    account_tag: account,
    ...rest,
    logo: "",
    requested_as: `custom-${record.slug}`,
  };
}

async function list({ host, account, query }: Call): Promise<Result> {
  const { page, per_page, offset, limit } = pageOf(query, 100);
  const { search = "", enable, beta, order_by = "" } = listQueryOf(query);
  const { records } = await host.settings.latest();
  const text = search.toLowerCase();
  const descending = /^name +desc$/i.test(order_by);
  const found = [...records.providers.values()]
    .filter((record) =>
      (enable === undefined || record.enable === enable) &&
      (beta === undefined || record.beta === beta) &&
      [record.id, record.name, record.slug].some((part) => part.toLowerCase().includes(text))
    ).sort((a, b) => {
      const byName = a.name.localeCompare(b.name) || a.id.localeCompare(b.id);
      if (order_by !== "") return descending ? -byName : byName;
      return (a.position ?? Infinity) - (b.position ?? Infinity) || byName;
    });
  const result = found.slice(offset, offset + limit).map((each) => providerJson(each, account));
  return { result, info: { page, per_page, count: result.length, total_count: found.length } };
}

async function get({ host, account, params: { id } }: Call): Promise<Result> {
  const { records } = await host.settings.latest();
  return { result: providerJson(records.providers.get(id) ?? missing(), account) };
}

async function create(call: Call): Promise<Result> {
  const { host, account, body } = call;
  const given = providerOf(body, true);
  const at = new Date(host.now()).toISOString();
  const record = {
    ...none,
    ...given,
    id: crypto.randomUUID(),
    created_at: at,
    modified_at: at,
  } as ProviderRecord;
  await host.settings.change(async (store) => {
    const { records } = await host.settings.latest();
    if (records.providers.size >= most) {
      throw invalid(["body"], `There are ${most} custom providers already`);
    }
    await assertUsable(call, record);
    await store.put("provider", plain(record));
  });
  const result = providerJson(plain(record), account);
  await call.audit({ action: "create", type: "custom_provider", id: record.id, new: result });
  return { result };
}

async function patch(call: Call): Promise<Result> {
  const { host, account, params: { id }, body } = call;
  const given = providerOf(body, false);
  const modified_at = new Date(host.now()).toISOString();
  let old: ProviderRecord | undefined;
  let record: ProviderRecord | undefined;
  await host.settings.change(async (store) => {
    old = isUUID(id) ? await store.get("provider", id) : undefined;
    if (old === undefined) missing();
    record = plain({ ...none, ...old, ...given, modified_at } as ProviderRecord);
    await assertUsable(call, record);
    await store.put("provider", record);
  });
  const result = providerJson(record!, account);
  await call.audit({
    action: "update",
    type: "custom_provider",
    id,
    old: providerJson(old!, account),
    new: result,
  });
  return { result };
}

/** Its prices go with it; keys for it stay, and are of use to nobody until its slug is there again. */
async function remove(call: Call): Promise<Result> {
  const { host, account, params: { id } } = call;
  let old: ProviderRecord | undefined;
  await host.settings.change(async (store) => {
    old = isUUID(id) ? await store.get("provider", id) : undefined;
    if (old === undefined) missing();
    const { records } = await host.settings.latest();
    const prices = [...records.prices.values()]
      .filter((price) => price.kind === "cost" && price.account_provider_id === id);
    await store.delete("provider", [id]);
    if (prices.length > 0) await store.delete("price", prices.map((price) => price.id));
  });
  const result = providerJson(old!, account);
  await call.audit({ action: "delete", type: "custom_provider", id, old: result });
  return { result };
}

/** All providers that a request may name, built-in, configured and stored. */
async function all({ host, setup, query }: Call): Promise<Result> {
  const { page, per_page, offset, limit } = pageOf(query, 1000);
  const { search = "" } = listQueryOf(query);
  const { providers, config, records } = await host.settings.latest();
  const stored = new Set([...records.providers.values()].map(({ slug }) => `custom-${slug}`));
  const slugs = new Map([...providers.values()].map((entry) => [entry.provider.slug, entry]));
  const found = [...slugs.values()].map(({ provider, settings }) => ({
    slug: provider.slug,
    aliases: [...provider.aliases ?? []],
    base_url: settings.base_url ?? provider.baseURL,
    format: provider.format ?? "openai-chat",
    source: stored.has(provider.slug)
      ? "stored"
      : [provider.slug, ...provider.aliases ?? []].some((name) =>
          Object.hasOwn(config.providers, name)
        )
      ? "config"
      : "builtin",
    configured_keys: [...setup.keys.get(provider.slug)?.keys() ?? []],
  })).filter(({ slug, aliases }) => [slug, ...aliases].some((name) => name.includes(search)))
    .sort((a, b) => a.slug < b.slug ? -1 : 1);
  const result = found.slice(offset, offset + limit);
  return { result, info: { page, per_page, count: result.length, total_count: found.length } };
}

/** Without what null does not mean: a switch that is nothing is off, headers that are empty are none. */
function plain(record: ProviderRecord): ProviderRecord {
  const { enable, beta, headers } = record;
  return { ...record, enable: enable ?? false, beta: beta ?? false, headers: headers || null };
}

async function assertUsable(call: Call, record: ProviderRecord): Promise<void> {
  const fault = await addressFaultOf(call, record.base_url);
  if (fault !== undefined) {
    throw new ApiError(400, [{
      code: ApiCode.baseURL,
      message: `Field 'base_url' ${fault}`,
      path: ["body", "base_url"],
    }]);
  }
  const { records, config } = await call.host.settings.latest();
  const name = `custom-${record.slug}`;
  const taken = [...records.providers.values()]
    .some(({ id, slug }) => slug === record.slug && id !== record.id);
  if (taken || Object.hasOwn(config.providers, name)) {
    const where = taken ? "another custom provider" : "one of the configuration";
    throw new ApiError(409, [{
      code: ApiCode.slugTaken,
      message: `Slug '${record.slug}' is that of ${where}`,
      path: ["body", "slug"],
    }]);
  }
}

function missing(): never {
  const message = "Not Found: no such custom provider";
  throw new ApiError(404, [{ code: ApiCode.noProvider, message }]);
}
