/**
 * Whole answers, both ways, and what streams have in common with them: reasons to stop, usage, likelihoods.
 *
 * @module
 */
import { cohereUsage } from "../../../formats/cohere.ts";
import { settle } from "../../../formats/counts.ts";
import { type Json, list, object, string, worded } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";
import type {
  ChatAnswer,
  Choice,
  Finish,
  ReasoningPart,
  Signature,
  TokenLogprob,
} from "../../chat.ts";
import type { Asked, Target } from "../../codec.ts";
import { callId } from "../../ids.ts";
import { sealed } from "../../signature.ts";
import { rest } from "../openai-chat/expect.ts";
import { writeCitations } from "./documents.ts";
import { own, readModel } from "./message-read.ts";

const finishes: Readonly<Record<string, Finish>> = {
  COMPLETE: "stop",
  STOP_SEQUENCE: "stop_sequence",
  MAX_TOKENS: "length",
  TOOL_CALL: "tool_calls",
  ERROR: "error",
  TIMEOUT: "error",
};

const reasons: Readonly<Partial<Record<Finish, string>>> = {
  stop_sequence: "STOP_SEQUENCE",
  length: "MAX_TOKENS",
  context_window: "MAX_TOKENS",
  tool_calls: "TOOL_CALL",
  malformed: "ERROR",
  error: "ERROR",
};

/** @param calls There are calls of tools; one of the answer's own tool is none. */
export function finishOf(reason: unknown, calls: boolean): Finish {
  const text = worded(reason);
  const finish = Object.hasOwn(finishes, text) ? finishes[text]! : "other";
  return finish === "tool_calls" && !calls ? "stop" : finish;
}

/** `finish_reason`. */
export function reasonOf(finish: Finish, calls: boolean, extra?: Json): string {
  const said = string(extra?.finish_reason);
  return said ?? reasons[finish] ?? (calls && finish === "stop" ? "TOOL_CALL" : "COMPLETE");
}

/** What of a reason the canonical word does not say. */
export function ofChoice(reason: unknown, finish: Finish): Json | undefined {
  const kept = reason === "TIMEOUT" || finish === "other" && string(reason) !== undefined;
  return kept ? { finish_reason: reason } : undefined;
}

/** Usage as it is everywhere. */
export function usageOf(value: unknown): Usage | undefined {
  const counts = object(value) && cohereUsage(value as Json);
  return counts && settle(counts);
}

const known = new Set(["id", "message", "finish_reason", "usage", "logprobs"]);

/** A whole answer. What of its content cannot be read is not there. */
export function readAnswer(body: Json, target: Target): ChatAnswer {
  const parts = readModel(object(body.message) ?? {}, "provider");
  let calls = 0;
  for (const part of parts) {
    if (part.type === "tool_call") part.id ||= callId(target.requestId, calls++);
  }
  const finish = finishOf(body.finish_reason, parts.some(({ type }) => type === "tool_call"));
  const choice: Choice = { index: 0, parts, finish };
  const inner = ofChoice(body.finish_reason, finish);
  if (inner !== undefined) choice.extra = inner;
  const logprobs = list(body.logprobs).flatMap(readLogprobs);
  if (logprobs.length > 0) choice.logprobs = logprobs;
  const answer: ChatAnswer = {
    format: own,
    id: string(body.id) ?? "",
    model: target.model,
    choices: [choice],
  };
  const usage = usageOf(body.usage);
  if (usage !== undefined) answer.usage = usage;
  const extra = rest(body, known);
  if (extra !== undefined) answer.extra = extra;
  return answer;
}

/** A text and its tokens' likelihoods; several make one. */
export function readLogprobs(value: unknown): TokenLogprob[] {
  const item = object(value);
  const token = string(item?.text);
  const told = list(item?.logprobs).filter((one) => typeof one === "number") as number[];
  if (token === undefined || told.length === 0) return [];
  return [{ token, logprob: told.reduce((sum, one) => sum + one, 0) }];
}

/** See {@link readLogprobs}. Ids of tokens are not known. */
export function writeLogprob({ token, logprob }: TokenLogprob): Json {
  return { text: token, token_ids: [], logprobs: [logprob] };
}

/** An answer for a client. Only its first choice: this format asks for one. */
export function writeAnswer(answer: ChatAnswer, asked: Asked): Json {
  const choice = answer.choices[0];
  const content: Json[] = [];
  const calls: Json[] = [];
  const citations: Json[] = [];
  let plan = "";
  for (const part of choice?.parts ?? []) {
    switch (part.type) {
      case "text":
        if (part.extra?.tool_plan === true) {
          plan += part.text;
          if (part.citations) citations.push(...writeCitations(part.citations, part.text, 0));
          break;
        }
        if (part.citations) {
          citations.push(...writeCitations(part.citations, part.text, content.length));
        }
        if (part.text !== "" || part.signature) {
          content.push({ type: "text", text: part.text, ...signed(part.signature) });
        }
        break;
      case "refusal":
        content.push({ type: "text", text: part.text });
        break;
      case "reasoning":
        content.push({ type: "thinking", thinking: part.text, ...thoughtSigned(part) });
        break;
      case "tool_call":
        calls.push({
          id: part.id,
          type: "function",
          function: { name: part.name, arguments: part.arguments || "{}" },
          ...signed(part.signature),
        });
        break;
      case "audio":
        if (part.transcript) content.push({ type: "text", text: part.transcript });
    }
  }
  const message: Json = { role: "assistant" };
  if (content.length > 0) message.content = content;
  if (plan !== "") message.tool_plan = plan;
  if (calls.length > 0) message.tool_calls = calls;
  if (citations.length > 0) message.citations = citations;
  const same = answer.format === own;
  const body: Json = {
    id: answer.id || asked.requestId,
    message,
    finish_reason: reasonOf(
      choice?.finish ?? "stop",
      calls.length > 0,
      same ? choice?.extra : undefined,
    ),
  };
  if (answer.usage !== undefined) body.usage = writeUsage(answer.usage);
  if (choice?.logprobs !== undefined) body.logprobs = choice.logprobs.map(writeLogprob);
  return same ? { ...body, ...answer.extra } : body;
}

/** The member of a text or a call that keeps the signature of another format. */
export function signed(signature: Signature | undefined): Json {
  if (signature === undefined || signature.format === own) return {};
  return { signature: sealed(signature, own) };
}

/** The same of a thought, with its id, and `!` for one that is not shown. */
export function thoughtSigned(part: ReasoningPart, signature = part.signature): Json {
  if (signature === undefined || signature.format === own) return {};
  const { format, value } = signature;
  const id = part.id === undefined ? "" : `${part.id} `;
  return signed({ format, value: `${id}${part.redacted === true ? "!" : ""}${value}` });
}

/** `usage`: what the model saw, and what is charged where that is told apart. */
export function writeUsage(usage: Usage): Json {
  const { input = 0, output = 0, cache_read, reasoning, input_image, units = {} } = usage;
  const tokens: Json = { input_tokens: input, output_tokens: output };
  if (reasoning !== undefined) tokens.reasoning_tokens = reasoning;
  if (input_image !== undefined) tokens.image_tokens = input_image;
  const billed: Json = {
    input_tokens: units.billed_input_tokens ?? input,
    output_tokens: units.billed_output_tokens ?? output,
  };
  for (const name of ["search_units", "classifications"]) {
    if (units[name] !== undefined) billed[name] = units[name];
  }
  return {
    billed_units: billed,
    tokens,
    ...cache_read !== undefined && { cached_tokens: cache_read },
  };
}
