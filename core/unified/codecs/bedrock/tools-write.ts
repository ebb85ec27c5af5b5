/**
 * Tools, and which of them are called.
 *
 * @module
 */
import { type Json, object } from "../../../formats/json.ts";
import type { ChatRequest, FunctionTool, Tool } from "../../chat.ts";
import { lowerSchema } from "../../json-schema.ts";
import { bedrockSchema } from "../../json-schema/rules.ts";
import { nativeName } from "../../lost.ts";
import { rooted } from "../anthropic/tools-write.ts";
import { writeCache, type Writing } from "./blocks-write.ts";
import { answerTool, freeform, own, writeName } from "./marks.ts";

/** Amazon's search, as a tool. */
export const search = "nova_grounding";

/** The tools in Converse's terms. */
export function writeTools(request: ChatRequest, writing: Writing): Json[] {
  const { tools = [], tool_choice } = request;
  const { same, lost, model } = writing;
  const allowed = tool_choice?.type === "allowed" ? tool_choice.names : undefined;
  const written: Json[] = [];
  for (const tool of tools) {
    if (allowed !== undefined && "name" in tool && !allowed.includes(tool.name)) continue;
    const one = writeTool(tool, writing);
    if (one === undefined) continue;
    written.push(one);
    if (tool.type === "native") continue;
    if (tool.cache !== undefined) {
      if (!same && model.cache === "prompt") lost.drop("cache");
      else {
        const point = writeCache(tool.cache, writing);
        if (point !== undefined) written.push(point);
      }
    }
    if (!same) { for (const name in tool.extra) lost.drop(`tools.${name}`); }
  }
  return written;
}

function writeTool(tool: Tool, writing: Writing): Json | undefined {
  const { same, lost, model } = writing;
  switch (tool.type) {
    case "function":
      return { toolSpec: writeFunction(tool, writing) };
    case "custom": {
      if (tool.grammar !== undefined && tool.grammar.type !== "text") lost.drop("tools.grammar");
      const schema = {
        type: "object",
        properties: { input: { type: "string" } },
        required: ["input"],
      };
      return toolSpec(nameOf(tool.name + freeform, writing), schema, tool.description);
    }
    case "web_search":
      if (!same && model.nova === 0) {
        lost.drop("tools.web_search");
        return undefined;
      }
      for (
        const name of ["allowed_domains", "blocked_domains", "max_uses", "user_location"] as const
      ) {
        if (tool[name] !== undefined) lost.drop(`tools.web_search.${name}`);
      }
      return { systemTool: { name: search } };
    case "native":
      if (tool.format === own) return tool.value;
      lost.drop(`tools.${nativeName(tool.value)}`);
  }
  return undefined;
}

function nameOf(name: string, { same, lost }: Writing): string {
  return same ? name : writeName(name, () => lost.drop("tools.name"));
}

function writeFunction(tool: FunctionTool, writing: Writing): Json {
  const { same, lost, model } = writing;
  const { name, description, strict } = tool;
  const parameters = tool.parameters ?? { type: "object", properties: {} };
  const written: Json = { name: nameOf(name, writing) };
  if (same ? description !== undefined : description) written.description = description;
  const binds = strict === true && model.schema;
  if (same) written.inputSchema = { json: parameters };
  else if (!binds) written.inputSchema = { json: rooted(parameters, lost) };
  else {written.inputSchema = {
      json: lowerSchema(parameters, bedrockSchema, lost, "tools.parameters"),
    };}
  if (same ? strict !== undefined : binds) written.strict = strict;
  else if (strict === true) lost.drop("tools.strict");
  return written;
}

/** A tool of ours. */
export function toolSpec(name: string, schema: Json, description?: string): Json {
  return {
    toolSpec: { name, ...description && { description }, inputSchema: { json: schema } },
  };
}

/** `toolChoice`; nothing where it would only say what is so anyway. */
export function writeChoice(request: ChatRequest, writing: Writing): Json | undefined {
  const { tool_choice: asked, tools = [] } = request;
  const { same, lost, model } = writing;
  let choice: Json | undefined;
  switch (asked?.type) {
    case "auto":
      // A model that takes no choice refuses this one as well.
      return same ? { auto: {} } : undefined;
    case "required":
      choice = { any: {} };
      break;
    case "allowed":
      if (asked.mode === "required") choice = { any: {} };
      break;
    case "tool": {
      const custom = tools.some((tool) => tool.type === "custom" && tool.name === asked.name);
      choice = { tool: { name: nameOf(custom ? asked.name + freeform : asked.name, writing) } };
    }
  }
  if (same || choice === undefined || model.choice === "tool" && model.claude?.forced !== false) {
    return choice;
  }
  if (model.choice === "any" && model.claude === undefined) {
    if ("any" in choice || named(tools) === 1) return { any: {} };
  }
  lost.drop("tool_choice");
  return undefined;
}

function named(tools: readonly Tool[]): number {
  return tools.filter((tool) => "name" in tool).length;
}

/** Makes the answer a call of a tool, for models that know no other way to hold to a schema. */
export function answerIn(schema: Json, description: string | undefined, writing: Writing): Json {
  return toolSpec(
    answerTool,
    rooted(schema, writing.lost),
    description ?? "Gives the answer. Always called last, in place of a text.",
  );
}

/** A tool that is called in the conversation and not among those of the request. */
export function missing(names: readonly string[], tools: readonly Json[]): Json[] {
  const known = new Set(tools.map((tool) => object(tool.toolSpec)?.name));
  return names.filter((name) => !known.has(name))
    .map((name) => toolSpec(name, { type: "object", properties: {} }));
}
