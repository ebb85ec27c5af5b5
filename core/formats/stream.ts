/**
 * Reads a stream of which the beginning, and perhaps the end, was kept.
 *
 * @module
 */
import { AwsFrames } from "./aws-frames.ts";
import { readCut, readCutEnd } from "./cut.ts";
import type { Draft, End, Pass } from "./draft.ts";
import { readFrames } from "./events.ts";
import type { Frames } from "./frames.ts";

/** Its bytes. */
export interface Kept {
  readonly head: Uint8Array;
  readonly tail?: Uint8Array | undefined;
}

/** Reads events as text. */
export function readStream(
  kept: Kept,
  draft: Draft,
  framesOf: (bytes: Uint8Array, whole: boolean) => Frames,
): Pass {
  const { head, tail } = kept;
  const frames = framesOf(head, tail === undefined);
  const first = readFrames(frames, draft);
  let end: End | undefined;
  if (tail !== undefined) {
    readCut(frames.rest, draft);
    const later = framesOf(tail, true);
    // The first of these began in what was not kept.
    const whole = readCutEnd(later.length > 0 ? later.raw(0)! : "", draft);
    readFrames(without(later), draft);
    if (whole && later.length === 1 && !draft.done) end = "unprovable";
  }
  return {
    draft,
    streamed: true,
    end: end ?? endOf(draft, frames.length === 0),
    firstContent: first === undefined ? undefined : frames.end(first),
  };
}

/** The frames but the first. */
function without(frames: Frames): Frames {
  return {
    length: Math.max(0, frames.length - 1),
    raw: (index) => frames.raw(index + 1),
    open: (index) => frames.open(index + 1),
    end: (index) => frames.end(index + 1),
    rest: frames.rest,
  };
}

/** Reads Amazon's event stream. */
export function readAws(kept: Kept, draft: Draft): Pass {
  const { head, tail } = kept;
  const frames = new AwsFrames(head);
  const first = readFrames(frames, draft);
  const later = tail === undefined ? undefined : AwsFrames.from(tail);
  if (later !== undefined) readFrames(later, draft);
  return {
    draft,
    streamed: true,
    end: tail !== undefined && later === undefined
      ? "unprovable"
      : endOf(draft, frames.length === 0),
    firstContent: first === undefined ? undefined : frames.end(first),
  };
}

/** What proves the end, once all frames are read. */
export function endOf(draft: Draft, empty: boolean): End {
  const { done, error, format } = draft;
  if (done || (error === undefined && format?.isWhole?.(draft) === true)) return "proven";
  return !empty && format?.unprovable === true ? "unprovable" : "missing";
}
