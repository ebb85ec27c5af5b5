/**
 * A client's request.
 *
 * What is kept at OpenAI cannot be had from anybody else: `conversation`, `prompt` and a
 * `previous_response_id` that was not resolved before are refused, since an answer without them would be
 * one to another question. `background` is lost: the answer comes at once.
 *
 * @module
 */
import { Code, GatewayError } from "../../../error.ts";
import { type Json, object, string, worded } from "../../../formats/json.ts";
import type { ChatRequest, OutputShape, Reasoning } from "../../chat.ts";
import { wrong } from "../openai-chat/expect.ts";
import { readItems } from "./items-read.ts";
import { format, rest } from "./shape.ts";
import { readChoice, readTools } from "./tools.ts";

/** Reads the body of a `POST /responses`. */
export function readRequest(body: Json): ChatRequest {
  refuse(body);
  const { instructions, input, model } = body;
  const request: ChatRequest = {
    format,
    model: string(model) ?? "",
    stream: body.stream === true,
    messages: [],
  };
  if (request.stream) request.include_usage = true; // it is always told
  if (typeof instructions === "string") {
    const parts = [{ type: "text" as const, text: instructions }];
    request.messages.push({ role: "system", parts, instructions: true });
  } else if (is(instructions)) throw wrong("instructions", instructions, "a string");
  if (typeof input === "string") {
    request.messages.push({ role: "user", parts: [{ type: "text", text: input }] });
  } else if (Array.isArray(input)) request.messages.push(...readItems(input, "input"));
  else throw wrong("input", input, "a string or an array of items");

  const read = ["model", "stream", "instructions", "input", "background", "truncation"];
  const take = <T>(name: string, expected: string, ok: (value: unknown) => value is T) => {
    read.push(name);
    const value = body[name];
    if (is(value) && !ok(value)) throw wrong(name, value, expected);
    return is(value) ? value as T : undefined;
  };
  set(request, {
    max_tokens: take("max_output_tokens", "a number", isNumber),
    temperature: take("temperature", "a number", isNumber),
    top_p: take("top_p", "a number", isNumber),
    top_logprobs: take("top_logprobs", "a number", isNumber) || undefined,
    parallel_tool_calls: take("parallel_tool_calls", "a boolean", isBoolean),
    store: take("store", "a boolean", isBoolean),
    service_tier: take("service_tier", "a string", isString),
    prompt_cache_key: take("prompt_cache_key", "a string", isString),
  });
  if (request.top_logprobs !== undefined) request.logprobs = true;
  const metadata = take("metadata", "an object", isObject);
  if (metadata !== undefined && Object.keys(metadata).length > 0) request.metadata = metadata;
  const extra: Json = {};
  if (body.background === true) extra.background = true;
  if (is(body.truncation) && body.truncation !== "disabled") extra.truncation = body.truncation;
  const identifier = take("safety_identifier", "a string", isString);
  set(request, {
    user: take("user", "a string", isString) ?? identifier,
    safety_identifier: identifier,
  });
  readText(request, extra, take("text", "an object", isObject));
  readReasoning(request, extra, take("reasoning", "an object", isObject));
  readInclude(request, extra, take("include", "an array", isArray));
  const options = take("stream_options", "an object", isObject);
  // Padding against whoever measures packets: it is never added here.
  if (
    options !== undefined &&
    (options.include_obfuscation === true || rest(options, "include_obfuscation"))
  ) {
    extra.stream_options = options;
  }
  read.push("tools", "tool_choice");
  if (is(body.tools)) request.tools = readTools(body.tools);
  if (is(body.tool_choice)) {
    const choice = readChoice(body.tool_choice);
    if (choice === undefined) extra.tool_choice = body.tool_choice;
    else request.tool_choice = choice;
  }
  Object.assign(extra, rest(body, ...read));
  if (Object.keys(extra).length > 0) request.extra = extra;
  return request;
}

function refuse(body: Json): void {
  const what = is(body.conversation)
    ? "conversation"
    : is(body.prompt)
    ? "prompt"
    : is(body.previous_response_id)
    ? "previous_response_id"
    : undefined;
  if (what === undefined) return;
  const value = object(body[what])?.id ?? body[what];
  throw new GatewayError(
    400,
    Code.notCarried,
    `'${what}' is '${worded(value).slice(0, 80)}', which is kept where this request does not go; ` +
      "send what it stands for in 'input' and 'instructions'",
  );
}

function readText(request: ChatRequest, extra: Json, text?: Json): void {
  if (text === undefined) return;
  if (typeof text.verbosity === "string") request.verbosity = text.verbosity;
  const output = readShape(text.format);
  if (output !== undefined) request.output = output;
  const other = rest(text, "verbosity", output === undefined ? "" : "format");
  if (other !== undefined) extra.text = other;
}

function readShape(value: unknown): OutputShape | undefined {
  if (!is(value)) return undefined;
  const shape = object(value);
  if (shape === undefined) throw wrong("text.format", value, "an object");
  const { type, name, description, strict } = shape;
  if (type === "text") return { type };
  if (type === "json_object") return { type: "json" };
  if (type !== "json_schema") return undefined;
  const schema = object(shape.schema);
  if (schema === undefined) throw wrong("text.format.schema", shape.schema, "a JSON Schema");
  return {
    type,
    ...typeof name === "string" && { name },
    ...typeof description === "string" && { description },
    schema,
    ...typeof strict === "boolean" && { strict },
  };
}

function readReasoning(request: ChatRequest, extra: Json, from?: Json): void {
  if (from === undefined) return;
  const reasoning: Reasoning = {};
  const effort = string(from.effort);
  if (effort !== undefined) reasoning.effort = effort;
  const summary = string(from.summary) ?? string(from.generate_summary);
  if (summary !== undefined) Object.assign(reasoning, { summary, visible: true });
  if (Object.keys(reasoning).length > 0) request.reasoning = reasoning;
  const other = rest(from, "effort", "summary", "generate_summary");
  if (other !== undefined) extra.reasoning = other;
}

function readInclude(request: ChatRequest, extra: Json, include: readonly unknown[] = []): void {
  const other = include.filter((one) => {
    if (one === "reasoning.encrypted_content") request.encrypted_reasoning = true;
    else if (one === "message.output_text.logprobs") request.logprobs = true;
    else return true;
    return false;
  });
  if (other.length > 0) extra.include = other;
}

function set(request: ChatRequest, members: Partial<ChatRequest>): void {
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) (request as unknown as Json)[name] = value;
  }
}

function is(value: unknown): boolean {
  return value !== undefined && value !== null;
}

const isNumber = (value: unknown): value is number => typeof value === "number";
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isString = (value: unknown): value is string => typeof value === "string";
const isObject = (value: unknown): value is Json => object(value) !== undefined;
const isArray = (value: unknown): value is unknown[] => Array.isArray(value);
