// OpenAI's formats and what others made of them, in shapes that no recording has.
import { describe } from "node:test";
import { answer, checkReadings, events, json, sse } from "../support/answers.ts";

const delta = (content: string, finish: string | null = null, index = 0) => ({
  model: "m",
  choices: [{ index, delta: { content }, finish_reason: finish }],
});

describe("OpenAI's other streams", () => {
  checkReadings([
    [
      "images as they emerge",
      events(
        sse([
          { type: "image_generation.partial_image", b64_json: "AAAA", partial_image_index: 0 },
          {
            type: "image_generation.completed",
            b64_json: "AAAA",
            usage: {
              input_tokens: 20,
              output_tokens: 1056,
              total_tokens: 1076,
              input_tokens_details: { text_tokens: 10, image_tokens: 10 },
            },
          },
        ], true),
        { path: "images/generations" },
      ),
      {
        usage: { input: 20, output: 1056, total: 1076, input_image: 10 },
        end: "proven",
        modelType: "image",
        streamed: true,
        firstContent: 129,
      },
    ],
    [
      "speech",
      events(
        sse([
          { type: "speech.audio.delta", audio: "AAAA" },
          {
            type: "speech.audio.done",
            usage: { input_tokens: 14, output_tokens: 101, total_tokens: 115 },
          },
        ]),
        { path: "audio/speech" },
      ),
      { usage: { input: 14, output: 101, total: 115 }, end: "proven", modelType: "audio" },
    ],
    [
      "speech that breaks off",
      events(sse([{ type: "speech.audio.delta", audio: "AAAA" }]), { path: "audio/speech" }),
      { usage: undefined, end: "missing" },
    ],
    [
      "transcripts",
      events(
        sse([
          { type: "transcript.text.delta", delta: "Hello" },
          {
            type: "transcript.text.done",
            text: "Hello",
            usage: {
              type: "tokens",
              input_tokens: 30,
              output_tokens: 4,
              total_tokens: 34,
              input_token_details: { text_tokens: 10, audio_tokens: 20 },
            },
          },
        ]),
        { path: "audio/transcriptions" },
      ),
      {
        usage: { input: 30, output: 4, total: 34, input_audio: 20 },
        end: "proven",
        said: "Hello",
      },
    ],
  ]);
});

describe("usage in other places and spellings", () => {
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  const flat = { input: 10, output: 5, total: 15 };
  checkReadings([
    [
      "Groq's x_groq",
      events(sse([{ ...delta("a", "stop"), x_groq: { usage } }, "[DONE]"]), { provider: "groq" }),
      { usage: flat, end: "proven" },
    ],
    [
      "Moonshot's choice",
      events(sse([{ choices: [{ index: 0, delta: { content: "a" }, usage }] }, "[DONE]"])),
      { usage: flat },
    ],
    [
      "the last of many, a null between",
      events(sse([
        { ...delta("a"), usage: { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11 } },
        { ...delta("b"), usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 } },
        { ...delta("c"), usage },
        { ...delta("", "stop"), usage: null },
        "[DONE]",
      ])),
      { usage: flat, finish: "stop" },
    ],
    [
      "a repeated chunk",
      events(sse([delta("a", "stop"), { choices: [], usage }, { choices: [], usage }, "[DONE]"])),
      { usage: flat },
    ],
    [
      "Perplexity's reasoning beside the output",
      json({
        choices: [],
        usage: {
          prompt_tokens: 33,
          completion_tokens: 7163,
          total_tokens: 7196,
          citation_tokens: 20016,
          num_search_queries: 18,
          reasoning_tokens: 73997,
        },
      }, { provider: "perplexity-ai" }),
      {
        usage: {
          input: 33,
          output: 81160,
          total: 7196,
          reasoning: 73997,
          units: { num_search_queries: 18, citation_tokens: 20016 },
        },
      },
    ],
    [
      "OpenRouter with the caller's own key: its fee and the upstream's price",
      json({
        choices: [],
        usage: {
          ...usage,
          cost: 0.25,
          is_byok: true,
          cost_details: { upstream_inference_cost: 1.5 },
        },
      }),
      { usage: { ...flat, cost: 1.75 } },
    ],
    [
      "embeddings with usage in front (Jina)",
      json({ model: "jina", usage: { total_tokens: 9 }, data: [{ embedding: [1] }] }, {
        provider: "jina",
        path: "embeddings",
      }),
      { usage: { input: 9, total: 9 }, modelType: "embeddings", model: "jina" },
    ],
    [
      "Ollama's embed",
      json({ model: "e", embeddings: [[1]], total_duration: 1, prompt_eval_count: 8 }, {
        provider: "ollama",
        path: "api/embed",
      }),
      { usage: { input: 8 }, modelType: "embeddings" },
    ],
    [
      "Workers AI's own stream",
      events(
        sse([{ response: "Hi" }, { response: "", usage }, "[DONE]"]),
        { provider: "workers-ai", path: "@cf/meta/llama-3.1-8b-instruct" },
      ),
      { usage: flat, end: "proven", said: "Hi", modelType: "chat" },
    ],
    [
      "Text Generation Inference",
      events(
        [
          { index: 1, token: { id: 1, text: "Hi", special: false }, generated_text: null },
          {
            index: 2,
            token: { id: 2, text: "</s>", special: true },
            generated_text: "Hi",
            details: { finish_reason: "eos_token", generated_tokens: 2, input_length: 7 },
          },
        ].map((event) => `data:${JSON.stringify(event)}\n\n`).join(""),
        { provider: "huggingface", path: "hf-inference/models/a/b" },
      ),
      { usage: { input: 7, output: 2 }, finish: "eos_token", end: "proven", said: "Hi" },
    ],
    [
      "Cohere's first chat, a line per event",
      answer(
        [
          { is_finished: false, event_type: "stream-start", generation_id: "g" },
          { is_finished: false, event_type: "text-generation", text: "Hi" },
          {
            is_finished: true,
            event_type: "stream-end",
            finish_reason: "COMPLETE",
            response: {
              meta: {
                billed_units: { input_tokens: 4, output_tokens: 2 },
                tokens: { input_tokens: 70, output_tokens: 2 },
              },
            },
          },
        ].map((event) => JSON.stringify(event) + "\n").join(""),
        { provider: "cohere", path: "v1/chat", contentType: "application/stream+json" },
      ),
      {
        usage: { input: 70, output: 2, units: { billed_input_tokens: 4 } },
        finish: "COMPLETE",
        end: "proven",
        said: "Hi",
        firstContent: 135,
      },
    ],
  ]);
});

describe("Responses", () => {
  const created = { type: "response.created", response: { model: "m", status: "in_progress" } };
  const usage = { input_tokens: 3, output_tokens: 2, total_tokens: 5 };
  const response = { object: "response", id: "resp_1", model: "m", status: "completed", usage };
  const flat = { input: 3, output: 2, total: 5 };
  checkReadings([
    [
      "incomplete",
      events(
        sse([created, {
          type: "response.incomplete",
          response: {
            ...response,
            status: "incomplete",
            incomplete_details: { reason: "max_output_tokens" },
          },
        }], true),
        { path: "responses" },
      ),
      { usage: flat, finish: "max_output_tokens", end: "proven" },
    ],
    [
      "an error event",
      events(sse([created, { type: "error", code: "server_error", message: "Sorry" }], true), {
        path: "responses",
      }),
      { error: { code: "server_error", message: "Sorry" }, end: "missing" },
    ],
    [
      "a stored one was counted when it was made",
      json(response, { path: "responses/resp_1" }),
      { usage: undefined, modelType: "other" },
    ],
    [
      "unless it was made in the background",
      json({ ...response, background: true }, { path: "responses/resp_1" }),
      { usage: flat, modelType: "chat" },
    ],
  ]);
});

describe("Replicate's stream", () => {
  const body = "event: output\nid: 1\ndata: Hel\n\nevent: output\nid: 2\ndata: lo\ndata: there\n\n";
  const about = { provider: "replicate", path: "v1/predictions/p/stream" };
  checkReadings([
    ["is text", events(body + "event: done\ndata: {}\n\n", about), {
      end: "proven",
      said: "Hello\nthere",
      firstContent: 31,
    }],
    ["ends in done", events(body, about), { end: "missing" }],
  ]);
});

describe("the proof of a chat stream's end", () => {
  const finished = sse([delta("a"), delta("", "stop")]);
  checkReadings([
    ["is [DONE]", events(finished + "data: [DONE]\n\n"), { end: "proven" }],
    ["is [DONE] without a line end", events(finished + "data: [DONE]"), { end: "proven" }],
    ["and nothing less where it is always sent", events(finished), { end: "missing" }],
    ["is a finish where it is not", events(finished, { provider: "custom-x" }), { end: "proven" }],
    [
      "of each choice",
      events(sse([delta("a"), delta("b", null, 1), delta("", "stop")]), { provider: "custom-x" }),
      { end: "missing" },
    ],
    [
      "and of none after an error",
      events(finished + sse([{ error: { message: "Lost" } }]), { provider: "custom-x" }),
      { end: "missing", error: { code: null, message: "Lost" } },
    ],
    [
      "is nothing that a stream of an unknown kind has",
      events(sse([{ foo: 1 }, { foo: 2 }]), { provider: "custom-x", path: "events" }),
      { end: "unprovable", streamed: true },
    ],
  ]);
});
