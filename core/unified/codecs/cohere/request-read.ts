/**
 * A client's request.
 *
 * @module
 */
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { ChatRequest, FunctionTool, Message, Part, Tool } from "../../chat.ts";
import type { Place } from "../../codec.ts";
import { readMedia } from "../openai-chat/media.ts";
import { asObject, optional, required, rest, set, wrong } from "../openai-chat/expect.ts";
import { readDocument } from "./documents.ts";
import { own, readModel } from "./message-read.ts";

/** Numbers and flags, by their canonical name. */
export const alike = [
  ["max_tokens", "max_tokens", "number"],
  ["temperature", "temperature", "number"],
  ["top_p", "p", "number"],
  ["top_k", "k", "number"],
  ["seed", "seed", "number"],
  ["frequency_penalty", "frequency_penalty", "number"],
  ["presence_penalty", "presence_penalty", "number"],
  ["logprobs", "logprobs", "boolean"],
] as const;

const known = new Set<string>([
  "model",
  "messages",
  "stream",
  "tools",
  "strict_tools",
  "tool_choice",
  "documents",
  "response_format",
  "stop_sequences",
  "thinking",
  ...alike.map(([, name]) => name),
]);

/** See `ChatCodec.readRequest`. */
export function readRequest(body: Json, place: Place): ChatRequest {
  if (!Array.isArray(body.messages)) throw wrong("messages", body.messages, "an array");
  const request: ChatRequest = {
    format: own,
    model: place.model ?? string(body.model) ?? "",
    stream: place.stream ?? body.stream === true,
    messages: [],
    // A stream of this format always does.
    include_usage: true,
  };
  body.messages.forEach((value, index) =>
    readMessage(value, `messages[${index}]`, request.messages)
  );
  readDocuments(body, request.messages);
  for (const [name, spelt, type] of alike) {
    set(request, name, optional<never>(body, spelt, type, ""));
  }
  const stop = list(body.stop_sequences).filter((one) => typeof one === "string") as string[];
  if (stop.length > 0) request.stop = stop;
  readTools(body, request);
  const shape = optional<Json>(body, "response_format", "object", "");
  if (shape?.type === "json_object") {
    const schema = object(shape.json_schema) ?? object(shape.schema);
    request.output = schema === undefined
      ? { type: "json" }
      : { type: "json_schema", schema, strict: true };
  }
  const thinking = optional<Json>(body, "thinking", "object", "");
  if (thinking !== undefined) {
    request.reasoning = { enabled: thinking.type !== "disabled" };
    if (typeof thinking.token_budget === "number") request.reasoning.budget = thinking.token_budget;
    if (request.reasoning.enabled) request.reasoning.visible = true;
  }
  const extra = rest(body, known);
  if (extra !== undefined) request.extra = extra;
  return request;
}

function readMessage(value: unknown, at: string, messages: Message[]): void {
  const message = asObject(value, at);
  switch (message.role) {
    case "system":
    case "user":
      messages.push({ role: message.role, parts: readContent(message.content, `${at}.content`) });
      return;
    case "assistant": {
      const { content } = message;
      if (content != null && typeof content !== "string" && !Array.isArray(content)) {
        throw wrong(`${at}.content`, content, "a string or an array of parts");
      }
      messages.push({ role: "assistant", parts: readModel(message, "client") });
      return;
    }
    case "tool": {
      const part: Part = {
        type: "tool_result",
        call_id: required(message, "tool_call_id", `${at}.`),
        content: readContent(message.content, `${at}.content`),
      };
      // Results that belong together are one turn.
      const last = messages.at(-1);
      const together = last?.role === "user" &&
        last.parts.every(({ type }) => type === "tool_result");
      if (together && last.parts.length > 0) last.parts.push(part);
      else messages.push({ role: "user", parts: [part] });
      return;
    }
  }
  throw wrong(`${at}.role`, message.role, "'system', 'user', 'assistant' or 'tool'");
}

function readContent(content: unknown, at: string): Part[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw wrong(at, content, "a string or an array of parts");
  return content.flatMap((value, index) => {
    const part = asObject(value, `${at}[${index}]`);
    if (part.type === "text" || part.type === undefined) {
      return { type: "text", text: required(part, "text", `${at}[${index}].`) };
    }
    if (part.type === "document") {
      const read = readDocument(part.document);
      if (read === undefined) {
        throw wrong(`${at}[${index}].document`, part.document, "an object with 'data'");
      }
      return read;
    }
    return readMedia(part) ?? { type: "native", format: own, value: part };
  });
}

/** What a user's last question is about stands before it. */
function readDocuments(body: Json, messages: Message[]): void {
  const documents = list(body.documents).map((value, index) => {
    const part = readDocument(value);
    if (part === undefined) {
      throw wrong(`documents[${index}]`, value, "a string or an object with 'data'");
    }
    return part;
  });
  if (documents.length === 0) return;
  const said = messages.findLast(({ role, parts }) =>
    role === "user" && parts.some(({ type }) => type !== "tool_result")
  );
  if (said !== undefined) said.parts.unshift(...documents);
  else messages.push({ role: "user", parts: documents });
}

function readTools(body: Json, request: ChatRequest): void {
  const strict = body.strict_tools === true;
  const tools = list(body.tools).map((value, index): Tool => {
    const at = `tools[${index}]`;
    const tool = asObject(value, at);
    const called = object(tool.function);
    if (called === undefined) return { type: "native", format: own, value: tool };
    const read: FunctionTool = {
      type: "function",
      name: required(called, "name", `${at}.function.`),
    };
    set(read, "description", optional<string>(called, "description", "string", `${at}.function.`));
    set(read, "parameters", optional<Json>(called, "parameters", "object", `${at}.function.`));
    if (strict) read.strict = true;
    return read;
  });
  if (tools.length > 0) request.tools = tools;
  if (body.tool_choice === "REQUIRED") request.tool_choice = { type: "required" };
  else if (body.tool_choice === "NONE") request.tool_choice = { type: "none" };
  else if (body.tool_choice != null) {
    throw wrong("tool_choice", body.tool_choice, "'REQUIRED' or 'NONE'");
  }
}
