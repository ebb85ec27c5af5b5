/** What a virtual key may do: gateways, providers, models, how much of it. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { type Caller, caller } from "../../core/context.ts";
import { metadataOf } from "../../core/metadata.ts";
import { jsonModels } from "../../core/auth/named-models.ts";
import { memoryCounters, memoryKV } from "../../core/storage/memory.ts";
import type { Counters } from "../../core/storage/ports.ts";
import { type KeyInput, VirtualKeys } from "../../core/auth/virtual-keys.ts";
import { auth, definePlugin, type GatewayOptions } from "../../mod.ts";
import { errorOf, recording } from "./upstream.ts";

let at = Date.parse("2026-01-02T12:00:00Z");
const now = () => at;

async function world(rules: Partial<KeyInput>, options: GatewayOptions = {}) {
  const kv = memoryKV({ now });
  const { key } = await new VirtualKeys({ kv, now }).create("default", { name: "ci", ...rules });
  const made = recording({
    plugins: [auth()],
    gateways: { default: { authentication: true }, other: {} },
    stores: { keys: kv },
    now,
    ...options,
  });
  return {
    ...made,
    call(
      path: string,
      body?: string | FormData | Uint8Array,
      headers: Record<string, string> = {},
    ) {
      return made.ask(path, {
        method: body === undefined ? "GET" : "POST",
        ...body !== undefined && { body: body as BodyInit },
        headers: { "cf-aig-authorization": `Bearer ${key}`, ...headers },
      });
    },
  };
}

const model = (name: string) => JSON.stringify({ model: name, messages: [] });

async function refused(response: Response, message: RegExp): Promise<void> {
  const error = await errorOf(response);
  assert.deepEqual([error.status, error.code], [403, 8012]);
  assert.match(error.message, message);
}

describe("rules of a key", () => {
  it("opens the gateway that it was made for, and those that it names", async () => {
    const here = await world({});
    assert.equal((await here.call("/openai/models")).response.status, 200);
    const elsewhere = "http://g.test/v1/a/other/openai/models";
    await refused((await here.call(elsewhere)).response, /not for gateway 'other'/);
    const both = await world({ gateways: ["*"] });
    assert.equal((await both.call(elsewhere)).response.status, 200);
    const there = await world({ gateways: ["oth*"] });
    assert.equal((await there.call(elsewhere)).response.status, 200);
    await refused((await there.call("/openai/models")).response, /not for gateway 'default'/);
  });

  it("opens the providers that it names, by any of their names", async () => {
    const { call } = await world({ providers: ["openai", "google", "custom-*"] });
    assert.equal((await call("/openai/models")).response.status, 200);
    assert.equal((await call("/google-ai-studio/v1beta/models")).response.status, 200);
    assert.equal((await call("/gemini/v1beta/models")).response.status, 200);
    const { response, sent } = await call("/anthropic/v1/messages", model("claude"));
    await refused(response, /provider 'anthropic'; it may be used for openai, google, custom-\*$/);
    assert.equal(sent, undefined);
    const none = await world({ providers: [] });
    await refused((await none.call("/openai/models")).response, /provider 'openai'/);
  });

  const allowed = ["gpt-4o*", "anthropic/claude-*", "@cf/meta/*", "fal-ai/**"];
  const cases: [path: string, body: string | undefined, ok: boolean][] = [
    ["/openai/chat/completions", model("gpt-4o-mini"), true],
    ["/openai/v1/responses", model("gpt-4o"), true],
    ["/openai/chat/completions", model("gpt-5"), false],
    ["/openai/chat/completions", model("claude-x"), false],
    ["/anthropic/v1/messages", model("claude-x"), true],
    // The model far behind, escaped, in another case, twice, or none at all.
    [
      "/openai/chat/completions",
      `{"pad":"${"x".repeat(100_000)}","a":{"model":"o1"},"model":"gpt-4o"}`,
      true,
    ],
    [
      "/openai/chat/completions",
      `{"pad":"${"x".repeat(100_000)}","model":"o1","a":{"model":"gpt-4o"}}`,
      false,
    ],
    ["/openai/chat/completions", '{"model":"gpt-4o","mod\\u0065l":"o1"}', false],
    ["/openai/chat/completions", '{"model":"gpt-4o","Model":"o1"}', false],
    ["/openai/chat/completions", '{"model":"o1","model":"gpt-4o"}', false],
    ["/openai/chat/completions", '{"model":"gpt-4o","model":"o1"}', false],
    ["/openai/chat/completions", '{"model":"gpt-4o","model":["o1"]}', false],
    ["/openai/chat/completions", '{"model":"gpt-4\\u006f"}', true],
    ["/openrouter/chat/completions", '{"model":"gpt-4o","models":["gpt-4o-mini"]}', true],
    ["/openrouter/chat/completions", '{"model":"gpt-4o","models":["gpt-4o","o1"]}', false],
    ["/openrouter/chat/completions", '{"mod\\u0065ls":[ "o1" ] ,"model":"gpt-4o"}', false],
    ["/openrouter/chat/completions", '{"model":"gpt-4o","models":[["o1"]]}', false],
    ["/openrouter/chat/completions", '{"model":"gpt-4o","models":"o1"}', false],
    ["/openai/chat/completions", '{"model":"gpt-4o"} {"model":"o1"}', false],
    ["/openai/chat/completions", '[{"model":"gpt-4o"}]', false],
    ["/openai/chat/completions", '{"messages":[]}', false],
    ["/openai/chat/completions", model(`gpt-4o${"x".repeat(600)}`), false],
    ["/openai/chat/completions", "not json", false],
    ["/openai/chat/completions", "", false],
    // Endpoints that take no model from the body, whatever stands in it.
    ["/openai/files", model("gpt-4o"), false],
    ["/ideogram/v1/ideogram-v3/generate", model("gpt-4o"), false],
    ["/replicate/predictions", model("gpt-4o"), false],
    // Models of the path.
    ["/azure-openai/res/gpt-4o/chat/completions?api-version=1", model("o1"), true],
    ["/azure-openai/res/o1/chat/completions?api-version=1", model("gpt-4o"), false],
    ["/azure-openai/res/openai/deployments/o1/chat/completions", model("gpt-4o"), false],
    ["/azure-openai/res/openai/deployments//o1/chat/completions", model("gpt-4o"), false],
    ["/azure-openai/res/openai/deployments%2fo1/chat/completions", model("gpt-4o"), false],
    ["/azure-openai/res/openai/deployments;x/o1/chat/completions", model("gpt-4o"), false],
    ["/azure-openai/res/openai/v1/responses", model("gpt-4o"), true],
    ["/google-ai-studio/v1beta/models/gpt-4o:generateContent", "{}", true],
    ["/google-ai-studio/v1beta/models/gemini:generateContent", model("gpt-4o"), false],
    ["/google-ai-studio/v1beta/tunedModels/x:generateContent", model("gpt-4o"), false],
    ["/google-ai-studio/v1beta/openai/chat/completions", model("gpt-4o"), true],
    ["/workers-ai/@cf/meta/llama", "{}", true],
    ["/workers-ai/@cf/mistral/x", model("gpt-4o"), false],
    ["/huggingface/models/openai/gpt-2", model("gpt-4o"), false],
    ["/huggingface/fal-ai/fal-ai/flux/schnell", "{}", true],
    ["/huggingface/fal-ai/other/v1/ocr", model("gpt-4o"), true],
    ["/huggingface/v1/chat/completions", model("gpt-4o"), true],
    ["/baseten/model/abc123", model("gpt-4o"), false],
    ["/replicate/models/a/b/predictions", model("gpt-4o"), false],
    ["/fal/fal-ai/flux/schnell", "{}", true],
    ["/fal/other/flux", model("gpt-4o"), false],
    // Nothing that would cost.
    ["/openai/models", undefined, true],
    ["/google-ai-studio/v1beta/models/gemini", undefined, false],
    ["/openai/realtime?model=gpt-4o-realtime", undefined, true],
    ["/openai/realtime?model=gpt-5", undefined, false],
  ];
  for (const [path, body, ok] of cases) {
    const what = (body ?? "GET").replace(/x{50,}/, "...");
    it(`${ok ? "lets through" : "refuses"} ${path} ${what}`, async () => {
      const { call } = await world({ models: allowed });
      const { response, sent } = await call(path, body);
      if (ok) {
        assert.equal(response.status, 200, await response.text());
        assert.equal(sent!.body, body ?? "");
      } else {
        await refused(response, /^This key is not for (?:model '|a request that names no model)/);
        assert.equal(sent, undefined);
      }
    });
  }

  it("refuses a list of models that takes long to look at", async () => {
    const { call } = await world({ models: allowed });
    const list = (length: number) =>
      JSON.stringify({ model: "gpt-4o", models: Array(length).fill("gpt-4o") });
    assert.equal((await call("/openrouter/chat/completions", list(99))).response.status, 200);
    const { response, sent } = await call("/openrouter/chat/completions", list(100));
    await refused(response, /names no model/);
    assert.equal(sent, undefined);
  });

  it("reads the target that fal's client sends in a header", async () => {
    const { call } = await world({ models: ["fal-ai/**"] });
    const to = (path: string, target: string) => call(path, "{}", { "x-fal-target-url": target });
    const good = await to("/fal", "https://queue.fal.run/fal-ai/flux/requests/1");
    assert.equal(good.response.status, 200);
    const bad = await to("/fal/fal-ai/flux", "https://fal.run/other/flux");
    await refused(bad.response, /model 'other\/flux'/);
    await refused(
      (await to("/fal", "https://rest.alpha.fal.ai/storage/upload")).response,
      /names no model/,
    );
    // The target is what counts, and not what the path looks like.
    for (const host of ["a-b.fal.run", "gateway.alpha.fal.ai"]) {
      const { response, sent } = await call("/fal/chat/completions", model("fal-ai/flux"), {
        "x-fal-target-url": `https://${host}/other/flux`,
      });
      await refused(response, /names no model/);
      assert.equal(sent, undefined);
    }
  });

  it("refuses what another parser of forms or of encodings would read otherwise", async () => {
    const { call } = await world({ models: ["gpt-4o*"] });
    const path = "/openai/audio/transcriptions";
    const [a, b] = ["a".repeat(30), "b".repeat(30)];
    const part = (at: string, name: string, value: string) =>
      `--${at}\r\ncontent-disposition: form-data; ${name}\r\n\r\n${value}\r\n`;
    const good = part(a, 'name="model"', "gpt-4o");
    const two = `${good}${
      part(a, 'name="x"', `\r\n${part(b, 'name="model"', "o1")}--${b}--`)
    }--${a}--`;
    const bodies: [type: string, body: string][] = [
      [`multipart/form-data; boundary=${a}; boundary=${b}`, two],
      [`multipart/form-data; boundary=${a}; boundary*=utf-8''${b}`, two],
      [`multipart/form-data; boundary=${a}`, `${good}${part(a, 'name="MODEL"', "o1")}--${a}--`],
      [
        `multipart/form-data; boundary=${a}`,
        `${good}${part(a, "name=\"x\"; name*=utf-8''model", "o1")}--${a}--`,
      ],
      [`multipart/mixed; boundary=${a}`, `${good}--${a}--`],
    ];
    for (const [type, body] of bodies) {
      const { response, sent } = await call(path, body, { "content-type": type });
      await refused(response, /This key is not for/);
      assert.equal(sent, undefined);
    }
    const plain = `${good}--${a}--\r\n`;
    const type = `multipart/form-data; boundary=${a}`;
    assert.equal((await call(path, plain, { "content-type": type })).response.status, 200);
    const packed = await call("/openai/embeddings", model("gpt-4o"), {
      "content-encoding": "deflate",
    });
    await refused(packed.response, /names no model/);
  });

  it("sends no method on beside the one that it looked at", async () => {
    const { call } = await world({ models: ["gpt-4o*"] });
    const names = ["x-http-method-override", "x-http-method", "x-method-override"];
    const { sent } = await call(
      "/google-ai-studio/v1beta/openai/chat/completions",
      undefined,
      Object.fromEntries(names.map((name) => [name, "POST"])),
    );
    for (const name of names) assert.equal(sent!.headers[name], undefined);
  });

  it("reads the model of a form, and of a body without a length", async () => {
    const form = (...models: string[]) => {
      const data = new FormData();
      data.set("file", new File(['name="model"\r\n\r\ngpt-4o'], "a.txt"));
      for (const each of models) data.append("model", each);
      return data;
    };
    const { call } = await world({ models: ["gpt-4o*"] });
    const path = "/openai/audio/transcriptions";
    const good = await call(path, form("gpt-4o-transcribe"));
    assert.equal(good.response.status, 200);
    assert.match(good.sent!.body, /gpt-4o-transcribe/);
    for (const models of [["whisper-1"], [], ["gpt-4o", "whisper-1"]]) {
      await refused((await call(path, form(...models))).response, /This key is not for/);
    }
  });

  it("does not read a body that nobody has to know", async () => {
    const { gateway } = recording({ plugins: [auth()], gateways: { default: {} } });
    let read = false;
    const body = new ReadableStream({
      pull(controller) {
        read = true;
        controller.close();
      },
    }, { highWaterMark: 0 });
    const request = new Request("http://g.test/v1/a/default/openai/chat/completions", {
      method: "POST",
      body,
      headers: { authorization: "Bearer sl-nobody" },
      duplex: "half",
    } as RequestInit);
    assert.equal((await gateway.fetch(request)).status, 401);
    assert.equal(read, false);
  });

  it("survives hostile JSON", () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    assert.equal(jsonModels(bytes(deep)), undefined);
    const nested = jsonModels(bytes(`{"a":${deep},"model":"x"}`));
    assert.ok(nested === undefined || nested[0] === "x"); // some runtimes read that deep
    assert.deepEqual(jsonModels(bytes('{"a\\\\":"\\"","model" \n:\t"x\\"y"}')), ['x"y']);
    assert.deepEqual(jsonModels(bytes('{"a":"\\"model\\":\\"o1\\"","model":"x"}')), ["x"]);
    for (const text of ["", "{", "{}", '"model"', "null", '{"model":null}', '{"model":1e999}']) {
      assert.equal(jsonModels(bytes(text)), undefined, text);
    }
    assert.equal(jsonModels(new Uint8Array([0xff, 0xfe, 0x7b, 0])), undefined);
    const wide = new Uint8Array([...'{"model":"x"}'].flatMap((char) => [char.charCodeAt(0), 0]));
    assert.equal(jsonModels(wide), undefined);
  });
});

describe("limits of a key", () => {
  it("counts requests, refuses with the time to wait, and counts no refusal", async () => {
    const { call, sent } = await world({
      limits: [{ limit: 2, window: 60, unit: "requests", technique: "fixed" }],
    });
    at = Date.parse("2026-01-02T12:00:10Z");
    for (let i = 0; i < 2; i++) assert.equal((await call("/openai/models")).response.status, 200);
    const { response } = await call("/openai/models");
    const { headers } = response;
    assert.equal(headers.get("retry-after"), "50");
    assert.equal(headers.get("x-ratelimit-limit-requests"), "2");
    assert.equal(headers.get("x-ratelimit-remaining-requests"), "0");
    assert.equal(headers.get("x-ratelimit-reset-requests"), "50s");
    const error = await errorOf(response);
    assert.deepEqual([error.status, error.code], [429, 2003]);
    assert.match(error.message, /^Rate limited: .* 2 requests in 60 s; try again in 50 s$/);
    assert.equal(sent.length, 2);
    at += 50_000;
    assert.equal((await call("/openai/models")).response.status, 200);
  });

  it("takes nothing from one limit where another refuses", async () => {
    const { call } = await world({
      limits: [
        { limit: 3, window: 86_400, unit: "requests", technique: "fixed" },
        { limit: 1, window: 60, unit: "requests", technique: "fixed" },
      ],
    });
    for (let minute = 0; minute < 3; minute++) {
      assert.equal((await call("/openai/models")).response.status, 200);
      for (let i = 0; i < 5; i++) {
        assert.equal((await call("/openai/models")).response.status, 429);
      }
      at += 60_000;
    }
    const { response } = await call("/openai/models");
    assert.equal(response.headers.get("x-ratelimit-limit-requests"), "3");
  });

  it("counts the tokens that an answer reports, and admits while some are left", async () => {
    const kv = memoryKV({ now });
    const { key } = await new VirtualKeys({ kv, now }).create("default", {
      name: "ci",
      limits: [{ limit: 100, window: 3600, unit: "tokens" }],
    });
    const usage = { prompt_tokens: 40, completion_tokens: 20, total_tokens: 60 };
    const { ask } = recording({
      plugins: [auth()],
      stores: { keys: kv },
      now,
    }, () => Response.json({ object: "chat.completion", choices: [], usage }));
    const call = () =>
      ask("/openai/chat/completions", {
        method: "POST",
        body: model("gpt-4o"),
        headers: { authorization: `Bearer ${key}` },
      });
    for (let i = 0; i < 2; i++) {
      const { response } = await call();
      assert.equal(response.status, 200);
      await response.text();
    }
    const { response } = await call();
    assert.equal(response.status, 429);
    assert.equal(response.headers.get("x-ratelimit-limit-tokens"), "100");
    assert.equal(response.headers.get("x-ratelimit-remaining-tokens"), "0");
    assert.ok(Number(response.headers.get("retry-after")) > 3500);
  });

  it("charges no request for an answer from the cache", async () => {
    const cached = definePlugin("hit", (ctx) => {
      ctx.shared.cached = true;
      return new Response("from the cache");
    });
    const { call } = await world({ limits: [{ limit: 1, window: 60, unit: "requests" }] }, {
      plugins: [auth(), cached],
    });
    for (let i = 0; i < 5; i++) assert.equal((await call("/openai/models")).response.status, 200);
  });

  it("lets everybody through while the counts cannot be asked", async () => {
    const away: Counters = { ...memoryCounters(), add: () => Promise.reject(new Error("away")) };
    const kv = memoryKV({ now });
    const { key } = await new VirtualKeys({ kv, now }).create("default", {
      name: "ci",
      limits: [{ limit: 1, window: 60, unit: "requests" }],
    });
    const { ask } = recording({ plugins: [auth()], stores: { keys: kv, counters: away }, now });
    for (let i = 0; i < 3; i++) {
      const { response } = await ask("/openai/models", { headers: { "x-api-key": key } });
      assert.equal(response.status, 200);
    }
  });
});

describe("what the rest of the chain knows of a caller", () => {
  it("is the key's id, its name and its metadata, over what the request says", async () => {
    let known: Caller | undefined;
    let metadata: unknown;
    const look = definePlugin("look", (ctx, next) => {
      known = ctx.get(caller);
      metadata = metadataOf(ctx);
      return next();
    });
    const { call } = await world({ metadata: { team: "a", level: 3 } }, {
      plugins: [auth(), look],
    });
    await call("/openai/models", undefined, { "cf-aig-metadata": '{"team":"b","user":"u"}' });
    assert.equal(known?.keyName, "ci");
    assert.match(known?.keyId ?? "", /^[0-9a-f-]{36}$/);
    assert.deepEqual(metadata, { team: "a", level: 3, user: "u" });
  });
});
