/**
 * Messages of a client's request. Results of tools become parts of one `user` message for each turn.
 *
 * @module
 */
import { type Json, list, object, string, written } from "../../../formats/json.ts";
import type {
  CacheMark,
  Message,
  Part,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from "../../chat.ts";
import { asObject, optional, required, rest, set, wrong } from "./expect.ts";
import { readMedia } from "./media.ts";
import { readGoogle, readThoughts } from "./thoughts.ts";

const roles: ReadonlySet<unknown> = new Set(["system", "developer", "user", "assistant"]);
const ofMessage = new Set([
  "role",
  "content",
  "name",
  "refusal",
  "tool_calls",
  "function_call",
  "audio",
  "images",
  "reasoning",
  "reasoning_content",
  "reasoning_details",
  "extra_content",
  "thought_signature",
  // What an answer said of its sources is nothing that a model reads.
  "annotations",
  "document_citations",
  "tool_call_id",
  "cache_control",
]);
const ofPart = new Set([
  "type",
  "text",
  "refusal",
  "image_url",
  "video_url",
  "document_url",
  "document_name",
  "thinking",
  "closed",
  "input_audio",
  "file",
  "cache_control",
  "prompt_cache_breakpoint",
]);
const ofCall = new Set(["id", "type", "index", "function", "custom", "extra_content"]);

/** All of them. */
export function readMessages(given: readonly unknown[]): Message[] {
  const messages: Message[] = [];
  /** Of the old `function_call`, which has no ids. */
  let called: ToolCallPart | undefined;
  /** Takes the results of one turn. */
  let results: Message | undefined;
  /** Calls of the last turn, for results that do not say to which they belong. */
  let calls: ToolCallPart[] = [];
  for (const [i, value] of given.entries()) {
    const at = `messages[${i}]`;
    const one = asObject(value, at);
    if (one.role === "tool" || one.role === "function") {
      if (results === undefined) messages.push(results = { role: "user", parts: [] });
      const call = one.role === "function" ? called : calls[results.parts.length];
      results.parts.push(readResult(one, at, call));
      continue;
    }
    results = undefined;
    const message = readMessage(one, at);
    if (object(one.function_call) !== undefined) {
      called = readCall({ ...one, id: `call_function_${i}`, index: 0 }, `${at}.`, "function_call");
      message.parts.push(called);
    }
    if (message.role === "assistant") calls = message.parts.filter(isCall);
    messages.push(message);
  }
  return messages;
}

function isCall(part: Part): part is ToolCallPart {
  return part.type === "tool_call";
}

function readMessage(one: Json, at: string): Message {
  const { role } = one;
  if (!roles.has(role)) {
    throw wrong(`${at}.role`, role, "'system', 'developer', 'user', 'assistant' or 'tool'");
  }
  const message: Message = { role: role as Message["role"], parts: [] };
  set(message, "name", optional<string>(one, "name", "string", `${at}.`));
  set(message, "extra", rest(one, ofMessage));
  const { parts } = message;
  if (role === "assistant") parts.push(...readThoughts(one));
  else if (one.content == null) {
    throw wrong(`${at}.content`, one.content, "a string or an array of parts");
  }
  readContent(one.content, `${at}.content`, parts);
  const mark = readCache(one);
  const last = parts.at(-1);
  if (mark !== undefined && last !== undefined) last.cache ??= mark;
  if (role !== "assistant") return message;

  const signature = readGoogle(one);
  if (signature !== undefined) {
    let text = parts.findLast((part): part is TextPart => part.type === "text");
    if (text === undefined) parts.push(text = { type: "text", text: "" });
    text.signature = signature;
  }
  const refusal = string(one.refusal);
  if (refusal !== undefined) parts.push({ type: "refusal", text: refusal });
  for (const image of list(one.images)) {
    const media = readMedia(object(image) ?? {});
    if (media !== undefined) parts.push(media);
  }
  const audio = object(one.audio);
  if (typeof audio?.id === "string") {
    const { id } = audio;
    const transcript = string(audio.transcript);
    parts.push({
      type: "audio",
      source: { kind: "file", id, format: "openai-chat" },
      id,
      ...transcript !== undefined && { transcript },
    });
  }
  const calls = one.tool_calls ?? undefined;
  if (calls !== undefined && !Array.isArray(calls)) {
    throw wrong(`${at}.tool_calls`, calls, "an array");
  }
  for (const [i, call] of list(calls).entries()) {
    const place = `${at}.tool_calls[${i}]`;
    parts.push(readCall(asObject(call, place), `${place}.`));
  }
  return message;
}

function readContent(content: unknown, at: string, parts: Part[]): void {
  if (content === undefined || content === null) return;
  if (typeof content === "string") {
    parts.push({ type: "text", text: content });
    return;
  }
  if (!Array.isArray(content)) throw wrong(at, content, "a string or an array of parts");
  for (const [i, value] of content.entries()) {
    if (typeof value === "string") {
      parts.push({ type: "text", text: value });
      continue;
    }
    const place = `${at}[${i}]`;
    const one = asObject(value, place);
    const part = readPart(one, place);
    if (part.type !== "native") {
      set(part, "cache", readCache(one));
      set(part, "extra", rest(one, ofPart));
    }
    parts.push(part);
  }
}

function readPart(one: Json, at: string): Part {
  switch (one.type) {
    case "text":
      return { type: "text", text: required(one, "text", `${at}.`) };
    case "refusal":
      return { type: "refusal", text: required(one, "refusal", `${at}.`) };
    case "thinking": // Mistral
      return { type: "reasoning", text: thinkingOf(one) };
    case "image_url":
    case "input_audio":
    case "file": {
      const media = readMedia(one);
      if (media !== undefined) return media;
      const url = one.type === "image_url" ? ".url" : one.type === "file" ? ".file_data" : ".data";
      throw wrong(`${at}.${one.type}${url}`, object(one[one.type])?.[url.slice(1)], "a string");
    }
    default:
      if (typeof one.type !== "string") throw wrong(`${at}.type`, one.type, "a string");
      return readMedia(one) ?? { type: "native", format: "openai-chat", value: one };
  }
}

/** The text of Mistral's `thinking` part. */
export function thinkingOf(part: Json): string {
  if (typeof part.thinking === "string") return part.thinking;
  return list(part.thinking).map((one) => string(object(one)?.text) ?? "").join("");
}

function readCall(call: Json, at: string, member = "function"): ToolCallPart {
  const custom = call.type === "custom";
  const name = custom ? "custom" : member;
  const fn = asObject(call[name], at + name);
  const given = custom ? fn.input : fn.arguments;
  const part: ToolCallPart = {
    type: "tool_call",
    id: required(call, "id", at),
    name: required(fn, "name", `${at}${name}.`),
    arguments: typeof given === "string" ? given : given == null ? "" : written(given),
  };
  if (custom) part.custom = true;
  set(part, "signature", readGoogle(call));
  if (member === "function") set(part, "extra", rest(call, ofCall));
  return part;
}

function readResult(one: Json, at: string, called: ToolCallPart | undefined): ToolResultPart {
  const content: Part[] = [];
  readContent(one.content, `${at}.content`, content);
  const result: ToolResultPart = {
    type: "tool_result",
    call_id: string(one.tool_call_id) ?? called?.id ?? required(one, "tool_call_id", `${at}.`),
    content,
  };
  set(result, "name", string(one.name));
  set(result, "cache", readCache(one));
  set(result, "extra", rest(one, ofMessage));
  return result;
}

/** Anthropic's mark, which OpenRouter and others take, or OpenAI's own. */
export function readCache(one: Json): CacheMark | undefined {
  const mark = object(one.cache_control);
  if (mark === undefined) return object(one.prompt_cache_breakpoint) === undefined ? undefined : {};
  const ttl = string(mark.ttl);
  return ttl === undefined ? {} : { ttl };
}
