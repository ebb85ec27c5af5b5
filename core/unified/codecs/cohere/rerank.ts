/**
 * Rankings of Cohere (`/v2/rerank`), and of Jina, Voyage and Bedrock, which are nearly the same. Facts:
 * `cohere-ai` (`V2RerankRequest`), the providers' API references, spec 3.1 and 3.4.
 *
 * @module
 */
import { cohereUsage } from "../../../formats/cohere.ts";
import { count, settle } from "../../../formats/counts.ts";
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";
import type { RerankAnswer, RerankRequest } from "../../embed.ts";
import { optional, required, wrong } from "../openai-chat/expect.ts";

/** Whose API. */
export type Ranker = "cohere" | "jina" | "voyage" | "bedrock";

/** The body for a provider; Bedrock's (`rerank` of its agent runtime) names a model of the region by ARN. */
export function writeRerank(request: RerankRequest, ranker: Ranker, region = "us-east-1"): Json {
  const { model, query, documents, top_n, return_documents } = request;
  if (ranker === "bedrock") {
    const modelArn = model.startsWith("arn:")
      ? model
      : `arn:aws:bedrock:${region}::foundation-model/${model}`;
    return {
      queries: [{ type: "TEXT", textQuery: { text: query } }],
      sources: documents.map((text) => ({
        type: "INLINE",
        inlineDocumentSource: { type: "TEXT", textDocument: { text } },
      })),
      rerankingConfiguration: {
        type: "BEDROCK_RERANKING_MODEL",
        bedrockRerankingConfiguration: {
          ...top_n !== undefined && { numberOfResults: Math.min(top_n, documents.length) },
          modelConfiguration: { modelArn },
        },
      },
    };
  }
  const most = ranker === "voyage" ? "top_k" : "top_n";
  return {
    model,
    query,
    documents,
    ...top_n !== undefined && { [most]: top_n },
    // Cohere has no word for it any more, and Jina returns them unless told not to.
    ...ranker !== "cohere" && { return_documents: return_documents === true },
  };
}

/** The answer of any of them. Documents are those of the request, where it wants them. */
export function readRerankAnswer(body: Json, request: RerankRequest): RerankAnswer {
  const results = list(body.results ?? body.data).flatMap((value) => {
    const one = object(value);
    const score = one?.relevance_score ?? one?.relevanceScore;
    const index = one?.index;
    if (!Number.isInteger(index) || typeof score !== "number") return [];
    const document = request.return_documents ? request.documents[index as number] : undefined;
    return [{
      index: index as number,
      relevance_score: score,
      ...document !== undefined && { document },
    }];
  });
  const id = string(body.id);
  const usage = usageOf(body);
  return { ...id !== undefined && { id }, results, ...usage !== undefined && { usage } };
}

function usageOf(body: Json): Usage | undefined {
  const meta = object(body.meta);
  if (meta !== undefined) return settle(cohereUsage(meta) ?? {});
  const input = count(object(body.usage)?.total_tokens);
  return input === undefined ? undefined : { input };
}

/** A client's request, in Cohere's or Jina's words. */
export function readRerank(body: Json): RerankRequest {
  if (!Array.isArray(body.documents)) throw wrong("documents", body.documents, "an array");
  const documents = body.documents.map((value, index) => {
    const text = typeof value === "string" ? value : object(value)?.text;
    if (typeof text !== "string") throw wrong(`documents[${index}]`, value, "a string");
    return text;
  });
  const request: RerankRequest = {
    model: string(body.model) ?? "",
    query: required(body, "query", ""),
    documents,
  };
  const most = optional<number>(body, "top_n", "number", "") ??
    optional<number>(body, "top_k", "number", "");
  if (most !== undefined) request.top_n = most;
  if (body.return_documents === true) request.return_documents = true;
  return request;
}

/** The answer for a client, in Cohere's words and with Jina's `usage`. */
export function writeRerankAnswer(answer: RerankAnswer, model: string, requestId: string): Json {
  const { id, results, usage } = answer;
  const { search_units } = usage?.units ?? {};
  const tokens = usage?.input;
  return {
    id: id ?? requestId,
    model,
    results: results.map(({ document, ...result }) => ({
      ...result,
      ...document !== undefined && { document: { text: document } },
    })),
    meta: {
      api_version: { version: "2" },
      billed_units: {
        ...search_units !== undefined && { search_units },
        ...tokens !== undefined && { input_tokens: tokens },
      },
    },
    ...tokens !== undefined && { usage: { total_tokens: tokens } },
  };
}
