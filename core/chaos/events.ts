/**
 * Where in a stream of bytes its events end, told while it passes.
 *
 * @module
 */
import { streamShape } from "../streams/error-event.ts";

/** Looks at chunk after chunk. */
export interface Events {
  /** The offsets in this chunk behind the events that end in it. */
  ends(chunk: Uint8Array): number[];
}

/** For a body of this type and path; one that is no stream of events has none. */
export function eventsOf(contentType: string, path: string): Events {
  switch (streamShape(contentType, path)) {
    case "sse":
      return new Blocks();
    case "lines":
      return new Lines();
    case "aws":
      return new Messages();
    case "list":
      return new Elements();
    default:
      return { ends: () => [] };
  }
}

const lf = 0x0a, cr = 0x0d, colon = 0x3a;

/** Server-sent events: what ends with a blank line and is more than comments. */
class Blocks implements Events {
  #before = 0;
  #lineIsEmpty = true;
  #hasField = false;

  ends(chunk: Uint8Array): number[] {
    const found: number[] = [];
    for (const [i, byte] of chunk.entries()) {
      const isSecond = byte === lf && this.#before === cr; // of one line end
      this.#before = byte;
      if (byte === lf || byte === cr) {
        if (isSecond) {
          if (found.at(-1) === i) found[found.length - 1] = i + 1;
          continue;
        }
        if (this.#lineIsEmpty && this.#hasField) {
          found.push(i + 1);
          this.#hasField = false;
        }
        this.#lineIsEmpty = true;
      } else if (this.#lineIsEmpty) {
        this.#lineIsEmpty = false;
        if (byte !== colon) this.#hasField = true;
      }
    }
    return found;
  }
}

/** JSON values, a line each. */
class Lines implements Events {
  ends(chunk: Uint8Array): number[] {
    const found: number[] = [];
    for (let at = chunk.indexOf(lf); at >= 0; at = chunk.indexOf(lf, at + 1)) found.push(at + 1);
    return found;
  }
}

/** Messages of Amazon's event stream, which begin with their length. */
class Messages implements Events {
  #length = 0;
  #seen = 0;

  ends(chunk: Uint8Array): number[] {
    const found: number[] = [];
    for (let at = 0; at < chunk.length;) {
      if (this.#seen < 4) {
        this.#length = this.#length * 256 + chunk[at++]!;
        if (++this.#seen === 4) this.#length = Math.max(this.#length, 16);
        continue;
      }
      const part = Math.min(this.#length - this.#seen, chunk.length - at);
      at += part;
      this.#seen += part;
      if (this.#seen < this.#length) break;
      found.push(at);
      this.#length = this.#seen = 0;
    }
    return found;
  }
}

/** Elements of one JSON array. */
class Elements implements Events {
  #depth = 0;
  #inText = false;
  #isEscaped = false;

  ends(chunk: Uint8Array): number[] {
    const found: number[] = [];
    for (const [i, byte] of chunk.entries()) {
      if (this.#inText) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === 0x5c) this.#isEscaped = true;
        else if (byte === 0x22) this.#inText = false;
      } else if (byte === 0x22) this.#inText = true;
      else if (byte === 0x7b || byte === 0x5b) this.#depth++;
      else if ((byte === 0x7d || byte === 0x5d) && --this.#depth === 1) found.push(i + 1);
    }
    return found;
  }
}
