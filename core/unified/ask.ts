/**
 * Sends what the unified API has written to the provider of a model, in one request or in several, each of
 * which goes down the chain for itself.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { Code, GatewayError } from "../error.ts";
import { type Json, object, parse } from "../formats/json.ts";
import { assertSafePath } from "../path.ts";
import type { Next } from "../plugin.ts";
import type { Provider } from "../provider.ts";
import { admitted } from "./asked.ts";
import type { ChatFormat } from "./chat.ts";
import { codecOf } from "./codecs/mod.ts";
import { headersFrom, headersTo } from "./headers.ts";
import type { Model } from "./models.ts";
import { faultAnswer } from "./translate.ts";
import { wholeText } from "./whole.ts";

/** One request. */
export interface Question {
  /** After the slug, no leading slash. */
  path: string;
  /** Empty, or begins with a question mark. */
  query?: string;
  /** An object goes as JSON. */
  body: Json | Uint8Array | FormData;
  /** Over what every request has; names in lower case. */
  headers?: Record<string, string>;
}

/** How many are under way at a time. */
const abreast = 4;
const encoder = new TextEncoder();

/** The answer to one. The client's key goes along, in the provider's way. */
export async function ask(
  ctx: Context,
  next: Next,
  { provider, model }: Model,
  { path, query = "", body, headers }: Question,
): Promise<Response> {
  assertSafePath(path);
  const { bytes, type } = await written(body);
  return await next(
    await admitted(ctx.with({
      provider,
      model,
      path,
      query,
      headers: {
        ...headersTo(ctx, provider, false),
        ...type !== undefined && { "content-type": type },
        ...headers,
      },
      body: bytes,
    })),
  );
}

async function written(body: Question["body"]): Promise<{ bytes: Uint8Array; type?: string }> {
  if (body instanceof Uint8Array) return { bytes: body };
  if (!(body instanceof FormData)) return { bytes: encoder.encode(JSON.stringify(body)) };
  const whole = new Response(body);
  const type = whole.headers.get("content-type") ?? "";
  return { bytes: new Uint8Array(await whole.arrayBuffer()), type };
}

/** What several came to: all their answers in order, or the first that failed. */
export async function askAll(
  ctx: Context,
  next: Next,
  model: Model,
  questions: readonly Question[],
): Promise<Response[]> {
  const answers: Response[] = [];
  let at = 0;
  let failed: Response | undefined;
  const work = async () => {
    while (at < questions.length) {
      const index = at++;
      try {
        const response = answers[index] = await ask(ctx, next, model, questions[index]!);
        if (response.ok) continue;
        failed ??= response;
      } finally {
        if (answers[index]?.ok !== true) at = questions.length;
      }
    }
  };
  const workers = Array.from({ length: Math.min(abreast, questions.length) }, work);
  const thrown = (await Promise.allSettled(workers)).find(({ status }) => status === "rejected");
  if (failed === undefined && thrown === undefined) return answers;
  for (const response of answers) {
    if (response !== failed) await response?.body?.cancel().catch(() => {});
  }
  if (failed === undefined) throw (thrown as PromiseRejectedResult).reason;
  return [failed];
}

/** The JSON of an answer. */
export async function jsonOf(response: Response, provider: Provider): Promise<Json> {
  const body = object(parse(await wholeText(response)));
  if (body === undefined) throw unreadable(provider);
  return body;
}

/** The error for an answer that is none. */
export function unreadable({ slug }: Provider): GatewayError {
  return new GatewayError(
    502,
    Code.upstreamFailed,
    `The answer of provider '${slug}' is not what its format says`,
  );
}

/** In which of the formats an error comes; whatever has none of its own is read like OpenAI's. */
const faults: Partial<Record<string, ChatFormat>> = {
  bedrock: "bedrock-converse",
  cohere: "cohere-v2",
  gemini: "gemini",
  vertex: "gemini",
};

/** A provider's error in the client's format. @param shape In whose words it was asked. */
export async function fault(
  ctx: Context,
  response: Response,
  shape: string,
  format: ChatFormat,
): Promise<Response> {
  const from = await codecOf(faults[shape] ?? "openai-chat");
  return await faultAnswer(ctx, response, from, await codecOf(format));
}

const figures = ["x-sluice-tokens-in", "x-sluice-tokens-out", "x-sluice-cost"];

/** The client's answer: headers of the first of the provider's, figures of all of them. */
export function answered(
  responses: readonly Response[],
  body: BodyInit,
  type: string,
  dropped: readonly string[],
): Response {
  const [first] = responses;
  const headers = headersFrom(first!);
  headers.set("content-type", type);
  if (dropped.length > 0) headers.set("x-sluice-dropped", dropped.join(","));
  if (responses.length > 1) {
    for (const name of figures) {
      const all = responses.map((response) => Number(response.headers.get(name) ?? NaN));
      const sum = all.reduce((total, value) => total + value, 0);
      if (isFinite(sum)) headers.set(name, sum.toFixed(12).replace(/\.?0+$/, ""));
      else headers.delete(name);
    }
  }
  return new Response(body, { status: 200, headers });
}

/** The same of an object. */
export function answeredJson(
  responses: readonly Response[],
  body: unknown,
  dropped: readonly string[],
): Response {
  return answered(responses, JSON.stringify(body), "application/json", dropped);
}
