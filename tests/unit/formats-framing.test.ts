// How bodies are framed, cut and labelled, and what paths and errors say.
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { readAnswer } from "../../core/formats/read.ts";
import { answer, checkReadings, events, json, sse } from "../support/answers.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

describe("server-sent events", () => {
  const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const chunk = (content: string) => ({ model: "m", choices: [{ index: 0, delta: { content } }] });
  const body = sse([
    { model: "m", choices: [{ index: 0, delta: { content: "", role: "assistant" } }] },
    chunk("né"),
    chunk("é\n"),
    { model: "m", choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage },
    "[DONE]",
  ]);
  const told = {
    usage: { input: 1, output: 2, total: 3 },
    model: "m",
    finish: "stop",
    end: "proven",
    streamed: true,
    said: "néé\n",
  } as const;
  const named = body.replaceAll("data:", "id: 7\nevent: message\nretry: 10\ndata:");
  const pretty = sse([JSON.stringify(chunk("né"), null, 1).replaceAll("\n", "\ndata: ")]) + body;
  checkReadings([
    ["LF", events(body), told],
    ["CRLF", events(body.replaceAll("\n", "\r\n")), told],
    ["CR", events(body.replaceAll("\n", "\r")), told],
    ["no space behind the colon", events(body.replaceAll("data: ", "data:")), told],
    ["a byte order mark", events(`\ufeff${body}`), told],
    ["comments", events(`: ping\n\n${body.replaceAll("data:", ": ping - 1\ndata:")}`), told],
    ["other fields", events(named), told],
    ["no line end at the end", events(body.trimEnd()), told],
    ["more blank lines", events(`\n\n${body.replaceAll("\n\n", "\n\n\n\n")}`), told],
    ["data on several lines", events(pretty), { ...told, said: `né${told.said}` }],
    ["no content type", events(body, { contentType: "" }), told],
    ["a broken event among them", events(`data: {"a\n\n${body}`), told],
  ]);

  it("have the first content at the same event, however lines end", () => {
    const end = body.indexOf("\n\n", body.indexOf("né")) + 2;
    const bytes = (text: string) => utf8(text.slice(0, text.indexOf("né"))).length;
    const first = readAnswer(events(body)).firstContent!;
    assert.equal(first, utf8(body.slice(0, end)).length);
    assert.ok(first > bytes(body));
    const crlf = body.replaceAll("\n", "\r\n");
    assert.equal(readAnswer(events(crlf)).firstContent, first + 4);
    assert.equal(readAnswer(events(body.replaceAll("\n", "\r"))).firstContent, first);
    assert.equal(readAnswer(events(`\ufeff${body}`)).firstContent, first + 3);
    assert.equal(readAnswer(events(`: ping\n\n${body}`)).firstContent, first + 8);
    // Bytes that are no UTF-8 take more room when decoded.
    const broken = new Uint8Array([...utf8(": "), 0xff, 0xfe, 0x0a, 0x0a, ...utf8(body)]);
    assert.equal(readAnswer(events("", { head: broken })).firstContent, first + 6);
  });
});

describe("other bodies", () => {
  const body = JSON.stringify({ model: "m", usage: { prompt_tokens: 1, completion_tokens: 1 } });
  checkReadings([
    ["nothing", answer(""), { streamed: false, end: "unprovable", usage: undefined }],
    ["nothing of a stream", events(""), { streamed: true, end: "missing" }],
    ["sound", answer("ID3\u0003", { contentType: "audio/mpeg" }), { end: "unprovable" }],
    ["JSON under another name", answer(body, { contentType: "application/octet-stream" }), {
      end: "proven",
      usage: { input: 1, output: 1 },
    }],
    ["JSON behind a byte order mark and blank lines", answer(`\ufeff\n\n${body}`), {
      end: "proven",
      model: "m",
    }],
    ["JSON instead of a stream", events(body), { end: "proven", streamed: false, model: "m" }],
    [
      "a compressed stream, which only the transport can tell the end of",
      events("", { head: new Uint8Array([0x1b, 0x00, 0x80, 0xff, 0x03, 0x04]) }),
      { streamed: false, end: "unprovable" },
    ],
    ["a page", answer("<html>", { contentType: "text/html" }), {
      end: "unprovable",
      error: undefined,
    }],
  ]);
});

describe("large answers", () => {
  const usage = { input_tokens: 10, output_tokens: 1000, total_tokens: 1010 };
  const flat = { input: 10, output: 1000, total: 1010 };
  const image = { b64_json: "A".repeat(300_000) };
  const embedding = { embedding: Array.from({ length: 20_000 }, (_, at) => at / 7) };
  /** Kept as the gateway keeps them: 64 KiB at each end. */
  const kept = (body: string, about: object = {}) => {
    const bytes = utf8(body);
    const [head, tail] = [bytes.subarray(0, 65_536), bytes.subarray(-65_536)];
    const skipped = bytes.length - head.length - tail.length;
    return answer("", { head, tail, skipped, ...about });
  };
  const images = { path: "images/generations" };
  const responses = { path: "responses", contentType: "text/event-stream" };
  const created = { type: "response.created", response: { model: "m", status: "in_progress" } };
  const said = { type: "response.output_text.delta", delta: "a" };
  const last = (more: object) => ({
    type: "response.completed",
    response: { status: "completed", model: "m", ...more },
  });
  const output = [{ type: "image_generation_call", result: "A".repeat(200_000) }];
  checkReadings([
    ["usage behind an image", kept(JSON.stringify({ data: [image], usage }), images), {
      usage: flat,
      end: "unprovable",
    }],
    ["usage in front of an image", kept(JSON.stringify({ usage, data: [image] }), images), {
      usage: flat,
    }],
    [
      "usage behind embeddings",
      kept(JSON.stringify({ object: "list", data: [embedding], model: "m", usage }), {
        path: "embeddings",
      }),
      { usage: flat, model: "m" },
    ],
    [
      "usage at the end of one event",
      kept(sse([created, said, last({ output, usage })]), responses),
      {
        usage: flat,
        end: "proven",
        model: "m",
      },
    ],
    [
      "usage at the end of one event that began in what was not kept",
      kept(
        sse([created, ...Array(2000).fill(said), last({ output, usage })], true),
        responses,
      ),
      { usage: flat, end: "proven", model: "m" },
    ],
    [
      "an event that was cut for good",
      kept(sse([created, said, last({ output, usage })]).slice(0, -60), responses),
      { usage: undefined, end: "missing" },
    ],
    [
      "Gemini's image, finished behind it",
      kept(
        sse([{
          candidates: [{
            content: { parts: [{ inlineData: { data: image.b64_json } }] },
            finishReason: "STOP",
          }],
          usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2, totalTokenCount: 3 },
        }]),
        { path: "v1beta/models/g:streamGenerateContent", contentType: "text/event-stream" },
      ),
      { usage: { input: 1, output: 2, total: 3 }, finish: "STOP", end: "proven" },
    ],
    [
      "Ollama's last line, which has the context",
      kept(
        JSON.stringify({ model: "m", response: "a", done: false }) + "\n" +
          JSON.stringify({ done: true, context: embedding.embedding, eval_count: 2 }),
        { provider: "ollama", path: "api/generate", contentType: "application/x-ndjson" },
      ),
      { usage: { output: 2 }, end: "unprovable", said: "a" },
    ],
    [
      "Vertex AI's embeddings, each with its figures",
      kept(
        JSON.stringify({
          predictions: Array(4).fill({
            embeddings: { statistics: { token_count: 3 }, values: embedding },
          }),
        }),
        { provider: "google-vertex-ai", path: "publishers/google/models/e:predict" },
      ),
      { usage: undefined },
    ],
    [
      "a chat answer, finished behind its text",
      kept(
        JSON.stringify({
          object: "chat.completion",
          model: "m",
          choices: [{ message: { content: "x".repeat(200_000) }, finish_reason: "length" }],
          usage: { prompt_tokens: 1, completion_tokens: 2 },
        }),
      ),
      { usage: { input: 1, output: 2 }, finish: "length", model: "m" },
    ],
  ]);

  it("cannot be told false figures by the text in them", () => {
    const fake = `"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}`;
    // In every place where a model writes, and an object of its own in Anthropic's arguments.
    const text = `${"x".repeat(70_000)}",${fake},"a":"${"\\".repeat(3)}"}}`.repeat(3);
    const bodies = [
      JSON.stringify({ choices: [{ message: { content: text } }], model: "m" }),
      JSON.stringify({
        type: "message",
        content: [{ type: "text", text }],
        stop_reason: "end_turn",
      }),
      JSON.stringify({
        type: "message",
        content: [{
          type: "tool_use",
          input: { pad: text, usage: { input_tokens: 1, output_tokens: 1 } },
        }],
      }),
    ];
    for (const body of bodies) {
      for (const cut of [0, 1, 2, 4, 40, 80, 35_000]) {
        const reading = readAnswer(kept(body.slice(0, body.length - cut), { path: "v1/messages" }));
        assert.equal(reading.usage, undefined, `${body.slice(0, 60)} without ${cut}`);
      }
    }
  });
});

describe("errors", () => {
  const rows: [unknown, number | string | null, string][] = [
    [{ error: { message: "No", type: "t", code: "c" } }, "c", "No"],
    [{ error: { message: "No", type: "t", code: null } }, "t", "No"],
    [{ error: { code: 429, message: "No", status: "RESOURCE_EXHAUSTED" } }, 429, "No"],
    [[{ error: { code: 400, message: "No" } }], 400, "No"],
    [
      { error: { message: { detail: [{ loc: ["body", "model"], msg: "missing" }] } } },
      null,
      "body.model: missing",
    ],
    [{ error: "No" }, null, "No"],
    [{ error: ["No", "never"] }, null, "No"],
    [{ error: "No", error_type: "overloaded" }, "overloaded", "No"],
    [{ code: "Bad", error: "No" }, "Bad", "No"],
    [{ message: "No" }, null, "No"],
    [{ message: "No", __type: "ThrottlingException" }, "ThrottlingException", "No"],
    [{ object: "error", message: "No", type: "rate_limited", code: "1300" }, "1300", "No"],
    [{ detail: "No" }, null, "No"],
    [{ detail: [{ loc: ["body", 0], msg: "a" }, { msg: "b" }] }, null, "body.0: a; b"],
    [{ detail: { status: "quota", message: "No" } }, "quota", "No"],
    [{ detail: { error: "No" } }, null, "No"],
    [{ success: false, errors: [{ code: 5007, message: "No" }], result: null }, 5007, "No"],
    [{ err_code: "E", err_msg: "No" }, "E", "No"],
    [{ title: "No", status: 422 }, 422, "No"],
    [{ error: { object: "error" } }, null, '{"object":"error"}'],
  ];
  for (const [body, code, message] of rows) {
    it(JSON.stringify(body), () => {
      assert.deepEqual(readAnswer(json(body, { status: 400 })).error, { code, message });
    });
  }

  it("are text as it is, and of a page its title", () => {
    const plain = { status: 422, contentType: "text/plain" };
    assert.deepEqual(readAnswer(answer("No such\n", plain)).error, {
      code: null,
      message: "No such",
    });
    const page = { status: 503, contentType: "text/html; charset=utf-8" };
    const html = "<html><head><title>Gone away</title></head><body>secret</body></html>";
    assert.deepEqual(readAnswer(answer(html, page)).error, { code: null, message: "Gone away" });
  });

  it("are cut when they are long, and are none in an answer that is fine", () => {
    const long = readAnswer(json({ message: "x".repeat(9000) }, { status: 500 })).error!;
    assert.equal(long.message.length, 1000);
    assert.equal(readAnswer(json({ message: "fine", detail: "fine" })).error, undefined);
    assert.equal(readAnswer(json({ error: null, id: 1 })).error, undefined);
  });
});

describe("what an endpoint does", () => {
  const rows: [provider: string, path: string, kind: string][] = [
    ["openai", "chat/completions", "chat"],
    ["openai", "responses", "chat"],
    ["openai", "chat/completions/id", "other"],
    ["openai", "completions", "completion"],
    ["openai", "embeddings", "embeddings"],
    ["openai", "images/edits", "image"],
    ["openai", "audio/speech", "audio"],
    ["openai", "moderations", "moderation"],
    ["openai", "videos", "video"],
    ["openai", "models", "other"],
    ["openai", "models/text-embedding-3-small", "other"],
    ["openai", "batches", "other"],
    ["openai", "responses/input_tokens", "count_tokens"],
    ["azure-openai", "res/dep/chat/completions", "chat"],
    ["azure-openai", "res/models/chat/completions", "chat"],
    ["anthropic", "v1/messages", "chat"],
    ["anthropic", "v1/messages/batches/b/results", "other"],
    ["cohere", "v2/chat", "chat"],
    ["cohere", "v2/embed", "embeddings"],
    ["cohere", "v2/rerank", "rerank"],
    ["google-ai-studio", "v1beta/models/gemini-2.5-flash:generateContent", "chat"],
    ["google-ai-studio", "v1beta/models/text-embedding-004:batchEmbedContents", "embeddings"],
    ["google-ai-studio", "v1beta/models/g:countTokens", "count_tokens"],
    ["google-ai-studio", "v1beta/models/g", "other"],
    ["google-ai-studio", "v1beta/models/veo:predictLongRunning", "video"],
    ["aws-bedrock", "bedrock-runtime/us-east-1/model/anthropic.claude/converse-stream", "chat"],
    [
      "aws-bedrock",
      "bedrock-runtime/us-east-1/model/amazon.titan-embed-text-v1/invoke",
      "embeddings",
    ],
    ["aws-bedrock", "bedrock-runtime/us-east-1/model/amazon.nova-canvas-v1:0/invoke", "image"],
    ["ollama", "api/generate", "completion"],
    ["replicate", "v1/models/meta/llama/predictions", "other"],
    ["replicate", "v1/models/meta/llama", "other"],
    ["deepgram", "v1/listen", "audio"],
    ["elevenlabs", "v1/text-to-speech/id", "audio"],
    ["ideogram", "v1/ideogram-v3/generate", "image"],
    ["custom-x", "anything", "other"],
  ];
  it("is told by the answer where the path does not", () => {
    const kindOf = (body: unknown) => readAnswer(json(body, { path: "run" })).modelType;
    assert.equal(kindOf({ text: "Hi" }), "other");
    assert.equal(kindOf({ text: "Hi", words: [] }), "audio");
    assert.equal(kindOf({ data: [{ embedding: [1] }] }), "embeddings");
    assert.equal(kindOf({ images: [{ url: "u" }] }), "image");
    assert.equal(kindOf({ results: [{ relevance_score: 1 }] }), "rerank");
    assert.equal(kindOf({ results: [{ flagged: true }] }), "moderation");
    assert.equal(kindOf({ choices: [{ text: "Hi" }] }), "completion");
    assert.equal(kindOf({ choices: [{ message: { content: "Hi" } }] }), "chat");
  });

  for (const [provider, path, kind] of rows) {
    it(`${provider}/${path}`, () => {
      assert.equal(readAnswer(json({}, { provider, path })).modelType, kind);
    });
  }
});
