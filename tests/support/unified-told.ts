// What a recorded answer says, read from its JSON by hand: as a person would, and not with the code that
// is tested. Usage is what tests/fixtures/usage.json says.
import { EventStreamCodec } from "@smithy/core/event-streams";
import { readFileSync } from "node:fs";
import type { ChatFormat } from "../../core/unified/chat.ts";
import { type Fixture, fixtureNames, loadFixture } from "./fixtures.ts";

// What a recording holds is compared, not typed.
// deno-lint-ignore no-explicit-any
export type Json = any;

/** Why a model stopped, in few words for all formats. */
export type Why = "stop" | "length" | "tools" | "filter" | "refusal" | "pause" | "other";

export interface Told {
  text: string;
  thoughts: string;
  calls: { name: string; args: unknown }[];
  why: Why;
  usage?: { input?: number; output?: number; cached?: number; reasoning?: number };
}

export interface Recording extends Fixture {
  format: ChatFormat;
  /** Slug of the provider. */
  slug: string;
  streamed: boolean;
  model: string;
  told: Told;
  /** The body, as the gateway asks for it. */
  body: Uint8Array;
  type: string;
}

interface Known {
  usage?: Record<string, number>;
  finish?: string;
  model?: string;
  end: string;
}
const usages: Record<string, Known> = JSON.parse(
  readFileSync(new URL("../fixtures/usage.json", import.meta.url), "utf8"),
);

const slugs: Record<string, string> = {
  "amazon-bedrock": "aws-bedrock",
  "amazon-bedrock-mantle": "aws-bedrock",
  xai: "grok",
  "openai-compatible": "together",
};

function formatOf({ url, name, requestBody }: Fixture): ChatFormat | undefined {
  const path = url.replace(/\?.*/, "");
  if (name.endsWith("-transcription")) return undefined;
  if (/\/chat\/completions$/.test(path)) return "openai-chat";
  if (/\/responses$/.test(path)) return "openai-responses";
  if (/\/v1\/messages$/.test(path)) return "anthropic-messages";
  if (/:(?:streamG|g)enerateContent$/.test(path)) return "gemini";
  if (/\/converse(?:-stream)?$/.test(path)) return "bedrock-converse";
  // Other models of `invoke` have formats of their own.
  if (/\/invoke(?:-with-response-stream)?$/.test(path)) {
    const isClaude = /anthropic_version/.test(String(requestBody));
    return isClaude ? "anthropic-messages" : undefined;
  }
  return /cohere\/.*v2-chat/.test(name) && /\/v2\/chat$/.test(path) ? "cohere-v2" : undefined;
}

/** All recorded chats that were answered. */
export function recordedChats(): Recording[] {
  return fixtureNames().flatMap((name) => {
    const fixture = loadFixture(name);
    const format = formatOf(fixture);
    if (format === undefined || fixture.status !== 200) return [];
    const { body, type } = asAsked(fixture);
    const streamed = /event-?stream/.test(type);
    const known = usages[name];
    const told = toldOf(format, streamed, type, body);
    const usage = known?.usage && countsOf(known.usage);
    return [{
      ...fixture,
      format,
      slug: slugs[fixture.provider] ?? fixture.provider,
      streamed,
      body,
      type,
      model: known?.model ?? "some-model",
      told: { ...told, ...usage !== undefined && { usage } },
    }];
  });
}

/** Google's streams were recorded as arrays as well; the gateway asks for events. */
function asAsked({ name, url, responseBody, responseHeaders }: Fixture) {
  const type =
    Object.entries(responseHeaders).findLast(([one]) => one.toLowerCase() === "content-type")![1];
  if (/streamGenerateContent(?!.*alt=sse)/.test(url) && /json/.test(type)) {
    const chunks = JSON.parse(responseBody.toString()) as Json[];
    return {
      body: Buffer.from(chunks.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`).join("")),
      type: "text/event-stream",
    };
  }
  // Recorded without its type.
  if (/^amazon-bedrock\/(?:.*stream|synthetic)/.test(name) && /octet-stream/.test(type)) {
    return { body: responseBody, type: "application/vnd.amazon.eventstream" };
  }
  return { body: responseBody, type };
}

function countsOf(usage: Record<string, number>): NonNullable<Told["usage"]> {
  const { input, output, cache_read, reasoning } = usage;
  return {
    ...input !== undefined && { input },
    ...output !== undefined && { output },
    ...cache_read !== undefined && { cached: cache_read },
    ...reasoning !== undefined && { reasoning },
  };
}

/** The JSON of the events of a stream. */
export function eventsIn(type: string, body: Uint8Array): Json[] {
  if (/amazon/.test(type)) return framesIn(body);
  return new TextDecoder().decode(body).split(/\r\n\r\n|\n\n|\r\r/).flatMap((block) => {
    const data = block.split(/\r\n|\n|\r/).filter((line) => line.startsWith("data:"))
      .map((line) => line.slice(5)).join("\n").trim();
    if (data === "" || data === "[DONE]") return [];
    try {
      return [JSON.parse(data)];
    } catch {
      return [];
    }
  });
}

function framesIn(body: Uint8Array): Json[] {
  const codec = new EventStreamCodec(
    (bytes: Uint8Array) => new TextDecoder().decode(bytes),
    (text: string) => new TextEncoder().encode(text),
  );
  const events: Json[] = [];
  for (let at = 0; at < body.length;) {
    const size = new DataView(body.buffer, body.byteOffset + at).getUint32(0);
    const { headers, body: inner } = codec.decode(body.subarray(at, at + size));
    at += size;
    const value = JSON.parse(new TextDecoder().decode(inner));
    // `invoke` has the provider's own events in base64.
    if (typeof value.bytes === "string") {
      events.push(JSON.parse(Buffer.from(value.bytes, "base64").toString()));
    } else events.push({ [String(headers[":event-type"]?.value)]: value });
  }
  return events;
}

function toldOf(format: ChatFormat, streamed: boolean, type: string, body: Uint8Array): Told {
  const events = streamed ? eventsIn(type, body) : [JSON.parse(new TextDecoder().decode(body))];
  switch (format) {
    case "openai-chat":
      return ofChat(events, streamed);
    case "openai-responses":
      return ofResponse(streamed ? lastResponse(events) : events[0]);
    case "anthropic-messages":
      return streamed ? ofMessageEvents(events) : ofMessage(events[0]);
    case "gemini":
      return ofGemini(events);
    case "bedrock-converse":
      return streamed ? ofConverseEvents(events) : ofConverse(events[0]);
    case "cohere-v2":
      return streamed ? ofCohereEvents(events) : ofCohere(events[0]);
  }
}

/** Arguments as the model meant them. */
export function argsOf(text: unknown): unknown {
  if (typeof text !== "string") return text ?? {};
  if (text.trim() === "" || text.trim() === "null") return {};
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const whyOfChat: Record<string, Why> = {
  stop: "stop",
  eos: "stop",
  eos_token: "stop",
  stop_sequence: "stop",
  length: "length",
  max_tokens: "length",
  model_length: "length",
  tool_calls: "tools",
  function_call: "tools",
  content_filter: "filter",
  refusal: "refusal",
};

/** Whole answers have a `message` where chunks have a `delta`. */
function ofChat(chunks: Json[], streamed: boolean): Told {
  let [text, thoughts, finish] = ["", "", ""];
  const calls: { id?: string; name: string; text: string }[] = [];
  let before = 0;
  let refused = false;
  for (const chunk of chunks) {
    for (const choice of chunk.choices ?? []) {
      if ((choice.index ?? 0) !== 0) continue;
      // Perplexity has both.
      const said = (streamed ? choice.delta : choice.message) ?? {};
      for (const part of Array.isArray(said.content) ? said.content : [said.content ?? ""]) {
        if (typeof part === "string") text += part;
        else if (part.type === "thinking") {
          thoughts += part.thinking.map((one: Json) => one.text).join("");
        } else text += part.text ?? "";
      }
      if (typeof said.refusal === "string" && said.refusal !== "") {
        text += said.refusal;
        refused = true;
      }
      thoughts += said.reasoning_content ?? said.reasoning ?? "";
      const all = said.tool_calls ?? (said.function_call ? [{ function: said.function_call }] : []);
      for (const [at, call] of all.entries()) {
        let index = !streamed
          ? at
          : before + (call.index ?? calls.length - (call.function?.name ? 0 : 1));
        // Some count each call from 0.
        if (call.id && calls[index]?.id && calls[index].id !== call.id) index += ++before;
        const known = calls[index] ??= { id: call.id, name: "", text: "" };
        known.name ||= call.function?.name ?? "";
        const args = call.function?.arguments;
        known.text += typeof args === "string" ? args : args == null ? "" : JSON.stringify(args);
      }
      if (choice.finish_reason != null && choice.finish_reason !== "") {
        finish = choice.finish_reason;
      }
    }
  }
  // Some models think in the text, up to a tag.
  const tagged = /^\s*<think>\n?([^]*?)(?:<\/think>\s*([^]*))?$/.exec(text);
  if (tagged !== null) [text, thoughts] = [tagged[2] ?? "", tagged[1]!];
  return {
    text,
    thoughts,
    calls: calls.filter(Boolean).map((call) => ({ name: call.name, args: argsOf(call.text) })),
    why: refused ? "refusal" : whyOfChat[finish] ?? "other",
  };
}

function lastResponse(events: Json[]): Json {
  return events.findLast(({ response }) => response?.status && response.output)?.response ?? {};
}

function ofResponse({ output = [], status, incomplete_details }: Json): Told {
  const parts = output.flatMap((item: Json) => item.type === "message" ? item.content : []);
  const calls = output.filter(({ type }: Json) =>
    type === "function_call" || type === "custom_tool_call"
  )
    .map(({ name, arguments: args, input }: Json) => ({ name, args: argsOf(args ?? input) }));
  const thoughts = output.filter(({ type }: Json) => type === "reasoning")
    .flatMap(({ summary, content }: Json) => [...content ?? [], ...summary ?? []])
    .map(({ text }: Json) => text).join("");
  return {
    text: parts.map(({ text, refusal }: Json) => text ?? refusal ?? "").join(""),
    thoughts,
    calls,
    why: status === "completed"
      ? calls.length > 0
        ? "tools"
        : parts.some(({ type }: Json) => type === "refusal")
        ? "refusal"
        : "stop"
      : incomplete_details?.reason === "content_filter"
      ? "filter"
      : incomplete_details?.reason === "max_output_tokens"
      ? "length"
      : "other",
  };
}

const whyOfMessages: Record<string, Why> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tools",
  refusal: "refusal",
  pause_turn: "pause",
  content_filtered: "filter",
  guardrail_intervened: "filter",
};

function ofMessage({ content = [], stop_reason }: Json): Told {
  const of = (type: string) => content.filter((block: Json) => block.type === type);
  return {
    text: of("text").map(({ text }: Json) => text).join(""),
    thoughts: of("thinking").map(({ thinking }: Json) => thinking).join(""),
    calls: of("tool_use").map(({ name, input }: Json) => ({ name, args: input })),
    why: whyOfMessages[stop_reason] ?? "other",
  };
}

function ofMessageEvents(events: Json[]): Told {
  const content: Json[] = [];
  let stop_reason;
  for (const event of events) {
    if (event.type === "content_block_start") {
      content[event.index] = { ...event.content_block, json: "" };
    } else if (event.type === "content_block_delta") {
      const block = content[event.index];
      block.text += event.delta.text ?? "";
      block.thinking += event.delta.thinking ?? "";
      block.json += event.delta.partial_json ?? "";
    } else if (event.type === "message_delta") stop_reason = event.delta.stop_reason ?? stop_reason;
  }
  for (const block of content) if (block?.json) block.input = argsOf(block.json);
  return ofMessage({ content: content.filter(Boolean), stop_reason });
}

const whyOfGemini: Record<string, Why> = {
  STOP: "stop",
  MAX_TOKENS: "length",
  SAFETY: "filter",
  RECITATION: "filter",
  PROHIBITED_CONTENT: "filter",
};

function ofGemini(chunks: Json[]): Told {
  const candidates = chunks.flatMap((chunk) => chunk.candidates ?? [])
    .filter(({ index = 0 }) => index === 0);
  const parts = candidates.flatMap(({ content }) => content?.parts ?? []);
  const blocked = chunks.some(({ promptFeedback }) => promptFeedback?.blockReason);
  const why = candidates.findLast(({ finishReason }) => finishReason)?.finishReason;
  const calls = callsOfGemini(parts);
  return {
    text: parts.filter(({ thought }) => !thought).map(({ text = "" }) => text).join(""),
    thoughts: parts.filter(({ thought }) => thought).map(({ text = "" }) => text).join(""),
    calls,
    why: blocked
      ? "filter"
      : why === "STOP" && calls.length > 0
      ? "tools"
      : whyOfGemini[why] ?? "other",
  };
}

/** Arguments may come in pieces, each with the path where it belongs. */
function callsOfGemini(parts: Json[]): Told["calls"] {
  const calls: { name: string; args: Json }[] = [];
  let open = false;
  for (const { functionCall } of parts) {
    if (functionCall === undefined) continue;
    const { name, args, partialArgs, willContinue } = functionCall;
    if (!open) calls.push({ name, args: args ?? {} });
    const { args: whole } = calls.at(-1)!;
    for (const piece of partialArgs ?? []) {
      const path = [...piece.jsonPath.matchAll(/[^.$[\]'"]+/g)].map(([key]: string[]) => key!);
      const last = path.pop()!;
      let at = whole;
      for (const key of path) at = at[key] ??= {};
      if (piece.stringValue !== undefined) at[last] = (at[last] ?? "") + piece.stringValue;
      else at[last] = piece.numberValue ?? piece.boolValue ?? null;
    }
    open = willContinue === true;
  }
  return calls;
}

function ofConverse({ output, stopReason }: Json): Told {
  const content: Json[] = output?.message?.content ?? [];
  return {
    text: content.map(({ text, citationsContent }) =>
      text ?? citationsContent?.content?.map((one: Json) => one.text).join("") ?? ""
    ).join(""),
    thoughts: content.map(({ reasoningContent }) => reasoningContent?.reasoningText?.text ?? "")
      .join(""),
    calls: content.filter(({ toolUse }) => toolUse && toolUse.type !== "server_tool_use")
      .map(({ toolUse: { name, input } }) => ({ name, args: input })),
    why: whyOfMessages[stopReason] ?? "other",
  };
}

function ofConverseEvents(events: Json[]): Told {
  const content: Json[] = [];
  let stopReason;
  for (const { contentBlockStart, contentBlockDelta, messageStop } of events) {
    if (contentBlockStart?.start?.toolUse) {
      content[contentBlockStart.contentBlockIndex] = {
        toolUse: { ...contentBlockStart.start.toolUse, json: "" },
      };
    }
    if (contentBlockDelta) {
      const { delta, contentBlockIndex: index } = contentBlockDelta;
      const block = content[index] ??= {};
      if (delta.text !== undefined) block.text = (block.text ?? "") + delta.text;
      if (delta.reasoningContent?.text !== undefined) {
        block.reasoningContent ??= { reasoningText: { text: "" } };
        block.reasoningContent.reasoningText.text += delta.reasoningContent.text;
      }
      if (delta.toolUse) block.toolUse.json += delta.toolUse.input;
    }
    stopReason = messageStop?.stopReason ?? stopReason;
  }
  for (const block of content) if (block?.toolUse) block.toolUse.input = argsOf(block.toolUse.json);
  return ofConverse({ output: { message: { content: content.filter(Boolean) } }, stopReason });
}

const whyOfCohere: Record<string, Why> = {
  COMPLETE: "stop",
  STOP_SEQUENCE: "stop",
  MAX_TOKENS: "length",
  TOOL_CALL: "tools",
};

function ofCohere({ message, finish_reason }: Json): Told {
  const content: Json[] = message?.content ?? [];
  return {
    // What it is about to do stands apart.
    text: (message?.tool_plan ?? "") + content.map(({ text = "" }) => text).join(""),
    thoughts: content.map(({ thinking = "" }) => thinking).join(""),
    calls: (message?.tool_calls ?? []).map((call: Json) => ({
      name: call.function.name,
      args: argsOf(call.function.arguments),
    })),
    why: whyOfCohere[finish_reason] ?? "other",
  };
}

function ofCohereEvents(events: Json[]): Told {
  const content: Json[] = [];
  const tool_calls: Json[] = [];
  let finish_reason;
  let tool_plan = "";
  for (const { type, index, delta } of events) {
    if (type === "tool-plan-delta") tool_plan += delta.message.tool_plan;
    const said = delta?.message?.content;
    const call = delta?.message?.tool_calls;
    if (type === "content-start") content[index] = { ...said };
    if (type === "content-delta") {
      content[index] ??= {};
      for (const name of ["text", "thinking"]) {
        if (said[name] !== undefined) {
          content[index][name] = (content[index][name] ?? "") + said[name];
        }
      }
    }
    if (type === "tool-call-start") {
      tool_calls[index] = {
        function: { name: call.function.name, arguments: call.function.arguments ?? "" },
      };
    }
    if (type === "tool-call-delta") tool_calls[index].function.arguments += call.function.arguments;
    if (type === "message-end") finish_reason = delta.finish_reason;
  }
  return ofCohere({
    message: {
      tool_plan,
      content: content.filter(Boolean),
      tool_calls: tool_calls.filter(Boolean),
    },
    finish_reason,
  });
}

/** How a client names the model of a recording. */
export function modelOf({ slug, model }: Recording): string {
  // Azure's are deployments of a resource.
  return slug === "azure-openai" ? `${slug}/some-resource/${model}` : `${slug}/${model}`;
}
