/** Cohere's chats: recorded exchanges, requests of other formats, and what the official SDK reads. */
import { CohereClientV2, type CohereError } from "cohere-ai";
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import { assemble } from "../../core/unified/assemble.ts";
import type { ChatAnswer, ChatEvent, ChatRequest, Message, Part } from "../../core/unified/chat.ts";
import type { Asked, Target } from "../../core/unified/codec.ts";
import { cohereV2 as codec } from "../../core/unified/codecs/cohere.ts";
import { eventsOf } from "../../core/unified/events.ts";
import { framerFor } from "../../core/unified/framing.ts";
import { Lost } from "../../core/unified/lost.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";
import { check } from "./unified-anthropic.ts";

const target = (model = "command-a-03-2025"): Target => ({
  provider: "cohere",
  model,
  requestId: "0190-abcd",
  now: () => 0,
});
const asked: Asked = {
  request: codec.readRequest({ messages: [] }, {}),
  model: "m",
  requestId: "0190-abcd",
  now: () => 0,
};

/** One spelling for what may be said in several. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== "object" || value === null) return value;
  const said: Json = {};
  for (const [name, inner] of Object.entries(value as Json)) {
    if (name === "stream" && inner === false) continue;
    const parts = typeof inner === "string" ? [{ type: "text", text: inner }] : inner;
    if (name !== "content" || !Array.isArray(parts)) said[name] = normal(inner);
    else {
      const kept = parts.filter((part) => (part as Json).text !== "");
      if (kept.length > 0) said[name] = normal(kept);
    }
  }
  return said;
}

function read(bytes: Uint8Array): ChatEvent[] {
  const events: ChatEvent[] = [];
  const emit = (event: ChatEvent) => void events.push(event);
  const reader = codec.readStream(target());
  const framer = framerFor("text/event-stream", (event) => reader.event(event, emit));
  framer.push(bytes);
  framer.end();
  reader.end(emit);
  return events;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const sse = (...events: unknown[]) =>
  bytesOf(events.map((one) => `data: ${JSON.stringify(one)}\n\n`).join(""));
const jsons = (text: string): Json[] =>
  text.split("\n").filter((line) => line.startsWith("data: {")).map((line) =>
    JSON.parse(line.slice(6))
  );

function written(events: Iterable<ChatEvent>): string {
  const writer = codec.writeStream(asked);
  let text = "";
  for (const event of events) text += writer.write(event);
  return text;
}

const chats = fixtureNames().filter((name) => /^cohere\/.*v2-chat/.test(name)).map(loadFixture);

describe("Cohere: what was recorded", () => {
  for (const { name, status, requestBody, responseBody } of chats) {
    const text = responseBody.toString();
    if (requestBody !== undefined) {
      it(`request ${name} stays what it is`, () => {
        const body = JSON.parse(requestBody.toString());
        const lost = new Lost();
        const again = codec.writeRequest(codec.readRequest(body, {}), target(body.model), lost);
        assert.deepEqual(normal(again), normal(body));
        assert.deepEqual(lost.names, []);
      });
    }
    if (status !== 200) {
      it(`error ${name} is read`, () => {
        const fault = codec.readFault(status, JSON.parse(text));
        assert.equal(fault.message, JSON.parse(text).message);
        assert.equal(fault.status, status);
      });
    } else if (text.startsWith("{")) {
      it(`answer ${name} stays what it is`, () => {
        const body = JSON.parse(text.replaceAll('"arguments": "null"', '"arguments": "{}"'));
        assert.deepEqual(
          codec.writeAnswer(codec.readAnswer(JSON.parse(text), target()), asked),
          body,
        );
      });
    } else {
      it(`stream ${name} stays what it is`, () => {
        const events = read(responseBody);
        check(events);
        const calls = jsons(text).filter(({ type }) => type === "tool-call-delta").length;
        const same = jsons(written(events)).filter(({ type }) =>
          calls > 0 || type !== "tool-call-delta"
        );
        assert.deepEqual(same, jsons(text));
        for (const part of assemble(events).choices[0]?.parts ?? []) {
          if (part.type === "tool_call") JSON.parse(part.arguments);
        }
        const half = read(responseBody.subarray(0, responseBody.length / 2));
        check(half);
        assert.equal(half.at(-1)!.type, "error");
      });
    }
  }

  it("keeps every member that a client may say", () => {
    const body = {
      model: "command-a-reasoning-08-2025",
      messages: [
        { role: "system", content: "be" },
        {
          role: "user",
          content: [{ type: "text", text: "q" }, {
            type: "image_url",
            image_url: { url: "https://a", detail: "low" },
          }],
        },
        {
          role: "assistant",
          content: [{ type: "thinking", thinking: "hm" }],
          tool_plan: "plan",
          tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
        },
        {
          role: "tool",
          tool_call_id: "c",
          content: [{ type: "document", document: { id: "d", data: { any: 1 } } }],
        },
      ],
      stream: true,
      tools: [{
        type: "function",
        function: { name: "f", description: "d", parameters: { type: "object" } },
      }],
      strict_tools: true,
      tool_choice: "REQUIRED",
      documents: ["plain", { id: "x", data: { title: "t", text: "u" } }, {
        data: { snippet: "s" },
      }],
      max_tokens: 9,
      temperature: 0.5,
      p: 0.7,
      k: 3,
      seed: 1,
      frequency_penalty: 0.1,
      presence_penalty: 0.2,
      logprobs: true,
      stop_sequences: ["."],
      thinking: { type: "enabled", token_budget: 100 },
      citation_options: { mode: "FAST" },
      safety_mode: "STRICT",
      priority: 3,
    };
    const lost = new Lost();
    assert.deepEqual(
      codec.writeRequest(codec.readRequest(body, {}), target(body.model), lost),
      body,
    );
    assert.deepEqual(lost.names, []);
  });
});

describe("Cohere: results of tools", () => {
  it("may be documents whose data is text, of JSON or not", () => {
    const read = (data: unknown) =>
      codec.readRequest({
        model: "m",
        messages: [
          { role: "user", content: "Hi" },
          {
            role: "assistant",
            tool_calls: [{ id: "t", type: "function", function: { name: "f", arguments: "{}" } }],
          },
          {
            role: "tool",
            tool_call_id: "t",
            content: [{ type: "document", document: { data } }],
          },
        ],
      }, {}).messages.at(-1)!.parts[0]!;
    assert.deepEqual(read('{"city":"Paris"}'), read({ city: "Paris" }));
    assert.deepEqual(read("sunny"), read({ text: "sunny" }));
  });
});

describe("Cohere: what clients get wrong", () => {
  const rows: [Json, RegExp][] = [
    [{}, /'messages' is missing/],
    [{ messages: [{ role: "chatbot" }] }, /'messages\[0\].role' is 'chatbot'/],
    [{ messages: [{ role: "user", content: 5 }] }, /'messages\[0\].content' is a number/],
    [{ messages: [{ role: "tool", content: "" }] }, /tool_call_id' is missing/],
    [{ messages: [], documents: [5] }, /'documents\[0\]' is a number/],
    [{ messages: [], tool_choice: "auto" }, /'tool_choice' is 'auto'/],
    [{ messages: [], k: "5" }, /'k' is '5'/],
  ];
  for (const [body, message] of rows) {
    it(String(message), () => {
      assert.throws(
        () => codec.readRequest(body, {}),
        (error: Error & { status?: number }) => message.test(error.message) && error.status === 400,
      );
    });
  }
});

function convert(request: Partial<ChatRequest> & { messages: Message[] }, model?: string) {
  const lost = new Lost();
  const whole: ChatRequest = { format: "openai-chat", model: "m", stream: false, ...request };
  return { body: codec.writeRequest(whole, target(model), lost), lost: lost.names };
}
const says = (text: string): Message => ({ role: "user", parts: [{ type: "text", text }] });

describe("Cohere: requests of other formats", () => {
  it("splits a user's turn, and puts documents beside the conversation", () => {
    const { body, lost } = convert({
      messages: [
        { role: "developer", parts: [{ type: "text", text: "be" }] },
        {
          role: "assistant",
          parts: [
            {
              type: "reasoning",
              text: "own",
              signature: { format: "cohere-v2", value: "thinking" },
            },
            { type: "reasoning", text: "foreign", signature: { format: "gemini", value: "x" } },
            { type: "text", text: "let me see" },
            { type: "tool_call", id: "c", name: "f", arguments: "" },
          ],
        },
        {
          role: "user",
          parts: [
            {
              type: "tool_result",
              call_id: "c",
              content: [
                { type: "text", text: "a" },
                { type: "text", text: "b" },
                { type: "image", source: { kind: "base64", mime: "image/png", data: "aGk=" } },
              ],
            },
            { type: "text", text: "q" },
            {
              type: "document",
              name: "t",
              source: { kind: "base64", mime: "text/plain", data: btoa("doc") },
            },
            { type: "document", source: { kind: "base64", mime: "application/pdf", data: "" } },
          ],
        },
      ],
    });
    assert.deepEqual(body.messages, [
      { role: "system", content: "be" },
      {
        role: "assistant",
        content: [{ type: "thinking", thinking: "own" }],
        tool_plan: "let me see",
        tool_calls: [{ id: "c", type: "function", function: { name: "f", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "c", content: "a\nb" },
      {
        role: "user",
        content: [
          { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } },
          { type: "text", text: "q" },
        ],
      },
    ]);
    assert.deepEqual(body.documents, [{ id: "doc:0", data: { title: "t", text: "doc" } }]);
    assert.deepEqual(lost, ["messages.document"]);
  });

  const tool = (name: string, strict = false) => ({
    type: "function" as const,
    name,
    parameters: {
      type: "object",
      properties: { a: { type: "integer", minimum: 2 } },
      required: ["a"],
    },
    ...strict && { strict },
  });

  it("chooses among tools, and gives a shape beside them by a tool of its own", () => {
    const named = convert({
      messages: [says("q")],
      tools: [tool("f"), tool("g")],
      tool_choice: { type: "tool", name: "g" },
    });
    assert.equal(named.body.tool_choice, "REQUIRED");
    assert.equal((named.body.tools as Json[]).length, 1);
    const strict = convert({ messages: [says("q")], tools: [tool("f", true)] });
    assert.equal(strict.body.strict_tools, true);
    assert.deepEqual(strict.lost, ["tools.parameters.minimum"]);
    assert.deepEqual(convert({ messages: [says("q")], tools: [tool("f", true), tool("g")] }).lost, [
      "tools.strict",
    ]);
    const output = { type: "json_schema", schema: tool("").parameters } as const;
    const alone = convert({ messages: [says("q")], output });
    assert.equal((alone.body.response_format as Json).type, "json_object");
    const beside = convert({ messages: [says("q")], output, tools: [tool("f")] });
    assert.equal(beside.body.response_format, undefined);
    assert.match(JSON.stringify(beside.body.tools), /sluice_answer/);
    assert.equal(beside.body.tool_choice, "REQUIRED");
  });

  it("spells settings, and tells what is lost", () => {
    const { body, lost } = convert({
      messages: [says("q")],
      top_p: 1,
      top_k: 7,
      temperature: 1.2,
      presence_penalty: -1,
      frequency_penalty: 0,
      stop: ["a", "b", "c", "d", "e", "f"],
      n: 2,
      user: "u",
      top_logprobs: 3,
      logprobs: true,
      reasoning: { effort: "high" },
      service_tier: "flex",
      extra: { other: 1 },
    });
    const { messages: _, ...rest } = body;
    assert.deepEqual(rest, {
      model: "command-a-03-2025",
      temperature: 1,
      p: 0.99,
      k: 7,
      logprobs: true,
      stop_sequences: ["a", "b", "c", "d", "e"],
    });
    assert.deepEqual(lost.toSorted(), [
      "n",
      "other",
      "presence_penalty",
      "reasoning",
      "service_tier",
      "stop",
      "temperature",
      "top_logprobs",
      "user",
    ]);
    const thinks = (reasoning: ChatRequest["reasoning"]) =>
      convert({ messages: [says("q")], reasoning: reasoning! }, "command-a-reasoning-08-2025").body
        .thinking;
    assert.deepEqual(thinks({ effort: "low" }), { type: "enabled", token_budget: 1024 });
    assert.deepEqual(thinks({ effort: "none" }), { type: "disabled" });
    assert.deepEqual(thinks({ budget: 500 }), { type: "enabled", token_budget: 500 });
  });
});

/** The official client, to which an answer comes. */
function client(status: number, type: string, body: string): CohereClientV2 {
  return new CohereClientV2({
    token: "t",
    maxRetries: 0,
    fetch: () => Promise.resolve(new Response(body, { status, headers: { "content-type": type } })),
  } as never);
}

const answer: ChatAnswer = {
  format: "gemini",
  id: "i",
  model: "m",
  choices: [{
    index: 0,
    finish: "tool_calls",
    parts: [
      {
        type: "reasoning",
        text: "hm…",
        id: "rs_1",
        signature: { format: "openai-responses", value: "enc" },
      },
      {
        type: "reasoning",
        text: "",
        redacted: true,
        signature: { format: "anthropic-messages", value: "x" },
      },
      {
        type: "text",
        text: "Grüße",
        citations: [{ type: "url", url: "https://a.b/c", title: "t" }],
      },
      {
        type: "tool_call",
        id: "c1",
        name: "f",
        arguments: '{"a":1}',
        signature: { format: "gemini", value: "g" },
      },
      { type: "tool_call", id: "c2", name: "g", arguments: "{}" },
    ],
  }],
  usage: { input: 10, output: 5, cache_read: 4 },
};

describe("Cohere: what the official client reads", () => {
  it("whole answers, which keep signatures on their way back", async () => {
    const body = JSON.stringify(codec.writeAnswer(answer, asked));
    const sent: Json[] = [];
    const fetch = (_: unknown, init: { body: string }) => {
      sent.push(JSON.parse(init.body));
      return Promise.resolve(
        new Response(body, { headers: { "content-type": "application/json" } }),
      );
    };
    const sdk = new CohereClientV2({ token: "t", maxRetries: 0, fetch } as never);
    const told = await sdk.chat({ model: "m", messages: [] });
    assert.equal(told.finishReason, "TOOL_CALL");
    assert.equal(told.message.toolCalls![0]!.function!.arguments, '{"a":1}');
    assert.equal(told.usage!.cachedTokens, 4);
    assert.equal(told.message.citations![0]!.text, "Grüße");
    await sdk.chat({ model: "m", messages: [told.message] });
    const { messages } = codec.readRequest(sent[1]!, {});
    const signed = (parts: Part[]) =>
      parts.map((
        part,
      ) => [part.type, "signature" in part ? part.signature : undefined, "id" in part && part.id]);
    assert.deepEqual(signed(messages[0]!.parts), signed(answer.choices[0]!.parts));
  });

  it("streams", async () => {
    const text = written(eventsOf(answer));
    assert.match(text, /data: \[DONE\]\n\n$/);
    const stream = await client(200, codec.streamType, text).chatStream({
      model: "m",
      messages: [],
    });
    const types: string[] = [];
    let said = "";
    let args = "";
    for await (const event of stream) {
      types.push(event.type);
      if (event.type === "content-delta") said += event.delta?.message?.content?.text ?? "";
      if (event.type === "tool-call-delta") {
        args += event.delta?.message?.toolCalls?.function?.arguments ?? "";
      }
      if (event.type === "citation-start") {
        assert.equal(event.delta?.message?.citations?.text, "Grüße");
      }
      if (event.type === "message-end") assert.equal(event.delta?.finishReason, "TOOL_CALL");
    }
    assert.equal(said, "Grüße");
    assert.equal(args, '{"a":1}{}');
    assert.deepEqual([types[0], types.at(-1)], ["message-start", "message-end"]);
  });

  it("errors, by their class", async () => {
    for (
      const [status, name] of [[400, "BadRequestError"], [401, "UnauthorizedError"], [
        429,
        "TooManyRequestsError",
      ]] as const
    ) {
      const body = codec.writeFault({ status, kind: "server", message: "no" }, "id");
      await assert.rejects(
        client(status, "application/json", JSON.stringify(body)).chat({ model: "m", messages: [] }),
        (error: CohereError) =>
          error.constructor.name === name && (error.body as Json).message === "no",
      );
    }
    const fault = { status: 503, kind: "overloaded", message: "busy" } as const;
    const [, end] = jsons(written([{ type: "error", fault }]));
    assert.deepEqual(end!.delta, { finish_reason: "ERROR", error: "busy" });
  });
});

describe("Cohere: streams that are not as they should be", () => {
  const start = { type: "message-start", id: "i", delta: { message: {} } };
  const end = { type: "message-end", delta: { finish_reason: "TOOL_CALL" } };
  const open = (name: string) => ({
    type: "tool-call-start",
    delta: { message: { tool_calls: { id: "c", function: { name, arguments: "" } } } },
  });
  const grow = (text: unknown) => ({
    type: "tool-call-delta",
    delta: { message: { tool_calls: { function: { arguments: text } } } },
  });
  const close = { type: "tool-call-end" };
  const partsOf = (...events: unknown[]) => {
    const all = read(sse(start, ...events, end));
    check(all);
    assert.equal(all.at(-1)!.type, "end");
    return assemble(all).choices[0]!;
  };

  it("calls whose arguments are null, the answer's own tool, and one of free text", () => {
    for (const pieces of [[], ["null"], ["nu", "ll"]]) {
      const { parts } = partsOf(open("f"), ...pieces.map(grow), close);
      assert.deepEqual(parts, [{ type: "tool_call", id: "c", name: "f", arguments: "{}" }]);
    }
    const json = partsOf(open("sluice_answer"), grow('{"a":'), grow("1}"), close);
    assert.deepEqual(json.parts, [{ type: "text", text: '{"a":1}' }]);
    assert.equal(json.finish, "stop");
    const free = partsOf(open("p__freeform"), grow('{"input":"x'), grow('y"}'), close);
    assert.deepEqual(free.parts, [{
      type: "tool_call",
      id: "c",
      name: "p",
      arguments: "xy",
      custom: true,
    }]);
  });

  it("citations that come after the text", () => {
    const content = (text: string) => ({ delta: { message: { content: { type: "text", text } } } });
    const source = { type: "document", id: "doc:1", document: { title: "t", url: "https://a" } };
    const { parts } = partsOf(
      { type: "content-start", ...content("") },
      { type: "content-delta", ...content("abc") },
      { type: "content-end" },
      {
        type: "citation-start",
        delta: { message: { citations: { start: 0, end: 2, sources: [source] } } },
      },
      { type: "citation-end" },
    );
    assert.deepEqual(parts, [{
      type: "text",
      text: "abc",
      citations: [{
        type: "url",
        start: 0,
        end: 2,
        url: "https://a",
        title: "t",
        document_index: 1,
        extra: { source },
      }],
    }]);
  });

  it("what would be lost is an error, what is new is passed over", () => {
    const ends = (...events: unknown[]) => read(sse(start, ...events)).at(-1)!;
    assert.equal(ends(grow("{")).type, "error");
    assert.equal(ends({ type: "content-delta", delta: {} }).type, "error");
    assert.equal(ends(open("f"), grow(5)).type, "error");
    assert.equal(ends({ message: "invalid" }).type, "error");
    assert.equal(ends({ type: "debug", prompt: "" }, end).type, "end");
    const failed = ends({
      type: "message-end",
      delta: { finish_reason: "ERROR", error: "bad", error_type: "T" },
    });
    assert.deepEqual(failed, {
      type: "error",
      fault: { status: 502, kind: "server", message: "bad", code: "T", param: null },
    });
    assert.equal(read(bytesOf(`data: {"type":\n\n`)).at(-1)!.type, "error");
  });

  it("mutated events never throw, hang or end in silence", () => {
    const values = [null, 0, -1, "x", "{", [], {}, true];
    let seed = 11;
    const random = (below: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % below;
    const mutated = (value: unknown): unknown => {
      if (random(12) === 0) return values[random(values.length)];
      if (typeof value !== "object" || value === null) return value;
      if (Array.isArray(value)) return value.map(mutated);
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [name, mutated(inner)]),
      );
    };
    const all = chats.flatMap(({ responseBody }) => jsons(responseBody.toString()));
    for (let round = 0; round < 400; round++) {
      const from = random(all.length);
      const events = read(sse(start, ...all.slice(from, from + 30).map(mutated)));
      check(events);
      written(events);
    }
    for (
      const message of [null, 5, [], { content: 5 }, {
        content: [null, { text: 1 }],
        tool_calls: [1],
      }]
    ) {
      codec.readAnswer({ message, usage: 1, finish_reason: {} } as Json, target());
    }
  });
});
