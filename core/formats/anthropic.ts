/**
 * Anthropic Messages, also as Bedrock and Vertex AI serve them, and the older Text Completions.
 * Anthropic's input leaves cached tokens out; its output includes thinking.
 *
 * @module
 */
import { count, type Counts, sum, units } from "./counts.ts";
import type { Draft, Format } from "./draft.ts";
import { type Json, list, object, string } from "./json.ts";

const events = new Set([
  "message_start",
  "message_delta",
  "message_stop",
  "content_block_start",
  "content_block_delta",
  "content_block_stop",
  "ping",
  "message",
  "completion",
]);

/** The format. */
export const anthropic: Format = {
  matters: /"type"\s*:\s*"(?:message_start|message_delta|message_stop|error|completion)"/,
  owns: (body) =>
    (typeof body.type === "string" && events.has(body.type)) ||
    ("completion" in body && "stop_reason" in body),
  read(body, draft) {
    const type = body.type ?? "completion"; // left out on Bedrock
    draft.kind ??= type === "completion" ? "completion" : "chat";
    switch (type) {
      case "message_start":
        return readStart(object(body.message), draft);
      case "content_block_start":
        return readBlock(object(body.content_block), draft);
      case "content_block_delta": {
        const delta = object(body.delta);
        draft.say(delta?.text);
        draft.say(delta?.thinking);
        return draft.say(delta?.partial_json);
      }
      case "message_delta":
        draft.end(object(body.delta)?.stop_reason);
        return readUsage(object(body.usage), draft);
      case "message_stop":
        draft.done = true;
        return;
      case "message":
        draft.name(body.model);
        draft.end(body.stop_reason);
        for (const block of list(body.content)) readBlock(object(block), draft);
        return readUsage(object(body.usage), draft);
      case "completion":
        draft.name(body.model);
        draft.say(body.completion);
        draft.end(body.stop_reason);
        if (string(body.stop_reason) !== undefined) draft.done = true;
    }
  },
};

function readStart(message: Json | undefined, draft: Draft): void {
  draft.name(message?.model);
  const usage = object(message?.usage);
  // Its output is provisional: a stream that is cut has told nothing of it.
  if (usage !== undefined) draft.use({ ...anthropicUsage(usage), output: undefined });
}

function readUsage(usage: Json | undefined, draft: Draft): void {
  if (usage !== undefined) draft.use(anthropicUsage(usage));
}

function readBlock(block: Json | undefined, draft: Draft): void {
  const type = string(block?.type) ?? "";
  draft.say(block?.text);
  draft.say(block?.thinking);
  if (type === "redacted_thinking") draft.content = true;
  if (!type.endsWith("tool_use")) return;
  draft.say(block?.name);
  draft.sayObject(block?.input);
}

/** Figures of a `usage` object. */
export function anthropicUsage(usage: Json): Counts {
  const counts: Counts = {
    uncached: count(usage.input_tokens),
    output: count(usage.output_tokens),
    cache_read: count(usage.cache_read_input_tokens),
    cache_write: count(usage.cache_creation_input_tokens),
    cache_write_1h: count(object(usage.cache_creation)?.ephemeral_1h_input_tokens),
    reasoning: count(object(usage.output_tokens_details)?.thinking_tokens),
    units: units(object(usage.server_tool_use)),
  };
  // Summarising an overlong conversation is billed, and not in the figures above.
  for (const step of list(usage.iterations)) {
    const one = object(step);
    if (one?.type !== "compaction") continue;
    counts.uncached = sum(counts.uncached, count(one.input_tokens));
    counts.output = sum(counts.output, count(one.output_tokens));
    counts.cache_read = sum(counts.cache_read, count(one.cache_read_input_tokens));
    counts.cache_write = sum(counts.cache_write, count(one.cache_creation_input_tokens));
  }
  return counts;
}
