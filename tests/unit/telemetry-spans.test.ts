/** Spans: what is a request, what is an attempt, and what is said of each. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { createHash } from "node:crypto";
import { auth, otel } from "../../mod.ts";
import { chat, cut, failing, stream, unreachable, whole } from "./scripted.ts";
import { ask, body, collector, good, watched } from "./telemetry.ts";

/** The price of 40 tokens in, 60 from the cache, 20 out. */
const prices = { "openai/*": { input: 1, output: 10, cache_read: 0.5 } };
const cost = (40 * 1 + 60 * 0.5 + 20 * 10) / 1e6;

describe("a request and its attempts", () => {
  it("are two spans where all is well", async () => {
    const made = watched({ prices }, [good]);
    const response = await ask(made, { "user-agent": "client/1" });
    const { request, attempts: [attempt, ...more] } = await made.trace();
    assert.deepEqual(more, []);
    assert.equal(attempt!.parentSpanId, request.spanId);
    assert.equal(attempt!.traceId, request.traceId);
    assert.equal(request.parentSpanId, undefined);
    assert.equal(request.traceId, response.headers.get("cf-aig-request-id")!.replaceAll("-", ""));
    assert.equal(request.kind, 2);
    assert.equal(attempt!.kind, 3);
    assert.equal(attempt!.name, "chat gpt-4o-mini");
    assert.ok(attempt!.start >= request.start && attempt!.end <= request.end + 0.001);
    assert.ok(Math.abs(request.end - Date.now()) < 60_000);
    assert.equal(attempt!.resource["service.name"], "ai-gateway");
    const { "gen_ai.usage.cost": dollars, "sluice.log.id": logId, ...attributes } = attempt!
      .attributes;
    assert.ok(Math.abs(Number(dollars) - cost) < 1e-12);
    assert.equal(logId, response.headers.get("cf-aig-log-id"));
    assert.deepEqual(attributes, {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-4o-mini",
      "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
      "gen_ai.output.type": "text",
      "gen_ai.response.finish_reasons": ["stop"],
      "gen_ai.response.id": "chatcmpl-1",
      "server.address": "api.openai.com",
      "server.port": 443,
      "http.request.method": "POST",
      "http.response.status_code": 200,
      "gen_ai.usage.input_tokens": 100,
      "gen_ai.usage.output_tokens": 20,
      "gen_ai.usage.cache_read.input_tokens": 60,
      "gen_ai.usage.reasoning.output_tokens": 5,
      "sluice.gateway": "default",
      "sluice.provider": "openai",
      "sluice.step": 0,
      "sluice.attempt.index": 0,
      "sluice.stream.end": "complete",
      "sluice.usage.quality": "reported",
    });
    assert.equal(request.attributes["gen_ai.model.provider"], "openai");
    assert.equal(request.attributes["gen_ai.provider.name"], "openai");
    assert.equal(request.attributes["gen_ai.request.model"], "gpt-4o-mini");
    assert.equal(request.attributes["gen_ai.usage.input_tokens"], 100);
    assert.equal(request.attributes["gen_ai.usage.output_tokens"], 20);
    assert.ok(Math.abs(Number(request.attributes["gen_ai.usage.cost"]) - cost) < 1e-12);
    assert.equal(request.attributes["http.response.status_code"], 200);
    assert.equal(request.attributes["url.path"], "/v1/acc/default/openai/chat/completions");
    assert.equal(request.attributes["user_agent.original"], "client/1");
    assert.equal(request.attributes["sluice.attempts"], 1);
    assert.equal(request.status, undefined);
    assert.equal(attempt!.status, undefined);
  });

  it("are one and two behind a retry", async () => {
    const made = watched({
      gateways: { default: { retry_max_attempts: 2, retry_delay: 0 } },
    }, [failing(503), good]);
    await ask(made);
    const { request, attempts } = await made.trace();
    assert.deepEqual(
      attempts.map(({ attributes: of }) => [
        of["sluice.attempt.index"],
        of["sluice.attempt.reason"],
        of["http.response.status_code"],
        of["error.type"],
      ]),
      [[0, undefined, 503, "503"], [1, "retry", 200, undefined]],
    );
    assert.deepEqual(attempts[0]!.status, { code: 2, message: "Status 503" });
    assert.equal(attempts[0]!.attributes["gen_ai.usage.input_tokens"], undefined);
    assert.deepEqual(new Set(attempts.map((span) => span.parentSpanId)), new Set([request.spanId]));
    assert.equal(new Set([request, ...attempts].map(({ spanId }) => spanId)).size, 3);
    assert.equal(request.attributes["sluice.attempts"], 2);
    assert.equal(request.attributes["gen_ai.usage.input_tokens"], 100);
    assert.equal(request.attributes["error.type"], undefined);
    assert.equal(request.status, undefined);
  });

  it("are one and two behind a fallback", async () => {
    const made = watched({}, [failing(500), good]);
    const step = (provider: string) => ({
      provider,
      endpoint: "chat/completions",
      headers: { authorization: "Bearer sk-1234567890", "content-type": "application/json" },
      query: body,
    });
    const response = await made.universal([step("groq"), step("openai")]);
    assert.equal(response.status, 200);
    await response.text();
    const { request, attempts } = await made.trace();
    assert.deepEqual(
      attempts.map(({ attributes: of }) => [
        of["gen_ai.provider.name"],
        of["sluice.step"],
        of["sluice.attempt.reason"],
      ]),
      [["groq", 0, undefined], ["openai", 1, "fallback"]],
    );
    assert.equal(request.attributes["gen_ai.provider.name"], "openai");
    assert.equal(request.attributes["sluice.request.type"], "universal");
  });

  it("are one and none at a hit of the cache, which used no tokens", async () => {
    const made = watched({ prices, gateways: { default: { cache_ttl: 60 } } }, [good]);
    await ask(made);
    const before = (await made.spans()).length;
    const response = await ask(made);
    assert.equal(response.headers.get("cf-aig-cache-status"), "HIT");
    const [request, ...more] = (await made.spans()).slice(before);
    assert.deepEqual(more, []);
    const { attributes } = request!;
    assert.equal(attributes["sluice.cache.status"], "hit");
    assert.equal(attributes["sluice.attempts"], 0);
    assert.equal(attributes["gen_ai.request.model"], "gpt-4o-mini");
    assert.equal(attributes["gen_ai.usage.input_tokens"], undefined);
    assert.equal(attributes["gen_ai.usage.cost"], 0);
    assert.ok(Math.abs(Number(attributes["sluice.cache.saved"]) - cost) < 1e-12);
  });

  it("are one and none where the gateway refuses", async () => {
    const key = "sl-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGH";
    const hash = `sha256:${createHash("sha256").update(key).digest("hex")}`;
    const made = watched({
      gateways: { default: { authentication: true, tokens: [{ name: "ci", hash }] } },
    }, [good]);
    assert.equal((await ask(made)).status, 401);
    const { request, attempts } = await made.trace();
    assert.deepEqual(attempts, []);
    assert.equal(request.attributes["http.response.status_code"], 401);
    assert.equal(request.attributes["error.type"], "401");
    assert.equal(request.status, undefined, "the caller's mistake");
    await ask(made, { "cf-aig-authorization": `Bearer ${key}` });
    const known = (await made.spans()).findLast(({ kind }) => kind === 2);
    assert.equal(known!.attributes["sluice.key.id"], "config.default.ci");
  });

  it("tell of a provider that cannot be reached", async () => {
    const made = watched({}, [unreachable]);
    assert.equal((await ask(made)).status, 502);
    const { request, attempts: [attempt] } = await made.trace();
    assert.equal(attempt!.attributes["error.type"], "502");
    assert.equal(attempt!.attributes["gen_ai.response.finish_reasons"], undefined);
    assert.equal(attempt!.attributes["sluice.stream.end"], "error");
    assert.equal(request.status?.code, 2);
    assert.match(request.status?.message ?? "", /^Failed to get response from provider 'openai'/);
  });
});

describe("streams", () => {
  const sent = { ...body, stream: true };

  it("have times of their own, and are over with their last event", async () => {
    const made = watched({}, [stream(whole)]);
    await ask(made, {}, sent);
    const { request, attempts: [attempt] } = await made.trace();
    const { attributes } = attempt!;
    assert.equal(attributes["gen_ai.request.stream"], true);
    const first = attributes["gen_ai.response.time_to_first_chunk"] as number;
    const token = attributes["sluice.time_to_first_token"] as number;
    assert.ok(first >= 0 && token >= first && token <= (attempt!.end - attempt!.start) / 1000);
    assert.equal(attributes["sluice.stream.end"], "complete");
    assert.equal(attributes["sluice.usage.quality"], "estimated");
    assert.equal(request.attributes["gen_ai.request.stream"], true);
  });

  it("that break off are failures, of both spans", async () => {
    const made = watched({}, [stream([chat.role, chat.text("Hel"), cut])]);
    await ask(made, {}, sent);
    const { request, attempts: [attempt] } = await made.trace();
    assert.equal(attempt!.attributes["error.type"], "upstream_cut");
    assert.deepEqual(attempt!.attributes["gen_ai.response.finish_reasons"], ["error"]);
    assert.equal(attempt!.status?.code, 2);
    assert.equal(request.attributes["error.type"], "upstream_cut");
    assert.equal(request.attributes["http.response.status_code"], 200);
    assert.equal(request.status?.code, 2);
  });
});

describe("what requests ask for", () => {
  it("is told in the conventions' names", async () => {
    const made = watched({}, [good]);
    await ask(made, {}, {
      ...body,
      tools: [{ type: "function", function: { parameters: { properties: { seed: 9 } } } }],
      temperature: 1,
      max_completion_tokens: 64,
      top_p: 0.5,
      n: 2,
      seed: 7,
      reasoning_effort: "low",
      stop: ["]", 'a "quote"'],
      frequency_penalty: -0.5,
      presence_penalty: "much",
      top_k: 1.5,
    });
    const { attempts: [attempt] } = await made.trace();
    const asked = Object.entries(attempt!.attributes).filter(([name]) =>
      /^gen_ai\.request\.(?!model)/.test(name)
    );
    assert.deepEqual(Object.fromEntries(asked), {
      "gen_ai.request.temperature": 1,
      "gen_ai.request.max_tokens": 64,
      "gen_ai.request.top_p": 0.5,
      "gen_ai.request.choice.count": 2,
      "gen_ai.request.seed": 7,
      "gen_ai.request.reasoning.level": "low",
      "gen_ai.request.stop_sequences": ["]", 'a "quote"'],
      "gen_ai.request.frequency_penalty": -0.5,
    });
  });

  it("names a text at which to stop, if it is one alone", async () => {
    const made = watched({}, [good]);
    await ask(made, {}, { ...body, stop: '\n"' });
    const { attempts: [attempt] } = await made.trace();
    assert.deepEqual(attempt!.attributes["gen_ai.request.stop_sequences"], ['\n"']);
  });

  it("is found in Gemini's way as well", async () => {
    const made = watched({}, [() => Response.json({ candidates: [] })]);
    const path = "/v1/acc/default/google-ai-studio/v1beta/models/gemini-2.0-flash:generateContent";
    await ask(made, {}, {
      contents: [{ parts: [{ text: 'temperature": 3, "seed": 4' }] }],
      generationConfig: { temperature: 0.25, maxOutputTokens: 12, topK: 4, stopSequences: ["x"] },
    }, path);
    const { attempts: [attempt] } = await made.trace();
    assert.equal(attempt!.name, "generate_content gemini-2.0-flash");
    assert.equal(attempt!.attributes["gen_ai.provider.name"], "gcp.gemini");
    assert.equal(attempt!.attributes["gen_ai.request.temperature"], 0.25);
    assert.equal(attempt!.attributes["gen_ai.request.max_tokens"], 12);
    assert.equal(attempt!.attributes["gen_ai.request.top_k"], 4);
    assert.deepEqual(attempt!.attributes["gen_ai.request.stop_sequences"], ["x"]);
    assert.equal(attempt!.attributes["gen_ai.request.seed"], undefined);
  });

  it("is read as far as it can be", async () => {
    const hostile = [
      '{"temperature":1e999,"seed":123456789012345678901234567890,"max_tokens":-1,"top_p":"',
      '[{"temperature":1}]',
      '{"stop":["a"',
      '{"stop":["]]]]]]]]]]]"]}',
      '{"stop":[1,{"stop":["a"]}]}',
      `{"temperature":${"9".repeat(100)}}`,
      `${"[".repeat(5000)}`,
      '{"n":2,"messages":[{"content":"\\"temperature\\":2"}]',
      '{"reasoning_effort":"\\u0000\\ud800"}',
      '"temperature":1',
      "",
    ];
    const made = watched({}, hostile.map(() => good));
    for (const text of hostile) await ask(made, {}, text);
    const attempts = (await made.spans()).filter(({ kind }) => kind === 3);
    assert.equal(attempts.length, hostile.length);
    for (const { attributes } of attempts) {
      assert.equal(attributes["gen_ai.request.temperature"], undefined);
      assert.equal(attributes["gen_ai.request.max_tokens"], undefined);
      assert.equal(attributes["gen_ai.request.stop_sequences"], undefined);
    }
  });
});

describe("what callers say", () => {
  it("is there by its own name, except for names that are taken", async () => {
    const made = watched({}, [good]);
    const metadata = {
      team: "Zürich",
      size: 3,
      ratio: 1.5,
      beta: true,
      "gen_ai.request.model": "x",
    };
    await ask(made, { "cf-aig-metadata": JSON.stringify(metadata), "cf-aig-event-id": "ev-1" });
    const { request: { attributes } } = await made.trace();
    assert.equal(attributes["team"], "Zürich");
    assert.equal(attributes["size"], 3);
    assert.equal(attributes["ratio"], 1.5);
    assert.equal(attributes["beta"], true);
    assert.equal(attributes["gen_ai.request.model"], "gpt-4o-mini");
    assert.equal(attributes["sluice.event.id"], "ev-1");
  });
});

describe("both encodings", () => {
  it("say the same", async () => {
    const exporters = [
      { url: collector, content_type: "json" as const },
      { url: "http://collector-2.test/otlp/", compression: "gzip" as const },
    ];
    const script = [good, failing(429), stream(whole)];
    const made = watched({ telemetry: { exporters } }, script);
    const long = "é".repeat(300);
    for (let i = 0; i < 3; i++) {
      await ask(made, { "cf-aig-metadata": String.raw`{"name":"\ud83d\ude00\n","n":-1.5}` }, {
        ...body,
        model: i === 0 ? long : "m",
      });
    }
    await made.spans();
    const traces = made.exports.filter(({ signal }) => signal === "traces");
    const [json, wire] = ["application/json", "application/x-protobuf"].map((type) =>
      traces.filter(({ headers }) => headers["content-type"] === type).map(({ body }) =>
        JSON.parse(JSON.stringify(body, (key, value) =>
          // Nanoseconds, that have more digits than a number.
          key.endsWith("UnixNano") ? String(Math.round(Number(value) / 1000)) : value))
      )
    );
    assert.equal(json!.length, 1);
    assert.deepEqual(json, wire);
    assert.deepEqual(
      made.sent.map(({ url }) => url).sort(),
      [
        "http://collector-2.test/otlp/v1/metrics",
        "http://collector-2.test/otlp/v1/traces",
        "http://collector.test/v1/metrics",
        "http://collector.test/v1/traces",
      ],
    );
  });
});

describe("the plugin alone", () => {
  it("takes what the configuration would say as options", async () => {
    const made = watched({
      plugins: [otel({ exporters: [{ url: `${collector}/v1/traces` }], service_name: "mine" })],
      telemetry: undefined as never,
    }, [good]);
    await ask(made);
    const { request, attempts } = await made.trace();
    assert.equal(attempts.length, 1);
    assert.equal(request.resource["service.name"], "mine");
    assert.equal(attempts[0]!.attributes["sluice.log.id"], undefined);
    assert.equal(made.exports.every(({ signal }) => signal === "traces"), true);
  });

  it("is there once, wherever it stands twice", async () => {
    const made = watched({ plugins: [otel(), otel({ sample: 1 })] }, [good]);
    await ask(made);
    assert.equal((await made.spans()).length, 2);
  });

  it("does nothing where nobody asks", async () => {
    const made = watched({ plugins: [otel(), auth()], telemetry: undefined as never }, [good]);
    assert.equal((await ask(made, { traceparent: "kept" })).status, 200);
    assert.deepEqual(await made.spans(), []);
    assert.equal(made.seen[0]!.headers["traceparent"], "kept");
    assert.deepEqual(await made.rows(), []);
  });
});
