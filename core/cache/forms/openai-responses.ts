/**
 * OpenAI Responses: the object, and its events, the last of which holds the object again.
 *
 * @module
 */
import type { Json } from "../../formats/json.ts";
import { type Converter, lossy, objectOf, objectsOf, type StreamEvent, textOf } from "./convert.ts";

/** The format's two forms. */
export const openAIResponses: Converter = { toPlain, toEvents };

const terminal = /^response\.(?:completed|incomplete)$/;

function toPlain(events: readonly Json[]): Json {
  const last = events.at(-1);
  if (last === undefined || !terminal.test(textOf(last.type))) throw lossy;
  const response = objectOf(last.response);
  // Some servers leave out of the last event what they have told before.
  const items = events.filter(({ type }) => type === "response.output_item.done").length;
  if (objectsOf(response.output).length !== items || response.usage === undefined) throw lossy;
  return response;
}

function toEvents(body: Json): StreamEvent[] {
  const { object, status, output } = body;
  if (object !== "response" || !terminal.test(`response.${textOf(status)}`)) throw lossy;
  const events: StreamEvent[] = [];
  const say = (type: string, data: Json): void => {
    events.push({ name: type, data: { type, sequence_number: events.length, ...data } });
  };
  const begun = { ...body, status: "in_progress", output: [], usage: null };
  say("response.created", { response: begun });
  say("response.in_progress", { response: begun });
  for (const [output_index, item] of objectsOf(output).entries()) {
    sayItem(item, output_index, say);
  }
  say(`response.${textOf(status)}`, { response: body });
  return events;
}

type Say = (type: string, data: Json) => void;

function sayItem(item: Json, output_index: number, say: Say): void {
  const open = (members: Json): void =>
    say("response.output_item.added", {
      output_index,
      item: { ...item, ...item.status !== undefined && { status: "in_progress" }, ...members },
    });
  const at = { item_id: item.id, output_index };
  switch (item.type) {
    case "message":
      open({ content: [] });
      for (const [content_index, part] of objectsOf(item.content).entries()) {
        sayPart(part, { ...at, content_index }, say);
      }
      break;
    case "reasoning":
      open({ summary: [], ...item.content !== undefined && { content: [] } });
      for (const [summary_index, part] of objectsOf(item.summary).entries()) {
        sayText("response.reasoning_summary", part, { ...at, summary_index }, say);
      }
      for (const [content_index, part] of objectsOf(item.content ?? []).entries()) {
        sayPart(part, { ...at, content_index }, say);
      }
      break;
    case "function_call":
      open({ arguments: "" });
      sayPieces("function_call_arguments", "arguments", item, at, say);
      break;
    case "custom_tool_call":
      open({ input: "" });
      sayPieces("custom_tool_call_input", "input", item, at, say);
      break;
    default:
      open({});
  }
  say("response.output_item.done", { output_index, item });
}

function sayPieces(what: string, member: string, item: Json, at: Json, say: Say): void {
  const text = textOf(item[member]);
  say(`response.${what}.delta`, { ...at, delta: text });
  say(`response.${what}.done`, { ...at, [member]: text });
}

function sayText(what: string, part: Json, at: Json, say: Say): void {
  const text = textOf(part.text);
  say(`${what}_part.added`, { ...at, part: { ...part, text: "" } });
  say(`${what}_text.delta`, { ...at, delta: text });
  say(`${what}_text.done`, { ...at, text });
  say(`${what}_part.done`, { ...at, part });
}

function sayPart(part: Json, at: Json, say: Say): void {
  switch (part.type) {
    case "output_text": {
      const { text, annotations = [], logprobs = [] } = part;
      const begun = {
        ...part,
        text: "",
        annotations: [],
        ...part.logprobs !== undefined && { logprobs: [] },
      };
      say("response.content_part.added", { ...at, part: begun });
      say("response.output_text.delta", { ...at, delta: textOf(text), logprobs });
      for (const [annotation_index, annotation] of objectsOf(annotations).entries()) {
        say("response.output_text.annotation.added", { ...at, annotation_index, annotation });
      }
      say("response.output_text.done", { ...at, text, logprobs });
      break;
    }
    case "refusal":
      say("response.content_part.added", { ...at, part: { ...part, refusal: "" } });
      say("response.refusal.delta", { ...at, delta: textOf(part.refusal) });
      say("response.refusal.done", { ...at, refusal: part.refusal });
      break;
    case "reasoning_text":
      say("response.content_part.added", { ...at, part: { ...part, text: "" } });
      say("response.reasoning_text.delta", { ...at, delta: textOf(part.text) });
      say("response.reasoning_text.done", { ...at, text: part.text });
      break;
    default:
      throw lossy;
  }
  say("response.content_part.done", { ...at, part });
}
