/**
 * A request to Google's `generateContent`, of the Gemini API and of Vertex AI.
 *
 * @module
 */
import { type Json, object, written } from "../../../formats/json.ts";
import type { ChatRequest, OutputShape } from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { lowerSchema } from "../../json-schema.ts";
import { geminiJsonSchema, geminiSchema } from "../../json-schema/rules.ts";
import type { Lost } from "../../lost.ts";
import { geminiVoice, openAIVoices } from "../../voices.ts";
import { dropUnsaid, type Unsaid } from "../unsaid.ts";
import { Contents } from "./contents-write.ts";
import { generationOf, thinkingFor } from "./thinking.ts";
import { writeToolConfig, writeTools } from "./tools-write.ts";
import { camel } from "./wire.ts";

/** What Google has a word for, of what few have. */
const sayable: readonly Unsaid[] = [
  "n",
  "seed",
  "frequency_penalty",
  "presence_penalty",
  "logprobs",
  "top_logprobs",
  "modalities",
  "audio",
];
/** Most of `stopSequences`. */
const mostStops = 5;

/** See `ChatCodec.writeRequest`. The model is in the path. */
export function writeRequest(request: ChatRequest, target: Target, lost: Lost): Json {
  const own = request.format === "gemini";
  const model = generationOf(target.model);
  const { contents, system } = new Contents(request, target, lost);
  const body: Json = { contents };
  const tools = writeTools(request, target, lost);
  // Before Gemini 3 a request with tools has no shape of its answer.
  const told = !own && model.version < 300 && tools.length > 0
    ? shapeInWords(request.output)
    : undefined;
  if (told !== undefined) {
    system.push({ text: told });
    lost.drop("output");
  }
  if (system.length > 0) {
    const [first] = contents;
    // Google's older open models know no instructions.
    if (/gemma-[123]/.test(target.model) && first?.role === "user") first.parts.unshift(...system);
    else body.systemInstruction = { parts: system };
  }
  if (tools.length > 0) body.tools = tools;
  const toolConfig = writeToolConfig(request, model, lost);
  if (toolConfig !== undefined) body.toolConfig = toolConfig;
  const output = told === undefined ? request.output : undefined;
  const config = writeConfig(request, output, target, lost);
  if (own && request.store !== undefined) body.store = request.store;
  const tier = tierFor(request, lost);
  if (tier !== undefined) body.serviceTier = tier;
  if (own) extend(body, config, request.extra);
  else writeForeign(body, config, request.extra ?? {}, lost);
  if (Object.keys(config).length > 0) body.generationConfig = config;
  dropUnsaid(request, own ? [...sayable, "store"] : sayable, lost);
  return body;
}

function tierFor({ service_tier: tier, format }: ChatRequest, lost: Lost): string | undefined {
  switch (tier) {
    case undefined:
    case "auto":
      return undefined;
    case "default":
    case "standard":
      return format === "gemini" ? "standard" : undefined;
    case "flex":
    case "priority":
      return tier;
  }
  if (format === "gemini") return tier;
  lost.drop("service_tier");
  return undefined;
}

function writeConfig(
  request: ChatRequest,
  output: OutputShape | undefined,
  target: Target,
  lost: Lost,
): Json {
  const { n, stop, logprobs, top_logprobs, modalities, reasoning } = request;
  const model = generationOf(target.model);
  const config: Json = {};
  const put = (name: string, value: unknown) => {
    if (value !== undefined) config[name] = value;
  };
  put("temperature", request.temperature);
  put("topP", request.top_p);
  put("topK", request.top_k);
  put("candidateCount", request.format === "gemini" || (n ?? 1) > 1 ? n : undefined);
  put("maxOutputTokens", request.max_tokens);
  if (stop !== undefined && stop.length > 0) {
    config.stopSequences = stop.slice(0, mostStops);
    if (stop.length > mostStops) lost.drop("stop");
  }
  put("seed", request.seed);
  // Some models refuse these, also where they say nothing.
  const idle = request.format === "gemini" ? undefined : 0;
  const { presence_penalty, frequency_penalty } = request;
  put("presencePenalty", presence_penalty === idle ? undefined : presence_penalty);
  put("frequencyPenalty", frequency_penalty === idle ? undefined : frequency_penalty);
  put("responseLogprobs", logprobs || undefined);
  put("logprobs", top_logprobs === idle ? undefined : top_logprobs);
  if (output !== undefined) {
    writeShape(config, output, request.format === "gemini" ? undefined : model.version, lost);
  }
  if (modalities !== undefined) {
    const words = modalities.map((word) => word.toUpperCase());
    // What is spoken comes without text.
    if (request.format === "gemini") config.responseModalities = words;
    else if (words.includes("AUDIO")) config.responseModalities = ["AUDIO"];
    else if (words.includes("IMAGE")) config.responseModalities = words;
  }
  if (request.audio !== undefined) writeVoice(config, request, lost);
  if (reasoning !== undefined) {
    put(
      "thinkingConfig",
      request.format === "gemini" ? ownThinking(reasoning) : thinkingFor(reasoning, model, lost),
    );
  }
  return config;
}

/** The shape as an instruction. */
function shapeInWords(output: OutputShape | undefined): string | undefined {
  if (output === undefined || output.type === "text") return undefined;
  const words = "Unless you call a tool, answer with JSON only, without Markdown";
  return output.type !== "json_schema"
    ? `${words}.`
    : `${words}, valid against this JSON Schema:\n${written(output.schema)}`;
}

/** As Google's client said it. */
function ownThinking({ budget, effort, visible }: NonNullable<ChatRequest["reasoning"]>): Json {
  return {
    ...visible !== undefined && { includeThoughts: visible },
    ...budget !== undefined && { thinkingBudget: budget },
    ...effort !== undefined && { thinkingLevel: effort.toUpperCase() },
  };
}

/** Models before 2.5 know only their own dialect of schemas. Google's clients need no translation. */
function writeShape(
  config: Json,
  output: OutputShape,
  version: number | undefined,
  lost: Lost,
): void {
  config.responseMimeType = output.type === "text" ? "text/plain" : "application/json";
  if (output.type !== "json_schema") return;
  const { schema, description } = output;
  const said = description === undefined || schema.description !== undefined
    ? schema
    : { ...schema, description };
  const at = "output.schema";
  if (version === undefined) config.responseJsonSchema = schema;
  else if (version < 205) config.responseSchema = lowerSchema(said, geminiSchema, lost, at);
  else config.responseJsonSchema = lowerSchema(said, geminiJsonSchema, lost, at);
}

/** Voices have other names elsewhere; the format is always PCM. */
function writeVoice(config: Json, { audio = {}, modalities }: ChatRequest, lost: Lost): void {
  const { voice } = audio;
  const foreign = typeof voice !== "string" || openAIVoices.test(voice);
  if (voice !== undefined) {
    const voiceName = foreign ? geminiVoice : voice;
    config.speechConfig = { voiceConfig: { prebuiltVoiceConfig: { voiceName } } };
    if (foreign) lost.drop("audio.voice");
  }
  const spoken = modalities?.includes("audio") === true;
  if (spoken && audio.format !== undefined && audio.format !== "pcm16") lost.drop("audio.format");
}

/**
 * What clients of OpenAI say to Google alone, as its own endpoint of that format takes it: in
 * `extra_body.google`, or beside the other members.
 */
function writeForeign(body: Json, config: Json, extra: Json, lost: Lost): void {
  const { extra_body, ...others } = extra;
  const inside = object(object(extra_body)?.google);
  if (extra_body !== undefined && inside === undefined) lost.drop("extra_body");
  for (const [name, value] of Object.entries({ ...others, ...inside })) {
    if (name === "safety_settings") body.safetySettings = value;
    else if (name === "cached_content") body.cachedContent = value;
    else if (name === "thinking_config" && object(value)) {
      config.thinkingConfig = camel(object(value)!);
    } else lost.drop(name);
  }
}

/** Puts back what only Google knows. */
function extend(body: Json, config: Json, extra: Json | undefined): void {
  for (const path in extra) {
    const steps = path.split(".");
    const last = steps.pop()!;
    let at = body;
    for (const [i, step] of steps.entries()) {
      if (i === 0 && step === "generationConfig") at = config;
      else at = (at[step] = object(at[step]) ?? {}) as Json;
    }
    at[last] = extra[path];
  }
}
