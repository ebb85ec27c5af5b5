/**
 * Parts as blocks of a request.
 *
 * @module
 */
import { type Json, object, worded } from "../../../formats/json.ts";
import { exactly } from "../../exact.ts";
import type {
  CacheMark,
  ChatFormat,
  Citation,
  MediaPart,
  Part,
  ReasoningPart,
  ToolCallPart,
  ToolResultPart,
} from "../../chat.ts";
import { type Lost, nativeName } from "../../lost.ts";
import { freeform, own, signatureText } from "./marks.ts";

/** Of which format the parts are, and where to tell what cannot be said. */
export interface Writing {
  from: ChatFormat;
  lost: Lost;
}

/** Members of another format, each told as lost. */
export function dropExtra(extra: Json | undefined, lost: Lost, at = ""): void {
  for (const name in extra) lost.drop(at + name);
}

/** Blocks of a message, in order; what is empty is left out, since it would be refused. */
export function writeBlocks(parts: readonly Part[], writing: Writing): Json[] {
  const blocks: Json[] = [];
  for (const part of parts) {
    const block = writeBlock(part, writing);
    if (block === undefined) continue;
    if (part.type !== "native") {
      if (part.cache !== undefined && part.type !== "reasoning") {
        block.cache_control = writeCache(part.cache);
      }
      // A search result has said its extra already.
      if (writing.from !== own) dropExtra(part.extra, writing.lost, "messages.");
      else if (part.extra?.search_result === undefined) Object.assign(block, part.extra);
    }
    blocks.push(block);
  }
  return blocks;
}

/** `cache_control`. */
export function writeCache({ ttl }: CacheMark): Json {
  return ttl === "1h" || ttl === "5m" ? { type: "ephemeral", ttl } : { type: "ephemeral" };
}

/** Blocks, or their text where they are only that. */
export function contentOf(blocks: readonly Json[]): readonly Json[] | string {
  const [only] = blocks;
  if (blocks.length !== 1 || only?.type !== "text" || Object.keys(only).length > 2) return blocks;
  return only.text as string;
}

function writeBlock(part: Part, writing: Writing): Json | undefined {
  const { from, lost } = writing;
  switch (part.type) {
    case "text":
    case "refusal": {
      if (from !== own && part.text.trim() === "") return undefined;
      const block: Json = { type: "text", text: part.text };
      if (part.type === "refusal" || part.citations === undefined) return block;
      const citations = part.citations.filter(isOwn);
      if (citations.length > 0) block.citations = citations.map(writeCitation);
      if (citations.length < part.citations.length) lost.drop("messages.citations");
      return block;
    }
    case "image":
    case "document":
    case "audio":
    case "video":
      return writeMedia(part, writing);
    case "reasoning":
      return writeThought(part);
    case "tool_call":
      return writeCall(part);
    case "tool_result":
      return writeResult(part, writing);
    case "native":
      // The caller may not see its own value changed.
      if (part.format === own) return { ...part.value };
      lost.drop(`messages.${nativeName(part.value)}`);
      return undefined;
  }
}

/** A thought of another model means nothing to Claude. */
function writeThought(part: ReasoningPart): Json | undefined {
  if (part.signature?.format !== own) return undefined;
  const text = signatureText(part);
  return part.redacted === true
    ? { type: "redacted_thinking", data: text }
    : { type: "thinking", thinking: part.text, signature: text };
}

function writeCall(part: ToolCallPart): Json {
  const id = writeId(part.id);
  if (part.custom === true) {
    const name = part.name + freeform;
    return { type: "tool_use", id, name, input: { input: part.arguments } };
  }
  return { type: "tool_use", id, name: part.name, input: inputOf(part.arguments) };
}

/** Arguments as the object that they have to be. */
export function inputOf(text: string): Json {
  if (text === "") return {};
  const value = exactly(text);
  return object(value) ?? { input: value ?? text };
}

function writeResult(part: ToolResultPart, writing: Writing): Json {
  const block: Json = { type: "tool_result", tool_use_id: writeId(part.call_id) };
  const content = writeBlocks(part.content, writing);
  if (content.length > 0) block.content = contentOf(content);
  if (part.is_error !== undefined) block.is_error = part.is_error;
  return block;
}

/** Letters, digits, `_` and `-`; every other character as its code, so that ids stay different. */
export function writeId(id: string): string {
  if (id === "") return "_";
  return /[^\w-]/.test(id)
    ? id.replace(/[^\w-]/g, (char) => `_${char.charCodeAt(0).toString(16)}`)
    : id;
}

const images = ["image/png", "image/jpeg", "image/gif", "image/webp"];

function writeMedia(part: MediaPart, writing: Writing): Json | undefined {
  const { from, lost } = writing;
  if (part.detail !== undefined && part.detail !== "auto") lost.drop("messages.detail");
  const { type, source } = part;
  if (type === "image" || type === "document") {
    const written = type === "image" ? imageSource(part) : documentSource(part, writing);
    if (written !== undefined) {
      const result = from === own ? object(part.extra?.search_result) : undefined;
      if (result !== undefined && source.kind === "parts") {
        const { search_result: _, ...extra } = part.extra!;
        const { content } = written;
        const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content;
        const title = part.name ?? "";
        return {
          type: "search_result",
          source: result.source,
          title,
          content: blocks,
          ...extra,
        };
      }
      const block: Json = { type, source: written };
      if (type === "document" && part.name !== undefined) block.title = part.name;
      return block;
    }
  }
  if (part.transcript !== undefined) return { type: "text", text: part.transcript };
  lost.drop(`messages.${type}`);
  return undefined;
}

function imageSource({ source }: MediaPart): Json | undefined {
  switch (source.kind) {
    case "base64": {
      const mime = source.mime === "image/jpg" ? "image/jpeg" : source.mime;
      if (!images.includes(mime)) return undefined;
      return { type: "base64", media_type: mime, data: source.data };
    }
    case "url":
      return { type: "url", url: source.url };
    case "file":
      return source.format === own ? { type: "file", file_id: source.id } : undefined;
  }
  return undefined;
}

function documentSource({ source }: MediaPart, writing: Writing): Json | undefined {
  switch (source.kind) {
    case "base64": {
      if (source.mime === "application/pdf") {
        return { type: "base64", media_type: source.mime, data: source.data };
      }
      const text = isText(source.mime) ? decoded(source.data) : undefined;
      return text === undefined
        ? undefined
        : { type: "text", media_type: "text/plain", data: text };
    }
    case "text":
      return { type: "text", media_type: "text/plain", data: source.text };
    case "parts":
      return { type: "content", content: contentOf(writeBlocks(source.parts, writing)) };
    case "url":
      return { type: "url", url: source.url };
    case "file":
      return source.format === own ? { type: "file", file_id: source.id } : undefined;
  }
}

function isText(mime: string): boolean {
  return /^text\/|^application\/(?:json|xml|yaml|x-yaml|javascript)\b/.test(mime);
}

function decoded(base64: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** It has a place in Anthropic's own terms. */
function isOwn({ extra }: Citation): boolean {
  return /^(?:char|page|content_block|search_result|web_search_result)_location$/.test(
    worded(extra?.type),
  );
}

/** A citation of any format; one of another becomes a result of a web search, or a place in a document. */
export function writeCitation(citation: Citation): Json {
  const { type, url = "", title = null, cited_text = "", document_index, file_id } = citation;
  const extra = isOwn(citation) ? citation.extra! : undefined;
  switch (extra?.type ?? (type === "url" ? "web_search_result_location" : "char_location")) {
    case "web_search_result_location": {
      const place = extra ?? { type: "web_search_result_location", encrypted_index: "" };
      return { ...place, url, title, cited_text };
    }
    case "search_result_location":
      return { ...extra, source: url, title, cited_text };
  }
  const place = extra ?? { type: "char_location", start_char_index: 0, end_char_index: 0 };
  return {
    ...place,
    cited_text,
    document_index: document_index ?? 0,
    document_title: title,
    file_id: file_id ?? null,
  };
}
