/**
 * The conversation in Cohere's terms. Documents of all turns are one list beside it.
 *
 * @module
 */
import { type Json, object } from "../../../formats/json.ts";
import type { ChatRequest, MediaPart, Part, ToolResultPart } from "../../chat.ts";
import { type Lost, nativeName } from "../../lost.ts";
import { spokenResult } from "../../tool-error.ts";
import { freeform } from "../anthropic/marks.ts";
import { urlOf } from "../openai-chat/media.ts";
import { idOf, writeCitations, writeDocument } from "./documents.ts";
import { own } from "./message-read.ts";

interface Writing {
  same: boolean;
  lost: Lost;
  documents: unknown[];
}

/** `messages` and `documents`. */
export function converse(
  request: ChatRequest,
  lost: Lost,
): { messages: Json[]; documents: unknown[] } {
  const writing: Writing = { same: request.format === own, lost, documents: [] };
  const messages: Json[] = [];
  for (const { role, parts, name, extra } of request.messages) {
    if (name !== undefined) lost.drop("messages.name");
    for (const key in extra) lost.drop(`messages.${key}`);
    for (const part of parts) dropBeside(part, writing);
    if (role === "assistant") messages.push(...writeModel(parts, writing));
    else if (role === "user") messages.push(...writeUser(parts, writing));
    else {
      const texts = parts.flatMap((part) => {
        if (part.type === "text") return [{ type: "text", text: part.text }];
        lost.drop(`messages.${part.type}`);
        return [];
      });
      if (texts.length > 0) messages.push({ role: "system", content: flat(texts) });
    }
  }
  return { messages, documents: writing.documents };
}

function dropBeside(part: Part, { same, lost }: Writing): void {
  if (part.type === "native") return;
  if (part.cache !== undefined) lost.drop("cache");
  if (!same) { for (const key in part.extra) lost.drop(`messages.${key}`); }
}

/** Parts, or their text where they are only that. */
function flat(parts: readonly Json[]): readonly Json[] | string {
  const [only] = parts;
  const plain = parts.length === 1 && only?.type === "text" && Object.keys(only).length === 2;
  return plain ? only.text as string : parts;
}

function writeUser(parts: readonly Part[], writing: Writing): Json[] {
  const messages: Json[] = [];
  const content: Json[] = [];
  for (const part of parts) {
    if (part.type === "tool_result") messages.push(writeResult(part, content, writing));
    else if (part.type === "text") content.push({ type: "text", text: part.text });
    else if (part.type === "image") content.push(...writeImage(part, writing));
    else if (part.type === "document") cite(part, writing);
    else if (part.type === "native" && part.format === own) content.push(part.value);
    else if (part.type !== "reasoning") writing.lost.drop(`messages.${nameOf(part)}`);
  }
  if (content.length > 0) messages.push({ role: "user", content: flat(content) });
  return messages;
}

function nameOf(part: Part): string {
  return part.type === "native" ? nativeName(part.value) : part.type;
}

/** Documents stand beside the conversation, with ids by which a citation finds them. */
function cite(part: MediaPart, writing: Writing): void {
  const { same, documents, lost } = writing;
  const written = writeDocument(part);
  if (written === undefined) {
    lost.drop(`messages.document${part.source.kind === "base64" ? "" : `.${part.source.kind}`}`);
  } else if (!same) documents.push({ id: idOf(documents.length), ...written });
  else {
    const bare = part.id === undefined && part.name === undefined && part.source.kind === "text" &&
      part.source.mime === undefined;
    documents.push(bare ? object(written.data)!.text : written);
  }
}

function writeImage(part: MediaPart, { lost }: Writing): Json[] {
  const url = urlOf(part.source);
  if (url === undefined) {
    lost.drop(`messages.image.${part.source.kind}`);
    return [];
  }
  const detail = part.detail === undefined ? {} : { detail: part.detail };
  return [{ type: "image_url", image_url: { url, ...detail } }];
}

/** @param beside Takes what a result may not hold. */
function writeResult(part: ToolResultPart, beside: Json[], writing: Writing): Json {
  const content: Json[] = [];
  for (const one of spokenResult(part)) {
    dropBeside(one, writing);
    if (one.type === "text" || one.type === "refusal") {
      content.push({ type: "text", text: one.text });
    } else if (one.type === "image") beside.push(...writeImage(one, writing));
    else if (one.type === "document") {
      const document = writeDocument(one);
      if (document !== undefined) content.push({ type: "document", document });
      else writing.lost.drop("messages.tool_result.document");
    } else if (one.type === "native" && one.format === own) content.push(one.value);
    else writing.lost.drop(`messages.tool_result.${nameOf(one)}`);
  }
  const plain = content.every(({ type }) => type === "text");
  const text = () => content.map((one) => one.text).join("\n");
  return {
    role: "tool",
    tool_call_id: part.call_id,
    content: plain && (!writing.same || content.length < 2) ? text() : content,
  };
}

function writeModel(parts: readonly Part[], writing: Writing): Json[] {
  const { same, lost } = writing;
  const content: Json[] = [];
  const texts: string[] = [];
  const citations: Json[] = [];
  const calls: Json[] = [];
  const called = parts.some(({ type }) => type === "tool_call");
  for (const part of parts) {
    switch (part.type) {
      case "text":
      case "refusal":
        if (part.text === "") break;
        if (part.type === "text" && part.citations !== undefined) {
          if (same) citations.push(...writeCitations(part.citations, part.text, content.length));
          else lost.drop("messages.citations");
        }
        // What is said before a call is its plan.
        if (called) texts.push(part.text);
        else content.push({ type: "text", text: part.text });
        break;
      case "reasoning":
        if (part.text !== "" && (part.signature?.format === own || same && !part.signature)) {
          content.push({ type: "thinking", thinking: part.text });
        }
        break;
      case "tool_call":
        calls.push({
          id: part.id,
          type: "function",
          function: part.custom === true
            ? { name: part.name + freeform, arguments: JSON.stringify({ input: part.arguments }) }
            : { name: part.name, arguments: part.arguments || "{}" },
        });
        break;
      case "native":
        if (part.format === own) content.push(part.value);
        else lost.drop(`messages.${nameOf(part)}`);
        break;
      default:
        if ("transcript" in part && part.transcript !== undefined) {
          content.push({ type: "text", text: part.transcript });
        } else lost.drop(`messages.${part.type}`);
    }
  }
  const message: Json = { role: "assistant" };
  if (content.length > 0) message.content = flat(content);
  if (texts.length > 0) message.tool_plan = texts.join("\n");
  if (calls.length > 0) message.tool_calls = calls;
  if (citations.length > 0) message.citations = citations;
  return Object.keys(message).length > 1 ? [message] : [];
}
