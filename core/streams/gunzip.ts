/**
 * What gzip holds, for readers of bodies that go on compressed.
 *
 * @module
 */
import { joined } from "./tape.ts";

/**
 * Bytes that are unpacked at a time. They may become a thousand times as many, and some runtimes make all
 * of that before anybody can say that it is enough.
 */
const slice = 1024;

/** The beginning of it, `limit` bytes or a little more; as much as there is when it was cut. */
export async function gunzip(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    let at = 0;
    const packed = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        if (at < bytes.byteLength) controller.enqueue(bytes.slice(at, at += slice));
        else controller.close();
      },
    }, { highWaterMark: 0 });
    const stream = packed.pipeThrough(new DecompressionStream("gzip"));
    for await (const part of stream as unknown as AsyncIterable<Uint8Array>) {
      parts.push(part);
      size += part.byteLength;
      if (size >= limit) break;
    }
  } catch {
    // Cut: what came out so far is what there is.
  }
  return joined(parts, size);
}
