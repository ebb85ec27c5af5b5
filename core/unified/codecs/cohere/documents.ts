/**
 * Documents and citations. A document of Cohere's is a dictionary: a title and a text are that, any other
 * is carried as its JSON.
 *
 * @module
 */
import { type Json, list, object, parse, string, written } from "../../../formats/json.ts";
import type { Citation, MediaPart } from "../../chat.ts";
import { unbase64 } from "../bedrock/marks.ts";

const json = "application/json";

/** A string, or `{ id?, data }`; nothing for what is neither. */
export function readDocument(value: unknown): MediaPart | undefined {
  if (typeof value === "string") return { type: "document", source: { kind: "text", text: value } };
  const from = object(value);
  // In results of tools the data is mostly the text of JSON.
  const whole = string(from?.data);
  const data = whole === undefined ? object(from?.data) : object(parse(whole)) ?? { text: whole };
  if (from === undefined || data === undefined) return undefined;
  const { title, text, ...more } = data;
  const plain = typeof text === "string" && Object.keys(more).length === 0 &&
    (title === undefined || string(title) !== undefined);
  const part: MediaPart = {
    type: "document",
    source: plain ? { kind: "text", text } : { kind: "text", text: written(data), mime: json },
  };
  if (plain && title !== undefined) part.name = title as string;
  const id = string(from.id);
  if (id !== undefined) part.id = id;
  return part;
}

/** `{ id?, data }`; nothing for what is no text. */
export function writeDocument(part: MediaPart): Json | undefined {
  const text = textOf(part);
  if (text === undefined) return undefined;
  const { source, name, id } = part;
  const told = source.kind === "text" && source.mime === json ? object(parse(text)) : undefined;
  return {
    ...id !== undefined && { id },
    data: told ?? { ...name !== undefined && { title: name }, text },
  };
}

function textOf({ source }: MediaPart): string | undefined {
  switch (source.kind) {
    case "text":
      return source.text;
    case "parts":
      return source.parts.map((one) => one.type === "text" ? one.text : "").join("\n");
    case "base64":
      return /^text\/|^application\/(?:json|xml|yaml|x-yaml|javascript)\b/.test(source.mime)
        ? unbase64(source.data)
        : undefined;
  }
  return undefined;
}

/** Ids of documents that have none of their own, by which a citation finds them. */
export function idOf(index: number): string {
  return `doc:${index}`;
}

/** One of `citations`, as a citation for each of its sources. */
export function readCitation(value: unknown): Citation[] {
  const from = object(value);
  if (from === undefined) return [];
  const range: Pick<Citation, "start" | "end"> = {};
  if (Number.isInteger(from.start)) range.start = from.start as number;
  if (Number.isInteger(from.end)) range.end = from.end as number;
  return list(from.sources).flatMap((one) => {
    const source = object(one);
    if (source === undefined) return [];
    const output = object(source.tool_output);
    const data = object(source.document) ?? output ?? {};
    const citation: Citation = { type: "document", ...range, extra: { source } };
    const url = string(data.url);
    if (url !== undefined && /^https?:/.test(url)) Object.assign(citation, { type: "url", url });
    const title = string(data.title);
    if (title !== undefined) citation.title = title;
    const cited = string(data.text) ?? string(data.snippet) ?? string(data.content) ??
      (output && written(output));
    if (cited !== undefined) citation.cited_text = cited;
    const index = /^doc:(\d{1,6})$/.exec(string(source.id) ?? "")?.[1];
    if (index !== undefined) citation.document_index = Number(index);
    if (from.type === "PLAN") citation.extra!.type = from.type;
    return [citation];
  });
}

/**
 * `citations` for a text of the answer. Those of the same words are one, with several sources.
 *
 * @param index Of the text among the answer's content.
 */
export function writeCitations(
  citations: readonly Citation[],
  text: string,
  index: number,
): Json[] {
  const out: (Json & { sources: Json[] })[] = [];
  for (const { extra, start = 0, end = text.length, ...rest } of citations) {
    const source = object(extra?.source) ?? sourceFor(rest);
    const last = out.at(-1);
    if (last !== undefined && last.start === start && last.end === end) last.sources.push(source);
    else {
      const type = extra?.type === "PLAN" ? "PLAN" : "TEXT_CONTENT";
      const one = { start, end, text: text.slice(start, end), sources: [source], type };
      out.push(index === 0 ? one : { ...one, content_index: index });
    }
  }
  return out;
}

function sourceFor({ url, title, cited_text, document_index, file_id }: Citation): Json {
  const id = url ?? (document_index === undefined ? file_id ?? idOf(0) : idOf(document_index));
  return {
    type: "document",
    id,
    document: {
      id,
      ...title !== undefined && { title },
      ...cited_text !== undefined && { text: cited_text },
      ...url !== undefined && { url },
    },
  };
}
