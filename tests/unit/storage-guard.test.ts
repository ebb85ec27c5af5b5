// Time limits and health around stores.
import { strict as assert } from "node:assert";
import { beforeEach, describe, it } from "node:test";
import { guardStores, healthOf, StoreError } from "../../core/storage/guard.ts";
import { memoryCounters, memoryKV } from "../../core/storage/memory.ts";
import type { KV, Logs, Stores } from "../../core/storage/ports.ts";

describe("guardStores", () => {
  let calls: number;
  /** What the store does with a call. */
  let answer: () => Promise<undefined>;
  let at: number;
  let reports: string[];
  let stores: Stores;
  let cache: KV;

  const coded = (code: string) => Object.assign(new Error("secret"), { code });
  const failing = (code = "ECONNREFUSED") => () => Promise.reject(coded(code));
  const codeOf = (call: Promise<unknown>) =>
    call.then(() => assert.fail("It did not fail"), (error) => {
      assert.ok(error instanceof StoreError, String(error));
      return error.code;
    });
  async function bringDown(): Promise<void> {
    answer = failing();
    for (let i = 0; i < 5; i++) assert.equal(await codeOf(cache.get("a")), "ECONNREFUSED");
  }

  beforeEach(() => {
    calls = 0;
    answer = () => Promise.resolve(undefined);
    at = 1000;
    reports = [];
    const get = () => {
      calls++;
      return answer();
    };
    const shaky = { ...memoryKV(), driver: "shaky", get };
    stores = guardStores({
      keys: shaky,
      cache: shaky,
      counters: memoryCounters(),
      logs: { driver: "none", close: () => Promise.resolve() } as Logs,
    }, {
      now: () => at,
      clock: () => at,
      report: (message) => reports.push(message),
      timeoutMs: { cache: 50 },
    });
    ({ cache } = stores);
  });

  it("hands through what a store answers, and keeps its name", async () => {
    await stores.cache.set("b", 1);
    assert.equal(await stores.counters.shared, false);
    const { added } = await stores.counters.add("a", 1, { slots: 1, slotMs: 1000 }, 1, 0);
    assert.equal(added, true);
    assert.equal(stores.counters.driver, "memory");
    assert.equal(healthOf(stores).counters.calls, 1);
    assert.deepEqual(healthOf(stores).cache, {
      driver: "shaky",
      up: true,
      since: 1000,
      error: null,
      failures: 0,
      calls: 1,
      lastMs: 0,
    });
  });

  it("says which store failed and why, without what its driver says", async () => {
    answer = failing("SQLITE_FULL");
    await assert.rejects(cache.get("a"), (error: StoreError) => {
      assert.equal(error.store, "cache");
      assert.equal(error.code, "SQLITE_FULL");
      assert.doesNotMatch(error.message, /secret/);
      assert.equal((error.cause as Error).message, "secret");
      return true;
    });
    assert.equal(healthOf(stores).cache.error, "SQLITE_FULL");
    answer = () => Promise.reject(new Error("a password: database or disk is full"));
    assert.equal(await codeOf(cache.get("a")), "SQLITE_FULL");
    answer = () => Promise.reject("text");
    assert.equal(await codeOf(cache.get("a")), "failed");
    answer = () => {
      throw new RangeError("at once");
    };
    assert.equal(await codeOf(cache.get("a")), "RangeError");
  });

  it("ends a call that takes too long, whatever becomes of it", async () => {
    const late = Promise.withResolvers<undefined>();
    answer = () => late.promise;
    const ended = codeOf(cache.get("a"));
    at += 50;
    assert.equal(await ended, "timeout");
    late.reject(coded("LATE"));
    await late.promise.catch(() => {});
    assert.deepEqual(
      [healthOf(stores).cache.error, healthOf(stores).cache.failures],
      ["timeout", 1],
    );
  });

  it("leaves the others alone when one call is over its time", async () => {
    answer = () => new Promise(() => {});
    const first = codeOf(cache.get("a"));
    at += 30;
    const later = Promise.withResolvers<undefined>();
    answer = () => later.promise;
    const second = cache.get("a");
    at += 20;
    assert.equal(await first, "timeout");
    later.resolve(undefined);
    assert.equal(await second, undefined);
  });

  it("stops asking a store that fails again and again, but for one call a second", async () => {
    await bringDown();
    assert.deepEqual([healthOf(stores).cache.up, healthOf(stores).cache.since], [false, 1000]);
    for (let i = 0; i < 10; i++) assert.equal(await codeOf(cache.get("a")), "down");
    assert.equal(calls, 5);
    at += 1000;
    const probes = Array.from({ length: 3 }, () => codeOf(cache.get("a")));
    assert.deepEqual(await Promise.all(probes), ["ECONNREFUSED", "down", "down"]);
    assert.equal(calls, 6);
    assert.equal(healthOf(stores).cache.failures, 6);
  });

  it("works again after one call went well", async () => {
    await bringDown();
    answer = () => Promise.resolve(undefined);
    at += 7000;
    assert.equal(await cache.get("a"), undefined);
    assert.equal(await cache.get("a"), undefined);
    const { up, since, error } = healthOf(stores).cache;
    assert.deepEqual({ up, since, error }, { up: true, since: 8000, error: null });
  });

  it("does not call a store down that answers in between", async () => {
    for (let i = 0; i < 20; i++) {
      answer = i % 5 === 4 ? () => Promise.resolve(undefined) : failing();
      await cache.get("a").catch(() => {});
    }
    assert.equal(healthOf(stores).cache.up, true);
    assert.deepEqual(reports, []);
  });

  it("reports a driver once when it goes down and once when it is back", async () => {
    await bringDown();
    for (let i = 0; i < 6; i++) await codeOf(stores.keys.get("a"));
    assert.equal(reports.length, 1);
    assert.match(reports[0]!, /cache \(shaky\).*ECONNREFUSED/);
    at += 60_000;
    answer = () => Promise.resolve(undefined);
    await cache.get("a");
    await stores.keys.get("a");
    assert.equal(reports.length, 2);
    assert.match(reports[1]!, /shaky.*back after 60 s/);
  });

  it("does not blame a store for a key that none could take", async () => {
    const { keys } = guardStores({ ...stores, keys: { ...memoryKV(), driver: "other" } });
    for (let i = 0; i < 10; i++) await assert.rejects(keys.get("A/b?"), TypeError);
    assert.equal(await keys.get("a"), undefined);
  });

  it("guards once", () => assert.equal(guardStores(stores), stores));
});
