// What the operator sees of a running gateway: rows of the log, health, metrics, the management API.
import type { RunningGateway } from "./gateway.ts";

/** Of gateways that were started with `SLUICE_ADMIN_TOKEN` set to it; the others ask for none. */
export const adminToken = "admin-token-of-the-tests";

/** A row as the management API lists it; the members that tests look at. */
export interface Row {
  id: string;
  event_id: string;
  request_id: string;
  created_at: string;
  provider: string;
  model: string;
  model_type: string;
  path: string;
  status_code: number;
  success: boolean;
  cached: boolean;
  step: number;
  attempt: number;
  request_type: string;
  streamed: boolean;
  end: string;
  finish_reason: string | null;
  tokens_in: number | null;
  tokens_out: number | null;
  usage_quality: "reported" | "estimated" | null;
  usage_metadata: Record<string, unknown>;
  cost: number | null;
  custom_cost: boolean;
  metadata: string | null;
  key_id: string | null;
  byok: boolean;
  byok_alias: string | null;
  authentication: boolean;
  user_agent: string;
  error: { code: number | string | null; message: string } | null;
  duration: number;
  timings: {
    total: number;
    latency: number;
    first_byte: number | null;
    first_token: number | null;
  };
}

/** A row alone. */
export interface RowDetail extends Row {
  request_head: string;
  request_head_complete: boolean;
  request_size: number | null;
  response_head: string;
  response_head_complete: boolean;
  response_size: number | null;
}

type Gateway = Pick<RunningGateway, "url">;

const base = "/client/v4/accounts/acc/ai-gateway/gateways/default";

/** Calls the management API of gateway `default`; the answer as it is. */
export function ask(
  { url }: Gateway,
  method: string,
  path: string,
  body?: unknown,
): Promise<Response> {
  return fetch(`${url}${base}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${adminToken}`,
      ...body !== undefined && { "content-type": "application/json" },
    },
    signal: AbortSignal.timeout(30_000),
    ...body !== undefined && { body: JSON.stringify(body) },
  });
}

/** The `result` of a call; throws unless it went well. */
export async function manage<T>(
  gateway: Gateway,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const response = await ask(gateway, method, path, body);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`);
  return JSON.parse(text).result;
}

/** All rows, the oldest first, page by page. @param query As of the API, such as `&provider=openai`. */
export async function readRows(gateway: Gateway, query = ""): Promise<Row[]> {
  const rows: Row[] = [];
  for (let page = 1;; page++) {
    const path = `/logs?per_page=50&page=${page}&order_by_direction=asc${query}`;
    const part = await manage<Row[]>(gateway, "GET", path);
    rows.push(...part);
    if (part.length < 50) return rows;
  }
}

/** The rows of one request: there is at least one, or this waits for it. */
export async function rowsOf(gateway: Gateway, event: string): Promise<Row[]> {
  const query = `&filters[0][key]=event_id&filters[0][operator]=eq&filters[0][value][]=${event}`;
  return await until(`A row of ${event}`, async () => {
    const rows = await readRows(gateway, query);
    return rows.length > 0 && rows;
  });
}

/** The one row of a request, with its bodies' beginnings. */
export async function detailOf(gateway: Gateway, event: string): Promise<RowDetail> {
  const [row, ...more] = await rowsOf(gateway, event);
  if (more.length > 0) throw new Error(`Request ${event} has ${more.length + 1} rows`);
  return await manage<RowDetail>(gateway, "GET", `/logs/${row!.id}`);
}

export interface Health {
  status: string;
  stores: Record<
    "keys" | "cache" | "counters" | "logs",
    { driver: string; up: boolean; error: string | null }
  >;
  log: { rows_waiting: number };
}

export async function healthOf({ url }: Gateway): Promise<Health> {
  const response = await fetch(`${url}/health?full=1`, { signal: AbortSignal.timeout(5000) });
  return await response.json() as Health;
}

/** The sum of a metric over its labels, those that have `label` in them; 0 when it is not there. */
export async function metricOf({ url }: Gateway, name: string, label = ""): Promise<number> {
  const response = await fetch(`${url}/metrics`, {
    headers: { authorization: `Bearer ${adminToken}` },
    signal: AbortSignal.timeout(5000),
  });
  const page = await response.text();
  if (!response.ok) throw new Error(`GET /metrics: ${response.status} ${page.slice(0, 200)}`);
  let sum = 0;
  for (const line of page.split("\n")) {
    if (!line.startsWith(`${name} `) && !line.startsWith(`${name}{`)) continue;
    if (line.includes(label)) sum += Number(line.slice(line.lastIndexOf(" ")));
  }
  return sum;
}

/** Asks again until the answer is neither false nor nothing. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | false | undefined> | T | false | undefined,
  milliseconds = 15_000,
): Promise<T> {
  const limit = performance.now() + milliseconds;
  for (;;) {
    const found = await ask();
    if (found !== false && found !== undefined) return found as T;
    if (performance.now() > limit) throw new Error(`${what} did not come in ${milliseconds} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
