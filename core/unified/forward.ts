/**
 * What is no chat, at a provider that has OpenAI's endpoint for it: the body passes as it came, but for the
 * name of the model.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { Code, GatewayError } from "../error.ts";
import type { Json } from "../formats/json.ts";
import type { Next } from "../plugin.ts";
import type { Provider } from "../provider.ts";
import { admitted, parsed, requireModel } from "./asked.ts";
import type { Operation } from "./dialect.ts";
import type { Endpoint } from "./endpoint.ts";
import { headersTo } from "./headers.ts";
import { type Model, modelNamed } from "./models.ts";
import { spotOf } from "./place.ts";
import { withModel } from "./splice.ts";
import { faultAnswer } from "./translate.ts";

/** A body, and the model that it names. */
export interface Sent extends Model {
  /** Nothing for a form. */
  json: Json | undefined;
  /** Makes the body for a provider that names the model so. */
  body(model: string): Promise<{ bytes: Uint8Array; type: string }>;
}

/** Reads a body of JSON, or a form, for its model. */
export async function sentOf(ctx: Context): Promise<Sent> {
  const bytes = await ctx.bytes();
  const type = ctx.headers["content-type"] ?? "";
  if (!/^multipart\/form-data/i.test(type)) {
    const json = parsed(bytes);
    return {
      ...await modelNamed(ctx, requireModel(json.model)),
      json,
      body: (model) =>
        Promise.resolve({ bytes: withModel(bytes, model), type: "application/json" }),
    };
  }
  let form: FormData;
  try {
    const whole = new Response(bytes as Uint8Array<ArrayBuffer>, {
      headers: { "content-type": type },
    });
    form = await whole.formData();
  } catch {
    throw new GatewayError(400, Code.badRequest, "The body is no form as its content-type says");
  }
  const named = await modelNamed(ctx, requireModel(form.get("model") ?? undefined));
  return {
    ...named,
    json: undefined,
    async body(model) {
      form.set("model", model);
      const written = new Response(form);
      return {
        bytes: new Uint8Array(await written.arrayBuffer()),
        type: written.headers.get("content-type") ?? "",
      };
    },
  };
}

/** The path of an operation at a provider; nothing where it has none. */
export function pathOf(provider: Provider, operation: Operation): string | undefined {
  const { dialect, format = "openai-chat" } = provider;
  const path = dialect?.endpoints?.[operation];
  if (path === false) return undefined;
  if (path !== undefined) return path;
  return format === "openai-chat" || format === "openai-responses" ? operation : undefined;
}

/** Whether a provider takes legacy completions for a model; of OpenAI's only the old ones do. */
export function hasCompletions({ provider, model }: Model): boolean {
  if (pathOf(provider, "completions") === undefined) return false;
  return provider.slug !== "openai" ||
    /instruct|^(?:babbage|davinci)|^ft:(?:babbage|davinci)/.test(model);
}

/** A 404 for what a provider does not have. */
export function lacking(provider: Provider, what: string): GatewayError {
  return new GatewayError(
    404,
    Code.notCarried,
    `Provider '${provider.slug}' has no ${what} that the unified API can reach; choose another model`,
  );
}

/** Sends on what the client wrote. */
export async function forward(
  ctx: Context,
  next: Next,
  { operation, format }: Endpoint,
  sent?: Sent,
): Promise<Response> {
  const { provider, model, body } = sent ?? await sentOf(ctx);
  const path = pathOf(provider, operation as Operation);
  if (path === undefined) throw lacking(provider, `endpoint '${operation}'`);
  const settings = ctx.host.settingsOf(provider.slug);
  const spot = spotOf(provider, path, model, operation as Operation, settings);
  const { bytes, type } = await body(spot.model);
  const onward = await admitted(ctx.with({
    provider,
    path: spot.path,
    query: spot.query,
    headers: { ...headersTo(ctx, provider, true), "content-type": type },
    body: bytes,
  }));
  const response = await next(onward);
  return response.ok ? response : await faultAnswer(ctx, response, "openai-chat", format);
}
