/** Whatever a client sends or a provider answers: no crash, no hang, an error that says what is wrong. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import { gateway, read } from "./unified-endpoints.ts";
import type { Answer } from "./scripted.ts";

const path = "/v1/acc/default/compat";
const auth = { authorization: "Bearer k" };
const config = { providers: { "google-vertex-ai": { project: "p" } } };

/** Each endpoint at each of the providers that it is translated for. */
const asked: Readonly<Record<string, { models: string[]; body: Json }>> = {
  embeddings: {
    models: [
      "cohere/m",
      "google/m",
      "vertex/text-embedding-005",
      "vertex/gemini-embedding-2",
      "bedrock/amazon.titan-embed-text-v2:0",
      "bedrock/cohere.embed-v4:0",
      "bedrock/amazon.nova-2-multimodal-embeddings-v1:0",
      "huggingface/a/b",
    ],
    body: { input: ["a"], encoding_format: "base64" },
  },
  rerank: {
    models: [
      "cohere/m",
      "jina/m",
      "voyage/m",
      "workers-ai/@cf/a/b",
      "deepinfra/a/b",
      "bedrock/m",
      "together/m",
    ],
    body: { query: "q", documents: ["a", "b"], return_documents: true },
  },
  "messages/count_tokens": {
    models: ["google/m", "openai/m", "bedrock/anthropic.claude-x", "vertex/claude-x"],
    body: { max_tokens: 1, messages: [{ role: "user", content: "Hi" }] },
  },
  "images/generations": {
    models: [
      "google/gemini-image",
      "google/imagen-4",
      "workers-ai/@cf/a/b",
      "fal/a/b",
      "fireworks/m",
      "grok/m",
      "openrouter/a/b",
      "together/m",
      "ideogram/ideogram-v3",
      "bedrock/amazon.nova-canvas-v1:0",
      "bedrock/stability.sd3-5-large-v1:0",
      "huggingface/a/b",
    ],
    body: { prompt: "x", response_format: "b64_json" },
  },
  "audio/speech": {
    models: ["google/m", "mistral/m", "workers-ai/@cf/a/melotts"],
    body: { input: "x", voice: "alloy" },
  },
};

const deep = "[".repeat(20_000);
const bodies = [
  "",
  "null",
  "5",
  "[]",
  "{}",
  "[[]]",
  "[[[null]]]",
  '{"data":[{"embedding":"*"},null,{"embedding":[1,"x"]}],"usage":{"prompt_tokens":-1}}',
  '{"data":{"length":5},"embeddings":{"float":[[1e400]]},"results":[{"index":1e9}]}',
  '{"embeddings":[{"values":"x"},[null],5],"predictions":[null,{"embeddings":{"values":[{}]}}]}',
  '{"results":[{"index":-1,"relevance_score":1},{"index":0,"relevance_score":"x"}],"scores":[[{}]]}',
  '{"result":{"response":[{"id":"0","score":1}],"image":5,"audio":"*"},"images":[{},5,""]}',
  '{"candidates":[{"content":{"parts":[{"inlineData":{"data":"*","mimeType":5}}]}}]}',
  '{"totalTokens":-5,"inputTokens":1.5,"input_tokens":1e300,"audio_data":"*"}',
  '{"__proto__":{"data":[1]},"constructor":1,"usageMetadata":{"promptTokenCount":"x"}}',
  `{"data":${deep}${"]".repeat(20_000)}}`,
  `{"data":${deep}`,
  "<html><title>Away</title></html>",
  "\u0000\ufffd",
];

describe("hostile answers", () => {
  for (const [name, { models, body }] of Object.entries(asked)) {
    for (const model of models) {
      it(`to ${name} of ${model}`, async () => {
        for (const text of bodies) {
          for (const status of [200, 418]) {
            const answer: Answer = () =>
              new Response(text, { status, headers: { "content-type": "application/json" } });
            const { post, reports } = gateway([answer, answer], config);
            const response = await post(`${path}/${name}`, { ...body, model }, auth);
            const told = await response.text();
            const shown = `${text.slice(0, 100)} (${status}): ${response.status} ${told}`;
            if (status === 418) assert.equal(response.status, 418, shown);
            else assert.ok([200, 400, 502].includes(response.status), shown);
            if (!/^audio\//.test(response.headers.get("content-type") ?? "")) {
              assert.doesNotThrow(() => JSON.parse(told), shown);
            }
            assert.deepEqual(reports, [], shown);
          }
        }
      });
    }
  }
});

describe("hostile requests", () => {
  const values: unknown[] = [null, 5, "", "x", -1, 1e400, true, [], {}, [null], [{}], [[[]]]];
  const members: Readonly<Record<string, string[]>> = {
    embeddings: ["model", "input", "dimensions", "encoding_format", "user"],
    "v2/embed": ["model", "texts", "images", "inputs", "input_type", "output_dimension"],
    rerank: ["model", "query", "documents", "top_n", "return_documents"],
    "messages/count_tokens": ["model", "messages", "system", "tools"],
    "images/generations": ["model", "prompt", "n", "size", "quality", "images", "extra"],
    "audio/speech": ["model", "input", "voice", "speed", "instructions", "response_format"],
    "audio/transcriptions": ["model", "file"],
    moderations: ["model", "input"],
  };
  const model: Readonly<Record<string, string>> = {
    "images/generations": "google/gemini-image",
    "audio/speech": "elevenlabs/m",
    "audio/transcriptions": "deepgram/m",
    moderations: "openai/m",
    "messages/count_tokens": "google/m",
  };
  for (const [name, all] of Object.entries(members)) {
    it(`to ${name}`, async () => {
      const whole: Json = { model: model[name] ?? "cohere/m", input: "x", prompt: "x", query: "x" };
      for (const member of all) {
        for (const value of values) {
          const { post, reports } = gateway([() =>
            Response.json({ error: { message: "No" } }, {
              status: 422,
            })], config);
          const response = await post(`${path}/${name}`, { ...whole, [member]: value }, auth);
          const told = await read(response);
          const shown = `${member}: ${JSON.stringify(value)}: ${response.status}`;
          assert.ok([200, 400, 404, 422].includes(response.status), shown);
          assert.equal(
            typeof (told.error?.message ?? told.message ?? told.input_tokens),
            response.status === 200 ? "number" : "string",
            shown,
          );
          assert.deepEqual(reports, [], shown);
        }
      }
    });
  }

  it("a voice that would lead out of its provider's path", async () => {
    const { post, seen } = gateway([]);
    const body = { model: "elevenlabs/m", input: "x", voice: ".." };
    assert.equal((await post(`${path}/audio/speech`, body, auth)).status, 400);
    assert.equal(seen.length, 0);
  });

  it("models that would lead out of their provider's path", async () => {
    for (
      const name of [
        "fal/..",
        "fal/fal-ai/../../x",
        "workers-ai/@cf/../..",
        "bedrock/..",
        "google/..%2f..",
        "fireworks/accounts/./x",
      ]
    ) {
      const { post, seen } = gateway([], config);
      const response = await post(`${path}/images/generations`, { model: name, prompt: "x" }, auth);
      assert.equal(response.status, 400, name);
      assert.equal(seen.length, 0);
    }
  });
});
