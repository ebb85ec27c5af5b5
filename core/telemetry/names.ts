/**
 * The names that telemetry speaks in: OpenTelemetry's for generative AI (v0.1.0 of
 * `semantic-conventions-genai`, which builds on 1.45.0 of the others), Cloudflare's, and our own for what
 * neither has.
 *
 * @module
 */
import { type Name, nameOf } from "./attribute.ts";

/** Schema of what is exported. */
export const schemaURL = "https://opentelemetry.io/schemas/1.45.0";

/** Attributes of generative AI. */
export const genAI = {
  operation: nameOf("gen_ai.operation.name"),
  provider: nameOf("gen_ai.provider.name"),
  requestModel: nameOf("gen_ai.request.model"),
  responseModel: nameOf("gen_ai.response.model"),
  responseId: nameOf("gen_ai.response.id"),
  finishReasons: nameOf("gen_ai.response.finish_reasons"),
  stream: nameOf("gen_ai.request.stream"),
  outputType: nameOf("gen_ai.output.type"),
  timeToFirstChunk: nameOf("gen_ai.response.time_to_first_chunk"),
  inputTokens: nameOf("gen_ai.usage.input_tokens"),
  outputTokens: nameOf("gen_ai.usage.output_tokens"),
  cacheRead: nameOf("gen_ai.usage.cache_read.input_tokens"),
  cacheWrite: nameOf("gen_ai.usage.cache_write.input_tokens"),
  reasoning: nameOf("gen_ai.usage.reasoning.output_tokens"),
  audioInput: nameOf("gen_ai.usage.audio.input_tokens"),
  audioOutput: nameOf("gen_ai.usage.audio.output_tokens"),
  imageInput: nameOf("gen_ai.usage.image.input_tokens"),
  imageOutput: nameOf("gen_ai.usage.image.output_tokens"),
  inputMessages: nameOf("gen_ai.input.messages"),
  outputMessages: nameOf("gen_ai.output.messages"),
  systemInstructions: nameOf("gen_ai.system_instructions"),
} as const;

/** Cloudflare's own (spec 8.8). */
export const cloudflare = {
  provider: nameOf("gen_ai.model.provider"),
  cost: nameOf("gen_ai.usage.cost"),
  prompt: nameOf("gen_ai.prompt_json"),
  completion: nameOf("gen_ai.completion_json"),
} as const;

/** Of the conventions for all kinds of requests. */
export const common = {
  method: nameOf("http.request.method"),
  status: nameOf("http.response.status_code"),
  path: nameOf("url.path"),
  userAgent: nameOf("user_agent.original"),
  address: nameOf("server.address"),
  port: nameOf("server.port"),
  errorType: nameOf("error.type"),
} as const;

/** What only a gateway has to say. */
export const own = {
  gateway: nameOf("sluice.gateway"),
  requestId: nameOf("sluice.request.id"),
  eventId: nameOf("sluice.event.id"),
  requestType: nameOf("sluice.request.type"),
  logId: nameOf("sluice.log.id"),
  key: nameOf("sluice.key.id"),
  byok: nameOf("sluice.byok.alias"),
  provider: nameOf("sluice.provider"),
  cache: nameOf("sluice.cache.status"),
  saved: nameOf("sluice.cache.saved"),
  attempts: nameOf("sluice.attempts"),
  index: nameOf("sluice.attempt.index"),
  reason: nameOf("sluice.attempt.reason"),
  step: nameOf("sluice.step"),
  end: nameOf("sluice.stream.end"),
  quality: nameOf("sluice.usage.quality"),
  lost: nameOf("sluice.loss.fields"),
  timeToFirstToken: nameOf("sluice.time_to_first_token"),
} as const;

/** Members of requests that the conventions have a name for, by the member's own name. */
export const parameters: ReadonlyMap<
  string,
  { name: Name; kind: "int" | "double" | "text" | "texts" }
> = new Map(
  ([
    ["max_tokens", "max_tokens", "int"],
    ["max_completion_tokens", "max_tokens", "int"],
    ["max_output_tokens", "max_tokens", "int"],
    ["maxOutputTokens", "max_tokens", "int"],
    ["maxTokens", "max_tokens", "int"],
    ["temperature", "temperature", "double"],
    ["top_p", "top_p", "double"],
    ["topP", "top_p", "double"],
    ["top_k", "top_k", "int"],
    ["topK", "top_k", "int"],
    ["seed", "seed", "int"],
    ["frequency_penalty", "frequency_penalty", "double"],
    ["frequencyPenalty", "frequency_penalty", "double"],
    ["presence_penalty", "presence_penalty", "double"],
    ["presencePenalty", "presence_penalty", "double"],
    ["n", "choice.count", "int"],
    ["candidateCount", "choice.count", "int"],
    ["reasoning_effort", "reasoning.level", "text"],
    ["previous_response_id", "previous_response.id", "text"],
    ["stop", "stop_sequences", "texts"],
    ["stop_sequences", "stop_sequences", "texts"],
    ["stopSequences", "stop_sequences", "texts"],
  ] as const).map(([member, name, kind]) => [
    member,
    { name: nameOf(`gen_ai.request.${name}`), kind },
  ]),
);

const providers: Readonly<Record<string, string>> = {
  "aws-bedrock": "aws.bedrock",
  "amazon-bedrock": "aws.bedrock",
  "azure-openai": "azure.ai.openai",
  "google-ai-studio": "gcp.gemini",
  "google-vertex-ai": "gcp.vertex_ai",
  grok: "x_ai",
  xai: "x_ai",
  mistral: "mistral_ai",
  moonshot: "moonshot_ai",
  "perplexity-ai": "perplexity",
};

/** The conventions' name of a provider; its slug where they have none. */
export function providerName(slug: string): string {
  return Object.hasOwn(providers, slug) ? providers[slug]! : slug;
}

/** The conventions' name of what an endpoint does; empty for what is no work of a model. */
export function operationName(modelType: string, path: string): string {
  switch (modelType) {
    case "chat":
      return /:(?:streamG|g)enerateContent$/.test(path) ? "generate_content" : "chat";
    case "completion":
      return "text_completion";
    case "image":
    case "audio":
    case "video":
      return "generate_content";
    case "embeddings":
      return "embeddings";
    case "rerank":
    case "moderation":
      return modelType;
    default:
      return "";
  }
}

/** `gen_ai.output.type`; empty where it is not known. */
export function outputType(modelType: string): string {
  if (modelType === "image" || modelType === "video") return modelType;
  return modelType === "chat" || modelType === "completion" ? "text" : "";
}
