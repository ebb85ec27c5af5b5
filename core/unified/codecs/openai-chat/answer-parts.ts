/**
 * Pieces of an answer, as the dialects of Chat Completions have them.
 *
 * @module
 */
import { settle } from "../../../formats/counts.ts";
import { type Json, list, object, string, written } from "../../../formats/json.ts";
import { openAIUsage } from "../../../formats/openai-usage.ts";
import type { Usage } from "../../../usage/usage.ts";
import type { Citation, Finish, MediaPart, TokenLogprob } from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { set } from "./expect.ts";

/** Usage where somebody puts it: Groq, Moonshot. */
export function usageOf(body: Json, { provider }: Target): Usage | undefined {
  const usage = object(body.usage) ?? object(object(body.x_groq)?.usage) ??
    object(object(list(body.choices)[0])?.usage);
  return usage === undefined ? undefined : settle(openAIUsage(usage, { provider, path: "" }));
}

/** Some have an object where text belongs. */
export function argumentsOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : written(value);
}

/** Sound that the model speaks, as it begins; streams of OpenAI have raw samples only. */
export function readAudio({ id, expires_at }: Json, whole: boolean): MediaPart {
  const part: MediaPart = {
    type: "audio",
    source: { kind: "base64", mime: whole ? "audio/wav" : "audio/pcm", data: "" },
  };
  set(part, "id", string(id));
  if (typeof expires_at === "number") part.extra = { expires_at };
  return part;
}

/** One of `annotations`. */
export function citationOf(value: unknown): Citation[] {
  const one = object(value);
  const inside = object(one?.url_citation) ?? object(one?.file_citation);
  if (inside === undefined) return [];
  const citation: Citation = { type: one?.type === "file_citation" ? "document" : "url" };
  set(citation, "url", string(inside.url));
  set(citation, "title", string(inside.title) ?? string(inside.filename));
  set(citation, "file_id", string(inside.file_id));
  set(citation, "cited_text", string(inside.content) ?? string(inside.quote));
  if (typeof inside.start_index === "number") citation.start = inside.start_index;
  if (typeof inside.end_index === "number") citation.end = inside.end_index;
  return [citation];
}

/** The sources that Perplexity and xAI list beside the choices. */
export function sourcesOf(body: Json): Citation[] {
  const found = list(body.search_results);
  const urls = list(body.citations);
  return (urls.length > 0 ? urls : found).slice(0, 256).flatMap((value, i) => {
    const result = object(value) ?? object(found[i]);
    const url = string(value) ?? string(result?.url);
    if (url === undefined) return [];
    const title = result?.url === url ? string(result.title) : undefined;
    return [{ type: "url", url, ...title !== undefined && { title } }];
  });
}

/** Log probabilities, also in the older shape that Together kept. */
export function logprobsOf(value: unknown): TokenLogprob[] | undefined {
  const one = object(value);
  if (one === undefined) return undefined;
  const given = list(one.content).length > 0 ? list(one.content) : list(one.refusal);
  const tokens = given.flatMap((token) => {
    const read = readToken(token);
    if (read === undefined) return [];
    const top = list(object(token)?.top_logprobs).flatMap((other) => readToken(other) ?? []);
    return [top.length > 0 ? { ...read, top } : read];
  });
  const logprobs = list(one.token_logprobs);
  for (const [i, token] of list(one.tokens).entries()) {
    const logprob = logprobs[i];
    if (typeof token === "string" && typeof logprob === "number") tokens.push({ token, logprob });
  }
  return tokens.length > 0 ? tokens : undefined;
}

function readToken(value: unknown): TokenLogprob | undefined {
  const one = object(value);
  if (typeof one?.token !== "string" || typeof one.logprob !== "number") return undefined;
  const { token, logprob, bytes } = one;
  if (bytes === null) return { token, logprob, bytes };
  return Array.isArray(bytes) ? { token, logprob, bytes } : { token, logprob };
}

/** Words for the end, of all that speak the format. */
const finishes: Readonly<Record<string, Finish>> = {
  stop: "stop",
  eos: "stop",
  eos_token: "stop",
  end_turn: "stop",
  COMPLETE: "stop",
  STOP: "stop",
  stop_sequence: "stop_sequence",
  length: "length",
  max_tokens: "length",
  MAX_TOKENS: "length",
  model_length: "context_window",
  tool_calls: "tool_calls",
  tool_use: "tool_calls",
  function_call: "tool_calls",
  content_filter: "content_filter",
  SAFETY: "content_filter",
  safety: "content_filter",
  refusal: "refusal",
  error: "error",
  insufficient_system_resource: "error",
  malformed_function_call: "malformed",
};

/** Why the model stopped; several say `stop` although it called a tool. */
export function finishOf(word: unknown, called: boolean, refused: boolean): Finish {
  const finish = typeof word === "string" && Object.hasOwn(finishes, word)
    ? finishes[word]!
    : "other";
  if (finish !== "stop" && (finish !== "other" || word)) return finish;
  if (called) return "tool_calls";
  return refused && finish === "stop" ? "refusal" : finish;
}
