/** Limits of requests: whom they count, what refusals and answers say, and what happens without a store. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { memoryCounters, memoryKV } from "../../core/storage/memory.ts";
import type { Counters } from "../../core/storage/ports.ts";
import { VirtualKeys } from "../../core/auth/virtual-keys.ts";
import {
  auth,
  ConfigError,
  createGateway,
  definePlugin,
  type GatewayConfig,
  type GatewayOptions,
  rateLimit,
  type RateLimitOptions,
  type RateLimitRule,
} from "../../mod.ts";
import { errorOf, type Recording, recording } from "./upstream.ts";

const noon = Date.parse("2026-01-02T12:00:00Z");

interface World extends Recording {
  clock: { now: number };
  /** Statuses of requests, one after the other. */
  statuses(times: number, path?: string, init?: RequestInit): Promise<number[]>;
}

function world(
  gateway: GatewayConfig,
  { limits = {}, answer, ...options }:
    & GatewayOptions
    & { limits?: RateLimitOptions; answer?: () => Response } = {},
): World {
  const clock = { now: noon };
  const made = recording({
    plugins: [rateLimit(limits)],
    gateways: { default: gateway },
    now: () => clock.now,
    ...options,
  }, answer);
  return {
    ...made,
    clock,
    async statuses(times, path = "/openai/models", init) {
      const found: number[] = [];
      for (let i = 0; i < times; i++) {
        const { response } = await made.ask(path, init);
        await response.body?.cancel();
        found.push(response.status);
      }
      return found;
    },
  };
}

const chat = (model: string, more = ""): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: `{"messages":[],"model":${JSON.stringify(model)}${more}}`,
});
const post = "/openai/chat/completions";

/** Counters that tell what they were asked. */
function watched(): { counters: Counters; keys: string[] } {
  const keys: string[] = [];
  const inner = memoryCounters();
  const counters: Counters = {
    ...inner,
    add(key, ...rest) {
      keys.push(key);
      return inner.add(key, ...rest);
    },
  };
  return { counters, keys };
}

/** Steps as `fallback` makes them: one after the other until one is good. */
const steps = (...providers: string[]) =>
  definePlugin("steps", async (ctx, next) => {
    await ctx.bytes();
    let last: Response | undefined;
    for (const [step, slug] of providers.entries()) {
      await last?.body?.cancel();
      last = await next(ctx.with({ step, provider: { ...ctx.provider, slug } }));
      if (last.ok) break;
    }
    return last!;
  });

describe("rateLimit: the gateway's own limit", () => {
  it("has fixed windows on the clock", async () => {
    const { statuses, clock } = world({
      rate_limiting_limit: 2,
      rate_limiting_interval: 600,
      rate_limiting_technique: "fixed",
    });
    clock.now = noon + 590_000; // 12:09:50
    assert.deepEqual(await statuses(3), [200, 200, 429]);
    clock.now = noon + 600_000; // 12:10
    assert.deepEqual(await statuses(3), [200, 200, 429]);
  });

  it("slides unless told otherwise", async () => {
    const { statuses, clock } = world({ rate_limiting_limit: 2, rate_limiting_interval: 600 });
    clock.now = noon + 590_000;
    assert.deepEqual(await statuses(3), [200, 200, 429]);
    clock.now = noon + 600_000;
    assert.deepEqual(await statuses(1), [429]);
    clock.now = noon + 590_000 + 620_000;
    assert.deepEqual(await statuses(3), [200, 200, 429]);
  });

  it("is for all that the gateway serves together, and for that gateway alone", async () => {
    const { ask, statuses } = world({}, {
      gateways: { default: { rate_limiting_limit: 1 }, other: { rate_limiting_limit: 1 } },
    });
    assert.deepEqual(await statuses(1, "/openai/models"), [200]);
    assert.deepEqual(await statuses(1, "/anthropic/v1/models"), [429]);
    const elsewhere = "http://gateway.test/v1/acc/other/openai/models";
    assert.equal((await ask(elsewhere)).response.status, 200);
    assert.equal((await ask(elsewhere)).response.status, 429);
  });

  it("sends what it refuses to nobody, and says when to come again", async () => {
    const { ask, sent, clock } = world({
      rate_limiting_limit: 1,
      rate_limiting_technique: "fixed",
      errors: "strict",
    });
    clock.now = noon + 48_000;
    await ask("/openai/models");
    const { response } = await ask("/openai/models");
    assert.equal(sent.length, 1);
    assert.equal(response.headers.get("retry-after"), "12");
    assert.equal(response.headers.get("x-ratelimit-limit-requests"), "1");
    assert.equal(response.headers.get("x-ratelimit-remaining-requests"), "0");
    assert.equal(response.headers.get("x-ratelimit-reset-requests"), "12s");
    assert.deepEqual(await errorOf(response), {
      status: 429,
      code: 2003,
      message: "Rate limited: this gateway allows 1 request in 60 s; try again in 12 s",
    });
  });

  it("is off at 0, and nothing is counted then", async () => {
    for (const off of [{}, { rate_limiting_limit: 0 }, { rate_limiting_interval: 0 }]) {
      const { counters, keys } = watched();
      const { statuses } = world(off, { stores: { counters } });
      assert.deepEqual(await statuses(3), [200, 200, 200]);
      assert.deepEqual(keys, []);
    }
  });

  it("lets exactly the limit through when all come at once", async () => {
    const { ask } = world({ rate_limiting_limit: 20 });
    const all = await Promise.all(Array.from({ length: 100 }, () => ask("/openai/models")));
    assert.equal(all.filter(({ response }) => response.ok).length, 20);
  });
});

describe("rateLimit: rules", () => {
  const only = (rule: Partial<RateLimitRule>) =>
    world({ rate_limits: [{ unit: "requests", limit: 1, window: 60, ...rule }] });
  const metadata = (value: unknown) => ({
    headers: { "cf-aig-metadata": JSON.stringify(value) },
  });

  it("count for each provider on its own", async () => {
    const { statuses } = only({ by: ["provider"] });
    assert.deepEqual(await statuses(2, "/openai/models"), [200, 429]);
    assert.deepEqual(await statuses(2, "/anthropic/v1/models"), [200, 429]);
  });

  it("count for each model on its own, in whatever case it is written", async () => {
    const { statuses } = only({ by: ["model"] });
    assert.deepEqual(await statuses(2, post, chat("gpt-4o")), [200, 429]);
    assert.deepEqual(await statuses(2, post, chat("o1")), [200, 429]);
    assert.deepEqual(await statuses(1, post, chat("O1")), [429]);
    const google = "/google-ai-studio/v1beta/models/gemini-2:generateContent";
    assert.deepEqual(await statuses(2, google, { method: "POST", body: "{}" }), [200, 429]);
  });

  it("cannot be got around with a second model", async () => {
    const { statuses } = only({ by: ["model"] });
    assert.deepEqual(await statuses(1, post, chat("gpt-4o")), [200]);
    for (let i = 0; i < 5; i++) {
      assert.deepEqual(await statuses(1, post, chat("gpt-4o", `,"model":"other-${i}"`)), [429]);
      assert.deepEqual(await statuses(1, post, chat(`other-${i}`, ',"model":"gpt-4o"')), [429]);
    }
    const many = (i: number) =>
      chat("gpt-4o", Array.from({ length: 9 }, (_, n) => `,"model":"m${i}-${n}"`).join(""));
    assert.deepEqual(await statuses(1, post, many(0)), [200], "those are counted together");
    assert.deepEqual(await statuses(1, post, many(1)), [429]);
  });

  it("count for each value of metadata on its own, and those without one together", async () => {
    const { statuses, ask } = only({ by: ["metadata.user"], name: "per user" });
    const path = "/openai/models";
    assert.deepEqual(await statuses(2, path, metadata({ user: "a" })), [200, 429]);
    assert.deepEqual(await statuses(2, path, metadata({ user: "b" })), [200, 429]);
    assert.deepEqual(await statuses(2, path, metadata({ user: 7 })), [200, 429]);
    assert.deepEqual(await statuses(1, path, metadata({ user: "7" })), [429]);
    assert.deepEqual(await statuses(1, path), [200]);
    for (const none of [{}, { user: null }, { user: {} }, { team: "a" }, "a"]) {
      assert.deepEqual(await statuses(1, path, metadata(none)), [429], JSON.stringify(none));
    }
    const { response } = await ask(path);
    assert.match(
      (await errorOf(response)).message,
      /rule 'per user' allows 1 request in 60 s for each metadata\.user;/,
    );
  });

  it("do not take what all objects have for metadata", async () => {
    const { statuses } = only({ by: ["metadata.constructor", "metadata.__proto__"] });
    assert.deepEqual(await statuses(2), [200, 429]);
  });

  it("count for each address on its own; of IPv6, for each /64", async () => {
    const { gateway } = only({ by: ["ip"] });
    const status = async (ip: string) =>
      (await gateway.fetch(new Request("http://g.test/v1/a/default/openai/models"), { ip })).status;
    const same = [
      ["192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1"],
      ["192.0.2.2", "192.0.2.2"],
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::1", "2001:DB8:1:2:ffff::", "2001:0db8:0001:0002::9"],
      ["2001:db8:1:3::1", "2001:db8:1:3:8::"],
      ["::1", "::2", "0:0:0:0:0:0:0:3"],
      ["2001:db8::1", "2001:db8:0:0:1::"],
      ["fe80::1%eth0", "fe80::2%eth1"],
    ];
    for (const [first, ...others] of same) {
      assert.equal(await status(first!), 200, first);
      for (const other of others) assert.equal(await status(other), 429, other);
    }
  });

  it("say once that a runtime tells no address", async () => {
    const { statuses, reports } = only({ by: ["ip"] });
    assert.deepEqual(await statuses(3), [200, 429, 429]);
    assert.equal(reports.length, 1);
    assert.match(reports[0]!, /counts by 'ip'/);
  });

  it("count for each virtual key on its own", async () => {
    const keys = memoryKV();
    const virtual = new VirtualKeys({ kv: keys, now: Date.now });
    const [a, b] = await Promise.all(
      ["a", "b"].map((name) => virtual.create("default", { name })),
    );
    const { statuses } = world(
      { rate_limits: [{ unit: "requests", limit: 1, window: 60, by: ["key"] }] },
      { plugins: [auth(), rateLimit()], stores: { keys } },
    );
    const path = "/openai/models";
    const as = (key: string) => ({ headers: { "cf-aig-authorization": key } });
    assert.deepEqual(await statuses(2, path, as(a!.key)), [200, 429]);
    assert.deepEqual(await statuses(2, path, as(b!.key)), [200, 429]);
    assert.deepEqual(await statuses(2, path), [200, 429]);
  });

  it("are about the providers and models that they name", async () => {
    const { statuses } = world({
      rate_limits: [
        { unit: "requests", limit: 1, window: 60, providers: ["anthropic", "xai"] },
        { unit: "requests", limit: 1, window: 60, models: ["openai/GPT-4*", "o1"] },
      ],
    });
    assert.deepEqual(await statuses(3, "/openai/models"), [200, 200, 200]);
    assert.deepEqual(await statuses(2, "/anthropic/v1/models"), [200, 429]);
    assert.deepEqual(await statuses(2, "/grok/v1/models"), [429, 429]);
    assert.deepEqual(await statuses(1, post, chat("gpt-3")), [200]);
    assert.deepEqual(await statuses(2, post, chat("gpt-4o")), [200, 429]);
    assert.deepEqual(await statuses(1, post, chat("o1")), [429]);
    // Not to be got around by what nobody needs.
    assert.deepEqual(await statuses(1, "/openai//chat/completions", chat("o1")), [429]);
    assert.deepEqual(await statuses(1, "/groq/chat/completions", chat("gpt-4o")), [200]);
  });

  it("take from all buckets or from none", async () => {
    const { statuses } = world({
      rate_limiting_limit: 3,
      rate_limits: [{ unit: "requests", limit: 1, window: 60, by: ["provider"] }],
    });
    assert.deepEqual(await statuses(9, "/openai/models"), [200, ...Array(8).fill(429)]);
    assert.deepEqual(await statuses(1, "/groq/models"), [200]);
    assert.deepEqual(await statuses(1, "/mistral/v1/models"), [200]);
    assert.deepEqual(await statuses(1, "/anthropic/v1/models"), [429]);
  });

  it("of the plugin are for every gateway, each on its own", async () => {
    const rules: RateLimitRule[] = [{ unit: "requests", limit: 1, window: 60 }];
    const { ask } = world({}, { limits: { rules }, gateways: { other: {} } });
    for (const id of ["default", "other"]) {
      const path = `http://gateway.test/v1/acc/${id}/openai/models`;
      assert.equal((await ask(path)).response.status, 200);
      assert.equal((await ask(path)).response.status, 429);
    }
  });

  it("keep names and values out of the store's keys", async () => {
    const { counters, keys } = watched();
    const { statuses } = world({}, {
      stores: { counters },
      gateways: { "My_Gateway": {} },
      limits: {
        rules: [{ name: "Rule :*", unit: "requests", limit: 9, window: 60, by: ["metadata.user"] }],
      },
    });
    const path = "http://gateway.test/v1/acc/My_Gateway/openai/models";
    for (const user of ["a:b", "../x", "", "é", "x".repeat(3000)]) {
      assert.deepEqual(await statuses(2, path, metadata({ user: user.replace("é", "e") })), [
        200,
        200,
      ]);
    }
    assert.equal(new Set(keys).size, 5);
    for (const key of keys) assert.match(key, /^rate:[0-9a-f]{32}$/);
  });

  it("with a name go on counting when their figures change, others begin anew", async () => {
    const counters = memoryCounters();
    const limited = (rule: RateLimitRule) =>
      world({ rate_limits: [rule] }, { stores: { counters } });
    const rule: RateLimitRule = { unit: "requests", limit: 2, window: 60 };
    assert.deepEqual(await limited(rule).statuses(3), [200, 200, 429]);
    assert.deepEqual(await limited({ ...rule, limit: 3 }).statuses(1), [200]);
    assert.deepEqual(await limited({ ...rule, name: "a" }).statuses(3), [200, 200, 429]);
    assert.deepEqual(await limited({ ...rule, name: "a", limit: 3 }).statuses(2), [200, 429]);
  });
});

describe("rateLimit: one client request", () => {
  it("counts once, however many steps it takes", async () => {
    const { statuses, sent } = world({ rate_limiting_limit: 2 }, {
      plugins: [steps("openai", "groq", "mistral"), rateLimit()],
      answer: () => new Response("busy", { status: 503 }),
    });
    assert.deepEqual(await statuses(3, post, chat("gpt-4o")), [503, 503, 429]);
    assert.equal(sent.length, 6);
  });

  it("counts once for each provider that it comes to", async () => {
    const { ask, sent } = world(
      { rate_limits: [{ unit: "requests", limit: 2, window: 60, by: ["provider"] }] },
      {
        plugins: [steps("openai", "openai", "groq"), rateLimit()],
        answer: () => new Response("busy", { status: 503 }),
      },
    );
    await ask(post, chat("gpt-4o"));
    await ask(post, chat("gpt-4o"));
    const { response } = await ask(post, chat("gpt-4o"));
    assert.equal(response.status, 429);
    assert.equal(sent.length, 6);
  });

  it("counts once for two of these plugins", async () => {
    const { statuses } = world({ rate_limiting_limit: 2 }, { plugins: [rateLimit(), rateLimit()] });
    assert.deepEqual(await statuses(3), [200, 200, 429]);
  });

  it("costs nothing when it is answered from a cache further in", async () => {
    const hit = definePlugin("hit", (ctx) => {
      ctx.shared.cached = true;
      return new Response("cached");
    });
    const { statuses } = world({ rate_limiting_limit: 1 }, { plugins: [rateLimit(), hit] });
    assert.deepEqual(await statuses(3), [200, 200, 200]);
  });
});

describe("rateLimit: headers of answers", () => {
  const names = (response: Response) =>
    [...response.headers].filter(([name]) => name.includes("ratelimit")).sort();

  it("tell what is left", async () => {
    const { ask } = world({ rate_limiting_limit: 10, rate_limiting_technique: "fixed" });
    await ask("/openai/models");
    const { response } = await ask("/openai/models");
    assert.deepEqual(names(response), [
      ["x-ratelimit-limit-requests", "10"],
      ["x-ratelimit-remaining-requests", "8"],
      ["x-ratelimit-reset-requests", "60s"],
    ]);
  });

  it("are those of the rule with the least left", async () => {
    const { ask } = world({
      rate_limiting_limit: 100,
      rate_limits: [{ unit: "requests", limit: 5, window: 3600, by: ["provider"] }],
    });
    const { response } = await ask("/openai/models");
    assert.equal(response.headers.get("x-ratelimit-limit-requests"), "5");
    assert.equal(response.headers.get("x-ratelimit-remaining-requests"), "4");
  });

  it("stand beside a provider's own, never in their place", async () => {
    const { ask } = world({ rate_limiting_limit: 10 }, {
      answer: () =>
        new Response("{}", {
          headers: {
            "x-ratelimit-remaining-requests": "9999",
            "x-ratelimit-remaining-tokens": "5",
          },
        }),
    });
    const { response } = await ask("/openai/models");
    assert.deepEqual(names(response).map(([name, value]) => `${name} ${value}`), [
      "x-ratelimit-remaining-requests 9999",
      "x-ratelimit-remaining-tokens 5",
      "x-sluice-ratelimit-limit-requests 10",
      "x-sluice-ratelimit-remaining-requests 9",
      "x-sluice-ratelimit-reset-requests 61s",
    ]);
  });

  it("are there after several steps, and on answers of plugins whose headers are fixed", async () => {
    const { ask } = world({ rate_limiting_limit: 10 }, {
      plugins: [steps("openai", "groq"), rateLimit()],
      answer: () => new Response("busy", { status: 503 }),
    });
    const { response } = await ask(post, chat("gpt-4o"));
    assert.equal(response.headers.get("x-ratelimit-remaining-requests"), "9");
    const fixed = definePlugin("fixed", () => Response.redirect("http://elsewhere.test/", 307));
    const other = world({ rate_limiting_limit: 10 }, { plugins: [rateLimit(), fixed] });
    const redirect = (await other.ask("/openai/models")).response;
    assert.equal(redirect.headers.get("x-ratelimit-remaining-requests"), "9");
  });

  it("can be left out, and pages may read them", async () => {
    const { ask } = world({ rate_limiting_limit: 1 }, { limits: { headers: false } });
    const origin = { headers: { origin: "http://localhost:3000" } };
    const { response } = await ask("/openai/models", origin);
    assert.deepEqual(names(response), []);
    const refused = (await ask("/openai/models", origin)).response;
    assert.equal(refused.headers.get("x-ratelimit-remaining-requests"), "0");
    const exposed = refused.headers.get("access-control-expose-headers")!.split(", ");
    for (const [name] of names(refused)) assert.ok(exposed.includes(name), name);
    assert.ok(exposed.includes("x-sluice-ratelimit-remaining-tokens"));
  });
});

describe("rateLimit: without its store", () => {
  const away: Counters = { ...memoryCounters(), add: () => Promise.reject(new Error("away")) };

  it("lets everything through, and promises nothing", async () => {
    const { ask } = world({ rate_limiting_limit: 1 }, { stores: { counters: away } });
    for (let i = 0; i < 3; i++) {
      const { response } = await ask("/openai/models");
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("x-ratelimit-remaining-requests"), null);
    }
  });

  it("lets nothing through where the gateway or the plugin says so", async () => {
    const closed = world({ rate_limiting_limit: 1, rate_limiting_failure: "closed" }, {
      stores: { counters: away },
    });
    const { response } = await closed.ask("/openai/models");
    assert.equal(response.headers.get("retry-after"), "1");
    assert.deepEqual(await errorOf(response), {
      status: 503,
      code: 8017,
      message: "The store of this gateway's rate limits cannot be reached; try again in a moment",
    });
    assert.equal(closed.sent.length, 0);
    const open = world({ rate_limiting_limit: 1, rate_limiting_failure: "closed" }, {
      stores: { counters: away },
      limits: { failure: "open" },
    });
    assert.deepEqual(await open.statuses(2), [200, 200]);
  });

  it("gives back what it took before the store went away", async () => {
    const inner = memoryCounters();
    let failing: string | undefined;
    const counters: Counters = {
      ...inner,
      add: (key, ...rest) =>
        key === failing ? Promise.reject(new Error("away")) : inner.add(key, ...rest),
    };
    const keys: string[] = [];
    const seen: Counters = {
      ...counters,
      add: (key, ...rest) => (keys.push(key), counters.add(key, ...rest)),
    };
    const { statuses } = world({
      rate_limiting_limit: 2,
      rate_limiting_failure: "closed",
      rate_limits: [{ unit: "requests", limit: 9, window: 60 }],
    }, { stores: { counters: seen } });
    assert.deepEqual(await statuses(1), [200]);
    failing = keys[1];
    assert.deepEqual(await statuses(3), [503, 503, 503]);
    failing = undefined;
    assert.deepEqual(await statuses(2), [200, 429]);
  });
});

describe("rateLimit: what can be wrong", () => {
  const problems = (build: () => unknown): string => {
    try {
      build();
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      return error.message;
    }
    return assert.fail("Nothing was thrown");
  };
  const base = { unit: "requests", limit: 1, window: 60 } as const;
  const wrong: [rule: unknown, message: RegExp][] = [
    [{ ...base, limit: 0 }, /0\.limit: found 0, expected >0/],
    [{ ...base, limit: -1 }, /0\.limit/],
    [{ ...base, limit: NaN }, /0\.limit/],
    [{ ...base, limit: Infinity }, /0\.limit/],
    [{ ...base, unit: "request" }, /0\.unit: found "request", expected .*"requests"/],
    [{ ...base, window: undefined }, /a 'window' in seconds/],
    [{ unit: "concurrent", limit: 1, window: 60 }, /neither 'window' nor 'technique'/],
    [{ ...base, by: ["user"] }, /0\.by\.0: found "user", expected 'key', 'provider'/],
    [{ ...base, by: ["metadata."] }, /0\.by\.0/],
    [{ ...base, by: [7] }, /0\.by\.0/],
    [{ ...base, windows: 60 }, /0\.windows: found an unknown key, expected 'window', the nearest/],
    ["x", /\.0: found "x"/],
  ];
  for (const [rule, message] of wrong) {
    it(`${JSON.stringify(rule)}`, () => {
      const rules = [rule] as RateLimitRule[];
      assert.match(problems(() => rateLimit({ rules })), message);
      assert.match(problems(() => rateLimit({ rules })), /^ {2}rateLimit\.rules\.0/m);
      const inSettings = () => createGateway({ gateways: { default: { rate_limits: rules } } });
      assert.match(problems(inSettings), /^ {2}gateways\.default\.rate_limits\.0/m);
    });
  }

  it("two rules of one name", () => {
    const rules: RateLimitRule[] = [{ ...base, name: "a" }, { ...base, name: "a", limit: 2 }];
    assert.match(problems(() => rateLimit({ rules })), /rules whose names differ/);
  });

  it("a lease that is none", () => {
    for (const lease of [0, -1, NaN, 1e9, "60" as never]) {
      assert.throws(() => rateLimit({ lease }), /'lease'/);
    }
  });

  it("limits without the plugin are reported", () => {
    const { reports } = world({ rate_limits: [{ ...base }] }, { plugins: [] });
    assert.match(reports[0]!, /rate_limits has no effect: no plugin named 'rateLimit'/);
  });
});
