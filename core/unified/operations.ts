/**
 * What the unified API does besides chats.
 *
 * @module
 */
import type { Context } from "../context.ts";
import type { Next } from "../plugin.ts";
import { countTokens } from "./count.ts";
import { embeddings } from "./embeddings.ts";
import type { Endpoint } from "./endpoint.ts";
import { forward } from "./forward.ts";
import { rerank } from "./rerank.ts";

/** Answers a request that is no chat. */
export function serveOther(ctx: Context, next: Next, endpoint: Endpoint): Promise<Response> {
  switch (endpoint.operation) {
    case "embeddings":
      return embeddings(ctx, next, endpoint);
    case "rerank":
      return rerank(ctx, next, endpoint);
    case "count_tokens":
      return countTokens(ctx, next, endpoint);
    default:
      return forward(ctx, next, endpoint);
  }
}
