/**
 * JSON whose whole numbers may be longer than the runtime's hold, as ids in arguments of tools are: they
 * stay as they were written.
 *
 * @module
 */
import { type Json, object } from "../formats/json.ts";
import type { ChatFormat } from "./chat.ts";

/** Such a number, outside of a text if only it is written as usual. */
const long = /[\s:[,-]\d{16}/;

// The types of TypeScript do not have it yet; all four runtimes do.
const { rawJSON } = JSON as typeof JSON & { rawJSON(text: string): unknown };

/** The value, or nothing where it is no JSON. Numbers that would change are objects that only JSON knows. */
export function exactly(text: string): unknown {
  try {
    return long.test(text) ? JSON.parse(text, kept) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function kept(_name: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" && !Number.isSafeInteger(value) &&
      /^-?\d{16,}$/.test(context?.source ?? "")
    ? rawJSON(context!.source!)
    : value;
}

/** Formats whose arguments of tools are JSON in JSON's own words, and not a text of it. */
const inside: readonly ChatFormat[] = ["anthropic-messages", "gemini", "bedrock-converse"];

const decoder = new TextDecoder();

/** A client's request, where it would make a difference. */
export function exactOf(bytes: Uint8Array, format: ChatFormat): Json | undefined {
  if (!inside.includes(format)) return undefined;
  const text = decoder.decode(bytes);
  return long.test(text) ? object(exactly(text)) : undefined;
}
