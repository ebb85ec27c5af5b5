/**
 * Embeddings, from and to any format.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { count, sum } from "../formats/counts.ts";
import { type Json, list, object, parse } from "../formats/json.ts";
import type { Next } from "../plugin.ts";
import { answeredJson, askAll, fault, type Question, unreadable } from "./ask.ts";
import { refuseLoss } from "./asked.ts";
import type { ChatFormat } from "./chat.ts";
import * as bedrock from "./codecs/bedrock/embed.ts";
import * as cohere from "./codecs/cohere/embed.ts";
import * as vertex from "./codecs/gemini/embed-vertex.ts";
import * as gemini from "./codecs/gemini/embed.ts";
import * as huggingface from "./codecs/huggingface.ts";
import * as openai from "./codecs/openai-chat/embed.ts";
import type { EmbedAnswer, EmbedRequest } from "./embed.ts";
import type { Endpoint } from "./endpoint.ts";
import { changed, forward, locate, type Sent, sentOf, shapeOf } from "./forward.ts";
import { headersFrom } from "./headers.ts";
import { Lost } from "./lost.ts";
import type { Spot } from "./place.ts";
import { wholeText } from "./whole.ts";

/** A client's side. */
interface Client {
  read(sent: Sent): EmbedRequest;
  /** Members that no other format has a place for. */
  unread(body: Json): string[];
  write(answer: EmbedAnswer, request: EmbedRequest, asked: Asked): Json;
  /** Its words for members of {@link EmbedRequest}. */
  spelling: Readonly<Record<string, string>>;
  /** Shapes in which its own words pass. */
  passes: readonly string[];
}

interface Asked {
  sent: Sent;
  body: Json;
  endpoint: Endpoint;
  requestId: string;
}

const openAIClient: Client = {
  read: ({ json = {}, model, provider }) => openai.readEmbed(json, model, provider.slug),
  unread: openai.unread,
  write: (answer, _request, { sent, body }) =>
    openai.writeEmbedAnswer(answer, sent.name, openai.wantsPacked(body)),
  spelling: {},
  passes: ["openai", "jina", "mistral", "voyage"],
};

const geminiClient: Client = {
  read: ({ json = {}, model }) => gemini.readEmbed(json, model),
  unread: (body) =>
    [body, ...list(body.requests).map((one) => object(one) ?? {})].some(({ title }) => title)
      ? ["title"]
      : [],
  write: (answer, _request, { endpoint }) =>
    gemini.writeEmbedAnswer(answer, endpoint.rest === "batchEmbedContents"),
  spelling: { dimensions: "outputDimensionality", task: "taskType", images: "inlineData" },
  passes: ["gemini"],
};

const cohereClient: Client = {
  read: ({ json = {}, model }) => ({ ...cohere.readEmbed(json), model }),
  unread: (body) => [
    ...list(body.embedding_types).some((type) => type !== "float") ? ["embedding_types"] : [],
    ...body.truncate === undefined || body.truncate === "END" ? [] : ["truncate"],
    ...["max_tokens", "priority"].filter((name) => body[name] != null),
  ],
  write: (answer, request, { requestId }) => cohere.writeEmbedAnswer(answer, request, requestId),
  spelling: { dimensions: "output_dimension", task: "input_type" },
  passes: ["cohere"],
};

const clients: Partial<Record<ChatFormat, Client>> = {
  gemini: geminiClient,
  "cohere-v2": cohereClient,
};

/** Answers `embeddings`, `embedContent`, `batchEmbedContents` and `v2/embed`. */
export async function embeddings(
  ctx: Context,
  next: Next,
  endpoint: Endpoint,
): Promise<Response> {
  const sent = await sentOf(ctx, endpoint);
  const spot = locate(ctx, sent, "embeddings");
  const shape = shapeOf(sent.provider, "embeddings") ?? "openai";
  const client = clients[endpoint.format] ?? openAIClient;
  const body = sent.json ?? {};
  if (client.passes.includes(shape)) {
    return await passed(ctx, next, { endpoint, sent, spot, shape });
  }
  const request = { ...client.read(sent), model: spot.model };
  const lost = new Lost();
  const questions = questionsOf(request, shape, spot, lost);
  const dropped = [
    ...client.unread(body),
    ...lost.names.map((name) => client.spelling[name] ?? name),
  ];
  refuseLoss(ctx, dropped, sent.provider);
  const responses = await askAll(ctx, next, sent, questions);
  if (!responses[0]?.ok) return await fault(ctx, responses[0]!, shape, endpoint.format);
  const answer = await read(responses, shape);
  if (answer === undefined || answer.embeddings.length === 0) throw unreadable(sent.provider);
  const asked = { sent, body, endpoint, requestId: ctx.requestId };
  return answeredJson(responses, client.write(answer, request, asked), dropped);
}

interface Passing {
  endpoint: Endpoint;
  sent: Sent;
  spot: Spot;
  shape: string;
}

/** The client speaks as the provider does. */
async function passed(
  ctx: Context,
  next: Next,
  { endpoint, sent, spot, shape }: Passing,
): Promise<Response> {
  const body = sent.json ?? {};
  const lost = new Lost();
  let onward = sent;
  if (endpoint.format === "gemini") {
    spot = { ...spot, path: spot.path.replace(/\w+$/, endpoint.rest!) };
    onward = { ...sent, body: () => Promise.resolve(named(body, spot.model)) };
  } else if (shape !== "cohere") {
    const other = openai.respelled(body, shape, lost);
    if (other !== body) onward = changed(sent, other);
  }
  // Some give lists of numbers whatever they are asked for, which OpenAI's SDK cannot read then.
  const read = endpoint.format === "openai-chat" && openai.wantsPacked(body) &&
    sent.provider.dialect?.genuine !== true;
  const response = await forward(ctx, next, endpoint, {
    sent: onward,
    spot,
    dropped: lost.names,
    read,
  });
  if (!read || !response.ok) return response;
  const text = await wholeText(response);
  const headers = headersFrom(response);
  headers.set("content-type", "application/json");
  return new Response(openai.repacked(text) ?? text, { status: response.status, headers });
}

/** Google's requests name the model again, each for itself. */
function named(body: Json, model: string): { bytes: Uint8Array; type: string } {
  const full = `models/${model}`;
  const written: Json = { ...body, ...body.model !== undefined && { model: full } };
  if (Array.isArray(body.requests)) {
    written.requests = body.requests.map((one) => ({ ...object(one), model: full }));
  }
  const bytes = new TextEncoder().encode(JSON.stringify(written));
  return { bytes, type: "application/json" };
}

function questionsOf(request: EmbedRequest, shape: string, spot: Spot, lost: Lost): Question[] {
  const of = (body: Json): Question => ({ path: spot.path, query: spot.query, body });
  switch (shape) {
    case "bedrock":
      return bedrock.writeEmbed(request, lost).map(of);
    case "vertex":
      return vertex.writeVertexEmbed(request, spot.path, lost).map(of);
    case "gemini":
      return portions(request, 100).map((some) => of(gemini.writeEmbed(some, lost)));
    case "cohere":
      return portions(request, cohere.mostInputs).map((some) => of(cohere.writeEmbed(some, lost)));
    case "huggingface":
      return [of(huggingface.writeEmbed(request, lost))];
    default:
      return portions(request, openai.mostInputs)
        .map((some) => of(openai.writeEmbed(some, shape, lost)));
  }
}

/** A request in as many parts as a provider's limit asks for. */
function portions(request: EmbedRequest, most: number): EmbedRequest[] {
  const { images, ...texts } = request;
  if (request.input.length + (images?.length ?? 0) <= most) return [request];
  const parts: EmbedRequest[] = [];
  for (let at = 0; at < texts.input.length; at += most) {
    parts.push({ ...texts, input: texts.input.slice(at, at + most) });
  }
  for (let at = 0; at < (images?.length ?? 0); at += most) {
    parts.push({ ...texts, input: [], images: images!.slice(at, at + most) });
  }
  return parts;
}

const readers: Readonly<Record<string, (body: Json) => EmbedAnswer>> = {
  gemini: gemini.readEmbedAnswer,
  cohere: cohere.readEmbedAnswer,
};

/** All answers as one; nothing where one of them is none. */
async function read(responses: Response[], shape: string): Promise<EmbedAnswer | undefined> {
  const values = await Promise.all(responses.map(async (one) => parse(await one.text())));
  if (shape === "huggingface") {
    return Array.isArray(values[0]) ? huggingface.readEmbedAnswer(values[0]) : undefined;
  }
  const bodies = values.map(object);
  if (!bodies.every((body) => body !== undefined)) return undefined;
  if (shape === "bedrock") {
    const name = "x-amzn-bedrock-input-token-count";
    const told = responses.map(({ headers }) => headers.get(name))
      .map((text) => text === null ? undefined : count(Number(text)));
    return bedrock.readEmbedAnswer(bodies, sum(...told));
  }
  if (shape === "vertex") return vertex.readVertexEmbedAnswer(bodies);
  const answers = bodies.map(readers[shape] ?? openai.readEmbedAnswer);
  const input = sum(...answers.map(({ usage }) => usage?.input));
  return {
    embeddings: answers.flatMap(({ embeddings }) => embeddings),
    ...input !== undefined && { usage: { input } },
  };
}
