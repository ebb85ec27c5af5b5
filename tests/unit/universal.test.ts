/** The universal endpoint: what its body may be, and what becomes of each step. */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { auth, fallback, type GatewayOptions, log, retry, timeout } from "../../mod.ts";
import { elements, members } from "../../core/json-spans.ts";
import { failing, json, scripted, stream, whole } from "./scripted.ts";
import { errorOf } from "./upstream.ts";

const chain = () => [log(), auth(), fallback(), retry(), timeout()];
const openai = (extra: Record<string, unknown> = {}) => ({
  provider: "openai",
  endpoint: "chat/completions",
  headers: { Authorization: "Bearer openai-key" },
  query: { model: "gpt-4o-mini", messages: [] },
  ...extra,
});
const anthropic = (extra: Record<string, unknown> = {}) => ({
  provider: "anthropic",
  endpoint: "v1/messages",
  headers: { "x-api-key": "anthropic-key", "anthropic-version": "2023-06-01" },
  query: { model: "claude-3-5-haiku", max_tokens: 9, messages: [] },
  ...extra,
});
const over = (options: GatewayOptions = {}) => ({ plugins: chain(), ...options });

describe("a step of a universal request", () => {
  it("is a request of its own: provider, path with its query, headers, body", async () => {
    const { universal, seen } = scripted(over(), [json({ fine: true })]);
    const response = await universal([anthropic({ endpoint: "/v1/messages?beta=true" })]);
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { fine: true });
    assert.equal(response.headers.get("cf-aig-step"), "0");
    assert.equal(response.headers.get("cf-aig-provider"), "anthropic");
    assert.equal(response.headers.get("cf-aig-model"), "claude-3-5-haiku");
    const [{ url, headers, body }] = seen as [typeof seen[0] & object];
    assert.equal(url, "https://api.anthropic.com/v1/messages?beta=true");
    assert.equal(headers["x-api-key"], "anthropic-key");
    assert.equal(headers["anthropic-version"], "2023-06-01");
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["content-length"], String(body.length));
    assert.deepEqual(JSON.parse(body), anthropic().query);
  });

  it("sends its query as it was written", async () => {
    const query =
      '{ "seed": 12345678901234567890, "10": 1, "2": [1.0, "\\u00e9}\\"], é"], "n":null }';
    const body =
      `\ufeff[ {"query": 1, "provider":"openai",\n"endpoint":"x" , "qu\\u0065ry":${query} } ]`;
    const { universal, seen } = scripted(over(), [json({})]);
    assert.equal((await universal(body)).status, 200);
    assert.equal(seen[0]!.body, query);
  });

  it("may stand alone, without an array", async () => {
    const { universal, seen } = scripted(over(), [json({})]);
    assert.equal((await universal(openai())).status, 200);
    assert.equal(seen[0]!.url, "https://api.openai.com/v1/chat/completions");
  });

  it("may name its model as its endpoint, as Workers AI has it, and its provider by an alias", async () => {
    const { universal, seen } = scripted(over(), [json({}), json({})]);
    await universal([{
      provider: "workers-ai",
      endpoint: "@cf/meta/llama-3.1-8b-instruct",
      query: { prompt: "Hello" },
    }]);
    await universal([openai({ provider: "xai", endpoint: "v1/chat/completions" })]);
    assert.deepEqual(seen.map(({ url }) => url), [
      "https://api.cloudflare.com/client/v4/accounts/acc/ai/run/@cf/meta/llama-3.1-8b-instruct",
      "https://api.x.ai/v1/chat/completions",
    ]);
  });

  it("may have values of headers that are no strings, and an authorization of the older kind", async () => {
    const { universal, seen } = scripted(over(), [json({})]);
    await universal([openai({
      authorization: "Bearer older",
      headers: { "X-Number": 4, "x-flag": true, "x-object": { a: [1] }, "x-none": null },
    })]);
    const { headers } = seen[0]!;
    assert.equal(headers["authorization"], "Bearer older");
    assert.equal(headers["x-number"], "4");
    assert.equal(headers["x-flag"], "true");
    assert.equal(headers["x-object"], '{"a":[1]}');
    assert.equal("x-none" in headers, false);
  });

  it("gets nothing of the request's credentials, and the provider nothing of the gateway's headers", async () => {
    const { universal, seen } = scripted(over(), [json({})]);
    await universal([openai({ headers: { "cf-aig-metadata": '{"a":1}', cookie: "a=b" } })], {
      authorization: "Bearer of-the-request",
      "x-api-key": "of-the-request",
      "openai-organization": "of-the-request",
      "user-agent": "client/1",
    });
    const { headers } = seen[0]!;
    assert.equal(headers["user-agent"], "client/1");
    assert.doesNotMatch(JSON.stringify(headers), /of-the-request|cf-aig|a=b/);
  });

  it("says nothing of the length of its body, or how it is sent", async () => {
    const { universal, seen } = scripted(over(), [json({})]);
    const headers = { "content-length": 3, "transfer-encoding": "chunked", host: "elsewhere.test" };
    await universal([openai({ headers })]);
    const { headers: sent, body } = seen[0]!;
    assert.equal(sent["content-length"], String(body.length));
    assert.deepEqual(["transfer-encoding" in sent, "host" in sent], [false, false]);
  });

  it("ignores members that nobody knows", async () => {
    const { universal } = scripted(over(), [json({})]);
    const step = openai({ retries: { max: 3 }, config: { cacheTtl: 5, requestTimeout: null } });
    assert.equal((await universal([step])).status, 200);
  });

  it("answers at the root as well, on gateway default, and with a slash at the end", async () => {
    const { post } = scripted(over(), [json({}), json({})]);
    assert.equal((await post("/", [openai()])).status, 200);
    assert.equal((await post("/v1/acc/default/", [openai()])).status, 200);
  });

  it("streams", async () => {
    const { universal } = scripted(over(), [stream(whole)]);
    const response = await universal([openai()]);
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    assert.equal(await response.text(), whole.join(""));
  });

  it("may be stricter than its request about stored keys, not less strict", async () => {
    const { universal } = scripted(over(), []);
    const step = openai({ headers: { "cf-aig-no-wholesale": false } });
    const response = await universal([step], { "cf-aig-no-wholesale": "true" });
    assert.equal((await errorOf(response)).code, 8015);
  });
});

describe("a universal request is refused", () => {
  const { universal, seen } = scripted(over(), []);
  const rows: [what: string, body: unknown, message: RegExp, code?: number, status?: number][] = [
    ["that is empty", "", /no body; expected a JSON array/],
    ["that is not JSON", "[{", /not JSON/],
    ["that is not UTF-8", new Uint8Array([0x22, 0xff, 0x22]), /not JSON/],
    ["that is a number", "4", /'\[0\]' is a number; expected an object/],
    ["without steps", [], /an empty array/],
    ["with too many steps", Array(21).fill(openai()), /21 steps; expected at most 20/],
    ["with a step that is none", [openai(), null], /'\[1\]' is null/],
    ["without a provider", [openai({ provider: undefined })], /'\[0\]\.provider' is missing/],
    [
      "with an unknown provider",
      [openai(), openai({ provider: "opnai" })],
      /\[1\]\.provider 'opnai': .*'openai'/,
      2008,
    ],
    [
      "with an endpoint that is none",
      [openai(), openai({ endpoint: 3 })],
      /'\[1\]\.endpoint' is a number; expected the path/,
    ],
    [
      "with an endpoint that leads elsewhere",
      [openai({ endpoint: "../../x" })],
      /\[0\]\.endpoint: .*dot segment/,
      8002,
    ],
    ["without a query", [openai({ query: undefined })], /'\[0\]\.query' is missing/],
    ["with a query that is none", [openai({ query: "{}" })], /'\[0\]\.query' is a string/],
    ["with headers that are none", [openai({ headers: ["a"] })], /'\[0\]\.headers' is an array/],
    ["with a name that no header has", [openai({ headers: { "a b": 1 } })], /no name of a header/],
    [
      "with a value that no header has",
      [openai({ headers: { a: "secret\r\nb: c" } })],
      /text that no header can hold/,
    ],
    [
      "with an authorization that is none",
      [openai({ authorization: 3 })],
      /'\[0\]\.authorization' is a number/,
    ],
    ["with a config that is none", [openai({ config: 3 })], /'\[0\]\.config' is a number/],
    [
      "with a setting that is none",
      [openai({ config: { maxAttempts: "many" } })],
      /'\[0\]\.config\.maxAttempts' is a string/,
    ],
    [
      "with a negative setting",
      [openai({ config: { retryDelay: -1 } })],
      /'\[0\]\.config\.retryDelay'/,
    ],
    [
      "with a backoff that is none",
      [openai({ config: { backoff: "none" } })],
      /'constant', 'linear', 'exponential'/,
    ],
    [
      "for a model without provider",
      [openai({ provider: "compat", query: { model: "nobody-has-it" } })],
      /provider\/model/,
      2019,
      400,
    ],
  ];
  for (const [what, body, message, code = 8030, status = 400] of rows) {
    it(what, async () => {
      const text = body instanceof Uint8Array
        ? body
        : typeof body === "string"
        ? body
        : JSON.stringify(body);
      const response = body instanceof Uint8Array
        ? await scriptedBytes(body)
        : await universal(text as string);
      const error = await errorOf(response);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret|many/);
      assert.deepEqual([error.code, error.status], [code, status]);
      assert.equal(response.headers.get("cf-aig-provider"), null);
      assert.equal(seen.length, 0);
    });
  }

  async function scriptedBytes(body: Uint8Array): Promise<Response> {
    const { gateway } = scripted(over(), []);
    return await gateway.fetch(
      new Request("http://gateway.test/v1/acc/default", { method: "POST", body: body as BodyInit }),
    );
  }

  it("with any method but POST", async () => {
    const { gateway } = scripted(over(), []);
    const response = await gateway.fetch(new Request("http://gateway.test/v1/acc/default"));
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "POST");
    assert.match((await errorOf(response)).message, /takes a POST/);
  });

  it("as a WebSocket, which is not served", async () => {
    const { gateway } = scripted(over(), []);
    const headers = new Headers();
    // Some platforms keep `upgrade` to themselves.
    const request = new Request("http://gateway.test/v1/acc/default", { headers });
    Object.defineProperty(request, "headers", { value: new Headers([["upgrade", "websocket"]]) });
    assert.equal((await errorOf(await gateway.fetch(request))).status, 501);
  });

  it("on a gateway that is not there, as ai-gateway-provider knows it", async () => {
    const { post } = scripted(over(), []);
    const response = await post("/v1/acc/nope", [openai()]);
    const body = await response.json() as { success: boolean; error: { code: number }[] };
    assert.equal(response.status, 400);
    assert.deepEqual([body.success, body.error[0]!.code], [false, 2001]);
  });

  it("where no plugin serves it", async () => {
    const { universal } = scripted({}, []);
    const error = await errorOf(await universal([openai()]));
    assert.deepEqual([error.status, error.code], [501, 8010]);
    assert.match(error.message, /'fallback'/);
  });

  it("for a model server on the operator's machine, from a page of another site", async () => {
    const { universal, seen } = scripted(over(), []);
    const step = openai({ provider: "ollama", endpoint: "api/chat" });
    const error = await errorOf(await universal([openai(), step], { origin: "https://evil.test" }));
    assert.deepEqual([error.status, error.code, seen.length], [403, 8008, 0]);
  });
});

describe("what a step says to the gateway", () => {
  const attempts = async (steps: unknown, headers = {}, settings = {}) => {
    const script = Array.from({ length: 9 }, () => failing(503));
    const options = {
      gateways: { default: { retry_max_attempts: 2, retry_delay: 0, ...settings } },
    };
    const { universal, seen } = scripted(over(options), script);
    await universal(steps, headers);
    return seen.map(({ url }) => url.includes("openai") ? "o" : "a").join("");
  };
  const three = { "cf-aig-max-attempts": "3" };

  it("wins over what the request says, and that over the gateway's settings", async () => {
    assert.equal(await attempts([openai(), anthropic()]), "ooaa");
    assert.equal(await attempts([openai(), anthropic()], three), "oooaaa");
    assert.equal(
      await attempts([openai({ headers: { "cf-aig-max-attempts": 1 } }), anthropic()], three),
      "oaaa",
    );
  });

  it("wins in a header over its config", async () => {
    const both = { headers: { "cf-aig-max-attempts": 1 }, config: { maxAttempts: 3 } };
    assert.equal(
      await attempts([openai(both), anthropic({ config: { maxAttempts: 4 } })]),
      "oaaaa",
    );
  });

  it("holds for the log: metadata, costs, and whether there is a row", async () => {
    const { universal, rows } = scripted(over(), [
      failing(500),
      json({
        object: "chat.completion",
        choices: [{ index: 0, message: { content: "Hi" }, finish_reason: "stop" }],
        usage: { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11 },
      }),
    ]);
    const response = await universal([
      anthropic({ headers: { "cf-aig-collect-log": false } }),
      openai({
        headers: {
          "cf-aig-metadata": { team: "a" },
          "cf-aig-custom-cost": { per_token_in: 1, per_token_out: 2 },
        },
      }),
    ], { "cf-aig-metadata": '{"team":"b"}' });
    const [row, ...more] = await rows();
    assert.deepEqual(more, []);
    assert.equal(row!.id, response.headers.get("cf-aig-log-id"));
    assert.deepEqual([row!.request_type, row!.step, row!.provider], ["universal", 1, "openai"]);
    assert.deepEqual([row!.metadata, row!.cost], [{ team: "a" }, 12]);
  });

  it("can have the only row where the request wants none", async () => {
    const { universal, rows } = scripted(over(), [json({})]);
    const step = openai({ headers: { "cf-aig-collect-log": "true" } });
    await universal([step], { "cf-aig-collect-log": "false" });
    assert.equal((await rows()).length, 1);
  });

  it("names no row where the step wants none", async () => {
    const { universal, rows } = scripted(over(), [json({})]);
    const response = await universal([openai({ headers: { "cf-aig-collect-log": "false" } })]);
    assert.equal(response.headers.get("cf-aig-log-id"), null);
    assert.deepEqual(await rows(), []);
  });
});

describe("keys in a universal request", () => {
  const key = "sl-0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";
  const hash = `sha256:${createHash("sha256").update(key).digest("hex")}`;
  const token = { "cf-aig-authorization": `Bearer ${key}` };
  const guarded = (rules: Record<string, unknown> = {}, more: GatewayOptions = {}) =>
    over({
      gateways: { default: { authentication: true, tokens: [{ name: "t", hash, ...rules }] } },
      keys: { openai: { default: { value: "stored-openai" } } },
      ...more,
    });

  it("are lent to each step that brings none, once the caller is known", async () => {
    const { universal, seen } = scripted(guarded(), [failing(500), json({})]);
    await universal([openai({ headers: {} }), anthropic()], token);
    assert.equal(seen[0]!.headers["authorization"], "Bearer stored-openai");
    assert.equal(seen[1]!.headers["x-api-key"], "anthropic-key");
  });

  it("are not lent to strangers, whose body is not even read", async () => {
    const { universal, seen } = scripted(guarded(), []);
    const error = await errorOf(await universal("no JSON"));
    assert.deepEqual([error.status, error.code, seen.length], [401, 2009, 0]);
  });

  const refusals: [what: string, rules: Record<string, unknown>, second: unknown][] = [
    ["a provider", { providers: ["openai"] }, anthropic()],
    ["a model", { models: ["gpt-*"] }, anthropic()],
    [
      "a model said twice",
      { models: ["gpt-*"] },
      '{"provider":"openai","endpoint":"chat/completions","query":{"model":"o1","model":"gpt-4o"}}',
    ],
    ["a model in the path", { models: ["gpt-*"] }, {
      provider: "google-ai-studio",
      endpoint: "v1beta/models/gemini-2.5-pro:generateContent",
      query: {},
    }],
  ];
  for (const [what, rules, second] of refusals) {
    it(`are not good for ${what} of any step that they are not made for`, async () => {
      const { universal, seen, rows } = scripted(guarded(rules), []);
      const text = typeof second === "string" ? second : JSON.stringify(second);
      const response = await universal(`[${JSON.stringify(openai())},${text}]`, token);
      const error = await errorOf(response);
      assert.deepEqual([error.status, error.code], [403, 8012]);
      assert.equal(seen.length, 0, "A step was tried before all were allowed");
      assert.equal((await rows())[0]!.status_code, 403);
    });
  }

  it("are good for all steps within their rules", async () => {
    const rules = { providers: ["openai", "anthropic"], models: ["gpt-*", "anthropic/claude-*"] };
    const { universal, seen } = scripted(guarded(rules), [failing(500), json({})]);
    assert.equal((await universal([openai(), anthropic()], token)).status, 200);
    assert.equal(seen.length, 2);
  });

  for (const rules of [{}, { providers: ["openai"] }]) {
    it(`of the gateway never go to a provider, wherever in a step they stand: ${JSON.stringify(rules)}`, async () => {
      const { universal, seen } = scripted(guarded(rules), [failing(500), json({})]);
      await universal([
        openai({ headers: { Authorization: `Bearer ${key}` } }),
        openai({
          endpoint: `chat/completions?key=${key}`,
          headers: { "cf-aig-authorization": key },
        }),
      ], token);
      assert.equal(seen[0]!.headers["authorization"], "Bearer stored-openai");
      assert.doesNotMatch(JSON.stringify(seen), new RegExp(key));
    });
  }

  it("of the gateway in a step do not say who calls", async () => {
    const { universal, seen } = scripted(over(), []);
    const step = openai({ headers: { Authorization: `Bearer ${key}` } });
    const error = await errorOf(await universal([step]));
    assert.deepEqual([error.status, seen.length], [401, 0]);
    assert.match(error.message, /'cf-aig-authorization' of the request/);
  });
});

describe("the parts of a JSON text", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const at = (json: Uint8Array, { start, end }: { start: number; end: number }) =>
    new TextDecoder().decode(json.subarray(start, end));

  it("are found as JSON.parse finds them", () => {
    const texts = [
      "[]",
      " [ ] ",
      '[1,-2.5e3 , "a,]\\"\\\\" ,{"a":[{}]},[[],[1]],null , true]',
      '\ufeff["é\u{1f600}",{"}":"{"}]',
      "[\n1\n]",
    ];
    for (const text of texts) {
      const json = bytes(text);
      const found = elements(json).map((span) => JSON.parse(at(json, span)) as unknown);
      assert.deepEqual(found, JSON.parse(text.replace("\ufeff", "")), text);
    }
  });

  it("have the last value of a name that is there twice, however it is escaped", () => {
    const text = '{"a": 1, "b" :{"a":2}, "\\u0061":[3] , "":4}';
    const json = bytes(text);
    const found = [...members(json)].map(([name, span]) => [name, JSON.parse(at(json, span))]);
    assert.deepEqual(Object.fromEntries(found), JSON.parse(text));
  });
});
