/**
 * A whole answer of a Google model.
 *
 * @module
 */
import { Code, GatewayError } from "../../../error.ts";
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { ChatAnswer, Choice, Finish, Part, TextPart, TokenLogprob } from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { callId } from "../../ids.ts";
import { rest, set } from "../openai-chat/expect.ts";
import { readFault } from "./fault.ts";
import { readCitations } from "./grounding.ts";
import { type Calls, readPart } from "./parts-read.ts";
import { readUsage } from "./usage.ts";

/** Members of an answer that have a place of their own. */
const ofAnswer = new Set(["candidates", "modelVersion", "responseId"]);
/** The same of a candidate. */
const ofCandidate = new Set(["content", "index", "finishReason", "logprobsResult"]);

/**
 * See `ChatCodec.readAnswer`.
 *
 * @throws GatewayError with the provider's own message where the body is no answer.
 */
export function readAnswer(body: Json, target: Target): ChatAnswer {
  const candidates = list(body.candidates);
  const feedback = object(body.promptFeedback);
  if (!Array.isArray(body.candidates) && feedback === undefined && !object(body.usageMetadata)) {
    const fault = readFault(502, body);
    throw new GatewayError(fault.status, Code.upstreamFailed, fault.message);
  }
  const answer: ChatAnswer = { format: "gemini", ...aboutAnswer(body, target), choices: [] };
  const calls = new AnswerCalls(target.requestId);
  for (const [i, value] of candidates.entries()) {
    const candidate = object(value);
    if (candidate !== undefined) answer.choices.push(readCandidate(candidate, i, calls));
  }
  if (answer.choices.length === 0) answer.choices.push(blockedChoice(feedback));
  set(answer, "usage", readUsage(body.usageMetadata));
  set(answer, "extra", rest(body, ofAnswer));
  return answer;
}

/** What the first event of a stream tells as well. */
export function aboutAnswer(
  body: Json,
  target: Target,
): Pick<ChatAnswer, "id" | "model" | "created" | "service_tier"> {
  const about: ReturnType<typeof aboutAnswer> = {
    id: string(body.responseId) ?? target.requestId,
    model: string(body.modelVersion) ?? target.model,
  };
  const created = Date.parse(string(body.createTime) ?? "");
  if (!Number.isNaN(created)) about.created = Math.floor(created / 1000);
  const tier = string(object(body.usageMetadata)?.serviceTier)?.toLowerCase();
  if (tier !== undefined) about.service_tier = tier === "standard" ? "default" : tier;
  return about;
}

/** Ids for the calls of one answer. */
export class AnswerCalls implements Calls {
  readonly #requestId: string;
  #made = 0;

  constructor(requestId: string) {
    this.#requestId = requestId;
  }

  next(): string {
    return callId(this.#requestId, this.#made++);
  }

  answered(id: string | undefined): string {
    return id ?? this.next();
  }

  asked(): void {
    // An answer holds no results.
  }
}

function readCandidate(candidate: Json, position: number, calls: Calls): Choice {
  const parts: Part[] = [];
  let text = "";
  let cited: TextPart | undefined;
  for (const value of list(object(candidate.content)?.parts)) {
    const raw = object(value);
    const part = raw === undefined ? undefined : readPart(raw, calls);
    if (part === undefined) continue;
    if (part.type === "text") {
      if (part.text === "" && part.signature === undefined && part.extra === undefined) continue;
      text += part.text;
      cited = part;
    }
    parts.push(part);
  }
  const citations = readCitations(candidate, text);
  if (cited !== undefined && citations.length > 0) cited.citations = citations;
  const called = parts.some(({ type }) => type === "tool_call");
  const choice: Choice = {
    index: typeof candidate.index === "number" ? candidate.index : position,
    parts,
    finish: finishOf(candidate.finishReason, called),
  };
  set(choice, "logprobs", readLogprobs(candidate.logprobsResult));
  set(choice, "extra", candidateExtra(candidate, choice.finish));
  return choice;
}

/** What only Google's clients know of a candidate, and its reason where another one comes back for it. */
export function candidateExtra(candidate: Json, finish: Finish): Json | undefined {
  const extra = rest(candidate, ofCandidate);
  const { finishReason } = candidate;
  if (typeof finishReason !== "string" || reasonFor(finish) === finishReason) return extra;
  return { ...extra, finishReason };
}

/** The prompt was refused, so that there is no candidate. */
export function blockedChoice(feedback: Json | undefined): Choice {
  const text = string(feedback?.blockReasonMessage) ?? string(feedback?.blockReason);
  return text === undefined
    ? { index: 0, parts: [], finish: "other" }
    : { index: 0, parts: [{ type: "refusal", text }], finish: "content_filter" };
}

const finishes: Readonly<Record<string, Finish>> = {
  STOP: "stop",
  MAX_TOKENS: "length",
  SAFETY: "content_filter",
  RECITATION: "content_filter",
  LANGUAGE: "content_filter",
  BLOCKLIST: "content_filter",
  PROHIBITED_CONTENT: "content_filter",
  SPII: "content_filter",
  MODEL_ARMOR: "content_filter",
  JAILBREAK: "content_filter",
  IMAGE_SAFETY: "content_filter",
  IMAGE_PROHIBITED_CONTENT: "content_filter",
  IMAGE_RECITATION: "content_filter",
  MALFORMED_FUNCTION_CALL: "malformed",
  UNEXPECTED_TOOL_CALL: "malformed",
  CONTINUATION: "pause",
};

/** Of those who ask for numbers instead of names. */
const numbered = ["", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION"];

/** A call ends with `STOP` as well. */
export function finishOf(reason: unknown, called: boolean): Finish {
  const word = typeof reason === "number" ? numbered[reason] : reason;
  const finish = typeof word === "string" && Object.hasOwn(finishes, word)
    ? finishes[word]!
    : "other";
  return finish === "stop" && called ? "tool_calls" : finish;
}

/** The reason that a client of Google's is told. */
export function reasonFor(finish: Finish): string {
  switch (finish) {
    case "stop":
    case "stop_sequence":
    case "tool_calls":
      return "STOP";
    case "length":
    case "context_window":
      return "MAX_TOKENS";
    case "content_filter":
    case "refusal":
      return "SAFETY";
    case "malformed":
      return "MALFORMED_FUNCTION_CALL";
    default:
      return "OTHER";
  }
}

/** Of `logprobsResult`. */
export function readLogprobs(value: unknown): TokenLogprob[] | undefined {
  const result = object(value);
  if (result === undefined) return undefined;
  const tops = list(result.topCandidates);
  const tokens = list(result.chosenCandidates).flatMap((chosen, i) => {
    const read = readToken(chosen);
    if (read === undefined) return [];
    const top = list(object(tops[i])?.candidates).flatMap((other) => readToken(other) ?? []);
    return [top.length > 0 ? { ...read, top } : read];
  });
  return tokens.length > 0 ? tokens : undefined;
}

/** Zero is left out. */
function readToken(value: unknown): TokenLogprob | undefined {
  const { token, logProbability = 0 } = object(value) ?? {};
  return typeof token === "string" && typeof logProbability === "number"
    ? { token, logprob: logProbability }
    : undefined;
}
