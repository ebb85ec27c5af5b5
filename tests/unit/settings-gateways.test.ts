/** Gateways, made and changed over the management API. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { auth, cache, memoryKV, rateLimit, retry } from "../../mod.ts";
import { type Json, managed, problem } from "./manage.ts";

/** What Cloudflare asks for in a POST and a PUT. */
const least = {
  cache_invalidate_on_update: true,
  cache_ttl: 0,
  collect_logs: true,
  rate_limiting_interval: 0,
  rate_limiting_limit: 0,
};

const masterKey = btoa("k".repeat(32));

function world(options: Parameters<typeof managed>[0] = {}) {
  const given = managed(options);
  const say = async (method: string, path: string, body?: unknown): Promise<Json> => {
    const answer = await given.call(method, path, { body });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body.result;
  };
  const status = async (gateway: string, init: RequestInit = {}) => {
    const url = `http://gateway.test/v1/acc/${gateway}/openai/chat/completions`;
    const { response } = await given.ask(url, {
      method: "POST",
      body: '{"model":"gpt-4o-mini","messages":[]}',
      ...init,
    });
    await response.arrayBuffer();
    return response;
  };
  return { ...given, say, status };
}

describe("gateways over the API", () => {
  it("are made, read, listed, changed and deleted", async () => {
    const { say, call, status } = world({ gateways: { team: {} } });
    assert.equal((await status("blue")).status, 400);

    const made = await say("POST", "gateways", { ...least, id: "blue", cache_ttl: 60 });
    assert.deepEqual(
      [made.id, made.cache_ttl, made.is_default, made.account_id, made.source],
      ["blue", 60, false, "acc", "stored"],
    );
    assert.ok(Date.parse(made.created_at) > 0);
    assert.equal((await status("blue")).status, 200);
    assert.deepEqual(await say("GET", "gateways/blue"), made);

    const all = await call("GET", "gateways");
    assert.deepEqual(all.body.result.map(({ id }: Json) => id), ["blue", "default", "team"]);
    assert.deepEqual(all.body.result_info, { page: 1, per_page: 20, count: 3, total_count: 3 });
    const page = await call("GET", "gateways?page=2&per_page=1");
    assert.deepEqual(page.body.result.map(({ id }: Json) => id), ["default"]);
    const found = await say("GET", "gateways?search=LU");
    assert.deepEqual(found.map(({ id }: Json) => id), ["blue"]);

    const changed = await say("PUT", "gateways/blue", { ...least, retry_max_attempts: 3 });
    assert.deepEqual([changed.cache_ttl, changed.retry_max_attempts], [0, 3]);
    assert.equal(changed.created_at, made.created_at);
    // What a client does not know of stays.
    const again = await say("PUT", "gateways/blue", least);
    assert.equal(again.retry_max_attempts, 3);
    assert.equal(
      (await say("PATCH", "gateways/blue", { retry_max_attempts: null }))
        .retry_max_attempts,
      null,
    );

    const gone = await say("DELETE", "gateways/blue");
    assert.equal(gone.id, "blue");
    assert.deepEqual(problem(await call("GET", "gateways/blue")).slice(0, 2), [404, 7002]);
    assert.equal((await status("blue")).status, 400);
  });

  it("of the configuration are changed, and go back to it", async () => {
    const { say, call, status } = world({
      plugins: [auth()],
      gateways: { team: { retry_max_attempts: 4, timeout_idle: 500 } },
    });
    assert.equal((await say("GET", "gateways/team")).source, "config");
    const changed = await say("PATCH", "gateways/team", { authentication: true });
    assert.deepEqual(
      [changed.source, changed.overrides, changed.retry_max_attempts, changed.timeout_idle],
      ["config+stored", ["authentication"], 4, 500],
    );
    assert.equal((await status("team")).status, 401);
    assert.equal((await status("default")).status, 200);
    await say("DELETE", "gateways/team");
    assert.equal((await status("team")).status, 200);
    assert.equal((await say("GET", "gateways/team")).authentication, false);
    assert.match(problem(await call("DELETE", "gateways/team"))[2], /configuration/);
    assert.match(problem(await call("DELETE", "gateways/default"))[2], /always there/);
  });

  it("are answered as they were read, and what was read may be written", async () => {
    const { say } = world({ plugins: [auth(), cache(), rateLimit(), retry()] });
    await say("POST", "gateways", { ...least, id: "round" });
    const read = await say("GET", "gateways/round");
    const written = await say("PUT", "gateways/round", read);
    const { modified_at: _a, overrides: _b, ...before } = read;
    const { modified_at: _c, overrides: _d, ...after } = written;
    assert.deepEqual(after, before);
  });

  it("give back what has no effect here", async () => {
    const { say } = world();
    const kept = {
      zdr: true,
      dlp: { enabled: true, action: "FLAG", profiles: ["a"] },
      guardrails: { prompt: { S1: "BLOCK" }, response: {} },
      stripe: { authorization: "sk_live_secret", usage_events: [{ payload: "{}" }] },
      workers_ai_billing_mode: "unified",
      spend_limits: { enabled: true, rules: [{ limit: 5, limitType: "cost", window: 60 }] },
      log_classification: true,
      store_id: "store",
      otel: [{ url: "https://otel.example/v1/traces", headers: { "x-key": "secret" } }],
      logpush: true,
      logpush_public_key: "k".repeat(16),
    };
    await say("POST", "gateways", { ...least, ...kept, id: "kept" });
    const read = await say("GET", "gateways/kept");
    for (const [name, value] of Object.entries(kept)) assert.deepEqual(read[name], value, name);
  });

  const wrong: [name: string, body: unknown, path: string, message: RegExp][] = [
    ["no id", least, "body.id", /'id' is missing/],
    ["a capital in the id", { ...least, id: "Blue" }, "body.id", /lower-case/],
    ["a dash at the end", { ...least, id: "blue-" }, "body.id", /single '-'/],
    ["a long id", { ...least, id: "x".repeat(65) }, "body.id", /1 to 64/],
    ["no cache_ttl", { ...least, id: "b", cache_ttl: undefined }, "body.cache_ttl", /missing/],
    ["a negative ttl", { ...least, id: "b", cache_ttl: -1 }, "body.cache_ttl", /0/],
    ["text for a flag", { ...least, id: "b", collect_logs: "yes" }, "body.collect_logs", /boolean/],
    ["six attempts", { ...least, id: "b", retry_max_attempts: 6 }, "body.retry_max_attempts", /5/],
    [
      "a strange technique",
      { ...least, id: "b", rate_limiting_technique: "x" },
      "body.rate_limiting_technique",
      /sliding/,
    ],
    [
      "an unknown field",
      { ...least, id: "b", cache_tll: 1 },
      "body.cache_tll",
      /did you mean 'cache_ttl'/,
    ],
    [
      "six exporters",
      { ...least, id: "b", otel: Array(6).fill({ url: "https://o.example" }) },
      "body.otel",
      /5/,
    ],
    [
      "a key that is short",
      { ...least, id: "b", logpush_public_key: "short" },
      "body.logpush_public_key",
      /16/,
    ],
    ["virtual keys", { ...least, id: "b", tokens: [] }, "body.tokens", /Unknown field/],
    [
      "auth without its plugin",
      { ...least, id: "b", authentication: true },
      "body.authentication",
      /no plugin named 'auth'/,
    ],
    [
      "too much",
      { ...least, id: "b", dlp: { profiles: ["x".repeat(70_000)] } },
      "body",
      /over 65536/,
    ],
    ["a list", [], "body", /object/],
    [
      "deep nesting",
      `${JSON.stringify({ ...least, id: "b" }).slice(0, -1)},"dlp":{"a":${"[".repeat(200_000)}${
        "]".repeat(200_000)
      }}}`,
      "body.dlp",
      /16 levels/,
    ],
    [
      "a prototype",
      `${JSON.stringify({ ...least, id: "b" }).slice(0, -1)},"__proto__":{"zdr":true}}`,
      "body.__proto__",
      /Unknown field/,
    ],
  ];
  for (const [name, body, path, message] of wrong) {
    it(`refuse ${name}`, async () => {
      const { call } = world();
      const found = problem(await call("POST", "gateways", { body }));
      assert.deepEqual([found[0], found[1], found[3]], [400, 7001, path], found[2]);
      assert.match(found[2], message);
    });
  }

  it("refuse an id that is there", async () => {
    const { call } = world();
    const found = problem(await call("POST", "gateways", { body: { ...least, id: "default" } }));
    assert.deepEqual([found[0], found[1], found[3]], [409, 7003, "body.id"]);
  });

  it("act on what they say, from the next request on", async () => {
    const { say, status } = world({ plugins: [rateLimit()] });
    await say("POST", "gateways", {
      ...least,
      id: "a",
      rate_limiting_limit: 1,
      rate_limiting_interval: 60,
    });
    assert.equal((await status("a")).status, 200);
    assert.equal((await status("a")).status, 429);
    await say("PATCH", "gateways/a", { rate_limiting_limit: null });
    assert.equal((await status("a")).status, 200);
  });

  it("forget stored answers when the cache's settings change", async () => {
    const { say, status } = world({ plugins: [cache()] });
    await say("POST", "gateways", { ...least, id: "c", cache_ttl: 600 });
    const cached = async () => (await status("c")).headers.get("cf-aig-cache-status");
    assert.deepEqual([await cached(), await cached()], ["MISS", "HIT"]);
    await say("PATCH", "gateways/c", { retry_delay: 1 });
    assert.equal(await cached(), "HIT");
    await say("PATCH", "gateways/c", { cache_ttl: 601 });
    assert.deepEqual([await cached(), await cached()], ["MISS", "HIT"]);
    await say("PATCH", "gateways/c", { cache_ttl: 602, cache_invalidate_on_update: false });
    assert.equal(await cached(), "HIT");
  });

  it("take their keys and their log with them", async () => {
    const { say, call, status } = world({ env: { SLUICE_MASTER_KEY: masterKey } });
    const make = () => say("POST", "gateways", { ...least, id: "gone" });
    await make();
    await say("POST", "gateways/gone/virtual_keys", { name: "k" });
    await say("POST", "gateways/gone/provider_configs", {
      provider_slug: "openai",
      secret: "sk-1",
    });
    await status("gone");
    assert.equal((await call("GET", "gateways/gone/logs")).body.result_info.total_count, 1);
    await say("DELETE", "gateways/gone");
    await make();
    for (const what of ["virtual_keys", "provider_configs", "logs"]) {
      assert.deepEqual(await say("GET", `gateways/gone/${what}`), [], what);
    }
  });

  it("tell the URL of a provider", async () => {
    const { say } = world();
    const root = "http://localhost:8787/v1/acc/default";
    assert.equal(await say("GET", "gateways/default/url/openai"), `${root}/openai`);
    assert.equal(await say("GET", "gateways/default/url/universal"), root);
  });

  it("cannot be changed where the configuration says so", async () => {
    const { call, status } = world({ stored_settings: false });
    const found = problem(await call("POST", "gateways", { body: { ...least, id: "b" } }));
    assert.equal(found[0], 403);
    assert.match(found[2], /stored_settings/);
    assert.equal((await status("default")).status, 200);
  });
});

describe("settings in another process", () => {
  const shared = () => {
    let at = 1_800_000_000_000;
    const kv = memoryKV({ now: () => at });
    const stores = { keys: kv };
    const make = () => world({ plugins: [auth()], stores, now: () => at });
    return { a: make(), b: make(), pass: (ms: number) => at += ms };
  };

  it("hold there within 5 s", async () => {
    const { a, b, pass } = shared();
    assert.equal((await b.status("default")).status, 200);
    await a.say("PATCH", "gateways/default", { authentication: true });
    assert.equal((await a.status("default")).status, 401);
    pass(5_000);
    assert.equal((await b.status("default")).status, 401);
    await a.say("DELETE", "gateways/default");
    pass(5_000);
    assert.equal((await b.status("default")).status, 200);
  });

  it("hold there at once for whoever manages", async () => {
    const { a, b } = shared();
    await b.status("default");
    await a.say("POST", "gateways", { ...least, id: "new" });
    assert.equal((await b.say("GET", "gateways/new")).id, "new");
    assert.equal((await b.status("new")).status, 200);
  });

  it("hold at once where they were made, on a store that shows them late", async () => {
    let at = 1_800_000_000_000;
    const kv = memoryKV({ now: () => at });
    const old = new Map<string, unknown>();
    const slow: typeof kv = {
      ...kv,
      driver: "workers-kv",
      get(key) {
        if (!old.has(key)) old.set(key, kv.get(key));
        return old.get(key) as ReturnType<typeof kv.get>;
      },
      keys: () => Promise.resolve([]),
    };
    const { say, call, status } = world({ stores: { keys: slow }, now: () => at });
    await say("POST", "gateways", { ...least, id: "new", retry_delay: 1 });
    assert.equal((await status("new")).status, 200);
    assert.equal((await say("PATCH", "gateways/new", { retry_delay: 2 })).retry_delay, 2);
    at += 11_000;
    assert.equal((await say("GET", "gateways/new")).retry_delay, 2);
    await say("DELETE", "gateways/new");
    assert.equal((await call("GET", "gateways/new")).status, 404);
  });

  it("lose nothing when different objects are changed at once", async () => {
    const { a, b, pass } = shared();
    await Promise.all(
      Array.from(
        { length: 20 },
        (_, i) => (i % 2 ? a : b).say("POST", "gateways", { ...least, id: `gw-${i}` }),
      ),
    );
    pass(12_000);
    for (const each of [a, b]) {
      assert.equal((await each.say("GET", "gateways?per_page=100")).length, 21);
    }
  });
});

describe("settings whose store is away", () => {
  const away = (managedHere: boolean) => {
    let at = 1_800_000_000_000;
    const kv = memoryKV({ now: () => at });
    const state = { away: true };
    const get: typeof kv.get = (key) =>
      state.away ? Promise.reject(new Error("away")) : kv.get(key);
    const given = world({
      stores: { keys: { ...kv, get } },
      now: () => at,
      ...!managedHere && { admin: {} },
    });
    return { ...given, state, pass: (ms: number) => at += ms };
  };

  it("let nobody in before they were read, where they may be changed", async () => {
    const { status, state, pass } = away(true);
    const refused = await status("default");
    assert.deepEqual([refused.status, refused.headers.get("retry-after")], [503, "1"]);
    state.away = false;
    pass(2_000);
    assert.equal((await status("default")).status, 200);
    state.away = true;
    pass(60_000);
    assert.equal((await status("default")).status, 200);
  });

  it("are the configuration's, where nobody manages", async () => {
    const { status } = away(false);
    assert.equal((await status("default")).status, 200);
  });
});
