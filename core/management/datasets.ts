/**
 * Datasets: saved filters of log rows, which new rows join as they come (spec 11, 14.4).
 *
 * @module
 */
import { Collection } from "../settings/collection.ts";
import type { Host } from "../host.ts";
import type { Json } from "../storage/ports.ts";
import { invalid, notFound, type Result } from "./answer.ts";
import type { Call, Resource } from "./resource.ts";
import { pageOf } from "./schema.ts";
import { datasetOf, evaluationQueryOf } from "./schema-evaluations.ts";

/** `datasets`. */
export const datasets: Resource = {
  "GET gateways/:gateway/datasets": list,
  "POST gateways/:gateway/datasets": create,
  "GET gateways/:gateway/datasets/:id": get,
  "PUT gateways/:gateway/datasets/:id": update,
  "DELETE gateways/:gateway/datasets/:id": remove,
};

/** A saved filter. */
export interface Dataset {
  /** UUID. */
  id: string;
  name: string;
  /** False: no evaluation may be made of it. */
  enable: boolean;
  gateway_id: string;
  /** As they were said, checked; all must hold. */
  filters: { key: string; operator: string; value: Json[] }[];
  /** RFC 3339. */
  created_at: string;
  /** RFC 3339. */
  modified_at: string;
}

/** Datasets of one gateway. */
const most = 1_000;

/** Where datasets are. */
export function datasetsOf(host: Host): Collection<Dataset> {
  return new Collection<Dataset>(host.stores.keys, "datasets");
}

async function list({ host, params: { gateway }, query }: Call): Promise<Result> {
  const { page, per_page, offset, limit } = pageOf(query, 100);
  const { name, enable, search = "" } = evaluationQueryOf(query);
  const text = search.toLowerCase();
  const found = (await datasetsOf(host).list(gateway)).filter((each) =>
    (name === undefined || each.name === name) &&
    (enable === undefined || each.enable === enable) &&
    [each.id, each.name, JSON.stringify(each.filters)].some((part) =>
      part.toLowerCase().includes(text)
    )
  );
  const result = found.slice(offset, offset + limit);
  return { result, info: { page, per_page, count: result.length, total_count: found.length } };
}

async function get({ host, params: { gateway, id } }: Call): Promise<Result> {
  return { result: await datasetIn(host, gateway, id) };
}

async function create({ host, params: { gateway }, body, audit }: Call): Promise<Result> {
  const given = datasetOf(body);
  const all = datasetsOf(host);
  if (await all.count(gateway) >= most) {
    throw invalid(["body"], `There are ${most} datasets of this gateway already`);
  }
  const at = new Date(host.now()).toISOString();
  const result: Dataset = {
    id: crypto.randomUUID(),
    gateway_id: gateway,
    ...given,
    created_at: at,
    modified_at: at,
  };
  await all.put(gateway, result);
  await audit({ action: "create", type: "dataset", id: result.id, gateway, new: result });
  return { result };
}

async function update({ host, params: { gateway, id }, body, audit }: Call): Promise<Result> {
  const given = datasetOf(body);
  const old = await datasetIn(host, gateway, id);
  const result: Dataset = { ...old, ...given, modified_at: new Date(host.now()).toISOString() };
  await datasetsOf(host).put(gateway, result);
  await audit({ action: "update", type: "dataset", id, gateway, old, new: result });
  return { result };
}

/** Evaluations that were made of it stay as they are. */
async function remove({ host, params: { gateway, id }, audit }: Call): Promise<Result> {
  const result = await datasetIn(host, gateway, id);
  await datasetsOf(host).delete(gateway, id);
  await audit({ action: "delete", type: "dataset", id, gateway, old: result });
  return { result };
}

async function datasetIn(host: Host, gateway: string, id: string): Promise<Dataset> {
  const found = await datasetsOf(host).get(gateway, id);
  if (found === undefined) throw notFound("no such dataset");
  return found;
}
