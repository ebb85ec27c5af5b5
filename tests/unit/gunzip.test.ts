/** The beginning of what gzip holds, whatever it would become. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { gunzip } from "../../core/streams/gunzip.ts";

async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

describe("gunzip", () => {
  it("unpacks all that there is, up to the limit", async () => {
    const text = "an answer, ".repeat(10_000);
    const packed = await gzip(new TextEncoder().encode(text));
    const read = async (bytes: Uint8Array, limit: number) =>
      new TextDecoder().decode(await gunzip(bytes, limit));
    assert.equal(await read(packed, 1_000_000), text);
    const cut = await read(packed.subarray(0, packed.length - 20), 1_000_000);
    assert.ok(text.startsWith(cut));
    assert.equal(await read(new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3]), 100), "");
  });

  it("stops soon after the limit", async () => {
    const bomb = await gzip(new Uint8Array(100_000_000));
    const { length } = await gunzip(bomb, 100_000);
    assert.ok(length >= 100_000 && length < 4_000_000, `${length} bytes`);
  });
});
