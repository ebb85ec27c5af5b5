/** What providers of OpenAI's format spell in their own way, and where they serve what. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { providers } from "../../adapters/mod.ts";
import { loadDialects } from "../../adapters/spoken.ts";
import type { Json } from "../../core/formats/json.ts";
import { Lost } from "../../core/unified/lost.ts";
import { fixtureNames, loadFixture } from "../support/fixtures.ts";

await loadDialects();

const rowOf = (slug: string) => {
  const row = providers.find((one) => one.slug === slug || one.aliases?.includes(slug));
  assert.ok(row, slug);
  return row;
};

/** What becomes of a body that OpenAI would take. */
function spelled(slug: string, body: Json, model = "m") {
  const lost = new Lost();
  const whole: Json = { model, messages: [{ role: "user", content: "Hi" }], ...body };
  const target = { provider: slug, model, requestId: "r-1", now: () => 0 };
  const { dialect } = rowOf(slug);
  const written = dialect?.request?.(structuredClone(whole), "openai-chat", lost, target) ?? whole;
  return { body: written, messages: written.messages as Json[], lost: [...lost.names].sort() };
}

it("every row that says it has a dialect has one", () => {
  const without = providers.filter(({ dialect }) => dialect && !dialect.chat && !dialect.endpoints);
  assert.deepEqual(without.map(({ slug }) => slug), []);
});

describe("dialects: what is said otherwise", () => {
  it("the most tokens, and developers", () => {
    const newer = ["openai", "azure-openai", "grok", "groq", "cerebras", "vllm"];
    for (const { slug, dialect } of providers) {
      if (dialect?.request === undefined || dialect.chat?.["openai-chat"] === undefined) continue;
      const { body, messages } = spelled(slug, {
        max_completion_tokens: 5,
        messages: [{ role: "developer", content: "Be brief" }, { role: "user", content: "Hi" }],
      });
      assert.equal(body[newer.includes(slug) ? "max_completion_tokens" : "max_tokens"], 5, slug);
      assert.ok(!("max_tokens" in body && "max_completion_tokens" in body), slug);
      const role = /openai/.test(slug) ? "developer" : "system";
      assert.equal(messages[0]!.role, role, slug);
    }
  });

  it("a choice among some tools, and tools of free text", () => {
    const tools = ["f", "g"].map((name) => ({ type: "function", function: { name } }));
    const tool_choice = {
      type: "allowed_tools",
      allowed_tools: { mode: "required", tools: [tools[0]] },
    };
    const { body, lost } = spelled("together", {
      tools: [...tools, { type: "custom", custom: { name: "h" } }],
      tool_choice,
    });
    assert.deepEqual(body.tools, [tools[0]]);
    assert.equal(body.tool_choice, "required");
    assert.deepEqual(lost, ["tools.custom"]);
    const call = { id: "aaaaaaaaa", type: "custom", custom: { name: "h", input: "free" } };
    const earlier = { messages: [{ role: "assistant", content: null, tool_calls: [call] }] };
    for (const slug of ["mistral", "groq", "together"]) {
      assert.deepEqual(spelled(slug, earlier).messages[0]!.tool_calls, [{
        id: "aaaaaaaaa",
        type: "function",
        function: { name: "h", arguments: '{"input":"free"}' },
      }]);
    }
    assert.deepEqual(spelled("openai", earlier).messages, earlier.messages);
    assert.deepEqual(spelled("openai", { tools, tool_choice }).body.tool_choice, tool_choice);
  });

  it("a refusal of another model is what was said", () => {
    const refused = [
      { role: "assistant", content: null, refusal: "I won't" },
      { role: "assistant", content: [{ type: "refusal", refusal: "I won't" }] },
    ];
    for (const slug of ["mistral", "groq", "deepseek", "cerebras"]) {
      const { messages } = spelled(slug, {
        messages: refused.flatMap((message) => [{ role: "user", content: "Hi" }, message]),
      });
      for (const at of [1, 3]) {
        assert.match(JSON.stringify(messages[at]!.content), /I won't/, slug);
        assert.doesNotMatch(JSON.stringify(messages[at]), /refusal/, slug);
      }
    }
  });

  it("what is the case anyway is no loss", () => {
    const { body, lost } = spelled("groq", { n: 1, logprobs: false, logit_bias: {}, top_k: null });
    assert.deepEqual(lost, []);
    assert.deepEqual(Object.keys(body), ["model", "messages"]);
  });

  const lost: [slug: string, body: Json, lost: string[], model?: string][] = [
    ["openai", { top_k: 5, min_p: 0.1, logit_bias: { "1": 1 } }, ["min_p", "top_k"]],
    ["openai", { temperature: 0, top_p: 1, stop: ["x"] }, ["stop", "temperature"], "gpt-5-mini"],
    ["openai", { temperature: 0, reasoning_effort: "low" }, [], "gpt-5.1"],
    ["openai", { temperature: 0, reasoning_effort: "low" }, ["reasoning"], "gpt-4o"],
    [
      "groq",
      { logprobs: true, top_logprobs: 2, logit_bias: { "1": 1 }, n: 2 },
      ["logit_bias", "logprobs", "n", "top_logprobs"],
    ],
    ["mistral", { stream_options: { include_usage: true }, user: "u" }, ["user"]],
    ["perplexity-ai", { tools: [{ type: "function" }], tool_choice: "auto" }, ["tools"]],
    ["cerebras", { frequency_penalty: 1, presence_penalty: 0 }, ["frequency_penalty"]],
    ["grok", { stop: ["x"], presence_penalty: 1 }, ["presence_penalty", "stop"], "grok-4"],
    ["grok", { stop: ["x"], presence_penalty: 1 }, [], "grok-4-fast-non-reasoning"],
    ["grok", { reasoning_effort: "low" }, ["reasoning"], "grok-4-0709"],
    ["grok", { reasoning_effort: "low" }, ["reasoning"], "grok-3"],
    ["grok", { reasoning_effort: "none" }, ["reasoning"], "grok-4-0709"],
    ["mistral", { reasoning_effort: "none" }, ["reasoning"], "magistral-medium-latest"],
    ["grok", { reasoning_effort: "low" }, ["reasoning"], "grok-4-1-fast-non-reasoning"],
    ["grok", { reasoning_effort: "low" }, [], "grok-3-mini"],
    ["mistral", { reasoning_effort: "high" }, ["reasoning"], "mistral-large-latest"],
    ["mistral", { reasoning_effort: "high" }, ["reasoning"], "mistral-small-2506"],
    ["mistral", { reasoning_effort: "high" }, ["reasoning"], "mistral-medium-3-1"],
    ["mistral", { reasoning_effort: "high" }, ["reasoning"], "magistral-medium-latest"],
    ["mistral", { reasoning_effort: "high" }, ["reasoning"], "codestral-2508"],
    ["mistral", { reasoning_effort: "none" }, [], "ministral-8b-latest"],
    ["perplexity-ai", { reasoning_effort: "high" }, ["reasoning"], "sonar-pro"],
    ["perplexity-ai", { reasoning_effort: "high" }, [], "sonar-deep-research"],
    ["openai", { stop: ["1", "2", "3", "4", "5"] }, ["stop"], "gpt-5.1"],
    ["groq", { stop: ["1", "2", "3", "4"] }, [], "llama-3.3-70b-versatile"],
    ["mistral", { temperature: 2 }, ["temperature"], "mistral-large-latest"],
    ["openai", { modalities: ["text", "image"] }, ["modalities"], "gpt-5.1"],
    ["groq", { reasoning_effort: "low" }, ["reasoning"], "llama-3.3-70b-versatile"],
    ["groq", { reasoning_effort: "none" }, [], "llama-3.3-70b-versatile"],
    ["groq", { reasoning_effort: "low" }, [], "openai/gpt-oss-120b"],
    ["ollama", { top_k: 3, min_p: 0.1, seed: 1 }, ["min_p", "top_k"], "llama3"],
    ["deepseek", { seed: 1, n: 2, store: false }, ["n", "seed"]],
    ["ollama", { n: 2, tool_choice: "required", service_tier: "auto" }, ["n", "tool_choice"]],
  ];
  for (const [slug, body, expected, model] of lost) {
    it(`${slug}${model === undefined ? "" : ` (${model})`} tells of ${expected.join(", ") || "no loss"}`, () => {
      assert.deepEqual(spelled(slug, body, model).lost, expected);
    });
  }

  it("Mistral: seeds, ids, documents, sound, a begun answer", () => {
    const call = (id: string) => ({
      id,
      type: "function",
      function: { name: "f", arguments: "{}" },
    });
    const { body, messages } = spelled("mistral", {
      seed: 3,
      tools: [{ type: "function", function: { name: "f" } }],
      messages: [
        {
          role: "user",
          name: "ann",
          content: [
            {
              type: "file",
              file: { filename: "a.pdf", file_data: "data:application/pdf;base64,A" },
            },
            { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
          ],
        },
        { role: "assistant", content: null, tool_calls: [call("toolu_01ABC"), call("abcDEF123")] },
        { role: "tool", tool_call_id: "toolu_01ABC", content: "1" },
        { role: "tool", tool_call_id: "abcDEF123", content: "2" },
        { role: "assistant", content: "So" },
      ],
    });
    assert.equal(body.random_seed, 3);
    assert.deepEqual(messages[0], {
      role: "user",
      content: [
        {
          type: "document_url",
          document_url: "data:application/pdf;base64,A",
          document_name: "a.pdf",
        },
        { type: "input_audio", input_audio: "AAAA" },
      ],
    });
    const [first, second] = (messages[1]!.tool_calls as Json[]).map(({ id }) => id);
    assert.match(String(first), /^[A-Za-z0-9]{9}$/);
    assert.equal(messages[2]!.tool_call_id, first);
    assert.equal(second, "abcDEF123");
    assert.equal(messages[4]!.prefix, true);
    assert.deepEqual((body.tools as Json[])[0]!.function, {
      name: "f",
      parameters: { type: "object", properties: {} },
    });
  });

  it("DeepSeek: a schema is told to the model, thinking is switched", () => {
    const { body, messages, lost } = spelled("deepseek", {
      response_format: {
        type: "json_schema",
        json_schema: { name: "n", schema: { type: "object" } },
      },
      reasoning_effort: "none",
    });
    assert.deepEqual(body.response_format, { type: "json_object" });
    assert.match(String(messages[0]!.content), /JSON Schema:\n\{"type":"object"\}$/);
    assert.equal(messages[0]!.role, "system");
    assert.deepEqual(body.thinking, { type: "disabled" });
    assert.equal(body.reasoning_effort, undefined);
    assert.deepEqual(lost, ["output.schema"]);
    assert.deepEqual(spelled("deepseek", { reasoning_effort: "high" }).body.thinking, {
      type: "enabled",
    });
  });

  it("Perplexity: users and assistants take turns", () => {
    const { messages } = spelled("perplexity", {
      messages: [
        { role: "user", content: "a" },
        { role: "user", content: [{ type: "image_url", image_url: { url: "u" } }] },
        { role: "assistant", content: "b" },
      ],
    });
    assert.deepEqual(messages, [
      {
        role: "user",
        content: [{ type: "text", text: "a" }, { type: "image_url", image_url: { url: "u" } }],
      },
      { role: "assistant", content: "b" },
    ]);
  });

  const efforts: [slug: string, model: string, effort: string, expected: Json][] = [
    ["openrouter", "m", "high", { reasoning: { effort: "high" } }],
    ["openrouter", "m", "none", { reasoning: { enabled: false } }],
    ["groq", "qwen/qwen3-32b", "low", { reasoning_effort: "default" }],
    ["groq", "openai/gpt-oss-20b", "max", { reasoning_effort: "high" }],
    ["zai", "glm-4.6", "none", { thinking: { type: "disabled" } }],
    ["moonshot", "kimi-k2.5", "low", { thinking: { type: "enabled" } }],
    ["grok", "grok-3-mini", "medium", { reasoning_effort: "high" }],
    ["grok", "grok-5", "low", { reasoning_effort: "low" }],
    ["mistral", "mistral-small-latest", "low", { reasoning_effort: "high" }],
    ["mistral", "mistral-small-2603", "minimal", { reasoning_effort: "none" }],
    ["mistral", "mistral-medium-3-5", "max", { reasoning_effort: "high" }],
    ["mistral", "zai-glm-5-3", "max", { reasoning_effort: "max" }],
    ["mistral", "zai-glm-5-3", "medium", { reasoning_effort: "high" }],
    ["perplexity-ai", "sonar-reasoning-pro", "medium", { reasoning_effort: "medium" }],
    ["perplexity-ai", "sonar-deep-research", "xhigh", { reasoning_effort: "high" }],
    ["openai", "gpt-5", "xhigh", { reasoning_effort: "high" }],
    ["openai", "gpt-5", "none", { reasoning_effort: "minimal" }],
    ["openai", "gpt-5-mini", "minimal", { reasoning_effort: "minimal" }],
    ["openai", "gpt-5.1", "minimal", { reasoning_effort: "low" }],
    ["openai", "gpt-5.2", "max", { reasoning_effort: "xhigh" }],
    ["openai", "gpt-5-pro", "low", { reasoning_effort: "high" }],
    ["openai", "gpt-7", "max", { reasoning_effort: "max" }],
    ["openai", "o3", "minimal", { reasoning_effort: "low" }],
    ["openai", "o3", "none", {}],
  ];
  for (const [slug, model, reasoning_effort, expected] of efforts) {
    it(`${slug} (${model}) thinks as asked: ${reasoning_effort}`, () => {
      const { body } = spelled(slug, { reasoning_effort }, model);
      const { model: _, messages: __, ...more } = body;
      assert.deepEqual(more, expected);
    });
  }

  it("thoughts of other models go where they are taken, or nowhere", () => {
    const message = {
      role: "assistant",
      content: "a",
      reasoning_content: "t",
      reasoning_details: [],
    };
    const rows: [slug: string, expected: Json][] = [
      ["groq", { reasoning: "t" }],
      ["deepseek", { reasoning_content: "t" }],
      ["mistral", { prefix: true }],
      ["openai", {}],
      ["openrouter", { reasoning_content: "t", reasoning_details: [] }],
    ];
    for (const [slug, expected] of rows) {
      const { messages } = spelled(slug, { messages: [message] });
      assert.deepEqual(messages, [{ role: "assistant", content: "a", ...expected }], slug);
    }
  });

  it("OpenAI: ids and names of users are no longer than it takes", () => {
    const id = "toolu_" + "x".repeat(50);
    const call = { id, type: "function", function: { name: "f", arguments: "{}" } };
    const { body, messages } = spelled("openai", {
      user: "u".repeat(100),
      messages: [
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", tool_call_id: id, content: "1" },
      ],
    });
    assert.equal(body.user, "u".repeat(64));
    const [{ id: short }] = messages[0]!.tool_calls as [Json];
    assert.ok((short as string).length <= 40);
    assert.equal(messages[1]!.tool_call_id, short);
  });

  it("Workers AI and others: content is a string", () => {
    const parts = [{ type: "text", text: "a" }, { type: "text", text: "b" }];
    const { messages } = spelled("workers-ai", {
      messages: [{ role: "user", content: parts }, { role: "assistant", content: null }],
    });
    assert.deepEqual(messages.map(({ content }) => content), ["a\n\nb", ""]);
    assert.deepEqual(
      spelled("openrouter", { messages: [{ role: "user", content: parts }] }).messages[0]!.content,
      parts,
    );
  });
});

describe("dialects: recorded requests", () => {
  // What the provider took is not to be changed, apart from these.
  const may =
    /^(?:max_tokens|max_completion_tokens|reasoning|reasoning_effort|thinking|messages|stream_options|tool_choice|n|seed|logit_bias|random_seed|tools|response_format|strict)$/;
  for (const name of fixtureNames()) {
    const { requestBody, status, provider } = loadFixture(name);
    if (status !== 200 || !/\/(?:vercel-)?chat-/.test(name) || requestBody === undefined) continue;
    const row = providers.find(({ slug, aliases }) =>
      slug === provider || aliases?.includes(provider)
    );
    if (row?.dialect?.request === undefined) continue;
    it(`pass: ${name}`, () => {
      const body = JSON.parse(requestBody.toString()) as Json;
      const { body: written } = spelled(provider, body, String(body.model));
      for (const key of new Set([...Object.keys(body), ...Object.keys(written)])) {
        if (!may.test(key)) assert.deepEqual(written[key], body[key], key);
      }
      assert.equal((written.messages as Json[]).length, (body.messages as Json[]).length);
    });
  }
});

describe("dialects: hostile bodies", () => {
  it("break nothing", () => {
    const odd = [null, 0, "x", [], {}, [null], [[]], true];
    const names = ["messages", "tools", "tool_choice", "response_format", "reasoning_effort", "n"];
    for (const { slug, dialect } of providers) {
      if (dialect?.request === undefined) continue;
      for (const name of names) for (const value of odd) spelled(slug, { [name]: value });
      for (const name of ["content", "tool_calls", "tool_call_id", "role"]) {
        for (const value of odd) spelled(slug, { messages: [{ role: "user", [name]: value }] });
      }
    }
  });
});

describe("dialects: places", () => {
  it("Azure's models name their resource", () => {
    const { dialect } = rowOf("azure");
    const path = dialect!.chat!["openai-chat"]!;
    assert.deepEqual(dialect!.place!({ path, model: "acme/gpt-4o" }, "openai-chat", {}), {
      path: "acme/openai/v1/chat/completions",
      model: "gpt-4o",
    });
    for (const model of ["gpt-4o", "/x", "x/"]) {
      assert.throws(() => dialect!.place!({ path, model }, "openai-chat", {}), { status: 400 });
    }
  });

  it("who has none of an endpoint says so", () => {
    assert.equal(rowOf("groq").dialect!.endpoints!.embeddings, false);
    assert.equal(rowOf("mistral").dialect!.endpoints!.embeddings, "embeddings");
    assert.equal(rowOf("perplexity").dialect!.endpoints!.embeddings, "v1/embeddings");
    assert.equal(rowOf("azure").dialect!.endpoints!.embeddings, "{resource}/openai/v1/embeddings");
    assert.equal(rowOf("openai").dialect!.endpoints!.embeddings, undefined);
    assert.equal(rowOf("voyage").dialect!.chat, undefined);
  });
});
