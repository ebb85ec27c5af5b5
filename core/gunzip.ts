/**
 * What gzip holds, for readers of bodies that go on compressed.
 *
 * @module
 */
import { joined } from "./tape.ts";

/** The beginning of it, `limit` bytes or a little more; as much as there is when it was cut. */
export async function gunzip(bytes: Uint8Array, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream()
      .pipeThrough(new DecompressionStream("gzip"));
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
