/**
 * Counts the tokens of a chat: by the provider where it counts for others, else by an estimate.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { count } from "../formats/counts.ts";
import type { Json } from "../formats/json.ts";
import { readRequest } from "../formats/request.ts";
import type { Next } from "../plugin.ts";
import type { Provider } from "../provider.ts";
import { estimateTokens } from "../usage/estimate.ts";
import { answeredJson, ask, fault, jsonOf, type Question, unreadable } from "./ask.ts";
import { admitted, holdsForeign, refuseLoss, requireTurns } from "./asked.ts";
import type { ChatFormat, ChatRequest } from "./chat.ts";
import type { ChatCodec, Target } from "./codec.ts";
import * as anthropic from "./codecs/anthropic/hosts.ts";
import * as gemini from "./codecs/gemini/count.ts";
import { codecOf } from "./codecs/mod.ts";
import type { Operation } from "./dialect.ts";
import type { Endpoint } from "./endpoint.ts";
import { changed, forward, pathOf, type Sent, sentOf } from "./forward.ts";
import { Lost } from "./lost.ts";
import { placeOf, type Spot, spotOf } from "./place.ts";

/** Answers `messages/count_tokens`, `:countTokens` and `responses/input_tokens`. */
export async function countTokens(
  ctx: Context,
  next: Next,
  endpoint: Endpoint,
): Promise<Response> {
  const sent = await sentOf(ctx, endpoint);
  const { provider, model } = sent;
  const { format } = endpoint;
  const counter = counterOf(ctx, sent, format);
  if (counter?.format === format && counter.passes && !holdsForeign(await ctx.bytes(), provider)) {
    return await forward(ctx, next, endpoint, {
      sent: format === "gemini" ? renamed(sent, counter.spot.model) : sent,
      spot: counter.spot,
    });
  }
  const body = sent.json ?? {};
  const codec = await codecOf(format);
  requireTurns(body);
  const request: ChatRequest = {
    ...format === "gemini"
      ? gemini.readCountRequest(body, endpoint)
      : codec.readRequest(body, { ...endpoint, stream: false }),
    stream: false,
  };
  if (counter === undefined) return await estimated(ctx, endpoint, sent);
  const target: Target = {
    provider: provider.slug,
    model: counter.spot.model,
    requestId: ctx.requestId,
    now: ctx.host.now,
    ...provider.dialect?.takes !== undefined && { takes: provider.dialect.takes },
  };
  const lost = new Lost();
  const question = questionOf(
    { ...request, model: counter.spot.model },
    counter,
    await codecOf(counter.format),
    target,
    lost,
    provider,
  );
  const dropped = lost.names.map((name) => codec.spelling(name));
  refuseLoss(ctx, dropped, provider);
  const response = await ask(ctx, next, { provider, model }, question);
  if (!response.ok) {
    return await fault(ctx, response, faults[counter.format] ?? "openai", format);
  }
  const tokens = tokensOf(await jsonOf(response, provider), counter.format);
  if (tokens === undefined) throw unreadable(provider);
  return answeredJson([response], answerIn(format, tokens), dropped);
}

const faults: Partial<Record<ChatFormat, string>> = {
  gemini: "gemini",
  "bedrock-converse": "bedrock",
};

/** Where a model's tokens are counted. */
interface Counter {
  format: ChatFormat;
  spot: Spot;
  /** A client of this format asks as the provider wants it. */
  passes: boolean;
}

/** Claude is counted at Vertex AI under a name of its own, which stands in the body's stead. */
const claudeOnVertex = /publishers\/anthropic\/models\/[^/]+:rawPredict$/;

function counterOf(
  ctx: Context,
  { provider, model }: Sent,
  client: ChatFormat,
): Counter | undefined {
  const { dialect, slug } = provider;
  const spoken = dialect?.serves?.(model) ?? Object.keys(dialect?.chat ?? {}) as ChatFormat[];
  const settings = ctx.host.settingsOf(slug);
  const operations: Partial<Record<ChatFormat, Operation>> = {
    "anthropic-messages": "messages/count_tokens",
    "openai-responses": "responses/input_tokens",
  };
  for (const format of [client, ...spoken]) {
    if (!spoken.includes(format)) continue;
    const operation = operations[format];
    const path = operation && pathOf(provider, operation);
    if (path !== undefined) {
      const spot = spotOf(provider, path, model, operation!, settings);
      return { format, spot, passes: true };
    }
    const chat = placeOf(provider, format, model, false, settings);
    if (format === "gemini") {
      const spot = { ...chat, path: chat.path.replace(/\w+$/, "countTokens") };
      return { format, spot, passes: slug !== "google-vertex-ai" };
    }
    // Other models of Bedrock are not counted.
    if (format === "bedrock-converse" && /anthropic\.claude/.test(model)) {
      // Profiles of regions are not counted, the models behind them are.
      const own = model.replace(
        /^(?:[a-z]{2,3}(?:-[a-z]+)*-\d\/)?(?:[a-z-]+\.)?(?=anthropic\.)/,
        "",
      );
      const spot = placeOf(provider, format, model, false, settings);
      const counted = spot.path.replace(
        /[^/]+\/converse$/,
        `${encodeURIComponent(own)}/count-tokens`,
      );
      return { format, spot: { ...spot, path: counted, model: own }, passes: false };
    }
    if (format === "anthropic-messages" && claudeOnVertex.test(chat.path)) {
      const counted = chat.path.replace(/[^/]+:rawPredict$/, "count-tokens:rawPredict");
      return { format, spot: { ...chat, path: counted }, passes: false };
    }
  }
  return undefined;
}

function questionOf(
  request: ChatRequest,
  { format, spot }: Counter,
  codec: ChatCodec,
  target: Target,
  lost: Lost,
  provider: Provider,
): Question {
  const at = { path: spot.path, query: spot.query };
  const headers = codec.headers?.(request, target);
  const of = (body: Json): Question => ({ ...at, body, ...headers && { headers } });
  if (format === "gemini") return of(gemini.writeCountRequest(request, target, lost));
  const written = codec.writeRequest(request, target, lost);
  const body = provider.dialect?.request?.(written, format, lost, target) ?? written;
  switch (format) {
    case "anthropic-messages": {
      const counted = anthropic.forCount({ ...body, model: spot.model });
      return of(counted);
    }
    case "bedrock-converse":
      return of({
        input: {
          converse: Object.fromEntries(
            ["messages", "system", "toolConfig", "additionalModelRequestFields"]
              .filter((name) => body[name] !== undefined).map((name) => [name, body[name]]),
          ),
        },
      });
    default:
      return of(Object.fromEntries(
        countedByOpenAI.filter((name) => body[name] !== undefined).map((
          name,
        ) => [name, body[name]]),
      ));
  }
}

/** Members of `InputTokenCountParams` of `openai`. */
const countedByOpenAI = [
  "model",
  "input",
  "instructions",
  "conversation",
  "parallel_tool_calls",
  "previous_response_id",
  "reasoning",
  "text",
  "tool_choice",
  "tools",
  "truncation",
];

function tokensOf(body: Json, format: ChatFormat): number | undefined {
  if (format === "gemini") return gemini.readCountAnswer(body);
  return count(format === "bedrock-converse" ? body.inputTokens : body.input_tokens);
}

function answerIn(format: ChatFormat, tokens: number): Json {
  if (format === "gemini") return gemini.writeCountAnswer(tokens);
  if (format === "anthropic-messages") return anthropic.writeCount(tokens);
  return { object: "response.input_tokens", input_tokens: tokens };
}

/** Google's whole requests name the model again. */
function renamed(sent: Sent, model: string): Sent {
  const { json = {} } = sent;
  const name = "generateContentRequest" in json
    ? "generateContentRequest"
    : "generate_content_request";
  const inside = json[name];
  if (typeof inside !== "object" || inside === null) return sent;
  const body = { ...json, [name]: { ...inside, model: `models/${model}` } };
  return {
    ...changed(sent, body),
    body: () =>
      Promise.resolve({
        bytes: new TextEncoder().encode(JSON.stringify(body)),
        type: "application/json",
      }),
  };
}

/** Counted here, and said so. Nothing is asked of anybody, but the caller has to be let. */
async function estimated(ctx: Context, { format }: Endpoint, sent: Sent): Promise<Response> {
  const { provider, model } = sent;
  const body = await ctx.bytes();
  await admitted(ctx.with({ provider, model }));
  const contentType = "application/json";
  const text = readRequest({ contentType, path: ctx.path, body }).text();
  const tokens = await estimateTokens(text, model);
  return Response.json(answerIn(format, tokens), { headers: { "x-sluice-tokens": "estimated" } });
}
