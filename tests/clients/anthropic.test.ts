// The official Anthropic client, and what Claude Code does before its first message.
import assert from "node:assert/strict";
import Anthropic from "@anthropic-ai/sdk";
import {
  collect,
  eachRuntime,
  gatewayHeaders,
  type Json,
  plain,
  recordingOf,
  type World,
} from "./setup.ts";

const key = "sk-ant-api03-test";
// The client of today sends its key as a bearer token; those before it used `x-api-key`.
const headers = {
  authorization: `Bearer ${key}`,
  "x-api-key": undefined,
  "x-stainless-lang": "js",
};

const hello = {
  model: "claude-haiku-4-5",
  max_tokens: 16,
  messages: [{ role: "user" as const, content: "Hello" }],
};

const clientOf = (world: World, options = {}) =>
  new Anthropic({
    apiKey: key,
    authToken: null,
    baseURL: world.base("anthropic"),
    defaultHeaders: gatewayHeaders,
    maxRetries: 0,
    ...options,
  });

const configure = (origin: string) => ({ providers: { anthropic: { base_url: origin } } });

eachRuntime("anthropic", configure, (world, test) => {
  test("messages", async () => {
    const { request, answer } = world.answer("anthropic/messages-plain");
    const params = { ...request, max_tokens: 1024 };
    assert.deepEqual(plain(await clientOf(world).messages.create(params)), answer);
    world.saw({ target: "/v1/messages", headers, body: params });
  });

  test("messages with x-api-key and the caller's own version", async () => {
    const { answer } = world.answer("anthropic/messages-plain");
    const own = { "x-api-key": key, "anthropic-version": "2023-06-01" };
    const client = clientOf(world, { apiKey: null, defaultHeaders: { ...gatewayHeaders, ...own } });
    assert.deepEqual(plain(await client.messages.create(hello)), answer);
    world.saw({
      target: "/v1/messages",
      headers: { ...own, authorization: undefined },
      body: hello,
    });
  });

  test("messages with a subscription's token", async () => {
    const { request, answer } = world.answer("anthropic/messages-tool-call");
    const client = clientOf(world, { apiKey: null, authToken: "sk-ant-oat01-test" });
    const params = { ...request, max_tokens: 1024 };
    const message = await client.messages.create(params);
    assert.deepEqual(message.content, answer.content);
    assert.deepEqual(message.usage, answer.usage);
    assert.ok(message.content.some(({ type }) => type === "tool_use"));
    world.saw({
      target: "/v1/messages",
      headers: { ...headers, authorization: "Bearer sk-ant-oat01-test" },
      body: params,
    });
  });

  test("beta features keep their header", async () => {
    const { answer } = world.answer("anthropic/messages-plain");
    const betas = ["context-1m-2025-08-07", "interleaved-thinking-2025-05-14"];
    const message = await clientOf(world).beta.messages.create({ ...hello, betas });
    assert.deepEqual(message.usage, answer.usage);
    const beta = { "anthropic-beta": betas.join(",") };
    world.saw({ target: "/v1/messages", headers: { ...headers, ...beta }, body: hello });
  });

  for (const name of ["plain", "tool-call", "reasoning", "server-tools"]) {
    test(`streamed messages, ${name}`, async () => {
      const { request, events } = world.answer(`anthropic/messages-stream-${name}`);
      const stream = await clientOf(world).messages.create({ ...request, stream: true });
      const seen = await collect(stream as Json);
      assert.deepEqual(plain(seen), events.filter(({ type }) => type !== "ping"));
      world.saw({ target: "/v1/messages", headers, body: request });
    });
  }

  test("streamed tool call, put together by the client's own helper", async () => {
    const { events } = world.answer("anthropic/messages-stream-tool-call-reasoning-cached");
    const final = await clientOf(world).messages.stream(hello).finalMessage();
    const json = events.map(({ delta }) => delta?.partial_json ?? "").join("");
    const call: Json = final.content.find(({ type }) => type === "tool_use");
    assert.deepEqual(call.input, JSON.parse(json));
    const { usage, delta } = events.find(({ type }) => type === "message_delta");
    assert.equal(final.usage.output_tokens, usage.output_tokens);
    assert.equal(final.stop_reason, delta.stop_reason);
  });

  test("count of tokens", async () => {
    const { request, answer } = world.answer("anthropic/count-tokens");
    assert.deepEqual(plain(await clientOf(world).messages.countTokens(request)), answer);
    world.saw({ target: "/v1/messages/count_tokens", headers, body: request });
  });

  for (
    const [name, type] of [
      ["messages-error-400", Anthropic.BadRequestError],
      ["messages-error-401", Anthropic.AuthenticationError],
      ["messages-error-404", Anthropic.NotFoundError],
      ["synthetic-messages-error-429", Anthropic.RateLimitError],
      ["synthetic-messages-error-529", Anthropic.InternalServerError],
    ] as const
  ) {
    test(`${name} raises ${type.name}`, async () => {
      const { answer, status, responseHeaders } = world.answer(`anthropic/${name}`);
      const error: Json = await clientOf(world).messages.create(hello).catch((e) => e);
      assert.ok(error instanceof type, String(error));
      assert.equal(error.status, status);
      assert.deepEqual(error.error, answer);
      assert.equal(error.requestID ?? undefined, responseHeaders["request-id"]);
      world.saw({ target: "/v1/messages", headers, body: hello });
    });
  }

  test("an error in the middle of a stream reaches the client", async () => {
    const { events } = world.answer("anthropic/synthetic-messages-stream-midstream-overloaded");
    const stream = await clientOf(world).messages.create({ ...hello, stream: true });
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const event of stream) seen.push(event);
    })();
    await assert.rejects(reading, (error: Json) => {
      assert.equal(error.error.error.type, "overloaded_error");
      return true;
    });
    assert.deepEqual(plain(seen), events.filter(({ type }) => type !== "ping" && type !== "error"));
  });

  test("leaving a stream closes it at the provider", async () => {
    const [first] = recordingOf("anthropic/messages-stream-plain").events;
    world.begin(`event: message_start\ndata: ${JSON.stringify(first)}\n\n`);
    const stream = await clientOf(world).messages.create({ ...hello, stream: true });
    for await (const event of stream) {
      assert.deepEqual(plain(event), first);
      break;
    }
    await (await world.upstream.next()).aborted;
  });

  test("Claude Code's probe passes through", async () => {
    world.upstream.handle((_req, res) => res.writeHead(404, { "x-probe": "seen" }).end());
    const url = `${world.base("anthropic")}/api/hello`;
    const response = await fetch(url, { method: "HEAD", headers: gatewayHeaders });
    assert.deepEqual([response.status, response.headers.get("x-probe")], [404, "seen"]);
    world.saw({ method: "HEAD", target: "/api/hello" });
  });
});
