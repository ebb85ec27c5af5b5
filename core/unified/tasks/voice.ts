/**
 * How each provider is asked to speak. Facts: the providers' API references, spec 3.15.
 *
 * @module
 */
import { type Json, list, object, string } from "../../formats/json.ts";
import type { Question } from "../ask.ts";
import { fromBase64 } from "../base64.ts";
import type { Shape } from "../dialect.ts";
import type { Lost } from "../lost.ts";
import type { Spot } from "../place.ts";
import { geminiVoice, openAIVoices } from "../voices.ts";

/** What is to be said. */
export interface SpeechRequest {
  /** As the provider names it. */
  model: string;
  input: string;
  /** As the provider names it, or one of OpenAI's. */
  voice?: string;
  instructions?: string;
  /** `mp3`, `opus`, `aac`, `flac`, `wav`, `pcm`. */
  format: string;
  /** 1 is the usual. */
  speed?: number;
  /** Members that OpenAI does not know. */
  extra: Json;
}

/** A voice that every account has, from each provider's own examples. */
const usual: Partial<Record<Shape, string>> = {
  cartesia: "694f9389-aac1-45b6-b726-9d9369183238",
  elevenlabs: "JBFqnCBsd6RMkjVDRZzb",
  gemini: geminiVoice,
  grok: "eve",
  mistral: "en_paul_neutral",
};

/** The request for a provider. */
export function writeSpeech(
  request: SpeechRequest,
  shape: Shape,
  spot: Spot,
  lost: Lost,
): Question {
  const isForeign = request.voice !== undefined && openAIVoices.test(request.voice);
  if (isForeign) lost.drop("voice");
  const own = isForeign ? undefined : request.voice;
  const asked: SpeechRequest = { ...request, voice: own ?? usual[shape] ?? "" };
  if (asked.instructions !== undefined && shape !== "gemini") lost.drop("instructions");
  if ((asked.speed ?? 1) !== 1 && shape !== "elevenlabs" && shape !== "grok") lost.drop("speed");
  const write = writers[shape] ?? writers.mistral!;
  return { path: spot.path, query: spot.query, ...write(asked, spot, lost) };
}

type Written = Pick<Question, "body" | "headers"> & Partial<Question>;

/** A form of sound that the provider has, for one that it has not. */
function formatOf<T>(formats: Readonly<Record<string, T>>, request: SpeechRequest, lost: Lost): T {
  if (Object.hasOwn(formats, request.format)) return formats[request.format]!;
  lost.drop("response_format");
  return Object.values(formats)[0]!;
}

const writers: Partial<
  Record<Shape, (request: SpeechRequest, spot: Spot, lost: Lost) => Written>
> = {
  deepgram(request, { path, model }, lost) {
    const { input, voice, extra } = request;
    // A model is a voice, unless its name ends before that.
    const named = /^aura-\d$/.test(model) ? `${model}-${voice || "thalia-en"}` : model;
    if (named === model && voice !== "" && !model.includes(voice!)) lost.drop("voice");
    const query = new URLSearchParams({
      model: named,
      ...formatOf<Record<string, string>>(
        {
          mp3: { encoding: "mp3" },
          opus: { encoding: "opus", container: "ogg" },
          aac: { encoding: "aac" },
          flac: { encoding: "flac" },
          wav: { encoding: "linear16", container: "wav" },
          pcm: { encoding: "linear16", container: "none", sample_rate: "24000" },
        },
        request,
        lost,
      ),
      ...texts(extra),
    });
    return { path, query: `?${query}`, body: { text: input } };
  },

  elevenlabs(request, { path, model }, lost) {
    const { input, voice, speed, extra } = request;
    const output = formatOf(
      {
        mp3: "mp3_44100_128",
        opus: "opus_48000_128",
        wav: "wav_44100",
        pcm: "pcm_24000",
      },
      request,
      lost,
    );
    return {
      path: `${path}/${encodeURIComponent(voice!)}`,
      query: `?output_format=${output}`,
      body: {
        text: input,
        model_id: model,
        ...speed !== undefined && { voice_settings: { speed } },
        ...extra,
      },
    };
  },

  cartesia(request, { model }, lost) {
    const { input, voice, extra } = request;
    const output_format = formatOf<Json>(
      {
        mp3: { container: "mp3", sample_rate: 44100, bit_rate: 128000 },
        wav: { container: "wav", encoding: "pcm_s16le", sample_rate: 44100 },
        pcm: { container: "raw", encoding: "pcm_s16le", sample_rate: 24000 },
      },
      request,
      lost,
    );
    return {
      body: {
        model_id: model,
        transcript: input,
        voice: { mode: "id", id: voice },
        output_format,
        ...extra,
      },
      headers: { "cartesia-version": cartesiaVersion },
    };
  },

  grok(request, _spot, lost) {
    const { input, voice, speed, extra } = request;
    const output_format = formatOf<Json>(
      {
        mp3: { codec: "mp3" },
        wav: { codec: "wav", sample_rate: 24000 },
        pcm: { codec: "pcm", sample_rate: 24000 },
      },
      request,
      lost,
    );
    return {
      body: {
        text: input,
        voice_id: voice,
        language: "auto",
        output_format,
        ...speed !== undefined && { speed },
        ...extra,
      },
    };
  },

  mistral(request) {
    const { model, input, voice, format, extra } = request;
    return { body: { model, input, voice, response_format: format, ...extra } };
  },

  "workers-ai"(request, { model }, lost) {
    const { input, voice, extra } = request;
    if (!/aura/.test(model)) {
      if (voice !== "") lost.drop("voice");
      if (request.format !== "mp3") lost.drop("response_format");
      return { body: { prompt: input, ...extra } };
    }
    const encoding = formatOf<Json>(
      {
        mp3: { encoding: "mp3" },
        opus: { encoding: "opus", container: "ogg" },
        aac: { encoding: "aac" },
        flac: { encoding: "flac" },
        wav: { encoding: "linear16", container: "wav" },
        pcm: { encoding: "linear16", container: "none" },
      },
      request,
      lost,
    );
    return { body: { text: input, ...voice !== "" && { speaker: voice }, ...encoding, ...extra } };
  },

  gemini(request, _spot, lost) {
    const { input, voice, instructions, extra } = request;
    for (const name in extra) lost.drop(name);
    formatOf({ wav: "", pcm: "" }, request, lost);
    return {
      body: {
        contents: [{
          role: "user",
          // Its models take how to say it from the text.
          parts: [{ text: instructions === undefined ? input : `${instructions}: ${input}` }],
        }],
        generationConfig: {
          responseModalities: ["AUDIO"],
          speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: voice } } },
        },
      },
    };
  },
};

/** The newest version of Cartesia's API that this was written for. */
export const cartesiaVersion = "2025-04-16";

/** What can stand in a query or a form. */
export function texts(extra: Json): Record<string, string> {
  return Object.fromEntries(
    Object.entries(extra).filter(([, value]) => typeof value !== "object").map((
      [name, value],
    ) => [name, String(value)]),
  );
}

/** What was said. */
export interface Sound {
  bytes: Uint8Array<ArrayBuffer>;
  mime: string;
}

const types: Readonly<Record<string, string>> = {
  mp3: "audio/mpeg",
  opus: "audio/ogg",
  aac: "audio/aac",
  flac: "audio/flac",
  wav: "audio/wav",
  pcm: "audio/pcm",
};

/** The sound in an answer of JSON, or nothing. @param format As it was asked for. */
export function soundIn(body: Json, format: string): Sound | undefined {
  const data = string(body.audio_data) ?? string(object(body.result)?.audio);
  if (data !== undefined) {
    const bytes = fromBase64(data);
    return bytes && { bytes, mime: types[format] ?? "audio/mpeg" };
  }
  const [part] = list(object(object(list(body.candidates)[0])?.content)?.parts);
  const inside = object(object(part)?.inlineData);
  const bytes = typeof inside?.data === "string" ? fromBase64(inside.data) : undefined;
  if (bytes === undefined) return undefined;
  if (format === "pcm") return { bytes, mime: "audio/pcm" };
  const rate = Number(/rate=(\d+)/.exec(String(inside!.mimeType))?.[1] ?? 24000);
  return { bytes: inWav(bytes, rate), mime: "audio/wav" };
}

/** Samples of 16 bits, one channel, with a head that says so. */
function inWav(samples: Uint8Array, rate: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(44 + samples.length);
  const view = new DataView(bytes.buffer);
  const put = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at);
  put(0, "RIFF");
  view.setUint32(4, 36 + samples.length, true);
  put(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // samples as they are
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  put(36, "data");
  view.setUint32(40, samples.length, true);
  bytes.set(samples, 44);
  return bytes;
}
