/** Responses as providers have them: recorded requests, answers, streams and errors. */
import { strict as assert } from "node:assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { isGatewayError } from "../../core/error.ts";
import { openEvent } from "../../core/formats/sse.ts";
import type { Event } from "../../core/formats/frames.ts";
import { assemble } from "../../core/unified/assemble.ts";
import type { ChatEvent, ChatRequest, Part } from "../../core/unified/chat.ts";
import type { Target } from "../../core/unified/codec.ts";
import { openAIResponses } from "../../core/unified/codecs/openai-responses.ts";
import { Lost } from "../../core/unified/lost.ts";
import { dice } from "../support/exchanges.ts";

type Json = Record<string, unknown>;

const folder = fileURLToPath(new URL("../fixtures/", import.meta.url));
const cases = readdirSync(folder, { withFileTypes: true }).filter((one) => one.isDirectory())
  .flatMap(({ name }) => readdirSync(`${folder}${name}`).map((one) => `${name}/${one}`))
  .filter((name) => /\/(?:vercel-)?responses-/.test(name));
const having = (file: string) => cases.filter((name) => existsSync(`${folder}${name}/${file}`));
const jsonOf = (path: string) => JSON.parse(readFileSync(`${folder}${path}`, "utf8"));

const target: Target = {
  provider: "openai",
  model: "gpt-5",
  requestId: "0198-ab",
  now: () => 0,
};
const read = (body: Json) => openAIResponses.readRequest({ model: "m", input: "Hi", ...body }, {});
const write = (
  request: Partial<ChatRequest>,
  lost = new Lost(),
  more: Partial<Target> = {},
) =>
  openAIResponses.writeRequest(
    { format: "openai-chat", model: "gpt-5", stream: false, messages: [], ...request },
    { ...target, ...more },
    lost,
  );
const say = (...parts: Part[]) => [{ role: "user" as const, parts }];
const hi = { type: "text" as const, text: "Hi" };

function eventsOf(name: string): Event[] {
  return readFileSync(`${folder}${name}/response.sse`, "utf8").replaceAll("\r\n", "\n")
    .split("\n\n").flatMap((text) => openEvent(text) ?? []);
}

function readAll(events: Event[]): ChatEvent[] {
  const found: ChatEvent[] = [];
  const reader = openAIResponses.readStream(target);
  for (const event of events) reader.event(event, (one) => found.push(one));
  reader.end((one) => found.push(one));
  return found;
}

describe("requests", () => {
  for (const name of having("request.json")) {
    it(`${name} comes back as it was`, () => {
      const body = jsonOf(`${name}/request.json`);
      const before = JSON.stringify(body);
      const lost = new Lost();
      const request = openAIResponses.readRequest(body, {});
      const written = openAIResponses.writeRequest(request, target, lost);
      assert.deepEqual(plain(written), plain(body));
      assert.deepEqual(lost.names, []);
      assert.equal(JSON.stringify(body), before);
    });
  }

  it("carries every member of the API there and back", () => {
    const file = {
      type: "input_file",
      filename: "a.pdf",
      file_data: "data:application/pdf;base64,AA",
    };
    const body = {
      model: "gpt-5",
      instructions: "Be brief",
      input: [
        { role: "developer", content: "Rules" },
        {
          role: "user",
          content: [
            {
              type: "input_text",
              text: "See",
              prompt_cache_breakpoint: { mode: "explicit" },
            },
            { type: "input_image", image_url: "https://a.example/b.png", detail: "low" },
            { type: "input_image", file_id: "file-1" },
            { type: "input_image", image_url: "data:image/png;base64,AAAA" },
            file,
            { type: "input_file", file_url: "https://a.example/b.pdf" },
            { type: "input_audio", input_audio: { data: "AAAA", format: "mp3" } },
          ],
        },
        {
          type: "reasoning",
          id: "rs_1",
          summary: [{ type: "summary_text", text: "Thought" }],
          encrypted_content: "secret",
        },
        {
          type: "message",
          id: "msg_1",
          role: "assistant",
          status: "completed",
          phase: "commentary",
          content: [
            {
              type: "output_text",
              text: "Look",
              annotations: [
                {
                  type: "url_citation",
                  start_index: 0,
                  end_index: 4,
                  url: "https://a",
                  title: "A",
                },
                { type: "file_citation", index: 3, file_id: "file-1", filename: "a.txt" },
                { type: "file_path", file_id: "file-2", index: 1 },
                {
                  type: "container_file_citation",
                  file_id: "f",
                  filename: "a.csv",
                  start_index: 1,
                  end_index: 2,
                  container_id: "c",
                },
              ],
            },
          ],
        },
        {
          type: "message",
          id: "msg_2",
          role: "assistant",
          status: "completed",
          content: [{ type: "refusal", refusal: "No" }],
        },
        { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: "{}" },
        { type: "custom_tool_call", id: "ctc_1", call_id: "call_2", name: "sql", input: "SELECT" },
        {
          type: "function_call_output",
          call_id: "call_1",
          output: [
            { type: "input_text", text: "Done" },
            { type: "input_image", image_url: "data:image/png;base64,AAAA" },
            file,
          ],
        },
        { type: "custom_tool_call_output", call_id: "call_2", output: "1" },
        { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search" } },
        { type: "computer_call_output", call_id: "c", output: { type: "computer_screenshot" } },
        { type: "mcp_approval_response", approval_request_id: "m", approve: true },
        { type: "image_generation_call", id: "ig_1", status: "completed", result: "AAAA" },
        { type: "compaction", id: "cmp_1", encrypted_content: "x" },
        { role: "user", content: "Go on" },
      ],
      tools: [
        {
          type: "function",
          name: "f",
          description: "F",
          parameters: { type: "object", properties: {} },
          strict: true,
          defer_loading: true,
        },
        {
          type: "custom",
          name: "sql",
          format: { type: "grammar", syntax: "lark", definition: "start: X" },
        },
        {
          type: "web_search_preview",
          filters: { allowed_domains: ["a.example"] },
          user_location: { type: "approximate", city: "Bonn" },
          search_context_size: "high",
        },
        { type: "file_search", vector_store_ids: ["vs"] },
        { type: "code_interpreter", container: { type: "auto" } },
        { type: "mcp", server_label: "a", server_url: "https://a" },
        { type: "image_generation" },
        { type: "computer" },
      ],
      tool_choice: {
        type: "allowed_tools",
        mode: "required",
        tools: [{ type: "function", name: "f" }, { type: "custom", name: "sql" }],
      },
      parallel_tool_calls: false,
      text: {
        format: { type: "json_schema", name: "n", description: "d", schema: {}, strict: true },
        verbosity: "low",
      },
      reasoning: { effort: "high", summary: "detailed", context: "all_turns" },
      max_output_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      top_logprobs: 2,
      include: [
        "reasoning.encrypted_content",
        "message.output_text.logprobs",
        "file_search_call.results",
      ],
      metadata: { a: "b" },
      safety_identifier: "u",
      service_tier: "flex",
      prompt_cache_key: "k",
      store: false,
      stream: true,
      truncation: "auto",
      max_tool_calls: 3,
      background: true,
      prompt_cache_retention: "24h",
      context_management: [{ type: "compaction" }],
      something_new: { a: 1 },
    };
    const lost = new Lost();
    const written = openAIResponses.writeRequest(read(body), target, lost);
    assert.deepEqual(plain(written), plain(body));
    assert.deepEqual(lost.names, []);
  });

  it("reads the members that others have words for", () => {
    const request = read({
      instructions: "Be brief",
      max_output_tokens: 9,
      reasoning: { effort: "low", summary: "auto" },
      text: { format: { type: "json_object" }, verbosity: "high" },
      tool_choice: { type: "function", name: "f" },
      stream: true,
      safety_identifier: "u",
      background: false,
      truncation: "disabled",
      previous_response_id: null,
    });
    assert.deepEqual(request, {
      format: "openai-responses",
      model: "m",
      stream: true,
      include_usage: true,
      messages: [
        {
          role: "system",
          instructions: true,
          parts: [{ type: "text", text: "Be brief" }],
        },
        { role: "user", parts: [hi] },
      ],
      max_tokens: 9,
      user: "u",
      safety_identifier: "u",
      output: { type: "json" },
      verbosity: "high",
      reasoning: { effort: "low", summary: "auto", visible: true },
      tool_choice: { type: "tool", name: "f" },
    });
  });

  it("makes one turn of what the model did in a row, and one of what tools gave back", () => {
    const { messages } = read({
      input: [
        { role: "user", content: "Hi" },
        { type: "reasoning", summary: [], encrypted_content: "x" },
        { role: "assistant", content: "I look" },
        { type: "function_call", call_id: "1", name: "f", arguments: "{}" },
        { type: "function_call", call_id: "2", name: "g", arguments: "{}" },
        { type: "function_call_output", call_id: "1", output: "a" },
        { type: "function_call_output", call_id: "2", output: "b" },
        { role: "user", content: "And?" },
      ],
    });
    assert.deepEqual(messages.map(({ role, parts }) => [role, ...parts.map(({ type }) => type)]), [
      ["user", "text"],
      ["assistant", "reasoning", "text", "tool_call", "tool_call"],
      ["user", "tool_result", "tool_result"],
      ["user", "text"],
    ]);
  });

  const wrong: [Json, RegExp][] = [
    [{ input: 7 }, /'input' is a number/],
    [{ input: undefined }, /'input' is missing/],
    [{ input: [7] }, /'input\[0\]' is a number/],
    [{ input: [{ role: "tool", content: "x" }] }, /'input\[0\]\.role' is 'tool'/],
    [{ input: [{ role: "user", content: 7 }] }, /'input\[0\]\.content' is a number/],
    [{ input: [{ role: "user", content: [{ text: "x" }] }] }, /content\[0\]\.type' is missing/],
    [{ input: [{ type: "function_call", call_id: "a", name: "f" }] }, /arguments' is missing/],
    [{ input: [{ type: "item_reference", id: "rs_1" }] }, /item 'rs_1', which is not kept here/],
    [{ input: [{ id: "rs_1" }] }, /item 'rs_1', which is not kept here/],
    [{ tools: {} }, /'tools' is an object/],
    [{ tools: [{ type: "function" }] }, /'tools\[0\]\.name' is missing/],
    [{ tool_choice: "always" }, /'tool_choice' is 'always'/],
    [{ temperature: "hot" }, /'temperature' is 'hot'/],
    [{ text: { format: { type: "json_schema", name: "n" } } }, /'text\.format\.schema' is missing/],
    [{ previous_response_id: "resp_1" }, /'previous_response_id' is 'resp_1'/],
    [{ conversation: { id: "conv_1" } }, /'conversation' is 'conv_1'/],
    [{ prompt: { id: "pmpt_1" } }, /'prompt' is 'pmpt_1'/],
  ];
  for (const [body, message] of wrong) {
    it(`refuses ${JSON.stringify(body)}`, () => {
      assert.throws(() => read(body), (error) => {
        assert.ok(isGatewayError(error) && error.status === 400);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});

describe("hostile requests", () => {
  it("are refused in words, or written", () => {
    const odd: unknown[] = [
      null,
      7,
      -1,
      "x",
      [],
      {},
      [null],
      { type: 7 },
      true,
      "__proto__",
      1e300,
    ];
    for (const [number, name] of having("request.json").entries()) {
      for (let round = 0; round < 40; round++) {
        const chance = dice(number, round);
        const body = jsonOf(`${name}/request.json`);
        for (let times = 0; times < 3; times++) {
          mutate(body, () => odd[Math.floor(chance() * odd.length)], chance);
        }
        try {
          openAIResponses.writeRequest(openAIResponses.readRequest(body, {}), target, new Lost());
        } catch (error) {
          assert.ok(isGatewayError(error), `${name} ${round}: ${error}`);
        }
      }
    }
    const body = JSON.parse('{"input":"Hi","model":"m","__proto__":{"a":1}}');
    assert.equal(openAIResponses.readRequest(body, {}).extra, undefined);
  });
});

describe("requests of other formats", () => {
  const rows: [Partial<ChatRequest>, string[]][] = [
    [{ n: 1, frequency_penalty: 0, logit_bias: {}, modalities: ["text"], stop: [] }, []],
    [{ n: 2, seed: 1, top_k: 1, min_p: 1, stop: ["x"] }, ["top_k", "min_p", "seed", "stop", "n"]],
    [{ max_tokens: 1 }, ["max_tokens"]],
    [{ service_tier: "standard_only" }, []],
    [{ service_tier: "batch" }, ["service_tier"]],
    [{ extra: { thinking_mode: "x" } }, ["thinking_mode"]],
    [{ messages: [{ role: "user", name: "Ann", parts: [hi] }] }, ["messages.name"]],
    [
      { messages: say({ type: "video", source: { kind: "url", url: "https://a" } }) },
      ["messages.video"],
    ],
    [
      {
        messages: say({ type: "image", source: { kind: "file", id: "f", format: "gemini" } }),
      },
      ["messages.image.file"],
    ],
    [
      { messages: say({ type: "native", format: "gemini", value: { type: "code" } }) },
      ["messages.code"],
    ],
    [
      { tools: [{ type: "web_search", max_uses: 1, blocked_domains: ["a"] }] },
      ["tools.web_search.max_uses", "tools.web_search.blocked_domains"],
    ],
    [{ tools: [{ type: "native", format: "gemini", value: { type: "maps" } }] }, ["tools.maps"]],
    [{ messages: say({ ...hi, extra: { odd: 1 } }) }, ["messages.odd"]],
  ];
  for (const [request, expected] of rows) {
    it(`${JSON.stringify(request)} loses [${expected}]`, () => {
      const lost = new Lost();
      write(request, lost);
      assert.deepEqual(lost.names, expected);
    });
  }

  it("keeps nothing at the provider, and asks for thoughts where models think", () => {
    assert.deepEqual(write({ messages: say(hi) }), {
      model: "gpt-5",
      input: [{ role: "user", content: "Hi" }],
      include: ["reasoning.encrypted_content"],
      store: false,
    });
    const chat = write({ messages: say(hi) }, undefined, { model: "gpt-4.1" });
    assert.equal(chat.include, undefined);
    const asked = write({ reasoning: { budget: 2000 } }, undefined, { model: "other" });
    assert.deepEqual(asked.include, ["reasoning.encrypted_content"]);
    assert.deepEqual(asked.reasoning, { effort: "medium" });
  });

  const efforts: [string, Json | undefined][] = [
    ["gpt-4.1", undefined],
    ["o3", undefined],
    ["gpt-5-nano", { effort: "minimal" }],
    ["gpt-5.2", { effort: "none" }],
    ["gpt-5-pro", { effort: "high" }],
  ];
  for (const [model, expected] of efforts) {
    it(`tells ${model} in its own way not to think`, () => {
      const { reasoning } = write({ reasoning: { enabled: false } }, undefined, { model });
      assert.deepEqual(reasoning, expected);
    });
  }

  it("sends thoughts as they are to who takes them, of the running loop only", () => {
    const thought = (text: string): Part => ({ type: "reasoning", text });
    const call: Part = { type: "tool_call", id: "c", name: "f", arguments: "{}" };
    const messages: ChatRequest["messages"] = [
      { role: "assistant", parts: [thought("old"), hi] },
      { role: "user", parts: [hi] },
      { role: "assistant", parts: [thought("new"), call] },
      { role: "user", parts: [{ type: "tool_result", call_id: "c", content: [hi] }] },
    ];
    const { input } = write({ messages }, undefined, { takes: ["reasoning_content"] });
    assert.deepEqual((input as Json[]).filter(({ type }) => type === "reasoning"), [
      { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "new" }] },
    ]);
  });

  it("sends a provider its own thoughts, and no other's", () => {
    const { input } = write({
      messages: [{
        role: "assistant",
        parts: [
          {
            type: "reasoning",
            text: "A",
            signature: { format: "openai-responses", value: "x" },
          },
          { type: "reasoning", text: "B", signature: { format: "gemini", value: "y" } },
          { type: "reasoning", text: "C" },
          { type: "tool_call", id: "c".repeat(80), name: "f", arguments: "" },
        ],
      }, { role: "user", parts: [{ type: "tool_result", call_id: "c".repeat(80), content: [] }] }],
    });
    const id = `call_${"c".repeat(59)}`;
    assert.deepEqual(input, [
      {
        type: "reasoning",
        summary: [{ type: "summary_text", text: "A" }],
        encrypted_content: "x",
      },
      { type: "function_call", call_id: id, name: "f", arguments: "{}" },
      { type: "function_call_output", call_id: id, output: "" },
    ]);
  });

  it("functions are not strict unless that was said", () => {
    const { tools } = write({ tools: [{ type: "function", name: "f" }] });
    const parameters = { type: "object", properties: {} };
    assert.deepEqual(tools, [{ type: "function", name: "f", parameters, strict: false }]);
  });
});

describe("answers", () => {
  for (const name of having("response.json").filter((one) => !/error/.test(one))) {
    it(`${name} is read`, () => {
      const body = jsonOf(`${name}/response.json`);
      const answer = openAIResponses.readAnswer(body, target);
      const [choice] = answer.choices;
      const items = body.output as Json[];
      const calls = items.filter(({ type }) =>
        /^(?:function|custom_tool)_call$/.test(String(type))
      );
      assert.equal(answer.id, body.id);
      assert.equal(textOf(choice!.parts), saidBy(items));
      assert.deepEqual(
        choice!.parts.flatMap((part) => part.type === "tool_call" ? part.id : []),
        calls.map(({ call_id }) => call_id),
      );
      assert.equal(choice!.finish, calls.length > 0 ? "tool_calls" : "stop");
      assert.equal(answer.usage?.input, body.usage.input_tokens);
      assert.equal(answer.usage?.output, body.usage.output_tokens);
    });
  }

  it("tells why an answer ended", () => {
    const finish = (body: Json) => openAIResponses.readAnswer(body, target).choices[0]!.finish;
    const incomplete = (reason: string) =>
      finish({ status: "incomplete", incomplete_details: { reason } });
    assert.equal(incomplete("max_output_tokens"), "length");
    assert.equal(incomplete("content_filter"), "content_filter");
    assert.equal(incomplete("other"), "other");
    assert.equal(finish({ status: "failed", error: {} }), "error");
    const refusal = { type: "message", role: "assistant", content: [{ type: "refusal" }] };
    assert.equal(finish({ status: "completed", output: [refusal] }), "refusal");
  });
});

describe("streams", () => {
  // Its recording left items out of the last event.
  const whole = having("response.sse").filter((name) => !name.includes("phase"));
  for (const name of whole) {
    it(`${name} comes to its answer`, () => {
      const frames = eventsOf(name);
      const events = readAll(frames);
      assertOrder(events);
      assert.equal(events.at(-1)?.type, "end");
      const final = frames.map(({ json }) => json as Json).find((json) =>
        /^response\.(?:completed|incomplete)$/.test(String(json?.type))
      )!.response as Json;
      const answer = assemble(events, "openai-responses");
      const expected = openAIResponses.readAnswer(final, target);
      // Thoughts are encrypted anew each time they are told.
      assert.deepEqual(unsigned(answer.choices), unsigned(expected.choices));
      assert.deepEqual(answer.usage, expected.usage);
      assert.equal(answer.id, expected.id);
      assert.equal(answer.model, expected.model);
    });
  }

  it("items that come at the same time are told one after the other", () => {
    const call = (index: number) => ({
      type: "function_call",
      id: `fc_${index}`,
      call_id: `call_${index}`,
      name: "f",
    });
    const on = (type: string, output_index: number, more: Json): Event => ({
      json: { type: `response.${type}`, output_index, item_id: `fc_${output_index}`, ...more },
    });
    const delta = "function_call_arguments.delta";
    const events = readAll([
      on("output_item.added", 0, { item: { ...call(0), arguments: "" } }),
      on("output_item.added", 1, { item: { ...call(1), arguments: "" } }),
      on(delta, 0, { delta: '{"a"' }),
      on(delta, 1, { delta: '{"b"' }),
      on(delta, 0, { delta: ":1}" }),
      on("output_item.done", 0, { item: { ...call(0), arguments: '{"a":1}' } }),
      on(delta, 1, { delta: ":2}" }),
      on("output_item.done", 1, { item: { ...call(1), arguments: '{"b":2}' } }),
      { json: { type: "response.completed", response: { status: "completed" } } },
    ]);
    assertOrder(events);
    const calls = assemble(events).choices[0]!.parts;
    assert.deepEqual(calls.map((part) => part.type === "tool_call" && part.arguments), [
      '{"a":1}',
      '{"b":2}',
    ]);
  });

  it("what deltas did not tell is told at the end", () => {
    const message = {
      type: "message",
      role: "assistant",
      content: [{
        type: "output_text",
        text: "Hello",
        annotations: [{ type: "url_citation", url: "https://a" }],
      }],
    };
    const call = { type: "function_call", call_id: "c", name: "f", arguments: "{}" };
    const added = { type: "response.output_text.delta", output_index: 0, content_index: 0 };
    const events = readAll([
      { json: { ...added, delta: "Hel" } },
      { json: { type: "response.completed", response: { output: [message, call] } } },
    ]);
    assertOrder(events);
    const [text, tool] = assemble(events).choices[0]!.parts;
    assert.ok(text?.type === "text" && text.text === "Hello");
    assert.equal(text.citations?.[0]?.url, "https://a");
    assert.ok(tool?.type === "tool_call" && tool.arguments === "{}");
  });

  const quota = { type: "insufficient_quota", code: "insufficient_quota", message: "No money" };
  const failures: [string, Json, Json][] = [
    ["as OpenAI sends it", { type: "error", error: quota }, {
      kind: "billing",
      message: "No money",
      code: "insufficient_quota",
    }],
    ["as its types have it", { type: "error", code: "rate_limit_exceeded", message: "Slow" }, {
      kind: "rate_limit",
      status: 429,
      message: "Slow",
    }],
    ["as the end of a response", {
      type: "response.failed",
      response: { error: { code: "server_error", message: "Broken" } },
    }, { kind: "server", status: 500, message: "Broken", code: "server_error" }],
    ["without a type", { error: { code: 429, message: "Slow" } }, { kind: "rate_limit" }],
    ["a delta that is none", { type: "response.output_text.delta", delta: 7 }, { status: 502 }],
  ];
  for (const [name, json, expected] of failures) {
    it(`an error ends it: ${name}`, () => {
      const events = readAll([{ json }, { json: { type: "response.completed", response: {} } }]);
      const last = events.at(-1)!;
      assert.ok(last.type === "error");
      for (const [key, value] of Object.entries(expected)) {
        assert.equal(last.fault[key as keyof typeof last.fault], value, key);
      }
      assert.equal(events.filter(({ type }) => type === "error" || type === "end").length, 1);
    });
  }

  it("a stream that was cut is told to be", () => {
    const events = readAll(eventsOf("openai/responses-stream-plain").slice(0, -1));
    const last = events.at(-1)!;
    assert.ok(last.type === "error" && last.fault.status === 502);
  });

  it("broken events neither throw nor end it silently", () => {
    const odd: unknown[] = [null, 7, -1, "x", [], {}, [null], { type: 7 }, NaN, true, undefined];
    for (const [number, name] of having("response.sse").entries()) {
      for (let round = 0; round < 20; round++) {
        const chance = dice(number, round);
        const pick = <T>(list: readonly T[]) => list[Math.floor(chance() * list.length)]!;
        const events = eventsOf(name).map((event) => {
          if (chance() > 0.1) return event;
          const json = structuredClone(event.json) as Json;
          if (chance() < 0.1) return { text: "{broken" };
          if (json === undefined) return event;
          mutate(json, () => pick(odd), chance);
          return { ...event, json };
        });
        if (chance() < 0.3) events.splice(Math.floor(chance() * events.length), 3);
        const found = readAll(events);
        assertOrder(found);
        assert.match(found.at(-1)!.type, /^(?:end|error)$/);
      }
    }
  });
});

describe("errors", () => {
  it("are read and written as OpenAI has them", () => {
    const body = {
      error: {
        message: "Your input exceeds the context window of this model.",
        type: "invalid_request_error",
        param: "input",
        code: "context_length_exceeded",
      },
    };
    const fault = openAIResponses.readFault(400, body);
    assert.equal(fault.kind, "invalid_request");
    assert.deepEqual(openAIResponses.writeFault(fault, "r"), body);
    assert.equal(
      openAIResponses.readFault(502, "<title>Bad gateway</title>").message,
      "Bad gateway",
    );
  });
});

/** What may be said in several ways, in one of them. */
function plain(body: Json): unknown {
  const { input, ...rest } = body;
  const items = typeof input === "string" ? [{ role: "user", content: input }] : input as Json[];
  const read = items.map((item) => {
    const { content, role, status: _, ...more } = item;
    if (typeof content !== "string") return item.type === "message" ? { ...item } : item;
    const type = role === "assistant" ? "output_text" : "input_text";
    return { ...more, role, content: [{ type, text: content, annotations: [] }] };
  });
  return JSON.parse(JSON.stringify({ ...rest, input: read }), (key, value) => {
    if (value === null || key === "logprobs" || key === "stream" && value === false) {
      return undefined;
    }
    // Repeats what goes without saying.
    if (key === "annotations" && value.length === 0 || key === "status") return undefined;
    if (key === "background" && value === false) return undefined;
    return value;
  });
}

function textOf(parts: Part[]): string {
  return parts.map((part) => part.type === "text" ? part.text : "").join("");
}

function saidBy(items: Json[]): string {
  return items.flatMap(({ type, content }) => type === "message" ? content as Json[] : [])
    .map(({ text }) => text ?? "").join("");
}

function unsigned(choices: unknown): unknown {
  return JSON.parse(JSON.stringify(choices), (key, value) => key === "signature" ? "x" : value);
}

/** What is promised of the order of events. */
function assertOrder(events: ChatEvent[]): void {
  let open = false;
  let part = 0;
  let over = false;
  for (const event of events) {
    assert.equal(over, false, "nothing follows the end");
    switch (event.type) {
      case "part_start":
        assert.equal(open, false, "one part at a time");
        assert.equal(event.part, part);
        open = true;
        break;
      case "part_end":
        assert.equal(open, true);
        open = false;
        part++;
        break;
      case "text":
      case "arguments":
      case "citation":
      case "signature":
        assert.ok(open && event.part === part, `${event.type} of the open part`);
        break;
      case "finish":
        assert.equal(open, false);
        break;
      case "end":
      case "error":
        over = true;
    }
  }
}

/** Puts something odd somewhere. */
function mutate(json: Json, odd: () => unknown, chance: () => number): void {
  const keys = Object.keys(json);
  const key = keys[Math.floor(chance() * keys.length)];
  if (key === undefined) return;
  const inner = json[key];
  if (typeof inner === "object" && inner !== null && chance() < 0.7) {
    mutate(inner as Json, odd, chance);
  } else if (chance() > 0.3) json[key] = odd();
  else if (Array.isArray(json)) json.splice(Number(key), 1);
  else delete json[key];
}
