/** What was said: not exported unless somebody asks, and masked then. Lines, which never hold any of it. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { otel } from "../../mod.ts";
import { inputContent } from "../../core/telemetry/content.ts";
import { chat, failing, json, stream, whole } from "./scripted.ts";
import { ask, body, collector, completion, good, page, watched } from "./telemetry.ts";

const exporters = [{ url: collector }];
const told = { content: true, exporters };
const secret = "sk-proj-0123456789abcdefghijklmnop";

describe("content", () => {
  it("is not exported unless asked for", async () => {
    const made = watched({}, [good]);
    await ask(made);
    const text = JSON.stringify(await made.spans());
    assert.ok(!text.includes("Hello") && !text.includes("messages"), text);
  });

  it("has the conventions' shape on attempts, Cloudflare's on requests", async () => {
    const made = watched({ telemetry: told }, [good]);
    await ask(made, {}, {
      ...body,
      messages: [{ role: "system", content: "Be brief" }, ...body.messages],
    });
    const { request, attempts: [attempt] } = await made.trace();
    const parsed = (name: string) => JSON.parse(String(attempt!.attributes[name]));
    assert.deepEqual(parsed("gen_ai.input.messages"), [
      { role: "user", parts: [{ type: "text", content: "Hello" }] },
    ]);
    assert.deepEqual(parsed("gen_ai.system_instructions"), [{ type: "text", content: "Be brief" }]);
    assert.deepEqual(parsed("gen_ai.output.messages"), [
      { role: "assistant", parts: [{ type: "text", content: "Hi" }], finish_reason: "stop" },
    ]);
    const prompt = JSON.parse(String(request.attributes["gen_ai.prompt_json"]));
    assert.equal(prompt.model, "gpt-4o-mini");
    const answer = JSON.parse(String(request.attributes["gen_ai.completion_json"]));
    assert.deepEqual(answer, completion);
  });

  it("of a stream is its text", async () => {
    const made = watched({ telemetry: told }, [stream(whole)]);
    await ask(made, {}, { ...body, stream: true });
    const { request, attempts: [attempt] } = await made.trace();
    const [message] = JSON.parse(String(attempt!.attributes["gen_ai.output.messages"]));
    assert.deepEqual(message.parts, [{ type: "text", content: "Hello" }]);
    assert.ok(String(request.attributes["gen_ai.completion_json"]).endsWith(chat.done));
  });

  it("is masked as in the log", async () => {
    const made = watched({
      telemetry: told,
      gateways: { default: { log_redact: ["patient-\\d+"] } },
    }, [json({ ...completion, choices: [{ message: { content: `${secret} patient-7` } }] })]);
    await ask(made, { authorization: "Bearer own-key-that-has-no-form" }, {
      ...body,
      messages: [{ role: "user", content: `${secret} patient-42 own-key-that-has-no-form` }],
    });
    const text = JSON.stringify(await made.spans());
    assert.ok(text.includes("[redacted]"));
    assert.ok(!/patient-\d|sk-proj|own-key/.test(text), text);
  });

  for (const header of ["cf-aig-collect-log", "cf-aig-collect-log-payload"]) {
    it(`stays away where the caller says ${header}: false`, async () => {
      const made = watched({ telemetry: told }, [good]);
      await ask(made, { [header]: "false" });
      const spans = await made.spans();
      assert.equal(spans.length, 2);
      assert.ok(!JSON.stringify(spans).includes("Hello"));
    });
  }

  it("that is long is cut", async () => {
    const made = watched({ telemetry: told }, [good]);
    await ask(made, {}, { ...body, messages: [{ role: "user", content: "x".repeat(1e6) }] });
    const { request } = await made.trace();
    const prompt = String(request.attributes["gen_ai.prompt_json"]);
    assert.ok(prompt.length > 1000 && prompt.length <= 64 * 1024, `${prompt.length}`);
  });
});

describe("messages", () => {
  const of = (request: unknown) => JSON.parse(inputContent(JSON.stringify(request)).messages);

  it("of every format are read", () => {
    const hello = [{ role: "user", parts: [{ type: "text", content: "Hello" }] }];
    for (
      const request of [
        { messages: [{ role: "user", content: "Hello" }] },
        { messages: [{ role: "user", content: [{ type: "text", text: "Hello" }] }] },
        { contents: [{ role: "user", parts: [{ text: "Hello" }] }] },
        { messages: [{ role: "user", content: [{ text: "Hello" }] }] },
        { input: "Hello" },
        { input: [{ role: "user", content: [{ type: "input_text", text: "Hello" }] }] },
        { prompt: "Hello" },
      ]
    ) assert.deepEqual(of(request), hello, JSON.stringify(request));
  });

  it("hold calls of tools and what they gave, and no media", () => {
    const call = { type: "tool_call", id: "c1", name: "add", arguments: "{}" };
    const image = "data:image/png;base64,AAAA";
    assert.deepEqual(
      of({
        messages: [
          { role: "user", content: [{ type: "image_url", image_url: { url: image } }] },
          {
            role: "assistant",
            content: null,
            tool_calls: [{ id: "c1", function: { name: "add", arguments: "{}" } }],
          },
          { role: "tool", tool_call_id: "c1", content: "3" },
        ],
      }),
      [
        { role: "user", parts: [{ type: "image_url" }] },
        { role: "assistant", parts: [call] },
        { role: "tool", parts: [{ type: "tool_call_response", id: "c1", response: "3" }] },
      ],
    );
    assert.deepEqual(
      of({
        messages: [
          { role: "assistant", content: [{ type: "tool_use", id: "c1", name: "add", input: {} }] },
          { role: "user", content: [{ type: "tool_result", tool_use_id: "c1", content: "3" }] },
        ],
      }),
      [
        { role: "assistant", parts: [{ ...call, arguments: {} }] },
        { role: "user", parts: [{ type: "tool_call_response", id: "c1", response: "3" }] },
      ],
    );
  });

  it("that are none do no harm", () => {
    for (
      const text of ["", "null", "[]", "{", '{"messages":{"a":1}}', '{"messages":[null,1,[]]}']
    ) {
      inputContent(text);
    }
  });
});

describe("lines", () => {
  function printing() {
    const lines: string[] = [];
    const print = (text: string) => void lines.push(...text.split("\n"));
    return { lines, plugin: otel({ print, lines: true, metrics: false }) };
  }

  it("say of each request what happened, in JSON", async () => {
    const { lines, plugin } = printing();
    const made = watched({ plugins: [plugin], telemetry: undefined as never }, [
      good,
      failing(503),
    ]);
    const headers = { "cf-aig-event-id": "event-1", authorization: `Bearer ${secret}` };
    const response = await ask(made, headers);
    await ask(made);
    await made.gateway.flush();
    const [first, second, ...more] = lines.map((line) => JSON.parse(line));
    assert.deepEqual(more, []);
    const { time, duration_ms, overhead_ms, cost, ...rest } = first;
    assert.ok(Math.abs(Date.parse(time) - Date.now()) < 60_000);
    assert.ok(duration_ms >= overhead_ms && overhead_ms >= 0 && cost > 0);
    assert.deepEqual(rest, {
      level: "info",
      message: "request",
      gateway: "default",
      method: "POST",
      path: "/v1/acc/default/openai/chat/completions",
      status: 200,
      request_id: response.headers.get("cf-aig-request-id"),
      event_id: "event-1",
      log_id: null,
      trace_id: null,
      provider: "openai",
      model: "gpt-4o-mini",
      attempts: 1,
      streamed: false,
      end: "complete",
      cache: null,
      tokens_in: 100,
      tokens_out: 20,
      key_id: null,
      error: null,
    });
    assert.equal(second.level, "error");
    assert.equal(second.error, "Status 503");
    assert.ok(!lines.join().includes("sk-proj") && !lines.join().includes("Hello"));
    assert.ok(!(await page(made)).includes("gen_ai"), "lines alone");
  });

  it("are on with SLUICE_LOG=json, and off without", async () => {
    for (const [value, count] of [["json", 1], ["", 0], ["text", 0]] as const) {
      const lines: string[] = [];
      const plugin = otel({ print: (text) => void lines.push(text) });
      const env = { SLUICE_LOG: value };
      const made = watched({ plugins: [plugin], telemetry: undefined as never, env }, [good]);
      await ask(made);
      await made.gateway.flush();
      assert.equal(lines.length, count, value);
    }
  });
});
