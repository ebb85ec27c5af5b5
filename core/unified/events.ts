/**
 * A whole answer as the stream that comes to it.
 *
 * @module
 */
import type { ChatAnswer, ChatEvent, Part } from "./chat.ts";

/** The events of an answer, for a client that asked for a stream where there is none. */
export function* eventsOf(answer: ChatAnswer): Generator<ChatEvent> {
  const { format: _, choices, usage, ...told } = answer;
  yield { type: "start", ...told };
  for (const { index: choice, parts, finish, stop_sequence, logprobs, extra } of choices) {
    for (const [part, value] of parts.entries()) {
      yield { type: "part_start", choice, part, value: opened(value) };
      if (value.type === "tool_call" && value.arguments !== "") {
        yield { type: "arguments", choice, part, text: value.arguments };
      }
      if ("text" in value && value.text !== "") {
        const scored = value.type === "text" && logprobs !== undefined;
        yield { type: "text", choice, part, text: value.text, ...scored && { logprobs } };
      }
      if (value.type === "text") {
        for (const citation of value.citations ?? []) {
          yield { type: "citation", choice, part, citation };
        }
      }
      if ("signature" in value && value.signature !== undefined) {
        yield { type: "signature", choice, part, signature: value.signature };
      }
      yield { type: "part_end", choice, part };
    }
    yield {
      type: "finish",
      choice,
      finish,
      ...stop_sequence !== undefined && { stop_sequence },
      ...extra !== undefined && { extra },
    };
  }
  if (usage !== undefined) yield { type: "usage", usage };
  yield { type: "end" };
}

/** The part as its stream opens it: what grows is empty. */
function opened(part: Part): Part {
  switch (part.type) {
    case "text": {
      const { citations: _, signature: __, ...rest } = part;
      return { ...rest, text: "" };
    }
    case "reasoning": {
      const { signature: _, ...rest } = part;
      return { ...rest, text: "" };
    }
    case "refusal":
      return { ...part, text: "" };
    case "tool_call": {
      const { signature: _, ...rest } = part;
      return { ...rest, arguments: "" };
    }
    default:
      return part;
  }
}
