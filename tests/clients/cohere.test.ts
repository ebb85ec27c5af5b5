// The official Cohere client, API version 2.
import assert from "node:assert/strict";
import { CohereClientV2, CohereError } from "cohere-ai";
import { collect, eachRuntime, gatewayHeaders, type Json, plain, type World } from "./setup.ts";

const key = "cohere-key";
const headers = { authorization: `Bearer ${key}` };
const hello = {
  model: "command-a-03-2025",
  messages: [{ role: "user" as const, content: "Hello" }],
};

const clientOf = (world: World) =>
  new CohereClientV2({
    token: key,
    baseUrl: world.base("cohere"),
    headers: gatewayHeaders,
    maxRetries: 0,
  });

const configure = (origin: string) => ({ providers: { cohere: { base_url: origin } } });

eachRuntime("cohere", configure, (world, test) => {
  test("chat", async () => {
    const { answer } = world.answer("cohere/v2-chat-cached");
    const { message, usage } = await clientOf(world).chat(hello);
    const text = answer.message.content.find((part: Json) => part.type === "text").text;
    assert.ok(message?.content?.some((part: Json) => part.text === text));
    assert.equal(usage?.tokens?.inputTokens, answer.usage.tokens.input_tokens);
    assert.equal(usage?.billedUnits?.outputTokens, answer.usage.billed_units.output_tokens);
    world.saw({ target: "/v2/chat", headers, body: { ...hello, stream: false } });
  });

  test("tool calls", async () => {
    const { answer } = world.answer("cohere/v2-chat-parallel-tools-cached");
    const { message } = await clientOf(world).chat(hello);
    assert.ok(answer.message.tool_calls.length > 1);
    assert.deepEqual(plain(message?.toolCalls), answer.message.tool_calls);
    world.saw({ target: "/v2/chat", headers });
  });

  test("streamed chat", async () => {
    const { events } = world.answer("cohere/v2-chat-stream-plain");
    const seen = await collect<Json>(await clientOf(world).chatStream(hello));
    assert.deepEqual(seen.map(({ type }) => type), events.map(({ type }) => type));
    const text = (of: Json[]) =>
      of.map(({ delta }) => delta?.message?.content?.text ?? "").join("");
    assert.ok(text(seen));
    assert.equal(text(seen), text(events));
    const { usage } = events.at(-1).delta;
    assert.equal(seen.at(-1).delta.usage.billedUnits.inputTokens, usage.billed_units.input_tokens);
    world.saw({ target: "/v2/chat", headers, body: { ...hello, stream: true } });
  });

  test("streamed tool calls", async () => {
    const { events } = world.answer("cohere/v2-chat-stream-parallel-tools");
    const seen = await collect<Json>(await clientOf(world).chatStream(hello));
    const json = (of: Json[], name: string) =>
      of.map(({ delta }) => delta?.message?.[name]?.function?.arguments ?? "").join("");
    assert.ok(json(seen, "toolCalls"));
    assert.equal(json(seen, "toolCalls"), json(events, "tool_calls"));
  });

  test("embed", async () => {
    const { request, answer } = world.answer("cohere/v2-embed");
    const { embeddings } = await clientOf(world).embed({
      model: request.model,
      inputType: request.input_type,
      embeddingTypes: request.embedding_types,
      outputDimension: request.output_dimension,
      texts: request.texts,
    });
    assert.deepEqual(embeddings.float, answer.embeddings.float);
    world.saw({ target: "/v2/embed", headers, body: request });
  });

  test("rerank", async () => {
    const { request, answer } = world.answer("cohere/v2-rerank");
    const { top_n: topN, ...rest } = request;
    const { results, meta } = await clientOf(world).rerank({ ...rest, topN });
    assert.deepEqual(
      results.map(({ index, relevanceScore }) => [index, relevanceScore]),
      answer.results.map((each: Json) => [each.index, each.relevance_score]),
    );
    assert.equal(meta?.billedUnits?.searchUnits, answer.meta.billed_units.search_units);
    world.saw({ target: "/v2/rerank", headers, body: request });
  });

  for (const name of ["v2-chat-error-400", "v2-chat-error-401", "synthetic-v2-chat-error-429"]) {
    test(`${name} raises CohereError with the provider's status`, async () => {
      const { answer, status } = world.answer(`cohere/${name}`);
      const error: Json = await clientOf(world).chat(hello).catch((e) => e);
      assert.ok(error instanceof CohereError, String(error));
      assert.equal(error.statusCode, status);
      assert.deepEqual(error.body, answer);
    });
  }
});
