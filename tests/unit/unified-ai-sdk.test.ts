/** The AI SDK's own providers, pointed at the gateway: text, tools and streams from every format. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, type LanguageModel, stepCountIs, streamText, tool } from "ai";
import { type Fetch, fetchOf } from "../support/unified-clients.ts";
import { gatewayOver } from "../support/unified-gateway.ts";
import { answerOf, providersOf, said, toldOf } from "../support/unified-provider.ts";

const origin = "http://gateway.test";
const given = (gateway: Fetch) => ({ apiKey: "sk-of-the-client", fetch: fetchOf(gateway) });

const models: Record<string, (gateway: Fetch, model: string) => LanguageModel> = {
  "openai (Responses)": (gateway, model) =>
    createOpenAI({ ...given(gateway), baseURL: `${origin}/v1` })(model),
  "openai (Chat)": (gateway, model) =>
    createOpenAI({ ...given(gateway), baseURL: `${origin}/v1` }).chat(model),
  anthropic: (gateway, model) =>
    createAnthropic({ ...given(gateway), baseURL: `${origin}/v1` })(model),
  google: (gateway, model) =>
    createGoogleGenerativeAI({ ...given(gateway), baseURL: `${origin}/v1beta` })(model),
};

const weather = tool({
  description: "Tells the weather",
  inputSchema: jsonSchema<{ city: string }>({
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
  }),
  execute: ({ city }) => `sunny in ${city}`,
});

for (const [name, modelOf] of Object.entries(models)) {
  describe(`the AI SDK with ${name}`, () => {
    for (const { name: provider, format, model } of providersOf) {
      it(`calls a tool and goes on over ${provider}, plain and streamed`, async () => {
        for (const stream of [false, true]) {
          let turns = 0;
          const gateway = gatewayOver(async (sent) => {
            const told = await toldOf(format, sent);
            if (turns++ === 0) {
              return said(
                format,
                told,
                answerOf(format, [
                  {
                    type: "tool_call",
                    id: "call_aaaaaaaaa",
                    name: "weather",
                    arguments: '{"city":"Paris"}',
                  },
                ]),
              );
            }
            assert.match(JSON.stringify(told.body), /sunny in Paris/);
            return said(format, told, answerOf(format, [{ type: "text", text: "It is sunny." }]));
          });
          const asked = {
            model: modelOf(gateway, model),
            prompt: "What is it like in Paris?",
            tools: { weather },
            stopWhen: stepCountIs(3),
            maxRetries: 0,
          };
          const whole = stream ? streamText(asked) : await generateText(asked);
          assert.equal(await whole.text, "It is sunny.");
          assert.equal(turns, 2);
          assert.equal((await whole.usage).inputTokens, 40);
        }
      });
    }
  });
}
