/**
 * What every endpoint of the unified API asks of a request.
 *
 * @module
 */
import { admission, type Context } from "../context.ts";
import { Code, GatewayError } from "../error.ts";
import { type Json, object } from "../formats/json.ts";
import { kindOf, shown } from "../nearest.ts";
import type { Provider } from "../provider.ts";
import type { Operation } from "./endpoint.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** The body of a request: a JSON object, or a 400. */
export function parsed(bytes: Uint8Array): Json {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    const found = bytes.length === 0 ? "empty" : "no JSON";
    throw new GatewayError(400, Code.badRequest, `The body is ${found}; a JSON object is expected`);
  }
  const body = object(value);
  if (body === undefined) {
    const message = "The body is JSON, but no object; a JSON object is expected";
    throw new GatewayError(400, Code.badRequest, message);
  }
  return body;
}

/** What a name looks like, of models that are asked for something else than a chat. */
const examples: Partial<Record<Operation, string>> = {
  embeddings: "openai/text-embedding-3-small",
  "images/generations": "openai/gpt-image-1",
  "images/edits": "openai/gpt-image-1",
  "audio/speech": "openai/gpt-4o-mini-tts",
  "audio/transcriptions": "openai/gpt-4o-transcribe",
  "audio/translations": "openai/whisper-1",
  rerank: "cohere/rerank-v3.5",
};

/** The name of a model, or a 400 that tells what stands in its place. @param operation It is asked for. */
export function requireModel(name: unknown, operation: Operation): string {
  if (typeof name === "string" && name !== "") return name;
  const example = examples[operation] ?? "openai/gpt-4o-mini";
  throw new GatewayError(
    400,
    Code.badModel,
    `'model' is ${kindOf(name)}; 'provider/model' is expected, such as '${example}'`,
  );
}

/** No format has a conversation of nothing: whoever would be asked is not, and the client gets a 400. */
export function requireTurns(body: Json): void {
  for (const name of ["messages", "contents", "input"]) {
    if (!Array.isArray(body[name]) || body[name].length > 0) continue;
    throw new GatewayError(
      400,
      Code.badRequest,
      `'${name}' is an empty array; at least one message is expected`,
    );
  }
}

/** The request as it may go on: a virtual key may be for some providers and models only. */
export async function admitted(ctx: Context): Promise<Context> {
  const onward = await ctx.get(admission)?.(ctx) ?? ctx;
  // Also of an answer that comes from a cache it is to be known whose it is.
  ctx.shared.attempt = onward;
  return onward;
}

/** Notes what a provider cannot be told, as the client spells it; a 400 where that is not to happen. */
export function refuseLoss(ctx: Context, dropped: readonly string[], provider: Provider): void {
  const asked = ctx.clientHeaders.get("x-sluice-compat") ?? ctx.gateway.compat;
  if (asked !== "strict" && asked !== "lossy" && asked !== undefined) {
    throw new GatewayError(
      400,
      Code.badRequest,
      `'x-sluice-compat' is '${shown(asked)}'; 'strict' or 'lossy' is expected`,
    );
  }
  if (dropped.length === 0) {
    if (ctx.shared.dropped !== undefined) delete ctx.shared.dropped; // of another provider, before
    return;
  }
  ctx.shared.dropped = dropped;
  if (asked !== "strict") return;
  throw new GatewayError(
    400,
    Code.notCarried,
    `Provider '${provider.slug}' cannot take ${
      dropped.map((name) => `'${name}'`).join(", ")
    }, and ` +
      "'compat' is 'strict'; leave them out, or choose another model",
  );
}

/**
 * What was sealed for another provider's eyes, or is known by an id of this gateway's; where the provider
 * takes nothing that its format has not, also thoughts of others.
 */
export function holdsForeign(bytes: Uint8Array, { dialect }: Provider): boolean {
  const text = new TextDecoder("latin1").decode(bytes);
  return text.includes('"sluice.') || text.includes("_sl") ||
    dialect?.genuine === true &&
      /"(?:reasoning_(?:content|details)|document_citations)"/.test(text);
}

/** Never said twice: a key may be for some models only. */
const ofModel = /^models?(?:_?id|_?name)?$/i;

/** Members of a body that a format does not know, in the words of the provider that they are meant for. */
export function extraOf(body: Json, known: ReadonlySet<string>): Json {
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) =>
      value != null && !known.has(name) && !ofModel.test(name)
    ),
  );
}
