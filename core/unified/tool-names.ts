/**
 * Names of tools that a format does not take: they are written in letters that it does, and the answer has
 * them as the client wrote them.
 *
 * @module
 */
import type {
  ChatAnswer,
  ChatEvent,
  ChatFormat,
  ChatRequest,
  Part,
  Tool,
  ToolChoice,
} from "./chat.ts";
import { writeName } from "./codecs/bedrock/marks.ts";

const openAIs = /^[\w-]{1,64}$/;

/** What the APIs refuse is a 400. Bedrock's have codes of their own, as long as they are short. */
const taken: Readonly<Record<ChatFormat, RegExp>> = {
  "openai-chat": openAIs,
  "openai-responses": openAIs,
  "anthropic-messages": /^[\w-]{1,128}$/,
  "bedrock-converse": /^.{1,64}$/s,
  "cohere-v2": openAIs,
  gemini: /^[A-Za-z_][\w.:-]{0,63}$/,
};

/** A request in a format's own letters, and what each new name stands for. */
export interface Renamed {
  request: ChatRequest;
  names: ReadonlyMap<string, string>;
}

/** Nothing where all names are fine. The request stays as it is. */
export function renamed(request: ChatRequest, format: ChatFormat): Renamed | undefined {
  const names = new Map<string, string>();
  const aliases = new Map<string, string>();
  for (const name of namesIn(request)) {
    if (aliases.has(name) || taken[format].test(name)) continue;
    const alias = writeName(name, () => {}).replace(/^(?=[\d-])/, "_").slice(0, 64);
    aliases.set(name, alias);
    names.set(alias, name);
  }
  if (names.size === 0) return undefined;
  const to = (name: string) => aliases.get(name) ?? name;
  const { tools, tool_choice: choice } = request;
  return {
    names,
    request: {
      ...request,
      messages: request.messages.map((message) => ({
        ...message,
        parts: message.parts.map((part) => withName(part, to)),
      })),
      ...tools !== undefined && { tools: tools.map((tool) => withToolName(tool, to)) },
      ...choice !== undefined && { tool_choice: withChoice(choice, to) },
    },
  };
}

function* namesIn({ tools = [], messages }: ChatRequest): Generator<string> {
  for (const tool of tools) if ("name" in tool) yield tool.name;
  for (const { parts } of messages) {
    for (const part of parts) if (part.type === "tool_call") yield part.name;
  }
}

function withName(part: Part, to: (name: string) => string): Part {
  const named = part.type === "tool_call" || part.type === "tool_result";
  return named && part.name !== undefined ? { ...part, name: to(part.name) } as Part : part;
}

function withToolName(tool: Tool, to: (name: string) => string): Tool {
  return "name" in tool ? { ...tool, name: to(tool.name) } : tool;
}

function withChoice(choice: ToolChoice, to: (name: string) => string): ToolChoice {
  if (choice.type === "tool") return { ...choice, name: to(choice.name) };
  return choice.type === "allowed" ? { ...choice, names: choice.names.map(to) } : choice;
}

/** A whole answer with the client's own names of tools. */
export function withClientNames(
  answer: ChatAnswer,
  names: ReadonlyMap<string, string>,
): ChatAnswer {
  const to = (name: string) => names.get(name) ?? name;
  return {
    ...answer,
    choices: answer.choices.map((choice) => ({
      ...choice,
      parts: choice.parts.map((part) => withName(part, to)),
    })),
  };
}

/** An event with the client's own name of a tool. */
export function withClientName(event: ChatEvent, names: ReadonlyMap<string, string>): ChatEvent {
  if (event.type !== "part_start") return event;
  return { ...event, value: withName(event.value, (name) => names.get(name) ?? name) };
}
