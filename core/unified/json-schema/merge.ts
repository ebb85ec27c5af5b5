/**
 * Two schemas that both hold, as one; and what a reference within a schema means.
 *
 * @module
 */
import { type Json, list, object, written } from "../../formats/json.ts";

/** What a reference within the document points to, or nothing. */
export function resolved(root: Json, ref: string): unknown {
  if (ref === "#") return root;
  if (!ref.startsWith("#/")) return undefined;
  let at: unknown = root;
  for (const step of ref.slice(2).split("/")) {
    const key = unescaped(step);
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Json)[key];
  }
  return typeof at === "boolean" || object(at) !== undefined ? at : undefined;
}

function unescaped(step: string): string {
  let text = step;
  try {
    text = decodeURIComponent(step);
  } catch {
    // Names may have a bare percent sign.
  }
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** Text after a text. */
export function append(text: unknown, more: string): string {
  return typeof text === "string" && text !== "" ? `${text}\n${more}` : more;
}

/**
 * A schema for what both allow, the first one's words going before. Shallow: what both have one level
 * further down comes as `allOf`.
 *
 * @param clash Called when one of two constraints had to go.
 */
export function joined(first: Json, second: Json, clash: () => void): Json {
  const out: Json = { ...first };
  for (const key of Object.keys(second)) {
    const a = out[key];
    const b = second[key];
    if (a === undefined) out[key] = b;
    else if (a !== b) out[key] = both(key, a, b, clash);
  }
  return out;
}

function both(key: string, a: unknown, b: unknown, clash: () => void): unknown {
  switch (key) {
    case "properties": {
      const one = object(a) ?? {};
      const two = object(b) ?? {};
      const all = new Map(Object.entries(one));
      for (const [name, schema] of Object.entries(two)) {
        const had = all.get(name);
        all.set(name, had === undefined || had === schema ? schema : { allOf: [had, schema] });
      }
      return Object.fromEntries(all);
    }
    case "items":
      return Array.isArray(a) || Array.isArray(b) ? first(a, b, clash) : { allOf: [a, b] };
    case "required":
      return [...new Set([...list(a), ...list(b)])];
    case "enum":
      return common(list(a), list(b)) ?? first(a, b, clash);
    case "type":
      return narrowed(a, b) ?? first(a, b, clash);
    case "minimum":
    case "exclusiveMinimum":
    case "minLength":
    case "minItems":
    case "minProperties":
      return typeof a === "number" && typeof b === "number" ? Math.max(a, b) : a;
    case "maximum":
    case "exclusiveMaximum":
    case "maxLength":
    case "maxItems":
    case "maxProperties":
      return typeof a === "number" && typeof b === "number" ? Math.min(a, b) : a;
    case "additionalProperties":
      return a === false || b === false ? false : object(a) ?? b;
    case "uniqueItems":
      return a === true || b === true;
    case "nullable":
      return a === true && b === true;
    case "title":
    case "description":
    case "default":
    case "examples":
    case "$defs":
    case "definitions":
    case "$schema":
    case "$id":
    case "$comment":
    case "propertyOrdering":
      return a;
    default:
      return first(a, b, clash);
  }
}

function first(a: unknown, b: unknown, clash: () => void): unknown {
  if (written(a) !== written(b)) clash();
  return a;
}

function common(a: readonly unknown[], b: readonly unknown[]): unknown[] | undefined {
  const left = a.filter((value) => b.includes(value));
  return left.length > 0 ? left : undefined;
}

function narrowed(a: unknown, b: unknown): unknown {
  const one = Array.isArray(a) ? a : [a];
  const two = Array.isArray(b) ? b : [b];
  const left = common(one, two) ??
    (one.includes("number") && two.includes("integer") ||
        one.includes("integer") && two.includes("number")
      ? ["integer"]
      : undefined);
  return left?.length === 1 ? left[0] : left;
}
