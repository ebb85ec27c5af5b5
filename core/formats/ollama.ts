/**
 * Ollama's own API: chat, generate, embed. Durations are nanoseconds and not usage.
 *
 * @module
 */
import { count } from "./counts.ts";
import type { Format } from "./draft.ts";
import { list, object } from "./json.ts";
import { sayCall } from "./openai-chat.ts";

/** The format. */
export const ollama: Format = {
  matters: /"done"\s*:\s*true|"error"/,
  owns: (body) =>
    typeof body.done === "boolean" || "prompt_eval_count" in body || "eval_count" in body ||
    ("total_duration" in body && "load_duration" in body),
  read(body, draft) {
    draft.name(body.model);
    draft.end(body.done_reason);
    if (body.done === true) draft.done = true;
    const message = object(body.message);
    draft.say(message?.thinking);
    draft.say(message?.content);
    for (const call of list(message?.tool_calls)) sayCall(object(call), draft);
    draft.say(body.thinking);
    draft.say(body.response);
    if (message !== undefined) draft.kind ??= "chat";
    else draft.kind ??= body.embeddings === undefined ? "completion" : "embeddings";
    const input = count(body.prompt_eval_count);
    const output = count(body.eval_count);
    if (input !== undefined || output !== undefined) draft.use({ input, output });
  },
};
