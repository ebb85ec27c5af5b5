/** Requests in Chat Completions: from a client, and to a provider. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import type { Part } from "../../core/unified/chat.ts";
import type { Target } from "../../core/unified/codec.ts";
import { openAIChat as codec } from "../../core/unified/codecs/openai-chat.ts";
import { Lost } from "../../core/unified/lost.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

const target: Target = { provider: "openai", model: "m", requestId: "r-1", now: () => 0 };
const user = { role: "user", content: "Hi" };

const read = (body: Json) => codec.readRequest({ model: "m", messages: [user], ...body }, {});

/** What two spellings of the same have in common. */
function normal(body: Json): Json {
  const one = JSON.parse(JSON.stringify(body)) as Json;
  for (const name in one) if (one[name] === null) delete one[name];
  if (one.max_tokens !== undefined) one.max_completion_tokens = one.max_tokens;
  delete one.max_tokens;
  delete one.stream_options;
  if (one.stream === false) delete one.stream;
  if (typeof one.stop === "string") one.stop = [one.stop];
  if ((one.tools as unknown[] | undefined)?.length === 0) delete one.tools;
  if (one.tools === undefined) {
    delete one.parallel_tool_calls;
    delete one.tool_choice;
  }
  for (const message of one.messages as Json[]) {
    for (const name in message) if (message[name] === null) delete message[name];
    const { content } = message;
    if (content === undefined || Array.isArray(content) && content.length === 0) {
      message.content = null;
    }
    if (Array.isArray(content) && content.length === 1) {
      const [part] = content as Json[];
      if (part!.type === "text" && Object.keys(part!).length === 2) message.content = part!.text;
    }
  }
  return one;
}

describe("Chat Completions: a request read and written", () => {
  const names = fixtureNames().filter((name) =>
    /^(?:openai|azure-openai|openrouter|groq|xai|cerebras|together|huggingface)\/\w*chat/.test(name)
  );
  let seen = 0;
  for (const name of names) {
    const { requestBody, status } = loadFixture(name);
    if (requestBody === undefined || status !== 200) continue;
    const body = JSON.parse(requestBody.toString()) as Json;
    // Other words for what is the same: the oldest functions, OpenRouter's `reasoning`.
    if (body.functions !== undefined || body.reasoning !== undefined) continue;
    seen++;
    it(`says what it said: ${name}`, () => {
      const lost = new Lost();
      const request = codec.readRequest(body, {});
      const takes = ["cache_control", "reasoning"] as const;
      const written = codec.writeRequest(request, { ...target, takes }, lost);
      assert.deepEqual(normal(written), normal(body));
      assert.deepEqual(lost.names, []);
      assert.equal(
        JSON.stringify(written),
        JSON.stringify(codec.writeRequest(request, { ...target, takes }, lost)),
      );
    });
  }
  it("was tried with enough of them", () => assert.ok(seen > 60, `${seen}`));

  const whole: Json = {
    model: "gpt-5",
    messages: [
      { role: "developer", content: "Be brief", name: "boss" },
      {
        role: "user",
        name: "ann",
        content: [
          { type: "text", text: "Look", prompt_cache_breakpoint: { mode: "explicit" } },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA", detail: "low" } },
          { type: "image_url", image_url: { url: "https://a.example/b.png" } },
          { type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } },
          {
            type: "file",
            file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AA" },
          },
          { type: "file", file: { file_id: "file-1" } },
        ],
      },
      { role: "assistant", content: null, refusal: "No" },
      { role: "assistant", content: null, audio: { id: "audio_1" } },
      {
        role: "assistant",
        content: "I look",
        tool_calls: [
          { id: "a", type: "function", function: { name: "f", arguments: '{"x":1}' } },
          { id: "b", type: "custom", custom: { name: "g", input: "free text" } },
        ],
      },
      { role: "tool", tool_call_id: "a", content: "1" },
      {
        role: "tool",
        tool_call_id: "b",
        content: [{ type: "text", text: "2" }, { type: "text", text: "3" }],
      },
    ],
    tools: [
      {
        type: "function",
        function: {
          name: "f",
          description: "d",
          parameters: { type: "object", properties: {} },
          strict: true,
        },
      },
      {
        type: "custom",
        custom: {
          name: "g",
          description: "e",
          format: { type: "grammar", grammar: { definition: "a", syntax: "lark" } },
        },
      },
    ],
    tool_choice: {
      type: "allowed_tools",
      allowed_tools: {
        mode: "required",
        tools: [{ type: "function", function: { name: "f" } }, {
          type: "custom",
          custom: { name: "g" },
        }],
      },
    },
    web_search_options: {
      search_context_size: "low",
      user_location: { type: "approximate", approximate: { city: "Rome", country: "IT" } },
    },
    response_format: {
      type: "json_schema",
      json_schema: { name: "n", description: "d", schema: { type: "object" }, strict: false },
    },
    max_completion_tokens: 5,
    stop: ["a", "b"],
    parallel_tool_calls: false,
    temperature: 0,
    top_p: 0.5,
    seed: 1,
    frequency_penalty: 0.1,
    presence_penalty: -0.1,
    n: 2,
    logit_bias: { "1": -100 },
    logprobs: true,
    top_logprobs: 3,
    verbosity: "low",
    audio: { voice: "alloy", format: "mp3" },
    user: "u",
    safety_identifier: "s",
    metadata: { a: "b" },
    service_tier: "flex",
    store: true,
    prompt_cache_key: "k",
    modalities: ["text", "audio"],
    reasoning_effort: "high",
    stream: true,
    stream_options: { include_usage: true },
    prediction: { type: "content", content: "x" },
    moderation: { model: "omni-moderation-latest" },
    prompt_cache_retention: "24h",
    prompt_cache_options: { mode: "explicit" },
  };
  it("loses nothing that OpenAI has a word for", () => {
    const lost = new Lost();
    assert.deepEqual(codec.writeRequest(codec.readRequest(whole, {}), target, lost), whole);
    assert.deepEqual(lost.names, []);
  });

  it("says `safety_identifier` alone, and others learn of it as the user", () => {
    const request = read({ safety_identifier: "s" });
    assert.equal(request.user, "s");
    const body = codec.writeRequest(request, target, new Lost());
    assert.equal(body.safety_identifier, "s");
    assert.equal(body.user, undefined);
  });
});

describe("Chat Completions: a client's request", () => {
  const rows: [what: string, body: Json, message: RegExp][] = [
    ["no messages", { messages: undefined }, /^'messages' is missing; an array of messages is/],
    ["no model", { model: null }, /^'model' is null; a string is expected$/],
    ["a message that is none", { messages: ["Hi"] }, /^'messages\[0\]' is 'Hi'; an object is/],
    [
      "an unknown role",
      { messages: [{ role: "bot" }] },
      /^'messages\[0\]\.role' is 'bot'; 'system'/,
    ],
    [
      "content of the wrong type",
      { messages: [user, { role: "user", content: 5 }] },
      /^'messages\[1\]\.content' is a number; a string or an array of parts is expected$/,
    ],
    [
      "a part without its text",
      { messages: [{ role: "user", content: [{ type: "text" }] }] },
      /^'messages\[0\]\.content\[0\]\.text' is missing; a string is expected$/,
    ],
    [
      "an image without its URL",
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: {} }] }] },
      /^'messages\[0\]\.content\[0\]\.image_url\.url' is missing/,
    ],
    [
      "a call without a name",
      {
        messages: [{
          role: "assistant",
          tool_calls: [{ id: "a", type: "function", function: { arguments: "{}" } }],
        }],
      },
      /^'messages\[0\]\.tool_calls\[0\]\.function\.name' is missing/,
    ],
    ["a temperature in words", { temperature: "hot" }, /^'temperature' is 'hot'; a number is/],
    ["a stop that is none", { stop: [1] }, /^'stop' is an array; a string or an array of strings/],
    ["tools that are none", { tools: {} }, /^'tools' is an object; an array is expected$/],
    [
      "a tool without its function",
      { tools: [{ type: "function" }] },
      /^'tools\[0\]\.function' is/,
    ],
    ["a stream in words", { stream: "yes" }, /^'stream' is 'yes'; a boolean is expected$/],
  ];
  for (const [what, body, message] of rows) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => read(body), { name: "GatewayError", status: 400, code: 8031, message });
    });
  }

  it("is read in the oldest words for tools", () => {
    const { messages, tools, tool_choice, legacy_functions } = read({
      functions: [{ name: "f", parameters: { type: "object" } }],
      function_call: { name: "f" },
      messages: [
        user,
        { role: "assistant", content: null, function_call: { name: "f", arguments: "{}" } },
        { role: "function", name: "f", content: "1" },
      ],
    });
    assert.deepEqual(tools, [{ type: "function", name: "f", parameters: { type: "object" } }]);
    assert.deepEqual(tool_choice, { type: "tool", name: "f" });
    assert.equal(legacy_functions, true);
    const call = messages[1]!.parts[0] as Part & { type: "tool_call" };
    const result = messages[2]!.parts[0] as Part & { type: "tool_result" };
    assert.equal(result.call_id, call.id);
  });

  it("has the results of one turn in one message, each where it belongs", () => {
    const { messages } = read({
      messages: [
        user,
        {
          role: "assistant",
          tool_calls: ["a", "b"].map((id) => ({
            id,
            type: "function",
            function: { name: "f", arguments: "{}" },
          })),
        },
        { role: "tool", content: "1" },
        { role: "tool", content: "2", tool_call_id: "b" },
        user,
      ],
    });
    assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant", "user", "user"]);
    const ids = messages[2]!.parts.map((part) => part.type === "tool_result" && part.call_id);
    assert.deepEqual(ids, ["a", "b"]);
  });

  it("has thoughts in any of their spellings, and signatures as they were", () => {
    const thoughts = (message: Json) =>
      read({ messages: [{ role: "assistant", content: "x", ...message }] }).messages[0]!.parts;
    const text: Part = { type: "text", text: "x" };
    const plain: Part = { type: "reasoning", text: "t" };
    assert.deepEqual(thoughts({ reasoning_content: "t" }), [plain, text]);
    assert.deepEqual(thoughts({ reasoning: "t" }), [plain, text]);
    assert.deepEqual(
      thoughts({
        content: [{ type: "thinking", thinking: [{ type: "text", text: "t" }] }, {
          type: "text",
          text: "x",
        }],
      }),
      [plain, text],
    );
    assert.deepEqual(
      thoughts({
        reasoning: "t",
        reasoning_details: [
          { type: "reasoning.text", text: "t", signature: "sluice.anthropic-messages.S", index: 0 },
          { type: "reasoning.encrypted", data: "sluice.anthropic-messages.R", index: 1 },
        ],
      }),
      [
        { ...plain, signature: { format: "anthropic-messages", value: "S" } },
        {
          type: "reasoning",
          text: "",
          redacted: true,
          signature: { format: "anthropic-messages", value: "R" },
        },
        text,
      ],
    );
    assert.deepEqual(thoughts({ extra_content: { google: { thought_signature: "G" } } }), [
      { ...text, signature: { format: "openai-chat", value: "G" } },
    ]);
  });

  it("says how much to think in any spelling", () => {
    const rows: [Json, unknown][] = [
      [{ reasoning_effort: "low" }, { effort: "low" }],
      [{ reasoning: { effort: "high", exclude: true } }, { effort: "high", visible: false }],
      [{ reasoning: { max_tokens: 2000 } }, { budget: 2000 }],
      [{ reasoning: { enabled: false } }, { enabled: false }],
      [{ thinking: { type: "disabled" } }, { enabled: false }],
      [{ thinking: { type: "enabled", budget_tokens: 9 } }, { budget: 9, enabled: true }],
      [{}, undefined],
    ];
    for (const [body, expected] of rows) assert.deepEqual(read(body).reasoning, expected);
  });

  it("survives what JSON can hold", () => {
    const body = JSON.parse(
      '{"model":"m","messages":[{"role":"user","content":"x","__proto__":{"a":1}}],"__proto__":{"b":1}}',
    );
    assert.deepEqual(codec.readRequest(body, {}).extra, undefined);
    const hostile = {
      messages: [{ role: "assistant", reasoning_details: [null, 1, []], audio: 3 }],
    };
    assert.deepEqual(read(hostile).messages, [{ role: "assistant", parts: [] }]);
  });
});
