/** Ids that are numbers longer than a double holds: they arrive as they were written. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { gatewayOver } from "../support/unified-gateway.ts";

const id = "12345678901234567890";
const json = (text: string) =>
  new Response(text, { headers: { "content-type": "application/json" } });

/** The body that the provider gets, and the client's. */
async function asked(path: string, body: string, answer: string) {
  let sent = "";
  const ask = gatewayOver(async (request) => {
    sent = await request.text();
    return json(answer);
  });
  const response = await ask(new Request(`http://gateway.test${path}`, { method: "POST", body }));
  return { sent, got: await response.text() };
}

const args = `{"id":${id},"price":-1.5}`;
const quoted = JSON.stringify(args);

/** A conversation in which a tool was called. */
const chat = (model: string) =>
  `{"model":"${model}","messages":[{"role":"user","content":"Hi"},{"role":"assistant","tool_calls":[{"id":` +
  `"call_1","type":"function","function":{"name":"f","arguments":${quoted}}}]},{"role":"tool",` +
  `"tool_call_id":"call_1","content":${quoted}}],"tools":[{"type":"function","function":{"name":"f"}}]}`;

const answers: Readonly<Record<string, string>> = {
  "anthropic/claude-sonnet-4-5":
    `{"type":"message","role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":${args}}],` +
    `"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}}`,
  "google-ai-studio/gemini-2.5-pro":
    `{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":${args}}}]},` +
    `"finishReason":"STOP"}]}`,
  "aws-bedrock/us.amazon.nova-2-lite-v1:0":
    `{"output":{"message":{"role":"assistant","content":[{"toolUse":{"toolUseId":"t","name":"f","input":${args}}}` +
    `]}},"stopReason":"tool_use","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}`,
};

describe("whole numbers of any length", () => {
  for (const [model, answer] of Object.entries(answers)) {
    it(`go to ${model} and come back`, async () => {
      const { sent, got } = await asked("/v1/chat/completions", chat(model), answer);
      assert.ok(sent.includes(args), sent);
      assert.ok(JSON.parse(got).choices[0].message.tool_calls[0].function.arguments === args, got);
    });
  }

  it("go from Claude's client to OpenAI, and back to it", async () => {
    const body =
      `{"model":"openai/gpt-5.1","max_tokens":9,"messages":[{"role":"user","content":"Hi"},{"role":"assistant",` +
      `"content":[{"type":"tool_use","id":"t","name":"f","input":${args}}]},{"role":"user","content":[{"type":` +
      `"tool_result","tool_use_id":"t","content":"Yes"}]}],"tools":[{"name":"f","input_schema":{"type":` +
      `"object","properties":{"id":{"type":"integer","maximum":${id}}}}}]}`;
    const answer =
      `{"id":"c","object":"chat.completion","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":` +
      `"assistant","content":null,"tool_calls":[{"id":"u","type":"function","function":{"name":"f","arguments":` +
      `${quoted}}}]}}]}`;
    const { sent, got } = await asked("/v1/messages", body, answer);
    assert.equal(JSON.parse(sent).messages[1].tool_calls[0].function.arguments, args);
    assert.ok(sent.includes(`"maximum":${id}`), sent);
    assert.ok(got.includes(`"input":${args}`), got);
  });

  it("go from Claude's client to another host of Claude", async () => {
    const { sent } = await asked(
      "/v1/messages",
      `{"model":"aws-bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0","max_tokens":9,"messages":[{"role":` +
        `"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":` +
        `${args}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"Yes"}]}]}`,
      answers["anthropic/claude-sonnet-4-5"]!,
    );
    assert.ok(sent.includes(`"input":${args}`), sent);
  });
});
