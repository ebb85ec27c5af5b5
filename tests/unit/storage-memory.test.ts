// Stores in memory, and the KV over drivers that do little themselves.
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import fsDriver from "unstorage/drivers/fs-lite";
import memoryDriver from "unstorage/drivers/memory";
import { kvOver } from "../../core/storage/kv.ts";
import { memoryCounters, memoryKV } from "../../core/storage/memory.ts";
import { countersContract } from "../support/counters-contract.ts";
import { kvContract } from "../support/kv-contract.ts";

kvContract("memory", { open: ({ now }) => memoryKV({ now }) });
kvContract("unstorage's memory driver", { open: ({ now }) => kvOver(memoryDriver(), { now }) });
kvContract("unstorage's fs-lite driver", {
  files: true,
  open({ now }) {
    const base = mkdtempSync(join(tmpdir(), "sluice-fs-"));
    const kv = kvOver(fsDriver({ base }), { now });
    return {
      ...kv,
      async close() {
        await kv.close();
        rmSync(base, { recursive: true, force: true });
      },
    };
  },
});
kvContract("a driver that keeps text and parses it", {
  open({ now }) {
    const { setItemRaw: _set, getItemRaw: _get, ...driver } = memoryDriver();
    const guess = (text: unknown) => {
      try {
        return JSON.parse(String(text));
      } catch {
        return text;
      }
    };
    return kvOver({ ...driver, getItem: (key) => guess(driver.getItem(key)) }, { now });
  },
});
countersContract("memory", { open: () => memoryCounters() });

describe("memoryKV", () => {
  const bytes = (length: number) => new Uint8Array(length);

  it("lets go of what was not used for longest when it is full", async () => {
    const kv = memoryKV({ maxBytes: 10_000 });
    await kv.setBytes("a", bytes(4000));
    await kv.setBytes("b", bytes(4000));
    await kv.getBytes("a");
    await kv.setBytes("c", bytes(4000));
    assert.equal(await kv.getBytes("b"), undefined);
    assert.equal((await kv.getBytes("a"))?.length, 4000);
    assert.equal((await kv.getBytes("c"))?.length, 4000);
  });

  it("does not keep a value that is over its bound, nor what it replaces", async () => {
    const kv = memoryKV({ maxBytes: 10_000 });
    await kv.setBytes("a", bytes(100));
    await kv.setBytes("b", bytes(100));
    await kv.setBytes("a", bytes(20_000));
    assert.equal(await kv.getBytes("a"), undefined);
    assert.equal((await kv.getBytes("b"))?.length, 100);
  });

  it("holds as many values as it may", async () => {
    const kv = memoryKV({ maxEntries: 10 });
    for (let i = 0; i < 100; i++) await kv.set(`n:${i}`, i);
    assert.deepEqual((await kv.keys("n:")).length, 10);
    assert.equal(await kv.get("n:99"), 99);
  });

  it("counts what it holds right, however often it is written", async () => {
    const kv = memoryKV({ maxBytes: 10_000 });
    for (let i = 0; i < 1000; i++) await kv.setBytes("same", bytes(8000));
    for (let i = 0; i < 1000; i++) {
      await kv.setBytes(`gone:${i}`, bytes(1000));
      await kv.delete(`gone:${i}`);
    }
    await kv.setBytes("small", bytes(10));
    await kv.setBytes("same", bytes(8000));
    assert.equal((await kv.getBytes("small"))?.length, 10);
  });
});

describe("memoryCounters", () => {
  it("forgets first what would expire first when there are too many keys", async () => {
    const counters = memoryCounters({ maxKeys: 100 });
    const day = { slots: 1, slotMs: 86_400_000 };
    await counters.add("budget", 5, day, 10, 0);
    for (let i = 0; i < 1000; i++) {
      await counters.add(`k:${i}`, 1, { slots: 1, slotMs: 60_000 }, 10, 0);
    }
    assert.equal((await counters.add("budget", 0, day, 10, 0)).total, 5);
    assert.equal((await counters.add("k:999", 0, { slots: 1, slotMs: 60_000 }, 10, 0)).total, 1);
    assert.equal((await counters.add("k:0", 0, { slots: 1, slotMs: 60_000 }, 10, 0)).total, 0);
  });
});

describe("kvOver", () => {
  it("tells the driver the time to live in whole seconds, never 0", async () => {
    const seen: unknown[] = [];
    const driver = {
      name: "spy",
      getItem: () => null,
      setItem: (_key: string, _value: string, options: unknown) => void seen.push(options),
      removeItem: () => void seen.push("removed"),
      getKeys: () => [],
    };
    const kv = kvOver(driver, { now: () => 1000 });
    await kv.set("a", 1, 0.2);
    await kv.set("a", 1, 60.1);
    await kv.set("a", 1);
    await kv.set("a", 1, 0);
    assert.deepEqual(seen, [{ ttl: 1 }, { ttl: 61 }, {}, "removed"]);
    assert.equal(kv.driver, "spy");
  });

  it("reads what other programs wrote into the store as nothing", async () => {
    const driver = memoryDriver();
    const kv = kvOver(driver);
    for (
      const value of [
        "",
        "text",
        "j",
        "j|",
        "j0|1",
        "jx,1|1",
        "j-1,1|1",
        "b0,1|x",
        5,
        {},
        [],
        true,
        null,
      ]
    ) {
      driver.setItem!("a", value as string, {});
      assert.equal(await kv.get("a"), undefined, JSON.stringify(value));
      assert.equal(await kv.getBytes("a"), undefined, JSON.stringify(value));
    }
    driver.setItem!("a", "j0,1|{", {});
    assert.equal(await kv.get("a"), undefined);
    driver.setItem!("a", new Uint8Array(4) as unknown as string, {});
    assert.equal(await kv.getBytes("a"), undefined);
  });

  it("reads half a value as nothing", async () => {
    const driver = memoryDriver();
    const kv = kvOver(driver);
    await kv.set("a", 123456);
    const text = String(driver.getItem("a"));
    for (let length = 0; length < text.length; length++) {
      driver.setItem!("a", text.slice(0, length), {});
      assert.equal(await kv.get("a"), undefined, text.slice(0, length));
    }
    await kv.setBytes("a", new Uint8Array(20));
    const bytes = driver.getItem("a") as unknown as Uint8Array;
    for (let length = 0; length < bytes.length; length++) {
      driver.setItemRaw!("a", bytes.slice(0, length), {});
      assert.equal(await kv.getBytes("a"), undefined, `${length}`);
    }
  });

  it("refuses a driver that cannot write", () => {
    assert.throws(
      () => kvOver({ name: "readonly", getItem: () => null, getKeys: () => [] }),
      /readonly/,
    );
  });
});
