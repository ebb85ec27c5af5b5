// What every store of counts does.
import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import type { Counters, Span } from "../../core/storage/ports.ts";

export interface CountersContract {
  open(): Counters | Promise<Counters>;
  skip?: string | false;
}

export function countersContract(name: string, { open, skip = false }: CountersContract): void {
  describe(`Counters: ${name}`, { skip }, () => {
    let counters: Counters;
    /** The real time: a store with a clock of its own must not drop what is counted. */
    const start = Math.floor(Date.now() / 60_000) * 60_000;
    const minute: Span = { slots: 1, slotMs: 60_000 };
    const sliding: Span = { slots: 6, slotMs: 10_000 };
    let keys = 0;
    const fresh = () => `contract:${start}:${crypto.randomUUID()}:${keys++}`;
    before(async () => {
      counters = await open();
    });
    after(async () => await counters?.close());

    it("lets in up to the limit, and says how much is there", async () => {
      const key = fresh();
      const add = (amount: number) => counters.add(key, amount, minute, 10, start + 1);
      assert.deepEqual(await add(0), { added: true, total: 0, oldest: 0 });
      assert.deepEqual(await add(4), { added: true, total: 4, oldest: start });
      assert.deepEqual(await add(7), { added: false, total: 4, oldest: start });
      assert.deepEqual(await add(6), { added: true, total: 10, oldest: start });
      assert.deepEqual(await add(1), { added: false, total: 10, oldest: start });
      assert.deepEqual(await add(0), { added: true, total: 10, oldest: start });
    });

    it("keeps keys apart", async () => {
      const [a, b] = [fresh(), fresh()];
      await counters.add(a, 5, minute, 5, start);
      assert.equal((await counters.add(b, 5, minute, 5, start)).added, true);
      assert.equal((await counters.add(a, 1, minute, 5, start)).added, false);
    });

    it("does not mix spans of different grain under one key", async () => {
      const key = fresh();
      await counters.add(key, 5, minute, 5, start);
      assert.deepEqual(await counters.add(key, 0, sliding, 5, start), {
        added: true,
        total: 0,
        oldest: 0,
      });
    });

    it("begins anew with a fixed window", async () => {
      const key = fresh();
      const add = (at: number) => counters.add(key, 1, minute, 1, at);
      assert.equal((await add(start + 59_999)).added, true);
      assert.equal((await add(start + 59_999)).added, false);
      assert.deepEqual(await add(start + 60_000), {
        added: true,
        total: 1,
        oldest: start + 60_000,
      });
    });

    it("slides by its slots", async () => {
      const key = fresh();
      const add = (amount: number, at: number) => counters.add(key, amount, sliding, 6, start + at);
      for (let i = 0; i < 6; i++) assert.equal((await add(1, i * 10_000)).added, true);
      assert.deepEqual(await add(1, 59_999), { added: false, total: 6, oldest: start });
      assert.deepEqual(await add(1, 60_000), { added: true, total: 6, oldest: start + 10_000 });
      assert.equal((await add(1, 69_999)).added, false);
      assert.deepEqual(await add(3, 95_000), { added: true, total: 6, oldest: start + 40_000 });
      assert.deepEqual(await add(0, 300_000), { added: true, total: 0, oldest: 0 });
    });

    it("takes back", async () => {
      const key = fresh();
      const add = (amount: number, limit = 10) => counters.add(key, amount, minute, limit, start);
      await add(10);
      assert.deepEqual(await add(-4), { added: true, total: 6, oldest: start });
      assert.deepEqual(await add(-1, 0), { added: true, total: 5, oldest: start });
      assert.equal((await add(5)).added, true);
      assert.equal((await add(1)).added, false);
    });

    it("takes back in the slot that it was told, also when that is in the past", async () => {
      const key = fresh();
      const add = (amount: number, at: number) =>
        counters.add(key, amount, sliding, 10, start + at);
      await add(10, 0);
      assert.equal((await add(1, 20_000)).added, false);
      await add(-6, 0);
      assert.deepEqual(await add(6, 20_000), { added: true, total: 10, oldest: start });
      assert.equal((await add(1, 20_000)).added, false);
      // The first slot is out of the span with all that was given back in it.
      assert.deepEqual(await add(4, 60_000), { added: true, total: 10, oldest: start + 20_000 });
      assert.equal((await add(1, 60_000)).added, false);
    });

    it("counts over the limit where there is none", async () => {
      const key = fresh();
      await counters.add(key, 5, minute, 10, start);
      assert.equal((await counters.add(key, 1e9, minute, Infinity, start)).total, 1e9 + 5);
      assert.equal((await counters.add(key, 0, minute, 10, start)).added, false);
      assert.equal((await counters.add(key, 1, minute, 10, start)).added, false);
    });

    it("lets nothing in where the limit is 0 or less", async () => {
      const key = fresh();
      for (const limit of [0, -1, -Infinity]) {
        assert.equal((await counters.add(key, 1, minute, limit, start)).added, false);
      }
      assert.equal((await counters.add(key, 0, minute, 0, start)).total, 0);
    });

    it("adds up fractions as people do", async () => {
      const key = fresh();
      for (let i = 0; i < 3; i++) {
        assert.equal((await counters.add(key, 0.1, minute, 0.3, start)).added, true);
      }
      assert.equal((await counters.add(key, 0.000001, minute, 0.3, start)).added, false);
      const { total } = await counters.add(key, 0, minute, 1, start);
      assert.ok(Math.abs(total - 0.3) < 1e-9, `${total}`);
    });

    it("tells large and small amounts as they are", async () => {
      for (const amount of [2 ** 53 - 1, 1e-9, 123456789.123456]) {
        const key = fresh();
        assert.equal((await counters.add(key, amount, minute, Infinity, start)).total, amount);
      }
    });

    it("counts a slot ahead of the clock once, and none that is a span ahead", async () => {
      const key = fresh();
      const add = (amount: number, at: number) =>
        counters.add(key, amount, sliding, 10, start + at);
      await add(6, 50_000);
      assert.equal((await add(5, 0)).added, false);
      assert.deepEqual(await add(4, 0), { added: true, total: 10, oldest: start });
      assert.equal((await add(1, 50_000)).added, false);
      assert.equal((await add(0, 50_000)).total, 10);
      assert.equal((await add(0, 60_000)).total, 6);

      const far = fresh();
      await counters.add(far, 10, sliding, 10, start + 365 * 86_400_000);
      assert.deepEqual(await counters.add(far, 10, sliding, 10, start), {
        added: true,
        total: 10,
        oldest: start,
      });
    });

    it("lets exactly the limit in when all ask at once", async () => {
      const key = fresh();
      const calls = Array.from({ length: 200 }, () => counters.add(key, 1, sliding, 50, start));
      const found = await Promise.all(calls);
      assert.equal(found.filter(({ added }) => added).length, 50);
      assert.equal((await counters.add(key, 0, sliding, 50, start)).total, 50);
    });

    it("refuses what is no count", async () => {
      const key = fresh();
      const wrong: [string, number, Span, number, number][] = [
        ["A b", 1, minute, 1, start],
        [key, NaN, minute, 1, start],
        [key, Infinity, minute, 1, start],
        [key, 1, minute, NaN, start],
        [key, 1, minute, null as unknown as number, start],
        [key, 1, minute, 1, NaN],
        [key, 1, { slots: 0, slotMs: 1 }, 1, start],
        [key, 1, { slots: 1.5, slotMs: 1 }, 1, start],
        [key, 1, { slots: 1, slotMs: 0 }, 1, start],
        [key, 1, { slots: 1, slotMs: Infinity }, 1, start],
      ];
      for (const call of wrong) await assert.rejects(counters.add(...call), TypeError);
      assert.equal((await counters.add(key, 0, minute, 1, start)).total, 0);
    });
  });
}
