/**
 * A request to a provider, in the words of OpenAI's own Chat Completions. What a dialect spells otherwise
 * is changed afterwards by the provider's row.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { ChatRequest, OutputShape, Reasoning, Tool, ToolChoice } from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { type Lost, nativeName } from "../../lost.ts";
import { openAIVoices } from "../../voices.ts";
import { cacheMark, writeMessages } from "./messages-write.ts";
import { alike } from "./request-read.ts";

/** See `ChatCodec.writeRequest`. */
export function writeRequest(request: ChatRequest, target: Target, lost: Lost): Json {
  const { output, stop, reasoning, safety_identifier } = request;
  const own = request.format === "openai-chat";
  const body: Json = {
    model: request.model,
    messages: writeMessages(request, target, lost),
  };
  const tools: Json[] = [];
  for (const tool of request.tools ?? []) {
    if (tool.type === "web_search") body.web_search_options = writeSearch(tool, lost);
    else {
      const written = writeTool(tool, own, target, lost);
      if (written !== undefined) tools.push(written);
    }
  }
  if (tools.length > 0) body.tools = tools;
  // Without tools they are refused.
  const choice = tools.length === 0 ? undefined : request.tool_choice;
  if (choice !== undefined) body.tool_choice = writeChoice(choice, request.tools!);
  if (output !== undefined) body.response_format = writeShape(output);
  if (request.max_tokens !== undefined) body.max_completion_tokens = request.max_tokens;
  if (stop !== undefined) body.stop = stop;
  for (const [name] of alike) {
    const value = request[name];
    if (value !== undefined) body[name] = value;
  }
  if (tools.length === 0) delete body.parallel_tool_calls;
  if (safety_identifier !== undefined && request.user === safety_identifier) delete body.user;
  if (request.service_tier === "standard_only") body.service_tier = "default"; // Anthropic's
  if (request.modalities !== undefined) body.modalities = request.modalities;
  if (!own && request.modalities?.includes("audio")) writeSound(request, body, lost);
  if (reasoning !== undefined) {
    const effort = effortOf(reasoning);
    if (effort !== undefined) body.reasoning_effort = effort;
    if (reasoning.summary !== undefined && reasoning.summary !== "auto") {
      lost.drop("reasoning.summary");
    }
  }
  if (request.cache !== undefined) {
    const mark = cacheMark(request.cache, target);
    if (mark === undefined) lost.drop("cache");
    else body.cache_control = mark;
  }
  if (request.stream) {
    body.stream = true;
    // Told to the client only where it asked for it; some formats have it always.
    body.stream_options = { include_usage: true };
  }
  const { extra } = request;
  for (const name in extra) {
    if (!own) lost.drop(name);
    else if (name === "stream_options" && request.stream) {
      body[name] = { include_usage: true, ...extra[name] as Json };
    } else if (!(name in body)) body[name] = extra[name];
  }
  return body;
}

/** Sound comes beside its text, in a form that has to be named, and of a voice that OpenAI has. */
function writeSound({ audio = {}, stream }: ChatRequest, body: Json, lost: Lost): void {
  const { voice } = audio;
  const known = typeof voice === "string" && openAIVoices.test(voice);
  if (voice !== undefined && !known) lost.drop("audio.voice");
  body.modalities = ["text", "audio"];
  body.audio = { voice: known ? voice : "alloy", format: stream ? "pcm16" : "wav" };
}

/** The effort that comes nearest. Steps of a budget are those of Google's own OpenAI endpoint. */
export function effortOf({ effort, budget, enabled }: Reasoning): string | undefined {
  if (enabled === false) return "none";
  if (effort !== undefined) return effort;
  if (budget !== undefined && budget >= 0) {
    return budget === 0 ? "none" : budget <= 1024 ? "low" : budget <= 8192 ? "medium" : "high";
  }
  return enabled ? "medium" : undefined;
}

function writeTool(tool: Tool, own: boolean, target: Target, lost: Lost): Json | undefined {
  if (tool.type === "native") {
    if (tool.format === "openai-chat") return tool.value;
    lost.drop(`tools.${nativeName(tool.value)}`);
    return undefined;
  }
  let written: Json;
  if (tool.type === "function") {
    const { name, description, parameters, strict } = tool;
    written = {
      type: "function",
      function: {
        name,
        ...description !== undefined && { description },
        ...parameters !== undefined && { parameters },
        ...strict !== undefined && { strict },
      },
    };
  } else if (tool.type === "custom") {
    const { name, description, grammar } = tool;
    written = {
      type: "custom",
      custom: {
        name,
        ...description !== undefined && { description },
        ...grammar !== undefined && { format: grammar },
      },
    };
  } else return undefined;
  if (tool.cache !== undefined) {
    const mark = cacheMark(tool.cache, target);
    if (mark === undefined) lost.drop("cache");
    else written.cache_control = mark;
  }
  for (const name in tool.extra) {
    if (own) written[name] = tool.extra[name];
    else lost.drop(`tools.${name}`);
  }
  return written;
}

function writeSearch(tool: Tool & { type: "web_search" }, lost: Lost): Json {
  for (const name of ["allowed_domains", "blocked_domains", "max_uses"] as const) {
    if (tool[name] !== undefined) lost.drop(`tools.web_search.${name}`);
  }
  const { user_location: approximate, context_size } = tool;
  return {
    ...context_size !== undefined && { search_context_size: context_size },
    ...approximate !== undefined && { user_location: { type: "approximate", approximate } },
  };
}

function writeChoice(choice: ToolChoice, tools: readonly Tool[]): unknown {
  const named = (name: string): Json => {
    const custom = tools.some((tool) => tool.type === "custom" && tool.name === name);
    const type = custom ? "custom" : "function";
    return { type, [type]: { name } };
  };
  switch (choice.type) {
    case "tool":
      return named(choice.name);
    case "allowed":
      return {
        type: "allowed_tools",
        allowed_tools: { mode: choice.mode, tools: choice.names.map(named) },
      };
    default:
      return choice.type;
  }
}

function writeShape(output: OutputShape): Json {
  if (output.type !== "json_schema") {
    return { type: output.type === "json" ? "json_object" : "text" };
  }
  const { name = "answer", description, schema, strict } = output;
  return {
    type: "json_schema",
    json_schema: {
      name,
      ...description !== undefined && { description },
      schema,
      ...strict !== undefined && { strict },
    },
  };
}
