// Keys, cache and counts in a real Redis, which also goes away and comes back.
import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import { guardStores, healthOf } from "../../core/storage/guard.ts";
import { kvOver } from "../../core/storage/kv.ts";
import { memoryKV } from "../../core/storage/memory.ts";
import type { Logs, Stores } from "../../core/storage/ports.ts";
import { redisCounters } from "../../core/storage/redis.ts";
import { openRedis, type Redis } from "../../runtimes/redis.ts";
import { countersContract } from "../support/counters-contract.ts";
import { kvContract } from "../support/kv-contract.ts";
import { freePort, noRedis, startRedis, type TestRedis } from "../support/redis.ts";

let server: TestRedis;
before(async () => {
  if (!noRedis) server = await startRedis();
});
after(() => server?.close());

const closing = <T>(store: T, redis: Redis): T => ({ ...store, close: () => redis.close() });

kvContract("Redis", {
  skip: noRedis,
  async open({ now }) {
    const redis = await openRedis({ url: server.url });
    return closing(kvOver(redis.driver, { base: "sluice:test:", now }), redis);
  },
});

countersContract("Redis", {
  skip: noRedis,
  async open() {
    const redis = await openRedis({ url: server.url });
    return closing(redisCounters(redis, "sluice:test:"), redis);
  },
});

describe("Redis", { skip: noRedis }, () => {
  const span = { slots: 2, slotMs: 1000 };
  const none = { driver: "memory", close: () => Promise.resolve() } as Logs;

  it("expires what has a time to live by itself", async () => {
    const redis = await openRedis({ url: server.url });
    const kv = kvOver(redis.driver, { base: "expiry:" });
    await kv.set("a", 1, 90);
    await kv.setBytes("b", new Uint8Array(1), 90);
    await redisCounters(redis, "expiry:").add("c", 1, span, 1, Date.now());
    const ttl = redis.script("return redis.call('PTTL', KEYS[1])");
    for (const key of ["expiry:a", "expiry:b"]) {
      const left = Number(await ttl(key));
      assert.ok(left > 60_000 && left <= 90_000, `${key}: ${left}`);
    }
    const left = Number(await ttl("expiry:c@1000"));
    assert.ok(left > 1000 && left <= 4000, `${left}`);
    redis.close();
  });

  it("forgets the slots that count no more", async () => {
    const redis = await openRedis({ url: server.url });
    const counters = redisCounters(redis, "slots:");
    for (let i = 0; i < 50; i++) await counters.add("a", 1, span, 100, 1e6 + i * 1000);
    const length = redis.script("return redis.call('HLEN', KEYS[1])");
    assert.ok(Number(await length("slots:a@1000")) <= 4);
    redis.close();
  });

  it("goes on after Redis has forgotten its scripts", async () => {
    const redis = await openRedis({ url: server.url });
    const counters = redisCounters(redis, "flushed:");
    await counters.add("a", 1, span, 2, 0);
    await redis.script("return redis.call('SCRIPT', 'FLUSH')")("any").catch(() => {});
    await server.kill();
    await server.start();
    await eventually(() => counters.add("a", 1, span, 2, 0));
    assert.equal((await counters.add("a", 0, span, 2, 0)).total, 2);
    redis.close();
  });

  it("fails fast while Redis is away, recovers by itself, and has lost nothing", async () => {
    const redis = await openRedis({ url: server.url });
    const reports: string[] = [];
    const stores: Stores = guardStores({
      keys: kvOver(redis.driver, { base: "away:" }),
      cache: memoryKV(),
      counters: redisCounters(redis, "away:"),
      logs: none,
    }, { report: (message) => reports.push(message) });
    await stores.keys.set("a", 1);
    await stores.counters.add("b", 5, { slots: 1, slotMs: 3_600_000 }, 10, 0);
    await server.kill();
    const codes: string[] = [];
    for (let i = 0; i < 500; i++) {
      await stores.keys.get("a").catch(({ code }) => codes.push(code));
    }
    assert.equal(codes.length, 500);
    assert.equal(codes.at(-1), "down");
    assert.ok(!codes.includes("timeout"), "A call was waited for");
    for (let i = 0; i < 10; i++) {
      await stores.counters.add("b", 1, { slots: 1, slotMs: 3_600_000 }, 10, 0).catch(() => {});
    }
    assert.deepEqual([healthOf(stores).keys.up, healthOf(stores).counters.up], [false, false]);
    assert.match(String(healthOf(stores).keys.error), /^[\w]+$/);
    assert.equal(reports.length, 1, reports.join("\n"));

    await server.start();
    assert.equal(await eventually(() => stores.keys.get("a")), 1);
    const { total } = await eventually(() =>
      stores.counters.add("b", 0, { slots: 1, slotMs: 3_600_000 }, 10, 0)
    );
    assert.equal(total, 5);
    assert.equal(healthOf(stores).keys.up, true);
    assert.equal(reports.length, 2, reports.join("\n"));
    redis.close();
  });

  it("ends calls that a hanging Redis does not answer, and sends none of them again", async () => {
    const redis = await openRedis({ url: server.url, socketTimeout: 300 });
    const counters = redisCounters(redis, "hang:");
    const hour = { slots: 1, slotMs: 3_600_000 };
    assert.equal((await counters.add("a", 1, hour, 100, 0)).total, 1);
    server.freeze();
    const calls = await Promise.allSettled(
      Array.from({ length: 5 }, () => counters.add("a", 1, hour, 100, 0)),
    );
    assert.deepEqual(calls.map(({ status }) => status), Array(5).fill("rejected"));
    server.thaw();
    const { total } = await eventually(() => counters.add("a", 0, hour, 100, 0));
    // Redis may have carried them out, once.
    assert.ok(total === 1 || total === 6, `${total}`);
    redis.close();
  });

  it("starts without Redis, and uses it once it is there", async () => {
    const port = await freePort();
    const redis = await openRedis({ url: `redis://127.0.0.1:${port}` });
    assert.equal((redis.away as NodeJS.ErrnoException | undefined)?.code, "ECONNREFUSED");
    const kv = kvOver(redis.driver);
    await assert.rejects(kv.get("a"), { code: "ECONNREFUSED" });
    const late = await startRedis({ port });
    await eventually(() => kv.set("a", 1));
    assert.equal(await kv.get("a"), 1);
    redis.close();
    await late.close();
  });

  it("refuses a wrong password and a database that is not there", async () => {
    const guarded = await startRedis({ password: "right" });
    for (const auth of ["", ":wrong@", "someone:right@"]) {
      const url = guarded.url.replace("//", `//${auth}`);
      await assert.rejects(openRedis({ url }), /NOAUTH|WRONGPASS/, auth);
    }
    await assert.rejects(openRedis({ url: guarded.url.replace("//", "//:right@") + "/99" }), /DB/);
    const redis = await openRedis({ url: guarded.url.replace("//", "//:right@") + "/3" });
    assert.equal(redis.away, undefined);
    redis.close();
    await guarded.close();
  });
});

/** The first answer that is no failure. */
async function eventually<T>(call: () => Promise<T>): Promise<T> {
  const until = performance.now() + 20_000;
  while (true) {
    try {
      return await call();
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
