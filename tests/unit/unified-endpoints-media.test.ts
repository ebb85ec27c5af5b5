/** Pictures and speech of the unified API: OpenAI's requests, from whoever draws, speaks or listens. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { providers } from "../../adapters/mod.ts";
import type { Operation } from "../../core/unified/dialect.ts";
import { pathOf } from "../../core/unified/forward.ts";
import { loadFixture } from "../support/fixtures.ts";
import { exchange, gateway, json, read, recorded } from "./unified-endpoints.ts";
import { fallback } from "../../plugins/fallback.ts";
import { type Answer, failing, type Scripted, type Seen } from "./scripted.ts";

const generations = "/v1/images/generations";
const sent = ({ body }: Seen) => JSON.parse(body);
const bytes = (type: string, ...values: number[]): Answer => () =>
  new Response(new Uint8Array(values), { headers: { "content-type": type } });

/** Sends a form. */
async function upload(
  { gateway }: Scripted,
  path: string,
  fields: Record<string, string | File | (string | File)[]>,
  headers: Record<string, string> = {},
): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value].flat()) form.append(name, one);
  }
  return await gateway.fetch(
    new Request(`http://gateway.test${path}`, { method: "POST", body: form, headers }),
  );
}

/** The fields of a form that was sent; only text is told apart. */
async function fields({ body, headers }: Seen): Promise<Record<string, unknown>> {
  const form = await new Response(body, { headers: { "content-type": headers["content-type"]! } })
    .formData();
  return Object.fromEntries(
    await Promise.all(
      [...form].map(async ([name, value]) => [
        name,
        typeof value === "string" ? value : `${value.name}: ${await value.text()}`,
      ]),
    ),
  );
}

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

describe("speech", () => {
  const said = { input: "Hello", response_format: "mp3" };
  const spoken = bytes("audio/mpeg", 1, 2, 3);

  it("is asked of OpenAI as the client wrote it", async () => {
    const { request } = exchange("openai/audio-speech");
    const { post, seen } = gateway([recorded("openai/audio-speech")]);
    const response = await post("/v1/audio/speech", {
      ...request,
      model: `openai/${request.model}`,
    });
    assert.equal(response.headers.get("content-type"), "audio/mpeg");
    const { responseBody } = loadFixture("openai/audio-speech");
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), new Uint8Array(responseBody));
    assert.deepEqual(sent(seen[0]!), request);
  });

  const others: [
    model: string,
    asked: object,
    url: string,
    body: object,
    header: [string, string],
    dropped: string | null,
  ][] = [
    [
      "elevenlabs/eleven_multilingual_v2",
      { voice: "voice/1", speed: 1.1 },
      "https://api.elevenlabs.io/v1/text-to-speech/voice%2F1?output_format=mp3_44100_128",
      { text: "Hello", model_id: "eleven_multilingual_v2", voice_settings: { speed: 1.1 } },
      ["xi-api-key", "k"],
      null,
    ],
    [
      "deepgram/aura-2-thalia-en",
      { voice: "alloy" },
      "https://api.deepgram.com/v1/speak?model=aura-2-thalia-en&encoding=mp3",
      { text: "Hello" },
      ["authorization", "Token k"],
      "voice",
    ],
    [
      "deepgram/aura-2",
      { voice: "zeus-en" },
      "https://api.deepgram.com/v1/speak?model=aura-2-zeus-en&encoding=mp3",
      { text: "Hello" },
      ["authorization", "Token k"],
      null,
    ],
    [
      "cartesia/sonic-3",
      { voice: "v", language: "en" },
      "https://api.cartesia.ai/tts/bytes",
      {
        model_id: "sonic-3",
        transcript: "Hello",
        voice: { mode: "id", id: "v" },
        output_format: { container: "mp3", sample_rate: 44100, bit_rate: 128000 },
        language: "en",
      },
      ["x-api-key", "k"],
      null,
    ],
    [
      "xai/grok-tts",
      { voice: "ara", instructions: "Whisper" },
      "https://api.x.ai/v1/tts",
      { text: "Hello", voice_id: "ara", language: "auto", output_format: { codec: "mp3" } },
      ["authorization", "Bearer k"],
      "instructions",
    ],
    [
      "workers-ai/@cf/deepgram/aura-1",
      { voice: "angus" },
      "https://api.cloudflare.com/client/v4/accounts/acc/ai/run/@cf/deepgram/aura-1",
      { text: "Hello", speaker: "angus", encoding: "mp3" },
      ["authorization", "Bearer k"],
      null,
    ],
  ];
  for (const [model, asked, url, body, [header, value], dropped] of others) {
    it(`is asked of ${model} with ${Object.keys(asked)}`, async () => {
      const { post, seen, rows } = gateway([spoken]);
      const response = await post("/v1/acc/default/compat/audio/speech", {
        ...said,
        ...asked,
        model,
        // Never instead of the model that is asked for.
        model_id: "another",
      }, { authorization: "Bearer k" });
      assert.deepEqual([...new Uint8Array(await response.arrayBuffer())], [1, 2, 3]);
      assert.equal(response.headers.get("content-type"), "audio/mpeg");
      assert.equal(response.headers.get("x-sluice-dropped"), dropped);
      assert.equal(seen[0]!.url, url);
      assert.equal(seen[0]!.headers[header], value);
      assert.deepEqual(sent(seen[0]!), body);
      const [row] = await rows();
      assert.equal(row!.model_type, "audio");
      assert.equal(row!.model, model.replace("xai/", "grok/"));
    });
  }

  it("is taken out of JSON: Mistral", async () => {
    const { request, answer } = exchange("mistral/audio-speech");
    const { post, seen } = gateway([recorded("mistral/audio-speech")]);
    const response = await post("/v1/audio/speech", {
      ...request,
      voice: "alloy",
      model: `mistral/${request.model}`,
    });
    assert.equal(response.headers.get("x-sluice-dropped"), "voice");
    const sound = new Uint8Array(await response.arrayBuffer());
    assert.equal(sound.length, atob(String(answer.audio_data)).length);
    assert.deepEqual(sent(seen[0]!), { ...request, response_format: "mp3" });
  });

  it("is taken out of JSON: Gemini, with a head where the client wants a file", async () => {
    const samples = json({
      candidates: [{
        content: {
          parts: [{ inlineData: { mimeType: "audio/L16;codec=pcm;rate=24000", data: "AQIDBA==" } }],
        },
      }],
    });
    const { post, seen } = gateway([samples, samples]);
    const ask = (response_format: string) =>
      post("/v1/audio/speech", {
        model: "google/gemini-2.5-flash-preview-tts",
        input: "Hello",
        voice: "Puck",
        instructions: "Say cheerfully",
        response_format,
      });
    const raw = await ask("pcm");
    assert.deepEqual([...new Uint8Array(await raw.arrayBuffer())], [1, 2, 3, 4]);
    assert.equal(sent(seen[0]!).contents[0].parts[0].text, "Say cheerfully: Hello");
    const file = await ask("wav");
    assert.equal(file.headers.get("content-type"), "audio/wav");
    const wav = new Uint8Array(await file.arrayBuffer());
    assert.equal(new TextDecoder().decode(wav.subarray(0, 4)), "RIFF");
    assert.equal(new DataView(wav.buffer).getUint32(24, true), 24000);
    assert.deepEqual([...wav.subarray(44)], [1, 2, 3, 4]);
  });

  it("fails in OpenAI's shape", async () => {
    const { post } = gateway([recorded("elevenlabs/synthetic-error-401")]);
    const response = await post("/v1/audio/speech", {
      ...said,
      model: "elevenlabs/eleven_v3",
      voice: "v",
    });
    assert.equal(response.status, 401);
    assert.equal((await read(response)).error.type, "authentication_error");
  });
});

describe("transcripts", () => {
  const path = "/v1/acc/default/compat/audio/transcriptions";
  const file = new File(["sound"], "a.wav", { type: "audio/wav" });
  const auth = { authorization: "Bearer k" };

  it("are asked of OpenAI-like providers in the client's form", async () => {
    const world = gateway([json({ text: "Hello" })]);
    const told = await read(
      upload(world, path, { file, model: "groq/whisper-large-v3", language: "en" }, auth),
    );
    assert.deepEqual(told, { text: "Hello" });
    assert.equal(world.seen[0]!.url, "https://api.groq.com/openai/v1/audio/transcriptions");
    assert.deepEqual(await fields(world.seen[0]!), {
      file: "a.wav: sound",
      model: "whisper-large-v3",
      language: "en",
    });
  });

  it("are asked of Deepgram, which takes the sound alone", async () => {
    const world = gateway(Array(4).fill(recorded("deepgram/listen")));
    const { results, metadata } = exchange("deepgram/listen").answer as {
      results: { channels: { alternatives: { transcript: string; words: unknown[] }[] }[] };
      metadata: { duration: number };
    };
    const [{ transcript, words }] = results.channels[0]!.alternatives as [
      { transcript: string; words: unknown[] },
    ];
    const ask = async (more: Record<string, string>) =>
      await upload(world, path, { file, model: "deepgram/nova-3", ...more }, auth);
    const plain = await read(ask({ language: "en", diarize: "true" }));
    assert.equal(plain.text, transcript);
    assert.equal(
      world.seen[0]!.url,
      "https://api.deepgram.com/v1/listen?model=nova-3&smart_format=true&language=en&diarize=true",
    );
    // Bun has another word for it.
    assert.match(world.seen[0]!.headers["content-type"]!, /^audio\/(?:x-)?wav$/);
    assert.equal(world.seen[0]!.body, "sound");
    const verbose = await read(ask({
      response_format: "verbose_json",
      "timestamp_granularities[]": "word",
    }));
    assert.equal(verbose.duration, metadata.duration);
    assert.equal(verbose.words.length, words.length);
    const srt = await (await ask({ response_format: "srt" })).text();
    assert.match(srt, /^1\n00:00:0\d,\d{3} --> 00:00:\d\d,\d{3}\n\S.*\n\n2\n/);
    const vtt = await (await ask({ response_format: "vtt" })).text();
    assert.match(vtt, /^WEBVTT\n\n00:00:0\d\.\d{3} --> /);
    const [row] = await world.rows();
    assert.equal(row!.model, "deepgram/nova-3");
    assert.equal(row!.model_type, "audio");
  });

  const forms: [model: string, url: string, fields: object, answer: Answer, text: string][] = [
    [
      "elevenlabs/scribe_v1",
      "https://api.elevenlabs.io/v1/speech-to-text",
      { model_id: "scribe_v1", language_code: "en", file: "a.wav: sound" },
      json({
        language_code: "en",
        text: "Hello you",
        words: [
          { text: "Hello", start: 0, end: 0.5, type: "word" },
          { text: " ", start: 0.5, end: 0.6, type: "spacing" },
          { text: "you", start: 0.6, end: 1, type: "word" },
        ],
      }),
      "Hello you",
    ],
    [
      "cartesia/ink-whisper",
      "https://api.cartesia.ai/stt",
      {
        model: "ink-whisper",
        language: "en",
        "timestamp_granularities[]": "word",
        file: "a.wav: sound",
      },
      recorded("cartesia/vercel-transcription"),
      "Hello from the Vercel AI SDK.",
    ],
    [
      "grok/grok-stt",
      "https://api.x.ai/v1/stt",
      { language: "en", file: "a.wav: sound" },
      json({ text: "Hello", language: "en", duration: 1, words: [] }),
      "Hello",
    ],
  ];
  for (const [model, url, expected, answer, text] of forms) {
    it(`are asked of ${model}`, async () => {
      const world = gateway([answer]);
      const told = await read(upload(world, path, {
        model,
        file,
        language: "en",
        response_format: "verbose_json",
      }, auth));
      assert.equal(told.text, text);
      assert.ok(told.segments.length > 0 && told.duration > 0);
      assert.equal(world.seen[0]!.url, url);
      assert.deepEqual(await fields(world.seen[0]!), expected);
    });
  }

  it("are asked of Workers AI: the newest Whisper translates as well", async () => {
    const heard = json({
      result: {
        text: "Hello",
        segments: [{ text: "Hello", start: 0, end: 1 }],
        transcription_info: { language: "de", duration: 1 },
      },
      success: true,
    });
    const world = gateway([heard, heard]);
    const large = "workers-ai/@cf/openai/whisper-large-v3-turbo";
    const told = await read(
      upload(world, path.replace("transcriptions", "translations"), {
        file,
        model: large,
        prompt: "Names",
      }, auth),
    );
    assert.deepEqual(told, { text: "Hello", usage: { type: "duration", seconds: 1 } });
    assert.deepEqual(sent(world.seen[0]!), {
      audio: btoa("sound"),
      task: "translate",
      initial_prompt: "Names",
    });
    const text = await upload(world, path, {
      file,
      model: "workers-ai/@cf/openai/whisper",
      language: "de",
      response_format: "text",
    }, auth);
    assert.equal(await text.text(), "Hello\n");
    assert.equal(text.headers.get("x-sluice-dropped"), "language");
    assert.equal(world.seen[1]!.body, "sound");
  });

  it("fall back to another provider's model", async () => {
    const world = gateway([failing(500), recorded("deepgram/listen")], {
      plugins: [fallback({ to: [{ model: "deepgram/nova-3" }] })],
    });
    const told = await read(upload(world, path, { file, model: "groq/whisper-large-v3" }, auth));
    assert.ok(told.text.length > 100);
    assert.equal(world.seen[1]!.body, "sound");
    assert.equal(world.seen[1]!.headers.authorization, undefined);
  });

  it("need a file", async () => {
    const world = gateway([]);
    const response = await upload(world, path, { model: "deepgram/nova-3" }, auth);
    assert.equal(response.status, 400);
    assert.match((await read(response)).error.message, /'file' is missing; a file of a form/);
  });
});

describe("what a provider does not have", () => {
  it("is not in the table of the docs, and everything else is", () => {
    const docs = readFileSync(new URL("../../docs/unified-api.md", import.meta.url), "utf8");
    const operations: Readonly<Record<string, Operation>> = {
      embeddings: "embeddings",
      rerank: "rerank",
      images: "images/generations",
      edits: "images/edits",
      speech: "audio/speech",
      transcripts: "audio/transcriptions",
      moderations: "moderations",
    };
    const cells = (line: string) => line.split("|").slice(1, -1).map((cell) => cell.trim());
    const table = docs.split("\n").filter((line) => line.startsWith("|"));
    const from = table.findIndex((line) => line.includes("| embeddings |"));
    const names = cells(table[from]!);
    const told: string[] = [];
    const rows = table.slice(from + 2);
    for (const [first = "", ...marks] of rows.map(cells)) {
      for (const slug of first.replace(/ \(.*\)/, "").split(", ")) {
        marks.forEach((mark, i) => {
          const operation = operations[names[i + 1]!];
          if (mark !== "" && operation !== undefined) told.push(`${slug} ${operation}`);
        });
      }
    }
    const known = providers.filter(({ slug, dialect }) => slug === "openai" || dialect?.endpoints)
      .flatMap((provider) =>
        Object.values(operations).filter((one) => pathOf(provider, one) !== undefined)
          .map((one) => `${provider.slug} ${one}`)
      );
    // Of one it is not known what it has, so that all is tried.
    assert.deepEqual(told.sort(), known.filter((one) => !one.startsWith("zai ")).sort());
  });

  const lacking: [path: string, model: string, message: RegExp][] = [
    [
      "embeddings",
      "anthropic/claude-haiku-4-5",
      /'anthropic' has no 'embeddings'.*these have it:.*openai/,
    ],
    ["rerank", "openai/gpt-4o", /'openai' has no 'rerank'.*cohere/],
    ["moderations", "groq/x", /'groq' has no 'moderations'.*openai, mistral/],
    ["audio/speech", "cerebras/x", /'cerebras' has no 'audio\/speech'.*elevenlabs/],
    ["images/generations", "groq/x", /'groq' has no 'images\/generations'.*fal/],
    ["images/edits", "google/imagen-4.0-generate-001", /has no 'images\/edits'/],
  ];
  for (const [path, model, message] of lacking) {
    it(`${path} of ${model} is a 404 that names those who do`, async () => {
      const { post, seen } = gateway([]);
      const response = await post(`/v1/${path}`, { model, input: "x", prompt: "x" });
      assert.equal(response.status, 404);
      const { error } = await read(response);
      assert.equal(error.code, "8032");
      assert.match(error.message, message);
      assert.equal(seen.length, 0);
    });
  }

  it("is said in the client's own format", async () => {
    const { post } = gateway([]);
    const google = await read(
      post("/v1beta/models/anthropic/claude-haiku-4-5:embedContent", {
        content: { parts: [{ text: "x" }] },
      }),
    );
    assert.equal(google.error.status, "NOT_FOUND");
    const cohere = await read(
      post("/v1/acc/default/compat/v2/rerank", { model: "openai/x", query: "x", documents: [] }),
    );
    assert.match(cohere.message, /'openai' has no 'rerank'/);
  });

  it("moderations pass to those who have them", async () => {
    const { request, answer } = exchange("openai/moderations");
    const { post, seen } = gateway([recorded("openai/moderations")]);
    const model = `openai/${request.model}`;
    assert.deepEqual(await read(post("/v1/moderations", { ...request, model })), answer);
    assert.deepEqual(sent(seen[0]!), request);
  });
});
