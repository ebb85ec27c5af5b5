// The official Mistral client.
import assert from "node:assert/strict";
import { HTTPClient, Mistral } from "@mistralai/mistralai";
import { MistralError } from "@mistralai/mistralai/models/errors";
import { collect, eachRuntime, gatewayHeaders, type Json, type World } from "./setup.ts";

const key = "mistral-key";
const headers = { authorization: `Bearer ${key}` };
const hello = {
  model: "mistral-small-latest",
  messages: [{ role: "user" as const, content: "Hello" }],
};

function clientOf(world: World): Mistral {
  const httpClient = new HTTPClient();
  httpClient.addHook("beforeRequest", (request) => {
    const all = { ...Object.fromEntries(request.headers), ...gatewayHeaders };
    return new Request(request, { headers: all });
  });
  return new Mistral({
    apiKey: key,
    serverURL: world.base("mistral"),
    httpClient,
    retryConfig: { strategy: "none" },
  });
}

const configure = (origin: string) => ({ providers: { mistral: { base_url: origin } } });

eachRuntime("mistral", configure, (world, test) => {
  test("chat", async () => {
    const { answer } = world.answer("mistral/chat-plain");
    const result = await clientOf(world).chat.complete(hello);
    assert.equal(result.choices[0]?.message?.content, answer.choices[0].message.content);
    assert.equal(result.usage.promptTokens, answer.usage.prompt_tokens);
    assert.equal(result.usage.totalTokens, answer.usage.total_tokens);
    const seen = world.saw({ target: "/v1/chat/completions", headers });
    const { model, messages, stream } = JSON.parse(seen.body.toString());
    assert.deepEqual({ model, messages, stream }, { ...hello, stream: false });
  });

  test("tool calls", async () => {
    const { answer } = world.answer("mistral/chat-parallel-tools");
    const result = await clientOf(world).chat.complete(hello);
    const calls = (all: Json[]) => all.map(({ id, function: { name } }) => [id, name]);
    const expected = answer.choices[0].message.tool_calls;
    assert.ok(expected.length > 1);
    assert.deepEqual(calls(result.choices[0]!.message!.toolCalls!), calls(expected));
  });

  for (const name of ["plain", "tool-call", "reasoning"]) {
    test(`streamed chat, ${name}`, async () => {
      const { events } = world.answer(`mistral/chat-stream-${name}`);
      const seen = (await collect(await clientOf(world).chat.stream(hello))).map(({ data }) =>
        data
      );
      assert.equal(seen.length, events.length);
      const text = (of: Json[]) => of.map(({ choices }) => choices[0]?.delta.content);
      assert.deepEqual(JSON.stringify(text(seen)), JSON.stringify(text(events)));
      assert.equal(seen.at(-1)?.usage?.totalTokens, events.at(-1).usage.total_tokens);
      const { body } = world.saw({ target: "/v1/chat/completions", headers });
      assert.equal(JSON.parse(body.toString()).stream, true);
    });
  }

  test("embeddings", async () => {
    const { answer } = world.answer("mistral/embeddings-2");
    const inputs = ["Ruby"];
    const result = await clientOf(world).embeddings.create({ model: "mistral-embed", inputs });
    assert.deepEqual(result.data[0]?.embedding, answer.data[0].embedding);
    const body = { model: "mistral-embed", input: inputs };
    const seen = world.saw({ target: "/v1/embeddings", headers });
    assert.deepEqual(
      { ...JSON.parse(seen.body.toString()), ...body },
      JSON.parse(seen.body.toString()),
    );
  });

  for (const name of ["chat-error-401", "synthetic-chat-error-422", "synthetic-chat-error-429"]) {
    test(`${name} raises MistralError with the provider's status`, async () => {
      const { responseBody, status } = world.answer(`mistral/${name}`);
      const error: Json = await clientOf(world).chat.complete(hello).catch((e) => e);
      assert.ok(error instanceof MistralError, String(error));
      assert.equal(error.statusCode, status);
      assert.equal(error.body, responseBody.toString());
    });
  }
});
