/** Rankings, counts and moderations of the unified API, and what a provider does not have. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { providers } from "../../adapters/mod.ts";
import { loadDialects } from "../../adapters/spoken.ts";
import type { Operation } from "../../core/unified/dialect.ts";
import { pathOf } from "../../core/unified/forward.ts";
import { exchange, gateway, json, read, recorded, sent } from "./unified-endpoints.ts";

await loadDialects();

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

describe("what a provider does not have", () => {
  it("is not in the table of the docs, and everything else is", () => {
    const docs = readFileSync(new URL("../../docs/unified-api.md", import.meta.url), "utf8");
    const operations: Readonly<Record<string, Operation>> = {
      embeddings: "embeddings",
      rerank: "rerank",
      images: "images/generations",
      edits: "images/edits",
      speech: "audio/speech",
      transcripts: "audio/transcriptions",
      moderations: "moderations",
    };
    const cells = (line: string) => line.split("|").slice(1, -1).map((cell) => cell.trim());
    const table = docs.split("\n").filter((line) => line.startsWith("|"));
    const from = table.findIndex((line) => line.includes("| embeddings |"));
    const names = cells(table[from]!);
    const told: string[] = [];
    const rows = table.slice(from + 2);
    for (const [first = "", ...marks] of rows.map(cells)) {
      for (const slug of first.replace(/ \(.*\)/, "").split(", ")) {
        marks.forEach((mark, i) => {
          const operation = operations[names[i + 1]!];
          if (mark !== "" && operation !== undefined) told.push(`${slug} ${operation}`);
        });
      }
    }
    const known = providers.filter(({ slug, dialect }) => slug === "openai" || dialect?.endpoints)
      .flatMap((provider) =>
        Object.values(operations).filter((one) => pathOf(provider, one) !== undefined)
          .map((one) => `${provider.slug} ${one}`)
      );
    // Of one it is not known what it has, so that all is tried.
    assert.deepEqual(told.sort(), known.filter((one) => !one.startsWith("zai ")).sort());
  });

  const lacking: [path: string, model: string, message: RegExp][] = [
    [
      "embeddings",
      "anthropic/claude-haiku-4-5",
      /'anthropic' has no 'embeddings'.*these have it:.*openai/,
    ],
    ["rerank", "openai/gpt-4o", /'openai' has no 'rerank'.*cohere/],
    ["moderations", "groq/x", /'groq' has no 'moderations'.*openai, mistral/],
    ["audio/speech", "cerebras/x", /'cerebras' has no 'audio\/speech'.*elevenlabs/],
    ["images/generations", "groq/x", /'groq' has no 'images\/generations'.*fal/],
    ["images/edits", "google/imagen-4.0-generate-001", /has no 'images\/edits'/],
  ];
  for (const [path, model, message] of lacking) {
    it(`${path} of ${model} is a 404 that names those who do`, async () => {
      const { post, seen } = gateway([]);
      const response = await post(`/v1/${path}`, { model, input: "x", prompt: "x" });
      assert.equal(response.status, 404);
      const { error } = await read(response);
      assert.equal(error.code, "8032");
      assert.match(error.message, message);
      assert.equal(seen.length, 0);
    });
  }

  it("is said in the client's own format", async () => {
    const { post } = gateway([]);
    const google = await read(
      post("/v1beta/models/anthropic/claude-haiku-4-5:embedContent", {
        content: { parts: [{ text: "x" }] },
      }),
    );
    assert.equal(google.error.status, "NOT_FOUND");
    const cohere = await read(
      post("/v1/acc/default/compat/v2/rerank", { model: "openai/x", query: "x", documents: [] }),
    );
    assert.match(cohere.message, /'openai' has no 'rerank'/);
  });

  it("moderations pass to those who have them", async () => {
    const { request, answer } = exchange("openai/moderations");
    const { post, seen } = gateway([recorded("openai/moderations")]);
    const model = `openai/${request.model}`;
    assert.deepEqual(await read(post("/v1/moderations", { ...request, model })), answer);
    assert.deepEqual(sent(seen[0]!), request);
  });
});
