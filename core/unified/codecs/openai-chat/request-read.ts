/**
 * A client's request in Chat Completions. OpenAI's members and those that its dialects have in common
 * (`top_k`, `reasoning`, `cache_control`) are read; the rest stays in `extra`.
 *
 * @module
 */
import { type Json, list, object, string } from "../../../formats/json.ts";
import type {
  ChatRequest,
  FunctionTool,
  OutputShape,
  Reasoning,
  Tool,
  ToolChoice,
} from "../../chat.ts";
import type { Place } from "../../codec.ts";
import { asObject, optional, required, rest, set, wrong } from "./expect.ts";
import { readCache, readMessages } from "./messages-read.ts";

/** Members that are spelled alike, in the order in which they are written. */
export const alike: readonly (readonly [name: keyof ChatRequest & string, type: string])[] = [
  ["parallel_tool_calls", "boolean"],
  ["temperature", "number"],
  ["top_p", "number"],
  ["top_k", "number"],
  ["min_p", "number"],
  ["seed", "number"],
  ["frequency_penalty", "number"],
  ["presence_penalty", "number"],
  ["n", "number"],
  ["logit_bias", "object"],
  ["logprobs", "boolean"],
  ["top_logprobs", "number"],
  ["verbosity", "string"],
  ["audio", "object"],
  ["user", "string"],
  ["safety_identifier", "string"],
  ["metadata", "object"],
  ["service_tier", "string"],
  ["store", "boolean"],
  ["prompt_cache_key", "string"],
];

const known = new Set([
  ...alike.map(([name]) => name),
  "model",
  "messages",
  "stream",
  "stream_options",
  "tools",
  "functions",
  "tool_choice",
  "function_call",
  "response_format",
  "max_tokens",
  "max_completion_tokens",
  "stop",
  "modalities",
  "reasoning_effort",
  "reasoning",
  "include_reasoning",
  "thinking",
  "web_search_options",
  "cache_control",
]);
const toolMembers = new Set(["type", "function", "custom", "cache_control"]);
const ofThinking = new Set(["type", "budget_tokens"]);
const usageOption = new Set(["include_usage", "include_obfuscation"]);

/** See `ChatCodec.readRequest`. */
export function readRequest(body: Json, place: Place): ChatRequest {
  const model = place.model ?? required(body, "model", "");
  if (!Array.isArray(body.messages)) {
    throw wrong("messages", body.messages, "an array of messages");
  }
  const request: ChatRequest = {
    format: "openai-chat",
    model,
    stream: place.stream ?? optional(body, "stream", "boolean", "") ?? false,
    messages: readMessages(body.messages),
  };
  let extra = rest(body, known);
  for (const [name, type] of alike) {
    const value = optional(body, name, type, "");
    if (value !== undefined) (request as unknown as Json)[name] = value;
  }
  request.user ??= request.safety_identifier;
  if (request.user === undefined) delete request.user;
  set(
    request,
    "max_tokens",
    optional<number>(body, "max_completion_tokens", "number", "") ??
      optional<number>(body, "max_tokens", "number", ""),
  );
  set(request, "stop", readStop(body.stop));
  const modalities = list(body.modalities).filter((one) => typeof one === "string");
  if (modalities.length > 0) {
    request.modalities = modalities as NonNullable<ChatRequest["modalities"]>;
  }
  set(request, "reasoning", readReasoning(body));
  const thinking = object(body.thinking);
  if (thinking !== undefined && rest(thinking, ofThinking) !== undefined) {
    extra = { ...extra, thinking };
  }
  const options = optional<Json>(body, "stream_options", "object", "");
  if (options !== undefined) {
    if (options.include_usage === true) request.include_usage = true;
    const more = rest(options, usageOption);
    if (more !== undefined) extra = { ...extra, stream_options: more };
  }
  if (body.cache_control != null) set(request, "cache", readCache(body));
  const tools = readTools(body);
  if (tools !== undefined) request.tools = tools;
  if (Array.isArray(body.functions)) request.legacy_functions = true;
  const asked = body.tool_choice ?? body.function_call ?? undefined;
  if (asked !== undefined) {
    const choice = readChoice(asked);
    if (choice === undefined) extra = { ...extra, tool_choice: asked };
    else request.tool_choice = choice;
  }
  const shape = optional<Json>(body, "response_format", "object", "");
  if (shape !== undefined) {
    const output = readShape(shape);
    if (output === undefined) extra = { ...extra, response_format: shape };
    else request.output = output;
  }
  set(request, "extra", extra);
  return request;
}

function readStop(stop: unknown): string[] | undefined {
  if (stop === undefined || stop === null) return undefined;
  if (typeof stop === "string") return [stop];
  if (Array.isArray(stop) && stop.every((one) => typeof one === "string")) return stop;
  throw wrong("stop", stop, "a string or an array of strings");
}

/** OpenAI's effort, OpenRouter's `reasoning`, the `thinking` of DeepSeek, Z.ai and others. */
function readReasoning(body: Json): Reasoning | undefined {
  const reasoning: Reasoning = {};
  const one = object(body.reasoning);
  const thinking = object(body.thinking);
  set(reasoning, "effort", string(body.reasoning_effort) ?? string(one?.effort));
  const budget = one?.max_tokens ?? thinking?.budget_tokens;
  if (typeof budget === "number") reasoning.budget = budget;
  if (typeof one?.enabled === "boolean") reasoning.enabled = one.enabled;
  else if (typeof thinking?.type === "string") reasoning.enabled = thinking.type !== "disabled";
  if (typeof one?.exclude === "boolean") reasoning.visible = !one.exclude;
  else if (typeof body.include_reasoning === "boolean") reasoning.visible = body.include_reasoning;
  set(reasoning, "summary", string(one?.summary));
  return Object.keys(reasoning).length === 0 ? undefined : reasoning;
}

function readTools(body: Json): Tool[] | undefined {
  const given = body.tools ?? undefined;
  if (given !== undefined && !Array.isArray(given)) throw wrong("tools", given, "an array");
  const tools: Tool[] = list(given).map((tool, i) => readTool(asObject(tool, `tools[${i}]`), i));
  for (const [i, one] of list(body.functions).entries()) {
    tools.push(readFunction(asObject(one, `functions[${i}]`), `functions[${i}].`));
  }
  const search = optional<Json>(body, "web_search_options", "object", "");
  if (search !== undefined) {
    const place = object(search.user_location);
    const location = object(place?.approximate) ?? place;
    tools.push({
      type: "web_search",
      ...location !== undefined && { user_location: location },
      ...typeof search.search_context_size === "string" &&
        { context_size: search.search_context_size },
    });
  }
  return given === undefined && tools.length === 0 ? undefined : tools;
}

function readTool(tool: Json, i: number): Tool {
  const at = `tools[${i}].`;
  const type = tool.type ?? (tool.function === undefined ? undefined : "function");
  let read: Exclude<Tool, { type: "native" }>;
  if (type === "function") {
    read = readFunction(asObject(tool.function, `${at}function`), `${at}function.`);
  } else if (type === "custom") {
    const custom = asObject(tool.custom, `${at}custom`);
    read = { type: "custom", name: required(custom, "name", `${at}custom.`) };
    set(read, "description", string(custom.description));
    set(read, "grammar", object(custom.format));
  } else if (typeof type === "string") {
    return { type: "native", format: "openai-chat", value: tool };
  } else throw wrong(`${at}type`, type, "'function' or 'custom'");
  set(read, "cache", readCache(tool));
  set(read, "extra", rest(tool, toolMembers));
  return read;
}

function readFunction(fn: Json, at: string): FunctionTool {
  const tool: FunctionTool = { type: "function", name: required(fn, "name", at) };
  set(tool, "description", optional<string>(fn, "description", "string", at));
  set(tool, "parameters", optional<Json>(fn, "parameters", "object", at));
  set(tool, "strict", optional<boolean>(fn, "strict", "boolean", at));
  return tool;
}

function readChoice(asked: unknown): ToolChoice | undefined {
  switch (asked) {
    case "auto":
    case "none":
    case "required":
      return { type: asked };
    case "any": // Mistral
      return { type: "required" };
  }
  const one = object(asked);
  const name = string(object(one?.function)?.name) ?? string(object(one?.custom)?.name) ??
    (one?.type === undefined ? string(one?.name) : undefined);
  if (name !== undefined) return { type: "tool", name };
  const allowed = object(one?.allowed_tools);
  if (allowed === undefined) return undefined;
  return {
    type: "allowed",
    mode: allowed.mode === "required" ? "required" : "auto",
    names: list(allowed.tools).flatMap((tool) => {
      const inside = object(tool);
      const name = object(inside?.function)?.name ?? object(inside?.custom)?.name ?? inside?.name;
      return typeof name === "string" ? [name] : [];
    }),
  };
}

function readShape(shape: Json): OutputShape | undefined {
  if (shape.type === "text") return { type: "text" };
  // Together has the schema beside the type.
  const inside = object(shape.json_schema);
  const schema = object(inside?.schema) ?? object(shape.schema);
  if (shape.type === "json_object" && schema === undefined) return { type: "json" };
  if (shape.type === "json_schema" && inside !== undefined && schema === undefined) {
    required(inside, "name", "response_format.json_schema.");
    return { type: "json_schema", name: inside.name as string, schema: {} };
  }
  if (schema === undefined) return undefined;
  const output: OutputShape = { type: "json_schema", schema };
  set(output, "name", string(inside?.name));
  set(output, "description", string(inside?.description));
  if (typeof inside?.strict === "boolean") output.strict = inside.strict;
  return output;
}
