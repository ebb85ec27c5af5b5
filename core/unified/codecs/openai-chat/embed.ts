/**
 * OpenAI's `/embeddings`, and what others who took it over call by other names. Facts: `openai`
 * (`EmbeddingCreateParams`), the API references of Jina, Mistral and Voyage, spec 3.
 *
 * @module
 */
import { settle } from "../../../formats/counts.ts";
import { type Json, list, object } from "../../../formats/json.ts";
import { openAIUsage } from "../../../formats/openai-usage.ts";
import { packed, unpacked } from "../../base64.ts";
import type { EmbedAnswer, EmbedRequest, EmbedTask } from "../../embed.ts";
import type { Lost } from "../../lost.ts";
import { optional, wrong } from "./expect.ts";

/** Most inputs of one call. */
export const mostInputs = 2048;

/** What one of them calls otherwise. */
interface Words {
  dimensions?: string;
  /** Where the purpose stands, and its words for it. */
  task?: string;
  tasks?: Partial<Record<EmbedTask, string>>;
  /** Where the form of the vectors stands; false where vectors come as lists unless that is said. */
  encoding?: string | false;
  /** What it refuses. */
  omit?: readonly string[];
}

/** By shape. */
const words: Readonly<Record<string, Words>> = {
  mistral: { dimensions: "output_dimension", omit: ["user"] },
  voyage: {
    dimensions: "output_dimension",
    task: "input_type",
    tasks: { query: "query", document: "document" },
    encoding: false,
    omit: ["user"],
  },
  jina: {
    task: "task",
    tasks: {
      query: "retrieval.query",
      document: "retrieval.passage",
      classification: "classification",
      clustering: "separation",
    },
    encoding: "embedding_type",
    omit: ["user"],
  },
};

/** Vectors are wanted as base64. */
export function wantsPacked(body: Json): boolean {
  return body.encoding_format === "base64";
}

/**
 * A client's request. Throws for tokens in place of text, which other formats have no place for.
 *
 * @param provider Slug of who cannot take them.
 */
export function readEmbed(body: Json, model: string, provider: string): EmbedRequest {
  const { input } = body;
  const all = Array.isArray(input) && input.length > 0 ? input : [input];
  const texts = all.map((value, i) => {
    if (typeof value === "string") return value;
    const at = Array.isArray(input) ? `input[${i}]` : "input";
    const isTokens = typeof value === "number" || Array.isArray(value);
    throw wrong(at, value, isTokens ? `text, since '${provider}' takes no tokens,` : "a string");
  });
  const dimensions = optional<number>(body, "dimensions", "number", "");
  return { model, input: texts, ...dimensions !== undefined && { dimensions } };
}

/** What {@link readEmbed} has no place for. */
export function unread(body: Json): string[] {
  const known = ["model", "input", "dimensions", "encoding_format"];
  return Object.keys(body).filter((name) => !known.includes(name) && body[name] != null);
}

/** The body for a provider, from another format. */
export function writeEmbed(request: EmbedRequest, shape: string, lost: Lost): Json {
  const { model, input, images = [], dimensions, task } = request;
  const { encoding = "encoding_format", ...its } = words[shape] ?? {};
  const body: Json = { model, input };
  if (images.length > 0) {
    if (shape !== "jina") lost.drop("images");
    else {
      body.input = [
        ...input.map((text) => ({ text })),
        ...images.map((url) => ({ image: url.replace(/^data:[^,]*,/, "") })),
      ];
    }
  }
  if (dimensions !== undefined) body[its.dimensions ?? "dimensions"] = dimensions;
  if (task !== undefined) {
    const word = its.tasks?.[task];
    // The first ones know no tasks.
    if (word !== undefined && !/^jina-.*-v[12]\b/.test(model)) body[its.task!] = word;
    else if (task !== "document") lost.drop("task");
  }
  if (encoding !== false) body[encoding] = "float";
  return body;
}

/** OpenAI's body as another spells it; the same object where nothing is spelled otherwise. */
export function respelled(body: Json, shape: string, lost: Lost): Json {
  const its = words[shape];
  if (its === undefined) return body;
  const { dimensions = "dimensions", encoding = "encoding_format", omit = [] } = its;
  let out: Json | undefined;
  for (const name in body) {
    const value = body[name];
    if (omit.includes(name)) {
      out = { ...out ?? body };
      delete out[name];
      if (value != null) lost.drop(name);
      continue;
    }
    const word = name === "dimensions" ? dimensions : name === "encoding_format" ? encoding : name;
    if (word === name) continue;
    out = { ...out ?? body };
    delete out[name];
    if (word !== false) out[word] = value;
    else if (value === "base64") out[name] = value;
  }
  return out ?? body;
}

/** The answer of any of them, packed or not. */
export function readEmbedAnswer(body: Json): EmbedAnswer {
  const embeddings = list(body.data).map((value) => vectorOf(object(value)?.embedding));
  const usage = object(body.usage);
  const counted = usage && settle(openAIUsage(usage, { provider: "", path: "" }));
  return { embeddings, ...counted !== undefined && { usage: { input: counted.input ?? 0 } } };
}

function vectorOf(value: unknown): number[] {
  if (typeof value === "string") return unpacked(value);
  const row = list(value);
  return row.every((one) => typeof one === "number") ? row as number[] : [];
}

/** The answer for a client. Who tells no usage leaves zeros, for SDKs want numbers there. */
export function writeEmbedAnswer(
  { embeddings, usage }: EmbedAnswer,
  model: string,
  base64: boolean,
): Json {
  const tokens = usage?.input ?? 0;
  return {
    object: "list",
    data: embeddings.map((embedding, index) => ({
      object: "embedding",
      index,
      embedding: base64 ? packed(embedding) : embedding,
    })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

/**
 * The answer of a provider that gave lists where the client asked for base64, as the client wants it;
 * nothing where it is right already.
 */
export function repacked(text: string): string | undefined {
  if (!/"embedding"\s*:\s*\[/.test(text.slice(0, 65_536))) return undefined;
  let body: Json | undefined;
  try {
    body = object(JSON.parse(text));
  } catch {
    return undefined;
  }
  for (const value of list(body?.data)) {
    const one = object(value);
    if (one !== undefined && Array.isArray(one.embedding)) {
      one.embedding = packed(vectorOf(one.embedding));
    }
  }
  return JSON.stringify(body);
}
