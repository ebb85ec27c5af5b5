/** A tool that failed: every provider is told, by a flag where its format has one, in words elsewhere. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { ChatFormat } from "../../core/unified/chat.ts";
import { anthropicOf } from "../support/unified-clients.ts";
import { gatewayOver } from "../support/unified-gateway.ts";
import { answerOf, providersOf, said, toldOf } from "../support/unified-provider.ts";

/** What a provider is told of the result `content`. */
async function told(format: ChatFormat, model: string, content: string): Promise<string> {
  let body = "";
  let dropped: string | null = "";
  const gateway = gatewayOver(async (sent) => {
    const asked = await toldOf(format, sent);
    body = JSON.stringify(asked.body);
    return said(format, asked, answerOf(format, [{ type: "text", text: "Oh" }]));
  });
  const client = anthropicOf(async (request) => {
    const response = await gateway(request);
    dropped = response.headers.get("x-sluice-dropped");
    return response;
  });
  await client.messages.create({
    model,
    max_tokens: 1000,
    tools: [{ name: "weather", input_schema: { type: "object", properties: {} } }],
    messages: [
      { role: "user", content: "Hi" },
      { role: "assistant", content: [{ type: "tool_use", id: "t", name: "weather", input: {} }] },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "t", is_error: true, content }],
      },
    ],
  });
  assert.equal(dropped, null);
  return body;
}

const flags: Readonly<Partial<Record<ChatFormat, RegExp>>> = {
  "anthropic-messages": /"is_error":true/,
  "bedrock-converse": /"status":"error"/,
};

describe("a tool that failed is told as such", () => {
  for (const { name, format, model } of providersOf) {
    it(name, async () => {
      const plain = await told(format, model, "no such city");
      assert.match(plain, /no such city/);
      assert.match(plain, flags[format] ?? /"error":"no such city"|"Error: no such city"/);
      const json = await told(format, model, '{"code":7}');
      assert.match(json, flags[format] ?? /"error":\{"code":7\}|"Error: \{\\"code\\":7\}"/);
      const empty = await told(format, model, "");
      assert.match(empty, flags[format] ?? /"error":""|"Error"/);
      const worded = await told(format, model, "TypeError: x");
      assert.doesNotMatch(worded, /Error: TypeError/);
    });
  }
});
