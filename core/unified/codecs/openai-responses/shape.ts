/**
 * Small things that reading and writing of Responses have in common.
 *
 * @module
 */
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { ChatFormat, Citation, Part, TokenLogprob } from "../../chat.ts";

/** The format of this folder. */
export const format = "openai-responses" satisfies ChatFormat;

/** What is left of an object without what was read, nulls included; nothing when that is all. */
export function rest(body: Json, ...read: string[]): Json | undefined {
  let left: Json | undefined;
  for (const [key, value] of Object.entries(body)) {
    if (value === null || value === undefined || key === "__proto__") continue;
    if (!read.includes(key)) (left ??= {})[key] = value;
  }
  return left;
}

/** Ids of ours have this in them, so that it is known whose they are. */
const ours = "_sl";

/** Id of a response, the same for the same request; hex digits after `resp_sl`. */
export function responseId(requestId: string): string {
  return `resp${ours}${requestId.toLowerCase().replace(/[^0-9a-f]/g, "")}`;
}

/** Id of an item of a response: `0`, `1`, ... of its output, `i0`, ... of its input. */
export function itemId(kind: string, response: string, place: number | string): string {
  return `${kind}_${response.slice("resp_".length)}_${place}`;
}

/** The response of ours that an item's id belongs to. */
export function responseOfItem(id: string): string | undefined {
  const found = /^[a-z]+_(sl[0-9a-f]{1,40})_i?\d+$/.exec(id)?.[1];
  return found === undefined ? undefined : `resp_${found}`;
}

/** Whether an id, of a response or an item, was made by this gateway. */
export function isOurs(id: string | undefined): boolean {
  return id !== undefined && /^[a-z]+_sl[0-9a-f]{1,40}(?:_i?\d+)?$/.test(id);
}

/** Text of which nothing but the text is to be said. */
export function plainText(parts: readonly Part[]): string | undefined {
  if (parts.length !== 1) return undefined;
  const part = parts[0]!;
  const plain = part.type === "text" && part.extra === undefined && part.cache === undefined &&
    (part.citations?.length ?? 0) === 0;
  return plain ? part.text : undefined;
}

/** How likely tokens were, as `logprobs` of an `output_text` tells it. */
export function logprobsOf(value: unknown): TokenLogprob[] | undefined {
  const found: TokenLogprob[] = [];
  for (const item of list(value)) {
    const one = score(item);
    if (one === undefined) continue;
    const top = list(object(item)!.top_logprobs).flatMap((other) => score(other) ?? []);
    found.push(top.length > 0 ? { ...one, top } : one);
  }
  return found.length > 0 ? found : undefined;
}

function score(item: unknown): Omit<TokenLogprob, "top"> | undefined {
  const one = object(item);
  if (typeof one?.token !== "string" || typeof one.logprob !== "number") return undefined;
  const { token, logprob } = one;
  return Array.isArray(one.bytes) ? { token, logprob, bytes: one.bytes } : { token, logprob };
}

/** The same as Responses spells it. */
export function logprobsTo(scores: readonly TokenLogprob[]): Json[] {
  return scores.map(({ token, logprob, bytes, top }) => ({
    token,
    bytes: bytes ?? [],
    logprob,
    top_logprobs: (top ?? []).map((one) => ({ ...one, bytes: one.bytes ?? [] })),
  }));
}

/** An annotation of an `output_text`; nothing for what is none. */
export function citationOf(value: unknown): Citation | undefined {
  const one = object(value);
  if (one === undefined) return undefined;
  const { type, url, title, start_index, end_index, file_id, filename, ...more } = one;
  const citation: Citation = { type: type === "url_citation" ? "url" : "document" };
  if (typeof url === "string") citation.url = url;
  const name = string(title) ?? string(filename);
  if (name !== undefined) citation.title = name;
  if (typeof start_index === "number") citation.start = start_index;
  if (typeof end_index === "number") citation.end = end_index;
  if (typeof file_id === "string") citation.file_id = file_id;
  const known = type === "url_citation" || type === "file_citation" ||
    type === "container_file_citation";
  const extra = rest(known ? more : { type, ...more });
  if (extra !== undefined) citation.extra = extra;
  return citation;
}

/**
 * A citation as an annotation. One that does not say which characters it supports supports the text so
 * far; a document that has no file id gets one from its place in the request.
 *
 * @param length Characters of the text so far.
 */
export function annotationOf(citation: Citation, length: number): Json {
  const { type, url, title, start = 0, end = length, file_id, document_index } = citation;
  // Another format's says what kind of citation it is, which is none of these.
  const { type: kind, ...foreign } = citation.extra ?? {};
  const extra = kind === undefined || kind === "file_path" ? citation.extra : undefined;
  if (type === "url") {
    const range = { start_index: start, end_index: end };
    return {
      type: "url_citation",
      ...range,
      url: url ?? "",
      title: title ?? url ?? "",
      ...foreign,
    };
  }
  const id = file_id ?? `document_${document_index ?? 0}`;
  if (extra?.type === "file_path") return { file_id: id, ...extra };
  const file = { file_id: id, filename: title ?? "" };
  return extra?.container_id === undefined
    ? { type: "file_citation", index: start, ...file, ...extra }
    : {
      type: "container_file_citation",
      ...file,
      start_index: start,
      end_index: end,
      ...extra,
    };
}
