/** Anthropic Messages as a client's format and as a provider's: requests, answers, errors. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { isGatewayError } from "../../core/error.ts";
import type { Json } from "../../core/formats/json.ts";
import type { ChatAnswer, ChatRequest, Part } from "../../core/unified/chat.ts";
import {
  anthropicMessages as codec,
  forBedrock,
  forCount,
} from "../../core/unified/codecs/anthropic.ts";
import { forVertex, readCount, writeCount } from "../../core/unified/codecs/anthropic.ts";
import { Lost } from "../../core/unified/lost.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

const target = (model = "claude-haiku-4-5") => ({
  provider: "anthropic",
  model,
  requestId: "0190-abcd",
  now: () => 0,
});
const asked = (request?: ChatRequest) => ({
  request: request ?? codec.readRequest({ model: "m", messages: [] }, {}),
  model: "m",
  requestId: "0190-abcd",
  now: () => 0,
});

/** One spelling for what may be said in several: text for a block of it, nothing for null and defaults. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== "object" || value === null) return value;
  const said: Json = {};
  for (const [name, inner] of Object.entries(value as Json)) {
    if (inner == null || name === "stream" && inner === false) continue;
    if (name === "caller" && (inner as Json).type === "direct") continue;
    if (name === "type" && inner === "custom") continue;
    const isText = typeof inner === "string" && (name === "content" || name === "system");
    said[name] = isText ? [{ type: "text", text: inner }] : normal(inner);
  }
  return said;
}

function recorded(): { name: string; body: Json }[] {
  return fixtureNames().filter((name) => /^(?:anthropic|amazon-bedrock\/invoke)/.test(name))
    .flatMap((name) => {
      const { requestBody } = loadFixture(name);
      if (requestBody === undefined || requestBody[0] !== 0x7b) return [];
      const body = JSON.parse(requestBody.toString());
      const isOurs = name.startsWith("anthropic/") || body.anthropic_version !== undefined;
      return isOurs && body.messages !== undefined ? [{ name, body }] : [];
    });
}

function refused(body: Json): string {
  try {
    codec.readRequest(body, {});
  } catch (error) {
    assert.ok(isGatewayError(error));
    assert.equal(error.status, 400);
    return error.message;
  }
  return assert.fail("It was taken");
}

describe("Anthropic Messages: requests", () => {
  for (const { name, body } of recorded()) {
    it(`says the same again: ${name}`, () => {
      const request = codec.readRequest(structuredClone(body), { model: "m" });
      const lost = new Lost();
      const written = codec.writeRequest(request, target(request.model), lost);
      const { anthropic_version: _, ...expected }: Json = { model: "m", ...body };
      expected.max_tokens ??= written.max_tokens; // a count of tokens has none
      assert.deepEqual(normal(written), normal(expected));
      assert.deepEqual(lost.names, []);
      const again = codec.writeRequest(codec.readRequest(written, {}), target(request.model), lost);
      assert.equal(JSON.stringify(again), JSON.stringify(written));
    });
  }

  it("says every member again", () => {
    const cache_control = { type: "ephemeral", ttl: "1h" };
    const body = {
      model: "claude-opus-4-6",
      max_tokens: 4096,
      system: [{ type: "text", text: "Be brief.", cache_control }],
      messages: [
        {
          role: "user",
          content: [
            { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } },
            { type: "image", source: { type: "url", url: "https://x/y.png" }, cache_control },
            { type: "image", source: { type: "file", file_id: "file_1" } },
            {
              type: "document",
              source: { type: "base64", media_type: "application/pdf", data: "AA==" },
              title: "T",
              context: "C",
              citations: { enabled: true },
            },
            { type: "document", source: { type: "text", media_type: "text/plain", data: "abc" } },
            { type: "document", source: { type: "url", url: "https://x/y.pdf" } },
            { type: "document", source: { type: "file", file_id: "file_2" } },
            {
              type: "document",
              source: {
                type: "content",
                content: [{ type: "text", text: "one" }, { type: "text", text: "two" }],
              },
            },
            {
              type: "search_result",
              source: "https://x",
              title: "R",
              content: [{ type: "text", text: "found" }],
              citations: { enabled: true },
              cache_control,
            },
            { type: "container_upload", file_id: "file_3" },
            { type: "text", text: "What is this?" },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "Hm", signature: "c2ln" },
            { type: "redacted_thinking", data: "ZGF0YQ==" },
            {
              type: "server_tool_use",
              id: "srvtoolu_1",
              name: "web_search",
              input: { query: "q" },
            },
            {
              type: "web_search_tool_result",
              tool_use_id: "srvtoolu_1",
              content: [{
                type: "web_search_result",
                url: "https://x",
                title: "X",
                encrypted_content: "e",
              }],
            },
            {
              type: "text",
              text: "It is",
              citations: [
                {
                  type: "web_search_result_location",
                  url: "https://x",
                  title: "X",
                  cited_text: "x",
                  encrypted_index: "i",
                },
                {
                  type: "search_result_location",
                  source: "kb",
                  title: "R",
                  cited_text: "found",
                  search_result_index: 0,
                  start_block_index: 0,
                  end_block_index: 1,
                },
                {
                  type: "page_location",
                  document_index: 0,
                  document_title: "T",
                  cited_text: "p",
                  start_page_number: 1,
                  end_page_number: 2,
                  file_id: "f",
                },
              ],
            },
            {
              type: "tool_use",
              id: "toolu_1",
              name: "look",
              input: { at: [1] },
              caller: { type: "code_execution_20250825", tool_id: "srvtoolu_1" },
            },
          ],
        },
        {
          role: "user",
          content: [{
            type: "tool_result",
            tool_use_id: "toolu_1",
            is_error: true,
            cache_control,
            content: [
              { type: "text", text: "no" },
              { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } },
              { type: "tool_reference", tool_name: "look" },
            ],
          }],
        },
        { role: "system", content: "Be kind.", clear_at: "next" },
      ],
      tools: [
        {
          name: "look",
          description: "Looks",
          input_schema: { type: "object", properties: {} },
          strict: true,
          defer_loading: true,
          input_examples: [{}],
          cache_control,
        },
        {
          type: "web_search_20250305",
          name: "web_search",
          max_uses: 3,
          allowed_domains: ["x"],
          user_location: { type: "approximate", city: "Bern" },
        },
        { type: "web_search_20260318", name: "web_search", response_inclusion: "full" },
        { type: "web_fetch_20250910", name: "web_fetch", max_uses: 1 },
        { type: "code_execution_20250825", name: "code_execution" },
        { type: "bash_20250124", name: "bash" },
        { type: "memory_20250818", name: "memory" },
        { type: "mcp_toolset", mcp_server_name: "s" },
      ],
      tool_choice: { type: "tool", name: "look", disable_parallel_tool_use: true },
      thinking: { type: "enabled", budget_tokens: 2048, display: "summarized" },
      output_config: {
        effort: "high",
        format: { type: "json_schema", schema: { type: "object", minProperties: 1 } },
        task_budget: { type: "tokens", total: 9 },
      },
      temperature: 1,
      top_p: 0.9,
      top_k: 5,
      stop_sequences: ["\n", "END"],
      stream: true,
      service_tier: "standard_only",
      metadata: { user_id: "u", more: 1 },
      cache_control: { type: "ephemeral" },
      container: { id: "c", skills: [] },
      context_management: { edits: [] },
      mcp_servers: [{ type: "url", name: "s", url: "https://s" }],
      inference_geo: "eu",
      speed: "fast",
    };
    const request = codec.readRequest(structuredClone(body), {});
    const lost = new Lost();
    const written = codec.writeRequest(request, target("claude-opus-4-6"), lost);
    assert.deepEqual(normal(written), normal(body));
    assert.deepEqual(lost.names, []);
    assert.deepEqual(codec.headers!(request, target()), {
      "anthropic-version": "2023-06-01",
      "anthropic-beta": [
        "context-management-2025-06-27",
        "fast-mode-2026-02-01",
        "mcp-client-2025-11-20",
        "task-budgets-2026-03-13",
      ].join(","),
    });
  });

  for (
    const thinking of [
      { type: "adaptive" },
      { type: "adaptive", display: "omitted" },
      { type: "adaptive", display: "updates" },
      { type: "enabled", budget_tokens: 1024 },
      { type: "disabled" },
      { type: "between_tools" },
      { type: "adaptive", block_binding: { prefix_mismatch_behavior: "drop" } },
    ]
  ) {
    it(`says thinking ${JSON.stringify(thinking)} again`, () => {
      const body = { model: "claude-opus-5", max_tokens: 9, messages: [], thinking };
      const request = codec.readRequest(body, {});
      assert.deepEqual(codec.writeRequest(request, target(), new Lost()).thinking, thinking);
    });
  }

  it("takes the older spelling of a format", () => {
    const schema = { type: "object" };
    const output_format = { type: "json_schema", schema };
    const request = codec.readRequest({ model: "m", messages: [], output_format }, {});
    assert.deepEqual(request.output, { type: "json_schema", schema, strict: true });
  });

  it("takes model and stream from the path, where Bedrock and Vertex AI have them", () => {
    const body = { anthropic_version: "bedrock-2023-05-31", max_tokens: 1, messages: [] };
    const { model, stream, extra } = codec.readRequest(body, { model: "m", stream: true });
    assert.deepEqual({ model, stream, extra }, { model: "m", stream: true, extra: undefined });
  });

  it("says what is wrong, and where", () => {
    const ok = { model: "m", messages: [] };
    assert.match(refused({ messages: [] }), /^'model' is missing; expected /);
    assert.match(refused({ model: "m" }), /^'messages' is missing; expected an array/);
    assert.match(refused({ ...ok, messages: [1] }), /^'messages\[0\]' is a number/);
    assert.match(
      refused({ ...ok, messages: [{ role: "tool", content: "" }] }),
      /^'messages\[0\]\.role' is a string; expected 'user'/,
    );
    assert.match(
      refused({ ...ok, messages: [{ role: "user", content: 5 }] }),
      /^'messages\[0\]\.content' is a number; expected a string or an array of blocks$/,
    );
    assert.match(
      refused({ ...ok, messages: [{ role: "user", content: [{ type: "text", text: {} }] }] }),
      /^'messages\[0\]\.content\[0\]\.text' is an object; expected a string$/,
    );
    let deep: unknown = "x";
    for (let level = 0; level < 20_000; level++) {
      deep = [{ type: "tool_result", tool_use_id: "t", content: deep }];
    }
    const nested = { ...ok, messages: [{ role: "user", content: deep }] };
    assert.match(refused(nested), /expected content that is not nested so deep$/);
    assert.match(refused({ ...ok, temperature: "1" }), /^'temperature' is a string/);
    assert.match(refused({ ...ok, stream: 1 }), /^'stream' is a number/);
    assert.match(refused({ ...ok, tools: {} }), /^'tools' is an object; expected an array$/);
    assert.match(refused({ ...ok, tool_choice: "auto" }), /^'tool_choice' is a string/);
    assert.match(refused({ ...ok, tool_choice: { type: "x" } }), /^'tool_choice\.type'/);
    assert.match(refused({ ...ok, stop_sequences: [1] }), /^'stop_sequences\[0\]' is a number/);
  });

  it("knows its own names", () => {
    assert.equal(codec.spelling("stop"), "stop_sequences");
    assert.equal(codec.spelling("output.schema.pattern"), "output_config.format.schema.pattern");
    assert.equal(codec.spelling("seed"), "seed");
  });
});

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
      const written = codec.writeAnswer(answer, asked());
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
    assert.deepEqual(codec.writeAnswer(answer, asked()).usage, {
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
      assert.equal(codec.writeAnswer(answer, asked()).stop_reason, reason);
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
    const written = codec.writeAnswer(answer, asked());
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
    assert.deepEqual(lost.names, ["inference_geo", "mcp_servers", "messages.image"]);
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
