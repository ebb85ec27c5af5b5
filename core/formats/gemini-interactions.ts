/**
 * Google's Interactions, whole and streamed.
 *
 * @module
 */
import { count, sum } from "./counts.ts";
import type { Draft, Format } from "./draft.ts";
import { ofModality } from "./gemini.ts";
import { type Json, list, object, string } from "./json.ts";
import { sayCall } from "./openai-chat.ts";

/** The format. */
export const geminiInteractions: Format = {
  matters: /"event_type"\s*:\s*"(?:interaction\.|error)|\[DONE\]/,
  owns: ({ object, event_type: type }) =>
    object === "interaction" ||
    (typeof type === "string" && /^(?:interaction|step|content)\./.test(type)),
  read(body, draft) {
    draft.kind ??= "chat";
    if (body.object === "interaction") {
      for (const step of [...list(body.outputs), ...list(body.steps)]) sayStep(object(step), draft);
      return readInteraction(body, draft);
    }
    const type = body.event_type as string;
    sayStep(object(body.step), draft);
    sayStep(object(body.delta), draft);
    const interaction = object(body.interaction);
    if (interaction !== undefined) readInteraction(interaction, draft);
    if (type === "interaction.completed") draft.done = true;
  },
};

function sayStep(step: Json | undefined, draft: Draft): void {
  draft.say(step?.text);
  sayCall(step, draft);
  if (step?.data !== undefined) draft.content = true;
  for (const part of [...list(step?.summary), ...list(step?.content)]) {
    draft.say(object(part)?.text);
  }
}

function readInteraction(interaction: Json, draft: Draft): void {
  draft.name(interaction.model);
  const status = string(interaction.status);
  if (status !== undefined && status !== "in_progress") draft.end(status);
  const usage = object(interaction.usage);
  if (usage === undefined) return;
  const details = list(usage.input_tokens_by_modality);
  draft.use({
    input: sum(count(usage.total_input_tokens), count(usage.total_tool_use_tokens)),
    output: sum(count(usage.total_output_tokens), count(usage.total_thought_tokens)),
    total: count(usage.total_tokens),
    cache_read: count(usage.total_cached_tokens),
    reasoning: count(usage.total_thought_tokens),
    input_audio: ofModality(details, "AUDIO"),
    input_image: ofModality(details, "IMAGE"),
    input_video: ofModality(details, "VIDEO"),
    output_audio: ofModality(list(usage.output_tokens_by_modality), "AUDIO"),
    output_image: ofModality(list(usage.output_tokens_by_modality), "IMAGE"),
  });
}
