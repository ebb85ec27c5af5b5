// Values and counts in Deno KV. The other runtimes do not have it, so they have no test here.
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { denoCounters, denoDriver, type DenoKv } from "../../core/storage/deno-kv.ts";
import { kvOver } from "../../core/storage/kv.ts";
import { countersContract } from "../support/counters-contract.ts";
import { kvContract } from "../support/kv-contract.ts";

type OpenKv = (path: string) => Promise<DenoKv>;
const open = (globalThis as { Deno?: { openKv?: OpenKv } }).Deno?.openKv;

if (open !== undefined) {
  kvContract("Deno KV", {
    async open({ now }) {
      const kv = await open(":memory:");
      const store = kvOver(denoDriver(kv), { base: "sluice:test:", now });
      return { ...store, close: () => Promise.resolve(kv.close()) };
    },
  });

  countersContract("Deno KV", {
    async open() {
      const kv = await open(":memory:");
      const store = denoCounters(kv, ["sluice", "counters"]);
      return { ...store, close: () => Promise.resolve(kv.close()) };
    },
  });

  describe("Deno KV", () => {
    async function count(kv: DenoKv): Promise<number> {
      let entries = 0;
      for await (const _ of kv.list({ prefix: [] })) entries++;
      return entries;
    }

    it("keeps nothing of a large value that was written over or deleted", async () => {
      const kv = await open(":memory:");
      const store = kvOver(denoDriver(kv));
      const large = new Uint8Array(500_000);
      await store.setBytes("a", large);
      assert.equal(await count(kv), 10);
      await store.setBytes("a", large);
      assert.equal(await count(kv), 10);
      await store.set("a", "small");
      assert.equal(await count(kv), 1);
      await store.setBytes("a", large);
      await store.delete("a");
      assert.equal(await count(kv), 0);
      kv.close();
    });

    it("is one value or the other when several write a large one at once", async () => {
      const kv = await open(":memory:");
      const stores = Array.from({ length: 4 }, () => kvOver(denoDriver(kv)));
      await Promise.all(
        stores.map((store, i) => store.setBytes("a", new Uint8Array(150_000).fill(i))),
      );
      const found = (await stores[0]!.getBytes("a"))!;
      assert.equal(found.length, 150_000);
      assert.ok(found.every((byte) => byte === found[0]));
      assert.equal(await count(kv), 4);
      kv.close();
    });

    it("is nothing when a part of a large value is gone", async () => {
      const kv = await open(":memory:");
      const store = kvOver(denoDriver(kv));
      await store.setBytes("a", new Uint8Array(150_000));
      for await (const { key } of kv.list({ prefix: ["sluice-parts"] })) {
        if (key.at(-1) === 1) await kv.atomic().delete(key).commit();
      }
      assert.equal(await store.getBytes("a"), undefined);
      kv.close();
    });

    it("lets exactly the limit in when several write to one count", async () => {
      const kv = await open(":memory:");
      const counters = Array.from({ length: 4 }, () => denoCounters(kv, ["c"]));
      const calls = Array.from(
        { length: 200 },
        (_, i) => counters[i % 4]!.add("a", 1, { slots: 1, slotMs: 1000 }, 77, 0),
      );
      const found = await Promise.all(calls);
      assert.equal(found.filter(({ added }) => added).length, 77);
      kv.close();
    });
  });
}
