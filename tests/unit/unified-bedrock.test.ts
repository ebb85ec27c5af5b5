/** Bedrock's Converse: requests and answers, recorded and of other formats. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import type { Part } from "../../core/unified/chat.ts";
import { bedrockConverse as codec } from "../../core/unified/codecs/bedrock.ts";
import { codecs } from "../support/unified-codecs.ts";
import { Lost } from "../../core/unified/lost.ts";
import {
  asked,
  convert,
  haiku,
  llama,
  normal,
  nova,
  recorded,
  says,
  sonnet37,
  target,
} from "./unified-bedrock.ts";

const parse = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

describe("Bedrock Converse: what was recorded", () => {
  for (
    const { name, model, request } of [...recorded("converse"), ...recorded("converse-stream")]
  ) {
    if (request?.messages === undefined) continue;
    it(`request ${name} stays what it is`, () => {
      const lost = new Lost();
      const read = codec.readRequest(request, { model, stream: false });
      const written = codec.writeRequest(read, target(model), lost);
      assert.deepEqual(normal(written), normal(request));
      assert.deepEqual(lost.names, []);
    });
  }
  for (const { name, model, status, answer } of recorded("converse")) {
    if (status !== 200) continue;
    it(`answer ${name} stays what it is`, () => {
      const body = parse(answer);
      // Spellings of other tools that say nothing.
      for (const block of body.output.message.content) {
        if (block.type === "text") delete block.type;
        if (block.toolUse?.type === "tool_use") delete block.toolUse.type;
      }
      const read = codec.readAnswer(body, target(model));
      const written = codec.writeAnswer(read, asked) as Record<string, Json>;
      assert.deepEqual(written.output, body.output);
      assert.equal(written.stopReason, body.stopReason);
      for (const count of ["inputTokens", "outputTokens", "totalTokens"]) {
        assert.equal(written.usage![count], body.usage[count]);
      }
    });
  }

  it("keeps every member that a client may say", () => {
    const bytes = "aGVsbG8=";
    const body = {
      messages: [{
        role: "user",
        content: [
          { text: "look" },
          {
            image: {
              format: "jpeg",
              source: { s3Location: { uri: "s3://b/i", bucketOwner: "1" } },
            },
          },
          { document: { format: "pdf", name: "a", source: { bytes }, context: "c" } },
          {
            document: {
              name: "d",
              source: { content: [{ text: "x" }] },
              citations: { enabled: true },
            },
          },
          { video: { format: "three_gp", source: { bytes } } },
          { audio: { format: "mp3", source: { bytes } } },
          { guardContent: { text: { text: "guard", qualifiers: ["query"] } } },
          { guardContent: { image: { format: "png", source: { bytes } } } },
          { searchResult: { source: "https://a", title: "t", content: [{ text: "r" }] } },
          { cachePoint: { type: "default", ttl: "1h" } },
        ],
      }, {
        role: "assistant",
        content: [
          { reasoningContent: { reasoningText: { text: "hm", signature: "sig" } } },
          { reasoningContent: { redactedContent: bytes } },
          { toolUse: { toolUseId: "t1", name: "f", input: { a: [1] } } },
          { toolUse: { toolUseId: "t2", name: "nova", input: {}, type: "server_tool_use" } },
        ],
      }, {
        role: "user",
        content: [{
          toolResult: {
            toolUseId: "t1",
            content: [{ json: { a: 1 } }, { text: "b" }, {
              image: { format: "png", source: { bytes } },
            }],
            status: "error",
          },
        }],
      }, { role: "system", content: [{ toolAddition: { tool: { name: "f" } } }] }],
      system: [{ text: "be" }, { cachePoint: { type: "default" } }],
      inferenceConfig: { maxTokens: 9, temperature: 2, topP: 1, stopSequences: ["."] },
      toolConfig: {
        tools: [
          { toolSpec: { name: "f", inputSchema: { json: { type: "object" } }, strict: false } },
          { systemTool: { name: "nova_grounding" } },
          { systemTool: { name: "nova_code_interpreter" } },
        ],
        toolChoice: { auto: {} },
      },
      guardrailConfig: { guardrailIdentifier: "g", guardrailVersion: "1", trace: "enabled" },
      additionalModelRequestFields: { top_k: 5, thinking: { type: "adaptive" }, other: { a: 1 } },
      promptVariables: { a: { text: "b" } },
      additionalModelResponseFieldPaths: ["/a"],
      requestMetadata: { a: "b" },
      performanceConfig: { latency: "optimized" },
      serviceTier: { type: "reserved" },
      outputConfig: { effort: "max" },
    };
    const lost = new Lost();
    const read = codec.readRequest(body, { model: haiku });
    assert.deepEqual(codec.writeRequest(read, target(), lost), body);
    assert.deepEqual(lost.names, []);
  });
});

it("Bedrock Converse: what lies in a bucket is for Amazon's eyes alone", () => {
  const request = codec.readRequest({
    messages: [{
      role: "user",
      content: [
        { image: { format: "png", source: { s3Location: { uri: "s3://bucket/a.png" } } } },
        { text: "What is it?" },
      ],
    }],
  }, { model: "m", stream: false });
  for (const [format, other] of Object.entries(codecs)) {
    const lost = new Lost();
    const body = JSON.stringify(other.writeRequest(request, target("m"), lost));
    const own = format === "bedrock-converse";
    assert.equal(body.includes("s3://bucket/a.png"), own, format);
    assert.equal(lost.names.some((name) => name.startsWith("messages.image")), !own, format);
  }
});

describe("Bedrock Converse: what clients get wrong", () => {
  const rows: [Json, RegExp][] = [
    [{ messages: "hi" }, /'messages' is 'hi'; an array is expected/],
    [{ messages: [{ role: "tool", content: [] }] }, /'messages\[0\].role' is 'tool'/],
    [{ messages: [{ role: "user", content: "hi" }] }, /'messages\[0\].content' is 'hi'; an array/],
    [{ messages: [{ role: "user", content: [{ text: 5 }] }] }, /content\[0\].text' is a number/],
    [{ messages: [{ role: "user", content: [{ toolUse: 1 }] }] }, /toolUse' is a number/],
    [{ messages: [], inferenceConfig: { maxTokens: "9" } }, /inferenceConfig.maxTokens' is '9'/],
    [{ messages: [], toolConfig: { tools: [{ toolSpec: {} }] } }, /toolSpec.name' is missing/],
    [
      {
        messages: [],
        outputConfig: { textFormat: { structure: { jsonSchema: { schema: "{" } } } },
      },
      /Schema/,
    ],
  ];
  for (const [body, message] of rows) {
    it(String(message), () => {
      assert.throws(
        () => codec.readRequest(body, { model: "m" }),
        (error: Error & { status?: number }) => message.test(error.message) && error.status === 400,
      );
    });
  }
});

const call = (id: string, name = "f", more: Partial<Part> = {}): Part =>
  ({ type: "tool_call", id, name, arguments: '{"a":1}', ...more }) as Part;
const result = (call_id: string, text = "r"): Part => ({
  type: "tool_result",
  call_id,
  content: [{ type: "text", text }],
});

describe("Bedrock Converse: requests of other formats", () => {
  it("puts instructions on top, merges turns, and leaves out what is blank", () => {
    const { body, lost } = convert({
      messages: [
        { role: "system", parts: [{ type: "text", text: "be", cache: { ttl: "1h" } }] },
        { role: "assistant", parts: [{ type: "text", text: " hello " }] },
        says("one"),
        {
          role: "user",
          parts: [{ type: "text", text: " " }, { type: "text", text: "two", cache: {} }],
        },
        { role: "developer", parts: [{ type: "text", text: "late" }] },
        { role: "assistant", parts: [{ type: "text", text: "so: " }] },
      ],
    });
    assert.deepEqual(body.system, [
      { text: "be" },
      { cachePoint: { type: "default", ttl: "1h" } },
      { text: "late" },
    ]);
    assert.deepEqual(body.messages, [
      { role: "user", content: [{ text: "." }] },
      { role: "assistant", content: [{ text: " hello " }] },
      {
        role: "user",
        content: [{ text: "one" }, { text: "two" }, { cachePoint: { type: "default" } }],
      },
      { role: "assistant", content: [{ text: "so:" }] },
    ]);
    assert.deepEqual(lost, []);
  });

  it("puts results before what a user says, and declares tools that are only called", () => {
    const { body } = convert({
      messages: [
        says("q"),
        { role: "assistant", parts: [call("functions.f:0"), call("b", "g.h")] },
        {
          role: "user",
          parts: [{ type: "text", text: "and" }, result("functions.f:0", " "), result("b")],
        },
      ],
    });
    const [, turn, last] = body.messages as { content: Json[] }[];
    const ids = turn!.content.map(({ toolUse }) => (toolUse as Json).toolUseId);
    assert.match(String(ids[0]), /^functions_f_0_\w{12}$/);
    const results = last!.content.map(({ toolResult }) => toolResult as Json);
    assert.deepEqual(results.map((one) => one?.toolUseId), [...ids, undefined]);
    assert.deepEqual(results[0]!.content, [{ text: "(empty)" }]);
    const { tools } = body.toolConfig as { tools: { toolSpec: Json }[] };
    assert.deepEqual(tools.map(({ toolSpec }) => toolSpec.name), ["f", "g_x2e_h"]);
  });

  it("writes media, and tells what it cannot", () => {
    const base64 = (mime: string) => ({ kind: "base64", mime, data: "aGk=" }) as const;
    const { body, lost } = convert({
      messages: [{
        role: "user",
        parts: [
          { type: "image", source: base64("image/jpg") },
          { type: "image", source: { kind: "url", url: "https://a/b.png" } },
          { type: "image", source: { kind: "url", url: "s3://a/b.png" } },
          { type: "image", source: base64("image/tiff") },
          { type: "document", source: base64("application/pdf"), name: "Jahr/2024_é.pdf" },
          { type: "document", source: base64("application/pdf"), name: "Jahr/2024_é.pdf" },
          { type: "document", source: { kind: "text", text: "hi" } },
          { type: "document", source: { kind: "file", id: "f", format: "openai-chat" } },
          { type: "audio", source: base64("audio/wav") },
        ],
      }],
    });
    assert.deepEqual((body.messages as { content: Json[] }[])[0]!.content, [
      { image: { format: "jpeg", source: { bytes: "aGk=" } } },
      { image: { format: "png", source: { s3Location: { uri: "s3://a/b.png" } } } },
      { document: { format: "pdf", source: { bytes: "aGk=" }, name: "Jahr-2024-pdf" } },
      { document: { format: "pdf", source: { bytes: "aGk=" }, name: "Jahr-2024-pdf-2" } },
      { document: { format: "txt", source: { bytes: "aGk=" }, name: "document" } },
      { audio: { format: "wav", source: { bytes: "aGk=" } } },
      { text: "." },
    ]);
    assert.deepEqual(lost, ["messages.image.url", "messages.image", "messages.document.file"]);
  });

  it("writes thoughts that the model knows, and no other's", () => {
    const thoughts: Part[] = [
      { type: "reasoning", text: "a", signature: { format: "bedrock-converse", value: "s" } },
      { type: "reasoning", text: "b", signature: { format: "anthropic-messages", value: "t" } },
      {
        type: "reasoning",
        text: "",
        redacted: true,
        signature: { format: "anthropic-messages", value: "r" },
      },
      { type: "reasoning", text: "c", signature: { format: "gemini", value: "g" } },
      { type: "reasoning", text: "d" },
    ];
    const messages = [says("q"), { role: "assistant" as const, parts: thoughts }, says("go")];
    const content = (model: string) =>
      (convert({ messages }, model).body.messages as { content: Json[] }[])[1]!.content
        .map(({ reasoningContent }) => reasoningContent);
    assert.deepEqual(content(haiku), [
      { reasoningText: { text: "a", signature: "s" } },
      { reasoningText: { text: "b", signature: "t" } },
      { redactedContent: btoa("r") },
    ]);
    assert.deepEqual(content(nova), [{ reasoningText: { text: "a", signature: "s" } }]);
  });

  const schema = { type: "object", properties: { a: { type: "integer", minimum: 1 } } };
  const output = { type: "json_schema", name: "my shape", schema } as const;
  const tools = [{ type: "function", name: "f", parameters: { type: "object" } }] as const;

  it("holds to a schema in the way that the model knows", () => {
    const native = convert({ messages: [says("q")], output });
    const { jsonSchema } = ((native.body.outputConfig as Json).textFormat as Json)
      .structure as Json as {
        jsonSchema: Json;
      };
    assert.equal(jsonSchema.name, "my_shape");
    assert.equal(JSON.parse(String(jsonSchema.schema)).additionalProperties, false);
    assert.deepEqual(native.lost, ["output.schema.minimum"]);

    const forced = convert({ messages: [says("q")], output }, nova).body.toolConfig as Json;
    assert.deepEqual(forced.toolChoice, { tool: { name: "sluice_answer" } });
    const several = convert({ messages: [says("q")], output, tools: [...tools] }, nova);
    assert.deepEqual((several.body.toolConfig as Json).toolChoice, { any: {} });

    const told = convert({ messages: [says("q")], output }, llama);
    assert.match(JSON.stringify(told.body.system), /of this schema/);
    assert.deepEqual(told.lost, ["output.schema"]);
  });

  it("reads the answer's own tool, names and free text back", () => {
    const body = {
      output: {
        message: {
          role: "assistant",
          content: [
            { toolUse: { toolUseId: "1", name: "sluice_answer", input: { a: 1 } } },
          ],
        },
      },
      stopReason: "tool_use",
    };
    const { parts, finish } = codec.readAnswer(body, target()).choices[0]!;
    assert.deepEqual(parts, [{ type: "text", text: '{"a":1}' }]);
    assert.equal(finish, "stop");
    for (const name of ["plain", "a.b:c", "x_x2e_y", "ü_x", "_xa.", "a__x2"]) {
      const { body } = convert({ messages: [says("q")], tools: [{ type: "custom", name }] });
      const { toolSpec } = (body.toolConfig as { tools: { toolSpec: Json }[] }).tools[0]!;
      assert.match(String(toolSpec.name), /^[\w-]{1,64}$/);
      const use = { toolUseId: "1", name: toolSpec.name, input: { input: "free" } };
      const answer = {
        output: { message: { content: [{ toolUse: use }] } },
        stopReason: "tool_use",
      };
      assert.deepEqual(codec.readAnswer(answer, target()).choices[0]!.parts, [
        { type: "tool_call", id: "1", name, arguments: "free", custom: true },
      ]);
    }
  });

  it("chooses among tools", () => {
    const choice = (tool_choice: Parameters<typeof convert>[0]["tool_choice"], model = haiku) => {
      const { body, lost } = convert({
        messages: [says("q")],
        tools: [...tools],
        tool_choice: tool_choice!,
      }, model);
      return [(body.toolConfig as Json | undefined)?.toolChoice, lost];
    };
    assert.deepEqual(choice({ type: "auto" }), [undefined, []]);
    assert.deepEqual(choice({ type: "required" }), [{ any: {} }, []]);
    assert.deepEqual(choice({ type: "tool", name: "f" }), [{ tool: { name: "f" } }, []]);
    assert.deepEqual(choice({ type: "required" }, llama), [undefined, ["tool_choice"]]);
    assert.deepEqual(
      choice({ type: "tool", name: "f" }, "mistral.mistral-large-2402-v1:0"),
      [{ any: {} }, []],
    );
    const none = convert({
      messages: [says("q")],
      tools: [...tools],
      tool_choice: { type: "none" },
    });
    assert.equal(none.body.toolConfig, undefined);
  });

  it("asks each family to think in its own way", () => {
    const fields = (model: string, more: Json = {}) => {
      const { body, lost } = convert({
        messages: [says("q")],
        reasoning: { effort: "high" },
        ...more,
      }, model);
      return [body.additionalModelRequestFields, lost];
    };
    assert.deepEqual(fields("us.amazon.nova-2-lite-v1:0"), [
      { reasoningConfig: { type: "enabled", maxReasoningEffort: "high" } },
      [],
    ]);
    assert.deepEqual(fields("us.amazon.nova-2-lite-v1:0", { max_tokens: 9 }), [
      { reasoningConfig: { type: "enabled", maxReasoningEffort: "medium" } },
      ["reasoning.effort"],
    ]);
    assert.deepEqual(fields("openai.gpt-oss-120b-1:0"), [{ reasoning_effort: "high" }, []]);
    assert.deepEqual(fields(llama), [undefined, ["reasoning"]]);
    const claude = convert(
      { messages: [says("q")], reasoning: { budget: 2048 }, max_tokens: 9000 },
      sonnet37,
    );
    assert.deepEqual(claude.body.additionalModelRequestFields, {
      thinking: { type: "enabled", budget_tokens: 2048 },
    });
    const forced = convert(
      {
        messages: [says("q")],
        reasoning: { budget: 2048 },
        tools: [...tools],
        tool_choice: { type: "required" },
      },
      sonnet37,
    );
    assert.equal(forced.body.additionalModelRequestFields, undefined);
    assert.deepEqual(forced.lost, ["reasoning"]);
    assert.equal(forced.body.inferenceConfig, undefined); // no room for thoughts either
    assert.deepEqual(
      convert({ messages: [says("q")], top_k: 4 }, nova).body.additionalModelRequestFields,
      {
        inferenceConfig: { topK: 4 },
      },
    );
  });

  it("tells what is lost", () => {
    const { lost } = convert({
      messages: [{ ...says("q"), name: "Ann" }],
      n: 2,
      seed: 1,
      logprobs: true,
      frequency_penalty: 0.5,
      temperature: 1.5,
      metadata: { ok: "yes", bad: "ä" },
      service_tier: "scale",
      user: "u",
      parallel_tool_calls: false,
      extra: { prediction: {} },
    });
    assert.deepEqual(lost.toSorted(), [
      "frequency_penalty",
      "logprobs",
      "messages.name",
      "metadata",
      "n",
      "parallel_tool_calls",
      "prediction",
      "seed",
      "service_tier",
      "temperature",
      "user",
    ]);
    const idle = convert({
      messages: [says("q")],
      n: 1,
      logprobs: false,
      store: false,
      parallel_tool_calls: true,
      frequency_penalty: 0,
      tool_choice: { type: "auto" },
      service_tier: "auto",
    });
    assert.deepEqual(idle.lost, []);
  });
});

describe("Bedrock Converse: errors", () => {
  const rows: [number, unknown, string, number, string | null][] = [
    [400, { message: "bad" }, "invalid_request", 400, null],
    [
      400,
      { message: "Input is too long for requested model." },
      "invalid_request",
      400,
      "context_length_exceeded",
    ],
    [403, { message: "no" }, "permission", 403, null],
    [404, { message: "no" }, "not_found", 404, null],
    [424, { message: "the model" }, "server", 502, null],
    [
      429,
      { __type: "com.amazon#ThrottlingException", message: "slow" },
      "rate_limit",
      429,
      "ThrottlingException",
    ],
    [503, "<html><title>Away</title>", "overloaded", 503, null],
    [
      200,
      { error: { code: "throttlingException", message: "slow" } },
      "rate_limit",
      429,
      "throttlingException",
    ],
    [
      200,
      { error: { code: "modelStreamErrorException", message: "x" } },
      "server",
      502,
      "modelStreamErrorException",
    ],
  ];
  for (const [status, body, kind, failed, code] of rows) {
    it(`${status} ${JSON.stringify(body)}`, () => {
      const fault = codec.readFault(status, body);
      assert.deepEqual([fault.kind, fault.status, fault.code], [kind, failed, code]);
    });
  }
  for (const { name, status, answer } of recorded("converse")) {
    if (status === 200) continue;
    it(`reads ${name}`, () => {
      const body = parse(answer);
      assert.equal(codec.readFault(status, body).message, body.message);
    });
  }
});
