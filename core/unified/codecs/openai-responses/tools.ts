/**
 * Tools, and which of them is to be called. What only OpenAI runs (`file_search`, `mcp`, ...) is native.
 *
 * @module
 */
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { ChatFormat, ChatRequest, Tool, ToolChoice, WebSearchTool } from "../../chat.ts";
import { type Lost, nativeName } from "../../lost.ts";
import { wrong } from "../openai-chat/expect.ts";
import { extraOf } from "./content.ts";
import { format, rest } from "./shape.ts";

const webSearch = /^web_search(?:_preview)?(?:_\d{4}_\d{2}_\d{2})?$/;

/** The tools of a request. */
export function readTools(value: unknown): Tool[] {
  if (!Array.isArray(value)) throw wrong("tools", value, "an array");
  return value.map((item, index) => {
    const tool = object(item);
    const at = `tools[${index}]`;
    if (tool === undefined) throw wrong(at, item, "an object");
    if (typeof tool.type !== "string") throw wrong(`${at}.type`, tool.type, "a string");
    return readTool(tool, tool.type, at);
  });
}

function readTool(tool: Json, type: string, at: string): Tool {
  if (type === "function") {
    const { parameters, strict } = tool;
    if (parameters !== undefined && parameters !== null && object(parameters) === undefined) {
      throw wrong(`${at}.parameters`, parameters, "a JSON Schema");
    }
    const read = ["type", "name", "description", "parameters", "strict"];
    return {
      type: "function",
      ...named(tool, at),
      ...object(parameters) !== undefined && { parameters: object(parameters)! },
      ...typeof strict === "boolean" && { strict },
      ...more(tool, read),
    };
  }
  if (type === "custom") {
    const grammar = object(tool.format);
    return {
      type: "custom",
      ...named(tool, at),
      ...grammar !== undefined && { grammar },
      ...more(tool, ["type", "name", "description", "format"]),
    };
  }
  return webSearch.test(type) ? readSearch(tool, type) : { type: "native", format, value: tool };
}

function named(tool: Json, at: string): { name: string; description?: string } {
  const { name, description } = tool;
  if (typeof name !== "string") throw wrong(`${at}.name`, name, "a string");
  return typeof description === "string" ? { name, description } : { name };
}

function more(from: Json, read: string[]): { extra?: Json } {
  const extra = rest(from, ...read);
  return extra === undefined ? {} : { extra };
}

function readSearch(from: Json, type: string): WebSearchTool {
  const tool: WebSearchTool = { type: "web_search" };
  const filters = object(from.filters) ?? {};
  const allowed = list(filters.allowed_domains).filter((one) => typeof one === "string");
  if (allowed.length > 0) tool.allowed_domains = allowed;
  // `excluded_domains` is xAI's.
  const blocked = list(filters.excluded_domains).filter((one) => typeof one === "string");
  if (blocked.length > 0) tool.blocked_domains = blocked;
  const place = object(from.user_location);
  if (place !== undefined) tool.user_location = rest(place, "type") ?? {};
  const size = string(from.search_context_size);
  if (size !== undefined) tool.context_size = size;
  const other = rest(filters, "allowed_domains", "excluded_domains");
  const extra: Json = {
    ...type !== "web_search" && { type },
    ...rest(from, "type", "filters", "user_location", "search_context_size"),
    ...other !== undefined && { filters: other },
  };
  if (Object.keys(extra).length > 0) tool.extra = extra;
  return tool;
}

/**
 * Tools as Responses has them. `strict` is on here unless said otherwise, and off elsewhere.
 *
 * @param from Of the request.
 */
export function writeTools(
  tools: readonly Tool[],
  from: ChatFormat,
  lost: Lost,
  provider?: string,
): Json[] {
  return tools.flatMap((tool): Json[] => {
    switch (tool.type) {
      case "function": {
        const { type, name, description, parameters, strict } = tool;
        return [{
          type,
          name,
          ...description !== undefined && { description },
          parameters: parameters ?? { type: "object", properties: {} },
          ...strict !== undefined ? { strict } : from !== format && { strict: false },
          ...extraOf(tool, "tools", from, lost),
        }];
      }
      case "custom": {
        const { type, name, description, grammar } = tool;
        return [{
          type,
          name,
          ...description !== undefined && { description },
          ...grammar !== undefined && { format: grammarTo(grammar) },
          ...extraOf(tool, "tools", from, lost),
        }];
      }
      case "web_search":
        return [writeSearch(tool, from, lost, provider)];
      case "native":
        if (tool.format === format) return [tool.value];
        lost.drop(`tools.${nativeName(tool.value)}`);
        return [];
    }
  });
}

/** Chat Completions has the grammar one level deeper. */
function grammarTo(grammar: Json): Json {
  const inner = object(grammar.grammar);
  return inner === undefined ? grammar : { type: "grammar", ...inner };
}

function writeSearch(tool: WebSearchTool, from: ChatFormat, lost: Lost, provider = ""): Json {
  const { allowed_domains, blocked_domains, max_uses, user_location, context_size } = tool;
  if (max_uses !== undefined) lost.drop("tools.web_search.max_uses");
  const { filters: other, ...extra } = extraOf(tool, "tools", from, lost) ?? {};
  const excludes = blocked_domains !== undefined && (provider === "grok" || from === format);
  if (blocked_domains !== undefined && !excludes) lost.drop("tools.web_search.blocked_domains");
  const filters = {
    ...allowed_domains !== undefined && { allowed_domains },
    ...excludes && { excluded_domains: blocked_domains },
    ...object(other),
  };
  return {
    type: "web_search",
    ...Object.keys(filters).length > 0 && { filters },
    ...user_location !== undefined && { user_location: { type: "approximate", ...user_location } },
    ...context_size !== undefined && { search_context_size: context_size },
    ...extra,
  };
}

/** Nothing where it names a tool that only OpenAI runs. */
export function readChoice(value: unknown): ToolChoice | undefined {
  if (value === "auto" || value === "none" || value === "required") return { type: value };
  const choice = object(value);
  if (choice === undefined) {
    throw wrong("tool_choice", value, "'none', 'auto', 'required' or an object");
  }
  const { type, name } = choice;
  if ((type === "function" || type === "custom") && typeof name === "string") {
    return { type: "tool", name };
  }
  if (type !== "allowed_tools") return undefined;
  const names = list(choice.tools).map((tool) => {
    const { type, name } = object(tool) ?? {};
    return type === "function" || type === "custom" ? name : undefined;
  });
  if (!names.every((name) => typeof name === "string")) return undefined;
  return { type: "allowed", mode: choice.mode === "required" ? "required" : "auto", names };
}

/** The choice as Responses has it. */
export function writeChoice({ tool_choice: choice, tools }: ChatRequest): unknown {
  switch (choice?.type) {
    case "auto":
    case "none":
    case "required":
      return choice.type;
    case "tool":
      return one(choice.name, tools);
    case "allowed": {
      const named = choice.names.map((name) => one(name, tools));
      return { type: "allowed_tools", mode: choice.mode, tools: named };
    }
  }
}

function one(name: string, tools: readonly Tool[] = []): Json {
  const custom = tools.some((tool) => tool.type === "custom" && tool.name === name);
  return { type: custom ? "custom" : "function", name };
}
