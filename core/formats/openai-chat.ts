/**
 * OpenAI Chat Completions and the older Completions, whole and streamed, with what the providers that
 * speak it add: reasoning under three names, usage in three places, errors in a chunk.
 *
 * @module
 */
import type { Draft, Format } from "./draft.ts";
import { type Json, list, object } from "./json.ts";
import { openAIUsage } from "./openai-usage.ts";

/**
 * Providers whose every recorded stream ends in `[DONE]`. With others (Perplexity, Cerebras and older
 * Hugging Face servers never send it) finished choices are the proof.
 */
const sendDone = new Set([
  "openai",
  "azure-openai",
  "mistral",
  "groq",
  "deepseek",
  "grok",
  "openrouter",
  "together",
  "fireworks",
  "moonshot",
  "zai",
  "workers-ai",
  "ollama",
]);

/** The format. */
export const openAIChat: Format = {
  // The last: with more than one choice each of them has to finish.
  matters: /"finish_reason"\s*:\s*"|"error"\s*:\s*["{]|\[DONE\]|"index"\s*:\s*[1-9]/,
  repeats: /"usage"\s*:\s*\{/,
  owns: (body) => Array.isArray(body.choices),
  read(body, draft) {
    draft.name(body.model);
    const choices = list(body.choices);
    const whole = body.object === "chat.completion";
    for (const choice of choices.slice(0, 128)) {
      const one = object(choice);
      if (one !== undefined) readChoice(one, whole, draft);
    }
    // Groq has a second place for it, Moonshot a third.
    const usage = object(body.usage) ?? object(object(body.x_groq)?.usage) ??
      object(object(choices[0])?.usage);
    if (usage !== undefined) draft.use(openAIUsage(usage, draft.source));
    if (body.object === "chat.completion.done") draft.done = true; // Perplexity
  },
  isWhole: ({ choices, source }) =>
    !sendDone.has(source.provider) && choices.size > 0 && [...choices.values()].every(Boolean),
};

function readChoice(choice: Json, whole: boolean, draft: Draft): void {
  const finish = choice.finish_reason ?? choice.stop_reason;
  draft.end(finish);
  const index = typeof choice.index === "number" ? choice.index : 0;
  if (draft.choices.size < 128) {
    draft.choices.set(index, draft.choices.get(index) === true || typeof finish === "string");
  }
  // Together repeats the chunk's text beside the delta; Perplexity has both, one of them empty or too long.
  const [delta, said] = [object(choice.delta), object(choice.message)];
  const message = whole ? said ?? delta : delta ?? said;
  if (message === undefined) {
    draft.kind ??= "completion";
    return draft.say(choice.text);
  }
  draft.kind ??= "chat";
  saySpoken(message.reasoning_content ?? message.reasoning, draft);
  saySpoken(message.content, draft);
  draft.say(message.refusal);
  for (const call of list(message.tool_calls)) sayCall(object(call), draft);
  sayCall(object(message.function_call), draft);
  const audio = object(message.audio);
  if (audio !== undefined) {
    draft.content = true;
    draft.say(audio.transcript);
  }
  if (list(message.images).length > 0) draft.content = true;
}

/** Text, or parts: Mistral's thinking, others' `{ type: "text", text }`. */
function saySpoken(content: unknown, draft: Draft): void {
  draft.say(content);
  for (const part of list(content)) {
    const one = object(part);
    draft.say(one?.text);
    for (const thought of list(one?.thinking)) draft.say(object(thought)?.text);
  }
}

/** A tool call, or a part of one. */
export function sayCall(call: Json | undefined, draft: Draft): void {
  if (call === undefined) return;
  const fn = object(call.function) ?? object(call.custom) ?? call;
  const args = fn.arguments ?? fn.input;
  draft.say(fn.name);
  draft.say(args);
  draft.sayObject(args);
}
