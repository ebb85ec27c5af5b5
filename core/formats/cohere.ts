/**
 * Cohere: chat (v2 and v1), embeddings, reranking. `tokens` is what the model saw, with Cohere's own
 * preamble; `billed_units` is what is charged, and is kept beside it where it differs.
 *
 * @module
 */
import { count, type Counts, units } from "./counts.ts";
import type { Draft, Format } from "./draft.ts";
import { faultOf } from "./fault.ts";
import { type Json, list, object, string } from "./json.ts";
import { sayCall } from "./openai-chat.ts";

const v2Events =
  /^(?:message|content|tool-plan|tool-call|citation)-(?:start|delta|end)$|^tool-plan-delta$/;
const v1Events =
  /^(?:stream-start|stream-end|text-generation|tool-calls-chunk|tool-calls-generation|citation-generation|search-results|search-queries-generation)$/;

/** The format. */
export const cohere: Format = {
  matters: /"(?:event_)?type"\s*:\s*"(?:message-end|stream-end|message-start|error)"|"error"/,
  owns: (body) => {
    const { type, event_type: event } = body;
    return (typeof type === "string" && v2Events.test(type)) ||
      (typeof event === "string" && v1Events.test(event)) ||
      hasUnits(object(body.usage)) || hasUnits(object(body.meta)) ||
      (object(body.message) !== undefined && string(body.finish_reason) !== undefined) ||
      ("generation_id" in body && typeof body.text === "string");
  },
  read(body, draft) {
    if (typeof body.type === "string") return readV2(body, draft);
    if (typeof body.event_type === "string") return readV1(body, draft);
    draft.end(body.finish_reason);
    const message = object(body.message);
    if (message !== undefined) sayMessage(message, draft);
    else draft.say(body.text);
    for (const one of list(body.generations)) draft.say(object(one)?.text);
    const usage = object(body.usage) ?? object(body.meta);
    if (usage !== undefined) readUsage(usage, draft);
    if (body.embeddings !== undefined) draft.kind ??= "embeddings";
    else if (body.results !== undefined) draft.kind ??= "rerank";
    else draft.kind ??= body.generations === undefined ? "chat" : "completion";
  },
};

function hasUnits(usage: Json | undefined): boolean {
  return object(usage?.billed_units ?? usage?.tokens) !== undefined;
}

function readV2(body: Json, draft: Draft): void {
  draft.kind ??= "chat";
  const delta = object(body.delta);
  const message = object(delta?.message);
  if (message !== undefined) sayMessage(message, draft);
  if (body.type !== "message-end") return;
  draft.done = true;
  draft.end(delta?.finish_reason);
  if (delta?.error !== undefined) draft.error = faultOf(delta);
  const usage = object(delta?.usage);
  if (usage !== undefined) readUsage(usage, draft);
}

function readV1(body: Json, draft: Draft): void {
  draft.kind ??= "chat";
  if (body.event_type === "text-generation") draft.say(body.text);
  sayCall(object(body.tool_call_delta), draft);
  if (body.event_type !== "stream-end") return;
  draft.done = true;
  draft.end(body.finish_reason);
  const meta = object(object(body.response)?.meta);
  if (meta !== undefined) readUsage(meta, draft);
}

function sayMessage(message: Json, draft: Draft): void {
  const content = object(message.content); // in a stream
  for (const part of content === undefined ? list(message.content) : [content]) {
    const one = object(part);
    draft.say(one?.text);
    draft.say(one?.thinking);
  }
  draft.say(message.tool_plan);
  const call = object(message.tool_calls);
  for (const one of call === undefined ? list(message.tool_calls) : [call]) {
    sayCall(object(one), draft);
  }
}

function readUsage(usage: Json, draft: Draft): void {
  const counts = cohereUsage(usage);
  if (counts !== undefined) draft.use(counts);
}

/** `usage` of an answer, or its `meta`. */
export function cohereUsage(usage: Json): Counts | undefined {
  const tokens = object(usage.tokens);
  const billed = object(usage.billed_units);
  const input = count(tokens?.input_tokens);
  const output = count(tokens?.output_tokens);
  const billedInput = count(billed?.input_tokens);
  const billedOutput = count(billed?.output_tokens);
  if (tokens === undefined && billed === undefined) return undefined;
  return {
    input: input ?? billedInput,
    output: output ?? billedOutput,
    cache_read: count(usage.cached_tokens),
    reasoning: count(tokens?.reasoning_tokens),
    input_image: count(tokens?.image_tokens) ?? count(billed?.image_tokens),
    units: units(
      ["search_units", billed?.search_units],
      ["classifications", billed?.classifications],
      ["billed_input_tokens", differing(billedInput, input)],
      ["billed_output_tokens", differing(billedOutput, output)],
    ),
  };
}

function differing(billed: number | undefined, seen: number | undefined): number | undefined {
  return seen === undefined || billed === seen ? undefined : billed;
}
