/**
 * `generationConfig` of a client.
 *
 * @module
 */
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { ChatRequest, Reasoning } from "../../chat.ts";
import { asObject, wrong } from "../openai-chat/expect.ts";
import { jsonSchema } from "./openapi.ts";
import { camel } from "./wire.ts";

/** Numbers, and what they are called here. */
const numbers: Readonly<Record<string, "temperature" | "top_p" | "top_k" | "n" | "max_tokens">> = {
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  candidateCount: "n",
  maxOutputTokens: "max_tokens",
};
const moreNumbers: Readonly<
  Record<string, "seed" | "presence_penalty" | "frequency_penalty" | "top_logprobs">
> = {
  seed: "seed",
  presencePenalty: "presence_penalty",
  frequencyPenalty: "frequency_penalty",
  logprobs: "top_logprobs",
};

/** Adds what it says to the request; members that no other format has are kept as they are. */
export function readConfig(config: Json, request: ChatRequest): void {
  const at = "generationConfig.";
  for (const key of Object.keys(config)) {
    const value = config[key];
    if (value === null || value === undefined) continue;
    const name = numbers[key] ?? moreNumbers[key];
    if (name !== undefined) {
      // Proto JSON takes numbers as strings.
      const number = typeof value === "string" && value !== "" ? Number(value) : value;
      if (typeof number !== "number" || Number.isNaN(number)) {
        throw wrong(at + key, value, "a number");
      }
      request[name] = number;
      continue;
    }
    switch (key) {
      case "stopSequences":
        request.stop = strings(value, at + key);
        break;
      case "responseLogprobs":
        request.logprobs = value === true;
        break;
      case "responseMimeType":
      case "responseSchema":
      case "responseJsonSchema":
        break; // below, together
      case "thinkingConfig":
        request.reasoning = readThinking(camel(asObject(value, at + key)), request);
        break;
      case "responseModalities": {
        const words = strings(value, at + key).map((word) => word.toLowerCase());
        if (words.every(isModality)) request.modalities = words;
        else keep(request, key, value);
        break;
      }
      case "speechConfig": {
        const voice = voiceOf(value);
        if (voice === undefined) keep(request, key, value);
        else request.audio = { voice };
        break;
      }
      default:
        keep(request, key, value);
    }
  }
  readShape(config, request);
}

function readShape(config: Json, request: ChatRequest): void {
  const { responseMimeType: mime, responseSchema, responseJsonSchema } = config;
  const schema = object(responseJsonSchema) ??
    (object(responseSchema) === undefined ? undefined : jsonSchema(responseSchema));
  if (mime === undefined || mime === "application/json") {
    if (schema !== undefined) request.output = { type: "json_schema", schema };
    else if (mime !== undefined) request.output = { type: "json" };
    return;
  }
  if (mime === "text/plain") {
    request.output = { type: "text" };
    return;
  }
  // `text/x.enum`: one of the values as it stands, no JSON.
  for (const key of ["responseMimeType", "responseSchema", "responseJsonSchema"]) {
    if (config[key] !== undefined && config[key] !== null) keep(request, key, config[key]);
  }
}

function readThinking(config: Json, request: ChatRequest): Reasoning {
  const reasoning: Reasoning = {};
  const { thinkingBudget, thinkingLevel, includeThoughts, ...rest } = config;
  if (typeof thinkingBudget === "number") {
    reasoning.budget = thinkingBudget;
    if (thinkingBudget === 0) reasoning.enabled = false;
  }
  const level = string(thinkingLevel)?.toLowerCase();
  if (level !== undefined && level !== "thinking_level_unspecified") reasoning.effort = level;
  if (typeof includeThoughts === "boolean") reasoning.visible = includeThoughts;
  for (const key of Object.keys(rest)) keep(request, `thinkingConfig.${key}`, rest[key]);
  return reasoning;
}

/** The voice, where the configuration says nothing else. */
function voiceOf(value: unknown): string | undefined {
  const speech = camel(object(value) ?? {});
  const voice = camel(object(speech.voiceConfig) ?? {});
  const prebuilt = camel(object(voice.prebuiltVoiceConfig) ?? {});
  const alone = [speech, voice, prebuilt].every((one) => Object.keys(one).length === 1);
  return alone ? string(prebuilt.voiceName) : undefined;
}

function isModality(word: string): word is "text" | "image" | "audio" {
  return word === "text" || word === "image" || word === "audio";
}

function strings(value: unknown, at: string): string[] {
  const all = list(value);
  if (!Array.isArray(value) || !all.every((one) => typeof one === "string")) {
    throw wrong(at, value, "an array of strings");
  }
  return [...all] as string[];
}

function keep(request: ChatRequest, key: string, value: unknown): void {
  (request.extra ??= {})[`generationConfig.${key}`] = value;
}
