/**
 * Messages to a provider. Results of tools become messages of their own, in front of what else the user
 * says; what such a message cannot hold, an image say, follows as the user's.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type {
  CacheMark,
  ChatRequest,
  Message,
  Part,
  ReasoningPart,
  ToolCallPart,
  ToolResultPart,
} from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { type Lost, nativeName } from "../../lost.ts";
import { spokenResult } from "../../tool-error.ts";
import { writeMedia } from "./media.ts";
import { writeDetail, writeGoogle } from "./thoughts.ts";

/** What the writing of one request's messages shares. */
interface Writing {
  target: Target;
  lost: Lost;
  /** The request was in this format, so its arrays stay arrays and its extras extras. */
  own: boolean;
}

/** All of them. */
export function writeMessages(
  { messages, format }: ChatRequest,
  target: Target,
  lost: Lost,
): Json[] {
  const writing: Writing = { target, lost, own: format === "openai-chat" };
  const written: Json[] = [];
  const loop = startOfLoop(messages);
  for (const [i, message] of messages.entries()) {
    if (message.role === "assistant") {
      const answer = writeAssistant(message, i >= loop, writing);
      // Of a turn that held nothing but what another provider alone can read there is nothing to say.
      if (writing.own || message.parts.length === 0 || saysSomething(answer)) written.push(answer);
      continue;
    }
    const content: Json[] = [];
    for (const part of message.parts) {
      if (part.type === "tool_result") written.push(writeResult(part, content, writing));
    }
    const results = written.length;
    let any = message.parts.length === 0;
    for (const part of message.parts) {
      if (part.type === "tool_result") continue;
      any = true;
      content.push(...writePart(part, message.role, writing));
    }
    if (!any && content.length === 0) continue;
    written[results] = extended({ role: message.role, content: flat(content) }, message, writing);
  }
  return written;
}

/** Where the tool loop that still runs begins: behind the last message that the user wrote. */
function startOfLoop(messages: readonly Message[]): number {
  return messages.findLastIndex(({ role, parts }) =>
    role === "user" && parts.some(({ type }) => type !== "tool_result")
  );
}

/** One text without anything beside it is a string. */
function flat(content: Json[]): unknown {
  const [one] = content;
  if (one === undefined) return "";
  return content.length === 1 && one.type === "text" && Object.keys(one).length === 2
    ? one.text
    : content;
}

function extended(written: Json, { name, extra }: Message, { own, lost }: Writing): Json {
  if (name !== undefined) written.name = name;
  for (const key in extra) {
    if (own) written[key] = extra[key];
    else lost.drop(`messages.${key}`);
  }
  return written;
}

function writePart(part: Part, role: Message["role"], writing: Writing): Json[] {
  const { target, lost, own } = writing;
  let written: Json[];
  if (part.type === "text") written = [{ type: "text", text: part.text }];
  else if ("source" in part && role === "user") written = writeMedia(part, target, lost);
  else if (part.type === "native" && part.format === "openai-chat") return [part.value];
  else {
    if (part.type !== "reasoning") lost.drop(`messages.${nameOf(part)}`);
    return [];
  }
  const last = written.at(-1);
  if (last === undefined) return written;
  if (part.cache !== undefined) {
    const mark = cacheMark(part.cache, target);
    if (mark !== undefined) last.cache_control = mark;
    else if (own && part.cache.ttl === undefined) {
      last.prompt_cache_breakpoint = { mode: "explicit" };
    } else lost.drop("cache");
  }
  for (const key in part.extra) {
    if (own) last[key] = part.extra[key];
    else lost.drop(`messages.${key}`);
  }
  return written;
}

function nameOf(part: Part): string {
  return part.type === "native" ? nativeName(part.value) : part.type;
}

/** The mark as Anthropic has it, for providers that take that. OpenAI caches without. */
export function cacheMark({ ttl }: CacheMark, { takes }: Target): Json | undefined {
  if (takes?.includes("cache_control") !== true) return undefined;
  return { type: "ephemeral", ...ttl !== undefined && { ttl } };
}

function writeResult(part: ToolResultPart, later: Json[], writing: Writing): Json {
  const { own, lost, target } = writing;
  const texts: Json[] = [];
  for (const one of spokenResult(part)) {
    if (one.type === "text") texts.push(...writePart(one, "user", writing));
    else if ("source" in one) {
      const written = writeMedia(one, target, lost);
      // A document that is text needs no other place.
      for (const piece of written) (piece.type === "text" ? texts : later).push(piece);
    } else if (one.type === "refusal" || one.type === "reasoning") {
      texts.push({ type: "text", text: one.text });
    } else lost.drop(`messages.tool_result.${nameOf(one)}`);
  }
  const marked = texts.some((text) => Object.keys(text).length > 2);
  const content = own || marked ? flat(texts) : texts.map(({ text }) => text).join("\n");
  const message: Json = { role: "tool", tool_call_id: part.call_id, content };
  if (own && part.name !== undefined) message.name = part.name;
  if (part.cache !== undefined) {
    const mark = cacheMark(part.cache, target);
    if (mark !== undefined) message.cache_control = mark;
    else if (!own) lost.drop("cache");
  }
  for (const key in part.extra) {
    if (own) message[key] = part.extra[key];
    else lost.drop(`messages.tool_result.${key}`);
  }
  return message;
}

function writeAssistant(message: Message, inLoop: boolean, writing: Writing): Json {
  const { target, lost, own } = writing;
  const content: Json[] = [];
  const calls: Json[] = [];
  const thoughts: ReasoningPart[] = [];
  const written: Json = { role: "assistant", content: null };
  for (const part of message.parts) {
    switch (part.type) {
      case "tool_call":
        calls.push(writeCall(part, writing));
        break;
      case "reasoning":
        thoughts.push(part);
        break;
      case "refusal":
        written.refusal = (written.refusal ?? "") + part.text;
        break;
      case "audio":
        if (part.source.kind === "file" && part.source.format === "openai-chat") {
          written.audio = { id: part.source.id };
        } else if (part.transcript !== undefined) {
          content.push({ type: "text", text: part.transcript });
        } else lost.drop("messages.audio");
        break;
      case "text":
        if (part.signature?.format === "openai-chat") {
          written.extra_content = writeGoogle(part.signature);
          if (part.text === "") break;
        }
        content.push(...writePart(part, "assistant", writing));
        break;
      case "native":
        content.push(...writePart(part, "assistant", writing));
        break;
      default:
        lost.drop(`messages.${part.type}`);
    }
  }
  if (content.length > 0) {
    // An answer in pieces, such as between citations.
    const plain = !own && content.every((one) => Object.keys(one).length === 2);
    written.content = plain ? content.map(({ text }) => text).join("") : flat(content);
  } else if (calls.length === 0 && written.refusal === undefined && written.audio === undefined) {
    written.content = "";
  }
  writeThoughts(written, thoughts, inLoop, target);
  if (calls.length > 0) written.tool_calls = calls;
  return extended(written, message, writing);
}

function saysSomething({ role: _, ...said }: Json): boolean {
  return Object.values(said).some((value) => value !== "" && value !== null);
}

function writeThoughts(
  written: Json,
  thoughts: readonly ReasoningPart[],
  inLoop: boolean,
  { takes = [] }: Target,
): void {
  const signed = thoughts.filter(({ signature }) => signature?.format === "openai-chat");
  if (signed.length > 0 && takes.includes("reasoning_details")) {
    written.reasoning_details = signed.map(writeDetail);
    return;
  }
  const member = takes.find((one) => one === "reasoning_content" || one === "reasoning");
  if (!inLoop || member === undefined) return;
  const text = thoughts.map((part) => part.text).filter(Boolean).join("\n\n");
  if (text !== "") written[member] = text;
}

function writeCall(part: ToolCallPart, { own, lost }: Writing): Json {
  const { id, name, signature, custom } = part;
  const call: Json = custom
    ? { id, type: "custom", custom: { name, input: part.arguments } }
    : { id, type: "function", function: { name, arguments: part.arguments || "{}" } };
  if (signature?.format === "openai-chat") call.extra_content = writeGoogle(signature);
  for (const key in part.extra) {
    if (own) call[key] = part.extra[key];
    else lost.drop(`messages.tool_call.${key}`);
  }
  return call;
}
