/**
 * Images, sound and files as Chat Completions has them, with the parts that its dialects add.
 *
 * @module
 */
import { type Json, object, string } from "../../../formats/json.ts";
import type { MediaPart, MediaSource, Part } from "../../chat.ts";
import type { Target } from "../../codec.ts";
import type { Lost } from "../../lost.ts";

/** `data:{mime};base64,{data}`, else the URL. */
export function sourceOf(url: string): MediaSource {
  if (url.startsWith("data:")) {
    const comma = url.indexOf(",");
    const head = url.slice(5, comma);
    if (comma > 0 && head.endsWith(";base64")) {
      return { kind: "base64", mime: head.slice(0, head.indexOf(";")), data: url.slice(comma + 1) };
    }
  }
  return { kind: "url", url };
}

/** The URL of bytes or of a place; nothing for what has none. */
export function urlOf(source: MediaSource): string | undefined {
  if (source.kind === "url") return source.url;
  return source.kind === "base64" ? `data:${source.mime};base64,${source.data}` : undefined;
}

/** A media part of a request; nothing for what is none. */
export function readMedia(part: Json): MediaPart | undefined {
  switch (part.type) {
    case "image_url":
    case "video_url":
    case "document_url": {
      const type = part.type.slice(0, -4) as "image" | "video" | "document";
      const inside = object(part[part.type]);
      // Mistral takes the bare URL as well.
      const url = string(inside?.url) ?? string(part[part.type]);
      if (url === undefined) return undefined;
      const media: MediaPart = { type, source: sourceOf(url) };
      const detail = string(inside?.detail);
      if (detail !== undefined) media.detail = detail;
      const name = string(part.document_name);
      if (name !== undefined) media.name = name;
      return media;
    }
    case "input_audio": {
      const inside = object(part.input_audio);
      const data = string(inside?.data) ?? string(part.input_audio);
      if (data === undefined) return undefined;
      if (/^(?:https?:|data:)/.test(data.slice(0, 8))) {
        return { type: "audio", source: sourceOf(data) };
      }
      const format = string(inside?.format) ?? "wav";
      const mime = `audio/${format === "mp3" ? "mpeg" : format}`;
      return { type: "audio", source: { kind: "base64", mime, data } };
    }
    case "file":
      return readFile(object(part.file));
    default:
      return undefined;
  }
}

function readFile(file: Json | undefined): MediaPart | undefined {
  const id = string(file?.file_id);
  const data = string(file?.file_data);
  let source: MediaSource;
  if (id !== undefined) source = { kind: "file", id, format: "openai-chat" };
  else if (data === undefined) return undefined;
  else if (/^(?:https?:|data:)/.test(data.slice(0, 8))) source = sourceOf(data);
  else source = { kind: "base64", mime: "application/pdf", data };
  const name = string(file?.filename);
  return { type: "document", source, ...name !== undefined && { name } };
}

/** The parts for a media part of a user's; what cannot be said is told to `lost`. */
export function writeMedia(part: MediaPart, target: Target, lost: Lost): Json[] {
  const { type, source, name } = part;
  const url = urlOf(source);
  const takes = target.takes ?? [];
  if (source.kind === "text") {
    return [{ type: "text", text: name === undefined ? source.text : `${name}\n\n${source.text}` }];
  }
  if (source.kind === "parts") return source.parts.flatMap((one) => writeInner(one, target, lost));
  if (source.kind === "file") {
    if (source.format.startsWith("openai") && type === "document") {
      return [{
        type: "file",
        file: { file_id: source.id, ...name !== undefined && { filename: name } },
      }];
    }
  } else if (type === "image") {
    return [{
      type: "image_url",
      image_url: { url, ...part.detail !== undefined && { detail: part.detail } },
    }];
  } else if (type === "video") {
    if (takes.includes("video_url")) return [{ type: "video_url", video_url: { url } }];
  } else if (type === "audio") {
    if (source.kind === "base64") {
      return [{
        type: "input_audio",
        input_audio: { data: source.data, format: formatOf(source.mime) },
      }];
    }
  } else if (source.kind === "base64" || takes.includes("file_url")) {
    const filename = name ??
      (source.kind === "base64" ? `document.${formatOf(source.mime)}` : undefined);
    return [{ type: "file", file: { ...filename !== undefined && { filename }, file_data: url } }];
  }
  lost.drop(`messages.${type}${source.kind === "base64" ? "" : `.${source.kind}`}`);
  return [];
}

function writeInner(part: Part, target: Target, lost: Lost): Json[] {
  if (part.type === "text") return [{ type: "text", text: part.text }];
  if ("source" in part) return writeMedia(part, target, lost);
  lost.drop(`messages.document.${part.type}`);
  return [];
}

/** `mp3` of `audio/mpeg`, `pdf` of `application/pdf`. */
function formatOf(mime: string): string {
  const kind = mime.slice(mime.indexOf("/") + 1).split(";", 1)[0]!.replace(/^x-/, "");
  return kind === "mpeg" ? "mp3" : kind === "wave" ? "wav" : kind;
}
