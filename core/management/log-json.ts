/**
 * A log row as Cloudflare's API shows it (spec 8.1), with what Sluice knows beside that.
 *
 * @module
 */
import type { LogRow } from "../log/row.ts";
import type { StoredPayload } from "../storage/ports.ts";
import type { Usage } from "../usage/usage.ts";

/** Bytes of each body that the detail of a row shows. */
const headBytes = 4096;

/** A row of a list. Bodies are empty there; `metadata` is JSON as text. */
export function rowJson(row: LogRow): Record<string, unknown> {
  const { metadata, byok, dlp_action, request_size: _, response_size: __, ...rest } = row;
  return {
    ...rest,
    created_at: timeText(row.created_at),
    metadata: metadata === null ? null : JSON.stringify(metadata),
    usage: undefined,
    usage_metadata: usageJson(row.usage),
    byok: byok !== null,
    byok_alias: byok,
    location: { region: null, colo: null },
    ...dlp_action !== null && { dlp_action },
    request: "",
    response: "",
  };
}

/** A row alone: the beginning of the bodies as well, and their sizes on the wire. */
export function rowDetailJson(
  row: LogRow,
  request: StoredPayload | undefined,
  response: StoredPayload | undefined,
): Record<string, unknown> {
  const [requestHead, requestWhole] = headOf(request, row.request_size);
  const [responseHead, responseWhole] = headOf(response, row.response_size);
  return {
    ...rowJson(row),
    request_head: requestHead,
    request_head_complete: requestWhole,
    request_size: row.request_size,
    response_head: responseHead,
    response_head_complete: responseWhole,
    response_size: row.response_size,
  };
}

/** Cloudflare's names for the figures of a `Usage`; its five are always there, null when not known. */
function usageJson(usage: Usage | null): Record<string, unknown> {
  const { input, output, total, cache_read, cache_write, reasoning, units, cost, ...rest } =
    usage ?? {};
  const sum = input === undefined && output === undefined ? null : (input ?? 0) + (output ?? 0);
  return {
    input_tokens: input ?? null,
    output_tokens: output ?? null,
    total_tokens: total ?? sum,
    output_reasoning_tokens: reasoning ?? null,
    input_cached_tokens: cache_read ?? null,
    input_cache_creation_tokens: cache_write,
    input_cache_creation_1h_tokens: rest.cache_write_1h,
    input_audio_tokens: rest.input_audio,
    input_cached_audio_tokens: rest.cache_read_audio,
    input_image_tokens: rest.input_image,
    input_video_tokens: rest.input_video,
    output_audio_tokens: rest.output_audio,
    output_image_tokens: rest.output_image,
    units,
    provider_cost: cost,
  };
}

/** RFC 3339. */
function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
}

/** The beginning of a body that is text, and whether that is all of it. */
function headOf(payload: StoredPayload | undefined, size: number | null): [string, boolean] {
  if (payload === undefined) return ["", size === 0];
  const { bytes, type, complete } = payload;
  if (!isText(type)) return ["", false];
  const head = bytes.subarray(0, headBytes);
  const cut = head.byteLength < bytes.byteLength || !complete;
  // A character in two halves at the end is left out.
  return [new TextDecoder().decode(head, { stream: cut }), !cut];
}

/** True for media types that are text, and for none: a body without a type is most likely JSON. */
export function isText(type: string): boolean {
  return type === "" || /^text\/|\b(?:json|xml|x-ndjson|x-www-form-urlencoded)\b/i.test(type);
}
