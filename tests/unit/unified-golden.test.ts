/**
 * What a conversation becomes between each client's format and each provider, and its answer on the way
 * back: tests/golden has a file for each client's format. `UPDATE_GOLDEN=1` writes them anew, to be read.
 */
import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Event } from "../../core/formats/frames.ts";
import type { ChatFormat, ChatRequest, Part } from "../../core/unified/chat.ts";
import { codecs } from "../support/unified-codecs.ts";
import { framerFor } from "../../core/unified/framing.ts";
import { Lost } from "../../core/unified/lost.ts";
import { gatewayOver } from "../support/unified-gateway.ts";
import { answerOf, providersOf, said, toldOf } from "../support/unified-provider.ts";

const now = () => 1_790_000_000_000;
const text = (words: string): Part => ({ type: "text", text: words });
const call = (id: string, city: string): Part => ({
  type: "tool_call",
  id,
  name: "weather",
  arguments: JSON.stringify({ city }),
});

/** As a client of a format says it, as far as the format has words. */
const conversation: Omit<ChatRequest, "format" | "model" | "stream"> = {
  messages: [
    { role: "system", parts: [text("Be brief.")], instructions: true },
    {
      role: "user",
      parts: [
        text("Is it like this?"),
        { type: "image", source: { kind: "base64", mime: "image/png", data: "iVBORw0KGgo=" } },
      ],
    },
    {
      role: "assistant",
      parts: [call("call_aaaaaaaaa", "Paris"), call("call_bbbbbbbbb", "Ghent")],
    },
    {
      role: "user",
      parts: [
        {
          type: "tool_result",
          call_id: "call_aaaaaaaaa",
          name: "weather",
          content: [text("sunny")],
        },
        {
          type: "tool_result",
          call_id: "call_bbbbbbbbb",
          name: "weather",
          content: [text("no such city")],
          is_error: true,
        },
      ],
    },
  ],
  tools: [{
    type: "function",
    name: "weather",
    description: "Tells it",
    parameters: {
      type: "object",
      properties: { city: { type: "string", minLength: 1 } },
      required: ["city"],
    },
  }],
  max_tokens: 4000,
  stop: ["END"],
  reasoning: { effort: "low" },
};

const answer: Part[] = [
  { type: "reasoning", text: "Again." },
  text("Let me see."),
  call("call_ccccccccc", "Gent"),
  call("call_ddddddddd", "Lyon"),
];

/** The newest models of a format can say the most. */
const own: Readonly<Record<ChatFormat, string>> = {
  "openai-chat": "gpt-5",
  "openai-responses": "gpt-5",
  "anthropic-messages": "claude-sonnet-4-5",
  gemini: "gemini-3-pro-preview",
  "bedrock-converse": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  "cohere-v2": "command-a-reasoning-08-2025",
};

function pathOf(format: ChatFormat, model: string, stream: boolean): string {
  const compat = "/v1/account/default/compat";
  switch (format) {
    case "openai-chat":
      return "/v1/chat/completions";
    case "openai-responses":
      return "/v1/responses";
    case "anthropic-messages":
      return "/v1/messages";
    case "gemini":
      return `/v1beta/models/${model}:${
        stream ? "streamGenerateContent?alt=sse" : "generateContent"
      }`;
    case "bedrock-converse":
      return `${compat}/model/${encodeURIComponent(model)}/converse${stream ? "-stream" : ""}`;
    case "cohere-v2":
      return `${compat}/v2/chat`;
  }
}

/** Ids that the gateway makes up are others each time. */
const stable = (words: string) =>
  words.replaceAll("\r\n", "\n")
    .replace(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, "<id>")
    .replace(/(_sl|[a-z]_)?[\da-f]{32}/g, "$1<id>");

/** A stream as text, frames of AWS by their events. */
function shown(type: string, bytes: Uint8Array): string {
  if (!type.includes("amazon.eventstream")) return new TextDecoder().decode(bytes).trimEnd();
  const events: Event[] = [];
  const framer = framerFor(type, (event) => events.push(event));
  framer.push(bytes);
  framer.end();
  return events.map(({ name, json }) => `${name}: ${JSON.stringify(json)}`).join("\n");
}

async function pair(client: ChatFormat, { name, format, model }: typeof providersOf[number]) {
  const lines = [`# ${name}: ${model}`];
  for (const stream of [false, true]) {
    const body = codecs[client].writeRequest(
      { ...conversation, format: client, model: own[client], stream },
      { provider: "x", model: own[client], requestId: "r", now },
      new Lost(),
    );
    if ("model" in body) body.model = model;
    const gateway = gatewayOver(async (sent) => {
      // Claude on Bedrock answers clients of Converse in their own format.
      const spoken = sent.url.includes("/converse") ? "bedrock-converse" : format;
      const told = await toldOf(spoken, sent);
      if (!stream) {
        const { pathname, search } = new URL(sent.url);
        lines.push(`POST ${pathname}${search}`, JSON.stringify(told.body, null, 1));
      }
      const whole = answerOf(spoken, answer);
      whole.usage = { input: 200, cache_read: 120, output: 30, reasoning: 12 };
      return said(spoken, told, whole);
    }, { now });
    const response = await gateway(
      new Request(`http://gateway.test${pathOf(client, model, stream)}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer k" },
        body: JSON.stringify(body),
      }),
    );
    const type = response.headers.get("content-type") ?? "";
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (stream) lines.push(`> ${type}`, shown(type, bytes));
    else {
      lines.push(`> dropped: ${response.headers.get("x-sluice-dropped") ?? "nothing"}`);
      lines.push(JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)), null, 1));
    }
    assert.equal(response.status, 200, lines.join("\n"));
  }
  return stable(lines.join("\n"));
}

describe("between formats, a conversation is what it was", () => {
  for (const client of Object.keys(codecs) as ChatFormat[]) {
    it(`for clients of ${client}`, async () => {
      const pairs: string[] = [];
      for (const provider of providersOf) pairs.push(await pair(client, provider));
      const page = `${pairs.join("\n\n")}\n`;
      const file = new URL(`../golden/${client}.txt`, import.meta.url);
      if (process.env["UPDATE_GOLDEN"]) writeFileSync(file, page);
      assert.equal(page, readFileSync(file, "utf8"));
    });
  }
});
