/** Deltas of Chat Completions in all the ways in which providers send them. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import { assemble } from "../../core/unified/assemble.ts";
import type { ChatAnswer, ChatEvent } from "../../core/unified/chat.ts";
import type { Target } from "../../core/unified/codec.ts";
import { openAIChat as codec } from "../../core/unified/codecs/openai-chat.ts";
import { assertOrder, readAll } from "../support/chat-events.ts";

const target: Target = { provider: "openai", model: "m", requestId: "r-1", now: () => 0 };

const read = (chunks: unknown[], done = true, provider = "openai"): ChatEvent[] =>
  readAll(codec.readStream({ ...target, provider }), [
    ...chunks.map((json) => ({ json })),
    ...done ? [{ text: "[DONE]" }] : [],
  ]);
const delta = (delta: Json, more: Json = {}): Json => ({
  id: "c",
  model: "m",
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
});
const finish = (word = "stop"): Json => delta({}, { finish_reason: word });

function answerOf(events: ChatEvent[]): ChatAnswer {
  assertOrder(events);
  assert.equal(events.at(-1)!.type, "end", JSON.stringify(events.at(-1)));
  return assemble(events);
}

const partsOf = (events: ChatEvent[]) => answerOf(events).choices[0]!.parts;

describe("Chat Completions: what streams do", () => {
  it("calls that are mixed come one after the other", () => {
    const call = (index: number, text: string, id?: string): Json => ({
      index,
      ...id !== undefined && { id, type: "function" },
      function: { ...id !== undefined && { name: `f${index}` }, arguments: text },
    });
    const events = read([
      delta({ tool_calls: [call(0, "", "a")] }),
      delta({ tool_calls: [call(0, '{"x":')] }),
      delta({ tool_calls: [call(1, '{"y":', "b")] }),
      delta({ content: "meanwhile" }),
      delta({ tool_calls: [call(0, "1")] }),
      delta({ tool_calls: [call(1, "2}"), call(0, "}")] }),
      finish("tool_calls"),
    ]);
    assert.deepEqual(
      partsOf(events).map((part) => "arguments" in part ? part.arguments : part.type),
      ['{"x":1}', '{"y":2}', "text"],
    );
  });

  const calls: [what: string, chunks: Json[][], expected: [string, string, string][]][] = [
    [
      "have no index",
      [[{ id: "a", function: { name: "f", arguments: "{}" } }, {
        id: "b",
        function: { name: "g", arguments: '{"x":1}' },
      }]],
      [["a", "f", "{}"], ["b", "g", '{"x":1}']],
    ],
    [
      "all have the index 0",
      [
        [{ index: 0, id: "a", function: { name: "f", arguments: '{"x":1}' } }],
        [{ index: 0, id: "b", function: { name: "f", arguments: '{"x":2}' } }],
      ],
      [["a", "f", '{"x":1}'], ["b", "f", '{"x":2}']],
    ],
    [
      "repeat their name and id",
      [
        [{ index: 0, id: "a", function: { name: "f", arguments: '{"x"' } }],
        [{ index: 0, id: "a", function: { name: "f", arguments: ":1}" } }],
      ],
      [["a", "f", '{"x":1}']],
    ],
    [
      "have no id",
      [[{ index: 0, function: { name: "f", arguments: "{}" } }], [{
        index: 1,
        function: { name: "g", arguments: "{}" },
      }]],
      [["call_r10", "f", "{}"], ["call_r11", "g", "{}"]],
    ],
    ["have no arguments", [[{ index: 0, id: "a", function: { name: "f" } }]], [["a", "f", "{}"]]],
    [
      "have an object for them",
      [[{ index: 0, id: "a", function: { name: "f", arguments: { x: 1 } } }]],
      [["a", "f", '{"x":1}']],
    ],
    [
      "end with one of nothing",
      [
        [{ index: 0, id: "a", type: "function", function: { name: "f", arguments: "{}" } }],
        [{ index: 0, id: null, function: { name: null, arguments: null } }],
        [{ id: null, function: { name: null, arguments: null } }],
      ],
      [["a", "f", "{}"]],
    ],
    [
      "tell their name later",
      [[{ index: 0, id: "a", function: { arguments: "" } }], [{
        index: 0,
        function: { name: "f", arguments: "{}" },
      }]],
      [["a", "f", "{}"]],
    ],
  ];
  for (const [what, chunks, expected] of calls) {
    it(`calls that ${what} are calls`, () => {
      const events = read([...chunks.map((tool_calls) => delta({ tool_calls })), finish("stop")]);
      const answer = answerOf(events);
      const found = answer.choices[0]!.parts.map((part) =>
        part.type === "tool_call" ? [part.id, part.name, part.arguments] : part.type
      );
      assert.deepEqual(found, expected);
      assert.equal(answer.choices[0]!.finish, "tool_calls");
    });
  }

  it("a call as no array, of an older server, and the oldest kind of call", () => {
    const one = { index: 0, id: "", function: { name: "f", arguments: "{}" } };
    for (const chunk of [{ tool_calls: one }, { function_call: one.function }]) {
      const [part] = partsOf(read([delta(chunk), finish("function_call")]));
      assert.ok(part?.type === "tool_call" && part.name === "f" && part.id !== "");
    }
  });

  it("free text of a custom tool", () => {
    const custom = (more: Json) => delta({ tool_calls: [{ index: 0, ...more }] });
    const [part] = partsOf(read([
      custom({ id: "a", type: "custom", custom: { name: "g", input: "no " } }),
      custom({ custom: { input: "JSON" } }),
      finish("tool_calls"),
    ]));
    assert.deepEqual(part, {
      type: "tool_call",
      id: "a",
      name: "g",
      arguments: "no JSON",
      custom: true,
    });
  });

  it("signed thoughts, from entries in pieces, and encrypted ones", () => {
    const entry = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
    const secret = { type: "reasoning.encrypted", data: "D", id: "rs_1", index: 1 };
    const parts = partsOf(read([
      delta({ reasoning: "I ", reasoning_details: [{ ...entry, text: "I " }] }),
      delta({ reasoning: "see", reasoning_details: [{ ...entry, text: "see" }] }),
      delta({ reasoning_details: [{ ...entry, signature: "S" }] }),
      delta({ content: "Yes" }),
      delta({ reasoning_details: [secret] }),
      finish(),
    ]));
    assert.deepEqual(parts, [
      {
        type: "reasoning",
        text: "I see",
        signature: { format: "openai-chat", value: JSON.stringify({ ...entry, signature: "S" }) },
      },
      { type: "text", text: "Yes" },
      {
        type: "reasoning",
        text: "",
        redacted: true,
        id: "rs_1",
        signature: { format: "openai-chat", value: JSON.stringify(secret) },
      },
    ]);
  });

  it("thoughts in the text, wherever it is cut", () => {
    const text = "\n<think>\nI see < a </b>\n</think>\n\nYes <think> it is";
    for (let size = 1; size <= text.length; size++) {
      const pieces = text.match(new RegExp(`[^]{1,${size}}`, "g"))!;
      const parts = partsOf(read([...pieces.map((content) => delta({ content })), finish()]));
      assert.deepEqual(parts, [
        { type: "reasoning", text: "I see < a </b>\n" },
        { type: "text", text: "Yes <think> it is" },
      ]);
    }
    const plain = (text: string) => partsOf(read([delta({ content: text }), finish()]));
    for (const text of ["<thin", "<b>x</b>", " ", "a <think>b</think>"]) {
      assert.deepEqual(plain(text), [{ type: "text", text }]);
    }
    assert.deepEqual(plain("<think>cut</thi"), [{ type: "reasoning", text: "cut</thi" }]);
  });

  it("Google's signatures, on text and on calls", () => {
    const extra_content = { google: { thought_signature: "G" } };
    const call = { index: 0, id: "a", function: { name: "f", arguments: "{}" }, extra_content };
    const parts = partsOf(read([
      delta({ content: "x", extra_content }),
      delta({ tool_calls: [call] }),
      finish(),
    ]));
    const signature = { format: "openai-chat", value: "G" };
    assert.deepEqual(parts.map((part) => "signature" in part && part.signature), [
      signature,
      signature,
    ]);
  });

  it("sound, pictures and refusals", () => {
    const answer = answerOf(read([
      delta({ audio: { id: "au", transcript: "He" } }),
      delta({ audio: { data: "AAAA" } }),
      delta({ audio: { transcript: "llo", data: "BBBB" } }),
      delta({ images: [{ type: "image_url", image_url: { url: "data:image/png;base64,CCCC" } }] }),
      delta({ refusal: "No" }),
      finish(),
    ]));
    assert.deepEqual(answer.choices[0]!.parts, [
      {
        type: "audio",
        source: { kind: "base64", mime: "audio/pcm", data: "AAAABBBB" },
        id: "au",
        transcript: "Hello",
      },
      { type: "image", source: { kind: "base64", mime: "image/png", data: "CCCC" } },
      { type: "refusal", text: "No" },
    ]);
    assert.equal(answer.choices[0]!.finish, "refusal");
  });

  it("probabilities of tokens, several choices, a stop sequence", () => {
    const token = { token: "a", logprob: -1, bytes: [97] };
    const content = [{ ...token, top_logprobs: [{ ...token, token: "b" }] }];
    const answer = answerOf(read([
      { choices: [{ index: 1, delta: { content: "y" } }] },
      { choices: [{ index: 0, delta: { content: "a" }, logprobs: { content } }] },
      { choices: [{ index: 0, delta: {}, finish_reason: "length" }] },
      { choices: [{ index: 1, delta: {}, finish_reason: "stop", stop_reason: "END" }] },
    ]));
    assert.deepEqual(answer.choices, [
      {
        index: 0,
        parts: [{ type: "text", text: "a" }],
        finish: "length",
        logprobs: [{ ...token, top: [{ ...token, token: "b" }] }],
      },
      {
        index: 1,
        parts: [{ type: "text", text: "y" }],
        finish: "stop_sequence",
        stop_sequence: "END",
      },
    ]);
  });

  it("ends by `finish_reason` where no `[DONE]` comes, and is cut without either", () => {
    assert.equal(read([delta({ content: "a" }), finish()], false).at(-1)!.type, "end");
    const cut = read([delta({ content: "a" })], false).at(-1)!;
    assert.ok(cut.type === "error" && cut.fault.status === 502);
    const empty = read([]).at(-1)!;
    assert.ok(empty.type === "error" && empty.fault.status === 502);
  });

  const faults: [
    what: string,
    event: { name?: string; json?: unknown; text?: string },
    number,
    string,
  ][] = [
    [
      "of OpenAI",
      { json: { error: { message: "Slow down", type: "rate_limit_error" } } },
      429,
      "rate_limit",
    ],
    [
      "of OpenRouter",
      { json: { ...delta({}), error: { code: 502, message: "Away" } } },
      502,
      "server",
    ],
    [
      "of Groq",
      {
        name: "error",
        json: { error: { message: "Bad call", code: "tool_use_failed", status_code: 400 } },
      },
      400,
      "invalid_request",
    ],
    [
      "of TGI",
      { json: { error: "Model is overloaded", error_type: "overloaded" } },
      503,
      "overloaded",
    ],
    [
      "of Mistral",
      { json: { object: "error", message: "No", type: "invalid_request_error" } },
      400,
      "invalid_request",
    ],
    [
      "of Google, in a list",
      { json: [{ error: { code: 429, message: "Quota" } }] },
      429,
      "rate_limit",
    ],
    ["that is only called one", { name: "error", json: { message: "Broken" } }, 502, "server"],
    ["that is no JSON", { text: "upstream connect error" }, 502, "server"],
  ];
  for (const [what, event, status, kind] of faults) {
    it(`an error ${what} ends it`, () => {
      const reader = codec.readStream(target);
      const events = readAll(reader, [{ json: delta({ content: "a" }) }, event, {
        json: finish(),
      }]);
      const last = events.at(-1)!;
      assert.ok(last.type === "error");
      assert.deepEqual([last.fault.status, last.fault.kind], [status, kind]);
      assert.equal(events.filter(({ type }) => type === "error" || type === "end").length, 1);
    });
  }
});
