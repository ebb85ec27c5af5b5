/**
 * Failed calls of tools.
 *
 * @module
 */
import type { Part, ToolResultPart } from "./chat.ts";

/** What a tool gave back, where a format has no flag for a failure: then its text says so. */
export function spokenResult({ content, is_error }: ToolResultPart): Part[] {
  if (is_error !== true) return content;
  const [first, ...others] = content;
  if (first?.type !== "text") return [{ type: "text", text: "Error" }, ...content];
  if (/^\W*(?:\w*error|\w*exception|failed|failure|traceback)\b/i.test(first.text)) return content;
  return [{ ...first, text: first.text === "" ? "Error" : `Error: ${first.text}` }, ...others];
}
