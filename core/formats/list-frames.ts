/**
 * A JSON array whose elements came one by one: Google's streams without `alt=sse`.
 *
 * @module
 */
import type { Event, Frames } from "./frames.ts";
import { endOfElement } from "./partial-json.ts";

const encoder = new TextEncoder();

/** Elements, parsed already. */
export class ListFrames implements Frames {
  readonly #items: readonly unknown[];
  readonly #text: string;
  readonly rest = "";

  /** @param text What they were parsed from. */
  constructor(items: readonly unknown[], text: string) {
    this.#items = items;
    this.#text = text;
  }

  get length(): number {
    return this.#items.length;
  }

  raw(): undefined {
    return undefined;
  }

  open(index: number): Event {
    return { json: this.#items[index] };
  }

  end(index: number): number {
    return encoder.encode(this.#text.slice(0, endOfElement(this.#text, index))).length;
  }
}
