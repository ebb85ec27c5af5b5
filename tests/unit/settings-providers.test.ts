/** Custom providers and prices, made and changed over the management API. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { auth, cache, log, memoryKV } from "../../mod.ts";
import { chat, type Json, managed, problem } from "./manage.ts";
import { errorOf } from "./upstream.ts";

const masterKey = btoa("k".repeat(32));

function world(options: Parameters<typeof managed>[0] = {}) {
  const given = managed(options);
  const say = async (method: string, path: string, body?: unknown): Promise<Json> => {
    const answer = await given.call(method, path, { body });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body.result;
  };
  const ask = async (path: string, model = "m-1") => {
    const { response, sent } = await given.ask(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }] }),
    });
    return { response, sent };
  };
  /** What the next request costs. */
  const costOf = async (path: string, model: string): Promise<number | null> => {
    const { response } = await ask(path, model);
    await response.arrayBuffer();
    const row = await say("GET", `gateways/default/logs/${response.headers.get("cf-aig-log-id")}`);
    return row.cost;
  };
  return { ...given, say, ask, costOf };
}

const acme = { name: "Acme", slug: "acme", base_url: "https://api.acme.com", enable: true };

describe("custom providers over the API", () => {
  it("are made, read, listed, changed and deleted", async () => {
    const { say, call, ask } = world();
    assert.equal((await ask("/custom-acme/v1/chat/completions")).response.status, 400);
    const made = await say("POST", "custom-providers", {
      ...acme,
      headers: '{"X-Team":"blue"}',
      description: "Ours",
      link: "https://acme.com",
    });
    assert.match(made.id, /^[0-9a-f-]{36}$/);
    assert.deepEqual(
      [made.slug, made.beta, made.description, made.account_id, made.requested_as],
      ["acme", false, "Ours", "acc", "custom-acme"],
    );
    const { sent } = await ask("/custom-acme/v1/chat/completions?x=1");
    assert.equal(sent!.url, "https://api.acme.com/v1/chat/completions?x=1");
    assert.equal(sent!.headers["x-team"], "blue");

    assert.deepEqual(await say("GET", `custom-providers/${made.id}`), made);
    await say("POST", "custom-providers", { ...acme, name: "Beta", slug: "b", beta: true });
    const names = async (query: string) =>
      (await say("GET", `custom-providers?${query}`)).map(({ name }: Json) => name);
    assert.deepEqual(await names(""), ["Acme", "Beta"]);
    assert.deepEqual(await names("order_by=name%20DESC"), ["Beta", "Acme"]);
    assert.deepEqual(await names("search=acm"), ["Acme"]);
    assert.deepEqual(await names("beta=true"), ["Beta"]);
    assert.deepEqual(await names("per_page=1&page=2"), ["Beta"]);

    const changed = await say("PATCH", `custom-providers/${made.id}`, {
      base_url: "https://other.acme.com/api/",
      headers: null,
    });
    assert.deepEqual([changed.name, changed.headers], ["Acme", null]);
    const after = await ask("/custom-acme/chat");
    assert.equal(after.sent!.url, "https://other.acme.com/api/chat");
    assert.equal(after.sent!.headers["x-team"], undefined);

    await say("PATCH", `custom-providers/${made.id}`, { enable: false });
    const off = await ask("/custom-acme/chat");
    assert.equal(off.response.status, 400);
    await say("DELETE", `custom-providers/${made.id}`);
    const found = problem(await call("GET", `custom-providers/${made.id}`));
    assert.deepEqual(found.slice(0, 2), [404, 1004]);
  });

  it("are off unless they are switched on, as on Cloudflare, and say so", async () => {
    const { say, ask } = world();
    const { enable: _, ...rest } = acme;
    assert.equal((await say("POST", "custom-providers", rest)).enable, false);
    const { response } = await ask("/custom-acme/chat");
    assert.match((await errorOf(response)).message, /'enable'/);
  });

  it("are reached by the unified API, under a base without a path as Cloudflare does", async () => {
    const { say, ask } = world();
    await say("POST", "custom-providers", acme);
    await say("POST", "custom-providers", {
      ...acme,
      slug: "Deep_One",
      base_url: "https://api.acme.com/openai/v2",
    });
    const at = async (model: string) => (await ask("/compat/chat/completions", model)).sent;
    const first = await at("custom-acme/m-1");
    assert.equal(first!.url, "https://api.acme.com/v1/chat/completions");
    assert.equal(JSON.parse(first!.body).model, "m-1");
    assert.equal(
      (await at("custom-Deep_One/m-1"))!.url,
      "https://api.acme.com/openai/v2/chat/completions",
    );
  });

  it("speak the format that they are said to, with their keys in their place", async () => {
    const { say, ask } = world({ env: { SLUICE_MASTER_KEY: masterKey }, open: true });
    await say("POST", "custom-providers", {
      ...acme,
      format: "anthropic-messages",
      key_header: "x-acme-key",
    });
    await say("POST", "gateways/default/provider_configs", {
      provider_slug: "custom-acme",
      secret: "acme-secret",
    });
    const { sent } = await ask("/compat/chat/completions", "custom-acme/m-1");
    assert.equal(sent!.url, "https://api.acme.com/v1/messages");
    assert.equal(sent!.headers["x-acme-key"], "acme-secret");
  });

  it("answer from the cache only what the same address said", async () => {
    const { say, ask } = world({
      plugins: [cache()],
      gateways: { default: { cache_ttl: 600 } },
    });
    const { id } = await say("POST", "custom-providers", acme);
    const cached = async () => {
      const { response } = await ask("/custom-acme/v1/chat/completions");
      await response.arrayBuffer();
      return response.headers.get("cf-aig-cache-status");
    };
    assert.deepEqual([await cached(), await cached()], ["MISS", "HIT"]);
    await say("PATCH", `custom-providers/${id}`, { description: "Other words" });
    assert.equal(await cached(), "HIT");
    await say("PATCH", `custom-providers/${id}`, { base_url: "https://two.acme.com" });
    assert.equal(await cached(), "MISS");
  });

  it("keep their headers encrypted where there is a master key", async () => {
    const kv = memoryKV();
    const { say, ask } = world({
      env: { SLUICE_MASTER_KEY: masterKey },
      stores: { keys: kv },
      plugins: [auth(), log()],
    });
    const headers = '{"authorization":"Bearer of-the-team"}';
    const { id } = await say("POST", "custom-providers", { ...acme, headers });
    await say("PATCH", "gateways/default", {
      otel: [{ url: "https://o.example", headers: { "x-key": "of-the-collector" } }],
    });
    for (const at of [...await kv.keys("settings:"), ...await kv.keys("audit:")]) {
      assert.doesNotMatch(JSON.stringify(await kv.get(at)), /of-the-/, at);
    }
    assert.equal((await say("GET", `custom-providers/${id}`)).headers, headers);
    const { sent } = await ask("/custom-acme/chat");
    assert.equal(sent!.headers.authorization, "Bearer of-the-team");
    const read = await say("GET", "gateways/default");
    assert.equal(read.otel[0].headers["x-key"], "of-the-collector");
  });

  const wrong: [name: string, body: Json, status: number, code: number, path: string][] = [
    ["http", { ...acme, base_url: "http://api.acme.com" }, 400, 1002, "body.base_url"],
    ["an inner address", { ...acme, base_url: "https://10.0.0.1" }, 400, 1002, "body.base_url"],
    ["this machine", { ...acme, base_url: "http://127.0.0.1:1" }, 400, 1002, "body.base_url"],
    ["no URL", { ...acme, base_url: "acme" }, 400, 1002, "body.base_url"],
    ["a slug that is taken", { ...acme, slug: "taken" }, 409, 1003, "body.slug"],
    ["a slug of the configuration", { ...acme, slug: "mine" }, 409, 1003, "body.slug"],
    ["a slug with a slash", { ...acme, slug: "a/b" }, 400, 7001, "body.slug"],
    ["no name", { ...acme, name: undefined }, 400, 7001, "body.name"],
    ["headers that are no JSON", { ...acme, headers: "x: y" }, 400, 7001, "body.headers"],
    ["headers with a line break", { ...acme, headers: '{"a":"b\\nc"}' }, 400, 7001, "body.headers"],
    ["a host header", { ...acme, headers: '{"Host":"x"}' }, 400, 7001, "body.headers"],
    [
      "long headers",
      { ...acme, headers: `{"a":"${"x".repeat(9000)}"}` },
      400,
      7001,
      "body.headers",
    ],
    ["a strange format", { ...acme, format: "soap" }, 400, 7001, "body.format"],
    ["an unknown field", { ...acme, baseurl: "x" }, 400, 7001, "body.baseurl"],
  ];
  for (const [name, body, ...expected] of wrong) {
    it(`refuse ${name}`, async () => {
      const { call, say } = world({
        providers: { "custom-mine": { base_url: "https://mine.example" } },
      });
      await say("POST", "custom-providers", { ...acme, slug: "taken" });
      const [status, code, message, path] = problem(
        await call("POST", "custom-providers", { body }),
      );
      assert.deepEqual([status, code, path], expected, message);
    });
  }

  it("may be on this machine where the gateway is for it alone, or where the configuration says so", async () => {
    const body = { ...acme, base_url: "http://127.0.0.1:11434/v1" };
    const token = "an-admin-token-for-tests";
    const loopback = world({ admin: { token, loopback: true } });
    await loopback.say("POST", "custom-providers", body);
    assert.equal(
      (await loopback.call("POST", "custom-providers", {
        body: { ...acme, slug: "lan", base_url: "http://192.168.0.1" },
      })).status,
      400,
    );
    const { say, gateway } = world({ allow_private_providers: true });
    await say("POST", "custom-providers", { ...acme, base_url: "http://192.168.0.1" });
    // Like the model servers that are built in, closed to pages of other sites.
    const response = await gateway.fetch(
      new Request("http://localhost/custom-acme/chat", {
        headers: { origin: "https://evil.example" },
      }),
    );
    assert.equal(response.status, 403);
  });

  describe("under a name that leads to an inner address", () => {
    const names: Record<string, string[]> = {
      "api.acme.com": ["203.0.114.9", "2606:4700::1111"],
      "in.acme.com": ["203.0.114.9", "10.0.0.5"],
      "six.acme.com": ["fe80::1%eth0"],
      "mapped.acme.com": ["::ffff:169.254.169.254"],
      "own.acme.com": ["127.0.0.1"],
    };
    const lookUp = (more: Parameters<typeof managed>[0] = {}) => {
      const clock = { now: Date.parse("2026-01-02T12:00:00Z"), asked: 0 };
      const made = world({
        now: () => clock.now,
        resolve: (name) => {
          clock.asked++;
          const found = names[name];
          return found === undefined
            ? Promise.reject(new Error("ENOTFOUND"))
            : Promise.resolve(found);
        },
        ...more,
      });
      const make = (host: string) =>
        made.call("POST", "custom-providers", {
          body: { ...acme, base_url: `https://${host}/v1` },
        });
      return { ...made, clock, make };
    };

    it("are refused", async () => {
      const { make } = lookUp();
      for (const host of ["in.acme.com", "six.acme.com", "mapped.acme.com", "own.acme.com"]) {
        const [status, code, message, path] = problem(await make(host));
        assert.deepEqual([status, code, path], [400, 1002, "body.base_url"], host);
        assert.match(message, /has a name that leads to an inner address/);
      }
      assert.equal((await make("api.acme.com")).status, 200);
    });

    it("are refused in other settings as well", async () => {
      const { call } = lookUp();
      for (
        const body of [
          { otel: [{ url: "https://in.acme.com/v1/traces", headers: {} }] },
          { access: { team_domain: "https://own.acme.com", audience: "a" } },
        ]
      ) {
        const answer = await call("PATCH", "gateways/default", { body });
        assert.match(problem(answer)[2], /has a name that leads to an inner address/);
      }
    });

    it("may be there where the configuration says so, or nobody else can ask", async () => {
      const any = lookUp({ allow_private_providers: true });
      assert.equal((await any.make("in.acme.com")).status, 200);
      assert.equal((await any.ask("/custom-acme/chat")).response.status, 200);
      assert.equal(any.clock.asked, 0);
      const local = lookUp({ admin: { loopback: true } });
      assert.equal((await local.make("own.acme.com")).status, 200);
      assert.equal((await local.make("in.acme.com")).status, 400);
    });

    it("are not asked any more once their name leads there", async () => {
      const { make, ask, sent, clock } = lookUp();
      names["turns.acme.com"] = ["203.0.114.9"];
      assert.equal((await make("turns.acme.com")).status, 200);
      assert.equal((await ask("/custom-acme/chat")).response.status, 200);
      const { asked } = clock;
      await ask("/custom-acme/chat");
      assert.equal(clock.asked, asked, "A name is looked up once in 5 s");
      names["turns.acme.com"] = ["192.168.0.1"];
      clock.now += 5_000;
      const { response } = await ask("/custom-acme/chat");
      assert.match((await errorOf(response)).message, /leads to an inner address/);
      assert.equal(sent.length, 2);
      delete names["turns.acme.com"];
      assert.equal((await ask("/custom-acme/chat")).response.status, 200);
    });
  });

  it("are in the list of all providers", async () => {
    const { say } = world({
      providers: { openai: { base_url: "https://eu.api.openai.com/v1" } },
      keys: {
        google: { default: { value: "a-secret" }, batch: { value: "another" } },
        groq: { default: { env: "NOT_SET" } },
      },
    });
    await say("POST", "custom-providers", acme);
    const all: Json[] = await say("GET", "providers?per_page=1000");
    const keys = (slug: string) => all.find((each) => each.slug === slug)?.configured_keys;
    // The names of keys that are there, whichever name of the provider has them; never a key.
    assert.deepEqual(
      ["google-ai-studio", "groq", "openai"].map(keys),
      [["default", "batch"], [], []],
    );
    assert.doesNotMatch(JSON.stringify(all), /a-secret|another/);
    const source = (slug: string) => all.find((each) => each.slug === slug)?.source;
    assert.deepEqual(
      ["custom-acme", "openai", "anthropic"].map(source),
      ["stored", "config", "builtin"],
    );
  });
});

describe("stored prices", () => {
  const [input, output] = [chat.usage.prompt_tokens, chat.usage.completion_tokens];

  it("of custom providers are dollars for one token, the more telling rule first", async () => {
    const { say, costOf } = world();
    const provider = await say("POST", "custom-providers", acme);
    const price = (body: Json) =>
      say("POST", "custom-providers/costs", { account_provider_id: provider.id, ...body });
    const at = (model: string) => costOf("/custom-acme/v1/chat/completions", model);
    assert.equal(await at("m-1"), null);
    const any = await price({ model: "m", model_rule: "contains", cost_in: 1, cost_out: 1 });
    assert.deepEqual(
      [any.weight, any.changed_by, any.cost_type, any.token_pricing],
      [1, "manual", "tokens", null],
    );
    assert.equal(await at("m-1"), input + output);
    await price({ model: "m-", model_rule: "starts-with", cost_in: 2, cost_out: 0 });
    assert.equal(await at("m-1"), 2 * input);
    const exact = await price({
      model: "M-1",
      token_pricing: { input_tokens: 3, input_cached_tokens: 1, output_tokens: 0 },
    });
    assert.deepEqual(JSON.parse(exact.token_pricing).input_tokens, 3);
    assert.equal(await at("m-1"), 3 * (input - 4) + 4);
    await say("PATCH", `custom-providers/costs/${exact.id}`, { enable: false });
    assert.equal(await at("m-1"), 2 * input);
    const listed = await say("GET", "custom-providers/costs?model_rule=equals");
    assert.deepEqual(listed.map(({ id }: Json) => id), [exact.id]);
    await say("DELETE", `custom-providers/${provider.id}`);
    assert.deepEqual(await say("GET", "custom-providers/costs"), []);
  });

  it("of any provider are dollars for a million, over the configuration and the table", async () => {
    const { say, costOf } = world({ prices: { "groq/m-1": { input: 5, output: 5 } } });
    const at = () => costOf("/groq/chat/completions", "m-1");
    assert.equal(await at(), (input + output) * 5e-6);
    const made = await say("POST", "prices", {
      provider: "groq",
      model: "m-*",
      input: 1_000_000,
      output: 0,
    });
    assert.deepEqual([made.model, made.model_rule], ["m-", "starts-with"]);
    assert.equal(await at(), input);
    await say("PATCH", `prices/${made.id}`, { input: null, output: null, per_request: 7 });
    assert.equal(await at(), 7);
    await say("DELETE", `prices/${made.id}`);
    assert.equal(await at(), (input + output) * 5e-6);
  });

  it("refuse what they are not", async () => {
    const { call } = world();
    const id = crypto.randomUUID();
    const wrong: [path: string, body: Json, at: string][] = [
      ["custom-providers/costs", { account_provider_id: id, model: "m" }, "account_provider_id"],
      ["custom-providers/costs", { account_provider_id: "x", model: "m" }, "account_provider_id"],
      ["prices", { provider: "opnai", model: "m" }, "provider"],
      ["prices", { provider: "openai", model: "m", input: -1 }, "input"],
      ["prices", { provider: "openai", model: "" }, "model"],
      ["prices", { provider: "openai", model: "m", model_rule: "regex" }, "model_rule"],
    ];
    for (const [path, body, at] of wrong) {
      const found = problem(await call("POST", path, { body }));
      assert.deepEqual([found[0], found[1], found[3]], [400, 7001, `body.${at}`], found[2]);
    }
  });
});
