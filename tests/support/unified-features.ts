// What clients say, one thing at a time: each with and without, so that it shows whether a provider was told.
import type { ChatFormat } from "../../core/unified/chat.ts";
import { type Feature, Features, type Json } from "./unified-feature.ts";

const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const pdf = "JVBERi0xLjQKJSVFT0Y=";
const wav = "UklGRg==";
const open = { type: "object", properties: { a: { type: "string" } } };
const closed = { ...open, required: ["a"], additionalProperties: false };

function chat(): Feature[] {
  const user = (content: Json) => ({ role: "user", content });
  const turn = (...parts: Json[]) => ({
    messages: [user([{ type: "text", text: "Hi" }, ...parts])],
  });
  const then = (message: Json) => ({ messages: [user("Hi"), message, user("Go on")] });
  const fn = (name: string, more = {}) => ({
    type: "function",
    function: { name, parameters: closed, ...more },
  });
  const tools = { tools: [fn("f"), fn("g")] };
  const one = { type: "function", function: { name: "f" } };
  const image = { url: `data:image/png;base64,${png}` };
  return new Features({ messages: [user("Hi")] })
    .members({
      temperature: 0.3,
      top_p: 0.4,
      top_k: 5,
      min_p: 0.1,
      seed: 7,
      stop: ["END"],
      frequency_penalty: 0.5,
      presence_penalty: 0.5,
      logit_bias: { 5: 1 },
      n: 2,
      logprobs: true,
      verbosity: "low",
      user: "u",
      safety_identifier: "s",
      metadata: { a: "b" },
      service_tier: "priority",
      store: true,
      prompt_cache_key: "k",
      prompt_cache_retention: "24h",
      cache_control: { type: "ephemeral" },
      max_tokens: 77,
      max_completion_tokens: 77,
      reasoning_effort: "high",
      thinking: { type: "enabled", budget_tokens: 2000 },
      response_format: { type: "json_object" },
      prediction: { type: "content", content: "x" },
      modalities: ["text", "audio"],
      audio: { voice: "alloy", format: "wav" },
      web_search_options: { search_context_size: "high" },
      safety_settings: [{ category: "c", threshold: "t" }],
      never_heard_of: 1,
    })
    .add("top_logprobs", { top_logprobs: 3 }, { logprobs: true })
    .add("schema", {
      response_format: {
        type: "json_schema",
        json_schema: { name: "x", strict: true, schema: closed },
      },
    })
    .add("tools", tools)
    .add("custom tool", { tools: [{ type: "custom", custom: { name: "c" } }] })
    .add("strict tool", { tools: [fn("f", { strict: true })] }, { tools: [fn("f")] })
    .add("required call", { tool_choice: "required" }, tools)
    .add("no call", { tool_choice: "none" }, tools)
    .add("one tool", { tool_choice: one }, tools)
    .add("some tools", {
      tool_choice: { type: "allowed_tools", allowed_tools: { mode: "required", tools: [one] } },
    }, tools)
    .add("one call at a time", { parallel_tool_calls: false }, tools)
    .add("developer", { messages: [{ role: "developer", content: "D" }, user("Hi")] })
    .add("system", { messages: [{ role: "system", content: "S" }, user("Hi")] })
    .add("system in between", {
      messages: [...then({ role: "assistant", content: "A" }).messages, {
        role: "system",
        content: "S",
      }, user("Go")],
    }, { messages: [...then({ role: "assistant", content: "A" }).messages, user("Go")] })
    .add("name", { messages: [{ ...user("Hi"), name: "ann" }] })
    .add("refusal", then({ role: "assistant", content: null, refusal: "No" }))
    .add("begun answer", { messages: [user("Hi"), { role: "assistant", content: "Begun" }] })
    .add(
      "detail",
      turn({ type: "image_url", image_url: { ...image, detail: "high" } }),
      turn({ type: "image_url", image_url: image }),
    )
    .parts(turn, {
      image: { type: "image_url", image_url: image },
      "image by URL": { type: "image_url", image_url: { url: "https://example.com/a.png" } },
      sound: { type: "input_audio", input_audio: { data: wav, format: "wav" } },
      file: {
        type: "file",
        file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${pdf}` },
      },
      "file by id": { type: "file", file: { file_id: "file-1" } },
      video: { type: "video_url", video_url: { url: "https://example.com/a.mp4" } },
      "cache mark": { type: "text", text: "Long", cache_control: { type: "ephemeral" } },
      hologram: { type: "hologram", hologram: {} },
    }).all;
}

function anthropic(): Feature[] {
  const user = (content: Json) => ({ role: "user", content });
  const turn = (...parts: Json[]) => ({
    messages: [user([{ type: "text", text: "Hi" }, ...parts])],
  });
  const tool = { name: "f", input_schema: closed };
  const tools = { tools: [tool] };
  const search = { type: "web_search_20250305", name: "web_search" };
  const result = (more = {}) => ({
    ...tools,
    messages: [
      user("Hi"),
      { role: "assistant", content: [{ type: "tool_use", id: "t_1", name: "f", input: {} }] },
      user([{ type: "tool_result", tool_use_id: "t_1", content: "It is", ...more }]),
    ],
  });
  const text = { type: "text", media_type: "text/plain", data: "Words" };
  return new Features({ max_tokens: 5000, messages: [user("Hi")] })
    .members({
      temperature: 0.3,
      top_p: 0.4,
      top_k: 5,
      stop_sequences: ["END"],
      system: "S",
      metadata: { user_id: "u" },
      thinking: { type: "enabled", budget_tokens: 2000 },
      output_config: { effort: "low" },
      cache_control: { type: "ephemeral" },
      container: "c_1",
      mcp_servers: [{ type: "url", url: "https://example.com", name: "m" }],
      context_management: { edits: [] },
      speed: "fast",
      never_heard_of: 1,
    })
    .add("adaptive", { thinking: { type: "adaptive" } })
    .add("schema", { output_config: { format: { type: "json_schema", schema: closed } } })
    .add("required call", { tool_choice: { type: "any" } }, tools)
    .add("no call", { tool_choice: { type: "none" } }, tools)
    .add("one tool", { tool_choice: { type: "tool", name: "f" } }, tools)
    .add(
      "one call at a time",
      { tool_choice: { type: "auto", disable_parallel_tool_use: true } },
      tools,
    )
    .add("search", { tools: [search] })
    .add("search with limits", {
      tools: [{ ...search, max_uses: 2, allowed_domains: ["example.com"] }],
    }, { tools: [search] })
    .add("code", { tools: [{ type: "code_execution_20250825", name: "code_execution" }] })
    .add("strict tool", { tools: [{ ...tool, strict: true }] }, tools)
    .add("tool by need", { tools: [{ ...tool, defer_loading: true }] }, tools)
    .add("failed tool", result({ is_error: true }), result())
    .parts(turn, {
      image: { type: "image", source: { type: "base64", media_type: "image/png", data: png } },
      "image by URL": { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
      "image by id": { type: "image", source: { type: "file", file_id: "f_1" } },
      file: {
        type: "document",
        source: { type: "base64", media_type: "application/pdf", data: pdf },
        title: "T",
      },
      "file by URL": {
        type: "document",
        source: { type: "url", url: "https://example.com/a.pdf" },
      },
      "text file": { type: "document", source: text },
      "found page": {
        type: "search_result",
        source: "https://example.com",
        title: "T",
        content: [{ type: "text", text: "Found" }],
      },
      "cache mark": { type: "text", text: "Long", cache_control: { type: "ephemeral" } },
    })
    .add(
      "cited file",
      turn({ type: "document", source: text, citations: { enabled: true } }),
      turn({ type: "document", source: text }),
    )
    .add(
      "file's context",
      turn({ type: "document", source: text, context: "C" }),
      turn({ type: "document", source: text }),
    ).all;
}

function gemini(): Feature[] {
  const turn = (...parts: Json[]) => ({
    contents: [{ role: "user", parts: [{ text: "Hi" }, ...parts] }],
  });
  const tools = { tools: [{ functionDeclarations: [{ name: "f", parameters: open }] }] };
  const calling = (how: Json) => ({ toolConfig: { functionCallingConfig: how } });
  const features = new Features(turn())
    .members({
      temperature: 0.3,
      topP: 0.4,
      topK: 5,
      seed: 7,
      maxOutputTokens: 77,
      stopSequences: ["END"],
      candidateCount: 2,
      frequencyPenalty: 0.5,
      presencePenalty: 0.5,
      responseLogprobs: true,
      responseMimeType: "application/json",
      responseModalities: ["TEXT", "IMAGE"],
      mediaResolution: "MEDIA_RESOLUTION_LOW",
      thinkingConfig: { thinkingBudget: 2000, includeThoughts: true },
      imageConfig: { aspectRatio: "1:1" },
      speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: "Kore" } } },
    }, "generationConfig")
    .members({
      safetySettings: [{ category: "HARM_CATEGORY_HATE_SPEECH", threshold: "BLOCK_NONE" }],
      systemInstruction: { parts: [{ text: "S" }] },
      cachedContent: "cachedContents/x",
      labels: { a: "b" },
    })
    .add(
      "schema",
      { generationConfig: { responseMimeType: "application/json", responseSchema: open } },
      { generationConfig: { responseMimeType: "application/json" } },
    )
    .add("level", { generationConfig: { thinkingConfig: { thinkingLevel: "LOW" } } })
    .add("one tool", calling({ mode: "ANY", allowedFunctionNames: ["f"] }), tools)
    .parts(turn, {
      image: { inlineData: { mimeType: "image/png", data: png } },
      "image by URL": { fileData: { mimeType: "image/png", fileUri: "https://example.com/a.png" } },
      "file in a bucket": { fileData: { mimeType: "application/pdf", fileUri: "gs://b/a.pdf" } },
      file: { inlineData: { mimeType: "application/pdf", data: pdf } },
      sound: { inlineData: { mimeType: "audio/wav", data: wav } },
      video: { inlineData: { mimeType: "video/mp4", data: "AAAA" } },
    });
  for (const mode of ["ANY", "NONE", "VALIDATED"]) features.add(mode, calling({ mode }), tools);
  for (const name of ["googleSearch", "codeExecution", "urlContext", "googleMaps"]) {
    features.add(name, { tools: [{ [name]: {} }] });
  }
  return features.all;
}

function responses(): Feature[] {
  const turn = (...parts: Json[]) => ({
    input: [{ role: "user", content: [{ type: "input_text", text: "Hi" }, ...parts] }],
  });
  const fn = (name: string) => ({ type: "function", name, parameters: open });
  const tools = { tools: [fn("f"), fn("g")] };
  const one = { type: "function", name: "f" };
  const features = new Features({ input: "Hi", store: false })
    .members({
      temperature: 0.3,
      top_p: 0.4,
      max_output_tokens: 77,
      instructions: "S",
      metadata: { a: "b" },
      user: "u",
      safety_identifier: "s",
      service_tier: "priority",
      prompt_cache_key: "k",
      prompt_cache_retention: "24h",
      reasoning: { effort: "high" },
      top_logprobs: 3,
      truncation: "auto",
      background: true,
      max_tool_calls: 3,
      context_management: [{ type: "compaction" }],
      never_heard_of: 1,
    })
    .members({ verbosity: "low", format: { type: "json_object" } }, "text")
    .add("schema", { text: { format: { type: "json_schema", name: "x", schema: closed } } })
    .add("required call", { tool_choice: "required" }, tools)
    .add("no call", { tool_choice: "none" }, tools)
    .add("one tool", { tool_choice: one }, tools)
    .add("some tools", {
      tool_choice: { type: "allowed_tools", mode: "auto", tools: [one] },
    }, tools)
    .add("one call at a time", { parallel_tool_calls: false }, tools)
    .parts(turn, {
      image: { type: "input_image", image_url: `data:image/png;base64,${png}` },
      "image by id": { type: "input_image", file_id: "file-1" },
      file: {
        type: "input_file",
        filename: "a.pdf",
        file_data: `data:application/pdf;base64,${pdf}`,
      },
      "file by URL": { type: "input_file", file_url: "https://example.com/a.pdf" },
      sound: { type: "input_audio", input_audio: { data: wav, format: "wav" } },
    });
  const its: Json[] = [
    { type: "web_search" },
    { type: "file_search", vector_store_ids: ["v"] },
    { type: "code_interpreter", container: { type: "auto" } },
    { type: "image_generation" },
    { type: "mcp", server_label: "m", server_url: "https://example.com" },
    { type: "custom", name: "c" },
    { type: "apply_patch" },
    { type: "shell" },
  ];
  for (const tool of its) features.add(tool.type, { tools: [tool] });
  return features.all;
}

function cohere(): Feature[] {
  const user = (content: Json) => ({ role: "user", content });
  const tools = { tools: [{ type: "function", function: { name: "f", parameters: closed } }] };
  return new Features({ messages: [user("Hi")] })
    .members({
      temperature: 0.3,
      p: 0.4,
      k: 5,
      seed: 7,
      max_tokens: 77,
      stop_sequences: ["END"],
      frequency_penalty: 0.5,
      presence_penalty: 0.5,
      logprobs: true,
      safety_mode: "STRICT",
      citation_options: { mode: "FAST" },
      documents: ["Words"],
      response_format: { type: "json_object" },
      thinking: { type: "enabled", token_budget: 2000 },
      priority: 3,
      never_heard_of: 1,
    })
    .add("required call", { tool_choice: "REQUIRED" }, tools)
    .add("no call", { tool_choice: "NONE" }, tools)
    .add("strict tools", { strict_tools: true }, tools)
    .parts((...parts) => ({ messages: [user([{ type: "text", text: "Hi" }, ...parts])] }), {
      image: { type: "image_url", image_url: { url: `data:image/png;base64,${png}` } },
    }).all;
}

function bedrock(): Feature[] {
  const turn = (...parts: Json[]) => ({
    messages: [{ role: "user", content: [{ text: "Hi" }, ...parts] }],
  });
  const tools = [{ toolSpec: { name: "f", inputSchema: { json: open } } }];
  const config = (toolChoice: Json) => ({ toolConfig: { tools, toolChoice } });
  const schema = JSON.stringify(closed);
  return new Features(turn())
    .members(
      { temperature: 0.3, topP: 0.4, maxTokens: 77, stopSequences: ["END"] },
      "inferenceConfig",
    )
    .members({
      system: [{ text: "S" }],
      requestMetadata: { a: "b" },
      performanceConfig: { latency: "optimized" },
      serviceTier: { type: "priority" },
      guardrailConfig: { guardrailIdentifier: "g", guardrailVersion: "1" },
      additionalModelResponseFieldPaths: ["/x"],
    })
    .members({
      top_k: 5,
      thinking: { type: "enabled", budget_tokens: 2000 },
      never_heard_of: 1,
    }, "additionalModelRequestFields")
    .add("schema", {
      outputConfig: {
        textFormat: { type: "json_schema", structure: { jsonSchema: { schema } } },
      },
    })
    .add("required call", config({ any: {} }), { toolConfig: { tools } })
    .add("one tool", config({ tool: { name: "f" } }), { toolConfig: { tools } })
    .parts(turn, {
      image: { image: { format: "png", source: { bytes: png } } },
      "image in a bucket": {
        image: { format: "png", source: { s3Location: { uri: "s3://b/a" } } },
      },
      file: { document: { format: "pdf", name: "a", source: { bytes: pdf } } },
      sound: { audio: { format: "wav", source: { bytes: wav } } },
      video: { video: { format: "mp4", source: { bytes: "AAAA" } } },
      guarded: { guardContent: { text: { text: "Watch" } } },
      "cache mark": { cachePoint: { type: "default" } },
    }).all;
}

/** By the client's format. */
export const featuresOf: Readonly<Record<ChatFormat, readonly Feature[]>> = {
  "openai-chat": chat(),
  "openai-responses": responses(),
  "anthropic-messages": anthropic(),
  gemini: gemini(),
  "cohere-v2": cohere(),
  "bedrock-converse": bedrock(),
};
