// Writes AWS's event stream encoding (smithy.io, "Amazon Event Stream Specification").
import { crc32 } from "node:zlib";

/** One message, whose headers are strings. */
export function awsFrame(headers: Record<string, string>, payload: string): Buffer {
  const head = Buffer.concat(
    Object.entries(headers).map(([name, value]) => {
      const bytes = Buffer.from(value);
      const part = Buffer.alloc(name.length + 4 + bytes.length);
      part[0] = name.length;
      part.write(name, 1);
      part[name.length + 1] = 7;
      part.writeUInt16BE(bytes.length, name.length + 2);
      bytes.copy(part, name.length + 4);
      return part;
    }),
  );
  const body = Buffer.from(payload);
  const whole = Buffer.alloc(16 + head.length + body.length);
  whole.writeUInt32BE(whole.length, 0);
  whole.writeUInt32BE(head.length, 4);
  whole.writeUInt32BE(crc32(whole.subarray(0, 8)), 8);
  head.copy(whole, 12);
  body.copy(whole, 12 + head.length);
  whole.writeUInt32BE(crc32(whole.subarray(0, -4)), whole.length - 4);
  return whole;
}
