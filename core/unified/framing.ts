/**
 * From the bytes of a stream, cut anywhere, to its events.
 *
 * @module
 */
import { AwsFrames } from "../formats/aws-frames.ts";
import type { Event } from "../formats/frames.ts";
import { parse } from "../formats/json.ts";
import { openEvent } from "../formats/sse.ts";
import { joined } from "../streams/tape.ts";

/** Takes the chunks of one stream and tells its events. */
export interface Framer {
  push(chunk: Uint8Array): void;
  /** The body is over: what is left is an event, if it can be read as one. */
  end(): void;
}

/** Most bytes of one event; a stream that sends more without an end of it is no stream of events. */
const mostBytes = 32 * 1024 * 1024;

/** Thrown by {@link Framer.push} for an event over 32 MiB. */
export class EventTooLong extends Error {}

/** The framer for a type of body. */
export function framerFor(contentType: string, tell: (event: Event) => void): Framer {
  const type = contentType.split(";", 1)[0]!.trim().toLowerCase();
  if (type === "application/vnd.amazon.eventstream") return new AwsFramer(tell);
  if (/ndjson|jsonl|jsonlines|stream\+json/.test(type)) return new LineFramer(tell);
  return new SseFramer(tell);
}

/** Server-sent events; CRLF, CR and LF end lines. */
class SseFramer implements Framer {
  readonly #tell: (event: Event) => void;
  readonly #decoder = new TextDecoder();
  #rest = "";
  /** Of an event as long as an image: nothing is searched twice. */
  #pieces: string[] = [];
  #size = 0;

  constructor(tell: (event: Event) => void) {
    this.#tell = tell;
  }

  push(chunk: Uint8Array): void {
    const piece = this.#decoder.decode(chunk, { stream: true });
    this.#size += piece.length;
    if (this.#size > mostBytes) throw new EventTooLong();
    if (!piece.includes("\n") && !piece.includes("\r")) {
      this.#pieces.push(piece);
      return;
    }
    let text = this.#taken() + piece;
    if (text.includes("\r")) {
      // The last may be half of a CRLF.
      const held = text.endsWith("\r");
      text = (held ? text.slice(0, -1) : text).replaceAll("\r\n", "\n").replaceAll("\r", "\n");
      if (held) text += "\r";
    }
    let start = 0;
    for (let at = text.indexOf("\n\n"); at >= 0; at = text.indexOf("\n\n", start)) {
      this.#open(text.slice(start, at));
      start = at + 2;
    }
    this.#rest = start === 0 ? text : text.slice(start);
    this.#size = this.#rest.length;
  }

  end(): void {
    const text = (this.#taken() + this.#decoder.decode()).replaceAll("\r", "\n");
    for (const event of text.split("\n\n")) if (event !== "") this.#open(event);
  }

  #taken(): string {
    const text = this.#pieces.length === 0 ? this.#rest : this.#rest + this.#pieces.join("");
    this.#pieces = [];
    this.#rest = "";
    return text;
  }

  #open(text: string): void {
    // The most usual event by far is one line.
    if (text.startsWith("data: {") && !text.includes("\n")) {
      const json = parse(text.slice(6));
      return this.#tell(json === undefined ? { text: text.slice(6) } : { json });
    }
    const event = openEvent(text);
    if (event !== undefined) this.#tell(event);
  }
}

/** JSON per line. */
class LineFramer implements Framer {
  readonly #tell: (event: Event) => void;
  readonly #decoder = new TextDecoder();
  #rest = "";

  constructor(tell: (event: Event) => void) {
    this.#tell = tell;
  }

  push(chunk: Uint8Array): void {
    this.#lines(this.#rest + this.#decoder.decode(chunk, { stream: true }));
    if (this.#rest.length > mostBytes) throw new EventTooLong();
  }

  end(): void {
    this.#lines(`${this.#rest}${this.#decoder.decode()}\n`);
  }

  #lines(text: string): void {
    let start = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", start)) {
      const line = text.slice(start, at).trim();
      start = at + 1;
      if (line === "") continue;
      const json = parse(line);
      this.#tell(json === undefined ? { text: line } : { json });
    }
    this.#rest = text.slice(start);
  }
}

/** Amazon's event stream. */
class AwsFramer implements Framer {
  readonly #tell: (event: Event) => void;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(tell: (event: Event) => void) {
    this.#tell = tell;
  }

  push(chunk: Uint8Array): void {
    const size = this.#rest.length + chunk.length;
    const bytes = this.#rest.length === 0 ? chunk : joined([this.#rest, chunk], size);
    const frames = new AwsFrames(bytes);
    for (let i = 0; i < frames.length; i++) {
      const event = frames.open(i);
      if (event !== undefined) this.#tell(event);
    }
    this.#rest = frames.length === 0 ? bytes : bytes.subarray(frames.end(frames.length - 1));
    if (this.#rest.length > mostBytes) throw new EventTooLong();
  }

  end(): void {
    // The beginning of a message says nothing.
  }
}
