/**
 * What the framings have in common: a stream is a list of frames that are opened only when they matter.
 *
 * @module
 */

/** What one frame holds: JSON, or text that is none. */
export interface Event {
  /** As the framing names it. */
  name?: string | undefined;
  json?: unknown;
  text?: string;
}

/** Part of a stream. */
export interface Frames {
  readonly length: number;
  /** The frame's text to look at before it is opened; nothing when looking would not help. */
  raw(index: number): string | undefined;
  /** Nothing when it is empty or broken. */
  open(index: number): Event | undefined;
  /** Byte offset where the frame ends. */
  end(index: number): number;
  /** What follows the last frame: the beginning of one that was cut. */
  readonly rest: string;
}

/** Never carries state from one call to the next. */
export const decoder: TextDecoder = new TextDecoder();
