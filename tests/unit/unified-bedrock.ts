// What the tests of Bedrock's Converse have in common.
import type { Json } from "../../core/formats/json.ts";
import type { ChatEvent, ChatRequest, Message } from "../../core/unified/chat.ts";
import type { Asked, Target } from "../../core/unified/codec.ts";
import { bedrockConverse as codec } from "../../core/unified/codecs/bedrock.ts";
import { framerFor } from "../../core/unified/framing.ts";
import { Lost } from "../../core/unified/lost.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

export const haiku = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
export const sonnet37 = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";
export const nova = "us.amazon.nova-pro-v1:0";
export const llama = "us.meta.llama3-3-70b-instruct-v1:0";

export function target(model: string = haiku): Target {
  return { provider: "aws-bedrock", model, requestId: "0190-abcd", now: () => 0 };
}

export const asked: Asked = {
  request: codec.readRequest({ messages: [] }, { model: haiku, stream: true }),
  model: haiku,
  requestId: "0190-abcd",
  now: () => 0,
};

/** Recorded exchanges of Converse by the end of their path. */
export function recorded(end: "converse" | "converse-stream"): {
  name: string;
  model: string;
  request: Json | undefined;
  status: number;
  answer: Uint8Array;
}[] {
  return fixtureNames().filter((name) => /^amazon-bedrock\/.*converse/.test(name)).flatMap(
    (name) => {
      const { url, requestBody, responseBody, status } = loadFixture(name);
      const [, model = haiku, last] = /model\/([^/]+)\/([\w-]+)/.exec(url) ?? [];
      const streams = last ?? (name.includes("stream") ? "converse-stream" : "converse");
      if (streams !== end) return [];
      const request = requestBody === undefined ? undefined : JSON.parse(requestBody.toString());
      return [{ name, model: decodeURIComponent(model), request, status, answer: responseBody }];
    },
  );
}

/** Without what says nothing. */
export function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== "object" || value === null) return value;
  const said: Json = {};
  for (const [name, inner] of Object.entries(value as Json)) {
    const empty = /^(?:inferenceConfig|system|stopSequences)$/.test(name) &&
      Object.keys(inner as Json).length === 0;
    if (inner == null || empty) continue;
    said[name] = name === "schema" && typeof inner === "string" ? JSON.parse(inner) : normal(inner);
  }
  return said;
}

export function read(bytes: Uint8Array, model: string = haiku): ChatEvent[] {
  const events: ChatEvent[] = [];
  const emit = (event: ChatEvent) => void events.push(event);
  const reader = codec.readStream(target(model));
  const framer = framerFor(codec.streamType, (event) => reader.event(event, emit));
  framer.push(bytes);
  framer.end();
  reader.end(emit);
  return events;
}

/** What the reader makes of events as the framing tells them. */
export function readEvents(...jsons: unknown[]): ChatEvent[] {
  const events: ChatEvent[] = [];
  const emit = (event: ChatEvent) => void events.push(event);
  const reader = codec.readStream(target());
  for (const json of jsons) reader.event({ json }, emit);
  reader.end(emit);
  return events;
}

export function written(events: Iterable<ChatEvent>): Uint8Array {
  const writer = codec.writeStream(asked);
  const bytes: number[] = [];
  for (const event of events) bytes.push(...writer.write(event) as Uint8Array);
  return Uint8Array.from(bytes);
}

/** A request of another format, and what of it is lost. */
export function convert(
  request: Partial<ChatRequest> & { messages: Message[] },
  model: string = haiku,
): { body: Json; lost: readonly string[] } {
  const lost = new Lost();
  const whole: ChatRequest = { format: "openai-chat", model, stream: false, ...request };
  const before = JSON.stringify(whole);
  const body = codec.writeRequest(whole, target(model), lost);
  if (JSON.stringify(whole) !== before) throw new Error("The request was changed");
  return { body, lost: lost.names };
}

export const says = (text: string): Message => ({ role: "user", parts: [{ type: "text", text }] });
