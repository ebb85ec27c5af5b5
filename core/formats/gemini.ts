/**
 * Google's generateContent, whole and streamed, its embeddings, and Vertex AI's `predict`. A prompt
 * includes what came from a cache; candidates leave thoughts out; zero is left out altogether.
 *
 * @module
 */
import { count, type Counts, sum, units } from "./counts.ts";
import type { Draft, Format } from "./draft.ts";
import { type Json, list, object, string } from "./json.ts";

// Clients may ask for numbers instead of names.
const reasons = ["", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER"];
const modalities = ["", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT"];

/** The format. */
export const gemini: Format = {
  matters: /"(?:finishReason|blockReason)"\s*:\s*["\d]|"error"\s*:\s*\{/,
  repeats: /"usageMetadata"\s*:\s*\{/,
  owns: (body) =>
    Array.isArray(body.candidates) || object(body.usageMetadata) !== undefined ||
    object(body.promptFeedback) !== undefined || Array.isArray(body.predictions) ||
    object(body.embedding)?.values !== undefined,
  read(body, draft) {
    draft.name(body.modelVersion);
    const candidates = list(body.candidates);
    const blocked = string(object(body.promptFeedback)?.blockReason);
    let finished = candidates.length > 0;
    for (const candidate of candidates) {
      const one = object(candidate);
      const reason = wordOf(one?.finishReason, reasons);
      if (reason === undefined) finished = false;
      draft.end(reason);
      for (const part of list(object(one?.content)?.parts)) sayPart(object(part), draft);
    }
    draft.end(blocked);
    if (candidates.length > 0 || blocked !== undefined) {
      draft.kind ??= "chat";
      // The stream has no other end than this on its last event.
      draft.done = finished || blocked !== undefined;
    }
    if (body.embedding !== undefined) draft.kind ??= "embeddings";
    const usage = object(body.usageMetadata);
    if (usage !== undefined) {
      const counts = geminiUsage(usage);
      if (counts !== undefined) draft.use(counts);
    }
    readPredictions(list(body.predictions), draft);
  },
};

function wordOf(value: unknown, words: readonly string[]): string | undefined {
  return string(typeof value === "number" ? words[value] ?? String(value) : value);
}

function sayPart(part: Json | undefined, draft: Draft): void {
  if (part === undefined) return;
  draft.say(part.text);
  const call = object(part.functionCall);
  if (call !== undefined) {
    draft.content = true;
    draft.say(call.name);
    draft.sayObject(call.args);
  }
  draft.say(object(part.executableCode)?.code);
  draft.say(object(part.codeExecutionResult)?.output);
  if (part.inlineData !== undefined || part.fileData !== undefined) draft.content = true;
}

/** Figures of `usageMetadata`; nothing for the parts of a stream that have none. */
export function geminiUsage(usage: Json): Counts | undefined {
  const prompt = count(usage.promptTokenCount);
  const total = count(usage.totalTokenCount);
  const input = sum(prompt, count(usage.toolUsePromptTokenCount));
  let output = sum(count(usage.candidatesTokenCount), count(usage.thoughtsTokenCount));
  if (input === undefined && output === undefined) return undefined;
  if (output === undefined && total === input) output = 0;
  const asked = [...list(usage.promptTokensDetails), ...list(usage.toolUsePromptTokensDetails)];
  const given = list(usage.candidatesTokensDetails);
  return {
    input,
    output,
    total,
    cache_read: count(usage.cachedContentTokenCount),
    reasoning: count(usage.thoughtsTokenCount),
    input_audio: ofModality(asked, "AUDIO"),
    cache_read_audio: ofModality(list(usage.cacheTokensDetails), "AUDIO"),
    output_audio: ofModality(given, "AUDIO"),
    input_image: ofModality(asked, "IMAGE"),
    output_image: ofModality(given, "IMAGE"),
    input_video: ofModality(asked, "VIDEO"),
  };
}

/** Tokens of one modality in `[{ modality, tokenCount }]` (Interactions: `tokens`, in lower case). */
export function ofModality(details: readonly unknown[], modality: string): number | undefined {
  let total: number | undefined;
  for (const detail of details) {
    const one = object(detail);
    if (wordOf(one?.modality, modalities)?.toUpperCase() !== modality) continue;
    total = sum(total, count(one?.tokenCount) ?? count(one?.tokens));
  }
  return total;
}

/** Vertex AI: embeddings with their token counts, or images. */
function readPredictions(predictions: readonly unknown[], draft: Draft): void {
  let input: number | undefined;
  let images = 0;
  for (const prediction of predictions) {
    const one = object(prediction);
    const embeddings = object(one?.embeddings);
    if (embeddings !== undefined) draft.kind ??= "embeddings";
    input = sum(input, count(object(embeddings?.statistics)?.token_count));
    if (typeof one?.bytesBase64Encoded === "string") images++;
  }
  if (input !== undefined) draft.use({ input });
  if (images > 0) {
    draft.kind ??= "image";
    draft.use({ units: units(["images", images]) });
  }
}
