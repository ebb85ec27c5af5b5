/**
 * What the unified API has to know of each provider that speaks OpenAI's format, or nearly: where it
 * serves what, and what it spells otherwise. From the providers' API references and recorded requests.
 *
 * @module
 */
import { Code, GatewayError } from "../core/error.ts";
import { list, object } from "../core/formats/json.ts";
import { forBedrock, forVertex } from "../core/unified/codecs/anthropic/hosts.ts";
import type { Dialect } from "../core/unified/dialect.ts";
import { images, only, speech } from "./endpoints.ts";
import {
  alternate,
  deepseek,
  grok,
  groq,
  mistral,
  openAI,
  openRouter,
  together,
} from "./quirks.ts";
import { rename, spelled, thinkingSwitch } from "./spelling.ts";
import {
  bedrockTasks,
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

/** Project and location stand in for what the configuration or the key says. */
const vertex = "v1/projects/{project}/locations/{region}";

/** A region of each area that inference profiles of Bedrock are named after. */
const areas: Readonly<Record<string, string>> = {
  eu: "eu-central-1",
  apac: "ap-southeast-1",
  jp: "ap-northeast-1",
  au: "ap-southeast-2",
};

const likeOpenAI = spelled({
  omit: sampling,
  newMax: true,
  developer: true,
  custom: true,
  echoes: true,
  thoughts: "none",
  also: openAI,
});

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
  "azure-openai": {
    chat: {
      "openai-chat": "{resource}/openai/v1/chat/completions",
      "openai-responses": "{resource}/openai/v1/responses",
    },
    genuine: true,
    endpoints: only(
      "{resource}/openai/v1/",
      "completions",
      "embeddings",
      "images/generations",
      "images/edits",
      "models",
      ...speech,
    ),
    request: likeOpenAI,
    /** A model is `{resource}/{deployment}`. */
    place({ path, model }) {
      const slash = model.indexOf("/");
      if (slash < 1 || slash === model.length - 1) {
        throw new GatewayError(
          400,
          Code.badModel,
          "A model of 'azure-openai' is 'azure-openai/{resource}/{deployment}'",
        );
      }
      return {
        path: path.replace("{resource}", encodeURIComponent(model.slice(0, slash))),
        model: model.slice(slash + 1),
      };
    },
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
      also: (body) => alternate(body),
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
  "google-vertex-ai": {
    chat: {
      gemini: `${vertex}/publishers/google/models/{model}:generateContent`,
      "anthropic-messages": `${vertex}/publishers/anthropic/models/{model}:rawPredict`,
      "openai-chat": `${vertex}/endpoints/openapi/chat/completions`,
    },
    streams: {
      "anthropic-messages": `${vertex}/publishers/anthropic/models/{model}:streamRawPredict`,
    },
    /** A model is `{publisher}/{model}`; without a publisher it is Google's, or Claude. */
    serves(model) {
      if (/^(?:anthropic\/)?claude-/.test(model)) return ["anthropic-messages"];
      return model.includes("/") && !model.startsWith("google/") ? ["openai-chat"] : ["gemini"];
    },
    ...googleTasks(`${vertex}/publishers/google/models`),
    shapes: { ...googleTasks("").shapes, embeddings: "vertex" },
    request: (body, format, lost, target) =>
      format === "anthropic-messages"
        ? forVertex(body, lost)
        : plain.request!(body, format, lost, target),
    place({ path, model }, operation, { project = "-", region = "global" }) {
      return {
        path: googlePath(path, model).replace("{project}", project).replace("{region}", region),
        model: operation === "openai-chat" ? model : model.replace(/^(?:google|anthropic)\//, ""),
      };
    },
  },
  "aws-bedrock": {
    chat: {
      "bedrock-converse": "bedrock-runtime/{region}/model/{model}/converse",
      "anthropic-messages": "bedrock-runtime/{region}/model/{model}/invoke",
    },
    streams: {
      "anthropic-messages": "bedrock-runtime/{region}/model/{model}/invoke-with-response-stream",
    },
    serves: (model) =>
      model.includes("anthropic.claude")
        ? ["anthropic-messages", "bedrock-converse"]
        : ["bedrock-converse"],
    ...bedrockTasks,
    request: (body, format, lost) =>
      format === "anthropic-messages" ? forBedrock(body, lost) : body,
    /** A model may say its region: `{region}/{model}`. */
    place({ path, model }, _operation, settings) {
      const [, said, rest] = /^([a-z]{2,3}(?:-[a-z]+){1,3}-\d{1,2})\/(.+)$/.exec(model) ?? [];
      const area = /^(?:eu|apac|jp|au)(?=\.)/.exec(model)?.[0];
      const region = said ?? settings.region ?? (area && areas[area]) ?? "us-east-1";
      return { path: path.replace("{region}", region), model: rest ?? model };
    },
  },
  cohere: {
    chat: { "cohere-v2": "v2/chat" },
    ...cohereTasks,
  },
  ...services,
};
