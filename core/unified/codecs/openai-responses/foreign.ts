/**
 * What this gateway made up for a client, taken out of a request that goes to a provider of this format as
 * it is: there, ids of ours name nothing, and thoughts of others cannot be read.
 *
 * @module
 */
import { type Json, object } from "../../../formats/json.ts";
import { opened } from "../../signature.ts";
import { format, isOurs } from "./shape.ts";

/**
 * The body, or another one where something has to go: sealed thoughts of other providers, and items that
 * were only to be shown; other items lose their ids. References stay.
 */
export function withoutForeign(body: Json): Json {
  if (!Array.isArray(body.input)) return body;
  let changed = false;
  const input = body.input.flatMap((value: unknown) => {
    const item = object(value);
    if (item === undefined) return [value];
    const { id, encrypted_content } = item;
    const type = item.type ?? ("role" in item ? "message" : "item_reference");
    const sealed = type === "reasoning" && typeof encrypted_content === "string" &&
      opened(encrypted_content, format).format !== format;
    const made = typeof id === "string" && isOurs(id);
    if (!sealed && (!made || type === "item_reference")) return [value];
    changed = true;
    if (sealed || !/^(?:message|function_call|custom_tool_call)(?:_output)?$/.test(`${type}`)) {
      return [];
    }
    const { id: _, ...rest } = item;
    return [rest];
  });
  return changed ? { ...body, input } : body;
}
