/** Pictures of the unified API: OpenAI's requests, from whoever draws. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Answer } from "./scripted.ts";
import {
  bytes,
  exchange,
  fields,
  gateway,
  json,
  read,
  recorded,
  sent,
  upload,
} from "./unified-endpoints.ts";

const generations = "/v1/images/generations";

describe("pictures", () => {
  it("are asked of OpenAI as the client wrote it", async () => {
    const { request, answer } = exchange("openai/images-generations");
    const { post, seen } = gateway([recorded("openai/images-generations")]);
    const model = `openai/${request.model}`;
    assert.deepEqual(await read(post(generations, { ...request, model })), answer);
    assert.deepEqual(sent(seen[0]!), request);
  });

  it("are drawn by Gemini, one at a time", async () => {
    const drawn = (data: string) =>
      json({
        candidates: [{
          content: {
            role: "model",
            parts: [{ text: "Here" }, { inlineData: { mimeType: "image/png", data } }],
          },
          finishReason: "STOP",
        }],
        usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 1290, totalTokenCount: 1295 },
      });
    const { post, seen, rows } = gateway([drawn("QQ=="), drawn("Qg==")]);
    const response = await post(generations, {
      model: "google/gemini-2.5-flash-image",
      prompt: "A cat",
      n: 2,
      size: "1536x1024",
      quality: "high",
      seed: 1,
    }, { authorization: "Bearer g" });
    assert.equal(response.headers.get("x-sluice-dropped"), "quality,seed");
    const { data, usage, created } = await read(response);
    assert.deepEqual(data, [{ b64_json: "QQ==" }, { b64_json: "Qg==" }]);
    assert.ok(created > 1e9);
    assert.deepEqual([usage.input_tokens, usage.output_tokens], [10, 2580]);
    assert.match(seen[0]!.url, /gemini-2\.5-flash-image:generateContent$/);
    assert.deepEqual(sent(seen[0]!), {
      contents: [{ role: "user", parts: [{ text: "A cat" }] }],
      generationConfig: {
        responseModalities: ["TEXT", "IMAGE"],
        imageConfig: { aspectRatio: "3:2" },
      },
    });
    assert.deepEqual((await rows()).map(({ tokens_out }) => tokens_out), [1290, 1290]);
  });

  it("are drawn by Imagen, several at a time, and given as URLs where those are wanted", async () => {
    const { post, seen } = gateway([
      json({ predictions: [{ mimeType: "image/png", bytesBase64Encoded: "QQ==" }] }),
    ]);
    const { data } = await read(post(generations, {
      model: "google/imagen-4.0-generate-001",
      prompt: "A cat",
      n: 3,
      size: "1024x1792",
      response_format: "url",
    }));
    assert.deepEqual(data, [{ url: "data:image/png;base64,QQ==" }]);
    assert.match(seen[0]!.url, /imagen-4\.0-generate-001:predict$/);
    assert.deepEqual(sent(seen[0]!), {
      instances: [{ prompt: "A cat" }],
      parameters: { sampleCount: 3, aspectRatio: "9:16" },
    });
  });

  it("come in the form that there is, which is told", async () => {
    for (const model of ["fireworks/flux-1-schnell-fp8", "huggingface/some/model"]) {
      const { post } = gateway([bytes("image/jpeg", 65)]);
      const response = await post(generations, { model, prompt: "x", output_format: "webp" });
      assert.equal(response.headers.get("x-sluice-dropped"), "output_format", model);
    }
  });

  it("that are refused are an error that OpenAI's client knows", async () => {
    const { post } = gateway([json({ promptFeedback: { blockReason: "PROHIBITED_CONTENT" } })]);
    const response = await post(generations, {
      model: "google/gemini-2.5-flash-image",
      prompt: "x",
    });
    assert.equal(response.status, 400);
    const { error } = await read(response);
    assert.deepEqual([error.code, error.type], ["moderation_blocked", "invalid_request_error"]);
    assert.match(error.message, /PROHIBITED_CONTENT/);
  });

  const flat: [model: string, url: RegExp, body: object, answer: Answer, data: object][] = [
    [
      "workers-ai/@cf/black-forest-labs/flux-1-schnell",
      /accounts\/acc\/ai\/run\/@cf\/black-forest-labs\/flux-1-schnell$/,
      { prompt: "A cat", seed: 7 },
      json({ result: { image: "QQ==" }, success: true }),
      { b64_json: "QQ==" },
    ],
    [
      "workers-ai/@cf/stabilityai/stable-diffusion-xl-base-1.0",
      /run\/@cf\/stabilityai\/stable-diffusion-xl-base-1\.0$/,
      { prompt: "A cat", width: 1024, height: 768, seed: 7 },
      bytes("image/png", 65),
      { b64_json: "QQ==" },
    ],
    [
      "fireworks/accounts/fireworks/models/flux-1-schnell-fp8",
      /v1\/workflows\/accounts\/fireworks\/models\/flux-1-schnell-fp8\/text_to_image$/,
      { prompt: "A cat", aspect_ratio: "4:3", seed: 7 },
      bytes("image/jpeg", 65),
      { b64_json: "QQ==" },
    ],
    [
      "huggingface/black-forest-labs/FLUX.1-schnell",
      /hf-inference\/models\/black-forest-labs\/FLUX\.1-schnell$/,
      { inputs: "A cat", parameters: { width: 1024, height: 768, seed: 7 } },
      bytes("image/jpeg", 65),
      { b64_json: "QQ==" },
    ],
    [
      "fal/fal-ai/flux/schnell",
      /^https:\/\/fal\.run\/fal-ai\/flux\/schnell$/,
      { prompt: "A cat", num_images: 1, image_size: { width: 1024, height: 768 }, seed: 7 },
      recorded("fal/run"),
      { url: "https://fal.media/files/lion/diFpxNG0A6E45szVv6Zee.png" },
    ],
    [
      "grok/grok-imagine-image",
      /api\.x\.ai\/v1\/images\/generations$/,
      { model: "grok-imagine-image", prompt: "A cat", n: 1, aspect_ratio: "4:3", seed: 7 },
      json({ data: [{ url: "https://x/1.jpeg", revised_prompt: "A big cat" }] }),
      { url: "https://x/1.jpeg", revised_prompt: "A big cat" },
    ],
    [
      "together/black-forest-labs/FLUX.1-schnell",
      /together\.xyz\/v1\/images\/generations$/,
      {
        model: "black-forest-labs/FLUX.1-schnell",
        prompt: "A cat",
        n: 1,
        width: 1024,
        height: 768,
        seed: 7,
      },
      json({ data: [{ index: 0, url: "https://t/1" }] }),
      { url: "https://t/1" },
    ],
    [
      "bedrock/amazon.nova-canvas-v1:0",
      /us-east-1.*\/model\/amazon\.nova-canvas-v1%3A0\/invoke$/,
      {
        taskType: "TEXT_IMAGE",
        textToImageParams: { text: "A cat" },
        imageGenerationConfig: { numberOfImages: 1, width: 1024, height: 768, seed: 7 },
      },
      json({ images: ["QQ=="] }),
      { b64_json: "QQ==" },
    ],
  ];
  for (const [model, url, body, answer, picture] of flat) {
    it(`are drawn by ${model}`, async () => {
      const { post, seen, rows } = gateway([answer]);
      const response = await post("/v1/acc/default/compat/images/generations", {
        model,
        prompt: "A cat",
        size: "1024x768",
        seed: 7,
        user: "u",
      }, { authorization: "Bearer k" });
      assert.match(seen[0]!.url, url);
      assert.deepEqual(sent(seen[0]!), body);
      assert.deepEqual((await read(response)).data, [picture]);
      assert.match(response.headers.get("x-sluice-dropped")!, /^user/);
      const [row] = await rows();
      assert.equal(row!.model_type, "image");
      assert.equal(row!.model, model.replace("bedrock/", "aws-bedrock/"));
    });
  }

  it("are drawn and changed by OpenRouter's models in one place", async () => {
    const world = gateway(Array(2).fill(recorded("openrouter/images-images-vision-media-out")));
    const model = "openrouter/google/gemini-3.1-flash-lite-image";
    const drawn = await read(world.post(generations, {
      model,
      prompt: "A cat",
      size: "1024x1024",
      quality: "high",
    }));
    assert.equal(drawn.data[0].b64_json.slice(0, 4), "/9j/");
    assert.equal(world.seen[0]!.url, "https://openrouter.ai/api/v1/images");
    assert.deepEqual(sent(world.seen[0]!), {
      model: "google/gemini-3.1-flash-lite-image",
      prompt: "A cat",
      quality: "high",
      aspect_ratio: "1:1",
    });
    const { request } = exchange("openrouter/images-images-vision-media-out");
    const [{ image_url }] = request.input_references as [{ image_url: { url: string } }];
    const images = [{ image_url: image_url.url }];
    await world.post("/v1/images/edits", { model, prompt: request.prompt, images });
    assert.deepEqual(sent(world.seen[1]!), request);
  });

  it("are drawn by Ideogram, which takes a form", async () => {
    const { post, seen } = gateway([recorded("ideogram/synthetic-v3-generate")]);
    const { data } = await read(post(generations, {
      model: "ideogram/ideogram-v3",
      prompt: "A cat",
      size: "1024x1024",
      rendering_speed: "TURBO",
    }, { authorization: "Bearer k" }));
    assert.match(data[0].url, /^https:\/\/ideogram\.ai\/api\/images\/ephemeral/);
    assert.equal(seen[0]!.url, "https://api.ideogram.ai/v1/ideogram-v3/generate");
    assert.equal(seen[0]!.headers["api-key"], "k");
    assert.deepEqual(await fields(seen[0]!), {
      prompt: "A cat",
      num_images: "1",
      aspect_ratio: "1x1",
      rendering_speed: "TURBO",
    });
  });

  it("are changed by Gemini and by Grok, whatever the client sent them in", async () => {
    const world = gateway([
      json({
        candidates: [{
          content: { parts: [{ inlineData: { mimeType: "image/png", data: "QQ==" } }] },
        }],
      }),
      recorded("xai/images-edits-vision"),
    ]);
    const file = (text: string) => new File([text], "a.png", { type: "image/png" });
    const edits = "/v1/images/edits";
    const first = await read(upload(world, edits, {
      model: "google/gemini-2.5-flash-image",
      prompt: "Green",
      "image[]": [file("a"), file("b")],
    }));
    assert.deepEqual(first.data, [{ b64_json: "QQ==" }]);
    assert.deepEqual(sent(world.seen[0]!).contents[0].parts, [
      { text: "Green" },
      { inlineData: { mimeType: "image/png", data: "YQ==" } },
      { inlineData: { mimeType: "image/png", data: "Yg==" } },
    ]);
    const second = await read(upload(world, edits, {
      model: "grok/grok-imagine-image-quality",
      prompt: "Green",
      image: file("a"),
    }));
    assert.match(second.data[0].url, /^https:\/\/imgen\.x\.ai\//);
    assert.deepEqual(sent(world.seen[1]!), {
      model: "grok-imagine-image-quality",
      prompt: "Green",
      n: 1,
      image: { type: "image_url", url: "data:image/png;base64,YQ==" },
    });
  });

  it("come as the end of a stream where one is asked for", async () => {
    const { post } = gateway([json({ result: { image: "QQ==" }, success: true })]);
    const model = "workers-ai/@cf/black-forest-labs/flux-1-schnell";
    const response = await post("/v1/acc/default/compat/images/generations", {
      model,
      prompt: "x",
      stream: true,
    });
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    assert.match(await response.text(), /^event: image_generation\.completed\ndata: .*"QQ=="/);
  });
});
