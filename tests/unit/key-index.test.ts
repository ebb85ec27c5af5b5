/** Stored provider keys, from memory. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { KeyIndex } from "../../core/auth/key-index.ts";
import type { ProviderKeys } from "../../core/auth/provider-keys.ts";

describe("the index of stored keys", () => {
  it("lets nobody wait for a store that has failed and is silent now", async () => {
    let at = 1_000_000;
    let revision = (): Promise<string> => Promise.resolve("1");
    const stored = {
      onChange() {},
      revision: () => revision(),
      load: () => Promise.resolve(new Map()),
    } as unknown as ProviderKeys;
    const index = new KeyIndex({ stored, now: () => at, immediate: false });
    const work: Promise<unknown>[] = [];
    const ask = () => index.of("default", (each) => work.push(each));
    const table = await ask();

    at += 3000;
    revision = () => Promise.reject(new Error("away"));
    assert.equal(ask(), table);
    await Promise.all(work);
    revision = () => new Promise(() => {});
    for (let i = 0; i < 3; i++) {
      at += 10_000;
      assert.equal(ask(), table, "Not a promise");
    }
  });

  it("asks first where the last answer is old and nothing has failed", async () => {
    let at = 1_000_000;
    const stored = {
      onChange() {},
      revision: () => Promise.resolve(String(at)),
      load: () => Promise.resolve(new Map([["openai", new Map()]])),
    } as unknown as ProviderKeys;
    const index = new KeyIndex({ stored, now: () => at, immediate: false });
    const first = await index.of("default", () => {});
    at += 6000;
    const second = index.of("default", () => {});
    assert.ok(second instanceof Promise);
    assert.notEqual(await second, first);
  });
});
