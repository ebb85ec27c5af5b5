/**
 * `tools` and `toolConfig` of a client.
 *
 * @module
 */
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { ChatRequest, FunctionTool, Tool, WebSearchTool } from "../../chat.ts";
import { asObject, set, wrong } from "../openai-chat/expect.ts";
import { jsonSchema } from "./openapi.ts";
import { camel } from "./wire.ts";

/** Adds the tools, each declaration one. */
export function readTools(value: unknown, request: ChatRequest): void {
  if (!Array.isArray(value)) throw wrong("tools", value, "an array of tools");
  const tools: Tool[] = [];
  for (const [i, one] of value.entries()) {
    const tool = camel(asObject(one, `tools[${i}]`));
    for (const key of Object.keys(tool)) {
      const inside = tool[key];
      if (inside === null || inside === undefined) continue;
      if (key === "functionDeclarations") {
        const at = `tools[${i}].${key}`;
        if (!Array.isArray(inside)) throw wrong(at, inside, "an array of declarations");
        for (const [j, declaration] of inside.entries()) {
          tools.push(readFunction(asObject(declaration, `${at}[${j}]`), `${at}[${j}]`));
        }
      } else if (key === "googleSearch") tools.push(readSearch(camel(object(inside) ?? {})));
      else tools.push({ type: "native", format: "gemini", value: { [key]: inside } });
    }
  }
  if (tools.length > 0) request.tools = tools;
}

function readFunction(raw: Json, at: string): FunctionTool {
  const { name, description, parameters, parametersJsonSchema, ...rest } = camel(raw);
  if (typeof name !== "string" || name === "") throw wrong(`${at}.name`, name, "a name");
  const tool: FunctionTool = { type: "function", name };
  set(tool, "description", string(description));
  set(
    tool,
    "parameters",
    object(parametersJsonSchema) ??
      (object(parameters) === undefined ? undefined : jsonSchema(parameters)),
  );
  for (const key of Object.keys(rest)) {
    if (rest[key] !== null) (tool.extra ??= {})[key] = rest[key];
  }
  return tool;
}

function readSearch({ excludeDomains, ...rest }: Json): WebSearchTool {
  const tool: WebSearchTool = { type: "web_search" };
  const blocked = list(excludeDomains).filter((domain) => typeof domain === "string");
  if (blocked.length > 0) tool.blocked_domains = blocked;
  if (Object.keys(rest).length > 0) tool.extra = { ...rest };
  return tool;
}

/** Adds whether and which tools are called. `VALIDATED` is `AUTO` with strict tools. */
export function readChoice(config: Json, request: ChatRequest): void {
  for (const key of Object.keys(config)) {
    const value = config[key];
    if (value === null || value === undefined) continue;
    if (key !== "functionCallingConfig") {
      (request.extra ??= {})[`toolConfig.${key}`] = value;
      continue;
    }
    const { mode, allowedFunctionNames, ...rest } = camel(asObject(value, `toolConfig.${key}`));
    const names = list(allowedFunctionNames).filter((name) => typeof name === "string");
    const word = string(mode)?.toUpperCase() ?? "MODE_UNSPECIFIED";
    if (word === "VALIDATED") {
      for (const tool of request.tools ?? []) if (tool.type === "function") tool.strict = true;
    }
    if (word === "NONE") request.tool_choice = { type: "none" };
    else if (word === "ANY") {
      request.tool_choice = names.length === 0
        ? { type: "required" }
        : names.length === 1
        ? { type: "tool", name: names[0]! }
        : { type: "allowed", mode: "required", names };
    } else if (names.length > 0) request.tool_choice = { type: "allowed", mode: "auto", names };
    else if (word !== "MODE_UNSPECIFIED") request.tool_choice = { type: "auto" };
    for (const name of Object.keys(rest)) {
      (request.extra ??= {})[`toolConfig.functionCallingConfig.${name}`] = rest[name];
    }
  }
}
