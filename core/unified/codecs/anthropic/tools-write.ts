/**
 * Tools, and which of them are called.
 *
 * @module
 */
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { ChatRequest, CustomTool, FunctionTool, Tool, WebSearchTool } from "../../chat.ts";
import { lowerSchema } from "../../json-schema.ts";
import { anthropicSchema } from "../../json-schema/rules.ts";
import { type Lost, nativeName } from "../../lost.ts";
import { dropExtra, writeCache } from "./blocks-write.ts";
import type { Claude } from "./claude.ts";
import { freeform, own } from "./marks.ts";
import { search } from "./request-read.ts";

/** The tools in Anthropic's terms. */
export function writeTools(
  { tools = [], format: from, tool_choice }: ChatRequest,
  claude: Claude,
  lost: Lost,
): Json[] {
  const allowed = tool_choice?.type === "allowed" ? tool_choice.names : undefined;
  const written: Json[] = [];
  for (const tool of tools) {
    if (allowed !== undefined && "name" in tool && !allowed.includes(tool.name)) continue;
    const one = writeTool(tool, from === own, claude, lost);
    if (one === undefined) continue;
    if (tool.type !== "native") {
      if (tool.cache !== undefined) one.cache_control = writeCache(tool.cache);
      if (from !== own) dropExtra(tool.extra, lost, "tools.");
      else Object.assign(one, tool.extra);
      delete one.version;
    }
    written.push(one);
  }
  return written;
}

function writeTool(tool: Tool, same: boolean, claude: Claude, lost: Lost): Json | undefined {
  switch (tool.type) {
    case "function":
      return writeFunction(tool, same, claude, lost);
    case "custom":
      return writeCustom(tool, lost);
    case "web_search":
      return writeSearch(tool, lost);
    case "native":
      if (tool.format === own) return tool.value;
      lost.drop(`tools.${nativeName(tool.value)}`);
  }
  return undefined;
}

function writeFunction(tool: FunctionTool, same: boolean, claude: Claude, lost: Lost): Json {
  const written: Json = { name: tool.name };
  if (same ? tool.description !== undefined : tool.description) {
    written.description = tool.description;
  }
  const binds = tool.strict === true && claude.schema;
  const { parameters } = tool;
  if (same) written.input_schema = parameters ?? { type: "object", properties: {} };
  else if (parameters === undefined) written.input_schema = { type: "object", properties: {} };
  else if (binds) {
    written.input_schema = lowerSchema(parameters, anthropicSchema, lost, "tools.parameters");
  } else written.input_schema = rooted(parameters, lost);
  if (same ? tool.strict !== undefined : binds) written.strict = tool.strict;
  else if (tool.strict === true) lost.drop("tools.strict");
  return written;
}

/** The root of a tool's schema has to be an object, and no choice of several. */
export function rooted(schema: Json, lost: Lost): Json {
  const { anyOf, oneOf, allOf, ...root } = schema;
  const variants = [...list(anyOf), ...list(oneOf), ...list(allOf)];
  if (variants.length === 0) return schema.type === "object" ? schema : { ...root, type: "object" };
  lost.drop("tools.parameters.anyOf");
  const properties: Json = {};
  for (const variant of variants) Object.assign(properties, object(object(variant)?.properties));
  return { ...root, type: "object", properties: { ...properties, ...object(root.properties) } };
}

function writeCustom(tool: CustomTool, lost: Lost): Json {
  if (tool.grammar !== undefined && tool.grammar.type !== "text") lost.drop("tools.grammar");
  return {
    name: tool.name + freeform,
    ...tool.description && { description: tool.description },
    input_schema: {
      type: "object",
      properties: { input: { type: "string" } },
      required: ["input"],
      additionalProperties: false,
    },
  };
}

function writeSearch(tool: WebSearchTool, lost: Lost): Json {
  const written: Json = { type: string(tool.extra?.version) ?? search, name: "web_search" };
  if (tool.allowed_domains !== undefined) written.allowed_domains = tool.allowed_domains;
  if (tool.blocked_domains !== undefined) written.blocked_domains = tool.blocked_domains;
  if (tool.max_uses !== undefined) written.max_uses = tool.max_uses;
  if (tool.user_location !== undefined) {
    written.user_location = { type: "approximate", ...tool.user_location };
  }
  if (tool.context_size !== undefined && tool.context_size !== "medium") {
    lost.drop("tools.context_size");
  }
  return written;
}

/** `tool_choice`; nothing where it would only say what is so anyway. */
export function writeChoice(request: ChatRequest, claude: Claude, lost: Lost): Json | undefined {
  const { tool_choice: asked, parallel_tool_calls: parallel, format } = request;
  const choice = choiceOf(asked, request.tools ?? []);
  if (format !== own && !claude.forced && (choice?.type === "any" || choice?.type === "tool")) {
    lost.drop("tool_choice");
    choice.type = "auto";
    delete choice.name;
  }
  if (parallel !== false || choice?.type === "none") return choice;
  return { ...choice ?? { type: "auto" }, disable_parallel_tool_use: true };
}

function choiceOf(asked: ChatRequest["tool_choice"], tools: readonly Tool[]): Json | undefined {
  switch (asked?.type) {
    case "auto":
    case "none":
      return { type: asked.type };
    case "required":
      return { type: "any" };
    case "tool": {
      const custom = tools.some((tool) => tool.type === "custom" && tool.name === asked.name);
      return { type: "tool", name: custom ? asked.name + freeform : asked.name };
    }
    case "allowed":
      return { type: asked.mode === "required" ? "any" : "auto" };
  }
  return undefined;
}
