// The official Hugging Face client: the whole router, or one model, as `endpointUrl`.
import assert from "node:assert/strict";
import { InferenceClient, InferenceClientProviderApiError } from "@huggingface/inference";
import { collect, eachRuntime, gatewayHeaders, type Json, plain, type World } from "./setup.ts";

const key = "hf_test";
const headers = { authorization: `Bearer ${key}` };
const picture = Buffer.from("ffd8ffe000104a46494600010100000100010000ffdb00ff0a0d00ffd9", "hex");

const withGateway: typeof fetch = (input, init) =>
  fetch(input, { ...init, headers: { ...init?.headers, ...gatewayHeaders } as Json });

const clientOf = (world: World, path = "") =>
  new InferenceClient(key, {
    endpointUrl: `${world.base("huggingface")}${path}`,
    fetch: withGateway,
  });

const configure = (origin: string) => ({ providers: { huggingface: { base_url: origin } } });

eachRuntime("huggingface", configure, (world, test) => {
  for (const path of ["", "/v1"]) {
    test(`chat through the router, endpoint with "${path}" at its end`, async () => {
      const { request, answer } = world.answer("huggingface/chat-plain");
      const result = await clientOf(world, path).chatCompletion(request);
      assert.deepEqual(plain(result), answer);
      world.saw({ target: "/v1/chat/completions", headers, body: request });
    });

    test(`streamed chat through the router, endpoint with "${path}" at its end`, async () => {
      const { request, events } = world.answer("huggingface/chat-stream-plain");
      const seen = await collect(clientOf(world, path).chatCompletionStream(request));
      assert.ok(seen.length);
      assert.deepEqual(plain(seen), events);
      world.saw({ target: "/v1/chat/completions", headers, body: request });
    });
  }

  test("chat with the model in the path", async () => {
    const { request, answer } = world.answer("huggingface/chat-plain");
    const result = await clientOf(world, `/${request.model}`).chatCompletion(request);
    assert.deepEqual(plain(result), answer);
    const target = `/hf-inference/models/${request.model}/v1/chat/completions`;
    world.saw({ target, headers, body: request });
  });

  test("text to image: bytes come back as they are", async () => {
    world.upstream.handle((_req, res) => {
      res.setHeader("content-type", "image/jpeg");
      res.end(picture);
    });
    const model = "stabilityai/stable-diffusion-xl-base-1.0";
    const client = clientOf(world, `/${model}`);
    const image = await client.textToImage({ inputs: "A sunset" }, { outputType: "blob" });
    assert.equal(image.type, "image/jpeg");
    assert.ok(Buffer.from(await image.arrayBuffer()).equals(picture));
    world.saw({ target: `/hf-inference/models/${model}`, headers, body: { inputs: "A sunset" } });
  });

  test("speech recognition: audio goes up as it is", async () => {
    world.upstream.handle((_req, res) => {
      res.setHeader("content-type", "application/json");
      res.end('{"text":"Hello"}');
    });
    const audio = Uint8Array.from({ length: 70_000 }, (_, index) => index * 13 % 256);
    const client = clientOf(world, "/openai/whisper-large-v3");
    const inputs = new Blob([audio], { type: "audio/flac" });
    const { text } = await client.automaticSpeechRecognition({ inputs });
    assert.equal(text, "Hello");
    const target = "/hf-inference/models/openai/whisper-large-v3";
    world.saw({ target, headers: { ...headers, "content-type": "audio/flac" }, body: audio });
  });

  for (const name of ["chat-error-401", "chat-error-422"]) {
    test(`${name} raises the client's error with the provider's status`, async () => {
      const { request, status } = world.answer(`huggingface/${name}`);
      const error: Json = await clientOf(world).chatCompletion(request).catch((e) => e);
      assert.ok(error instanceof InferenceClientProviderApiError, String(error));
      assert.equal(error.httpResponse.status, status);
    });
  }
});
