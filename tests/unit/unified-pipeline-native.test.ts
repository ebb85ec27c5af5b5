/**
 * What providers are asked, looked at as their APIs would: every recorded request, written for every other
 * format; and conversations that one format allows and another does not.
 */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { providers } from "../../adapters/mod.ts";
import { loadDialects } from "../../adapters/spoken.ts";
import type { ChatFormat } from "../../core/unified/chat.ts";
import { gatewayOver } from "../support/unified-gateway.ts";
import { answerOf, providersOf, said, toldOf } from "../support/unified-provider.ts";
import { type Json, recordedChats } from "../support/unified-told.ts";

await loadDialects();

const recordings = recordedChats().filter(({ requestBody }) => requestBody?.[0] === 0x7b);

/** Google's functions begin with a letter, and the one that was recorded with a digit. */
const unfit = (name: string, format: ChatFormat) =>
  name === "openai/chat-tool-results" && format === "gemini";

type Provider = typeof providersOf[number];

/** What a provider gets, which fails if its API would refuse it; and what was dropped. */
async function asked(
  { format, model, name }: Provider,
  client: ChatFormat,
  body: Json,
  stream = false,
): Promise<{ body: Json; dropped: string | null }> {
  const paths: Record<ChatFormat, string> = {
    "openai-chat": "v1/chat/completions",
    "openai-responses": "v1/responses",
    "anthropic-messages": "v1/messages",
    "cohere-v2": "v1/acc/default/compat/v2/chat",
    "gemini": `v1beta/models/${model}:${
      stream ? "streamGenerateContent?alt=sse" : "generateContent"
    }`,
    "bedrock-converse": `v1/acc/default/compat/model/${encodeURIComponent(model)}/converse${
      stream ? "-stream" : ""
    }`,
  };
  let sent: Json;
  let failure: unknown;
  const gateway = gatewayOver(async (request) => {
    try {
      const told = await toldOf(format, request);
      sent = told.body;
      return said(format, told, answerOf(format, [{ type: "text", text: "Yes" }]));
    } catch (error) {
      failure = error;
      throw error;
    }
  });
  const named = client === "gemini" || client === "bedrock-converse" ? body : { ...body, model };
  const response = await gateway(
    new Request(`http://gateway.test/${paths[client]}`, {
      method: "POST",
      body: JSON.stringify(named),
    }),
  );
  const text = await response.text();
  if (failure !== undefined) throw failure;
  assert.equal(response.status, 200, `${name}: ${text}`);
  return { body: sent, dropped: response.headers.get("x-sluice-dropped") };
}

describe("every recorded request, written for", () => {
  for (const provider of providersOf) {
    it(`${provider.name}, is one that its API takes`, async () => {
      let count = 0;
      for (const { name, format, requestBody, url } of recordings) {
        const own = format === provider.format && provider.name !== "openai-chat" &&
          provider.name !== "bedrock-invoke";
        // Claude on Bedrock is asked in either.
        const either = format === "bedrock-converse" && provider.name === "bedrock-invoke";
        if (own || either || unfit(name, provider.format)) continue;
        const stream = /stream/i.test(new URL(url).pathname);
        try {
          await asked(provider, format, JSON.parse(requestBody!.toString()), stream);
        } catch (error) {
          throw new Error(`${name}: ${error instanceof Error ? error.message : error}`);
        }
        count++;
      }
      assert.ok(count > 180, `${count}`);
    });
  }
});

describe("a conversation", () => {
  const call = (id: string) => ({
    id,
    type: "function",
    function: { name: "f", arguments: '{"a":1}' },
  });
  const hi = { role: "user", content: "Hi" };
  const conversations: Record<string, Json[]> = {
    "of instructions alone": [{ role: "system", content: "Say hi" }],
    "that begins with an answer": [{ role: "assistant", content: "Hello" }, hi],
    "that begins with a call": [
      { role: "assistant", content: null, tool_calls: [call("call_1")] },
      { role: "tool", tool_call_id: "call_1", content: "1" },
    ],
    "with an answer of nothing": [hi, { role: "assistant", content: "" }, hi],
    "with one speaker twice": [hi, hi, { role: "assistant", content: "Yes" }, hi, hi],
    "with instructions in between": [hi, { role: "system", content: "Now in French" }, hi],
    "with results in another order, and a word behind them": [
      hi,
      { role: "assistant", content: "I look", tool_calls: [call("call_1"), call("call_2")] },
      { role: "tool", tool_call_id: "call_2", content: "2" },
      { role: "tool", tool_call_id: "call_1", content: "" },
      hi,
    ],
    "with odd ids of calls": [
      hi,
      { role: "assistant", tool_calls: [call("a b/ä"), call("a b/ö"), call("x".repeat(200))] },
      { role: "tool", tool_call_id: "a b/ä", content: "1" },
      { role: "tool", tool_call_id: "a b/ö", content: "2" },
      { role: "tool", tool_call_id: "x".repeat(200), content: "3" },
    ],
  };
  for (const [name, messages] of Object.entries(conversations)) {
    it(`${name} is one for every provider`, async () => {
      const tools = JSON.stringify(messages).includes("tool_calls")
        ? [{ type: "function", function: { name: "f" } }]
        : undefined;
      for (const provider of providersOf) {
        // Who asks in the provider's own format is its own master.
        const { body } = await asked(provider, "openai-chat", {
          messages: structuredClone(messages),
          ...tools && { tools },
        });
        assert.ok(JSON.stringify(body).length > 10);
      }
    });
  }

  it("goes on with another provider, what its answers held besides left out", async () => {
    const messages = [
      hi,
      {
        role: "assistant",
        content: "Yes",
        refusal: null,
        audio: null,
        function_call: null,
        annotations: [
          {
            type: "url_citation",
            url_citation: { start_index: 0, end_index: 1, url: "https://a.b", title: "A" },
          },
        ],
        document_citations: [
          { type: "file_citation", file_citation: { start_index: 0, end_index: 0, filename: "a" } },
        ],
        reasoning_content: "Hm",
        reasoning_details: [
          {
            type: "reasoning.text",
            text: "Hm",
            signature: "sluice.anthropic-messages.x",
            index: 0,
          },
        ],
      },
      hi,
    ];
    let chats = 0;
    for (const { slug, dialect } of providers) {
      if (dialect?.chat?.["openai-chat"] === undefined) continue;
      if (slug === "azure-openai" || slug === "google-vertex-ai" || slug === "baseten") continue;
      let sent: Json;
      const gateway = gatewayOver(async (request) => {
        sent = await request.json();
        const message = { role: "assistant", content: "Yes" };
        return Response.json({ choices: [{ index: 0, message, finish_reason: "stop" }] });
      });
      const response = await gateway(
        new Request("http://gateway.test/v1/chat/completions", {
          method: "POST",
          headers: { "x-sluice-compat": "strict" },
          body: JSON.stringify({ model: `${slug}/m`, messages }),
        }),
      );
      assert.equal(response.status, 200, slug);
      const [, message] = sent.messages;
      assert.equal(message.document_citations, undefined, slug);
      assert.doesNotMatch(JSON.stringify(sent), /sluice\./, slug);
      chats++;
      if (slug === "openai" || slug === "openrouter") continue;
      const unknown = Object.keys(message).filter((name) =>
        !/^(?:role|content|reasoning)/.test(name)
      );
      assert.deepEqual(unknown, [], slug);
    }
    assert.ok(chats > 15, `${chats}`);
  });

  it("with Claude on Bedrock names no model in its body", async () => {
    const invoke = providersOf.find(({ name }) => name === "bedrock-invoke")!;
    const { body } = await asked(invoke, "anthropic-messages", {
      anthropic_version: "bedrock-2023-05-31",
      max_tokens: 10,
      messages: [hi],
    });
    assert.deepEqual(Object.keys(body).toSorted(), ["anthropic_version", "max_tokens", "messages"]);
  });
});
