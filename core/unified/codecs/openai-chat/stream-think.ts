/**
 * Thoughts that open models write into their text, between `<think>` and `</think>` at its beginning, where
 * nobody has taken them out.
 *
 * @module
 */
import type { Spoken } from "./stream-parts.ts";

const begin = "<think>";
const close = "</think>";

/** Tells the two apart in pieces of text that may be cut anywhere. */
export class Thinking {
  #state: "before" | "inside" | "over" = "before";
  #held = "";
  /** What comes next begins with the line breaks around a tag. */
  #gap = false;

  /** Nothing is expected any more: text is text. */
  get over(): boolean {
    return this.#state === "over" && !this.#gap;
  }

  take(text: string, tell: (type: Spoken, text: string) => void): void {
    this.#held += text;
    if (this.#state === "before") {
      const seen = this.#held.trimStart();
      if (begin.startsWith(seen)) {
        if (seen !== begin) return;
      } else if (!seen.startsWith(begin)) {
        this.#state = "over";
        return this.flush(tell);
      }
      this.#state = "inside";
      this.#gap = true;
      this.#held = seen.slice(begin.length);
    }
    if (this.#gap) this.#held = this.#held.trimStart();
    if (this.#held === "") return;
    this.#gap = false;
    if (this.#state === "over") return this.flush(tell);
    const at = this.#held.indexOf(close);
    const end = at < 0 ? this.#held.length - beginning(this.#held) : at;
    if (end > 0) tell("reasoning", at < 0 ? this.#held.slice(0, end) : this.#held.slice(0, at));
    this.#held = this.#held.slice(at < 0 ? end : at + close.length);
    if (at < 0) return;
    this.#state = "over";
    this.#gap = true;
    this.take("", tell);
  }

  /** Tells what is held back. */
  flush(tell: (type: Spoken, text: string) => void): void {
    const held = this.#held;
    this.#held = "";
    if (held !== "") tell(this.#state === "inside" ? "reasoning" : "text", held);
  }
}

/** How much of the end of the text may be the beginning of the closing tag. */
function beginning(text: string): number {
  for (let length = Math.min(close.length - 1, text.length); length > 0; length--) {
    if (close.startsWith(text.slice(-length))) return length;
  }
  return 0;
}
