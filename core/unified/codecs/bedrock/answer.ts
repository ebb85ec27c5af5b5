/**
 * Whole answers, both ways, and what streams have in common with them: reasons to stop, and usage.
 *
 * @module
 */
import { converseUsage } from "../../../formats/bedrock.ts";
import { settle } from "../../../formats/counts.ts";
import { type Json, list, object, string, worded } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";
import type { ChatAnswer, Choice, Finish, Part } from "../../chat.ts";
import type { Asked, Target } from "../../codec.ts";
import { inputOf } from "../anthropic/blocks-write.ts";
import { rest } from "../openai-chat/expect.ts";
import { readBlocks } from "./blocks-read.ts";
import { writeCited } from "./blocks-write.ts";
import { behind, own, signatureText } from "./marks.ts";
import { writeMedia } from "./media.ts";

const finishes: Readonly<Record<string, Finish>> = {
  end_turn: "stop",
  stop_sequence: "stop_sequence",
  max_tokens: "length",
  model_context_window_exceeded: "context_window",
  tool_use: "tool_calls",
  guardrail_intervened: "content_filter",
  content_filtered: "content_filter",
  malformed_tool_use: "malformed",
  malformed_model_output: "error",
};

const reasons: Readonly<Partial<Record<Finish, string>>> = {
  stop_sequence: "stop_sequence",
  length: "max_tokens",
  context_window: "model_context_window_exceeded",
  tool_calls: "tool_use",
  content_filter: "content_filtered",
  refusal: "content_filtered",
  malformed: "malformed_tool_use",
  error: "malformed_model_output",
};

/** @param calls There are calls of tools; one of the answer's own tool is none. */
export function finishOf(reason: unknown, calls: boolean): Finish {
  const text = worded(reason);
  const finish = Object.hasOwn(finishes, text) ? finishes[text]! : "other";
  return finish === "tool_calls" && !calls ? "stop" : finish;
}

/** `stopReason`. */
export function reasonOf(finish: Finish, calls: boolean, extra: Json | undefined): string {
  const said = string(extra?.stopReason);
  if (said !== undefined) return said;
  return reasons[finish] ?? (calls && finish === "stop" ? "tool_use" : "end_turn");
}

/** Members of an answer, or of a stream's last events, that belong to the choice. */
export function ofChoice(from: Json, finish: Finish): Json | undefined {
  const extra: Json = {};
  const { stopReason, additionalModelResponseFields: fields } = from;
  if (stopReason === "guardrail_intervened" || finish === "other" && string(stopReason)) {
    extra.stopReason = stopReason;
  }
  if (fields != null) extra.additionalModelResponseFields = fields;
  return Object.keys(extra).length > 0 ? extra : undefined;
}

const known = new Set([
  "output",
  "stopReason",
  "usage",
  "serviceTier",
  "additionalModelResponseFields",
]);

/** Usage as it is everywhere. */
export function usageOf(value: unknown): Usage | undefined {
  const usage = object(value);
  return usage && settle(converseUsage(usage));
}

/** A whole answer. What of its content cannot be read is not there. */
export function readAnswer(body: Json, target: Target): ChatAnswer {
  const content = list(object(object(body.output)?.message)?.content);
  let parts: Part[];
  try {
    parts = readBlocks(content, "content", "provider");
  } catch {
    parts = content.flatMap(readable);
  }
  const finish = finishOf(body.stopReason, parts.some(({ type }) => type === "tool_call"));
  const choice: Choice = { index: 0, parts, finish };
  const inner = ofChoice(body, finish);
  if (inner !== undefined) choice.extra = inner;
  const answer: ChatAnswer = { format: own, id: "", model: target.model, choices: [choice] };
  const usage = usageOf(body.usage);
  if (usage !== undefined) answer.usage = usage;
  const tier = string(object(body.serviceTier)?.type);
  if (tier !== undefined) answer.service_tier = tier;
  const extra = rest(body, known);
  if (extra !== undefined) answer.extra = extra;
  return answer;
}

function readable(block: unknown): Part[] {
  try {
    return readBlocks([block], "content", "provider");
  } catch {
    return [];
  }
}

/** An answer for a client. Only its first choice: this format asks for one. */
export function writeAnswer(answer: ChatAnswer, _asked: Asked): Json {
  const choice = answer.choices[0];
  const parts = choice?.parts ?? [];
  const calls = parts.some(({ type }) => type === "tool_call");
  const same = answer.format === own;
  const own_ = same ? choice?.extra : undefined;
  const body: Json = {
    output: { message: { role: "assistant", content: parts.flatMap(answerBlocks) } },
    stopReason: reasonOf(choice?.finish ?? "stop", calls, own_),
    usage: writeUsage(answer.usage),
    metrics: { latencyMs: 0 },
  };
  if (own_?.additionalModelResponseFields !== undefined) {
    body.additionalModelResponseFields = own_.additionalModelResponseFields;
  }
  const tier = tierOf(answer.service_tier);
  if (tier !== undefined) body.serviceTier = tier;
  return same ? { ...body, ...answer.extra } : body;
}

/** `serviceTier`; nothing for one that Amazon does not know. */
export function tierOf(tier: string | undefined): Json | undefined {
  const known = tier !== undefined && /^(?:default|flex|priority|reserved)$/.test(tier);
  return known ? { type: tier } : undefined;
}

/** The blocks for a part of an answer; none for one that Converse has no word for. */
export function answerBlocks(part: Part): Json[] {
  const blocks: Json[] = [];
  switch (part.type) {
    case "text":
      if (part.citations !== undefined) blocks.push(writeCited(part.text, part.citations));
      else if (part.text !== "") blocks.push({ text: part.text });
      break;
    case "refusal":
      if (part.text !== "") blocks.push({ text: part.text });
      break;
    case "reasoning":
      blocks.push({ reasoningContent: thoughtOf(part) });
      break;
    case "tool_call":
      blocks.push({ toolUse: { toolUseId: part.id, name: part.name, input: argumentsOf(part) } });
      break;
    case "native":
      if (part.format === own) blocks.push(part.value);
      break;
    case "tool_result":
      break;
    default: {
      const value = writeMedia(part, true, (name) => name || "document");
      if (value !== undefined) blocks.push({ [part.type]: value });
      else if (part.transcript !== undefined) blocks.push({ text: part.transcript });
    }
  }
  if ((part.type === "text" || part.type === "tool_call") && part.signature !== undefined) {
    blocks.push({ reasoningContent: { redactedContent: behind(part.signature) } });
  }
  return blocks;
}

/** Free text as the object that it has to be. */
export function argumentsOf(part: { arguments: string; custom?: boolean }): Json {
  return part.custom === true ? { input: part.arguments } : inputOf(part.arguments);
}

function thoughtOf(part: Part & { type: "reasoning" }): Json {
  const { text, signature } = part;
  const value = signature && signatureText(part, signature);
  if (part.redacted === true && value !== undefined) return { redactedContent: value };
  return { reasoningText: { text, ...value !== undefined && { signature: value } } };
}

/** `usage`: input without what a cache had, as Amazon counts it. */
export function writeUsage(usage: Usage | undefined): Json {
  const { input = 0, output = 0, total, cache_read, cache_write, cache_write_1h } = usage ?? {};
  const written: Json = {
    inputTokens: Math.max(0, input - (cache_read ?? 0) - (cache_write ?? 0)),
    outputTokens: output,
    totalTokens: total ?? input + output,
  };
  if (cache_read !== undefined) written.cacheReadInputTokens = cache_read;
  if (cache_write !== undefined) written.cacheWriteInputTokens = cache_write;
  if (cache_write !== undefined && cache_write_1h) {
    const details = [{ ttl: "1h", inputTokens: cache_write_1h }];
    const rest = cache_write - cache_write_1h;
    if (rest > 0) details.push({ ttl: "5m", inputTokens: rest });
    written.cacheDetails = details;
  }
  return written;
}
