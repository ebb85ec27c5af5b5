/**
 * A model's message, in a client's conversation and in an answer.
 *
 * @module
 */
import { type Json, list, object, parse, string } from "../../../formats/json.ts";
import type { Part, ReasoningPart, TextPart, ToolCallPart } from "../../chat.ts";
import { opened } from "../../signature.ts";
import { answerTool, freeform } from "../anthropic/marks.ts";
import { readCitation } from "./documents.ts";

/** The format. */
export const own = "cohere-v2";

/** Tells Cohere's own thoughts when they come back by way of another format. */
export const thought = { format: own, value: "thinking" } as const;

/** What the message tells, in order; what cannot be read is not there. */
export function readModel(message: Json, from: "client" | "provider"): Part[] {
  const parts: Part[] = [];
  const texts = new Map<number, TextPart>();
  const content = typeof message.content === "string"
    ? [{ type: "text", text: message.content }]
    : list(message.content);
  content.forEach((value, index) => {
    const one = object(value);
    const signature = string(one?.signature);
    if (typeof one?.thinking === "string") {
      const part: ReasoningPart = { type: "reasoning", text: one.thinking };
      if (from === "provider") part.signature = thought;
      if (signature !== undefined) sign(part, signature);
      parts.push(part);
    } else if (typeof one?.text === "string" && (one.text !== "" || signature !== undefined)) {
      const part: TextPart = { type: "text", text: one.text };
      if (signature !== undefined) part.signature = opened(signature, own);
      texts.set(index, part);
      parts.push(part);
    }
  });
  const plan = string(message.tool_plan);
  const planned: TextPart | undefined = plan === undefined
    ? undefined
    : { type: "text", text: plan, ...from === "provider" && { extra: { tool_plan: true } } };
  if (planned !== undefined) parts.push(planned);
  for (const value of list(message.citations)) {
    const { content_index: index, type } = object(value) ?? {} as Json;
    const [first] = texts.values();
    const part = type === "PLAN" ? planned : texts.get(Number(index ?? 0)) ?? first;
    if (type !== "THINKING_CONTENT" && part !== undefined) {
      (part.citations ??= []).push(...readCitation(value));
    }
  }
  for (const value of list(message.tool_calls)) {
    const part = readCall(object(value), from);
    if (part !== undefined) parts.push(part);
  }
  return parts;
}

/** A thought's own, or with its item's id before a space. */
function sign(part: ReasoningPart, text: string): void {
  const { format, value } = opened(text, own);
  const space = value.indexOf(" ");
  if (space > 0) part.id = value.slice(0, space);
  if (value.startsWith("!", space + 1)) part.redacted = true;
  part.signature = { format, value: value.slice(space + 1).replace(/^!/, "") };
}

function readCall(call: Json | undefined, from: "client" | "provider"): Part | undefined {
  const called = object(call?.function);
  const name = string(called?.name);
  if (call === undefined || name === undefined) return undefined;
  const part: ToolCallPart = {
    type: "tool_call",
    id: string(call.id) ?? "",
    name,
    arguments: argumentsOf(called!.arguments),
  };
  const signature = string(call.signature);
  if (signature !== undefined) part.signature = opened(signature, own);
  if (from === "client") return part;
  if (name === answerTool) return { type: "text", text: part.arguments };
  if (name.endsWith(freeform)) unwrap(part);
  return part;
}

/** Without parameters they are `null` or nothing. */
export function argumentsOf(value: unknown): string {
  const text = string(value);
  return text === undefined || text === "null" ? "{}" : text;
}

/** A call of a tool of free text, as the one that the client knows. */
export function unwrap(part: ToolCallPart): void {
  const text = object(parse(part.arguments))?.input;
  part.name = part.name.slice(0, -freeform.length);
  part.custom = true;
  if (typeof text === "string") part.arguments = text;
}
