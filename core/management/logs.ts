/**
 * Log rows: `gateways/{gateway}/logs` (spec 14.3, 8.6).
 *
 * @module
 */
import { InputError } from "../storage/key.ts";
import type { LogPatch, Logs, LogSelection, StoredPayload } from "../storage/ports.ts";
import type { LogRow } from "../log/row.ts";
import { invalid, notFound, type Result } from "./answer.ts";
import { filtersOf, oldFiltersOf } from "./filters.ts";
import { live } from "./live.ts";
import { rowDetailJson, rowJson } from "./log-json.ts";
import type { Call, Resource } from "./resource.ts";
import { settled } from "./settled.ts";
import { logDeleteOf, logEditOf, logListOf, pageOf } from "./schema.ts";

/** Milliseconds that a page may take which goes on behind a row, and the count of one that does not. */
const budget = { walk: 60, count: 40 };
/** Rows up to which a page is walked to. */
const walkable = 1000;

/** `logs`. */
export const logs: Resource = {
  "GET gateways/:gateway/logs": list,
  "DELETE gateways/:gateway/logs": remove,
  "GET gateways/:gateway/logs/live": async (call) => live(call, selectionOf(call)),
  "GET gateways/:gateway/logs/:id": get,
  "PATCH gateways/:gateway/logs/:id": patch,
  "GET gateways/:gateway/logs/:id/request": (call) => payload(call, "request"),
  "GET gateways/:gateway/logs/:id/response": (call) => payload(call, "response"),
};

function selectionOf({ params, query }: Call): LogSelection {
  const { order_by, direction, search } = logListOf(query);
  return {
    gateway: params.gateway,
    filters: [...filtersOf(query), ...oldFiltersOf(query)],
    ...search !== undefined && search !== "" && { search },
    order_by,
    direction,
  };
}

async function list(call: Call): Promise<Result> {
  const { host, query } = call;
  const after = query.get("after");
  const { page, per_page, offset, limit } = pageOf(query, after === null ? 50 : 200);
  const { meta_info } = logListOf(query);
  const selection = selectionOf(call);
  await settled(host);
  const { logs } = host.stores;
  if (after !== null) return await behind(logs, selection, after, limit);
  const [rows, total, extremes] = await Promise.all([
    pageFrom(logs, selection, offset, limit),
    totalOf(logs, selection),
    meta_info ? logs.extremes(selection) : undefined,
  ]);
  return {
    result: rows.map(rowJson),
    info: { page, per_page, count: rows.length, ...total, ...extremes },
  };
}

/** The page behind a row, or the first one; costs the same wherever it is. */
async function behind(
  logs: Logs,
  selection: LogSelection,
  after: string,
  limit: number,
): Promise<Result> {
  if (selection.order_by !== "created_at") {
    throw invalid(["query", "order_by"], "With 'after', rows are in the order of 'created_at'");
  }
  if (logs.walk === undefined) {
    throw invalid(["query", "after"], "The store of the log has no pages behind a row; use 'page'");
  }
  try {
    const { rows, next } = await logs.walk(selection, {
      limit,
      milliseconds: budget.walk,
      ...after !== "" && { after },
    });
    return { result: rows.map(rowJson), info: { per_page: limit, count: rows.length, next } };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw invalid(["query", "after"], error.message);
  }
}

/** A page by its number: exact, however long it takes, and in small pieces where it may take long. */
async function pageFrom(
  logs: Logs,
  selection: LogSelection,
  offset: number,
  limit: number,
): Promise<LogRow[]> {
  const most = offset + limit;
  if (logs.walk === undefined || selection.order_by !== "created_at" || most > walkable) {
    return await logs.list(selection, { offset, limit });
  }
  const { rows } = await logs.walk(selection, { limit: most, milliseconds: Infinity });
  return rows.slice(offset);
}

/** All rows, or those that were counted in time. */
async function totalOf(
  logs: Logs,
  selection: LogSelection,
): Promise<{ total_count: number; total_count_exact?: false }> {
  const { filters = [], search } = selection;
  if (logs.tally === undefined || (filters.length === 0 && search === undefined)) {
    return { total_count: await logs.count(selection) };
  }
  const { count, exact } = await logs.tally(selection, budget.count);
  return { total_count: count, ...!exact && { total_count_exact: false } };
}

async function remove({ host, params, query, audit }: Call): Promise<Result> {
  const { order_by, order_by_direction, limit } = logDeleteOf(query);
  const filters = filtersOf(query);
  await settled(host);
  const deleted = await host.stores.logs.delete(
    { gateway: params.gateway, filters, order_by, direction: order_by_direction },
    limit,
  );
  await audit({
    action: "delete",
    type: "log",
    id: params.gateway,
    gateway: params.gateway,
    new: { filters, deleted },
  });
  return { result: { deleted } };
}

async function get({ host, params: { gateway, id } }: Call): Promise<Result> {
  await settled(host);
  const { logs } = host.stores;
  const row = await logs.get(gateway, id);
  if (row === undefined) throw notFound("no such log");
  const [request, response] = await Promise.all([
    logs.payload(gateway, id, "request"),
    logs.payload(gateway, id, "response"),
  ]);
  return { result: rowDetailJson(row, request, response) };
}

async function patch({ host, params: { gateway, id }, body }: Call): Promise<Result> {
  const { feedback, score, metadata } = logEditOf(body);
  await settled(host);
  const { logs } = host.stores;
  const change: LogPatch = {
    ...feedback !== undefined && { feedback: feedback === 0 ? null : feedback },
    ...score !== undefined && { score },
  };
  if (metadata !== undefined) {
    const row = await logs.get(gateway, id);
    if (row === undefined) throw notFound("no such log");
    change.metadata = withReserved(metadata, row.metadata);
  }
  if (!await logs.patch(gateway, id, change)) throw notFound("no such log");
  return { result: {} };
}

/** `cf.` is the gateway's own: such entries stay as they were (spec 8.5). What is null is left out. */
function withReserved(
  given: NonNullable<ReturnType<typeof logEditOf>["metadata"]> | null,
  old: Record<string, string | number | boolean | null> | null,
): NonNullable<LogPatch["metadata"]> | null {
  const own = Object.entries(given ?? {}).filter(([name]) => !name.startsWith("cf."));
  const reserved = Object.entries(old ?? {}).filter(([name]) => name.startsWith("cf."));
  const all = Object.fromEntries([...own, ...reserved].filter(([, value]) => value !== null));
  return Object.keys(all).length === 0 ? null : all as NonNullable<LogPatch["metadata"]>;
}

/** The bytes as they are stored, for reading only: what a provider or a caller wrote may be a page. */
async function payload({ host, params }: Call, which: "request" | "response"): Promise<Response> {
  const { gateway, id } = params;
  await settled(host);
  const found = await host.stores.logs.payload(gateway, id, which);
  if (found === undefined) throw notFound(`no ${which} body was kept for this log`);
  return new Response(found.bytes.slice(), {
    headers: {
      "content-type": typeOf(found),
      "content-disposition": `attachment; filename="${which}"`,
      "content-security-policy": "sandbox; default-src 'none'",
      ...!found.complete && { "x-sluice-truncated": "true" },
    },
  });
}

function typeOf({ type, complete }: StoredPayload): string {
  if (!/^[\w.+-]+\/[\w.+-]+ *(?:;[\x20-\x7e]*)?$/.test(type)) return "application/octet-stream";
  // Half of a JSON text is none, and clients that are told it is one fail.
  return !complete && /\bjson\b/i.test(type) ? "text/plain; charset=utf-8" : type;
}
