// Percentiles that add up, and figures of rows.
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { Figures } from "../../core/analytics/figures.ts";
import { Sketch } from "../../core/analytics/sketch.ts";
import type { LogRow } from "../../core/log/row.ts";
import { row } from "../support/log-row.ts";
import { source } from "../support/logs-random.ts";

const shares = [0, 0.01, 0.5, 0.9, 0.99, 1];

/** The value that a share of all is not above, from all of them. */
function exact(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(values.length * share)) - 1]!;
}

describe("Sketch", () => {
  it("is off by 1.5% at most, whatever the values are like", () => {
    const random = source(3);
    const spread = (at: number) => Array.from({ length: 999 }, () => random.int(1e6) ** 2 / at);
    const all = [spread(1e9), spread(1e3), [7], [0.01, 1e8], Array.from({ length: 50 }, () => 42)];
    for (const values of all) {
      const sketch = new Sketch();
      for (const value of values) sketch.add(value);
      for (const [i, found] of sketch.percentiles(shares).entries()) {
        const expected = exact(values, shares[i]!);
        if (expected < 0.002) continue; // smaller than anything that is measured
        assert.ok(Math.abs(found! - expected) <= expected * 0.0151, `${found} for ${expected}`);
      }
    }
  });

  it("of all is the sum of those of the parts, stored in between", () => {
    const random = source(5);
    const whole = new Sketch(), merged = new Sketch(), read = new Sketch();
    for (let part = 0; part < 20; part++) {
      const own = new Sketch();
      for (let i = 0; i < random.int(30); i++) {
        const value = 10 ** (random.int(9) - 2) * (1 + random.int(100));
        whole.add(value);
        own.add(value);
      }
      merged.merge(own);
      read.addStored(JSON.parse(JSON.stringify(own.stored())));
    }
    assert.deepEqual(merged.stored(), whole.stored());
    assert.deepEqual(read.stored(), whole.stored());
    assert.deepEqual(read.percentiles(shares), whole.percentiles(shares));
  });

  it("counts 0, and nothing that is no time", () => {
    const sketch = new Sketch();
    assert.deepEqual(sketch.percentiles([0.5]), [null]);
    for (const value of [null, NaN, -1, -Infinity]) sketch.add(value);
    assert.deepEqual(sketch.percentiles([0.5]), [null]);
    sketch.add(0);
    assert.deepEqual(sketch.percentiles([0, 0.5, 1]), [0, 0, 0]);
    sketch.add(Infinity);
    sketch.add(1e300);
    assert.ok(sketch.percentiles([1])[0]! > 9e8);
  });

  it("takes nothing that is none of its own", () => {
    const sketch = new Sketch();
    for (const wrong of [[], [1], [-1e9, 1], [5, -1e9, 1], [1e12, 1]]) sketch.addStored(wrong);
    assert.deepEqual(sketch.stored(), []);
  });
});

describe("Figures", () => {
  const of = (...rows: Partial<LogRow>[]) => {
    const figures = new Figures();
    for (const [i, members] of rows.entries()) figures.add(row(`r${i}`, members));
    return figures.values();
  };

  it("tell requests from attempts", () => {
    const { requests, attempts, errors } = of(
      { id: "a", request_id: "a", success: false, status_code: 500, end: "error" },
      { id: "b", request_id: "a", attempt: 1 },
      { id: "c", request_id: "c" },
    );
    assert.deepEqual([requests, attempts, errors.total, errors.server], [2, 3, 1, 1]);
  });

  it("count each failure once, by its kind", () => {
    const failed = { success: false, end: "error" } as const;
    const { errors } = of(
      { ...failed, status_code: 429 },
      { ...failed, status_code: 504 },
      { ...failed, status_code: 200, end: "stalled" },
      { ...failed, status_code: 401 },
      { ...failed, status_code: 503 },
      { ...failed, status_code: 0 },
      { ...failed, status_code: 200, end: "upstream_cut" },
      { ...failed, status_code: 200, end: "client_abort" },
      {},
    );
    assert.deepEqual(errors, {
      total: 8,
      rate_limited: 1,
      timeout: 2,
      client: 1,
      server: 2,
      cut: 1,
      aborted: 1,
    });
  });

  it("tell what the cache saved, and leave its answers out of the times", () => {
    const parts = { input: 0, cache_read: 0, cache_write: 0, output: 0, other: 0 };
    const figures = of(
      { cached: true, cost: 0, cost_parts: { ...parts, source: "cache", saved: 0.25 } },
      { cost: 0.5, streamed: true, tokens_out: 100 },
      { cost: null, cost_parts: null, tokens_out: null },
    );
    assert.deepEqual(
      [figures.cached, figures.saved, figures.cost, figures.unpriced],
      [1, 0.25, 0.5, 1],
    );
    const near = (found: number | null, expected: number) =>
      assert.ok(Math.abs(found! - expected) <= expected * 0.016, `${found}`);
    near(figures.latency.p99, 400.25);
    near(figures.duration.p50, 812.5);
    near(figures.tokens_per_second.p50, 100 / 0.8125);
    assert.equal(of({ cached: true }).duration.p50, null);
  });

  it("are not led astray by what a provider makes up", () => {
    const figures = of({
      cost: -5,
      tokens_in: NaN,
      tokens_out: 1e300,
      usage: { cache_read: Infinity, reasoning: -1 },
      timings: { total: NaN, latency: -1, first_byte: null, first_token: Infinity },
    });
    const { cost, tokens_in, tokens_out, tokens_cached, tokens_reasoning } = figures;
    assert.deepEqual([cost, tokens_in, tokens_out, tokens_cached, tokens_reasoning], [
      0,
      0,
      0,
      0,
      0,
    ]);
    assert.equal(figures.latency.p50, null);
  });
});
