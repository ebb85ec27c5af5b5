/**
 * Embeddings by Bedrock's `invoke`: Amazon's Titan and Nova, one input a call, and Cohere's models. Facts: AWS's guide,
 * "Amazon Titan Embeddings" and "Cohere Embed"; spec 3.1.
 *
 * @module
 */
import { count, sum } from "../../../formats/counts.ts";
import { type Json, object } from "../../../formats/json.ts";
import type { EmbedAnswer, EmbedRequest, EmbedTask } from "../../embed.ts";
import type { Lost } from "../../lost.ts";
import { inputType, mostInputs, vectorOf, vectorsOf } from "../cohere/embed.ts";

/** The bodies of as many calls as it takes; their answers in the same order come to one. */
export function writeEmbed(request: EmbedRequest, lost: Lost): Json[] {
  if (request.model.includes("cohere.")) return writeCohere(request, lost);
  return request.model.includes("nova") ? writeNova(request) : writeTitan(request, lost);
}

const purposes: Readonly<Record<EmbedTask, string>> = {
  query: "GENERIC_RETRIEVAL",
  document: "GENERIC_INDEX",
  classification: "CLASSIFICATION",
  clustering: "CLUSTERING",
};

/** AWS's guide, "Complete embeddings request and response schema". */
function writeNova({ input, images = [], dimensions, task = "document" }: EmbedRequest): Json[] {
  const bodyOf = (content: Json): Json => ({
    taskType: "SINGLE_EMBEDDING",
    singleEmbeddingParams: {
      embeddingPurpose: purposes[task],
      ...dimensions !== undefined && { embeddingDimension: dimensions },
      ...content,
    },
  });
  return [
    ...input.map((value) => bodyOf({ text: { truncationMode: "END", value } })),
    ...images.map((url) => {
      const [, format = "png", bytes = url] = /^data:image\/(\w+)[^,]*,(.*)$/s.exec(url) ?? [];
      return bodyOf({ image: { format, source: { bytes } } });
    }),
  ];
}

function writeTitan(
  { model, input, images = [], dimensions, task }: EmbedRequest,
  lost: Lost,
): Json[] {
  if (task !== undefined && task !== "document") lost.drop("task");
  if (model.includes("embed-image")) {
    const config = dimensions === undefined
      ? {}
      : { embeddingConfig: { outputEmbeddingLength: dimensions } };
    return [
      ...input.map((inputText) => ({ inputText, ...config })),
      ...images.map((url) => ({ inputImage: url.replace(/^data:[^,]*,/, ""), ...config })),
    ];
  }
  if (images.length > 0) lost.drop("images");
  const second = model.includes("text-v2");
  if (dimensions !== undefined && !second) lost.drop("dimensions");
  const sized = second && dimensions !== undefined ? { dimensions } : {};
  return input.map((inputText) => ({ inputText, ...sized }));
}

function writeCohere(
  { model, input, images = [], dimensions, task }: EmbedRequest,
  lost: Lost,
): Json[] {
  const fourth = model.includes("embed-v4");
  if (dimensions !== undefined && !fourth) lost.drop("dimensions");
  const more: Json = {
    ...fourth && { embedding_types: ["float"] },
    ...fourth && dimensions !== undefined && { output_dimension: dimensions },
  };
  const bodies: Json[] = [];
  for (let at = 0; at < input.length; at += mostInputs) {
    const texts = input.slice(at, at + mostInputs);
    bodies.push({ texts, input_type: inputType(task), ...more });
  }
  // One image a call.
  for (const url of images) bodies.push({ images: [url], input_type: "image", ...more });
  return bodies;
}

/**
 * @param answers Of all calls, in order.
 * @param tokens Of all calls: the sum of `x-amzn-bedrock-input-token-count`, where the bodies do not tell.
 */
export function readEmbedAnswer(answers: readonly Json[], tokens?: number): EmbedAnswer {
  const embeddings = answers.flatMap(({ embedding, embeddings }) =>
    Array.isArray(embedding) ? [vectorOf(embedding)] : vectorsOf(
      // Nova's are objects, one for each kind of input.
      Array.isArray(embeddings)
        ? embeddings.map((one) => object(one)?.embedding ?? one)
        : embeddings,
    )
  );
  const input = sum(...answers.map((one) => count(one.inputTextTokenCount))) ?? count(tokens);
  return { embeddings, ...input !== undefined && { usage: { input } } };
}
