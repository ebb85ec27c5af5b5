/** What is written for Google's clients, as Google's SDK reads it; and what it sends back. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { ApiError, type Content, FunctionCallingConfigMode, GoogleGenAI } from "@google/genai";
import type { CallableTool } from "@google/genai";
import type {
  ChatAnswer,
  ChatEvent,
  ChatRequest,
  Citation,
  FaultKind,
  Finish,
  Part,
  Signature,
} from "../../core/unified/chat.ts";
import { gemini, geminiArray } from "../../core/unified/codecs/gemini.ts";
import {
  readCountAnswer,
  readCountRequest,
  writeCountAnswer,
} from "../../core/unified/codecs/gemini/count.ts";
import {
  readEmbed,
  readEmbedAnswer,
  writeEmbed,
  writeEmbedAnswer,
} from "../../core/unified/codecs/gemini/embed.ts";
import { Lost } from "../../core/unified/lost.ts";
import { eventsOf } from "../../core/unified/events.ts";
import { writeAll } from "../support/chat-events.ts";
import { answer, asked, type Json } from "./unified-gemini.ts";

/** An SDK whose requests are read by the codec, and answered by a function. */
function sdk(reply: (request: ChatRequest, body: Json, url: string) => Response): GoogleGenAI {
  return new GoogleGenAI({
    apiKey: "k",
    httpOptions: {
      baseUrl: "https://gateway.example",
      fetch: (input: unknown, init?: { body?: unknown }) => {
        const url = String(input instanceof Request ? input.url : input);
        const body = JSON.parse(String(init!.body)) as Json;
        const stream = url.includes(":streamGenerateContent?alt=sse");
        const chat = /enerateContent/.test(url)
          ? gemini.readRequest(body, { model: "m", stream })
          : readNothing;
        return Promise.resolve(reply(chat, body, url));
      },
    },
  });
}

const readNothing: ChatRequest = { format: "gemini", model: "m", stream: false, messages: [] };

const whole = (answer: ChatAnswer) => Response.json(gemini.writeAnswer(answer, asked()));
const sse = (text: string) =>
  new Response(text, { headers: { "content-type": gemini.streamType } });
const streamed = (events: Iterable<ChatEvent>) =>
  sse(writeAll(gemini.writeStream(asked()), [...events]));

/** Whole or as a stream, whatever was asked. */
const reply = ({ stream }: ChatRequest, one: ChatAnswer) =>
  stream ? streamed(eventsOf(one)) : whole(one);

const text = (text: string): Part => ({ type: "text", text });
const claude = (value: string): Signature => ({ format: "anthropic-messages", value });
const ask = { model: "m", contents: "Hi" };

describe("an answer, as Google's SDK reads it", () => {
  const call: Part = { type: "tool_call", id: "toolu_1", name: "f", arguments: '{"a":{"b":1}}' };
  const full = answer([
    { type: "reasoning", text: "Hm", signature: claude("s+/=") },
    text("Hello "),
    text("you"),
    { type: "image", source: { kind: "base64", mime: "image/png", data: "AAEC" } },
    call,
  ], {
    usage: { input: 10, output: 9, reasoning: 4, cache_read: 3, total: 19 },
  });
  full.choices[0]!.finish = "tool_calls";

  for (const stream of [false, true]) {
    it(`is all there${stream ? " in a stream" : ""}`, async () => {
      const ai = sdk((request) => reply(request, full));
      const chunks = stream
        ? await Array.fromAsync(await ai.models.generateContentStream(ask))
        : [await ai.models.generateContent(ask)];
      const said = chunks.map((chunk) => chunk.candidates![0]!.content!.parts!).flat();
      assert.equal(
        said.filter(({ thought }) => !thought).map(({ text = "" }) => text).join(""),
        "Hello you",
      );
      assert.equal(said.filter(({ thought }) => thought).map(({ text }) => text).join(""), "Hm");
      assert.deepEqual(chunks.flatMap(({ functionCalls = [] }) => functionCalls), [
        { id: "toolu_1", name: "f", args: { a: { b: 1 } } },
      ]);
      assert.deepEqual(said.find(({ inlineData }) => inlineData)?.inlineData, {
        mimeType: "image/png",
        data: "AAEC",
      });
      const last = chunks.at(-1)!;
      assert.equal(last.candidates![0]!.finishReason, "STOP");
      assert.equal(last.responseId, "a1");
      assert.equal(last.modelVersion, "claude-x");
      assert.deepEqual({ ...last.usageMetadata }, {
        promptTokenCount: 10,
        candidatesTokenCount: 5,
        thoughtsTokenCount: 4,
        totalTokenCount: 19,
        cachedContentTokenCount: 3,
      });
    });

    it(`has its sources where they are in bytes${stream ? ", in a stream" : ""}`, async () => {
      const url = "https://x.example/";
      const citations: Citation[] = [
        { type: "url", url, title: "X", start: 4, end: 8 },
        { type: "document", title: "Doc", cited_text: "words" },
      ];
      const ai = sdk((request) =>
        reply(request, answer([{ type: "text", text: "Größe: 5", citations }]))
      );
      const last = stream
        ? (await Array.fromAsync(await ai.models.generateContentStream(ask))).at(-1)!
        : await ai.models.generateContent(ask);
      assert.deepEqual(last.candidates![0]!.groundingMetadata, {
        groundingChunks: [
          { web: { uri: url, title: "X" } },
          { retrievedContext: { title: "Doc", text: "words" } },
        ],
        groundingSupports: [
          { segment: { startIndex: 6, endIndex: 10, text: "e: 5" }, groundingChunkIndices: [0] },
          {
            segment: { startIndex: 0, endIndex: 10, text: "Größe: 5" },
            groundingChunkIndices: [1],
          },
        ],
      });
    });

    it(`has its probabilities${stream ? " in a stream" : ""}`, async () => {
      const one = answer([text("ab")]);
      one.choices[0]!.logprobs = [
        { token: "a", logprob: -1, top: [{ token: "a", logprob: -1 }] },
        { token: "b", logprob: -3 },
      ];
      const ai = sdk((request) => reply(request, one));
      const chunks = stream
        ? await Array.fromAsync(await ai.models.generateContentStream(ask))
        : [await ai.models.generateContent(ask)];
      const candidate = chunks[0]!.candidates![0]!;
      assert.equal(candidate.avgLogprobs, -2);
      assert.deepEqual(candidate.logprobsResult, {
        chosenCandidates: [{ token: "a", logProbability: -1 }, { token: "b", logProbability: -3 }],
        topCandidates: [{ candidates: [{ token: "a", logProbability: -1 }] }, { candidates: [] }],
      });
    });
  }

  it("gives several choices, each with its index", async () => {
    const one = answer([text("first")]);
    one.choices.push({ index: 1, parts: [text("second")], finish: "length" });
    const ai = sdk((request) => reply(request, one));
    const chunks = await Array.fromAsync(await ai.models.generateContentStream(ask));
    const all = chunks.flatMap(({ candidates = [] }) => candidates);
    const said = [0, 1].map((i) =>
      all.filter(({ index }) => index === i).map(({ content }) => content!.parts![0]!.text).join("")
    );
    assert.deepEqual(said, ["first", "second"]);
    assert.deepEqual(all.flatMap(({ finishReason = [] }) => finishReason), ["STOP", "MAX_TOKENS"]);
  });

  const finishes: [Finish, string][] = [
    ["stop", "STOP"],
    ["stop_sequence", "STOP"],
    ["tool_calls", "STOP"],
    ["length", "MAX_TOKENS"],
    ["context_window", "MAX_TOKENS"],
    ["content_filter", "SAFETY"],
    ["refusal", "SAFETY"],
    ["malformed", "MALFORMED_FUNCTION_CALL"],
    ["pause", "OTHER"],
    ["error", "OTHER"],
    ["other", "OTHER"],
  ];
  for (const [finish, reason] of finishes) {
    it(`ends with ${reason} for ${finish}`, async () => {
      const one = answer([]);
      one.choices[0]!.finish = finish;
      const ai = sdk((request) => reply(request, one));
      const plain = await ai.models.generateContent(ask);
      const [last] = await Array.fromAsync(await ai.models.generateContentStream(ask));
      assert.equal(plain.candidates![0]!.finishReason, reason);
      assert.equal(last!.candidates![0]!.finishReason, reason);
    });
  }

  it("speaks while it comes", () => {
    const part = 0;
    const choice = 0;
    const source = { kind: "base64" as const, mime: "audio/pcm", data: "" };
    const chunks = writeAll(gemini.writeStream(asked()), [
      { type: "start", id: "1", model: "m" },
      { type: "part_start", choice, part, value: { type: "audio", source } },
      { type: "data", choice, part, data: "AAAA" },
      { type: "text", choice, part, text: "Hel" },
      { type: "data", choice, part, data: "AQID" },
      { type: "text", choice, part, text: "lo" },
      { type: "part_end", choice, part },
      { type: "finish", choice, finish: "stop" },
      { type: "end" },
    ]).split("\r\n\r\n").filter(Boolean).map((event) => JSON.parse(event.slice(6)));
    assert.deepEqual(chunks.map(({ candidates }) => candidates[0].content.parts[0]), [
      { inlineData: { mimeType: "audio/pcm", data: "AAAA" } },
      { inlineData: { mimeType: "audio/pcm", data: "AQID" } },
      { audioTranscription: { text: "Hello" } },
      { text: "" },
    ]);
  });

  it("says what it spoke", () => {
    const source = { kind: "base64" as const, mime: "audio/pcm", data: "AAAA" };
    const spoken = answer([{ type: "audio", source, transcript: "Hello" }], { format: "gemini" });
    const body = JSON.parse(JSON.stringify(gemini.writeAnswer(spoken, asked())));
    assert.deepEqual(body.candidates[0].content.parts, [{
      inlineData: { mimeType: "audio/pcm", data: "AAAA" },
      audioTranscription: { text: "Hello" },
    }]);
    const target = { provider: "p", model: "m", requestId: "r", now: () => 0 };
    assert.deepEqual(gemini.readAnswer(body, target).choices, spoken.choices);
  });

  it("is one array for those who do not ask for events", () => {
    const events = [...eventsOf(answer([text("a"), call]))];
    const writer = geminiArray.writeStream(asked());
    const pieces = events.map((event) => writer.write(event)).filter((piece) => piece !== "");
    assert.ok(String(pieces[0]).startsWith("[{"));
    assert.ok(pieces.slice(1).every((piece) => String(piece).startsWith(",\r\n{")));
    const all = JSON.parse(pieces.join("")) as unknown[];
    assert.equal(all.length, 3);
    assert.equal(geminiArray.streamType, "application/json");
    const fault = { status: 503, kind: "overloaded" as const, message: "Busy" };
    const failed = geminiArray.writeStream(asked()).write({ type: "error", fault });
    assert.equal(JSON.parse(String(failed))[0].error.code, 503);
  });
});

describe("a conversation that Google's SDK keeps", () => {
  /** Two turns: the model thinks and calls, then it answers. */
  function twoTurns(seen: ChatRequest[]) {
    return sdk((request) => {
      seen.push(request);
      if (seen.length > 1) return reply(request, answer([text("Done")]));
      if (!request.stream) {
        return whole(answer([
          { type: "reasoning", text: "I think so", signature: claude("a/b+c==") },
          { type: "reasoning", text: "", redacted: true, signature: claude("hidden") },
          { type: "tool_call", id: "toolu_1", name: "add", arguments: '{"a":1,"b":2}' },
        ]));
      }
      const choice = 0;
      return streamed([
        { type: "start", id: "1", model: "m" },
        { type: "part_start", choice, part: 0, value: { type: "reasoning", text: "" } },
        { type: "text", choice, part: 0, text: "I thi" },
        { type: "text", choice, part: 0, text: "nk so" },
        { type: "signature", choice, part: 0, signature: claude("a/b+c==") },
        { type: "part_end", choice, part: 0 },
        {
          type: "part_start",
          choice,
          part: 1,
          value: { type: "reasoning", text: "", redacted: true, signature: claude("hidden") },
        },
        { type: "part_end", choice, part: 1 },
        {
          type: "part_start",
          choice,
          part: 2,
          value: { type: "tool_call", id: "toolu_1", name: "add", arguments: "" },
        },
        { type: "arguments", choice, part: 2, text: '{"a":1,' },
        { type: "arguments", choice, part: 2, text: '"b":2}' },
        { type: "part_end", choice, part: 2 },
        { type: "finish", choice, finish: "tool_calls" },
        { type: "end" },
      ]);
    });
  }

  const thought: Part[] = [
    { type: "reasoning", text: "I think so", signature: claude("a/b+c==") },
    { type: "reasoning", text: "", signature: claude("hidden") },
    { type: "tool_call", id: "toolu_1", name: "add", arguments: '{"a":1,"b":2}' },
  ];

  it("brings another provider's signatures back when the SDK calls functions by itself", async () => {
    const seen: ChatRequest[] = [];
    const add: CallableTool = {
      tool: () =>
        Promise.resolve({
          functionDeclarations: [{ name: "add", parametersJsonSchema: { type: "object" } }],
        }),
      callTool: (calls) =>
        Promise.resolve(calls.map(({ id, name, args }) => ({
          functionResponse: {
            ...id !== undefined && { id },
            name: name!,
            response: { output: String(Number(args!.a) + Number(args!.b)) },
          },
        }))),
    };
    const chat = twoTurns(seen).chats.create({ model: "m", config: { tools: [add] } });
    const done = await chat.sendMessage({ message: "1 + 2?" });
    assert.equal(done.text, "Done");
    assert.deepEqual(seen[1]!.messages, [
      { role: "user", parts: [text("1 + 2?")] },
      { role: "assistant", parts: thought },
      {
        role: "user",
        parts: [{ type: "tool_result", call_id: "toolu_1", name: "add", content: [text("3")] }],
      },
    ]);
    await chat.sendMessage({ message: "Thanks" });
    assert.deepEqual(seen[2]!.messages.map(({ role }) => role), [
      "user",
      "assistant",
      "user",
      "assistant",
      "user",
    ]);
  });

  it("brings them back after a stream", async () => {
    const seen: ChatRequest[] = [];
    const chat = twoTurns(seen).chats.create({ model: "m" });
    await Array.fromAsync(await chat.sendMessageStream({ message: "1 + 2?" }));
    const response = { id: "toolu_1", name: "add", response: { output: "3" } };
    await chat.sendMessage({ message: { functionResponse: response } });
    assert.deepEqual(seen[1]!.messages[1], { role: "assistant", parts: thought });
    const [result] = seen[1]!.messages[2]!.parts;
    assert.equal(result!.type === "tool_result" && result!.call_id, "toolu_1");
  });

  it("keeps signatures in base64, as other SDKs of Google's want them", async () => {
    const ai = sdk((request) => reply(request, answer(thought)));
    const { candidates } = await ai.models.generateContent(ask);
    const signatures = candidates![0]!.content!.parts!.flatMap(({ thoughtSignature = [] }) =>
      thoughtSignature
    );
    assert.equal(signatures.length, 2);
    for (const one of signatures) {
      // Python's gives them back in the other alphabet.
      const other = one.replaceAll("+", "-").replaceAll("/", "_");
      assert.equal(btoa(atob(one)), one);
      const contents = [{
        role: "model",
        parts: [{ thought: true, text: "", thoughtSignature: other }],
      }];
      const [part] = gemini.readRequest({ contents }, {}).messages[0]!.parts;
      assert.equal(part!.type === "reasoning" && part!.signature?.format, "anthropic-messages");
    }
  });
});

describe("errors, as Google's SDK raises them", () => {
  const kinds: [FaultKind, number, string][] = [
    ["invalid_request", 400, "INVALID_ARGUMENT"],
    ["authentication", 401, "UNAUTHENTICATED"],
    ["billing", 402, "FAILED_PRECONDITION"],
    ["permission", 403, "PERMISSION_DENIED"],
    ["not_found", 404, "NOT_FOUND"],
    ["too_large", 413, "INVALID_ARGUMENT"],
    ["rate_limit", 429, "RESOURCE_EXHAUSTED"],
    ["overloaded", 503, "UNAVAILABLE"],
    ["timeout", 504, "DEADLINE_EXCEEDED"],
    ["server", 500, "INTERNAL"],
  ];
  for (const [kind, status, word] of kinds) {
    it(`${kind} is ${status} ${word}, before and in a stream`, async () => {
      const fault = { status, kind, message: "Not so", code: "why", param: "contents" };
      const check = (error: unknown) => {
        assert.ok(error instanceof ApiError);
        assert.equal(error.status, status);
        assert.ok(error.message.includes(`"status":"${word}"`) && error.message.includes("Not so"));
        return true;
      };
      const body = gemini.writeFault(fault, "r");
      assert.deepEqual((body.error as Json).details, [
        { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "why", domain: "sluice" },
        {
          "@type": "type.googleapis.com/google.rpc.BadRequest",
          fieldViolations: [{ field: "contents", description: "Not so" }],
        },
      ]);
      const refusing = sdk(() => Response.json(body, { status }));
      await assert.rejects(refusing.models.generateContent(ask), check);
      const breaking = sdk(() =>
        streamed([
          { type: "start", id: "1", model: "m" },
          { type: "part_start", choice: 0, part: 0, value: text("Hel") },
          { type: "error", fault },
        ])
      );
      const stream = await breaking.models.generateContentStream(ask);
      let said = "";
      await assert.rejects(async () => {
        for await (const chunk of stream) said += chunk.text;
      }, check);
      assert.equal(said, "Hel");
      // And Google's own are read so.
      const read = gemini.readFault(status, JSON.parse(JSON.stringify(body)));
      const same = kind === "billing" || kind === "too_large" ? "invalid_request" : kind;
      assert.deepEqual(read, { ...fault, kind: same });
    });
  }

  it("are read from bodies of any kind", () => {
    assert.deepEqual(gemini.readFault(404, "<html><title>Error 404 (Not Found)!!1</title>"), {
      status: 404,
      kind: "not_found",
      message: "Error 404 (Not Found)!!1",
      code: null,
      param: null,
    });
    const error = { code: 429, message: "Slow down", status: "RESOURCE_EXHAUSTED" };
    assert.equal(gemini.readFault(429, [{ error }]).kind, "rate_limit");
    assert.equal(gemini.readFault(500, undefined).message, "The provider answered with status 500");
    const key = {
      code: 400,
      message: "API key not valid. Please pass a valid API key.",
      status: "INVALID_ARGUMENT",
      details: [{ reason: "API_KEY_INVALID" }],
    };
    const { status, kind, code } = gemini.readFault(400, { error: key });
    assert.deepEqual([status, kind, code], [401, "authentication", "API_KEY_INVALID"]);
    const long = {
      code: 400,
      status: "INVALID_ARGUMENT",
      message: "The input token count (9) exceeds the maximum number of tokens allowed (8).",
    };
    assert.equal(gemini.readFault(400, { error: long }).code, "context_length_exceeded");
  });

  it("come in the middle of a provider's stream as well", () => {
    const read: ChatEvent[] = [];
    const reader = gemini.readStream({ provider: "p", model: "m", requestId: "r", now: () => 0 });
    const emit = (event: ChatEvent) => void read.push(event);
    reader.event({ json: { candidates: [{ content: { parts: [{ text: "a" }] } }] } }, emit);
    reader.event({ json: { error: { code: 503, message: "Busy", status: "UNAVAILABLE" } } }, emit);
    reader.event({ json: { candidates: [] } }, emit);
    reader.end(emit);
    assert.deepEqual(read.at(-1), {
      type: "error",
      fault: { status: 503, kind: "overloaded", message: "Busy", code: "UNAVAILABLE", param: null },
    });
    assert.equal(read.filter(({ type }) => type === "error").length, 1);
  });

  it("are none where the prompt was refused: that is an answer", () => {
    const body = {
      promptFeedback: { blockReason: "PROHIBITED_CONTENT" },
      usageMetadata: { promptTokenCount: 3, totalTokenCount: 3 },
    };
    const target = { provider: "p", model: "m", requestId: "r", now: () => 0 };
    const plain = gemini.readAnswer(body, target);
    assert.deepEqual(plain.choices, [{
      index: 0,
      parts: [{ type: "refusal", text: "PROHIBITED_CONTENT" }],
      finish: "content_filter",
    }]);
    const again = JSON.parse(JSON.stringify(gemini.writeAnswer(plain, asked())));
    assert.equal("candidates" in again, false);
    assert.deepEqual(again.promptFeedback, body.promptFeedback);
    const read: ChatEvent[] = [];
    const reader = gemini.readStream(target);
    reader.event({ json: body }, (event) => void read.push(event));
    reader.end((event) => void read.push(event));
    assert.deepEqual(read.map(({ type }) => type), [
      "start",
      "part_start",
      "part_end",
      "finish",
      "usage",
      "end",
    ]);
  });
});

describe("what else Google's SDK asks for", () => {
  it("sends what the codec reads", async () => {
    let seen: ChatRequest | undefined;
    const ai = sdk((request) => {
      seen = request;
      return whole(answer([text("{}")]));
    });
    const contents: Content[] = [{ role: "user", parts: [{ text: "Hi" }] }];
    await ai.models.generateContent({
      model: "m",
      contents,
      config: {
        systemInstruction: "Be brief",
        temperature: 0.1,
        responseMimeType: "application/json",
        responseJsonSchema: { type: "object" },
        thinkingConfig: { thinkingBudget: 128, includeThoughts: true },
        tools: [{ googleSearch: {} }, { functionDeclarations: [{ name: "f" }] }],
        toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.AUTO } },
      },
    });
    assert.deepEqual(seen, {
      format: "gemini",
      model: "m",
      stream: false,
      messages: [
        { role: "system", parts: [text("Be brief")] },
        { role: "user", parts: [text("Hi")] },
      ],
      temperature: 0.1,
      output: { type: "json_schema", schema: { type: "object" } },
      reasoning: { budget: 128, visible: true },
      tools: [{ type: "web_search" }, { type: "function", name: "f" }],
      tool_choice: { type: "auto" },
    });
  });

  it("has its tokens counted", async () => {
    const ai = sdk((_, body, url) => {
      assert.ok(url.includes(":countTokens"));
      assert.equal(readCountRequest(body, { model: "m" }).messages.length, 1);
      return Response.json(writeCountAnswer(7));
    });
    assert.equal((await ai.models.countTokens(ask)).totalTokens, 7);
    assert.equal(readCountAnswer({ totalTokens: 7 }), 7);
    assert.equal(readCountAnswer({ promptTokensDetails: [] }), 0);
    assert.equal(readCountAnswer({ totalTokens: "x" }), undefined);
  });

  it("has its texts embedded", async () => {
    const embeddings = [[0.1, 0.2], [0.3, 0.4]];
    const ai = sdk((_, body, url) => {
      assert.ok(url.includes(":batchEmbedContents"));
      const embed = readEmbed(body, "m");
      assert.deepEqual(embed, {
        model: "m",
        input: ["a", "b"],
        dimensions: 2,
        task: "clustering",
      });
      const written = writeEmbed(embed, new Lost());
      assert.deepEqual(readEmbed(written, "m"), embed);
      assert.equal((written.requests as Json[])[0]!.model, "models/m");
      return Response.json(writeEmbedAnswer({ embeddings, usage: { input: 2 } }, true));
    });
    const config = { outputDimensionality: 2, taskType: "CLUSTERING" };
    const answer = await ai.models.embedContent({ model: "m", contents: ["a", "b"], config });
    assert.deepEqual(answer.embeddings, embeddings.map((values) => ({ values })));
  });

  it("has one text embedded by the method for one", () => {
    const one = readEmbed(
      { content: { parts: [{ text: "a" }] }, output_dimensionality: 3 },
      "m",
    );
    assert.deepEqual(one, { model: "m", input: ["a"], dimensions: 3 });
    const body = writeEmbedAnswer({ embeddings: [[1]] }, false);
    assert.deepEqual(body, { embedding: { values: [1] } });
    assert.deepEqual(readEmbedAnswer(body), { embeddings: [[1]] });
    const batch = {
      embeddings: [{ values: [1, "x"] }, {}],
      usageMetadata: { promptTokenCount: 4 },
    };
    assert.deepEqual(readEmbedAnswer(batch), { embeddings: [[1, 0], []], usage: { input: 4 } });
    const lost = new Lost();
    const images = ["data:image/png;base64,AAEC", "https://x.example/a.png"];
    assert.deepEqual(writeEmbed({ model: "m", input: [], images }, lost), {
      requests: [{
        model: "models/m",
        content: { parts: [{ inlineData: { mimeType: "image/png", data: "AAEC" } }] },
      }],
    });
    assert.deepEqual(lost.names, ["images"]);
    const image = { content: { parts: [{ inlineData: {} }] } };
    assert.throws(() => readEmbed(image, "m"), /'content\.parts\[0\]\.text' is missing/);
    assert.throws(
      () => readEmbed({ requests: [{}] }, "m"),
      /'requests\[0\]\.content' is missing/,
    );
  });

  it("is told what was lost in its own words", () => {
    const words: [string, string][] = [
      ["top_k", "topK"],
      ["max_tokens", "maxOutputTokens"],
      ["messages.image.file", "contents.image.file"],
      ["output.schema.minLength", "responseJsonSchema.minLength"],
      ["tools.web_search.max_uses", "tools.googleSearch.maxUses"],
      ["generationConfig.mediaResolution", "generationConfig.mediaResolution"],
      ["safetySettings", "safetySettings"],
    ];
    for (const [name, word] of words) assert.equal(gemini.spelling(name), word);
  });
});
