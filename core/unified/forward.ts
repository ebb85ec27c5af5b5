/**
 * What is no chat, at a provider that takes it in the client's own words: the body passes as it came, but
 * for the name of the model and what that provider spells otherwise.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { Code, GatewayError } from "../error.ts";
import type { Json } from "../formats/json.ts";
import type { Next } from "../plugin.ts";
import type { FormatName, Provider } from "../provider.ts";
import { fault } from "./ask.ts";
import { admitted, parsed, refuseLoss, requireModel } from "./asked.ts";
import type { Operation, Shape } from "./dialect.ts";
import type { Endpoint } from "./endpoint.ts";
import { bodyOf, formOf } from "./form.ts";
import { headersTo } from "./headers.ts";
import { type Model, modelNamed } from "./models.ts";
import { type Spot, spotOf } from "./place.ts";
import { withModel } from "./splice.ts";

/** A body, and the model that it names. */
export interface Sent extends Model {
  /** As the client named the model. */
  name: string;
  /** Of a form nothing. */
  json: Json | undefined;
  /** Of JSON nothing. */
  form: FormData | undefined;
  /** Makes the body for a provider that names the model so. */
  body(model: string): Promise<{ bytes: Uint8Array; type: string }>;
}

const encoder = new TextEncoder();

/** Reads a body of JSON, or a form, for its model, unless the path names that. */
export async function sentOf(ctx: Context, { operation, model }: Endpoint): Promise<Sent> {
  const type = ctx.headers["content-type"] ?? "";
  if (!/^multipart\/form-data/i.test(type)) {
    const bytes = await ctx.bytes();
    const json = parsed(bytes);
    const name = requireModel(model ?? json.model, operation);
    return {
      ...await modelNamed(ctx, name),
      name,
      json,
      form: undefined,
      body: (own) => Promise.resolve({ bytes: withModel(bytes, own), type: "application/json" }),
    };
  }
  const form = await formOf(ctx);
  const name = requireModel(form.get("model") ?? undefined, operation);
  return { ...await modelNamed(ctx, name), name, json: undefined, form, body: bodyOf(form) };
}

/** The same with another body. */
export function changed(sent: Sent, body: Json): Sent {
  return {
    ...sent,
    json: body,
    body: (model) =>
      Promise.resolve({
        bytes: encoder.encode(JSON.stringify({ ...body, model })),
        type: "application/json",
      }),
  };
}

/** Of configured providers that speak another format than OpenAI's. */
const byFormat: Partial<Record<FormatName, Partial<Record<Operation, string>>>> = {
  gemini: { embeddings: "v1beta/models/{model}:batchEmbedContents" },
  "cohere-v2": { embeddings: "v2/embed", rerank: "v2/rerank" },
};

/** The path of an operation at a provider; nothing where it has none. */
export function pathOf(provider: Provider, operation: Operation): string | undefined {
  const { dialect, format = "openai-chat" } = provider;
  if (dialect === undefined && byFormat[format] !== undefined) return byFormat[format][operation];
  const path = dialect?.endpoints?.[operation];
  if (path === false) return undefined;
  if (path !== undefined) return path;
  return format === "openai-chat" || format === "openai-responses" ? operation : undefined;
}

/** In whose words a provider takes an operation; nothing where they are the usual ones. */
export function shapeOf({ dialect, format }: Provider, operation: Operation): Shape | undefined {
  if (dialect !== undefined) return dialect.shapes?.[operation];
  return format === "gemini" ? "gemini" : format === "cohere-v2" ? "cohere" : undefined;
}

/** Whether a provider takes legacy completions for a model; of OpenAI's only the old ones do. */
export function hasCompletions({ provider, model }: Model): boolean {
  if (pathOf(provider, "completions") === undefined) return false;
  return provider.slug !== "openai" ||
    /instruct|^(?:babbage|davinci)|^ft:(?:babbage|davinci)/.test(model);
}

/** Where an operation of a model is, or a 404 that names providers that have it. */
export function locate(ctx: Context, { provider, model }: Model, operation: Operation): Spot {
  const path = pathOf(provider, operation);
  if (path === undefined) throw lacking(ctx, provider, operation);
  return spotOf(provider, path, model, operation, ctx.host.settingsOf(provider.slug));
}

/** A 404 for what a provider, or one of its models, does not have. */
export function lacking(ctx: Context, { slug }: Provider, operation: Operation): GatewayError {
  const others = ctx.host.providers.filter((one) =>
    one.slug !== slug && one.dialect !== undefined && (one.slug === "openai" ||
      typeof one.dialect.endpoints?.[operation] === "string") &&
    pathOf(one, operation) !== undefined
  ).map((one) => one.slug);
  const hint = others.length === 0 ? "" : `; these have it: ${others.join(", ")}`;
  return new GatewayError(
    404,
    Code.notCarried,
    `Provider '${slug}' has no '${operation}' that the unified API can reach${hint}`,
  );
}

/** How a request is sent on. */
export interface Onward {
  sent?: Sent;
  /** Instead of where the provider has the operation. */
  spot?: Spot;
  /** What the provider cannot be told. */
  dropped?: readonly string[];
  /** The answer is to be read here. */
  read?: boolean;
}

/** Sends on what the client wrote. */
export async function forward(
  ctx: Context,
  next: Next,
  endpoint: Endpoint,
  how: Onward = {},
): Promise<Response> {
  const { operation, format } = endpoint;
  const { sent = await sentOf(ctx, endpoint), dropped = [] } = how;
  const { provider } = sent;
  const spot = how.spot ?? locate(ctx, sent, operation as Operation);
  refuseLoss(ctx, dropped, provider);
  const { bytes, type } = await sent.body(spot.model);
  const headers: Record<string, string> = {
    ...headersTo(ctx, provider, true),
    "content-type": type,
  };
  if (how.read) headers["accept-encoding"] = "identity";
  const response = await next(
    await admitted(ctx.with({
      provider,
      path: spot.path,
      query: spot.query,
      headers,
      body: bytes,
    })),
  );
  if (dropped.length > 0) response.headers.set("x-sluice-dropped", dropped.join(","));
  if (response.ok) return response;
  const shape = shapeOf(provider, operation as Operation) ?? "openai";
  return await fault(ctx, response, shape, format);
}
