// The official clients, pointed at a gateway that is a function: what each of them makes of an answer, in
// the same few words for all.
import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import type { ChatFormat } from "../../core/unified/chat.ts";
import { argsOf, type Json, type Told, type Why } from "./unified-told.ts";

/** A gateway's. */
export type Fetch = (request: Request) => Promise<Response>;

/** What a client asks for. */
export interface Ask {
  model: string;
  stream?: boolean;
  /** Names of tools that it has. */
  tools?: readonly string[];
  /** Headers of its own. */
  headers?: Record<string, string>;
  key?: string;
}

/** A client of one format. */
export interface Client {
  name: string;
  format: ChatFormat;
  ask(gateway: Fetch, ask: Ask): Promise<Told>;
}

const origin = "http://gateway.test";

export const fetchOf = (gateway: Fetch): typeof fetch => (input, init) =>
  gateway(new Request(input, init));

export function openAIOf(gateway: Fetch, { headers, key = "sk-of-the-client" }: Partial<Ask> = {}) {
  return new OpenAI({
    apiKey: key,
    baseURL: `${origin}/v1`,
    maxRetries: 0,
    fetch: fetchOf(gateway),
    ...headers && { defaultHeaders: headers },
  });
}

export function anthropicOf(
  gateway: Fetch,
  { headers, key = "sk-of-the-client" }: Partial<Ask> = {},
) {
  return new Anthropic({
    apiKey: key,
    baseURL: origin,
    maxRetries: 0,
    fetch: fetchOf(gateway),
    ...headers && { defaultHeaders: headers },
  });
}

export function googleOf(gateway: Fetch, { headers, key = "sk-of-the-client" }: Partial<Ask> = {}) {
  return new GoogleGenAI({
    apiKey: key,
    httpOptions: {
      baseUrl: origin,
      fetch: fetchOf(gateway),
      ...headers && { headers },
    } as Json,
  });
}

const schema = { type: "object" as const, properties: {}, additionalProperties: true };

/** Counts that are there. */
function counts(
  input: unknown,
  output: unknown,
  cached: unknown,
  reasoning: unknown,
): NonNullable<Told["usage"]> {
  const all = { input, output, cached, reasoning };
  return Object.fromEntries(Object.entries(all).filter(([, one]) => typeof one === "number"));
}

const chatWhy: Record<string, Why> = {
  stop: "stop",
  length: "length",
  tool_calls: "tools",
  content_filter: "filter",
};

const chat: Client = {
  name: "openai chat",
  format: "openai-chat",
  async ask(gateway, { model, stream, tools, ...rest }) {
    const client = openAIOf(gateway, rest);
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
    let whole: Json;
    let thoughts = "";
    if (stream) {
      const events = client.chat.completions.stream({
        ...body,
        stream_options: { include_usage: true },
      });
      events.on("chunk", ({ choices }: Json) => {
        for (const { index, delta } of choices) {
          if (index === 0) thoughts += delta.reasoning_content ?? "";
        }
      });
      whole = await events.finalChatCompletion().catch(async (error) => {
        // The helper takes these for failures.
        if (!/LengthFinishReason|ContentFilterFinishReason/.test(error.constructor.name)) {
          throw error;
        }
        return await events.currentChatCompletionSnapshot ?? rethrow(error);
      });
    } else {
      whole = await client.chat.completions.create(body);
      thoughts = whole.choices[0]?.message.reasoning_content ?? "";
    }
    const { message, finish_reason } = whole.choices[0];
    const { usage } = whole;
    return {
      text: (message.content ?? "") + (message.refusal ?? ""),
      thoughts,
      calls: (message.tool_calls ?? []).map((call: Json) => ({
        name: call.function?.name ?? call.custom.name,
        args: argsOf(call.function?.arguments ?? call.custom.input),
      })),
      why: message.refusal && finish_reason === "stop"
        ? "refusal"
        : chatWhy[finish_reason] ?? "other",
      ...usage && {
        usage: counts(
          usage.prompt_tokens,
          usage.completion_tokens,
          usage.prompt_tokens_details?.cached_tokens,
          usage.completion_tokens_details?.reasoning_tokens,
        ),
      },
    };
  },
};

function rethrow(error: unknown): never {
  throw error;
}

const responses: Client = {
  name: "openai responses",
  format: "openai-responses",
  async ask(gateway, { model, stream, tools, ...rest }) {
    const client = openAIOf(gateway, rest);
    const body = {
      model,
      input: "Hi",
      ...tools?.length && {
        tools: tools.map((name) => ({
          type: "function" as const,
          name,
          parameters: schema,
          strict: false,
        })),
      },
    };
    const whole: Json = stream
      ? await client.responses.stream(body).finalResponse()
      : await client.responses.create(body);
    const { output, usage, status, incomplete_details, error } = whole;
    if (status === "failed") throw Object.assign(new Error(error.message), { code: error.code });
    const content = output.flatMap((item: Json) => item.type === "message" ? item.content : []);
    const calls = output.filter(({ type }: Json) => /^(?:function|custom_tool)_call$/.test(type))
      .map(({ name, arguments: args, input }: Json) => ({ name, args: argsOf(args ?? input) }));
    const thoughts = output.filter(({ type }: Json) => type === "reasoning")
      .flatMap(({ summary = [], content = [] }: Json) => [...content ?? [], ...summary])
      .map(({ text }: Json) => text).join("");
    const why: Record<string, Why> = { max_output_tokens: "length", content_filter: "filter" };
    return {
      text: content.map(({ text, refusal }: Json) => text ?? refusal ?? "").join(""),
      thoughts,
      calls,
      why: status === "completed"
        ? calls.length > 0
          ? "tools"
          : content.some(({ type }: Json) => type === "refusal")
          ? "refusal"
          : "stop"
        : why[incomplete_details?.reason] ?? "other",
      ...usage && {
        usage: counts(
          usage.input_tokens,
          usage.output_tokens,
          usage.input_tokens_details?.cached_tokens,
          usage.output_tokens_details?.reasoning_tokens,
        ),
      },
    };
  },
};

const messagesWhy: Record<string, Why> = {
  end_turn: "stop",
  stop_sequence: "stop",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  tool_use: "tools",
  refusal: "refusal",
  pause_turn: "pause",
};

const anthropic: Client = {
  name: "anthropic",
  format: "anthropic-messages",
  async ask(gateway, { model, stream, tools, ...rest }) {
    const client = anthropicOf(gateway, rest);
    const body = {
      model,
      max_tokens: 1000,
      messages: [{ role: "user" as const, content: "Hi" }],
      ...tools?.length && { tools: tools.map((name) => ({ name, input_schema: schema })) },
    };
    const whole: Json = stream
      ? await client.messages.stream(body).finalMessage()
      : await client.messages.create(body);
    const of = (type: string) => whole.content.filter((block: Json) => block.type === type);
    const { usage } = whole;
    const input = usage.input_tokens + (usage.cache_read_input_tokens ?? 0) +
      (usage.cache_creation_input_tokens ?? 0);
    return {
      text: of("text").map(({ text }: Json) => text).join(""),
      thoughts: of("thinking").map(({ thinking }: Json) => thinking).join(""),
      calls: of("tool_use").map(({ name, input }: Json) => ({ name, args: input })),
      why: messagesWhy[whole.stop_reason] ?? "other",
      usage: counts(
        input,
        usage.output_tokens,
        usage.cache_read_input_tokens,
        usage.output_tokens_details?.thinking_tokens,
      ),
    };
  },
};

const googleWhy: Record<string, Why> = { STOP: "stop", MAX_TOKENS: "length", SAFETY: "filter" };

const google: Client = {
  name: "google",
  format: "gemini",
  async ask(gateway, { model, stream, tools, ...rest }) {
    const { models } = googleOf(gateway, rest);
    const body = {
      model,
      contents: "Hi",
      ...tools?.length && {
        config: {
          tools: [{
            functionDeclarations: tools.map((name) => ({ name, parametersJsonSchema: schema })),
          }],
        },
      },
    };
    const chunks: Json[] = stream
      ? await Array.fromAsync(await models.generateContentStream(body))
      : [await models.generateContent(body)];
    const candidates = chunks.flatMap(({ candidates = [] }) => candidates)
      .filter(({ index = 0 }) => index === 0);
    const parts = candidates.flatMap(({ content }) => content?.parts ?? []);
    const finish = candidates.findLast(({ finishReason }) => finishReason)?.finishReason;
    const usage = chunks.findLast(({ usageMetadata }) => usageMetadata)?.usageMetadata;
    const calls = parts.filter(({ functionCall }) => functionCall)
      .map(({ functionCall: { name, args } }) => ({ name, args: args ?? {} }));
    const blocked = chunks.some(({ promptFeedback }) => promptFeedback?.blockReason);
    return {
      text: parts.filter(({ thought }) => !thought).map(({ text = "" }) => text).join(""),
      thoughts: parts.filter(({ thought }) => thought).map(({ text = "" }) => text).join(""),
      calls,
      why: blocked
        ? "filter"
        : finish === "STOP" && calls.length > 0
        ? "tools"
        : googleWhy[finish] ?? "other",
      ...usage && {
        usage: counts(
          (usage.promptTokenCount ?? 0) + (usage.toolUsePromptTokenCount ?? 0),
          (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0),
          usage.cachedContentTokenCount,
          usage.thoughtsTokenCount,
        ),
      },
    };
  },
};

/** One for each format that clients come with. */
export const clients: readonly Client[] = [chat, responses, anthropic, google];
