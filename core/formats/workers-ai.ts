/**
 * Workers AI's own answers. The envelope around them is opened before ({@link envelope}); streams have
 * none, and newer models answer in OpenAI's format inside it.
 *
 * @module
 */
import type { Format } from "./draft.ts";
import { type Json, list, object } from "./json.ts";
import { sayCall } from "./openai-chat.ts";
import { openAIUsage } from "./openai-usage.ts";

/** The format. */
export const workersAI: Format = {
  matters: /"finish_reason"\s*:\s*"|"usage"\s*:\s*\{|"error"|\[DONE\]/,
  owns: (body, { source }) =>
    source.provider === "workers-ai" && ("response" in body || "tool_calls" in body),
  read(body, draft) {
    draft.kind ??= Array.isArray(body.response) ? "rerank" : "chat"; // a list of scores
    draft.name(body.model);
    draft.end(body.finish_reason);
    draft.say(body.response);
    draft.sayObject(body.response); // a JSON schema was asked for
    for (const call of list(body.tool_calls)) sayCall(object(call), draft);
    const usage = object(body.usage);
    if (usage !== undefined) draft.use(openAIUsage(usage, draft.source));
  },
};

/** What Cloudflare's `{ result, success, errors }` is around, or the body itself. */
export function envelope(body: Json): Json {
  return "success" in body ? object(body.result) ?? body : body;
}
