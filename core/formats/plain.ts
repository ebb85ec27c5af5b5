/**
 * What has no format of its own: answers with a `usage` at the top (embeddings, images, transcripts,
 * reranking), and services that count seconds, pages or images.
 *
 * @module
 */
import { anthropicUsage } from "./anthropic.ts";
import { amount, count, units } from "./counts.ts";
import type { Draft, Format } from "./draft.ts";
import { type Json, list, object, string } from "./json.ts";
import { openAIUsage } from "./openai-usage.ts";

/** The last resort: owns everything. */
export const plain: Format = {
  matters: /"usage"\s*:\s*\{|"error"|"finish_reason"\s*:\s*"|\[DONE\]/,
  unprovable: true,
  owns: () => true,
  read(body, draft) {
    draft.name(body.model);
    draft.end(body.finish_reason);
    const usage = object(body.usage);
    if (usage !== undefined) readUsage(usage, draft);
    // Mistral's OCR.
    const pages = object(body.usage_info)?.pages_processed;
    if (pages !== undefined) draft.use({ units: units(["pages_processed", pages]) });
    readSpeech(body, draft);
    readData(body, draft);
  },
};

/** A `usage` whose format is told by its members alone. */
function readUsage(usage: Json, draft: Draft): void {
  const excludesCached = "cache_read_input_tokens" in usage ||
    "cache_creation_input_tokens" in usage;
  draft.use(excludesCached ? anthropicUsage(usage) : openAIUsage(usage, draft.source));
}

/** Transcripts: Cartesia and xAI tell the seconds, Deepgram under `metadata`. */
function readSpeech(body: Json, draft: Draft): void {
  const { text, duration } = body;
  if (typeof text === "string") {
    if ("duration" in body || "language" in body || "words" in body || "segments" in body) {
      draft.kind ??= "audio";
    }
    draft.say(text);
    // OpenAI has them in `usage` as well.
    const seconds = duration ?? object(body.transcription_info)?.duration; // Workers AI's Whisper
    if (draft.counts.units?.seconds === undefined && amount(seconds) !== undefined) {
      draft.use({ units: units(["seconds", seconds]) });
    }
  }
  const channels = list(object(body.results)?.channels);
  if (channels.length === 0) return;
  draft.kind ??= "audio";
  draft.use({ units: units(["seconds", object(body.metadata)?.duration]) });
  for (const channel of channels) {
    draft.say(object(list(object(channel)?.alternatives)[0])?.transcript);
  }
}

/** Lists of embeddings, images, ranks, verdicts. */
function readData(body: Json, draft: Draft): void {
  const data = list(body.data);
  const first = object(data[0]);
  if (first?.embedding !== undefined || body.embeddings !== undefined || "shape" in body) {
    draft.kind ??= "embeddings";
  }
  if (Array.isArray(body.scores)) { // DeepInfra's rankings
    draft.kind ??= "rerank";
    draft.use({ input: count(body.input_tokens) });
  }
  const rank = object(list(body.results)[0]);
  if (rank?.relevance_score !== undefined) draft.kind ??= "rerank";
  else if (rank?.flagged !== undefined) draft.kind ??= "moderation";
  // OpenAI and those after it, Ideogram; fal, Hyperbolic, Bedrock; Workers AI.
  const shown = [...draft.kind === "image" ? data : [], ...list(body.images), body.image];
  const images = shown.filter((item) => {
    const one = object(item);
    return (string(item) ?? string(one?.b64_json) ?? string(one?.image) ?? string(one?.url)) !==
      undefined;
  }).length;
  if (images === 0) return;
  draft.kind ??= "image";
  if (count(draft.counts.output) === undefined) draft.use({ units: units(["images", images]) });
}
