/**
 * Google's `Schema`, a dialect of OpenAPI 3.0, as JSON Schema.
 *
 * @module
 */
import { type Json, list, object } from "../../../formats/json.ts";
import { camel } from "./wire.ts";

const deepest = 64;
/** Proto JSON has 64-bit numbers as strings. */
const numbers = new Set([
  "minItems",
  "maxItems",
  "minLength",
  "maxLength",
  "minProperties",
  "maxProperties",
]);

/** The same as JSON Schema: types in lower case, null as a type. `propertyOrdering` stays. */
export function jsonSchema(schema: unknown, depth = 0): Json {
  const from = camel(object(schema) ?? {});
  if (depth > deepest) return {};
  const out: Json = {};
  for (const key of Object.keys(from)) {
    const value = from[key];
    switch (key) {
      case "nullable":
        break;
      case "type":
        if (typeof value !== "string") out.type = value;
        else if (value !== "TYPE_UNSPECIFIED") out.type = value.toLowerCase();
        break;
      case "properties":
        out.properties = Object.fromEntries(
          Object.entries(object(value) ?? {}).map(([name, one]) => [
            name,
            jsonSchema(one, depth + 1),
          ]),
        );
        break;
      case "items":
        out.items = jsonSchema(value, depth + 1);
        break;
      case "anyOf":
        out.anyOf = list(value).map((one) => jsonSchema(one, depth + 1));
        break;
      case "example":
        out.examples = [value];
        break;
      case "format":
        if (value !== "enum") out.format = value;
        break;
      default:
        out[key] = numbers.has(key) && typeof value === "string" ? Number(value) : value;
    }
  }
  return from.nullable === true ? orNull(out) : out;
}

function orNull(schema: Json): Json {
  if (Array.isArray(schema.anyOf)) {
    return { ...schema, anyOf: [...schema.anyOf, { type: "null" }] };
  }
  if (typeof schema.type !== "string") return schema;
  const out: Json = { ...schema, type: [schema.type, "null"] };
  if (Array.isArray(schema.enum)) out.enum = [...schema.enum, null];
  return out;
}
