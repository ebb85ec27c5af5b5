import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import {
  type CostParts,
  type CustomCost,
  lazyPricer,
  parseCustomCost,
  type PriceOverrides,
  type Pricer,
  type PriceRule,
  totalOf,
} from "../../core/usage/cost.ts";
import type { PriceTable } from "../../core/usage/prices.ts";
import type { Usage } from "../../core/usage/usage.ts";

const at = Date.parse("2026-10-01T12:00:00Z");

interface Ask {
  provider?: string;
  model?: string;
  usage: Usage;
  custom?: CustomCost;
}

/** A pricer whose table knows `known`: 1 dollar for a million tokens of either kind. */
function pricer(prices: PriceOverrides = {}, load?: () => Promise<PriceTable>) {
  const reports: string[] = [];
  const asked: string[] = [];
  let clock = at;
  const table: PriceTable = {
    find(provider, model) {
      asked.push(`${provider}/${model}`);
      if (model !== "known") return null;
      return ({ input = 0, output = 0 }) => ({
        ...{ input: input / 1e6, output: output / 1e6 },
        ...{ cache_read: 0, cache_write: 0, other: 0, source: "table" },
      });
    },
  };
  const made: Pricer = lazyPricer({
    prices,
    now: () => clock,
    report: (message) => reports.push(message),
    load: load ?? (() => Promise.resolve(table)),
  });
  const cost = ({ provider = "openai", model = "known", usage, custom }: Ask, when = at) =>
    made.cost({ provider, model, usage, at: when, ...custom !== undefined && { custom } });
  return { cost, use: made.use, reports, asked, pass: (ms: number) => clock += ms };
}

const near = (parts: CostParts | null, dollars: number) => {
  assert.ok(parts !== null);
  const total = totalOf(parts);
  assert.ok(Math.abs(total - dollars) < 1e-12, `${total} is not ${dollars}`);
};

describe("cf-aig-custom-cost", () => {
  const cases: [header: string, cost: CustomCost | undefined][] = [
    ['{"per_token_in":0.000001,"per_token_out":0.000002}', {
      per_token_in: 0.000001,
      per_token_out: 0.000002,
    }],
    ['{"per_token_in":"1e-6","per_cache_read_token":0}', {
      per_token_in: 0.000001,
      per_cache_read_token: 0,
    }],
    ['{"total_cost":0.25,"note":"x"}', { total_cost: 0.25 }],
    ['{"per_token_in":null,"total_cost":1}', { total_cost: 1 }],
    ['{"per_token_in":-1}', undefined],
    ['{"per_token_in":1,"per_token_out":-1}', undefined],
    ['{"per_token_in":1e999}', undefined],
    ['{"per_token_in":"many"}', undefined],
    ['{"per_token_in":""}', undefined],
    ['{"per_token_in":true}', undefined],
    ['{"per_token_in":[1]}', undefined],
    ['{"__proto__":{"per_token_in":1}}', undefined],
    ["{}", undefined],
    ["[]", undefined],
    ["null", undefined],
    ["0.5", undefined],
    ["", undefined],
    ['{"per_token_in":1', undefined],
    [`{"per_token_in":1,"x":"${"x".repeat(2000)}"}`, undefined],
  ];
  for (const [header, cost] of cases) {
    it(header.slice(0, 60) || "empty", () => assert.deepEqual(parseCustomCost(header), cost));
  }

  const custom = async (custom: CustomCost, usage: Usage) =>
    await pricer().cost({ usage, custom, model: "unknown" });
  const usage = { input: 100, output: 10, cache_read: 60, cache_write: 30 };

  it("prices input and output by the token", async () => {
    const parts = await custom({ per_token_in: 0.01, per_token_out: 0.1 }, usage);
    near(parts, 2);
    assert.equal(parts!.source, "request");
  });

  it("takes cached tokens out of the input once a cache has a price", async () => {
    const rates = { per_token_in: 0.01, per_token_out: 0.1 };
    near(await custom({ ...rates, per_cache_read_token: 0.001 }, usage), 0.06 + 0.4 + 1);
    near(await custom({ ...rates, per_cache_write_token: 0.02 }, usage), 0.6 + 0.7 + 1);
  });

  it("takes a sum as it is, also without tokens", async () => {
    near(await custom({ total_cost: 0.5, per_token_in: 1 }, usage), 0.5);
    near(await custom({ total_cost: 0.5 }, {}), 0.5);
  });

  it("does not know what it leaves out", async () => {
    assert.equal(await custom({ per_token_in: 0.01 }, usage), null);
    assert.equal(await custom({ per_token_in: 0.01 }, {}), null);
    near(await custom({ per_token_in: 0.01 }, { input: 100, output: 0 }), 1);
  });
});

describe("who says the price", () => {
  const usage = { input: 1_000_000, output: 1_000_000 };

  it("the request over the configuration over the provider over the table", async () => {
    const { cost } = pricer({ "openai/known": { input: 10, output: 10 } });
    const told = { ...usage, cost: 5 };
    const custom = { total_cost: 7 };
    near(await cost({ usage: told, custom }), 7);
    near(await cost({ usage: told }), 20);
    near(await cost({ provider: "groq", usage: told }), 5);
    near(await cost({ provider: "groq", usage }), 2);
    const source = async (ask: Ask) => (await cost(ask))!.source;
    assert.equal(await source({ usage: told, custom }), "request");
    assert.equal(await source({ usage: told }), "config");
    assert.equal(await source({ provider: "groq", usage: told }), "provider");
    assert.equal(await source({ provider: "groq", usage }), "table");
  });

  it("nobody: null", async () => {
    const { cost } = pricer();
    assert.equal(await cost({ model: "unknown", usage }), null);
    assert.equal(await cost({ model: "", usage }), null);
    assert.equal(await cost({ model: "x".repeat(100_000), usage }), null);
  });

  it("a provider's own figure must be one", async () => {
    const { cost } = pricer();
    near(await cost({ model: "unknown", usage: { cost: 0 } }), 0);
    for (const wrong of [-1, NaN, Infinity]) {
      assert.equal(await cost({ model: "unknown", usage: { ...usage, cost: wrong } }), null);
    }
  });

  it("answers at once when the table is not needed, or there", async () => {
    const { cost } = pricer({ "openai/known": { input: 1, output: 1 } });
    await cost({ usage }); // what prices is loaded with the first
    assert.ok(!(cost({ usage }) instanceof Promise));
    assert.ok(!(cost({ model: "x", usage, custom: { total_cost: 1 } }) instanceof Promise));
    assert.ok(!(cost({ model: "x", usage: { cost: 1 } }) instanceof Promise));
    const first = cost({ provider: "groq", usage });
    assert.ok(first instanceof Promise);
    await first;
    assert.ok(!(cost({ provider: "groq", usage }) instanceof Promise));
  });

  it("stored prices that were told before the first answer came, and those that replace them", async () => {
    const { cost, use } = pricer({ "openai/known": { input: 1, output: 1 } });
    const stored = (input: number): PriceRule => ({
      provider: "openai",
      model: "known",
      rule: "equals",
      rates: { per: 1_000_000, input, output: 0 },
    });
    use([stored(30)]);
    near(await cost({ usage }), 30);
    use([stored(40)]);
    near(await cost({ usage }), 40);
    use([]);
    near(await cost({ usage }), 2);
  });

  it("looks a model up once, and again when prices may have changed", async () => {
    const { cost, asked } = pricer();
    for (let i = 0; i < 5; i++) await cost({ usage }, at + i);
    assert.equal(asked.length, 1);
    await cost({ usage }, at + 60 * 60_000);
    assert.equal(asked.length, 2);
  });

  it("remembers no more models than it has room for, and forgets none that is in use", async () => {
    const { cost, asked } = pricer();
    for (let i = 0; i < 10_000; i++) {
      await cost({ usage });
      await cost({ model: `made-up-${i}`, usage });
    }
    assert.equal(asked.filter((name) => name === "openai/known").length, 1);
    await cost({ model: "made-up-0", usage });
    assert.equal(asked.filter((name) => name === "openai/made-up-0").length, 2);
  });

  it("says once that the table cannot be loaded, and tries again after a while", async () => {
    let loads = 0;
    const { cost, reports, pass } = pricer({}, () => {
      loads++;
      return Promise.reject(new Error("Not found"));
    });
    for (let i = 0; i < 3; i++) assert.equal(await cost({ usage }), null);
    assert.equal(loads, 1);
    pass(10 * 60_000);
    assert.equal(await cost({ usage }), null);
    assert.equal(loads, 2);
    assert.equal(reports.length, 1);
  });
});

describe("configured prices", () => {
  it("replace full-price input by cached input, never add to it", async () => {
    // A reporter's figures: with 2304 of 2422 tokens cached, the cost must fall.
    const { cost } = pricer({ "openai/known": { input: 0.75, output: 4.5, cache_read: 0.075 } });
    near(await cost({ usage: { input: 2422, output: 4 } }), 0.0018345);
    const cached = await cost({ usage: { input: 2422, output: 4, cache_read: 2304 } });
    near(cached, 118 * 0.75e-6 + 2304 * 0.075e-6 + 4 * 4.5e-6);
    near({ ...cached!, cache_read: 0 }, 118 * 0.75e-6 + 4 * 4.5e-6);
  });

  it("go by the exact name, then by the longest prefix", async () => {
    const { cost } = pricer({
      "openai/*": { input: 1, output: 0 },
      "openai/gpt-4o*": { input: 2, output: 0 },
      "openai/gpt-4o": { input: 3, output: 0 },
      "openai/gpt-4o-mini*": { input: 4, output: 0 },
      "aws-bedrock/anthropic.claude-opus-4-6*": { input: 5, output: 0 },
    });
    const price = async (model: string, provider = "openai") => {
      const parts = await cost({ provider, model, usage: { input: 1_000_000, output: 0 } });
      return parts === null ? null : totalOf(parts);
    };
    assert.equal(await price("o3"), 1);
    assert.equal(await price("gpt-4o-audio-preview"), 2);
    assert.equal(await price("gpt-4o"), 3);
    assert.equal(await price("GPT-4o"), 3);
    assert.equal(await price("gpt-4o-2024-08-06"), 3);
    assert.equal(await price("gpt-4o-mini-2024-07-18"), 4);
    assert.equal(await price("us.anthropic.claude-opus-4-6-v1:0", "aws-bedrock"), 5);
    assert.equal(await price("global.anthropic.claude-opus-4-6-v1:0", "aws-bedrock"), null);
    assert.equal(await price("gpt-4o", "azure-openai"), null);
  });

  it("may be by the request", async () => {
    const { cost } = pricer({
      "openai/known": { per_request: 0.01 },
      "openai/both": { input: 1, output: 1, per_request: 0.01 },
    });
    near(await cost({ usage: {} }), 0.01);
    near(await cost({ usage: { input: 5, output: 5 } }), 0.01);
    const both = await cost({ model: "both", usage: { input: 1_000_000, output: 0 } });
    near(both, 1.01);
    assert.equal(both!.other, 0.01);
  });

  it("leave unknown what they leave out", async () => {
    const { cost } = pricer({ "openai/known": { input: 1 } });
    near(await cost({ usage: { input: 10, output: 0 } }), 0.00001);
    near(await cost({ usage: { input: 10 } }), 0.00001);
    assert.equal(await cost({ usage: { input: 10, output: 1 } }), null);
  });
});

describe("figures that cannot be", () => {
  const { cost } = pricer({ "openai/known": { input: 1, output: 1, cache_read: 0.1 } });
  const wrong: Usage[] = [
    {},
    { input: 10 },
    { output: 10 },
    { input: NaN, output: 1 },
    { input: -1, output: 1 },
    { input: Infinity, output: 1 },
    { input: 1, output: -1 },
    { input: 10, output: 1, cache_read: 11 },
    { input: 10, output: 1, cache_read: -1 },
    { input: 10, output: 1, cache_read: NaN },
    { total: 5, input: 10 },
  ];
  for (const usage of wrong) {
    it(`${Object.entries(usage).join(" ").replaceAll(",", " ") || "nothing"}: null`, async () =>
      assert.equal(await cost({ usage }), null));
  }

  it("takes a missing count from the total", async () => {
    near(await cost({ usage: { input: 10, total: 15 } }), 0.000015);
    near(await cost({ usage: { output: 10, total: 10 } }), 0.00001);
  });
});
