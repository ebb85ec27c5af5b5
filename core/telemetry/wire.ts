/**
 * Messages in Protocol Buffers' wire format: pbf, and what OTLP needs beside it.
 *
 * @module
 */
import { PbfWriter } from "pbf";

/** Values of hex digits, by their character. */
const digits = new Uint8Array(128);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  digits[digit.charCodeAt(0)] = digits[digit.toUpperCase().charCodeAt(0)] = value;
}

/** A message within another. */
export type Message = PbfWriter;

/** A message that is being written. */
export class Wire extends PbfWriter {
  constructor(size = 1024) {
    super(new Uint8Array(size));
  }

  /** Fields that are written already. */
  raw(bytes: Uint8Array): void {
    this.realloc(bytes.length);
    this.buf.set(bytes, this.pos);
    this.pos += bytes.length;
  }

  /** Hex digits as the bytes that they stand for. */
  hex(field: number, text: string): void {
    const size = text.length >> 1;
    this.writeTag(field, 2);
    this.writeVarint(size);
    this.realloc(size);
    const { buf } = this;
    for (let i = 0; i < 2 * size; i += 2) {
      buf[this.pos++] = digits[text.charCodeAt(i) & 127]! << 4 |
        digits[text.charCodeAt(i + 1) & 127]!;
    }
  }

  /** A message within. */
  nested(field: number, write: () => void): void {
    this.writeMessage(field, write, undefined);
  }

  /** Begins a message within whose end comes in another call; gives back what {@link close} takes. */
  open(field: number): number {
    this.writeTag(field, 2);
    this.realloc(2);
    this.pos += 2; // its length, most likely
    return this.pos;
  }

  /** Ends it. */
  close(start: number): void {
    const end = this.pos;
    const length = end - start;
    const moved = start - 2 + varintSize(length);
    if (moved !== start) {
      this.realloc(8);
      this.buf.copyWithin(moved, start, end);
    }
    this.pos = start - 2;
    this.writeVarint(length);
    this.pos = moved + length;
  }

  /** A copy of what was written. */
  written(): Uint8Array<ArrayBuffer> {
    return this.buf.slice(0, this.pos) as Uint8Array<ArrayBuffer>;
  }
}

/** Bytes of a number as varint. */
export function varintSize(value: number): number {
  let size = 1;
  while (value > 127) {
    value = Math.floor(value / 128);
    size++;
  }
  return size;
}
