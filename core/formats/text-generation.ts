/**
 * Hugging Face's Text Generation Inference and the classic tasks: `[{ generated_text, details }]`, or a
 * stream of tokens whose last has the whole text.
 *
 * @module
 */
import { count } from "./counts.ts";
import type { Format } from "./draft.ts";
import { list, object } from "./json.ts";

/** The format. */
export const textGeneration: Format = {
  matters: /"generated_text"\s*:\s*"|"error"/,
  owns: (body) => "generated_text" in body,
  read(body, draft) {
    draft.kind ??= "completion";
    const token = object(body.token);
    // In a stream the whole text repeats what the tokens said.
    if (token === undefined) draft.say(body.generated_text);
    else if (token.special !== true) draft.say(token.text);
    if (typeof body.generated_text === "string") draft.done = true;
    const details = object(body.details);
    if (details === undefined) return;
    draft.end(details.finish_reason);
    const prefill = list(details.prefill).length; // only where it was asked for
    draft.use({
      input: count(details.input_length) ?? (prefill > 0 ? prefill : undefined),
      output: count(details.generated_tokens),
    });
  },
};
