/**
 * Embeddings of Vertex AI: `:predict` of most models, `:embedContent` of newer ones. Facts: Google's "Text
 * embeddings API", spec 3.6.
 *
 * @module
 */
import { count, sum } from "../../../formats/counts.ts";
import { type Json, list, object } from "../../../formats/json.ts";
import type { EmbedAnswer, EmbedRequest } from "../../embed.ts";
import type { Lost } from "../../lost.ts";
import { readEmbedAnswer, tasks, writeEmbed } from "./embed.ts";

/** The bodies of as many calls as it takes. @param path Of the model's method. */
export function writeVertexEmbed(request: EmbedRequest, path: string, lost: Lost): Json[] {
  if (path.endsWith(":embedContent")) {
    const { requests } = writeEmbed(request, lost);
    return (requests as Json[]).map(({ content, taskType, outputDimensionality }) => ({
      content,
      ...taskType !== undefined && { taskType },
      ...outputDimensionality !== undefined && { outputDimensionality },
    }));
  }
  const { model, input, images = [], dimensions, task } = request;
  if (images.length > 0) lost.drop("images");
  const most = model.startsWith("gemini-embedding-") ? 1 : 250;
  const bodies: Json[] = [];
  for (let at = 0; at < input.length; at += most) {
    bodies.push({
      instances: input.slice(at, at + most).map((content) => ({
        content,
        ...task !== undefined && { task_type: tasks[task] },
      })),
      ...dimensions !== undefined && { parameters: { outputDimensionality: dimensions } },
    });
  }
  return bodies;
}

/** The answers of all calls, in order. */
export function readVertexEmbedAnswer(answers: readonly Json[]): EmbedAnswer {
  const embeddings: number[][] = [];
  const tokens: (number | undefined)[] = [];
  for (const body of answers) {
    if (!Array.isArray(body.predictions)) {
      const one = readEmbedAnswer(body);
      embeddings.push(...one.embeddings);
      tokens.push(one.usage?.input);
      continue;
    }
    for (const value of body.predictions) {
      const told = object(object(value)?.embeddings);
      embeddings.push(
        list(told?.values).map((number) => typeof number === "number" ? number : 0),
      );
      tokens.push(count(object(told?.statistics)?.token_count));
    }
  }
  const input = sum(...tokens);
  return { embeddings, ...input !== undefined && { usage: { input } } };
}
