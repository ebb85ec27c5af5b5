/**
 * Where providers with endpoints of their own do what is no chat, and in whose words. From the providers'
 * API references.
 *
 * @module
 */
import type { Dialect } from "../core/unified/dialect.ts";
import { images, only, speech } from "./endpoints.ts";

type Tasks = Pick<Dialect, "endpoints" | "shapes">;

/** Of Google's models. @param models The path before the model. */
export function googleTasks(models: string): Tasks {
  const generate = `${models}/{model}:generateContent`;
  return {
    endpoints: {
      ...only(""),
      embeddings: `${models}/{model}:batchEmbedContents`,
      "images/generations": generate,
      "images/edits": generate,
      "audio/speech": generate,
    },
    shapes: {
      embeddings: "gemini",
      "images/generations": "gemini",
      "images/edits": "gemini",
      "audio/speech": "gemini",
    },
  };
}

/** Imagen has a method of its own, and Vertex AI one for embeddings, another for the newest. */
export function googlePath(path: string, model: string): string {
  if (/(?:^|\/)imagen-/.test(model)) return path.replace(/:generateContent$/, ":predict");
  if (!path.startsWith("v1/projects/")) return path;
  const method = /gemini-embedding-(?!001)/.test(model) ? ":embedContent" : ":predict";
  return path.replace(/:batchEmbedContents$/, method);
}

/** xAI's pictures are asked for like OpenAI's, its voices are not. */
export const grokTasks: Tasks = {
  endpoints: {
    ...only("", "completions", ...images, "models"),
    "audio/speech": "tts",
    "audio/transcriptions": "stt",
  },
  shapes: {
    "images/generations": "grok",
    "images/edits": "grok",
    "audio/speech": "grok",
    "audio/transcriptions": "grok",
  },
};

/** Together has OpenAI's endpoints; sizes of pictures are its own. */
export const togetherTasks: Tasks = {
  endpoints: only("", "completions", "embeddings", images[0], "models", "rerank", ...speech),
  shapes: { "images/generations": "together" },
};

/** OpenRouter's pictures are drawn and changed in one place. */
export const openRouterTasks: Tasks = {
  endpoints: {
    ...only("", "completions", "embeddings", "models", "rerank", "audio/speech", speech[1]),
    "images/generations": "images",
    "images/edits": "images",
  },
  shapes: { "images/generations": "openrouter", "images/edits": "openrouter" },
};

/** Fireworks' pictures are workflows. */
export const fireworksTasks: Tasks = {
  endpoints: {
    ...only("", "completions", "embeddings", "models", "rerank"),
    "images/generations": "workflows/{+model}/text_to_image",
  },
  shapes: { "images/generations": "fireworks" },
};

/** Cohere hears in OpenAI's words. */
export const cohereTasks: Tasks = {
  endpoints: {
    ...only(""),
    embeddings: "v2/embed",
    rerank: "v2/rerank",
    "audio/transcriptions": "v2/audio/transcriptions",
  },
  shapes: { embeddings: "cohere", rerank: "cohere" },
};

/** Bedrock's models take their own words by `invoke`; rankings are another service. */
export const bedrockTasks: Tasks = {
  endpoints: {
    ...only(""),
    embeddings: "bedrock-runtime/{region}/model/{model}/invoke",
    "images/generations": "bedrock-runtime/{region}/model/{model}/invoke",
    rerank: "bedrock-agent-runtime/{region}/rerank",
  },
  shapes: { embeddings: "bedrock", "images/generations": "bedrock", rerank: "bedrock" },
};

/** Workers AI has embeddings in OpenAI's words. */
export const workersAITasks: Tasks = {
  endpoints: {
    ...only("v1/", "embeddings"),
    rerank: "run/{+model}",
    "images/generations": "run/{+model}",
    "audio/speech": "run/{+model}",
    "audio/transcriptions": "run/{+model}",
    "audio/translations": "run/{+model}",
  },
  shapes: {
    rerank: "workers-ai",
    "images/generations": "workers-ai",
    "audio/speech": "workers-ai",
    "audio/transcriptions": "workers-ai",
    "audio/translations": "workers-ai",
  },
};

/** Hugging Face's own inference has a path for each model. */
export const huggingFaceTasks: Tasks = {
  endpoints: {
    ...only("v1/", "models"),
    embeddings: "hf-inference/models/{+model}/pipeline/feature-extraction",
    "images/generations": "hf-inference/models/{+model}",
    "audio/transcriptions": "hf-inference/models/{+model}",
  },
  shapes: {
    embeddings: "huggingface",
    "images/generations": "huggingface",
    "audio/transcriptions": "huggingface",
  },
};

/** Providers without chats, by slug. */
export const services: Readonly<Record<string, Dialect>> = {
  voyage: {
    endpoints: only("", "embeddings", "rerank"),
    shapes: { embeddings: "voyage", rerank: "voyage" },
  },
  jina: {
    endpoints: only("", "embeddings", "rerank"),
    shapes: { embeddings: "jina" },
  },
  deepgram: {
    endpoints: {
      ...only(""),
      "audio/speech": "v1/speak",
      "audio/transcriptions": "v1/listen",
    },
    shapes: { "audio/speech": "deepgram", "audio/transcriptions": "deepgram" },
  },
  elevenlabs: {
    endpoints: {
      ...only(""),
      "audio/speech": "v1/text-to-speech",
      "audio/transcriptions": "v1/speech-to-text",
    },
    shapes: { "audio/speech": "elevenlabs", "audio/transcriptions": "elevenlabs" },
  },
  cartesia: {
    endpoints: { ...only(""), "audio/speech": "tts/bytes", "audio/transcriptions": "stt" },
    shapes: { "audio/speech": "cartesia", "audio/transcriptions": "cartesia" },
  },
  fal: {
    endpoints: { ...only(""), "images/generations": "{+model}" },
    shapes: { "images/generations": "fal" },
  },
  ideogram: {
    endpoints: { ...only(""), "images/generations": "v1/{model}/generate" },
    shapes: { "images/generations": "ideogram" },
  },
};
