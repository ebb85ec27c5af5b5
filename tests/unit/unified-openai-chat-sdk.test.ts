/** What is written for clients of Chat Completions, as OpenAI's SDK and the AI SDK read it. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import OpenAI, { APIError } from "openai";
import { z } from "zod";
import type {
  ChatAnswer,
  ChatFault,
  ChatRequest,
  FaultKind,
  Part,
} from "../../core/unified/chat.ts";
import type { Asked } from "../../core/unified/codec.ts";
import { openAIChat as codec } from "../../core/unified/codecs/openai-chat.ts";
import { eventsOf } from "../../core/unified/events.ts";
import { writeAll } from "../support/chat-events.ts";

type Json = Record<string, unknown>;

const now = () => 1_700_000_000_000;

function sdk(answer: (body: Json) => Response): OpenAI {
  return new OpenAI({
    apiKey: "k",
    baseURL: "https://gateway.example/v1",
    maxRetries: 0,
    fetch: (_, init) => Promise.resolve(answer(JSON.parse(String(init!.body)) as Json)),
  });
}

const sse = (text: string) =>
  new Response(text, { headers: { "content-type": "text/event-stream; charset=utf-8" } });

const asked = (request: Partial<ChatRequest> = {}): Asked => ({
  request: {
    format: "openai-chat",
    model: "anthropic/claude",
    stream: true,
    messages: [],
    include_usage: true,
    ...request,
  },
  model: "anthropic/claude",
  requestId: "r-1",
  now,
});

const answerOf = (parts: Part[], more: Partial<ChatAnswer> = {}): ChatAnswer => ({
  format: "anthropic-messages",
  id: "msg_1",
  model: "claude",
  created: 1_700_000_000,
  choices: [{
    index: 0,
    parts,
    finish: parts.some(({ type }) => type === "tool_call") ? "tool_calls" : "stop",
  }],
  usage: { input: 10, output: 5, cache_read: 4, cache_write: 1, reasoning: 2 },
  ...more,
});

const user = { role: "user" as const, content: "Hi" };
const thought: Part = {
  type: "reasoning",
  text: "I think",
  signature: { format: "anthropic-messages", value: "SIG" },
};
const secret: Part = {
  type: "reasoning",
  text: "",
  redacted: true,
  signature: { format: "anthropic-messages", value: "RED" },
};
const call: Part = {
  type: "tool_call",
  id: "toolu_1",
  name: "add",
  arguments: '{"a":1,"b":2}',
  signature: { format: "gemini", value: "G" },
};
const cited: Part = {
  type: "text",
  text: "It is so",
  citations: [{ type: "url", url: "https://a.example", title: "A", start: 0, end: 5 }],
};

/** What the SDK makes of an answer, whole and streamed. */
async function both(answer: ChatAnswer, request: Partial<ChatRequest> = {}) {
  const whole = codec.writeAnswer(answer, asked(request));
  const text = writeAll(codec.writeStream(asked(request)), [...eventsOf(answer)]);
  const plain = await sdk(() => Response.json(whole)).chat.completions.create({
    model: "m",
    messages: [user],
  });
  const stream = sdk(() => sse(text)).chat.completions.stream({ model: "m", messages: [user] });
  return { plain, streamed: await stream.finalChatCompletion() };
}

describe("Chat Completions: OpenAI's SDK", () => {
  const answers: [what: string, answer: ChatAnswer][] = [
    ["text", answerOf([{ type: "text", text: "Hello 👋" }])],
    ["thoughts and calls", answerOf([thought, secret, { type: "text", text: "So" }, call])],
    ["calls alone, one without arguments", answerOf([call, { ...call, id: "b", arguments: "{}" }])],
    ["citations", answerOf([cited])],
    ["a refusal", answerOf([{ type: "refusal", text: "No" }])],
    [
      "two choices and probabilities",
      answerOf([], {
        choices: [0, 1].map((index) => ({
          index,
          parts: [{ type: "text", text: "a" }],
          finish: "length",
          logprobs: [{
            token: "a",
            logprob: -0.5,
            bytes: [97],
            top: [{ token: "b", logprob: -1 }],
          }],
        })),
      }),
    ],
    [
      "a picture",
      answerOf([{ type: "image", source: { kind: "base64", mime: "image/png", data: "AAAA" } }]),
    ],
  ];
  for (const [what, answer] of answers) {
    it(`has the same of a stream as of the whole: ${what}`, async () => {
      const { plain, streamed } = await both(answer);
      const choices = (from: OpenAI.ChatCompletion) =>
        from.choices.map(({ index, finish_reason, logprobs, message }) => ({
          index,
          finish_reason,
          logprobs: logprobs?.content ?? null,
          ...message,
          content: message.content ?? "",
          refusal: message.refusal ?? null,
          // The SDK adds its own to what it streams.
          parsed: undefined,
          tool_calls: message.tool_calls?.map((one) =>
            one.type === "function"
              ? { ...one, function: { ...one.function, parsed_arguments: null } }
              : one
          ),
        }));
      assert.deepEqual(
        JSON.parse(JSON.stringify(choices(streamed))).map((one: Json) => ({
          ...one,
          parsed: null,
        })),
        JSON.parse(JSON.stringify(choices(plain))).map((one: Json) => ({ ...one, parsed: null })),
      );
      assert.deepEqual(streamed.usage, plain.usage);
      assert.equal(plain.id, "msg_1");
      assert.equal(plain.model, "claude");
    });

    it(`sends back what it got: ${what}`, async () => {
      const { plain, streamed } = await both(answer);
      for (const { choices } of [plain, streamed]) {
        const { message } = choices[0]!;
        const body = JSON.parse(JSON.stringify({ model: "m", messages: [user, message] }));
        const [, echoed] = codec.readRequest(body, {}).messages;
        const sent = answer.choices[0]!.parts.map((part) => {
          if (part.type !== "text") return part;
          const { citations: _, ...text } = part;
          return text;
        });
        assert.deepEqual(echoed!.parts, sent);
      }
    });
  }

  it("sees usage in OpenAI's figures", async () => {
    const { plain } = await both(answerOf([cited]));
    assert.deepEqual(plain.usage, {
      prompt_tokens: 10,
      completion_tokens: 5,
      total_tokens: 15,
      prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 1 },
      completion_tokens_details: { reasoning_tokens: 2 },
    });
    assert.deepEqual(plain.choices[0]!.message.annotations, [{
      type: "url_citation",
      url_citation: { start_index: 0, end_index: 5, title: "A", url: "https://a.example" },
    }]);
  });

  it("sees no usage in a stream that did not ask for it", async () => {
    const text = writeAll(
      codec.writeStream(asked({ include_usage: false })),
      [...eventsOf(answerOf([cited]))],
    );
    assert.ok(!text.includes("usage"));
    const stream = sdk(() => sse(text)).chat.completions.stream({ model: "m", messages: [user] });
    assert.equal((await stream.finalChatCompletion()).usage, undefined);
  });

  it("has the oldest words for calls where it asked with them", async () => {
    const { plain, streamed } = await both(answerOf([call]), { legacy_functions: true });
    for (const { choices: [choice] } of [plain, streamed]) {
      assert.equal(choice!.finish_reason, "function_call");
      assert.deepEqual({ ...choice!.message.function_call }, {
        name: "add",
        arguments: '{"a":1,"b":2}',
      });
    }
  });

  const finishes: [finish: ChatAnswer["choices"][0]["finish"], word: string, native?: string][] = [
    ["stop", "stop"],
    ["stop_sequence", "stop", "stop_sequence"],
    ["length", "length"],
    ["context_window", "length", "context_window"],
    ["tool_calls", "tool_calls"],
    ["content_filter", "content_filter"],
    ["refusal", "content_filter", "refusal"],
    ["pause", "stop", "pause"],
    ["malformed", "stop", "malformed"],
    ["error", "stop", "error"],
    ["other", "stop", "other"],
  ];
  for (const [finish, word, native] of finishes) {
    it(`sees '${word}' for '${finish}'`, async () => {
      const parts: Part[] = [{ type: "text", text: "a" }];
      const { plain, streamed } = await both(
        answerOf([], { choices: [{ index: 0, parts, finish }] }),
      );
      for (const { choices: [choice] } of [plain, streamed]) {
        assert.equal(choice!.finish_reason, word);
        const told = (choice as unknown as Json).native_finish_reason;
        assert.equal(told, native);
      }
    });
  }

  const faults: [FaultKind, number, string, string][] = [
    ["invalid_request", 400, "BadRequestError", "invalid_request_error"],
    ["authentication", 401, "AuthenticationError", "authentication_error"],
    ["permission", 403, "PermissionDeniedError", "permission_error"],
    ["not_found", 404, "NotFoundError", "invalid_request_error"],
    ["rate_limit", 429, "RateLimitError", "rate_limit_error"],
    ["billing", 429, "RateLimitError", "insufficient_quota"],
    ["overloaded", 503, "InternalServerError", "overloaded_error"],
    ["server", 502, "InternalServerError", "server_error"],
  ];
  for (const [kind, status, name, type] of faults) {
    it(`raises ${name} for '${kind}'`, async () => {
      const fault: ChatFault = { status, kind, message: "Told so", code: "c", param: "p" };
      const client = sdk(() => Response.json(codec.writeFault(fault, "r-1"), { status }));
      await assert.rejects(
        client.chat.completions.create({ model: "m", messages: [user] }),
        (error) => {
          assert.ok(error instanceof APIError);
          assert.equal(error.constructor.name, name);
          assert.deepEqual([error.type, error.code, error.param], [type, "c", "p"]);
          assert.match(error.message, /Told so/);
          return true;
        },
      );
    });
  }

  it("raises an error in the middle of a stream", async () => {
    const writer = codec.writeStream(asked());
    const [start, open, grow] = [...eventsOf(answerOf([{ type: "text", text: "a" }]))];
    const fault: ChatFault = { status: 429, kind: "rate_limit", message: "Slow down" };
    const text = writeAll(writer, [start!, open!, grow!, { type: "error", fault }]);
    const stream = await sdk(() => sse(text)).chat.completions.create({
      model: "m",
      messages: [user],
      stream: true,
    });
    let said = "";
    await assert.rejects(async () => {
      for await (const { choices } of stream) said += choices[0]?.delta.content ?? "";
    }, /Slow down/);
    assert.equal(said, "a");
    assert.equal(writer.write({ type: "end" }), "");
  });
});

describe("Chat Completions: the AI SDK", () => {
  const provider = (answers: ((body: Json) => Response)[]) =>
    createOpenAI({
      apiKey: "k",
      baseURL: "https://gateway.example/v1",
      fetch: (_, init) => Promise.resolve(answers.shift()!(JSON.parse(String(init!.body)) as Json)),
    }).chat("m");
  const add = tool({
    inputSchema: z.object({ a: z.number(), b: z.number() }),
    execute: ({ a, b }) => Promise.resolve(a + b),
  });

  it("calls tools and goes on", async () => {
    let second: Json | undefined;
    const { text } = await generateText({
      model: provider([
        () => Response.json(codec.writeAnswer(answerOf([thought, call]), asked())),
        (body) => {
          second = body;
          const said: Part = { type: "text", text: "It is 3" };
          return Response.json(codec.writeAnswer(answerOf([said]), asked()));
        },
      ]),
      tools: { add },
      stopWhen: stepCountIs(3),
      prompt: "1 + 2?",
    });
    assert.equal(text, "It is 3");
    const { messages } = codec.readRequest(second!, {});
    assert.deepEqual(messages.at(-1)!.parts, [
      { type: "tool_result", call_id: "toolu_1", content: [{ type: "text", text: "3" }] },
    ]);
  });

  it("streams text, calls and usage", async () => {
    const stream = (parts: Part[]) => () =>
      sse(writeAll(codec.writeStream(asked()), [...eventsOf(answerOf(parts))]));
    const result = streamText({
      model: provider([stream([thought, call]), stream([{ type: "text", text: "It is 3" }])]),
      tools: { add },
      stopWhen: stepCountIs(3),
      prompt: "1 + 2?",
    });
    assert.equal(await result.text, "It is 3");
    const [first] = await result.steps;
    assert.equal(first!.usage.inputTokens, 10);
    assert.equal(await result.finishReason, "stop");
  });
});
