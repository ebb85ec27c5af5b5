/**
 * Amazon's event stream: binary messages of a length, headers and a JSON payload. Checksums are left to
 * whoever the answer is for, where nothing else is wrong.
 *
 * @module
 */
import { crc32 } from "./aws-encode.ts";
import { decoder, type Event, type Frames } from "./frames.ts";
import { type Json, object, parse, string } from "./json.ts";

/** `application/vnd.amazon.eventstream`. */
export class AwsFrames implements Frames {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly rest = "";
  /** The bytes end in the middle of a message, or are none. */
  readonly broken: boolean;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    for (let end = this.#endOf(at); end !== undefined; end = this.#endOf(at)) {
      this.#starts.push(at);
      this.#ends.push(end);
      at = end;
    }
    this.broken = at < bytes.length;
    // What ends a message that was cut (the gateway's own exception, say) may pass for its end.
    if (this.broken && this.length > 0 && !this.#isSound(this.length - 1)) {
      this.#starts.pop();
      this.#ends.pop();
    }
  }

  /** The first message that is whole in bytes that begin anywhere. */
  static from(bytes: Uint8Array): AwsFrames | undefined {
    for (let at = 0; at + 16 <= bytes.length; at++) {
      // Behind lengths and checksum: the length of the first header's name, and its colon.
      if (bytes[at] !== 0 || bytes[at + 13] !== 0x3a) continue;
      const frames = new AwsFrames(bytes.subarray(at));
      if (frames.length > 0 && !frames.broken) return frames;
    }
    return undefined;
  }

  get length(): number {
    return this.#starts.length;
  }

  raw(): undefined {
    return undefined;
  }

  end(index: number): number {
    return this.#ends[index]!;
  }

  open(index: number): Event | undefined {
    const start = this.#starts[index]!;
    const headersEnd = start + 12 + this.#view.getUint32(start + 4);
    const headers = this.#headers(start + 12, headersEnd);
    const text = decoder.decode(this.#bytes.subarray(headersEnd, this.#ends[index]! - 4));
    const payload = object(parse(text)) ?? {};
    const type = headers[":message-type"];
    if (type === "exception" || type === "error") {
      const code = headers[":exception-type"] ?? headers[":error-code"] ?? type;
      const message = string(payload.message) ?? headers[":error-message"] ?? code;
      return { json: { error: { code, message } } };
    }
    // `invoke` wraps the model's own event.
    if (typeof payload.bytes === "string") return { json: parse(fromBase64(payload.bytes)) };
    return { json: { [headers[":event-type"] ?? ""]: payload } satisfies Json };
  }

  #isSound(index: number): boolean {
    const end = this.#ends[index]! - 4;
    return this.#view.getUint32(end) === crc32(this.#bytes, end, this.#starts[index]!);
  }

  #endOf(at: number): number | undefined {
    if (at + 16 > this.#bytes.length) return undefined;
    const total = this.#view.getUint32(at);
    const headers = this.#view.getUint32(at + 4);
    const whole = total >= 16 && headers <= total - 16 && at + total <= this.#bytes.length;
    return whole ? at + total : undefined;
  }

  /** Headers whose value is a string, which all that matter are. */
  #headers(at: number, end: number): Record<string, string | undefined> {
    const found: Record<string, string | undefined> = Object.create(null);
    while (at < end) {
      const nameEnd = at + 1 + this.#bytes[at]!;
      const valueStart = nameEnd + 3;
      if (valueStart > end || this.#bytes[nameEnd] !== 7) break;
      const valueEnd = valueStart + this.#view.getUint16(nameEnd + 1);
      if (valueEnd > end) break;
      found[decoder.decode(this.#bytes.subarray(at + 1, nameEnd))] = decoder.decode(
        this.#bytes.subarray(valueStart, valueEnd),
      );
      at = valueEnd;
    }
    return found;
  }
}

function fromBase64(text: string): string {
  try {
    const binary = atob(text);
    // deno-lint-ignore no-control-regex
    if (!/[^\x00-\x7f]/.test(binary)) return binary;
    return decoder.decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
  } catch {
    return "";
  }
}
