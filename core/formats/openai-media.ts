/**
 * OpenAI's other streams: images as they emerge, speech, transcripts. Each ends in an event of its own.
 *
 * @module
 */
import type { Format } from "./draft.ts";
import { object } from "./json.ts";
import { openAIUsage } from "./openai-usage.ts";

const types = /^(image_generation|image_edit|speech\.audio|transcript\.text)\.(\w+)$/;

/** The format. */
export const openAIMedia: Format = {
  matters:
    /"type"\s*:\s*"(?:image_generation\.completed|image_edit\.completed|speech\.audio\.done|transcript\.text\.done|error)"/,
  owns: ({ type }) => typeof type === "string" && types.test(type),
  read(body, draft) {
    const [, what, step] = types.exec(body.type as string)!;
    draft.kind ??= what!.startsWith("image") ? "image" : "audio";
    if (step === "partial_image" || step === "completed" || step === "delta") draft.content = true;
    if (step === "delta") draft.say(body.delta);
    if (step === "completed" || step === "done") draft.done = true;
    const usage = object(body.usage);
    if (usage !== undefined) draft.use(openAIUsage(usage, draft.source));
  },
};
