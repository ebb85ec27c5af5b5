/**
 * Kinds of keywords, and of schemas that do not say theirs plainly.
 *
 * @module
 */
import { type Json, list, object } from "../../formats/json.ts";

/** Hold nothing, but a model may want to know. */
export const told: ReadonlySet<string> = new Set(["default", "examples", "example"]);

/** Hold nothing, so that nobody misses them. */
export const silent: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "$anchor",
  "$comment",
  "$vocabulary",
  "$dynamicAnchor",
  "$defs",
  "definitions",
  "readOnly",
  "writeOnly",
  "deprecated",
  "title",
  "propertyOrdering",
]);

/** Types other than null. */
export const types: readonly string[] = [
  "object",
  "array",
  "string",
  "number",
  "integer",
  "boolean",
];

/** Which keywords are about one type only. */
const about: Readonly<Record<string, string>> = {
  properties: "object",
  additionalProperties: "object",
  patternProperties: "object",
  required: "object",
  propertyOrdering: "object",
  minProperties: "object",
  maxProperties: "object",
  items: "array",
  prefixItems: "array",
  minItems: "array",
  maxItems: "array",
  uniqueItems: "array",
  minLength: "string",
  maxLength: "string",
  pattern: "string",
  format: "string",
  minimum: "number",
  maximum: "number",
  exclusiveMinimum: "number",
  exclusiveMaximum: "number",
  multipleOf: "number",
};

/** The schema allows null and nothing else. */
export function isNull(schema: unknown): boolean {
  const one = object(schema);
  if (one === undefined) return false;
  if (one.type === "null" || one.type === "NULL" || one.const === null) return true;
  const named = one.enum ?? one.type;
  return Array.isArray(named) && named.length === 1 && (named[0] === null || named[0] === "null");
}

/** One schema for each of several types; takes from `schema` what goes into them. */
export function apart(schema: Json, own: readonly string[]): Json[] {
  return own.map((type) => {
    const one: Json = { type };
    for (const key of Object.keys(about)) {
      const kin = type === "integer" ? "number" : type;
      if (key in schema && about[key] === kin) {
        one[key] = schema[key];
        delete schema[key];
      }
    }
    return one;
  });
}

/** The type that the values or the keywords are about. */
export function guessed(schema: Json): string | undefined {
  const values = "const" in schema ? [schema.const] : list(schema.enum);
  const kinds = new Set(values.map(kindOf));
  if (kinds.size === 2 && kinds.has("integer")) kinds.delete("integer");
  const [kind] = kinds;
  if (kind !== undefined) return kinds.size === 1 && types.includes(kind) ? kind : undefined;
  for (const key of Object.keys(about)) if (key in schema) return about[key];
  return undefined;
}

function kindOf(value: unknown): string {
  return Number.isInteger(value) ? "integer" : typeof value;
}

/** An exclusive limit of an integer as an inclusive one: its keyword and value. */
export function inclusive(key: string, schema: Json): [string, number] | undefined {
  const value = schema[key];
  const named = Array.isArray(schema.type) ? schema.type : [schema.type];
  if (typeof value !== "number" || !named.includes("integer") || named.includes("number")) {
    return undefined;
  }
  if (key === "exclusiveMinimum") return ["minimum", Math.floor(value) + 1];
  return key === "exclusiveMaximum" ? ["maximum", Math.ceil(value) - 1] : undefined;
}
