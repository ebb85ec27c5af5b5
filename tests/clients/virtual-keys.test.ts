// Every official client with a virtual key in the field for its API key, and nothing else changed: the
// provider gets the key that the gateway has for it, where it expects one.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import Anthropic, { AuthenticationError } from "@anthropic-ai/sdk";
import { BedrockRuntimeClient, ConverseCommand } from "@aws-sdk/client-bedrock-runtime";
import { createFalClient } from "@fal-ai/client";
import { ApiError, GoogleGenAI } from "@google/genai";
import { InferenceClient } from "@huggingface/inference";
import { Mistral } from "@mistralai/mistralai";
import { MistralError } from "@mistralai/mistralai/models/errors";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { CohereClientV2 } from "cohere-ai";
import Groq from "groq-sdk";
import OpenAI, { AzureOpenAI } from "openai";
import Replicate from "replicate";
import { collect, eachRuntime, type Json, plain, type World } from "./setup.ts";

const key = "sl-0123456789abcdef0123456789abcdef-of-the-test";
const wrong = "sl-another-0123456789abcdef012345-of-the-test";
const stored = (slug: string) => `stored-key-of-${slug}`;
const bearer = (slug: string) => ({
  authorization: `Bearer ${stored(slug)}`,
  "x-api-key": undefined,
  "api-key": undefined,
  "x-goog-api-key": undefined,
});

/** Providers that the OpenAI client is used for, and where their API begins after the origin. */
const compatible: Record<string, { path: string; suffix?: string; target: string }> = {
  openai: { path: "/v1", target: "/v1/chat/completions" },
  groq: { path: "/openai/v1", target: "/openai/v1/chat/completions" },
  mistral: { path: "", target: "/v1/chat/completions" },
  deepseek: { path: "", target: "/chat/completions" },
  openrouter: { path: "/api", target: "/api/v1/chat/completions" },
  grok: { path: "", target: "/v1/chat/completions" },
  "perplexity-ai": { path: "", target: "/chat/completions" },
  together: { path: "/v1", target: "/v1/chat/completions" },
  fireworks: { path: "/inference/v1", target: "/inference/v1/chat/completions" },
  cerebras: { path: "/v1", target: "/v1/chat/completions" },
  moonshot: { path: "/v1", target: "/v1/chat/completions" },
  zai: { path: "/api/paas/v4", target: "/api/paas/v4/chat/completions" },
  nvidia: { path: "/v1", target: "/v1/chat/completions" },
  sambanova: { path: "/v1", target: "/v1/chat/completions" },
  deepinfra: { path: "/v1/openai", target: "/v1/openai/chat/completions" },
  baseten: { path: "/v1", target: "/v1/chat/completions" },
  "workers-ai": {
    path: "",
    suffix: "/v1",
    target: "/client/v4/accounts/acc/ai/v1/chat/completions",
  },
  "custom-acme": { path: "/api", target: "/api/chat/completions" },
};

/** The providers of the other clients. */
const others: Record<string, string> = {
  anthropic: "",
  "google-ai-studio": "",
  "google-vertex-ai": "",
  "azure-openai": "",
  "aws-bedrock": "",
  cohere: "",
  huggingface: "",
  replicate: "/v1",
  fal: "",
};

const configure = (origin: string) => {
  const paths: Record<string, string> = {
    ...Object.fromEntries(Object.entries(compatible).map(([slug, { path }]) => [slug, path])),
    ...others,
  };
  const slugs = Object.keys(paths);
  const hash = `sha256:${createHash("sha256").update(key).digest("hex")}`;
  return {
    gateways: { default: { authentication: true, tokens: [{ name: "of the test", hash }] } },
    providers: Object.fromEntries(
      slugs.map((slug) => [slug, { base_url: origin + paths[slug] }]),
    ),
    keys: Object.fromEntries(slugs.map((slug) => [slug, { default: { value: stored(slug) } }])),
  };
};

const hello = [{ role: "user" as const, content: "Hello" }];
const openAI = (world: World, slug: string, suffix = "", apiKey = key) =>
  new OpenAI({ apiKey, baseURL: world.base(slug) + suffix, maxRetries: 0 });
const anthropic = (world: World, options: object) =>
  new Anthropic({ baseURL: world.base("anthropic"), maxRetries: 0, ...options });
const google = (world: World, apiKey = key) =>
  new GoogleGenAI({
    apiKey,
    vertexai: false,
    httpOptions: { baseUrl: world.base("google-ai-studio") },
  });

eachRuntime("virtual keys", configure, (world, test) => {
  for (const [slug, { suffix = "", target }] of Object.entries(compatible)) {
    test(`openai for ${slug}`, async () => {
      const { request, events } = world.answer("openai/chat-stream-plain");
      const stream = await openAI(world, slug, suffix).chat.completions.create(request) as Json;
      assert.deepEqual(plain(await collect(stream)), events);
      world.saw({ target, headers: bearer(slug), body: request });
    });
  }

  test("openai, files and a query", async () => {
    const client = openAI(world, "openai");
    world.answer("openai/chat-plain");
    await client.files.create({ file: new File(["{}"], "a.jsonl"), purpose: "batch" });
    const seen = world.saw({ target: "/v1/files", headers: bearer("openai") });
    assert.match(String(seen.headers["content-type"]), /^multipart\/form-data; boundary=/);
    world.upstream.reset();
    await client.models.list({ query: { limit: 5 } });
    world.saw({ method: "GET", target: "/v1/models?limit=5", headers: bearer("openai") });
  });

  test("openai for Azure", async () => {
    const { request, answer } = world.answer("openai/chat-plain");
    const client = new AzureOpenAI({
      apiKey: key,
      apiVersion: "2024-10-21",
      baseURL: `${world.base("azure-openai")}/resource/openai`,
      maxRetries: 0,
    });
    assert.deepEqual(plain(await client.chat.completions.create(request)), answer);
    world.saw({
      target: `/openai/deployments/${request.model}/chat/completions?api-version=2024-10-21`,
      headers: { "api-key": stored("azure-openai"), authorization: undefined },
    });
  });

  for (
    const [field, options] of [
      ["apiKey", { apiKey: key, authToken: null }],
      ["authToken", { apiKey: null, authToken: key }],
      ["apiKey in x-api-key, as older ones send it", {
        apiKey: null,
        authToken: null,
        defaultHeaders: { "x-api-key": key, authorization: null },
      }],
    ] as const
  ) {
    test(`anthropic, ${field}`, async () => {
      const { request, answer } = world.answer("anthropic/messages-plain");
      const message = await anthropic(world, options).messages.create({
        ...request,
        max_tokens: 1024,
      });
      assert.deepEqual(plain(message), answer);
      world.saw({
        target: "/v1/messages",
        headers: { "x-api-key": stored("anthropic"), authorization: undefined },
      });
    });
  }

  test("anthropic as Claude Code is set up: the token in a header, and again as the key", async () => {
    world.answer("anthropic/messages-plain");
    await anthropic(world, {
      apiKey: key,
      authToken: null,
      defaultHeaders: { "cf-aig-authorization": `Bearer ${key}`, "x-api-key": key },
    }).messages.create({ model: "claude-haiku-4-5", max_tokens: 5, messages: hello });
    world.saw({
      target: "/v1/messages",
      headers: { "x-api-key": stored("anthropic"), authorization: undefined },
    });
  });

  test("@google/genai", async () => {
    const { events } = world.answer("google-ai-studio/stream-generate-content-sse-plain");
    const stream = await google(world).models.generateContentStream({
      model: "gemini-2.5-flash",
      contents: "Hello",
    });
    assert.equal((await collect(stream)).length, events.length);
    world.saw({
      target: "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
      headers: { "x-goog-api-key": stored("google-ai-studio"), authorization: undefined },
    });
  });

  test("@google/genai for Vertex AI", async () => {
    const { answer } = world.answer("google-ai-studio/generate-content-plain");
    const client = new GoogleGenAI({
      vertexai: true,
      apiKey: key,
      httpOptions: { baseUrl: world.base("google-vertex-ai") },
    });
    const result = await client.models.generateContent({
      model: "gemini-2.5-flash",
      contents: "Hello",
    });
    assert.deepEqual(plain(result.usageMetadata), answer.usageMetadata);
    world.saw({
      target: "/v1beta1/publishers/google/models/gemini-2.5-flash:generateContent",
      headers: { "x-goog-api-key": stored("google-vertex-ai"), authorization: undefined },
    });
  });

  test("a Gemini tool that puts its key into the query", async () => {
    world.answer("google-ai-studio/generate-content-plain");
    const path = "/v1beta/models/gemini-2.5-flash:generateContent";
    const response = await fetch(`${world.base("google-ai-studio")}${path}?key=${key}`, {
      method: "POST",
      body: "{}",
    });
    assert.equal(response.status, 200);
    world.saw({ target: path, headers: { "x-goog-api-key": stored("google-ai-studio") } });
  });

  test("@aws-sdk/client-bedrock-runtime with an API key", async () => {
    const { answer } = world.answer("amazon-bedrock/converse-plain");
    const client = new BedrockRuntimeClient({
      region: "us-east-1",
      endpoint: `${world.base("aws-bedrock")}/bedrock-runtime/us-east-1`,
      token: { token: key },
      authSchemePreference: ["httpBearerAuth"],
      requestHandler: new NodeHttpHandler(),
      maxAttempts: 1,
    });
    const { output } = await client.send(
      new ConverseCommand({ modelId: "amazon.nova", messages: [{ role: "user", content: [] }] }),
    );
    assert.deepEqual(plain(output), answer.output);
    world.saw({ target: "/model/amazon.nova/converse", headers: bearer("aws-bedrock") });
  });

  test("cohere-ai", async () => {
    world.answer("cohere/v2-chat-cached");
    const client = new CohereClientV2({
      token: key,
      baseUrl: world.base("cohere"),
      maxRetries: 0,
    });
    assert.ok((await client.chat({ model: "command-a", messages: hello })).message);
    world.saw({ target: "/v2/chat", headers: bearer("cohere") });
  });

  test("@mistralai/mistralai", async () => {
    const { answer } = world.answer("mistral/chat-plain");
    const client = new Mistral({
      apiKey: key,
      serverURL: world.base("mistral"),
      retryConfig: { strategy: "none" },
    });
    const result = await client.chat.complete({ model: "mistral-small", messages: hello });
    assert.equal(result.choices[0]?.message?.content, answer.choices[0].message.content);
    world.saw({ target: "/v1/chat/completions", headers: bearer("mistral") });
  });

  test("groq-sdk", async () => {
    const { request, answer } = world.answer("groq/chat-tool-call");
    const client = new Groq({ apiKey: key, baseURL: world.base("groq"), maxRetries: 0 });
    assert.deepEqual(plain(await client.chat.completions.create(request)), answer);
    world.saw({ target: "/openai/v1/chat/completions", headers: bearer("groq") });
  });

  test("@huggingface/inference", async () => {
    const { request, answer } = world.answer("huggingface/chat-plain");
    const client = new InferenceClient(key, { endpointUrl: world.base("huggingface") });
    assert.deepEqual(plain(await client.chatCompletion(request)), answer);
    world.saw({ target: "/v1/chat/completions", headers: bearer("huggingface") });
  });

  test("replicate", async () => {
    const { request, answer } = world.answer("replicate/predictions-create-2");
    const client = new Replicate({
      auth: key,
      baseUrl: world.base("replicate"),
      useFileOutput: false,
    });
    assert.deepEqual(plain(await client.predictions.create(request)), answer);
    world.saw({ target: "/v1/predictions", headers: bearer("replicate") });
  });

  test("@fal-ai/client", async () => {
    const { request, answer } = world.answer("fal/run");
    const client = createFalClient({
      credentials: key,
      proxyUrl: { url: world.base("fal"), when: "always" },
      retry: { maxRetries: 0 },
    });
    assert.deepEqual((await client.run("fal-ai/flux/schnell", { input: request })).data, answer);
    world.saw({
      target: "/fal-ai/flux/schnell",
      headers: { authorization: `Key ${stored("fal")}` },
    });
  });

  const refusals: [
    client: string,
    call: () => Promise<unknown>,
    error: (error: Json) => boolean,
  ][] = [
    [
      "openai",
      () => openAI(world, "openai", "", wrong).models.list(),
      (error) => error instanceof OpenAI.AuthenticationError && error.status === 401,
    ],
    [
      "anthropic",
      () => anthropic(world, { apiKey: wrong, authToken: null }).models.list(),
      (error) => error instanceof AuthenticationError,
    ],
    [
      "@google/genai",
      () => google(world, wrong).models.get({ model: "gemini-2.5-flash" }),
      (error) => error instanceof ApiError && error.status === 401,
    ],
    [
      "@mistralai/mistralai",
      () =>
        new Mistral({ apiKey: wrong, serverURL: world.base("mistral") }).chat
          .complete({ model: "mistral-small", messages: hello }),
      (error) => error instanceof MistralError && error.statusCode === 401,
    ],
  ];
  for (const [client, call, isRight] of refusals) {
    test(`${client} raises its own error for a key that is none`, async () => {
      const error = await call().then(() => undefined, (error) => error);
      assert.ok(error !== undefined && isRight(error), String(error));
      assert.match(String(error.message) + String(error.body ?? ""), /not one of this gateway's/);
      assert.deepEqual(world.upstream.requests, []);
    });
  }
});
