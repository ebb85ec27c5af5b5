// The official Google client with a Gemini API key, and tools that put the key into the query.
import assert from "node:assert/strict";
import { ApiError, GoogleGenAI } from "@google/genai";
import { collect, eachRuntime, gatewayHeaders, type Json, plain, type World } from "./setup.ts";

const key = "AIzaSy-test";
const headers = { "x-goog-api-key": key, authorization: undefined };
const models = "/v1beta/models";

const clientOf = (world: World, options = {}) =>
  new GoogleGenAI({
    apiKey: key,
    vertexai: false,
    httpOptions: { baseUrl: world.base("google-ai-studio"), headers: gatewayHeaders },
    ...options,
  });

const configure = (origin: string) => ({ providers: { "google-ai-studio": { base_url: origin } } });

eachRuntime("google", configure, (world, test) => {
  test("generateContent", async () => {
    const { answer } = world.answer("google-ai-studio/generate-content-plain");
    const contents = "What's 2 + 2?";
    const model = "gemini-2.5-flash";
    const result = await clientOf(world).models.generateContent({ model, contents });
    assert.equal(result.text, answer.candidates[0].content.parts[0].text);
    assert.deepEqual(plain(result.usageMetadata), answer.usageMetadata);
    const body = { contents: [{ role: "user", parts: [{ text: contents }] }] };
    world.saw({ target: `${models}/${model}:generateContent`, headers, body });
  });

  test("generateContent of version v1 and of a tuned model", async () => {
    const { answer } = world.answer("google-ai-studio/generate-content-plain");
    const client = clientOf(world, { apiVersion: "v1" });
    const result = await client.models.generateContent({
      model: "tunedModels/mine",
      contents: "Hi",
    });
    assert.deepEqual(plain(result.usageMetadata), answer.usageMetadata);
    world.saw({ target: "/v1/tunedModels/mine:generateContent", headers });
  });

  test("function calls", async () => {
    const { answer } = world.answer("google-ai-studio/generate-content-parallel-tools");
    const tools = [{ functionDeclarations: [{ name: "weather", description: "Of a place" }] }];
    const result = await clientOf(world).models.generateContent({
      model: "gemini-2.5-flash",
      contents: "Weather?",
      config: { tools, temperature: 0 },
    });
    const parts: Json[] = answer.candidates[0].content.parts;
    const calls = parts.flatMap(({ functionCall }) => functionCall ?? []);
    assert.ok(calls.length > 1);
    assert.deepEqual(plain(result.functionCalls), calls);
    const seen = world.saw({ target: `${models}/gemini-2.5-flash:generateContent`, headers });
    const body = JSON.parse(seen.body.toString());
    assert.deepEqual([body.tools, body.generationConfig], [tools, { temperature: 0 }]);
  });

  for (const name of ["plain", "tool-call", "reasoning"]) {
    test(`generateContentStream, ${name}`, async () => {
      const { events } = world.answer(`google-ai-studio/stream-generate-content-sse-${name}`);
      const stream = await clientOf(world).models.generateContentStream({
        model: "gemini-2.5-flash",
        contents: "Count from 1 to 3",
      });
      const of = ({ candidates, usageMetadata }: Json) => [candidates[0].content, usageMetadata];
      assert.deepEqual(plain((await collect(stream)).map(of)), events.map(of));
      world.saw({ target: `${models}/gemini-2.5-flash:streamGenerateContent?alt=sse`, headers });
    });
  }

  test("embedContent", async () => {
    const { answer } = world.answer("google-ai-studio/batch-embed");
    const model = "gemini-embedding-001";
    const result = await clientOf(world).models.embedContent({ model, contents: ["Ruby"] });
    assert.deepEqual(plain(result.embeddings), answer.embeddings);
    world.saw({ target: `${models}/${model}:batchEmbedContents`, headers });
  });

  test("countTokens", async () => {
    const { answer } = world.answer("google-ai-studio/count-tokens");
    const model = "gemini-3.5-flash";
    const result = await clientOf(world).models.countTokens({ model, contents: "Capital?" });
    assert.equal(result.totalTokens, answer.totalTokens);
    world.saw({ target: `${models}/${model}:countTokens`, headers });
  });

  test("list of models", async () => {
    const models = [{ name: "models/gemini-2.5-flash", version: "001" }];
    world.upstream.handle((_req, res) => {
      res.setHeader("content-type", "application/json");
      res.end(JSON.stringify({ models, nextPageToken: "more" }));
    });
    const { page } = await clientOf(world).models.list({ config: { pageSize: 5 } });
    assert.deepEqual(page.map(({ name, version }) => ({ name, version })), models);
    world.saw({ method: "GET", target: "/v1beta/models?pageSize=5", headers });
  });

  for (const name of ["generate-content-error-400", "generate-content-error-429"]) {
    test(`${name} raises ApiError with the provider's status`, async () => {
      const { answer, status } = world.answer(`google-ai-studio/${name}`);
      const client = clientOf(world);
      const call = client.models.generateContent({ model: "gemini-2.5-flash", contents: "Hi" });
      await assert.rejects(call, (error: Json) => {
        assert.ok(error instanceof ApiError);
        assert.equal(error.status, status);
        assert.deepEqual(JSON.parse(error.message), answer);
        return true;
      });
    });
  }

  // The form that translation extensions send: the key in the query, no header at all.
  test("plain fetch with the key in the query", async () => {
    const { answer, responseBody } = world.answer("google-ai-studio/generate-content-plain");
    const body = {
      generationConfig: { temperature: 0, responseMimeType: "application/json" },
      contents: [{
        role: "user",
        parts: [{ text: 'Translate into German: {"1":"Good day – “hi”"}' }],
      }],
    };
    const path = "v1beta/models/gemini-2.0-flash-001:generateContent";
    const response = await fetch(`${world.base("google-ai-studio")}/${path}?key=${key}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type")!, /^application\/json/);
    const bytes = Buffer.from(await response.arrayBuffer());
    assert.ok(bytes.equals(responseBody));
    assert.ok(JSON.parse(bytes.toString()).candidates[0].content.parts[0].text);
    assert.ok(answer.usageMetadata.totalTokenCount);
    const target = `/${path}?key=${key}`;
    world.saw({ target, headers: { "x-goog-api-key": undefined, authorization: undefined }, body });
  });

  test("a streamed answer without alt=sse stays the JSON array that it is", async () => {
    const name = "google-ai-studio/stream-generate-content-jsonarray-tool-call-reasoning";
    const { responseBody } = world.answer(name);
    const path = "v1beta/models/gemini-2.5-flash:streamGenerateContent";
    const response = await fetch(`${world.base("google-ai-studio")}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-goog-api-key": key, ...gatewayHeaders },
      body: "{}",
    });
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(responseBody));
    world.saw({ target: `/${path}`, headers, body: {} });
  });
});
