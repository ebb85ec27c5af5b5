/**
 * A request of the unified API for another model than it names.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { string } from "../formats/json.ts";
import { withoutKeys } from "../provider.ts";
import { topLevelString } from "../scan.ts";
import { endpointOf } from "./endpoint.ts";
import { bodyOf, formOf } from "./form.ts";
import { withModel } from "./splice.ts";

/** Where a key may stand. */
const credentials = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/** The request is a chat, which any provider of chats can answer. */
export function isChat({ path, clientHeaders }: Context): boolean {
  const { operation } = endpointOf(path, clientHeaders) ?? {};
  return operation === "chat" || operation === "completions";
}

/** The model that the request names, as it names it. */
export async function modelAsked(ctx: Context): Promise<string | undefined> {
  const { model } = endpointOf(ctx.path, ctx.clientHeaders) ?? {};
  if (model !== undefined) return model;
  if (/^multipart\/form-data/i.test(ctx.headers["content-type"] ?? "")) {
    return string((await formOf(ctx)).get("model"));
  }
  return topLevelString(await ctx.bytes(), "model", Infinity);
}

/** The request, without the client's key where the other model is another provider's. */
export async function retarget(ctx: Context, model: string, step: number): Promise<Context> {
  const named = await modelAsked(ctx);
  let { path, query } = ctx;
  let body: Uint8Array | undefined;
  const headers = { ...ctx.headers };
  delete headers["content-length"];
  if (/^multipart\/form-data/i.test(headers["content-type"] ?? "")) {
    const sent = await formOf(ctx);
    const { bytes, type } = await bodyOf(sent)(model);
    body = bytes;
    headers["content-type"] = type;
  } else if (endpointOf(path, ctx.clientHeaders)?.model === undefined) {
    body = withModel(await ctx.bytes(), model);
  } else path = pathFor(path, model);
  if (providerOf(named) !== providerOf(model)) {
    for (const name of credentials) delete headers[name];
    query = withoutKeys(query);
  }
  return ctx.with({ path, query, headers, step, ...body !== undefined && { body } });
}

function providerOf(model: string | undefined): string | undefined {
  return model?.split("/", 1)[0];
}

/** Google's paths, with or without `models/`, and Bedrock's. */
function pathFor(path: string, model: string): string {
  if (path.startsWith("model/")) {
    return path.replace(/^model\/[^/]+/, () => `model/${encodeURIComponent(model)}`);
  }
  return path.replace(/^(v1\w*\/)?.+:(?=\w+$)/, (_, version = "") => `${version}models/${model}:`);
}
