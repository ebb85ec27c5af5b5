/**
 * Pieces of messages and of tools' outputs: `input_text`, `input_image`, `input_file`, ...
 *
 * @module
 */
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { ChatFormat, MediaPart, MediaSource, Part, TextPart } from "../../chat.ts";
import { type Lost, nativeName } from "../../lost.ts";
import { wrong } from "../openai-chat/expect.ts";
import { annotationOf, citationOf, format, rest } from "./shape.ts";

/** Content as it may stand in a message: a string, or an array of parts. */
export function readContent(content: unknown, at: string): Part[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw wrong(at, content, "a string or an array of parts");
  return content.map((item, index) => {
    const part = object(item);
    if (part === undefined) throw wrong(`${at}[${index}]`, item, "an object with a 'type'");
    return readPart(part, `${at}[${index}]`);
  });
}

function readPart(part: Json, at: string): Part {
  const { type } = part;
  switch (type) {
    case "input_text":
    case "output_text":
    case "text": {
      if (typeof part.text !== "string") throw wrong(`${at}.text`, part.text, "a string");
      const text: TextPart = { type: "text", text: part.text };
      const citations = list(part.annotations).flatMap((one) => citationOf(one) ?? []);
      if (citations.length > 0) text.citations = citations;
      return marked(text, part, "type", "text", "annotations", "logprobs");
    }
    case "refusal":
      return { type: "refusal", text: string(part.refusal) ?? "" };
    case "input_image": {
      const image: MediaPart = { type: "image", source: imageSource(part, at) };
      if (typeof part.detail === "string") image.detail = part.detail;
      return marked(image, part, "type", "image_url", "file_id", "detail");
    }
    case "input_file": {
      const file: MediaPart = { type: "document", source: fileSource(part, at) };
      if (typeof part.filename === "string") file.name = part.filename;
      if (typeof part.detail === "string") file.detail = part.detail;
      return marked(
        file,
        part,
        ...["type", "file_data", "file_id", "file_url", "filename", "detail"],
      );
    }
    case "input_audio": {
      const audio = object(part.input_audio);
      const data = audio?.data;
      if (typeof data !== "string") throw wrong(`${at}.input_audio.data`, data, "base64");
      const mime = audio?.format === "mp3" ? "audio/mpeg" : `audio/${audio?.format ?? "wav"}`;
      const source: MediaSource = { kind: "base64", mime, data };
      return marked({ type: "audio", source }, part, "type", "input_audio");
    }
    case "output_audio": {
      const source: MediaSource = {
        kind: "base64",
        mime: "audio/wav",
        data: string(part.data) ?? "",
      };
      return { type: "audio", source, transcript: string(part.transcript) ?? "" };
    }
    default:
      if (typeof type !== "string") throw wrong(`${at}.type`, type, "a string");
      return { type: "native", format, value: part, extra: { content: true } };
  }
}

/** Adds the mark of the cache, and what was not read. */
function marked<P extends TextPart | MediaPart>(part: P, from: Json, ...read: string[]): P {
  const mark = object(from.prompt_cache_breakpoint);
  if (mark !== undefined) part.cache = {};
  const extra = rest(from, ...read, "prompt_cache_breakpoint");
  if (extra !== undefined) part.extra = extra;
  return part;
}

function imageSource(part: Json, at: string): MediaSource {
  const url = string(part.image_url);
  if (url !== undefined) return dataUrl(url) ?? { kind: "url", url };
  const id = string(part.file_id);
  if (id !== undefined) return { kind: "file", id, format };
  throw wrong(`${at}.image_url`, part.image_url, "a URL, or 'file_id'");
}

function fileSource(part: Json, at: string): MediaSource {
  const data = string(part.file_data);
  if (data !== undefined) {
    const name = string(part.filename)?.toLowerCase();
    const mime = name === undefined || name.endsWith(".pdf")
      ? "application/pdf"
      : "application/octet-stream";
    return dataUrl(data) ?? { kind: "base64", mime, data };
  }
  const id = string(part.file_id);
  if (id !== undefined) return { kind: "file", id, format };
  const url = string(part.file_url);
  if (url !== undefined) return { kind: "url", url };
  throw wrong(`${at}.file_data`, part.file_data, "a data URL, or 'file_id' or 'file_url'");
}

function dataUrl(url: string): MediaSource | undefined {
  if (!url.startsWith("data:")) return undefined;
  const comma = url.indexOf(",");
  const head = url.slice(5, comma);
  if (comma < 0 || !head.endsWith(";base64")) return undefined;
  return { kind: "base64", mime: head.slice(0, -7), data: url.slice(comma + 1) };
}

/** What writing a part needs to know. */
export interface Writing {
  /** Of the request: its `extra` and its marks of the cache are written only to the same format. */
  from: ChatFormat;
  lost: Lost;
}

/** A part of a message of whoever is not the model, or of a tool's output; none where it is lost. */
export function writeInput(part: Part, how: Writing): Json[] {
  switch (part.type) {
    case "text":
      return [{ type: "input_text", text: part.text, ...added(part, how) }];
    case "refusal":
      return [{ type: "input_text", text: part.text }];
    case "image":
    case "audio":
    case "document":
    case "video":
      return writeMedia(part, how);
    case "native":
      if (part.format === format) return [part.value];
      how.lost.drop(`messages.${nativeName(part.value)}`);
      return [];
    default:
      return [];
  }
}

function writeMedia(part: MediaPart, how: Writing): Json[] {
  const { type, source } = part;
  const detail = part.detail !== undefined && { detail: part.detail };
  const more = added(part, how);
  if (source.kind === "text") return [{ type: "input_text", text: source.text, ...more }];
  if (source.kind === "parts") return source.parts.flatMap((one) => writeInput(one, how));
  if (source.kind === "file" && !/^openai-/.test(source.format)) {
    how.lost.drop(`messages.${type}.file`);
    return [];
  }
  switch (type) {
    case "image": {
      const where = source.kind === "file"
        ? { file_id: source.id }
        : { image_url: source.kind === "url" ? source.url : dataOf(source) };
      return [{ type: "input_image", ...where, ...detail, ...more }];
    }
    case "document": {
      const name = part.name ?? (source.kind === "base64" ? fileName(source.mime) : undefined);
      const filename = name !== undefined && source.kind !== "file" && { filename: name };
      const where = source.kind === "file"
        ? { file_id: source.id }
        : source.kind === "url"
        ? { file_url: source.url }
        : { file_data: dataOf(source) };
      return [{ type: "input_file", ...filename, ...where, ...detail, ...more }];
    }
    case "audio": {
      const sound = source.kind === "base64" && /^audio\/(?:x-)?(wav|mp3|mpeg)$/.exec(source.mime);
      if (sound) {
        const format = sound[1] === "wav" ? "wav" : "mp3";
        return [{ type: "input_audio", input_audio: { data: source.data, format }, ...more }];
      }
    }
  }
  how.lost.drop(`messages.${type}`);
  return [];
}

function dataOf(source: { mime: string; data: string }): string {
  return `data:${source.mime};base64,${source.data}`;
}

/** OpenAI wants a name with every file. */
function fileName(mime: string): string {
  return mime === "application/pdf" ? "document.pdf" : "document";
}

/** A piece of what the model said. */
export function writeOutput(part: Part, how: Writing): Json[] {
  if (part.type === "refusal") return [{ type: "refusal", refusal: part.text }];
  if (part.type !== "text") return writeInput(part, how);
  const annotations: Json[] = [];
  for (const citation of part.citations ?? []) {
    // Elsewhere documents are known by their place in another format's request.
    if (citation.type === "url" || how.from === format) {
      annotations.push(annotationOf(citation, part.text.length));
    } else how.lost.drop("messages.citations");
  }
  return [{ type: "output_text", text: part.text, annotations, ...added(part, how) }];
}

function added(part: Part, { from, lost }: Writing): Json {
  // OpenAI caches by itself: marks of other formats are many, and are told as lost.
  const own = /^openai-/.test(from);
  if (part.cache !== undefined && !own) lost.drop("cache");
  const mark = part.cache !== undefined && own && { prompt_cache_breakpoint: { mode: "explicit" } };
  return { ...mark, ...extraOf(part, "messages", from, lost) };
}

/** Members that only this format knows; those of another one are lost. */
export function extraOf(
  { extra }: { extra?: Json },
  at: string,
  from: ChatFormat,
  lost: Lost,
): Json | undefined {
  if (extra === undefined || from === format) return extra;
  for (const name of Object.keys(extra)) lost.drop(`${at}.${name}`);
  return undefined;
}
