// What six wire formats look like from the provider's side, each answer with a text and figures of its
// own, made from a number: whoever knows the number knows every byte and every token.
import { awsFrame } from "./aws-frame.ts";
import type { Figures, Told, Wire, WireName } from "./wire.ts";

const id = ({ n }: Figures) => `answer-${n}`;
const sse = (data: unknown, name?: string) =>
  Buffer.from(
    `${name === undefined ? "" : `event: ${name}\n`}data: ${
      typeof data === "string" ? data : JSON.stringify(data)
    }\n\n`,
  );
const toldOf = ({ input, output, cacheRead }: Figures): Told => ({ input, output, cacheRead });

const awsEvent = (type: string, payload: unknown) =>
  awsFrame({
    ":event-type": type,
    ":content-type": "application/json",
    ":message-type": "event",
  }, typeof payload === "string" ? payload : JSON.stringify(payload));

const openAIFailure = (status: number, message: string) => ({
  error: {
    message,
    type: status === 401 ? "invalid_request_error" : "server_error",
    code: `e${status}`,
  },
});

const chatUsage = ({ input, output, cacheRead }: Figures) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
  prompt_tokens_details: { cached_tokens: cacheRead },
});

const openAIChat: Wire = {
  name: "openai-chat",
  slug: "openai",
  model: "gpt-house",
  key: ["authorization", "Bearer "],
  path: () => "chat/completions",
  request: (prompt, stream) => ({
    model: openAIChat.model,
    messages: [{ role: "user", content: prompt }],
    ...stream && { stream, stream_options: { include_usage: true } },
  }),
  whole: (figures, content) => ({
    id: id(figures),
    object: "chat.completion",
    model: openAIChat.model,
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: chatUsage(figures),
  }),
  streamType: "text/event-stream; charset=utf-8",
  stream(figures, pieces) {
    const chunk = (delta: unknown, finish: string | null) =>
      sse({
        id: id(figures),
        object: "chat.completion.chunk",
        model: openAIChat.model,
        choices: [{ index: 0, delta, finish_reason: finish }],
        usage: null,
      });
    const last = { id: id(figures), object: "chat.completion.chunk", model: openAIChat.model };
    return [
      { bytes: chunk({ role: "assistant", content: "" }, null) },
      ...pieces.map((content) => ({ bytes: chunk({ content }, null) })),
      { bytes: chunk({}, "stop") },
      { bytes: sse({ ...last, choices: [], usage: chatUsage(figures) }), told: toldOf(figures) },
      { bytes: sse("[DONE]") },
    ];
  },
  opening: 1,
  proof: 1,
  failure: openAIFailure,
  fault: (message) => sse({ error: { message, type: "server_error", code: null } }),
  malformed: () => sse('{"id":"broken","choices":[{"index":0,"delta":{"content":"'),
  finish: { whole: "stop", streamed: "stop" },
};

const openAIResponses: Wire = {
  name: "openai-responses",
  slug: "openai",
  model: "gpt-house",
  key: ["authorization", "Bearer "],
  path: () => "responses",
  request: (input, stream) => ({ model: openAIResponses.model, input, ...stream && { stream } }),
  whole: (figures, text) => ({
    id: id(figures),
    object: "response",
    status: "completed",
    error: null,
    incomplete_details: null,
    model: openAIResponses.model,
    output: [{
      type: "message",
      role: "assistant",
      content: [{ type: "output_text", text, annotations: [] }],
    }],
    usage: {
      input_tokens: figures.input,
      input_tokens_details: { cached_tokens: figures.cacheRead },
      output_tokens: figures.output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: figures.input + figures.output,
    },
  }),
  streamType: "text/event-stream; charset=utf-8",
  stream(figures, pieces) {
    const whole = openAIResponses.whole(figures, pieces.join("")) as Record<string, unknown>;
    const started = { ...whole, status: "in_progress", output: [], usage: null };
    const say = (type: string, more: object) => ({ bytes: sse({ type, ...more }, type) });
    return [
      say("response.created", { response: started }),
      ...pieces.map((delta) => say("response.output_text.delta", { output_index: 0, delta })),
      say("response.output_text.done", { output_index: 0, text: pieces.join("") }),
      { ...say("response.completed", { response: whole }), told: toldOf(figures) },
    ];
  },
  opening: 1,
  proof: 1,
  failure: openAIFailure,
  fault: (message) => sse({ type: "error", code: "server_error", message, param: null }, "error"),
  malformed: () =>
    sse('{"type":"response.output_text.delta","delta":', "response.output_text.delta"),
  finish: { whole: "completed", streamed: "completed" },
};

const anthropic: Wire = {
  name: "anthropic",
  slug: "anthropic",
  model: "claude-house",
  key: ["x-api-key", ""],
  path: () => "v1/messages",
  request: (content, stream) => ({
    model: anthropic.model,
    max_tokens: 100,
    messages: [{ role: "user", content }],
    ...stream && { stream },
  }),
  whole: (figures, text) => ({
    id: id(figures),
    type: "message",
    role: "assistant",
    model: anthropic.model,
    content: [{ type: "text", text }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: {
      input_tokens: figures.input - figures.cacheRead,
      cache_read_input_tokens: figures.cacheRead,
      cache_creation_input_tokens: 0,
      output_tokens: figures.output,
    },
  }),
  streamType: "text/event-stream; charset=utf-8",
  stream(figures, pieces) {
    const { content: _content, ...message } = anthropic.whole(figures, "") as {
      content: unknown;
      usage: object;
    };
    const say = (type: string, more: object) => sse({ type, ...more }, type);
    return [
      {
        bytes: say("message_start", {
          message: {
            ...message,
            content: [],
            stop_reason: null,
            usage: { ...message.usage, output_tokens: 1 },
          },
        }),
        told: { ...toldOf(figures), output: null },
      },
      {
        bytes: say("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
      },
      { bytes: say("ping", {}) },
      ...pieces.map((text) => ({
        bytes: say("content_block_delta", { index: 0, delta: { type: "text_delta", text } }),
      })),
      { bytes: say("content_block_stop", { index: 0 }) },
      {
        bytes: say("message_delta", {
          delta: { stop_reason: "end_turn", stop_sequence: null },
          usage: { output_tokens: figures.output },
        }),
        told: toldOf(figures),
      },
      { bytes: say("message_stop", {}) },
    ];
  },
  opening: 3,
  proof: 1,
  failure: (status, message) => ({
    type: "error",
    error: { type: status === 401 ? "authentication_error" : "api_error", message },
    request_id: "req_1",
  }),
  fault: (message) => sse({ type: "error", error: { type: "overloaded_error", message } }, "error"),
  malformed: () => sse('{"type":"content_block_delta","index":0,', "content_block_delta"),
  finish: { whole: "end_turn", streamed: "end_turn" },
};

const gemini: Wire = {
  name: "gemini",
  slug: "google-ai-studio",
  model: "gemini-house",
  key: ["x-goog-api-key", ""],
  path: (streamed) =>
    `v1beta/models/gemini-house:${streamed ? "streamGenerateContent?alt=sse" : "generateContent"}`,
  request: (text) => ({ contents: [{ role: "user", parts: [{ text }] }] }),
  whole: (figures, text) => ({
    candidates: [{ content: { parts: [{ text }], role: "model" }, finishReason: "STOP", index: 0 }],
    usageMetadata: {
      promptTokenCount: figures.input,
      candidatesTokenCount: figures.output,
      totalTokenCount: figures.input + figures.output,
      ...figures.cacheRead > 0 && { cachedContentTokenCount: figures.cacheRead },
    },
    modelVersion: gemini.model,
    responseId: id(figures),
  }),
  streamType: "text/event-stream",
  stream(figures, pieces) {
    // Each event tells what it came to so far.
    return pieces.map((text, index) => {
      const last = index === pieces.length - 1;
      const output = last ? figures.output : Math.min(index + 1, figures.output);
      const so = { ...figures, output };
      const whole = gemini.whole(so, text) as { candidates: Record<string, unknown>[] };
      if (!last) delete whole.candidates[0]!.finishReason;
      return { bytes: sse(whole), told: toldOf(so) };
    });
  },
  opening: 0,
  proof: 1,
  failure: (status, message) => ({ error: { code: status, message, status: "UNAVAILABLE" } }),
  fault: (message) => sse({ error: { code: 503, message, status: "UNAVAILABLE" } }),
  malformed: () => sse('{"candidates": [{"content": {"parts": ['),
  finish: { whole: "STOP", streamed: "STOP" },
};

const bedrock: Wire = {
  name: "bedrock",
  slug: "aws-bedrock",
  model: "house.model-v1:0",
  key: ["authorization", "Bearer "],
  path: (streamed) =>
    `bedrock-runtime/us-east-1/model/house.model-v1%3A0/${
      streamed ? "converse-stream" : "converse"
    }`,
  request: (text) => ({ messages: [{ role: "user", content: [{ text }] }] }),
  whole: (figures, text) => ({
    output: { message: { role: "assistant", content: [{ text }] } },
    stopReason: "end_turn",
    usage: bedrockUsage(figures),
    metrics: { latencyMs: figures.n },
  }),
  streamType: "application/vnd.amazon.eventstream",
  stream(figures, pieces) {
    return [
      { bytes: awsEvent("messageStart", { role: "assistant" }) },
      ...pieces.map((text) => ({
        bytes: awsEvent("contentBlockDelta", { contentBlockIndex: 0, delta: { text } }),
      })),
      { bytes: awsEvent("contentBlockStop", { contentBlockIndex: 0 }) },
      { bytes: awsEvent("messageStop", { stopReason: "end_turn" }) },
      {
        bytes: awsEvent("metadata", {
          usage: bedrockUsage(figures),
          metrics: { latencyMs: figures.n },
        }),
        told: toldOf(figures),
      },
    ];
  },
  opening: 1,
  proof: 2,
  failure: (_status, message) => ({ message }),
  fault: (message) =>
    awsFrame({
      ":exception-type": "throttlingException",
      ":content-type": "application/json",
      ":message-type": "exception",
    }, JSON.stringify({ message })),
  malformed: () => awsEvent("contentBlockDelta", '{"delta":{"text":"'),
  finish: { whole: "end_turn", streamed: "end_turn" },
};

const bedrockUsage = ({ input, output, cacheRead }: Figures) => ({
  inputTokens: input - cacheRead,
  outputTokens: output,
  totalTokens: input + output,
  ...cacheRead > 0 && { cacheReadInputTokens: cacheRead },
});

const cohere: Wire = {
  name: "cohere",
  slug: "cohere",
  model: "command-house",
  key: ["authorization", "Bearer "],
  path: () => "v2/chat",
  request: (content, stream) => ({
    model: cohere.model,
    messages: [{ role: "user", content }],
    stream,
  }),
  whole: (figures, text) => ({
    id: id(figures),
    finish_reason: "COMPLETE",
    message: { role: "assistant", content: [{ type: "text", text }] },
    usage: cohereUsage(figures),
  }),
  streamType: "text/event-stream",
  stream(figures, pieces) {
    const say = (type: string, more: object) => ({ bytes: sse({ type, ...more }, type) });
    return [
      say("message-start", { id: id(figures), delta: { message: { role: "assistant" } } }),
      say("content-start", {
        index: 0,
        delta: { message: { content: { type: "text", text: "" } } },
      }),
      ...pieces.map((text) =>
        say("content-delta", { index: 0, delta: { message: { content: { text } } } })
      ),
      say("content-end", { index: 0 }),
      {
        ...say("message-end", {
          delta: { finish_reason: "COMPLETE", usage: cohereUsage(figures) },
        }),
        told: toldOf(figures),
      },
      { bytes: sse("[DONE]") },
    ];
  },
  opening: 2,
  proof: 2,
  failure: (_status, message) => ({ id: "e", message }),
  fault: (message) =>
    sse({ type: "message-end", delta: { finish_reason: "ERROR", error: message } }, "message-end"),
  malformed: () => sse('{"type":"content-delta","index":0,"delta":{', "content-delta"),
  finish: { whole: "COMPLETE", streamed: "COMPLETE" },
};

// Cohere charges for less than it counts; the log keeps what the model saw.
const cohereUsage = ({ input, output, cacheRead }: Figures) => ({
  billed_units: { input_tokens: input - 5, output_tokens: output },
  tokens: { input_tokens: input, output_tokens: output },
  cached_tokens: cacheRead,
});

export const wires: Readonly<Record<WireName, Wire>> = {
  "openai-chat": openAIChat,
  "openai-responses": openAIResponses,
  anthropic,
  gemini,
  bedrock,
  cohere,
};
