/**
 * `embedContent` and `batchEmbedContents`, with texts only.
 *
 * @module
 */
import { count } from "../../../formats/counts.ts";
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";
import { asObject, wrong } from "../openai-chat/expect.ts";
import { camel } from "./wire.ts";

/** Texts to embed. */
export interface Embed {
  input: string[];
  /** Length of each vector. */
  dimensions?: number;
  /** What the vectors are for, in Google's words: `RETRIEVAL_QUERY`, `CLUSTERING`, ... */
  task?: string;
}

/** Vectors, in the order of the texts. */
export interface Embedded {
  embeddings: number[][];
  usage?: Usage;
}

/** A client's, of either method. All texts of a batch are for one task. */
export function readEmbedRequest(raw: Json): Embed {
  const body = camel(raw);
  const embed: Embed = { input: [] };
  if (body.requests === undefined) {
    addText(body, "", embed);
    return embed;
  }
  if (!Array.isArray(body.requests)) throw wrong("requests", body.requests, "an array of requests");
  for (const [i, one] of body.requests.entries()) {
    const at = `requests[${i}]`;
    addText(camel(asObject(one, at)), `${at}.`, embed);
  }
  return embed;
}

function addText(body: Json, at: string, embed: Embed): void {
  const content = asObject(body.content, `${at}content`);
  const texts = list(content.parts).map((part, i) => {
    const text = object(part)?.text;
    if (typeof text === "string") return text;
    throw wrong(`${at}content.parts[${i}].text`, text, "a string");
  });
  if (texts.length === 0) throw wrong(`${at}content.parts`, content.parts, "an array of parts");
  embed.input.push(texts.join("\n"));
  const config = camel(object(body.embedContentConfig) ?? body);
  const dimensions = count(config.outputDimensionality);
  if (dimensions !== undefined && dimensions > 0) embed.dimensions = dimensions;
  const task = string(config.taskType);
  if (task !== undefined && task !== "TASK_TYPE_UNSPECIFIED") embed.task = task;
}

/** The body of `batchEmbedContents`. @param model As the provider names it. */
export function writeEmbedRequest({ input, dimensions, task }: Embed, model: string): Json {
  return {
    requests: input.map((text) => ({
      model: `models/${model}`,
      content: { parts: [{ text }] },
      ...task !== undefined && { taskType: task },
      ...dimensions !== undefined && { outputDimensionality: dimensions },
    })),
  };
}

/** Of either method. A value that is no number is zero, so that a vector keeps its length. */
export function readEmbedAnswer(body: Json): Embedded {
  const one = object(body.embedding);
  const all = one === undefined ? list(body.embeddings) : [one];
  const answer: Embedded = {
    embeddings: all.map((embedding) =>
      list(object(embedding)?.values).map((value) => typeof value === "number" ? value : 0)
    ),
  };
  const input = count(object(body.usageMetadata)?.promptTokenCount);
  if (input !== undefined) answer.usage = { input };
  return answer;
}

/** For a client. @param batch Asked by `batchEmbedContents`. */
export function writeEmbedAnswer({ embeddings, usage }: Embedded, batch: boolean): Json {
  const usageMetadata = usage?.input === undefined
    ? undefined
    : { promptTokenCount: usage.input, totalTokenCount: usage.input };
  return {
    ...batch
      ? { embeddings: embeddings.map((values) => ({ values })) }
      : { embedding: { values: embeddings[0] ?? [] } },
    ...usageMetadata && { usageMetadata },
  };
}
