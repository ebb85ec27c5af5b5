/** Units that a process takes ahead of its requests: few calls to the store, and never one too many. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { type Claim, type Limit, Limiter } from "../../core/limits/limiter.ts";
import { Metrics } from "../../core/metrics.ts";
import { memoryCounters } from "../../core/storage/memory.ts";
import type { Counters } from "../../core/storage/ports.ts";

const noon = Date.parse("2026-01-02T12:00:00Z");

/** A store that several processes share, each of whose answers takes some turns. */
class Store {
  readonly counters: Counters;
  calls = 0;
  away = false;

  constructor(turns = 0) {
    const memory = memoryCounters();
    this.counters = {
      ...memory,
      shared: true,
      add: async (...addition) => {
        this.calls++;
        if (this.away) throw new Error("away");
        const found = await memory.add(...addition);
        for (let turn = 0; turn < turns; turn++) await null;
        return found;
      },
    };
  }

  process(): Limiter {
    return new Limiter(this.counters, new Metrics());
  }

  /** What is counted. */
  async total(rule: Limit, now: number): Promise<number> {
    const { remaining } = await new Limiter(this.counters, new Metrics()).take("a", 0, rule, now);
    return rule.limit - remaining;
  }
}

const minute: Limit = { limit: 1_000_000, window: 60 };
const fixed: Limit = { limit: 1000, window: 3600, technique: "fixed" };

describe("units ahead", () => {
  it("cost few calls where many requests come, and are told of as if there were none", async () => {
    const store = new Store();
    const limits = store.process();
    for (let i = 1; i <= 2000; i++) {
      const { ok, remaining, known } = await limits.take("a", 1, minute, noon);
      assert.deepEqual([ok, remaining, known], [true, minute.limit - i, true]);
    }
    assert.ok(store.calls < 20, `${store.calls}`);
    await limits.flush();
    assert.equal(await store.total(minute, noon), 2000);
  });

  it("are none where few requests come", async () => {
    const store = new Store();
    const limits = store.process();
    for (let i = 0; i < 50; i++) await limits.take("a", 1, minute, noon + i * 250);
    assert.equal(store.calls, 50);
    assert.equal(await store.total(minute, noon + 50 * 250), 50);
  });

  for (const turns of [0, 3]) {
    it(`let exactly the limit through, from four processes at once, answers in ${turns} turns`, async () => {
      const store = new Store(turns);
      const processes = Array.from({ length: 4 }, () => store.process());
      let passed = 0;
      const client = async (limits: Limiter) => {
        for (let i = 0; i < 100; i++) {
          if ((await limits.take("a", 1, fixed, noon)).ok) passed++;
        }
      };
      await Promise.all(
        processes.flatMap((limits) => Array.from({ length: 10 }, () => client(limits))),
      );
      assert.equal(passed, fixed.limit);
      assert.equal((await processes[0]!.take("a", 1, fixed, noon)).ok, false);
      assert.equal(await store.total(fixed, noon), fixed.limit);
    });
  }

  it("of one process are there for others once they are given back", async () => {
    const store = new Store();
    const [busy, other] = [store.process(), store.process()];
    for (let i = 0; i < 500; i++) await busy.take("a", 1, fixed, noon);
    await busy.flush();
    let passed = 0;
    while ((await other.take("a", 1, fixed, noon)).ok) passed++;
    assert.equal(passed, 500);
  });

  it("go back by themselves", async () => {
    const store = new Store();
    const limits = store.process();
    for (let i = 0; i < 300; i++) await limits.take("a", 1, minute, noon);
    assert.ok(await store.total(minute, noon) > 300);
    const deadline = Date.now() + 10_000;
    while (await store.total(minute, noon) > 300 && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(await store.total(minute, noon), 300);
  });

  it("let no more through in any window that slides", async () => {
    const store = new Store();
    const processes = [store.process(), store.process()];
    const rule: Limit = { limit: 640, window: 6 };
    const passed: number[] = [];
    for (let at = noon; at < noon + 30_000; at += 3) {
      for (const limits of processes) if ((await limits.take("a", 1, rule, at)).ok) passed.push(at);
    }
    for (let i = 0; i + rule.limit < passed.length; i++) {
      const took = passed[i + rule.limit]! - passed[i]!;
      assert.ok(took >= 6000, `${rule.limit + 1} in ${took} ms`);
    }
    assert.ok(passed.length > 4 * rule.limit, `${passed.length}`);
  });

  it("take back what an operation did not need, without the store", async () => {
    const store = new Store();
    const limits = store.process();
    const claim: Claim = { key: "a", amount: 1, rule: fixed };
    for (let i = 0; i < 5000; i++) {
      assert.equal(await limits.admit([claim], noon), undefined);
      await limits.giveBack([claim], noon);
    }
    assert.ok(store.calls < 20, `${store.calls}`);
    await limits.flush();
    assert.equal(await store.total(fixed, noon), 0);
  });

  it("are none of a claim that is exact, of other amounts, and of a store of one process", async () => {
    const store = new Store();
    const limits = store.process();
    const claim: Claim = { key: "a", amount: 1, rule: minute, exact: true };
    for (let i = 0; i < 20; i++) await limits.takeAll([claim, { ...claim, amount: 2 }], noon);
    assert.equal(store.calls, 40);
    assert.equal(await store.total(minute, noon), 60);
    const alone = new Store();
    const single = new Limiter({ ...alone.counters, shared: false }, new Metrics());
    for (let i = 0; i < 20; i++) await single.take("a", 1, minute, noon);
    assert.equal(alone.calls, 20);
  });

  it("are used up while the store is away; then nobody is limited", async () => {
    const store = new Store();
    const limits = store.process();
    for (let i = 0; i < 130; i++) await limits.take("a", 1, minute, noon);
    store.away = true;
    const known: boolean[] = [];
    for (let i = 0; i < 300; i++) {
      const taken = await limits.take("a", 1, minute, noon);
      assert.equal(taken.ok, true);
      known.push(taken.known);
    }
    assert.ok(known.indexOf(false) > 0 && !known.slice(known.indexOf(false)).includes(true));
    store.away = false;
    assert.equal((await limits.take("a", 1, minute, noon)).known, true);
  });

  it("follow a clock that jumps, and a limit that changes", async () => {
    const store = new Store();
    const limits = store.process();
    for (const at of [noon, noon + 100_000, noon - 7200_000, noon]) {
      for (let i = 0; i < 200; i++) assert.equal((await limits.take("a", 1, minute, at)).ok, true);
    }
    for (let i = 0; i < 10; i++) {
      assert.equal((await limits.take("a", 1, { ...minute, limit: 3 }, noon)).ok, false);
    }
    await limits.flush();
    assert.equal(await store.total(minute, noon), 400);
  });
});
