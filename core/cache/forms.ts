/**
 * Which forms an answer can have, and an entry of one form served in another. What cannot be carried over
 * whole is not carried over at all.
 *
 * @module
 */
import { decoder } from "../formats/frames.ts";
import { type Json, object, parse } from "../formats/json.ts";
import { SseFrames } from "../formats/sse.ts";
import { anthropic } from "./forms/anthropic.ts";
import { cohere } from "./forms/cohere.ts";
import { type Converter, objectsOf } from "./forms/convert.ts";
import { gemini } from "./forms/gemini.ts";
import { openAIChat } from "./forms/openai-chat.ts";
import { openAIResponses } from "./forms/openai-responses.ts";

/** Formats that have several forms. */
export type FormsName = "openai-chat" | "anthropic" | "openai-responses" | "gemini" | "cohere";

/**
 * A form. `own` is whatever the request asks for, where a format has no forms that are known here;
 * `stream-usage` has a last event of usage; `list` is Google's stream as one array.
 */
export type Form = "own" | "plain" | "stream" | "stream-usage" | "list";

const converters: Readonly<Record<FormsName, Converter>> = {
  "openai-chat": openAIChat,
  anthropic,
  "openai-responses": openAIResponses,
  gemini,
  cohere,
};

const paths: readonly (readonly [pattern: RegExp, name: FormsName])[] = [
  [/(?:^|\/)chat\/completions$/, "openai-chat"],
  [/(?:^|\/)messages$/, "anthropic"],
  [/(?:^|\/)responses$/, "openai-responses"],
  [/(?:^|\/)v2\/chat$/, "cohere"],
  [/:(?:generateContent|streamGenerateContent)$/, "gemini"],
];

/** The format of an endpoint with several forms, or nothing. */
export function formsOf(path: string): FormsName | undefined {
  for (const [pattern, name] of paths) if (pattern.test(path)) return name;
  return undefined;
}

/** Media type of a form other than `own`. */
export function typeOf(form: Form): string {
  return form === "plain" || form === "list" ? "application/json" : "text/event-stream";
}

/** Bodies up to this size are converted: it is done while a client waits. */
const largest = 1024 * 1024;

/** Numbers that would lose digits on the way through a parser of JavaScript. */
const longNumber = /[:[,]\s*-?\d{16}/;

/** An answer's body in another form, or nothing where that cannot be the same. Never throws. */
export function convert(
  name: FormsName | undefined,
  body: Uint8Array,
  from: Form,
  to: Form,
): Uint8Array | undefined {
  if (from === to) return body;
  if (name === undefined || from === "own" || to === "own" || body.byteLength > largest) {
    return undefined;
  }
  const text = decoder.decode(body);
  if (longNumber.test(text)) return undefined;
  const { toPlain, toEvents, terminator = "" } = converters[name];
  try {
    const plain = from === "plain" ? object(parse(text)) : toPlain(eventsOf(from, body, text));
    if (plain === undefined) return undefined;
    if (to === "plain") return encoder.encode(JSON.stringify(plain));
    const events = toEvents(plain, { usage: to === "stream-usage" });
    if (to === "list") return encoder.encode(JSON.stringify(events.map(({ data }) => data)));
    const lines = events.map(({ name, data }) =>
      `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`
    );
    return encoder.encode(lines.join("") + terminator);
  } catch {
    return undefined;
  }
}

const encoder = new TextEncoder();

/** The events of a stream. Throws where one of them is no JSON object. */
function eventsOf(form: Form, body: Uint8Array, text: string): Json[] {
  if (form === "list") return objectsOf(parse(text));
  const frames = new SseFrames(body, true);
  const events: Json[] = [];
  for (let i = 0; i < frames.length; i++) {
    const event = frames.open(i);
    if (event === undefined || event.text?.trim() === "[DONE]") continue;
    events.push(objectsOf([event.json])[0]!);
  }
  return events;
}
