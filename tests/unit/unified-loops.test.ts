/**
 * Agents: each official client over each provider's format, tools called twice, results returned, thoughts
 * and their signatures sent back.
 */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { ChatFormat, ChatRequest, Part } from "../../core/unified/chat.ts";
import { anthropicOf, type Fetch, googleOf, openAIOf } from "../support/unified-clients.ts";
import { gatewayOver } from "../support/unified-gateway.ts";
import { answerOf, providersOf, said, toldOf } from "../support/unified-provider.ts";

// SDKs answer with types that say less than a test wants to look at.
// deno-lint-ignore no-explicit-any
type Json = any;

const args = { weather: { city: "Paris" }, clock: { zone: "Europe/Paris" } };
const results = { weather: "sunny, 21 degrees", clock: "12:30" };
type Name = keyof typeof args;

/** Formats that sign their thoughts. */
const signing: readonly ChatFormat[] = ["anthropic-messages", "gemini", "openai-responses"];

function call(format: ChatFormat, id: string, name: Name): Part {
  return {
    type: "tool_call",
    id,
    name,
    arguments: JSON.stringify(args[name]),
    ...format === "gemini" && { signature: { format, value: "c2lnbmVkLWNhbGw=" } },
  };
}

function thought(format: ChatFormat, text: string): Part {
  return {
    type: "reasoning",
    text,
    ...(format === "anthropic-messages" || format === "openai-responses") && {
      signature: { format, value: "c2lnbmVkLXRob3VnaHQ=" },
    },
    ...format === "openai-responses" && { id: "rs_1", summary: true },
  };
}

/** The provider: two calls at once, then one, then words; checks what comes back each time. */
function provider(
  format: ChatFormat,
): { answer: (sent: Request) => Promise<Response>; turns: number } {
  const state = {
    turns: 0,
    async answer(sent: Request): Promise<Response> {
      const told = await toldOf(format, sent);
      state.turns++;
      const { messages } = told.request;
      if (state.turns === 1) {
        assert.deepEqual(told.request.tools?.map((tool) => "name" in tool && tool.name), [
          "weather",
          "clock",
        ]);
        return said(
          format,
          told,
          answerOf(format, [
            thought(format, "Both are needed."),
            call(format, "call_aaaaaaaaa", "weather"),
            call(format, "call_bbbbbbbbb", "clock"),
          ]),
        );
      }
      check(
        told.request,
        format,
        state.turns === 2 ? ["weather", "clock"] : ["weather", "clock", "weather"],
      );
      if (state.turns === 2) {
        return said(
          format,
          told,
          answerOf(format, [
            thought(format, "Once more."),
            call(format, "call_ccccccccc", "weather"),
          ]),
        );
      }
      assert.equal(messages.at(-1)?.role, "user");
      return said(
        format,
        told,
        answerOf(format, [{ type: "text", text: "It is sunny at 12:30." }]),
      );
    },
  };
  return state;
}

/** Each call has its result, in order; what was signed comes back as it was. */
function check({ messages }: ChatRequest, format: ChatFormat, names: Name[]): void {
  const parts = messages.flatMap(({ parts }) => parts);
  const calls = parts.filter((part) => part.type === "tool_call");
  const returned = parts.filter((part) => part.type === "tool_result");
  assert.deepEqual(calls.map(({ name }) => name), names);
  assert.deepEqual(calls.map((one) => JSON.parse(one.arguments)), names.map((name) => args[name]));
  assert.equal(new Set(calls.map(({ id }) => id)).size, calls.length);
  assert.deepEqual(returned.map(({ call_id }) => call_id), calls.map(({ id }) => id));
  for (const [i, { content }] of returned.entries()) {
    const text = content.map((part) => part.type === "text" ? part.text : "").join("");
    assert.match(text, new RegExp(results[names[i]!].split(" ")[0]!));
  }
  const turns = messages.filter(({ role }) => role === "user" || role === "assistant");
  for (const [i, { role }] of turns.entries()) {
    if (format === "openai-chat" || format === "openai-responses" || format === "cohere-v2") break;
    assert.equal(role, i % 2 === 0 ? "user" : "assistant");
  }
  if (!signing.includes(format)) return;
  const signatures = parts.flatMap((part) =>
    "signature" in part && part.signature ? [part.signature] : []
  );
  const own = format === "gemini" ? "c2lnbmVkLWNhbGw=" : "c2lnbmVkLXRob3VnaHQ=";
  assert.ok(
    signatures.some((one) => one.format === format && one.value === own),
    `What ${format} signed did not come back: ${JSON.stringify(signatures)}`,
  );
}

const run = (name: string): string => results[name as Name];
const schemaOf = (name: Name) => ({
  type: "object" as const,
  properties: Object.fromEntries(Object.keys(args[name]).map((key) => [key, { type: "string" }])),
  required: Object.keys(args[name]),
});
const names: Name[] = ["weather", "clock"];

type Loop = (gateway: Fetch, model: string, stream: boolean) => Promise<string>;

const loops: Record<string, Loop> = {
  async "openai chat"(gateway, model, stream) {
    const client = openAIOf(gateway);
    const messages: Json[] = [{ role: "user", content: "What is it like in Paris?" }];
    const tools = names.map((name) => ({
      type: "function" as const,
      function: { name, parameters: schemaOf(name) },
    }));
    for (let i = 0; i < 5; i++) {
      const body = { model, messages, tools, reasoning_effort: "low" as const };
      const whole: Json = stream
        ? await client.chat.completions.stream(body).finalChatCompletion()
        : await client.chat.completions.create(body);
      const { message } = whole.choices[0];
      messages.push(message);
      if (!message.tool_calls?.length) return message.content;
      for (const one of message.tool_calls) {
        messages.push({ role: "tool", tool_call_id: one.id, content: run(one.function.name) });
      }
    }
    throw new Error("It does not end");
  },
  async "openai responses"(gateway, model, stream) {
    const client = openAIOf(gateway);
    const input: Json[] = [{ role: "user", content: "What is it like in Paris?" }];
    const tools = names.map((name) => ({
      type: "function" as const,
      name,
      parameters: schemaOf(name),
      strict: false,
    }));
    for (let i = 0; i < 5; i++) {
      const body = {
        model,
        input,
        tools,
        store: false,
        include: ["reasoning.encrypted_content" as const],
        reasoning: { effort: "low" as const },
      };
      const whole: Json = stream
        ? await client.responses.stream(body).finalResponse()
        : await client.responses.create(body);
      input.push(...whole.output);
      const calls = whole.output.filter(({ type }: Json) => type === "function_call");
      if (calls.length === 0) return whole.output_text;
      for (const { call_id, name } of calls) {
        input.push({ type: "function_call_output", call_id, output: run(name) });
      }
    }
    throw new Error("It does not end");
  },
  async anthropic(gateway, model, stream) {
    const client = anthropicOf(gateway);
    const messages: Json[] = [{ role: "user", content: "What is it like in Paris?" }];
    const tools = names.map((name) => ({ name, input_schema: schemaOf(name) }));
    for (let i = 0; i < 5; i++) {
      const body = {
        model,
        max_tokens: 4000,
        messages,
        tools,
        thinking: { type: "enabled" as const, budget_tokens: 1024 },
      };
      const whole: Json = stream
        ? await client.messages.stream(body).finalMessage()
        : await client.messages.create(body);
      messages.push({ role: "assistant", content: whole.content });
      const calls = whole.content.filter(({ type }: Json) => type === "tool_use");
      if (calls.length === 0) {
        return whole.content.findLast(({ type }: Json) => type === "text").text;
      }
      messages.push({
        role: "user",
        content: calls.map(({ id, name }: Json) => ({
          type: "tool_result",
          tool_use_id: id,
          content: run(name),
        })),
      });
    }
    throw new Error("It does not end");
  },
  async google(gateway, model, stream) {
    const { models } = googleOf(gateway);
    const contents: Json[] = [{ role: "user", parts: [{ text: "What is it like in Paris?" }] }];
    const config = {
      thinkingConfig: { includeThoughts: true },
      tools: [{
        functionDeclarations: names.map((name) => ({ name, parametersJsonSchema: schemaOf(name) })),
      }],
    };
    for (let i = 0; i < 5; i++) {
      const body = { model, contents, config };
      const chunks: Json[] = stream
        ? await Array.fromAsync(await models.generateContentStream(body))
        : [await models.generateContent(body)];
      const parts = chunks.flatMap(({ candidates = [] }) => candidates[0]?.content?.parts ?? []);
      contents.push({ role: "model", parts });
      const calls = parts.filter(({ functionCall }) => functionCall);
      if (calls.length === 0) {
        return parts.filter(({ thought }) => !thought).map(({ text = "" }) => text).join("");
      }
      contents.push({
        role: "user",
        parts: calls.map(({ functionCall: { id, name } }) => ({
          functionResponse: { ...id && { id }, name, response: { output: run(name) } },
        })),
      });
    }
    throw new Error("It does not end");
  },
};

for (const [client, loop] of Object.entries(loops)) {
  describe(`an agent with ${client}`, () => {
    for (const { name, format, model } of providersOf) {
      for (const stream of [false, true]) {
        it(`over ${name}, ${stream ? "streamed" : "plain"}`, async () => {
          const fake = provider(format);
          const gateway = gatewayOver(fake.answer);
          assert.equal(await loop(gateway, model, stream), "It is sunny at 12:30.");
          assert.equal(fake.turns, 3);
        });
      }
    }
  });
}
