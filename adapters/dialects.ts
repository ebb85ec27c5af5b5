/**
 * What the unified API has to know of each provider that speaks OpenAI's format, or nearly: where it
 * serves what, and what it spells otherwise. From the providers' API references and recorded requests.
 *
 * @module
 */
import { list, object } from "../core/formats/json.ts";
import type { Dialect } from "../core/unified/dialect.ts";
import { clouds } from "./clouds.ts";
import { images, only, speech } from "./endpoints.ts";
import {
  deepseek,
  grok,
  groq,
  likeOpenAI,
  mistral,
  openRouter,
  perplexity,
  together,
} from "./quirks.ts";
import { rename, spelled, thinkingSwitch } from "./spelling.ts";
import {
  cohereTasks,
  fireworksTasks,
  googlePath,
  googleTasks,
  grokTasks,
  huggingFaceTasks,
  openRouterTasks,
  services,
  togetherTasks,
  workersAITasks,
} from "./tasks.ts";

const chat = { "openai-chat": "chat/completions" };
const chatV1 = { "openai-chat": "v1/chat/completions" };
const chatAndResponses = { ...chat, "openai-responses": "responses" };

/** OpenAI's own ways, which others ignore or refuse. */
const openAIOnly = [
  "store",
  "metadata",
  "prediction",
  "moderation",
  "verbosity",
  "modalities",
  "audio",
  "web_search_options",
  "service_tier",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "prompt_cache_options",
];
const without = (...names: string[]): string[] => openAIOnly.filter((one) => !names.includes(one));
const sampling = ["top_k", "min_p"];

const openAIFormats = ["openai-chat", "openai-responses"] as const;
/** Models that OpenAI serves nowhere else, by their pages. */
const responsesOnly =
  /^(?:o\d(?:-mini)?-(?:pro|deep-research)|gpt-5(?:\.\d)?-(?:pro|codex)|codex-|computer-use-)/;

/** OpenAI-compatible, and no more is known. */
const plain: Dialect = { chat, request: spelled({ flat: true }) };

/** By slug; Azure, Workers AI and others have files of their own and are here as well. */
export const dialects: Readonly<Record<string, Dialect>> = {
  openai: {
    chat: chatAndResponses,
    genuine: true,
    serves: (model) => responsesOnly.test(model) ? ["openai-responses"] : openAIFormats,
    endpoints: { rerank: false, "messages/count_tokens": false },
    request: likeOpenAI,
  },
  grok: {
    chat: chatAndResponses,
    ...grokTasks,
    request: spelled({ newMax: true, omit: without("metadata"), also: grok }),
  },
  groq: {
    chat,
    endpoints: only("", "models", ...speech),
    request: spelled({
      thoughts: "reasoning",
      newMax: true,
      nameless: true,
      omit: [
        ...without("store", "metadata", "service_tier"),
        ...sampling,
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "n",
      ],
      also: groq,
    }),
    takes: ["reasoning"],
  },
  mistral: {
    chat,
    answersOtherwise: true,
    endpoints: only("", "embeddings", "moderations", "models", "audio/speech", speech[1]),
    shapes: { embeddings: "mistral", "audio/speech": "mistral" },
    request: spelled({
      thoughts: "none",
      nameless: true,
      omit: [
        ...without("metadata", "prediction", "service_tier", "prompt_cache_key"),
        ...sampling,
        "stream_options",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "user",
      ],
      also: mistral,
    }),
    takes: ["file_url"],
  },
  deepseek: {
    chat: chatAndResponses,
    endpoints: { ...only("", "models"), completions: "beta/completions" },
    request: spelled({
      thoughts: "reasoning_content",
      flat: true,
      omit: [...openAIOnly, ...sampling, "logit_bias", "n", "seed", "parallel_tool_calls", "user"],
      also: deepseek,
    }),
    takes: ["reasoning_content"],
  },
  "perplexity-ai": {
    chat,
    endpoints: only("v1/", "embeddings", "models"),
    request: spelled({
      thoughts: "none",
      flat: true,
      omit: [
        ...without("web_search_options"),
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "n",
        "logprobs",
        "top_logprobs",
        "logit_bias",
        "seed",
        "user",
      ],
      also: perplexity,
    }),
  },
  cerebras: {
    chat,
    endpoints: only("", "completions", "models"),
    request: spelled({
      thoughts: "reasoning",
      newMax: true,
      flat: true,
      omit: [
        ...without("service_tier"),
        ...sampling,
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
      ],
      also(body) {
        const schema = object(object(body.response_format)?.json_schema);
        if (schema !== undefined) schema.strict ??= true;
      },
    }),
    takes: ["reasoning"],
  },
  openrouter: {
    chat: chatAndResponses,
    ...openRouterTasks,
    request: spelled({ echoes: true, also: openRouter }),
    takes: ["cache_control", "file_url", "video_url", "reasoning_details", "reasoning"],
  },
  fireworks: {
    chat,
    ...fireworksTasks,
    request: spelled({ flat: true }),
    takes: ["reasoning_content"],
  },
  together: {
    chat,
    ...togetherTasks,
    request: spelled({ flat: true, also: together }),
    takes: ["video_url", "reasoning"],
  },
  moonshot: {
    chat,
    endpoints: only("", "models"),
    request: spelled({ also: (body) => thinkingSwitch(body, false) }),
    takes: ["video_url", "reasoning_content"],
  },
  zai: {
    chat,
    endpoints: {
      rerank: false,
      moderations: false,
      "messages/count_tokens": false,
      "responses/input_tokens": false,
    },
    request: spelled({
      also(body) {
        thinkingSwitch(body, false);
        rename(body, "user", "user_id");
      },
    }),
    takes: ["video_url", "reasoning_content"],
  },
  nvidia: {
    chat,
    endpoints: only("", "completions", "embeddings", "models"),
    request: spelled({
      thoughts: "none",
      flat: true,
      omit: [...openAIOnly, "user"],
    }),
  },
  sambanova: {
    chat,
    endpoints: only("", "completions", "embeddings", "models", speech[1], speech[2]),
    request: plain.request!,
  },
  deepinfra: {
    chat,
    endpoints: {
      ...only("", "completions", "embeddings", ...images, "models", ...speech),
      rerank: "v1/inference/{+model}",
    },
    shapes: { rerank: "deepinfra" },
    request: plain.request!,
    takes: ["reasoning_content"],
  },
  baseten: plain,
  parallel: { chat, endpoints: only(""), request: plain.request! },
  huggingface: { chat: chatV1, ...huggingFaceTasks, request: plain.request! },
  ollama: {
    chat: chatV1,
    endpoints: only("v1/", "completions", "embeddings", "models"),
    request: spelled({
      flat: true,
      omit: [
        ...openAIOnly,
        ...sampling,
        "n",
        "logit_bias",
        "user",
        "tool_choice",
        "parallel_tool_calls",
      ],
    }),
    takes: ["reasoning"],
  },
  vllm: {
    chat: chatV1,
    endpoints: only("v1/", "completions", "embeddings", "models", "rerank", speech[1], speech[2]),
    request: spelled({ newMax: true }),
    takes: ["video_url", "reasoning"],
  },
  lmstudio: {
    chat: chatV1,
    endpoints: only("v1/", "completions", "embeddings", "models"),
    request: plain.request!,
  },
  "workers-ai": {
    chat: chatV1,
    ...workersAITasks,
    request: spelled({
      flat: true,
      also(body) {
        for (const value of list(body.messages)) {
          const message = object(value);
          if (message !== undefined) message.content ??= "";
        }
      },
    }),
    takes: ["reasoning_content"],
  },
  anthropic: {
    chat: { "anthropic-messages": "v1/messages" },
    genuine: true,
    endpoints: { ...only(""), "messages/count_tokens": "v1/messages/count_tokens" },
  },
  "google-ai-studio": {
    chat: { gemini: "v1beta/models/{model}:generateContent" },
    genuine: true,
    ...googleTasks("v1beta/models"),
    place: ({ path, model }) => ({ path: googlePath(path, model), model }),
  },
  cohere: {
    chat: { "cohere-v2": "v2/chat" },
    ...cohereTasks,
  },
  ...clouds,
  ...services,
};
