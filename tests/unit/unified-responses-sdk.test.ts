/** What is written for clients of Responses, as OpenAI's SDK and the AI SDK read it. */
import { strict as assert } from "node:assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import OpenAI, { APIError } from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import type { ResponseInputItem } from "openai/resources/responses/responses";
import { z } from "zod";
import { openEvent } from "../../core/formats/sse.ts";
import { memoryKV } from "../../core/storage/memory.ts";
import type {
  ChatAnswer,
  ChatEvent,
  ChatFormat,
  ChatRequest,
  Finish,
  Part,
} from "../../core/unified/chat.ts";
import type { ChatCodec } from "../../core/unified/codec.ts";
import { codecs } from "../support/unified-codecs.ts";
import { openAIResponses } from "../../core/unified/codecs/openai-responses.ts";
import { withoutForeign } from "../../core/unified/codecs/openai-responses/foreign.ts";
import { eventsOf } from "../../core/unified/events.ts";
import { Lost } from "../../core/unified/lost.ts";
import { continued, remember } from "../../core/unified/stored-responses.ts";

type Json = Record<string, unknown>;

const folder = fileURLToPath(new URL("../fixtures/", import.meta.url));
const recorded = readdirSync(folder, { withFileTypes: true }).filter((one) => one.isDirectory())
  .flatMap(({ name }) => readdirSync(`${folder}${name}`).map((one) => `${name}/${one}`))
  .filter((name) =>
    /\/(?:vercel-)?responses-/.test(name) && existsSync(`${folder}${name}/response.sse`)
  );
const now = () => 1_700_000_000_000;
const target = { provider: "p", model: "m", requestId: "r", now };

/** An SDK whose requests are answered by a function. */
function sdk(answer: (body: Json) => Response | Promise<Response>): OpenAI {
  return new OpenAI({
    apiKey: "k",
    baseURL: "https://gateway.example/v1",
    maxRetries: 0,
    fetch: async (_, init) => await answer(JSON.parse(String(init!.body))),
  });
}

const sse = (text: string) =>
  new Response(text, { headers: { "content-type": "text/event-stream" } });

const asked = (request: Partial<ChatRequest> = {}) => ({
  request: {
    ...openAIResponses.readRequest({ model: "m", input: "Hi", stream: true }, {}),
    ...request,
  },
  model: "m",
  requestId: "0198-AB",
  now,
});

/** What a client gets of these events, and what the writer says that it came to. */
async function streamed(events: Iterable<ChatEvent>, request: Partial<ChatRequest> = {}) {
  const writer = openAIResponses.writeStream(asked(request));
  let text = "";
  for (const event of events) text += writer.write(event);
  const stream = sdk(() => sse(text)).responses.stream({ model: "m", input: "Hi" });
  const seen: Json[] = [];
  for await (const event of stream) seen.push(event as unknown as Json);
  return { seen, text, final: await stream.finalResponse(), response: writer.response! };
}

const answerOf = (parts: Part[], finish: Finish = "stop", more: Partial<ChatAnswer> = {}) => ({
  format: "anthropic-messages" as const,
  id: "a",
  model: "claude",
  created: 1_700_000_000,
  choices: [{ index: 0, parts, finish }],
  ...more,
});

/** Events that say what an answer comes to, and in that order. */
function states(seen: Json[]): string[] {
  return seen.map(({ type }) => String(type).replace("response.", ""));
}

describe("OpenAI's SDK", () => {
  for (const name of recorded) {
    it(`reads what is written of ${name}`, async () => {
      const events: ChatEvent[] = [];
      const reader = openAIResponses.readStream(target);
      const text = readFileSync(`${folder}${name}/response.sse`, "utf8");
      for (const frame of text.replaceAll("\r\n", "\n").split("\n\n")) {
        const event = openEvent(frame);
        if (event !== undefined) reader.event(event, (one) => events.push(one));
      }
      reader.end((one) => events.push(one));
      const { seen, final, response } = await streamed(events);
      assert.deepEqual(seen.map(({ sequence_number }) => sequence_number), [...seen.keys()]);
      const said = events.flatMap((event) => event.type === "text" ? event : []);
      const kinds = new Map(
        events.flatMap((event) =>
          event.type === "part_start" ? [[event.part, event.value.type]] : []
        ),
      );
      const spoken = said.filter(({ part }) => kinds.get(part) === "text");
      assert.equal(final.output_text, spoken.map(({ text }) => text).join(""));
      // The snapshots that the SDK makes of the events are what the last event says.
      const { output } = last(seen).response as { output: Json[] };
      const done = seen.filter(({ type }) => type === "response.output_item.done");
      assert.deepEqual(done.map(({ item }) => item), output);
      assert.deepEqual(response.output, output);
      const finish = events.find(({ type }) => type === "finish") as { finish: Finish };
      assert.equal(final.status, finish.finish === "length" ? "incomplete" : "completed");
    });
  }

  it("has the events of a text in their order", async () => {
    const { seen, final } = await streamed(eventsOf(answerOf(
      [
        { type: "reasoning", text: "Hm", summary: true },
        {
          type: "text",
          text: "Hello",
          citations: [{ type: "url", url: "https://a", title: "A" }],
        },
      ],
      "stop",
      { usage: { input: 9, output: 5, cache_read: 4, reasoning: 2 } },
    )));
    assert.deepEqual(states(seen), [
      ...["created", "in_progress"],
      ...["output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta"],
      ...["reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"],
      ...["output_item.added", "content_part.added", "output_text.delta"],
      ...["output_text.annotation.added", "output_text.done", "content_part.done"],
      ...["output_item.done", "completed"],
    ]);
    assert.equal(final.id, "resp_sl0198ab");
    assert.equal(final.model, "claude");
    assert.equal(final.created_at, 1_700_000_000);
    assert.deepEqual(final.output.map(({ id, type }) => [id, type]), [
      ["rs_sl0198ab_0", "reasoning"],
      ["msg_sl0198ab_1", "message"],
    ]);
    assert.deepEqual(final.usage, {
      input_tokens: 9,
      input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: 14,
    });
    const [message] = final.output.slice(1);
    assert.ok(message?.type === "message" && message.content[0]?.type === "output_text");
    assert.deepEqual(message.content[0].annotations, [
      { type: "url_citation", start_index: 0, end_index: 5, url: "https://a", title: "A" },
    ]);
  });

  it("has the events of calls, refusals, raw thoughts, sounds and images", async () => {
    const { seen, final } = await streamed(eventsOf(answerOf([
      { type: "reasoning", text: "Hm" },
      { type: "refusal", text: "No" },
      {
        type: "audio",
        source: { kind: "base64", mime: "audio/wav", data: "AAAA" },
        transcript: "La",
      },
      { type: "tool_call", id: "c1", name: "f", arguments: "" },
      { type: "tool_call", id: "c2", name: "sql", arguments: "SELECT", custom: true },
      { type: "image", source: { kind: "base64", mime: "image/png", data: "BBBB" } },
      { type: "native", format: "openai-responses", value: { type: "web_search_call", id: "w" } },
    ])));
    assert.deepEqual(states(seen), [
      ...["created", "in_progress"],
      ...["output_item.added", "content_part.added", "reasoning_text.delta"],
      ...["reasoning_text.done", "content_part.done", "output_item.done"],
      ...["output_item.added", "content_part.added", "refusal.delta", "refusal.done"],
      ...["content_part.done", "content_part.added", "audio.delta", "audio.transcript.delta"],
      ...["audio.done", "audio.transcript.done", "content_part.done", "output_item.done"],
      ...["output_item.added", "function_call_arguments.delta", "function_call_arguments.done"],
      ...["output_item.done", "output_item.added", "custom_tool_call_input.delta"],
      ...["custom_tool_call_input.done", "output_item.done", "output_item.added"],
      ...["image_generation_call.in_progress", "image_generation_call.generating"],
      ...["image_generation_call.completed", "output_item.done"],
      ...["output_item.added", "output_item.done", "completed"],
    ]);
    const [, , call, custom, image] = final.output;
    const [, said] = (last(seen).response as { output: Json[] }).output;
    assert.deepEqual(said?.content, [
      { type: "refusal", refusal: "No" },
      { type: "output_audio", data: "AAAA", transcript: "La" },
    ]);
    assert.ok(call?.type === "function_call" && call.arguments === "{}" && call.call_id === "c1");
    assert.ok(custom?.type === "custom_tool_call" && custom.input === "SELECT");
    assert.ok(image?.type === "image_generation_call" && image.result === "BBBB");
  });

  it("gets a whole answer as the end of its stream", async () => {
    const answer = answerOf(
      [
        { type: "text", text: "a" },
        { type: "text", text: "b" },
        { type: "tool_call", id: "c", name: "f", arguments: '{"a":1}' },
      ],
      "tool_calls",
      { usage: { input: 1, output: 2 } },
    );
    const { seen } = await streamed(eventsOf(answer));
    const whole = openAIResponses.writeAnswer(answer, asked());
    assert.deepEqual(whole, last(seen).response);
  });

  it("has log probabilities in deltas and in the whole", async () => {
    const logprobs = [{ token: "a", logprob: -1, bytes: [97], top: [{ token: "b", logprob: -2 }] }];
    const { seen, final } = await streamed([
      { type: "start", id: "", model: "m" },
      { type: "part_start", choice: 0, part: 0, value: { type: "text", text: "" } },
      { type: "text", choice: 0, part: 0, text: "a", logprobs },
      { type: "part_end", choice: 0, part: 0 },
      { type: "finish", choice: 0, finish: "stop" },
      { type: "end" },
    ]);
    const told = [{
      token: "a",
      bytes: [97],
      logprob: -1,
      top_logprobs: [{ token: "b", logprob: -2, bytes: [] }],
    }];
    const delta = seen.find(({ type }) => type === "response.output_text.delta");
    assert.deepEqual(delta?.logprobs, told);
    const [message] = final.output;
    assert.ok(message?.type === "message" && message.content[0]?.type === "output_text");
    assert.deepEqual(message.content[0].logprobs, told);
  });

  const endings: [Finish, Part[], string, string | undefined][] = [
    ["stop", [], "completed", undefined],
    ["length", [], "incomplete", "max_output_tokens"],
    ["context_window", [], "incomplete", "max_output_tokens"],
    ["content_filter", [], "incomplete", "content_filter"],
    ["refusal", [], "incomplete", "content_filter"],
    ["refusal", [{ type: "refusal", text: "No" }], "completed", undefined],
    ["pause", [], "completed", undefined],
    ["malformed", [], "failed", undefined],
  ];
  for (const [finish, parts, status, reason] of endings) {
    it(`sees '${finish}' with ${parts.length} parts as ${status} ${reason ?? ""}`, async () => {
      const { final } = await streamed(eventsOf(answerOf(parts, finish)));
      assert.equal(final.status, status);
      assert.equal(final.incomplete_details?.reason, reason);
      assert.equal(final.error === null, status !== "failed");
    });
  }

  it("throws where a stream fails, before its first part and after", async () => {
    const fault = { status: 429, kind: "rate_limit", message: "Slow down", code: "slow" } as const;
    const begun: ChatEvent[] = [
      { type: "start", id: "", model: "m" },
      { type: "part_start", choice: 0, part: 0, value: { type: "text", text: "Hel" } },
    ];
    for (const before of [[], begun]) {
      const failed = streamed([...before, { type: "error", fault }]);
      await assert.rejects(failed, (error) => {
        assert.ok(error instanceof APIError, String(error));
        assert.equal(error.code, "slow");
        assert.equal(error.type, "rate_limit_error");
        assert.match(error.message, /Slow down/);
        return true;
      });
    }
    const writer = openAIResponses.writeStream(asked());
    const text = [...begun, { type: "error" as const, fault }].map((one) => writer.write(one));
    const names = text.join("").match(/(?<=^event: ).*/gm);
    assert.deepEqual(names?.slice(-2), ["error", "response.failed"]);
    assert.deepEqual(writer.response?.error, { code: "slow", message: "Slow down" });
    assert.equal(writer.write({ type: "end" }), "");
  });

  it("has no half of a call where a stream fails", () => {
    const writer = openAIResponses.writeStream(asked());
    const value: Part = { type: "tool_call", id: "c", name: "f", arguments: '{"a' };
    writer.write({ type: "part_start", choice: 0, part: 0, value });
    const fault = { status: 502, kind: "server", message: "Cut" } as const;
    const text = writer.write({ type: "error", fault });
    assert.doesNotMatch(text, /arguments.done/);
    assert.deepEqual(writer.response?.output, []);
  });

  it("is told which message is not complete, and never what it said as JSON", async () => {
    const parts: Part[] = [{ type: "text", text: "Hel" }];
    const request = { service_tier: 'x","status":"y' };
    const { final, seen } = await streamed(eventsOf(answerOf(parts, "length")), request);
    assert.equal((final.output[0] as { status: string }).status, "incomplete");
    const [created] = seen;
    assert.equal((created!.response as Json).service_tier, request.service_tier);
    assert.equal((created!.response as Json).status, "in_progress");
  });

  it("tells the first of several choices", async () => {
    const text = (value: string): Part[] => [{ type: "text", text: value }];
    const { final } = await streamed(eventsOf({
      ...answerOf([]),
      choices: [
        { index: 0, parts: text("a"), finish: "stop" },
        { index: 1, parts: text("b"), finish: "length" },
      ],
    }));
    assert.equal(final.output_text, "a");
    assert.equal(final.status, "completed");
  });

  it("parses what a schema promises", async () => {
    const shape = z.object({ city: z.string() });
    const answer = answerOf([{ type: "text", text: '{"city":"Bonn"}' }]);
    const client = sdk((body) => {
      const request = openAIResponses.readRequest(body, {});
      assert.equal(request.output?.type, "json_schema");
      return Response.json(openAIResponses.writeAnswer(answer, { ...asked(), request }));
    });
    const text = { format: zodTextFormat(shape, "place") };
    const { output_parsed } = await client.responses.parse({ model: "m", input: "Where?", text });
    assert.deepEqual(output_parsed, { city: "Bonn" });
  });

  it("brings back what other providers sign, whatever it belongs to", async () => {
    const sign = (value: string) => ({ signature: { format: "gemini" as const, value } });
    const parts: Part[] = [
      { type: "reasoning", text: "Hm", summary: true, ...sign("1") },
      { type: "reasoning", text: "", redacted: true, ...sign("2") },
      { type: "text", text: "a", ...sign("3") },
      { type: "text", text: "b" },
      { type: "tool_call", id: "c", name: "f", arguments: "{}", ...sign("4") },
      { type: "tool_call", id: "d", name: "f", arguments: "{}" },
      {
        type: "native",
        format: "anthropic-messages",
        value: { type: "server_tool_use", name: "web_search", id: "s", input: { query: "q" } },
      },
    ];
    // Known before the part, and after it.
    const whole = openAIResponses.writeAnswer(answerOf(parts), asked());
    const { final } = await streamed(eventsOf(answerOf(parts)));
    const search = final.output.find((item) => item.type === "web_search_call");
    assert.deepEqual(search?.action, { type: "search", query: "q" });
    for (const output of [whole.output, final.output]) {
      const { messages } = openAIResponses.readRequest({ model: "m", input: output }, {});
      const back = messages.flatMap(({ parts }) => parts).map((part) => {
        const { id: _, item_id: __, ...more } = part as unknown as Json;
        return part.type === "tool_call" ? { ...more, id: part.id } : more;
      });
      assert.deepEqual(back, parts);
    }
  });

  it("sends nothing of another provider to one of this format", () => {
    const signature = { format: "gemini" as const, value: "x" };
    const { output } = openAIResponses.writeAnswer(
      answerOf([
        { type: "reasoning", text: "Hm", signature },
        { type: "text", text: "a", signature },
        { type: "tool_call", id: "c", name: "f", arguments: "{}" },
      ]),
      asked(),
    );
    const own = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "gAAA" };
    const reference = { type: "item_reference", id: "msg_sl1_0" };
    const body = { model: "m", input: [...output as Json[], own, reference, { role: "user" }] };
    const sent = withoutForeign(body);
    assert.deepEqual(sent.model, "m");
    assert.deepEqual(sent.input, [
      {
        type: "message",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "a", annotations: [], logprobs: [] }],
      },
      { type: "function_call", call_id: "c", name: "f", arguments: "{}", status: "completed" },
      own,
      reference,
      { role: "user" },
    ]);
    assert.equal(withoutForeign(sent), sent);
    assert.equal(withoutForeign({ input: "Hi" }).input, "Hi");
  });

  it("is told its own settings again", () => {
    const body = {
      model: "m",
      input: "Hi",
      instructions: "Be brief",
      temperature: 0.5,
      max_output_tokens: 10,
      tools: [{ type: "function", name: "f", parameters: { type: "object" }, strict: true }],
      tool_choice: { type: "function", name: "f" },
      text: { format: { type: "json_object" }, verbosity: "low" },
      reasoning: { effort: "low", summary: null },
      metadata: { a: "b" },
      truncation: "auto",
      store: false,
      parallel_tool_calls: false,
    };
    const request = openAIResponses.readRequest(body, {});
    const response = openAIResponses.writeAnswer(answerOf([]), { ...asked(), request });
    const { model: _, input: __, ...told } = body;
    for (const [name, value] of Object.entries(told)) {
      assert.deepEqual(response[name], value, name);
    }
  });
});

/** Providers of other formats that are asked here, and what each of them signs. */
const signs: Partial<Record<ChatFormat, "thought" | "call">> = {
  "openai-chat": undefined,
  "anthropic-messages": "thought",
  gemini: "call",
  "bedrock-converse": "thought",
  "cohere-v2": undefined,
};
const providers = (Object.keys(signs) as ChatFormat[]).filter((format) =>
  typeof codecs[format].writeAnswer === "function"
);

/** A gateway before a provider of a format that thinks, calls a tool twice, and then answers. */
function gateway(format: ChatFormat) {
  const codec: ChatCodec = codecs[format];
  const kv = memoryKV();
  const turns: Json[] = [];
  const kept: string[] = [];
  let count = 0;
  const answer = async (body: Json): Promise<Response> => {
    const requestId = `0198-${++count}`;
    const whole = await continued(kv, "o", body);
    const request = openAIResponses.readRequest(whole, {});
    const target = { provider: "p", model: "claude-opus-4-5", requestId, now };
    const native = codec.writeRequest({ ...request, model: target.model }, target, new Lost());
    turns.push(native);
    if (body.store !== false) kept.push(JSON.stringify(body.input));
    const place = { model: "m", stream: request.stream };
    const results = codec.readRequest(native, place).messages
      .flatMap(({ parts }) => parts).filter(({ type }) => type === "tool_result").length;
    // As the provider would write it, and as it is read.
    const said = codec.writeAnswer(turn(format, results), {
      ...asked(),
      request: codec.readRequest(native, place),
    });
    const told = { request, model: "m", requestId, now };
    const given = codec.readAnswer(said, target);
    if (!request.stream) {
      const response = openAIResponses.writeAnswer(given, told);
      await remember(kv, "o", whole, response);
      return Response.json(response);
    }
    const writer = openAIResponses.writeStream(told);
    let text = "";
    for (const event of eventsOf(given)) text += writer.write(event);
    await remember(kv, "o", whole, writer.response!);
    return sse(text);
  };
  return { answer, turns, kept };
}

function turn(format: ChatFormat, results: number): ChatAnswer {
  const signature = (kind: "thought" | "call") =>
    signs[format] === kind && { signature: { format, value: `c2lnbmVk${results}AA=` } };
  const parts: Part[] = results >= 2 ? [{ type: "text", text: "It is 21 degrees" }] : [
    { type: "reasoning", text: `Thought ${results}`, ...signature("thought") },
    {
      type: "tool_call",
      id: `call_${results}`,
      name: "temperature",
      arguments: '{"city":"Bonn"}',
      ...signature("call"),
    },
  ];
  return {
    format,
    id: `a${results}`,
    model: "m",
    choices: [{ index: 0, parts, finish: results >= 2 ? "stop" : "tool_calls" }],
    usage: { input: 1, output: 1 },
  };
}

/** The last request has all that was signed, as it was. */
function assertSigned(format: ChatFormat, turns: Json[]): void {
  assert.equal(turns.length, 3);
  if (signs[format] === undefined) return;
  const sent = JSON.stringify(last(turns));
  for (const number of [0, 1]) assert.ok(sent.includes(`c2lnbmVk${number}AA=`), sent);
}

const last = <T>(list: readonly T[]): T => list.at(-1)!;

for (const format of providers) {
  describe(`a loop over a provider of ${format}`, () => {
    for (const stream of [false, true]) {
      it(`OpenAI's SDK sends all items back, ${stream ? "streamed" : "whole"}`, async () => {
        const { answer, turns } = gateway(format);
        const client = sdk(answer);
        const input: ResponseInputItem[] = [{ role: "user", content: "How warm is it in Bonn?" }];
        for (let round = 0; round < 5; round++) {
          const params = {
            model: "m",
            input,
            store: false,
            include: ["reasoning.encrypted_content" as const],
            tools: [{
              type: "function" as const,
              name: "temperature",
              parameters: { type: "object", properties: { city: { type: "string" } } },
              strict: false,
            }],
          };
          const response = stream
            ? await client.responses.stream(params).finalResponse()
            : await client.responses.create(params);
          input.push(...response.output as ResponseInputItem[]);
          const calls = response.output.flatMap((item) =>
            item.type === "function_call" ? item : []
          );
          if (calls.length === 0) {
            assert.equal(response.output_text, "It is 21 degrees");
            return assertSigned(format, turns);
          }
          for (const { call_id } of calls) {
            input.push({ type: "function_call_output", call_id, output: "21" });
          }
        }
        assert.fail("It did not come to an end");
      });
    }

    it("OpenAI's SDK names the response before", async () => {
      const { answer, turns } = gateway(format);
      const client = sdk(answer);
      const rest = { model: "m", tools: [] };
      let response = await client.responses.create({ ...rest, input: "How warm is it?" });
      for (const output of ["20", "21"]) {
        const call = response.output.find((item) => item.type === "function_call")!;
        response = await client.responses.create({
          ...rest,
          previous_response_id: response.id,
          input: [{ type: "function_call_output", call_id: call.call_id, output }],
        });
      }
      assert.equal(response.output_text, "It is 21 degrees");
      assertSigned(format, turns);
    });

    for (const store of [true, false]) {
      it(`the AI SDK ${store ? "refers to items" : "sends items"}`, async () => {
        const { answer, turns, kept } = gateway(format);
        const { responses } = createOpenAI({
          apiKey: "k",
          baseURL: "https://gateway.example/v1",
          fetch: async (_, init) => await answer(JSON.parse(String(init!.body))),
        });
        const options = {
          model: responses("gpt-5"),
          prompt: "How warm is it in Bonn?",
          providerOptions: {
            openai: { store, ...!store && { include: ["reasoning.encrypted_content"] } },
          },
          stopWhen: stepCountIs(5),
          tools: {
            temperature: tool({
              inputSchema: z.object({ city: z.string() }),
              execute: () => "21",
            }),
          },
        };
        assert.equal((await generateText(options)).text, "It is 21 degrees");
        assertSigned(format, turns.splice(0));
        if (store) assert.match(last(kept), /"item_reference"/);
        assert.equal(await streamText(options).text, "It is 21 degrees");
        assertSigned(format, turns);
      });
    }
  });
}
