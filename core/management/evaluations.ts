/**
 * Evaluations: what the log rows of some datasets cost, how long they took and what people thought of them, as
 * of the moment in which one is made (spec 11, 14.4).
 *
 * @module
 */
import { Code } from "../error.ts";
import type { Host } from "../host.ts";
import { shown } from "../nearest.ts";
import { Collection } from "../settings/collection.ts";
import type { LogSelection, LogSums } from "../storage/ports.ts";
import { ApiError, invalid, notFound, type Result } from "./answer.ts";
import { type Dataset, datasetsOf } from "./datasets.ts";
import { filtersOfBody } from "./filters.ts";
import type { Call, Resource } from "./resource.ts";
import { pageOf } from "./schema.ts";
import { evaluationOf, evaluationQueryOf } from "./schema-evaluations.ts";
import { settled } from "./settled.ts";

/** `evaluations` and `evaluation-types`. */
export const evaluations: Resource = {
  "GET evaluation-types": types,
  "GET gateways/:gateway/evaluations": list,
  "POST gateways/:gateway/evaluations": create,
  "GET gateways/:gateway/evaluations/:id": get,
  "DELETE gateways/:gateway/evaluations/:id": remove,
};

/** What can be told of rows, and of how many of them. */
interface EvaluationType {
  id: string;
  name: string;
  type: "cost" | "speed" | "human-feedback";
  description: string;
  unit: "usd" | "ms" | "percent";
  /** What `status_description` says where no row has the figure. */
  none: string;
  of(sums: LogSums): { sum: number; rows: number };
}

const evaluationTypes: readonly EvaluationType[] = [
  {
    id: "6f0c2a1e-5d0b-4c39-9c53-0e3a8a1f7a01",
    name: "Cost",
    type: "cost",
    description: "Average cost of the requests whose cost is known, in US dollars",
    unit: "usd",
    none: "No log has a known cost",
    of: ({ cost, costs }) => ({ sum: cost, rows: costs }),
  },
  {
    id: "6f0c2a1e-5d0b-4c39-9c53-0e3a8a1f7a02",
    name: "Speed",
    type: "speed",
    description: "Average duration of the requests, in milliseconds",
    unit: "ms",
    none: "No log has a duration",
    of: ({ duration, durations }) => ({ sum: duration, rows: durations }),
  },
  {
    id: "6f0c2a1e-5d0b-4c39-9c53-0e3a8a1f7a03",
    name: "Human feedback",
    type: "human-feedback",
    description: "Thumbs up among the requests that have feedback, in percent",
    unit: "percent",
    none: "No log has feedback",
    of: ({ likes, feedbacks }) => ({ sum: 100 * likes, rows: feedbacks }),
  },
];

/** What one type found. */
export interface Finding {
  id: string;
  evaluation_id: string;
  evaluation_type_id: string;
  /** A number as text; empty where no row has the figure. */
  result: string;
  unit: string;
  /** 1: there is a result; 0: there is none. */
  status: 0 | 1;
  status_description: string;
  /** Rows that have the figure. */
  total_logs: number;
  created_at: string;
  modified_at: string;
}

/** What some datasets were like. */
export interface Evaluation {
  id: string;
  name: string;
  gateway_id: string;
  processed: boolean;
  /** Rows of all datasets, each once. */
  total_logs: number;
  /** As they were. */
  datasets: Dataset[];
  results: Finding[];
  created_at: string;
  modified_at: string;
}

/** Evaluations of one gateway. */
const most = 1_000;

/** Where evaluations are. */
export function evaluationsOf(host: Host): Collection<Evaluation> {
  return new Collection<Evaluation>(host.stores.keys, "evaluations");
}

/** Each type was there from the beginning. */
const since = "2026-01-01T00:00:00.000Z";

async function types({ query }: Call): Promise<Result> {
  const { page, per_page, offset, limit } = pageOf(query, 50);
  const { order_by = "name", order_by_direction } = evaluationQueryOf(query);
  const all = evaluationTypes.map(({ id, name, type, description, unit }) => ({
    id,
    name,
    type,
    description,
    unit,
    enable: true,
    mandatory: false,
    created_at: since,
    modified_at: since,
  }));
  if (!Object.hasOwn(all[0]!, order_by)) {
    const known = Object.keys(all[0]!).join(", ");
    throw invalid(["query", "order_by"], `Parameter 'order_by' must be one of ${known}`);
  }
  const textOf = (each: (typeof all)[number]) => String(each[order_by as keyof typeof each]);
  all.sort((a, b) => textOf(a).localeCompare(textOf(b)));
  if (order_by_direction === "desc") all.reverse();
  const result = all.slice(offset, offset + limit);
  return { result, info: { page, per_page, count: result.length, total_count: all.length } };
}

async function list({ host, account, params: { gateway }, query }: Call): Promise<Result> {
  const { page, per_page, offset, limit } = pageOf(query, 100);
  const { name, processed, search = "" } = evaluationQueryOf(query);
  const text = search.toLowerCase();
  const found = (await evaluationsOf(host).list(gateway)).filter((each) =>
    (name === undefined || each.name === name) &&
    (processed === undefined || each.processed === processed) &&
    [each.id, each.name].some((part) => part.toLowerCase().includes(text))
  );
  const result = found.slice(offset, offset + limit).map((each) => evaluationJson(each, account));
  return { result, info: { page, per_page, count: result.length, total_count: found.length } };
}

async function get({ host, account, params: { gateway, id } }: Call): Promise<Result> {
  return { result: evaluationJson(await evaluationIn(host, gateway, id), account) };
}

async function create(call: Call): Promise<Result> {
  const { host, account, params: { gateway }, body, audit } = call;
  const { name, dataset_ids, evaluation_type_ids } = evaluationOf(body);
  const wanted = typesOf(evaluation_type_ids);
  const sources = await sourcesOf(host, gateway, dataset_ids);
  const all = evaluationsOf(host);
  if (await all.count(gateway) >= most) {
    throw invalid(["body"], `There are ${most} evaluations of this gateway already; delete some`);
  }
  await settled(host);
  const sums = await sumsOf(host, gateway, sources);
  const at = new Date(host.now()).toISOString();
  const id = crypto.randomUUID();
  const evaluation: Evaluation = {
    id,
    name,
    gateway_id: gateway,
    processed: true,
    total_logs: sums.rows,
    datasets: sources,
    results: wanted.map((type) => findingOf(type, sums, id, at)),
    created_at: at,
    modified_at: at,
  };
  await all.put(gateway, evaluation);
  const result = evaluationJson(evaluation, account);
  await audit({ action: "create", type: "evaluation", id, gateway, new: result });
  return { result };
}

async function remove(call: Call): Promise<Result> {
  const { host, account, params: { gateway, id }, audit } = call;
  const result = evaluationJson(await evaluationIn(host, gateway, id), account);
  await evaluationsOf(host).delete(gateway, id);
  await audit({ action: "delete", type: "evaluation", id, gateway, old: result });
  return { result };
}

/** By id or by name; all of them where none is named. */
function typesOf(ids: readonly string[]): readonly EvaluationType[] {
  if (ids.length === 0) return evaluationTypes;
  const wanted = ids.map((id, i) => {
    const found = evaluationTypes.find((type) => type.id === id || type.type === id);
    if (found !== undefined) return found;
    const known = evaluationTypes.map(({ type }) => type).join(", ");
    throw invalid(
      ["body", "evaluation_type_ids", i],
      `Unknown evaluation type '${shown(id)}'; known: ${known}, or the ids of evaluation-types`,
    );
  });
  return [...new Set(wanted)];
}

async function sourcesOf(
  host: Host,
  gateway: string,
  ids: readonly string[],
): Promise<Dataset[]> {
  const all = datasetsOf(host);
  const found = await Promise.all([...new Set(ids)].map(async (id, i) => {
    const dataset = await all.get(gateway, id);
    const path = ["body", "dataset_ids", i];
    if (dataset === undefined) {
      throw invalid(path, `Gateway '${shown(gateway)}' has no dataset '${shown(id)}'`);
    }
    if (!dataset.enable) {
      throw invalid(path, `Dataset '${shown(dataset.name)}' is switched off ('enable' is false)`);
    }
    return dataset;
  }));
  return found;
}

async function sumsOf(host: Host, gateway: string, sources: readonly Dataset[]): Promise<LogSums> {
  const { logs } = host.stores;
  if (logs.sums === undefined) {
    const message = `The store of the log (${logs.driver}) cannot sum up rows`;
    throw new ApiError(501, [{ code: Code.notServed, message }]);
  }
  const selections = sources.map(({ filters }): LogSelection => ({
    gateway,
    filters: filtersOfBody(filters),
  }));
  return await logs.sums(selections);
}

function findingOf(type: EvaluationType, sums: LogSums, evaluation: string, at: string): Finding {
  const { sum, rows } = type.of(sums);
  return {
    id: crypto.randomUUID(),
    evaluation_id: evaluation,
    evaluation_type_id: type.id,
    result: rows === 0 ? "" : plain(sum / rows),
    unit: type.unit,
    status: rows === 0 ? 0 : 1,
    status_description: rows === 0 ? type.none : "Completed",
    total_logs: rows,
    created_at: at,
    modified_at: at,
  };
}

/** Decimal, however small: `4.2e-7` is no number to everybody. */
function plain(value: number): string {
  return value.toFixed(12).replace(/\.?0+$/, "");
}

function evaluationJson(
  { datasets, ...rest }: Evaluation,
  account: string,
): Record<string, unknown> {
  return {
    ...rest,
    account_id: account,
    account_tag: account,
    datasets: datasets.map((each) => ({ ...each, account_id: account, account_tag: account })),
  };
}

async function evaluationIn(host: Host, gateway: string, id: string): Promise<Evaluation> {
  const found = await evaluationsOf(host).get(gateway, id);
  if (found === undefined) throw notFound("no such evaluation");
  return found;
}
