/** The unified API in the chain: fallback over formats, keys, virtual keys, cache, limits, rows, losses. */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { ChatEvent } from "../../core/unified/chat.ts";
import {
  auth,
  cache,
  createGateway,
  defineProvider,
  fallback,
  type GatewayOptions,
  log,
  memoryLogs,
  standardPlugins,
} from "../../mod.ts";
import { clients } from "../support/unified-clients.ts";
import { answerOf, failed, said, streamOf, toldOf } from "../support/unified-provider.ts";

const formats = {
  "api.openai.com": "openai-chat",
  "api.anthropic.com": "anthropic-messages",
  "generativelanguage.googleapis.com": "gemini",
} as const;
type Host = keyof typeof formats;

type Play = (sent: Request, host: Host) => Response | Promise<Response>;

/** Providers that are one function, and what they were asked. */
function played(play: Play, options: GatewayOptions = {}) {
  const sent: { host: Host; headers: Record<string, string>; body: string; url: string }[] = [];
  const gateway = createGateway({
    plugins: standardPlugins(),
    ...options,
    report(message, cause) {
      throw new Error(message, { cause });
    },
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const host = new URL(request.url).host as Host;
      sent.push({
        host,
        headers: Object.fromEntries(request.headers),
        body: await request.clone().text(),
        url: request.url,
      });
      return await play(request, host);
    },
  });
  const ask = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    gateway.fetch(
      new Request(`http://gateway.test${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    );
  return { gateway, sent, ask };
}

const speaks: Play = async (sent, host) => {
  const format = formats[host];
  return said(
    format,
    await toldOf(format, sent),
    answerOf(format, [{ type: "text", text: `I am ${host}` }]),
  );
};
const busy: Play = (_sent, host) =>
  failed(formats[host], { status: 503, kind: "overloaded", message: "busy" });
const firstBusy: Play = (sent, host) => (host === "api.openai.com" ? busy : speaks)(sent, host);

const hi = (model: string, more = {}) => ({
  model,
  messages: [{ role: "user", content: "Hi" }],
  ...more,
});

/** Keys for all that stand in, for everybody. */
const lending: GatewayOptions = {
  open: true,
  keys: {
    anthropic: { default: { value: "sk-anthropic" } },
    "google-ai-studio": { default: { value: "g-google" } },
  },
};

describe("fallback over formats", () => {
  for (const client of clients) {
    for (const stream of [false, true]) {
      it(`${client.name} sees one format, ${stream ? "streamed" : "plain"}`, async () => {
        const { gateway, sent } = played(firstBusy, {
          ...lending,
          plugins: [fallback({ to: [{ model: "anthropic/claude-haiku-4-5" }] })],
        });
        const told = await client.ask((request) => gateway.fetch(request), {
          model: "openai/gpt-4o-mini",
          stream,
        });
        assert.equal(told.text, "I am api.anthropic.com");
        assert.deepEqual(sent.map(({ host }) => host), ["api.openai.com", "api.anthropic.com"]);
      });
    }
  }

  it("moves on from a stream that fails before its content", async () => {
    const { ask } = played((sent, host) => {
      if (host !== "api.openai.com") return speaks(sent, host);
      return new Response(
        `data: ${JSON.stringify({ error: { message: "busy", type: "server_error" } })}\n\n`,
        { headers: { "content-type": "text/event-stream" } },
      );
    }, {
      ...lending,
      plugins: [fallback({ to: [{ model: "google-ai-studio/gemini-2.5-flash" }] })],
    });
    const response = await ask("/v1/chat/completions", hi("openai/gpt-4o-mini", { stream: true }));
    const text = await response.text();
    assert.match(text, /I am generativelanguage/);
    assert.doesNotMatch(text, /busy/);
    assert.equal(text.match(/"role":"assistant"/g)?.length, 1);
    assert.match(text, /data: \[DONE\]\n\n$/);
    assert.equal(response.headers.get("cf-aig-step"), "1");
  });

  it("gives nobody the key of another", async () => {
    const { ask, sent } = played(firstBusy, {
      ...lending,
      plugins: [fallback({ to: [{ model: "anthropic/claude-haiku-4-5" }] })],
    });
    await ask("/v1/chat/completions", hi("openai/gpt-4o-mini"), {
      authorization: "Bearer sk-mine",
    });
    assert.equal(sent[0]?.headers["authorization"], "Bearer sk-mine");
    assert.ok(!JSON.stringify(sent[1]).includes("sk-mine"));
  });

  it("takes steps of a universal request, each translated for itself", async () => {
    const { gateway, sent } = played(firstBusy);
    const step = (model: string, key: string) => ({
      provider: "compat",
      endpoint: "chat/completions",
      headers: { authorization: `Bearer ${key}` },
      query: hi(model),
    });
    const response = await gateway.fetch(
      new Request("http://gateway.test/v1/acc/default", {
        method: "POST",
        body: JSON.stringify([
          step("openai/gpt-4o-mini", "sk-a"),
          step("google-ai-studio/gemini-2.5-flash", "g-b"),
        ]),
      }),
    );
    const body = await response.json() as { object: string; choices: { message: unknown }[] };
    assert.equal(body.object, "chat.completion");
    assert.equal(response.headers.get("cf-aig-step"), "1");
    assert.equal(response.headers.get("cf-aig-provider"), "google-ai-studio");
    assert.equal(sent[1]?.headers["x-goog-api-key"], "g-b");
    assert.ok(!JSON.stringify(sent[1]).includes("sk-a"));
  });
});

describe("models of the setting `fallback`", () => {
  const to = (models: string[], more: GatewayOptions = {}): GatewayOptions => ({
    gateways: { default: { fallback: models } },
    ...lending,
    ...more,
  });

  for (const client of clients) {
    it(`are asked after a failure, in the format of ${client.name}`, async () => {
      const { gateway, sent } = played(firstBusy, to(["anthropic/claude-haiku-4-5"]));
      const told = await client.ask((request) => gateway.fetch(request), {
        model: "openai/gpt-4o-mini",
      });
      assert.equal(told.text, "I am api.anthropic.com");
      assert.deepEqual(sent.map(({ host }) => host), ["api.openai.com", "api.anthropic.com"]);
    });
  }

  it("are asked in their order, aliases by what they stand for", async () => {
    const { ask, sent } = played(
      (sent, host) => (host === "generativelanguage.googleapis.com" ? speaks : busy)(sent, host),
      to(["anthropic/claude-haiku-4-5", "spare"], {
        models: { spare: "google-ai-studio/gemini-2.5-flash" },
      }),
    );
    const response = await ask("/v1/chat/completions", hi("openai/gpt-4o-mini"));
    assert.match(await response.text(), /I am generativelanguage/);
    assert.equal(response.headers.get("cf-aig-step"), "2");
    assert.equal(sent.length, 3);
  });

  it("are not asked twice when one of them was asked for", async () => {
    const models = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"];
    const { ask, sent } = played(firstBusy, to(models));
    await ask("/v1/chat/completions", hi("openai/gpt-4o-mini"));
    assert.deepEqual(sent.map(({ host }) => host), ["api.openai.com", "api.anthropic.com"]);
  });

  it("are left out where nobody has them, which the operator is told once", async () => {
    const told: string[] = [];
    const gateway = createGateway({
      plugins: standardPlugins(),
      ...to(["nowhere/model", "anthropic/claude-haiku-4-5"]),
      report: (message) => told.push(message),
      fetch: (input, init) => {
        const request = new Request(input, init);
        const { host } = new URL(request.url);
        return Promise.resolve(firstBusy(request, host as Host));
      },
    });
    for (let i = 0; i < 2; i++) {
      const response = await gateway.fetch(
        new Request("http://gateway.test/v1/chat/completions", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(hi("openai/gpt-4o-mini")),
        }),
      );
      assert.match(await response.text(), /I am api\.anthropic\.com/);
    }
    assert.equal(told.length, 1);
    assert.match(told[0]!, /^fallback: .*nowhere/);
  });

  it("are left out where the caller's key is not for them", async () => {
    const key = "sl-0123456789012345678901234567890123456789012";
    const hash = `sha256:${createHash("sha256").update(key).digest("hex")}`;
    const { ask, sent } = played(firstBusy, {
      gateways: {
        default: {
          authentication: true,
          fallback: ["anthropic/claude-haiku-4-5"],
          tokens: [{ name: "one", hash, models: ["openai/*"] }],
        },
      },
      keys: { ...lending.keys, openai: { default: { value: "sk-stored" } } },
    });
    const response = await ask("/v1/chat/completions", hi("openai/gpt-4o-mini"), {
      authorization: `Bearer ${key}`,
    });
    assert.equal(response.status, 503);
    assert.match(await response.text(), /busy/);
    assert.equal(sent.length, 1);
  });

  it("are not asked twice when it was asked for under an alias", async () => {
    const { ask, sent } = played(
      busy,
      to(["openai/gpt-4o-mini", "quick"], {
        models: { quick: "openai/gpt-4o-mini" },
      }),
    );
    await ask("/v1/chat/completions", hi("quick"));
    await ask("/v1/chat/completions", hi("gpt-4o-mini"));
    assert.equal(sent.length, 2);
  });

  it("get the client's key where they are the same provider's, and nothing of it else", async () => {
    const { ask, sent } = played(busy, {
      ...to(["chat/spare", "openai/gpt-4o", "anthropic/claude-haiku-4-5"]),
      models: {
        "chat/main": "openai/gpt-4o-mini",
        "chat/spare": "google-ai-studio/gemini-2.5-flash",
      },
      providers: {
        anthropic: { base_url: "https://api.anthropic.com" },
        "google-ai-studio": { base_url: "https://generativelanguage.googleapis.com" },
      },
    });
    for (const model of ["chat/main", "gpt-4o-mini"]) {
      sent.length = 0;
      await ask("/v1/chat/completions?key=sk-mine", hi(model), {
        "authorization": "Bearer sk-mine",
        "openai-organization": "org-mine",
        "x-team-key": "sk-mine",
      });
      assert.deepEqual(sent.map(({ host }) => host), [
        "api.openai.com",
        "generativelanguage.googleapis.com",
        "api.openai.com",
        "api.anthropic.com",
      ]);
      for (const one of sent) {
        const isOwn = one.host === "api.openai.com";
        assert.equal(one.headers["authorization"], isOwn ? "Bearer sk-mine" : undefined);
        if (!isOwn) assert.doesNotMatch(JSON.stringify(one), /-mine/);
      }
    }
  });

  it("hear nothing of a key that another provider takes in a header of its own", async () => {
    const gateway = (format: "openai-chat" | "anthropic-messages") =>
      played(
        (request) => (request.headers.has("x-acme-key") ? busy : speaks)(request, "api.openai.com"),
        {
          ...to(["openai/gpt-4o-mini"]),
          providers: { openai: { base_url: "https://api.openai.com/v1" } },
          adapters: [defineProvider({
            slug: "acme",
            baseURL: "https://api.openai.com/acme",
            format,
            key: { header: "x-acme-key" },
          })],
        },
      );
    const { ask, sent } = gateway("openai-chat");
    const response = await ask("/v1/chat/completions", hi("acme/one"), { "x-acme-key": "mine" });
    assert.equal(response.status, 200);
    assert.equal(sent.length, 2);
    assert.doesNotMatch(JSON.stringify(sent[1]), /mine/);
  });

  it("are left out where nobody has a key for them: the failure is told as it was", async () => {
    const spare = to(["anthropic/claude-haiku-4-5"]);
    const asks: [GatewayOptions, headers: Record<string, string>, asked: number][] = [
      [{ ...spare, keys: {} }, {}, 1],
      [{ ...spare, open: false }, {}, 1], // a caller whom nobody knows
      [spare, {}, 2],
      [spare, { "cf-aig-byok-alias": "other" }, 1],
    ];
    for (const [options, headers, asked] of asks) {
      const { ask, sent } = played(firstBusy, options);
      const response = await ask("/v1/chat/completions", hi("openai/gpt-4o-mini"), {
        authorization: "Bearer sk-mine",
        ...headers,
      });
      assert.equal(response.status, asked === 1 ? 503 : 200);
      assert.equal(sent.length, asked);
    }
  });

  it("stand in for chats beside targets in code for native requests", async () => {
    const { ask, sent } = played(firstBusy, {
      ...to(["anthropic/claude-haiku-4-5"]),
      plugins: [fallback({ to: [{ provider: "google-ai-studio" }] })],
    });
    await ask("/v1/chat/completions", hi("openai/gpt-4o-mini"));
    assert.deepEqual(sent.map(({ host }) => host), ["api.openai.com", "api.anthropic.com"]);
  });

  it("are for chats of the unified API alone", async () => {
    const { ask, sent } = played(firstBusy, to(["anthropic/claude-haiku-4-5"]));
    const input = { model: "openai/text-embedding-3-small", input: "Hi" };
    assert.equal((await ask("/v1/embeddings", input)).status, 503);
    const native = "/v1/acc/default/openai/chat/completions";
    assert.equal((await ask(native, hi("gpt-4o-mini"))).status, 503);
    assert.equal(sent.length, 2);
  });

  it("stand back behind targets that are given in code", async () => {
    const { ask, sent } = played(firstBusy, {
      ...to(["anthropic/claude-haiku-4-5"]),
      plugins: [fallback({ to: [{ model: "google-ai-studio/gemini-2.5-flash" }] })],
    });
    await ask("/v1/chat/completions", hi("openai/gpt-4o-mini"));
    assert.equal(sent[1]?.host, "generativelanguage.googleapis.com");
    assert.equal(sent.length, 2);
  });
});

describe("keys", () => {
  const places: Record<string, Record<string, string>> = {
    "authorization": { authorization: "Bearer the-key" },
    "x-api-key": { "x-api-key": "the-key" },
    "x-goog-api-key": { "x-goog-api-key": "the-key" },
    "api-key": { "api-key": "the-key" },
  };
  const wanted: [model: string, header: string, value: string][] = [
    ["openai/gpt-4o-mini", "authorization", "Bearer the-key"],
    ["anthropic/claude-haiku-4-5", "x-api-key", "the-key"],
    ["google-ai-studio/gemini-2.5-flash", "x-goog-api-key", "the-key"],
  ];
  for (const [place, headers] of Object.entries(places)) {
    it(`in ${place} go to the provider its own way`, async () => {
      for (const [model, header, value] of wanted) {
        const { ask, sent } = played(speaks);
        assert.equal((await ask("/v1/chat/completions", hi(model), headers)).status, 200);
        const all = Object.entries(sent[0]!.headers).filter(([, text]) => text.includes("the-key"));
        assert.deepEqual(all, [[header, value]]);
      }
    });
  }

  const key = "sl-0123456789012345678901234567890123456789012";
  const hash = `sha256:${createHash("sha256").update(key).digest("hex")}`;
  const own: GatewayOptions = {
    gateways: {
      default: {
        authentication: true,
        tokens: [{ name: "one", hash, models: ["anthropic/claude-haiku-*"] }],
      },
    },
    keys: { anthropic: { default: { value: "sk-stored" } } },
  };

  it("of the gateway lend the provider's, in every client's own field", async () => {
    for (const client of clients) {
      const { gateway, sent } = played(speaks, own);
      const told = await client.ask((request) => gateway.fetch(request), {
        model: "anthropic/claude-haiku-4-5",
        key,
      });
      assert.equal(told.text, "I am api.anthropic.com");
      assert.equal(sent[0]?.headers["x-api-key"], "sk-stored");
      assert.ok(!JSON.stringify(sent).includes(key));
    }
  });

  it("of the gateway hold for their models, also under an alias and in a fallback", async () => {
    const { ask, sent } = played(busy, {
      ...own,
      keys: { ...own.keys, openai: { default: { value: "sk-stored" } } },
      models: { quick: "openai/gpt-4o-mini" },
      plugins: [auth(), fallback({ to: [{ model: "openai/gpt-4o-mini" }] })],
    });
    const headers = { authorization: `Bearer ${key}` };
    for (const model of ["openai/gpt-4o-mini", "quick", "anthropic/claude-sonnet-4-5"]) {
      const response = await ask("/v1/chat/completions", hi(model), headers);
      assert.equal(response.status, 403, model);
    }
    assert.equal(sent.length, 0);
    await ask("/v1/chat/completions", hi("anthropic/claude-haiku-4-5"), headers);
    assert.deepEqual(sent.map(({ host }) => host), ["api.anthropic.com"]);
  });

  it("of the gateway see the models that they may use", async () => {
    const { gateway } = played(speaks, own);
    const response = await gateway.fetch(
      new Request("http://gateway.test/v1/models", { headers: { authorization: `Bearer ${key}` } }),
    );
    const { data } = await response.json() as { data: { id: string }[] };
    assert.ok(data.length > 0);
    assert.ok(data.every(({ id }) => id.startsWith("anthropic/claude-haiku-")));
  });
});

describe("what is not carried", () => {
  const lossy = hi("anthropic/claude-haiku-4-5", { seed: 7, logit_bias: { 5: 1 } });

  it("is named, in the client's own words", async () => {
    const { ask } = played(speaks);
    const response = await ask("/v1/chat/completions", lossy);
    assert.equal(response.headers.get("x-sluice-dropped"), "seed,logit_bias");
    const google = await ask("/v1beta/models/anthropic/claude-haiku-4-5:generateContent", {
      contents: [{ role: "user", parts: [{ text: "Hi" }] }],
      generationConfig: { seed: 7 },
    });
    assert.match(google.headers.get("x-sluice-dropped") ?? "", /seed/);
    const ran = await ask("/v1beta/models/openai/gpt-4o-mini:generateContent", {
      contents: [
        { role: "user", parts: [{ text: "Hi" }] },
        { role: "model", parts: [{ executableCode: { language: "PYTHON", code: "1" } }] },
        { role: "user", parts: [{ text: "Go on" }] },
      ],
      tools: [{ codeExecution: {} }, { urlContext: {} }],
    });
    assert.equal(
      ran.headers.get("x-sluice-dropped"),
      "contents.executableCode,tools.codeExecution,tools.urlContext",
    );
    const newer = await ask(
      "/v1/chat/completions",
      hi("google/gemini-2.5-pro", { safety_identifier: "someone" }),
    );
    assert.equal(newer.headers.get("x-sluice-dropped"), "safety_identifier");
    const asked = played(() => Response.json({ choices: [] }));
    const passed = await asked.ask(
      "/v1/chat/completions",
      hi("deepseek/deepseek-chat", {
        response_format: {
          type: "json_schema",
          json_schema: { name: "a", schema: { type: "object" } },
        },
      }),
    );
    assert.equal(
      passed.headers.get("x-sluice-dropped"),
      "response_format.json_schema.schema",
    );
    const whole = await ask("/v1/chat/completions", hi("anthropic/claude-haiku-4-5"));
    assert.equal(whole.headers.get("x-sluice-dropped"), null);
  });

  it("is named of an answer as well", async () => {
    const inlineData = { mimeType: "image/png", data: "AAAA" };
    const { ask } = played(() =>
      Response.json({
        candidates: [{
          content: { parts: [{ text: "See" }, { inlineData }] },
          finishReason: "STOP",
        }],
      })
    );
    const cohere = await ask("/compat/v2/chat", hi("google/gemini-2.5-flash-image", { k: 600 }));
    assert.equal(cohere.headers.get("x-sluice-dropped"), "answer.image");
    const openAI = await ask(
      "/v1/chat/completions",
      hi("google/gemini-2.5-flash-image", { logit_bias: { 5: 1 } }),
    );
    assert.equal(openAI.headers.get("x-sluice-dropped"), "logit_bias");
  });

  it("is refused or not in a word that is known", async () => {
    const { ask, sent } = played(speaks);
    const headers = { "x-sluice-compat": "banana" };
    const response = await ask("/v1/chat/completions", hi("anthropic/claude-haiku-4-5"), headers);
    assert.equal(response.status, 400);
    assert.match(await response.text(), /'x-sluice-compat' is 'banana'; 'strict' or 'lossy'/);
    assert.equal(sent.length, 0);
  });

  it("is refused where the gateway or the request is strict", async () => {
    const strict = played(speaks, { gateways: { default: { compat: "strict" } } });
    const plain = played(speaks);
    for (
      const response of [
        await strict.ask("/v1/chat/completions", lossy),
        await plain.ask("/v1/chat/completions", lossy, { "x-sluice-compat": "strict" }),
      ]
    ) {
      assert.equal(response.status, 400);
      const { error } = await response.json() as { error: { message: string; code: string } };
      assert.match(error.message, /'seed', 'logit_bias'/);
      assert.equal(error.code, "8032");
    }
    assert.equal(strict.sent.length + plain.sent.length, 0);
  });
});

describe("the same format", () => {
  it("goes as its client wrote it, but for the name of the model", async () => {
    const body =
      '{ "messages" : [{"role":"user","content":"h\\u00e9"}], "model":"openai/gpt-4o-mini",' +
      '"seed":12345678901234567890, "unknown":{"2":1,"1":2} }';
    const { gateway, sent } = played(speaks);
    await gateway.fetch(
      new Request("http://gateway.test/v1/chat/completions", { method: "POST", body }),
    );
    assert.equal(sent[0]?.body, body.replace("openai/gpt-4o-mini", "gpt-4o-mini"));
  });

  it("comes back as the provider wrote it", async () => {
    const text = 'data: {"id":"x","choices":[],"odd":1}\r\n\r\n: hello\r\n\r\ndata: [DONE]\r\n\r\n';
    const { ask } = played(() =>
      new Response(text, { headers: { "content-type": "text/event-stream" } })
    );
    const response = await ask("/v1/chat/completions", hi("openai/gpt-4o-mini", { stream: true }));
    assert.equal(await response.text(), text);
  });
});

describe("the rest of the chain", () => {
  it("caches what a provider was asked, whoever asks it in which format", async () => {
    const { gateway, sent } = played(speaks, {
      plugins: [cache()],
      gateways: { default: { cache_ttl: 60 } },
    });
    const model = "google-ai-studio/gemini-2.5-flash";
    const texts = new Set<string>();
    for (const client of clients.filter(({ format }) => format.startsWith("openai"))) {
      for (const stream of [false, true]) {
        texts.add((await client.ask((request) => gateway.fetch(request), { model, stream })).text);
      }
    }
    assert.deepEqual([...texts], ["I am generativelanguage.googleapis.com"]);
    assert.ok(sent.length <= 2, `${sent.length} requests were sent`);
  });

  it("has a row for each attempt, with tokens and cost", async () => {
    const logs = memoryLogs();
    const { gateway, ask } = played(firstBusy, {
      ...lending,
      plugins: [log(), fallback({ to: [{ model: "anthropic/claude-haiku-4-5" }] })],
      stores: { logs },
    });
    const response = await ask("/v1/responses", {
      model: "openai/gpt-4o-mini",
      input: "Hi",
      stream: true,
    });
    await response.text();
    await gateway.flush();
    const rows = await logs.list({ direction: "asc" }, { offset: 0, limit: 10 });
    assert.deepEqual(
      rows.map(({ provider, request_type, compatibilityMode, success, step }) => [
        provider,
        request_type,
        compatibilityMode,
        success,
        step,
      ]),
      [["openai", "compat", true, false, 0], ["anthropic", "compat", true, true, 1]],
    );
    const [, row] = rows;
    assert.equal(row!.model, "anthropic/claude-haiku-4-5");
    assert.deepEqual([row!.tokens_in, row!.tokens_out], [20, 10]);
    assert.ok(row!.cost! > 0);
    assert.equal(response.headers.get("cf-aig-log-id"), row!.id);
  });

  it("has a row for a hit, with the provider whose answer it was", async () => {
    const logs = memoryLogs();
    const { gateway, ask } = played(speaks, {
      stores: { logs },
      gateways: { default: { cache_ttl: 60 } },
    });
    const body = hi("google-ai-studio/gemini-2.5-flash");
    await (await ask("/v1/chat/completions", body)).text();
    await gateway.flush(); // what is stored
    const hit = await ask("/v1/chat/completions", body);
    assert.equal(hit.headers.get("cf-aig-cache-status"), "HIT");
    assert.equal(hit.headers.get("cf-aig-provider"), "google-ai-studio");
    await hit.text();
    await gateway.flush();
    const rows = await logs.list({}, { offset: 0, limit: 10 });
    assert.deepEqual(rows.map(({ model, cached }) => [model, cached]), [
      ["google-ai-studio/gemini-2.5-flash", true],
      ["google-ai-studio/gemini-2.5-flash", false],
    ]);
    assert.ok(rows[0]!.cost_parts!.saved! > 0);
  });

  it("tells a departed client's provider at once", async () => {
    const gone = Promise.withResolvers<void>();
    const events: ChatEvent[] = [
      { type: "start", id: "a", model: "m" },
      { type: "part_start", choice: 0, part: 0, value: { type: "text", text: "Hel" } },
    ];
    const { ask } = played(async (sent) => {
      const { request, url } = await toldOf("anthropic-messages", sent);
      const first = streamOf("anthropic-messages", { ...request, stream: true }, url, events);
      const bytes = new Uint8Array(await first.arrayBuffer());
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(bytes),
        cancel: () => gone.resolve(),
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });
    const response = await ask(
      "/v1/chat/completions",
      hi("anthropic/claude-haiku-4-5", { stream: true }),
    );
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await gone.promise;
  });
});

describe("Responses that are kept here", () => {
  it("go on where they were, and are nobody else's", async () => {
    const { gateway, ask, sent } = played(speaks);
    const mine = { authorization: "Bearer mine" };
    const model = "anthropic/claude-haiku-4-5";
    const first = await (await ask("/v1/responses", { model, input: "First" }, mine)).json() as {
      id: string;
    };
    const next = { model, input: "Second", previous_response_id: first.id };
    assert.equal((await ask("/v1/responses", next, mine)).status, 200);
    assert.match(sent.at(-1)!.body, /First.*I am api\.anthropic\.com.*Second/);
    assert.equal((await ask("/v1/responses", next, { authorization: "Bearer other" })).status, 400);
    const stored = (headers: Record<string, string>, method = "GET") =>
      gateway.fetch(
        new Request(`http://gateway.test/v1/responses/${first.id}`, { method, headers }),
      );
    assert.equal((await stored(mine)).status, 200);
    assert.equal((await stored({ authorization: "Bearer other" })).status, 404);
    assert.equal((await stored(mine, "DELETE")).status, 200);
    assert.equal((await stored(mine)).status, 404);
  });
});

describe("thoughts sealed for one provider", () => {
  it("do not reach another that speaks the client's own format", async () => {
    const { ask, sent } = played(speaks);
    await ask("/v1/messages", {
      model: "anthropic/claude-haiku-4-5",
      max_tokens: 100,
      messages: [
        { role: "user", content: "Hi" },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "Hm", signature: "sluice.openai-responses.secret" },
            { type: "text", text: "Yes?" },
          ],
        },
        { role: "user", content: "Go on" },
      ],
    }, { "anthropic-version": "2023-06-01" });
    assert.doesNotMatch(sent[0]!.body, /secret/);
    assert.match(sent[0]!.body, /Yes\?/);
  });
});
