/** Speech and transcripts of the unified API: OpenAI's requests, from whoever speaks or listens. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { fallback } from "../../plugins/fallback.ts";
import { loadFixture } from "../support/fixtures.ts";
import { type Answer, failing } from "./scripted.ts";
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
      voice: "Alloy",
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
      open: true,
      keys: { deepgram: { default: { value: "d-lent" } } },
    });
    const told = await read(upload(world, path, { file, model: "groq/whisper-large-v3" }, auth));
    assert.ok(told.text.length > 100);
    assert.equal(world.seen[1]!.body, "sound");
    assert.equal(world.seen[1]!.headers.authorization, "Token d-lent");
  });

  it("need a file", async () => {
    const world = gateway([]);
    const response = await upload(world, path, { model: "deepgram/nova-3" }, auth);
    assert.equal(response.status, 400);
    assert.match((await read(response)).error.message, /'file' is missing; a file of a form/);
  });
});
