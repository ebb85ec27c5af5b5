/**
 * Tools for Google: all functions in one entry, each tool of its own in another.
 *
 * @module
 */
import { type Json, object } from "../../../formats/json.ts";
import type { ChatRequest, FunctionTool, WebSearchTool } from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { lowerSchema } from "../../json-schema.ts";
import { geminiJsonSchema, geminiSchema } from "../../json-schema/rules.ts";
import { type Lost, nativeName } from "../../lost.ts";
import { type Generation, generationOf } from "./thinking.ts";

/** `tools`; empty where there are none. */
export function writeTools(request: ChatRequest, target: Target, lost: Lost): Json[] {
  const own = request.format === "gemini";
  const { version } = generationOf(target.model);
  const functionDeclarations: Json[] = [];
  const others: Json[] = [];
  // Before Gemini 3 a request has functions or Google's own tools.
  const either = !own && version < 300 &&
    request.tools?.some((tool) => tool.type === "function") === true;
  for (const tool of request.tools ?? []) {
    if (tool.type === "native") {
      if (tool.format === "gemini") others.push(tool.value);
      else lost.drop(`tools.${nativeName(tool.value)}`);
      continue;
    }
    if (tool.cache !== undefined) lost.drop("cache");
    if (tool.type === "function") functionDeclarations.push(declared(tool, own, version, lost));
    else if (tool.type === "custom") lost.drop("tools.custom");
    else if (either) lost.drop("tools.web_search");
    else others.push(search(tool, own, target, lost));
  }
  return functionDeclarations.length > 0 ? [{ functionDeclarations }, ...others] : others;
}

function declared(tool: FunctionTool, own: boolean, version: number, lost: Lost): Json {
  const { name, description, parameters } = tool;
  const out: Json = { name };
  if (description !== undefined) out.description = description;
  if (parameters !== undefined && (own || !isEmpty(parameters))) {
    const at = "tools.parameters";
    if (own) out.parametersJsonSchema = parameters;
    else if (version < 205) out.parameters = lowerSchema(parameters, geminiSchema, lost, at);
    else out.parametersJsonSchema = lowerSchema(parameters, geminiJsonSchema, lost, at);
  }
  for (const key in tool.extra) {
    if (own) out[key] = tool.extra[key];
    else lost.drop(`tools.${key}`);
  }
  return out;
}

/** Says nothing: Google refuses an object without properties. */
function isEmpty({ type = "object", properties, ...rest }: Json): boolean {
  return type === "object" && Object.keys(object(properties) ?? {}).length === 0 &&
    !("$ref" in rest) && !("anyOf" in rest) && !("allOf" in rest) && !("oneOf" in rest) &&
    object(rest.additionalProperties) === undefined;
}

function search(tool: WebSearchTool, own: boolean, { provider }: Target, lost: Lost): Json {
  const googleSearch: Json = {};
  const at = "tools.web_search.";
  if (tool.blocked_domains !== undefined) {
    // The Gemini API has no such member.
    if (own || provider === "google-vertex-ai") googleSearch.excludeDomains = tool.blocked_domains;
    else lost.drop(`${at}blocked_domains`);
  }
  for (const name of ["allowed_domains", "max_uses", "user_location", "context_size"] as const) {
    if (tool[name] !== undefined && tool[name] !== "medium") lost.drop(at + name);
  }
  for (const key in tool.extra) {
    if (own) googleSearch[key] = tool.extra[key];
    else lost.drop(at + key);
  }
  return { googleSearch };
}

/** `toolConfig`. Strict tools are what `VALIDATED` is for; `ANY` holds to the schema by itself. */
export function writeToolConfig(
  { tools = [], tool_choice: choice, format }: ChatRequest,
  model: Generation,
  lost: Lost,
): Json | undefined {
  const strict = tools.some((tool) => tool.type === "function" && tool.strict === true);
  const validated = strict && (format === "gemini" || (model.version >= 205 && !model.foreign));
  const functionCallingConfig: Json = {};
  if (format !== "gemini" && !tools.some((tool) => tool.type === "function")) {
    // Google refuses a choice among none.
    if (choice !== undefined && choice.type !== "auto" && choice.type !== "none") {
      lost.drop("tool_choice");
    }
    return undefined;
  }
  switch (choice?.type) {
    case "none":
      functionCallingConfig.mode = "NONE";
      break;
    case "required":
      functionCallingConfig.mode = "ANY";
      break;
    case "tool":
      functionCallingConfig.mode = "ANY";
      functionCallingConfig.allowedFunctionNames = [choice.name];
      break;
    case "allowed":
      functionCallingConfig.mode = choice.mode === "required" ? "ANY" : "VALIDATED";
      functionCallingConfig.allowedFunctionNames = choice.names;
      break;
    default:
      if (validated) functionCallingConfig.mode = "VALIDATED";
      else if (strict) lost.drop("tools.strict");
      else if (choice !== undefined && format === "gemini") functionCallingConfig.mode = "AUTO";
  }
  return functionCallingConfig.mode === undefined ? undefined : { functionCallingConfig };
}
