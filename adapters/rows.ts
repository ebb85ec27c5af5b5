/**
 * Providers that are a row and nothing else, or nearly. Base URLs and key headers are from each
 * provider's API reference.
 *
 * @module
 */
import { joinURL } from "../core/path.ts";
import { baseOf, type Call, defineProvider, type Provider } from "../core/provider.ts";
import { dialectOf } from "./spoken.ts";

/** Model of Google's `.../models/{model}:{method}`. */
export function modelBeforeMethod(path: string): string | undefined {
  return /\/models\/([^/:]+)/.exec(`/${path}`)?.[1];
}

const bearer: Provider[] = [
  { slug: "openai", baseURL: "https://api.openai.com/v1" },
  { slug: "grok", aliases: ["xai"], baseURL: "https://api.x.ai", version: "v1" },
  { slug: "groq", baseURL: "https://api.groq.com/openai/v1" },
  { slug: "mistral", aliases: ["mistralai"], baseURL: "https://api.mistral.ai", version: "v1" },
  { slug: "deepseek", baseURL: "https://api.deepseek.com" },
  { slug: "perplexity-ai", aliases: ["perplexity"], baseURL: "https://api.perplexity.ai" },
  { slug: "cerebras", baseURL: "https://api.cerebras.ai/v1" },
  { slug: "openrouter", baseURL: "https://openrouter.ai/api", version: "v1" },
  {
    slug: "fireworks",
    aliases: ["fireworks-ai"],
    baseURL: "https://api.fireworks.ai/inference/v1",
  },
  { slug: "together", aliases: ["together-ai"], baseURL: "https://api.together.xyz/v1" },
  { slug: "moonshot", aliases: ["moonshotai"], baseURL: "https://api.moonshot.ai/v1" },
  { slug: "zai", aliases: ["z-ai"], baseURL: "https://api.z.ai/api/paas/v4" },
  {
    slug: "nvidia",
    aliases: ["nvidia-nim", "nim"],
    baseURL: "https://integrate.api.nvidia.com/v1",
  },
  { slug: "sambanova", baseURL: "https://api.sambanova.ai/v1" },
  { slug: "voyage", aliases: ["voyageai"], baseURL: "https://api.voyageai.com/v1" },
  { slug: "jina", aliases: ["jina-ai"], baseURL: "https://api.jina.ai/v1" },
  {
    slug: "deepinfra",
    baseURL: "https://api.deepinfra.com/v1/openai",
    url(call) {
      const base = baseOf(this, call.settings);
      // The native API (`v1/inference/...`) stands beside the compatible one.
      if (/^v1\/(?:openai|inference)(?:\/|$)/.test(call.path)) {
        return `${base.replace(/\/v1\/openai$/, "")}/${call.path}`;
      }
      return joinURL(base, call.path.replace(/^v1\//, ""));
    },
  },
];

const ownFormat: Provider[] = [
  {
    slug: "anthropic",
    baseURL: "https://api.anthropic.com",
    format: "anthropic-messages",
    key: { header: "x-api-key" },
  },
  {
    slug: "google-ai-studio",
    aliases: ["google", "gemini"],
    baseURL: "https://generativelanguage.googleapis.com",
    format: "gemini",
    key: { header: "x-goog-api-key" },
    model: modelBeforeMethod,
  },
  { slug: "cohere", baseURL: "https://api.cohere.com", version: "v1", format: "cohere-v2" },
];

const media: Provider[] = [
  { slug: "parallel", baseURL: "https://api.parallel.ai", key: { header: "x-api-key" } },
  { slug: "ideogram", baseURL: "https://api.ideogram.ai", key: { header: "api-key" } },
  { slug: "cartesia", baseURL: "https://api.cartesia.ai", key: { header: "x-api-key" } },
  { slug: "elevenlabs", baseURL: "https://api.elevenlabs.io", key: { header: "xi-api-key" } },
  {
    slug: "deepgram",
    baseURL: "https://api.deepgram.com",
    key: { header: "authorization", scheme: "Token" },
  },
].map((row) => ({ ...row, format: row.slug === "parallel" ? "openai-chat" : "none" } as const));

/** OpenAI's endpoints are under `v1`; what else a local server has stands at its root. */
function atRootOrV1(this: Provider, call: Call): string {
  const openai =
    /^(?:chat|completions|responses|embeddings|models|messages|moderations|audio|images|rerank)(?:\/|$)/;
  return joinURL(baseOf(this, call.settings), call.path, openai.test(call.path) ? "v1" : undefined);
}

const local: Provider[] = [
  { slug: "ollama", baseURL: "http://localhost:11434" },
  { slug: "vllm", baseURL: "http://localhost:8000" },
  { slug: "lmstudio", aliases: ["lm-studio"], baseURL: "http://localhost:1234" },
].map((row) => ({ ...row, local: true, url: atRootOrV1 }));

/** All of them. */
export const rows: readonly Provider[] = [...bearer, ...ownFormat, ...media, ...local].map((row) =>
  defineProvider({ ...row, dialect: dialectOf(row.slug) })
);
