/** The opening of streams: every recorded one, cut anywhere, and some that nobody has recorded. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { readAnswer } from "../../core/formats/read.ts";
import { streamShape } from "../../core/streams/error-event.ts";
import { Opening, type Verdict } from "../../core/streams/opening.ts";
import { eventStream, recordedOf } from "../support/answers.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

const streams = fixtureNames().map((name) => ({ name, recorded: recordedOf(loadFixture(name)) }))
  .filter(({ recorded: { contentType, path, status } }) =>
    status < 300 && streamShape(contentType, path) !== undefined
  );

/** The verdict and the number of bytes after which it came; at the end unless before. */
function read(
  about: { provider?: string; path?: string; contentType?: string },
  bytes: Uint8Array,
  step: number,
): [verdict: Verdict, at: number] {
  const opening = new Opening({
    provider: "openai",
    path: "chat/completions",
    contentType: "text/event-stream",
    ...about,
  });
  for (let at = 0; at < bytes.length; at += step) {
    const verdict = opening.add(bytes.subarray(at, at + step));
    if (verdict !== undefined) return [verdict, Math.min(at + step, bytes.length)];
  }
  return [opening.end(), bytes.length];
}

describe("the opening of a recorded stream", () => {
  it("is there for over a hundred recordings", () => assert.ok(streams.length > 100));

  for (const { name, recorded } of streams) {
    it(`${name}`, () => {
      const { head } = recorded;
      const { firstContent, error } = readAnswer(recorded);
      const [verdict] = read(recorded, head, head.length);
      // Most begin with content even if they end in an error.
      const fails = firstContent === undefined && error !== undefined;
      assert.deepEqual(verdict, fails ? { fault: error } : "answered");
      for (const step of [1, 7, 100]) {
        if (head.length / step > 5000) continue;
        const [again, at] = read(recorded, head, step);
        assert.deepEqual(again, verdict);
        // No later than the event is whole; a JSON array tells in the middle of an element.
        if (firstContent !== undefined) assert.ok(at <= firstContent + step, `${at}`);
      }
    });
  }
});

describe("the opening of a stream", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const chat = (delta: object, finish: string | null = null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const rows: [what: string, text: string, verdict: Verdict, about?: Parameters<typeof read>[0]][] =
    [
      ["nothing", "", "nothing"],
      ["comments", ": a\n\n: b\n\n", "nothing"],
      ["blank lines", "\n\n\r\n\r\n", "nothing"],
      ["a role alone", chat({ role: "assistant" }), "nothing"],
      ["a role and an empty text", chat({ role: "assistant", content: "" }), "nothing"],
      ["text", chat({ content: "a" }), "answered"],
      ["reasoning", chat({ reasoning_content: "a" }), "answered"],
      [
        "a tool call",
        chat({ tool_calls: [{ index: 0, function: { name: "f", arguments: "" } }] }),
        "answered",
      ],
      ["a reason to stop, which is no content", chat({}, "stop"), "nothing"],
      ["a reason to stop where that is the end", chat({}, "stop"), "answered", {
        provider: "cerebras",
      }],
      ["its proven end", `${chat({}, "stop")}data: [DONE]\n\n`, "answered"],
      ["an error", 'data: {"error":{"message":"m","code":"c"}}\n\n', {
        fault: { code: "c", message: "m" },
      }],
      ["an error behind a role", `${chat({ role: "a" })}data: {"error":"m"}\n\n`, {
        fault: { code: null, message: "m" },
      }],
      ["an error without an event around it", '{"error":{"code":503,"message":"m"}}', {
        fault: { code: 503, message: "m" },
      }],
      ["an error that is cut", 'data: {"error":{"message":"m"', "nothing"],
      ["an event of a name alone", "event: message\n\n", "nothing"],
      ["an event that is cut before its data", "event: ping\ndata: ", "nothing"],
      ["events of no known format", "data: {}\n\n", "answered", { path: "own" }],
      ["events that are no JSON", "data: a\n\n", "answered", { path: "own" }],
      ["something that is no event stream", "\u0000\u0001abc", "answered"],
      ["a page", "<html>", "answered", { contentType: "application/x-ndjson" }],
      ["a line", '{"message":{"content":"a"},"done":false}\n', "answered", {
        provider: "ollama",
        path: "api/chat",
        contentType: "application/x-ndjson",
      }],
      ["a line with an error", '{"error":"m"}\n', { fault: { code: null, message: "m" } }, {
        provider: "ollama",
        path: "api/chat",
        contentType: "application/x-ndjson",
      }],
      [
        "an array with an error",
        '[{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}\n]',
        { fault: { code: 503, message: "m" } },
        {
          provider: "google-ai-studio",
          path: "v1beta/models/m:streamGenerateContent",
          contentType: "application/json",
        },
      ],
      ["an empty array", "[]", "nothing", {
        provider: "google-ai-studio",
        path: "v1beta/models/m:streamGenerateContent",
        contentType: "application/json",
      }],
      [
        "Anthropic's ping and start",
        'event: message_start\ndata: {"type":"message_start","message":{}}\n\nevent: ping\ndata: {"type":"ping"}\n\n',
        "nothing",
        { provider: "anthropic", path: "v1/messages" },
      ],
      [
        "Anthropic's error",
        'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"m"}}\n\n',
        { fault: { code: "overloaded_error", message: "m" } },
        { provider: "anthropic", path: "v1/messages" },
      ],
      [
        "a response that was created",
        'event: response.created\ndata: {"type":"response.created","response":{"status":"in_progress"}}\n\n',
        "nothing",
        { path: "responses" },
      ],
      [
        "a response that failed",
        'event: response.failed\ndata: {"type":"response.failed","response":{"object":"response","status":"failed","error":{"code":"server_error","message":"m"}}}\n\n',
        { fault: { code: "server_error", message: "m" } },
        { path: "responses" },
      ],
      [
        "Cohere's end in an error",
        'event: message-start\ndata: {"type":"message-start"}\n\nevent: message-end\ndata: {"type":"message-end","delta":{"finish_reason":"ERROR","error":"m"}}\n\n',
        { fault: { code: null, message: "m" } },
        { provider: "cohere", path: "v2/chat" },
      ],
    ];
  for (const [what, text, verdict, about = {}] of rows) {
    it(what, () => {
      const whole = bytes(text);
      for (const step of [1, 3, Math.max(1, whole.length)]) {
        assert.deepEqual(read(about, whole, step)[0], verdict, `In pieces of ${step}`);
      }
    });
  }

  it("Bedrock's exception", () => {
    const about = {
      provider: "aws-bedrock",
      path: "bedrock-runtime/us-east-1/model/m/converse-stream",
      contentType: "application/vnd.amazon.eventstream",
    };
    const start = eventStream([["messageStart", { role: "assistant" }]]);
    const fault = eventStream([["messageStart", { role: "a" }], ["throttlingException", {
      message: "m",
    }]]);
    const text = eventStream([["contentBlockDelta", { delta: { text: "a" } }]]);
    for (const step of [1, 1000]) {
      assert.equal(read(about, start, step)[0], "nothing");
      assert.deepEqual(read(about, fault, step)[0], {
        fault: { code: "throttlingException", message: "m" },
      });
      assert.equal(read(about, text, step)[0], "answered");
      assert.equal(read(about, text.subarray(0, -1), step)[0], "nothing");
    }
  });

  it("is over at 64 KiB, and byte by byte that takes no longer than it should", () => {
    const long = bytes(`: ${"x".repeat(100_000)}`);
    const [verdict, at] = read({}, long, 1);
    assert.deepEqual([verdict, at], ["answered", 64 * 1024 + 1]);
    const lines = bytes(": x\n\n".repeat(20_000));
    assert.deepEqual(read({}, lines, 1), ["answered", 64 * 1024 + 1]);
  });
});
