/** Provider keys: which one is lent, to whom, and what is learned from the answer. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { ProviderKeys } from "../../core/auth/provider-keys.ts";
import { memoryKV } from "../../core/storage/memory.ts";
import { digestKey, type KV } from "../../core/storage/ports.ts";
import { createVault } from "../../core/auth/vault.ts";
import { auth, ConfigError, createGateway, type GatewayOptions, retry } from "../../mod.ts";
import { errorOf, recording } from "./upstream.ts";

let at = Date.parse("2026-01-02T12:00:00Z");
const now = () => at;
const master = new Uint8Array(32).fill(7);
const env = { SLUICE_MASTER_KEY: btoa(String.fromCharCode(...master)) };
const token = "sl-of-the-test";

type Answer = Parameters<typeof recording>[1];

async function world(options: GatewayOptions & { kv?: KV } = {}, answer?: Answer) {
  const { kv = memoryKV({ now }), gateways, ...rest } = options;
  const tokens = [{ name: "t", hash: `sha256:${await digestKey(token)}`, gateways: ["*"] }];
  const made = recording({
    plugins: [auth()],
    stores: { keys: kv },
    env,
    now,
    gateways: { default: { tokens, ...gateways?.default }, other: {}, open: { open: true } },
    ...rest,
  }, answer);
  const stored = new ProviderKeys({ kv, now, vault: createVault(master) });
  return {
    ...made,
    stored,
    store: (alias: string, secret: string, more = {}, provider_slug = "openai") =>
      stored.put("default", { provider_slug, alias, secret, ...more }),
    /** The key that OpenAI gets for a request with these headers. */
    async lent(headers: Record<string, string> = {}, path = "/openai/models") {
      const { response, sent } = await made.ask(path, {
        headers: { "cf-aig-authorization": token, ...headers },
      });
      if (sent === undefined) return await errorOf(response);
      return sent.headers["authorization"]?.replace("Bearer ", "");
    },
  };
}

const keys = (...values: [key: string, weight?: number][]) => ({
  openai: { default: values.map(([value, weight = 1]) => ({ value, weight })) },
});

async function inTurn(world: { lent(): Promise<unknown> }, n: number): Promise<string> {
  const seen: unknown[] = [];
  for (let i = 0; i < n; i++) seen.push(await world.lent());
  return seen.join("");
}

describe("pools of keys", () => {
  it("spread requests by weight, in the same order each time", async () => {
    for (let i = 0; i < 2; i++) {
      assert.equal(await inTurn(await world({ keys: keys(["a", 5], ["b"], ["c"]) }), 7), "aabacaa");
    }
    assert.equal(await inTurn(await world({ keys: keys(["a"], ["b"]) }), 4), "abab");
    const many = await inTurn(await world({ keys: keys(["a", 0.5], ["b", 2.5]) }), 60);
    assert.equal(many.split("a").length - 1, 10);
  });

  const refusals: [what: string, answer: () => Response, seconds: number][] = [
    ["429", () => new Response("", { status: 429 }), 10],
    ["429 with retry-after", () => limited({ "retry-after": "30" }), 30],
    [
      "429 with a date",
      () => limited({ "retry-after": new Date(at + 90_000).toUTCString() }),
      90,
    ],
    ["429 with retry-after-ms", () => limited({ "retry-after-ms": "2500" }), 3],
    ["429 with both", () => limited({ "retry-after-ms": "2500", "retry-after": "60" }), 3],
    ["429 with no time at all", () => limited({ "retry-after": "0" }), 1],
    ["429 with a date that has passed", () => limited({ "retry-after": "Thu, 01 Jan 1970" }), 1],
    ["429 with a very long time", () => limited({ "retry-after": "999999999" }), 3600],
    ["429 with nonsense", () => limited({ "retry-after": "soon" }), 10],
    ["401", () => new Response("", { status: 401 }), 60],
    ["402", () => new Response("", { status: 402 }), 60],
    [
      "Google's 400",
      () => json(400, { error: { details: [{ reason: "API_KEY_INVALID" }] } }),
      60,
    ],
    [
      "xAI's 400",
      () => json(400, { code: "x", error: "Incorrect API key provided: xa***1." }),
      60,
    ],
    [
      "Amazon's 403",
      () =>
        new Response("{}", {
          status: 403,
          headers: { "x-amzn-errortype": "UnrecognizedClientException:http://internal" },
        }),
      60,
    ],
  ];
  for (const [what, answer, seconds] of refusals) {
    it(`lets a key rest after ${what} for ${seconds} s`, async () => {
      let refuse = true;
      const made = await world({ keys: keys(["a"], ["b"]) }, () => refuse ? answer() : ok());
      assert.equal(await made.lent(), "a");
      refuse = false;
      assert.equal(await inTurn(made, 3), "bbb");
      at += seconds * 1000 - 1000;
      assert.equal(await inTurn(made, 2), "bb");
      at += 1001;
      assert.match(await inTurn(made, 2), /a/);
    });
  }

  for (
    const [what, answer] of [
      ["400 for the request", () => json(400, { error: { message: "max_tokens is too large" } })],
      ["403 for a model", () => json(403, { error: { message: "No access to model gpt-5" } })],
      ["404", () => new Response("", { status: 404 })],
      ["500", () => new Response("", { status: 500, headers: { "retry-after": "60" } })],
      ["200", () => ok()],
    ] as [string, () => Response][]
  ) {
    it(`lets no key rest after ${what}`, async () => {
      assert.equal(await inTurn(await world({ keys: keys(["a"], ["b"]) }, answer), 4), "abab");
    });
  }

  for (
    const [what, answer] of [
      ["429, whatever it says to wait", () => limited({ "retry-after": "3000" })],
      [
        "429 of a quota that is used up",
        () => json(429, { error: { code: "insufficient_quota" } }),
      ],
      ["401", () => new Response("", { status: 401 })],
      ["400 that blames the key", () => json(400, { error: "Incorrect API key provided: x." })],
    ] as [string, () => Response][]
  ) {
    it(`have another try at once with another key after ${what}`, async () => {
      const waits: number[] = [];
      const wait = (_: unknown, ms: number) => Promise.resolve(void waits.push(ms));
      const tried: string[] = [];
      const made = await world({
        keys: keys(["a"], ["b"]),
        plugins: [auth(), retry({ attempts: 3, wait })],
      }, (_url, init) => {
        const key = new Headers(init!.headers).get("authorization")!.replace("Bearer ", "");
        tried.push(key);
        return key === "a" ? answer() : ok();
      });
      const { response } = await made.ask("/openai/models", {
        headers: { "cf-aig-authorization": token },
      });
      assert.equal(response.status, 200);
      assert.deepEqual(tried, ["a", "b"]);
      assert.deepEqual(waits, []);
    });
  }

  it("try each key once after 401, and then no more", async () => {
    let tried = 0;
    const made = await world({
      keys: keys(["a"], ["b"], ["c"]),
      plugins: [auth(), retry({ attempts: 5, delay: 0 })],
    }, () => {
      tried++;
      return new Response("", { status: 401 });
    });
    const { response } = await made.ask("/openai/models", {
      headers: { "cf-aig-authorization": token },
    });
    assert.equal(response.status, 401);
    assert.equal(tried, 3);
  });

  it("hands on an answer that it has read", async () => {
    const body = { error: { message: "API key not valid. Please pass a valid API key." } };
    const { ask } = await world({ keys: keys(["a"], ["b"]) }, () => json(400, body));
    const { response } = await ask("/openai/models", { headers: { "x-api-key": token } });
    assert.equal(response.status, 400);
    assert.deepEqual(await response.json(), body);
  });

  it("use the key that wakes first when all rest, and never let an only key rest", async () => {
    const waits: Record<string, string> = { a: "50", b: "20", c: "40" };
    const refuse = (_url: string, init: RequestInit) =>
      limited({
        "retry-after": waits[new Headers(init.headers).get("authorization")!.slice(-1)]!,
      });
    const made = await world({ keys: keys(["a"], ["b"], ["c"]) }, refuse);
    assert.equal(await inTurn(made, 3), "abc");
    assert.equal(await inTurn(made, 2), "bb");
    const only = await world({ keys: keys(["a"]) }, refuse);
    assert.equal(await inTurn(only, 3), "aaa");
  });
});

describe("stored keys", () => {
  it("win over the configuration for their alias", async () => {
    const made = await world({
      keys: { openai: { default: { value: "configured" }, spare: { value: "spare" } } },
    });
    assert.equal(await made.lent(), "configured");
    await made.store("default", "stored");
    at += 5000;
    assert.equal(await made.lent(), "stored");
    assert.equal(await made.lent({ "cf-aig-byok-alias": "spare" }), "spare");
    assert.equal(
      await made.lent({}, "http://g.test/v1/a/other/openai/models"),
      "configured",
      "They are of one gateway",
    );
  });

  it("are chosen by alias; without one it is the marked, else 'default'", async () => {
    const made = await world();
    await made.store("live", "sk-live");
    await made.store("test", "sk-test");
    assert.equal(await made.lent({ "cf-aig-byok-alias": "test" }), "sk-test");
    assert.equal(await made.lent(), undefined);
    await made.store("live", "sk-live", { default_config: true });
    at += 5000;
    assert.equal(await made.lent(), "sk-live");
    await made.store("default", "sk-default", { default_config: true });
    at += 5000;
    assert.equal(await made.lent(), "sk-default");
  });

  it("have an alias that is there, or the request ends", async () => {
    const made = await world({ keys: { openai: { spare: { value: "x" } } } });
    await made.store("live", "sk-live");
    const error = await made.lent({ "cf-aig-byok-alias": "lvie" });
    assert.deepEqual(error, {
      status: 400,
      code: 2040,
      message: "Provider 'openai' has no BYOK credential named 'lvie'. Configured aliases: " +
        "'live', 'spare'",
    });
    const none = await made.lent({ "cf-aig-byok-alias": "x" }, "/mistral/v1/models");
    assert.match((none as { message: string }).message, /named 'x'. Configured aliases: none$/);
  });

  it("change at once in this process, and within 5 s in another", async () => {
    const kv = memoryKV({ now });
    const made = await world({ kv });
    const { id } = await made.store("default", "one");
    assert.equal(await made.lent(), "one");
    await made.stored.rotate("default", id, "two");
    at += 5000;
    assert.equal(await made.lent(), "two");
    await made.stored.delete("default", id);
    at += 5000;
    assert.equal(await made.lent(), undefined);
  });

  it("cost the store nothing while a request waits", async () => {
    const kv = memoryKV({ now });
    let asked = 0;
    let onAsk = () => {};
    const count = <T>(answer: T): T => {
      asked++;
      onAsk();
      return answer;
    };
    // Settings are looked at as well, for themselves.
    const isTheirs = (key: string): boolean => !key.startsWith("settings:");
    const made = await world({
      kv: {
        ...kv,
        get: (key) => isTheirs(key) ? count(kv.get(key)) : kv.get(key),
        keys: (key) => count(kv.keys(key)),
      },
    });
    await made.store("default", "one");
    await made.lent();
    asked = 0;
    for (let i = 0; i < 10; i++) await made.lent();
    assert.equal(asked, 0);
    at += 3000;
    const look = new Promise<void>((done) => onAsk = done);
    for (let i = 0; i < 10; i++) await made.lent();
    await look;
    for (let i = 0; i < 10; i++) await made.lent();
    assert.equal(asked, 1, "One look at the revision");
  });

  it("are limited where they have a limit", async () => {
    const made = await world();
    await made.store("default", "one", { rate_limit: 2, rate_limit_period: 10 });
    assert.equal(await made.lent(), "one");
    assert.equal(await made.lent(), "one");
    const { response, sent } = await made.ask("/openai/models", {
      headers: { authorization: token },
    });
    assert.equal(sent, undefined);
    assert.equal(response.headers.get("retry-after"), "11");
    const error = await errorOf(response);
    assert.deepEqual([error.status, error.code], [429, 2003]);
    assert.match(error.message, /stored key 'default' for 'openai' is used up; try again in 11 s/);
    at += 11_000;
    assert.equal(await made.lent(), "one");
  });

  it("that another master key has encrypted end the request, and are reported once", async () => {
    const kv = memoryKV({ now });
    const other = new ProviderKeys({ kv, now, vault: createVault(new Uint8Array(32)) });
    await other.put("default", { provider_slug: "openai", alias: "default", secret: "sk-one" });
    for (const [environment, reason] of [[env, /another SLUICE_MASTER_KEY/], [{}, /is not set/]]) {
      const made = await world({
        kv,
        env: environment as typeof env,
        keys: { openai: { default: { value: "configured" } } },
      });
      for (let i = 0; i < 3; i++) {
        const error = await made.lent() as { status: number; code: number; message: string };
        assert.deepEqual([error.status, error.code], [500, 8014]);
        assert.match(
          error.message,
          /'default' for 'openai' cannot be decrypted; check SLUICE_MASTER_KEY/,
        );
      }
      assert.equal(made.sent.length, 0);
      const reports = made.reports.filter((report) => /decrypted/.test(report));
      assert.equal(reports.length, 1);
      assert.match(reports[0]!, reason as RegExp);
    }
  });

  it("need a master key of 32 bytes", () => {
    for (const bad of ["short", btoa("x".repeat(31)), "%"]) {
      assert.throws(() => createGateway({ env: { SLUICE_MASTER_KEY: bad } }), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(
          error.message,
          /SLUICE_MASTER_KEY .*: found something else, expected 32 bytes/,
        );
        assert.ok(!error.message.includes(bad));
        return true;
      });
    }
    createGateway({ env: { SLUICE_MASTER_KEY: "" } });
    createGateway({ env });
  });

  describe("while their store is away", () => {
    const awayKV = () => {
      const kv = memoryKV({ now });
      const state = { away: false };
      const fail = () => Promise.reject(new Error("away"));
      const store: KV = {
        ...kv,
        get: (key) => state.away ? fail() : kv.get(key),
        keys: (prefix) => state.away ? fail() : kv.keys(prefix),
      };
      return { store, state };
    };

    it("are as they were last", async () => {
      const { store, state } = awayKV();
      const made = await world({ kv: store });
      await made.store("default", "one");
      assert.equal(await made.lent(), "one");
      state.away = true;
      for (let i = 0; i < 3; i++) {
        at += 3_600_000;
        assert.equal(await made.lent(), "one");
      }
    });

    it("leave the configuration's to lend, or the request ends", async () => {
      const { store, state } = awayKV();
      state.away = true;
      const made = await world({ kv: store, keys: keys(["configured"]) });
      assert.equal(await made.lent(), "configured");
      const error = await made.lent({}, "/mistral/v1/models") as { status: number; code: number };
      assert.deepEqual([error.status, error.code], [503, 8013]);
      await made.lent({}, "/ollama/v1/models");
      assert.equal(made.sent.length, 2, "A server at home needs no key");
      await made.lent({ authorization: "Bearer sk-own" }, "/mistral/v1/models");
      assert.equal(made.sent.length, 3);
      const without = await world({ kv: store, env: {} });
      assert.equal(await without.lent({}, "/mistral/v1/models"), undefined, "None can be stored");
      assert.equal(without.sent.length, 1);
    });
  });
});

describe("to whom keys are lent", () => {
  it("is whoever has authenticated, or anybody where the gateway says so", async () => {
    const { ask } = await world({ keys: keys(["lent"]) });
    const key = async (gateway: string, headers: Record<string, string> = {}) =>
      (await ask(`http://g.test/v1/a/${gateway}/openai/models`, { headers })).sent!
        .headers["authorization"];
    assert.equal(await key("default"), undefined);
    assert.equal(await key("default", { "cf-aig-byok-alias": "nobody" }), undefined);
    assert.equal(await key("default", { "x-api-key": token }), "Bearer lent");
    assert.equal(await key("open"), "Bearer lent");
    const page = { origin: "https://evil.example" };
    assert.equal(await key("open", page), undefined);
    assert.equal(await key("default", { ...page, "x-api-key": token }), "Bearer lent");
  });

  for (
    const text of [
      "undefined",
      "null",
      "none",
      "EMPTY",
      "dummy",
      "sk-dummy",
      "sk-xxx",
      "XXXXXXXX",
      "placeholder",
      "not-needed",
      "no-key",
      "sk-no-key-required",
      "not-required",
      "dummy-key",
      "FAKE_API_KEY",
      "your-api-key",
      "NA",
      "n/a",
      "unused",
      "ignored",
      "fake",
      "ollama",
      "lm-studio",
      "",
    ]
  ) {
    it(`takes '${text}' for no key, where there is one to lend`, async () => {
      const made = await world({ keys: keys(["lent"]) });
      assert.equal(await made.lent({ authorization: `Bearer ${text}` }), "lent");
      assert.equal(await made.lent({ "x-api-key": text, authorization: text }), "lent");
      const { sent } = await made.ask(`/openai/models?key=${text}&a=1`, {
        headers: { "cf-aig-authorization": token },
      });
      assert.equal(sent!.url, "https://api.openai.com/v1/models?a=1");
      const none = await made.ask("/mistral/v1/models", {
        headers: { "cf-aig-authorization": token, authorization: `Bearer ${text}` },
      });
      const left = none.sent!.headers["authorization"];
      assert.equal(left, text === "" ? undefined : `Bearer ${text}`);
    });
  }

  it("keeps what might be a key", async () => {
    const made = await world({ keys: keys(["lent"]) });
    for (
      const own of [
        "sk-proj-undefined",
        "sk-nullx",
        "xx",
        "sk-xxxy",
        "dummy-but-mine",
        "nab",
        "your-api-key-2",
      ]
    ) {
      assert.equal(await made.lent({ authorization: `Bearer ${own}` }), own);
    }
  });
});

describe("requests without any key", () => {
  const noKey = { status: 400, code: 8015 };
  const isRefused = (answer: unknown) => {
    const { status, code, message } = answer as { status: number; code: number; message: string };
    assert.deepEqual({ status, code }, noKey);
    assert.match(
      message,
      /^No key for provider 'mistral': send one in its own header, or store one/,
    );
  };

  it("are refused where the gateway or the request says so", async () => {
    const strict = await world({ gateways: { default: { byok_only: true } }, keys: keys(["k"]) });
    isRefused(await strict.lent({}, "/mistral/v1/models"));
    isRefused(await strict.lent({ "cf-aig-authorization": "" }, "/mistral/v1/models"));
    isRefused(await strict.lent({ authorization: "Bearer undefined" }, "/mistral/v1/models"));
    isRefused(await strict.lent({ "cf-aig-no-wholesale": "false" }, "/mistral/v1/models"));
    assert.equal(await strict.lent({}), "k");
    assert.equal(await strict.lent({ authorization: "own" }, "/mistral/v1/models"), "own");
    assert.equal(await strict.lent({}, "/ollama/v1/models"), undefined, "It needs none");
    const lax = await world();
    isRefused(await lax.lent({ "cf-aig-no-wholesale": "true" }, "/mistral/v1/models"));
    assert.equal(await lax.lent({}, "/mistral/v1/models"), undefined);
    assert.equal(await lax.lent({ "cf-aig-no-wholesale": "yes" }, "/mistral/v1/models"), undefined);
  });
});

function ok(): Response {
  return Response.json({ ok: true });
}

function limited(headers: Record<string, string>): Response {
  return new Response("", { status: 429, headers });
}

function json(status: number, body: unknown): Response {
  const text = JSON.stringify(body);
  const headers = { "content-type": "application/json", "content-length": String(text.length) };
  return new Response(text, { status, headers });
}
