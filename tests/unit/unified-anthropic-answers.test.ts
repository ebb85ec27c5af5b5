/** Anthropic Messages as a client's format and as a provider's: answers, errors, other hosts. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import type { ChatAnswer, Part } from "../../core/unified/chat.ts";
import {
  anthropicMessages as codec,
  forBedrock,
  forCount,
  forVertex,
  readCount,
  writeCount,
} from "../../core/unified/codecs/anthropic.ts";
import { Lost } from "../../core/unified/lost.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";
import { asked, normal, recorded, target } from "./unified-anthropic.ts";

describe("Anthropic Messages: answers", () => {
  const answers = fixtureNames().filter((name) =>
    /^(?:anthropic|amazon-bedrock\/invoke)/.test(name)
  )
    .flatMap((name) => {
      const text = loadFixture(name).responseBody.toString();
      const body = text.startsWith("{") ? JSON.parse(text) : undefined;
      return body?.type === "message" ? [{ name, body }] : [];
    });
  for (const { name, body } of answers) {
    it(`says the same again: ${name}`, () => {
      const answer = codec.readAnswer(structuredClone(body), target());
      const written = codec.writeAnswer(answer, asked);
      const { usage, ...expected } = normal(body) as Json & { usage: Json };
      const { usage: told, ...rest } = normal(written) as Json & { usage: Json };
      assert.deepEqual(rest, expected);
      if (usage.iterations === undefined) {
        assert.equal(told.input_tokens, usage.input_tokens);
        assert.equal(told.output_tokens, usage.output_tokens);
        assert.equal(told.cache_read_input_tokens, usage.cache_read_input_tokens ?? 0);
        assert.equal(told.cache_creation_input_tokens, usage.cache_creation_input_tokens ?? 0);
        assert.equal(told.service_tier, usage.service_tier);
      }
    });
  }

  it("splits usage as Anthropic counts it", () => {
    const answer = codec.readAnswer({
      type: "message",
      content: [],
      usage: {
        input_tokens: 1,
        cache_read_input_tokens: 20,
        cache_creation_input_tokens: 300,
        cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 },
        output_tokens: 4000,
        output_tokens_details: { thinking_tokens: 3000 },
        server_tool_use: { web_search_requests: 2, web_fetch_requests: 0 },
      },
    }, target());
    assert.deepEqual(answer.usage, {
      input: 321,
      output: 4000,
      cache_read: 20,
      cache_write: 300,
      cache_write_1h: 100,
      reasoning: 3000,
      units: { web_search_requests: 2 },
    });
    assert.deepEqual(codec.writeAnswer(answer, asked).usage, {
      input_tokens: 1,
      cache_creation_input_tokens: 300,
      cache_read_input_tokens: 20,
      cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 },
      output_tokens: 4000,
      output_tokens_details: { thinking_tokens: 3000 },
      server_tool_use: { web_search_requests: 2, web_fetch_requests: 0 },
    });
  });

  for (
    const [reason, finish] of [
      ["end_turn", "stop"],
      ["stop_sequence", "stop_sequence"],
      ["max_tokens", "length"],
      ["pause_turn", "pause"],
      ["refusal", "refusal"],
      ["model_context_window_exceeded", "context_window"],
      ["compaction", "other"],
    ] as const
  ) {
    it(`${reason} is ${finish}`, () => {
      const answer = codec.readAnswer({ content: [], stop_reason: reason }, target());
      assert.equal(answer.choices[0]!.finish, finish);
      assert.equal(codec.writeAnswer(answer, asked).stop_reason, reason);
    });
  }

  it("tells a client what other formats say", () => {
    const parts: Part[] = [
      {
        type: "reasoning",
        text: "Hm",
        id: "rs_1",
        signature: { format: "openai-responses", value: "e" },
      },
      {
        type: "text",
        text: "See",
        citations: [
          { type: "url", url: "https://x", title: "X", start: 0, end: 3 },
          { type: "document", document_index: 1, cited_text: "y" },
        ],
      },
      {
        type: "tool_call",
        id: "call.1",
        name: "f",
        arguments: '{"a":1}',
        signature: { format: "gemini", value: "g==" },
      },
      { type: "refusal", text: "No" },
      { type: "image", source: { kind: "base64", mime: "image/png", data: "AA==" } },
      { type: "native", format: "gemini", value: {} },
    ];
    const answer: ChatAnswer = {
      format: "gemini",
      id: "",
      model: "",
      choices: [{ index: 0, parts, finish: "stop" }],
    };
    const written = codec.writeAnswer(answer, asked);
    assert.deepEqual(written.content, [
      { type: "thinking", thinking: "Hm", signature: "sluice.openai-responses.rs_1 e" },
      {
        type: "text",
        text: "See",
        citations: [
          {
            type: "web_search_result_location",
            encrypted_index: "",
            url: "https://x",
            title: "X",
            cited_text: "",
          },
          {
            type: "char_location",
            start_char_index: 0,
            end_char_index: 0,
            cited_text: "y",
            document_index: 1,
            document_title: null,
            file_id: null,
          },
        ],
      },
      { type: "redacted_thinking", data: "sluice.gemini.>g==" },
      { type: "tool_use", id: "call.1", name: "f", input: { a: 1 } },
      { type: "text", text: "No" },
      { type: "text", text: "![image](data:image/png;base64,AA==)" },
    ]);
    assert.equal(written.stop_reason, "tool_use"); // a client's loop goes by it
    assert.equal(written.id, "msg_0190abcd");
    assert.equal(written.model, "m");

    const content = written.content as Json[];
    const back = codec.readRequest({ model: "m", messages: [{ role: "assistant", content }] }, {});
    const [thought, , call] = back.messages[0]!.parts;
    assert.deepEqual(thought, parts[0]);
    assert.deepEqual(call, parts[2]);
  });

  it("reads what is no message without throwing", () => {
    for (const body of [{}, { content: 1 }, { content: [1, null, { type: 5 }], usage: [] }]) {
      const { choices } = codec.readAnswer(body as Json, target());
      assert.deepEqual(choices, [{ index: 0, parts: [], finish: "other" }]);
    }
    const content = [{ type: "text", text: "a" }, { type: "text" }, { type: "tool_use", id: "t" }];
    assert.deepEqual(codec.readAnswer({ content }, target()).choices[0]!.parts, [
      { type: "text", text: "a" },
    ]);
  });
});

describe("Anthropic Messages: errors", () => {
  for (
    const [status, type, kind] of [
      [400, "invalid_request_error", "invalid_request"],
      [401, "authentication_error", "authentication"],
      [402, "billing_error", "billing"],
      [403, "permission_error", "permission"],
      [404, "not_found_error", "not_found"],
      [413, "request_too_large", "too_large"],
      [429, "rate_limit_error", "rate_limit"],
      [500, "api_error", "server"],
      [504, "timeout_error", "timeout"],
      [529, "overloaded_error", "overloaded"],
    ] as const
  ) {
    it(`${type} is ${kind}`, () => {
      const body = { type: "error", error: { type, message: "M" }, request_id: "r" };
      const fault = codec.readFault(status, body);
      assert.deepEqual(fault, { status, kind, message: "M", code: null, param: null });
      assert.deepEqual(codec.writeFault(fault, "r"), body);
      assert.equal(codec.readFault(200, body).status, status);
    });
  }

  it("reads a provider's own code, and the parameter", () => {
    const message = "messages.0.content: Field required";
    const error = { type: "invalid_request_error", message, details: { error_code: "c" } };
    const fault = codec.readFault(400, { type: "error", error });
    assert.equal(fault.code, "c");
    assert.equal(fault.param, "messages.0.content");
    const long = { type: "invalid_request_error", message: "prompt is too long: 9 tokens > 8" };
    assert.equal(codec.readFault(400, { error: long }).code, "context_length_exceeded");
  });

  it("reads errors of other hosts, and of none", () => {
    const bedrock = { message: "Too many tokens" };
    assert.equal(codec.readFault(429, bedrock).kind, "rate_limit");
    assert.equal(codec.readFault(429, bedrock).message, "Too many tokens");
    const vertex = [{ error: { code: 403, message: "No", status: "PERMISSION_DENIED" } }];
    assert.equal(codec.readFault(403, vertex).kind, "permission");
    assert.equal(codec.readFault(502, "<html><title>Bad</title>").message, "Bad");
    assert.equal(codec.readFault(503, undefined).kind, "overloaded");
    const thrown = { error: { code: "throttlingException", message: "Slow" } };
    assert.deepEqual(codec.readFault(200, thrown).kind, "rate_limit");
  });
});

describe("Claude elsewhere", () => {
  const body: Json = {
    model: "m",
    max_tokens: 5,
    stream: true,
    messages: [{
      role: "user",
      content: [
        { type: "text", text: "a" },
        { type: "image", source: { type: "url", url: "https://x" } },
        {
          type: "tool_result",
          tool_use_id: "t",
          content: [{ type: "image", source: { type: "url" } }],
        },
      ],
    }],
    context_management: { edits: [{ type: "compact_20260112" }] },
    service_tier: "auto",
    inference_geo: "eu",
    mcp_servers: [],
  };
  const messages = [{
    role: "user",
    content: [
      { type: "text", text: "a" },
      { type: "tool_result", tool_use_id: "t", content: [] },
    ],
  }];

  it("on Bedrock without the tools that Anthropic runs", () => {
    const own = { name: "f", input_schema: { type: "object" } };
    const search = { type: "web_search_20250305", name: "web_search" };
    const fetched = { type: "web_fetch_20250910", name: "web_fetch" };
    const bash = { type: "bash_20250124", name: "bash" };
    const tool_choice = { type: "any" };
    for (
      const [tools, kept] of [[[own, search, bash, fetched], [own, bash]], [[search], undefined]]
    ) {
      const lost = new Lost();
      const written = forBedrock({ max_tokens: 1, messages: [], tools, tool_choice }, lost);
      assert.deepEqual(written.tools, kept);
      assert.deepEqual(written.tool_choice, kept && tool_choice);
      assert.equal(lost.names[0], "tools.web_search");
    }
    const lost = new Lost();
    const forced = { type: "tool", name: "web_search" };
    const written = forBedrock(
      { max_tokens: 1, messages: [], tools: [own, search], tool_choice: forced },
      lost,
    );
    assert.equal(written.tool_choice, undefined);
  });

  it("on Bedrock", () => {
    const lost = new Lost();
    const before = structuredClone(body);
    assert.deepEqual(forBedrock(body, lost), {
      anthropic_version: "bedrock-2023-05-31",
      anthropic_beta: ["compact-2026-01-12", "context-management-2025-06-27"],
      max_tokens: 5,
      messages,
      context_management: body.context_management,
    });
    assert.deepEqual(lost.names, [
      "service_tier",
      "inference_geo",
      "mcp_servers",
      "messages.image",
    ]);
    assert.deepEqual(body, before);
  });

  it("on Vertex AI", () => {
    assert.deepEqual(forVertex(body, new Lost()), {
      anthropic_version: "vertex-2023-10-16",
      max_tokens: 5,
      messages,
      context_management: body.context_management,
      stream: true,
    });
  });

  it("counts tokens", () => {
    const { body: asks } = recorded().find(({ name }) => name === "anthropic/count-tokens")!;
    const request = codec.readRequest(structuredClone(asks), {});
    const written = forCount(codec.writeRequest(request, target(request.model), new Lost()));
    assert.deepEqual(normal(written), normal(asks));
    const told = JSON.parse(loadFixture("anthropic/count-tokens").responseBody.toString());
    assert.deepEqual(writeCount(readCount(told)!), { input_tokens: told.input_tokens });
    assert.equal(readCount({ input_tokens: -1 }), undefined);
  });
});
