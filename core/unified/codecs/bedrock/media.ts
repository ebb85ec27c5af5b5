/**
 * Images, sound, films and documents. Bytes are base64; what lies elsewhere has to lie in S3.
 *
 * @module
 */
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { MediaPart, MediaSource, Part, TextPart } from "../../chat.ts";
import { base64, own } from "./marks.ts";

/** Formats that a mime type does not spell, by kind. */
const mimes: Readonly<Record<MediaPart["type"], Readonly<Record<string, string>>>> = {
  image: { png: "image/png", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp" },
  audio: {
    mp3: "audio/mpeg",
    mpga: "audio/mpga",
    wav: "audio/wav",
    aac: "audio/aac",
    "x-aac": "audio/x-aac",
    flac: "audio/flac",
    m4a: "audio/m4a",
    mka: "audio/x-matroska",
    mkv: "audio/mkv",
    mp4: "audio/mp4",
    mpeg: "audio/mpeg",
    ogg: "audio/ogg",
    opus: "audio/opus",
    pcm: "audio/pcm",
    webm: "audio/webm",
  },
  video: {
    mp4: "video/mp4",
    mov: "video/quicktime",
    mkv: "video/x-matroska",
    webm: "video/webm",
    flv: "video/x-flv",
    mpeg: "video/mpeg",
    mpg: "video/mpg",
    wmv: "video/x-ms-wmv",
    three_gp: "video/3gpp",
  },
  document: {
    pdf: "application/pdf",
    csv: "text/csv",
    doc: "application/msword",
    docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    xls: "application/vnd.ms-excel",
    xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    html: "text/html",
    txt: "text/plain",
    md: "text/markdown",
  },
};
const aliases: Readonly<Record<string, string>> = {
  "image/jpg": "jpeg",
  "audio/mp3": "mp3",
  "audio/x-wav": "wav",
  "audio/wave": "wav",
  "audio/x-m4a": "m4a",
};

function formatOf(type: MediaPart["type"], mime: string | undefined): string | undefined {
  if (mime === undefined) return undefined;
  const plain = mime.split(";", 1)[0]!.trim().toLowerCase();
  if (Object.hasOwn(aliases, plain)) return aliases[plain];
  for (const format in mimes[type]) if (mimes[type][format] === plain) return format;
  // Any other text is read as one.
  const readable = /^text\/|^application\/(?:json|xml|yaml|x-yaml|javascript)$/.test(plain);
  return type === "document" && readable ? "txt" : undefined;
}

/** The part for a block's value; nothing for one without a source. */
export function readMedia(type: MediaPart["type"], value: Json): MediaPart | undefined {
  const format = string(value.format) ?? "";
  const known = mimes[type];
  const mime = Object.hasOwn(known, format) ? known[format] : undefined;
  const source = object(value.source);
  const read = source &&
    sourceOf(source, mime ?? (format === "" ? undefined : `${type}/${format}`));
  if (read === undefined) return undefined;
  const part: MediaPart = { type, source: read };
  const name = string(value.name);
  if (name !== undefined) part.name = name;
  const extra: Json = {};
  const owner = string(object(source?.s3Location)?.bucketOwner);
  if (owner !== undefined) extra.bucketOwner = owner;
  for (const key of ["context", "citations"]) if (value[key] != null) extra[key] = value[key];
  if (Object.keys(extra).length > 0) part.extra = extra;
  return part;
}

function sourceOf(source: Json, mime: string | undefined): MediaSource | undefined {
  const { bytes, text, content } = source;
  const uri = string(object(source.s3Location)?.uri);
  if (typeof bytes === "string") {
    return { kind: "base64", mime: mime ?? "application/octet-stream", data: bytes };
  }
  // A bucket that Amazon alone can open.
  if (uri !== undefined) {
    return { kind: "file", id: uri, format: own, ...mime !== undefined && { mime } };
  }
  if (typeof text === "string") return { kind: "text", text, ...mime !== undefined && { mime } };
  return Array.isArray(content) ? { kind: "parts", parts: textsOf(content) } : undefined;
}

/** The texts among blocks of `{ text }`. */
export function textsOf(content: unknown): TextPart[] {
  return list(content).flatMap((one) => {
    const text = object(one)?.text;
    return typeof text === "string" ? [{ type: "text", text }] : [];
  });
}

/**
 * A block's value; nothing where it cannot be said.
 *
 * @param same The part was read from this format.
 * @param naming Makes a document's name one that no other has.
 */
export function writeMedia(
  part: MediaPart,
  same: boolean,
  naming: (name: string) => string,
): Json | undefined {
  const { type, source } = part;
  if (source.kind === "file" && source.format !== own) return undefined;
  const format = formatOf(type, source.kind === "parts" ? "text/plain" : source.mime) ??
    (type === "document" && source.kind === "text" ? "txt" : formatOfName(type, source, part.name));
  if (format === undefined) return undefined;
  const written = sourceFor(source, part, same);
  if (written === undefined) return undefined;
  const block: Json = { format, source: written };
  if (type !== "document") return block;
  if (same && source.kind !== "base64" && !("mime" in source)) delete block.format;
  block.name = naming(part.name ?? "");
  const { context, citations } = part.extra ?? {};
  if (context !== undefined) block.context = context;
  if (citations !== undefined) block.citations = citations;
  return block;
}

/** By the end of a name or URL, where no type is told. */
function formatOfName(type: MediaPart["type"], source: MediaSource, name = ""): string | undefined {
  if ("mime" in source && source.mime !== undefined && source.mime !== "application/octet-stream") {
    return undefined;
  }
  const place = source.kind === "url" ? source.url : source.kind === "file" ? source.id : name;
  const end = /\.(\w+)$/.exec(place)?.[1]?.toLowerCase() ?? "";
  if (end === "jpg") return type === "image" ? "jpeg" : undefined;
  return Object.hasOwn(mimes[type], end) ? end : undefined;
}

function sourceFor(source: MediaSource, part: MediaPart, same: boolean): Json | undefined {
  switch (source.kind) {
    case "base64":
      return { bytes: source.data };
    case "file":
    case "url": {
      const uri = source.kind === "url" ? source.url : source.id;
      if (!uri.startsWith("s3://")) return undefined;
      const bucketOwner = same ? string(part.extra?.bucketOwner) : undefined;
      return {
        s3Location: { uri, ...bucketOwner !== undefined && { bucketOwner } },
      };
    }
    case "text":
      // Text as it is goes with citations only, in which its places are told.
      return same || isCited(part) ? { text: source.text } : { bytes: base64(source.text) };
    case "parts":
      if (same || isCited(part)) {
        return { content: source.parts.filter(isText).map(({ text }) => ({ text })) };
      }
      return { bytes: base64(source.parts.filter(isText).map(({ text }) => text).join("\n")) };
  }
  return undefined;
}

function isCited({ extra }: MediaPart): boolean {
  return object(extra?.citations)?.enabled === true;
}

/** The part is text. */
export function isText(part: Part): part is TextPart {
  return part.type === "text" && part.text.trim() !== "";
}

/** Makes names of documents in Bedrock's alphabet, each one once. */
export function namer(): (name: string) => string {
  const taken = new Set<string>();
  return (name) => {
    const clean = name.replace(/[^A-Za-z0-9\s\-()[\]]+/g, "-").replace(/\s+/g, " ").trim()
      .slice(0, 190) || "document";
    let one = clean;
    for (let count = 2; taken.has(one); count++) one = `${clean}-${count}`;
    taken.add(one);
    return one;
  };
}
