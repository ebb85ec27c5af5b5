/**
 * A row of the log as columns, and back.
 *
 * @module
 */
import type { LogEntry, LogRow } from "../log/row.ts";
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
    row.authentication ? 1 : 0,
    row.wholesale ? 1 : 0,
    row.compatibilityMode ? 1 : 0,
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
  const { timings } = row;
  return [
    number(timings.latency) ?? 0,
    number(timings.first_byte),
    number(timings.first_token),
    JSON.stringify([
      row.request_id === row.id ? null : row.request_id,
      row.method,
      row.attempt,
      row.streamed,
      row.finish_reason,
      row.usage,
      row.cost_parts,
      row.custom_cost,
      row.byok,
      row.error === null ? null : row.error.code,
      row.request_size,
      row.response_size,
    ]),
    request === undefined ? null : request.complete ? 1 : 0,
    response === undefined ? null : response.complete ? 1 : 0,
  ];
}

/** What {@link rowOf} needs: `l` is `sluice_logs`, `d` is `sluice_log_details`. */
export const rowColumns: string = [
  ...logColumns.map(([name]) => `l.${name}`),
  ...detailColumns.slice(0, 4).map(([name]) => `d.${name}`),
].join(", ");

/** The row in a record of {@link rowColumns}. */
export function rowOf(record: SqlRow): LogRow {
  const found = record as unknown as Stored;
  const detail = JSON.parse(found.detail) as Detail;
  const [requestId, method, attempt, streamed, finish, usage, costParts, ...rest] = detail;
  const [customCost, byok, code, requestSize, responseSize] = rest;
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
    streamed,
    end: found.ending,
    finish_reason: finish,
    tokens_in: found.tokens_in,
    tokens_out: found.tokens_out,
    usage,
    usage_quality: found.usage_quality,
    cost: found.cost,
    cost_parts: costParts,
    custom_cost: customCost,
    metadata: found.metadata === null ? null : JSON.parse(found.metadata) as LogRow["metadata"],
    feedback: found.feedback,
    score: found.score,
    authentication: found.authentication === 1,
    wholesale: found.wholesale === 1,
    byok,
    compatibilityMode: found.compatibility_mode === 1,
    user_agent: found.user_agent,
    key_id: found.key_id,
    error: found.error === null ? null : { code, message: found.error },
    dlp_action: found.dlp_action,
    request_size: requestSize,
    response_size: responseSize,
  };
}

type Detail = [
  request_id: string | null,
  method: string,
  attempt: number,
  streamed: boolean,
  finish_reason: string | null,
  usage: LogRow["usage"],
  cost_parts: LogRow["cost_parts"],
  custom_cost: boolean,
  byok: string | null,
  error_code: number | string | null,
  request_size: number | null,
  response_size: number | null,
];

type Flags = "success" | "cached" | "authentication" | "wholesale";

/** A record, by column. */
interface Stored extends Omit<LogRow, Flags | "metadata" | "event_id" | "error"> {
  success: number;
  cached: number;
  authentication: number;
  wholesale: number;
  compatibility_mode: number;
  metadata: string | null;
  event_id: string | null;
  ending: LogRow["end"];
  error: string | null;
  latency: number;
  first_byte: number | null;
  first_token: number | null;
  detail: string;
}
