/**
 * What a request tells: which model, whether it wants a stream, and all of its text, to estimate tokens
 * where the provider reports none.
 *
 * @module
 */
import { decoder } from "./frames.ts";
import { type Json, object, parse, string, written } from "./json.ts";
import { parseBeginning } from "./partial-json.ts";

/** A request as far as it was kept. */
export interface Sent {
  /** As the header has it; may be empty. */
  contentType: string;
  /** After the slug, no query. */
  path: string;
  /** The body, or its beginning. */
  body: Uint8Array;
}

/** What it tells; the body is read when the first member is asked for. */
export interface Request {
  /** `model` of the body (or `model_id`); absent where the path names it. */
  readonly model?: string;
  /** What the body says; else true where the path asks for a stream, absent where neither tells. */
  readonly stream?: boolean;
  /** System prompt, messages, documents, definitions of tools, ..., a line each; media left out. */
  text(): string;
}

/** Reads a request. Never throws. */
export function readRequest({ contentType, path, body }: Sent): Request {
  let read: Json | undefined;
  const fields = (): Json => read ??= fieldsOf(contentType, body);
  return {
    get model() {
      const model = string(fields().model) ?? string(fields().model_id);
      return model !== undefined && model.length <= 256 ? model : undefined;
    },
    get stream() {
      const { stream } = fields();
      if (typeof stream === "boolean") return stream;
      if (stream === "true" || stream === "false") return stream === "true"; // of a form
      return /:stream\w+$|-stream$/.test(path) || undefined;
    },
    text: () => textOf(fields()),
  } as Request;
}

function fieldsOf(contentType: string, body: Uint8Array): Json {
  const boundary = /^multipart\/form-data\b.*?;\s*boundary=(?:"([^"]{1,200})"|([^;\s]{1,200}))/i
    .exec(contentType);
  if (boundary !== null) return formFields(body, boundary[1] ?? boundary[2]!);
  const first = body.find((byte) => byte > 0x20);
  if (first !== 0x7b && first !== 0xef) return {};
  const text = decoder.decode(body);
  return object(parse(text) ?? parseBeginning(text)) ?? {};
}

/** Most bytes of a form to look through, at its beginning and at its end: files are between. */
const formLimit = 64 * 1024;

/** The fields of a form that are no files. */
function formFields(body: Uint8Array, boundary: string): Json {
  const fields: Json = Object.create(null);
  const parts = body.length <= 2 * formLimit
    ? [body]
    : [body.subarray(0, formLimit), body.subarray(-formLimit)];
  for (const part of parts) {
    // What stands before the first boundary is a preamble, or the end of a file.
    for (const section of decoder.decode(part).split(`--${boundary}`).slice(1, 65)) {
      const blank = section.indexOf("\r\n\r\n");
      const end = section.lastIndexOf("\r\n");
      if (blank < 0 || end < blank + 4) continue;
      const head = section.slice(0, blank);
      const name = /;\s*name="([^"]{1,100})"/i.exec(head)?.[1];
      if (name === undefined || /;\s*filename\*?=/i.test(head)) continue;
      fields[name] = section.slice(blank + 4, end);
    }
  }
  return fields;
}

/** Members of the body that hold what the model is to read, of all formats. */
const prompts =
  /^(?:system|messages?|inputs?|inputText|contents?|prompt|suffix|instructions?|system_?instruction|documents|query|queries|texts?|preamble|chat_history|instances|transcript|contexts|image_request|requests|generateContentRequest|singleEmbeddingParams)$/i;
/** Definitions: names and keys of a schema are text as well. */
const schemas =
  /^(?:tools|functions|toolConfig|response_format|responseSchema|responseJsonSchema|output_config)$/;
/** Members inside them that are no text: ids, media, signatures. */
const silent = new Set([
  "type",
  "model",
  "role",
  "id",
  "call_id",
  "tool_call_id",
  "tool_use_id",
  "toolUseId",
  "file_id",
  "file_data",
  "file_url",
  "fileUri",
  "gcsUri",
  "url",
  "uri",
  "image_url",
  "images",
  "audio",
  "input_audio",
  "inlineData",
  "inline_data",
  "bytes",
  "data",
  "b64_json",
  "signature",
  "thoughtSignature",
  "thought_signature",
  "encrypted_content",
  "cache_control",
  "mimeType",
  "mime_type",
  "media_type",
  "embeddingPurpose",
  "truncationMode",
]);
/** Deeper than any request; a hostile one ends here. */
const deepest = 64;

function textOf(fields: Json): string {
  const lines: string[] = [];
  for (const key in fields) {
    if (prompts.test(key)) collect(fields[key], lines, 0);
    else if (schemas.test(key)) lines.push(written(fields[key]));
  }
  return lines.join("\n");
}

function collect(value: unknown, lines: string[], depth: number): void {
  if (depth > deepest) return;
  if (typeof value === "string") {
    if (value !== "" && !/^data:[\w/+.-]+;base64,/.test(value)) lines.push(value);
  } else if (Array.isArray(value)) {
    for (const item of value) collect(item, lines, depth + 1);
  } else if (typeof value === "object" && value !== null) {
    for (const key in value) {
      const member = (value as Json)[key];
      // Cohere's documents have their text in `data`.
      const text = key === "data" && typeof member === "object" || !silent.has(key);
      if (text) collect(member, lines, depth + 1);
    }
  }
}
