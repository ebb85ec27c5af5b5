/**
 * One request of the unified API: from the client's format to the provider's, and back.
 *
 * @module
 */
import { caller, type Context } from "../context.ts";
import { Code, GatewayError } from "../error.ts";
import type { Json } from "../formats/json.ts";
import type { Next } from "../plugin.ts";
import { clientKeys, type Provider } from "../provider.ts";
import { admitted, holdsForeign, parsed, refuseLoss, requireModel, requireTurns } from "./asked.ts";
import type { ChatFormat, ChatRequest } from "./chat.ts";
import type { Asked, ChatCodec, Target } from "./codec.ts";
import { codecOf } from "./codecs/mod.ts";
import { compat } from "./compat.ts";
import { type Endpoint, endpointAt } from "./endpoint.ts";
import { exactOf } from "./exact.ts";
import { headersTo } from "./headers.ts";
import { Lost } from "./lost.ts";
import { modelNamed } from "./models.ts";
import { withModel } from "./splice.ts";
import { renamed } from "./tool-names.ts";
import { faultAnswer, translated } from "./translate.ts";
import { placeOf } from "./place.ts";

const encoder = new TextEncoder();

// What few requests need is loaded with the first of them.
let other: ((ctx: Context, next: Next, endpoint: Endpoint) => Promise<Response>) | undefined;
type Storing = typeof import("./stored-responses.ts");
let storage: Storing | undefined;
const storing = async (): Promise<Storing> => storage ??= await import("./stored-responses.ts");

/** Answers a request whose provider is `compat`. */
export async function serve(ctx: Context, next: Next): Promise<Response> {
  const endpoint = endpointAt(ctx.path, ctx.clientHeaders);
  if (endpoint.operation === "models") {
    const { listModels } = await import("./list.ts");
    return listModels(ctx, endpoint);
  }
  if (ctx.method !== "POST" && endpoint.operation !== "stored_response") {
    throw new GatewayError(405, Code.badMethod, `'${ctx.path}' takes a POST`, {
      headers: { allow: "POST" },
    });
  }
  switch (endpoint.operation) {
    case "chat":
      return chat(ctx, next, endpoint, await clientCodec(ctx, endpoint));
    case "stored_response": {
      const query = new URLSearchParams(ctx.query);
      const { cache } = ctx.host.stores;
      const stored = await storing();
      const owner = await ownerFor(ctx, stored);
      return Response.json(
        await stored.serveStored(cache, owner, ctx.method, endpoint.rest ?? "", query),
      );
    }
    case "completions": {
      const { forward, hasCompletions, sentOf } = await import("./forward.ts");
      const sent = await sentOf(ctx, endpoint);
      return hasCompletions(sent)
        ? forward(ctx, next, endpoint, { sent })
        : chat(ctx, next, endpoint, await codecOf("completions"));
    }
    default:
      other ??= (await import("./operations.ts")).serveOther;
      return other(ctx, next, endpoint);
  }
}

/** Google's clients get an array where they do not ask for server-sent events. */
function clientCodec(ctx: Context, { format, stream }: Endpoint): Promise<ChatCodec> {
  const array = format === "gemini" && stream && !asksForEvents(ctx);
  return codecOf(array ? "gemini-array" : format);
}

function asksForEvents({ query }: Context): boolean {
  return /[?&]alt=sse(?:&|$)/.test(query);
}

/** @param codec Of the client. */
async function chat(
  ctx: Context,
  next: Next,
  endpoint: Endpoint,
  codec: ChatCodec,
): Promise<Response> {
  let bytes = await ctx.bytes();
  let body = parsed(bytes);
  const name = requireModel(endpoint.model ?? body.model, endpoint.operation);
  const { provider, model } = await modelNamed(ctx, name);
  const target: Target = {
    provider: provider.slug,
    model,
    requestId: ctx.requestId,
    now: ctx.host.now,
    ...provider.dialect?.takes !== undefined && { takes: provider.dialect.takes },
  };
  const format = formatFor(provider, model, codec);
  const passes = format === codec.format && endpoint.operation === "chat" &&
    !provider.dialect?.answersOtherwise;
  // Providers that serve Responses keep them themselves; what is kept here they do not know.
  const stored = endpoint.format === "openai-responses" ? await storing() : undefined;
  const keeps = stored !== undefined && (!passes || stored.isStored(body.previous_response_id));
  const continues = body.previous_response_id ?? undefined;
  const owner = keeps ? await ownerFor(ctx, stored) : "";
  if (keeps) {
    const whole = await stored.continued(ctx.host.stores.cache, owner, body);
    if (whole !== body) bytes = encoder.encode(JSON.stringify(body = whole));
  }
  if (passes) {
    if (holdsForeign(bytes, provider)) {
      body = codec.withoutForeign?.(body) ??
        codec.writeRequest(codec.readRequest(body, endpoint), target, new Lost());
      bytes = encoder.encode(JSON.stringify(body));
    }
    return await passed(ctx, next, { endpoint, codec, body, bytes, provider, target });
  }

  requireTurns(body);
  const native = await codecOf(format);
  const request = codec.readRequest(exactOf(bytes, codec.format) ?? body, endpoint);
  const lost = new Lost();
  const plain = renamed(request, format);
  const asking = { ...plain?.request ?? request, model };
  let written = native.writeRequest(asking, target, lost);
  written = provider.dialect?.request?.(written, format, lost, target) ?? written;
  const dropped = lost.names.map((name) => codec.spelling(asGiven(name, request)));
  refuseLoss(ctx, dropped, provider);
  const { path, query, model: placed } = placeOf(
    provider,
    format,
    model,
    request.stream,
    ctx.host.settingsOf(provider.slug),
  );
  if (placed !== model && written.model === model) written.model = placed;
  const onward = await admitted(ctx.with({
    provider,
    path,
    query,
    headers: {
      ...headersTo(ctx, provider, false),
      ...native.headers?.(asking, target),
    },
    body: encoder.encode(JSON.stringify(written)),
  }));
  const response = await next(onward);
  if (keeps && continues !== undefined) {
    request.extra = { ...request.extra, previous_response_id: continues }; // its answer says it
  }
  const asked: Asked = { request, model: name, requestId: ctx.requestId, now: ctx.host.now };
  const answer = await translated(ctx, response, {
    from: native,
    to: codec,
    target,
    asked,
    ...plain !== undefined && { names: plain.names },
    ...keeps && {
      onWhole(whole) {
        const { cache } = ctx.host.stores;
        const work = stored.remember(cache, owner, body, whole).then(() => {}, () => {});
        ctx.waitUntil(work);
        return work;
      },
    },
  });
  const all = [...dropped, answer.headers.get("x-sluice-dropped")].filter(Boolean);
  if (all.length > 0) answer.headers.set("x-sluice-dropped", all.join(","));
  return answer;
}

/** OpenAI's newer name for a user stands for the older one everywhere else. */
function asGiven(name: string, { user, safety_identifier: newer }: ChatRequest): string {
  return name === "user" && newer !== undefined && newer === user ? "safety_identifier" : name;
}

/** What goes to a provider as its client wrote it. */
interface Passing {
  endpoint: Endpoint;
  codec: ChatCodec;
  body: Json;
  bytes: Uint8Array;
  provider: Provider;
  target: Target;
}

/** The client speaks the provider's format: its bytes pass, with the provider's own name of the model. */
async function passed(ctx: Context, next: Next, passing: Passing): Promise<Response> {
  const { endpoint, codec, body, bytes, provider, target } = passing;
  const { format } = endpoint;
  const stream = endpoint.stream ?? body.stream === true;
  const { path, query, model } = placeOf(
    provider,
    format,
    target.model,
    stream,
    ctx.host.settingsOf(provider.slug),
  );
  const lost = new Lost();
  const { dialect } = provider;
  // What is spelled otherwise is so for an official client as well.
  const changed = dialect?.genuine ? undefined : dialect?.request?.(
    {
      ...exactOf(bytes, format) ?? structuredClone(body),
      ...body.model !== undefined && { model },
      ...format === "anthropic-messages" && betasOf(ctx),
    },
    format,
    lost,
    target,
  );
  const dropped = lost.names.map((name) => codec.spelling(name));
  refuseLoss(ctx, dropped, provider);
  const named = (changed?.model === undefined) === (body.model === undefined);
  const isSame = changed === undefined ||
    named && same(changed, { ...body, model: changed.model });
  const onward = await admitted(ctx.with({
    provider,
    path,
    query: format === "gemini" && !asksForEvents(ctx) ? "" : query,
    headers: headersTo(ctx, provider, true),
    body: isSame
      ? body.model === undefined ? bytes : withModel(bytes, model)
      : encoder.encode(JSON.stringify(changed)),
  }));
  const response = await next(onward);
  if (dropped.length > 0) response.headers.set("x-sluice-dropped", dropped.join(","));
  if (!response.ok) return await faultAnswer(ctx, response, codec, codec);
  if (!isAws(response) || format === "bedrock-converse") return response;
  // Claude on Bedrock: its own events, in frames of AWS.
  const asked: Asked = {
    request: codec.readRequest(body, endpoint),
    model: target.model,
    requestId: ctx.requestId,
    now: ctx.host.now,
  };
  return await translated(ctx, response, { from: codec, to: codec, target, asked });
}

/** Other hosts of Claude take in the body what Anthropic takes in a header. */
function betasOf({ headers }: Context): Json {
  const betas = headers["anthropic-beta"]?.split(",").map((name) => name.trim()) ?? [];
  return betas.length > 0 ? { anthropic_beta: betas } : {};
}

function same(a: Json, b: Json): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The format in which a provider is asked: the client's own where it speaks that. */
function formatFor(provider: Provider, model: string, client: ChatCodec): ChatFormat {
  const spoken = provider.dialect?.serves?.(model) ?? formatsOf(provider);
  if (spoken.includes(client.format)) return client.format;
  const [first] = spoken;
  if (first !== undefined) return first;
  throw new GatewayError(
    400,
    Code.notCarried,
    `Provider '${provider.slug}' has no chat models that the unified API can reach`,
  );
}

function formatsOf({ dialect, format = "openai-chat" }: Provider): readonly ChatFormat[] {
  if (dialect?.chat !== undefined) return Object.keys(dialect.chat) as ChatFormat[];
  return format === "none" || dialect !== undefined ? [] : [format];
}

function isAws({ headers }: Response): boolean {
  return /^application\/vnd\.amazon\.eventstream/i.test(headers.get("content-type") ?? "");
}

/** Whose responses a caller may name: its virtual key's, else its credential's; each user's are apart. */
async function ownerFor(ctx: Context, { ownerOf }: Storing): Promise<string> {
  const { keyId, metadata } = ctx.get(caller) ?? {};
  const key = keyId ?? clientKeys(compat, ctx.headers, ctx.query)[0] ?? "";
  const user = metadata?.["cf.user_id"];
  const who = user === undefined ? key : JSON.stringify([key, user]);
  return await ownerOf(ctx.account, ctx.gateway.id, who);
}
