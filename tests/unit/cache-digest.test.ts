// Answers are found again whoever makes the digests of their keys: the runtime, or the gateway itself.
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { memoryKV } from "../../core/storage/memory.ts";
import { caching, prompt } from "./caching.ts";

const digest = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");

describe("digests of the runtime's own", () => {
  const sizes: [string, number][] = [["short", 5], ["of some length", 10_000], ["long", 100_000]];
  for (const [what, size] of sizes) {
    it(`find what was stored without them, and the other way round: a prompt that is ${what}`, async () => {
      const kv = memoryKV({ now: () => 1_750_000_000_000 });
      const own = caching({ kv });
      const native = caching({ kv, digest });
      const body = (text: string) => ({
        ...prompt,
        messages: [{ role: "user", content: text.padEnd(size, "é") }],
      });
      for (const [first, second, text] of [[own, native, "a"], [native, own, "b"]] as const) {
        assert.equal((await first.ask(body(text))).cache, "MISS");
        await first.gateway.flush();
        assert.equal((await second.ask(body(text))).cache, "HIT");
        assert.equal((await second.ask(body(`${text}x`))).cache, "MISS");
        await second.gateway.flush();
      }
    });
  }
});
