/**
 * Rewrites OpenAI's Chat Completions for those who speak a dialect of it. Works on what the unified API
 * has written and on what a client of OpenAI's sent, so nothing here relies on a member's type.
 *
 * @module
 */
import { type Json, list, object } from "../core/formats/json.ts";
import type { Dialect } from "../core/unified/dialect.ts";
import type { Lost } from "../core/unified/lost.ts";

/** What is different from OpenAI. */
export interface Spelling {
  /** Members that are refused, or ignored in silence. */
  omit?: readonly string[];
  /** `max_completion_tokens` is the name here, and not `max_tokens`. */
  newMax?: boolean;
  /** The role `developer` exists; it is `system` otherwise. */
  developer?: boolean;
  /** Tools of free text and a choice among some of the tools exist. */
  custom?: boolean;
  /** Content that is nothing but text has to be a string. */
  flat?: boolean;
  /** Messages have no `name`. */
  nameless?: boolean;
  /**
   * Where thoughts of earlier turns belong, `none` where they are refused: clients send back what another
   * model has thought. Left as they are unless given.
   */
  thoughts?: "reasoning" | "reasoning_content" | "none";
  /** Messages may hold what an answer had besides its text, as clients send it back. */
  echoes?: boolean;
  /** Whatever else. */
  also?(body: Json, lost: Lost, model: string): void;
}

/** Members by the name that they have in the unified API's reports. */
const canonical: Readonly<Record<string, string>> = {
  reasoning_effort: "reasoning",
  response_format: "output",
  web_search_options: "tools.web_search",
};

/** Values that say what is the case anyway. */
const usual: Readonly<Record<string, readonly unknown[]>> = {
  n: [1],
  temperature: [1],
  top_p: [1],
  reasoning_effort: ["none"],
  logprobs: [false],
  top_logprobs: [0],
  store: [false],
  frequency_penalty: [0],
  presence_penalty: [0],
  parallel_tool_calls: [true],
  service_tier: ["auto", "default"],
  tool_choice: ["auto", "none"],
};

/** Takes a member out, and tells of it unless it did not matter. */
export function omit(body: Json, name: string, lost: Lost): void {
  const value = body[name];
  if (value === undefined) return;
  delete body[name];
  const empty = value === null || typeof value === "object" && Object.keys(value).length === 0;
  if (empty && name !== "web_search_options" || usual[name]?.includes(value)) return;
  if (name === "stream_options") return;
  lost.drop(canonical[name] ?? name);
}

/** Gives a member another name, unless that is there as well. */
export function rename(body: Json, from: string, to: string): void {
  const value = body[from];
  if (value === undefined) return;
  delete body[from];
  body[to] ??= value;
}

/** The `request` of a dialect. */
export function spelled(rules: Spelling): NonNullable<Dialect["request"]> {
  const { omit: refused = [], newMax, developer, custom, flat, nameless, thoughts, echoes, also } =
    rules;
  return (body, format, lost, { model }) => {
    if (format !== "openai-chat") return body;
    // Who cannot be told not to call a tool is told of none.
    if (refused.includes("tool_choice") && body.tool_choice === "none") delete body.tools;
    for (const name of refused) omit(body, name, lost);
    if (!newMax) rename(body, "max_completion_tokens", "max_tokens");
    for (const value of list(body.messages)) {
      const message = object(value);
      if (message === undefined) continue;
      if (!developer && message.role === "developer") message.role = "system";
      if (flat) flatten(message);
      if (!echoes && message.role === "assistant") forget(message);
      if (thoughts !== undefined) moveThoughts(message, thoughts);
      if (nameless && message.name !== undefined && message.role !== "tool") {
        delete message.name;
        lost.drop("messages.name");
      }
    }
    if (!custom) functionsOnly(body, lost);
    also?.(body, lost, model);
    return body;
  };
}

function moveThoughts(message: Json, to: string): void {
  const text = message.reasoning_content ?? message.reasoning;
  delete message.reasoning_content;
  delete message.reasoning;
  delete message.reasoning_details;
  if (to !== "none" && text !== undefined) message[to] = text;
}

/** Leaves out what only an answer has: Groq and Mistral refuse it in a request. A refusal is what was said. */
function forget(message: Json): void {
  if (Array.isArray(message.content)) {
    message.content = message.content.map((value) => {
      const part = object(value);
      return part?.type === "refusal" ? { type: "text", text: part.refusal } : value;
    });
  }
  if (typeof message.refusal === "string") {
    if (Array.isArray(message.content)) {
      message.content = [...message.content, { type: "text", text: message.refusal }];
    } else message.content = `${message.content ?? ""}${message.refusal}`;
    delete message.refusal;
  }
  delete message.annotations;
  delete message.document_citations;
  for (const name of ["refusal", "audio", "function_call", "tool_calls"]) {
    if (message[name] === null) delete message[name];
  }
}

/** Text in parts as one string; parts with a mark stay. */
function flatten(message: Json): void {
  const parts = list(message.content).map(object);
  if (parts.length === 0 || !Array.isArray(message.content)) return;
  if (parts.every((part) => part?.type === "text" && !("cache_control" in part))) {
    message.content = parts.map((part) => part!.text).join("\n\n");
  }
}

/** A call of free text, as earlier turns may hold, is one of a function. */
function asFunction(call: Json | undefined): void {
  const custom = object(call?.custom);
  if (call?.type !== "custom" || custom === undefined) return;
  call.type = "function";
  call.function = { name: custom.name, arguments: JSON.stringify({ input: custom.input }) };
  delete call.custom;
}

/** Leaves out tools of free text, and those that a choice does not allow. */
function functionsOnly(body: Json, lost: Lost): void {
  for (const message of list(body.messages)) {
    for (const call of list(object(message)?.tool_calls)) asFunction(object(call));
  }
  let tools = list(body.tools);
  if (tools.some((tool) => object(tool)?.type === "custom")) {
    lost.drop("tools.custom");
    tools = tools.filter((tool) => object(tool)?.type !== "custom");
    body.tools = tools;
  }
  const allowed = object(object(body.tool_choice)?.allowed_tools);
  if (allowed !== undefined) {
    const names = list(allowed.tools).map(nameOf);
    body.tools = tools.filter((tool) => names.includes(nameOf(tool)));
    body.tool_choice = allowed.mode === "required" ? "required" : "auto";
  }
  if (Array.isArray(body.tools) && body.tools.length === 0) {
    delete body.tools;
    delete body.tool_choice;
    delete body.parallel_tool_calls;
  }
}

function nameOf(tool: unknown): unknown {
  const one = object(tool);
  return object(one?.function)?.name ?? object(one?.custom)?.name ?? one?.name;
}

/**
 * For providers that switch thinking on and off rather than say how much.
 *
 * @param effort They take the effort as well.
 */
export function thinkingSwitch(body: Json, effort: boolean): void {
  const asked = body.reasoning_effort;
  if (typeof asked !== "string") return;
  body.thinking ??= { type: asked === "none" ? "disabled" : "enabled" };
  if (!effort || asked === "none") delete body.reasoning_effort;
}

/** Puts something in front of the conversation. */
export function instruct(body: Json, text: string): void {
  const first = object(list(body.messages)[0]);
  if (first?.role === "system" && typeof first.content === "string") {
    first.content = `${first.content}\n\n${text}`;
  } else body.messages = [{ role: "system", content: text }, ...list(body.messages)];
}

/** Ids of calls that do not fit are replaced, the same one always by the same. */
export function shortIds(body: Json, fits: RegExp): void {
  const short = (id: unknown): unknown => typeof id === "string" && !fits.test(id) ? hash(id) : id;
  for (const value of list(body.messages)) {
    const message = object(value);
    if (message?.tool_call_id !== undefined) message.tool_call_id = short(message.tool_call_id);
    for (const call of list(message?.tool_calls)) {
      const one = object(call);
      if (one !== undefined) one.id = short(one.id);
    }
  }
}

/** Nine letters and digits. */
function hash(text: string): string {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ high >>> 16, 2246822507) ^ Math.imul(low ^ low >>> 13, 3266489909);
  low = Math.imul(low ^ low >>> 16, 2246822507) ^ Math.imul(high ^ high >>> 13, 3266489909);
  const sum = 4294967296 * (2097151 & low) + (high >>> 0);
  return sum.toString(36).padStart(9, "0").slice(-9);
}

/** Cuts a member that may be no longer. */
export function cut(body: Json, name: string, most: number): void {
  const value = body[name];
  if (typeof value === "string" && value.length > most) body[name] = value.slice(0, most);
}
