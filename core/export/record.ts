/**
 * A row as it is exported: Cloudflare's columns of `ai_gateway_events` (spec 8.7), and ours in the same
 * style.
 *
 * @module
 */
import { Code } from "../error.ts";
import type { LogRow } from "../log/row.ts";
import type { StoredPayload } from "../storage/ports.ts";
import { toBase64 } from "../unified/base64.ts";

/** A line of an export. */
export type ExportRecord = Record<string, unknown>;

/** Columns whose values are encrypted where the gateway has a public key; `{}` where there is nothing. */
export const sealedColumns = ["Metadata", "RequestBody", "ResponseBody", "ErrorMessage"] as const;

/** Bodies of a row; absent where none are exported or none were kept. */
export interface Bodies {
  request?: StoredPayload | undefined;
  response?: StoredPayload | undefined;
}

/** @param most Bytes of each body that go along. */
export function recordOf(row: LogRow, { request, response }: Bodies, most: number): ExportRecord {
  return {
    ID: row.id,
    Datetime: timeText(row.created_at),
    EventID: row.event_id,
    RequestID: row.request_id,
    Gateway: row.gateway,
    Provider: row.provider,
    Model: row.model.startsWith(`${row.provider}/`)
      ? row.model.slice(row.provider.length + 1)
      : row.model,
    ModelType: row.model_type,
    Endpoint: row.path,
    Method: row.method,
    RequestType: row.request_type,
    StatusCode: row.status_code,
    Success: row.success,
    Cached: row.cached,
    RateLimited: row.status_code === 429 && row.error?.code === Code.rateLimited,
    End: row.end,
    FinishReason: row.finish_reason,
    ErrorCode: row.error?.code ?? null,
    Step: row.step,
    Attempt: row.attempt,
    Streamed: row.streamed,
    DurationMs: row.duration,
    LatencyMs: row.timings.latency,
    FirstByteMs: row.timings.first_byte,
    FirstTokenMs: row.timings.first_token,
    TokensIn: row.tokens_in,
    TokensOut: row.tokens_out,
    Usage: row.usage,
    UsageQuality: row.usage_quality,
    Cost: row.cost,
    CostParts: row.cost_parts,
    CustomCost: row.custom_cost,
    Feedback: row.feedback,
    Score: row.score,
    Authentication: row.authentication,
    KeyID: row.key_id,
    ByokAlias: row.byok,
    UserAgent: row.user_agent,
    RequestContentType: row.request_content_type,
    ResponseContentType: row.response_content_type,
    RequestSize: row.request_size,
    ResponseSize: row.response_size,
    ErrorMessage: row.error?.message ?? null,
    Metadata: row.metadata ?? {},
    RequestBody: bodyOf(request, most),
    ResponseBody: bodyOf(response, most),
    ...request && { RequestBodyComplete: request.complete && request.bytes.length <= most },
    ...response && { ResponseBodyComplete: response.complete && response.bytes.length <= most },
  };
}

/** JSON as such, other text as text, anything else as base64. */
function bodyOf(payload: StoredPayload | undefined, most: number): unknown {
  if (payload === undefined) return {};
  const bytes = payload.bytes.subarray(0, most);
  let text: string;
  try {
    // As part of a stream: what is cut may end within a character.
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return { base64: toBase64(bytes) };
  }
  if (!/json/i.test(payload.type)) return text;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return text;
    JSON.stringify(value); // throws on what is too deep to be written as it was read
    return value;
  } catch {
    return text;
  }
}

/** RFC 3339. */
export function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}
