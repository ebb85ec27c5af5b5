// A provider of any format, played by the format's own codec: it reads what it is asked into the canonical
// form, and says what a test wants it to say.
import type {
  ChatAnswer,
  ChatEvent,
  ChatFault,
  ChatFormat,
  ChatRequest,
  Part,
} from "../../core/unified/chat.ts";
import type { Asked } from "../../core/unified/codec.ts";
import { codecs } from "./unified-codecs.ts";
import { eventsOf } from "../../core/unified/events.ts";
import { assertNative } from "./unified-native.ts";

/** A format, and a provider that is asked in it. */
export const providersOf: readonly { name: string; format: ChatFormat; model: string }[] = [
  { name: "openai-chat", format: "openai-chat", model: "mistral/mistral-small-latest" },
  { name: "openai-responses", format: "openai-responses", model: "openai/gpt-5-pro" },
  { name: "anthropic", format: "anthropic-messages", model: "anthropic/claude-sonnet-4-5" },
  { name: "gemini", format: "gemini", model: "google-ai-studio/gemini-2.5-pro" },
  { name: "vertex", format: "gemini", model: "google-vertex-ai/google/gemini-2.5-pro" },
  {
    name: "bedrock-converse",
    format: "bedrock-converse",
    model: "aws-bedrock/us.amazon.nova-2-lite-v1:0",
  },
  {
    name: "bedrock-invoke",
    format: "anthropic-messages",
    model: "aws-bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  },
  { name: "cohere", format: "cohere-v2", model: "cohere/command-a-reasoning-08-2025" },
];

/** What was asked of a provider, which refuses what its API would. */
export interface Told {
  request: ChatRequest;
  headers: Headers;
  url: string;
  body: Record<string, unknown>;
}

export async function toldOf(format: ChatFormat, sent: Request): Promise<Told> {
  const body = await sent.json() as Record<string, unknown>;
  const url = new URL(sent.url);
  assertNative(format, body, /\/invoke/.test(url.pathname));
  const stream = /stream/i.test(url.pathname) || body.stream === true;
  const model = decodeURIComponent(
    /\/models?\/([^/:]+)/.exec(url.pathname)?.[1] ?? String(body.model),
  );
  const request = codecs[format].readRequest(body, { model, stream });
  return { request: { ...request, stream }, headers: sent.headers, url: sent.url, body };
}

const asked = (request: ChatRequest): Asked => ({
  request,
  model: request.model,
  requestId: "019aa000-0000-7000-8000-000000000001",
  now: () => 1_790_000_000_000,
});

/** An answer of these parts. */
export function answerOf(format: ChatFormat, parts: Part[]): ChatAnswer {
  return {
    format,
    id: "answer_1",
    model: "the-model",
    created: 1_790_000_000,
    choices: [{
      index: 0,
      parts,
      finish: parts.some(({ type }) => type === "tool_call") ? "tool_calls" : "stop",
    }],
    usage: { input: 20, output: 10 },
  };
}

/** The answer as the provider sends it, whole or as a stream, as it was asked. */
export function said(format: ChatFormat, { request, url }: Told, answer: ChatAnswer): Response {
  const codec = codecs[format];
  if (!request.stream) {
    const text = JSON.stringify(codec.writeAnswer(answer, asked(request)));
    return new Response(theirs(text), { headers: { "content-type": "application/json" } });
  }
  return streamOf(format, request, url, eventsOf(answer));
}

/** These events as the provider's stream. */
export function streamOf(
  format: ChatFormat,
  request: ChatRequest,
  url: string,
  events: Iterable<ChatEvent>,
): Response {
  const writer = codecs[format].writeStream(asked({ ...request, include_usage: true }));
  const parts: Uint8Array[] = [];
  for (const event of events) {
    const written = writer.write(event);
    parts.push(typeof written === "string" ? new TextEncoder().encode(theirs(written)) : written);
  }
  const bytes = new Blob(parts as Uint8Array<ArrayBuffer>[]);
  const invoke = url.includes("invoke-with-response-stream");
  return new Response(bytes, {
    headers: { "content-type": invoke ? "text/event-stream" : codecs[format].streamType },
  });
}

/** Ids of Responses that a provider has made, and not the gateway. */
function theirs(text: string): string {
  return text.replaceAll(/\b(resp|rs|msg|fc)_sl/g, "$1_up");
}

/** The provider's error. */
export function failed(format: ChatFormat, fault: ChatFault, headers = {}): Response {
  const body = codecs[format].writeFault(fault, "request-1");
  return Response.json(body, { status: fault.status, headers });
}
