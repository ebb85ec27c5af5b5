/**
 * One message of Amazon's event stream, written: an exception. (smithy.io, "Amazon Event Stream
 * Specification"; providers.md 3.1.)
 *
 * @module
 */

const encoder = new TextEncoder();

/** The message with its checksums. */
export function awsException(type: string, payload: unknown): Uint8Array {
  const headers = [
    ...stringHeader(":exception-type", type),
    ...stringHeader(":content-type", "application/json"),
    ...stringHeader(":message-type", "exception"),
  ];
  const body = encoder.encode(JSON.stringify(payload));
  const length = 12 + headers.length + body.length + 4;
  const message = new Uint8Array(length);
  const view = new DataView(message.buffer);
  view.setUint32(0, length);
  view.setUint32(4, headers.length);
  view.setUint32(8, crc32(message.subarray(0, 8)));
  message.set(headers, 12);
  message.set(body, 12 + headers.length);
  view.setUint32(length - 4, crc32(message.subarray(0, length - 4)));
  return message;
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

/** IEEE CRC-32, bit by bit: it runs once for a stream that broke. */
function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
