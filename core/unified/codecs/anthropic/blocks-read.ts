/**
 * Blocks of content as parts, of requests and answers alike. A block that this form has no word for is kept
 * as it is.
 *
 * @module
 */
import { type Json, list, object, string, written } from "../../../formats/json.ts";
import type { CacheMark, Citation, MediaPart, MediaSource, Part, TextPart } from "../../chat.ts";
import { wrong } from "../openai-chat/expect.ts";
import { answerTool, beside, freeform, own, sign, signs } from "./marks.ts";

/** Members that are not among the known ones, or nothing. Null says what absence says. */
export function rest(from: Json, known: readonly string[]): Json | undefined {
  let extra: Json | undefined;
  for (const name in from) {
    if (from[name] == null || known.includes(name) || name === "__proto__") continue;
    (extra ??= {})[name] = from[name];
  }
  return extra;
}

/** `cache_control`. */
export function readCache(value: unknown): CacheMark | undefined {
  const mark = object(value);
  if (mark === undefined) return undefined;
  const ttl = string(mark.ttl);
  return ttl === undefined ? {} : { ttl };
}

/** `content`: a string or blocks. */
export function readContent(content: unknown, at: string): Part[] {
  // Each level adds to its place; no real request has more than three.
  if (at.length > 300) throw wrong(at.slice(0, 60), content, "content that is not nested so deep");
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw wrong(at, content, "a string or an array of blocks");
  const parts: Part[] = [];
  let next: TextPart["signature"];
  for (let index = 0; index < content.length; index++) {
    const block = object(content[index]);
    if (block === undefined) throw wrong(`${at}[${index}]`, content[index], "a block");
    if (block.type === "redacted_thinking" && typeof block.data === "string") {
      const kept = beside(block.data);
      const last = parts.at(-1);
      if (kept?.where === "<" && signs(last)) last.signature = kept.signature;
      if (kept?.where === ">") next = kept.signature;
      if (kept !== undefined) continue;
    }
    const part = readBlock(block, `${at}[${index}]`);
    if (next !== undefined && signs(part)) part.signature = next;
    next = undefined;
    parts.push(part);
  }
  return parts;
}

/** One block. Throws for one whose own content has the wrong type. */
export function readBlock(block: Json, at: string): Part {
  const part = partOf(block, at);
  const cache = readCache(block.cache_control);
  if (cache !== undefined && part.type !== "native") part.cache = cache;
  return part;
}

function partOf(block: Json, at: string): Part {
  switch (block.type) {
    case "text": {
      const part: Part = { type: "text", text: textOf(block.text, `${at}.text`) };
      const citations = list(block.citations).flatMap(readCitation);
      if (citations.length > 0) part.citations = citations;
      return withExtra(part, block, ["type", "text", "citations", "cache_control"]);
    }
    case "image": {
      const source = sourceOf(object(block.source), at);
      if (source === undefined) break;
      return withExtra({ type: "image", source }, block, ["type", "source", "cache_control"]);
    }
    case "document": {
      const source = sourceOf(object(block.source), at);
      if (source === undefined) break;
      const part: MediaPart = { type: "document", source };
      const name = string(block.title);
      if (name !== undefined) part.name = name;
      return withExtra(part, block, ["type", "source", "title", "cache_control"]);
    }
    case "search_result": {
      const part: MediaPart = {
        type: "document",
        source: { kind: "parts", parts: readContent(block.content, `${at}.content`) },
      };
      const name = string(block.title);
      if (name !== undefined) part.name = name;
      withExtra(part, block, ["type", "source", "title", "content", "cache_control"]);
      part.extra = { ...part.extra, search_result: { source: block.source } };
      return part;
    }
    case "thinking": {
      const part: Part = {
        type: "reasoning",
        text: textOf(block.thinking, `${at}.thinking`),
      };
      const signature = string(block.signature);
      if (signature !== undefined) sign(part, signature);
      return withExtra(part, block, ["type", "thinking", "signature"]);
    }
    case "redacted_thinking": {
      const part: Part = { type: "reasoning", text: "", redacted: true };
      sign(part, textOf(block.data, `${at}.data`));
      return withExtra(part, block, ["type", "data"]);
    }
    case "tool_use":
      return toolUse(block, at);
    case "tool_result": {
      const part: Part = {
        type: "tool_result",
        call_id: textOf(block.tool_use_id, `${at}.tool_use_id`),
        content: block.content == null ? [] : readContent(block.content, `${at}.content`),
      };
      if (typeof block.is_error === "boolean") part.is_error = block.is_error;
      const known = ["type", "tool_use_id", "content", "is_error", "cache_control"];
      return withExtra(part, block, known);
    }
  }
  if (typeof block.type !== "string") throw wrong(`${at}.type`, block.type, "the type of a block");
  return { type: "native", format: own, value: block };
}

function toolUse(block: Json, at: string): Part {
  const name = textOf(block.name, `${at}.name`);
  if (name === answerTool) return { type: "text", text: written(block.input) };
  const id = textOf(block.id, `${at}.id`);
  if (name.endsWith(freeform)) {
    const text = object(block.input)?.input;
    return {
      type: "tool_call",
      id,
      name: name.slice(0, -freeform.length),
      arguments: typeof text === "string" ? text : written(block.input),
      custom: true,
    };
  }
  const part: Part = {
    type: "tool_call",
    id,
    name,
    arguments: block.input === undefined ? "{}" : written(block.input),
  };
  const known = ["type", "id", "name", "input", "cache_control"];
  // What all calls are says nothing.
  if (object(block.caller)?.type === "direct") known.push("caller");
  return withExtra(part, block, known);
}

function withExtra<P extends Part>(part: P, block: Json, known: readonly string[]): P {
  const extra = rest(block, known);
  if (extra !== undefined && part.type !== "native") part.extra = extra;
  return part;
}

function textOf(value: unknown, at: string): string {
  if (typeof value !== "string") throw wrong(at, value, "a string");
  return value;
}

function sourceOf(source: Json | undefined, at: string): MediaSource | undefined {
  if (source === undefined) throw wrong(`${at}.source`, source, "a source");
  const mime = string(source.media_type);
  switch (source.type) {
    case "base64":
      return {
        kind: "base64",
        mime: mime ?? "application/octet-stream",
        data: textOf(source.data, `${at}.source.data`),
      };
    case "url":
      return { kind: "url", url: textOf(source.url, `${at}.source.url`) };
    case "file":
      return { kind: "file", id: textOf(source.file_id, `${at}.source.file_id`), format: own };
    case "text":
      return {
        kind: "text",
        text: textOf(source.data, `${at}.source.data`),
        ...mime !== undefined && mime !== "text/plain" && { mime },
      };
    case "content":
      return { kind: "parts", parts: readContent(source.content, `${at}.source.content`) };
  }
  return undefined;
}

const ofCitation = [
  "cited_text",
  "title",
  "document_title",
  "url",
  "source",
  "document_index",
  "file_id",
];

/** One citation, whose place is kept in `extra`; an empty list for what is none. */
export function readCitation(value: unknown): Citation[] {
  const from = object(value);
  const type = string(from?.type);
  if (from === undefined || type === undefined) return [];
  const url = string(from.url) ?? (type === "search_result_location" ? string(from.source) : "");
  const web = type === "web_search_result_location" || /^https?:/.test(url ?? "");
  const citation: Citation = { type: web ? "url" : "document" };
  const title = string(from.title) ?? string(from.document_title);
  const cited = string(from.cited_text);
  const file = string(from.file_id);
  if (url) citation.url = url;
  if (title !== undefined) citation.title = title;
  if (cited !== undefined) citation.cited_text = cited;
  if (Number.isInteger(from.document_index)) {
    citation.document_index = from.document_index as number;
  }
  if (file !== undefined) citation.file_id = file;
  const extra = rest(from, ofCitation);
  if (extra !== undefined) citation.extra = extra;
  return [citation];
}
