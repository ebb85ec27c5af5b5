/**
 * A whole answer of a provider.
 *
 * @module
 */
import { settle, units } from "../../../formats/counts.ts";
import { type Json, list, object, string } from "../../../formats/json.ts";
import { openAIUsage } from "../../../formats/openai-usage.ts";
import type { Usage } from "../../../usage/usage.ts";
import type { ChatAnswer, Choice, Finish, Part } from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { readItems } from "./items-read.ts";
import { format, logprobsOf, rest } from "./shape.ts";

/** What repeats the request, or stands elsewhere in the answer. */
const known = [
  ...["id", "object", "created_at", "completed_at", "model", "output", "output_text", "status"],
  ...["usage", "service_tier", "incomplete_details", "background", "instructions", "metadata"],
  ...["max_output_tokens", "max_tool_calls", "parallel_tool_calls", "previous_response_id"],
  ...["prompt", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning"],
  ...["safety_identifier", "store", "temperature", "text", "tool_choice", "tools", "top_logprobs"],
  ...["top_p", "truncation", "user", "frequency_penalty", "presence_penalty"],
];

/** Reads a response object. */
export function readAnswer(body: Json, target: Target): ChatAnswer {
  const parts = readOutput(list(body.output));
  const logprobs = list(body.output).flatMap((item) =>
    list(object(item)?.content).flatMap((part) => logprobsOf(object(part)?.logprobs) ?? [])
  );
  const choice: Choice = { index: 0, parts, finish: finishOf(body, parts.map(({ type }) => type)) };
  if (logprobs.length > 0) choice.logprobs = logprobs;
  const usage = usageOf(body, target);
  const extra = rest(body, ...known);
  return {
    format,
    id: string(body.id) ?? "",
    model: string(body.model) ?? "",
    ...typeof body.created_at === "number" && { created: Math.floor(body.created_at) },
    choices: [choice],
    ...usage !== undefined && { usage },
    ...typeof body.service_tier === "string" && { service_tier: body.service_tier },
    ...extra !== undefined && { extra },
  };
}

/** The parts of an output; a text or a thought of which nothing is told is none. */
export function readOutput(items: readonly unknown[]): Part[] {
  return readItems(items, "output").flatMap(({ parts }) => parts).filter((part) =>
    part.type === "reasoning"
      ? part.text !== "" || part.signature !== undefined
      : part.type !== "text" || part.text !== ""
  );
}

/** Why a response ended, given the kinds of its parts. */
export function finishOf(response: Json, kinds: Iterable<Part["type"]>): Finish {
  const { status } = response;
  if (status === "incomplete") {
    const reason = object(response.incomplete_details)?.reason;
    if (reason === "content_filter") return "content_filter";
    return reason === undefined || reason === "max_output_tokens" ? "length" : "other";
  }
  if (status === "failed" || status === "cancelled") return "error";
  let finish: Finish = "stop";
  for (const kind of kinds) {
    if (kind === "tool_call") return "tool_calls";
    if (kind === "refusal") finish = "refusal";
  }
  return finish;
}

/** Tokens, and searches where they are counted. */
export function usageOf(response: Json, { provider }: Target): Usage | undefined {
  const usage = object(response.usage);
  if (usage === undefined) return undefined;
  const counts = openAIUsage(usage, { provider, path: "responses" });
  const searches = object(object(response.tool_usage)?.web_search)?.num_requests;
  const more = units(["web_search_requests", searches]);
  return settle(more === undefined ? counts : { ...counts, units: { ...counts.units, ...more } });
}
