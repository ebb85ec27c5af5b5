// Recorded exchanges with Google's generateContent, and what the tests of its format share.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ChatAnswer, ChatRequest, Message } from "../../core/unified/chat.ts";
import type { Asked, Target } from "../../core/unified/codec.ts";
import { gemini } from "../../core/unified/codecs/gemini.ts";
import { Lost } from "../../core/unified/lost.ts";
import { type Fixture, fixtureNames, loadFixture } from "../support/fixtures.ts";

export type Json = Record<string, unknown>;

/** What each recording tells, found by other means than those under test. */
export const told: Record<string, { usage?: Json; model?: string; finish?: string }> = JSON.parse(
  readFileSync(fileURLToPath(new URL("../fixtures/usage.json", import.meta.url)), "utf8"),
);

/** All recorded calls of generateContent. */
export const recordings: Fixture[] = fixtureNames()
  .filter((name) => name.startsWith("google-"))
  .map(loadFixture)
  .filter(({ url }) => /enerateContent/.test(url));

export const modelOf = ({ url }: Fixture): string => /models\/([^:?]+):/.exec(url)?.[1] ?? "gemini";

export function target(model = "gemini-2.5-flash", provider = "google-ai-studio"): Target {
  return { provider, model, requestId: "0198-ab", now: () => 0 };
}

export function asked(request: Partial<ChatRequest> = {}): Asked {
  return {
    request: { format: "gemini", model: "m", stream: true, messages: [], ...request },
    model: "google/m",
    requestId: "0198-ab",
    now: () => 0,
  };
}

/** A request of another format, written for Google. */
export function written(
  request: Partial<ChatRequest>,
  to: Target = target(),
): { body: Json; lost: readonly string[] } {
  const lost = new Lost();
  const whole: ChatRequest = {
    format: "openai-chat",
    model: to.model,
    stream: false,
    messages: [user("Hi")],
    ...request,
  };
  const before = structuredClone(whole);
  const body = gemini.writeRequest(whole, to, lost);
  if (JSON.stringify(before) !== JSON.stringify(whole)) throw new Error("The request was changed");
  return { body: JSON.parse(JSON.stringify(body)), lost: lost.names };
}

export function user(text: string): Message {
  return { role: "user", parts: [{ type: "text", text }] };
}

export function answer(parts: ChatAnswer["choices"][0]["parts"], more: Partial<ChatAnswer> = {}) {
  const choice = { index: 0, parts, finish: "stop" as const };
  const whole: ChatAnswer = {
    format: "anthropic-messages",
    id: "a1",
    model: "claude-x",
    choices: [choice],
    ...more,
  };
  return whole;
}
