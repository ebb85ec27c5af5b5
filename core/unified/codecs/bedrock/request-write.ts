/**
 * The body for Bedrock. A client of this format is taken at its word; one of another gets what the model
 * takes, and is told what that leaves out.
 *
 * @module
 */
import { type Json, object, written } from "../../../formats/json.ts";
import type { ChatRequest } from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { lowerSchema } from "../../json-schema.ts";
import { bedrockSchema } from "../../json-schema/rules.ts";
import type { Lost } from "../../lost.ts";
import { dropUnsaid } from "../unsaid.ts";
import type { Writing } from "./blocks-write.ts";
import { type Fields, writeFields } from "./fields.ts";
import { answerTool, own } from "./marks.ts";
import { namer } from "./media.ts";
import { called, converse, lostThoughts, type Turn } from "./messages-write.ts";
import { modelOf } from "./models.ts";
import { answerIn, missing, writeChoice, writeTools } from "./tools-write.ts";

/** Members in a fixed order, so that the same request gives the same bytes. */
export function writeRequest(request: ChatRequest, target: Target, lost: Lost): Json {
  const same = request.format === own;
  const model = modelOf(target.model);
  const writing: Writing = { same, model, lost, naming: namer() };
  const { system, messages } = converse(request, writing);
  const how = writeFields(request, model, same, lost);
  const { toolConfig, textFormat } = constraints(request, writing, system, messages, how);

  const body: Json = { messages };
  if (system.length > 0) body.system = system;
  const inference = writeInference(request, writing, how);
  if (Object.keys(inference).length > 0) body.inferenceConfig = inference;
  if (toolConfig !== undefined) body.toolConfig = toolConfig;
  const { extra } = request;
  const fields = { ...how.fields };
  for (
    const [name, value] of Object.entries(same && object(extra?.additionalModelRequestFields) || {})
  ) {
    const inner = object(value);
    fields[name] = inner && object(fields[name]) ? { ...inner, ...fields[name] as Json } : value;
  }
  if (Object.keys(fields).length > 0) body.additionalModelRequestFields = fields;
  if (textFormat !== undefined || how.effort !== undefined) {
    body.outputConfig = {
      ...textFormat !== undefined && { textFormat },
      ...how.effort !== undefined && { effort: how.effort },
    };
  }
  const metadata = same ? request.metadata : metadataOf(request.metadata, lost);
  if (metadata !== undefined) body.requestMetadata = metadata;
  writeTier(request, same, body, lost);
  if (same) {
    for (const name in extra) if (name !== "additionalModelRequestFields") body[name] = extra[name];
  } else {
    for (const name in extra) lost.drop(name);
    dropUnsaid(request, ["metadata", "cache"], lost);
  }
  return body;
}

/** Tools, which of them, and the answer's shape: each may come to one of the others. */
function constraints(
  request: ChatRequest,
  writing: Writing,
  system: Json[],
  messages: readonly Turn[],
  how: Fields,
): { toolConfig?: Json; textFormat?: Json } {
  const { same, model, lost } = writing;
  const { output, tool_choice } = request;
  const tools = writeTools(request, writing);
  let choice = writeChoice(request, writing);
  let textFormat: Json | undefined;
  let answers = false;
  if (output?.type === "json") {
    lost.drop("output");
    system.push({ text: "Answer with one JSON object and nothing else." });
  } else if (output?.type === "json_schema") {
    const { schema, name, description } = output;
    if (same || model.schema) {
      const lowered = same ? schema : lowerSchema(schema, bedrockSchema, lost, "output.schema");
      const jsonSchema: Json = { schema: written(lowered) };
      const plain = same ? name : name?.replace(/[^\w-]/g, "_").slice(0, 64);
      if (plain) jsonSchema.name = plain;
      if (description !== undefined) jsonSchema.description = description;
      textFormat = { type: "json_schema", structure: { jsonSchema } };
    } else if (model.choice === "none") {
      lost.drop("output.schema");
      system.push({
        text: `Answer with one JSON object of this schema and nothing else: ${written(schema)}`,
      });
    } else if (choice === undefined || "any" in choice) {
      const alone = tools.length === 0 || tool_choice?.type === "none";
      if (alone) tools.length = 0;
      answers = true;
      tools.push(answerIn(schema, description, writing));
      const forced = !how.thinks && model.claude?.forced !== false;
      choice = !forced
        ? undefined
        : alone && model.choice === "tool"
        ? { tool: { name: answerTool } }
        : { any: {} };
    }
  }
  if (!same) {
    const forced = choice !== undefined && !("auto" in choice);
    const budget = object(how.fields.thinking)?.type === "enabled";
    // Neither goes with thoughts of Claude's.
    if (model.claude !== undefined && how.thinks && (forced || budget && lostThoughts(messages))) {
      lost.drop("reasoning");
      how.thinks = false;
      delete how.effort;
      if (request.max_tokens === undefined) delete how.max_tokens;
      else how.max_tokens = request.max_tokens;
      if (model.claude.off === "disabled") how.fields.thinking = { type: "disabled" };
      else delete how.fields.thinking;
    }
    const names = called(messages);
    if (
      tool_choice?.type === "none" && !answers
    ) {
      // There is no word for it but to have no tools, which only a conversation without calls may.
      if (names.length > 0) lost.drop("tool_choice");
      else tools.length = 0;
    }
    tools.push(...missing(names, tools));
  }
  if (tools.length === 0) return { ...textFormat !== undefined && { textFormat } };
  return {
    toolConfig: { tools, ...choice !== undefined && { toolChoice: choice } },
    ...textFormat !== undefined && { textFormat },
  };
}

function writeInference(request: ChatRequest, { same, model, lost }: Writing, how: Fields): Json {
  const { temperature, top_p, stop } = request;
  const written: Json = {};
  if (how.max_tokens !== undefined) written.maxTokens = how.max_tokens;
  const free = same || !how.thinks && model.claude?.sampling !== false;
  if (temperature !== undefined && (same || temperature !== 1 || free)) {
    if (free) written.temperature = same ? temperature : Math.min(1, Math.max(0, temperature));
    if (!free || !same && temperature > 1) lost.drop("temperature");
  }
  if (top_p !== undefined && (same || top_p !== 1)) {
    const taken = free && (same || !(model.claude?.either === true && temperature !== undefined)) ||
      model.claude?.sampling === true && top_p >= 0.95 && temperature === undefined;
    if (taken) written.topP = top_p;
    else lost.drop("top_p");
  }
  if (stop !== undefined) {
    const taken = same ? stop : stop.filter((one) => one.trim() !== "");
    if (taken.length < stop.length) lost.drop("stop");
    if (taken.length > 0) written.stopSequences = taken;
  }
  return written;
}

/** `requestMetadata` holds 16 short texts of a few characters. */
function metadataOf(metadata: Json | undefined, lost: Lost): Json | undefined {
  const kept: Json = {};
  let count = 0;
  for (const [name, value] of Object.entries(metadata ?? {})) {
    const text = typeof value === "string" ? value : written(value);
    const fits = /^[A-Za-z0-9\s:_@$#=/+,\-.]{1,256}$/.test(name) &&
      /^[A-Za-z0-9\s:_@$#=/+,\-.]{0,256}$/.test(text);
    if (fits && count++ < 16) kept[name] = text;
    else lost.drop("metadata");
  }
  return count > 0 ? kept : undefined;
}

function writeTier(
  { service_tier: tier }: ChatRequest,
  same: boolean,
  body: Json,
  lost: Lost,
): void {
  if (tier === undefined) return;
  if (same || tier === "flex" || tier === "priority") body.serviceTier = { type: tier };
  else if (tier !== "auto" && tier !== "default" && tier !== "standard_only") {
    lost.drop("service_tier");
  }
}
