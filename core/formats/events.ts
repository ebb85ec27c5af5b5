/**
 * Reads events. Most are content and nothing else, and are skipped once the first of them was seen.
 *
 * @module
 */
import { sameOpening } from "../streams/alike.ts";
import type { Draft, Format } from "./draft.ts";
import { readBody } from "./formats.ts";
import type { Event, Frames } from "./frames.ts";
import { list } from "./json.ts";
import { readTextEvent, replicate } from "./replicate.ts";

/**
 * Reads the frames in order into the draft.
 *
 * @returns The frame with the first content, if it is among these.
 */
export function readFrames(frames: Frames, draft: Draft): number | undefined {
  let first: number | undefined;
  let repeated: number | undefined; // with usage, not opened
  let told = draft.told;
  const last = frames.length - 1;
  const open = (index: number) => {
    const event = frames.open(index);
    if (event === undefined) return;
    const before = draft.content;
    readEvent(event, draft);
    if (!before && draft.content) first = index;
    if (draft.told === told) return;
    told = draft.told;
    repeated = undefined;
  };
  let opening = ""; // what most frames begin with; nothing in it matters
  let looked: Format | undefined;
  for (let index = 0; index <= last; index++) {
    const { format } = draft;
    if (index < last && draft.content && draft.said === undefined && format !== undefined) {
      let raw = frames.raw(index);
      if (raw !== undefined) {
        if (looked !== format) {
          looked = format;
          opening = harmlessOpening(raw, frames.raw(index + 1) ?? "", format);
        }
        // Not `startsWith`, which V8 does a character at a time.
        if (raw.slice(0, opening.length) === opening) raw = raw.slice(opening.length);
        if (!format.matters.test(raw)) {
          if (format.repeats?.test(raw) === true) repeated = index;
          continue;
        }
      }
    }
    open(index);
  }
  if (repeated !== undefined) {
    const { done } = draft;
    open(repeated);
    draft.done = done; // what came later told that
  }
  return first;
}

function harmlessOpening(raw: string, next: string, { matters, repeats }: Format): string {
  const opening = sameOpening(raw, next);
  return matters.test(opening) || repeats?.test(opening) === true ? "" : opening;
}

/** Reads one event into the draft. */
export function readEvent(event: Event, draft: Draft): void {
  const { name, json, text } = event;
  if (text !== undefined) {
    if (text.trimEnd() === "[DONE]") draft.done = true;
    else readTextEvent(name, text, draft);
    return;
  }
  if (name === "done" && draft.format === replicate) draft.done = true;
  for (const item of Array.isArray(json) ? list(json).slice(0, 100) : [json]) {
    readBody(name === "error" ? asError(item) : item, draft);
  }
}

/** An event that is called an error is one, whatever it looks like. */
function asError(json: unknown): unknown {
  const plain = typeof json === "object" && json !== null && !("error" in json);
  return plain ? { type: "error", ...json } : json;
}
