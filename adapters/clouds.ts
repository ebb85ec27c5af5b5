/**
 * What the unified API has to know of the providers whose address depends on more than the model: a
 * resource, a project, a region.
 *
 * @module
 */
import { Code, GatewayError } from "../core/error.ts";
import { forBedrock, forVertex } from "../core/unified/codecs/anthropic/hosts.ts";
import type { Dialect } from "../core/unified/dialect.ts";
import { only, speech } from "./endpoints.ts";
import { likeOpenAI } from "./quirks.ts";
import { spelled } from "./spelling.ts";
import { bedrockTasks, googlePath, googleTasks } from "./tasks.ts";

/** Project and location stand in for what the configuration or the key says. */
const vertex = "v1/projects/{project}/locations/{region}";

/** A region of each area that inference profiles of Bedrock are named after. */
const areas: Readonly<Record<string, string>> = {
  eu: "eu-central-1",
  apac: "ap-southeast-1",
  jp: "ap-northeast-1",
  au: "ap-southeast-2",
};

/** Models of other makers on Vertex AI. */
const flat = spelled({ flat: true });

/** By slug. */
export const clouds: Readonly<Record<string, Dialect>> = {
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
      format === "anthropic-messages" ? forVertex(body, lost) : flat(body, format, lost, target),
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
};
