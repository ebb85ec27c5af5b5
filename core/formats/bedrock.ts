/**
 * Amazon Bedrock: Converse, and what `invoke` answers for models that have no format of their own here
 * (Nova, Titan, Llama, Mistral). Converse's input leaves cached tokens out.
 *
 * @module
 */
import { count, type Counts, sum, units } from "./counts.ts";
import type { Draft, Format } from "./draft.ts";
import { type Json, list, object } from "./json.ts";

const converseEvents = [
  "contentBlockDelta",
  "contentBlockStart",
  "contentBlockStop",
  "messageStart",
  "messageStop",
];

/** Converse, whole and streamed; an event is `{ [its type]: payload }`. Nova's `invoke` is the same. */
export const bedrockConverse: Format = {
  matters: /messageStop|metadata|Exception|"error"/,
  owns: (body) =>
    "stopReason" in body || object(object(body.output)?.message) !== undefined ||
    object(object(body.metadata)?.metrics ?? object(body.metadata)?.usage) !== undefined ||
    converseEvents.some((type) => object(body[type]) !== undefined),
  read(body, draft) {
    draft.kind ??= "chat";
    const start = object(object(object(body.contentBlockStart)?.start)?.toolUse);
    draft.say(start?.name);
    const delta = object(object(body.contentBlockDelta)?.delta);
    if (delta !== undefined) sayBlock(delta, draft);
    for (const block of list(object(object(body.output)?.message)?.content)) {
      const one = object(block);
      if (one !== undefined) sayBlock(one, draft);
    }
    const stop = object(body.messageStop);
    draft.end(body.stopReason ?? stop?.stopReason);
    const metadata = object(body.metadata);
    if (stop !== undefined || metadata !== undefined) draft.done = true;
    const usage = object(body.usage) ?? object(metadata?.usage);
    if (usage !== undefined) draft.use(converseUsage(usage));
  },
};

function sayBlock(block: Json, draft: Draft): void {
  draft.say(block.text);
  const tool = object(block.toolUse);
  draft.say(tool?.name);
  draft.say(tool?.input);
  draft.sayObject(tool?.input);
  const reasoning = object(block.reasoningContent);
  draft.say(reasoning?.text);
  draft.say(object(reasoning?.reasoningText)?.text);
  if (reasoning?.redactedContent !== undefined) draft.content = true;
  for (const part of list(object(block.citationsContent)?.content)) draft.say(object(part)?.text);
  if (block.image !== undefined) draft.content = true;
}

/** `usage` of Converse. */
export function converseUsage(usage: Json): Counts {
  let hour: number | undefined;
  for (const detail of list(usage.cacheDetails)) {
    const one = object(detail);
    if (one?.ttl === "1h") hour = sum(hour, count(one.inputTokens));
  }
  return {
    uncached: count(usage.inputTokens),
    output: count(usage.outputTokens),
    total: count(usage.totalTokens),
    cache_read: count(usage.cacheReadInputTokens) ?? count(usage.cacheReadInputTokenCount),
    cache_write: count(usage.cacheWriteInputTokens) ?? count(usage.cacheWriteInputTokenCount),
    cache_write_1h: hour,
    units: units(object(usage.serverToolUsage)),
  };
}

/** `invoke` of Llama, Titan and Mistral: a text, counts at the top, a reason to stop. */
export const bedrockInvoke: Format = {
  matters: /./, // events come in base64, so there is nothing to look at
  owns: (body) =>
    "generation" in body || "inputTextTokenCount" in body || "outputText" in body ||
    list(body.outputs).length > 0,
  read(body, draft) {
    draft.say(body.generation);
    draft.say(body.outputText);
    draft.end(body.stop_reason ?? body.completionReason);
    let output = count(body.generation_token_count) ?? count(body.totalOutputTextTokenCount);
    for (const result of [...list(body.results), ...list(body.outputs)]) {
      const one = object(result);
      draft.say(one?.outputText);
      draft.say(one?.text);
      draft.end(one?.completionReason ?? one?.stop_reason);
      output = sum(output, count(one?.tokenCount));
    }
    if (body.embedding !== undefined) draft.kind ??= "embeddings";
    else draft.kind ??= "chat";
    const input = count(body.prompt_token_count) ?? count(body.inputTextTokenCount);
    if (input !== undefined || output !== undefined) draft.use({ input, output });
  },
};

/**
 * What Bedrock itself counted, on the last event of a streamed `invoke` whatever the model: it is what
 * is charged, and differs from the model's own count with older Claude models.
 */
export function readMetrics(body: Json, draft: Draft): void {
  const metrics = object(body["amazon-bedrock-invocationMetrics"]);
  if (metrics === undefined) return;
  draft.done = true;
  const counts = metricsUsage(metrics);
  if (counts !== undefined) draft.use(counts);
}

/** Figures of an `amazon-bedrock-invocationMetrics` object, or nothing where it has none. */
export function metricsUsage(metrics: Json): Counts | undefined {
  const input = count(metrics.inputTokenCount);
  if (input === undefined) return undefined;
  return {
    uncached: input,
    output: count(metrics.outputTokenCount),
    cache_read: count(metrics.cacheReadInputTokenCount),
    cache_write: count(metrics.cacheWriteInputTokenCount),
  };
}
