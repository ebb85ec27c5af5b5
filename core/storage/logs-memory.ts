/**
 * The log in the memory of one process: gone when it ends, and bounded.
 *
 * @module
 */
// deno-lint-ignore-file require-await -- what is thrown at once is to be a rejection as well
import type { LogEntry, Payload } from "../log/row.ts";
import {
  type Arrived,
  extremesOf,
  matcherOf,
  ofGateway,
  sortRows,
  sumsOf,
  walkRows,
} from "./logs-match.ts";
import type { Arrival, Logs, LogSelection } from "./ports.ts";

/** Bounds of {@link memoryLogs}. */
export interface MemoryLogsOptions {
  /** Most rows, 10,000 unless given; the ones that came first go first. */
  maxRows?: number;
  /** Most bytes of bodies, 64 MiB unless given; the rows that came first go with theirs. */
  maxBytes?: number;
}

interface Stored extends Arrived {
  request?: Payload;
  response?: Payload;
  size: number;
}

/** A log in memory. */
export function memoryLogs(options: MemoryLogsOptions = {}): Logs {
  const { maxRows = 10_000, maxBytes = 64 * 1024 * 1024 } = options;
  /** By id, in the order of arrival. */
  const stored = new Map<string, Stored>();
  /** Places of another process' log are not of this one. Workers make nothing up before a request. */
  let name: string | undefined;
  const nameOf = (): string => name ??= crypto.randomUUID();
  let arrivals = 0;
  let bytes = 0;

  function put({ row, request, response }: LogEntry): void {
    if (stored.has(row.id)) return;
    const size = (request?.bytes.length ?? 0) + (response?.bytes.length ?? 0);
    stored.set(row.id, {
      row: { ...row },
      arrival: arrivals++,
      size,
      ...request && { request: copyOf(request) },
      ...response && { response: copyOf(response) },
    });
    bytes += size;
    for (const oldest of stored.values()) {
      if (stored.size <= maxRows && bytes <= maxBytes) break;
      remove(oldest);
    }
  }

  function remove({ row, size }: Stored): void {
    if (stored.delete(row.id)) bytes -= size;
  }

  function find(gateway: string, id: string): Stored | undefined {
    const found = stored.get(id);
    return found?.row.gateway === gateway ? found : undefined;
  }

  function select(selection: LogSelection): Stored[] {
    const matches = matcherOf(selection);
    return [...stored.values()].filter(({ row }) => matches(row));
  }

  return {
    driver: "memory",
    async append(entries) {
      for (const entry of entries) put(entry);
    },
    async list(selection, { offset, limit }) {
      const rows = sortRows(select(selection), selection, true).slice(offset, offset + limit);
      return rows.map(({ row }) => structuredClone(row));
    },
    async count(selection) {
      return select(selection).length;
    },
    async extremes(selection) {
      return extremesOf(select(selection).map(({ row }) => row));
    },
    async sums(selections) {
      return sumsOf(select({}).map(({ row }) => row), selections);
    },
    async sizes(gateway) {
      const own = [...stored.values()].filter(({ row }) => row.gateway === gateway);
      return { bytes: own.map(({ size }) => size).reverse(), next: null };
    },
    async get(gateway, id) {
      return structuredClone(find(gateway, id)?.row);
    },
    async payload(gateway, id, which) {
      const found = find(gateway, id);
      const body = found?.[which];
      if (found === undefined || body === undefined) return undefined;
      return { ...copyOf(body), type: found.row[`${which}_content_type`] };
    },
    async patch(gateway, id, patch) {
      const found = find(gateway, id);
      if (found === undefined) return false;
      const { feedback, score, metadata } = patch;
      if (feedback !== undefined) found.row.feedback = feedback;
      if (score !== undefined) found.row.score = score;
      if (metadata !== undefined) found.row.metadata = structuredClone(metadata);
      return true;
    },
    async arrivals(after, limit) {
      const [of, seen] = (after ?? "").split(":");
      const last = of === nameOf() ? Number(seen) : -1;
      const found: Arrival[] = [];
      for (const { row, arrival } of stored.values()) {
        if (found.length >= limit) break;
        if (arrival > last) {
          found.push({ row: structuredClone(row), place: `${nameOf()}:${arrival}` });
        }
      }
      return found;
    },
    async lastPlace() {
      return arrivals === 0 ? undefined : `${nameOf()}:${arrivals - 1}`;
    },
    async walk(selection, page) {
      return walkRows(select(ofGateway(selection)), selection, page);
    },
    async analyze(query) {
      const { analyzeRows, rowsOf } = await import("../analytics/query.ts");
      return analyzeRows(query, (select(rowsOf(query))).map(({ row }) => row));
    },
    async delete(selection, limit) {
      const rows = sortRows(select(selection), selection, false).slice(0, limit);
      for (const row of rows) remove(row);
      return rows.length;
    },
    async close() {
      stored.clear();
      bytes = 0;
    },
  };
}

/** A copy: what was kept may be a small part of a large buffer, or be written to. */
function copyOf({ bytes, complete }: Payload): Payload {
  return { bytes: new Uint8Array(bytes), complete };
}
