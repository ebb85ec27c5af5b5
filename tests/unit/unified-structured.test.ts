/** Structured output of a recursive schema, from each provider's format to each official client's parser. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, jsonSchema, type LanguageModel, Output, streamText } from "ai";
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { fetchOf, openAIOf } from "../support/unified-clients.ts";
import { gatewayOver } from "../support/unified-gateway.ts";
import { answerOf, providersOf, said, toldOf } from "../support/unified-provider.ts";

Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

/** References, recursion, choices, closed objects: each what some dialect of JSON Schema lacks. */
const schema = {
  type: "object" as const,
  $defs: {
    node: {
      type: "object",
      properties: {
        value: { anyOf: [{ type: "integer" }, { type: "null" }] },
        kids: { type: "array", items: { $ref: "#/$defs/node" } },
      },
      required: ["value", "kids"],
      additionalProperties: false,
    },
  },
  properties: { root: { $ref: "#/$defs/node" } },
  required: ["root"],
  additionalProperties: false,
};
const value = { root: { value: null, kids: [{ value: 3, kids: [] }] } };
const text = JSON.stringify(value);

/** It answers by a tool where it was given one for that. */
function gatewayTo(format: typeof providersOf[number]["format"]) {
  return gatewayOver(async (sent) => {
    const told = await toldOf(format, sent);
    const { tools = [], output } = told.request;
    const tool = tools.find((one) => "name" in one && /answer/.test(one.name));
    // Whoever is given neither has at least to be told what to say.
    assert.ok(tool ?? output ?? /kids/.test(JSON.stringify(told.body)));
    return said(
      format,
      told,
      answerOf(format, [
        tool !== undefined && "name" in tool
          ? { type: "tool_call", id: "call_aaaaaaaaa", name: tool.name, arguments: text }
          : { type: "text", text },
      ]),
    );
  });
}

const apiKey = "sk-of-the-client";

describe("structured output", () => {
  for (const { name, format, model } of providersOf) {
    const gateway = gatewayTo(format);
    const client = openAIOf(gateway);
    const json_schema = { name: "tree", strict: true, schema };

    it(`of ${name} is read by OpenAI's SDK`, async () => {
      const chat = {
        model,
        messages: [{ role: "user" as const, content: "Hi" }],
        response_format: { type: "json_schema" as const, json_schema },
      };
      for (
        const { choices: [choice] } of [
          await client.chat.completions.parse(chat),
          await client.chat.completions.stream(chat).finalChatCompletion(),
        ]
      ) {
        assert.equal(choice?.finish_reason, "stop");
        assert.deepEqual(JSON.parse(choice.message.content ?? ""), value);
      }
      const response = {
        model,
        input: "Hi",
        text: { format: { type: "json_schema" as const, ...json_schema } },
      };
      const whole = await client.responses.parse(response);
      assert.deepEqual(JSON.parse(whole.output_text), value);
      const streamed = await client.responses.stream(response).finalResponse();
      assert.equal(streamed.status, "completed");
      assert.deepEqual(JSON.parse(streamed.output_text), value);
    });

    const baseURL = "http://gateway.test/v1";
    const fetch = fetchOf(gateway);
    const openai = createOpenAI({ apiKey, baseURL, fetch });
    const models: Record<string, LanguageModel> = {
      "chat completions": openai.chat(model),
      responses: openai.responses(model),
      anthropic: createAnthropic({ apiKey, baseURL, fetch })(model),
      google: createGoogleGenerativeAI({ apiKey, baseURL: `${baseURL}beta`, fetch })(model),
    };
    for (const [kind, languageModel] of Object.entries(models)) {
      it(`of ${name} is parsed by the AI SDK over ${kind}`, async () => {
        const asked = {
          model: languageModel,
          prompt: "Hi",
          maxRetries: 0,
          maxOutputTokens: 2000,
          output: Output.object({ schema: jsonSchema<typeof value>(schema as never) }),
        };
        assert.deepEqual((await generateText(asked)).output, value);
        assert.deepEqual(await streamText(asked).output, value);
      });
    }
  }
});
