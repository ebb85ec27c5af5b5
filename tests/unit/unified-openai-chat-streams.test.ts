/** Streams of Chat Completions: of everybody who speaks it, and for clients. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import { assemble } from "../../core/unified/assemble.ts";
import type { ChatAnswer, ChatEvent } from "../../core/unified/chat.ts";
import type { Asked, Target } from "../../core/unified/codec.ts";
import { openAIChat as codec } from "../../core/unified/codecs/openai-chat.ts";
import { assertOrder, framed, readAll, writeAll } from "../support/chat-events.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

const target: Target = { provider: "openai", model: "m", requestId: "r-1", now: () => 0 };
const asked: Asked = {
  request: { format: "openai-chat", model: "m", stream: true, messages: [], include_usage: true },
  model: "m",
  requestId: "r-1",
  now: () => 0,
};

const recordings = fixtureNames().filter((name) => {
  const { status, responseHeaders, responseBody } = loadFixture(name);
  return status === 200 && /event-stream/.test(responseHeaders["content-type"] ?? "") &&
    responseBody.includes('"choices"') && !/legacy|responses/.test(name);
});

interface Told {
  usage?: Json;
  model?: string;
  end: string;
}
const told = JSON.parse(
  readFileSync(new URL("../fixtures/usage.json", import.meta.url), "utf8"),
) as Record<string, Told>;

/** What the deltas of a stream come to, put together without the reader under test. */
function summed(events: ReturnType<typeof framed>) {
  const sums: { text: string; thought: string; calls: string[] }[] = [];
  for (const { json } of events) {
    for (const choice of (json as Json | undefined)?.choices as Json[] ?? []) {
      const sum = sums[choice.index as number ?? 0] ??= { text: "", thought: "", calls: [] };
      const one = choice.delta as Json | undefined;
      const pieces = typeof one?.content === "string"
        ? [{ type: "text", text: one.content }]
        : one?.content as Json[] ?? [];
      for (const piece of pieces) {
        if (piece.type === "text") sum.text += piece.text;
        else sum.thought += (piece.thinking as Json[]).map(({ text }) => text).join("");
      }
      sum.thought += one?.reasoning_content ?? one?.reasoning ?? "";
      for (const call of one?.tool_calls as Json[] ?? []) {
        const { name } = call.function as Json;
        if (name) sum.calls.push(name as string);
      }
    }
  }
  return sums;
}

describe("Chat Completions: recorded streams", () => {
  it("are enough of them", () => assert.ok(recordings.length > 45, `${recordings.length}`));

  for (const name of recordings) {
    const { provider, responseBody } = loadFixture(name);
    const frames = framed(responseBody);
    const reader = () => codec.readStream({ ...target, provider });

    it(`is read: ${name}`, () => {
      const events = readAll(reader(), frames);
      assertOrder(events);
      const answer = assemble(events);
      const { usage, model, end } = told[name]!;
      const failed = events.at(-1)!.type === "error";
      assert.equal(failed, /midstream-error/.test(name) || end === "missing");
      assert.deepEqual(answer.usage ?? {}, usage ?? {});
      if (failed) return;
      if (model !== undefined) assert.equal(answer.model, model);
      const sums = summed(frames);
      assert.equal(answer.choices.length, sums.length);
      for (const [i, { parts, finish }] of answer.choices.entries()) {
        const of = (type: string) =>
          parts.map((part) => part.type === type && "text" in part ? part.text : "").join("");
        const names = parts.flatMap((part) => part.type === "tool_call" ? [part.name] : []);
        assert.equal(of("text"), sums[i]!.text);
        assert.equal(of("reasoning"), sums[i]!.thought);
        assert.deepEqual(names, sums[i]!.calls);
        if (names.length > 0) assert.equal(finish, "tool_calls");
        for (const part of parts) {
          if (part.type === "tool_call") JSON.parse(part.arguments);
          if (part.type === "tool_call") assert.match(part.id, /./);
        }
      }
    });

    it(`is written so that it reads the same: ${name}`, () => {
      const events = readAll(reader(), frames);
      const text = writeAll(codec.writeStream(asked), events);
      assert.match(text, /data: \[DONE\]\n\n$/);
      const again = readAll(reader(), framed(new TextEncoder().encode(text)));
      assertOrder(again);
      if (events.at(-1)!.type === "error") {
        const [a, b] = [events.at(-1), again.at(-1)] as (ChatEvent & { type: "error" })[];
        assert.equal(b!.fault.message, a!.fault.message);
        return;
      }
      const plain = ({ extra: _, usage, created: __, id, model, ...answer }: ChatAnswer): Json => ({
        ...answer,
        id: id || "chatcmpl-r-1",
        model: model || "m",
        usage: [usage?.input, usage?.output, usage?.cache_read, usage?.reasoning].map((n) =>
          n ?? 0
        ),
        // Parts in the middle of another are one in this format.
        choices: answer.choices.map(({ parts, finish, logprobs }) => ({
          text: parts.map((part) => part.type === "text" ? part.text : "").join(""),
          calls: parts.filter(({ type }) => type === "tool_call"),
          citations: parts.flatMap((part) => part.type === "text" ? part.citations ?? [] : [])
            .map(({ url }) => url),
          finish: finish === "stop_sequence" ? "stop" : finish,
          logprobs,
        })),
      });
      const [first, second] = [plain(assemble(events)), plain(assemble(again))];
      assert.deepEqual(second, first);
    });
  }
});

describe("Chat Completions: malformed streams", () => {
  // A small generator, so that a failure can be repeated.
  function random(seed: number): () => number {
    return () => {
      seed = Math.imul(seed ^ seed >>> 15, 2246822519) + 0x9e3779b9 | 0;
      return ((seed ^ seed >>> 13) >>> 0) / 2 ** 32;
    };
  }
  const odd = [null, 0, -1, 1e300, "", "x", [], {}, [null], [[]], true, { index: -5 }, "[DONE]"];
  function spoiled(value: unknown, next: () => number): unknown {
    if (next() < 0.04) return odd[Math.floor(next() * odd.length)];
    if (Array.isArray(value)) return value.map((one) => spoiled(one, next));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).filter(() => next() > 0.03).map((
        [key, one],
      ) => [key, spoiled(one, next)]),
    );
  }

  it("neither throw nor end in silence", () => {
    for (const [i, name] of recordings.entries()) {
      const frames = framed(loadFixture(name).responseBody).slice(0, 60);
      for (let round = 0; round < 8; round++) {
        const next = random(i * 100 + round);
        const events = frames.flatMap((event) => {
          if (next() < 0.05) return [];
          const one = next() < 0.5 ? event : { ...event, json: spoiled(event.json, next) };
          return next() < 0.05 ? [one, one] : [one];
        });
        const read = readAll(codec.readStream(target), events);
        assertOrder(read);
        assert.match(writeAll(codec.writeStream(asked), read), /data: \[DONE\]\n\n$/);
      }
    }
  });
});
