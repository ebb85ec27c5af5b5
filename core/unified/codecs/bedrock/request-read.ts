/**
 * A client's request.
 *
 * @module
 */
import { type Json, list, object, parse, string } from "../../../formats/json.ts";
import type { ChatRequest, FunctionTool, Message, Tool, ToolChoice } from "../../chat.ts";
import type { Place } from "../../codec.ts";
import { asObject, optional, required, rest, set, wrong } from "../openai-chat/expect.ts";
import { readBlocks } from "./blocks-read.ts";
import { readFields } from "./fields.ts";
import { own } from "./marks.ts";
import { search } from "./tools-write.ts";

const known = new Set([
  "modelId",
  "messages",
  "system",
  "inferenceConfig",
  "toolConfig",
  "additionalModelRequestFields",
  "requestMetadata",
  "serviceTier",
  "outputConfig",
]);

/** See `ChatCodec.readRequest`. */
export function readRequest(body: Json, place: Place): ChatRequest {
  const request: ChatRequest = {
    format: own,
    model: place.model ?? string(body.modelId) ?? "",
    stream: place.stream ?? false,
    messages: [],
    // A stream of this format always does.
    include_usage: true,
  };
  if (body.system != null) {
    const parts = readBlocks(body.system, "system", "client");
    if (parts.length > 0) request.messages.push({ role: "system", parts });
  }
  if (!Array.isArray(body.messages)) throw wrong("messages", body.messages, "an array");
  body.messages.forEach((value, index) => {
    request.messages.push(readMessage(value, `messages[${index}]`));
  });
  const inference = optional<Json>(body, "inferenceConfig", "object", "") ?? {};
  const at = "inferenceConfig.";
  set(request, "max_tokens", optional<number>(inference, "maxTokens", "number", at));
  set(request, "temperature", optional<number>(inference, "temperature", "number", at));
  set(request, "top_p", optional<number>(inference, "topP", "number", at));
  const stop = list(inference.stopSequences).filter((one) => typeof one === "string") as string[];
  if (stop.length > 0) request.stop = stop;
  const tools = optional<Json>(body, "toolConfig", "object", "");
  if (tools !== undefined) readTools(tools, request);
  const output = optional<Json>(body, "outputConfig", "object", "");
  if (output !== undefined) readOutput(output, request);
  const extra: Json = rest(body, known) ?? {};
  const fields = optional<Json>(body, "additionalModelRequestFields", "object", "");
  const unread = fields && readFields(fields, request);
  if (unread !== undefined) extra.additionalModelRequestFields = unread;
  set(request, "metadata", optional<Json>(body, "requestMetadata", "object", ""));
  set(request, "service_tier", string(object(body.serviceTier)?.type));
  if (Object.keys(extra).length > 0) request.extra = extra;
  return request;
}

function readMessage(value: unknown, at: string): Message {
  const message = asObject(value, at);
  const { role } = message;
  if (role !== "user" && role !== "assistant" && role !== "system") {
    throw wrong(`${at}.role`, role, "'user', 'assistant' or 'system'");
  }
  const parts = readBlocks(message.content, `${at}.content`, "client");
  const extra = rest(message, new Set(["role", "content"]));
  return { role, parts, ...extra !== undefined && { extra } };
}

function readTools(config: Json, request: ChatRequest): void {
  const tools: Tool[] = [];
  list(config.tools).forEach((value, index) => {
    const tool = asObject(value, `toolConfig.tools[${index}]`);
    const last = tools.at(-1);
    const point = object(tool.cachePoint);
    if (point !== undefined && last !== undefined && last.type !== "native" && !last.cache) {
      const ttl = string(point.ttl);
      last.cache = ttl === undefined ? {} : { ttl };
    } else tools.push(readTool(tool, `toolConfig.tools[${index}]`));
  });
  if (tools.length > 0) request.tools = tools;
  const choice = object(config.toolChoice);
  if (choice !== undefined) request.tool_choice = choiceOf(choice);
}

function readTool(tool: Json, at: string): Tool {
  const spec = object(tool.toolSpec);
  if (spec === undefined) {
    return object(tool.systemTool)?.name === search
      ? { type: "web_search" }
      : { type: "native", format: own, value: tool };
  }
  const read: FunctionTool = { type: "function", name: required(spec, "name", `${at}.toolSpec.`) };
  set(read, "description", optional<string>(spec, "description", "string", `${at}.toolSpec.`));
  set(read, "parameters", object(object(spec.inputSchema)?.json));
  set(read, "strict", optional<boolean>(spec, "strict", "boolean", `${at}.toolSpec.`));
  return read;
}

function choiceOf(choice: Json): ToolChoice {
  if ("any" in choice) return { type: "required" };
  if ("tool" in choice) {
    const tool = asObject(choice.tool, "toolConfig.toolChoice.tool");
    return { type: "tool", name: required(tool, "name", "toolConfig.toolChoice.tool.") };
  }
  if ("auto" in choice) return { type: "auto" };
  throw wrong("toolConfig.toolChoice", choice, "an object with 'auto', 'any' or 'tool'");
}

function readOutput(config: Json, request: ChatRequest): void {
  const effort = string(config.effort);
  if (effort !== undefined) request.reasoning = { effort };
  const format = object(config.textFormat);
  if (format === undefined) return;
  const told = asObject(
    object(format.structure)?.jsonSchema,
    "outputConfig.textFormat.structure.jsonSchema",
  );
  const text = required(told, "schema", "outputConfig.textFormat.structure.jsonSchema.");
  const schema = object(parse(text));
  if (schema === undefined) {
    throw wrong(
      "outputConfig.textFormat.structure.jsonSchema.schema",
      text,
      "a JSON Schema as text",
    );
  }
  request.output = { type: "json_schema", schema, strict: true };
  set(request.output, "name", string(told.name));
  set(request.output, "description", string(told.description));
}
