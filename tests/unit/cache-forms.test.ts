/** One answer in several forms: the same text, tools, reasoning, usage, reason and ids in each. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { convert, type Form, formsOf, typeOf } from "../../core/cache/forms.ts";
import { readAnswer } from "../../core/formats/read.ts";
import { recordedOf, sse } from "../support/answers.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

// deno-lint-ignore no-explicit-any
type Json = any;

/** Recordings that no format's forms can carry, and why. */
const notCarried: Record<string, RegExp> = {
  "what was filtered, in places of its own":
    /^azure-openai\/(?:chat-blocked|chat-plain-2|chat-stream)/,
  "a router's report": /model-router/,
  "thoughts as parts of the content":
    /^mistral\/.*(?:reasoning|transcription)|google-ai-studio\/chat-/,
  "details of reasoning":
    /^openrouter\/chat-.*(?:reasoning|citations)|groq\/chat-.*tool-results-reasoning/,
  "sources": /^perplexity-ai\/|server-tools-citations/,
  "the older way to call functions": /openai\/chat-tools-unused/,
  "another object": /^huggingface\//,
  "logprobs of their own": /^together\//,
  "calls without a place": /^mistral\/.*tool-call/,
  "a stream without usage": /^openai\/chat-stream-plain$|^xai\/chat-stream-reasoning$/,
  "tokens that no double holds": /jsonarray-plain/,
  "half a stream": /cerebras\/vercel|openai-compatible\/vercel|reasoning-usage/,
  "a last event that says less": /reasoning-encrypted-content/,
  "several messages in one": /tool-search|spliced/,
  "a conversation that was cut short": /compaction/,
};

interface Case {
  name: string;
  forms: ReturnType<typeof formsOf>;
  from: Form;
  recorded: ReturnType<typeof recordedOf>;
}

/** Recorded answers of formats with several forms, whole and without an error. */
const cases: Case[] = fixtureNames().flatMap((name): Case[] => {
  let fixture;
  try {
    fixture = loadFixture(name);
  } catch {
    return []; // no answer was recorded
  }
  const recorded = recordedOf(fixture);
  const forms = formsOf(recorded.path);
  const { end, error, streamed } = readAnswer(recorded);
  if (forms === undefined || fixture.status !== 200 || end !== "proven" || error) return [];
  const events = recorded.contentType.includes("event-stream");
  const from = !streamed ? "plain" : events ? "stream" : "list";
  return [{ name, forms, from, recorded }];
});

const told = (recorded: Case["recorded"]) => {
  const { usage, model, finish, end, error, text } = readAnswer(recorded);
  // White space inside the arguments of a tool is not kept.
  return { usage, model, finish, end, error, text: text().replace(/\s+/g, "") };
};

describe("another form of a recorded answer", () => {
  for (const { name, forms, from, recorded } of cases) {
    const others: Form[] = from === "plain"
      ? [
        "stream",
        ...forms === "openai-chat" ? ["stream-usage" as const] : [],
        ...forms === "gemini" ? ["list" as const] : [],
      ]
      : ["plain"];
    for (const to of others) {
      const body = convert(forms, recorded.head, from, to);
      if (body === undefined) {
        it(`${name} has no ${to} form, which is known`, () => {
          assert.ok(Object.values(notCarried).some((pattern) => pattern.test(name)));
        });
        continue;
      }
      it(`${name} tells the same as ${to}`, () => {
        const said = told({ ...recorded, head: body, contentType: typeOf(to) });
        // Deltas of these recordings were cut by hand.
        if (/stream-phase|x-search-tool|code-execution-tool-1|stream-tool-call-usage/.test(name)) {
          said.text = told(recorded).text;
        }
        assert.deepEqual(said, told(recorded));
      });
      if (from === "plain") {
        it(`${name} is itself again, from ${to}`, () => {
          const back = convert(forms, body, to, "plain");
          assert.ok(back !== undefined);
          assert.deepEqual(
            settled(JSON.parse(decoder.decode(back))),
            settled(JSON.parse(decoder.decode(recorded.head))),
          );
        });
      }
    }
  }
  it("is there for most of them", () => {
    const without = cases.filter(({ name }) =>
      Object.values(notCarried).some((pattern) => pattern.test(name))
    );
    assert.ok(
      cases.length > 250 && without.length < cases.length / 4,
      `${without.length} of ${cases.length}`,
    );
  });
});

/** Without what says nothing: members that are null or empty, places in a list, names of objects. */
function settled(value: Json): Json {
  if (Array.isArray(value)) {
    // Google's parts of one kind are one.
    return value.map(settled);
  }
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([key, item]) =>
    item !== null && !(Array.isArray(item) && item.length === 0) && key !== "object" &&
    key !== "index"
  ).map(([key, item]) => [key, settled(item)] as const)
    .filter(([, item]) => JSON.stringify(item) !== "{}");
  const whole = Object.fromEntries(members);
  if (
    Array.isArray(whole.parts) &&
    whole.parts.every((part: Json) => Object.keys(part).join() === "text")
  ) {
    whole.parts = [{ text: whole.parts.map(({ text }: Json) => text).join("") }];
  }
  return whole;
}

const chunk = (choices: Json[], more: Json = {}) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "gpt-4o-mini",
  choices,
  ...more,
});
const delta = (delta: Json, finish: string | null = null, index = 0) => ({
  index,
  delta,
  finish_reason: finish,
});
const usage = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 };
const plainOf = (events: Json[]) => {
  const body = convert(
    "openai-chat",
    encoder.encode(sse([...events, "[DONE]"])),
    "stream",
    "plain",
  );
  return body && JSON.parse(decoder.decode(body));
};
const eventsOf = (body: Json, form: Form) => {
  const bytes = convert("openai-chat", encoder.encode(JSON.stringify(body)), "plain", form);
  if (bytes === undefined) return undefined;
  return decoder.decode(bytes).split("\n\n").filter((event) => event !== "")
    .map((event) => event.slice(6)).map((data) => data === "[DONE]" ? data : JSON.parse(data));
};

describe("OpenAI chat", () => {
  it("puts together text, calls and reasoning of several choices", () => {
    const plain = plainOf([
      chunk([
        delta({ role: "assistant", content: "", reasoning_content: "Hm" }),
        delta({ role: "assistant", content: null }, null, 1),
      ]),
      chunk([
        delta({ reasoning_content: "m" }),
        delta(
          {
            tool_calls: [{
              index: 0,
              id: "a",
              type: "function",
              function: { name: "f", arguments: "" },
            }],
          },
          null,
          1,
        ),
      ]),
      chunk([
        delta({ content: "He" }),
        delta(
          {
            tool_calls: [{ index: 0, function: { arguments: '{"a"' } }, {
              index: 1,
              id: "b",
              type: "function",
              function: { name: "g", arguments: "{}" },
            }],
          },
          null,
          1,
        ),
      ]),
      chunk([
        delta({ content: "y" }),
        delta({ tool_calls: [{ index: 0, function: { arguments: ":1}" } }] }, null, 1),
      ]),
      chunk([delta({}, "stop"), delta({}, "tool_calls", 1)]),
      chunk([], { usage }),
    ]);
    assert.deepEqual(plain.choices[0].message, {
      role: "assistant",
      content: "Hey",
      reasoning_content: "Hmm",
    });
    assert.deepEqual(plain.choices[1].message.content, null);
    assert.deepEqual(plain.choices[1].message.tool_calls, [
      { id: "a", type: "function", function: { name: "f", arguments: '{"a":1}' } },
      { id: "b", type: "function", function: { name: "g", arguments: "{}" } },
    ]);
    assert.deepEqual(plain.choices.map((choice: Json) => choice.finish_reason), [
      "stop",
      "tool_calls",
    ]);
    assert.deepEqual(plain.usage, usage);
  });

  const whole = {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "gpt-4o-mini",
    choices: [{
      index: 0,
      message: { role: "assistant", content: "Hey", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    }],
    usage,
    service_tier: "default",
  };

  it("ends with usage in an event of its own only where that was asked for", () => {
    const asked = eventsOf(whole, "stream-usage")!;
    assert.deepEqual(asked.at(-2).choices, []);
    assert.deepEqual(asked.at(-2).usage, usage);
    assert.ok(asked.slice(0, -2).every((event: Json) => event.usage === null));
    const plain = eventsOf(whole, "stream")!;
    assert.ok(plain.slice(0, -1).every((event: Json) => event.choices.length === 1));
    assert.equal(plain.at(-1), "[DONE]");
  });

  const cannot: [string, Json][] = [
    ["a member of a choice that nobody knows", {
      ...whole,
      choices: [{ ...whole.choices[0], content_filter_results: { hate: { filtered: false } } }],
    }],
    ["a member of a message that nobody knows", {
      ...whole,
      choices: [{
        ...whole.choices[0],
        message: { role: "assistant", content: "a", audio: { id: "x" } },
      }],
    }],
    ["citations", { ...whole, citations: ["https://example.com"] }],
    ["content in parts", {
      ...whole,
      choices: [{
        ...whole.choices[0],
        message: { role: "assistant", content: [{ type: "text", text: "a" }] },
      }],
    }],
    ["a choice that has not ended", {
      ...whole,
      choices: [{ ...whole.choices[0], finish_reason: null }],
    }],
    ["no choices", { ...whole, choices: [] }],
    ["no usage", { ...whole, usage: undefined }],
    ["an error", { error: { message: "no" } }],
  ];
  for (const [what, body] of cannot) {
    it(`is not streamed with ${what}`, () => assert.equal(eventsOf(body, "stream"), undefined));
  }

  const broken: [string, Json[]][] = [
    ["no usage", [chunk([delta({ role: "assistant", content: "a" }, "stop")])]],
    ["no end", [chunk([delta({ role: "assistant", content: "a" })], { usage })]],
    ["two ids", [
      chunk([delta({ content: "a" })]),
      chunk([delta({}, "stop")], { usage, id: "other" }),
    ]],
    ["an event that nobody knows", [
      { type: "x" },
      chunk([delta({ content: "a" }, "stop")], { usage }),
    ]],
    ["an error in it", [chunk([delta({ content: "a" }, "stop")], { usage }), {
      error: { message: "no" },
    }]],
    ["calls out of order", [
      chunk([delta({ tool_calls: [{ index: 3, id: "a", function: { name: "f" } }] }, "stop")], {
        usage,
      }),
    ]],
    ["a place that is none", [chunk([delta({ content: "a" }, "stop", -1)], { usage })]],
    ["text that is none", [chunk([delta({ content: 5 }, "stop")], { usage })]],
    ["sources", [chunk([delta({ content: "a" }, "stop")], { usage, citations: ["a"] })]],
  ];
  for (const [what, events] of broken) {
    it(`is not made plain with ${what}`, () => assert.equal(plainOf(events), undefined));
  }

  it("leaves a number that would lose digits where it is", () => {
    const text = JSON.stringify(whole).replace('"created":1', '"created":12345678901234567890');
    assert.equal(convert("openai-chat", encoder.encode(text), "plain", "stream"), undefined);
  });
});

describe("forms", () => {
  it("are none of what is no JSON, and nothing throws", () => {
    for (
      const name of ["openai-chat", "anthropic", "openai-responses", "gemini", "cohere"] as const
    ) {
      for (
        const text of [
          "",
          "{",
          "[]",
          "null",
          "data: x\n\n",
          'data: {"a":1}\n\n',
          '{"choices":{}}',
          '{"content":[1],"type":"message"}',
          '{"object":"response","status":"completed","output":[{}]}',
          '{"candidates":[[]]}',
          '{"__proto__":{"a":1}}',
          `{"choices":${"[".repeat(5000)}`,
        ]
      ) {
        for (
          const [from, to] of [["plain", "stream"], ["stream", "plain"], ["list", "plain"], [
            "plain",
            "list",
          ]] as const
        ) {
          const made = convert(name, encoder.encode(text), from, to);
          if (made !== undefined) assert.ok(made.length > 0);
        }
      }
    }
  });

  it("are known by the path", () => {
    assert.equal(formsOf("v1/chat/completions"), "openai-chat");
    assert.equal(formsOf("res/dep/chat/completions"), "openai-chat");
    assert.equal(formsOf("v1/messages"), "anthropic");
    assert.equal(formsOf("responses"), "openai-responses");
    assert.equal(formsOf("v2/chat"), "cohere");
    assert.equal(formsOf("v1beta/models/gemini-2.5-flash:streamGenerateContent"), "gemini");
    for (
      const path of [
        "v1/messages/count_tokens",
        "v1/responses/resp_1",
        "v1/completions",
        "v1/models",
      ]
    ) {
      assert.equal(formsOf(path), undefined, path);
    }
  });
});
