// More official clients: those of Cohere and Amazon, and the AI SDK's providers.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { generateText, jsonSchema, type LanguageModel, streamText, tool } from "ai";
import { CohereClientV2 } from "cohere-ai";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { ChatFormat } from "../../core/unified/chat.ts";
import { type Ask, type Client, type Fetch, fetchOf } from "./unified-clients.ts";
import { argsOf, type Json, type Told, type Why } from "./unified-told.ts";

const origin = "http://gateway.test";
const schema = { type: "object" as const, properties: {}, additionalProperties: true };
const key = "sk-of-the-client";

/** Counts that are there. */
const counts = (all: Record<string, unknown>): NonNullable<Told["usage"]> =>
  Object.fromEntries(Object.entries(all).filter(([, one]) => typeof one === "number"));

const cohereWhy: Record<string, Why> = {
  COMPLETE: "stop",
  STOP_SEQUENCE: "stop",
  MAX_TOKENS: "length",
  TOOL_CALL: "tools",
};

const cohere: Client = {
  name: "cohere",
  format: "cohere-v2",
  async ask(gateway, { model, stream, tools }) {
    const client = new CohereClientV2({
      token: key,
      baseUrl: `${origin}/v1/acc/default/compat`,
      maxRetries: 0,
      fetch: fetchOf(gateway),
    } as never);
    const body = {
      model,
      messages: [{ role: "user" as const, content: "Hi" }],
      ...tools?.length && {
        tools: tools.map((name) => ({
          type: "function" as const,
          function: { name, parameters: schema },
        })),
      },
    };
    const whole = stream
      ? cohereWhole(await Array.fromAsync(await client.chatStream(body) as AsyncIterable<Json>))
      : await client.chat(body) as Json;
    const { message, finishReason, usage } = whole;
    const content: Json[] = message.content ?? [];
    return {
      text: (message.toolPlan ?? "") + content.map(({ text = "" }) => text).join(""),
      thoughts: content.map(({ thinking = "" }) => thinking).join(""),
      calls: (message.toolCalls ?? []).map((call: Json) => ({
        name: call.function.name,
        args: argsOf(call.function.arguments),
      })),
      why: cohereWhy[finishReason] ?? "other",
      ...usage?.tokens && {
        usage: counts({
          input: usage.tokens.inputTokens,
          output: usage.tokens.outputTokens,
          cached: usage.cachedTokens,
        }),
      },
    };
  },
};

/** Its SDK has no helper that puts a stream together. */
function cohereWhole(events: Json[]): Json {
  const [content, toolCalls]: [Json[], Json[]] = [[], []];
  let toolPlan = "";
  let end: Json;
  for (const { type, index, delta } of events) {
    const { content: said, toolCalls: call, toolPlan: plan = "" } = delta?.message ?? {};
    toolPlan += plan;
    if (type === "content-start") content[index] = { ...said };
    if (type === "content-delta") {
      for (const [name, text] of Object.entries(said)) {
        content[index][name] = (content[index][name] ?? "") + text;
      }
    }
    if (type === "tool-call-start") toolCalls[index] = { function: { ...call.function } };
    if (type === "tool-call-delta") toolCalls[index].function.arguments += call.function.arguments;
    if (type === "message-end") end = delta;
  }
  if (end === undefined || end.error) throw new Error(end?.error ?? "It has no end");
  return { message: { content, toolCalls, toolPlan }, ...end };
}

const bedrockWhy: Record<string, Why> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tools",
  content_filtered: "filter",
  guardrail_intervened: "filter",
};

const bedrock: Client = {
  name: "bedrock",
  format: "bedrock-converse",
  async ask(gateway, { model, stream, tools }) {
    const client = new BedrockRuntimeClient({
      region: "us-east-1",
      endpoint: `${origin}/v1/acc/default/compat`,
      token: { token: key },
      authSchemePreference: ["httpBearerAuth"],
      maxAttempts: 1,
      requestHandler: handlerOver(gateway) as never,
    });
    const body = {
      modelId: model,
      messages: [{ role: "user" as const, content: [{ text: "Hi" }] }],
      ...tools?.length && {
        toolConfig: {
          tools: tools.map((name) => ({ toolSpec: { name, inputSchema: { json: schema } } })),
        },
      },
    };
    const { content, stopReason, usage } = stream
      ? await converseWhole((await client.send(new ConverseStreamCommand(body))).stream!)
      : await client.send(new ConverseCommand(body)).then(({ output, ...rest }: Json) => ({
        ...rest,
        content: output.message.content,
      }));
    return {
      text: content.map(({ text = "", citationsContent }: Json) =>
        text + (citationsContent?.content ?? []).map((one: Json) => one.text).join("")
      ).join(""),
      thoughts: content.map(({ reasoningContent }: Json) =>
        reasoningContent?.reasoningText?.text ?? ""
      ).join(""),
      calls: content.filter(({ toolUse }: Json) => toolUse)
        .map(({ toolUse: { name, input } }: Json) => ({ name, args: input })),
      why: bedrockWhy[stopReason] ?? "other",
      usage: counts({
        input: usage.inputTokens + (usage.cacheReadInputTokens ?? 0) +
          (usage.cacheWriteInputTokens ?? 0),
        output: usage.outputTokens,
        cached: usage.cacheReadInputTokens,
      }),
    };
  },
};

async function converseWhole(stream: AsyncIterable<Json>): Promise<Json> {
  const content: Json[] = [];
  let stopReason;
  let usage;
  for await (const event of stream) {
    const { contentBlockStart: start, contentBlockDelta, messageStop, metadata } = event;
    if (start?.start?.toolUse) {
      content[start.contentBlockIndex] = { toolUse: { ...start.start.toolUse, json: "" } };
    }
    if (contentBlockDelta) {
      const { delta, contentBlockIndex } = contentBlockDelta;
      const block = content[contentBlockIndex] ??= {};
      if (delta.text !== undefined) block.text = (block.text ?? "") + delta.text;
      if (delta.toolUse) block.toolUse.json += delta.toolUse.input;
      if (delta.reasoningContent?.text !== undefined) {
        block.reasoningContent ??= { reasoningText: { text: "" } };
        block.reasoningContent.reasoningText.text += delta.reasoningContent.text;
      }
    }
    stopReason = messageStop?.stopReason ?? stopReason;
    usage = metadata?.usage ?? usage;
  }
  for (const block of content) if (block?.toolUse) block.toolUse.input = argsOf(block.toolUse.json);
  return { content: content.filter(Boolean), stopReason, usage };
}

/** The AWS SDK's own way to be given a transport. */
function handlerOver(gateway: Fetch): unknown {
  return {
    async handle({ method, path, headers, body }: Json) {
      const response = await gateway(new Request(origin + path, { method, headers, body }));
      return {
        response: {
          statusCode: response.status,
          headers: Object.fromEntries(response.headers),
          body: Readable.fromWeb(response.body as ReadableStream),
        },
      };
    },
  };
}

const aiWhy: Record<string, Why> = {
  stop: "stop",
  length: "length",
  "tool-calls": "tools",
  "content-filter": "filter",
};

function ai(
  name: string,
  format: ChatFormat,
  modelOf: (given: { apiKey: string; fetch: typeof fetch }, model: string) => LanguageModel,
): Client {
  return {
    name,
    format,
    async ask(gateway, { model, stream, tools = [] }: Ask) {
      let failure: unknown;
      const asked = {
        model: modelOf({ apiKey: key, fetch: fetchOf(gateway) }, model),
        prompt: "Hi",
        tools: Object.fromEntries(
          tools.map((one) => [one, tool({ inputSchema: jsonSchema<Json>(schema) })]),
        ),
        maxRetries: 0,
        // It asks for thoughts only of models whose names it knows.
        providerOptions: { openai: { forceReasoning: true, reasoningSummary: "auto" } },
        onError: ({ error }: { error: unknown }) => void (failure = error),
      };
      const whole: Json = stream ? streamText(asked) : await generateText(asked);
      const [text, thoughts, calls, why, usage] = await Promise.all([
        whole.text,
        whole.reasoningText,
        whole.toolCalls,
        whole.finishReason,
        whole.usage,
      ]).catch((error) => {
        throw failure ?? error;
      });
      if (failure !== undefined) throw failure;
      return {
        text,
        thoughts: thoughts ?? "",
        calls: calls.filter(({ providerExecuted }: Json) => !providerExecuted)
          .map(({ toolName, input }: Json) => ({ name: toolName, args: input })),
        why: aiWhy[why] ?? "other",
        usage: counts({
          input: usage.inputTokens,
          output: usage.outputTokens,
          cached: usage.inputTokenDetails?.cacheReadTokens,
          reasoning: usage.outputTokenDetails?.reasoningTokens,
        }),
      };
    },
  };
}

/** Of formats that few come with, and those of the AI SDK. */
export const moreClients: readonly Client[] = [
  cohere,
  bedrock,
  ai(
    "AI SDK openai chat",
    "openai-chat",
    (given, model) => createOpenAI({ ...given, baseURL: `${origin}/v1` }).chat(model),
  ),
  ai(
    "AI SDK openai responses",
    "openai-responses",
    (given, model) => createOpenAI({ ...given, baseURL: `${origin}/v1` }).responses(model),
  ),
  ai(
    "AI SDK anthropic",
    "anthropic-messages",
    (given, model) => createAnthropic({ ...given, baseURL: `${origin}/v1` })(model),
  ),
  ai(
    "AI SDK google",
    "gemini",
    (given, model) => createGoogleGenerativeAI({ ...given, baseURL: `${origin}/v1beta` })(model),
  ),
];
