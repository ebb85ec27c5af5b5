/**
 * What bodies and queries of datasets and evaluations may hold (spec 14.4).
 *
 * @module
 */
import * as v from "valibot";
import type { Json } from "../storage/ports.ts";
import { invalid } from "./answer.ts";
import { filtersOfBody } from "./filters.ts";
import { check } from "./schema.ts";

/** Characters of all filters of a dataset, as JSON. */
const longest = 64 * 1024;
/** Datasets of one evaluation. */
const mostDatasets = 5;

const name = v.pipe(
  v.string("text of 1 to 256 characters"),
  v.trim(),
  v.minLength(1, "text of 1 to 256 characters"),
  v.maxLength(256, "text of 1 to 256 characters"),
);
const id = v.pipe(v.string("an id"), v.minLength(1, "an id"), v.maxLength(64, "an id"));

/** What answers have and bodies may bring back. */
const readOnly = {
  id: v.optional(v.unknown()),
  account_id: v.optional(v.unknown()),
  account_tag: v.optional(v.unknown()),
  gateway_id: v.optional(v.unknown()),
  created_at: v.optional(v.unknown()),
  modified_at: v.optional(v.unknown()),
};
const datasetOwn = {
  name,
  enable: v.boolean("true or false"),
  // What each may hold is told by the reader of filters.
  filters: v.array(v.unknown(), "a list of {key, operator, value}"),
};
const dataset = v.strictObject({ ...readOnly, ...datasetOwn });

const ids = (least: number, most: number, what: string) =>
  v.pipe(v.array(id, what), v.minLength(least, what), v.maxLength(most, what));
const evaluation = v.strictObject({
  name,
  dataset_ids: ids(1, mostDatasets, `a list of 1 to ${mostDatasets} ids of datasets`),
  evaluation_type_ids: ids(0, 20, "a list of 20 ids of evaluation types at most"),
});

const filter = v.strictObject({
  key: v.string(),
  operator: v.picklist(["eq", "neq", "contains", "lt", "gt"]),
  value: v.array(v.union([v.string(), v.number(), v.boolean(), v.null()])),
});

/** For the OpenAPI document. */
export const evaluationBodies: Readonly<Record<string, v.GenericSchema>> = {
  DatasetPut: v.strictObject({ ...datasetOwn, filters: v.array(filter) }),
  EvaluationCreate: evaluation,
};

/** What is said of a dataset. */
export interface DatasetBody {
  name: string;
  enable: boolean;
  filters: { key: string; operator: string; value: Json[] }[];
}

/** Body of `POST` and `PUT` of a dataset. */
export function datasetOf(body: unknown): DatasetBody {
  const { name, enable, filters } = check(dataset, body, "body");
  filtersOfBody(filters);
  // What else is in there was not looked at.
  const said = (filters as DatasetBody["filters"])
    .map(({ key, operator, value }) => ({ key, operator, value: [value].flat() }));
  if (JSON.stringify(said).length > longest) {
    throw invalid(["body", "filters"], `The filters of a dataset are over ${longest} characters`);
  }
  return { name, enable, filters: said };
}

/** Body of `POST evaluations`. */
export function evaluationOf(body: unknown): v.InferOutput<typeof evaluation> {
  return check(evaluation, body, "body");
}

const flag = v.optional(v.pipe(
  v.picklist(["true", "false", "1", "0"], "true or false"),
  v.transform((text) => text === "true" || text === "1"),
));
const word = v.optional(v.pipe(v.string(), v.maxLength(256, "text of 256 characters at most")));
const query = v.object({
  name: word,
  search: word,
  enable: flag,
  processed: flag,
  order_by: word,
  order_by_direction: v.optional(v.picklist(["asc", "desc"])),
});

/** Query of their lists; pages aside. */
export function evaluationQueryOf(given: URLSearchParams): v.InferOutput<typeof query> {
  return check(query, Object.fromEntries(given), "query");
}
