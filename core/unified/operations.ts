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
import { images } from "./images.ts";
import { rerank } from "./rerank.ts";
import { speech } from "./speech.ts";
import { transcriptions } from "./transcriptions.ts";

/** Answers a request that is no chat. */
export function serveOther(ctx: Context, next: Next, endpoint: Endpoint): Promise<Response> {
  switch (endpoint.operation) {
    case "embeddings":
      return embeddings(ctx, next, endpoint);
    case "rerank":
      return rerank(ctx, next, endpoint);
    case "count_tokens":
      return countTokens(ctx, next, endpoint);
    case "images/generations":
    case "images/edits":
      return images(ctx, next, endpoint);
    case "audio/speech":
      return speech(ctx, next, endpoint);
    case "audio/transcriptions":
    case "audio/translations":
      return transcriptions(ctx, next, endpoint);
    default:
      return forward(ctx, next, endpoint);
  }
}
