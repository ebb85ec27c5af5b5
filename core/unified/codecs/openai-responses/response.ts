/**
 * The response object around an output: what it repeats of the request, how it ended, what it took.
 *
 * @module
 */
import { type Json, object } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";
import type { ChatFault, Finish } from "../../chat.ts";
import type { Asked } from "../../codec.ts";
import { Lost } from "../../lost.ts";
import { plainText } from "./shape.ts";
import { reasoningOf, textOf } from "./request-write.ts";
import { writeChoice, writeTools } from "./tools.ts";

/** What a response says from its beginning. */
export function headOf(asked: Asked, id: string, created: number, model: string): Json {
  const { request } = asked;
  const extra = request.extra ?? {};
  const instructions = request.messages.filter(({ instructions }) => instructions)
    .map(({ parts }) => plainText(parts)).join("\n\n");
  const { effort = null, summary = null } = reasoningOf(request.reasoning);
  const { format = { type: "text" }, ...text } = { ...textOf(request), ...object(extra.text) };
  return {
    id,
    object: "response",
    created_at: created,
    background: false,
    instructions: instructions === "" ? null : instructions,
    max_output_tokens: request.max_tokens ?? null,
    max_tool_calls: extra.max_tool_calls ?? null,
    metadata: request.metadata ?? {},
    model,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: extra.previous_response_id ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    reasoning: { effort, summary },
    safety_identifier: request.safety_identifier ?? null,
    store: request.store ?? true,
    temperature: request.temperature ?? null,
    text: { format, ...text },
    tool_choice: writeChoice(request) ?? extra.tool_choice ?? "auto",
    tools: writeTools(request.tools ?? [], request.format, new Lost()),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? null,
    truncation: extra.truncation ?? "disabled",
    user: request.user ?? null,
  };
}

/** How a response ended. */
export interface Ending {
  status: "completed" | "incomplete" | "failed";
  error: Json | null;
  incomplete_details: Json | null;
}

const messages: Readonly<Partial<Record<Finish, string>>> = {
  malformed: "The model called a tool in a way that cannot be read",
  error: "The model failed to generate a response",
};

/** @param refused The output says itself that the model declined. */
export function endingOf(finish: Finish, refused: boolean): Ending {
  const message = messages[finish];
  if (message !== undefined) return failedWith({ code: "server_error", message });
  const reason = finish === "length" || finish === "context_window"
    ? "max_output_tokens"
    : finish === "content_filter" || (finish === "refusal" && !refused)
    ? "content_filter"
    : undefined;
  return reason === undefined
    ? { status: "completed", error: null, incomplete_details: null }
    : { status: "incomplete", error: null, incomplete_details: { reason } };
}

function failedWith(error: Json): Ending {
  return { status: "failed", error, incomplete_details: null };
}

/** The end of a response that failed in its middle. */
export function failure({ code, kind, message }: ChatFault): Ending {
  const rate = kind === "rate_limit" ? "rate_limit_exceeded" : "server_error";
  return failedWith({ code: code ?? rate, message });
}

/** Tokens as Responses counts them. */
export function usageTo(usage: Usage | undefined): Json | null {
  if (usage === undefined) return null;
  const { input = 0, output = 0, total = input + output } = usage;
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: usage.cache_read ?? 0,
      cache_write_tokens: usage.cache_write ?? 0,
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage.reasoning ?? 0 },
    total_tokens: total,
  };
}
