/** Embeddings, rankings and counts of the unified API: from any client to any provider. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { cache } from "../../plugins/cache.ts";
import { fallback } from "../../plugins/fallback.ts";
import { log } from "../../plugins/log.ts";
import { failing, unreachable } from "./scripted.ts";
import { exchange, gateway, json, read, recorded } from "./unified-endpoints.ts";

/** The same numbers, as far as four bytes hold them. */
const floats = (base64: string): number[] => {
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return [...new Float32Array(bytes.buffer)];
};
const openAI = (...vectors: unknown[]) =>
  json({
    object: "list",
    data: vectors.map((embedding, index) => ({ object: "embedding", index, embedding })),
    model: "m",
    usage: { prompt_tokens: 4, total_tokens: 4 },
  });

describe("embeddings: OpenAI's client", () => {
  it("sends its bytes to those who speak as OpenAI does", async () => {
    const { request, answer } = exchange("openai/embeddings");
    const { post, seen, rows } = gateway([recorded("openai/embeddings")]);
    const body = JSON.stringify({ ...request, model: "openai/text-embedding-3-small" });
    const response = await post("/v1/embeddings", body, { authorization: "Bearer sk-1" });
    assert.deepEqual(await response.json(), answer);
    assert.equal(seen[0]!.url, "https://api.openai.com/v1/embeddings");
    assert.equal(seen[0]!.headers.authorization, "Bearer sk-1");
    assert.equal(seen[0]!.body, JSON.stringify({ ...request, model: "text-embedding-3-small" }));
    const [row] = await rows();
    assert.equal(row!.model_type, "embeddings");
    assert.equal(row!.tokens_in, 5);
  });

  it("gets base64 where a provider gives lists of numbers all the same", async () => {
    const { post, seen } = gateway([openAI([0.5, -2], [1, 0])]);
    const told = await read(post("/v1/embeddings", {
      model: "together/m",
      input: ["a", "b"],
      encoding_format: "base64",
    }));
    assert.deepEqual(told.data.map((one: { embedding: string }) => floats(one.embedding)), [
      [0.5, -2],
      [1, 0],
    ]);
    assert.deepEqual(told.usage, { prompt_tokens: 4, total_tokens: 4 });
    assert.equal(JSON.parse(seen[0]!.body).encoding_format, "base64");
  });

  it("is spelled as Voyage, Jina and Mistral want it", async () => {
    const { post, seen } = gateway([openAI([1]), openAI([1]), openAI([1])]);
    const asked = { input: "a", dimensions: 256, encoding_format: "float", user: "u" };
    for (const model of ["voyage/voyage-4", "jina/jina-embeddings-v3", "mistral/codestral-embed"]) {
      const response = await post("/v1/embeddings", { model, ...asked });
      assert.equal(response.headers.get("x-sluice-dropped"), "user");
    }
    assert.deepEqual(seen.map(({ body }) => JSON.parse(body)), [
      { input: "a", output_dimension: 256, model: "voyage-4" },
      { input: "a", dimensions: 256, embedding_type: "float", model: "jina-embeddings-v3" },
      { input: "a", output_dimension: 256, encoding_format: "float", model: "codestral-embed" },
    ]);
  });

  it("reaches Gemini's models", async () => {
    const { request, answer } = exchange("google-ai-studio/batch-embed");
    const { post, seen, rows } = gateway([recorded("google-ai-studio/batch-embed")]);
    const told = await read(
      post("/v1/embeddings", {
        model: "google/gemini-embedding-001",
        input: "Ruby is a programmer's best friend",
        dimensions: 768,
        encoding_format: "base64",
      }, { authorization: "Bearer g-1" }),
    );
    assert.deepEqual(JSON.parse(seen[0]!.body), request);
    assert.match(seen[0]!.url, /v1beta\/models\/gemini-embedding-001:batchEmbedContents$/);
    assert.equal(seen[0]!.headers["x-goog-api-key"], "g-1");
    const [{ values }] = answer.embeddings as [{ values: number[] }];
    assert.deepEqual(floats(told.data[0].embedding), [...new Float32Array(values)]);
    assert.equal(told.model, "google/gemini-embedding-001");
    const [row] = await rows();
    assert.equal(row!.model, "google-ai-studio/gemini-embedding-001");
  });

  it("reaches Vertex AI's models, old and new", async () => {
    const { post, seen } = gateway([
      recorded("google-vertex-ai/predict"),
      recorded("google-vertex-ai/embed"),
    ], { providers: { "google-vertex-ai": { project: "p", region: "us-east1" } } });
    const auth = { authorization: "Bearer ya29.x" };
    const ask = (model: string, input: unknown) =>
      read(post("/v1/embeddings", { model, input, dimensions: 3 }, auth));
    const first = await ask("vertex/text-embedding-005", "a");
    const { predictions } = exchange("google-vertex-ai/predict").answer as {
      predictions: { embeddings: { values: number[]; statistics: { token_count: number } } }[];
    };
    assert.deepEqual(first.data[0].embedding, predictions[0]!.embeddings.values);
    assert.match(seen[0]!.url, /\/projects\/p\/locations\/us-east1\/.*text-embedding-005:predict$/);
    assert.deepEqual(JSON.parse(seen[0]!.body), {
      instances: [{ content: "a" }],
      parameters: { outputDimensionality: 3 },
    });
    const second = await ask("vertex/gemini-embedding-2", "a");
    assert.match(seen[1]!.url, /gemini-embedding-2:embedContent$/);
    assert.deepEqual(JSON.parse(seen[1]!.body), {
      content: { parts: [{ text: "a" }] },
      outputDimensionality: 3,
    });
    assert.ok(second.data[0].embedding.length > 100);
  });

  it("reaches Cohere's models, 96 texts at a time", async () => {
    const vectors = (count: number, from: number) =>
      json({
        embeddings: { float: Array.from({ length: count }, (_, i) => [from + i]) },
        meta: { billed_units: { input_tokens: count } },
      });
    const { post, seen, rows } = gateway([vectors(96, 0), vectors(4, 96)]);
    const response = await post("/v1/embeddings", {
      model: "cohere/embed-v4.0",
      input: Array.from({ length: 100 }, (_, i) => String(i)),
    });
    const told = await read(response);
    assert.deepEqual(
      told.data.map(({ index, embedding }: { index: number; embedding: number[] }) =>
        embedding[0] === index
      ),
      Array(100).fill(true),
    );
    assert.deepEqual(told.usage, { prompt_tokens: 100, total_tokens: 100 });
    assert.equal(response.headers.get("x-sluice-tokens-in"), "100");
    assert.equal(seen[0]!.url, "https://api.cohere.com/v2/embed");
    assert.deepEqual(JSON.parse(seen[1]!.body), {
      model: "embed-v4.0",
      input_type: "search_document",
      embedding_types: ["float"],
      texts: ["96", "97", "98", "99"],
    });
    assert.deepEqual((await rows()).map(({ tokens_in }) => tokens_in), [96, 4]);
  });

  it("reaches Bedrock's models: Titan's and Nova's, one text a call", async () => {
    const { post, seen, rows } = gateway([
      json({ embedding: [1], inputTextTokenCount: 2 }),
      json({ embedding: [2], inputTextTokenCount: 3 }),
      json({ embeddings: [{ embeddingType: "TEXT", embedding: [3] }] }, {
        headers: { "x-amzn-bedrock-input-token-count": "7" },
      }),
    ]);
    const auth = { authorization: "Bearer bedrock-key" };
    const titan = await read(
      post("/v1/embeddings", {
        model: "bedrock/amazon.titan-embed-text-v2:0",
        input: ["a", "b"],
      }, auth),
    );
    assert.deepEqual(titan.data.map(({ embedding }: { embedding: number[] }) => embedding[0]), [
      1,
      2,
    ]);
    assert.equal(titan.usage.prompt_tokens, 5);
    assert.match(seen[0]!.url, /us-east-1\.amazonaws\.com\/model\/amazon\.titan.*%3A0\/invoke$/);
    const nova = await read(
      post("/v1/embeddings", {
        model: "bedrock/amazon.nova-2-multimodal-embeddings-v1:0",
        input: "a",
        dimensions: 384,
      }, auth),
    );
    assert.deepEqual(nova.data[0].embedding, [3]);
    assert.equal(nova.usage.prompt_tokens, 7);
    assert.deepEqual(JSON.parse(seen[2]!.body).singleEmbeddingParams, {
      embeddingPurpose: "GENERIC_INDEX",
      embeddingDimension: 384,
      text: { truncationMode: "END", value: "a" },
    });
    // What only a header tells is estimated.
    assert.deepEqual((await rows()).map(({ tokens_in }) => tokens_in), [2, 3, 1]);
  });

  it("reaches Hugging Face's models, of which some give a vector for each token", async () => {
    const { post, seen } = gateway([json([[1, 2], [[1, 0], [0, 1]]])]);
    const told = await read(post("/v1/embeddings", {
      model: "huggingface/BAAI/bge-small-en",
      input: ["a", "b"],
    }));
    assert.match(seen[0]!.url, /hf-inference\/models\/BAAI\/bge-small-en\/pipeline\/feature-extr/);
    assert.deepEqual(JSON.parse(seen[0]!.body), { inputs: ["a", "b"] });
    assert.deepEqual(told.data.map(({ embedding }: { embedding: number[] }) => embedding), [
      [1, 2],
      [0.5, 0.5],
    ]);
  });

  it("reaches configured providers of any format", async () => {
    const provider = (name: string, format: string) => [
      `custom-${name}`,
      { base_url: `https://${name}.test`, format },
    ];
    const { post, seen } = gateway([
      openAI([1]),
      json({ embeddings: [{ values: [2] }] }),
      json({ embeddings: { float: [[3]] } }),
    ], {
      providers: Object.fromEntries([
        provider("o", "openai-chat"),
        provider("g", "gemini"),
        provider("c", "cohere-v2"),
      ]),
    });
    for (const [i, name] of ["o", "g", "c"].entries()) {
      const told = await read(post("/v1/embeddings", { model: `custom-${name}/m`, input: "a" }));
      assert.deepEqual(told.data[0].embedding, [i + 1]);
    }
    assert.deepEqual(seen.map(({ url }) => url), [
      "https://o.test/embeddings",
      "https://g.test/v1beta/models/m:batchEmbedContents",
      "https://c.test/v2/embed",
    ]);
  });

  it("may send tokens only to whoever takes them", async () => {
    const { post, seen } = gateway([openAI([1])]);
    assert.equal(
      (await post("/v1/embeddings", { model: "openai/m", input: [[1, 2]] })).status,
      200,
    );
    const { error } = await read(post("/v1/embeddings", { model: "cohere/m", input: [[1, 2]] }));
    assert.match(error.message, /'input\[0\]' is an array; text, since 'cohere' takes no tokens/);
    assert.equal(seen.length, 1);
  });

  it("is told what cannot be carried, or refused where it wants to be", async () => {
    const { post, seen } = gateway([json({ embeddings: [{ values: [1] }] })]);
    const body = { model: "google/m", input: "a", user: "u" };
    const response = await post("/v1/embeddings", body);
    assert.equal(response.headers.get("x-sluice-dropped"), "user");
    const refused = await post("/v1/embeddings", body, { "x-sluice-compat": "strict" });
    assert.equal(refused.status, 400);
    assert.equal((await read(refused)).error.code, "8032");
    assert.equal(seen.length, 1);
  });
});

describe("embeddings: in the chain", () => {
  const vectors = json({
    embeddings: { float: [[1]] },
    meta: { billed_units: { input_tokens: 1 } },
  });
  const body = { model: "cohere/embed-v4.0", input: "a" };

  it("are cached as their provider's own requests are", async () => {
    const { post, seen, rows } = gateway([vectors], { plugins: [log(), cache()] });
    const kept = { "cf-aig-cache-ttl": "60" };
    const first = await read(post("/v1/embeddings", body, kept));
    const second = await post("/v1/embeddings", body, kept);
    assert.equal(second.headers.get("cf-aig-cache-status"), "HIT");
    assert.deepEqual(await read(second), first);
    assert.equal(seen.length, 1);
    assert.deepEqual((await rows()).map(({ cached }) => cached), [false, true]);
  });

  it("several requests end with the first that fails", async () => {
    const input = Array.from({ length: 2000 }, (_, i) => String(i));
    const { post, seen } = gateway([vectors, failing(400), ...Array(20).fill(vectors)]);
    const response = await post("/v1/embeddings", { ...body, input });
    assert.equal(response.status, 400);
    assert.ok(seen.length <= 8, String(seen.length));
    const away = gateway([vectors, unreachable, ...Array(20).fill(vectors)]);
    assert.equal((await away.post("/v1/embeddings", { ...body, input })).status, 502);
    assert.ok(away.seen.length <= 8, String(away.seen.length));
  });

  it("fall back to another provider in a universal request", async () => {
    const { universal, seen } = gateway([failing(500), json({ embeddings: [{ values: [2] }] })], {
      plugins: [fallback()],
    });
    const step = (model: string) => ({
      provider: "compat",
      endpoint: "embeddings",
      headers: {},
      query: { model, input: "a" },
    });
    const told = await read(universal([step("cohere/embed-v4.0"), step("google/m")]));
    assert.deepEqual(told.data[0].embedding, [2]);
    assert.deepEqual(seen.map(({ url }) => new URL(url).hostname), [
      "api.cohere.com",
      "generativelanguage.googleapis.com",
    ]);
  });

  it("never take one provider's key to another, wherever it stood", async () => {
    const { post, seen } = gateway([failing(500), openAI([1])], {
      plugins: [fallback({ to: [{ model: "openai/m" }] })],
    });
    await post("/v1beta/models/google/m:embedContent?key=AIza-1", {
      content: { parts: [{ text: "a" }] },
    });
    assert.equal(seen[0]!.headers["x-goog-api-key"], "AIza-1");
    assert.ok(!JSON.stringify(seen[1]).includes("AIza-1"));
    assert.equal(seen[1]!.url, "https://api.openai.com/v1/embeddings");
  });

  it("an answer that is none is a 502", async () => {
    for (const answer of [json([]), json({}), json({ data: 5, embeddings: null })]) {
      const { post } = gateway([answer]);
      const response = await post("/v1/embeddings", body);
      assert.equal(response.status, 502);
      assert.match((await read(response)).error.message, /not what its format says/);
    }
  });
});

describe("embeddings: Google's client", () => {
  it("names the model once where the gateway reads it and once where Google does", async () => {
    const { request, answer } = exchange("google-ai-studio/batch-embed");
    const { post, seen } = gateway([recorded("google-ai-studio/batch-embed")]);
    const [one] = request.requests as [object];
    const model = "models/google/gemini-embedding-001";
    const told = await read(
      post(`/v1beta/${model}:batchEmbedContents`, { requests: [{ ...one, model }] }, {
        "x-goog-api-key": "g-1",
      }),
    );
    assert.deepEqual(told, answer);
    assert.deepEqual(JSON.parse(seen[0]!.body), request);
  });

  it("reaches OpenAI's models", async () => {
    const { post, seen } = gateway([openAI([1, 2])]);
    const told = await read(
      post("/v1beta/models/openai/text-embedding-3-small:embedContent", {
        content: { parts: [{ text: "a" }] },
        outputDimensionality: 2,
        taskType: "CLUSTERING",
      }),
    );
    assert.deepEqual(told.embedding, { values: [1, 2] });
    assert.deepEqual(JSON.parse(seen[0]!.body), {
      model: "text-embedding-3-small",
      input: ["a"],
      dimensions: 2,
      encoding_format: "float",
    });
  });

  it("reads errors as Google's", async () => {
    const { post } = gateway([recorded("openai/embeddings-error-400")]);
    const response = await post("/v1beta/models/openai/m:embedContent", {
      content: { parts: [{ text: "a" }] },
    });
    assert.equal(response.status, 400);
    assert.equal((await read(response)).error.status, "INVALID_ARGUMENT");
  });
});

describe("embeddings: Cohere's client", () => {
  it("passes to Cohere", async () => {
    const { request, answer } = exchange("cohere/v2-embed");
    const { post, seen } = gateway([recorded("cohere/v2-embed")]);
    const told = await read(
      post("/v1/acc/default/compat/v2/embed", { ...request, model: "cohere/embed-v4.0" }),
    );
    assert.deepEqual(told, answer);
    assert.deepEqual(JSON.parse(seen[0]!.body), request);
  });

  it("reaches Voyage's models", async () => {
    const { post, seen } = gateway([recorded("voyage/embeddings")]);
    const response = await post("/v1/acc/default/compat/v2/embed", {
      model: "voyage/voyage-4",
      texts: ["Hello, world!"],
      input_type: "search_query",
      embedding_types: ["float", "int8"],
    });
    const told = await read(response);
    assert.equal(response.headers.get("x-sluice-dropped"), "embedding_types");
    assert.equal(told.embeddings.float[0].length, 1024);
    assert.deepEqual(JSON.parse(seen[0]!.body), {
      model: "voyage-4",
      input: ["Hello, world!"],
      input_type: "query",
    });
  });

  it("reads errors as Cohere's", async () => {
    const { post } = gateway([recorded("cohere/v2-embed-error-404")]);
    const response = await post("/v1/acc/default/compat/v2/embed", { model: "cohere/m" });
    assert.equal(response.status, 404);
    assert.equal(typeof (await read(response)).message, "string");
  });
});

describe("rankings", () => {
  const asked = { query: "what is ruby", documents: ["Paris", { text: "Ruby" }] };

  it("pass to those who speak as Jina does", async () => {
    const { request, answer } = exchange("openrouter/rerank");
    const { post, seen } = gateway([recorded("openrouter/rerank")]);
    const model = `openrouter/${request.model}`;
    assert.deepEqual(await read(post("/v1/rerank", { ...request, model })), answer);
    assert.deepEqual(JSON.parse(seen[0]!.body), request);
    assert.equal(seen[0]!.url, "https://openrouter.ai/api/v1/rerank");
  });

  it("of pictures pass to Jina; ranks in 'data' come as results", async () => {
    const results = [{ index: 0, relevance_score: 0.5 }];
    const { post, seen } = gateway([json({ results }), json({ object: "list", data: results })]);
    const documents = [{ image: "https://x/1.png" }];
    const pictures = { model: "jina/jina-reranker-m0", query: "q", documents };
    assert.deepEqual((await read(post("/v1/rerank", pictures))).results, results);
    assert.deepEqual(JSON.parse(seen[0]!.body).documents, documents);
    const told = await read(post("/v1/rerank", { ...asked, model: "fireworks/m" }));
    assert.deepEqual(told.results, results);
  });

  it("are asked of Cohere with strings for documents", async () => {
    const { post, seen } = gateway([
      json({
        id: "i",
        results: [{ index: 1, relevance_score: 0.9 }],
        meta: { billed_units: { search_units: 1 } },
      }),
    ]);
    const model = "cohere/rerank-v3.5";
    const told = await read(post("/v1/rerank", { ...asked, model, return_documents: true }));
    assert.deepEqual(JSON.parse(seen[0]!.body), {
      model: "rerank-v3.5",
      query: "what is ruby",
      documents: ["Paris", "Ruby"],
    });
    assert.deepEqual(told.results, [
      { index: 1, relevance_score: 0.9, document: { text: "Ruby" } },
    ]);
    assert.equal(told.meta.billed_units.search_units, 1);
  });

  const others: [model: string, url: RegExp, body: object, answer: object][] = [
    [
      "voyage/rerank-2.5",
      /voyageai\.com\/v1\/rerank$/,
      { model: "rerank-2.5", query: "what is ruby", documents: ["Paris", "Ruby"], top_k: 1 },
      { data: [{ index: 1, relevance_score: 0.9 }], usage: { total_tokens: 9 } },
    ],
    [
      "workers-ai/@cf/baai/bge-m3",
      /accounts\/acc\/ai\/run\/@cf\/baai\/bge-m3$/,
      { query: "what is ruby", contexts: [{ text: "Paris" }, { text: "Ruby" }], top_k: 1 },
      { result: { response: [{ id: 0, score: 0.1 }, { id: 1, score: 0.9 }] }, success: true },
    ],
    [
      "deepinfra/Qwen/Qwen3-Reranker-8B",
      /deepinfra\.com\/v1\/inference\/Qwen\/Qwen3-Reranker-8B$/,
      { queries: ["what is ruby"], documents: ["Paris", "Ruby"] },
      { scores: [0.1, 0.9], input_tokens: 9 },
    ],
  ];
  for (const [model, url, body, answer] of others) {
    it(`are asked of ${model}`, async () => {
      const { post, seen, rows } = gateway([json(answer)]);
      const told = await read(
        post("/v1/acc/default/compat/rerank", { ...asked, model, top_n: 1 }),
      );
      assert.match(seen[0]!.url, url);
      const sent = JSON.parse(seen[0]!.body);
      delete sent.return_documents;
      assert.deepEqual(sent, body);
      assert.deepEqual(told.results, [{ index: 1, relevance_score: 0.9 }]);
      const [row] = await rows();
      assert.equal(row!.model, model);
      assert.equal(row!.model_type, "rerank");
    });
  }

  it("are asked of Bedrock in the model's region", async () => {
    const { post, seen } = gateway([json({ results: [{ index: 1, relevanceScore: 0.9 }] })]);
    const model = "bedrock/eu-central-1/cohere.rerank-v3-5:0";
    const told = await read(
      post("/v1/rerank", { ...asked, model }, { authorization: "Bearer k" }),
    );
    assert.match(seen[0]!.url, /bedrock-agent-runtime\.eu-central-1\.amazonaws\.com\/rerank$/);
    assert.match(seen[0]!.body, /arn:aws:bedrock:eu-central-1::foundation-model\/cohere\.rerank/);
    assert.deepEqual(told.results, [{ index: 1, relevance_score: 0.9 }]);
  });
});

describe("counts", () => {
  const claude = { model: "m", max_tokens: 9, messages: [{ role: "user", content: "Hello" }] };

  it("pass to Anthropic", async () => {
    const { request, answer } = exchange("anthropic/count-tokens");
    const { post, seen } = gateway([recorded("anthropic/count-tokens")]);
    const model = `anthropic/${request.model}`;
    const told = await read(post("/v1/messages/count_tokens", { ...request, model }));
    assert.deepEqual(told, answer);
    assert.deepEqual(JSON.parse(seen[0]!.body), request);
    assert.equal(seen[0]!.url, "https://api.anthropic.com/v1/messages/count_tokens");
  });

  it("are asked of Gemini", async () => {
    const { post, seen, rows } = gateway([recorded("google-ai-studio/count-tokens")]);
    const model = "google/gemini-3.5-flash";
    const messages = [{ role: "user", content: "What is the capital of France?" }];
    const told = await read(post("/v1/messages/count_tokens", { model, messages, system: "Be" }));
    assert.deepEqual(told, { input_tokens: 8 });
    assert.match(seen[0]!.url, /models\/gemini-3\.5-flash:countTokens$/);
    const { generateContentRequest } = JSON.parse(seen[0]!.body);
    assert.equal(generateContentRequest.model, "models/gemini-3.5-flash");
    assert.deepEqual(generateContentRequest.systemInstruction.parts, [{ text: "Be" }]);
    const [row] = await rows();
    assert.deepEqual([row!.model_type, row!.tokens_in, row!.cost], ["count_tokens", null, null]);
  });

  it("are asked of Anthropic for Google's client", async () => {
    const { post, seen } = gateway([json({ input_tokens: 14 })]);
    const told = await read(
      post("/v1beta/models/anthropic/claude-haiku-4-5:countTokens", {
        contents: [{ role: "user", parts: [{ text: "Hello" }] }],
      }),
    );
    assert.equal(told.totalTokens, 14);
    assert.deepEqual(JSON.parse(seen[0]!.body), {
      model: "claude-haiku-4-5",
      messages: [{ role: "user", content: "Hello" }],
    });
    assert.equal(seen[0]!.headers["anthropic-version"], "2023-06-01");
  });

  it("are asked of Bedrock for Claude, without a region's profile", async () => {
    const { post, seen } = gateway([recorded("amazon-bedrock/count-tokens-2")]);
    const model = "bedrock/us.anthropic.claude-sonnet-4-20250514-v1:0";
    const told = await read(
      post("/v1/messages/count_tokens", { ...claude, model }, { authorization: "Bearer k" }),
    );
    assert.deepEqual(told, { input_tokens: 23 });
    assert.match(
      seen[0]!.url,
      /us-east-1.*\/model\/anthropic\.claude-sonnet-4-20250514-v1%3A0\/count-tokens$/,
    );
    assert.deepEqual(JSON.parse(seen[0]!.body), {
      input: { converse: { messages: [{ role: "user", content: [{ text: "Hello" }] }] } },
    });
  });

  it("are asked of Vertex AI for Claude and for Gemini", async () => {
    const { post, seen } = gateway([
      json({ input_tokens: 3 }),
      recorded("google-vertex-ai/count-tokens"),
    ], { providers: { "google-vertex-ai": { project: "p" } } });
    const auth = { authorization: "Bearer ya29.x" };
    const ask = (model: string) =>
      read(post("/v1/messages/count_tokens", { ...claude, model }, auth));
    assert.deepEqual(await ask("vertex/claude-sonnet-4-5"), { input_tokens: 3 });
    assert.match(seen[0]!.url, /publishers\/anthropic\/models\/count-tokens:rawPredict$/);
    assert.deepEqual(JSON.parse(seen[0]!.body), {
      model: "claude-sonnet-4-5",
      messages: [{ role: "user", content: "Hello" }],
    });
    assert.ok((await ask("vertex/gemini-2.5-flash")).input_tokens > 0);
    assert.match(seen[1]!.url, /publishers\/google\/models\/gemini-2\.5-flash:countTokens$/);
  });

  it("are asked of OpenAI", async () => {
    const { post, seen } = gateway([
      json({ object: "response.input_tokens", input_tokens: 11 }),
      json({ object: "response.input_tokens", input_tokens: 12 }),
    ]);
    const passed = await read(
      post("/v1/responses/input_tokens", { model: "openai/gpt-4.1", input: "Hello" }),
    );
    assert.deepEqual(passed, { object: "response.input_tokens", input_tokens: 11 });
    assert.deepEqual(JSON.parse(seen[0]!.body), { model: "gpt-4.1", input: "Hello" });
    const model = "openai/gpt-4.1";
    const told = await read(post("/v1/messages/count_tokens", { ...claude, model }));
    assert.deepEqual(told, { input_tokens: 12 });
    assert.equal(seen[1]!.url, "https://api.openai.com/v1/responses/input_tokens");
    assert.equal(JSON.parse(seen[1]!.body).max_output_tokens, undefined);
  });

  it("are an estimate where the provider does not count", async () => {
    const { post, seen } = gateway([]);
    const model = "groq/llama-3.3-70b-versatile";
    const response = await post("/v1/messages/count_tokens", { ...claude, model });
    assert.equal(response.headers.get("x-sluice-tokens"), "estimated");
    const { input_tokens } = await read(response);
    assert.ok(input_tokens > 0 && input_tokens < 10, String(input_tokens));
    assert.equal(seen.length, 0);
    const google = await read(
      post(`/v1beta/models/${model}:countTokens`, {
        contents: [{ parts: [{ text: "Hello there, how are you?" }] }],
      }),
    );
    assert.ok(google.totalTokens > 4);
  });
});
