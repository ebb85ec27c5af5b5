/**
 * Anthropic Messages: the message, and its events.
 *
 * @module
 */
import type { Json } from "../../formats/json.ts";
import {
  type Converter,
  indexOf,
  lossy,
  nothing,
  objectOf,
  objectsOf,
  type StreamEvent,
  textOf,
} from "./convert.ts";

/** The format's two forms. */
export const anthropic: Converter = { toPlain, toEvents };

/** Which member of a block grows with which delta. */
const growing: Readonly<Record<string, readonly [delta: string, member: string]>> = {
  text_delta: ["text", "text"],
  thinking_delta: ["thinking", "thinking"],
  signature_delta: ["signature", "signature"],
};

function toPlain(events: readonly Json[]): Json {
  let message: Json | undefined;
  const blocks: { block: Json; input: string; done: boolean }[] = [];
  let stopped = false;
  for (const { type, ...event } of events) {
    if (type === "ping") continue;
    if (type === "message_start") {
      const { content, ...rest } = objectOf(event.message);
      if (message !== undefined || objectsOf(content).length > 0) throw lossy;
      message = rest;
    } else if (message === undefined || stopped) throw lossy;
    else if (type === "message_stop") stopped = true;
    else if (type === "message_delta") {
      const { delta, usage, context_management, ...rest } = event;
      for (const key in rest) nothing(rest[key]);
      message = {
        ...message,
        ...objectOf(delta),
        ...context_management !== undefined && { context_management },
        usage: { ...objectOf(message.usage ?? {}), ...objectOf(usage ?? {}) },
      };
    } else {
      const at = indexOf(event.index);
      if (type === "content_block_start") {
        if (at !== blocks.length) throw lossy;
        blocks.push({ block: { ...objectOf(event.content_block) }, input: "", done: false });
        continue;
      }
      const open = blocks[at];
      if (open === undefined || open.done) throw lossy;
      if (type === "content_block_stop") open.done = true;
      else if (type === "content_block_delta") grow(open, objectOf(event.delta));
      else throw lossy;
    }
  }
  if (message === undefined || !stopped || !blocks.every(({ done }) => done)) throw lossy;
  const { id, type, role, model, ...rest } = message;
  const content = blocks.map(({ block, input }) =>
    input === "" ? block : { ...block, input: objectOf(JSON.parse(input)) }
  );
  return { id, type, role, model, content, ...rest };
}

function grow(open: { block: Json; input: string }, { type, ...delta }: Json): void {
  const { block } = open;
  const text = growing[textOf(type)];
  if (text !== undefined) {
    const [from, to] = text;
    block[to] = textOf(block[to] ?? "") + textOf(delta[from]);
  } else if (type === "input_json_delta") open.input += textOf(delta.partial_json);
  else if (type === "citations_delta") {
    block.citations = [...objectsOf(block.citations ?? []), objectOf(delta.citation)];
  } else throw lossy;
}

function toEvents(body: Json): StreamEvent[] {
  const { id, type, role, model, content, usage, ...about } = body;
  const { stop_reason, stop_sequence, stop_details, container, context_management, ...rest } =
    about;
  if (type !== "message") throw lossy;
  for (const key in rest) nothing(rest[key]);
  const counts = objectOf(usage);
  const event = (data: Json): StreamEvent => ({ name: data.type as string, data });
  return [
    event({
      type: "message_start",
      message: {
        id,
        type,
        role,
        model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        ...rest,
        usage: counts,
      },
    }),
    ...objectsOf(content).flatMap((block, index) => [
      ...blockEvents(block).map(({ type, ...data }) => event({ type, index, ...data })),
      event({ type: "content_block_stop", index }),
    ]),
    event({
      type: "message_delta",
      delta: {
        stop_reason: textOf(stop_reason),
        stop_sequence: stop_sequence ?? null,
        ...stop_details !== undefined && { stop_details },
        ...container !== undefined && { container },
      },
      usage: { output_tokens: counts.output_tokens },
      ...context_management !== undefined && { context_management },
    }),
    event({ type: "message_stop" }),
  ];
}

/** A block's start and what it grows by; results and the like are whole in their start. */
function blockEvents(block: Json): Json[] {
  const start = (content_block: Json): Json => ({ type: "content_block_start", content_block });
  const delta = (type: string, member: Json): Json => ({
    type: "content_block_delta",
    delta: { type, ...member },
  });
  if (block.type === "text") {
    const { text, citations, ...rest } = block;
    const cited = citations === undefined || citations === null ? [] : objectsOf(citations);
    return [
      start({ ...rest, text: "", ...citations !== undefined && { citations: citations && [] } }),
      ...cited.map((citation) => delta("citations_delta", { citation })),
      delta("text_delta", { text: textOf(text) }),
    ];
  }
  if (block.type === "thinking") {
    const { thinking, signature, ...rest } = block;
    return [
      start({ ...rest, thinking: "", signature: "" }),
      delta("thinking_delta", { thinking: textOf(thinking) }),
      delta("signature_delta", { signature: textOf(signature) }),
    ];
  }
  if (textOf(block.type).endsWith("tool_use")) {
    const { input, ...rest } = block;
    const partial_json = JSON.stringify(objectOf(input));
    return [
      start({ ...rest, input: {} }),
      delta("input_json_delta", { partial_json: partial_json === "{}" ? "" : partial_json }),
    ];
  }
  if (/_result$|^redacted_thinking$/.test(textOf(block.type))) return [start(block)];
  throw lossy;
}
