/**
 * Reasoning as the dialects of Chat Completions tell it: `reasoning_content` or `reasoning` for what is
 * shown, and OpenRouter's `reasoning_details` for what has to come back unchanged. An entry of those,
 * without its text, is the signature of the format (as JSON), so that it survives other formats' clients.
 *
 * @module
 */
import { type Json, list, object, parse, string, written } from "../../../formats/json.ts";
import type { ReasoningPart, Signature } from "../../chat.ts";
import { opened, sealed } from "../../signature.ts";

/** Of a message with these members, in order. */
export function readThoughts(message: Json): ReasoningPart[] {
  const parts: ReasoningPart[] = [];
  for (const entry of list(message.reasoning_details)) {
    const part = readDetail(object(entry));
    if (part !== undefined) parts.push(part);
  }
  if (parts.every(({ text }) => text === "")) {
    const text = string(message.reasoning_content) ?? string(message.reasoning);
    if (text !== undefined) parts.unshift({ type: "reasoning", text });
  }
  return parts;
}

/** One entry of `reasoning_details`. */
export function readDetail(entry: Json | undefined): ReasoningPart | undefined {
  if (entry === undefined) return undefined;
  const { text, summary, ...meta } = entry;
  const shown = string(text) ?? string(summary) ?? "";
  const secret = string(meta.data) ?? string(meta.signature);
  if (shown === "" && secret === undefined) return undefined;
  const part: ReasoningPart = { type: "reasoning", text: shown };
  if (entry.type === "reasoning.summary") part.summary = true;
  if (shown === "" && entry.type === "reasoning.encrypted") part.redacted = true;
  if (secret !== undefined) {
    const signature = opened(secret, "openai-chat");
    part.signature = signature.format === "openai-chat"
      ? { format: "openai-chat", value: written(meta) }
      : signature;
    const id = string(meta.id);
    if (id !== undefined) part.id = id;
  }
  return part;
}

/** The entry for a thought; `index` is its place among them. */
export function writeDetail(part: ReasoningPart, index: number): Json {
  const { signature, text } = part;
  const own = signature?.format === "openai-chat" ? object(parse(signature.value)) : undefined;
  if (own !== undefined) {
    return text === "" ? own : part.summary ? { ...own, summary: text } : { ...own, text };
  }
  const type = part.redacted ? "encrypted" : part.summary ? "summary" : "text";
  return {
    type: `reasoning.${type}`,
    ...text !== "" && (part.summary ? { summary: text } : { text }),
    ...signature !== undefined &&
      { [part.redacted ? "data" : "signature"]: sealed(signature, "openai-chat") },
    ...part.id !== undefined && { id: part.id },
    format: signature?.format ?? "unknown",
    index,
  };
}

/** Google's place for a signature on a message or a call. */
export function readGoogle(from: Json): Signature | undefined {
  const google = object(object(from.extra_content)?.google);
  const value = string(google?.thought_signature) ?? string(from.thought_signature);
  return value === undefined ? undefined : opened(value, "openai-chat");
}

/** See {@link readGoogle}. */
export function writeGoogle(signature: Signature): Json {
  return { google: { thought_signature: sealed(signature, "openai-chat") } };
}
