/**
 * Blocks of content as parts, of requests and answers alike. A block that this form has no word for, such as
 * a call of one of Amazon's own tools, is kept as it is.
 *
 * @module
 */
import { type Json, list, object, parse, string, written } from "../../../formats/json.ts";
import type { Citation, Part, ReasoningPart, TextPart, ToolCallPart } from "../../chat.ts";
import { opened } from "../../signature.ts";
import { wrong } from "../openai-chat/expect.ts";
import { answerTool, behindOf, freeform, openRedacted, own, readName, sign } from "./marks.ts";
import { readMedia, textsOf } from "./media.ts";

/** Who wrote the blocks: a client, or a provider whose names of tools are to be read back. */
export type From = "client" | "provider";

/** A list of blocks. Throws a `GatewayError` that names what cannot be read. */
export function readBlocks(content: unknown, at: string, from: From): Part[] {
  if (!Array.isArray(content)) throw wrong(at, content, "an array of blocks");
  const parts: Part[] = [];
  for (let index = 0; index < content.length; index++) {
    const block = object(content[index]);
    if (block === undefined) throw wrong(`${at}[${index}]`, content[index], "a block");
    const last = parts.at(-1);
    const point = object(block.cachePoint);
    if (point !== undefined && last !== undefined && last.type !== "native" && !last.cache) {
      const ttl = string(point.ttl);
      last.cache = ttl === undefined ? {} : { ttl };
      continue;
    }
    const redacted = object(block.reasoningContent)?.redactedContent;
    const kept = typeof redacted === "string" ? behindOf(openRedacted(redacted)) : undefined;
    if (kept !== undefined) {
      if (last?.type === "text" || last?.type === "tool_call") last.signature = kept;
      continue;
    }
    parts.push(readBlock(block, `${at}[${index}]`, from));
  }
  return parts;
}

/** One block; a cache point is none. */
export function readBlock(block: Json, at: string, from: From): Part {
  const native: Part = { type: "native", format: own, value: block };
  if ("text" in block) return { type: "text", text: textOf(block.text, `${at}.text`) };
  if ("toolUse" in block) {
    const value = required(block, "toolUse", at);
    if (value.type === "server_tool_use") return native;
    return readCall(value, `${at}.toolUse`, from);
  }
  if ("toolResult" in block) {
    const value = required(block, "toolResult", at);
    // The result of a tool that the provider called itself.
    if (value.type != null) return native;
    return readResult(value, `${at}.toolResult`, from);
  }
  if ("reasoningContent" in block) {
    return readThought(required(block, "reasoningContent", at)) ?? native;
  }
  if ("citationsContent" in block) return readCited(required(block, "citationsContent", at));
  if ("guardContent" in block) return readGuarded(required(block, "guardContent", at)) ?? native;
  if ("searchResult" in block) return readSearch(required(block, "searchResult", at));
  if ("json" in block) return { type: "text", text: written(block.json), json: true };
  for (const type of ["image", "document", "video", "audio"] as const) {
    if (type in block) return readMedia(type, required(block, type, at)) ?? native;
  }
  return native;
}

function required(block: Json, name: string, at: string): Json {
  const value = object(block[name]);
  if (value === undefined) throw wrong(`${at}.${name}`, block[name], "an object");
  return value;
}

function textOf(value: unknown, at: string): string {
  if (typeof value !== "string") throw wrong(at, value, "a string");
  return value;
}

function readCall(value: Json, at: string, from: From): Part {
  const told = textOf(value.name, `${at}.name`);
  if (from === "provider" && told === answerTool) {
    return { type: "text", text: written(value.input) };
  }
  const part: ToolCallPart = {
    type: "tool_call",
    id: textOf(value.toolUseId, `${at}.toolUseId`),
    name: from === "provider" ? readName(told) : told,
    arguments: value.input == null ? "{}" : written(value.input),
  };
  if (from === "provider") readFreeform(part);
  return part;
}

/** A call of a tool of free text, as the one that the client knows. */
export function readFreeform(part: ToolCallPart): void {
  if (!part.name.endsWith(freeform)) return;
  const text = object(parse(part.arguments))?.input;
  part.name = part.name.slice(0, -freeform.length);
  part.custom = true;
  if (typeof text === "string") part.arguments = text;
}

function readResult(value: Json, at: string, from: From): Part {
  const part: Part = {
    type: "tool_result",
    call_id: textOf(value.toolUseId, `${at}.toolUseId`),
    content: value.content == null ? [] : readBlocks(value.content, `${at}.content`, from),
  };
  if (value.status === "error" || value.status === "success") {
    part.is_error = value.status === "error";
  }
  return part;
}

function readThought(value: Json): ReasoningPart | undefined {
  if (typeof value.redactedContent === "string") {
    const part: ReasoningPart = { type: "reasoning", text: "", redacted: true };
    sign(part, openRedacted(value.redactedContent));
    return part;
  }
  const told = object(value.reasoningText);
  if (typeof told?.text !== "string") return undefined;
  const part: ReasoningPart = { type: "reasoning", text: told.text };
  const signature = string(told.signature);
  if (signature !== undefined) sign(part, opened(signature, own));
  return part;
}

function readCited(value: Json): TextPart {
  const text = textsOf(value.content).map((one) => one.text).join("");
  return { type: "text", text, citations: list(value.citations).flatMap(readCitation) };
}

/** What a guardrail is to look at is content all the same. */
function readGuarded(value: Json): Part | undefined {
  const said = object(value.text);
  if (typeof said?.text === "string") {
    const { text, ...guardContent } = said;
    return { type: "text", text: text as string, extra: { guardContent } };
  }
  const image = object(value.image);
  const part = image && readMedia("image", image);
  if (part !== undefined) part.extra = { guardContent: {} };
  return part;
}

/** As Anthropic's codec has them. */
function readSearch(value: Json): Part {
  const { source, title, content, ...more } = value;
  const name = string(title);
  return {
    type: "document",
    source: { kind: "parts", parts: textsOf(content) },
    ...name !== undefined && { name },
    extra: { ...more, search_result: { source } },
  };
}

/** One citation, whose place is kept in `extra`; an empty list for what is none. */
export function readCitation(value: unknown): Citation[] {
  const from = object(value);
  if (from === undefined) return [];
  const location = object(from.location) ?? {};
  const [kind = ""] = Object.keys(location);
  const place = object(location[kind]);
  const citation: Citation = { type: kind === "web" ? "url" : "document" };
  const url = string(place?.url) ??
    (kind === "searchResultLocation" ? string(from.source) : undefined);
  if (url !== undefined && (kind === "web" || /^https?:/.test(url))) {
    citation.type = "url";
    citation.url = url;
  }
  const title = string(from.title);
  if (title !== undefined) citation.title = title;
  const cited = textsOf(from.sourceContent).map(({ text }) => text).join("");
  if (cited !== "") citation.cited_text = cited;
  if (Number.isInteger(place?.documentIndex)) {
    citation.document_index = place!.documentIndex as number;
  }
  const extra: Json = {};
  if (place !== undefined) extra.location = location;
  if (from.source != null) extra.source = from.source;
  if (Object.keys(extra).length > 0) citation.extra = extra;
  return [citation];
}
