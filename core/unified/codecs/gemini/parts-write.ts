/**
 * Media and texts as Google's parts, of a conversation as well as of an answer.
 *
 * @module
 */
import { type Json, object } from "../../../formats/json.ts";
import { exactly } from "../../exact.ts";
import type { MediaPart, Part } from "../../chat.ts";
import { nativeName } from "../../lost.ts";
import { youtube } from "./parts-read.ts";

/** Types of files that are named by URL only. */
const endings: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  heic: "image/heic",
  heif: "image/heif",
  pdf: "application/pdf",
  txt: "text/plain",
  md: "text/markdown",
  csv: "text/csv",
  html: "text/html",
  json: "application/json",
  mp3: "audio/mpeg",
  wav: "audio/wav",
  flac: "audio/flac",
  ogg: "audio/ogg",
  aac: "audio/aac",
  m4a: "audio/mp4",
  mp4: "video/mp4",
  mov: "video/quicktime",
  webm: "video/webm",
};
/** Where the name does not tell; Google wants a type. */
const usual: Readonly<Record<MediaPart["type"], string>> = {
  image: "image/jpeg",
  audio: "audio/mpeg",
  video: "video/mp4",
  document: "application/pdf",
};

/** The parts for a medium, or nothing where Google cannot have it. */
export function writeMedia(part: MediaPart, drop: (name: string) => void): Json[] {
  const { source, name, type } = part;
  switch (source.kind) {
    case "base64":
      return [{ inlineData: { mimeType: source.mime, data: source.data } }];
    case "url":
      if (youtube.test(source.url)) return [{ fileData: { fileUri: source.url } }];
      return [{
        fileData: { mimeType: source.mime ?? mimeOf(source.url, type), fileUri: source.url },
      }];
    case "file": {
      if (source.format !== "gemini") break;
      const { mime } = source;
      return [{ fileData: { ...mime !== undefined && { mimeType: mime }, fileUri: source.id } }];
    }
    case "text":
      return [{ text: name === undefined ? source.text : `${name}\n\n${source.text}` }];
    case "parts":
      return source.parts.flatMap((one) => {
        if (one.type === "text") return [{ text: one.text }];
        if ("source" in one && one.source.kind !== "parts") return writeMedia(one, drop);
        drop(`messages.document.${one.type}`);
        return [];
      });
  }
  drop(`messages.${type}.${source.kind}`);
  return [];
}

function mimeOf(url: string, type: MediaPart["type"]): string {
  const ending = /\.(\w{2,4})(?:[?#]|$)/.exec(url)?.[1]?.toLowerCase();
  return (ending !== undefined && Object.hasOwn(endings, ending) ? endings[ending] : undefined) ??
    usual[type];
}

/** Arguments of a call as an object; text that is none stands in a member. */
export function argsOf(text: string, custom = false): Json {
  if (text === "") return {};
  return (custom ? undefined : object(exactly(text))) ?? { [custom ? "input" : "arguments"]: text };
}

/** What a part of a native kind is called in a report of losses. */
export function nameOf(part: Part): string {
  return part.type === "native" ? nativeName(part.value) : part.type;
}
