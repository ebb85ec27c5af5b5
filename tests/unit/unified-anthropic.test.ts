/** Anthropic Messages as a client's format and as a provider's: its requests. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { isGatewayError } from "../../core/error.ts";
import type { Json } from "../../core/formats/json.ts";
import { anthropicMessages as codec } from "../../core/unified/codecs/anthropic.ts";
import { Lost } from "../../core/unified/lost.ts";
import { normal, recorded, target } from "./unified-anthropic.ts";

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
    assert.match(refused({ messages: [] }), /^'model' is missing; a model's name is expected$/);
    assert.match(
      refused({ model: "m" }),
      /^'messages' is missing; an array of messages is expected$/,
    );
    assert.match(refused({ ...ok, messages: [1] }), /^'messages\[0\]' is a number/);
    assert.match(
      refused({ ...ok, messages: [{ role: "tool", content: "" }] }),
      /^'messages\[0\]\.role' is 'tool'; 'user', 'assistant'/,
    );
    assert.match(
      refused({ ...ok, messages: [{ role: "user", content: 5 }] }),
      /^'messages\[0\]\.content' is a number; a string or an array of blocks is expected$/,
    );
    assert.match(
      refused({ ...ok, messages: [{ role: "user", content: [{ type: "text", text: {} }] }] }),
      /^'messages\[0\]\.content\[0\]\.text' is an object; a string is expected$/,
    );
    let deep: unknown = "x";
    for (let level = 0; level < 20_000; level++) {
      deep = [{ type: "tool_result", tool_use_id: "t", content: deep }];
    }
    const nested = { ...ok, messages: [{ role: "user", content: deep }] };
    assert.match(refused(nested), /; content that is not nested so deep is expected$/);
    assert.match(
      refused({ ...ok, temperature: "1" }),
      /^'temperature' is '1'; a number is expected$/,
    );
    assert.match(refused({ ...ok, stream: 1 }), /^'stream' is a number/);
    assert.match(refused({ ...ok, tools: {} }), /^'tools' is an object; an array is expected$/);
    assert.match(refused({ ...ok, tool_choice: "auto" }), /^'tool_choice' is 'auto'; an object/);
    assert.match(refused({ ...ok, tool_choice: { type: "x" } }), /^'tool_choice\.type'/);
    assert.match(refused({ ...ok, stop_sequences: [1] }), /^'stop_sequences\[0\]' is a number/);
  });

  it("knows its own names", () => {
    assert.equal(codec.spelling("stop"), "stop_sequences");
    assert.equal(codec.spelling("output.schema.pattern"), "output_config.format.schema.pattern");
    assert.equal(codec.spelling("seed"), "seed");
  });
});
