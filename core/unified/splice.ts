/**
 * A body with another model in it, and not another byte.
 *
 * @module
 */
import { members } from "../json-spans.ts";

const encoder = new TextEncoder();

/** @param json The text of an object with a member `model`. */
export function withModel(json: Uint8Array, model: string): Uint8Array {
  const span = members(json).get("model");
  if (span === undefined) return json;
  const text = encoder.encode(JSON.stringify(model));
  const bytes = new Uint8Array(json.length - (span.end - span.start) + text.length);
  bytes.set(json.subarray(0, span.start));
  bytes.set(text, span.start);
  bytes.set(json.subarray(span.end), span.start + text.length);
  return bytes;
}
