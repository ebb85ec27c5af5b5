// The official OpenAI client on the native path, as `baseURL`, with and without `/v1`.
import assert from "node:assert/strict";
import OpenAI from "openai";
import {
  collect,
  eachRuntime,
  gatewayHeaders,
  type Json,
  plain,
  recordingOf,
  type World,
} from "./setup.ts";

const key = "sk-openai-test";
const headers = { authorization: `Bearer ${key}`, "x-stainless-lang": "js" };

const hello = { model: "gpt-4o-mini", messages: [{ role: "user" as const, content: "Hello" }] };

const clientOf = (world: World, suffix = "") =>
  new OpenAI({
    apiKey: key,
    baseURL: world.base("openai") + suffix,
    defaultHeaders: gatewayHeaders,
    maxRetries: 0,
  });

/** The recording asks for a wait of seconds. */
const quicker: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  const headers = new Headers(response.headers);
  headers.delete("retry-after");
  headers.set("retry-after-ms", "5");
  return new Response(response.body, { status: response.status, headers });
};

const configure = (origin: string) => ({ providers: { openai: { base_url: `${origin}/v1` } } });

eachRuntime("openai", configure, (world, test) => {
  for (const suffix of ["", "/v1", "/"]) {
    test(`chat, base URL with "${suffix}" at its end`, async () => {
      const { request, answer } = world.answer("openai/chat-plain");
      const completion = await clientOf(world, suffix).chat.completions.create(request);
      assert.deepEqual(plain(completion), answer);
      assert.ok(completion.choices[0]?.message.content);
      world.saw({ target: "/v1/chat/completions", headers, body: request });
    });

    test(`streamed chat, base URL with "${suffix}" at its end`, async () => {
      const { request, events } = world.answer("openai/chat-stream-plain");
      const chunks = await collect<Json>(
        await clientOf(world, suffix).chat.completions.create(request) as Json,
      );
      assert.deepEqual(plain(chunks), events);
      assert.ok(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""));
      world.saw({ target: "/v1/chat/completions", headers, body: request });
    });
  }

  test("tool call", async () => {
    const { request, answer } = world.answer("openai/chat-tool-call");
    const { choices, usage } = await clientOf(world).chat.completions.create(request);
    assert.ok(choices[0]?.message.tool_calls?.length);
    assert.deepEqual(choices[0].message.tool_calls, answer.choices[0].message.tool_calls);
    assert.deepEqual(usage, answer.usage);
    world.saw({ target: "/v1/chat/completions", headers, body: request });
  });

  test("streamed tool call, put together by the client's own helper", async () => {
    const { request, events } = world.answer("openai/chat-stream-tool-call-usage");
    const { stream: _, ...params } = request;
    const final = await clientOf(world).chat.completions.stream(params).finalChatCompletion();
    const pieces = events.flatMap(({ choices }) => choices)
      .filter(({ index }) => index === 0)
      .flatMap(({ delta }) => delta.tool_calls ?? []);
    const [call] = final.choices[0]?.message.tool_calls as Json[];
    assert.equal(call.id, pieces[0].id);
    assert.equal(call.function.arguments, pieces.map((each) => each.function.arguments).join(""));
    assert.deepEqual(final.usage, events.findLast(({ usage }) => usage).usage);
    world.saw({ target: "/v1/chat/completions", headers });
  });

  test("responses", async () => {
    const { request, answer } = world.answer("openai/responses-plain");
    const response = await clientOf(world).responses.create(request);
    assert.deepEqual(plain(response), { ...answer, output_text: response.output_text });
    assert.ok(response.output_text);
    world.saw({ target: "/v1/responses", headers, body: request });
  });

  test("streamed responses", async () => {
    const { request, events } = world.answer("openai/responses-stream-plain");
    const seen = await collect<Json>(await clientOf(world).responses.create(request) as Json);
    assert.deepEqual(plain(seen), events);
    assert.equal(seen.at(-1)?.type, "response.completed");
    world.saw({ target: "/v1/responses", headers, body: request });
  });

  test("embeddings", async () => {
    const { request, answer } = world.answer("openai/embeddings");
    const params = { encoding_format: "float", ...request };
    assert.deepEqual(plain(await clientOf(world).embeddings.create(params)), answer);
    world.saw({ target: "/v1/embeddings", headers, body: params });
  });

  test("audio upload as multipart form", async () => {
    const { answer } = world.answer("openai/audio-transcriptions");
    const audio = Uint8Array.from({ length: 100_000 }, (_, index) => index * 7 % 256);
    const file = new File([audio], "speech.wav", { type: "audio/wav" });
    const result = await clientOf(world).audio.transcriptions.create({ file, model: "whisper-1" });
    assert.deepEqual(plain(result), answer);
    const seen = world.saw({ target: "/v1/audio/transcriptions", headers });
    const form = await new Response(new Uint8Array(seen.body), {
      headers: { "content-type": seen.headers["content-type"] as string },
    }).formData();
    const sent = form.get("file") as File;
    assert.equal(form.get("model"), "whisper-1");
    assert.deepEqual([sent.name, sent.type], ["speech.wav", "audio/wav"]);
    assert.ok(Buffer.from(await sent.arrayBuffer()).equals(audio));
  });

  test("image generation", async () => {
    const { request, answer } = world.answer("openai/images-generations");
    assert.deepEqual(plain(await clientOf(world).images.generate(request)), answer);
    world.saw({ target: "/v1/images/generations", headers, body: request });
  });

  test("list of models, with a query", async () => {
    const models = {
      object: "list",
      data: [{ id: "gpt-4o", object: "model", owned_by: "openai" }],
    };
    world.upstream.handle((_req, res) => {
      res.setHeader("content-type", "application/json");
      res.end(JSON.stringify(models));
    });
    const page = await clientOf(world).models.list({ query: { after: "gpt-4/ü" } });
    assert.deepEqual(plain(page.data), models.data);
    const target = "/v1/models?after=gpt-4%2F%C3%BC";
    world.saw({ method: "GET", target, headers: { ...headers, "content-type": undefined } });
  });

  test("one model", async () => {
    const { answer } = world.answer("openai/models");
    assert.deepEqual(plain(await clientOf(world).models.retrieve("ft:gpt-4:a/b")), answer);
    world.saw({ method: "GET", target: "/v1/models/ft:gpt-4:a%2Fb", headers });
  });

  for (
    const [name, type] of [
      ["openai/chat-error-400", OpenAI.BadRequestError],
      ["openai/chat-error-401", OpenAI.AuthenticationError],
      ["openai/chat-error-404", OpenAI.NotFoundError],
      ["openai/synthetic-chat-error-429-tokens", OpenAI.RateLimitError],
      ["openai/synthetic-chat-error-500", OpenAI.InternalServerError],
    ] as const
  ) {
    test(`${name} raises ${type.name}`, async () => {
      const { answer, responseHeaders, status } = world.answer(name);
      const error: Json = await clientOf(world).chat.completions.create(hello).catch((e) => e);
      assert.ok(error instanceof type, String(error));
      assert.equal(error.status, status);
      assert.equal(error.requestID ?? undefined, responseHeaders["x-request-id"]);
      assert.deepEqual(error.error, answer.error);
      assert.equal(error.headers.get("retry-after"), responseHeaders["retry-after"] ?? null);
      world.saw({ target: "/v1/chat/completions", headers, body: hello });
    });
  }

  test("the client's retry after 429 works through the gateway", async () => {
    const [, { request, answer }] = world.answers(
      "openai/synthetic-chat-error-429-tokens",
      "openai/chat-plain",
    );
    const client = clientOf(world).withOptions({ maxRetries: 1, fetch: quicker });
    assert.deepEqual(plain(await client.chat.completions.create(request)), answer);
    assert.deepEqual(
      world.upstream.requests.map(({ headers }) => headers["x-stainless-retry-count"]),
      ["0", "1"],
    );
  });

  test("leaving a stream closes it at the provider", async () => {
    const [first] = recordingOf("openai/chat-stream-plain").events;
    world.begin(`data: ${JSON.stringify(first)}\n\n`);
    const stream = await clientOf(world).chat.completions.create({ ...hello, stream: true });
    for await (const chunk of stream) {
      assert.deepEqual(plain(chunk), first);
      break;
    }
    await (await world.upstream.next()).aborted;
  });

  // workerd learns that a client left only when it writes to it.
  if (world.runtime === "workers") return;
  test("aborting before the first byte closes the request at the provider", async () => {
    const controller = new AbortController();
    world.upstream.handle(() => controller.abort());
    const call = clientOf(world).chat.completions.create(hello, { signal: controller.signal });
    await assert.rejects(call, OpenAI.APIUserAbortError);
    await (await world.upstream.next()).aborted;
  });
});
