/**
 * Sources of an answer: Google counts in bytes of UTF-8, citations in characters.
 *
 * @module
 */
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { Citation } from "../../chat.ts";
import { set } from "../openai-chat/expect.ts";

/** Enough for any answer; each costs a walk through the text. */
const most = 512;
const encoder = new TextEncoder();

/** Of `groundingMetadata` and `citationMetadata`. @param text Of the answer, without its thoughts. */
export function readCitations(candidate: Json, text: string): Citation[] {
  const grounding = object(candidate.groundingMetadata);
  const recited = object(candidate.citationMetadata);
  if (grounding === undefined && recited === undefined) return [];
  const place = placer(text);
  const found: Citation[] = [];
  const chunks = list(grounding?.groundingChunks);
  const supports = list(grounding?.groundingSupports).slice(0, most);
  for (const value of supports) {
    const support = object(value);
    const segment = object(support?.segment);
    for (const index of list(support?.groundingChunkIndices).slice(0, 32)) {
      const citation = sourceOf(object(chunks[index as number]));
      if (citation === undefined) continue;
      if (segment !== undefined) place(citation, segment, string(segment.text));
      found.push(citation);
    }
  }
  if (supports.length === 0) {
    for (const chunk of chunks.slice(0, most)) {
      const citation = sourceOf(object(chunk));
      if (citation !== undefined) found.push(citation);
    }
  }
  const sources = list(recited?.citationSources ?? recited?.citations);
  for (const value of sources.slice(0, most)) {
    const source = object(value);
    const url = string(source?.uri);
    if (source === undefined || url === undefined) continue;
    const citation: Citation = { type: "url", url };
    set(citation, "title", string(source.title));
    place(citation, source);
    found.push(citation);
  }
  return found;
}

function sourceOf(chunk: Json | undefined): Citation | undefined {
  const web = object(chunk?.web) ?? object(chunk?.maps) ?? object(chunk?.image);
  const one = web ?? object(chunk?.retrievedContext);
  if (one === undefined) return undefined;
  const url = string(one.uri) ?? string(one.sourceUri);
  const citation: Citation = { type: web !== undefined && url !== undefined ? "url" : "document" };
  set(citation, "url", url);
  set(citation, "title", string(one.title));
  set(citation, "cited_text", string(one.text));
  return citation;
}

/** Sets where in the text a citation holds; the words themselves tell it where the bytes do not. */
function placer(text: string): (citation: Citation, range: Json, words?: string) => void {
  const bytes = encoder.encode(text);
  const decoder = new TextDecoder();
  const chars = (offset: number): number =>
    bytes.length === text.length
      ? Math.min(offset, text.length)
      : decoder.decode(bytes.subarray(0, offset)).length;
  return (citation, { startIndex = 0, endIndex }, words) => {
    if (typeof startIndex !== "number" || typeof endIndex !== "number") return;
    if (!(startIndex >= 0 && endIndex >= startIndex)) return;
    let start = chars(startIndex);
    let end = chars(endIndex);
    if (words !== undefined && text.slice(start, end) !== words) {
      const at = text.indexOf(words);
      if (at >= 0) [start, end] = [at, at + words.length];
    }
    citation.start = start;
    citation.end = end;
  };
}

/** `groundingMetadata` for citations of any provider. */
export function writeGrounding(citations: readonly Citation[], text: string): Json {
  const groundingChunks: Json[] = [];
  const indices = new Map<string, number>();
  const supports = new Map<string, { segment: Json; groundingChunkIndices: number[] }>();
  for (const citation of citations.slice(0, most)) {
    const { url, title, cited_text, start, end } = citation;
    const key = `${url} ${title} ${url === undefined ? cited_text : ""}`;
    let index = indices.get(key);
    if (index === undefined) {
      index = groundingChunks.push(chunkOf(citation)) - 1;
      indices.set(key, index);
    }
    if (start === undefined || end === undefined) continue;
    const range = `${start} ${end}`;
    const had = supports.get(range);
    if (had !== undefined) {
      if (!had.groundingChunkIndices.includes(index)) had.groundingChunkIndices.push(index);
      continue;
    }
    supports.set(range, {
      segment: {
        startIndex: encoder.encode(text.slice(0, start)).length,
        endIndex: encoder.encode(text.slice(0, end)).length,
        text: text.slice(start, end),
      },
      groundingChunkIndices: [index],
    });
  }
  return { groundingChunks, groundingSupports: [...supports.values()] };
}

function chunkOf({ type, url, title, cited_text }: Citation): Json {
  const about = { ...url !== undefined && { uri: url }, ...title !== undefined && { title } };
  if (type === "url") return { web: about };
  return { retrievedContext: { ...about, ...cited_text !== undefined && { text: cited_text } } };
}
