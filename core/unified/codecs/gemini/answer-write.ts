/**
 * A whole answer for a client of Google's. A thought that another provider wants back goes out with its
 * signature, on the part that Google's SDKs send back in the next turn.
 *
 * @module
 */
import { type Json, object } from "../../../formats/json.ts";
import type { ChatAnswer, Choice, Citation, Part, TokenLogprob } from "../../chat.ts";
import { placed } from "../../cited.ts";
import type { Asked } from "../../codec.ts";
import { reasonFor } from "./answer-read.ts";
import { writeGrounding } from "./grounding.ts";
import { argsOf, writeMedia } from "./parts-write.ts";
import { writeUsage } from "./usage.ts";
import { wireSignature } from "./wire.ts";

/** See `ChatCodec.writeAnswer`. */
export function writeAnswer(answer: ChatAnswer, asked: Asked): Json {
  const own = answer.format === "gemini";
  const { choices, usage, service_tier } = answer;
  const extra = own ? answer.extra : undefined;
  // A refused prompt has no candidate.
  const feedback = object(extra?.promptFeedback);
  const blocked = (feedback?.blockReason ?? feedback?.blockReasonMessage) !== undefined;
  return {
    ...!blocked && { candidates: choices.map((choice) => writeCandidate(choice, own)) },
    ...usage !== undefined && {
      usageMetadata: { ...writeUsage(usage), ...tierOf(service_tier) },
    },
    modelVersion: answer.model || asked.model,
    responseId: answer.id || asked.requestId,
    ...extra,
  };
}

/** Where Google tells the tier. */
export function tierOf(tier: string | undefined): Json | undefined {
  if (tier === undefined) return undefined;
  return { serviceTier: tier === "default" ? "standard" : tier };
}

function writeCandidate(choice: Choice, own: boolean): Json {
  const parts: Json[] = [];
  const citations: Citation[] = [];
  let text = "";
  for (const part of choice.parts) {
    if (part.type === "text") {
      const start = text.length;
      text += part.text;
      for (const citation of part.citations ?? []) {
        citations.push(placed(citation, start, text.length));
      }
    }
    parts.push(...writePart(part, own));
  }
  const { logprobs, finish } = choice;
  const extra = own ? choice.extra : undefined;
  // Its SDK forgets a turn whose answer has no part.
  if (parts.length === 0 && !own) parts.push({ text: "" });
  return {
    content: { ...(parts.length > 0) && { parts }, role: "model" },
    finishReason: reasonFor(finish),
    index: choice.index,
    ...citations.length > 0 && !own && { groundingMetadata: writeGrounding(citations, text) },
    ...logprobs !== undefined && writeLogprobs(logprobs),
    ...extra,
  };
}

/**
 * The parts for a part; none for what only another format's client could read.
 *
 * @param own It was Google's, and so is its `extra`.
 */
export function writePart(part: Part, own = false): Json[] {
  const signature = "signature" in part && part.signature !== undefined
    ? { thoughtSignature: wireSignature(part.signature) }
    : undefined;
  switch (part.type) {
    case "text":
      return [{ text: part.text, ...signature, ...own && part.extra }];
    case "reasoning":
      return [{ text: part.text, thought: true, ...signature }];
    case "refusal":
      return [{ text: part.text }];
    case "tool_call": {
      const { id, name, custom } = part;
      return [{ functionCall: { id, name, args: argsOf(part.arguments, custom) }, ...signature }];
    }
    case "native":
      return part.format === "gemini" ? [part.value] : [];
    case "tool_result":
      return [];
    default: {
      const written = writeMedia(part, () => {});
      if (written.length > 0) Object.assign(written[0]!, signature, own && part.extra);
      if (part.transcript !== undefined) {
        if (written.length === 0) written.push({});
        written[0]!.audioTranscription = { text: part.transcript };
      }
      return written;
    }
  }
}

/** `logprobsResult` and `avgLogprobs`. */
export function writeLogprobs(logprobs: readonly TokenLogprob[]): Json {
  let sum = 0;
  for (const { logprob } of logprobs) sum += logprob;
  return {
    avgLogprobs: sum / Math.max(1, logprobs.length),
    logprobsResult: {
      topCandidates: logprobs.map(({ top = [] }) => ({ candidates: top.map(writeToken) })),
      chosenCandidates: logprobs.map(writeToken),
    },
  };
}

function writeToken({ token, logprob }: { token: string; logprob: number }): Json {
  return { token, logProbability: logprob };
}
