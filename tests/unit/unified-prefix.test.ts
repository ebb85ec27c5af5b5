/** Caches of providers know a prompt by its beginning: one more turn may not change what stood before it. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { ChatFormat } from "../../core/unified/chat.ts";
import { anthropicOf, googleOf, openAIOf } from "../support/unified-clients.ts";
import { gatewayOver } from "../support/unified-gateway.ts";
import { answerOf, providersOf, said, toldOf } from "../support/unified-provider.ts";

const png = "iVBORw0KGgo=";
const parameters = { type: "object" as const, properties: { city: { type: "string" } } };

/** Turns of one conversation, each a request longer than the one before. */
const turns = {
  async "openai chat"(gateway, model) {
    const whole = [
      { role: "system" as const, content: "Be brief" },
      { role: "user" as const, content: "Weather?" },
      {
        role: "assistant" as const,
        content: null,
        tool_calls: ["a", "b"].map((id) => ({
          id: `call_${id}`,
          type: "function" as const,
          function: { name: "weather", arguments: `{"city":"${id}"}` },
        })),
      },
      { role: "tool" as const, tool_call_id: "call_a", content: "sunny" },
      { role: "tool" as const, tool_call_id: "call_b", content: '{"rain":1}' },
      { role: "assistant" as const, content: "So so" },
      { role: "user" as const, content: "Thanks" },
    ];
    for (const length of [2, 5, 7]) {
      await openAIOf(gateway).chat.completions.create({
        model,
        messages: whole.slice(0, length),
        tools: [{ type: "function", function: { name: "weather", parameters } }],
      });
    }
  },
  async anthropic(gateway, model) {
    const whole = [
      { role: "user" as const, content: "Weather?" },
      {
        role: "assistant" as const,
        content: ["a", "b"].map((id) => ({
          type: "tool_use" as const,
          id: `toolu_${id}`,
          name: "weather",
          input: { city: id },
        })),
      },
      {
        role: "user" as const,
        content: [
          { type: "tool_result" as const, tool_use_id: "toolu_a", content: "no", is_error: true },
          {
            type: "tool_result" as const,
            tool_use_id: "toolu_b",
            content: [
              { type: "text" as const, text: "see" },
              {
                type: "image" as const,
                source: { type: "base64" as const, media_type: "image/png" as const, data: png },
              },
            ],
          },
        ],
      },
      { role: "assistant" as const, content: "So so" },
      { role: "user" as const, content: "Thanks" },
    ];
    for (const length of [1, 3, 5]) {
      await anthropicOf(gateway).messages.create({
        model,
        max_tokens: 1000,
        system: "Be brief",
        messages: whole.slice(0, length),
        tools: [{ name: "weather", input_schema: parameters }],
      });
    }
  },
  async google(gateway, model) {
    const whole = [
      { role: "user", parts: [{ text: "Weather?" }] },
      {
        role: "model",
        parts: ["a", "b"].map((city) => ({ functionCall: { name: "weather", args: { city } } })),
      },
      {
        role: "user",
        parts: ["sunny", "rainy"].map((output) => ({
          functionResponse: { name: "weather", response: { output } },
        })),
      },
      { role: "model", parts: [{ text: "So so" }] },
      { role: "user", parts: [{ text: "Thanks" }] },
    ];
    for (const length of [1, 3, 5]) {
      await googleOf(gateway).models.generateContent({
        model,
        contents: whole.slice(0, length),
        config: {
          systemInstruction: "Be brief",
          tools: [{
            functionDeclarations: [{ name: "weather", parametersJsonSchema: parameters }],
          }],
        },
      });
    }
  },
} satisfies Record<
  string,
  (gateway: ReturnType<typeof gatewayOver>, model: string) => Promise<void>
>;

const member: Readonly<Record<ChatFormat, string>> = {
  "openai-chat": "messages",
  "openai-responses": "input",
  "anthropic-messages": "messages",
  gemini: "contents",
  "bedrock-converse": "messages",
  "cohere-v2": "messages",
};

for (const [client, ask] of Object.entries(turns)) {
  describe(`a conversation of ${client} grows at its end only`, () => {
    for (const { name, format, model } of providersOf) {
      it(`with ${name}`, async () => {
        const asked: Record<string, unknown>[] = [];
        await ask(
          gatewayOver(async (sent) => {
            const told = await toldOf(format, sent);
            asked.push(told.body);
            return said(format, told, answerOf(format, [{ type: "text", text: "Yes" }]));
          }),
          model,
        );
        assert.equal(asked.length, 3);
        for (const [i, { [member[format]]: said, ...others }] of asked.entries()) {
          if (i === 0) continue;
          const { [member[format]]: before, ...same } = asked[i - 1]!;
          const [longer, shorter] = [said as unknown[], before as unknown[]];
          assert.ok(longer.length > shorter.length);
          const prefix = longer.slice(0, shorter.length);
          assert.equal(JSON.stringify(prefix), JSON.stringify(shorter));
          assert.equal(JSON.stringify(others), JSON.stringify(same));
        }
      });
    }
  });
}
