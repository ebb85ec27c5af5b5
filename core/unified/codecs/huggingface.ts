/**
 * Classic tasks of Hugging Face's own inference: vectors, pictures and words for one model each. Facts:
 * spec 3.8, `@huggingface/inference`.
 *
 * @module
 */
import { type Json, list } from "../../formats/json.ts";
import type { EmbedAnswer, EmbedRequest } from "../embed.ts";
import type { Lost } from "../lost.ts";

/** The body for `feature-extraction`. */
export function writeEmbed({ input, images, dimensions, task }: EmbedRequest, lost: Lost): Json {
  if (images !== undefined) lost.drop("images");
  if (dimensions !== undefined) lost.drop("dimensions");
  if (task !== undefined && task !== "document") lost.drop("task");
  return { inputs: input };
}

/** The answer: a vector for each text, or one for each of its tokens, of which the mean is taken. */
export function readEmbedAnswer(rows: unknown): EmbedAnswer {
  return { embeddings: list(rows).map(vectorOf) };
}

function vectorOf(row: unknown): number[] {
  let vectors = list(row);
  // A single text may come as a batch of one.
  if (vectors.length === 1 && Array.isArray(list(vectors[0])[0])) vectors = list(vectors[0]);
  if (typeof vectors[0] === "number") return vectors.filter((one) => typeof one === "number");
  const mean: number[] = [];
  for (const vector of vectors) {
    list(vector).forEach((value, i) => {
      mean[i] = (mean[i] ?? 0) + (typeof value === "number" ? value : 0) / vectors.length;
    });
  }
  return mean;
}
