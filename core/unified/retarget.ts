/**
 * A request of the unified API for another model than it names.
 *
 * @module
 */
import { admission, type Context } from "../context.ts";
import { Code, isGatewayError } from "../error.ts";
import { string } from "../formats/json.ts";
import { isKeyHeader, withoutKeys } from "../provider.ts";
import { topLevelString } from "../scan.ts";
import { endpointOf } from "./endpoint.ts";
import { bodyOf, formOf } from "./form.ts";
import { type Model, modelNamed } from "./models.ts";
import { withModel } from "./splice.ts";

/** What any provider may know of a client, and what its format asks for. */
const general = [
  "accept",
  "accept-encoding",
  "accept-language",
  "anthropic-beta",
  "anthropic-version",
  "content-type",
  "user-agent",
];

/** A model that may take a request's place. */
export interface StandIn {
  /** As the operator names it. */
  model: string;
  /** 0-based index of its step. */
  step: number;
}

/** The request is a chat, which any provider of chats can answer. */
export function isChat({ path, clientHeaders }: Context): boolean {
  const { operation } = endpointOf(path, clientHeaders) ?? {};
  return operation === "chat" || operation === "completions";
}

/**
 * The request for each of the models that can stand in: those that are there, that the caller may use, for
 * which somebody has a key, and that are not the one that was asked for.
 *
 * @param nowhere Told of one that is not there, whoever asks.
 */
export async function standIns(
  ctx: Context,
  models: readonly StandIn[],
  nowhere: (model: string, error: Error) => void,
): Promise<(() => Promise<Context>)[]> {
  const asked = await modelAsked(ctx);
  let first: Model;
  try {
    first = await modelNamed(ctx, asked ?? "");
  } catch (error) {
    if (isGatewayError(error)) return []; // the request is wrong, and is told so
    throw error;
  }
  const found: (() => Promise<Context>)[] = [];
  const admit = ctx.get(admission);
  for (const { model, step } of models) {
    try {
      const named = await modelNamed(ctx, model);
      const isOwn = named.provider.slug === first.provider.slug;
      if (isOwn && named.model === first.model) continue;
      const other = ctx.with(named);
      await admit?.(other);
      if (isOwn || await isPayable(other)) found.push(() => retarget(ctx, model, step, isOwn));
    } catch (error) {
      if (!isGatewayError(error)) throw error;
      if (isNowhere(error.code)) nowhere(model, error);
    }
  }
  return found;
}

function isNowhere(code: number): boolean {
  return code === Code.unknownProvider || code === Code.badModel || code === Code.notServed;
}

/** Somebody has a key for the provider, or it is not known to need one. */
async function isPayable(ctx: Context): Promise<boolean> {
  const { provider, host } = ctx;
  const { base_url, headers = {} } = host.settingsOf(provider.slug);
  return base_url !== undefined || provider.local === true || provider.dialect === undefined ||
    Object.keys({ ...provider.headers, ...headers }).some((name) => isKeyHeader(provider, name)) ||
    await host.keyring.lends(ctx);
}

/** The model that the request names, as it names it. */
async function modelAsked(ctx: Context): Promise<string | undefined> {
  const { model } = endpointOf(ctx.path, ctx.clientHeaders) ?? {};
  if (model !== undefined) return model;
  if (/^multipart\/form-data/i.test(ctx.headers["content-type"] ?? "")) {
    return string((await formOf(ctx)).get("model"));
  }
  return topLevelString(await ctx.bytes(), "model", Infinity);
}

/** @param isOwn The model is of the provider that was asked: the client's headers are meant for it. */
async function retarget(
  ctx: Context,
  model: string,
  step: number,
  isOwn: boolean,
): Promise<Context> {
  let { path, query } = ctx;
  let body: Uint8Array | undefined;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(ctx.headers)) {
    if (isOwn ? name !== "content-length" : general.includes(name)) headers[name] = value;
  }
  if (/^multipart\/form-data/i.test(headers["content-type"] ?? "")) {
    const sent = await formOf(ctx);
    const { bytes, type } = await bodyOf(sent)(model);
    body = bytes;
    headers["content-type"] = type;
  } else if (endpointOf(path, ctx.clientHeaders)?.model === undefined) {
    body = withModel(await ctx.bytes(), model);
  } else path = pathFor(path, model);
  if (!isOwn) query = withoutKeys(query);
  return ctx.with({ path, query, headers, step, ...body !== undefined && { body } });
}

/** Google's paths, with or without `models/`, and Bedrock's. */
function pathFor(path: string, model: string): string {
  if (path.startsWith("model/")) {
    return path.replace(/^model\/[^/]+/, () => `model/${encodeURIComponent(model)}`);
  }
  return path.replace(/^(v1\w*\/)?.+:(?=\w+$)/, (_, version = "") => `${version}models/${model}:`);
}
