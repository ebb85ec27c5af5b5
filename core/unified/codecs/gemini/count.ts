/**
 * `countTokens`: a chat request that is only counted.
 *
 * @module
 */
import { count } from "../../../formats/counts.ts";
import { type Json, object } from "../../../formats/json.ts";
import type { ChatRequest } from "../../chat.ts";
import type { Place, Target } from "../../codec.ts";
import type { Lost } from "../../lost.ts";
import { readRequest } from "./request-read.ts";
import { writeRequest } from "./request-write.ts";
import { camel } from "./wire.ts";

/** A client's: the contents, or a whole request. */
export function readCountRequest(body: Json, place: Place): ChatRequest {
  const inside = object(camel(body).generateContentRequest);
  return readRequest(inside ?? body, { ...place, stream: false });
}

/** For a provider. The Gemini API counts instructions and tools only within a whole request. */
export function writeCountRequest(request: ChatRequest, target: Target, lost: Lost): Json {
  const body = writeRequest(request, target, lost);
  if (target.provider === "google-vertex-ai") {
    const { contents, systemInstruction, tools, generationConfig } = body;
    return { contents, systemInstruction, tools, generationConfig };
  }
  return { generateContentRequest: { model: `models/${target.model}`, ...body } };
}

/** Tokens of a prompt, or nothing where the answer does not tell. */
export function readCountAnswer(body: Json): number | undefined {
  // Zero is left out.
  return body.totalTokens === undefined && body.promptTokensDetails !== undefined
    ? 0
    : count(body.totalTokens);
}

/** For a client. */
export function writeCountAnswer(tokens: number): Json {
  return {
    totalTokens: tokens,
    promptTokensDetails: [{ modality: "TEXT", tokenCount: tokens }],
  };
}
