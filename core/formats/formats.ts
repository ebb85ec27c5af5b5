/**
 * All formats, and how one is found: by the shape of what was answered, since many providers speak
 * several and some answer in another's.
 *
 * @module
 */
import { anthropic } from "./anthropic.ts";
import { bedrockConverse, bedrockInvoke, readMetrics } from "./bedrock.ts";
import { cohere } from "./cohere.ts";
import type { Draft, Format } from "./draft.ts";
import { faultOf } from "./fault.ts";
import { gemini } from "./gemini.ts";
import { geminiInteractions } from "./gemini-interactions.ts";
import { object } from "./json.ts";
import { ollama } from "./ollama.ts";
import { openAIChat } from "./openai-chat.ts";
import { openAIMedia } from "./openai-media.ts";
import { openAIResponses } from "./openai-responses.ts";
import { plain } from "./plain.ts";
import { replicate } from "./replicate.ts";
import { textGeneration } from "./text-generation.ts";
import { envelope, workersAI } from "./workers-ai.ts";

/** The most usual first; shapes do not overlap, except with the last. */
const formats: readonly Format[] = [
  openAIChat,
  anthropic,
  openAIResponses,
  gemini,
  cohere,
  bedrockConverse,
  ollama,
  openAIMedia,
  geminiInteractions,
  textGeneration,
  replicate,
  bedrockInvoke,
  workersAI,
  plain,
];

/** Reads an answer, or one event of a stream, into the draft. */
export function readBody(value: unknown, draft: Draft): void {
  const outer = object(value);
  if (outer === undefined) return;
  const fault = faultOf(outer);
  if (fault !== undefined) {
    draft.error = fault;
    draft.done = false; // unless this, or what follows, is an end all the same
  }
  const body = envelope(outer);
  const format = draft.format?.owns(body, draft) === true && draft.format !== plain
    ? draft.format
    : formats.find((format) => format.owns(body, draft))!;
  // An event with nothing but an error, or but Bedrock's figures, says nothing of the format.
  if (format !== plain || draft.format === undefined && fault === undefined) draft.format = format;
  format.read(body, draft);
  readMetrics(body, draft);
}
