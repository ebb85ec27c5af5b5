/**
 * A client's request. Also of `count_tokens`, whose body is the same without `max_tokens`.
 *
 * @module
 */
import { type Json, list, object, string } from "../../../formats/json.ts";
import type {
  ChatRequest,
  Message,
  Reasoning,
  Tool,
  ToolChoice,
  WebSearchTool,
} from "../../chat.ts";
import type { Place } from "../../codec.ts";
import { wrong } from "../openai-chat/expect.ts";
import { readCache, readContent, rest } from "./blocks-read.ts";
import { own } from "./marks.ts";

const known = [
  "model",
  "messages",
  "system",
  "stream",
  "max_tokens",
  "temperature",
  "top_p",
  "top_k",
  "stop_sequences",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
  "output_format",
  "metadata",
  "service_tier",
  "cache_control",
  "anthropic_version",
];

/** @param place Bedrock and Vertex AI have model and stream in the path. */
export function readRequest(body: Json, place: Place): ChatRequest {
  const model = body.model ?? place.model;
  if (typeof model !== "string" || model === "") throw wrong("model", model, "a model's name");
  if (!Array.isArray(body.messages)) {
    throw wrong("messages", body.messages, "an array of messages");
  }
  const stream = flag(body, "stream") ?? place.stream ?? false;
  const messages: Message[] = [];
  if (body.system != null) {
    messages.push({
      role: "system",
      parts: readContent(body.system, "system"),
      instructions: true,
    });
  }
  body.messages.forEach((message, index) =>
    messages.push(readMessage(message, `messages[${index}]`))
  );
  const request: ChatRequest = { format: own, model, stream, messages };
  if (stream) request.include_usage = true;
  for (const name of ["max_tokens", "temperature", "top_p", "top_k"] as const) {
    const value = numeric(body, name);
    if (value !== undefined) request[name] = value;
  }
  if (body.stop_sequences != null) request.stop = strings(body.stop_sequences, "stop_sequences");
  const tools = arrayOf(body, "tools").map((tool, index) => readTool(tool, `tools[${index}]`));
  if (tools.length > 0) request.tools = tools;
  const extra = rest(body, known) ?? {};
  if (extra.speed === "standard") delete extra.speed;
  readChoice(body.tool_choice, request);
  readOutput(body, request, extra);
  readThinking(body.thinking, request, extra);
  const metadata = objectAt(body, "metadata");
  const user = string(metadata?.user_id);
  if (user !== undefined) request.user = user;
  const about = metadata && rest(metadata, ["user_id"]);
  if (about !== undefined) extra.metadata = about;
  const tier = string(body.service_tier);
  if (tier !== undefined) request.service_tier = tier === "standard_only" ? "default" : tier;
  const cache = readCache(body.cache_control);
  if (cache !== undefined) request.cache = cache;
  if (Object.keys(extra).length > 0) request.extra = extra;
  return request;
}

function readMessage(value: unknown, at: string): Message {
  const message = object(value);
  if (message === undefined) throw wrong(at, value, "a message");
  const { role } = message;
  if (role !== "user" && role !== "assistant" && role !== "system") {
    throw wrong(`${at}.role`, role, "'user', 'assistant' or 'system'");
  }
  const read: Message = { role, parts: readContent(message.content, `${at}.content`) };
  const extra = rest(message, ["role", "content"]);
  if (extra !== undefined) read.extra = extra;
  return read;
}

function readTool(value: unknown, at: string): Tool {
  const tool = object(value);
  if (tool === undefined) throw wrong(at, value, "a tool");
  const cache = readCache(tool.cache_control);
  const type = tool.type ?? "custom";
  if (typeof type === "string" && type.startsWith("web_search_")) {
    return readSearch(tool, type, cache);
  }
  if (type !== "custom") return { type: "native", format: own, value: tool };
  const { name } = tool;
  if (typeof name !== "string") throw wrong(`${at}.name`, name, "a tool's name");
  const { description } = tool;
  const extra = rest(tool, ofFunction);
  return {
    type: "function",
    name,
    ...typeof description === "string" && { description },
    ...object(tool.input_schema) !== undefined && { parameters: tool.input_schema as Json },
    ...typeof tool.strict === "boolean" && { strict: tool.strict },
    ...cache !== undefined && { cache },
    ...extra !== undefined && { extra },
  };
}

const ofFunction = ["type", "name", "description", "input_schema", "strict", "cache_control"];
const ofSearch = [
  "type",
  "name",
  "allowed_domains",
  "blocked_domains",
  "max_uses",
  "user_location",
  "cache_control",
];
/** What a search is where nothing else is said. */
export const search = "web_search_20250305";

function readSearch(tool: Json, type: string, cache: WebSearchTool["cache"]): WebSearchTool {
  const read: WebSearchTool = { type: "web_search" };
  const allowed = list(tool.allowed_domains).filter(isString);
  const blocked = list(tool.blocked_domains).filter(isString);
  if (allowed.length > 0) read.allowed_domains = allowed;
  if (blocked.length > 0) read.blocked_domains = blocked;
  if (typeof tool.max_uses === "number") read.max_uses = tool.max_uses;
  const where = object(tool.user_location);
  if (where !== undefined) read.user_location = rest(where, ["type"]) ?? {};
  if (cache !== undefined) read.cache = cache;
  const extra = rest(tool, ofSearch);
  if (type !== search) read.extra = { version: type, ...extra };
  else if (extra !== undefined) read.extra = extra;
  return read;
}

function readChoice(value: unknown, request: ChatRequest): void {
  if (value == null) return;
  const choice = object(value);
  if (choice === undefined) throw wrong("tool_choice", value, "an object with a type");
  request.tool_choice = choiceOf(choice);
  if (choice.disable_parallel_tool_use === true) request.parallel_tool_calls = false;
}

function choiceOf({ type, name }: Json): ToolChoice {
  switch (type) {
    case "auto":
    case "none":
      return { type };
    case "any":
      return { type: "required" };
    case "tool":
      if (typeof name !== "string") throw wrong("tool_choice.name", name, "a tool's name");
      return { type, name };
  }
  throw wrong("tool_choice.type", type, "'auto', 'any', 'tool' or 'none'");
}

function readOutput(body: Json, request: ChatRequest, extra: Json): void {
  const config = objectAt(body, "output_config");
  const format = object(config?.format) ?? objectAt(body, "output_format");
  const schema = object(format?.schema);
  if (format?.type === "json_schema" && schema !== undefined) {
    request.output = { type: "json_schema", schema, strict: true };
  } else if (format !== undefined) {
    throw wrong("output_config.format.schema", format.schema, "a JSON Schema");
  }
  const effort = string(config?.effort);
  if (effort !== undefined) request.reasoning = { effort };
  const more = config && rest(config, ["format", "effort"]);
  if (more !== undefined) extra.output_config = more;
}

/**
 * `display: "summarized"` is a wish for a summary, `omitted` for no thoughts; where it is absent they are
 * shown.
 */
function readThinking(value: unknown, request: ChatRequest, extra: Json): void {
  if (value == null) return;
  const thinking = object(value);
  if (thinking === undefined) throw wrong("thinking", value, "an object with a type");
  const { type, budget_tokens, display } = thinking;
  const on = type === "enabled" || type === "adaptive";
  const reasoning: Reasoning = { ...request.reasoning, enabled: on };
  if (on) {
    reasoning.budget = type === "enabled" && typeof budget_tokens === "number" ? budget_tokens : -1;
    reasoning.visible = display !== "omitted";
    if (display === "summarized") reasoning.summary = "auto";
  }
  request.reasoning = reasoning;
  const more = rest(thinking, ["type", "budget_tokens", "display"]) ?? {};
  if (!on && type !== "disabled") more.type = type;
  if (display != null && display !== "omitted" && display !== "summarized") more.display = display;
  if (Object.keys(more).length > 0) extra.thinking = more;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function numeric(body: Json, name: string): number | undefined {
  const value = body[name];
  if (value == null) return undefined;
  if (typeof value !== "number") throw wrong(name, value, "a number");
  return value;
}

function flag(body: Json, name: string): boolean | undefined {
  const value = body[name];
  if (value == null) return undefined;
  if (typeof value !== "boolean") throw wrong(name, value, "true or false");
  return value;
}

function objectAt(body: Json, name: string): Json | undefined {
  const value = body[name];
  if (value == null) return undefined;
  const found = object(value);
  if (found === undefined) throw wrong(name, value, "an object");
  return found;
}

function arrayOf(body: Json, name: string): readonly unknown[] {
  const value = body[name];
  if (value != null && !Array.isArray(value)) throw wrong(name, value, "an array");
  return list(value);
}

function strings(value: unknown, at: string): string[] {
  if (!Array.isArray(value)) throw wrong(at, value, "an array of strings");
  value.forEach((one, index) => {
    if (typeof one !== "string") throw wrong(`${at}[${index}]`, one, "a string");
  });
  return value as string[];
}
