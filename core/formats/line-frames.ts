/**
 * One JSON value per line (NDJSON).
 *
 * @module
 */
import { decoder, type Event, type Frames } from "./frames.ts";
import { parse } from "./json.ts";

/** Lines; an empty one is no frame. */
export class LineFrames implements Frames {
  readonly #lines: string[];
  readonly #ends: number[] = [];
  readonly rest: string;

  /** @param whole The bytes go to the end of the body, so the last line needs no line end. */
  constructor(bytes: Uint8Array, whole: boolean) {
    const lines = decoder.decode(bytes).split("\n");
    const rest = lines.pop()!;
    let start = 0;
    for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, start)) {
      start = at + 1;
      this.#ends.push(start);
    }
    if (whole && rest.trim() !== "") {
      lines.push(rest);
      this.#ends.push(bytes.length);
    }
    this.rest = whole ? "" : rest;
    this.#lines = lines;
  }

  get length(): number {
    return this.#lines.length;
  }

  raw(index: number): string {
    return this.#lines[index]!;
  }

  open(index: number): Event | undefined {
    const json = parse(this.raw(index));
    return json === undefined ? undefined : { json };
  }

  end(index: number): number {
    return this.#ends[index]!;
  }
}
