/** Embeddings of the unified API: from any client to any provider. */
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
      open: true,
      keys: { openai: { default: { value: "sk-lent" } } },
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
