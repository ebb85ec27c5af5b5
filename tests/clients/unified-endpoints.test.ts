// Official clients at the unified API, for what is no chat: each reaches other providers than its own.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import Anthropic, { NotFoundError as AnthropicNotFound } from "@anthropic-ai/sdk";
import { ApiError, GoogleGenAI } from "@google/genai";
import { CohereClientV2 } from "cohere-ai";
import OpenAI, { BadRequestError, NotFoundError, PermissionDeniedError, toFile } from "openai";
import { collect, eachRuntime, type Json, plain, recordingOf, type World } from "./setup.ts";

const wide = "sl-0123456789abcdef0123456789abcdef-of-the-test";
const narrow = "sl-abcdef0123456789abcdef0123456789-of-the-test";
const hashOf = (key: string) => `sha256:${createHash("sha256").update(key).digest("hex")}`;

const slugs = [
  "anthropic",
  "cohere",
  "deepgram",
  "fal",
  "google-ai-studio",
  "grok",
  "groq",
  "mistral",
  "openai",
];

const configure = (origin: string) => ({
  gateways: {
    default: {
      authentication: true,
      tokens: [
        { name: "wide", hash: hashOf(wide) },
        {
          name: "narrow",
          hash: hashOf(narrow),
          models: ["groq/llama-3.3*", "google-ai-studio/gemini-embedding-*", "fal/fal-ai/flux/*"],
        },
      ],
    },
  },
  models: { fast: "groq/llama-3.3-70b-versatile", smart: "anthropic/claude-sonnet-4-5" },
  providers: Object.fromEntries(slugs.map((slug) => [slug, { base_url: origin }])),
  keys: Object.fromEntries(slugs.map((slug) => [slug, { default: { value: `key-of-${slug}` } }])),
});

const openAI = (world: World, apiKey = wide) =>
  new OpenAI({ apiKey, baseURL: `${world.gateway.url}/v1`, maxRetries: 0 });
const anthropic = (world: World, apiKey = wide) =>
  new Anthropic({ apiKey, authToken: null, baseURL: world.gateway.url, maxRetries: 0 });
const google = (world: World, apiKey = wide) =>
  new GoogleGenAI({ apiKey, vertexai: false, httpOptions: { baseUrl: world.gateway.url } });
const cohere = (world: World, token = wide) =>
  new CohereClientV2({ token, environment: `${world.gateway.url}/v1/acc/default/compat` });

/** As they are after they were packed into four bytes each. */
const rounded = (numbers: number[]): number[] => [...new Float32Array(numbers)];
const bearer = (slug: string) => ({ authorization: `Bearer key-of-${slug}` });

eachRuntime("unified API, no chats", configure, (world, test) => {
  test("openai: embeddings of OpenAI, packed as the client asks for them", async () => {
    const { request, answer } = world.answer("openai/embeddings");
    const { encoding_format: _, ...params } = request;
    const told = await openAI(world).embeddings.create({
      ...params,
      model: `openai/${params.model}`,
    });
    const bytes = Buffer.from(answer.data[0].embedding, "base64");
    const floats = Array.from({ length: 256 }, (_, i) => bytes.readFloatLE(4 * i));
    assert.deepEqual([...told.data[0]!.embedding], floats);
    world.saw({ target: "/embeddings", headers: bearer("openai"), body: request });
  });

  test("openai: embeddings of Gemini", async () => {
    const { request, answer } = world.answer("google-ai-studio/batch-embed");
    const told = await openAI(world).embeddings.create({
      model: "google/gemini-embedding-001",
      input: "Ruby is a programmer's best friend",
      dimensions: 768,
    });
    assert.deepEqual([...told.data[0]!.embedding], rounded(answer.embeddings[0].values));
    world.saw({
      target: "/v1beta/models/gemini-embedding-001:batchEmbedContents",
      headers: { "x-goog-api-key": "key-of-google-ai-studio", authorization: undefined },
      body: request,
    });
  });

  test("openai: embeddings of Mistral, which gives lists", async () => {
    const { answer } = world.answer("mistral/embeddings-2");
    const told = await openAI(world).embeddings.create({
      model: "mistral/mistral-embed",
      input: "Hello world",
    });
    assert.deepEqual([...told.data[0]!.embedding], rounded(answer.data[0].embedding));
    world.saw({ target: "/v1/embeddings", headers: bearer("mistral") });
  });

  test("@google/genai: embeddings of OpenAI", async () => {
    const { request, answer } = world.answer("openai/embeddings-2");
    const told = await google(world).models.embedContent({
      model: `openai/${request.model}`,
      contents: request.input,
      config: { outputDimensionality: 768 },
    });
    assert.deepEqual(told.embeddings![0]!.values, answer.data[0].embedding);
    world.saw({
      target: "/embeddings",
      headers: { ...bearer("openai"), "x-goog-api-key": undefined },
      body: {
        model: request.model,
        input: [request.input],
        dimensions: 768,
        encoding_format: "float",
      },
    });
  });

  test("cohere-ai: embeddings of Gemini, rankings of Cohere", async () => {
    const { answer } = world.answer("google-ai-studio/batch-embed");
    const told = await cohere(world).embed({
      model: "google/gemini-embedding-001",
      inputType: "search_document",
      texts: ["a"],
    });
    assert.deepEqual(told.embeddings.float![0], answer.embeddings[0].values);
    const recording = world.answer("cohere/v2-rerank");
    const ranks = await cohere(world).rerank({
      ...recording.request,
      model: `cohere/${recording.request.model}`,
    });
    assert.deepEqual(
      ranks.results.map(({ index, relevanceScore }) => [index, relevanceScore]),
      recording.answer.results.map((one: Json) => [one.index, one.relevance_score]),
    );
  });

  test("@anthropic-ai/sdk: tokens, counted by Gemini or estimated", async () => {
    world.answer("google-ai-studio/count-tokens");
    const messages = [{ role: "user" as const, content: "What is the capital of France?" }];
    const client = anthropic(world);
    const told = await client.messages.countTokens({ model: "google/gemini-3.5-flash", messages });
    assert.equal(told.input_tokens, 8);
    world.saw({
      target: "/v1beta/models/gemini-3.5-flash:countTokens",
      headers: { "x-goog-api-key": "key-of-google-ai-studio", "x-api-key": undefined },
    });
    const { data, response } = await client.messages.countTokens({ model: "fast", messages })
      .withResponse();
    assert.equal(response.headers.get("x-sluice-tokens"), "estimated");
    assert.ok(data.input_tokens >= 7 && data.input_tokens < 12);
  });

  test("@google/genai: tokens, counted by Anthropic", async () => {
    const { answer } = world.answer("anthropic/count-tokens");
    const told = await google(world).models.countTokens({
      model: "anthropic/claude-haiku-4-5",
      contents: "What is the capital of France?",
    });
    assert.equal(told.totalTokens, answer.input_tokens);
    world.saw({ target: "/v1/messages/count_tokens" });
  });

  test("openai: pictures of fal, changed by Grok", async () => {
    world.answer("fal/run");
    const drawn = await openAI(world).images.generate({
      model: "fal/fal-ai/flux/schnell",
      prompt: "A cake",
      size: "1024x1024",
    });
    assert.equal(drawn.data![0]!.url, "https://fal.media/files/lion/diFpxNG0A6E45szVv6Zee.png");
    world.saw({
      target: "/fal-ai/flux/schnell",
      headers: { authorization: "Key key-of-fal" },
      body: { prompt: "A cake", num_images: 1, image_size: { width: 1024, height: 1024 } },
    });
    world.upstream.reset();
    const { answer } = world.answer("xai/images-edits-vision");
    const image = await toFile(Buffer.from("picture"), "a.png", { type: "image/png" });
    const edited = await openAI(world).images.edit({
      model: "grok/grok-imagine-image-quality",
      prompt: "Green",
      image,
    });
    assert.equal(edited.data![0]!.url, answer.data[0].url);
    const data = Buffer.from("picture").toString("base64");
    world.saw({
      target: "/v1/images/edits",
      headers: bearer("grok"),
      body: {
        model: "grok-imagine-image-quality",
        prompt: "Green",
        n: 1,
        image: { type: "image_url", url: `data:image/png;base64,${data}` },
      },
    });
  });

  test("openai: speech of OpenAI and of Mistral", async () => {
    for (const name of ["openai/audio-speech", "mistral/audio-speech"]) {
      const { request, responseBody } = world.answer(name);
      const [slug] = name.split("/");
      const told = await openAI(world).audio.speech.create({
        ...request,
        model: `${slug}/${request.model}`,
      });
      const sound = Buffer.from(await told.arrayBuffer());
      const expected = slug === "openai"
        ? responseBody
        : Buffer.from(recordingOf(name).answer.audio_data, "base64");
      assert.ok(sound.equals(expected), name);
      assert.equal(told.headers.get("content-type"), "audio/mpeg");
    }
  });

  test("openai: transcripts of Deepgram, and of Groq in the client's own form", async () => {
    const { answer } = world.answer("deepgram/listen");
    const audio = Uint8Array.from({ length: 50_000 }, (_, index) => index * 7 % 256);
    const file = new File([audio], "speech.wav", { type: "audio/wav" });
    const told = await openAI(world).audio.transcriptions.create({
      file,
      model: "deepgram/nova-3",
      language: "en",
      response_format: "verbose_json",
    });
    const [{ transcript }] = answer.results.channels[0].alternatives;
    assert.equal(told.text, transcript);
    assert.ok(told.segments!.length > 1);
    const seen = world.saw({
      target: "/v1/listen?model=nova-3&smart_format=true&language=en",
      headers: { authorization: "Token key-of-deepgram" },
    });
    assert.ok(seen.body.equals(audio));
    world.upstream.reset();

    world.answer("openai/audio-transcriptions");
    await openAI(world).audio.transcriptions.create({ file, model: "groq/whisper-large-v3" });
    const again = world.saw({ target: "/audio/transcriptions", headers: bearer("groq") });
    const form = await new Response(new Uint8Array(again.body), {
      headers: { "content-type": again.headers["content-type"] as string },
    }).formData();
    assert.equal(form.get("model"), "whisper-large-v3");
    const sent = form.get("file") as File;
    assert.equal(sent.name, "speech.wav");
    assert.ok(Buffer.from(await sent.arrayBuffer()).equals(audio));
  });

  test("models in each client's shape: those of providers with a key", async () => {
    const ids = (await collect(await openAI(world).models.list())).map(({ id }) => id);
    const owners = new Set(ids.filter((id) => id.includes("/")).map((id) => id.split("/")[0]));
    assert.deepEqual(
      [...owners].sort(),
      slugs.filter((slug) => !["deepgram", "fal"].includes(slug)), // the table has none of theirs
    );
    assert.ok(ids.includes("fast") && ids.includes("openai/gpt-4o-mini"));
    const claudes = await collect(anthropic(world).models.list({ limit: 50 }));
    assert.deepEqual(claudes.map(({ id }) => id), ids);
    assert.ok(claudes.every(({ type, display_name }) => type === "model" && display_name !== ""));
    const geminis = await collect(await google(world).models.list({ config: { pageSize: 40 } }));
    assert.deepEqual(geminis.map(({ name }) => name), ids.map((id) => `models/${id}`));
  });

  test("models: a key that is for some sees no others", async () => {
    const expected = ["fast", "google-ai-studio/gemini-embedding-001"];
    const ids = (await collect(await openAI(world, narrow).models.list())).map(({ id }) => id);
    for (const id of expected) assert.ok(ids.includes(id), id);
    assert.deepEqual(
      ids.filter((id) => !/^fast$|^groq\/llama-3\.3|^google-ai-studio\/gemini-embedding-/.test(id)),
      [],
    );
    const claudes = await collect(anthropic(world, narrow).models.list());
    assert.deepEqual(claudes.map(({ id }) => id), ids);
    const geminis = await collect(await google(world, narrow).models.list());
    assert.deepEqual(geminis.map(({ name }) => name), ids.map((id) => `models/${id}`));
  });

  test("one model, by its name or a short one", async () => {
    const id = "openai/gpt-4o-mini";
    assert.deepEqual(plain(await openAI(world).models.retrieve(id)), {
      id,
      object: "model",
      created: 0,
      owned_by: "openai",
    });
    assert.equal((await openAI(world).models.retrieve("gpt-4o-mini")).id, id);
    const claude = await anthropic(world).models.retrieve("claude-haiku-4-5");
    assert.equal(claude.id, "anthropic/claude-haiku-4-5");
    const gemini = await google(world).models.get({ model: "gemini-2.5-flash" });
    assert.equal(gemini.name, "models/google-ai-studio/gemini-2.5-flash");
    await assert.rejects(openAI(world).models.retrieve("none"), NotFoundError);
    await assert.rejects(anthropic(world).models.retrieve("none"), AnthropicNotFound);
    await assert.rejects(
      google(world, narrow).models.get({ model: "gemini-2.5-flash" }),
      (error: unknown) => error instanceof ApiError && error.status === 404,
    );
  });

  test("a key that is for some models is for no others, however they are asked for", async () => {
    const client = openAI(world, narrow);
    world.answer("fal/run");
    await client.images.generate({ model: "fal/fal-ai/flux/schnell", prompt: "x" });
    world.saw({ target: "/fal-ai/flux/schnell" });
    world.upstream.reset();
    const file = new File(["x"], "a.wav");
    for (
      const asked of [
        () => client.images.generate({ model: "fal/fal-ai/veo3", prompt: "x" }),
        () => client.embeddings.create({ model: "openai/text-embedding-3-small", input: "x" }),
        () => client.audio.speech.create({ model: "deepgram/aura-2", voice: "x", input: "x" }),
        () => client.audio.transcriptions.create({ model: "deepgram/nova-3", file }),
        () => client.audio.transcriptions.create({ model: "groq/whisper-large-v3", file }),
        () => client.moderations.create({ model: "openai/omni-moderation-latest", input: "x" }),
      ]
    ) await assert.rejects(asked(), PermissionDeniedError);
    assert.equal(world.upstream.requests.length, 0);
  });

  test("errors are those of the client's own SDK", async () => {
    world.answer("openai/embeddings-error-400");
    await assert.rejects(
      openAI(world).embeddings.create({ model: "openai/text-embedding-3-small", input: "" }),
      BadRequestError,
    );
    await assert.rejects(
      google(world).models.embedContent({ model: "openai/m", contents: "x" }),
      (error: unknown) => error instanceof ApiError && error.status === 400,
    );
    await assert.rejects(
      openAI(world).embeddings.create({ model: "anthropic/claude-haiku-4-5", input: "x" }),
      (error: unknown) => error instanceof NotFoundError && /these have it/.test(error.message),
    );
  });
});
