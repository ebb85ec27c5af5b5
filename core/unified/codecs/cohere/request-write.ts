/**
 * The body for Cohere. A client of this format is taken at its word; one of another gets what the API takes,
 * and is told what that leaves out.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { ChatRequest, Reasoning, Tool } from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { lowerSchema } from "../../json-schema.ts";
import { cohereSchema } from "../../json-schema/rules.ts";
import { type Lost, nativeName } from "../../lost.ts";
import { answerTool, freeform } from "../anthropic/marks.ts";
import { rooted } from "../anthropic/tools-write.ts";
import { dropUnsaid } from "../unsaid.ts";
import { own } from "./message-read.ts";
import { converse } from "./messages-write.ts";
import { alike } from "./request-read.ts";

/** Members in a fixed order, so that the same request gives the same bytes. */
export function writeRequest(request: ChatRequest, target: Target, lost: Lost): Json {
  const same = request.format === own;
  const { messages, documents } = converse(request, lost);
  const body: Json = { model: target.model, messages };
  if (request.stream) body.stream = true;
  const { tools, strict } = writeTools(request, same, lost);
  let choice = choiceOf(request);
  const { output } = request;
  if (output !== undefined && output.type !== "text") {
    // The answer's shape goes with neither tools nor documents.
    const free = same || tools.length === 0 && documents.length === 0;
    const schema = output.type === "json_schema" ? output.schema : undefined;
    if (free) {
      body.response_format = {
        type: "json_object",
        ...schema !== undefined &&
          { json_schema: same ? schema : lowerSchema(schema, cohereSchema, lost, "output.schema") },
      };
    } else if (schema === undefined) lost.drop("output");
    else {
      if (choice === "NONE") tools.length = 0;
      tools.push({
        type: "function",
        function: {
          name: answerTool,
          description: "Gives the answer. Always called last, in place of a text.",
          parameters: rooted(schema, lost),
        },
      });
      choice = "REQUIRED";
    }
  }
  if (tools.length > 0) body.tools = tools;
  if (strict) body.strict_tools = true;
  if (choice !== undefined && (same || tools.length > 0)) body.tool_choice = choice;
  if (documents.length > 0) body.documents = documents;
  if (same) {
    for (const [name, spelt] of alike) {
      if (request[name] !== undefined) body[spelt] = request[name];
    }
  } else writeSampling(request, body, lost);
  const { stop = [] } = request;
  if (stop.length > 0) body.stop_sequences = same ? stop : stop.slice(0, 5);
  if (!same && stop.length > 5) lost.drop("stop");
  const thinking = request.reasoning && thinkingFor(request.reasoning, same, target.model, lost);
  if (thinking !== undefined) body.thinking = thinking;
  if (same) return { ...body, ...request.extra };
  const tier = request.service_tier ?? "auto";
  if (!/^(?:auto|default|standard_only)$/.test(tier)) lost.drop("service_tier");
  for (const name in request.extra) lost.drop(name);
  dropUnsaid(request, ["seed", "frequency_penalty", "presence_penalty", "logprobs"], lost);
  return body;
}

function writeTools(
  { tools = [], tool_choice: choice }: ChatRequest,
  same: boolean,
  lost: Lost,
): { tools: Json[]; strict: boolean } {
  // There is no word for one tool of several, but to have no other.
  const only = choice?.type === "tool"
    ? [choice.name]
    : choice?.type === "allowed"
    ? choice.names
    : undefined;
  const taken = tools.filter((tool) =>
    only === undefined || "name" in tool && only.includes(tool.name)
  );
  const strict = taken.some(isStrict) &&
    taken.every((tool) => isStrict(tool) || tool.type === "native");
  if (!strict && taken.some(isStrict)) lost.drop("tools.strict");
  const written = taken.flatMap((tool) => {
    const one = writeTool(tool, same, strict, lost);
    if (tool.type !== "native") {
      if (tool.cache !== undefined) lost.drop("cache");
      for (const name in tool.extra) lost.drop(`tools.${name}`);
    }
    return one === undefined ? [] : [one];
  });
  return { tools: written, strict };
}

function isStrict(tool: Tool): boolean {
  return tool.type === "function" && tool.strict === true;
}

function writeTool(tool: Tool, same: boolean, strict: boolean, lost: Lost): Json | undefined {
  switch (tool.type) {
    case "function": {
      const { name, description, parameters = { type: "object", properties: {} } } = tool;
      const schema = same
        ? parameters
        : strict
        ? lowerSchema(parameters, cohereSchema, lost, "tools.parameters")
        : rooted(parameters, lost);
      return functionTool(name, description, schema);
    }
    case "custom":
      if (tool.grammar !== undefined && tool.grammar.type !== "text") lost.drop("tools.grammar");
      return functionTool(tool.name + freeform, tool.description, {
        type: "object",
        properties: { input: { type: "string" } },
        required: ["input"],
      });
    case "web_search":
      lost.drop("tools.web_search");
      return undefined;
    case "native":
      if (tool.format === own) return tool.value;
      lost.drop(`tools.${nativeName(tool.value)}`);
  }
  return undefined;
}

function functionTool(name: string, description: string | undefined, parameters: Json): Json {
  const about = description === undefined ? {} : { description };
  return { type: "function", function: { name, ...about, parameters } };
}

function choiceOf({ tool_choice: choice }: ChatRequest): "REQUIRED" | "NONE" | undefined {
  switch (choice?.type) {
    case "none":
      return "NONE";
    case "required":
    case "tool":
      return "REQUIRED";
    case "allowed":
      return choice.mode === "required" ? "REQUIRED" : undefined;
  }
  return undefined;
}

function writeSampling(request: ChatRequest, body: Json, lost: Lost): void {
  const { max_tokens, temperature, top_p, top_k, seed, logprobs } = request;
  const within = (name: "temperature" | "frequency_penalty" | "presence_penalty"): void => {
    const value = request[name];
    if (value === undefined || value === 0 && name !== "temperature") return;
    body[name] = Math.min(1, Math.max(0, value));
    if (body[name] !== value) lost.drop(name);
    if (body[name] === 0 && name !== "temperature") delete body[name];
  };
  if (max_tokens !== undefined) body.max_tokens = max_tokens;
  if (temperature !== undefined) within("temperature");
  // All of them is the most that it takes, and not what it does when nothing is said.
  if (top_p !== undefined) body.p = Math.min(0.99, Math.max(0.01, top_p));
  if (top_k !== undefined) {
    body.k = Math.min(500, top_k);
    if (top_k > 500) lost.drop("top_k");
  }
  if (seed !== undefined) body.seed = seed;
  within("frequency_penalty");
  within("presence_penalty");
  if (logprobs === true) body.logprobs = true;
}

/** Models that never think. */
const plain =
  /command-(?:r|light|nightly|xlarge|a-03|a-vision|a-translate)|^command$|^c4ai|^aya|tiny-aya/;
/** Tokens by effort; above, the model decides. The gateway's own scale. */
const budgets: Readonly<Record<string, number>> = { minimal: 512, low: 1024, medium: 8192 };

function thinkingFor(
  { enabled, effort, budget }: Reasoning,
  same: boolean,
  model: string,
  lost: Lost,
): Json | undefined {
  const off = enabled === false || effort === "none" || budget === 0;
  const asked = off || enabled === true || effort !== undefined || budget !== undefined;
  if (!asked) return undefined;
  if (!same && plain.test(model)) {
    if (!off) lost.drop("reasoning");
    return undefined;
  }
  if (off) return { type: "disabled" };
  const tokens = budget !== undefined && budget > 0
    ? budget
    : effort !== undefined && Object.hasOwn(budgets, effort)
    ? budgets[effort]
    : undefined;
  return { type: "enabled", ...tokens !== undefined && { token_budget: tokens } };
}
