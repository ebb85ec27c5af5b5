/** Streams of Anthropic Messages: read from providers, written for clients, parsed by the official SDK. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import { assemble } from "../../core/unified/assemble.ts";
import type { ChatEvent } from "../../core/unified/chat.ts";
import { anthropicMessages as codec } from "../../core/unified/codecs/anthropic.ts";
import { bytesOf, check, read, sse, streams, target, written } from "./unified-anthropic.ts";

describe("Anthropic Messages: streams that are not as they should be", () => {
  const start = {
    type: "message_start",
    message: { id: "i", model: "m", usage: { input_tokens: 1 } },
  };
  const open = (index: number, content_block: Json) => ({
    type: "content_block_start",
    index,
    content_block,
  });
  const stop = (index: number) => ({ type: "content_block_stop", index });
  const delta = (index: number, delta: Json) => ({ type: "content_block_delta", index, delta });
  const done = [
    { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 2 } },
    { type: "message_stop" },
  ];
  const call = { type: "tool_use", id: "t", name: "f" };
  const partsOf = (...events: Json[]) => {
    const all = read(sse(start, ...events, ...done));
    check(all);
    assert.equal(all.at(-1)!.type, "end");
    return assemble(all).choices[0]!;
  };

  it("calls without arguments, or with all of them at the start", () => {
    const empty = partsOf(open(0, { ...call, input: {} }), stop(0));
    assert.deepEqual(empty.parts, [{ type: "tool_call", id: "t", name: "f", arguments: "{}" }]);
    assert.equal(empty.finish, "tool_calls");
    const early = partsOf(open(0, { ...call, input: { a: 1 } }), stop(0));
    assert.deepEqual((early.parts[0] as { arguments?: string }).arguments, '{"a":1}');
  });

  it("the answer's own tool, and one of free text", () => {
    const named = (name: string) => ({ ...call, name, input: {} });
    const json = partsOf(
      open(0, named("sluice_answer")),
      delta(0, { type: "input_json_delta", partial_json: "" }),
      delta(0, { type: "input_json_delta", partial_json: '{"a":' }),
      delta(0, { type: "input_json_delta", partial_json: "1}" }),
      stop(0),
    );
    assert.deepEqual(json.parts, [{ type: "text", text: '{"a":1}' }]);
    assert.equal(json.finish, "stop");
    const text = partsOf(
      open(0, named("patch__freeform")),
      delta(0, { type: "input_json_delta", partial_json: '{"input":"*** ' }),
      delta(0, { type: "input_json_delta", partial_json: 'Begin"}' }),
      stop(0),
    );
    assert.deepEqual(text.parts, [
      { type: "tool_call", id: "t", name: "patch", arguments: "*** Begin", custom: true },
    ]);
  });

  it("blocks that are not closed, deltas and events that are new", () => {
    const { parts } = partsOf(
      open(0, { type: "text", text: "a" }),
      delta(0, { type: "shiny_delta", shine: 1 }),
      { type: "shiny_event" },
      open(1, { type: "shiny_block", content: "x" }),
      delta(1, { type: "shiny_delta", content: "y" }),
      stop(1),
    );
    assert.deepEqual(parts, [
      { type: "text", text: "a" },
      {
        type: "native",
        format: "anthropic-messages",
        value: { type: "shiny_block", content: "xy" },
      },
    ]);
  });

  it("end with an error where content would be lost", () => {
    const message = (...events: Json[]) => {
      const all = read(sse(...events));
      check(all);
      const last = all.at(-1)!;
      assert.ok(last.type === "error");
      assert.equal(last.fault.status, 502);
      return last.fault.message;
    };
    const piece = delta(0, { type: "text_delta", text: "a" });
    assert.match(message(start, piece), /a piece of a block that is not open$/);
    assert.match(message(start, open(1, { type: "text" }), piece), /not open$/);
    assert.match(
      message(start, open(0, { type: "text", text: "" }), piece),
      /no end of its answer$/,
    );
    assert.match(message(start), /no end/);
    assert.match(message(), /^Provider 'anthropic' sent no end/);
    assert.match(message(start, open(0, { type: "tool_use", id: 5 })), /cannot be read$/);
    const broken = read(bytesOf('event: content_block_delta\ndata: {"type":\n\n'));
    check(broken);
    assert.equal(broken.at(-1)!.type, "error");
  });

  it("may end after their last delta", () => {
    const all = read(sse(start, done[0]!));
    check(all);
    assert.equal(all.at(-1)!.type, "end");
  });

  it("tell an exception of Bedrock", () => {
    const events: ChatEvent[] = [];
    const reader = codec.readStream(target());
    const json = { error: { code: "throttlingException", message: "Slow down" } };
    reader.event({ json }, (event) => void events.push(event));
    reader.end((event) => void events.push(event));
    assert.deepEqual(events.map(({ type }) => type), ["error"]);
    assert.equal((events[0] as { fault?: Json }).fault?.kind, "rate_limit");
  });

  it("never throw, hang or end in silence, whatever is in them", () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % below;
    };
    const odd = [null, 0, -1, 1e308, "", "x", [], {}, true, { type: "text" }, "__proto__"];
    const mutate = (value: unknown, depth = 0): unknown => {
      if (random(12) === 0) return odd[random(odd.length)];
      if (Array.isArray(value)) return value.map((one) => mutate(one, depth + 1));
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).filter(() => random(15) > 0)
          .map(([name, inner]) => [name, mutate(inner, depth + 1)]),
      );
    };
    const texts = streams.filter(({ type }) =>
      type.includes("event-stream") && !type.includes("amazon")
    )
      .map(({ responseBody }) => responseBody.toString());
    for (let round = 0; round < 300; round++) {
      const lines = texts[random(texts.length)]!.slice(0, 6000).split("\n\n");
      const events: ChatEvent[] = [];
      const emit = (event: ChatEvent) => void events.push(event);
      const reader = codec.readStream(target());
      for (const line of lines) {
        const data = /^data: ?(.*)$/m.exec(line)?.[1] ?? "";
        if (random(25) === 0) continue;
        let json: unknown;
        try {
          json = mutate(JSON.parse(data));
        } catch {
          reader.event({ text: data }, emit);
          continue;
        }
        reader.event({ json }, emit);
        if (random(25) === 0) reader.event({ json }, emit);
      }
      reader.end(emit);
      reader.end(emit);
      check(events);
      assert.doesNotThrow(() => written(events));
    }
  });
});
