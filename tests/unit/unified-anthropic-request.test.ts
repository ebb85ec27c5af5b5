/** Requests of other formats to Claude: what each of its models takes, and what is told as lost. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import type { Message } from "../../core/unified/chat.ts";
import { anthropicMessages as codec } from "../../core/unified/codecs/anthropic.ts";
import { user, wrote } from "./unified-anthropic.ts";

describe("Claude: what is lost", () => {
  it("nothing, where a member says what is so anyway", () => {
    const { lost } = wrote("claude-opus-5", {
      n: 1,
      logprobs: false,
      store: false,
      parallel_tool_calls: true,
      frequency_penalty: 0,
      presence_penalty: 0,
      tool_choice: { type: "auto" },
      service_tier: "auto",
      include_usage: true,
      modalities: ["text"],
      verbosity: "medium",
      metadata: {},
    });
    assert.deepEqual(lost, []);
  });

  it("is told by name", () => {
    const { body, lost } = wrote("claude-sonnet-4-5", {
      n: 2,
      seed: 1,
      min_p: 0.1,
      frequency_penalty: 1,
      presence_penalty: 1,
      logit_bias: { 1: 1 },
      logprobs: true,
      top_logprobs: 2,
      verbosity: "low",
      modalities: ["text", "audio"],
      audio: { voice: "alloy" },
      metadata: { a: "b" },
      store: true,
      prompt_cache_key: "k",
      service_tier: "flex",
      stop: ["a", " "],
      output: { type: "json" },
      extra: { prediction: {} },
      messages: [{
        role: "user",
        name: "Ann",
        extra: { weight: 1 },
        parts: [
          { type: "text", text: "Hi", extra: { tone: 1 } },
          { type: "audio", source: { kind: "base64", mime: "audio/wav", data: "AA==" } },
          { type: "video", source: { kind: "url", url: "https://x" } },
          { type: "image", source: { kind: "base64", mime: "image/bmp", data: "AA==" } },
          { type: "document", source: { kind: "file", id: "f", format: "openai-chat" } },
          { type: "native", format: "gemini", value: { executableCode: {} } },
        ],
      }],
      tools: [
        { type: "function", name: "f", extra: { behavior: 1 } },
        { type: "native", format: "openai-responses", value: { type: "file_search" } },
        { type: "web_search", context_size: "high" },
      ],
    });
    assert.deepEqual(lost, [
      "messages.tone",
      "messages.audio",
      "messages.video",
      "messages.image",
      "messages.document",
      "messages.executableCode",
      "messages.name",
      "messages.weight",
      "tools.behavior",
      "tools.file_search",
      "tools.context_size",
      "output",
      "stop",
      "service_tier",
      "n",
      "seed",
      "min_p",
      "frequency_penalty",
      "presence_penalty",
      "logit_bias",
      "logprobs",
      "top_logprobs",
      "verbosity",
      "modalities",
      "audio",
      "metadata",
      "store",
      "prompt_cache_key",
      "prediction",
    ]);
    assert.deepEqual(body.stop_sequences, ["a"]);
    assert.deepEqual(body.messages, [{ role: "user", content: "Hi" }]);
  });
});

describe("Claude: the conversation", () => {
  it("has its instructions on top, turns that alternate, results first, and no empty text", () => {
    const { body } = wrote("claude-haiku-4-5", {
      messages: [
        { role: "system", parts: [{ type: "text", text: "One" }] },
        { role: "developer", parts: [{ type: "text", text: "Two", cache: { ttl: "1h" } }] },
        user,
        { role: "user", parts: [{ type: "text", text: "" }, { type: "text", text: "there" }] },
        {
          role: "assistant",
          parts: [
            { type: "text", text: " " },
            { type: "tool_call", id: "functions.f:0", name: "f", arguments: '{"a":1}' },
            { type: "tool_call", id: "b", name: "f", arguments: "" },
          ],
        },
        { role: "user", parts: [{ type: "tool_result", call_id: "functions.f:0", content: [] }] },
        { role: "user", parts: [{ type: "text", text: "And?" }] },
        {
          role: "user",
          parts: [{
            type: "tool_result",
            call_id: "b",
            is_error: true,
            content: [{ type: "text", text: "no" }, {
              type: "image",
              source: { kind: "base64", mime: "image/jpg", data: "AA==" },
            }],
          }],
        },
        { role: "system", parts: [{ type: "text", text: "Three" }] },
        { role: "assistant", parts: [{ type: "text", text: "So: \n" }] },
      ],
    });
    assert.deepEqual(body.system, [
      { type: "text", text: "One" },
      { type: "text", text: "Two", cache_control: { type: "ephemeral", ttl: "1h" } },
      { type: "text", text: "Three" },
    ]);
    assert.deepEqual(body.messages, [
      { role: "user", content: [{ type: "text", text: "Hi" }, { type: "text", text: "there" }] },
      {
        role: "assistant",
        content: [
          { type: "tool_use", id: "functions_2ef_3a0", name: "f", input: { a: 1 } },
          { type: "tool_use", id: "b", name: "f", input: {} },
        ],
      },
      {
        role: "user",
        content: [
          { type: "tool_result", tool_use_id: "functions_2ef_3a0" },
          {
            type: "tool_result",
            tool_use_id: "b",
            is_error: true,
            content: [
              { type: "text", text: "no" },
              { type: "image", source: { type: "base64", media_type: "image/jpeg", data: "AA==" } },
            ],
          },
          { type: "text", text: "And?" },
        ],
      },
      { role: "assistant", content: "So:" },
    ]);
  });

  it("keeps late instructions in their place where the model takes them there", () => {
    const late: Message = { role: "developer", parts: [{ type: "text", text: "Now" }] };
    const yes: Message = { role: "assistant", parts: [{ type: "text", text: "Yes" }] };
    const roles = (order: Message[]) => {
      const { body } = wrote("claude-opus-4-8", { messages: order });
      const names = (body.messages as Json[]).map(({ role }) => role).join(" ");
      return body.system === undefined ? names : `(${body.system}) ${names}`;
    };
    assert.equal(roles([user, late, yes, user]), "user system assistant user");
    assert.equal(roles([user, yes, late, user]), "user assistant user system");
    assert.equal(roles([late, user, yes]), "(Now) user assistant");
    assert.equal(roles([user, yes, late]), "(Now) user assistant");
  });

  it("carries documents", () => {
    const { body, lost } = wrote("claude-opus-5", {
      messages: [{
        role: "user",
        parts: [
          {
            type: "document",
            name: "a.pdf",
            source: { kind: "base64", mime: "application/pdf", data: "AA==" },
          },
          {
            type: "document",
            source: { kind: "base64", mime: "text/csv", data: btoa("a,b") },
          },
          { type: "document", source: { kind: "parts", parts: [{ type: "text", text: "p" }] } },
          {
            type: "document",
            source: { kind: "base64", mime: "application/msword", data: "AA==" },
          },
        ],
      }],
    });
    assert.deepEqual((body.messages as Json[])[0]!.content, [
      {
        type: "document",
        source: { type: "base64", media_type: "application/pdf", data: "AA==" },
        title: "a.pdf",
      },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "a,b" } },
      { type: "document", source: { type: "content", content: "p" } },
    ]);
    assert.deepEqual(lost, ["messages.document"]);
  });
});

describe("Claude: tools", () => {
  it("have a schema whose root is an object", () => {
    const { body, lost } = wrote("claude-opus-5", {
      tools: [
        { type: "function", name: "a" },
        { type: "function", name: "b", parameters: { properties: { x: {} } }, strict: false },
        {
          type: "function",
          name: "c",
          strict: true,
          parameters: {
            type: "object",
            properties: { x: { type: "integer", minimum: 1 } },
            required: ["x"],
          },
        },
        {
          type: "function",
          name: "d",
          parameters: { anyOf: [{ properties: { x: {} } }, { properties: { y: {} } }] },
        },
        { type: "custom", name: "patch", description: "Patches", grammar: { type: "grammar" } },
      ],
      tool_choice: { type: "tool", name: "a" },
      parallel_tool_calls: false,
    });
    const schemas = (body.tools as Json[]).map(({ name, input_schema }) => [name, input_schema]);
    assert.deepEqual(schemas, [
      ["a", { type: "object", properties: {} }],
      ["b", { type: "object", properties: { x: {} } }],
      ["c", {
        type: "object",
        properties: { x: { type: "integer", description: "minimum: 1" } },
        required: ["x"],
        additionalProperties: false,
      }],
      ["d", { type: "object", properties: { x: {}, y: {} } }],
      ["patch__freeform", {
        type: "object",
        properties: { input: { type: "string" } },
        required: ["input"],
        additionalProperties: false,
      }],
    ]);
    assert.deepEqual((body.tools as Json[]).map(({ strict }) => strict), [
      undefined,
      undefined,
      true,
      undefined,
      undefined,
    ]);
    assert.deepEqual(body.tool_choice, {
      type: "tool",
      name: "a",
      disable_parallel_tool_use: true,
    });
    assert.deepEqual(lost, [
      "tools.parameters.minimum",
      "tools.parameters.anyOf",
      "tools.grammar",
    ]);
  });

  it("are told apart in the answer where they take free text", () => {
    const target = { provider: "anthropic", model: "claude-opus-5", requestId: "r", now: () => 0 };
    const content = [{
      type: "tool_use",
      id: "t",
      name: "patch__freeform",
      input: { input: "*** Begin" },
    }];
    assert.deepEqual(codec.readAnswer({ content }, target).choices[0]!.parts, [
      { type: "tool_call", id: "t", name: "patch", arguments: "*** Begin", custom: true },
    ]);
  });

  it("are only those that are allowed", () => {
    const { body } = wrote("claude-opus-4-6", {
      tools: [{ type: "function", name: "a" }, { type: "function", name: "b" }],
      tool_choice: { type: "allowed", mode: "required", names: ["b"] },
    });
    assert.deepEqual((body.tools as Json[]).map(({ name }) => name), ["b"]);
    assert.deepEqual(body.tool_choice, { type: "any" });
  });
});

describe("Claude: structured output", () => {
  const schema = {
    type: "object",
    properties: { a: { type: "string", maxLength: 3, format: "date" } },
    required: ["a"],
  };
  const output = { type: "json_schema", name: "n", schema } as const;

  it("by a format, lowered", () => {
    const { body, lost } = wrote("claude-haiku-4-5", { output });
    assert.deepEqual(body.output_config, {
      format: {
        type: "json_schema",
        schema: {
          type: "object",
          properties: { a: { type: "string", format: "date", description: "maxLength: 3" } },
          required: ["a"],
          additionalProperties: false,
        },
      },
    });
    assert.deepEqual(lost, ["output.schema.maxLength"]);
  });

  it("by a tool where the model knows no formats, or no maps", () => {
    const old = wrote("claude-sonnet-4-20250514", { output }).body;
    assert.deepEqual(old.tool_choice, {
      type: "tool",
      name: "sluice_answer",
      disable_parallel_tool_use: true,
    });
    assert.deepEqual((old.tools as Json[])[0]!.input_schema, schema);
    const map = { type: "object", additionalProperties: { type: "string" } };
    const open = wrote("claude-haiku-4-5", { output: { ...output, schema: map } }).body;
    assert.deepEqual((open.tools as Json[])[0]!.input_schema, map);
    const tools = [{ type: "function", name: "f" }] as const;
    const both = wrote("claude-3-haiku-20240307", { output, tools: [...tools] }).body;
    assert.equal((both.tool_choice as Json).type, "any");
    const thinks = wrote("claude-sonnet-4-20250514", { output, reasoning: { effort: "low" } });
    assert.equal((thinks.body.tool_choice as Json).type, "auto");
    assert.equal((thinks.body.thinking as Json).type, "enabled");
  });

  it("is the text of the answer then, without memory of the request", () => {
    const target = { provider: "anthropic", model: "m", requestId: "r", now: () => 0 };
    const content = [{ type: "tool_use", id: "t", name: "sluice_answer", input: { a: "b" } }];
    const { parts, finish } = codec.readAnswer({ content, stop_reason: "tool_use" }, target)
      .choices[0]!;
    assert.deepEqual(parts, [{ type: "text", text: '{"a":"b"}' }]);
    assert.equal(finish, "stop");
  });
});
