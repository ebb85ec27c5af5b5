/**
 * Prompts and completions in the shape that OpenTelemetry's conventions have for them: messages of parts.
 * Only for those who asked for content; what comes in is masked already.
 *
 * @module
 */
import { type Json, list, object, parse, string, written } from "../formats/json.ts";
import { parseBeginning } from "../formats/partial-json.ts";

interface Part {
  type: string;
  [member: string]: unknown;
}

interface Message {
  role: string;
  parts: Part[];
  finish_reason?: string;
}

/** What a request says to the model. */
export interface InputContent {
  /** JSON; empty where there is nothing. */
  messages: string;
  system: string;
}

/** Messages of a request's body, of whatever format. */
export function inputContent(body: string): InputContent {
  const json = object(parse(body) ?? parseBeginning(body));
  if (json === undefined) return { messages: "", system: "" };
  const messages: Message[] = [];
  const system: Part[] = [];
  for (const key of ["system", "instructions", "systemInstruction", "system_instruction"]) {
    system.push(...partsOf(json[key]));
  }
  for (const key of ["messages", "input", "contents", "prompt", "inputs", "message", "texts"]) {
    const value = json[key];
    if (value === undefined) continue;
    const items = Array.isArray(value) && value.some((item) => object(item)) ? value : [value];
    for (const item of items) {
      const message = object(item);
      const role = string(message?.role) ?? roleOf(message);
      const parts = message === undefined
        ? partsOf(item)
        : message.role === undefined && message.type !== undefined
        ? partsOf([message])
        : message.tool_call_id !== undefined
        ? callsOf(message)
        : [...partsOf(message.content ?? message.parts ?? message.text), ...callsOf(message)];
      if (role === "system" || role === "developer") system.push(...parts);
      else if (parts.length > 0) {
        messages.push({ role: role === "model" ? "assistant" : role, parts });
      }
    }
  }
  return {
    messages: messages.length > 0 ? written(messages) : "",
    system: system.length > 0 ? written(system) : "",
  };
}

/** The message that a model answered with. */
export function outputContent(text: string, finish: string | null): string {
  if (text === "") return "";
  const parts: Part[] = [{ type: "text", content: text }];
  const message: Message = { role: "assistant", parts, finish_reason: finish ?? "stop" };
  return written([message]);
}

/** Items of the Responses API without a role of their own. */
function roleOf(message: Json | undefined): string {
  const type = string(message?.type) ?? "";
  if (/_output$/.test(type)) return "tool";
  return /_call$|^reasoning$/.test(type) ? "assistant" : "user";
}

/** Calls of tools that stand beside the content (OpenAI's chat). */
function callsOf(message: Json): Part[] {
  const calls = list(message.tool_calls).map((call) => {
    const { id, function: called } = object(call) ?? {};
    const { name, arguments: given } = object(called) ?? {};
    return { type: "tool_call", id: id ?? null, name: name ?? "", arguments: given ?? null };
  });
  return message.tool_call_id === undefined ? calls : [{
    type: "tool_call_response",
    id: message.tool_call_id,
    response: message.content ?? null,
  }];
}

function partsOf(content: unknown): Part[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", content }];
  const grouped = object(content);
  if (grouped !== undefined) return partsOf(grouped.parts ?? [grouped]);
  return list(content).flatMap((item): Part[] => {
    if (typeof item === "string") return [{ type: "text", content: item }];
    const part = object(item);
    return part === undefined ? [] : [partOf(part)];
  });
}

/** Media are named, and left out. */
function partOf(part: Json): Part {
  const text = string(part.text) ?? string(part.input_text);
  if (text !== undefined) {
    return { type: part.thought === true ? "reasoning" : "text", content: text };
  }
  const type = string(part.type) ?? Object.keys(part)[0] ?? "unknown";
  const call = object(part.functionCall) ?? object(part.toolUse) ??
    (type === "tool_use" || type === "function_call" ? part : undefined);
  if (call !== undefined) {
    return {
      type: "tool_call",
      id: call.id ?? call.call_id ?? call.toolUseId ?? null,
      name: call.name ?? "",
      arguments: call.input ?? call.args ?? call.arguments ?? null,
    };
  }
  const result = object(part.functionResponse) ?? object(part.toolResult) ??
    (type === "tool_result" || type === "function_call_output" ? part : undefined);
  if (result !== undefined) {
    return {
      type: "tool_call_response",
      id: result.tool_use_id ?? result.call_id ?? result.toolUseId ?? result.id ?? null,
      response: result.content ?? result.output ?? result.response ?? null,
    };
  }
  const thinking = string(part.thinking);
  if (thinking !== undefined) return { type: "reasoning", content: thinking };
  return { type };
}
