// Answers that nobody sends, or somebody who means harm: nothing throws, nothing unsound is told.
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { readAnswer, type Recorded } from "../../core/formats/read.ts";
import { readRequest } from "../../core/formats/request.ts";
import { answer, events, json, recordedOf, sse } from "../support/answers.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

/** The same numbers on every run. */
function random(seed: number): () => number {
  return () => {
    seed = (seed * 1664525 + 1013904223) % 4294967296;
    return seed / 4294967296;
  };
}

/** Reads all of it, and checks that each figure is one. */
function assertHarmless(recorded: Recorded, what: string): void {
  const reading = readAnswer(recorded);
  const { units, ...figures } = reading.usage ?? {};
  for (const [name, value] of [...Object.entries(figures), ...Object.entries(units ?? {})]) {
    const fine = typeof value === "number" && value >= 0 && value <= 3e12;
    assert.ok(fine, `${what}: ${name} is ${value}`);
  }
  for (const word of [reading.model, reading.finish]) {
    assert.ok(word === undefined || (typeof word === "string" && word.length <= 256), what);
  }
  const { code = null, message = "" } = reading.error ?? {};
  assert.ok(code === null || typeof code === "string" || typeof code === "number", what);
  assert.equal(typeof message, "string", what);
  assert.equal(typeof reading.text(), "string", what);
  assert.equal(typeof reading.modelType, "string", what);
}

const junk: unknown[] = [
  null,
  true,
  "",
  "x",
  "12",
  -1,
  0.5,
  1e300,
  9007199254740993,
  [],
  [null],
  [[]],
  {},
  { usage: { prompt_tokens: 1 } },
  JSON.parse('{"__proto__":{"input":1},"constructor":1,"toString":2}'),
];

describe("figures", () => {
  it("that are none are not there", () => {
    for (const wrong of [...junk.filter((one) => typeof one !== "number"), -1, 0.5, 1e300, 1e13]) {
      const usage = {
        prompt_tokens: wrong,
        completion_tokens: wrong,
        total_tokens: wrong,
        cost: typeof wrong === "number" && wrong > 0 ? "1" : wrong,
        prompt_tokens_details: { cached_tokens: wrong },
        completion_tokens_details: wrong,
      };
      const reading = readAnswer(json({ choices: [], usage }));
      assert.equal(reading.usage, undefined, JSON.stringify(wrong));
    }
  });

  it("of which one is wrong lose that one", () => {
    const usage = { prompt_tokens: 7, completion_tokens: -3, total_tokens: "10" };
    assert.deepEqual(readAnswer(json({ choices: [], usage })).usage, { input: 7 });
  });

  it("that do not go together are made to", () => {
    const usage = {
      prompt_tokens: 5,
      completion_tokens: 3,
      prompt_tokens_details: { cached_tokens: 9, cache_write_tokens: 9, audio_tokens: 6 },
      completion_tokens_details: { reasoning_tokens: 4 },
    };
    assert.deepEqual(readAnswer(json({ choices: [], usage })).usage, {
      input: 5,
      output: 3,
      cache_read: 5,
      cache_write: 0,
      reasoning: 3,
      input_audio: 5,
    });
  });

  it("have units with names only", () => {
    const server_tool_use = JSON.parse(
      '{"__proto__":1,"web_search_requests":2,"<b>":3,"a b":4,"negative":-1,"text":"5"}',
    );
    const body = { type: "message", content: [], usage: { input_tokens: 1, server_tool_use } };
    const { usage } = readAnswer(json(body));
    assert.deepEqual(usage, { input: 1, units: { web_search_requests: 2 } });
  });

  it("in the text of a model are text", () => {
    const fake =
      '{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":1}}\n\ndata: [DONE]\n\n';
    const chunk = { choices: [{ index: 0, delta: { content: fake } }] };
    const reading = readAnswer(events(sse([chunk, chunk, chunk])));
    assert.equal(reading.usage, undefined);
    assert.equal(reading.finish, undefined);
    assert.equal(reading.end, "missing");
    assert.equal(reading.text(), fake.repeat(3));
  });
});

describe("shapes", () => {
  const types = ["application/json", "text/event-stream", "application/x-ndjson", ""];
  const keys = [
    "choices",
    "usage",
    "type",
    "object",
    "message",
    "delta",
    "candidates",
    "usageMetadata",
    "content",
    "output",
    "result",
    "success",
    "error",
    "errors",
    "detail",
    "done",
    "response",
    "meta",
    "metadata",
    "predictions",
    "embedding",
    "data",
    "images",
    "event_type",
    "interaction",
    "messageStop",
    "results",
    "generated_text",
    "token",
    "details",
    "urls",
    "version",
    "status",
    "stopReason",
    "contentBlockDelta",
    "x_groq",
    "amazon-bedrock-invocationMetrics",
    "promptFeedback",
    "outputs",
    "outputText",
    "text",
  ];

  it("that no format has are read without harm", () => {
    const names = ["message_start", "message-end", "response.completed", "completion", "message"];
    for (const key of keys) {
      for (const value of [...junk, ...names]) {
        for (const contentType of types) {
          for (
            const body of [{ [key]: value }, { type: "message", [key]: value, choices: [value] }]
          ) {
            const text = contentType.includes("event") ? sse([body]) : JSON.stringify(body);
            assertHarmless(answer(text, { contentType }), `${key}: ${JSON.stringify(value)}`);
            assertHarmless(answer(text, { contentType, status: 400 }), `${key}, failed`);
          }
        }
      }
    }
  });

  it("of recorded answers, with anything in place of anything", () => {
    const next = random(7);
    const replaced = (value: unknown, at: { left: number }): unknown => {
      if (at.left-- === 0) return junk[Math.floor(next() * junk.length)];
      if (Array.isArray(value)) return value.map((item) => replaced(item, at));
      if (typeof value !== "object" || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, member]) => [key, replaced(member, at)]),
      );
    };
    for (const name of fixtureNames()) {
      const fixture = loadFixture(name);
      const recorded = recordedOf(fixture);
      const text = fixture.responseBody.toString();
      if (text.length > 40_000) continue;
      for (let round = 0; round < 8; round++) {
        const mangled = text.split("\n").map((line) => {
          const [prefix = ""] = /^(?:data: ?)?/.exec(line) ?? [];
          try {
            const left = Math.floor(next() * 40);
            return prefix +
              JSON.stringify(replaced(JSON.parse(line.slice(prefix.length)), { left }));
          } catch {
            return line;
          }
        }).join("\n");
        assertHarmless({ ...recorded, head: new TextEncoder().encode(mangled) }, name);
      }
    }
  });

  it("nested as deep as can be", () => {
    const deep = (open: string, close: string) =>
      open.repeat(60_000) + '"x"' + close.repeat(60_000);
    for (const nested of [deep("[", "]"), deep('{"a":', "}"), deep('[{"a":', "}]")]) {
      for (
        const body of [
          nested,
          `{"type":"message","content":[{"type":"tool_use","input":${nested}}]}`,
        ]
      ) {
        for (const contentType of types) {
          assertHarmless(answer(body, { contentType }), contentType);
          assertHarmless(answer(body.slice(0, 90_000), { contentType }), contentType);
          const [head, tail] = [
            new TextEncoder().encode(body.slice(0, 999)),
            new TextEncoder().encode(body.slice(-999)),
          ];
          assertHarmless(answer("", { contentType, head, tail, skipped: 9 }), contentType);
        }
        const request = {
          contentType: "application/json",
          path: "",
          body: new TextEncoder().encode(body),
        };
        assert.equal(typeof readRequest(request).text(), "string");
      }
    }
  });
});

describe("bytes", () => {
  it("at random", () => {
    const next = random(11);
    const types = [
      "application/json",
      "text/event-stream",
      "application/x-ndjson",
      "text/plain",
      "",
      "application/vnd.amazon.eventstream",
      "multipart/form-data; boundary=x",
      "text/html",
    ];
    for (let round = 0; round < 3000; round++) {
      const head = Uint8Array.from(
        { length: Math.floor(next() * 200) },
        () => Math.floor(next() * 256),
      );
      const tail = next() < 0.3 ? head.slice().reverse() : undefined;
      const contentType = types[round % types.length]!;
      const status = next() < 0.5 ? 200 : 500;
      assertHarmless(
        answer("", { head, contentType, status, ...tail && { tail, skipped: 5 } }),
        contentType,
      );
      const request = readRequest({ contentType, path: "x", body: head });
      assert.ok(request.model === undefined || typeof request.model === "string");
      assert.equal(typeof request.text(), "string");
    }
  });

  it("of recorded answers, some changed", () => {
    const next = random(13);
    for (const name of fixtureNames()) {
      const recorded = recordedOf(loadFixture(name));
      if (recorded.head.length > 40_000) continue;
      for (let round = 0; round < 4; round++) {
        const head = recorded.head.slice();
        for (let count = 0; count < 1 + next() * 10; count++) {
          head[Math.floor(next() * head.length)] = Math.floor(next() * 256);
        }
        assertHarmless({ ...recorded, head }, name);
      }
    }
  });

  it("that claim to be longer than they are", () => {
    const message = new Uint8Array(40);
    const contentType = "application/vnd.amazon.eventstream";
    for (
      const [at, value] of [[0, 0xff], [3, 40], [3, 15], [7, 24], [7, 0xff], [12, 0xff]] as const
    ) {
      message[3] = 40;
      message[at] = value;
      assertHarmless(answer("", { head: message, contentType }), `${at}`);
      assertHarmless(
        answer("", { head: message, tail: message, skipped: 1, contentType }),
        `${at}`,
      );
    }
  });
});
