/**
 * Cohere's `/v2/embed`. Facts: `cohere-ai` (`V2EmbedRequest`, `EmbedByTypeResponse`), spec 3.4.
 *
 * @module
 */
import { cohereUsage } from "../../../formats/cohere.ts";
import { settle } from "../../../formats/counts.ts";
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { EmbedAnswer, EmbedRequest, EmbedTask } from "../../embed.ts";
import type { Lost } from "../../lost.ts";
import { optional, wrong } from "../openai-chat/expect.ts";
import { writeUsage } from "./answer.ts";

/** Texts or images of one call. */
export const mostInputs = 96;

const tasks: Readonly<Record<EmbedTask, string>> = {
  query: "search_query",
  document: "search_document",
  classification: "classification",
  clustering: "clustering",
};

/** `input_type`, without which a model refuses; texts are documents unless something is said. */
export function inputType(task: EmbedTask = "document"): string {
  return tasks[task];
}

/** The body for Cohere; at most {@link mostInputs} inputs are taken. */
export function writeEmbed(request: EmbedRequest, lost: Lost): Json {
  const { model, input, images = [], dimensions, task } = request;
  const body: Json = {
    model,
    input_type: input.length === 0 && images.length > 0 ? "image" : inputType(task),
    embedding_types: ["float"],
  };
  if (dimensions !== undefined) {
    if (/-v[23]\.0$|-light-v/.test(model)) lost.drop("dimensions");
    else body.output_dimension = dimensions;
  }
  if (images.length === 0) body.texts = input;
  else if (input.length === 0) body.images = images;
  else {
    body.inputs = [
      ...input.map((text) => ({ content: [{ type: "text", text }] })),
      ...images.map((url) => ({ content: [{ type: "image_url", image_url: { url } }] })),
    ];
  }
  return body;
}

/** The answer of Cohere; vectors that are none are empty. */
export function readEmbedAnswer(body: Json): EmbedAnswer {
  const usage = settle(cohereUsage(object(body.meta) ?? {}) ?? {});
  return { embeddings: vectorsOf(body.embeddings), ...usage !== undefined && { usage } };
}

/** A list of vectors, or lists by type. */
export function vectorsOf(value: unknown): number[][] {
  const rows = Array.isArray(value) ? value : list(object(value)?.float);
  return rows.map(vectorOf);
}

/** Numbers, or nothing. */
export function vectorOf(value: unknown): number[] {
  const row = list(value);
  return row.every((one) => typeof one === "number") ? row as number[] : [];
}

/** A client's request. */
export function readEmbed(body: Json): EmbedRequest {
  const request: EmbedRequest = { model: string(body.model) ?? "", input: [] };
  const images: string[] = [];
  strings(body, "texts", request.input);
  strings(body, "images", images);
  for (const [index, value] of list(body.inputs).entries()) {
    const parts = list(object(value)?.content).map(object);
    const [first] = parts;
    const url = string(object(first?.image_url)?.url);
    if (parts.length === 1 && typeof first?.text === "string") request.input.push(first.text);
    else if (parts.length === 1 && url !== undefined) images.push(url);
    else throw wrong(`inputs[${index}].content`, object(value)?.content, "one text or one image");
  }
  if (images.length > 0) request.images = images;
  const dimensions = optional<number>(body, "output_dimension", "number", "");
  if (dimensions !== undefined) request.dimensions = dimensions;
  for (const task in tasks) {
    if (tasks[task as EmbedTask] === body.input_type) request.task = task as EmbedTask;
  }
  return request;
}

function strings(body: Json, name: string, into: string[]): void {
  const value = body[name];
  if (value == null) return;
  if (!Array.isArray(value)) throw wrong(name, value, "an array of strings");
  value.forEach((one, index) => {
    if (typeof one !== "string") throw wrong(`${name}[${index}]`, one, "a string");
    into.push(one);
  });
}

/** The answer for a client. */
export function writeEmbedAnswer(
  answer: EmbedAnswer,
  request: EmbedRequest,
  requestId: string,
): Json {
  const { billed_units } = writeUsage(answer.usage ?? {});
  return {
    id: requestId,
    embeddings: { float: answer.embeddings },
    texts: request.input,
    response_type: "embeddings_by_type",
    meta: {
      api_version: { version: "2" },
      ...answer.usage !== undefined && { billed_units },
    },
  };
}
