/**
 * The opening of a streamed answer: whether it begins with content, with an error, or with nothing that
 * a client could not do without.
 *
 * @module
 */
import { AwsFrames } from "../formats/aws-frames.ts";
import { Draft, type Fault } from "../formats/draft.ts";
import { readEvent } from "../formats/events.ts";
import { decoder, type Frames } from "../formats/frames.ts";
import { framingOf } from "../formats/framing.ts";
import { list } from "../formats/json.ts";
import { LineFrames } from "../formats/line-frames.ts";
import { parseBeginning } from "../formats/partial-json.ts";
import { SseFrames } from "../formats/sse.ts";
import { endOf } from "../formats/stream.ts";
import { joined } from "./tape.ts";

/** `answered`: content, or an end that the format proves. */
export type Verdict = "answered" | { fault: Fault } | "nothing";

/** Bytes after which a stream counts as answered, whatever they hold. */
const most = 64 * 1024;

/** Reads the opening, each event once. */
export class Opening {
  readonly #contentType: string;
  readonly #draft: Draft;
  /** What has not been read yet. */
  #chunks: Uint8Array[] = [];
  #size = 0;
  #total = 0;
  #frames = 0;

  constructor(about: { provider: string; path: string; contentType: string }) {
    this.#contentType = about.contentType;
    this.#draft = new Draft({ provider: about.provider, path: about.path }, false);
  }

  /** The next bytes; a verdict once there is one. */
  add(bytes: Uint8Array): Verdict | undefined {
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    this.#total += bytes.length;
    if (this.#total > most) return "answered";
    // A stream that comes byte by byte is looked at once an event.
    if (!/amazon/.test(this.#contentType) && !bytes.some(mayEnd)) return undefined;
    return this.#read(false);
  }

  /** Nothing more comes. */
  end(): Verdict {
    const verdict = this.#read(true);
    if (verdict !== undefined) return verdict;
    return endOf(this.#draft, this.#frames === 0) === "proven" ? "answered" : "nothing";
  }

  #read(whole: boolean): Verdict | undefined {
    const bytes = joined(this.#chunks, this.#size);
    this.#chunks = [bytes];
    switch (framingOf(this.#contentType, bytes)) {
      case "sse":
        return this.#open(new SseFrames(bytes, whole), bytes);
      case "lines":
        return this.#open(new LineFrames(bytes, whole), bytes);
      case "aws":
        return this.#open(new AwsFrames(bytes), bytes);
      case "json":
        return this.#json(bytes);
      default:
        // Nobody waits for what cannot be read.
        return bytes.some((byte) => byte > 0x20) ? "answered" : undefined;
    }
  }

  #open(frames: Frames, bytes: Uint8Array): Verdict | undefined {
    const { length } = frames;
    for (let index = 0; index < length; index++) {
      const event = frames.open(index);
      if (event === undefined) continue;
      this.#frames++;
      readEvent(event, this.#draft);
      const verdict = this.#verdict();
      if (verdict !== undefined) return verdict;
      // What is of no format that is known is as good as content.
      const { format } = this.#draft;
      const known = format !== undefined && format.unprovable !== true;
      const isCut = event.text !== undefined && /^\s*(?:$|[{[])/.test(event.text);
      if (!isCut && (event.text !== undefined || !known)) return "answered";
    }
    if (length > 0) {
      const rest = bytes.subarray(frames.end(length - 1));
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#size = rest.length;
    }
    return undefined;
  }

  /** Google's array, or one object with an error in it. */
  #json(bytes: Uint8Array): Verdict | undefined {
    const value = parseBeginning(decoder.decode(bytes));
    for (const json of Array.isArray(value) ? list(value) : [value]) {
      if (json === undefined) continue;
      this.#frames++;
      readEvent({ json }, this.#draft);
      const verdict = this.#verdict();
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }

  #verdict(): Verdict | undefined {
    const { error, content, done } = this.#draft;
    if (error !== undefined) return { fault: error };
    return content || done ? "answered" : undefined;
  }
}

/** `\n`, or what may be the end of an element. */
function mayEnd(byte: number): boolean {
  return byte === 0x0a || byte === 0x0d || byte === 0x7d || byte === 0x5d;
}
