/**
 * A whole answer of whoever speaks Chat Completions.
 *
 * @module
 */
import { settle } from "../../../formats/counts.ts";
import { type Json, list, object, string, written } from "../../../formats/json.ts";
import { openAIUsage } from "../../../formats/openai-usage.ts";
import { Code, GatewayError } from "../../../error.ts";
import type { Usage } from "../../../usage/usage.ts";
import type {
  ChatAnswer,
  Choice,
  Citation,
  Finish,
  MediaPart,
  Part,
  TextPart,
  TokenLogprob,
  ToolCallPart,
} from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { callId } from "../../ids.ts";
import { rest, set } from "./expect.ts";
import { readFault } from "./fault.ts";
import { readMedia } from "./media.ts";
import { thinkingOf } from "./messages-read.ts";
import { readGoogle, readThoughts } from "./thoughts.ts";

/** Members of an answer or a chunk that have a place of their own. */
export const ofAnswer: ReadonlySet<string> = new Set([
  "id",
  "object",
  "created",
  "model",
  "choices",
  "usage",
  "service_tier",
  "system_fingerprint",
  "obfuscation",
]);
/** The same of a choice. */
export const ofChoice: ReadonlySet<string> = new Set([
  "index",
  "message",
  "delta",
  "finish_reason",
  "stop_reason",
  "logprobs",
  "usage",
  "text",
]);
const ofMessage = new Set([
  "role",
  "content",
  "refusal",
  "annotations",
  "audio",
  "images",
  "function_call",
  "tool_calls",
  "reasoning",
  "reasoning_content",
  "reasoning_details",
  "extra_content",
  "thought_signature",
  "index",
]);

/**
 * See `ChatCodec.readAnswer`.
 *
 * @throws GatewayError with the provider's own message where the body is an error, or no chat.
 */
export function readAnswer(body: Json, target: Target): ChatAnswer {
  // Workers AI wraps what its native endpoint gives.
  const one = Array.isArray(body.choices) ? body : object(body.result) ?? body;
  if (!Array.isArray(one.choices)) {
    const fault = readFault(502, body);
    throw new GatewayError(fault.status, Code.upstreamFailed, fault.message);
  }
  const answer: ChatAnswer = {
    format: "openai-chat",
    id: string(one.id) ?? "",
    model: string(one.model) ?? "",
    choices: [],
  };
  if (typeof one.created === "number") answer.created = one.created;
  const calls = { count: 0 };
  for (const [i, value] of one.choices.entries()) {
    const choice = object(value);
    if (choice !== undefined) answer.choices.push(readChoice(choice, i, one, target, calls));
  }
  set(answer, "usage", usageOf(one, target));
  set(answer, "service_tier", string(one.service_tier));
  set(answer, "fingerprint", string(one.system_fingerprint));
  set(answer, "extra", rest(one, ofAnswer));
  return answer;
}

/** Usage where somebody puts it: Groq, Moonshot. */
export function usageOf(body: Json, { provider }: Target): Usage | undefined {
  const usage = object(body.usage) ?? object(object(body.x_groq)?.usage) ??
    object(object(list(body.choices)[0])?.usage);
  return usage === undefined ? undefined : settle(openAIUsage(usage, { provider, path: "" }));
}

function readChoice(
  choice: Json,
  position: number,
  body: Json,
  target: Target,
  calls: { count: number },
): Choice {
  const message = object(choice.message) ?? {};
  const parts: Part[] = readThoughts(message);
  const text = readText(message, parts);
  if (text === undefined && typeof choice.text === "string") {
    parts.push({ type: "text", text: choice.text });
  }
  const refusal = string(message.refusal);
  if (refusal !== undefined) parts.push({ type: "refusal", text: refusal });
  for (const image of list(message.images)) {
    const part = readImage(image);
    if (part !== undefined) parts.push(part);
  }
  const audio = object(message.audio);
  if (audio !== undefined) parts.push(readAudio(audio, "audio/wav"));
  let called = false;
  for (const value of callsOf(message)) {
    const call = object(value);
    const part = call === undefined ? undefined : readCall(call);
    if (part === undefined) continue;
    called = true;
    part.id ||= callId(target.requestId, calls.count);
    calls.count++;
    parts.push(part);
  }
  let citations = list(message.annotations).flatMap(citationOf);
  if (citations.length === 0) citations = sourcesOf(body);
  if (citations.length > 0) {
    const cited = parts.findLast((part): part is TextPart => part.type === "text");
    if (cited !== undefined) cited.citations = citations;
  }
  const read: Choice = {
    index: typeof choice.index === "number" ? choice.index : position,
    parts,
    finish: finishOf(choice.finish_reason, called, refusal !== undefined),
  };
  const stop = string(choice.stop_reason);
  if (stop !== undefined && read.finish === "stop") {
    read.finish = "stop_sequence"; // vLLM
    read.stop_sequence = stop;
  }
  set(read, "logprobs", logprobsOf(choice.logprobs));
  let extra = rest(choice, ofChoice);
  const more = rest(message, ofMessage);
  if (more !== undefined) extra = { ...extra, message: more };
  set(read, "extra", extra);
  return read;
}

/** Adds the text of a message; Mistral has its thoughts among it. */
function readText(message: Json, parts: Part[]): TextPart | undefined {
  const { content } = message;
  let text: TextPart | undefined;
  if (typeof content === "string") {
    // Beside calls and refusals it is often there and empty.
    if (content !== "") text = { type: "text", text: content };
  } else {
    for (const value of list(content)) {
      const one = object(value);
      if (one?.type === "thinking") parts.push({ type: "reasoning", text: thinkingOf(one) });
      else if (typeof one?.text === "string") {
        if (text === undefined) text = { type: "text", text: one.text };
        else text.text += one.text;
      }
    }
  }
  const signature = readGoogle(message);
  if (signature !== undefined) (text ??= { type: "text", text: "" }).signature = signature;
  if (text !== undefined) parts.push(text);
  return text;
}

function callsOf(message: Json): readonly unknown[] {
  const calls = list(message.tool_calls);
  const old = object(message.function_call);
  return old === undefined ? calls : [...calls, { function: old }];
}

function readCall(call: Json): ToolCallPart | undefined {
  const custom = object(call.custom);
  const fn = custom ?? object(call.function) ?? call;
  const name = string(fn.name);
  if (name === undefined) return undefined;
  const part: ToolCallPart = {
    type: "tool_call",
    id: string(call.id) ?? "",
    name,
    arguments: custom === undefined ? argumentsOf(fn.arguments) || "{}" : argumentsOf(fn.input),
  };
  if (custom !== undefined) part.custom = true;
  set(part, "signature", readGoogle(call));
  return part;
}

/** Some have an object where text belongs. */
export function argumentsOf(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : written(value);
}

/** `{ image_url: { url } }` as OpenRouter has it. */
export function readImage(value: unknown): MediaPart | undefined {
  const one = object(value);
  return one === undefined ? undefined : readMedia({ ...one, type: "image_url" });
}

/** Sound that the model spoke. */
export function readAudio(audio: Json, mime: string): MediaPart {
  const part: MediaPart = {
    type: "audio",
    source: { kind: "base64", mime, data: string(audio.data) ?? "" },
  };
  set(part, "id", string(audio.id));
  set(part, "transcript", string(audio.transcript));
  if (typeof audio.expires_at === "number") part.extra = { expires_at: audio.expires_at };
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
