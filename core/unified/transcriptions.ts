/**
 * Transcripts and translations of speech: OpenAI's forms, from whoever listens.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { type Json, object, parse } from "../formats/json.ts";
import type { Next } from "../plugin.ts";
import { answered, ask, fault, type Question, unreadable } from "./ask.ts";
import { extraOf, refuseLoss } from "./asked.ts";
import { toBase64 } from "./base64.ts";
import { wrong } from "./codecs/openai-chat/expect.ts";
import type { Operation, Shape } from "./dialect.ts";
import type { Endpoint } from "./endpoint.ts";
import { forward, lacking, locate, sentOf, shapeOf } from "./forward.ts";
import { Lost } from "./lost.ts";
import type { Spot } from "./place.ts";
import { readTranscript, writeTranscript } from "./tasks/transcript.ts";
import { cartesiaVersion, texts } from "./tasks/voice.ts";
import { wholeText } from "./whole.ts";

/** What is to be written down. */
interface Heard {
  file: File;
  language?: string;
  prompt?: string;
  /** `transcribe` or `translate`, into English. */
  task: string;
  /** When words were said is wanted. */
  timed: boolean;
  /** Members that OpenAI does not know. */
  extra: Json;
}

/** Answers `audio/transcriptions` and `audio/translations`. */
export async function transcriptions(
  ctx: Context,
  next: Next,
  endpoint: Endpoint,
): Promise<Response> {
  const sent = await sentOf(ctx, endpoint);
  const { provider, form } = sent;
  const operation = endpoint.operation as Operation;
  const spot = locate(ctx, sent, operation);
  const shape = shapeOf(provider, operation);
  if (shape === undefined) return await forward(ctx, next, endpoint, { sent, spot });
  const task = operation === "audio/translations" ? "translate" : "transcribe";
  if (task === "translate" && !/whisper-large/.test(spot.model)) {
    throw lacking(ctx, provider, operation);
  }
  const lost = new Lost();
  const fields = Object.fromEntries([...form ?? []].filter(([, one]) => typeof one === "string"));
  const file = form?.get("file");
  if (!(file instanceof Blob)) throw wrong("file", file ?? undefined, "a file of a form");
  const granularities = form!.getAll("timestamp_granularities[]").map(String);
  const format = String(fields.response_format ?? "json");
  const heard = readRequest(fields, file as File, task, format !== "json" && format !== "text");
  const question = await writeHeard(heard, shape, spot, lost);
  for (const name of ["temperature", "include[]", "chunking_strategy"]) {
    if (Number(fields[name] ?? 0) !== 0) lost.drop(name.replace("[]", ""));
  }
  if (fields.stream === "true") lost.drop("stream");
  if (format === "diarized_json") lost.drop("response_format");
  const dropped = lost.names;
  refuseLoss(ctx, dropped, provider);
  const response = await ask(ctx, next, sent, question);
  if (!response.ok) return await fault(ctx, response, shape, endpoint.format);
  const transcript = readTranscript(object(parse(await wholeText(response))) ?? {});
  if (transcript === undefined) throw unreadable(provider);
  const { body, type } = writeTranscript(transcript, format, granularities, task);
  return answered([response], body, type, dropped);
}

const known = new Set([
  "model",
  "language",
  "prompt",
  "response_format",
  "temperature",
  "timestamp_granularities[]",
  "include[]",
  "chunking_strategy",
  "stream",
]);

function readRequest(fields: Json, file: File, task: string, timed: boolean): Heard {
  const { language, prompt } = fields;
  return {
    file,
    task,
    timed,
    ...typeof language === "string" && language !== "" && { language },
    ...typeof prompt === "string" && prompt !== "" && { prompt },
    extra: extraOf(fields, known),
  };
}

/** The request for a provider. Facts: the providers' API references, spec 3.13 to 3.15. */
async function writeHeard(
  heard: Heard,
  shape: Shape,
  { path, query, model }: Spot,
  lost: Lost,
): Promise<Question> {
  const { file, language, prompt, task, timed, extra } = heard;
  const raw = async (more: Partial<Question> = {}): Promise<Question> => ({
    path,
    query,
    body: new Uint8Array(await file.arrayBuffer()),
    headers: { "content-type": file.type || "application/octet-stream" },
    ...more,
  });
  const form = (fields: Record<string, string>, headers?: Record<string, string>): Question => {
    const written = new FormData();
    // xAI wants the file last.
    for (const name in fields) written.set(name, fields[name]!);
    written.set("file", file, file.name || "audio");
    return { path, query, body: written, ...headers && { headers } };
  };
  const isTurbo = shape === "workers-ai" && /whisper-large/.test(model);
  if (prompt !== undefined && !isTurbo) lost.drop("prompt");
  switch (shape) {
    case "deepgram": {
      const asked = new URLSearchParams({
        model,
        smart_format: "true",
        ...language === undefined ? { detect_language: "true" } : { language },
        ...texts(extra),
      });
      return await raw({ query: `?${asked}` });
    }
    case "elevenlabs":
      return form({
        model_id: model,
        ...language !== undefined && { language_code: language },
        ...texts(extra),
      });
    case "cartesia":
      return form({
        model,
        ...language !== undefined && { language },
        ...timed && { "timestamp_granularities[]": "word" },
        ...texts(extra),
      }, { "cartesia-version": cartesiaVersion });
    case "workers-ai": {
      if (isTurbo) {
        const audio = toBase64(new Uint8Array(await file.arrayBuffer()));
        const initial_prompt = prompt;
        return {
          path,
          query,
          body: {
            audio,
            task,
            ...language !== undefined && { language },
            ...initial_prompt !== undefined && { initial_prompt },
            ...extra,
          },
        };
      }
      if (language !== undefined) lost.drop("language");
      for (const name in extra) lost.drop(name);
      return await raw();
    }
    case "huggingface":
      if (language !== undefined) lost.drop("language");
      for (const name in extra) lost.drop(name);
      return await raw();
    default:
      return form({ ...language !== undefined && { language }, ...texts(extra) });
  }
}
