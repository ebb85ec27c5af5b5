/**
 * Messages of Amazon's event stream, written. (smithy.io, "Amazon Event Stream Specification"; spec 3.1.)
 *
 * @module
 */

const encoder = new TextEncoder();

/** Of one kind and type, whose headers are written once. */
export class AwsMessages {
  readonly #head: Uint8Array;

  /**
   * @param kind `:message-type`
   * @param type `:event-type` or `:exception-type`, ASCII.
   */
  constructor(kind: "event" | "exception", type: string) {
    const headers = [
      ...stringHeader(`:${kind}-type`, type),
      ...stringHeader(":content-type", "application/json"),
      ...stringHeader(":message-type", kind),
    ];
    this.#head = new Uint8Array(12 + headers.length);
    this.#head.set(headers, 12);
    setUint32(this.#head, 4, headers.length);
  }

  /** The message with its checksums. */
  write(payload: unknown): Uint8Array {
    const text = JSON.stringify(payload);
    const start = this.#head.length;
    let message = new Uint8Array(start + text.length + 4);
    // Nearly always a character is a byte, and an event is short.
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code > 0x7f) {
        const body = encoder.encode(text);
        message = new Uint8Array(start + body.length + 4);
        message.set(body, start);
        break;
      }
      message[start + at] = code;
    }
    message.set(this.#head);
    const { length } = message;
    setUint32(message, 0, length);
    setUint32(message, 8, crc32(message, 8));
    setUint32(message, length - 4, crc32(message, length - 4));
    return message;
  }
}

function setUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function stringHeader(name: string, value: string): number[] {
  const string = 7;
  return [
    name.length,
    ...encoder.encode(name),
    string,
    value.length >> 8,
    value.length & 255,
    ...encoder.encode(value),
  ];
}

const table = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  table[byte] = crc;
}

/** IEEE CRC-32 of the bytes in between. */
export function crc32(bytes: Uint8Array, end: number, start = 0): number {
  let crc = -1;
  for (let at = start; at < end; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}
