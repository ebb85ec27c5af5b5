/**
 * The body for a provider of Responses.
 *
 * Providers keep what they are asked unless told not to, so `store` is false where the client's format knows
 * no such thing; thoughts then come encrypted, and go back so in the next turn.
 *
 * @module
 */
import { type Json, object } from "../../../formats/json.ts";
import type { ChatRequest, OutputShape, Reasoning } from "../../chat.ts";
import type { Target } from "../../codec.ts";
import type { Lost } from "../../lost.ts";
import { nearestEffort } from "../openai-chat/efforts.ts";
import { effortOf } from "../openai-chat/request-write.ts";
import { writeItems } from "./items-write.ts";
import { format } from "./shape.ts";
import { writeChoice, writeTools } from "./tools.ts";

/** OpenAI refuses fewer. */
const fewestTokens = 16;

/** What the format has no word for, unless it only says what goes without saying. */
const unsaid: Readonly<Record<string, (value: unknown) => boolean>> = {
  top_k: () => false,
  min_p: () => false,
  seed: () => false,
  frequency_penalty: (value) => value === 0,
  presence_penalty: (value) => value === 0,
  stop: (value) => Array.isArray(value) && value.length === 0,
  n: (value) => value === 1,
  logit_bias: (value) => Object.keys(object(value) ?? {}).length === 0,
  modalities: (value) => Array.isArray(value) && value.every((one) => one === "text"),
  audio: () => false,
  cache: () => false,
};

/** Writes the body of a `POST /responses`. */
export function writeRequest(request: ChatRequest, target: Target, lost: Lost): Json {
  const own = request.format === format;
  const { instructions, input } = writeItems(request, target, lost);
  for (const [name, idle] of Object.entries(unsaid)) {
    const value = request[name as keyof ChatRequest];
    if (value !== undefined && !idle(value)) lost.drop(name);
  }
  const extra = own ? { ...request.extra } : {};
  if (!own) { for (const name of Object.keys(request.extra ?? {})) lost.drop(name); }
  const { text: moreText, reasoning: moreReasoning, include: moreInclude, ...others } = extra;
  const text = { ...textOf(request), ...object(moreText) };
  const reasoning: Json = { ...reasoningOf(request.reasoning), ...object(moreReasoning) };
  if (!own && typeof reasoning.effort === "string") {
    reasoning.effort = nearestEffort(target.model, reasoning.effort);
  }
  const include = [
    ...encrypted(request, target) ? ["reasoning.encrypted_content"] : [],
    ...request.logprobs || request.top_logprobs ? ["message.output_text.logprobs"] : [],
    ...Array.isArray(moreInclude) ? moreInclude : [],
  ];
  const tools = request.tools &&
    writeTools(request.tools, request.format, lost, target.provider);
  return pruned({
    model: request.model,
    instructions,
    input,
    tools: tools !== undefined && tools.length > 0 ? tools : undefined,
    tool_choice: tools !== undefined && tools.length > 0 ? writeChoice(request) : undefined,
    parallel_tool_calls: request.parallel_tool_calls,
    text: Object.keys(text).length > 0 ? text : undefined,
    reasoning: Object.values(reasoning).some((one) => one !== undefined)
      ? pruned(reasoning)
      : undefined,
    max_output_tokens: tokens(request, lost),
    temperature: request.temperature,
    top_p: request.top_p,
    top_logprobs: request.top_logprobs || undefined,
    include: include.length > 0 ? include : undefined,
    metadata: request.metadata,
    safety_identifier: request.safety_identifier,
    user: request.user === request.safety_identifier ? undefined : request.user,
    service_tier: tier(request, lost),
    prompt_cache_key: request.prompt_cache_key,
    store: request.store ?? (own ? undefined : false),
    stream: request.stream ? true : undefined,
    ...others,
  });
}

/** Without what is undefined: order stays. */
function pruned(body: Json): Json {
  for (const key in body) if (body[key] === undefined) delete body[key];
  return body;
}

/** `text`: the shape of the answer, and how long it is. */
export function textOf({ output, verbosity }: ChatRequest): Json {
  return {
    ...output !== undefined && { format: shapeOf(output) },
    ...verbosity !== undefined && { verbosity },
  };
}

function shapeOf(output: OutputShape): Json {
  if (output.type !== "json_schema") {
    return { type: output.type === "json" ? "json_object" : "text" };
  }
  const { type, name = "response", description, schema, strict } = output;
  return {
    type,
    name,
    ...description !== undefined && { description },
    schema,
    ...strict !== undefined && { strict },
  };
}

/** `reasoning`. */
export function reasoningOf(reasoning: Reasoning = {}): Json {
  const { visible, summary } = reasoning;
  const how = effortOf(reasoning);
  const shown = summary ?? (visible ? "auto" : undefined);
  return {
    ...how !== undefined && { effort: how },
    ...shown !== undefined && { summary: shown },
  };
}

function tokens({ max_tokens, format: from }: ChatRequest, lost: Lost): number | undefined {
  if (max_tokens === undefined || max_tokens >= fewestTokens || from === format) return max_tokens;
  lost.drop("max_tokens");
  return fewestTokens;
}

/** Models that do not think refuse to be asked for encrypted thoughts. */
function encrypted(request: ChatRequest, { model }: Target): boolean {
  if (request.encrypted_reasoning !== undefined || request.format === format) {
    return request.encrypted_reasoning === true;
  }
  if (/chat|gpt-3|gpt-4/.test(model)) return false;
  const { effort, budget, enabled } = request.reasoning ?? {};
  if (effort !== undefined ? effort !== "none" : budget !== undefined ? budget !== 0 : enabled) {
    return true;
  }
  return /(?:^|[/.])(?:o\d|gpt-(?:[5-9]|oss)|codex|grok)/.test(model);
}

const tiers: readonly unknown[] = ["auto", "default", "flex", "scale", "priority", "fast"];

function tier({ service_tier, format: from }: ChatRequest, lost: Lost): string | undefined {
  if (service_tier === undefined || from === format || tiers.includes(service_tier)) {
    return service_tier;
  }
  if (/^standard/.test(service_tier)) return "default"; // Anthropic, Google
  lost.drop("service_tier");
  return undefined;
}
