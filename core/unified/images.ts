/**
 * Pictures: OpenAI's requests, from whoever draws.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { geminiUsage } from "../formats/gemini.ts";
import { settle } from "../formats/counts.ts";
import { type Json, object } from "../formats/json.ts";
import type { Next } from "../plugin.ts";
import type { Usage } from "../usage/usage.ts";
import { answered, answeredJson, askAll, fault, unreadable } from "./ask.ts";
import { extraOf, refuseLoss } from "./asked.ts";
import { dataOf, toBase64 } from "./base64.ts";
import { optional, required, wrong } from "./codecs/openai-chat/expect.ts";
import { writeFault } from "./codecs/openai-chat/fault.ts";
import type { Operation } from "./dialect.ts";
import type { Endpoint } from "./endpoint.ts";
import { forward, lacking, locate, sentOf, shapeOf } from "./forward.ts";
import { headersFrom } from "./headers.ts";
import { Lost } from "./lost.ts";
import { readPictures, writePictures } from "./tasks/draw.ts";
import { type Picture, type PictureRequest, type Source, urlOf } from "./tasks/picture.ts";

/** Answers `images/generations` and `images/edits`. */
export async function images(ctx: Context, next: Next, endpoint: Endpoint): Promise<Response> {
  const sent = await sentOf(ctx, endpoint);
  const { provider } = sent;
  const operation = endpoint.operation as Operation;
  const spot = locate(ctx, sent, operation);
  const shape = shapeOf(provider, operation);
  if (shape === undefined) return await forward(ctx, next, endpoint, { sent, spot });
  if (operation === "images/edits" && spot.path.endsWith(":predict")) {
    throw lacking(ctx, provider, operation);
  }
  const body = sent.json ?? await fieldsOf(sent.form!);
  const lost = new Lost();
  const request = readRequest(body, spot.model, lost);
  const questions = writePictures(request, shape, spot, lost);
  const dropped = lost.names;
  refuseLoss(ctx, dropped, provider);
  const responses = await askAll(ctx, next, sent, questions);
  if (!responses[0]?.ok) return await fault(ctx, responses[0]!, shape, endpoint.format);
  const { pictures, bodies, refused } = await readPictures(responses);
  if (pictures.length === 0) {
    if (refused === undefined) throw unreadable(provider);
    return blocked(responses[0], refused);
  }
  const told = usageIn(bodies);
  const created = Math.floor(ctx.host.now() / 1000);
  if (body.stream === true || body.stream === "true") {
    const events = pictures.map((one) => eventOf(one, operation, created, told));
    return answered(responses, events.join(""), "text/event-stream", dropped);
  }
  const data = pictures.map((one) => shown(one, request.response_format));
  const answer = { created, data, ...told && { usage: told } };
  return answeredJson(responses, answer, dropped);
}

/** OpenAI's members without a word of any other provider. */
const its = ["style", "user", "background", "moderation", "output_compression", "input_fidelity"];
const known = new Set([
  ...its,
  ...["model", "prompt", "n", "size", "quality", "response_format", "output_format", "stream"],
  ...["partial_images", "image", "images", "image[]", "mask"],
]);

function readRequest(body: Json, model: string, lost: Lost): PictureRequest {
  for (const name of [...its, "mask"]) {
    if (body[name] != null && body[name] !== "auto") lost.drop(name);
  }
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(String(body.size ?? "")) ?? [];
  if (width === undefined && body.size != null && body.size !== "auto") lost.drop("size");
  const quality = optional<string>(body, "quality", "string", "");
  const output_format = optional<string>(body, "output_format", "string", "");
  const response_format = optional<string>(body, "response_format", "string", "");
  const n = Number(body.n ?? 1);
  if (!Number.isInteger(n) || n < 1 || n > 10) throw wrong("n", body.n, "a number from 1 to 10");
  return {
    model,
    prompt: required(body, "prompt", ""),
    n,
    ...Number(width) > 0 && Number(height) > 0 &&
      { size: { width: Number(width), height: Number(height) } },
    ...quality !== undefined && { quality },
    ...output_format !== undefined && { output_format },
    ...response_format !== undefined && { response_format },
    images: sourcesIn(body),
    extra: extraOf(body, known),
  };
}

/** Pictures to change: of a form, or by URL. */
function sourcesIn(body: Json): Source[] {
  const given = [body.images, body.image, body["image[]"]].flatMap((one) =>
    Array.isArray(one) ? one : one == null ? [] : [one]
  );
  return given.map((value, i) => {
    const one = object(value);
    if (typeof one?.data === "string") return { mime: String(one.mime), data: one.data };
    const url = one?.image_url ?? one?.url ?? value;
    if (typeof url !== "string") throw wrong(`images[${i}]`, value, "a picture or its URL");
    return dataOf(url) ?? { mime: "image/png", url };
  });
}

/** The fields of a form, files as `{ mime, data }`, what comes several times as a list. */
async function fieldsOf(form: FormData): Promise<Json> {
  const fields: Json = {};
  for (const [name, value] of form) {
    const one = typeof value === "string" ? value : {
      mime: value.type || "image/png",
      data: toBase64(new Uint8Array(await value.arrayBuffer())),
    };
    const before = Object.hasOwn(fields, name) ? fields[name] : undefined;
    Object.defineProperty(fields, name, {
      value: before === undefined ? one : [...Array.isArray(before) ? before : [before], one],
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return fields;
}

/** As the client wants it, where that can be. */
function shown({ data, url, mime = "image/png", prompt }: Picture, format?: string): Json {
  const revised = prompt === undefined ? {} : { revised_prompt: prompt };
  if (data === undefined) return { url, ...revised };
  if (format === "url") return { url: urlOf({ mime, data }), ...revised };
  return { b64_json: data, ...revised };
}

/** Tokens, as OpenAI counts them. */
function usageIn(bodies: readonly Json[]): Json | undefined {
  let input = 0;
  let output = 0;
  let told = false;
  for (const body of bodies) {
    const usage = usageOf(body);
    if (usage === undefined) continue;
    told = true;
    input += usage.input ?? 0;
    output += usage.output ?? 0;
  }
  if (!told) return undefined;
  return {
    input_tokens: input,
    output_tokens: output,
    total_tokens: input + output,
    input_tokens_details: { text_tokens: input, image_tokens: 0 },
  };
}

function usageOf(body: Json): Usage | undefined {
  const usage = object(body.usageMetadata);
  const counts = usage && geminiUsage(usage);
  return counts && settle(counts);
}

/** The end of OpenAI's stream, in which no half-finished picture came before. */
function eventOf(
  picture: Picture,
  operation: Operation,
  created: number,
  usage: Json | undefined,
): string {
  const type = `${operation === "images/edits" ? "image_edit" : "image_generation"}.completed`;
  const data = { type, created_at: created, ...shown(picture), ...usage && { usage } };
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The provider drew nothing and said why. */
function blocked(response: Response, why: string): Response {
  const body = writeFault({
    status: 400,
    kind: "invalid_request",
    message: `The provider refused to draw this: ${why}`,
    code: "moderation_blocked",
    param: null,
  });
  const headers = headersFrom(response);
  headers.set("content-type", "application/json");
  return new Response(JSON.stringify(body), { status: 400, headers });
}
