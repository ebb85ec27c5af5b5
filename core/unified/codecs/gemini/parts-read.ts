/**
 * Parts of a content, of a client's conversation as well as of an answer.
 *
 * @module
 */
import { type Json, list, object, string, worded, written } from "../../../formats/json.ts";
import type { MediaPart, MediaSource, Part, ToolCallPart, ToolResultPart } from "../../chat.ts";
import { set } from "../openai-chat/expect.ts";
import { camel, readSignature } from "./wire.ts";

/** Ids for calls that have none, and to which call an answer without an id belongs. */
export interface Calls {
  /** A new one. */
  next(): string;
  /** The call that a result is of. */
  answered(id: string | undefined, name: string | undefined): string;
  /** A call that waits for its result. */
  asked(id: string, name: string): void;
}

/** Members of a part that say what it is. */
const kinds = [
  "text",
  "inlineData",
  "fileData",
  "functionCall",
  "functionResponse",
];
const known = new Set([...kinds, "thought", "thoughtSignature"]);

/** The part; nothing for one that says nothing. */
export function readPart(raw: Json, calls: Calls): Part | undefined {
  const value = camel(raw);
  const kind = kinds.find((kind) => value[kind] !== undefined && value[kind] !== null);
  const thought = value.thought === true;
  const signature = readSignature(value.thoughtSignature);
  let part: Part | undefined;
  switch (kind) {
    case "text": {
      const text = worded(value.text);
      part = { type: thought ? "reasoning" : "text", text };
      break;
    }
    case "inlineData":
    case "fileData":
      // Images that a model made while it thought are for its own clients.
      if (!thought) part = readMedia(value);
      break;
    case "functionCall":
      part = readCall(object(value.functionCall) ?? {}, calls);
      break;
    case "functionResponse":
      part = readResult(object(value.functionResponse) ?? {}, calls);
      break;
    default:
      if (signature !== undefined && Object.keys(value).every((key) => known.has(key))) {
        part = { type: thought ? "reasoning" : "text", text: "" };
      }
  }
  if (part === undefined) {
    return Object.keys(value).length === 0
      ? undefined
      : { type: "native", format: "gemini", value };
  }
  if (signature !== undefined && part.type !== "tool_result") {
    (part as { signature?: unknown }).signature = signature;
  }
  for (const key in value) {
    if (known.has(key) || value[key] === null) continue;
    const heard = key === "audioTranscription" ? string(object(value[key])?.text) : undefined;
    if (heard !== undefined && part.type === "audio") part.transcript = heard;
    else (part.extra ??= {})[key] = value[key];
  }
  return part;
}

/** `inlineData` or `fileData` of a part. */
export function readMedia(value: Json): MediaPart | undefined {
  const inline = object(value.inlineData);
  const { mimeType, data, fileUri, displayName } = camel(inline ?? object(value.fileData) ?? {});
  const mime = string(mimeType);
  let source: MediaSource;
  if (inline !== undefined) {
    if (typeof data !== "string") return undefined;
    source = { kind: "base64", mime: mime ?? "application/octet-stream", data };
  } else {
    const uri = string(fileUri);
    if (uri === undefined) return undefined;
    source = isOwn(uri) ? { kind: "file", id: uri, format: "gemini" } : { kind: "url", url: uri };
    if (mime !== undefined) source.mime = mime;
  }
  const part: MediaPart = { type: typeOf(mime, fileUri), source };
  set(part, "name", string(displayName));
  return part;
}

/** Google alone can open it: of its Files API, or in its cloud storage. */
function isOwn(uri: string): boolean {
  return /^gs:|^files\/|\.googleapis\.com\/v[^/]+\/files\//.test(uri);
}

/** YouTube's pages are videos. */
export const youtube: RegExp = /^https?:\/\/(?:www\.|m\.)?(?:youtube\.com|youtu\.be)\//;

function typeOf(mime: string | undefined, uri: unknown): MediaPart["type"] {
  const [kind] = mime?.split("/", 1) ?? [];
  if (kind === "image" || kind === "audio" || kind === "video") return kind;
  return mime === undefined && youtube.test(worded(uri)) ? "video" : "document";
}

function readCall(raw: Json, calls: Calls): ToolCallPart {
  const { id, name = "", args, ...rest } = camel(raw);
  const part: ToolCallPart = {
    type: "tool_call",
    id: string(id) ?? calls.next(),
    name: worded(name),
    arguments: written(object(args) ?? {}),
  };
  calls.asked(part.id, part.name);
  if (Object.keys(rest).length > 0) part.extra = { ...rest };
  return part;
}

/** `{ output }` and `{ error }` are Google's own words for a text, other objects are told as JSON. */
function readResult(raw: Json, calls: Calls): ToolResultPart {
  const { id, name, response, parts, ...rest } = camel(raw);
  const body = object(response) ?? {};
  const part: ToolResultPart = {
    type: "tool_result",
    call_id: calls.answered(string(id), string(name)),
    content: [{ type: "text", text: textOf(body) }],
  };
  set(part, "name", string(name));
  if (body.error !== undefined && body.output === undefined) part.is_error = true;
  for (const one of list(parts)) {
    const media = readMedia(camel(object(one) ?? {}));
    if (media !== undefined) part.content.push(media);
  }
  if (Object.keys(rest).length > 0) part.extra = { ...rest };
  return part;
}

function textOf(body: Json): string {
  const keys = Object.keys(body);
  const only = keys.length === 1 ? body[keys[0]!] : undefined;
  return typeof only === "string" && (keys[0] === "output" || keys[0] === "error")
    ? only
    : written(body);
}
