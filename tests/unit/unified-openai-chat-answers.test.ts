/** Whole answers and errors of everybody who speaks Chat Completions. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import { assemble } from "../../core/unified/assemble.ts";
import type { ChatAnswer, FaultKind, Finish, Part } from "../../core/unified/chat.ts";
import type { Target } from "../../core/unified/codec.ts";
import { openAIChat as codec } from "../../core/unified/codecs/openai-chat.ts";
import { eventsOf } from "../../core/unified/events.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

const target: Target = { provider: "openai", model: "m", requestId: "r-1", now: () => 0 };
const read = (message: Json, choice: Json = {}, body: Json = {}): ChatAnswer =>
  codec.readAnswer({ choices: [{ message, finish_reason: "stop", ...choice }], ...body }, target);
const partsOf = (message: Json, body: Json = {}): Part[] =>
  read(message, {}, body).choices[0]!.parts;

const told = JSON.parse(
  readFileSync(new URL("../fixtures/usage.json", import.meta.url), "utf8"),
) as Record<string, { usage?: Json; model?: string }>;

describe("Chat Completions: recorded answers", () => {
  const names = fixtureNames().filter((name) => {
    const { status, responseBody } = loadFixture(name);
    return status === 200 && /^\s*\{[^]*"choices"/.test(responseBody.toString()) &&
      !/legacy|invoke/.test(name);
  });
  it("are enough of them", () => assert.ok(names.length > 90, `${names.length}`));
  for (const name of names) {
    it(`is read: ${name}`, () => {
      const { provider, responseBody } = loadFixture(name);
      const body = JSON.parse(responseBody.toString()) as Json;
      const one = (body.choices === undefined ? body.result : body) as Json;
      const answer = codec.readAnswer(body, { ...target, provider });
      assert.deepEqual(answer.usage ?? {}, told[name]!.usage ?? {});
      if (told[name]!.model !== undefined) assert.equal(answer.model, told[name]!.model);
      const choices = one.choices as Json[];
      assert.equal(answer.choices.length, choices.length);
      for (const [i, { parts, finish }] of answer.choices.entries()) {
        const message = choices[i]!.message as Json | undefined ?? {};
        const text = parts.map((part) => part.type === "text" ? part.text : "").join("");
        if (typeof message.content === "string" && !/^\s*<think>/.test(message.content)) {
          assert.equal(text, message.content);
        }
        const calls = parts.flatMap((part) => part.type === "tool_call" ? [part.name] : []);
        const named = (message.tool_calls as Json[] | null | undefined ?? [])
          .map((call) => (call.function as Json).name);
        if (message.function_call == null) assert.deepEqual(calls, named);
        if (calls.length > 0) assert.equal(finish, "tool_calls");
        const thought = message.reasoning_content ?? message.reasoning;
        if (typeof thought === "string") {
          const shown = parts.map((part) => part.type === "reasoning" ? part.text : "").join("");
          assert.equal(shown, thought);
        }
      }
      // A stream of the same comes to the same.
      assert.deepEqual(assemble(eventsOf(answer)), answer);
    });
  }
});

describe("Chat Completions: what answers say", () => {
  const finishes: [word: unknown, message: Json, finish: Finish][] = [
    ["stop", {}, "stop"],
    ["eos", {}, "stop"],
    ["eos_token", {}, "stop"],
    ["length", {}, "length"],
    ["model_length", {}, "context_window"],
    ["content_filter", {}, "content_filter"],
    ["function_call", { function_call: { name: "f", arguments: "{}" } }, "tool_calls"],
    ["stop", { tool_calls: [{ id: "a", function: { name: "f", arguments: "{}" } }] }, "tool_calls"],
    ["stop", { refusal: "No" }, "refusal"],
    ["error", {}, "error"],
    ["insufficient_system_resource", {}, "error"],
    ["constructor", {}, "other"],
    [null, {}, "other"],
  ];
  for (const [word, message, finish] of finishes) {
    it(`'${word}' is '${finish}'`, () => {
      assert.equal(read(message, { finish_reason: word }).choices[0]!.finish, finish);
    });
  }

  it("thoughts: plain, signed, encrypted, and Mistral's among the text", () => {
    const signed = { type: "reasoning.text", signature: "S", format: "f", index: 0 };
    const parts = partsOf({
      content: "x",
      reasoning: "t",
      reasoning_details: [{ ...signed, text: "t" }, {
        type: "reasoning.summary",
        summary: "s",
      }, { type: "reasoning.encrypted", data: "D" }],
    });
    assert.deepEqual(parts, [
      {
        type: "reasoning",
        text: "t",
        signature: { format: "openai-chat", value: JSON.stringify(signed) },
      },
      { type: "reasoning", text: "s", summary: true },
      {
        type: "reasoning",
        text: "",
        redacted: true,
        signature: {
          format: "openai-chat",
          value: JSON.stringify({ type: "reasoning.encrypted", data: "D" }),
        },
      },
      { type: "text", text: "x" },
    ]);
    const mistral = [
      { type: "thinking", thinking: [{ type: "text", text: "t" }] },
      { type: "text", text: "x" },
    ];
    assert.deepEqual(partsOf({ content: mistral }), [
      { type: "reasoning", text: "t" },
      { type: "text", text: "x" },
    ]);
  });

  it("sources of Perplexity and xAI, annotations of OpenAI and OpenRouter", () => {
    const url = "https://a.example";
    const sources = { citations: [url], search_results: [{ url, title: "A" }] };
    assert.deepEqual(partsOf({ content: "x" }, sources), [
      { type: "text", text: "x", citations: [{ type: "url", url, title: "A" }] },
    ]);
    assert.deepEqual(partsOf({ content: "x" }, { citations: [url] }), [
      { type: "text", text: "x", citations: [{ type: "url", url }] },
    ]);
    const url_citation = { url, title: "A", start_index: 1, end_index: 2, content: "words" };
    assert.deepEqual(
      partsOf({ content: "x", annotations: [{ type: "url_citation", url_citation }] }),
      [
        {
          type: "text",
          text: "x",
          citations: [{ type: "url", url, title: "A", cited_text: "words", start: 1, end: 2 }],
        },
      ],
    );
  });

  it("sound, pictures, free text for a tool, calls without ids", () => {
    const parts = partsOf({
      content: null,
      audio: { id: "au", data: "AAAA", transcript: "Hi", expires_at: 5 },
      images: [{ type: "image_url", image_url: { url: "https://a.example/b.png" } }],
      tool_calls: [
        { type: "custom", id: "c", custom: { name: "g", input: "free" } },
        { function: { name: "f", arguments: { x: 1 } } },
      ],
    });
    assert.deepEqual(parts, [
      { type: "image", source: { kind: "url", url: "https://a.example/b.png" } },
      {
        type: "audio",
        source: { kind: "base64", mime: "audio/wav", data: "AAAA" },
        id: "au",
        transcript: "Hi",
        extra: { expires_at: 5 },
      },
      { type: "tool_call", id: "c", name: "g", arguments: "free", custom: true },
      { type: "tool_call", id: "call_r11", name: "f", arguments: '{"x":1}' },
    ]);
  });

  it("what only the format itself knows stays with it", () => {
    const answer = read({ content: "x", executed_tools: [1] }, { content_filter_results: {} }, {
      provider: "P",
    });
    assert.deepEqual(answer.extra, { provider: "P" });
    assert.deepEqual(answer.choices[0]!.extra, {
      content_filter_results: {},
      message: { executed_tools: [1] },
    });
    const asked = {
      request: { format: "openai-chat", model: "m", stream: false, messages: [] } as const,
      model: "m",
      requestId: "r-1",
      now: () => 0,
    };
    const written = codec.writeAnswer(answer, {
      ...asked,
      request: { ...asked.request, messages: [] },
    });
    assert.equal(written.provider, "P");
    const [choice] = written.choices as Json[];
    assert.deepEqual((choice!.message as Json).executed_tools, [1]);
  });

  it("an error where an answer was expected is one", () => {
    const bodies: [Json, number, RegExp][] = [
      [{ error: { message: "Away", code: 503 } }, 503, /Away/],
      [{ error: { message: "Slow", type: "rate_limit_error" } }, 429, /Slow/],
      [{ odd: true }, 502, /without an answer/],
    ];
    for (const [body, status, message] of bodies) {
      assert.throws(() => codec.readAnswer(body, target), {
        name: "GatewayError",
        status,
        message,
      });
    }
  });

  it("nothing that JSON can hold breaks the reading", () => {
    const odd = [null, 0, -1, 1e300, "", "x", [], {}, [null], [[]], true, { index: -5 }];
    const names = ["content", "refusal", "tool_calls", "function_call", "audio", "images"];
    const more = ["reasoning", "reasoning_details", "annotations", "extra_content"];
    for (const value of odd) {
      for (const name of [...names, ...more]) read({ [name]: value });
      for (const name of ["index", "message", "logprobs", "finish_reason", "stop_reason"]) {
        read({}, { [name]: value });
      }
      for (const name of ["id", "usage", "x_groq", "citations", "search_results", "created"]) {
        read({}, {}, { [name]: value });
      }
      codec.readFault(500, value);
      codec.readFault(200, { error: value });
    }
  });
});

describe("Chat Completions: errors", () => {
  const rows: [
    what: string,
    status: number,
    body: unknown,
    FaultKind,
    RegExp,
    code?: string,
    param?: string,
  ][] = [
    [
      "OpenAI",
      400,
      {
        error: {
          message: "Too long",
          type: "invalid_request_error",
          param: "messages",
          code: "context_length_exceeded",
        },
      },
      "invalid_request",
      /^Too long$/,
      "context_length_exceeded",
      "messages",
    ],
    [
      "OpenAI's quota",
      429,
      { error: { message: "Quota", type: "insufficient_quota", code: "insufficient_quota" } },
      "billing",
      /^Quota$/,
      "insufficient_quota",
    ],
    [
      "OpenRouter",
      402,
      { error: { code: 402, message: "Credits" } },
      "billing",
      /^Credits$/,
      "402",
    ],
    [
      "xAI's key",
      400,
      { code: "Client", error: "Incorrect API key provided" },
      "authentication",
      /Incorrect/,
      "Client",
    ],
    [
      "Mistral's list",
      422,
      { detail: [{ loc: ["body", "n"], msg: "bad" }] },
      "invalid_request",
      /^body\.n: bad$/,
    ],
    ["Ollama", 404, { error: "model 'x' not found" }, "not_found", /not found/],
    [
      "Cloudflare",
      429,
      { success: false, errors: [{ code: 3040, message: "Capacity" }] },
      "rate_limit",
      /^Capacity$/,
      "3040",
    ],
    [
      "a page",
      503,
      "<html><title>Service Unavailable</title></html>",
      "overloaded",
      /Service Unavailable/,
    ],
    ["nothing", 500, "", "server", /^The provider failed with status 500$/],
    ["a body too large", 413, { error: { message: "Big" } }, "too_large", /^Big$/],
    ["a timeout", 504, "upstream timed out", "timeout", /timed out/],
  ];
  for (const [what, status, body, kind, message, code, param] of rows) {
    it(`of ${what} is '${kind}'`, () => {
      const fault = codec.readFault(status, body);
      assert.equal(fault.kind, kind);
      assert.match(fault.message, message);
      assert.equal(fault.code ?? undefined, code);
      assert.equal(fault.param ?? undefined, param);
      assert.equal(fault.status, what === "xAI's key" ? 401 : status);
    });
  }
});
