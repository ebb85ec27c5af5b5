/**
 * Server-sent events in bytes that are all there. Parsers for such streams (`eventsource-parser`) go
 * from the front and open every event; here most are skipped unopened, and where an event ends in the
 * bytes has to be known.
 *
 * @module
 */
import { decoder, type Event, type Frames } from "./frames.ts";
import { parse } from "./json.ts";

/** Event stream per the HTML standard; also reads an event without the blank line at the end. */
export class SseFrames implements Frames {
  readonly #bytes: Uint8Array;
  readonly #text: string;
  readonly #ends: number[] = [];
  readonly rest: string;

  /** @param whole The bytes go to the end of the body, so what is left over is an event as well. */
  constructor(bytes: Uint8Array, whole: boolean) {
    this.#bytes = bytes;
    let text = decoder.decode(bytes);
    if (text.includes("\r")) text = text.replaceAll("\r\n", "\n").replaceAll("\r", "\n");
    this.#text = text;
    let start = 0;
    for (let at = text.indexOf("\n\n"); at >= 0; at = text.indexOf("\n\n", start)) {
      start = at + 2;
      this.#ends.push(start);
    }
    if (whole && start < text.length) {
      start = text.length;
      this.#ends.push(start);
    }
    this.rest = text.slice(start);
  }

  get length(): number {
    return this.#ends.length;
  }

  raw(index: number): string {
    return this.#text.slice(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index]);
  }

  open(index: number): Event | undefined {
    return openEvent(this.raw(index));
  }

  end(index: number): number {
    const end = this.#ends[index]!;
    if (end === this.#text.length) return this.#bytes.length;
    if (this.#text.length === this.#bytes.length) return end; // ASCII, line feeds only
    let lines = 0;
    let at = this.#text.indexOf("\n");
    for (; at >= 0 && at < end; at = this.#text.indexOf("\n", at + 1)) lines++;
    return endOfLine(this.#bytes, lines);
  }
}

/** Reads one event. */
export function openEvent(text: string): Event | undefined {
  let name: string | undefined;
  let data: string | undefined;
  for (const line of text.split("\n")) {
    if (line.startsWith("data:")) {
      const value = valueOf(line, 5);
      data = data === undefined ? value : `${data}\n${value}`;
    } else if (line.startsWith("event:")) name = valueOf(line, 6);
  }
  if (data === undefined) {
    // Google puts an error between the events as it is.
    const bare = text.trim();
    return bare.startsWith("{") ? { name, json: parse(bare) } : undefined;
  }
  const json = parse(data);
  return json === undefined ? { name, text: data } : { name, json };
}

function valueOf(line: string, from: number): string {
  return line.slice(line.charCodeAt(from) === 0x20 ? from + 1 : from);
}

/** Offset behind the nth line end. */
function endOfLine(bytes: Uint8Array, lines: number): number {
  let at = 0;
  while (at < bytes.length && lines > 0) {
    const byte = bytes[at++];
    if (byte === 0x0d) {
      if (bytes[at] === 0x0a) at++;
      lines--;
    } else if (byte === 0x0a) lines--;
  }
  return at;
}
