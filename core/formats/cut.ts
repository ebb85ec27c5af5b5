/**
 * What is left of an event, or of an answer, that was kept only in part.
 *
 * @module
 */
import type { Draft } from "./draft.ts";
import { readEvent } from "./events.ts";
import { readBody } from "./formats.ts";
import { type Json, list, object, parse } from "./json.ts";
import { lostKey, parseBeginning, parseEnding } from "./partial-json.ts";
import { openEvent } from "./sse.ts";

/** An event of which only the beginning was kept. */
export function readCut(rest: string, draft: Draft): void {
  const data = rest.slice(rest.lastIndexOf("\n") + 1).replace(/^data: ?/, "");
  if (!/^\s*[{[]/.test(data)) return;
  const { done } = draft;
  readBody(parseBeginning(data), draft);
  draft.done = done; // its end may not have come
}

/**
 * An event of which only the end was kept, or which a line boundary happened to leave whole.
 *
 * @returns That it is an end.
 */
export function readCutEnd(lead: string, draft: Draft): boolean {
  const line = lead.trimEnd().split("\n").at(-1)!;
  const event = line.startsWith("data:") ? openEvent(line) : undefined;
  if (event !== undefined && (event.json !== undefined || event.text?.trim() === "[DONE]")) {
    readEvent(event, draft);
    return true;
  }
  const value = parse(line) ?? parseEnding(line);
  const outer = object(Array.isArray(value) ? value.at(-1) : value);
  if (outer === undefined) return false;
  const { inner, members } = unlost(outer);
  readBody(members, draft);
  // Of Responses it is the object inside that tells, and only the terminal event has usage.
  if (inner?.usage !== undefined && /(?:^|\/)responses(?:$|\/)/.test(draft.source.path)) {
    readBody(inner, draft);
    draft.done = true;
  }
  return true;
}

/**
 * What {@link parseEnding} found, its lost key replaced where the members behind it tell which it was.
 * No model writes keys at this depth.
 */
export function unlost(end: Json): { members: Json; inner: Json | undefined } {
  const { [lostKey]: lost, ...members } = end;
  const last = object(list(lost).at(-1));
  if (last !== undefined && "finishReason" in last) members.candidates = lost;
  else if (last !== undefined && "finish_reason" in last) members.choices = lost;
  return { members, inner: object(lost) };
}
