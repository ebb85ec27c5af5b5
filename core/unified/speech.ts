/**
 * Speech: OpenAI's requests, from whoever speaks.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { type Json, object, parse } from "../formats/json.ts";
import type { Next } from "../plugin.ts";
import { answered, ask, fault, unreadable } from "./ask.ts";
import { extraOf, refuseLoss } from "./asked.ts";
import { optional, required } from "./codecs/openai-chat/expect.ts";
import type { Endpoint } from "./endpoint.ts";
import { forward, locate, sentOf, shapeOf } from "./forward.ts";
import { Lost } from "./lost.ts";
import { soundIn, type SpeechRequest, writeSpeech } from "./tasks/voice.ts";
import { wholeText } from "./whole.ts";

/** Answers `audio/speech`. */
export async function speech(ctx: Context, next: Next, endpoint: Endpoint): Promise<Response> {
  const sent = await sentOf(ctx, endpoint);
  const { provider } = sent;
  const spot = locate(ctx, sent, "audio/speech");
  const shape = shapeOf(provider, "audio/speech");
  if (shape === undefined) return await forward(ctx, next, endpoint, { sent, spot });
  const request = readRequest(sent.json ?? {}, spot.model);
  const lost = new Lost();
  const question = writeSpeech(request, shape, spot, lost);
  if (sent.json?.stream_format === "sse") lost.drop("stream_format");
  const dropped = lost.names;
  refuseLoss(ctx, dropped, provider);
  const response = await ask(ctx, next, sent, question);
  if (!response.ok) return await fault(ctx, response, shape, endpoint.format);
  if (!/^application\/json/i.test(response.headers.get("content-type") ?? "")) {
    if (dropped.length > 0) response.headers.set("x-sluice-dropped", dropped.join(","));
    return response;
  }
  const sound = soundIn(object(parse(await wholeText(response))) ?? {}, request.format);
  if (sound === undefined) throw unreadable(provider);
  return answered([response], sound.bytes, sound.mime, dropped);
}

const known = new Set(
  ["model", "input", "voice", "instructions", "response_format", "speed", "stream_format"],
);

function readRequest(body: Json, model: string): SpeechRequest {
  const voice = object(body.voice)?.id ?? body.voice ?? undefined;
  const instructions = optional<string>(body, "instructions", "string", "");
  const speed = optional<number>(body, "speed", "number", "");
  return {
    model,
    input: required(body, "input", ""),
    format: optional<string>(body, "response_format", "string", "") ?? "mp3",
    ...typeof voice === "string" && { voice },
    ...instructions !== undefined && { instructions },
    ...speed !== undefined && { speed },
    extra: extraOf(body, known),
  };
}
