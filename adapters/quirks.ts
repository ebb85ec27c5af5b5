/**
 * Quirks of single providers that take more than a list of names to tell.
 *
 * @module
 */
import { type Json, list, object, string, written } from "../core/formats/json.ts";
import { nearestEffort } from "../core/unified/codecs/openai-chat/efforts.ts";
import type { Lost } from "../core/unified/lost.ts";
import { cut, instruct, omit, rename, shortIds, spelled, thinkingSwitch } from "./spelling.ts";

/** No more than OpenAI's four, where they are refused. */
function fewStops(body: Json, lost: Lost): void {
  const stops = list(body.stop);
  if (stops.length <= 4) return;
  body.stop = stops.slice(0, 4);
  lost.drop("stop");
}

/** Its thinking models refuse what shapes the text of others. */
export function grok(body: Json, lost: Lost, model: string): void {
  fewStops(body, lost);
  const thinks = /grok-(?:3-mini|4|code)|reasoning/.test(model) &&
    !/non-reasoning/.test(model);
  if (!thinks) {
    if (/grok-[23]|non-reasoning/.test(model)) omit(body, "reasoning_effort", lost);
    return;
  }
  for (const name of ["stop", "presence_penalty", "frequency_penalty", "logit_bias"]) {
    omit(body, name, lost);
  }
  // The first to think by effort; those in between think as they like.
  if (/grok-3-mini/.test(model) && typeof body.reasoning_effort === "string") {
    body.reasoning_effort = /low|minimal/.test(body.reasoning_effort) ? "low" : "high";
  } else if (/grok-(?:4(?:-\d{4}|-fast|-1|$)|code)/.test(model)) unheard(body, lost);
}

/** It thinks as it likes, also where it is asked not to. */
function unheard(body: Json, lost: Lost): void {
  if (body.reasoning_effort == null) return;
  delete body.reasoning_effort;
  lost.drop("reasoning");
}

/** Qwen's models think or do not, OpenAI's open ones always do, and others refuse to be asked. */
export function groq(body: Json, lost: Lost, model: string): void {
  const effort = body.reasoning_effort;
  if (typeof effort === "string") {
    if (model.includes("qwen")) body.reasoning_effort = effort === "none" ? "none" : "default";
    else if (!model.includes("gpt-oss")) omit(body, "reasoning_effort", lost);
    else if (effort === "none" || effort === "minimal") body.reasoning_effort = "low";
    else if (effort === "xhigh" || effort === "max") body.reasoning_effort = "high";
  }
  fewStops(body, lost);
  const tier = body.service_tier;
  if (tier === "priority") body.service_tier = "performance";
  else if (tier === "default" || tier === "scale") omit(body, "service_tier", lost);
}

/** Mistral's models that do not think when they are asked to, by its page on reasoning: 422. */
const unasked =
  /^(?:codestral|devstral|labs-|ministral|mixtral|open-|pixtral|voxtral)|^mistral-(?:(?:7b|large|nemo|saba|tiny)\b|(?:small|medium)-(?:2[3-5]\d\d|24b|3[.-][0-4]))/;

/** Other names, its own ids, and an answer that is begun has to say so. */
export function mistral(body: Json, lost: Lost, model: string): void {
  rename(body, "seed", "random_seed");
  if (typeof body.temperature === "number" && body.temperature > 1.5) {
    body.temperature = 1.5;
    lost.drop("temperature");
  }
  shortIds(body, /^[A-Za-z0-9]{9}$/);
  const effort = body.reasoning_effort;
  if (model.startsWith("magistral")) unheard(body, lost);
  else if (unasked.test(model)) omit(body, "reasoning_effort", lost);
  else if (model.startsWith("mistral") && typeof effort === "string") {
    body.reasoning_effort = /none|minimal/.test(effort) ? "none" : "high"; // there is nothing between
  } else if (model.includes("glm")) {
    // It knows `low`, `high` and `max`.
    if (effort === "minimal") body.reasoning_effort = "low";
    else if (effort === "medium") body.reasoning_effort = "high";
    else if (effort === "xhigh") body.reasoning_effort = "max";
  }
  for (const tool of list(body.tools)) {
    const fn = object(object(tool)?.function);
    if (fn !== undefined) fn.parameters ??= { type: "object", properties: {} };
  }
  // An answer of nothing is refused.
  const messages = list(body.messages).map(object).filter((message) =>
    message?.role !== "assistant" || list(message.tool_calls).length > 0 ||
    message.content !== "" && message.content != null
  );
  if (Array.isArray(body.messages)) body.messages = messages;
  for (const message of messages) {
    if (message === undefined) continue;
    for (const value of list(message.content)) asMistral(object(value));
  }
  const last = messages.at(-1);
  if (last?.role === "assistant" && list(last.tool_calls).length === 0) last.prefix = true;
}

/** Its documents are URLs, its sound is base64 without a name of the format. */
function asMistral(part: Json | undefined): void {
  const file = object(part?.file);
  if (part?.type === "file" && typeof file?.file_data === "string") {
    part.type = "document_url";
    part.document_url = file.file_data;
    if (file.filename !== undefined) part.document_name = file.filename;
    delete part.file;
  }
  const audio = object(part?.input_audio);
  if (part !== undefined && audio !== undefined) part.input_audio = audio.data;
}

/** Knows JSON, but no schema for it: the model is told instead. */
export function deepseek(body: Json, lost: Lost): void {
  thinkingSwitch(body, true);
  const format = object(body.response_format);
  if (format?.type !== "json_schema") return;
  lost.drop("output.schema");
  body.response_format = { type: "json_object" };
  const schema = written(object(format.json_schema)?.schema ?? {});
  instruct(body, `Answer with a JSON object that is valid against this JSON Schema:\n${schema}`);
}

/** Few of its models think. */
export function perplexity(body: Json, lost: Lost, model: string): void {
  alternate(body);
  const effort = body.reasoning_effort;
  if (!/reasoning|research/.test(model)) omit(body, "reasoning_effort", lost);
  else if (effort === "none" || effort === "minimal") body.reasoning_effort = "low";
  else if (effort === "xhigh" || effort === "max") body.reasoning_effort = "high";
}

/** User and assistant have to take turns. */
function alternate(body: Json): void {
  const merged: unknown[] = [];
  for (const value of list(body.messages)) {
    const message = object(value);
    const last = object(merged.at(-1));
    const same = message !== undefined && last?.role === message.role && message.role !== "tool";
    if (!same) merged.push(value);
    else if (typeof last!.content === "string" && typeof message.content === "string") {
      last!.content = `${last!.content}\n\n${message.content}`;
    } else last!.content = [...partsOf(last!.content), ...partsOf(message.content)];
  }
  body.messages = merged;
}

function partsOf(content: unknown): readonly unknown[] {
  const text = string(content);
  return text === undefined ? list(content) : [{ type: "text", text }];
}

/**
 * Of OpenAI's models those that always think refuse what shapes the text of others, and the others refuse
 * to be asked for thoughts. Azure has the same models and limits.
 */
function openAI(body: Json, lost: Lost, model: string): void {
  shortIds(body, /^[^]{1,40}$/);
  cut(body, "user", 64);
  cut(body, "safety_identifier", 64);
  fewStops(body, lost);
  if (list(body.modalities).includes("image")) omit(body, "modalities", lost);
  const effort = body.reasoning_effort;
  if (/^(?:gpt-[34]|chatgpt-)/.test(model)) omit(body, "reasoning_effort", lost);
  else if (typeof effort === "string") {
    const near = nearestEffort(model, effort);
    if (near === undefined) delete body.reasoning_effort;
    else body.reasoning_effort = near;
  }
  if (/^(?:o\d|gpt-5(?:-(?!chat)|$))/.test(model)) {
    for (const name of shaping) omit(body, name, lost);
  }
}

/** The `request` of OpenAI, and of Azure. */
export const likeOpenAI = spelled({
  omit: ["top_k", "min_p"],
  newMax: true,
  developer: true,
  custom: true,
  echoes: true,
  thoughts: "none",
  also: openAI,
});

/** What thinking models refuse, by the parameters' descriptions and recorded errors. */
const shaping = [
  "temperature",
  "top_p",
  "stop",
  "presence_penalty",
  "frequency_penalty",
  "logit_bias",
  "logprobs",
  "top_logprobs",
];

/** One object for all that concerns thinking. */
export function openRouter(body: Json): void {
  cut(body, "user", 128);
  const effort = body.reasoning_effort;
  if (typeof effort !== "string") return;
  delete body.reasoning_effort;
  body.reasoning ??= effort === "none"
    ? { enabled: false }
    : { effort: effort === "max" ? "xhigh" : effort };
}

/** Asks for log probabilities by their number. */
export function together(body: Json): void {
  if (body.logprobs === true) {
    body.logprobs = typeof body.top_logprobs === "number" ? Math.max(1, body.top_logprobs) : 1;
    delete body.top_logprobs;
  }
}
