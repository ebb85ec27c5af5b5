// What the tests of Anthropic Messages have in common.
import { strict as assert } from "node:assert";
import type { Json } from "../../core/formats/json.ts";
import type { ChatEvent, ChatRequest, Message, Part } from "../../core/unified/chat.ts";
import type { Asked, Target } from "../../core/unified/codec.ts";
import { anthropicMessages as codec } from "../../core/unified/codecs/anthropic.ts";
import { framerFor } from "../../core/unified/framing.ts";
import { Lost } from "../../core/unified/lost.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

export function target(model = "claude-haiku-4-5"): Target {
  return { provider: "anthropic", model, requestId: "0190-abcd", now: () => 0 };
}

export const asked: Asked = {
  request: codec.readRequest({ model: "m", messages: [], stream: true }, {}),
  model: "m",
  requestId: "0190-abcd",
  now: () => 0,
};

/** One spelling for what may be said in several: text for a block of it, nothing for null and defaults. */
export function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== "object" || value === null) return value;
  const said: Json = {};
  for (const [name, inner] of Object.entries(value as Json)) {
    if (inner == null || name === "stream" && inner === false) continue;
    if (name === "caller" && (inner as Json).type === "direct") continue;
    if (name === "type" && inner === "custom") continue;
    const isText = typeof inner === "string" && (name === "content" || name === "system");
    said[name] = isText ? [{ type: "text", text: inner }] : normal(inner);
  }
  return said;
}

export function recorded(): { name: string; body: Json }[] {
  return fixtureNames().filter((name) => /^(?:anthropic|amazon-bedrock\/invoke)/.test(name))
    .flatMap((name) => {
      const { requestBody } = loadFixture(name);
      if (requestBody === undefined || requestBody[0] !== 0x7b) return [];
      const body = JSON.parse(requestBody.toString());
      const isOurs = name.startsWith("anthropic/") || body.anthropic_version !== undefined;
      return isOurs && body.messages !== undefined ? [{ name, body }] : [];
    });
}

export function read(bytes: Uint8Array, type = "text/event-stream"): ChatEvent[] {
  const events: ChatEvent[] = [];
  const emit = (event: ChatEvent) => void events.push(event);
  const reader = codec.readStream(target());
  const framer = framerFor(type, (event) => reader.event(event, emit));
  framer.push(bytes);
  framer.end();
  reader.end(emit);
  return events;
}

export function written(events: Iterable<ChatEvent>): string {
  const writer = codec.writeStream(asked);
  let text = "";
  for (const event of events) text += writer.write(event);
  return text;
}

export const bytesOf = (text: string) => new TextEncoder().encode(text);

export function sse(...events: Json[]): Uint8Array {
  return bytesOf(
    events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(""),
  );
}

/** What is in order of any stream. */
export function check(events: readonly ChatEvent[]): void {
  let open: number | undefined;
  let next = 0;
  for (const [index, event] of events.entries()) {
    if (event.type === "start") assert.equal(index, 0);
    if (event.type === "end" || event.type === "error") assert.equal(index, events.length - 1);
    if (event.type === "part_start") {
      assert.equal(open, undefined);
      assert.equal(event.part, next);
      open = next++;
    } else if ("part" in event) assert.equal(event.part, open);
    if (event.type === "part_end" || event.type === "finish") open = undefined;
  }
  assert.ok(["end", "error"].includes(events.at(-1)?.type ?? ""), "It ends in silence");
}

export const streams = fixtureNames()
  .filter((name) => /^(?:anthropic\/.*stream|amazon-bedrock\/invoke-with)/.test(name))
  .map((name) => loadFixture(name))
  .filter(({ responseBody }) => responseBody.includes("message_start") || isWrapped(responseBody))
  .map((fixture) => ({ ...fixture, type: fixture.responseHeaders["content-type"]! }));

function isWrapped(body: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(body);
  return text.includes(btoa('{"type":"message_start"').slice(0, 28));
}

export const user: Message = { role: "user", parts: [{ type: "text", text: "Hi" }] };

export function wrote(
  model: string,
  request: Partial<ChatRequest> = {},
): { body: Json; lost: readonly string[] } {
  const lost = new Lost();
  const whole: ChatRequest = {
    format: "openai-chat",
    model: "x",
    stream: false,
    messages: [user],
    ...request,
  };
  const before = structuredClone(whole);
  const target = { provider: "anthropic", model, requestId: "r-1", now: () => 0 };
  const body = codec.writeRequest(whole, target, lost);
  assert.deepEqual(whole, before);
  return { body, lost: lost.names };
}

export const messages = (parts: Part[][], roles = ["user", "assistant"]): Message[] =>
  parts.map((one, index) => ({ role: roles[index % roles.length] as "user", parts: one }));
