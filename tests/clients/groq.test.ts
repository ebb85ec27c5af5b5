// The official Groq client, which adds `/openai/v1` to its base URL by itself.
import assert from "node:assert/strict";
import Groq from "groq-sdk";
import { collect, eachRuntime, gatewayHeaders, type Json, plain, type World } from "./setup.ts";

const key = "gsk_test";
const headers = { authorization: `Bearer ${key}`, "x-stainless-lang": "js" };
const hello = { model: "llama-3.3-70b", messages: [{ role: "user" as const, content: "Hello" }] };

const clientOf = (world: World) =>
  new Groq({
    apiKey: key,
    baseURL: world.base("groq"),
    defaultHeaders: gatewayHeaders,
    maxRetries: 0,
  });

const configure = (origin: string) => ({
  providers: { groq: { base_url: `${origin}/openai/v1` } },
});

eachRuntime("groq", configure, (world, test) => {
  test("chat", async () => {
    const { request, answer } = world.answer("groq/chat-tool-call");
    const completion = await clientOf(world).chat.completions.create(request);
    assert.deepEqual(plain(completion), answer);
    world.saw({ target: "/openai/v1/chat/completions", headers, body: request });
  });

  for (const name of ["plain", "tool-call-usage", "reasoning-usage"]) {
    test(`streamed chat, ${name}`, async () => {
      const { request, events } = world.answer(`groq/chat-stream-${name}`);
      const seen = await collect(await clientOf(world).chat.completions.create(request) as Json);
      assert.ok(seen.length);
      assert.deepEqual(plain(seen), events);
      world.saw({ target: "/openai/v1/chat/completions", headers, body: request });
    });
  }

  test("an error in the middle of a stream reaches the client", async () => {
    world.answer("groq/chat-stream-midstream-error");
    const stream = await clientOf(world).chat.completions.create({ ...hello, stream: true });
    await assert.rejects(collect(stream), Groq.APIError);
  });

  for (
    const [name, type] of [
      ["chat-error-400", Groq.BadRequestError],
      ["chat-error-401", Groq.AuthenticationError],
      ["chat-error-404", Groq.NotFoundError],
      ["synthetic-chat-error-429", Groq.RateLimitError],
    ] as const
  ) {
    test(`${name} raises ${type.name}`, async () => {
      const { answer, status } = world.answer(`groq/${name}`);
      const error: Json = await clientOf(world).chat.completions.create(hello).catch((e) => e);
      assert.ok(error instanceof type, String(error));
      assert.equal(error.status, status);
      assert.deepEqual(error.error, answer);
    });
  }
});
