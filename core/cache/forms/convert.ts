/**
 * What turns a streamed answer into a plain one, and back. A converter gives up on whatever it does not
 * know how to carry: then an entry of the cache serves its own form only.
 *
 * @module
 */
import type { Json } from "../../formats/json.ts";

/** How a client wants the events. */
export interface StreamOptions {
  /** With a last event of usage, where the format has it only on request. */
  usage: boolean;
}

/** One format's two forms. */
export interface Converter {
  /** The plain answer in JSON, from the events of a whole stream. Throws {@link lossy}. */
  toPlain(events: readonly Json[]): Json;
  /** The events of an answer, each with its name, if events have names. Throws {@link lossy}. */
  toEvents(body: Json, options: StreamOptions): readonly StreamEvent[];
  /** Text behind the last event. */
  readonly terminator?: string;
}

/** An event; its data is an object. */
export interface StreamEvent {
  name?: string;
  data: Json;
}

/** Thrown where something cannot be carried over; a constant, for it is no failure. */
export const lossy: Error = new Error("Not the same in another form");

/** Throws {@link lossy} unless there is nothing: null, an empty list, or not there. */
export function nothing(value: unknown): void {
  if (value === undefined || value === null) return;
  if (Array.isArray(value) && value.length === 0) return;
  throw lossy;
}

/** Throws {@link lossy} unless all members are plain values. */
export function plainOnly(members: Json): void {
  for (const key in members) {
    const value = members[key];
    if (typeof value === "object" && value !== null) nothing(value);
  }
}

/** An object, or {@link lossy}. */
export function objectOf(value: unknown): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw lossy;
}

/** A list of objects, or {@link lossy}. */
export function objectsOf(value: unknown): Json[] {
  if (!Array.isArray(value)) throw lossy;
  return value.map(objectOf);
}

/** A text, or {@link lossy}. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw lossy;
}

/** A place in a list, or {@link lossy}. */
export function indexOf(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 1000) {
    return value as number;
  }
  throw lossy;
}
