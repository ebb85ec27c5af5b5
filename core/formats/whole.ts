/**
 * Reads an answer that is one JSON value, or of Google an array that came element by element.
 *
 * @module
 */
import { unlost } from "./cut.ts";
import type { Draft, End, Pass } from "./draft.ts";
import { readFrames } from "./events.ts";
import { faultOf } from "./fault.ts";
import { readBody } from "./formats.ts";
import { decoder } from "./frames.ts";
import { type Json, list, object, parse } from "./json.ts";
import { LineFrames } from "./line-frames.ts";
import { ListFrames } from "./list-frames.ts";
import { parseBeginning, parseEnding } from "./partial-json.ts";
import { endOf, type Kept, readStream } from "./stream.ts";

/** Reads it; it is streamed after all when it turns out to be lines, or Google's array. */
export function readJson(kept: Kept, status: number, draft: Draft): Pass {
  const { head, tail } = kept;
  const text = decoder.decode(head);
  let value = tail === undefined ? parse(text) : undefined;
  let end: End = "proven";
  if (value === undefined) {
    if (/^\s*\{.*\}\r?\n\s*\{/.test(text)) {
      return readStream(kept, draft, (bytes, whole) => new LineFrames(bytes, whole));
    }
    value = parseBeginning(text);
    end = "missing";
  }
  if (Array.isArray(value) && isStreamed(value, draft)) {
    return readList(kept.tail, status, draft, value, text, end);
  }
  if (tail !== undefined) {
    const rest = parseEnding(decoder.decode(tail).trimEnd());
    value = joined(value, rest, draft);
    // The transport knows whether it ended; a bracket at the end may close anything.
    if (rest !== undefined) end = "unprovable";
  }
  for (const item of Array.isArray(value) ? list(value).slice(0, 100) : [value]) {
    readBody(item, draft);
  }
  if (status >= 400) draft.error = faultOf(value, true) ?? draft.error;
  return { draft, streamed: false, end };
}

/** One object of its first and its last members. */
function joined(first: unknown, last: unknown, draft: Draft): unknown {
  const [start, end] = [object(first), object(last)];
  if (end === undefined) return first;
  const { members, inner } = unlost(end);
  const whole: Json = { ...start, ...members };
  for (const key of ["choices", "candidates"]) {
    if (key in members) whole[key] = [...list(start?.[key]), ...list(members[key])];
  }
  // Workers AI has all in one member.
  if (draft.source.provider === "workers-ai" && inner !== undefined) {
    whole.result = { ...object(whole.result), ...inner };
  }
  return whole;
}

/** Google streams an array unless asked for events; an error may come in an array as well. */
function isStreamed(value: readonly unknown[], draft: Draft): boolean {
  return /:stream\w+$/.test(draft.source.path) ||
    object(value[0])?.candidates !== undefined;
}

function readList(
  tail: Uint8Array | undefined,
  status: number,
  draft: Draft,
  items: readonly unknown[],
  text: string,
  json: End,
): Pass {
  const frames = new ListFrames(items, text);
  const first = readFrames(frames, draft);
  let end = json;
  if (tail !== undefined) {
    const rest = parseEnding(decoder.decode(tail).trimEnd());
    const later = object(list(rest).at(-1));
    if (later !== undefined) readBody(unlost(later).members, draft);
    if (rest !== undefined) end = "proven";
  }
  if (status >= 400) draft.error = faultOf(items, true) ?? draft.error;
  else if (end === "proven") end = endOf(draft, items.length === 0);
  return {
    draft,
    streamed: true,
    end,
    firstContent: first === undefined ? undefined : frames.end(first),
  };
}
