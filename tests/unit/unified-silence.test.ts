/**
 * Nothing is left out in silence: whatever a client says changes what its provider is told, or is named as
 * dropped, or the request is refused. For every client, and for all providers that spell things otherwise.
 */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { ChatFormat } from "../../core/unified/chat.ts";
import type { Feature } from "../support/unified-feature.ts";
import { featuresOf } from "../support/unified-features.ts";
import { gatewayOver } from "../support/unified-gateway.ts";

const models = [
  "openai/gpt-5.1",
  "openai/gpt-4o",
  "openai/gpt-5-pro",
  "azure-openai/r/gpt-4o",
  "anthropic/claude-sonnet-4-5",
  "anthropic/claude-opus-5",
  "google/gemini-2.5-pro",
  "google/gemini-3-pro-preview",
  "google-vertex-ai/gemini-2.5-pro",
  "google-vertex-ai/claude-sonnet-4-5",
  "google-vertex-ai/meta/llama-4",
  "aws-bedrock/us.amazon.nova-2-lite-v1:0",
  "aws-bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  "aws-bedrock/meta.llama3-3-70b-instruct-v1:0",
  "cohere/command-a-reasoning-08-2025",
  "mistral/mistral-small-latest",
  "mistral/mistral-large-latest",
  "groq/openai/gpt-oss-120b",
  "groq/llama-3.3-70b-versatile",
  "deepseek/deepseek-chat",
  "xai/grok-4",
  "perplexity/sonar-pro",
  "workers-ai/@cf/meta/llama-3.3-70b",
  "huggingface/m/x",
  "openrouter/anthropic/claude-sonnet-4.5",
  "ollama/llama3",
  "cerebras/gpt-oss-120b",
  "together/m/x",
  "fireworks/m",
  "deepinfra/m/x",
  "moonshot/kimi-k3",
  "zai/glm-5",
  "nvidia/m",
  "vllm/m",
];

const pathOf: Readonly<Record<ChatFormat, (model: string) => string>> = {
  "openai-chat": () => "/v1/chat/completions",
  "openai-responses": () => "/v1/responses",
  "anthropic-messages": () => "/v1/messages",
  gemini: (model) => `/v1beta/models/${model}:generateContent`,
  "cohere-v2": () => "/compat/v2/chat",
  "bedrock-converse": (model) => `/compat/model/${encodeURIComponent(model)}/converse`,
};

/** What may go without a word, and why. */
const quiet: readonly { why: string; feature: RegExp; model: RegExp }[] = [
  {
    why: "It has no tools that it could be told not to call",
    feature: /^(?:no call|NONE)$/,
    model: /^perplexity/,
  },
];

let sent: string | undefined;
const ask = gatewayOver(async (request) => {
  sent = await request.text();
  return Response.json({});
});

/** The body that the provider gets; nothing where the request goes no further. */
async function told(
  format: ChatFormat,
  model: string,
  body: Feature["body"],
  strict: boolean,
): Promise<string | undefined> {
  sent = undefined;
  const named = format === "gemini" || format === "bedrock-converse" ? body : { model, ...body };
  await ask(
    new Request(`http://gateway.test${pathOf[format](model)}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: "Bearer k",
        ...strict && { "x-sluice-compat": "strict" },
      },
      body: JSON.stringify(named),
    }),
  );
  return sent;
}

for (const [format, features] of Object.entries(featuresOf) as [ChatFormat, Feature[]][]) {
  describe(`nothing is left out in silence of what clients of ${format} say`, () => {
    for (const model of models) {
      it(`to ${model}`, async () => {
        const silent: string[] = [];
        for (const { name, body, without } of features) {
          const said = await told(format, model, body, true);
          if (said === undefined || said !== await told(format, model, without, false)) continue;
          const known = quiet.some((one) => one.feature.test(name) && one.model.test(model));
          if (!known) silent.push(name);
        }
        assert.deepEqual(silent, []);
      });
    }
  });
}
