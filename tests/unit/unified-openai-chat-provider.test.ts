/** Requests of other formats to a provider that speaks Chat Completions. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import type { ChatRequest, Part } from "../../core/unified/chat.ts";
import type { Target } from "../../core/unified/codec.ts";
import { openAIChat as codec } from "../../core/unified/codecs/openai-chat.ts";
import { Lost } from "../../core/unified/lost.ts";

const target: Target = { provider: "openai", model: "m", requestId: "r-1", now: () => 0 };

function write(request: Partial<ChatRequest>, more: Partial<Target> = {}) {
  const lost = new Lost();
  const whole: ChatRequest = {
    format: "anthropic-messages",
    model: "m",
    stream: false,
    messages: [],
    ...request,
  };
  const before = structuredClone(whole);
  const body = codec.writeRequest(whole, { ...target, ...more }, lost);
  assert.deepEqual(whole, before, "the request is as it was");
  return { body, lost: lost.names };
}

describe("Chat Completions: a request of another format", () => {
  const image: Part = {
    type: "image",
    source: { kind: "base64", mime: "image/png", data: "AAAA" },
  };

  it("has results of tools as messages, and their images behind them", () => {
    const { body, lost } = write({
      messages: [{
        role: "user",
        parts: [
          {
            type: "tool_result",
            call_id: "a",
            content: [{ type: "text", text: "1" }, image, { type: "text", text: "2" }],
          },
          { type: "tool_result", call_id: "b", content: [], is_error: true },
          { type: "text", text: "Go on" },
        ],
      }],
    });
    assert.deepEqual(body.messages, [
      { role: "tool", tool_call_id: "a", content: "1\n2" },
      { role: "tool", tool_call_id: "b", content: "Error" },
      {
        role: "user",
        content: [
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
          { type: "text", text: "Go on" },
        ],
      },
    ]);
    assert.deepEqual(lost, []);
  });

  it("has no answer of nothing, where another provider's search was all of a turn", () => {
    const search: Part = {
      type: "native",
      format: "openai-responses",
      value: { type: "web_search_call", id: "ws_1" },
    };
    const { body, lost } = write({
      messages: [
        { role: "user", parts: [{ type: "text", text: "Hi" }] },
        { role: "assistant", parts: [search] },
        { role: "user", parts: [{ type: "text", text: "Go on" }] },
      ],
    });
    assert.deepEqual((body.messages as { role: string }[]).map(({ role }) => role), [
      "user",
      "user",
    ]);
    assert.deepEqual(lost, ["messages.web_search_call"]);
  });

  it("tells of what it leaves out", () => {
    const { body, lost } = write({
      messages: [
        {
          role: "user",
          parts: [
            { type: "text", text: "x", cache: { ttl: "1h" }, extra: { odd: 1 } },
            { type: "video", source: { kind: "url", url: "https://a.example/v.mp4" } },
            { type: "document", source: { kind: "url", url: "https://a.example/d.pdf" } },
            { type: "image", source: { kind: "file", id: "f", format: "anthropic-messages" } },
            { type: "document", source: { kind: "text", text: "inside" }, name: "Title" },
          ],
        },
        {
          role: "assistant",
          parts: [
            { type: "reasoning", text: "t", signature: { format: "gemini", value: "s" } },
            { type: "native", format: "anthropic-messages", value: { type: "server_tool_use" } },
            { type: "text", text: "a" },
            { type: "text", text: "b" },
          ],
        },
      ],
      tools: [
        { type: "native", format: "anthropic-messages", value: { type: "bash_20250124" } },
        { type: "web_search", max_uses: 3 },
      ],
      tool_choice: { type: "auto" },
      extra: { container: "c" },
    });
    assert.deepEqual(body.messages, [
      {
        role: "user",
        content: [{ type: "text", text: "x" }, { type: "text", text: "Title\n\ninside" }],
      },
      { role: "assistant", content: "ab" },
    ]);
    assert.deepEqual(body.web_search_options, {});
    assert.equal(body.tool_choice, undefined);
    assert.deepEqual([...lost].sort(), [
      "cache",
      "container",
      "messages.document.url",
      "messages.image.file",
      "messages.odd",
      "messages.server_tool_use",
      "messages.video.url",
      "tools.bash_20250124",
      "tools.web_search.max_uses",
    ]);
  });

  it("has what the provider takes beyond OpenAI", () => {
    const parts: Part[] = [
      { type: "text", text: "x", cache: { ttl: "1h" } },
      { type: "document", source: { kind: "url", url: "https://a.example/d.pdf" }, name: "d" },
      { type: "video", source: { kind: "url", url: "https://a.example/v.mp4" } },
    ];
    const takes = ["cache_control", "file_url", "video_url"] as const;
    const { body, lost } = write({ messages: [{ role: "user", parts }] }, { takes });
    assert.deepEqual(body.messages, [{
      role: "user",
      content: [
        { type: "text", text: "x", cache_control: { type: "ephemeral", ttl: "1h" } },
        { type: "file", file: { filename: "d", file_data: "https://a.example/d.pdf" } },
        { type: "video_url", video_url: { url: "https://a.example/v.mp4" } },
      ],
    }]);
    assert.deepEqual(lost, []);
  });

  it("sends plain thoughts back within the tool loop only, and signed ones always", () => {
    const entry = { type: "reasoning.text", signature: "S", format: "x", index: 0 };
    const turn = (text: string, signed: boolean): ChatRequest["messages"] => [{
      role: "assistant",
      parts: [{
        type: "reasoning",
        text,
        ...signed && { signature: { format: "openai-chat", value: JSON.stringify(entry) } },
      }, { type: "text", text: "a" }],
    }];
    const ask: ChatRequest["messages"] = [{ role: "user", parts: [{ type: "text", text: "q" }] }];
    const { body } = write(
      { messages: [...ask, ...turn("1", false), ...ask, ...turn("2", false)] },
      {
        takes: ["reasoning_content"],
      },
    );
    const thoughts = (body.messages as Json[]).map((one) => one.reasoning_content);
    assert.deepEqual(thoughts, [undefined, undefined, undefined, "2"]);

    const signed = write({ messages: [...turn("1", true), ...ask] }, {
      takes: ["reasoning_details"],
    });
    const [first] = signed.body.messages as Json[];
    assert.deepEqual(first!.reasoning_details, [{ ...entry, text: "1" }]);
  });

  it("has the effort that comes nearest", () => {
    const rows: [ChatRequest["reasoning"], string | undefined][] = [
      [{ effort: "xhigh" }, "xhigh"],
      [{ budget: 0 }, "none"],
      [{ budget: 1024 }, "low"],
      [{ budget: 5000, enabled: true }, "medium"],
      [{ budget: 32_000 }, "high"],
      [{ enabled: false, effort: "high" }, "none"],
      [{ enabled: true, budget: -1 }, "medium"],
      [{ visible: true }, undefined],
    ];
    for (const [reasoning, effort] of rows) {
      assert.equal(write({ reasoning: reasoning! }).body.reasoning_effort, effort);
    }
  });

  it("speaks with a voice that OpenAI has, in a form that it can stream", () => {
    const asked: Partial<ChatRequest> = {
      format: "gemini",
      modalities: ["audio"],
      audio: { voice: "Kore" },
    };
    const whole = write(asked);
    assert.deepEqual(whole.body.modalities, ["text", "audio"]);
    assert.deepEqual(whole.body.audio, { voice: "alloy", format: "wav" });
    assert.deepEqual(whole.lost, ["audio.voice"]);
    const { body, lost } = write({ ...asked, audio: { voice: "coral" }, stream: true });
    assert.deepEqual(body.audio, { voice: "coral", format: "pcm16" });
    assert.deepEqual(lost, []);
  });

  it("asks for the usage of every stream", () => {
    const { body } = write({ stream: true });
    assert.deepEqual(body.stream_options, { include_usage: true });
  });
});
