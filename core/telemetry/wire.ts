/**
 * Protocol Buffers' wire format, as far as OTLP needs it: a buffer that grows, and is written from front
 * to end.
 *
 * @module
 */

const encoder = new TextEncoder();
/** Characters of texts that are cheaper to write one by one. */
const longestShort = 256;
/** Values of hex digits, by their character. */
const digits = new Uint8Array(128);
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16);
  digits[digit.charCodeAt(0)] = digits[digit.toUpperCase().charCodeAt(0)] = value;
}
const double = new DataView(new ArrayBuffer(8));

/** Bytes of a text in UTF-8. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
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

/** A message that is being written. */
export class Wire {
  bytes: Uint8Array<ArrayBuffer>;
  /** Where the next byte goes. */
  at = 0;

  constructor(size = 1024) {
    this.bytes = new Uint8Array(size);
  }

  /** Makes room for so many bytes. */
  room(size: number): void {
    if (this.at + size <= this.bytes.length) return;
    const more = new Uint8Array(Math.max(this.bytes.length * 2, this.at + size));
    more.set(this.bytes.subarray(0, this.at));
    this.bytes = more;
  }

  byte(value: number): void {
    if (this.at === this.bytes.length) this.room(1);
    this.bytes[this.at++] = value;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    this.room(8);
    while (value > 127) {
      this.bytes[this.at++] = (value % 128) | 128;
      value = Math.floor(value / 128);
    }
    this.bytes[this.at++] = value;
  }

  raw(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** A short text and its length before it, if it is one of ASCII; false, and nothing written, if not. */
  ascii(text: string): boolean {
    const { length } = text;
    if (length > longestShort) return false;
    this.room(length + 2);
    const { bytes } = this;
    let at = this.at + (length > 127 ? 2 : 1);
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      bytes[at++] = code;
    }
    this.varint(length);
    this.at = at;
    return true;
  }

  /** Hex digits as the bytes that they stand for. */
  hex(text: string): void {
    this.room(text.length >> 1);
    const { bytes } = this;
    let { at } = this;
    for (let i = 0; i + 1 < text.length; i += 2) {
      bytes[at++] = digits[text.charCodeAt(i) & 127]! << 4 | digits[text.charCodeAt(i + 1) & 127]!;
    }
    this.at = at;
  }

  /** 64 bits, little-endian; whole numbers beyond 2^53 as exact as a number is. */
  fixed64(value: number): void {
    const high = Math.floor(value / 2 ** 32);
    this.#word(value - high * 2 ** 32);
    this.#word(high);
  }

  fixed32(value: number): void {
    this.#word(value);
  }

  double(value: number): void {
    double.setFloat64(0, value, true);
    this.#word(double.getUint32(0, true));
    this.#word(double.getUint32(4, true));
  }

  #word(value: number): void {
    this.room(4);
    this.bytes[this.at++] = value & 255;
    this.bytes[this.at++] = value >>> 8 & 255;
    this.bytes[this.at++] = value >>> 16 & 255;
    this.bytes[this.at++] = value >>> 24 & 255;
  }

  /** A field whose content has a length: its tag, the length, the bytes. */
  field(tag: number, content: Uint8Array): void {
    this.byte(tag);
    this.varint(content.length);
    this.raw(content);
  }

  /** The same with a text in it. */
  text(tag: number, text: string): void {
    this.byte(tag);
    if (this.ascii(text)) return;
    const content = utf8(text);
    this.varint(content.length);
    this.raw(content);
  }

  /** Writes what `write` writes as a field with its length, where that is not known before. */
  nested(tag: number, write: () => void): void {
    this.byte(tag);
    const start = this.at;
    this.room(2);
    this.at += 2;
    write();
    this.close(start);
  }

  /** Writes the length of what stands behind `start`, where two bytes were left for it. */
  close(start: number): void {
    const length = this.at - start - 2;
    const size = varintSize(length);
    if (size !== 2) {
      this.room(8);
      this.bytes.copyWithin(start + size, start + 2, this.at);
    }
    this.at = start;
    this.varint(length);
    this.at += length;
  }

  /** A copy of what was written. */
  written(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.at);
  }
}
