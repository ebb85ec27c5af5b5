/** The same of what is no chat: each member changes what the provider is told, is done here, or is named. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { gatewayOver } from "../support/unified-gateway.ts";

const file = (name: string, type: string) => new File([new Uint8Array(50)], name, { type });

interface Task {
  /** What every request has. */
  plain: Record<string, unknown>;
  /** Sent as a form. */
  form?: true;
  /** Values that are no defaults. */
  members: Record<string, unknown>;
  /** What the gateway sees to itself. */
  here: RegExp;
  models: readonly string[];
}

const tasks: Readonly<Record<string, Task>> = {
  "embeddings": {
    plain: { input: "Hi" },
    members: {
      dimensions: 256,
      encoding_format: "base64",
      user: "u",
      input_type: "query",
      more: 1,
    },
    here: /^encoding_format$/,
    models: [
      "google/gemini-embedding-001",
      "google-vertex-ai/text-embedding-005",
      "aws-bedrock/amazon.titan-embed-text-v2:0",
      "aws-bedrock/cohere.embed-v4:0",
      "cohere/embed-v4.0",
      "mistral/mistral-embed",
      "voyage/voyage-3",
      "huggingface/m/x",
      "workers-ai/@cf/baai/bge-m3",
    ],
  },
  "rerank": {
    plain: { query: "q", documents: ["a", "b"] },
    members: { top_n: 1, return_documents: true, max_tokens_per_doc: 10, more: 1 },
    here: /^(?:return_documents|top_n)$/,
    models: [
      "cohere/rerank-v3.5",
      "aws-bedrock/cohere.rerank-v3-5:0",
      "workers-ai/@cf/baai/bge-reranker-base",
      "deepinfra/m/x",
      "voyage/rerank-2.5",
    ],
  },
  "images/generations": {
    plain: { prompt: "A cat" },
    members: {
      n: 2,
      size: "1024x1536",
      quality: "high",
      style: "vivid",
      background: "transparent",
      output_format: "webp",
      output_compression: 50,
      response_format: "url",
      moderation: "low",
      user: "u",
      seed: 7,
      stream: true,
      more: 1,
    },
    here: /^(?:response_format|stream)$/,
    models: [
      "google/gemini-2.5-flash-image",
      "google/imagen-4.0-generate-001",
      "aws-bedrock/amazon.nova-canvas-v1:0",
      "aws-bedrock/stability.sd3-5-large-v1:0",
      "workers-ai/@cf/black-forest-labs/flux-1-schnell",
      "grok/grok-2-image",
      "openrouter/m/x",
      "together/m/x",
      "fireworks/flux-1-schnell-fp8",
      "huggingface/m/x",
      "fal/fal-ai/flux/dev",
      "ideogram/ideogram-v3",
    ],
  },
  "audio/speech": {
    plain: { input: "Hi", voice: "someone", response_format: "wav" },
    members: {
      voice: "alloy",
      instructions: "Slowly",
      response_format: "opus",
      speed: 1.5,
      stream_format: "sse",
      more: 1,
    },
    here: /^$/,
    models: [
      "google/gemini-2.5-flash-preview-tts",
      "workers-ai/@cf/deepgram/aura-1",
      "mistral/voxtral-tts",
      "grok/tts",
      "elevenlabs/eleven_v3",
      "deepgram/aura-2",
      "cartesia/sonic-3",
    ],
  },
  "audio/transcriptions": {
    plain: { file: file("a.wav", "audio/wav") },
    form: true,
    members: {
      language: "de",
      prompt: "Names",
      response_format: "srt",
      temperature: "0.3",
      "timestamp_granularities[]": "word",
      "include[]": "logprobs",
      stream: "true",
      more: "1",
    },
    here: /^(?:response_format|timestamp_granularities\[\])$/,
    models: [
      "workers-ai/@cf/openai/whisper-large-v3-turbo",
      "workers-ai/@cf/openai/whisper",
      "mistral/voxtral-mini",
      "grok/stt",
      "huggingface/m/x",
      "elevenlabs/scribe_v1",
      "deepgram/nova-3",
      "cartesia/ink-whisper",
    ],
  },
};

let sent: string[] = [];
const ask = gatewayOver(async (request) => {
  const type = request.headers.get("content-type") ?? "";
  const body = /^multipart/.test(type)
    ? JSON.stringify([...await request.formData()])
    : await request.text();
  sent.push([request.url, request.headers.get("accept"), body].join(" "));
  return Response.json({ error: { message: "Not now" } }, { status: 400 });
});

/** All that the provider gets; nothing where the request goes no further. */
async function told(
  path: string,
  { form }: Task,
  body: Record<string, unknown>,
): Promise<string | undefined> {
  sent = [];
  let written: BodyInit = JSON.stringify(body);
  if (form) {
    written = new FormData();
    for (const [name, value] of Object.entries(body)) written.append(name, value as string | File);
  }
  await ask(
    new Request(`http://gateway.test/v1/${path}`, {
      method: "POST",
      headers: { authorization: "Bearer k", "x-sluice-compat": "strict" },
      body: written,
    }),
  );
  return sent.length === 0 ? undefined : sent.join("\n");
}

for (const [path, task] of Object.entries(tasks)) {
  describe(`nothing is left out in silence of ${path}`, () => {
    for (const model of task.models) {
      it(`to ${model}`, async () => {
        const plain = { model, ...task.plain };
        const without = await told(path, task, plain);
        assert.ok(without !== undefined, "what every request has is taken");
        const silent: string[] = [];
        for (const [name, value] of Object.entries(task.members)) {
          if (task.here.test(name)) continue;
          if (await told(path, task, { ...plain, [name]: value }) === without) silent.push(name);
        }
        assert.deepEqual(silent, []);
      });
    }
  });
}
