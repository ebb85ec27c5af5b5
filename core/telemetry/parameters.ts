/**
 * What a request asks of the model, for its span: found in one pass over the bytes.
 *
 * @module
 */
import { parse } from "../formats/json.ts";
import type { Name } from "./attribute.ts";
import { parameters } from "./names.ts";

/** One parameter. */
export interface Parameter {
  name: Name;
  kind: "int" | "double" | "text" | "texts";
  value: number | string | readonly string[];
}

const quote = 0x22, backslash = 0x5c, colon = 0x3a;
/** Bytes that are looked at; most requests are shorter. */
const limit = 64 * 1024;
/** The longest name of a member that is known. */
const longest = Math.max(...[...parameters.keys()].map((key) => key.length));
/** Characters of a text. */
const longestText = 256;
/** Bytes of a list of texts. */
const longestList = 2048;
/** Members that hold more of them: Gemini's, Bedrock's. */
const groups = new Set(["generationConfig", "generation_config", "inferenceConfig"]);
const decoder = new TextDecoder();

/** The parameters of a body of JSON; those of its outermost object, and of `generationConfig` and the like. */
export function parametersOf(json: Uint8Array): Parameter[] {
  const found: Parameter[] = [];
  const end = Math.min(json.length, limit);
  let depth = 0;
  /** Depth of the group that we are in. */
  let inside = 0;
  let entering = false;
  for (let i = 0; i < end; i++) {
    const byte = json[i]!;
    if (byte === 0x7b || byte === 0x5b) { // { [
      depth++;
      if (entering && byte === 0x7b) inside = depth;
      entering = false;
    } else if (byte === 0x7d || byte === 0x5d) { // } ]
      if (depth-- === inside) inside = 0;
      if (depth <= 0) break;
    } else if (byte === quote) {
      const start = ++i;
      while (i < end && json[i] !== quote) i += json[i] === backslash ? 2 : 1;
      if (depth !== 1 && depth !== inside || i - start > longest) continue;
      let next = i + 1;
      while (next < end && json[next]! <= 0x20) next++;
      if (json[next] !== colon) continue;
      const key = ascii(json, start, i);
      const known = parameters.get(key);
      if (known === undefined) {
        entering = depth === 1 && groups.has(key);
        continue;
      }
      next++;
      while (next < end && json[next]! <= 0x20) next++;
      const value = known.kind === "texts" ? textsAt(json, next, end) : valueAt(json, next, end);
      if (value !== undefined && fits(known.kind, value)) found.push({ ...known, value });
    } else if (depth === 0 && byte > 0x20 && byte < 0x80) break; // not an object
  }
  return found;
}

function fits(kind: Parameter["kind"], value: Parameter["value"]): boolean {
  if (kind === "int") return Number.isSafeInteger(value);
  return kind === "texts" || (typeof value === "string") === (kind === "text");
}

/** One text, or an array of nothing else. */
function textsAt(json: Uint8Array, at: number, end: number): string[] | undefined {
  if (json[at] !== quote && json[at] !== 0x5b) return undefined;
  const closing = json[at] === quote ? quote : 0x5d;
  const bytes = json.subarray(at, Math.min(end, at + longestList));
  // One within a text ends nothing: up to there it is no JSON.
  for (let close = bytes.indexOf(closing, 1), tries = 0; close > 0 && tries < 8; tries++) {
    const value = parse(decoder.decode(bytes.subarray(0, close + 1)));
    if (typeof value === "string") return [value];
    if (Array.isArray(value)) {
      return value.length > 0 && value.every((text) => typeof text === "string")
        ? value
        : undefined;
    }
    close = bytes.indexOf(closing, close + 1);
  }
  return undefined;
}

function valueAt(json: Uint8Array, at: number, end: number): number | string | undefined {
  if (json[at] === quote) {
    let stop = at + 1;
    while (stop < end && json[stop] !== quote) {
      if (json[stop] === backslash) return undefined;
      stop++;
    }
    if (stop - at > longestText) return undefined;
    return decoder.decode(json.subarray(at + 1, stop));
  }
  let stop = at;
  while (stop < end && stop - at < 32 && isNumeric(json[stop]!)) stop++;
  if (stop === at || stop === end || isNumeric(json[stop]!)) return undefined;
  const value = Number(ascii(json, at, stop));
  return Number.isFinite(value) ? value : undefined;
}

function isNumeric(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39 || byte === 0x2e || byte === 0x2d || byte === 0x2b ||
    byte === 0x65 || byte === 0x45;
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]!);
  return text;
}
