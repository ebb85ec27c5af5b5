/**
 * A row of the log as columns, and back.
 *
 * @module
 */
import type { LogEntry, LogRow, Payload } from "../log/row.ts";
import type { CostParts } from "../usage/cost.ts";
import { metadataText } from "./logs-conditions.ts";
import { detailColumns, logColumns } from "./logs-sql-schema.ts";
import type { SqlRow, SqlValue } from "./sql.ts";

/** SQLite ends text at a NUL here and there, PostgreSQL refuses it. */
const text = (value: string): string =>
  value.includes("\0") ? value.replaceAll("\0", "\ufffd") : value;
const textOrNull = (value: string | null): string | null => value === null ? null : text(value);
const number = (value: number | null): number | null =>
  value !== null && Number.isFinite(value) ? value : null;

/** Values of `logColumns`. */
export function logValues(row: LogRow): SqlValue[] {
  return [
    text(row.gateway),
    number(row.created_at) ?? 0,
    text(row.provider),
    text(row.model),
    number(row.status_code) ?? 0,
    row.success ? 1 : 0,
    row.cached ? 1 : 0,
    number(row.cost),
    number(row.duration) ?? 0,
    number(row.tokens_in),
    number(row.tokens_out),
    row.feedback,
    textOrNull(row.key_id),
    metadataText(row.metadata),
    text(row.id),
    row.event_id === row.id ? null : text(row.event_id),
    text(row.model_type),
    row.request_type,
    number(row.step) ?? 0,
    row.end,
    row.usage_quality,
    (row.authentication ? 1 : 0) | (row.wholesale ? 2 : 0) | (row.compatibilityMode ? 4 : 0) |
    (row.streamed ? 8 : 0) | (row.custom_cost ? 16 : 0),
    textOrNull(row.dlp_action),
    text(row.path),
    text(row.user_agent),
    text(row.request_content_type),
    text(row.response_content_type),
    row.error === null ? null : text(row.error.message),
    number(row.score),
  ];
}

/** Values of `detailColumns`. */
export function detailValues({ row, request, response }: LogEntry): SqlValue[] {
  const { timings, cost_parts: cost } = row;
  const detail: Detail = [
    row.request_id === row.id ? null : row.request_id,
    row.method,
    row.attempt,
    row.finish_reason,
    row.usage,
    // Without names: they would be a tenth of the row.
    cost === null ? null : costOf(cost),
    row.byok,
    row.error === null ? null : row.error.code,
    row.request_size,
    row.response_size,
    completeness(request),
    completeness(response),
  ];
  if (row.dropped !== null) detail[12] = row.dropped;
  return [
    number(timings.latency) ?? 0,
    number(timings.first_byte),
    number(timings.first_token),
    JSON.stringify(detail),
  ];
}

function costOf(cost: CostParts): NonNullable<Detail[5]> {
  const { input, cache_read, cache_write, output, other, source, saved } = cost;
  const found: NonNullable<Detail[5]> = [input, cache_read, cache_write, output, other, source];
  if (saved !== undefined) found[6] = saved;
  return found;
}

/** The column `detail`; what comes later is added at the end. */
type Detail = [
  request_id: string | null,
  method: string,
  attempt: number,
  finish_reason: string | null,
  usage: LogRow["usage"],
  cost: [number, number, number, number, number, CostParts["source"], saved?: number] | null,
  byok: string | null,
  error_code: number | string | null,
  request_size: number | null,
  response_size: number | null,
  /** 1 complete, 0 not, null where none was kept. */
  request: number | null,
  response: number | null,
  dropped?: string[],
];

const completeness = (payload: Payload | undefined) =>
  payload === undefined ? null : payload.complete ? 1 : 0;

/** What {@link rowOf} needs: `l` is `sluice_logs`, `d` is `sluice_log_details`. */
export const rowColumns: string = [
  ...logColumns.map(([name]) => `l.${name}`),
  ...detailColumns.map(([name]) => `d.${name}`),
].join(", ");

/** The row in a record of {@link rowColumns}. */
export function rowOf(record: SqlRow): LogRow {
  const found = record as unknown as Stored;
  const detail = JSON.parse(found.detail) as Detail;
  const [requestId, method, attempt, finish, usage, cost, byok, code, requestSize, responseSize] =
    detail;
  const { flags } = found;
  const { id } = found;
  return {
    id,
    event_id: found.event_id ?? id,
    request_id: requestId ?? id,
    created_at: found.created_at,
    gateway: found.gateway,
    provider: found.provider,
    model: found.model,
    model_type: found.model_type,
    path: found.path,
    method,
    request_type: found.request_type,
    request_content_type: found.request_content_type,
    response_content_type: found.response_content_type,
    status_code: found.status_code,
    success: found.success === 1,
    cached: found.cached === 1,
    step: found.step,
    attempt,
    duration: found.duration,
    timings: {
      total: found.duration,
      latency: found.latency,
      first_byte: found.first_byte,
      first_token: found.first_token,
    },
    streamed: (flags & 8) !== 0,
    end: found.ending,
    finish_reason: finish,
    tokens_in: found.tokens_in,
    tokens_out: found.tokens_out,
    usage,
    usage_quality: found.usage_quality,
    cost: found.cost,
    cost_parts: cost && {
      input: cost[0],
      cache_read: cost[1],
      cache_write: cost[2],
      output: cost[3],
      other: cost[4],
      source: cost[5],
      ...cost[6] !== undefined && { saved: cost[6] },
    },
    custom_cost: (flags & 16) !== 0,
    metadata: found.metadata === null ? null : JSON.parse(found.metadata) as LogRow["metadata"],
    feedback: found.feedback,
    score: found.score,
    authentication: (flags & 1) !== 0,
    wholesale: (flags & 2) !== 0,
    byok,
    compatibilityMode: (flags & 4) !== 0,
    dropped: detail[12] ?? null,
    user_agent: found.user_agent,
    key_id: found.key_id,
    error: found.error === null ? null : { code, message: found.error },
    dlp_action: found.dlp_action,
    request_size: requestSize,
    response_size: responseSize,
  };
}

/** Whether the body that was kept is complete; nothing where none was. */
export function keptOf(detail: unknown, which: "request" | "response"): boolean | undefined {
  const kept = (JSON.parse(String(detail)) as Detail)[which === "request" ? 10 : 11];
  return kept === null ? undefined : kept === 1;
}

/** A record, by column. */
interface Stored extends Omit<LogRow, "success" | "cached" | "metadata" | "event_id" | "error"> {
  success: number;
  cached: number;
  flags: number;
  metadata: string | null;
  event_id: string | null;
  ending: LogRow["end"];
  error: string | null;
  latency: number;
  first_byte: number | null;
  first_token: number | null;
  detail: string;
}
