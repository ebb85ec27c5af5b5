/**
 * What a target could not carry: nothing is dropped in silence.
 *
 * @module
 */

import type { Json } from "../formats/json.ts";

/** Names of one request; a client may have made up thousands. */
const most = 100;

/** Names of what was left out of one request, in the order in which they were met. */
export class Lost {
  readonly #names = new Set<string>();

  /**
   * @param name Canonical, such as `logit_bias` or `messages.image`. Some are a client's own, so what could
   *   not stand in a header is a question mark.
   */
  drop(name: string): void {
    if (this.#names.size < most) this.#names.add(name.slice(0, 100).replace(/[^!-+.-~-]/g, "?"));
  }

  /** Each name once. */
  get names(): readonly string[] {
    return [...this.#names];
  }
}

/** What only one format knows, by its type, or by the member that it is in Gemini's and Amazon's. */
export function nativeName(value: Json): string {
  return typeof value.type === "string" ? value.type : Object.keys(value)[0] ?? "native";
}
