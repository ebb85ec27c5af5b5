/**
 * The models that a caller can ask for, in the shape that its client reads.
 *
 * @module
 */
import { admission, type Context } from "../context.ts";
import { Code, GatewayError, isGatewayError } from "../error.ts";
import { shown } from "../nearest.ts";
import { loadCatalogue } from "../usage/prices.ts";
import { type Endpoint, methods } from "./endpoint.ts";
import { modelNamed } from "./models.ts";

interface Entry {
  /** `provider/model`, or an alias. */
  id: string;
  owner: string;
  name: string;
  context?: number;
}

/** Answers `models` and `models/{id}`. */
export async function listModels(ctx: Context, { format, model }: Endpoint): Promise<Response> {
  if (ctx.method !== "GET" && ctx.method !== "HEAD") {
    const [, method] = /:(\w+)$/.exec(model ?? "") ?? [];
    if (format === "gemini" && method !== undefined) throw noMethod(method);
    throw new GatewayError(405, Code.badMethod, "The list of models takes a GET", {
      headers: { allow: "GET" },
    });
  }
  const all = await entries(ctx);
  if (model !== undefined) {
    const name = model.replace(/^models\//, "");
    const full = await fullName(ctx, name);
    const found = all.find(({ id }) => id === name) ?? all.find(({ id }) => id === full);
    if (found === undefined) {
      throw new GatewayError(404, Code.badModel, `There is no model '${shown(name)}' here`);
    }
    return Response.json(one[format]?.(found) ?? openAI(found));
  }
  const query = new URLSearchParams(ctx.query);
  if (format === "anthropic-messages") return Response.json(anthropicPage(all, query));
  if (format === "gemini") return Response.json(googlePage(all, query));
  return Response.json({ object: "list", data: all.map(openAI) });
}

/** Of Google's methods on a model. */
function noMethod(method: string): GatewayError {
  return new GatewayError(
    404,
    Code.unknownRoute,
    `The unified API has no method '${shown(method)}'; it has ${Object.keys(methods).join(", ")}`,
  );
}

/** A name as the list has it, whatever alias or short form it is. */
async function fullName(ctx: Context, name: string): Promise<string | undefined> {
  try {
    const { provider, model } = await modelNamed(ctx, name);
    return `${provider.slug}/${model}`;
  } catch (error) {
    if (isGatewayError(error)) return undefined;
    throw error;
  }
}

/** Azure's models are called what its customers call them. */
const unnamed = ["azure-openai"];

/**
 * What is configured, and the price table's models of the providers that have a key for this caller; of all
 * providers for one who is lent none, and so brings keys.
 */
async function entries(ctx: Context): Promise<Entry[]> {
  const { host } = ctx;
  const [catalogue, lendable] = await Promise.all([loadCatalogue(), host.keyring.lendable(ctx)]);
  const found: Entry[] = Object.keys(host.models).map((id) => ({ id, owner: "sluice", name: id }));
  for (const owner of catalogue.providers) {
    if (lendable.size > 0 && !lendable.has(owner) || unnamed.includes(owner)) continue;
    for (const { id: model, name, context } of catalogue.models(owner)) {
      const id = `${owner}/${model}`;
      found.push({ id, owner, name: name ?? model, ...context !== undefined && { context } });
    }
  }
  const admit = ctx.get(admission);
  if (admit === undefined) return found;
  const allowed: Entry[] = [];
  for (const entry of found) if (await isFor(entry, ctx, admit)) allowed.push(entry);
  return allowed;
}

/** Whether the caller's key may be used for a model. */
async function isFor(
  { id }: Entry,
  ctx: Context,
  admit: (ctx: Context) => Context | Promise<Context>,
): Promise<boolean> {
  try {
    const { provider, model } = await modelNamed(ctx, id);
    await admit(ctx.with({ provider, model, method: "POST", path: "chat/completions" }));
    return true;
  } catch (error) {
    if (isGatewayError(error)) return false;
    throw error;
  }
}

function openAI({ id, owner }: Entry) {
  return { id, object: "model", created: 0, owned_by: owner };
}

function anthropic({ id, name }: Entry) {
  return { type: "model", id, display_name: name, created_at: "1970-01-01T00:00:00Z" };
}

function google({ id, name, context }: Entry) {
  return {
    name: `models/${id}`,
    baseModelId: id,
    version: "",
    displayName: name,
    ...context !== undefined && { inputTokenLimit: context },
    supportedGenerationMethods: /embed/i.test(id)
      ? ["embedContent", "batchEmbedContents"]
      : ["generateContent", "countTokens"],
  };
}

const one: Partial<Record<Endpoint["format"], (entry: Entry) => unknown>> = {
  "anthropic-messages": anthropic,
  gemini: google,
};

function anthropicPage(all: readonly Entry[], query: URLSearchParams) {
  const limit = sizeOf(query.get("limit"), 20);
  const before = query.get("before_id");
  const after = query.get("after_id");
  const at = (id: string) => all.findIndex((entry) => entry.id === id);
  let start = after === null ? 0 : at(after) + 1;
  let end = start + limit;
  if (before !== null) {
    end = Math.max(at(before), 0);
    start = Math.max(end - limit, 0);
  }
  const page = all.slice(start, end);
  return {
    data: page.map(anthropic),
    has_more: before === null ? end < all.length : start > 0,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
}

function googlePage(all: readonly Entry[], query: URLSearchParams) {
  const size = sizeOf(query.get("pageSize"), 50);
  const start = Math.max(Number(query.get("pageToken")) || 0, 0);
  const end = start + size;
  return {
    models: all.slice(start, end).map(google),
    ...end < all.length && { nextPageToken: String(end) },
  };
}

function sizeOf(text: string | null, usual: number): number {
  const size = Number(text);
  return Number.isInteger(size) && size > 0 ? Math.min(size, 1000) : usual;
}
