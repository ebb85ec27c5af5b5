// What each provider's API demands of a request, by its reference, looked at without the codecs: members
// that exist, turns in order, calls with their results, names and ids of the right letters.
import { strict as assert } from "node:assert";
import type { ChatFormat } from "../../core/unified/chat.ts";
import type { Json } from "./unified-told.ts";

type Check = (body: Json, about: { invoke: boolean }) => void;

function onlyMembers(value: Json, names: string, what: string): void {
  const known = names.split(" ");
  const unknown = Object.keys(value).filter((name) => !known.includes(name));
  assert.deepEqual(unknown, [], `${what} has members that the API does not know`);
}

const toolName = /^[a-zA-Z0-9_-]{1,64}$/;

/** Nothing is undefined, NaN or the like: what is looked at is what was sent. */
const list = (value: Json): Json[] => value === undefined ? [] : value;

const anthropic: Check = (body, { invoke }) => {
  onlyMembers(
    body,
    "messages max_tokens system metadata stop_sequences temperature top_k top_p tools tool_choice thinking " +
      "output_config context_management cache_control mcp_servers service_tier container inference_geo " +
      (invoke ? "anthropic_version anthropic_beta" : "model stream"),
    "The body",
  );
  assert.ok(Number.isInteger(body.max_tokens) && body.max_tokens > 0, "max_tokens");
  if (body.temperature !== undefined) assert.ok(body.temperature >= 0 && body.temperature <= 1);
  if (Array.isArray(body.system)) {
    for (const { type, text } of body.system) assert.ok(type === "text" && text !== "", "system");
  } else if (body.system !== undefined) assert.ok(body.system !== "");
  if (body.thinking?.type === "enabled") {
    assert.ok(body.thinking.budget_tokens >= 1024, "budget_tokens is 1024 at least");
    assert.ok(body.thinking.budget_tokens < body.max_tokens, "budget_tokens is below max_tokens");
    assert.ok(body.temperature === undefined || body.temperature === 1, "thinking: temperature");
    assert.ok(body.top_k === undefined, "thinking: top_k");
    assert.ok(!/any|tool/.test(body.tool_choice?.type), "thinking: forced tools");
  }
  for (const tool of list(body.tools)) {
    if (tool.type !== undefined && tool.type !== "custom") continue;
    assert.match(tool.name, /^[a-zA-Z0-9_-]{1,128}$/);
    assert.equal(tool.input_schema.type, "object");
  }
  if (body.tool_choice !== undefined) assert.ok(list(body.tools).length > 0, "a choice of no tool");
  if (body.tool_choice?.type === "tool") {
    assert.ok(body.tools.some(({ name }: Json) => name === body.tool_choice.name));
  }
  assert.equal(body.messages[0].role, "user");
  let calls: string[] = [];
  for (const [i, { role, content, ...rest }] of body.messages.entries()) {
    onlyMembers(rest, "", `messages[${i}]`);
    assert.equal(role, i % 2 === 0 ? "user" : "assistant", `messages[${i}].role`);
    const blocks: Json[] = typeof content === "string"
      ? [{ type: "text", text: content }]
      : content;
    assert.ok(blocks.length > 0, `messages[${i}] is empty`);
    const results = blocks.filter(({ type }) => type === "tool_result");
    assert.deepEqual(
      results.map(({ tool_use_id }) => tool_use_id).toSorted(),
      role === "user" ? calls.toSorted() : [],
      `messages[${i}]: each call has its result in the next message`,
    );
    // They come first.
    assert.ok(blocks.slice(0, results.length).every(({ type }) => type === "tool_result"));
    for (const block of blocks) {
      if (block.type === "text") assert.ok(block.text.trim() !== "", "a text is empty");
      if (block.type === "image" || block.type === "document") anthropicSource(block.source);
      if (block.type === "tool_result" && Array.isArray(block.content)) {
        for (const inner of block.content) {
          assert.ok(/^(?:text|image|document|search_result|tool_reference)$/.test(inner.type));
          if (inner.type === "text") assert.ok(inner.text !== "", "a text is empty");
        }
      }
      if (block.type === "thinking") assert.ok(block.signature, "a thought is not signed");
    }
    calls = blocks.filter(({ type }) => type === "tool_use").map(({ id, name, input }) => {
      assert.match(id, /^[a-zA-Z0-9_-]+$/);
      assert.match(name, /^[a-zA-Z0-9_-]{1,200}$/);
      assert.ok(typeof input === "object" && !Array.isArray(input), "input is an object");
      return id;
    });
    assert.equal(new Set(calls).size, calls.length, "ids of calls are unique");
  }
  assert.deepEqual(calls, [], "the last calls have results");
  const marks = JSON.stringify(body).match(/"cache_control":\{/g)?.length ?? 0;
  assert.ok(marks <= 4, `${marks} cache_control`);
};

function anthropicSource(source: Json): void {
  switch (source.type) {
    case "base64":
      assert.match(source.media_type, /^(?:image\/(?:png|jpeg|gif|webp)|application\/pdf)$/);
      assert.match(source.data, /^[\w+/=-]+$/);
      break;
    case "url":
      assert.match(source.url, /^https?:/);
      break;
    case "text":
      assert.equal(source.media_type, "text/plain");
      break;
    default:
      assert.match(source.type, /^(?:file|content)$/);
  }
}

const gemini: Check = (body) => {
  onlyMembers(
    body,
    "contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent labels " +
      "serviceTier store",
    "The body",
  );
  onlyMembers(
    body.generationConfig ?? {},
    "stopSequences responseMimeType responseSchema responseJsonSchema responseModalities candidateCount " +
      "maxOutputTokens temperature topP topK seed presencePenalty frequencyPenalty responseLogprobs " +
      "logprobs enableEnhancedCivicAnswers speechConfig thinkingConfig imageConfig mediaResolution " +
      "audioTimestamp routingConfig modelSelectionConfig responseFormat",
    "generationConfig",
  );
  assert.ok(body.contents.length > 0, "contents are empty");
  const functions = list(body.tools).flatMap((tool) => list(tool.functionDeclarations));
  for (const { name, parameters } of functions) {
    assert.match(name, /^[a-zA-Z_][\w.:-]{0,127}$/);
    if (parameters !== undefined) openApi(parameters);
  }
  assert.equal(new Set(functions.map(({ name }) => name)).size, functions.length);
  const choice = body.toolConfig?.functionCallingConfig;
  for (const name of list(choice?.allowedFunctionNames)) {
    assert.ok(functions.some((one) => one.name === name), "an allowed function that there is not");
  }
  assert.equal(body.contents[0].role, "user");
  let calls: string[] = [];
  for (const [i, { role, parts, ...rest }] of body.contents.entries()) {
    onlyMembers(rest, "", `contents[${i}]`);
    assert.match(role, /^(?:user|model)$/);
    assert.ok(parts.length > 0, `contents[${i}] is empty`);
    if (i > 0) assert.notEqual(role, body.contents[i - 1].role, "turns alternate");
    const results = parts.filter((part: Json) => part.functionResponse);
    assert.deepEqual(
      results.map(({ functionResponse }: Json) => functionResponse.name).toSorted(),
      calls.toSorted(),
      `contents[${i}]: as many results as calls`,
    );
    for (const part of parts) {
      const {
        thought: _,
        thoughtSignature: __,
        videoMetadata: ___,
        mediaResolution: ____,
        ...data
      } = part;
      assert.equal(
        Object.keys(data).length,
        1,
        `a part has one kind of data: ${Object.keys(data)}`,
      );
      if (data.inlineData) {
        assert.match(data.inlineData.mimeType, /^\w+\/[\w.+-]+$/);
        assert.match(data.inlineData.data, /^[\w+/=-]*$/);
      }
      if (data.functionResponse) assert.ok(isObject(data.functionResponse.response));
      if (data.functionCall) assert.ok(isObject(data.functionCall.args ?? {}));
    }
    calls = parts.filter((part: Json) => part.functionCall)
      .map(({ functionCall }: Json) => functionCall.name);
  }
};

const isObject = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Google's own kind of schema. */
function openApi(schema: Json): void {
  onlyMembers(
    schema,
    "type format title description nullable enum maxItems minItems properties required minProperties " +
      "maxProperties minLength maxLength pattern example anyOf propertyOrdering default items minimum maximum",
    "A schema",
  );
  for (const value of Object.values<Json>(schema.properties ?? {})) openApi(value);
  for (const value of list(schema.anyOf)) openApi(value);
  if (schema.items) openApi(schema.items);
  for (const name of list(schema.required)) assert.ok(name in schema.properties);
}

const converse: Check = (body) => {
  onlyMembers(
    body,
    "messages system inferenceConfig toolConfig guardrailConfig additionalModelRequestFields " +
      "promptVariables additionalModelResponseFieldPaths requestMetadata performanceConfig serviceTier " +
      "outputConfig",
    "The body",
  );
  onlyMembers(
    body.inferenceConfig ?? {},
    "maxTokens temperature topP stopSequences",
    "inferenceConfig",
  );
  for (const block of list(body.system)) assert.equal(Object.keys(block).length, 1);
  for (const { toolSpec } of list(body.toolConfig?.tools).filter((tool) => tool.toolSpec)) {
    assert.match(toolSpec.name, toolName);
    assert.equal(toolSpec.inputSchema.json.type, "object");
    assert.ok(toolSpec.description !== "");
  }
  if (body.toolConfig !== undefined) assert.ok(body.toolConfig.tools.length > 0, "no tools");
  assert.equal(body.messages[0].role, "user");
  let calls: string[] = [];
  const names = new Set<string>();
  for (const [i, { role, content }] of body.messages.entries()) {
    assert.equal(role, i % 2 === 0 ? "user" : "assistant", `messages[${i}].role`);
    assert.ok(content.length > 0, `messages[${i}] is empty`);
    const results = content.filter((block: Json) => block.toolResult);
    assert.deepEqual(
      results.map(({ toolResult }: Json) => toolResult.toolUseId).toSorted(),
      calls.toSorted(),
      `messages[${i}]: each call has its result`,
    );
    for (const block of content) {
      assert.equal(Object.keys(block).length, 1, "a block is of one kind");
      if ("text" in block) assert.ok(block.text.trim() !== "", "a text is empty");
      if (block.image) {
        assert.match(block.image.format, /^(?:png|jpeg|gif|webp)$/);
      }
      if (block.document) {
        const { name } = block.document;
        assert.match(name, /^[\w\s()[\]-]{1,200}$/, "the name of a document");
        assert.ok(!names.has(name), "names of documents are unique");
        names.add(name);
        assert.ok(content.some((one: Json) => one.text), "a document stands beside a text");
      }
      if (block.toolResult) {
        assert.ok(block.toolResult.content.length > 0, "a result is empty");
        for (const inner of block.toolResult.content) {
          assert.equal(Object.keys(inner).length, 1);
          if ("text" in inner) assert.ok(inner.text !== "", "a text is empty");
          if ("json" in inner) assert.ok(isObject(inner.json), "JSON of a result is an object");
        }
      }
    }
    calls = content.filter((block: Json) =>
      block.toolUse && block.toolUse.type !== "server_tool_use"
    )
      .map(({ toolUse }: Json) => {
        assert.match(toolUse.toolUseId, /^[a-zA-Z0-9_.:-]{1,64}$/);
        assert.match(toolUse.name, toolName);
        assert.ok(isObject(toolUse.input));
        return toolUse.toolUseId;
      });
    if (calls.length > 0) assert.ok(body.toolConfig, "calls without toolConfig");
  }
};

const cohere: Check = (body) => {
  onlyMembers(
    body,
    "model stream messages tools strict_tools documents citation_options response_format safety_mode " +
      "max_tokens stop_sequences temperature seed frequency_penalty presence_penalty k p logprobs tool_choice " +
      "thinking priority raw_prompting",
    "The body",
  );
  if (body.p !== undefined) assert.ok(body.p >= 0.01 && body.p <= 0.99, `p is ${body.p}`);
  if (body.k !== undefined) assert.ok(body.k >= 0 && body.k <= 500);
  for (const name of ["frequency_penalty", "presence_penalty"]) {
    if (body[name] !== undefined) assert.ok(body[name] >= 0 && body[name] <= 1, name);
  }
  assert.ok(list(body.stop_sequences).length <= 5);
  if (body.tool_choice !== undefined) assert.match(body.tool_choice, /^(?:REQUIRED|NONE)$/);
  chatTurns(body.messages, "tool_call_id");
  for (const { role, content, tool_calls } of body.messages) {
    assert.match(role, /^(?:system|user|assistant|tool)$/);
    // A tool may have nothing to say.
    if (role === "tool") assert.ok(content !== undefined);
    else if (role !== "assistant" || !tool_calls?.length) {
      assert.ok(content !== undefined && content.length > 0, `A message of '${role}' is empty`);
    }
  }
};

/** Messages with the role `tool` follow the calls that they are for. */
function chatTurns(messages: Json[], id: string): void {
  assert.ok(messages.length > 0, "no messages");
  let open: string[] = [];
  for (const [i, message] of messages.entries()) {
    if (message.role === "tool") {
      assert.ok(open.includes(message[id]), `messages[${i}] is the result of no call`);
      open = open.filter((one) => one !== message[id]);
      continue;
    }
    assert.deepEqual(open, [], `messages[${i}] comes before the results of calls`);
    open = list(message.tool_calls ?? []).map((call) => {
      const inside = call.function ?? call.custom;
      assert.match(inside.name, toolName);
      if (call.function) assert.ok(isObject(JSON.parse(inside.arguments)), "arguments");
      return call.id;
    });
    assert.equal(new Set(open).size, open.length, "ids of calls are unique");
  }
  assert.deepEqual(open, [], "the last calls have results");
}

const chat: Check = (body) => {
  chatTurns(body.messages, "tool_call_id");
  for (const message of body.messages) {
    onlyMembers(
      message,
      "role content name tool_calls tool_call_id refusal audio prefix",
      `A message of '${message.role}'`,
    );
    const { role, content, tool_calls } = message;
    assert.match(role, /^(?:system|developer|user|assistant|tool)$/);
    // A tool may have nothing to say.
    if (role === "tool") assert.equal(typeof content, "string");
    else if (role !== "assistant" || !tool_calls?.length) {
      assert.ok(
        content !== undefined && content !== null && content.length > 0,
        `'${role}' is empty`,
      );
    }
    for (const part of Array.isArray(content) ? content : []) {
      if (part.type === "text") assert.equal(typeof part.text, "string");
      if (part.type === "image_url") {
        const url = part.image_url.url ?? part.image_url;
        assert.match(url, /^(?:https?:|data:image\/[\w.+-]+;base64,)/);
      }
    }
  }
  const names = list(body.tools).map((tool) => (tool.function ?? tool.custom)?.name);
  for (const name of names) if (name !== undefined) assert.match(name, toolName);
  if (body.tool_choice !== undefined) assert.ok(names.length > 0, "a choice of no tool");
  if (body.response_format?.type === "json_schema") {
    assert.match(body.response_format.json_schema.name, toolName);
  }
};

const responses: Check = (body) => {
  onlyMembers(
    body,
    "model input instructions stream tools tool_choice parallel_tool_calls text max_output_tokens temperature " +
      "top_p reasoning include metadata store service_tier user safety_identifier prompt_cache_key " +
      "prompt_cache_retention truncation top_logprobs stream_options background conversation prompt " +
      "previous_response_id max_tool_calls context_management",
    "The body",
  );
  if (typeof body.input === "string") return;
  const ids: Record<string, string> = { message: "msg", reasoning: "rs", function_call: "fc" };
  const open = new Set<string>();
  for (const [i, item] of body.input.entries()) {
    const type = item.type ?? "message";
    const at = `input[${i}] (${type})`;
    if (item.id !== undefined && ids[type]) assert.ok(item.id.startsWith(ids[type]), `${at}.id`);
    if (type === "message") {
      assert.match(item.role, /^(?:user|assistant|system|developer)$/);
      assert.ok(item.content.length > 0, `${at} is empty`);
      for (const part of Array.isArray(item.content) ? item.content : []) {
        const known = item.role === "assistant"
          ? /^(?:output_text|refusal|input_text)$/
          : /^input_(?:text|image|file|audio|video)$/;
        assert.match(part.type, known, at);
      }
    } else if (type === "function_call" || type === "custom_tool_call") {
      assert.ok(item.call_id && item.call_id.length <= 64, `${at}.call_id`);
      assert.match(item.name, /^[a-zA-Z0-9_-]{1,128}$/);
      if (type === "function_call") assert.ok(isObject(JSON.parse(item.arguments)), at);
      assert.ok(!open.has(item.call_id), "ids of calls are unique");
      open.add(item.call_id);
    } else if (type === "function_call_output" || type === "custom_tool_call_output") {
      assert.ok(open.delete(item.call_id), `${at} is of no call`);
    } else if (type === "reasoning") {
      assert.ok(Array.isArray(item.summary), `${at}.summary`);
      assert.ok(item.encrypted_content, `${at} has nothing to be read`);
    }
  }
  assert.equal(open.size, 0, "each call has its result");
  if (body.text?.format?.type === "json_schema") assert.match(body.text.format.name, toolName);
};

const checks: Record<ChatFormat, Check> = {
  "openai-chat": chat,
  "openai-responses": responses,
  "anthropic-messages": anthropic,
  gemini,
  "bedrock-converse": converse,
  "cohere-v2": cohere,
};

/** Fails unless the provider's API would take the body. @param invoke Claude on Bedrock. */
export function assertNative(format: ChatFormat, body: Json, invoke = false): void {
  checks[format](body, { invoke });
}
