/**
 * `embedContent` and `batchEmbedContents`; of clients with texts only.
 *
 * @module
 */
import { count } from "../../../formats/counts.ts";
import { type Json, list, object } from "../../../formats/json.ts";
import type { EmbedAnswer, EmbedRequest, EmbedTask } from "../../embed.ts";
import type { Lost } from "../../lost.ts";
import { asObject, wrong } from "../openai-chat/expect.ts";
import { camel } from "./wire.ts";

/** Google's words for what vectors are for. */
export const tasks: Readonly<Record<EmbedTask, string>> = {
  query: "RETRIEVAL_QUERY",
  document: "RETRIEVAL_DOCUMENT",
  classification: "CLASSIFICATION",
  clustering: "CLUSTERING",
};

/** A client's, of either method. All texts of a batch are for one task. */
export function readEmbed(raw: Json, model: string): EmbedRequest {
  const body = camel(raw);
  const embed: EmbedRequest = { model, input: [] };
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

function addText(body: Json, at: string, embed: EmbedRequest): void {
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
  for (const [task, word] of Object.entries(tasks)) {
    if (config.taskType === word) embed.task = task as EmbedTask;
  }
}

/** The body of `batchEmbedContents`. Newer models see images as well. */
export function writeEmbed(embed: EmbedRequest, lost: Lost): Json {
  const { model, input, images = [], dimensions, task } = embed;
  const parts: Json[] = input.map((text) => ({ text }));
  for (const url of images) {
    const [, mimeType, data] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? [];
    if (data === undefined) lost.drop("images");
    else parts.push({ inlineData: { mimeType, data } });
  }
  return {
    requests: parts.map((part) => ({
      model: `models/${model}`,
      content: { parts: [part] },
      ...task !== undefined && { taskType: tasks[task] },
      ...dimensions !== undefined && { outputDimensionality: dimensions },
    })),
  };
}

/** Of either method. A value that is no number is zero, so that a vector keeps its length. */
export function readEmbedAnswer(body: Json): EmbedAnswer {
  const one = object(body.embedding);
  const all = one === undefined ? list(body.embeddings) : [one];
  const answer: EmbedAnswer = {
    embeddings: all.map((embedding) =>
      list(object(embedding)?.values).map((value) => typeof value === "number" ? value : 0)
    ),
  };
  const input = count(object(body.usageMetadata)?.promptTokenCount);
  if (input !== undefined) answer.usage = { input };
  return answer;
}

/** For a client. @param batch Asked by `batchEmbedContents`. */
export function writeEmbedAnswer({ embeddings, usage }: EmbedAnswer, batch: boolean): Json {
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
