/** Embeddings and rankings of Cohere, Bedrock, Jina and Voyage in one form. */
import { CohereClientV2 } from "cohere-ai";
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import * as bedrock from "../../core/unified/codecs/bedrock/embed.ts";
import * as cohere from "../../core/unified/codecs/cohere/embed.ts";
import * as rerank from "../../core/unified/codecs/cohere/rerank.ts";
import { Lost } from "../../core/unified/lost.ts";
import { loadFixture } from "../support/fixtures.ts";

const recorded = (name: string): { request: Json; answer: Json } => {
  const { requestBody, responseBody } = loadFixture(name);
  return { request: JSON.parse(String(requestBody)), answer: JSON.parse(String(responseBody)) };
};
const sdk = (answer: Json) =>
  new CohereClientV2({
    token: "t",
    maxRetries: 0,
    fetch: () => Promise.resolve(Response.json(answer)),
  } as never);

describe("embeddings", () => {
  it("Cohere's stay what they are, and its client reads them", async () => {
    const { request, answer } = recorded("cohere/v2-embed");
    const lost = new Lost();
    const read = cohere.readEmbed(request);
    assert.deepEqual(cohere.writeEmbed(read, lost), request);
    const told = cohere.readEmbedAnswer(answer);
    assert.equal(told.embeddings.length, 1);
    assert.equal(told.embeddings[0]!.length, 1024);
    assert.ok(told.usage!.input! > 0);
    const again = cohere.writeEmbedAnswer(told, read, "id");
    assert.deepEqual(again.embeddings, answer.embeddings);
    const { embeddings } = await sdk(again).embed({ model: "m", inputType: "search_query" });
    assert.equal(embeddings.float![0]!.length, 1024);
  });

  it("texts and images are asked of Cohere together", () => {
    const lost = new Lost();
    const body = cohere.writeEmbed(
      {
        model: "embed-english-v3.0",
        input: ["a"],
        images: ["data:x"],
        dimensions: 5,
        task: "query",
      },
      lost,
    );
    assert.deepEqual(body.inputs, [
      { content: [{ type: "text", text: "a" }] },
      { content: [{ type: "image_url", image_url: { url: "data:x" } }] },
    ]);
    assert.equal(body.input_type, "search_query");
    assert.deepEqual(lost.names, ["dimensions"]);
  });

  it("Titan takes a text a call, Cohere on Bedrock 96", () => {
    const lost = new Lost();
    const titan = { model: "amazon.titan-embed-text-v2:0", input: ["a", "b"], dimensions: 256 };
    assert.deepEqual(bedrock.writeEmbed(titan, lost), [
      { inputText: "a", dimensions: 256 },
      { inputText: "b", dimensions: 256 },
    ]);
    const answers = [1, 2].map((one) => ({ embedding: [one], inputTextTokenCount: 3 }));
    assert.deepEqual(bedrock.readEmbedAnswer(answers), {
      embeddings: [[1], [2]],
      usage: { input: 6 },
    });
    const many = Array.from({ length: 100 }, String);
    const bodies = bedrock.writeEmbed({ model: "cohere.embed-english-v3", input: many }, lost);
    assert.deepEqual(bodies.map(({ texts }) => (texts as string[]).length), [96, 4]);
    assert.deepEqual(
      bedrock.readEmbedAnswer([{ embeddings: [[1]] }, { embeddings: { float: [[2]] } }], 7),
      { embeddings: [[1], [2]], usage: { input: 7 } },
    );
    assert.deepEqual(lost.names, []);
  });

  it("what is no vector is an empty one", () => {
    assert.deepEqual(cohere.readEmbedAnswer({ embeddings: { float: [["x"], null] } }).embeddings, [
      [],
      [],
    ]);
    assert.throws(() => cohere.readEmbed({ texts: [1] }), /'texts\[0\]' is a number/);
  });
});

describe("rankings", () => {
  it("Cohere's stay what they are, and its client reads them", async () => {
    const { request, answer } = recorded("cohere/v2-rerank");
    const read = rerank.readRerank(request);
    assert.deepEqual(rerank.writeRerank(read, "cohere"), request);
    const told = rerank.readRerankAnswer(answer, { ...read, return_documents: true });
    assert.deepEqual(told.usage, { units: { search_units: 1 } });
    assert.equal(told.results[0]!.document, "Ruby is a programming language");
    const again = rerank.writeRerankAnswer(told, "m", "id");
    const { results } = await sdk(again).rerank({ model: "m", query: "q", documents: [] });
    assert.deepEqual(results.map(({ index }) => index), [0, 2]);
  });

  it("Jina, Voyage and Bedrock differ little", () => {
    const request = { model: "m", query: "q", documents: ["a", "b"], top_n: 5 };
    assert.equal(rerank.writeRerank(request, "jina").top_n, 5);
    assert.equal(rerank.writeRerank(request, "voyage").top_k, 5);
    const aws = rerank.writeRerank(
      { ...request, model: "cohere.rerank-v3-5:0" },
      "bedrock",
      "eu-west-1",
    );
    assert.match(
      JSON.stringify(aws),
      /"numberOfResults":2.*arn:aws:bedrock:eu-west-1::foundation-model\/cohere/,
    );
    const voyage = {
      data: [{ index: 1, relevance_score: 0.5 }, { index: "x" }],
      usage: { total_tokens: 9 },
    };
    assert.deepEqual(rerank.readRerankAnswer(voyage, request), {
      results: [{ index: 1, relevance_score: 0.5 }],
      usage: { input: 9 },
    });
    const scored = { results: [{ index: 0, relevanceScore: 0.25 }] };
    assert.deepEqual(rerank.readRerankAnswer(scored, request).results, [{
      index: 0,
      relevance_score: 0.25,
    }]);
  });
});
