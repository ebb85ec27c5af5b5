/** Requests of Google's clients, and requests to Google's models. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { isGatewayError } from "../../core/error.ts";
import type { ChatRequest, Message, Part, Signature } from "../../core/unified/chat.ts";
import { gemini } from "../../core/unified/codecs/gemini.ts";
import { readCountRequest, writeCountRequest } from "../../core/unified/codecs/gemini/count.ts";
import { Lost } from "../../core/unified/lost.ts";
import { type Json, target, user, written } from "./unified-gemini.ts";

const place = { model: "google/gemini-2.5-flash", stream: false };
const read = (body: Json) => gemini.readRequest(body, place);
const hi = [{ role: "user", parts: [{ text: "Hi" }] }];

describe("a request of Google's client", () => {
  it("has each of its settings in its place", () => {
    const request = read({
      contents: hi,
      systemInstruction: { role: "user", parts: [{ text: "Be brief" }] },
      generationConfig: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        candidateCount: 2,
        maxOutputTokens: 100,
        stopSequences: ["END"],
        seed: "7",
        presencePenalty: 0.1,
        frequencyPenalty: 0.2,
        responseLogprobs: true,
        logprobs: 3,
        responseModalities: ["TEXT", "IMAGE"],
        responseMimeType: "application/json",
        responseSchema: {
          type: "OBJECT",
          properties: {
            a: { type: "STRING", nullable: true },
            b: { type: "ARRAY", minItems: "2" },
          },
          propertyOrdering: ["b", "a"],
        },
        thinkingConfig: { includeThoughts: true, thinkingLevel: "LOW" },
        speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: "Kore" } } },
        mediaResolution: "MEDIA_RESOLUTION_LOW",
        imageConfig: { aspectRatio: "1:1" },
      },
      tools: [
        {
          functionDeclarations: [{
            name: "f",
            parameters: { type: "OBJECT" },
            behavior: "BLOCKING",
          }],
        },
        { googleSearch: { excludeDomains: ["x.example"] } },
        { codeExecution: {} },
      ],
      toolConfig: {
        functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["f"] },
        retrievalConfig: { languageCode: "de" },
      },
      safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
      cachedContent: "cachedContents/1",
      labels: { team: "a" },
      serviceTier: "standard",
      store: false,
    });
    const expected: ChatRequest = {
      format: "gemini",
      model: "google/gemini-2.5-flash",
      stream: false,
      messages: [
        { role: "system", parts: [{ type: "text", text: "Be brief" }] },
        { role: "user", parts: [{ type: "text", text: "Hi" }] },
      ],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 40,
      n: 2,
      max_tokens: 100,
      stop: ["END"],
      seed: 7,
      presence_penalty: 0.1,
      frequency_penalty: 0.2,
      logprobs: true,
      top_logprobs: 3,
      modalities: ["text", "image"],
      output: {
        type: "json_schema",
        schema: {
          type: "object",
          properties: { a: { type: ["string", "null"] }, b: { type: "array", minItems: 2 } },
          propertyOrdering: ["b", "a"],
        },
      },
      reasoning: { visible: true, effort: "low" },
      audio: { voice: "Kore" },
      tools: [
        {
          type: "function",
          name: "f",
          parameters: { type: "object" },
          extra: { behavior: "BLOCKING" },
        },
        { type: "web_search", blocked_domains: ["x.example"] },
        { type: "native", format: "gemini", value: { codeExecution: {} } },
      ],
      tool_choice: { type: "tool", name: "f" },
      service_tier: "default",
      store: false,
      extra: {
        "generationConfig.mediaResolution": "MEDIA_RESOLUTION_LOW",
        "generationConfig.imageConfig": { aspectRatio: "1:1" },
        "toolConfig.retrievalConfig": { languageCode: "de" },
        safetySettings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
        cachedContent: "cachedContents/1",
        labels: { team: "a" },
      },
    };
    assert.deepEqual(request, expected);
    const lost = new Lost();
    const again = gemini.writeRequest(request, target(), lost);
    assert.deepEqual(lost.names, []);
    assert.deepEqual(read(JSON.parse(JSON.stringify(again))), expected);
  });

  it("may be spelled with underscores", () => {
    assert.deepEqual(
      read({
        system_instruction: { parts: [{ text: "S" }] },
        contents: [{
          role: "user",
          parts: [
            { inline_data: { mime_type: "image/png", data: "AA==" } },
            { file_data: { mime_type: "application/pdf", file_uri: "https://x.example/a.pdf" } },
            { function_response: { name: "f", response: { output: "ok" } } },
          ],
        }],
        generation_config: {
          max_output_tokens: 5,
          thinking_config: { thinking_budget: 0, include_thoughts: false },
          response_mime_type: "application/json",
        },
        tools: [{
          function_declarations: [{ name: "f", parameters_json_schema: { type: "object" } }],
        }],
        tool_config: { function_calling_config: { mode: "NONE" } },
        safety_settings: [],
      }),
      read({
        systemInstruction: { parts: [{ text: "S" }] },
        contents: [{
          role: "user",
          parts: [
            { inlineData: { mimeType: "image/png", data: "AA==" } },
            { fileData: { mimeType: "application/pdf", fileUri: "https://x.example/a.pdf" } },
            { functionResponse: { name: "f", response: { output: "ok" } } },
          ],
        }],
        generationConfig: {
          maxOutputTokens: 5,
          thinkingConfig: { thinkingBudget: 0, includeThoughts: false },
          responseMimeType: "application/json",
        },
        tools: [{
          functionDeclarations: [{ name: "f", parametersJsonSchema: { type: "object" } }],
        }],
        toolConfig: { functionCallingConfig: { mode: "NONE" } },
        safetySettings: [],
      }),
    );
  });

  it("has parts of every kind", () => {
    const { messages } = read({
      contents: [
        {
          role: "user",
          parts: [
            { text: "Look", partMetadata: { a: 1 } },
            { inlineData: { mimeType: "audio/wav", data: "AA==", displayName: "a.wav" } },
            {
              fileData: { fileUri: "https://www.youtube.com/watch?v=x" },
              videoMetadata: { fps: 2 },
            },
            { fileData: { fileUri: "gs://bucket/a.png", mimeType: "image/png" } },
            {
              fileData: {
                fileUri: "https://generativelanguage.googleapis.com/v1beta/files/abc",
                mimeType: "application/pdf",
              },
            },
          ],
        },
        {
          role: "model",
          parts: [
            { text: "Hm", thought: true },
            { functionCall: { id: "1", name: "f", args: { a: 1 } }, thoughtSignature: "c2ln" },
            { functionCall: { name: "g" } },
            { executableCode: { language: "PYTHON", code: "1" } },
            { codeExecutionResult: { outcome: "OUTCOME_OK" } },
            { text: "", thoughtSignature: "bGFzdA==" },
          ],
        },
        {
          role: "function",
          parts: [
            { functionResponse: { name: "g", response: { error: "no" } } },
            {
              functionResponse: {
                id: "1",
                name: "f",
                response: { a: [1] },
                parts: [{ inlineData: { mimeType: "image/png", data: "AA==" } }],
                scheduling: "SILENT",
              },
            },
          ],
        },
      ],
    });
    const native = (value: Json): Part => ({ type: "native", format: "gemini", value });
    const signature = (value: string): Signature => ({ format: "gemini", value });
    assert.deepEqual(messages, [
      {
        role: "user",
        parts: [
          { type: "text", text: "Look", extra: { partMetadata: { a: 1 } } },
          {
            type: "audio",
            source: { kind: "base64", mime: "audio/wav", data: "AA==" },
            name: "a.wav",
          },
          {
            type: "video",
            source: { kind: "url", url: "https://www.youtube.com/watch?v=x" },
            extra: { videoMetadata: { fps: 2 } },
          },
          {
            type: "image",
            source: { kind: "file", id: "gs://bucket/a.png", format: "gemini", mime: "image/png" },
          },
          {
            type: "document",
            source: {
              kind: "file",
              id: "https://generativelanguage.googleapis.com/v1beta/files/abc",
              format: "gemini",
              mime: "application/pdf",
            },
          },
        ],
      },
      {
        role: "assistant",
        parts: [
          { type: "reasoning", text: "Hm" },
          {
            type: "tool_call",
            id: "1",
            name: "f",
            arguments: '{"a":1}',
            signature: signature("c2ln"),
          },
          { type: "tool_call", id: "call_gemini0", name: "g", arguments: "{}" },
          native({ executableCode: { language: "PYTHON", code: "1" } }),
          native({ codeExecutionResult: { outcome: "OUTCOME_OK" } }),
          { type: "text", text: "", signature: signature("bGFzdA==") },
        ],
      },
      {
        role: "user",
        parts: [
          {
            type: "tool_result",
            call_id: "call_gemini0",
            name: "g",
            content: [{ type: "text", text: "no" }],
            is_error: true,
          },
          {
            type: "tool_result",
            call_id: "1",
            name: "f",
            content: [
              { type: "text", text: '{"a":[1]}' },
              { type: "image", source: { kind: "base64", mime: "image/png", data: "AA==" } },
            ],
            extra: { scheduling: "SILENT" },
          },
        ],
      },
    ]);
  });

  const modes: [Json, Json][] = [
    [{ mode: "AUTO" }, { type: "auto" }],
    [{ mode: "NONE" }, { type: "none" }],
    [{ mode: "ANY" }, { type: "required" }],
    [{ mode: "ANY", allowedFunctionNames: ["f"] }, { type: "tool", name: "f" }],
    [{ mode: "ANY", allowedFunctionNames: ["f", "g"] }, {
      type: "allowed",
      mode: "required",
      names: ["f", "g"],
    }],
    [{ mode: "VALIDATED" }, { type: "auto" }],
    [{ mode: "VALIDATED", allowedFunctionNames: ["f"] }, {
      type: "allowed",
      mode: "auto",
      names: ["f"],
    }],
  ];
  for (const [functionCallingConfig, choice] of modes) {
    it(`says ${JSON.stringify(functionCallingConfig)} of its tools`, () => {
      const tools = [{ functionDeclarations: [{ name: "f" }, { name: "g" }] }];
      const request = read({ contents: hi, tools, toolConfig: { functionCallingConfig } });
      assert.deepEqual(request.tool_choice, choice);
      const strict = functionCallingConfig.mode === "VALIDATED";
      assert.equal(
        request.tools![0]!.type === "function" && request.tools![0]!.strict,
        strict || undefined,
      );
      const again = gemini.writeRequest(request, target(), new Lost());
      assert.deepEqual(again.toolConfig, { functionCallingConfig });
    });
  }

  const wrong: [string, Json, RegExp][] = [
    ["no contents", {}, /'contents' is missing; an array of contents is expected/],
    ["contents of text", { contents: "Hi" }, /'contents' is 'Hi'/],
    ["a content of text", { contents: ["Hi"] }, /'contents\[0\]' is 'Hi'; an object/],
    ["a role of others", { contents: [{ role: "assistant", parts: [] }] }, /role' is 'assistant'/],
    [
      "a text that is none",
      { contents: [{ parts: [{ text: 1 }] }] },
      /parts\[0\]\.text' is a number/,
    ],
    [
      "a temperature of text",
      { contents: hi, generationConfig: { temperature: "hot" } },
      /'generationConfig\.temperature'/,
    ],
    [
      "stops that are no list",
      { contents: hi, generationConfig: { stopSequences: "a" } },
      /stopSequences' is 'a'; an array of strings/,
    ],
    ["tools that are no list", { contents: hi, tools: {} }, /'tools' is an object/],
    [
      "a function without a name",
      { contents: hi, tools: [{ functionDeclarations: [{}] }] },
      /functionDeclarations\[0\]\.name' is missing/,
    ],
    [
      "a config that is none",
      { contents: hi, generationConfig: 5 },
      /'generationConfig' is a number/,
    ],
  ];
  for (const [what, body, message] of wrong) {
    it(`with ${what} is refused, and told why`, () => {
      assert.throws(
        () => read(body),
        (error: Error) =>
          isGatewayError(error) && error.status === 400 && message.test(error.message),
      );
    });
  }

  it("is whole again where a stream had cut it", () => {
    const { messages } = read({
      contents: [
        ...hi,
        { role: "model", parts: [{ text: "I th", thought: true }] },
        { role: "model", parts: [{ text: "ink", thought: true }] },
        { role: "model", parts: [{ text: "", thought: true, thoughtSignature: "eA==" }] },
        { role: "model", parts: [{ text: "An" }] },
        { role: "model", parts: [{ text: "swer" }] },
        { role: "model", parts: [{ functionCall: { id: "1", name: "f" } }] },
        { role: "model", parts: [{ text: "" }] },
      ],
    });
    assert.deepEqual(messages[1], {
      role: "assistant",
      parts: [
        { type: "reasoning", text: "I think", signature: { format: "gemini", value: "eA==" } },
        { type: "text", text: "Answer" },
        { type: "tool_call", id: "1", name: "f", arguments: "{}" },
      ],
    });
  });

  it("is counted with or without its settings", () => {
    const inside = { contents: hi, systemInstruction: { parts: [{ text: "S" }] } };
    const whole = readCountRequest(
      { generateContentRequest: { model: "models/m", ...inside } },
      place,
    );
    assert.deepEqual(whole, readCountRequest(inside, place));
    assert.deepEqual(writeCountRequest(whole, target("m"), new Lost()), {
      generateContentRequest: { model: "models/m", ...inside },
    });
    const vertex = target("m", "google-vertex-ai");
    assert.deepEqual(
      JSON.parse(JSON.stringify(writeCountRequest(whole, vertex, new Lost()))),
      inside,
    );
  });
});

describe("a request to Google's model", () => {
  it("says in Google's words what others say in theirs", () => {
    const { body, lost } = written({
      messages: [
        { role: "system", parts: [{ type: "text", text: "S" }] },
        user("Hi"),
        { role: "developer", parts: [{ type: "text", text: "D" }] },
      ],
      temperature: 1,
      top_p: 0.5,
      top_k: 3,
      n: 1,
      max_tokens: 9,
      stop: ["a", "b"],
      seed: 1,
      frequency_penalty: 0,
      presence_penalty: 0.5,
      logprobs: true,
      top_logprobs: 2,
      modalities: ["text", "audio"],
      audio: { voice: "Kore", format: "pcm16" },
      service_tier: "flex",
      parallel_tool_calls: true,
      store: false,
      include_usage: true,
      output: { type: "json" },
      tools: [
        { type: "function", name: "f", description: "F", parameters: { type: "object" } },
        { type: "web_search" },
      ],
      tool_choice: { type: "required" },
    }, target("gemini-3.5-flash"));
    assert.deepEqual(lost, []);
    assert.deepEqual(body, {
      contents: hi,
      systemInstruction: { parts: [{ text: "S" }, { text: "D" }] },
      tools: [{ functionDeclarations: [{ name: "f", description: "F" }] }, { googleSearch: {} }],
      toolConfig: { functionCallingConfig: { mode: "ANY" } },
      serviceTier: "flex",
      generationConfig: {
        temperature: 1,
        topP: 0.5,
        topK: 3,
        maxOutputTokens: 9,
        stopSequences: ["a", "b"],
        seed: 1,
        presencePenalty: 0.5,
        responseLogprobs: true,
        logprobs: 2,
        responseMimeType: "application/json",
        responseModalities: ["AUDIO"],
        speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: "Kore" } } },
      },
    });
  });

  it("has what clients of OpenAI say to Google alone", () => {
    const safety = [{ category: "HARM_CATEGORY_HATE_SPEECH", threshold: "BLOCK_NONE" }];
    const { body, lost } = written({
      format: "openai-chat",
      extra: {
        safety_settings: safety,
        extra_body: {
          google: {
            cached_content: "cachedContents/x",
            thinking_config: { thinking_budget: 800, include_thoughts: true },
            hologram: 1,
          },
        },
      },
    }, target("gemini-2.5-flash"));
    assert.deepEqual(body.safetySettings, safety);
    assert.equal(body.cachedContent, "cachedContents/x");
    assert.deepEqual(body.generationConfig, {
      thinkingConfig: { thinkingBudget: 800, includeThoughts: true },
    });
    assert.deepEqual(lost, ["hologram"]);
  });

  const losses: [string, Partial<ChatRequest>, string[]][] = [
    ["logit_bias", { logit_bias: { "1": 2 } }, ["logit_bias"]],
    ["user", { user: "u" }, ["user"]],
    ["metadata", { metadata: { a: "b" } }, ["metadata"]],
    ["min_p", { min_p: 0.1 }, ["min_p"]],
    ["verbosity", { verbosity: "low" }, ["verbosity"]],
    ["store", { store: true }, ["store"]],
    ["a cache's key", { prompt_cache_key: "k" }, ["prompt_cache_key"]],
    ["a tier that Google has not", { service_tier: "scale" }, ["service_tier"]],
    ["calls one after the other", {
      tools: [{ type: "function", name: "f" }],
      parallel_tool_calls: false,
    }, ["parallel_tool_calls"]],
    ["too many stops", { stop: ["1", "2", "3", "4", "5", "6"] }, ["stop"]],
    ["a sound's format", {
      modalities: ["audio"],
      audio: { voice: "Puck", format: "mp3" },
    }, ["audio.format"]],
    ["a voice of OpenAI's", {
      modalities: ["audio"],
      audio: { voice: "alloy", format: "pcm16" },
    }, ["audio.voice"]],
    ["members of another format", { extra: { prediction: {} } }, ["prediction"]],
    ["a custom tool", { tools: [{ type: "custom", name: "c" }] }, ["tools.custom"]],
    ["another's tool", {
      tools: [{ type: "native", format: "anthropic-messages", value: { type: "bash_20250124" } }],
    }, ["tools.bash_20250124"]],
    ["limits of a search", {
      tools: [{ type: "web_search", allowed_domains: ["a"], blocked_domains: ["b"], max_uses: 1 }],
    }, [
      "tools.web_search.blocked_domains",
      "tools.web_search.allowed_domains",
      "tools.web_search.max_uses",
    ]],
    ["a choice among no functions", {
      tools: [{ type: "web_search" }],
      tool_choice: { type: "required" },
    }, ["tool_choice"]],
    ["a name", { messages: [{ ...user("Hi"), name: "Ann" }] }, ["messages.name"]],
    ["another's file", {
      messages: [{
        role: "user",
        parts: [
          { type: "text", text: "x" },
          { type: "document", source: { kind: "file", id: "file-1", format: "openai-chat" } },
        ],
      }],
    }, ["messages.document.file"]],
    ["how closely to look", {
      messages: [{
        role: "user",
        parts: [{
          type: "image",
          detail: "low",
          source: { kind: "base64", mime: "image/png", data: "AA==" },
          cache: {},
        }],
      }],
    }, ["messages.detail", "cache"]],
    ["another's block", {
      messages: [user("x"), {
        role: "assistant",
        parts: [{
          type: "native",
          format: "anthropic-messages",
          value: { type: "server_tool_use" },
        }],
      }],
    }, ["messages.server_tool_use"]],
    ["what a tool's schema cannot hold", {
      tools: [{
        type: "function",
        name: "f",
        parameters: { type: "object", properties: { a: { type: "string", minLength: 2 } } },
      }],
    }, ["tools.parameters.minLength"]],
    ["what a schema cannot hold", {
      output: { type: "json_schema", schema: { type: "string", pattern: "^a" } },
    }, ["output.schema.pattern"]],
  ];
  for (const [what, request, expected] of losses) {
    it(`loses ${what}, and says so`, () => {
      assert.deepEqual([...written(request).lost].sort(), [...expected].sort());
    });
  }

  it("has, before Gemini 3, either functions or what excludes them", () => {
    const request: Partial<ChatRequest> = {
      tools: [{ type: "web_search" }, { type: "function", name: "f" }],
      output: { type: "json_schema", schema: { type: "object" } },
    };
    const old = written(request);
    assert.deepEqual(old.lost, ["tools.web_search", "output"]);
    assert.deepEqual(old.body.tools, [{ functionDeclarations: [{ name: "f" }] }]);
    assert.match(JSON.stringify(old.body.systemInstruction), /JSON Schema:\\n\{\\"type\\":/);
    assert.equal("generationConfig" in old.body, false);
    const now = written(request, target("gemini-3.5-flash"));
    assert.deepEqual(now.lost, []);
    assert.equal((now.body.tools as Json[]).length, 2);
    assert.deepEqual(now.body.generationConfig, {
      responseMimeType: "application/json",
      responseJsonSchema: { type: "object" },
    });
  });

  it("has strict tools validated where the model can", () => {
    const tools = [{ type: "function" as const, name: "f", strict: true }];
    assert.deepEqual(written({ tools }).body.toolConfig, {
      functionCallingConfig: { mode: "VALIDATED" },
    });
    assert.deepEqual(written({ tools }, target("gemini-2.0-flash")).lost, ["tools.strict"]);
    assert.deepEqual(written({ tools, tool_choice: { type: "none" } }).body.toolConfig, {
      functionCallingConfig: { mode: "NONE" },
    });
  });

  it("has schemas in the dialect that its model knows", () => {
    const schema = { type: "object", properties: { a: { type: ["string", "null"] } } };
    const output = { type: "json_schema" as const, schema, strict: true, name: "n" };
    const config = (model: string) =>
      written({ output }, target(model)).body.generationConfig as Json;
    assert.deepEqual(config("gemini-2.5-pro").responseJsonSchema, schema);
    assert.deepEqual(config("gemini-2.0-flash").responseSchema, {
      type: "object",
      properties: { a: { type: "string", nullable: true } },
    });
  });

  const thinking: [string, ChatRequest["reasoning"], Json | undefined, string[]][] = [
    ["gemini-2.5-flash", { effort: "low" }, { thinkingBudget: 1024 }, []],
    ["gemini-2.5-flash", { effort: "high", visible: true }, {
      includeThoughts: true,
      thinkingBudget: 24_576,
    }, []],
    ["gemini-2.5-flash", { effort: "none" }, { thinkingBudget: 0 }, []],
    ["gemini-2.5-flash", { budget: 50_000 }, { thinkingBudget: 24_576 }, []],
    ["gemini-2.5-flash", { enabled: true }, { thinkingBudget: -1 }, []],
    ["gemini-2.5-flash-lite", { budget: 100 }, { thinkingBudget: 512 }, []],
    ["gemini-2.5-pro", { effort: "none" }, { thinkingBudget: 128 }, ["reasoning"]],
    ["gemini-2.5-pro", { budget: 50_000 }, { thinkingBudget: 32_768 }, []],
    ["gemini-3-pro-preview", { effort: "medium" }, { thinkingLevel: "HIGH" }, []],
    ["gemini-3.1-pro-preview", { effort: "medium" }, { thinkingLevel: "MEDIUM" }, []],
    ["gemini-3.1-pro-preview", { effort: "minimal" }, { thinkingLevel: "LOW" }, []],
    ["gemini-3.1-pro-preview", { enabled: false }, { thinkingLevel: "LOW" }, ["reasoning"]],
    ["gemini-3-flash-preview", { effort: "none" }, { thinkingLevel: "MINIMAL" }, []],
    ["gemini-3.8-flash", { effort: "minimal" }, { thinkingLevel: "LOW" }, []],
    ["gemini-3.5-flash-lite", { effort: "minimal" }, { thinkingLevel: "MINIMAL" }, []],
    ["gemini-3.5-flash", { effort: "xhigh" }, { thinkingLevel: "HIGH" }, []],
    ["gemini-3.5-flash", { budget: 4096, visible: true }, {
      includeThoughts: true,
      thinkingLevel: "MEDIUM",
    }, []],
    ["gemini-3.5-flash", { effort: "odd" }, undefined, ["reasoning.effort"]],
    ["gemini-2.0-flash", { effort: "high" }, undefined, ["reasoning"]],
    ["gemini-2.0-flash", { effort: "none" }, undefined, []],
    ["gemma-3-27b-it", { effort: "low" }, undefined, ["reasoning"]],
    ["gemini-2.5-flash-image", { effort: "low" }, undefined, ["reasoning"]],
    ["gemini-3-pro-image-preview", { effort: "low", visible: true }, {
      includeThoughts: true,
    }, ["reasoning"]],
  ];
  for (const [model, reasoning, expected, lost] of thinking) {
    it(`makes ${model} think as ${JSON.stringify(reasoning)} says`, () => {
      const { body, lost: names } = written({ reasoning: reasoning! }, target(model));
      assert.deepEqual((body.generationConfig as Json | undefined)?.thinkingConfig, expected);
      assert.deepEqual(names, lost);
    });
  }

  const call = (id: string, signature?: Signature): Part => ({
    type: "tool_call",
    id,
    name: `tool_${id}`,
    arguments: '{"a":1}',
    ...signature && { signature },
  });
  const result = (id: string, ...content: Part[]): Message => ({
    role: "user",
    parts: [{ type: "tool_result", call_id: id, content }],
  });
  const text = (text: string): Part => ({ type: "text", text });

  it("has the results of a turn in one content, in the order of the calls", () => {
    const { body, lost } = written({
      messages: [
        user("Go"),
        { role: "assistant", parts: [text("Well"), call("a"), call("b")] },
        result("b", text('{"ok":true}')),
        result("a", text("plain"), text("more")),
        user("And?"),
      ],
    });
    assert.deepEqual(lost, []);
    assert.deepEqual(body.contents, [
      { role: "user", parts: [{ text: "Go" }] },
      {
        role: "model",
        parts: [
          { text: "Well" },
          { functionCall: { name: "tool_a", args: { a: 1 }, id: "a" } },
          { functionCall: { name: "tool_b", args: { a: 1 }, id: "b" } },
        ],
      },
      {
        role: "user",
        parts: [
          {
            functionResponse: { name: "tool_a", response: { output: "plain\nmore" }, id: "a" },
          },
          { functionResponse: { name: "tool_b", response: { ok: true }, id: "b" } },
          { text: "And?" },
        ],
      },
    ]);
  });

  it("has no ids for Vertex AI, and no files of the other API", () => {
    const messages: Message[] = [
      {
        role: "user",
        parts: [
          text("Go"),
          { type: "image", source: { kind: "file", id: "files/1", format: "gemini" } },
          { type: "image", source: { kind: "file", id: "gs://b/1.png", format: "gemini" } },
        ],
      },
      { role: "assistant", parts: [call("a")] },
      result("a", text("x")),
    ];
    const { body, lost } = written({ messages }, target("gemini-2.5-pro", "google-vertex-ai"));
    assert.equal(JSON.stringify(body).includes('"id"'), false);
    assert.deepEqual(lost, ["messages.image.file"]);
    assert.deepEqual((body.contents as Json[])[0]!.parts, [
      { text: "Go" },
      { fileData: { fileUri: "gs://b/1.png" } },
    ]);
  });

  it("has images of results where its model sees them", () => {
    const image: Part = {
      type: "image",
      source: { kind: "base64", mime: "image/png", data: "AA==" },
    };
    const messages = [
      user("Go"),
      { role: "assistant" as const, parts: [call("a")] },
      result("a", image),
    ];
    const inlineData = { mimeType: "image/png", data: "AA==" };
    const last = (model: string) =>
      (written({ messages }, target(model)).body.contents as Json[]).at(-1)!.parts;
    assert.deepEqual(last("gemini-2.5-flash"), [
      { functionResponse: { name: "tool_a", response: { output: "" }, id: "a" } },
      { inlineData },
    ]);
    assert.deepEqual(last("gemini-3.5-flash"), [{
      functionResponse: {
        name: "tool_a",
        response: { output: "" },
        id: "a",
        parts: [{ inlineData }],
      },
    }]);
  });

  it("has media by URL with their types", () => {
    const url = (
      type: "image" | "audio" | "video" | "document",
      url: string,
      mime?: string,
    ): Part => ({
      type,
      source: { kind: "url", url, ...mime !== undefined && { mime } },
    });
    const parts = [
      url("image", "https://x.example/a.PNG?x=1"),
      url("image", "https://x.example/a"),
      url("document", "https://x.example/a", "text/html"),
      url("video", "https://youtu.be/x"),
      { type: "document" as const, name: "N", source: { kind: "text" as const, text: "T" } },
    ];
    const { body } = written({ messages: [{ role: "user", parts }] });
    assert.deepEqual((body.contents as Json[])[0]!.parts, [
      { fileData: { mimeType: "image/png", fileUri: "https://x.example/a.PNG?x=1" } },
      { fileData: { mimeType: "image/jpeg", fileUri: "https://x.example/a" } },
      { fileData: { mimeType: "text/html", fileUri: "https://x.example/a" } },
      { fileData: { fileUri: "https://youtu.be/x" } },
      { text: "N\n\nT" },
    ]);
  });

  it("has Google's signatures on the parts that they came on, and no others", () => {
    const own: Signature = { format: "gemini", value: "Z29vZ2xl" };
    const other: Signature = { format: "anthropic-messages", value: "claude" };
    const { body } = written({
      messages: [
        user("Go"),
        {
          role: "assistant",
          parts: [
            { type: "reasoning", text: "Hm", signature: other },
            { type: "text", text: "T", signature: own },
            call("a", own),
            call("b"),
          ],
        },
        result("a", text("1")),
        result("b", text("2")),
        {
          role: "assistant",
          // As a client keeps it that has no place for it on a call.
          parts: [{ type: "reasoning", text: "", signature: own }, call("c")],
        },
        result("c", text("3")),
        { role: "assistant", parts: [{ type: "reasoning", text: "x", signature: own }] },
        user("?"),
      ],
    }, target("gemini-3.5-flash"));
    const models = (body.contents as Json[]).filter(({ role }) => role === "model");
    const kept = models.map(({ parts }) => (parts as Json[]).map((part) => part.thoughtSignature));
    assert.deepEqual(kept, [[own.value, own.value, undefined], [own.value], [own.value]]);
  });

  it("has the placeholder where another provider's model made the call", () => {
    const messages: Message[] = [
      user("Go"),
      { role: "assistant", parts: [call("a"), call("b")] },
      result("a", text("1")),
      result("b", text("2")),
    ];
    const signatures = (model: string) =>
      ((written({ messages }, target(model)).body.contents as Json[])[1]!.parts as Json[])
        .map((part) => part.thoughtSignature);
    assert.deepEqual(signatures("gemini-3-pro-preview"), [
      "skip_thought_signature_validator",
      undefined,
    ]);
    assert.deepEqual(signatures("gemini-2.5-pro"), [undefined, undefined]);
  });

  it("has instructions in the first turn for models that know none", () => {
    const messages: Message[] = [{ role: "system", parts: [text("S")] }, user("Hi")];
    assert.deepEqual(written({ messages }, target("gemma-3-27b-it")).body, {
      contents: [{ role: "user", parts: [{ text: "S" }, { text: "Hi" }] }],
    });
    assert.deepEqual(written({ messages: messages.slice(0, 1) }).body, {
      contents: [{ role: "user", parts: [{ text: "S" }] }],
    });
  });

  it("has arguments that are an object, whatever was called", () => {
    const parts = ["", "{}", "[1]", "{broken", '"x"'].map((text, i): Part => ({
      type: "tool_call",
      id: `${i}`,
      name: "f",
      arguments: text,
      ...i === 4 && { custom: true },
    }));
    const { body } = written({ messages: [user("x"), { role: "assistant", parts }] });
    assert.deepEqual(
      ((body.contents as Json[])[1]!.parts as Json[]).map((part) =>
        (part.functionCall as Json).args
      ),
      [{}, {}, { arguments: "[1]" }, { arguments: "{broken" }, { input: '"x"' }],
    );
  });
});
