/**
 * What the unified API does besides chats.
 *
 * @module
 */
import type { Context } from "../context.ts";
import type { Next } from "../plugin.ts";
import { parsed } from "./asked.ts";
import { countTokens } from "./count.ts";
import { embeddings } from "./embeddings.ts";
import type { Endpoint } from "./endpoint.ts";
import { changed, forward, sentOf } from "./forward.ts";
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
    case "moderations":
      return moderations(ctx, next, endpoint);
    default:
      return forward(ctx, next, endpoint);
  }
}

/** A model need not be named; OpenAI's clients leave it to OpenAI. */
async function moderations(ctx: Context, next: Next, endpoint: Endpoint): Promise<Response> {
  const body = parsed(await ctx.bytes());
  if (body.model != null) return await forward(ctx, next, endpoint);
  const sent = changed(
    await sentOf(ctx, { ...endpoint, model: "openai/omni-moderation-latest" }),
    body,
  );
  return await forward(ctx, next, endpoint, { sent });
}
