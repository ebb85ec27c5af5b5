/**
 * Parts as blocks of a request.
 *
 * @module
 */
import { type Json, object } from "../../../formats/json.ts";
import { exactly } from "../../exact.ts";
import type {
  CacheMark,
  Citation,
  MediaPart,
  Part,
  ReasoningPart,
  ToolCallPart,
} from "../../chat.ts";
import { type Lost, nativeName } from "../../lost.ts";
import { inputOf } from "../anthropic/blocks-write.ts";
import { base64, claudes, freeform, own, signatureText, writeId, writeName } from "./marks.ts";
import { isText, writeMedia } from "./media.ts";
import type { Model } from "./models.ts";

/** What the blocks are for. */
export interface Writing {
  /** The request was read from this format. */
  same: boolean;
  model: Model;
  lost: Lost;
  /** Makes a document's name one that no other has. */
  naming(name: string): string;
}

/** Blocks of a message, in order; what is blank is left out, since it would be refused. */
export function writeBlocks(parts: readonly Part[], writing: Writing): Json[] {
  const { same, lost } = writing;
  const blocks: Json[] = [];
  for (const part of parts) {
    const block = writeBlock(part, writing);
    if (block === undefined) continue;
    blocks.push(block);
    if (part.type === "native") continue;
    if (part.cache !== undefined) {
      const point = writeCache(part.cache, writing);
      if (point !== undefined) blocks.push(point);
    }
    if (!same) {
      for (const name in part.extra) if (!taken(name, part)) lost.drop(`messages.${name}`);
    }
  }
  return blocks;
}

/** Members that Anthropic's documents and Bedrock's have in common. */
function taken(name: string, { type }: Part): boolean {
  return type === "document" &&
    (name === "citations" || name === "context" || name === "search_result");
}

/** A cache point, where the model takes one. */
export function writeCache({ ttl }: CacheMark, { same, model, lost }: Writing): Json | undefined {
  if (!same && model.cache === "none") {
    lost.drop("cache");
    return undefined;
  }
  const kept = same || ttl === "1h" && model.hour ? ttl : undefined;
  return { cachePoint: { type: "default", ...kept !== undefined && { ttl: kept } } };
}

function writeBlock(part: Part, writing: Writing): Json | undefined {
  const { same, lost, model } = writing;
  switch (part.type) {
    case "text": {
      const guard = same ? object(part.extra?.guardContent) : undefined;
      if (guard !== undefined) return { guardContent: { text: { text: part.text, ...guard } } };
      if (part.citations !== undefined && same) return writeCited(part.text, part.citations);
      if (part.citations !== undefined) lost.drop("messages.citations");
      return part.text.trim() === "" ? undefined : { text: part.text };
    }
    case "refusal":
      return part.text.trim() === "" ? undefined : { text: part.text };
    case "image":
    case "document":
    case "audio":
    case "video":
      return writeSeen(part, writing);
    case "reasoning":
      return writeThought(part, writing);
    case "tool_call":
      return { toolUse: writeCall(part, writing) };
    case "tool_result": {
      const content = writeResult(part.content, writing);
      const toolUseId = same ? part.call_id : writeId(part.call_id, model.mistral);
      const status = part.is_error === true
        ? "error"
        : same && part.is_error === false
        ? "success"
        : "";
      return { toolResult: { toolUseId, content, ...status !== "" && { status } } };
    }
    case "native":
      if (part.format === own) return part.value;
      lost.drop(`messages.${nativeName(part.value)}`);
      return undefined;
  }
}

/** A thought of another model means nothing to this one. */
function writeThought(part: ReasoningPart, { same, model }: Writing): Json | undefined {
  const { signature, text } = part;
  if (signature === undefined) {
    return same ? { reasoningContent: { reasoningText: { text } } } : undefined;
  }
  const { format } = signature;
  if (format !== own && !(model.claude !== undefined && claudes(format))) return undefined;
  if (part.redacted === true) {
    const redactedContent = format === own ? signature.value : base64(signature.value);
    return { reasoningContent: { redactedContent } };
  }
  const value = format === own ? signatureText(part, signature) : signature.value;
  return { reasoningContent: { reasoningText: { text, signature: value } } };
}

function writeCall(part: ToolCallPart, { same, model, lost }: Writing): Json {
  if (same) {
    const input = exactly(part.arguments);
    return { toolUseId: part.id, name: part.name, input: input === undefined ? {} : input };
  }
  const cut = () => lost.drop("tools.name");
  return {
    toolUseId: writeId(part.id, model.mistral),
    name: writeName(part.custom === true ? part.name + freeform : part.name, cut),
    input: part.custom === true ? { input: part.arguments } : inputOf(part.arguments),
  };
}

function writeResult(parts: readonly Part[], writing: Writing): Json[] {
  const content: Json[] = [];
  for (const part of parts) {
    if (part.type === "text" && part.json === true) {
      const json = exactly(part.text);
      content.push(json === undefined ? { text: part.text } : { json });
    } else if (part.type === "text" || part.type === "refusal" || "source" in part) {
      content.push(...writeBlocks([part], writing));
    } else if (part.type === "native" && part.format === own) content.push(part.value);
    else writing.lost.drop(`messages.tool_result.${part.type}`);
  }
  // A blank text is refused, and so may be nothing at all.
  if (content.length === 0 && !writing.same) content.push({ text: "(empty)" });
  return content;
}

function writeSeen(part: MediaPart, writing: Writing): Json | undefined {
  const { same, lost, model } = writing;
  const { type, source, extra } = part;
  if (part.detail !== undefined && part.detail !== "auto") lost.drop("messages.detail");
  const result = object(extra?.search_result);
  if (result !== undefined && source.kind === "parts" && (same || model.claude !== undefined)) {
    const content = source.parts.filter(isText).map(({ text }) => ({ text }));
    const { citations } = extra!;
    return {
      searchResult: {
        source: result.source,
        title: part.name ?? "",
        content,
        ...citations != null && { citations },
      },
    };
  }
  if (source.kind === "parts" && source.parts.some((one) => one.type !== "text")) {
    lost.drop("messages.document.image");
  }
  const value = writeMedia(part, same, writing.naming);
  if (value === undefined) {
    if (part.transcript !== undefined) return { text: part.transcript };
    lost.drop(`messages.${type}${source.kind === "base64" ? "" : `.${source.kind}`}`);
    return undefined;
  }
  return same && extra?.guardContent !== undefined
    ? { guardContent: { image: value } }
    : { [type]: value };
}

/** A text with its sources; those of Amazon's search stand alone, behind the text. */
export function writeCited(text: string, citations: readonly Citation[]): Json {
  const content = text === "" ? {} : { content: [{ text }] };
  return { citationsContent: { ...content, citations: citations.map(writeCitation) } };
}

/** A citation of any format; one of another becomes a place on the web, or in a document. */
export function writeCitation(citation: Citation): Json {
  const { type, url, title, cited_text, document_index, extra } = citation;
  const written: Json = {};
  if (title !== undefined) written.title = title;
  if (typeof extra?.source === "string") written.source = extra.source;
  if (cited_text !== undefined) written.sourceContent = [{ text: cited_text }];
  const location = object(extra?.location);
  if (location !== undefined) written.location = location;
  else if (type === "url" && url !== undefined) {
    const domain = /^https?:\/\/([^/?#]+)/.exec(url)?.[1];
    written.location = { web: { url, ...domain !== undefined && { domain } } };
  } else if (document_index !== undefined) {
    written.location = { documentChar: { documentIndex: document_index } };
  }
  return written;
}
