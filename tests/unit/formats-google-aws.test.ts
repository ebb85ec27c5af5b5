// Anthropic's, Google's and Amazon's formats, in shapes that no recording has.
import { describe } from "node:test";
import { awsException } from "../../core/streams/aws-exception.ts";
import {
  answer,
  checkReadings,
  chunk,
  events,
  eventStream,
  json,
  sse,
} from "../support/answers.ts";

describe("Anthropic", () => {
  const start = {
    type: "message_start",
    message: {
      model: "claude",
      usage: {
        input_tokens: 4,
        cache_creation_input_tokens: 100,
        cache_read_input_tokens: 20,
        cache_creation: { ephemeral_5m_input_tokens: 40, ephemeral_1h_input_tokens: 60 },
        output_tokens: 1,
      },
    },
  };
  const text = { type: "content_block_delta", delta: { type: "text_delta", text: "Hi" } };
  const end = {
    type: "message_delta",
    delta: { stop_reason: "end_turn" },
    usage: { input_tokens: 6, output_tokens: 9 },
  };
  const about = { provider: "anthropic", path: "v1/messages" };
  checkReadings([
    [
      "input leaves cached tokens out, and the end may repeat only a part",
      events(sse([start, text, end, { type: "message_stop" }], true), about),
      {
        usage: { input: 126, output: 9, cache_read: 20, cache_write: 100, cache_write_1h: 60 },
        finish: "end_turn",
        end: "proven",
      },
    ],
    [
      "a stream that is cut has told nothing of its output",
      events(sse([start, text], true), about),
      {
        usage: { input: 124, cache_read: 20, cache_write: 100, cache_write_1h: 60 },
        end: "missing",
      },
    ],
    [
      "an error in the middle",
      events(
        sse([start, text, {
          type: "error",
          error: { type: "overloaded_error", message: "Overloaded" },
        }], true),
        about,
      ),
      { error: { code: "overloaded_error", message: "Overloaded" }, end: "missing" },
    ],
    [
      "on Vertex AI",
      json({
        type: "message",
        model: "claude",
        content: [],
        stop_reason: "max_tokens",
        usage: { input_tokens: 1, cache_read_input_tokens: 2, output_tokens: 3 },
      }, {
        provider: "google-vertex-ai",
        path: "v1/projects/p/locations/global/publishers/anthropic/models/claude:rawPredict",
      }),
      { usage: { input: 3, output: 3, cache_read: 2 }, finish: "max_tokens", modelType: "chat" },
    ],
    [
      "counting tokens uses none",
      json({ input_tokens: 2000 }, { provider: "anthropic", path: "v1/messages/count_tokens" }),
      { usage: undefined, modelType: "count_tokens" },
    ],
  ]);
});

describe("Gemini", () => {
  const about = { provider: "google-ai-studio", path: "v1beta/models/g:streamGenerateContent" };
  const part = (text: string, more = {}) => ({
    candidates: [{ content: { parts: [{ text }] }, ...more }],
    modelVersion: "g",
  });
  const usageMetadata = {
    promptTokenCount: 100,
    cachedContentTokenCount: 50,
    toolUsePromptTokenCount: 7,
    candidatesTokenCount: 30,
    thoughtsTokenCount: 20,
    totalTokenCount: 157,
    promptTokensDetails: [
      { modality: "TEXT", tokenCount: 30 },
      { modality: "AUDIO", tokenCount: 40 },
      { modality: "VIDEO", tokenCount: 30 },
    ],
    cacheTokensDetails: [{ modality: "AUDIO", tokenCount: 25 }],
    candidatesTokensDetails: [{ modality: "AUDIO", tokenCount: 30 }],
  };
  const usage = {
    input: 107,
    output: 50,
    total: 157,
    cache_read: 50,
    reasoning: 20,
    input_audio: 40,
    cache_read_audio: 25,
    output_audio: 30,
    input_video: 30,
  };
  checkReadings([
    [
      "events",
      events(sse([part("a"), { ...part("b", { finishReason: "STOP" }), usageMetadata }]), about),
      { usage, finish: "STOP", end: "proven", said: "ab", model: "g" },
    ],
    [
      "an array",
      json([part("a"), { ...part("b", { finishReason: "STOP" }), usageMetadata }], about),
      { usage, finish: "STOP", end: "proven", said: "ab", streamed: true, firstContent: 73 },
    ],
    [
      "an array that breaks off",
      answer(JSON.stringify([part("a"), part("b")]).slice(0, -1), about),
      { end: "missing", said: "ab", streamed: true },
    ],
    [
      "usage only on events before the last",
      events(
        sse([
          part("a"),
          { ...part("b"), usageMetadata: { promptTokenCount: 100, totalTokenCount: 100 } },
          part("c"),
          { ...part("d"), usageMetadata },
          part("e"),
          part("f", { finishReason: "STOP" }),
        ]),
        about,
      ),
      { usage, finish: "STOP", end: "proven", said: "abcdef" },
    ],
    [
      "a finish that is not on the last event",
      events(sse([part("a", { finishReason: "STOP" }), part("b")]), about),
      { end: "missing" },
    ],
    [
      "a finish and then an error",
      events(
        sse([part("a", { finishReason: "STOP" })]) +
          JSON.stringify({ error: { code: 499, message: "Cancelled" } }, null, 2),
        about,
      ),
      { end: "missing", error: { code: 499, message: "Cancelled" } },
    ],
    [
      "a prompt that is blocked",
      events(sse([{ promptFeedback: { blockReason: "SAFETY" } }]), about),
      { finish: "SAFETY", end: "proven" },
    ],
    [
      "zero is left out",
      json({
        ...part("", { finishReason: "MAX_TOKENS" }),
        usageMetadata: { promptTokenCount: 5, totalTokenCount: 5 },
      }),
      { usage: { input: 5, output: 0, total: 5 } },
    ],
    [
      "images of Imagen",
      json({ predictions: [{ bytesBase64Encoded: "AA" }, { bytesBase64Encoded: "AA" }] }, {
        provider: "google-vertex-ai",
        path: "v1/projects/p/locations/us-central1/publishers/google/models/imagen:predict",
      }),
      { usage: { units: { images: 2 } }, modelType: "image" },
    ],
  ]);
});

describe("Bedrock", () => {
  const path = "bedrock-runtime/us-east-1/model/m/converse-stream";
  const invoke = "bedrock-runtime/us-east-1/model/m/invoke-with-response-stream";
  const about = {
    provider: "aws-bedrock",
    path,
    contentType: "application/vnd.amazon.eventstream",
  };
  const text = ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: "Hí" } }] as const;
  const metadata = ["metadata", {
    usage: {
      inputTokens: 4,
      outputTokens: 9,
      totalTokens: 133,
      cacheReadInputTokens: 20,
      cacheWriteInputTokens: 100,
      cacheDetails: [{ ttl: "1h", inputTokens: 60 }, { ttl: "5m", inputTokens: 40 }],
    },
  }] as const;
  const stop = ["messageStop", { stopReason: "end_turn" }] as const;
  const usage = {
    input: 124,
    output: 9,
    total: 133,
    cache_read: 20,
    cache_write: 100,
    cache_write_1h: 60,
  };
  const whole = eventStream([["messageStart", { role: "assistant" }], text, stop, metadata]);
  checkReadings([
    [
      "converse-stream",
      answer(whole, about),
      { usage, finish: "end_turn", end: "proven", said: "Hí", streamed: true, modelType: "chat" },
    ],
    [
      "an exception in the middle",
      answer(eventStream([text, ["throttlingException", { message: "Too many requests" }]]), about),
      { error: { code: "throttlingException", message: "Too many requests" }, end: "missing" },
    ],
    [
      "a message cut in the middle, and the exception that tells of it",
      answer(
        Uint8Array.from([
          ...eventStream([text]),
          ...eventStream([stop]).subarray(0, 70),
          ...awsException("modelStreamErrorException", { message: "The provider broke off" }),
        ]),
        about,
      ),
      { end: "missing", finish: undefined },
    ],
    [
      "only its beginning and its end kept, cut inside messages",
      answer(whole.subarray(0, 90), { ...about, tail: whole.subarray(190), skipped: 100 }),
      { usage, end: "proven" },
    ],
    [
      "invoke of Titan",
      answer(
        eventStream([
          chunk({
            outputText: "Hi",
            index: 0,
            inputTextTokenCount: 5,
            totalOutputTextTokenCount: null,
          }),
          chunk({
            outputText: " thére",
            totalOutputTextTokenCount: 3,
            completionReason: "FINISH",
            "amazon-bedrock-invocationMetrics": { inputTokenCount: 5, outputTokenCount: 3 },
          }),
        ]),
        { ...about, path: invoke },
      ),
      { usage: { input: 5, output: 3 }, finish: "FINISH", end: "proven", said: "Hi thére" },
    ],
    [
      "invoke that breaks off",
      answer(eventStream([chunk({ outputText: "Hi" })]), { ...about, path: invoke }),
      { usage: undefined, end: "missing", said: "Hi" },
    ],
    [
      "Titan's embedding",
      json({ embedding: [1], inputTextTokenCount: 6 }, {
        provider: "aws-bedrock",
        path: "bedrock-runtime/us-east-1/model/amazon.titan-embed-text-v2:0/invoke",
      }),
      { usage: { input: 6 }, modelType: "embeddings" },
    ],
  ]);
});
