/** Streams of Bedrock's Converse: read from providers, written for clients, parsed by the official SDK. */
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  type ConverseStreamOutput,
} from "@aws-sdk/client-bedrock-runtime";
import { strict as assert } from "node:assert";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import { assemble } from "../../core/unified/assemble.ts";
import type { ChatAnswer, ChatEvent, Part } from "../../core/unified/chat.ts";
import { bedrockConverse as codec } from "../../core/unified/codecs/bedrock.ts";
import { eventsOf } from "../../core/unified/events.ts";
import { check } from "./unified-anthropic.ts";
import { asked, haiku, read, readEvents, recorded, target, written } from "./unified-bedrock.ts";

const streams = recorded("converse-stream").filter(({ status }) => status === 200);

/** The official client, to which an answer comes in pieces of seven bytes. */
function client(status: number, type: string, bytes: Uint8Array): BedrockRuntimeClient {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 7) pieces.push(bytes.slice(at, at + 7));
  return new BedrockRuntimeClient({
    region: "us-east-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    maxAttempts: 1,
    requestHandler: {
      handle: () =>
        Promise.resolve({
          response: {
            statusCode: status,
            headers: { "content-type": type },
            body: Readable.from(pieces),
          },
        }),
    } as never,
  });
}

async function parsed(bytes: Uint8Array): Promise<ConverseStreamOutput[]> {
  const command = new ConverseStreamCommand({ modelId: haiku, messages: [] });
  const { stream } = await client(200, codec.streamType, bytes).send(command);
  const events: ConverseStreamOutput[] = [];
  for await (const event of stream!) events.push(event);
  return events;
}

const answer: ChatAnswer = {
  format: "openai-chat",
  id: "i",
  model: "m",
  choices: [{
    index: 0,
    finish: "tool_calls",
    parts: [
      {
        type: "reasoning",
        text: "hm…",
        id: "rs_1",
        signature: { format: "openai-responses", value: "enc" },
      },
      {
        type: "reasoning",
        text: "",
        redacted: true,
        signature: { format: "anthropic-messages", value: "x" },
      },
      {
        type: "text",
        text: "Grüße",
        citations: [{ type: "url", url: "https://a.b/c", title: "t" }],
      },
      {
        type: "tool_call",
        id: "c1",
        name: "f",
        arguments: '{"a":1}',
        signature: { format: "gemini", value: "g" },
      },
      { type: "tool_call", id: "c2", name: "g", arguments: "{}" },
    ],
  }],
  usage: { input: 10, output: 5, cache_read: 4, cache_write: 2, cache_write_1h: 1 },
};

describe("Bedrock Converse: recorded streams", () => {
  for (const { name, model, answer } of streams) {
    it(`${name} is read in order, and stays what it is`, () => {
      const events = read(answer, model);
      check(events);
      const failed = name.includes("midstream");
      assert.equal(events.at(-1)!.type, failed ? "error" : "end");
      const again = read(written(events), model);
      assert.deepEqual(assemble(again), assemble(events));
      if (failed) return;
      const { choices: [choice], usage } = assemble(events);
      assert.notEqual(choice!.finish, "error");
      assert.ok(choice!.parts.length > 0 && usage!.output! > 0);
      for (const part of choice!.parts) if (part.type === "tool_call") JSON.parse(part.arguments);
    });

    it(`${name}, cut anywhere, ends with an error`, () => {
      const whole = read(answer, model).length;
      for (const part of [0.1, 0.5, 0.7]) {
        const events = read(answer.subarray(0, Math.floor(answer.length * part)), model);
        check(events);
        if (events.length < whole - 2) assert.equal(events.at(-1)!.type, "error");
      }
    });
  }
});

describe("Bedrock Converse: streams of any provider", () => {
  it("are what the official client reads", async () => {
    const events = await parsed(written(eventsOf(answer)));
    const kinds = events.map((event) => Object.keys(event)[0]);
    assert.deepEqual([kinds[0], ...kinds.slice(-2)], ["messageStart", "messageStop", "metadata"]);
    const deltas = events.flatMap(({ contentBlockDelta: one }) => one === undefined ? [] : [one]);
    assert.equal(deltas.find(({ delta }) => delta?.text)?.delta?.text, "Grüße");
    const names = events.flatMap(({ contentBlockStart: one }) => one?.start?.toolUse?.name ?? []);
    assert.deepEqual(names, ["f", "g"]);
    assert.equal(events.at(-2)!.messageStop!.stopReason, "tool_use");
    const { usage } = events.at(-1)!.metadata!;
    assert.deepEqual([usage!.inputTokens, usage!.cacheReadInputTokens, usage!.totalTokens], [
      4,
      4,
      15,
    ]);
    assert.deepEqual(usage!.cacheDetails, [{ ttl: "1h", inputTokens: 1 }, {
      ttl: "5m",
      inputTokens: 1,
    }]);
  });

  it("keep signatures of other formats through the loop of a client", () => {
    const body = codec.writeAnswer(answer, asked) as { output: { message: Json } };
    const fromAnswer = codec.readRequest({ messages: [body.output.message] }, { model: haiku });
    // What a client puts together from the stream.
    const streamed = codec.readRequest({ messages: [together(written(eventsOf(answer)))] }, {
      model: haiku,
    });
    const signed = (parts: Part[]) =>
      parts.map((
        part,
      ) => [part.type, "signature" in part ? part.signature : undefined, "id" in part && part.id]);
    const wanted = signed(answer.choices[0]!.parts);
    assert.deepEqual(signed(fromAnswer.messages[0]!.parts), wanted);
    assert.deepEqual(signed(streamed.messages[0]!.parts), wanted);
  });

  it("raise the client's own classes when they fail", async () => {
    const start: ChatEvent = { type: "start", id: "", model: "m" };
    const rows = [
      ["rate_limit", "ThrottlingException"],
      ["overloaded", "ServiceUnavailableException"],
      ["server", "InternalServerException"],
      ["timeout", "ModelStreamErrorException"],
      ["invalid_request", "ValidationException"],
    ] as const;
    for (const [kind, name] of rows) {
      const fault = { status: 500, kind, message: "slow down" };
      await assert.rejects(
        parsed(written([start, { type: "error", fault }])),
        (error: Error) => error.name === name && error.message === "slow down",
      );
      const body = codec.writeFault(fault, "id");
      const bytes = new TextEncoder().encode(JSON.stringify(body));
      const whole = kind === "timeout" ? "ModelTimeoutException" : name;
      await assert.rejects(
        client(429, "application/json", bytes).send(
          new ConverseCommand({ modelId: "m", messages: [] }),
        ),
        (error: Error) => error.name === whole && error.message === "slow down",
      );
    }
  });

  it("whole answers as well", async () => {
    const bytes = new TextEncoder().encode(JSON.stringify(codec.writeAnswer(answer, asked)));
    const command = new ConverseCommand({ modelId: "m", messages: [] });
    const { output, stopReason, usage } = await client(200, "application/json", bytes).send(
      command,
    );
    const [thought, redacted, text, call, kept] = output!.message!.content!;
    assert.equal(thought!.reasoningContent!.reasoningText!.text, "hm…");
    assert.ok(redacted!.reasoningContent!.redactedContent instanceof Uint8Array);
    assert.equal(text!.citationsContent!.citations![0]!.location!.web!.domain, "a.b");
    assert.deepEqual(call!.toolUse!.input, { a: 1 });
    assert.ok(kept!.reasoningContent!.redactedContent instanceof Uint8Array);
    assert.equal(stopReason, "tool_use");
    assert.equal(usage!.inputTokens, 4);
  });
});

/** The message of a stream, as clients put it together. */
function together(bytes: Uint8Array): Json {
  const content: Json[] = [];
  for (const event of jsons(bytes)) {
    const { contentBlockIndex: index = 0, start, delta } =
      (event.contentBlockStart ?? event.contentBlockDelta ?? {}) as {
        contentBlockIndex?: number;
        start?: Json;
        delta?: Record<string, never>;
      };
    if (start !== undefined) content[index] = { toolUse: { ...start.toolUse as Json, input: "" } };
    if (delta === undefined) continue;
    const block = (content[index] ??= {}) as Record<string, Json>;
    const { text, toolUse, reasoningContent: thought } = delta as Record<string, unknown>;
    if (typeof text === "string") (block as Json).text = ((block as Json).text ?? "") + text;
    if (toolUse !== undefined) block.toolUse!.input += (toolUse as { input: string }).input;
    if (thought !== undefined) {
      const { redactedContent, text = "", signature } = thought as Record<string, string>;
      const known = (block.reasoningContent ??= {}) as Record<string, unknown>;
      if (redactedContent !== undefined) known.redactedContent = redactedContent;
      else {
        const told = (known.reasoningText ??= { text: "" }) as Json;
        told.text += text;
        if (signature !== undefined) told.signature = signature;
      }
    }
  }
  for (const { toolUse } of content as Record<string, Json>[]) {
    if (toolUse !== undefined) toolUse.input = JSON.parse(String(toolUse.input));
  }
  return { role: "assistant", content };
}

function jsons(bytes: Uint8Array): Json[] {
  const found: Json[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const [total, headers] = [view.getUint32(at), view.getUint32(at + 4)];
    const head = new TextDecoder().decode(bytes.subarray(at + 12, at + 12 + headers));
    const text = new TextDecoder().decode(bytes.subarray(at + 12 + headers, at + total - 4));
    const type = /:event-type[^\w]*(\w+?)\W/.exec(head)![1]!;
    found.push({ [type]: JSON.parse(text) });
    at += total;
  }
  return found;
}

describe("Bedrock Converse: streams that are not as they should be", () => {
  const start = { messageStart: { role: "assistant" } };
  const delta = (contentBlockIndex: number, delta: unknown) => ({
    contentBlockDelta: { contentBlockIndex, delta },
  });
  const open = (contentBlockIndex: number, toolUse: Json) => ({
    contentBlockStart: { contentBlockIndex, start: { toolUse } },
  });
  const close = (contentBlockIndex: number) => ({ contentBlockStop: { contentBlockIndex } });
  const stop = { messageStop: { stopReason: "tool_use" } };
  const partsOf = (...events: unknown[]) => {
    const all = readEvents(start, ...events, stop);
    check(all);
    assert.equal(all.at(-1)!.type, "end");
    return assemble(all).choices[0]!;
  };

  it("calls without arguments", () => {
    const { parts, finish } = partsOf(open(0, { toolUseId: "t", name: "f" }), close(0));
    assert.deepEqual(parts, [{ type: "tool_call", id: "t", name: "f", arguments: "{}" }]);
    assert.equal(finish, "tool_calls");
  });

  it("the answer's own tool, and one of free text", () => {
    const json = partsOf(
      open(0, { toolUseId: "t", name: "sluice_answer" }),
      delta(0, { toolUse: { input: '{"a":' } }),
      delta(0, { toolUse: { input: "1}" } }),
      close(0),
    );
    assert.deepEqual(json.parts, [{ type: "text", text: '{"a":1}' }]);
    assert.equal(json.finish, "stop");
    const free = partsOf(
      open(0, { toolUseId: "t", name: "patch__freeform" }),
      delta(0, { toolUse: { input: '{"input":"***' } }),
      delta(0, { toolUse: { input: ' x"}' } }),
      close(0),
    );
    assert.deepEqual(free.parts, [{
      type: "tool_call",
      id: "t",
      name: "patch",
      arguments: "*** x",
      custom: true,
    }]);
  });

  it("blocks of Amazon's own tools, pieces of hidden thoughts, images", () => {
    const use = { toolUseId: "t", name: "nova_grounding", type: "server_tool_use" };
    const { parts } = partsOf(
      open(0, use),
      delta(0, { toolUse: { input: '{"query":"a"}' } }),
      close(0),
      {
        contentBlockStart: {
          contentBlockIndex: 1,
          start: { toolResult: { toolUseId: "t", type: "r" } },
        },
      },
      delta(1, { toolResult: [{ text: "found" }] }),
      close(1),
      delta(2, { reasoningContent: { redactedContent: btoa("ab") } }),
      delta(2, { reasoningContent: { redactedContent: btoa("cd") } }),
      close(2),
      { contentBlockStart: { contentBlockIndex: 3, start: { image: { format: "png" } } } },
      delta(3, { image: { source: { bytes: "aGk=" } } }),
      close(3),
    );
    const native = (value: Json) => ({ type: "native", format: "bedrock-converse", value });
    assert.deepEqual(parts, [
      native({ toolUse: { ...use, input: { query: "a" } } }),
      native({ toolResult: { toolUseId: "t", type: "r", content: [{ text: "found" }] } }),
      {
        type: "reasoning",
        text: "",
        redacted: true,
        signature: { format: "bedrock-converse", value: btoa("abcd") },
      },
      { type: "image", source: { kind: "base64", mime: "image/png", data: "aGk=" } },
    ]);
  });

  it("what would be lost is an error, what is new is passed over", () => {
    const ends = (...events: unknown[]) => readEvents(start, ...events).at(-1)!.type;
    assert.equal(ends(delta(0, null)), "error");
    assert.equal(ends(delta(0, { text: 5 })), "error");
    assert.equal(ends(delta(0, { toolUse: { input: "{" } })), "error");
    assert.equal(ends("text"), "error");
    assert.equal(ends({ somethingNew: {} }, delta(0, { new: 1 }), stop), "end");
    assert.equal(ends(delta(0, { text: "a" })), "error");
  });

  it("mutated events never throw, hang or end in silence", () => {
    const values: unknown[] = [
      null,
      0,
      -1,
      1e400,
      "x",
      "{",
      [],
      {},
      { __proto__: null },
      { toString: 1 },
      true,
    ];
    let seed = 7;
    const random = (below: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % below;
    const mutated = (value: unknown): unknown => {
      if (random(12) === 0) return values[random(values.length)];
      if (typeof value !== "object" || value === null) return value;
      if (Array.isArray(value)) return value.map(mutated);
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [name, mutated(inner)]),
      );
    };
    const all = streams.flatMap(({ answer }) => jsonsOf(answer));
    for (let round = 0; round < 400; round++) {
      const from = random(all.length);
      const events = readEvents(start, ...all.slice(from, from + 30).map(mutated));
      check(events);
      codec.writeStream(asked);
      written(events);
    }
  });
});

function jsonsOf(bytes: Uint8Array): unknown[] {
  try {
    return jsons(bytes);
  } catch {
    return [];
  }
}

describe("Bedrock Converse: answers that are not as they should be", () => {
  it("are read as far as they can be", () => {
    for (
      const output of [null, 1, {}, { message: [] }, {
        message: { content: [{ text: 1 }, null, { text: "a" }] },
      }]
    ) {
      const { choices } = codec.readAnswer({ output, stopReason: 5, usage: [] } as Json, target());
      assert.ok(choices[0]!.parts.length <= 1);
    }
  });
});
