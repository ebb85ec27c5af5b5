/** Streams of Anthropic Messages: read from providers, written for clients, parsed by the official SDK. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import Anthropic, { APIError } from "@anthropic-ai/sdk";
import type { Json } from "../../core/formats/json.ts";
import { assemble } from "../../core/unified/assemble.ts";
import type { ChatAnswer, ChatEvent, Part, Signature } from "../../core/unified/chat.ts";
import { anthropicMessages as codec } from "../../core/unified/codecs/anthropic.ts";
import { eventsOf } from "../../core/unified/events.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";
import { asked, bytesOf, check, read, streams, target, written } from "./unified-anthropic.ts";

/** What is known of each recording. */
const known: Record<string, { usage?: Json }> = JSON.parse(
  readFileSync(new URL("../fixtures/usage.json", import.meta.url), "utf8"),
);

function sdk(body: string, status = 200): Anthropic {
  const headers = { "content-type": status === 200 ? codec.streamType : "application/json" };
  return new Anthropic({
    apiKey: "k",
    maxRetries: 0,
    fetch: () => Promise.resolve(new Response(body, { status, headers })),
  });
}

const ask = { model: "m", max_tokens: 9, messages: [{ role: "user" as const, content: "Hi" }] };

describe("Anthropic Messages: recorded streams", () => {
  it("are there, from Bedrock as well", () => {
    assert.ok(streams.length > 20);
    assert.ok(streams.some(({ name }) => name.startsWith("amazon-bedrock/")));
  });

  for (const { name, responseBody, type } of streams) {
    it(name, () => {
      const framed = type.includes("amazon") || name.startsWith("amazon")
        ? "application/vnd.amazon.eventstream"
        : type;
      const events = read(responseBody, framed);
      check(events);
      if (/overloaded|spliced/.test(name)) {
        assert.equal(events.at(-1)!.type, "error");
        return;
      }
      const answer = assemble(events, "anthropic-messages");
      for (const part of answer.choices[0]!.parts) {
        if (part.type === "tool_call") assert.doesNotThrow(() => JSON.parse(part.arguments));
      }
      // Some recordings hold several answers, of which a stream has the first.
      const only = responseBody.toString().split("event: message_start").length < 3;
      if (only) assert.deepEqual(answer.usage, known[name]!.usage);
      // What a client of this format is sent, says the same.
      const back = assemble(read(bytesOf(written(events))), "anthropic-messages");
      const essence = ({ choices, id, model }: ChatAnswer) => ({
        id,
        model,
        parts: choices[0]!.parts,
        finish: choices[0]!.finish,
        stop: choices[0]!.stop_sequence,
      });
      assert.deepEqual(essence(back), essence(answer));
      assert.equal(back.usage?.output ?? 0, answer.usage?.output ?? 0);
    });
  }
});

describe("Anthropic Messages: whole answers as streams", () => {
  const answers = fixtureNames().filter((name) => name.startsWith("anthropic/")).flatMap((name) => {
    const text = loadFixture(name).responseBody.toString();
    const body = text.startsWith("{") ? JSON.parse(text) : undefined;
    return body?.type === "message" ? [{ name, body }] : [];
  });
  for (const { name, body } of answers) {
    it(`the SDK puts the same message together: ${name}`, async () => {
      const answer = codec.readAnswer(structuredClone(body), target());
      const whole = codec.writeAnswer(answer, asked) as Json;
      const text = written(eventsOf(answer));
      const message = await sdk(text).messages.stream(ask).finalMessage();
      const plain = JSON.parse(JSON.stringify(message)) as Json;
      for (const member of ["id", "type", "role", "model", "content", "stop_reason"]) {
        assert.deepEqual(plain[member], whole[member], member);
      }
      assert.equal(plain.stop_sequence, whole.stop_sequence);
      assert.deepEqual(plain.stop_details, whole.stop_details);
      const { usage } = message;
      const expected = whole.usage as Json;
      assert.equal(usage.input_tokens, expected.input_tokens);
      assert.equal(usage.output_tokens, expected.output_tokens);
      assert.equal(usage.cache_read_input_tokens, expected.cache_read_input_tokens);
    });
  }
});

describe("Anthropic Messages: streams of other formats", () => {
  const gemini: Signature = { format: "gemini", value: "c2ln" };
  const foreign: ChatEvent[] = [
    { type: "start", id: "chatcmpl-1", model: "gpt", usage: { input: 7 } },
    { type: "part_start", choice: 0, part: 0, value: { type: "reasoning", text: "", id: "rs_1" } },
    { type: "text", choice: 0, part: 0, text: "Let me" },
    { type: "text", choice: 0, part: 0, text: " see" },
    {
      type: "signature",
      choice: 0,
      part: 0,
      signature: { format: "openai-responses", value: "enc" },
    },
    { type: "part_end", choice: 0, part: 0 },
    { type: "part_start", choice: 0, part: 1, value: { type: "text", text: "A" } },
    { type: "text", choice: 0, part: 1, text: 'h\u2028"\n' },
    { type: "citation", choice: 0, part: 1, citation: { type: "url", url: "https://x" } },
    { type: "part_end", choice: 0, part: 1 },
    {
      type: "part_start",
      choice: 0,
      part: 2,
      value: { type: "tool_call", id: "call_1", name: "f", arguments: "", signature: gemini },
    },
    { type: "arguments", choice: 0, part: 2, text: '{"a":' },
    { type: "arguments", choice: 0, part: 2, text: "1}" },
    { type: "part_end", choice: 0, part: 2 },
    {
      type: "part_start",
      choice: 0,
      part: 3,
      value: { type: "tool_call", id: "call_2", name: "g", arguments: "{}" },
    },
    { type: "signature", choice: 0, part: 3, signature: { ...gemini, value: "bGF0ZQ==" } },
    { type: "part_end", choice: 0, part: 3 },
    { type: "part_start", choice: 1, part: 0, value: { type: "text", text: "another" } },
    { type: "finish", choice: 0, finish: "tool_calls" },
    { type: "usage", usage: { input: 10, cache_read: 4, output: 5, reasoning: 2 } },
    { type: "end" },
  ];

  it("are a message for the SDK, usage after the reason to stop included", async () => {
    const seen: string[] = [];
    const stream = sdk(written(foreign)).messages.stream(ask);
    stream.on("text", (text) => seen.push(text));
    stream.on("thinking", (text) => seen.push(`(${text})`));
    const message = await stream.finalMessage();
    assert.deepEqual(seen, ["(Let me)", "( see)", "A", 'h\u2028"\n']);
    assert.deepEqual(JSON.parse(JSON.stringify(message.content)), [
      {
        type: "thinking",
        thinking: "Let me see",
        signature: "sluice.openai-responses.rs_1 enc",
      },
      {
        type: "text",
        text: 'Ah\u2028"\n',
        citations: [{
          type: "web_search_result_location",
          encrypted_index: "",
          url: "https://x",
          title: null,
          cited_text: "",
        }],
      },
      { type: "redacted_thinking", data: "sluice.gemini.>c2ln" },
      { type: "tool_use", id: "call_1", name: "f", input: { a: 1 } },
      { type: "tool_use", id: "call_2", name: "g", input: {} },
      { type: "redacted_thinking", data: "sluice.gemini.<bGF0ZQ==" },
    ]);
    assert.equal(message.stop_reason, "tool_use");
    assert.equal(message.usage.input_tokens, 6);
    assert.equal(message.usage.cache_read_input_tokens, 4);
    assert.equal(message.usage.output_tokens, 5);
    assert.equal(message.usage.output_tokens_details?.thinking_tokens, 2);
  });

  it("give their signatures back after a turn of tools", async () => {
    const message = await sdk(written(foreign)).messages.stream(ask).finalMessage();
    const next = {
      ...ask,
      messages: [
        ...ask.messages,
        { role: message.role, content: message.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "call_1", content: "ok" }] },
      ],
    };
    const { messages } = codec.readRequest(JSON.parse(JSON.stringify(next)), {});
    const parts = messages[1]!.parts;
    assert.deepEqual(parts.map(({ type }) => type), [
      "reasoning",
      "text",
      "tool_call",
      "tool_call",
    ]);
    const [thought, , first, second] = parts as (Part & { signature?: Signature; id?: string })[];
    assert.deepEqual(thought!.signature, { format: "openai-responses", value: "enc" });
    assert.equal(thought!.id, "rs_1");
    assert.deepEqual(first!.signature, gemini);
    assert.deepEqual(second!.signature, { format: "gemini", value: "bGF0ZQ==" });
  });

  it("tell a refusal, a hidden thought and a picture", async () => {
    const text = written([
      { type: "start", id: "r", model: "gpt" },
      {
        type: "part_start",
        choice: 0,
        part: 0,
        value: { type: "reasoning", text: "", redacted: true },
      },
      {
        type: "signature",
        choice: 0,
        part: 0,
        signature: { format: "bedrock-converse", value: "h" },
      },
      { type: "part_end", choice: 0, part: 0 },
      {
        type: "part_start",
        choice: 0,
        part: 1,
        value: { type: "image", source: { kind: "base64", mime: "image/png", data: "" } },
      },
      { type: "data", choice: 0, part: 1, data: "AA==" },
      { type: "part_end", choice: 0, part: 1 },
      { type: "part_start", choice: 0, part: 2, value: { type: "refusal", text: "I " } },
      { type: "text", choice: 0, part: 2, text: "won't" },
      { type: "finish", choice: 0, finish: "content_filter" },
      { type: "end" },
    ]);
    const message = await sdk(text).messages.stream(ask).finalMessage();
    assert.deepEqual(message.content, [
      { type: "redacted_thinking", data: "sluice.bedrock-converse.h" },
      { type: "text", text: "![image](data:image/png;base64,AA==)" },
      { type: "text", text: "I won't" },
    ]);
    assert.equal(message.stop_reason, "refusal");
    assert.equal(message.stop_details?.explanation, "I won't");
  });

  for (
    const [kind, status, type] of [
      ["overloaded", 529, "overloaded_error"],
      ["rate_limit", 429, "rate_limit_error"],
      ["server", 502, "api_error"],
    ] as const
  ) {
    it(`raise ${type} in the middle`, async () => {
      const text = written([
        { type: "start", id: "r", model: "gpt" },
        { type: "part_start", choice: 0, part: 0, value: { type: "text", text: "A" } },
        { type: "error", fault: { status, kind, message: "Broken" } },
      ]);
      await assert.rejects(sdk(text).messages.stream(ask).finalMessage(), (error) => {
        assert.ok(error instanceof APIError);
        assert.equal(error.type, type);
        assert.equal(error.apiMessage, "Broken");
        return true;
      });
    });
  }

  for (
    const [status, kind, name] of [
      [400, "invalid_request", "BadRequestError"],
      [401, "authentication", "AuthenticationError"],
      [403, "permission", "PermissionDeniedError"],
      [404, "not_found", "NotFoundError"],
      [429, "rate_limit", "RateLimitError"],
      [529, "overloaded", "OverloadedError"],
      [500, "server", "InternalServerError"],
    ] as const
  ) {
    it(`raise ${name} for an error of status ${status}`, async () => {
      const body = codec.writeFault({ status, kind, message: "M", code: "c" }, "req_1");
      await assert.rejects(sdk(JSON.stringify(body), status).messages.create(ask), (error) => {
        assert.ok(error instanceof APIError);
        assert.equal(error.constructor.name, name);
        assert.equal(error.errorCode, "c");
        assert.match(error.type ?? "", /_error$/);
        return true;
      });
    });
  }
});
