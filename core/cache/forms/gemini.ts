/**
 * Google's generateContent: the answer, and the stream of parts of it, as events or as one array.
 *
 * @module
 */
import type { Json } from "../../formats/json.ts";
import {
  type Converter,
  indexOf,
  lossy,
  objectOf,
  objectsOf,
  type StreamEvent,
  textOf,
} from "./convert.ts";

/** The format's two forms. */
export const gemini: Converter = {
  toPlain,
  // A stream may be one event.
  toEvents(body: Json): StreamEvent[] {
    if (objectsOf(body.candidates).length === 0) throw lossy;
    return [{ data: body }];
  },
};

function toPlain(events: readonly Json[]): Json {
  const top: Json = Object.create(null);
  const candidates: Json[] = [];
  for (const { candidates: list = [], usageMetadata, ...rest } of events) {
    merge(top, rest);
    // Each tells the sum so far.
    if (usageMetadata !== undefined) top.usageMetadata = objectOf(usageMetadata);
    for (const part of objectsOf(list)) addCandidate(candidates, part);
  }
  const { modelVersion, responseId, usageMetadata, ...rest } = top;
  if (candidates.length === 0 || usageMetadata === undefined) throw lossy;
  // Clients may ask for numbers instead of names.
  if (!candidates.every(({ finishReason: reason }) => reason)) throw lossy;
  return {
    candidates,
    ...rest,
    usageMetadata,
    ...modelVersion !== undefined && { modelVersion },
    ...responseId !== undefined && { responseId },
  };
}

function addCandidate(candidates: Json[], part: Json): void {
  const { content, ...rest } = part;
  const at = part.index === undefined ? 0 : indexOf(part.index);
  if (at > candidates.length) throw lossy;
  const candidate = candidates[at] ??= Object.create(null) as Json;
  if (content !== undefined) {
    const whole = (candidate.content ??= Object.create(null)) as Json;
    const { parts, ...about } = objectOf(content);
    merge(whole, about);
    for (const one of objectsOf(parts ?? [])) addPart((whole.parts ??= []) as Json[], one);
  }
  merge(candidate, rest);
}

/** Text goes on in the part before, if both are nothing but text of one kind. */
function addPart(parts: Json[], part: Json): void {
  const last = parts.at(-1);
  if (last !== undefined && isText(last) && isText(part) && last.thought === part.thought) {
    last.text = textOf(last.text) + textOf(part.text);
  } else parts.push({ ...part });
}

function isText(part: Json): boolean {
  return typeof part.text === "string" &&
    Object.keys(part).every((key) => key === "text" || key === "thought");
}

/** Members that are told once, or again as they were. */
function merge(into: Json, from: Json): void {
  for (const key in from) {
    if (into[key] === undefined) into[key] = from[key];
    else if (JSON.stringify(into[key]) !== JSON.stringify(from[key])) throw lossy;
  }
}
