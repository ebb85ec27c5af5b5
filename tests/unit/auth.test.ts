/** Who gets in, with what, from where; and that a token of ours goes no further. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { memoryKV } from "../../core/storage/memory.ts";
import { digestKey, type KV } from "../../core/storage/ports.ts";
import { type KeyInput, VirtualKeys } from "../../core/auth/virtual-keys.ts";
import { auth, type GatewayOptions } from "../../mod.ts";
import { errorOf, type Recording, recording, type Sent } from "./upstream.ts";

const chat = {
  method: "POST",
  body: '{"model":"gpt-4o-mini","messages":[]}',
};
const lent = "sk-lent-by-the-gateway";

interface World extends Recording {
  /** A key that is stored. */
  key: string;
  virtual: VirtualKeys;
}

/** A gateway with one stored key, and one of OpenAI's to lend. */
async function world(
  gateway: Record<string, unknown> = { authentication: true },
  rules: Partial<KeyInput> = {},
  options: GatewayOptions & { kv?: KV } = {},
): Promise<World> {
  const { kv = memoryKV(), ...rest } = options;
  const now = options.now ?? Date.now;
  const virtual = new VirtualKeys({ kv, now });
  const { key } = await virtual.create("default", { name: "of-a-test", ...rules });
  const made = recording({
    plugins: [auth()],
    gateways: { default: gateway },
    keys: { openai: { default: { value: lent } }, elevenlabs: { default: { value: lent } } },
    stores: { keys: kv },
    ...rest,
  });
  return { ...made, key, virtual };
}

/** Everything that went upstream, as one text. */
function wire(sent: Sent | undefined): string {
  assert.ok(sent, "Nothing went upstream");
  return JSON.stringify(sent);
}

describe("auth: where a token may stand", async () => {
  const { ask, key } = await world();
  const headers: [name: string, value: string][] = [
    ["cf-aig-authorization", `Bearer ${key}`],
    ["cf-aig-authorization", key],
    ["cf-aig-authorization", `bearer  ${key}`],
    ["authorization", `Bearer ${key}`],
    ["authorization", `Token ${key}`],
    ["authorization", `Key ${key}`],
    ["authorization", key],
    ["x-api-key", key],
    ["x-goog-api-key", key],
    ["api-key", key],
    ["xi-api-key", key],
  ];
  for (const [name, value] of headers) {
    it(`${name}: ${value.replace(key, "...")}`, async () => {
      const { response, sent } = await ask("/openai/chat/completions", {
        ...chat,
        headers: { [name]: value },
      });
      assert.equal(response.status, 200);
      assert.ok(!wire(sent).includes(key), "The provider got the gateway's token");
      assert.equal(sent!.headers["authorization"], `Bearer ${lent}`);
    });
  }

  for (
    const [query, left] of [
      [`?key=${key}`, ""],
      [`?api_key=${key}&alt=sse`, "?alt=sse"],
      [`?alt=sse&key=${key}&b=%20+`, "?alt=sse&b=%20+"],
    ]
  ) {
    it(`in the query: ${query!.replace(key, "...")}`, async () => {
      const { response, sent } = await ask(`/openai/chat/completions${query}`, chat);
      assert.equal(response.status, 200);
      assert.equal(sent!.url, `https://api.openai.com/v1/chat/completions${left}`);
      assert.equal(sent!.headers["authorization"], `Bearer ${lent}`);
    });
  }

  it("in a provider's own header", async () => {
    const { response, sent } = await ask("/elevenlabs/v1/voices", {
      headers: { "xi-api-key": key },
    });
    assert.equal(response.status, 200);
    assert.equal(sent!.headers["xi-api-key"], lent);
  });

  it("in several places at once", async () => {
    const { sent } = await ask(`/openai/models?key=${key}`, {
      headers: {
        "cf-aig-authorization": `Bearer ${key}`,
        authorization: `Bearer ${key}`,
        "x-api-key": key,
      },
    });
    assert.ok(!wire(sent).includes("sl-"));
    assert.equal(sent!.headers["authorization"], `Bearer ${lent}`);
    assert.equal(sent!.headers["x-api-key"], undefined);
  });

  it("in a header that was sent twice", async () => {
    const headers = new Headers({ authorization: "Bearer sk-other" });
    headers.append("authorization", `Bearer ${key}`);
    const { response, sent } = await ask("/openai/models", { headers });
    assert.equal(response.status, 200);
    assert.ok(!wire(sent).includes(key));
  });

  it("beside the client's own provider key, which goes on", async () => {
    const { sent } = await ask("/openai/models", {
      headers: { "cf-aig-authorization": `Bearer ${key}`, authorization: "Bearer sk-own" },
    });
    assert.equal(sent!.headers["authorization"], "Bearer sk-own");
  });
});

describe("auth: a gateway that asks for a token", () => {
  const refusals: [what: string, headers: Record<string, string>, message: RegExp][] = [
    [
      "nothing",
      {},
      /^Unauthorized: send a gateway token as 'cf-aig-authorization: Bearer <token>'/,
    ],
    ["a provider's key", { authorization: "Bearer sk-own" }, /'cf-aig-authorization/],
    ["an empty token", { "cf-aig-authorization": "Bearer " }, /'cf-aig-authorization/],
    ["'Bearer undefined'", { "cf-aig-authorization": "Bearer undefined" }, /token in 'cf-aig-auth/],
    ["a key that is none", { "cf-aig-authorization": "sl-nobody" }, /not one of this gateway's/],
    ["one in x-api-key", { "x-api-key": "sl-nobody" }, /token in 'x-api-key' is not one/],
    ["one of Cloudflare's", { "cf-aig-authorization": "Bearer 8M7wS6hCpXVc" }, /not one of this/],
    ["__proto__", { "cf-aig-authorization": "__proto__" }, /not one of this/],
    ["a very long one", { "cf-aig-authorization": `sl-${"x".repeat(20_000)}` }, /not one of this/],
  ];
  for (const [what, headers, message] of refusals) {
    it(`refuses ${what}`, async () => {
      const { ask } = await world();
      const { response, sent } = await ask("/openai/chat/completions", { ...chat, headers });
      const error = await errorOf(response);
      assert.deepEqual([error.status, error.code], [401, 2009]);
      assert.match(error.message, message);
      for (const value of Object.values(headers)) {
        const secret = value.replace("Bearer ", "");
        assert.ok(secret === "" || !error.message.includes(`${secret}'`), error.message);
      }
      assert.equal(sent, undefined);
    });
  }

  it("has Cloudflare's body, which its clients test", async () => {
    const { ask } = await world();
    const { response } = await ask("/openai/models");
    const { message, error, ...rest } = await response.json() as Record<string, unknown>;
    assert.deepEqual(rest, {
      success: false,
      result: [],
      messages: [],
      name: "AiGatewayError",
      httpCode: 401,
      internalCode: 2009,
    });
    assert.deepEqual(error, [{ code: 2009, message }]);
  });

  it("says of a key that it knows why it is not good, and of no other", async () => {
    let at = Date.parse("2026-01-02T00:00:00Z");
    const { ask, key, virtual } = await world({ authentication: true }, {
      expires_at: "2026-01-02T12:00:00+02:00",
    }, { now: () => at });
    const headers = { authorization: `Bearer ${key}` };
    const call = () => ask("/openai/models", { headers });
    assert.equal((await call()).response.status, 200);
    at += 10 * 3_600_000 - 1;
    assert.equal((await call()).response.status, 200);
    at += 1;
    const expired = await errorOf((await call()).response);
    assert.deepEqual([expired.status, expired.code], [401, 2009]);
    assert.match(expired.message, /key in 'authorization' has expired/);
    const id = (await virtual.list("default"))[0]!.id;
    await virtual.update("default", id, { enabled: false, expires_at: null });
    at += 5000;
    assert.match((await errorOf((await call()).response)).message, /is disabled/);
    await virtual.update("default", id, { enabled: true, expires_at: "whenever" });
    at += 5000;
    assert.match((await errorOf((await call()).response)).message, /has expired/);
  });

  it("knows keys of the configuration by their hash, whatever they look like", async () => {
    const token = async (text: string, more = {}) => ({
      name: "ci",
      hash: `sha256:${await digestKey(text)}`,
      ...more,
    });
    const { ask } = recording({
      plugins: [auth()],
      keys: { openai: { default: { value: lent } } },
      gateways: {
        default: {
          authentication: true,
          tokens: [
            await token("sl-short"),
            await token("plain text"),
            await token("old", { expires_at: "2020-01-01T00:00:00Z" }),
            await token("off", { enabled: false }),
          ],
        },
        other: { authentication: true, tokens: [await token("of both"), await token("wide")] },
        third: {
          authentication: true,
          tokens: [await token("of both"), await token("roams", { gateways: ["def*", "third"] })],
        },
      },
    });
    const status = async (gateway: string, headers: Record<string, string>) => {
      const { response, sent } = await ask(`http://g.test/v1/a/${gateway}/openai/models`, {
        headers,
      });
      if (sent) assert.equal(sent.headers["authorization"], `Bearer ${lent}`);
      return response.status;
    };
    assert.equal(await status("default", { authorization: "Bearer sl-short" }), 200);
    assert.equal(await status("default", { "x-api-key": "plain text" }), 200);
    assert.equal(await status("default", { "cf-aig-authorization": "old" }), 401);
    assert.equal(await status("default", { authorization: "off" }), 401);
    assert.equal(await status("other", { authorization: "of both" }), 200);
    assert.equal(await status("third", { authorization: "of both" }), 200);
    assert.equal(await status("other", { authorization: "roams" }), 403);
    assert.equal(await status("default", { authorization: "roams" }), 200);
    assert.equal(await status("third", { authorization: "roams" }), 200);
    assert.equal(await status("default", { authorization: "wide" }), 403);
  });

  it("answers 503, not 401, while nobody can tell", async () => {
    const kv = memoryKV();
    const { ask, key } = await world({ authentication: true }, {}, {
      kv: { ...kv, get: () => Promise.reject(new Error("away")) },
    });
    const { response, sent } = await ask("/openai/models", { headers: { "x-api-key": key } });
    assert.equal(response.headers.get("retry-after"), "1");
    const error = await errorOf(response);
    assert.deepEqual([error.status, error.code], [503, 8013]);
    assert.equal(sent, undefined);
    const without = await ask("/openai/models");
    assert.equal(without.response.status, 401);
  });

  it("lets pages of other sites in with a key, and not without", async () => {
    const { ask, key } = await world();
    const origin = "https://evil.example";
    const without = await ask("/openai/models", { headers: { origin } });
    assert.equal(without.response.status, 401);
    assert.equal(without.response.headers.get("access-control-allow-origin"), origin);
    const { sent } = await ask("/openai/models", { headers: { origin, "x-api-key": key } });
    assert.equal(sent!.headers["authorization"], `Bearer ${lent}`);
  });
});

describe("auth: a gateway that asks for none", () => {
  it("passes on what is not its own, and lends nothing", async () => {
    const { ask } = await world({});
    for (
      const headers of [
        {},
        { authorization: "Bearer sk-own" },
        { authorization: "Bearer sk-with-sl-in-it" },
        { authorization: "Bearer undefined" },
        { "cf-aig-authorization": "Bearer of-somebody-else", "x-api-key": "sk-own" },
        { "cf-aig-authorization": "Bearer sl-nobody" },
      ] as Record<string, string>[]
    ) {
      const { response, sent } = await ask("/openai/models", { headers });
      assert.equal(response.status, 200);
      for (const name of ["authorization", "x-api-key"]) {
        assert.equal(sent!.headers[name], headers[name]);
      }
    }
    const { sent } = await ask("/openai/models?key=abc&api_key=&x=1");
    assert.equal(sent!.url, "https://api.openai.com/v1/models?key=abc&api_key=&x=1");
  });

  it("knows a good key all the same", async () => {
    const { ask, key } = await world({});
    const { sent } = await ask("/openai/models", { headers: { authorization: `Bearer ${key}` } });
    assert.equal(sent!.headers["authorization"], `Bearer ${lent}`);
  });

  for (
    const [what, headers, query] of [
      ["authorization", { authorization: "Bearer sl-nobody" }, ""],
      ["x-api-key", { "x-api-key": "sl-nobody" }, ""],
      ["the query", {}, "?key=sl-nobody"],
      ["a list", { authorization: "Bearer sk-own, Bearer sl-nobody" }, ""],
    ] as [string, Record<string, string>, string][]
  ) {
    it(`sends no unknown key of its own kind to a provider: ${what}`, async () => {
      const { ask } = await world({});
      const { response, sent } = await ask(`/openai/models${query}`, { headers });
      const error = await errorOf(response);
      assert.deepEqual([error.status, error.code], [401, 2009]);
      assert.equal(sent, undefined);
    });
  }

  it("sends no expired or disabled key of its own to a provider", async () => {
    for (const rules of [{ expires_at: "2020-01-01T00:00:00Z" }, { enabled: false }]) {
      const { ask, key } = await world({}, rules);
      const refused = await ask("/openai/models", { headers: { "x-api-key": key } });
      assert.equal(refused.response.status, 401);
      assert.equal(refused.sent, undefined);
      const ignored = await ask("/openai/models", { headers: { "cf-aig-authorization": key } });
      assert.equal(ignored.response.status, 200);
      assert.equal(ignored.sent!.headers["authorization"], undefined);
    }
  });

  it("takes an old key off where a good one is shown as well", async () => {
    const { ask, key } = await world({});
    const { sent } = await ask("/openai/models", {
      headers: { "cf-aig-authorization": key, "x-api-key": "sl-nobody" },
    });
    assert.ok(!wire(sent).includes("sl-nobody"));
    assert.equal(sent!.headers["authorization"], `Bearer ${lent}`);
  });

  it("does nothing with the store for callers without a token", async () => {
    let asked = 0;
    const kv = memoryKV();
    const { ask } = await world({}, {}, {
      kv: { ...kv, get: (key) => (asked++, kv.get(key)), keys: (key) => (asked++, kv.keys(key)) },
    });
    // What was changed over the API is read by the first of all requests.
    await ask("/openai/models");
    asked = 0;
    await ask("/openai/chat/completions", { ...chat, headers: { authorization: "Bearer sk-own" } });
    await ask("/openai/chat/completions", chat);
    assert.equal(asked, 0);
  });
});
