/**
 * Looking into JSON that anybody may have written: what is not of the expected type is not there.
 *
 * @module
 */

/** A JSON object. */
export type Json = Record<string, unknown>;

const none: readonly unknown[] = [];

/** The value if it is an object (no array, not null). */
export function object(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Json
    : undefined;
}

/** The value if it is an array, else an empty one. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : none;
}

/** The value if it is a string with something in it. */
export function string(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The value in words: `String`, but that objects are JSON, since they may have a `toString` of their own. */
export function worded(value: unknown): string {
  return typeof value === "object" && value !== null ? written(value) : String(value);
}

/** The value as JSON; empty where it is none, or nested too deep for the runtime. */
export function written(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}

/** The parsed value, or nothing where it is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
