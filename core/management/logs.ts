/**
 * Log rows: `gateways/{gateway}/logs` (spec 14.3, 8.6).
 *
 * @module
 */
import type { LogPatch, LogSelection, StoredPayload } from "../storage/ports.ts";
import { Code } from "../error.ts";
import { matcherOf } from "../storage/logs-match.ts";
import { ApiError, notFound, type Result } from "./answer.ts";
import { filtersOf, oldFiltersOf } from "./filters.ts";
import { rowDetailJson, rowJson } from "./log-json.ts";
import type { Call, Resource } from "./resource.ts";
import { settled } from "./settled.ts";
import { logDeleteOf, logEditOf, logListOf, pageOf } from "./schema.ts";

/** Milliseconds between two signs of life of a live stream; Bun closes what is silent for ten seconds. */
const heartbeat = 5000;
/** Events that may wait for a slow reader of a live stream. */
const mostWaiting = 1000;
const encoder = new TextEncoder();

/** `logs`. */
export const logs: Resource = {
  "GET gateways/:gateway/logs": list,
  "DELETE gateways/:gateway/logs": remove,
  "GET gateways/:gateway/logs/live": live,
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

/** Rows as they are stored by this process, as server-sent events `row`; the filters of the list hold. */
async function live(call: Call): Promise<Response> {
  const { host, request } = call;
  if (host.immediate) {
    // Isolates know nothing of each other's rows.
    const message = "Rows are not sent as they come on Workers; ask for the list again";
    throw new ApiError(501, [{ code: Code.notServed, message }]);
  }
  const matches = matcherOf(selectionOf(call));
  let end = () => {};
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (text: string) => {
        // Whoever does not read is not written to for ever.
        if ((controller.desiredSize ?? 0) < -mostWaiting) return end();
        controller.enqueue(encoder.encode(text));
      };
      const unwatch = host.log.watch((rows) => {
        for (const row of rows) {
          if (!matches(row)) continue;
          send(`id: ${row.id}\nevent: row\ndata: ${JSON.stringify(rowJson(row))}\n\n`);
        }
      });
      const timer = setInterval(() => send(": \n\n"), heartbeat);
      end = () => {
        end = () => {};
        clearInterval(timer);
        unwatch();
        try {
          controller.close();
        } catch { /* the client has left */ }
      };
      request.signal.addEventListener("abort", () => end());
      send(": live\n\n");
    },
    cancel: () => end(),
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream", "cache-control": "no-store" },
  });
}

async function list(call: Call): Promise<Result> {
  const { host, query } = call;
  const { page, per_page, offset, limit } = pageOf(query, 50);
  const { meta_info } = logListOf(query);
  const selection = selectionOf(call);
  await settled(host);
  const { logs } = host.stores;
  const [rows, total, extremes] = await Promise.all([
    logs.list(selection, { offset, limit }),
    logs.count(selection),
    meta_info ? logs.extremes(selection) : undefined,
  ]);
  return {
    result: rows.map(rowJson),
    info: { page, per_page, count: rows.length, total_count: total, ...extremes },
  };
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
