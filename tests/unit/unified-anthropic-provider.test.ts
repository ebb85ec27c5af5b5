/** Requests of other formats to Claude: what each of its models takes, and what is told as lost. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { Json } from "../../core/formats/json.ts";
import type { ChatRequest, Part } from "../../core/unified/chat.ts";
import { messages, user, wrote } from "./unified-anthropic.ts";

describe("Claude: thinking", () => {
  const rows: [
    model: string,
    reasoning: ChatRequest["reasoning"],
    expected: Json,
    lost?: string[],
  ][] = [
    ["claude-3-5-haiku-20241022", { effort: "high" }, {}, ["reasoning"]],
    ["claude-3-5-haiku-20241022", { effort: "none" }, {}],
    [
      "claude-sonnet-4-20250514",
      { effort: "low" },
      { thinking: { type: "enabled", budget_tokens: 2048 } },
    ],
    [
      "us.anthropic.claude-haiku-4-5-20251001-v1:0",
      { budget: 5000 },
      { thinking: { type: "enabled", budget_tokens: 5000 } },
    ],
    ["claude-haiku-4-5", { enabled: false }, {}],
    [
      "claude-opus-4-6",
      { effort: "xhigh", visible: true },
      { thinking: { type: "adaptive", display: "summarized" }, output_config: { effort: "max" } },
    ],
    ["claude-opus-4-6", { budget: 2000 }, { thinking: { type: "enabled", budget_tokens: 2000 } }],
    [
      "claude-opus-4-7",
      { budget: 2000, visible: false },
      { thinking: { type: "adaptive", display: "omitted" }, output_config: { effort: "low" } },
    ],
    [
      "anthropic/claude-opus-4.8",
      { effort: "xhigh" },
      { thinking: { type: "adaptive" }, output_config: { effort: "xhigh" } },
    ],
    ["claude-opus-5", { effort: "none" }, { thinking: { type: "disabled" } }],
    [
      "claude-sonnet-5-5",
      { effort: "none" },
      { thinking: { type: "between_tools" } },
      ["reasoning"],
    ],
    ["claude-opus-5-5", { budget: 0 }, { output_config: { effort: "low" } }, ["reasoning"]],
    [
      "claude-quatrain-9",
      { effort: "minimal" },
      { thinking: { type: "adaptive" }, output_config: { effort: "low" } },
    ],
    ["claude-opus-4-6", undefined, {}],
  ];
  for (const [model, reasoning, expected, drops = []] of rows) {
    it(`${model}: ${JSON.stringify(reasoning)}`, () => {
      const { body, lost } = wrote(model, reasoning && { reasoning });
      const { thinking, output_config } = body;
      assert.deepEqual(
        {
          ...thinking !== undefined && { thinking },
          ...output_config !== undefined && { output_config },
        },
        expected,
      );
      assert.deepEqual(lost, drops);
    });
  }

  it("leaves room for the answer beside a budget", () => {
    const limits = (max_tokens: number | undefined, budget: number): unknown => {
      const asked = { reasoning: { budget }, ...max_tokens !== undefined && { max_tokens } };
      const { body } = wrote("claude-haiku-4-5", asked);
      return [body.max_tokens, (body.thinking as Json).budget_tokens];
    };
    assert.deepEqual(limits(undefined, 4000), [36_000, 4000]);
    assert.deepEqual(limits(undefined, 1e9), [64_000, 62_976]);
    assert.deepEqual(limits(10_000, 50_000), [10_000, 8000]);
    assert.deepEqual(limits(500, 4000), [1524, 1219]);
    assert.deepEqual(limits(10_000, 5), [10_000, 1024]);
  });

  it("always says how long an answer may be", () => {
    assert.equal(wrote("claude-3-opus-20240229").body.max_tokens, 4096);
    assert.equal(wrote("claude-3-5-sonnet-20241022").body.max_tokens, 8192);
    assert.equal(wrote("claude-opus-4-1").body.max_tokens, 32_000);
    assert.equal(wrote("kimi-k2").body.max_tokens, 8192);
    assert.equal(wrote("claude-opus-5", { max_tokens: 7 }).body.max_tokens, 7);
  });

  const call: Part = { type: "tool_call", id: "a", name: "f", arguments: "{}" };
  const result: Part = {
    type: "tool_result",
    call_id: "a",
    content: [{ type: "text", text: "1" }],
  };
  const thought: Part = {
    type: "reasoning",
    text: "Hm",
    signature: { format: "anthropic-messages", value: "s" },
  };

  it("is off where the thoughts before a call are lost", () => {
    const asked = {
      messages: messages([user.parts, [call], [result]]),
      reasoning: { budget: 2000 },
    };
    const { body, lost } = wrote("claude-haiku-4-5", asked);
    assert.equal(body.thinking, undefined);
    assert.deepEqual(lost, ["reasoning"]);
    // Models that decide for themselves do not mind.
    const free = wrote("claude-opus-4-6", { ...asked, reasoning: { effort: "low" } });
    assert.deepEqual(free.body.thinking, { type: "adaptive" });
    assert.deepEqual(free.lost, []);
  });

  it("goes on where they are kept", () => {
    const said = messages([user.parts, [thought, call], [result]]);
    const { body, lost } = wrote("claude-haiku-4-5", {
      messages: said,
      reasoning: { budget: 2000 },
    });
    assert.deepEqual(body.thinking, { type: "enabled", budget_tokens: 2000 });
    assert.deepEqual((body.messages as Json[])[1], {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "Hm", signature: "s" },
        { type: "tool_use", id: "a", name: "f", input: {} },
      ],
    });
    assert.deepEqual(lost, []);
  });

  it("leaves thoughts of others out", () => {
    const foreign: Part = {
      type: "reasoning",
      text: "Hm",
      signature: { format: "gemini", value: "g" },
    };
    const { body, lost } = wrote("claude-opus-5", {
      messages: messages([user.parts, [foreign, { type: "text", text: "Yes" }], user.parts]),
    });
    assert.deepEqual((body.messages as Json[])[1], { role: "assistant", content: "Yes" });
    assert.deepEqual(lost, []);
  });

  it("gives way to a call that is forced", () => {
    const asked: Partial<ChatRequest> = {
      reasoning: { effort: "high" },
      tools: [{ type: "function", name: "f" }],
      tool_choice: { type: "required" },
    };
    const four = wrote("claude-sonnet-4-5", asked);
    assert.deepEqual(four.body.tool_choice, { type: "any" });
    assert.equal(four.body.thinking, undefined);
    assert.deepEqual(four.lost, ["reasoning"]);
    assert.deepEqual(wrote("claude-opus-5", asked).body.thinking, { type: "disabled" });
    const never = wrote("claude-opus-5-5", asked);
    assert.deepEqual(never.body.tool_choice, { type: "auto" });
    assert.deepEqual(never.body.thinking, { type: "adaptive" });
    assert.deepEqual(never.lost, ["tool_choice"]);
    // Nor is there room for the thoughts that are not thought.
    assert.equal(wrote("claude-sonnet-4-5", { ...asked, max_tokens: 100 }).body.max_tokens, 100);
    const plain = wrote("claude-sonnet-4-5", { tools: asked.tools! }).body;
    assert.equal(four.body.max_tokens, plain.max_tokens);
  });
});

describe("Claude: sampling", () => {
  const rows: [model: string, asked: Partial<ChatRequest>, expected: Json, lost: string[]][] = [
    ["claude-3-opus-20240229", { temperature: 0.5, top_p: 0.5, top_k: 5 }, {
      temperature: 0.5,
      top_p: 0.5,
      top_k: 5,
    }, []],
    ["claude-sonnet-4-5", { temperature: 1.5, top_k: 3 }, { temperature: 1, top_k: 3 }, [
      "temperature",
    ]],
    ["claude-sonnet-4-5", { temperature: 0, top_p: 0.5 }, { temperature: 0 }, ["top_p"]],
    ["claude-opus-4-7", { temperature: 0, top_p: 0.5, top_k: 5 }, {}, [
      "temperature",
      "top_p",
      "top_k",
    ]],
    ["claude-opus-4-7", { temperature: 1, top_p: 1 }, {}, []],
    ["claude-haiku-4-5", { temperature: 0, top_p: 0.95, reasoning: { effort: "low" } }, {
      top_p: 0.95,
    }, ["temperature"]],
  ];
  for (const [model, asked, expected, drops] of rows) {
    it(`${model}: ${JSON.stringify(asked)}`, () => {
      const { body, lost } = wrote(model, asked);
      const names = ["temperature", "top_p", "top_k"].filter((name) => name in body);
      assert.deepEqual(Object.fromEntries(names.map((name) => [name, body[name]])), expected);
      assert.deepEqual(lost, drops);
    });
  }
});
