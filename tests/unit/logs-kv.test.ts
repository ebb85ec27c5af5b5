// The log in a KV: over memory, over a driver of unstorage, over Deno KV where there is one.
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import memoryDriver from "unstorage/drivers/memory";
import { denoDriver, type DenoKv } from "../../core/storage/deno-kv.ts";
import { kvOver } from "../../core/storage/kv.ts";
import { kvLogs } from "../../core/storage/logs-kv.ts";
import { memoryKV } from "../../core/storage/memory.ts";
import type { KV } from "../../core/storage/ports.ts";
import { noon, row } from "../support/log-row.ts";
import { arrivalsContract, follow } from "../support/logs-contract-arrivals.ts";
import { logsContract } from "../support/logs-contract.ts";

logsContract("KV in memory", {
  open: () => kvLogs(memoryKV()),
  selections: 100,
  late: true,
});
logsContract("KV over a driver of unstorage", {
  open: () => kvLogs(kvOver(memoryDriver(), { base: "sluice:logs:" })),
  selections: 50,
  late: true,
});

type OpenKv = (path: string) => Promise<DenoKv>;
const openKv = (globalThis as { Deno?: { openKv?: OpenKv } }).Deno?.openKv;
if (openKv !== undefined) {
  logsContract("Deno KV", {
    async open() {
      const kv = await openKv(":memory:");
      const logs = kvLogs(kvOver(denoDriver(kv), { base: "sluice:logs:" }));
      return { ...logs, close: () => Promise.resolve(kv.close()) };
    },
    selections: 50,
    late: true,
  });
}

describe("arrivals of kvLogs", () => {
  let time = noon;
  const tick = 16_000;
  const logs = kvLogs(memoryKV(), { now: () => time += tick });
  arrivalsContract(() => logs);

  it("show once nothing can come in front of them any more", async () => {
    let time = noon;
    const kv = memoryKV();
    const logs = kvLogs(kv, { now: () => time });
    const other = kvLogs(kv, { now: () => time - 3_000 }); // its clock is late
    await logs.append([{ row: row("1") }]);
    time += 5_000;
    assert.deepEqual((await follow(logs)).ids, []);
    await other.append([{ row: row("2") }]);
    time += 11_000;
    const { ids, place } = await follow(logs);
    assert.deepEqual(ids, ["1"]);
    time += 10_000;
    assert.deepEqual((await follow(logs, place)).ids, ["2"]);
  });
});

describe("kvLogs", () => {
  const body = { bytes: new Uint8Array(1000), complete: true };
  const all = { offset: 0, limit: 1000 };

  it("leaves nothing behind of what is deleted", async () => {
    const kv = memoryKV();
    const logs = kvLogs(kv);
    for (let batch = 0; batch < 3; batch++) {
      await logs.append(Array.from({ length: 100 }, (_, i) => ({
        row: row(`${batch}-${i}`, { created_at: noon + i }),
        request: body,
        response: body,
      })));
    }
    await logs.patch("default", "1-5", { feedback: 1 });
    await logs.delete({}, 150);
    assert.equal((await logs.payload("default", "1-99", "request"))?.bytes.length, 1000);
    await logs.delete({}, 1000);
    for (const prefix of ["log-rows:", "log-bodies:"]) {
      assert.deepEqual(await kv.keys(prefix), []);
    }
  });

  it("takes the bytes of deleted bodies out of what others are packed with", async () => {
    const kv = memoryKV();
    const logs = kvLogs(kv);
    await logs.append([
      { row: row("a"), request: { bytes: Uint8Array.of(1, 1, 1), complete: true } },
      { row: row("b"), request: { bytes: Uint8Array.of(2, 2), complete: true } },
    ]);
    await logs.delete({ filters: [{ key: "id", operator: "eq", value: ["a"] }] }, 1);
    const [key, ...others] = await kv.keys("log-bodies:");
    assert.deepEqual(others, []);
    assert.deepEqual([...(await kv.getBytes(key!))!], [2, 2]);
  });

  it("holds about as many rows as it may, the last that came", async () => {
    const logs = kvLogs(memoryKV(), { maxRows: 100 });
    for (let i = 0; i < 50; i++) {
      await logs.append([0, 1, 2, 3, 4, 5, 6].map((n) => ({ row: row(`${i}-${n}`) })));
      assert.ok(await logs.count({}) <= 100);
    }
    assert.ok(await logs.count({}) >= 80);
    assert.notEqual(await logs.get("default", "49-6"), undefined);
    assert.equal(await logs.get("default", "0-0"), undefined);
  });

  it("shows a batch whole or not at all, and takes it again after a failure", async () => {
    const kv = memoryKV();
    let left = 0;
    const failing: KV = {
      ...kv,
      set: (...given) => left-- > 0 ? kv.set(...given) : Promise.reject(new Error("away")),
      setBytes: (...given) =>
        left-- > 0 ? kv.setBytes(...given) : Promise.reject(new Error("away")),
    };
    const large = { bytes: new Uint8Array(50_000), complete: true };
    const entries = ["a", "b", "c"].map((id) => ({ row: row(id), request: large }));
    const logs = kvLogs(failing);
    for (let allowed = 0; allowed < 4; allowed++) {
      left = allowed;
      await assert.rejects(logs.append(entries), /away/);
      assert.equal(await logs.count({}), 0);
    }
    left = 4;
    await logs.append(entries);
    assert.equal(await logs.count({}), 3);
  });

  it("cleans up after a process that was killed in between", async () => {
    const kv = memoryKV();
    let at = noon;
    const killed = { ...kv, set: () => Promise.reject(new Error("killed")) };
    const lost = [{ row: row("a"), request: body }];
    await assert.rejects(kvLogs(killed, { now: () => at }).append(lost));
    const bodies = async () => (await kv.keys("log-bodies:")).length;
    await kvLogs(kv, { now: () => at }).append([{ row: row("b"), request: body }]);
    assert.equal(await bodies(), 2);
    at += 3_600_001;
    await kvLogs(kv, { now: () => at }).append([{ row: row("c"), request: body }]);
    assert.equal(await bodies(), 2);
    assert.equal((await kvLogs(kv).payload("default", "b", "request"))?.bytes.length, 1000);
  });

  it("is one log for several processes", async () => {
    const kv = memoryKV();
    const [one, other] = [kvLogs(kv), kvLogs(kv)];
    await one.append([{ row: row("a") }]);
    assert.equal(await other.count({}), 1);
    await Promise.all(Array.from({ length: 20 }, (_, i) => {
      return (i % 2 === 0 ? one : other).append([{ row: row(`r${i}`), request: body }]);
    }));
    await other.append([{ row: row("a", { model: "second" }) }]);
    assert.equal(await one.count({}), 21);
    assert.equal((await one.get("default", "a"))?.model, "openai/gpt-4o-mini");
    await other.patch("default", "r7", { score: 3 });
    assert.equal((await one.get("default", "r7"))?.score, 3);
    await one.delete({}, 100);
    assert.deepEqual(await other.list({}, all), []);
  });

  it("looks past what is not its own", async () => {
    const kv = memoryKV();
    const logs = kvLogs(kv);
    await logs.append([{ row: row("a") }]);
    await kv.set("log-rows:x", 1);
    await kv.set("log-rows:x.0.1", 1);
    await kv.set("log-rows:y.0.1", { rows: 1 });
    assert.equal(await logs.count({}), 1);
  });
});
