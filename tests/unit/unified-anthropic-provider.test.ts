/** Requests of other formats to Claude: what each of its models takes, and what is told as lost. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import type { ChatRequest, Message, Part } from "../../core/unified/chat.ts";
import { anthropicMessages as codec } from "../../core/unified/codecs/anthropic.ts";
import { Lost } from "../../core/unified/lost.ts";

const user: Message = { role: "user", parts: [{ type: "text", text: "Hi" }] };

function wrote(
  model: string,
  request: Partial<ChatRequest> = {},
): { body: Json; lost: readonly string[] } {
  const lost = new Lost();
  const whole: ChatRequest = {
    format: "openai-chat",
    model: "x",
    stream: false,
    messages: [user],
    ...request,
  };
  const before = structuredClone(whole);
  const target = { provider: "anthropic", model, requestId: "r-1", now: () => 0 };
  const body = codec.writeRequest(whole, target, lost);
  assert.deepEqual(whole, before);
  return { body, lost: lost.names };
}

const messages = (parts: Part[][], roles = ["user", "assistant"]): Message[] =>
  parts.map((one, index) => ({ role: roles[index % roles.length] as "user", parts: one }));

describe("Claude: thinking", () => {
  const rows: [
    model: string,
    reasoning: ChatRequest["reasoning"],
    expected: Json,
    lost?: string[],
  ][] = [
    ["claude-3-5-haiku-20241022", { effort: "high" }, {}, ["reasoning"]],
    ["claude-3-5-haiku-20241022", { effort: "none" }, {}],
    [
      "claude-sonnet-4-20250514",
      { effort: "low" },
      { thinking: { type: "enabled", budget_tokens: 2048 } },
    ],
    [
      "us.anthropic.claude-haiku-4-5-20251001-v1:0",
      { budget: 5000 },
      { thinking: { type: "enabled", budget_tokens: 5000 } },
    ],
    ["claude-haiku-4-5", { enabled: false }, {}],
    [
      "claude-opus-4-6",
      { effort: "xhigh", visible: true },
      { thinking: { type: "adaptive", display: "summarized" }, output_config: { effort: "max" } },
    ],
    ["claude-opus-4-6", { budget: 2000 }, { thinking: { type: "enabled", budget_tokens: 2000 } }],
    [
      "claude-opus-4-7",
      { budget: 2000, visible: false },
      { thinking: { type: "adaptive", display: "omitted" }, output_config: { effort: "low" } },
    ],
    [
      "anthropic/claude-opus-4.8",
      { effort: "xhigh" },
      { thinking: { type: "adaptive" }, output_config: { effort: "xhigh" } },
    ],
    ["claude-opus-5", { effort: "none" }, { thinking: { type: "disabled" } }],
    [
      "claude-sonnet-5-5",
      { effort: "none" },
      { thinking: { type: "between_tools" } },
      ["reasoning"],
    ],
    ["claude-opus-5-5", { budget: 0 }, { output_config: { effort: "low" } }, ["reasoning"]],
    [
      "claude-quatrain-9",
      { effort: "minimal" },
      { thinking: { type: "adaptive" }, output_config: { effort: "low" } },
    ],
    ["claude-opus-4-6", undefined, {}],
  ];
  for (const [model, reasoning, expected, drops = []] of rows) {
    it(`${model}: ${JSON.stringify(reasoning)}`, () => {
      const { body, lost } = wrote(model, reasoning && { reasoning });
      const { thinking, output_config } = body;
      assert.deepEqual(
        {
          ...thinking !== undefined && { thinking },
          ...output_config !== undefined && { output_config },
        },
        expected,
      );
      assert.deepEqual(lost, drops);
    });
  }

  it("leaves room for the answer beside a budget", () => {
    const limits = (max_tokens: number | undefined, budget: number): unknown => {
      const asked = { reasoning: { budget }, ...max_tokens !== undefined && { max_tokens } };
      const { body } = wrote("claude-haiku-4-5", asked);
      return [body.max_tokens, (body.thinking as Json).budget_tokens];
    };
    assert.deepEqual(limits(undefined, 4000), [36_000, 4000]);
    assert.deepEqual(limits(undefined, 1e9), [64_000, 62_976]);
    assert.deepEqual(limits(10_000, 50_000), [10_000, 8000]);
    assert.deepEqual(limits(500, 4000), [1524, 1219]);
    assert.deepEqual(limits(10_000, 5), [10_000, 1024]);
  });

  it("always says how long an answer may be", () => {
    assert.equal(wrote("claude-3-opus-20240229").body.max_tokens, 4096);
    assert.equal(wrote("claude-3-5-sonnet-20241022").body.max_tokens, 8192);
    assert.equal(wrote("claude-opus-4-1").body.max_tokens, 32_000);
    assert.equal(wrote("kimi-k2").body.max_tokens, 8192);
    assert.equal(wrote("claude-opus-5", { max_tokens: 7 }).body.max_tokens, 7);
  });

  const call: Part = { type: "tool_call", id: "a", name: "f", arguments: "{}" };
  const result: Part = {
    type: "tool_result",
    call_id: "a",
    content: [{ type: "text", text: "1" }],
  };
  const thought: Part = {
    type: "reasoning",
    text: "Hm",
    signature: { format: "anthropic-messages", value: "s" },
  };

  it("is off where the thoughts before a call are lost", () => {
    const asked = {
      messages: messages([user.parts, [call], [result]]),
      reasoning: { budget: 2000 },
    };
    const { body, lost } = wrote("claude-haiku-4-5", asked);
    assert.equal(body.thinking, undefined);
    assert.deepEqual(lost, ["reasoning"]);
    // Models that decide for themselves do not mind.
    const free = wrote("claude-opus-4-6", { ...asked, reasoning: { effort: "low" } });
    assert.deepEqual(free.body.thinking, { type: "adaptive" });
    assert.deepEqual(free.lost, []);
  });

  it("goes on where they are kept", () => {
    const said = messages([user.parts, [thought, call], [result]]);
    const { body, lost } = wrote("claude-haiku-4-5", {
      messages: said,
      reasoning: { budget: 2000 },
    });
    assert.deepEqual(body.thinking, { type: "enabled", budget_tokens: 2000 });
    assert.deepEqual((body.messages as Json[])[1], {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "Hm", signature: "s" },
        { type: "tool_use", id: "a", name: "f", input: {} },
      ],
    });
    assert.deepEqual(lost, []);
  });

  it("leaves thoughts of others out", () => {
    const foreign: Part = {
      type: "reasoning",
      text: "Hm",
      signature: { format: "gemini", value: "g" },
    };
    const { body, lost } = wrote("claude-opus-5", {
      messages: messages([user.parts, [foreign, { type: "text", text: "Yes" }], user.parts]),
    });
    assert.deepEqual((body.messages as Json[])[1], { role: "assistant", content: "Yes" });
    assert.deepEqual(lost, []);
  });

  it("gives way to a call that is forced", () => {
    const asked: Partial<ChatRequest> = {
      reasoning: { effort: "high" },
      tools: [{ type: "function", name: "f" }],
      tool_choice: { type: "required" },
    };
    const four = wrote("claude-sonnet-4-5", asked);
    assert.deepEqual(four.body.tool_choice, { type: "any" });
    assert.equal(four.body.thinking, undefined);
    assert.deepEqual(four.lost, ["reasoning"]);
    assert.deepEqual(wrote("claude-opus-5", asked).body.thinking, { type: "disabled" });
    const never = wrote("claude-opus-5-5", asked);
    assert.deepEqual(never.body.tool_choice, { type: "auto" });
    assert.deepEqual(never.body.thinking, { type: "adaptive" });
    assert.deepEqual(never.lost, ["tool_choice"]);
  });
});

describe("Claude: sampling", () => {
  const rows: [model: string, asked: Partial<ChatRequest>, expected: Json, lost: string[]][] = [
    ["claude-3-opus-20240229", { temperature: 0.5, top_p: 0.5, top_k: 5 }, {
      temperature: 0.5,
      top_p: 0.5,
      top_k: 5,
    }, []],
    ["claude-sonnet-4-5", { temperature: 1.5, top_k: 3 }, { temperature: 1, top_k: 3 }, [
      "temperature",
    ]],
    ["claude-sonnet-4-5", { temperature: 0, top_p: 0.5 }, { temperature: 0 }, ["top_p"]],
    ["claude-opus-4-7", { temperature: 0, top_p: 0.5, top_k: 5 }, {}, [
      "temperature",
      "top_p",
      "top_k",
    ]],
    ["claude-opus-4-7", { temperature: 1, top_p: 1 }, {}, []],
    ["claude-haiku-4-5", { temperature: 0, top_p: 0.95, reasoning: { effort: "low" } }, {
      top_p: 0.95,
    }, ["temperature"]],
  ];
  for (const [model, asked, expected, drops] of rows) {
    it(`${model}: ${JSON.stringify(asked)}`, () => {
      const { body, lost } = wrote(model, asked);
      const names = ["temperature", "top_p", "top_k"].filter((name) => name in body);
      assert.deepEqual(Object.fromEntries(names.map((name) => [name, body[name]])), expected);
      assert.deepEqual(lost, drops);
    });
  }
});

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
