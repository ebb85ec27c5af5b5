/**
 * A stream as the whole answer that it comes to.
 *
 * @module
 */
import type { ChatAnswer, ChatEvent, ChatFormat, Choice, Part } from "./chat.ts";

/**
 * The answer whose events these are. A choice that never finished has the finish `error`.
 *
 * @param format What they were read from, to which `extra` belongs.
 */
export function assemble(
  events: Iterable<ChatEvent>,
  format: ChatFormat = "openai-chat",
): ChatAnswer {
  const answer: ChatAnswer = { format, id: "", model: "", choices: [] };
  const choices = new Map<number, Choice>();
  for (const event of events) {
    switch (event.type) {
      case "start": {
        const { type: _, ...told } = event;
        Object.assign(answer, told);
        break;
      }
      case "usage":
        answer.usage = event.usage;
        break;
      case "error":
      case "end":
        break;
      default: {
        let choice = choices.get(event.choice);
        if (choice === undefined) {
          choice = { index: event.choice, parts: [], finish: "error" };
          choices.set(event.choice, choice);
        }
        add(event, choice);
      }
    }
  }
  answer.choices = [...choices.values()].sort((a, b) => a.index - b.index);
  return answer;
}

type OfChoice = Extract<ChatEvent, { choice: number }>;

function add(event: OfChoice, choice: Choice): void {
  if (event.type === "part_start") {
    const part = { ...event.value };
    // Both grow, and the event's own value stays as it was.
    if ("source" in part) part.source = { ...part.source };
    choice.parts.push(part);
    return;
  }
  if (event.type === "finish") {
    choice.finish = event.finish;
    if (event.stop_sequence !== undefined) choice.stop_sequence = event.stop_sequence;
    if (event.extra !== undefined) choice.extra = event.extra;
    return;
  }
  const part = choice.parts[event.part];
  if (part === undefined) return;
  switch (event.type) {
    case "text":
      grow(part, event.text);
      if (event.logprobs !== undefined) (choice.logprobs ??= []).push(...event.logprobs);
      break;
    case "arguments":
      if (part.type === "tool_call") part.arguments += event.text;
      break;
    case "data":
      if ("source" in part && part.source.kind === "base64") part.source.data += event.data;
      break;
    case "signature":
      (part as { signature?: unknown }).signature = event.signature;
      break;
    case "citation":
      if (part.type === "text") part.citations = [...part.citations ?? [], event.citation];
  }
}

function grow(part: Part, text: string): void {
  if ("text" in part) part.text += text;
  else if ("source" in part) part.transcript = (part.transcript ?? "") + text;
}
