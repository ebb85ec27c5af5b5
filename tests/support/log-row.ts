// A row of the log for tests of stores.
import type { LogRow } from "../../core/log/row.ts";
import type { Logs } from "../../core/storage/ports.ts";

/** A time that rows of these tests are created at. */
export const noon = Date.UTC(2026, 0, 31, 12);

/** A row with nothing special; `id` is any text. */
export function row(id: string, members: Partial<LogRow> = {}): LogRow {
  const duration = members.duration ?? 812.5;
  return {
    id,
    event_id: id,
    request_id: id,
    created_at: noon,
    gateway: "default",
    provider: "openai",
    model: "openai/gpt-4o-mini",
    model_type: "chat",
    path: "/v1/chat/completions",
    method: "POST",
    request_type: "native",
    request_content_type: "application/json",
    response_content_type: "application/json",
    status_code: 200,
    success: true,
    cached: false,
    step: 0,
    attempt: 0,
    duration,
    timings: { total: duration, latency: 400.25, first_byte: 401, first_token: null },
    streamed: false,
    end: "complete",
    finish_reason: "stop",
    tokens_in: 12,
    tokens_out: 34,
    usage: { input: 12, output: 34, cache_read: 2 },
    usage_quality: "reported",
    cost: 0.000123,
    cost_parts: {
      input: 0.1,
      cache_read: 0,
      cache_write: 0,
      output: 0.000023,
      other: 0,
      source: "table",
    },
    custom_cost: false,
    metadata: null,
    feedback: null,
    score: null,
    authentication: false,
    wholesale: false,
    byok: null,
    compatibilityMode: false,
    dropped: null,
    user_agent: "OpenAI/JS 6.49.0",
    key_id: null,
    error: null,
    dlp_action: null,
    request_size: 100,
    response_size: 200,
    ...members,
  };
}

export const ids = (rows: LogRow[]): string[] => rows.map(({ id }) => id);

/** A page with all rows of a test. */
export const all = { offset: 0, limit: 1000 };

export async function clear(logs: Logs): Promise<void> {
  while (await logs.delete({}, 10_000) > 0);
}
