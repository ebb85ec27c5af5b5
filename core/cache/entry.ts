/**
 * A stored answer, and how it is written: one head in JSON, then the body as it came.
 *
 * @module
 */
import type { Usage } from "../usage/usage.ts";
import type { UsageQuality } from "../log/row.ts";
import type { Form } from "./forms.ts";

/** What is known of an answer, for the log of those who get it again. */
export interface About {
  provider: string;
  /** As the request named it, else as the answer does; may be empty. */
  model: string;
  modelType: string;
  finish: string | null;
  usage: Usage | null;
  quality: UsageQuality | null;
  /** US dollars that the provider took for it; null where that is not known. */
  cost: number | null;
  streamed: boolean;
}

/** How a stream came. */
export interface Pace {
  /** Bytes of each piece. */
  sizes: readonly number[];
  /** Milliseconds before each. */
  gaps: readonly number[];
}

/** An answer that was proven to be whole. Not to be changed. */
export interface Entry {
  status: number;
  /** Those that mean the same to everybody. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  form: Form;
  /** Of streams. */
  pace: Pace | undefined;
  about: About;
  /** As its request named it; may be empty. */
  model: string;
  /** Milliseconds since 1970: when its request came. */
  began: number;
  /** When it was whole. */
  stored: number;
  /** Seconds that it is good for. */
  ttl: number;
  /** Seconds after that for which it is kept, in case that there is nothing better. */
  keep: number;
}

/** Milliseconds since 1970 after which an entry is no longer good. */
export function expiryOf({ stored, ttl }: Entry): number {
  return stored + ttl * 1000;
}

/** Milliseconds since 1970 after which an entry is not kept any more. */
export function endOfLife(entry: Entry): number {
  return expiryOf(entry) + entry.keep * 1000;
}

// 4 bytes of mark and version, 4 of the head's length, 4 of checksum, head, body.
const mark = 0x53_4c_43_01;
const prefix = 12;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An entry in bytes. */
export function encodeEntry(entry: Entry): Uint8Array {
  const { body, status, headers, form, pace, about, model, began, stored, ttl, keep } = entry;
  const size = body.byteLength;
  // Spelled out: copies of the rest cost more than all else here.
  const head = JSON.stringify(
    {
      status,
      headers,
      form,
      pace,
      about,
      model,
      began,
      stored,
      ttl,
      keep,
      size,
    } satisfies Omit<Entry, "body"> & { size: number },
  );
  let bytes = new Uint8Array(prefix + head.length + body.byteLength);
  let { read, written } = encoder.encodeInto(head, bytes.subarray(prefix, prefix + head.length));
  if (read !== head.length) { // it has more bytes than characters
    const encoded = encoder.encode(head);
    written = encoded.byteLength;
    bytes = new Uint8Array(prefix + written + body.byteLength);
    bytes.set(encoded, prefix);
  }
  bytes.set(body, prefix + written);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, mark);
  view.setUint32(4, written);
  view.setUint32(8, checksum(bytes, prefix));
  return bytes;
}

/** The entry in some bytes; nothing where they are cut, changed or none of ours. Never throws. */
export function decodeEntry(bytes: Uint8Array): Entry | undefined {
  if (bytes.byteLength < prefix) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = prefix + view.getUint32(4);
  if (view.getUint32(0) !== mark || start > bytes.byteLength) return undefined;
  if (view.getUint32(8) !== checksum(bytes, prefix)) return undefined;
  try {
    const { size, ...head } = JSON.parse(decoder.decode(bytes.subarray(prefix, start)));
    const entry: Entry = { ...head, body: bytes.subarray(start) };
    return size === entry.body.byteLength && isEntry(entry) ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** What is our own is as we wrote it; this is for what a later version may write. */
function isEntry(
  { status, headers, form, about, model, began, stored, ttl, keep }: Entry,
): boolean {
  return [status, began, stored, ttl, keep].every((value) => Number.isFinite(value)) &&
    [form, model].every((value) => typeof value === "string") &&
    [headers, about].every((value) => typeof value === "object" && value !== null);
}

/** FNV-1a, four bytes at a time where they are in line: against accidents, not against people. */
function checksum(bytes: Uint8Array, from: number): number {
  const count = (bytes.byteLength - from) >> 2;
  const offset = bytes.byteOffset + from;
  const end = from + count * 4;
  // Elsewhere than at a multiple of four, they are copied to where they can be read so.
  const words = offset % 4 === 0
    ? new Uint32Array(bytes.buffer, offset, count)
    : new Uint32Array(bytes.slice(from, end).buffer);
  let sum = 0x811c9dc5;
  for (let at = 0; at < count; at++) {
    sum = Math.imul(sum ^ words[at]!, 0x01000193);
    sum ^= sum >>> 15;
  }
  for (let at = end; at < bytes.byteLength; at++) sum = Math.imul(sum ^ bytes[at]!, 0x01000193);
  return sum >>> 0;
}
