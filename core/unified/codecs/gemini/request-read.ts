/**
 * A client's `generateContent` request.
 *
 * @module
 */
import { type Json, string, worded } from "../../../formats/json.ts";
import type { ChatRequest, Message, Part } from "../../chat.ts";
import type { Place } from "../../codec.ts";
import { callId } from "../../ids.ts";
import { asObject, wrong } from "../openai-chat/expect.ts";
import { readConfig } from "./config-read.ts";
import { type Calls, readPart } from "./parts-read.ts";
import { readChoice, readTools } from "./tools-read.ts";
import { camel } from "./wire.ts";

/** Begins the ids of calls that the client has no ids for; they are not told to a provider. */
export const madeUp = "gemini";

/** See `ChatCodec.readRequest`. The model and whether it is a stream are in the path. */
export function readRequest(raw: Json, place: Place): ChatRequest {
  const body = camel(raw);
  const request: ChatRequest = {
    format: "gemini",
    model: place.model ?? (string(body.model) ?? "").replace(/^models\//, ""),
    stream: place.stream === true,
    messages: [],
  };
  const calls = new Conversation();
  for (const key of Object.keys(body)) {
    const value = body[key];
    if (value === null || value === undefined) continue;
    switch (key) {
      case "model":
      case "contents":
      case "systemInstruction":
        break;
      case "generationConfig":
        readConfig(camel(asObject(value, key)), request);
        break;
      case "tools":
        readTools(value, request);
        break;
      case "toolConfig":
        break; // behind the tools
      case "store":
        if (typeof value !== "boolean") throw wrong(key, value, "a boolean");
        request.store = value;
        break;
      case "serviceTier": {
        const tier = worded(value).toLowerCase();
        if (tier !== "unspecified") request.service_tier = tier === "standard" ? "default" : tier;
        break;
      }
      default:
        (request.extra ??= {})[key] = value;
    }
  }
  if (body.toolConfig !== null && body.toolConfig !== undefined) {
    readChoice(camel(asObject(body.toolConfig, "toolConfig")), request);
  }
  const system = body.systemInstruction ?? undefined;
  if (system !== undefined) {
    const { parts } = readContent(system, "systemInstruction", calls);
    request.messages.push({ role: "system", parts });
  }
  readContents(body.contents, request.messages, calls);
  return request;
}

/** The turns. What a stream cut into many contents is one message again. */
export function readContents(contents: unknown, messages: Message[], calls: Calls): void {
  if (!Array.isArray(contents)) throw wrong("contents", contents, "an array of contents");
  for (const [i, value] of contents.entries()) {
    const message = readContent(value, `contents[${i}]`, calls);
    const last = messages.at(-1);
    if (message.role === "assistant" && last?.role === "assistant") {
      join(last.parts, message.parts);
    } else messages.push(message);
  }
}

/** Calls of a conversation, by their order where they have no ids. */
export class Conversation implements Calls {
  #made = 0;
  readonly #waiting: { id: string; name: string }[] = [];

  next(): string {
    return callId(madeUp, this.#made++);
  }

  asked(id: string, name: string): void {
    this.#waiting.push({ id, name });
  }

  answered(id: string | undefined, name: string | undefined): string {
    const at = this.#waiting.findIndex((call) =>
      id === undefined ? name === undefined || call.name === name : call.id === id
    );
    const [call] = at < 0 ? [] : this.#waiting.splice(at, 1);
    return id ?? call?.id ?? this.next();
  }
}

function readContent(value: unknown, at: string, calls: Calls): Message {
  const content = camel(asObject(value, at));
  const { role = "user", parts = [] } = content;
  // Results of functions once had a role of their own.
  if (role !== "user" && role !== "model" && role !== "function" && role !== "system") {
    throw wrong(`${at}.role`, role, "'user' or 'model'");
  }
  if (!Array.isArray(parts)) throw wrong(`${at}.parts`, parts, "an array of parts");
  const message: Message = {
    role: role === "model" ? "assistant" : role === "system" ? "system" : "user",
    parts: [],
  };
  for (const [i, one] of parts.entries()) {
    const where = `${at}.parts[${i}]`;
    const raw = asObject(one, where);
    const text = raw.text ?? undefined;
    if (text !== undefined && typeof text !== "string") {
      throw wrong(`${where}.text`, text, "a string");
    }
    const part = readPart(raw, calls);
    if (part === undefined || (role === "model" && isNothing(part))) continue;
    if (part.type === "reasoning") join(message.parts, [part]);
    else message.parts.push(part);
  }
  return message;
}

/** As it ends streams. */
function isNothing(part: Part): boolean {
  return part.type === "text" && part.text === "" && part.signature === undefined &&
    part.extra === undefined;
}

/** Adds parts; text goes on where text of the same kind, not yet signed, came before. */
function join(parts: Part[], more: readonly Part[]): void {
  for (const part of more) {
    const last = parts.at(-1);
    if (
      (part.type === "text" || part.type === "reasoning") && last?.type === part.type &&
      last.signature === undefined && last.extra === undefined && part.extra === undefined
    ) {
      last.text += part.text;
      if (part.signature !== undefined) last.signature = part.signature;
    } else parts.push(part);
  }
}
