/**
 * What was read of an answer that is all there, left at the response for whoever stands further out: nobody
 * reads it twice. Who makes another response of it leaves this behind.
 *
 * @module
 */
import type { Reading } from "./formats/read.ts";

/** A body, and what it tells. */
export interface Known {
  /** All of it. */
  bytes: Uint8Array;
  reading: Reading;
}

const known: unique symbol = Symbol("known");

/** Leaves it at the response. */
export function leaveKnown(response: Response & { [known]?: Known }, what: Known): void {
  response[known] = what;
}

/** What was left at the response. */
export function knownOf(response: Response & { [known]?: Known }): Known | undefined {
  return response[known];
}
