/**
 * Whole answers, both ways, and what streams have in common with them: reasons to stop, and usage.
 *
 * @module
 */
import { anthropicUsage } from "../../../formats/anthropic.ts";
import { settle } from "../../../formats/counts.ts";
import { type Json, object, string, worded } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";
import type { ChatAnswer, Choice, Finish, MediaPart, Part, ToolCallPart } from "../../chat.ts";
import type { Asked, Target } from "../../codec.ts";
import { readContent, rest } from "./blocks-read.ts";
import { inputOf, writeCitation } from "./blocks-write.ts";
import { besideBlock, own, signatureText } from "./marks.ts";

const finishes: Readonly<Record<string, Finish>> = {
  end_turn: "stop",
  stop_sequence: "stop_sequence",
  max_tokens: "length",
  tool_use: "tool_calls",
  pause_turn: "pause",
  refusal: "refusal",
  model_context_window_exceeded: "context_window",
};

const reasons: Readonly<Partial<Record<Finish, string>>> = {
  stop_sequence: "stop_sequence",
  length: "max_tokens",
  context_window: "model_context_window_exceeded",
  tool_calls: "tool_use",
  content_filter: "refusal",
  refusal: "refusal",
  pause: "pause_turn",
};

/** @param calls There are calls of tools; one of the answer's own tool is none. */
export function finishOf(reason: unknown, calls: boolean): Finish {
  const text = worded(reason);
  const finish = Object.hasOwn(finishes, text) ? finishes[text]! : "other";
  return finish === "tool_calls" && !calls ? "stop" : finish;
}

/** `stop_reason`. */
export function reasonOf(finish: Finish, calls: boolean, extra?: Json): string {
  const said = string(extra?.stop_reason);
  if (finish === "other" && said !== undefined) return said;
  return reasons[finish] ?? (calls && finish === "stop" ? "tool_use" : "end_turn");
}

/** Members of a message, or of its last delta, that belong to the choice. */
export function ofChoice(from: Json, finish: Finish): Json | undefined {
  const extra: Json = {};
  if (finish === "other" && from.stop_reason != null) extra.stop_reason = from.stop_reason;
  for (const name of ["container", "context_management"]) {
    if (from[name] != null) extra[name] = from[name];
  }
  return Object.keys(extra).length > 0 ? extra : undefined;
}

/** A refusal's own words as a part, where it has any. */
export function refusalOf(details: unknown): Part | undefined {
  const stop = object(details);
  if (stop === undefined) return undefined;
  const text = string(stop.explanation) ?? "";
  return { type: "refusal", text, extra: { stop_details: stop } };
}

const known = [
  "id",
  "type",
  "role",
  "model",
  "content",
  "stop_reason",
  "stop_sequence",
  "stop_details",
  "usage",
  "container",
  "context_management",
];
const ofUsage = [
  "input_tokens",
  "output_tokens",
  "cache_read_input_tokens",
  "cache_creation_input_tokens",
  "cache_creation",
  "output_tokens_details",
  "server_tool_use",
  "service_tier",
  "iterations",
];

/** What a message, whole or at the start of a stream, tells besides its content. */
export function headOf(
  body: Json,
  target: Target,
): Pick<ChatAnswer, "id" | "model" | "service_tier" | "extra"> {
  const head: Pick<ChatAnswer, "id" | "model" | "service_tier" | "extra"> = {
    id: string(body.id) ?? `msg_${target.requestId.replaceAll("-", "")}`,
    model: string(body.model) ?? target.model,
  };
  const usage = object(body.usage);
  const tier = string(usage?.service_tier);
  if (tier !== undefined) head.service_tier = tier === "standard" ? "default" : tier;
  const extra = rest(body, known);
  const more = usage && rest(usage, ofUsage);
  if (extra !== undefined || more !== undefined) {
    head.extra = { ...extra, ...more !== undefined && { usage: more } };
  }
  return head;
}

/** A `message`. What of its content cannot be read is not there. */
export function readAnswer(body: Json, target: Target): ChatAnswer {
  const parts: Part[] = [];
  if (Array.isArray(body.content)) {
    try {
      parts.push(...readContent(body.content, "content"));
    } catch {
      for (const block of body.content) parts.push(...readable(block));
    }
  }
  const refusal = refusalOf(body.stop_details);
  if (refusal !== undefined) parts.push(refusal);
  const finish = finishOf(body.stop_reason, parts.some(({ type }) => type === "tool_call"));
  const choice: Choice = { index: 0, parts, finish };
  const met = string(body.stop_sequence);
  if (met !== undefined) choice.stop_sequence = met;
  const extra = ofChoice(body, finish);
  if (extra !== undefined) choice.extra = extra;
  const answer: ChatAnswer = { format: own, ...headOf(body, target), choices: [choice] };
  const usage = object(body.usage);
  const settled = usage && settle(anthropicUsage(usage));
  if (settled !== undefined) answer.usage = settled;
  return answer;
}

function readable(block: unknown): Part[] {
  try {
    return readContent([block], "content");
  } catch {
    return [];
  }
}

/** A `message` for a client. Only its first choice: this format asks for one. */
export function writeAnswer(answer: ChatAnswer, asked: Asked): Json {
  const choice = answer.choices[0];
  const content: Json[] = [];
  let details: unknown = null;
  let calls = false;
  for (const part of choice?.parts ?? []) {
    if (part.type === "refusal") details = detailsOf(part.extra, part.text);
    if (part.type === "tool_call" && !isNative(part.extra)) calls = true;
    content.push(...answerBlocks(part));
  }
  const { extra, usage, service_tier } = answer;
  const same = answer.format === own;
  const { usage: more, ...other } = same ? extra ?? {} : {} as Json;
  return {
    id: answer.id || `msg_${asked.requestId.replaceAll("-", "")}`,
    type: "message",
    role: "assistant",
    model: answer.model || asked.model,
    content,
    stop_reason: reasonOf(choice?.finish ?? "other", calls, choice?.extra),
    stop_sequence: choice?.stop_sequence ?? null,
    ...details !== null && { stop_details: details },
    ...same && ofChoice(choice?.extra ?? {}, "stop"),
    ...other,
    usage: { ...writeUsage(usage, service_tier), ...object(more) },
  };
}

/** `stop_details`. */
export function detailsOf(extra: Json | undefined, text: string): unknown {
  return extra?.stop_details ?? { type: "refusal", category: null, explanation: text };
}

function answerBlocks(part: Part): Json[] {
  switch (part.type) {
    case "text":
    case "tool_call": {
      const block = part.type === "text"
        ? textBlock(part)
        : { ...callOf(part), input: inputOf(part.arguments) };
      return part.signature === undefined ? [block] : [besideBlock(part.signature, ">"), block];
    }
    case "reasoning": {
      const text = signatureText(part);
      if (part.redacted === true) return [{ type: "redacted_thinking", data: text }];
      return [{ type: "thinking", thinking: part.text, signature: text }];
    }
    case "refusal":
      // Claude's own stands in `stop_details`.
      return part.extra?.stop_details === undefined && part.text !== ""
        ? [{ type: "text", text: part.text }]
        : [];
    case "native":
      return part.format === own ? [part.value] : [];
    case "tool_result":
      return [];
    default:
      return [{ type: "text", text: `${mediaStart(part)}${mediaEnd(part)}` }];
  }
}

function textBlock(part: Extract<Part, { type: "text" }>): Json {
  const block: Json = { type: "text", text: part.text };
  if (part.citations !== undefined) block.citations = part.citations.map(writeCitation);
  return block;
}

/** A call with nothing of its input yet. */
export function callOf({ id, name, extra }: ToolCallPart): Json {
  const own = isNative(extra) ? extra : undefined;
  return { type: "tool_use", id, name, input: {}, ...own };
}

/** A call that says who made it, as only Claude's do. */
export function isNative(extra: Json | undefined): boolean {
  return extra?.caller !== undefined || extra?.toolset_name !== undefined;
}

/**
 * Claude answers in text only, so pictures of other models become Markdown ones, and speech its transcript.
 */
export function mediaStart({ type, name = type, source, transcript }: MediaPart): string {
  if (type === "audio") return transcript ?? "";
  if (source.kind === "url") return `![${name}](${source.url}`;
  return source.kind === "base64" ? `![${name}](data:${source.mime};base64,${source.data}` : "";
}

/** What follows the last of its bytes. */
export function mediaEnd({ type, source }: MediaPart): string {
  return type !== "audio" && (source.kind === "url" || source.kind === "base64") ? ")" : "";
}

/** `usage`: input without what a cache had, as Anthropic counts it. */
export function writeUsage(usage: Usage | undefined, tier: string | undefined): Json {
  const { input = 0, output = 0, cache_read = 0, cache_write = 0 } = usage ?? {};
  const hour = usage?.cache_write_1h ?? 0;
  const { web_search_requests, web_fetch_requests } = usage?.units ?? {};
  const written: Json = {
    input_tokens: Math.max(0, input - cache_read - cache_write),
    cache_creation_input_tokens: cache_write,
    cache_read_input_tokens: cache_read,
    cache_creation: {
      ephemeral_5m_input_tokens: Math.max(0, cache_write - hour),
      ephemeral_1h_input_tokens: hour,
    },
    output_tokens: output,
  };
  if (usage?.reasoning !== undefined) {
    written.output_tokens_details = { thinking_tokens: usage.reasoning };
  }
  if (web_search_requests !== undefined || web_fetch_requests !== undefined) {
    written.server_tool_use = {
      web_search_requests: web_search_requests ?? 0,
      web_fetch_requests: web_fetch_requests ?? 0,
    };
  }
  if (tier === "default") written.service_tier = "standard";
  else if (tier === "priority" || tier === "batch") written.service_tier = tier;
  return written;
}
