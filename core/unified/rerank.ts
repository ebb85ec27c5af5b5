/**
 * Rankings, in the words of Cohere and Jina, from any provider that ranks.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { count } from "../formats/counts.ts";
import { type Json, list, object } from "../formats/json.ts";
import type { Next } from "../plugin.ts";
import { answeredJson, ask, fault, jsonOf, type Question, unreadable } from "./ask.ts";
import { refuseLoss } from "./asked.ts";
import {
  type Ranker,
  readRerank,
  readRerankAnswer,
  writeRerank,
  writeRerankAnswer,
} from "./codecs/cohere/rerank.ts";
import type { RerankAnswer, RerankRequest } from "./embed.ts";
import type { Endpoint } from "./endpoint.ts";
import { forward, locate, sentOf, shapeOf } from "./forward.ts";
import { headersFrom } from "./headers.ts";
import type { Spot } from "./place.ts";

/** What {@link readRerank} reads. */
const known = ["model", "query", "documents", "top_n", "top_k", "return_documents"];

/** Answers `rerank` and `v2/rerank`. */
export async function rerank(ctx: Context, next: Next, endpoint: Endpoint): Promise<Response> {
  const sent = await sentOf(ctx, endpoint);
  const { provider } = sent;
  const spot = locate(ctx, sent, "rerank");
  const shape = shapeOf(provider, "rerank") ?? "jina";
  const body = sent.json ?? {};
  const finish = (answer: RerankAnswer) => writeRerankAnswer(answer, sent.name, ctx.requestId);
  if (passes(body, shape)) {
    const response = await forward(ctx, next, endpoint, { sent, spot, read: true });
    if (!response.ok) return response;
    const told = await jsonOf(response, provider);
    const headers = headersFrom(response);
    headers.set("content-type", "application/json");
    // Some have their ranks in `data`.
    const whole = Array.isArray(told.results)
      ? told
      : finish(readRerankAnswer(told, { ...readRerank(body), model: spot.model }));
    return new Response(JSON.stringify(whole), { status: response.status, headers });
  }
  const request: RerankRequest = { ...readRerank(body), model: spot.model };
  const dropped = Object.keys(body).filter((name) => !known.includes(name) && body[name] != null);
  refuseLoss(ctx, dropped, provider);
  const response = await ask(ctx, next, sent, questionOf(request, shape, spot));
  if (!response.ok) return await fault(ctx, response, shape, endpoint.format);
  const answer = answerOf(await jsonOf(response, provider), request, shape);
  if (answer.results.length === 0 && request.documents.length > 0) throw unreadable(provider);
  return answeredJson([response], finish(answer), dropped);
}

/** The provider understands all that the client wrote. */
function passes(body: Json, shape: string): boolean {
  if (shape === "jina") return true;
  return shape === "cohere" && body.return_documents !== true &&
    list(body.documents).every((one) => typeof one === "string");
}

function questionOf(request: RerankRequest, shape: string, { path, query }: Spot): Question {
  const { documents, top_n } = request;
  switch (shape) {
    case "workers-ai":
      return {
        path,
        query,
        body: {
          query: request.query,
          contexts: documents.map((text) => ({ text })),
          ...top_n !== undefined && { top_k: top_n },
        },
      };
    case "deepinfra":
      return { path, query, body: { queries: [request.query], documents } };
    default: {
      const region = /^bedrock-agent-runtime\/([^/]+)/.exec(path)?.[1];
      return { path, query, body: writeRerank(request, shape as Ranker, region) };
    }
  }
}

function answerOf(body: Json, request: RerankRequest, shape: string): RerankAnswer {
  if (shape === "workers-ai") {
    const ranks = list((object(body.result) ?? body).response).map((value) => {
      const { id, score } = object(value) ?? {};
      return { index: id, relevance_score: score };
    });
    return best(readRerankAnswer({ results: ranks }, request), request);
  }
  if (shape === "deepinfra") {
    // One query; its scores, in order of the documents.
    const [first] = list(body.scores);
    const scores = Array.isArray(first) ? first : list(body.scores);
    const ranks = scores.map((score, index) => ({ index, relevance_score: score }));
    const answer = best(readRerankAnswer({ results: ranks }, request), request);
    const input = count(body.input_tokens);
    return { ...answer, ...input !== undefined && { usage: { input } } };
  }
  return readRerankAnswer(body, request);
}

/** The best first, and no more than were asked for. */
function best(answer: RerankAnswer, { top_n = Infinity }: RerankRequest): RerankAnswer {
  const results = answer.results.toSorted((a, b) => b.relevance_score - a.relevance_score);
  return { ...answer, results: results.slice(0, top_n) };
}
