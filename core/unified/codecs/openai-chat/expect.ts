/**
 * Members of a client's request: there, or absent, or an error that says what was expected.
 *
 * @module
 */
import { Code, GatewayError } from "../../../error.ts";
import { type Json, object } from "../../../formats/json.ts";

/** The error for a value that could not mean anything. */
export function wrong(at: string, value: unknown, expected: string): GatewayError {
  const found = value === undefined
    ? "missing"
    : value === null
    ? "null"
    : Array.isArray(value)
    ? "an array"
    : typeof value === "string" && value.length < 40
    ? `'${value}'`
    : typeof value === "object"
    ? "an object"
    : `a ${typeof value}`;
  return new GatewayError(400, Code.badRequest, `'${at}' is ${found}; ${expected} is expected`);
}

/** The member if it has the type; nothing for null. */
export function optional<T>(from: Json, name: string, type: string, at: string): T | undefined {
  const value = from[name] ?? undefined;
  if (value === undefined) return undefined;
  const found: string = object(value) === undefined && typeof value === "object"
    ? "array"
    : typeof value;
  if (found === type) return value as T;
  throw wrong(at + name, value, type === "object" ? "an object" : `a ${type}`);
}

/** The member, which has to be a string. */
export function required(from: Json, name: string, at: string): string {
  const value = from[name];
  if (typeof value !== "string") throw wrong(at + name, value, "a string");
  return value;
}

/** The value, which has to be an object. */
export function asObject(value: unknown, at: string): Json {
  const one = object(value);
  if (one === undefined) throw wrong(at, value, "an object");
  return one;
}

/** What is not known, null aside. */
export function rest(from: Json, known: ReadonlySet<string>): Json | undefined {
  let extra: Json | undefined;
  for (const name in from) {
    const value = from[name];
    if (known.has(name) || value === null || value === undefined || name === "__proto__") continue;
    (extra ??= {})[name] = value;
  }
  return extra;
}

/** Sets what is there. */
export function set<T extends object, K extends keyof T>(
  on: T,
  name: K,
  value: T[K] | undefined,
): void {
  if (value !== undefined) on[name] = value;
}
