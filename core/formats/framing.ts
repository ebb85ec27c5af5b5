/**
 * How a body is framed.
 *
 * @module
 */
import { decoder } from "./frames.ts";

/** Server-sent events, JSON per line, AWS event stream, JSON, or nothing that can be read. */
export type Framing = "sse" | "lines" | "aws" | "json" | "none";

/** By its type and, since that may be wrong, its first byte. */
export function framingOf(contentType: string, head: Uint8Array): Framing {
  const type = contentType.split(";", 1)[0]!.trim().toLowerCase();
  if (type === "application/vnd.amazon.eventstream") return head[0] === 0x7b ? "json" : "aws";
  if (/^(?:image|audio|video|font|multipart)\//.test(type)) return "none";
  const at = head.findIndex((byte) =>
    byte > 0x20 && byte !== 0xef && byte !== 0xbb && byte !== 0xbf
  );
  const first = at < 0 ? "" : String.fromCharCode(head[at]!);
  const json = first === "{" || first === "[";
  if (type === "text/event-stream") return json ? "json" : isBinary(head) ? "none" : "sse";
  if (/ndjson|jsonl|jsonlines|stream\+json/.test(type)) return json ? "lines" : "none";
  if (json) return "json";
  const start = decoder.decode(head.subarray(at, at + 8));
  return /^(?:data|event|id): ?|^:/.test(start) ? "sse" : "none";
}

/** True for compressed and other bytes that no text begins with. */
export function isBinary(head: Uint8Array): boolean {
  return head.subarray(0, 256).some((byte) => byte < 0x09 || (byte > 0x0d && byte < 0x20));
}
