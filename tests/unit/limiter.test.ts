/** Limits over time: what a window holds, and patterns for names. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { globs } from "../../core/glob.ts";
import { type Limit, Limiter, spanOf } from "../../core/limits/limiter.ts";
import { Metrics } from "../../core/metrics.ts";
import { memoryCounters } from "../../core/storage/memory.ts";
import type { Counters } from "../../core/storage/ports.ts";

const noon = Date.parse("2026-01-02T12:00:00Z");
const limiter = (counters: Counters = memoryCounters()) => new Limiter(counters, new Metrics());

describe("limiter", () => {
  it("has fixed windows on the clock", async () => {
    const limits = limiter();
    const rule: Limit = { limit: 3, window: 600, technique: "fixed" };
    const at = noon + 540_000; // 12:09
    for (const left of [2, 1, 0]) {
      const { ok, remaining, resetAt, retryAfter } = await limits.take("a", 1, rule, at);
      assert.deepEqual([ok, remaining, resetAt, retryAfter], [true, left, noon + 600_000, 60]);
    }
    const { ok, remaining, retryAfter } = await limits.take("a", 1, rule, at + 59_900);
    assert.deepEqual([ok, remaining, retryAfter], [false, 0, 1]);
    assert.equal((await limits.take("a", 1, rule, noon + 600_000)).ok, true, "12:10");
    assert.equal((await limits.take("b", 1, rule, at)).ok, true, "another key");
  });

  for (const window of [1, 60, 97, 3600, 0.5, 86_400]) {
    it(`never lets more than the limit through in any ${window} s that slide`, async () => {
      const limits = limiter();
      const rule: Limit = { limit: 10, window };
      const ms = window * 1000;
      const passed: number[] = [];
      let seed = 7;
      // Greedy and irregular: 600 tries over ten windows.
      for (let at = noon; at < noon + ms * 10; at += ms / 60 * (seed % 7) / 3 + ms / 400) {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        if ((await limits.take("a", 1, rule, Math.floor(at))).ok) passed.push(Math.floor(at));
      }
      for (let i = 0; i + 10 < passed.length; i++) {
        assert.ok(passed[i + 10]! - passed[i]! >= ms, `11 in ${passed[i + 10]! - passed[i]!} ms`);
      }
      assert.ok(passed.length >= 90, `${passed.length} of about 100`);
    });
  }

  it("says when there is room again, and there is", async () => {
    const limits = limiter();
    const rule: Limit = { limit: 2, window: 60 };
    await limits.take("a", 1, rule, noon);
    await limits.take("a", 1, rule, noon + 30_000);
    const { ok, resetAt, retryAfter } = await limits.take("a", 1, rule, noon + 45_000);
    assert.equal(ok, false);
    assert.ok(retryAfter >= 15 && retryAfter <= 17, String(retryAfter));
    assert.equal((await limits.take("a", 1, rule, noon + 45_000 + retryAfter * 1000)).ok, true);
    assert.ok(resetAt > noon + 60_000 && resetAt <= noon + 62_000);
  });

  it("counts no request that it refuses", async () => {
    const limits = limiter();
    const rule: Limit = { limit: 1, window: 60, technique: "fixed" };
    for (let i = 0; i < 100; i++) await limits.take("a", 1, rule, noon);
    await limits.settle("a", -1, rule, noon);
    assert.equal((await limits.take("a", 1, rule, noon)).ok, true);
  });

  it("lets exactly the limit through when all come at once", async () => {
    const limits = limiter();
    const rule: Limit = { limit: 50, window: 60 };
    const all = await Promise.all(
      Array.from({ length: 200 }, () => limits.take("a", 1, rule, noon)),
    );
    assert.equal(all.filter(({ ok }) => ok).length, 50);
  });

  it("admits what is settled later while there is anything left", async () => {
    const limits = limiter();
    const rule: Limit = { limit: 1000, window: 60 };
    assert.equal((await limits.take("a", 0, rule, noon)).ok, true);
    await limits.settle("a", 999, rule, noon);
    assert.equal((await limits.take("a", 0, rule, noon)).ok, true);
    await limits.settle("a", 5000, rule, noon);
    const { ok, remaining } = await limits.take("a", 0, rule, noon);
    assert.deepEqual([ok, remaining], [false, 0]);
    for (const junk of [NaN, Infinity, -Infinity, undefined as never, "9" as never]) {
      await limits.settle("b", junk, rule, noon);
    }
    assert.equal((await limits.take("b", 0, rule, noon)).remaining, 1000);
  });

  it("takes from all limits or from none", async () => {
    const limits = limiter();
    const wide = { key: "wide", amount: 1, rule: { limit: 10, window: 60 } };
    const narrow = { key: "narrow", amount: 1, rule: { limit: 1, window: 60 } };
    assert.equal(await limits.admit([wide, narrow], noon), undefined);
    for (let i = 0; i < 20; i++) {
      assert.equal((await limits.admit([wide, narrow], noon))?.claim, narrow);
    }
    assert.equal((await limits.take("wide", 0, wide.rule, noon)).remaining, 9);
  });

  it("limits nobody while its store is away, and counts that", async () => {
    const metrics = new Metrics();
    const away: Counters = {
      ...memoryCounters(),
      add: () => Promise.reject(new Error("away")),
    };
    const limits = new Limiter(away, metrics);
    const rule: Limit = { limit: 0, window: 60 };
    const { ok, known } = await limits.take("a", 1, rule, noon);
    assert.deepEqual([ok, known], [true, false]);
    await limits.settle("a", 1, rule, noon);
    assert.match(metrics.text(), /sluice_limits_open_total 1\n/);
    assert.match(metrics.text(), /sluice_limits_unsettled_total 1\n/);
  });

  it("survives any window", async () => {
    for (const window of [1e-9, 0, -1, NaN, Infinity, 1e300]) {
      for (const technique of ["fixed", "sliding"] as const) {
        const { slots, slotMs } = spanOf({ limit: 1, window, technique });
        assert.ok(Number.isSafeInteger(slots) && slots >= 1 && slotMs >= 1 && slotMs <= 1e12);
        const rule = { limit: 1, window, technique };
        assert.equal((await limiter().take("a", 1, rule, noon)).known, true);
      }
    }
  });
});

describe("globs", () => {
  const cases: [patterns: string[], yes: string[], no: string[]][] = [
    [["*"], ["", "a", "a/b", "x".repeat(10_000)], []],
    [["gpt-4o"], ["gpt-4o"], ["gpt-4o-mini", "GPT-4o", "agpt-4o", ""]],
    [["gpt-*"], ["gpt-", "gpt-4o"], ["gpt", "openai/gpt-4o", "gpt-4o/x"]],
    [["openai/*"], ["openai/gpt-4o", "openai/"], ["openai", "openai/a/b", "xopenai/a"]],
    [["workers-ai/**"], ["workers-ai/@cf/meta/llama"], ["workers-ai"]],
    [["@cf/*/llama-*"], ["@cf/meta/llama-3"], ["@cf/llama-3", "@cf/meta/x/llama-3"]],
    [["a*b*c"], ["abc", "aXbYc", "abbbc"], ["ab", "acb", "a/bc"]],
    [["a.c", "x+"], ["a.c", "x+"], ["abc", "xx"]],
    [["*-4*", "o?"], ["gpt-4", "gpt-4o", "o?"], ["gpt-3", "o3"]],
    [["é*"], ["é", "été".slice(0, 1) + "x"], ["e"]],
    [[], [], ["", "a"]],
    [["__proto__", "constructor"], ["__proto__"], ["toString"]],
  ];
  for (const [patterns, yes, no] of cases) {
    it(`${JSON.stringify(patterns)}`, () => {
      const test = globs(patterns);
      for (const text of yes) assert.equal(test(text), true, text.slice(0, 20));
      for (const text of no) assert.equal(test(text), false, text);
    });
  }

  it("takes no more steps for a hostile pattern than its length times the text's", () => {
    const test = globs(["a*".repeat(128) + "b", "**a".repeat(80) + "b"]);
    assert.equal(test("a".repeat(5000)), false); // would not end if every way were tried
  });
});
