/**
 * Where in an answer a citation holds.
 *
 * @module
 */
import type { Citation } from "./chat.ts";

/** One that does not say which characters it supports supports all of its part. */
export function placed(citation: Citation, start: number, end: number): Citation {
  return citation.start === undefined || citation.end === undefined
    ? { ...citation, start, end }
    : citation;
}
