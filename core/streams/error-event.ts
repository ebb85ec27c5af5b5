/**
 * The last event of a stream that did not come to its end: an error in the stream's own format, so that
 * whoever reads it knows.
 *
 * @module
 */
import type { FormatName } from "../provider.ts";
import { awsException } from "./aws-exception.ts";

/** The stream that is to end. */
export interface Unended {
  contentType: string;
  /** After the provider's slug, no query. */
  path: string;
  /** Of the provider's row; asked where the path does not tell. */
  format: FormatName | undefined;
  /** Last bytes that were sent, as far as they are known; nothing of them is repeated. */
  tail?: Uint8Array | undefined;
}

/** What happened to it. */
export interface Mishap {
  /** `upstream_cut` or `upstream_stalled`. */
  code: string;
  message: string;
}

/** How a body that comes piece by piece is framed. */
type Shape = "sse" | "lines" | "aws" | "list";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a body of this type and path is made of when it is a stream of events; else nothing. */
export function streamShape(contentType: string, path: string): Shape | undefined {
  const type = contentType.split(";", 1)[0]!.trim().toLowerCase();
  switch (type) {
    case "text/event-stream":
      return "sse";
    case "application/vnd.amazon.eventstream":
      return "aws";
    case "application/x-ndjson":
    case "application/ndjson":
    case "application/jsonl":
    case "application/x-jsonlines":
    case "application/stream+json":
      return "lines";
    case "application/json":
      // Google, where nobody asked for `alt=sse`: an array, element by element.
      return /:stream\w+$/.test(path) ? "list" : undefined;
    default:
      return undefined;
  }
}

/** The event, with whatever has to stand before it; nothing for a body that is no stream of events. */
export function errorEvent(stream: Unended, what: Mishap): Uint8Array | undefined {
  const { tail = new Uint8Array(0) } = stream;
  switch (streamShape(stream.contentType, stream.path)) {
    case "aws":
      // Its SDKs know it as an error in the middle of a stream, and that it may be tried again.
      return awsException("modelStreamErrorException", { message: what.message });
    case "lines":
      return encoder.encode(`${endsLine(tail) ? "" : "\n"}${lineOf(stream, what)}\n`);
    case "list":
      if (ascii(tail).trimEnd().endsWith("]")) return undefined; // nothing can follow
      return encoder.encode(`${beforeElement(tail)}${JSON.stringify(googleError(what))}\n]`);
    case "sse":
      return encoder.encode(`${beforeEvent(tail)}${eventOf(stream, what)}\n\n`);
    default:
      return undefined;
  }
}

/** Ends a line, and an event, that was cut in the middle. */
function beforeEvent(tail: Uint8Array): string {
  if (tail.length === 0 || /(?:\n\n|\r\n\r\n|\r\r)$/.test(ascii(tail))) return "";
  return endsLine(tail) ? "\n" : "\n\n";
}

function endsLine(tail: Uint8Array): boolean {
  return tail.length === 0 || tail.at(-1) === 0x0a;
}

/** In an array that was cut between two elements; one that was cut elsewhere cannot be mended. */
function beforeElement(tail: Uint8Array): string {
  const last = ascii(tail).trimEnd().at(-1);
  return last === undefined ? "[" : last === "[" || last === "," ? "\n" : ",\n";
}

function ascii(tail: Uint8Array): string {
  return String.fromCharCode(...tail.subarray(-16));
}

/** One server-sent event, without the blank line behind it. */
function eventOf(stream: Unended, { code, message }: Mishap): string {
  const error = { message, type: "api_error", param: null, code };
  const named = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}`;
  switch (dialectOf(stream)) {
    case "openai-chat":
      // Clients of this format know no names of events.
      return `data: ${JSON.stringify({ error })}`;
    case "openai-responses":
      // OpenAI documents the members at the top, sends `error` as well, and its SDK looks there.
      return named("error", {
        type: "error",
        code,
        message,
        param: null,
        sequence_number: nextNumber(stream.tail),
        error,
      });
    case "anthropic":
      return named("error", { type: "error", error: { type: "api_error", message } });
    case "gemini":
      return `data: ${JSON.stringify(googleError({ code, message }))}`;
    case "gemini-interactions":
      return named("error", { event_type: "error", error: { code, message } });
    case "cohere":
      return named("message-end", {
        type: "message-end",
        delta: { finish_reason: "ERROR", usage: {}, error: message, error_type: code },
      }) + "\n\ndata: [DONE]";
    default:
      // The SDKs of OpenAI, Anthropic, Google, Replicate and Hugging Face all take this for an error.
      return named("error", { type: "error", error });
  }
}

/** The path tells more than the provider: many speak several formats. */
function dialectOf({ path, format }: Unended): string | undefined {
  if (/(?:^|\/)completions$/.test(path)) return "openai-chat";
  if (/(?:^|\/)responses(?:$|\/)/.test(path)) return "openai-responses";
  if (/(?:^|\/)(?:messages|complete)$|\/anthropic\/models\/[^/]+:streamRawPredict$/.test(path)) {
    return "anthropic";
  }
  if (/:streamGenerateContent$/.test(path)) return "gemini";
  if (/(?:^|\/)interactions(?:$|\/)/.test(path)) return "gemini-interactions";
  if (format === "cohere-v2" && /(?:^|\/)chat$/.test(path)) return "cohere";
  return undefined;
}

/** The last line of a stream of JSON lines. */
function lineOf({ format }: Unended, { code, message }: Mishap): string {
  // Version 1 of Cohere's API ends with an event of this name, come what may.
  const cohere = { is_finished: true, event_type: "stream-end", finish_reason: "ERROR" };
  // Ollama's clients show `error` as it is.
  return JSON.stringify({ ...format === "cohere-v2" && cohere, error: message, error_type: code });
}

/** As Google reports what its servers cannot do. */
function googleError({ message, code }: Mishap): unknown {
  const stalled = code === "upstream_stalled";
  return {
    error: {
      code: stalled ? 504 : 503,
      message,
      status: stalled ? "DEADLINE_EXCEEDED" : "UNAVAILABLE",
    },
  };
}

/** Events of Responses are numbered. */
function nextNumber(tail: Uint8Array | undefined): number {
  const text = tail === undefined ? "" : decoder.decode(tail.subarray(-16_384));
  let last: string | undefined;
  for (const [, number] of text.matchAll(/"sequence_number"\s*:\s*(\d{1,15})(?!\d)/g)) {
    last = number;
  }
  return last === undefined ? 0 : Number(last) + 1;
}
