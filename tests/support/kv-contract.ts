// What every KV does, whatever stands behind it.
import { strict as assert } from "node:assert";
import { after, before, beforeEach, describe, it } from "node:test";
import type { Json, KV } from "../../core/storage/ports.ts";

/** A clock that a test moves. */
export class Clock {
  /** Not before the real time: a store with a clock of its own must not have dropped anything. */
  at: number = Date.now();
  now = (): number => this.at;
  pass(milliseconds: number): void {
    this.at += milliseconds;
  }
}

export interface KVContract {
  /** Opens a KV that uses the clock; what it holds is cleared by the tests. */
  open(clock: Clock): KV | Promise<KV>;
  skip?: string | false;
  /** Most bytes of a value that must go in; 1 MiB unless given. */
  size?: number;
  /** Keys are paths of files: none can be the beginning of another. */
  files?: boolean;
}

export function kvContract(
  name: string,
  { open, skip = false, size = 2 ** 20, files = false }: KVContract,
): void {
  describe(`KV: ${name}`, { skip }, () => {
    let kv: KV;
    let clock: Clock;
    before(async () => {
      clock = new Clock();
      kv = await open(clock);
    });
    beforeEach(async () => {
      await some(await kv.keys("contract:"), (key) => kv.delete(key));
    });
    after(async () => await kv?.close());

    const values: [string, Json][] = [
      ["a text", "text"],
      ["a text that looks like a number", "123"],
      ["a text that looks like a truth", "true"],
      ["a text that looks like JSON", '{"a":1}'],
      ["an empty text", ""],
      ["text of all kinds", '\u0000 ä 漢 😀 | \n " \\ \u2028'],
      ["a number", 12.5],
      ["zero", 0],
      ["a truth", false],
      ["null", null],
      ["a list", [1, "2", null, [true]]],
      ["an object", { a: { b: ["c"] }, n: 1e21 }],
      ["an object with a hostile name", JSON.parse('{"__proto__":{"x":1},"constructor":2}')],
    ];
    for (const [what, value] of values) {
      it(`gives back ${what} as it was`, async () => {
        await kv.set("contract:value", value);
        assert.deepEqual(await kv.get("contract:value"), value);
      });
    }

    it("gives back bytes as they were, with none and with all 256 values", async () => {
      for (const bytes of [new Uint8Array(), Uint8Array.from({ length: 256 }, (_, i) => i)]) {
        await kv.setBytes("contract:bytes", bytes);
        assert.deepEqual(new Uint8Array((await kv.getBytes("contract:bytes"))!), bytes);
      }
    });

    it("takes a window of a larger buffer as the bytes that it shows", async () => {
      const window = Uint8Array.from([9, 9, 1, 2, 3, 9]).subarray(2, 5);
      await kv.setBytes("contract:window", window);
      assert.deepEqual([...(await kv.getBytes("contract:window"))!], [1, 2, 3]);
    });

    it(`takes ${size} bytes`, async () => {
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31) >> 3);
      await kv.setBytes("contract:large", bytes);
      const found = (await kv.getBytes("contract:large"))!;
      assert.equal(found.length, size);
      assert.ok(found.every((byte, i) => byte === bytes[i]), "the bytes differ");
      const text = "ä".repeat(size / 4);
      await kv.set("contract:large", text);
      assert.ok(await kv.get("contract:large") === text, "the text differs");
    });

    it("keeps what it was given, not what became of it", async () => {
      const bytes = Uint8Array.of(1, 2);
      const value = { list: [1] };
      await kv.setBytes("contract:own-bytes", bytes);
      await kv.set("contract:own", value);
      bytes[0] = 9;
      value.list.push(2);
      assert.deepEqual([...(await kv.getBytes("contract:own-bytes"))!], [1, 2]);
      const found = await kv.get("contract:own") as { list: number[] };
      assert.deepEqual(found, { list: [1] });
      found.list.push(3);
      (await kv.getBytes("contract:own-bytes"))![0] = 9;
      assert.deepEqual([...(await kv.getBytes("contract:own-bytes"))!], [1, 2]);
      assert.deepEqual(await kv.get("contract:own"), { list: [1] });
    });

    it("has nothing where nothing was set or all was deleted", async () => {
      assert.equal(await kv.get("contract:none"), undefined);
      assert.equal(await kv.getBytes("contract:none"), undefined);
      await kv.delete("contract:none");
      await kv.set("contract:some", 1);
      await kv.delete("contract:some");
      assert.equal(await kv.get("contract:some"), undefined);
      assert.deepEqual(await kv.keys("contract:"), []);
    });

    it("keeps JSON and bytes apart", async () => {
      await kv.set("contract:json", "text");
      await kv.setBytes("contract:bytes", new TextEncoder().encode("j0,1|1"));
      assert.equal(await kv.getBytes("contract:json"), undefined);
      assert.equal(await kv.get("contract:bytes"), undefined);
    });

    it("writes over what is there, and over its expiry", async () => {
      await kv.set("contract:over", 1, 60);
      await kv.set("contract:over", 2);
      clock.pass(61_000);
      assert.equal(await kv.get("contract:over"), 2);
      await kv.setBytes("contract:over", Uint8Array.of(3));
      assert.deepEqual([...(await kv.getBytes("contract:over"))!], [3]);
    });

    it("has a value until its time to live is over", async () => {
      await kv.set("contract:ttl", "x", 90);
      await kv.setBytes("contract:ttl-bytes", Uint8Array.of(1), 90.5);
      clock.pass(89_999);
      assert.equal(await kv.get("contract:ttl"), "x");
      clock.pass(1);
      assert.equal(await kv.get("contract:ttl"), undefined);
      assert.deepEqual([...(await kv.getBytes("contract:ttl-bytes"))!], [1]);
      clock.pass(500);
      assert.equal(await kv.getBytes("contract:ttl-bytes"), undefined);
    });

    it("takes a time to live of any length", async () => {
      for (const ttl of [0.001, 1e9, 1e18, Number.MAX_VALUE, Infinity]) {
        await kv.set("contract:any", ttl > 1 ? "kept" : "short", ttl);
        if (ttl > 1) assert.equal(await kv.get("contract:any"), "kept");
      }
      for (const ttl of [0, -1, -Infinity]) {
        await kv.set("contract:any", "kept");
        await kv.set("contract:any", "gone", ttl);
        assert.equal(await kv.get("contract:any"), undefined);
      }
      await assert.rejects(kv.set("contract:any", 1, NaN), TypeError);
    });

    it("lists the keys below a prefix, whole segments only", async () => {
      const keys = ["contract:a:1", "contract:a:2", "contract:ab:1", "contract:b"];
      if (!files) keys.push("contract:a");
      for (const key of keys) await kv.set(key, 1);
      assert.deepEqual((await kv.keys("contract:a:")).sort(), ["contract:a:1", "contract:a:2"]);
      assert.deepEqual((await kv.keys("contract:")).sort(), [...keys].sort());
      assert.deepEqual(await kv.keys("contract:none:"), []);
    });

    it("lists more keys than one page of a store holds", async () => {
      const keys = Array.from({ length: 1100 }, (_, i) => `contract:many:${i}`);
      await some(keys, (key) => kv.set(key, 1));
      assert.deepEqual((await kv.keys("contract:many:")).sort(), [...keys].sort());
    });

    it("tells keys apart that differ in one character, pattern characters included", async () => {
      const keys = ["contract:x.y", "contract:x-y", "contract:x_y", "contract:x", "contract:xy"];
      for (const key of keys) await kv.set(key, key);
      for (const key of keys) assert.equal(await kv.get(key), key);
    });

    it("refuses keys that some driver would change or misread", async () => {
      const wrong = [
        ...["", ":", "a:", ":a", "a::b", "A", "a/b", "a\\b", "a?b", "a#b", "a b", "ä", "a%2fb"],
        ...[".", "..", "a:..:b", "a:.", "*", "a\n", "a".repeat(513)],
      ];
      for (const key of wrong) {
        const calls = [
          () => kv.get(key),
          () => kv.set(key, 1),
          () => kv.getBytes(key),
          () => kv.setBytes(key, new Uint8Array()),
          () => kv.delete(key),
        ];
        for (const call of calls) await assert.rejects(call, TypeError, JSON.stringify(key));
      }
      await assert.rejects(kv.keys("contract"), TypeError);
      await assert.rejects(kv.keys(""), TypeError);
      await assert.rejects(kv.set("contract:u", undefined as unknown as Json), TypeError);
    });
  });
}

/** All of it, some at a time. */
async function some(keys: string[], work: (key: string) => Promise<void>): Promise<void> {
  for (let at = 0; at < keys.length; at += 50) {
    await Promise.all(keys.slice(at, at + 50).map(work));
  }
}
