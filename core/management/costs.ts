/**
 * Prices that win over the built-in table: of custom providers' models (`custom-providers/costs`, spec
 * 14.5), and ours beside them, of any provider's (`prices`).
 *
 * @module
 */
import { shown, suggestion } from "../nearest.ts";
import type { CostRecord, ModelRule, PriceRecord } from "../settings/records.ts";
import { invalid, notFound, type Result } from "./answer.ts";
import type { Call, Resource } from "./resource.ts";
import { pageOf } from "./schema.ts";
import { costOf, listQueryOf, priceOf } from "./schema-settings.ts";

/** `custom-providers/costs` and `prices`. */
export const costs: Resource = {
  "GET custom-providers/costs": (call) => list(call, "cost"),
  "POST custom-providers/costs": (call) => create(call, "cost"),
  "GET custom-providers/costs/:id": (call) => get(call, "cost"),
  "PATCH custom-providers/costs/:id": (call) => patch(call, "cost"),
  "DELETE custom-providers/costs/:id": (call) => remove(call, "cost"),
  "GET prices": (call) => list(call, "price"),
  "POST prices": (call) => create(call, "price"),
  "GET prices/:id": (call) => get(call, "price"),
  "PATCH prices/:id": (call) => patch(call, "price"),
  "DELETE prices/:id": (call) => remove(call, "price"),
};

type Kind = "cost" | "price";
type Stored = CostRecord | PriceRecord;

/** Prices that may be stored; each is in the memory of each process. */
const most = 5_000;

const noCost = {
  kind: "cost",
  model_rule: "equals",
  cost_type: "tokens",
  cost_in: null,
  cost_out: null,
  enable: true,
  token_pricing: null,
} as const;
const noPrice = {
  kind: "price",
  model_rule: "equals",
  input: null,
  output: null,
  cache_read: null,
  cache_write: null,
  per_request: null,
  enable: true,
} as const;

/** Which of several counts: the higher one. */
const weights: Readonly<Record<ModelRule, number>> = { equals: 3, "starts-with": 2, contains: 1 };

function priceJson(record: Stored): Record<string, unknown> {
  const { kind, ...rest } = record;
  const weight = weights[record.model_rule];
  if (kind === "price") return { ...rest, weight };
  const { token_pricing } = record;
  return {
    ...rest,
    token_pricing: token_pricing === null ? null : JSON.stringify(token_pricing),
    changed_by: "manual",
    weight,
  };
}

async function list({ host, query }: Call, kind: Kind): Promise<Result> {
  const { page, per_page, offset, limit } = pageOf(query, 100);
  const wanted = listQueryOf(query);
  const { records, providers } = await host.settings.latest();
  const provider = wanted.provider &&
    (providers.get(wanted.provider)?.provider.slug ?? wanted.provider);
  const text = (wanted.search ?? "").toLowerCase();
  const found = [...records.prices.values()].filter((record) =>
    record.kind === kind &&
    (wanted.enable === undefined || record.enable === wanted.enable) &&
    (wanted.model_rule === undefined || record.model_rule === wanted.model_rule) &&
    (record.kind === "cost"
      ? (wanted.account_provider_id === undefined ||
        record.account_provider_id === wanted.account_provider_id) &&
        (wanted.cost_type === undefined || record.cost_type === wanted.cost_type)
      : provider === undefined || record.provider === provider) &&
    [record.id, record.model].some((part) => part.toLowerCase().includes(text))
  ).sort((a, b) => a.model.localeCompare(b.model) || a.id.localeCompare(b.id));
  const result = found.slice(offset, offset + limit).map(priceJson);
  return { result, info: { page, per_page, count: result.length, total_count: found.length } };
}

async function get({ host, params: { id } }: Call, kind: Kind): Promise<Result> {
  const { records } = await host.settings.latest();
  return { result: priceJson(of(records.prices.get(id), kind)) };
}

async function create(call: Call, kind: Kind): Promise<Result> {
  const { host, body } = call;
  const at = new Date(host.now()).toISOString();
  const head = { id: crypto.randomUUID(), created_at: at, modified_at: at };
  const given = kind === "cost"
    ? { ...noCost, ...costOf(body, true), ...head } as CostRecord
    : { ...noPrice, ...globbed(priceOf(body, true)), ...head } as PriceRecord;
  let record = given as Stored;
  await host.settings.change(async (store) => {
    const { records } = await host.settings.latest();
    if (records.prices.size >= most) throw invalid(["body"], `There are ${most} prices already`);
    record = await usable(call, given);
    await store.put("price", record);
  });
  const result = priceJson(record);
  await call.audit({ action: "create", type: typeOf(kind), id: head.id, new: result });
  return { result };
}

async function patch(call: Call, kind: Kind): Promise<Result> {
  const { host, params: { id }, body } = call;
  const given = kind === "cost" ? costOf(body, false) : globbed(priceOf(body, false));
  const modified_at = new Date(host.now()).toISOString();
  let old: Stored | undefined;
  let record: Stored | undefined;
  await host.settings.change(async (store) => {
    old = of(await store.get("price", id), kind);
    record = await usable(call, { ...old, ...given, modified_at } as Stored);
    await store.put("price", record);
  });
  const result = priceJson(record!);
  await call.audit({ action: "update", type: typeOf(kind), id, old: priceJson(old!), new: result });
  return { result };
}

async function remove(call: Call, kind: Kind): Promise<Result> {
  const { host, params: { id } } = call;
  let old: Stored | undefined;
  await host.settings.change(async (store) => {
    old = of(await store.get("price", id), kind);
    await store.delete("price", [id]);
  });
  const result = priceJson(old!);
  await call.audit({ action: "delete", type: typeOf(kind), id, old: result });
  return { result };
}

/** `model*`, as in the configuration. */
function globbed<T extends { model?: string; model_rule?: ModelRule }>(given: T): T {
  if (given.model_rule !== undefined || !given.model?.endsWith("*")) return given;
  return { ...given, model: given.model.slice(0, -1), model_rule: "starts-with" };
}

/** With the provider's slug in place of another name of it. */
async function usable({ host }: Call, record: Stored): Promise<Stored> {
  const { providers, records } = await host.settings.latest();
  if (record.kind === "cost") {
    if (!records.providers.has(record.account_provider_id)) {
      throw invalid(
        ["body", "account_provider_id"],
        "Field 'account_provider_id' must be the id of a custom provider",
      );
    }
    return record;
  }
  const slug = providers.get(record.provider)?.provider.slug;
  if (slug === undefined) {
    const hint = suggestion(record.provider, [...providers.keys()], "providers");
    throw invalid(["body", "provider"], `Unknown provider '${shown(record.provider)}'; ${hint}`);
  }
  return { ...record, provider: slug };
}

function of(record: Stored | undefined, kind: Kind): Stored {
  if (record?.kind !== kind) throw notFound(`no such ${kind}`);
  return record;
}

function typeOf(kind: Kind): string {
  return kind === "cost" ? "custom_provider_cost" : "price";
}
