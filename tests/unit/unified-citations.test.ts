/** Sources of recorded answers, as a client of Chat Completions reads them, whole and streamed. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { codecs } from "../support/unified-codecs.ts";
import { eventsOf } from "../../core/unified/events.ts";
import type { ChatAnswer, ChatFormat } from "../../core/unified/chat.ts";
import { openAIOf } from "../support/unified-clients.ts";
import { gatewayOver } from "../support/unified-gateway.ts";
import { exchange } from "./unified-endpoints.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

/** Pages of the web, and documents of the request, that an answer rests on. */
const recordings: readonly [name: string, format: ChatFormat, pages: number, documents: number][] =
  [
    ["anthropic/messages-server-tools-citations", "anthropic-messages", 1, 0],
    ["anthropic/messages-file-in-citations", "anthropic-messages", 0, 1],
    ["amazon-bedrock/converse-file-in-citations", "bedrock-converse", 0, 1],
    ["cohere/v2-chat-tool-results-citations-cached", "cohere-v2", 0, 1],
    ["google-vertex-ai/generate-content-server-tools-citations", "gemini", 1, 0],
    ["google-ai-studio/generate-content-server-tools-citations-cached", "gemini", 1, 0],
  ];

const target = { provider: "p", model: "m", requestId: "r-1", now: () => 0 };
const asked = {
  request: { format: "openai-chat" as const, model: "m", stream: true, messages: [] },
  model: "m",
  requestId: "r-1",
  now: () => 0,
};

function streamed(answer: ChatAnswer): Json {
  const writer = codecs["openai-chat"].writeStream(asked);
  const message: Json = { content: "", annotations: [], document_citations: [] };
  for (const event of eventsOf(answer)) {
    for (const line of String(writer.write(event)).split("\n\n")) {
      if (!line.startsWith("data: {")) continue;
      const delta = JSON.parse(line.slice(6)).choices[0]?.delta ?? {};
      message.content += delta.content ?? "";
      message.annotations.push(...delta.annotations ?? []);
      message.document_citations.push(...delta.document_citations ?? []);
    }
  }
  return message;
}

describe("sources of an answer", () => {
  for (const [name, format, pages, documents] of recordings) {
    it(`${name}: each with the words that rest on it`, () => {
      const answer = codecs[format].readAnswer(exchange(name).answer, target);
      const whole: Json = codecs["openai-chat"].writeAnswer(answer, asked);
      for (const message of [whole.choices[0].message, streamed(answer)]) {
        const { content, annotations = [], document_citations = [] } = message;
        assert.equal(annotations.length > 0, pages > 0, "pages of the web");
        assert.equal(document_citations.length > 0, documents > 0, "documents");
        for (const one of [...annotations, ...document_citations]) {
          const { start_index, end_index, url, title, filename, quote } = one[one.type];
          assert.notEqual(content.slice(start_index, end_index), "", JSON.stringify(one));
          assert.ok(end_index <= content.length);
          assert.ok((url ?? title ?? filename ?? quote)?.length > 0, JSON.stringify(one));
        }
      }
    });
  }

  it("Claude's are of the block that they stand at", () => {
    const { answer: body } = exchange("anthropic/messages-server-tools-citations");
    const answer = codecs["anthropic-messages"].readAnswer(body, target);
    const cited = (body.content as Json[]).filter(({ citations }) => citations?.length > 0);
    const { content, annotations } = (codecs["openai-chat"].writeAnswer(answer, asked) as Json)
      .choices[0].message;
    assert.deepEqual(
      [
        ...new Set(
          annotations.map(({ url_citation: { start_index, end_index } }: Json) =>
            content.slice(start_index, end_index)
          ),
        ),
      ],
      [...new Set(cited.map(({ text }) => text))],
    );
  });

  it("reach the client of OpenAI", async () => {
    const { answer } = exchange("anthropic/messages-server-tools-citations");
    const gateway = gatewayOver(() => Response.json(answer));
    const { choices } = await openAIOf(gateway).chat.completions.create({
      model: "anthropic/claude-sonnet-4-5",
      messages: [{ role: "user", content: "What is new?" }],
    });
    const [first] = choices[0]!.message.annotations!;
    assert.match(first!.url_citation.url, /^https:/);
    assert.ok(first!.url_citation.end_index > first!.url_citation.start_index);
  });

  it("come after the text where Gemini's stream ends with a call", async () => {
    const web = { uri: "https://example.com", title: "Example" };
    const events = [
      { candidates: [{ content: { parts: [{ text: "Hello" }] } }] },
      {
        candidates: [{
          content: { parts: [{ functionCall: { name: "f", args: {} } }] },
          finishReason: "STOP",
          groundingMetadata: { groundingChunks: [{ web }] },
        }],
      },
    ];
    const gateway = gatewayOver(() =>
      new Response(events.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`).join(""), {
        headers: { "content-type": "text/event-stream" },
      })
    );
    const stream = await openAIOf(gateway).chat.completions.create({
      model: "google-ai-studio/gemini-2.5-pro",
      stream: true,
      messages: [{ role: "user", content: "Hi" }],
    });
    const found: Json[] = [];
    for await (const { choices } of stream) {
      found.push(...(choices[0]?.delta as Json)?.annotations ?? []);
    }
    assert.deepEqual(found, [{
      type: "url_citation",
      url_citation: { start_index: 0, end_index: 5, url: web.uri, title: web.title },
    }]);
  });
});
