/**
 * Items of an input or an output as messages. Consecutive items of the model are one message, a `message`
 * item begins another one when there is text already; outputs of tools in a row are one message too.
 *
 * What a client of this format keeps of another provider comes back in `encrypted_content` of reasoning
 * items: see {@link marks}.
 *
 * @module
 */
import { Code, GatewayError } from "../../../error.ts";
import { type Json, list, object, parse, string, worded } from "../../../formats/json.ts";
import type {
  MediaPart,
  Message,
  Part,
  ReasoningPart,
  Signature,
  ToolCallPart,
} from "../../chat.ts";
import { opened } from "../../signature.ts";
import { wrong } from "../openai-chat/expect.ts";
import { readContent } from "./content.ts";
import { format, isOurs, rest } from "./shape.ts";

/**
 * What a signature of another provider is, where it is not that of the thought beside it: a hidden thought,
 * that of the item after it, that of the item before it (a text's comes when the text is over), or a block
 * that only its own format knows, as JSON.
 */
export const marks = {
  redacted: "redacted.",
  next: "next.",
  previous: "previous.",
  native: "native.",
} as const;

/** Messages of an array of items. @param at Where it stands, for errors. */
export function readItems(items: readonly unknown[], at: string): Message[] {
  const reader = new ItemReader();
  for (const [index, item] of items.entries()) reader.read(item, `${at}[${index}]`);
  return reader.messages;
}

class ItemReader {
  readonly messages: Message[] = [];
  /** Of another provider, for the next item of the model. */
  #next: Signature | undefined;

  read(value: unknown, at: string): void {
    const item = object(value);
    if (item === undefined) throw wrong(at, value, "an object");
    const type = item.type ??
      ("role" in item ? "message" : "id" in item ? "item_reference" : undefined);
    switch (type) {
      case "message":
        return this.#message(item, at);
      case "reasoning":
        return this.#reasoning(item, at);
      case "function_call":
      case "custom_tool_call":
        return this.#say(call(item, type === "custom_tool_call", at));
      case "function_call_output":
      case "custom_tool_call_output": {
        if (typeof item.call_id !== "string") {
          throw wrong(`${at}.call_id`, item.call_id, "a string");
        }
        const extra = rest(item, "type", "id", "call_id", "output", "status");
        return this.#add("user", {
          type: "tool_result",
          call_id: item.call_id,
          content: item.output === "" ? [] : readContent(item.output, `${at}.output`),
          ...type === "custom_tool_call_output" && { custom: true },
          ...extra !== undefined && { extra },
        });
      }
      case "image_generation_call": {
        const image = picture(item);
        return this.#say(image ?? { type: "native", format, value: item });
      }
      case "item_reference":
        throw new GatewayError(
          400,
          Code.badRequest,
          `'${at}' refers to item '${worded(item.id).slice(0, 80)}', which is not kept here; ` +
            "send the item itself (with 'store': false clients do)",
        );
    }
    if (typeof type !== "string") throw wrong(`${at}.type`, type, "a string");
    // What was made up to be shown, and was never a provider's.
    if (isOurs(string(item.id))) return;
    const part: Part = { type: "native", format, value: item };
    if (/_output$|^mcp_approval_response$|^compaction_trigger$/.test(type)) this.#add("user", part);
    else if (type === "additional_tools") this.#add("developer", part);
    else this.#say(part);
  }

  #message(item: Json, at: string): void {
    const { role, id, content } = item;
    if (role !== "user" && role !== "assistant" && role !== "system" && role !== "developer") {
      throw wrong(`${at}.role`, role, "'user', 'assistant', 'system' or 'developer'");
    }
    const parts = readContent(content, `${at}.content`);
    const known = ["type", "role", "id", "content"];
    // What was sent back as it came is complete.
    if (item.status === "completed") known.push("status");
    const extra = rest(item, ...known);
    const said = { ...typeof id === "string" && { id }, ...extra !== undefined && { extra } };
    const last = this.messages.at(-1);
    if (role !== "assistant") {
      this.#next = undefined;
      this.messages.push({ role, parts, ...said });
      return;
    }
    this.#sign(parts[0]);
    if (
      last?.role === "assistant" && last.id === undefined && last.extra === undefined &&
      !last.parts.some(({ type }) => type === "text" || type === "refusal")
    ) {
      last.parts.push(...parts);
      Object.assign(last, said);
    } else this.messages.push({ role, parts, ...said });
  }

  #reasoning(item: Json, at: string): void {
    const id = string(item.id);
    const texts = [...texted(item.summary, true), ...texted(item.content, false)];
    const encrypted = item.encrypted_content;
    if (encrypted !== undefined && encrypted !== null && typeof encrypted !== "string") {
      throw wrong(`${at}.encrypted_content`, encrypted, "a string");
    }
    let signature = encrypted ? opened(encrypted, format) : undefined;
    let redacted = texts.length === 0;
    if (signature !== undefined && signature.format !== format) {
      const { value } = signature;
      if (value.startsWith(marks.next)) {
        this.#next = { ...signature, value: value.slice(marks.next.length) };
        return;
      }
      if (value.startsWith(marks.previous)) {
        const part = this.messages.at(-1)?.parts.at(-1);
        sign(part, { ...signature, value: value.slice(marks.previous.length) });
        return;
      }
      if (value.startsWith(marks.native)) {
        const native = object(parse(value.slice(marks.native.length)));
        if (native) this.#say({ type: "native", format: signature.format, value: native });
        return;
      }
      redacted = value.startsWith(marks.redacted);
      if (redacted) signature = { ...signature, value: value.slice(marks.redacted.length) };
    }
    const known = ["type", "id", "summary", "content", "encrypted_content"];
    if (item.status === "completed") known.push("status");
    const extra = rest(item, ...known);
    const parts: ReasoningPart[] = texts.length > 0 ? texts : [{ type: "reasoning", text: "" }];
    if (id !== undefined) { for (const part of parts) part.id = id; }
    const last = parts.at(-1)!;
    if (signature !== undefined) last.signature = signature;
    if (redacted && signature !== undefined) last.redacted = true;
    if (extra !== undefined) last.extra = extra;
    for (const part of parts) this.#add("assistant", part);
  }

  /** A part of the model that may be signed. */
  #say(part: Part): void {
    this.#sign(part);
    this.#add("assistant", part);
  }

  #sign(part: Part | undefined): void {
    if (this.#next === undefined) return;
    sign(part, this.#next);
    this.#next = undefined;
  }

  #add(role: Message["role"], part: Part): void {
    const last = this.messages.at(-1);
    const fits = last?.role === role &&
      (role === "assistant" ||
        last.parts.every(({ type }) => type === "tool_result" || type === "native"));
    if (fits) last.parts.push(part);
    else this.messages.push({ role, parts: [part] });
  }
}

function sign(part: Part | undefined, signature: Signature): void {
  if (part === undefined || part.type === "native" || part.type === "refusal") return;
  if (part.type !== "tool_result") part.signature ??= signature;
}

/** The texts of a thought: those of its summary are one, and so are those of itself. */
function texted(value: unknown, summary: boolean): ReasoningPart[] {
  const texts = list(value).flatMap((one) => string(object(one)?.text) ?? []);
  if (texts.length === 0) return [];
  const text = texts.join(summary ? "\n\n" : "");
  return [summary ? { type: "reasoning", text, summary } : { type: "reasoning", text }];
}

function call(item: Json, custom: boolean, at: string): ToolCallPart {
  const { name } = item;
  if (typeof name !== "string") throw wrong(`${at}.name`, name, "a string");
  const id = string(item.call_id) ?? string(item.id);
  if (id === undefined) throw wrong(`${at}.call_id`, item.call_id, "a string");
  const given = custom ? item.input : item.arguments;
  if (typeof given !== "string") {
    throw wrong(`${at}.${custom ? "input" : "arguments"}`, given, "a string");
  }
  const part: ToolCallPart = { type: "tool_call", id, name, arguments: given };
  if (custom) part.custom = true;
  if (typeof item.id === "string") part.item_id = item.id;
  const known = ["type", "id", "call_id", "name", custom ? "input" : "arguments"];
  if (item.status === "completed") known.push("status");
  const extra = rest(item, ...known);
  if (extra !== undefined) part.extra = extra;
  return part;
}

/** An image that the provider made; nothing while there is none. */
function picture(item: Json): MediaPart | undefined {
  const data = string(item.result);
  if (data === undefined) return undefined;
  const mime = `image/${string(item.output_format) ?? "png"}`;
  const known = ["type", "id", "result"];
  if (item.status === "completed") known.push("status");
  const extra = rest(item, ...known);
  return {
    type: "image",
    source: { kind: "base64", mime, data },
    ...typeof item.id === "string" && { id: item.id },
    ...extra !== undefined && { extra },
  };
}
