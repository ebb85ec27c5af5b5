/**
 * What is known of an answer that no provider was asked for, for the log.
 *
 * @module
 */
import { createKey, type Key } from "../context.ts";
import type { End } from "../log/row.ts";
import type { About } from "./entry.ts";

/** Such an answer, once it is over. */
export interface Facts {
  about: About;
  end: End;
  /** `content-type` of the answer. */
  contentType: string;
  /** The body. */
  body: Uint8Array;
  /** The request's body. */
  sent: Uint8Array;
}

/** Set by a cache on a request that it answers; a promise where the answer is still on its way. */
export const served: Key<Facts | Promise<Facts>> = createKey("served");
