/**
 * The body for a provider. A client of this format is taken at its word; one of another gets what the model
 * takes, and is told what that leaves out.
 *
 * @module
 */
import { type Json, list, object } from "../../../formats/json.ts";
import type { ChatRequest } from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { lowerSchema } from "../../json-schema.ts";
import { anthropicSchema } from "../../json-schema/rules.ts";
import type { Lost } from "../../lost.ts";
import { contentOf, dropExtra, writeCache } from "./blocks-write.ts";
import { type Claude, claudeOf } from "./claude.ts";
import { answerTool, own } from "./marks.ts";
import { converse, lostThoughts, turns } from "./messages-write.ts";
import { displayOf, roomOf, type Thinking, thinkingFor } from "./thinking-write.ts";
import { rooted, writeChoice, writeTools } from "./tools-write.ts";

/** Members in a fixed order, so that the same request gives the same bytes. */
export function writeRequest(request: ChatRequest, target: Target, lost: Lost): Json {
  const claude = claudeOf(target.model);
  const same = request.format === own;
  const { system, messages } = converse(request, claude, lost);
  const how = same ? thinkingSaid(request, claude) : thinkingFor(request, claude, lost);
  const tools = writeTools(request, claude, lost);
  let choice = writeChoice(request, claude, lost);
  const config: Json = {};
  if (!same) {
    const forced = choice?.type === "any" || choice?.type === "tool";
    const budget = how.thinking?.type === "enabled";
    if ((budget && lostThoughts(messages)) || (forced && isOn(how) && claude.off !== "never")) {
      lost.drop("reasoning");
      delete how.effort;
      how.max_tokens = request.max_tokens ?? roomOf(claude); // there may have been room for thoughts
      if (claude.off === "disabled") how.thinking = { type: "disabled" };
      else delete how.thinking;
    }
  }
  if (how.effort !== undefined) config.effort = how.effort;
  const { output } = request;
  if (output?.type === "json") {
    lost.drop("output");
    system.push({ type: "text", text: "Answer with one JSON object and nothing else." });
  } else if (output?.type === "json_schema") {
    const { schema, description } = output;
    if (same) config.format = { type: "json_schema", schema };
    else if (claude.schema && !(claude.forced && hasMap(schema, 0))) {
      const format = lowerSchema(schema, anthropicSchema, lost, "output.schema");
      if (description !== undefined) format.description ??= description;
      config.format = { type: "json_schema", schema: format };
    } else if (choice?.type !== "tool") {
      choice = choiceOfAnswer(choice, tools, how);
      tools.push({
        name: answerTool,
        description: description ?? "Gives the answer. Always called last, in place of a text.",
        input_schema: rooted(schema, lost),
      });
    }
  }

  const body: Json = { model: target.model, max_tokens: how.max_tokens };
  if (system.length > 0) body.system = contentOf(system);
  body.messages = turns(messages);
  if (tools.length > 0) body.tools = tools;
  if (choice !== undefined && (same || tools.length > 0)) body.tool_choice = choice;
  if (how.thinking !== undefined) body.thinking = how.thinking;
  if (Object.keys(config).length > 0) body.output_config = config;
  writeSampling(request, body, same ? undefined : claude, isOn(how), lost);
  writeStop(request, body, lost);
  if (request.stream) body.stream = true;
  writeTier(request, body, lost);
  if (request.user !== undefined) body.metadata = { user_id: request.user };
  if (request.cache !== undefined) body.cache_control = writeCache(request.cache);
  if (same) writeExtra(request.extra, body);
  else dropRest(request, lost);
  return body;
}

function isOn({ thinking }: Thinking): boolean {
  return thinking?.type === "enabled" || thinking?.type === "adaptive";
}

/** As a client of this format has said it. */
function thinkingSaid({ reasoning, max_tokens }: ChatRequest, claude: Claude): Thinking {
  const said: Thinking = { max_tokens: max_tokens ?? roomOf(claude) };
  if (reasoning?.effort !== undefined) said.effort = reasoning.effort;
  if (reasoning?.enabled === false) said.thinking = { type: "disabled" };
  if (reasoning?.enabled !== true) return said;
  const { budget = -1, visible, summary } = reasoning;
  said.thinking = budget < 0 ? { type: "adaptive" } : { type: "enabled", budget_tokens: budget };
  // Shown is what they are when nothing is said.
  const display = visible === true && summary === undefined ? undefined : displayOf(reasoning);
  if (display !== undefined) said.thinking.display = display;
  return said;
}

/** With thoughts the call cannot be forced; the tool's description has to do. */
function choiceOfAnswer(choice: Json | undefined, tools: readonly Json[], how: Thinking): Json {
  const type = isOn(how) ? "auto" : tools.length === 0 || choice?.type === "none" ? "tool" : "any";
  return {
    type,
    ...type === "tool" && { name: answerTool },
    disable_parallel_tool_use: true,
  };
}

/** It has an object with members of any name, which a schema that is closed cannot say. */
function hasMap(schema: unknown, depth: number): boolean {
  if (typeof schema !== "object" || schema === null || depth > 64) return false;
  if (Array.isArray(schema)) return schema.some((one) => hasMap(one, depth + 1));
  const { additionalProperties: more, ...node } = schema as Json;
  if (object(more) !== undefined) return true;
  if (more === true && object(node.properties) === undefined) return true;
  for (const name in node) if (hasMap(node[name], depth + 1)) return true;
  return false;
}

function writeSampling(
  request: ChatRequest,
  body: Json,
  claude: Claude | undefined,
  thinks: boolean,
  lost: Lost,
): void {
  const { temperature, top_p, top_k } = request;
  if (claude === undefined) {
    if (temperature !== undefined) body.temperature = temperature;
    if (top_p !== undefined) body.top_p = top_p;
    if (top_k !== undefined) body.top_k = top_k;
    return;
  }
  const free = claude.sampling && !thinks;
  if (temperature !== undefined && temperature !== 1) {
    if (free) body.temperature = Math.min(1, temperature);
    if (!free || temperature > 1) lost.drop("temperature");
  }
  if (top_p !== undefined && top_p !== 1) {
    const taken = claude.sampling && (!thinks || top_p >= 0.95) &&
      !(claude.either && body.temperature !== undefined);
    if (taken) body.top_p = top_p;
    else lost.drop("top_p");
  }
  if (top_k !== undefined) {
    if (free) body.top_k = top_k;
    else lost.drop("top_k");
  }
}

function writeStop({ stop, format }: ChatRequest, body: Json, lost: Lost): void {
  if (stop === undefined) return;
  const taken = format === own ? stop : stop.filter((one) => one.trim() !== "");
  if (taken.length < stop.length) lost.drop("stop");
  if (taken.length > 0 || format === own) body.stop_sequences = taken;
}

const tiers: Readonly<Record<string, string>> = {
  auto: "auto",
  priority: "auto",
  default: "standard_only",
};

function writeTier({ service_tier: tier, format }: ChatRequest, body: Json, lost: Lost): void {
  if (tier === undefined) return;
  const known = Object.hasOwn(tiers, tier) ? tiers[tier] : format === own ? tier : undefined;
  if (known === undefined) lost.drop("service_tier");
  else body.service_tier = known;
}

function writeExtra(extra: Json | undefined, body: Json): void {
  for (const name in extra) {
    const value = extra[name];
    // Members that are known in part.
    const inner = name === "thinking" || name === "output_config" || name === "metadata";
    body[name] = inner ? { ...object(body[name]), ...object(value) } : value;
  }
}

/** What is said by any format and not by this one. Values that say what is so anyway are no loss. */
function dropRest(request: ChatRequest, lost: Lost): void {
  const { n, modalities, verbosity, store, logprobs, top_logprobs } = request;
  const said: Record<string, boolean> = {
    n: n !== undefined && n > 1,
    seed: request.seed !== undefined,
    min_p: request.min_p !== undefined,
    frequency_penalty: !!request.frequency_penalty,
    presence_penalty: !!request.presence_penalty,
    logit_bias: Object.keys(request.logit_bias ?? {}).length > 0,
    logprobs: logprobs === true,
    top_logprobs: !!top_logprobs,
    verbosity: verbosity !== undefined && verbosity !== "medium",
    modalities: list(modalities).some((one) => one !== "text"),
    audio: request.audio !== undefined,
    metadata: Object.keys(request.metadata ?? {}).length > 0,
    store: store === true,
    prompt_cache_key: request.prompt_cache_key !== undefined,
  };
  for (const name in said) if (said[name]) lost.drop(name);
  dropExtra(request.extra, lost);
}
