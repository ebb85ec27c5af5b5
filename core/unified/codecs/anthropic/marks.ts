/**
 * What travels inside this format without a member of its own.
 *
 * Signatures of other formats: of a thought in `thinking.signature`, with the id of its item before a space;
 * of a text or a call (Gemini) in a `redacted_thinking` block beside it, which clients keep and send back as
 * they do with Claude's own.
 *
 * Tools: a name tells what a call was asked for, so that an answer is read without memory of its request.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { Part, ReasoningPart, Signature } from "../../chat.ts";
import { opened, sealed } from "../../signature.ts";

/** The format. */
export const own = "anthropic-messages";

/** The tool whose input is the answer, for models that know no `output_config.format`. */
export const answerTool = "sluice_answer";
/** Ends the name of a tool that takes free text, in its member `input`. */
export const freeform = "__freeform";

/** `signature` of a thinking block, `data` of a redacted one; empty where the thought has none. */
export function signatureText(part: ReasoningPart, signature = part.signature): string {
  if (signature === undefined) return "";
  const { format, value } = signature;
  if (format === own || part.id === undefined) return sealed(signature, own);
  return sealed({ format, value: `${part.id} ${value}` }, own);
}

/** Gives a thought back its signature, and its id. */
export function sign(part: ReasoningPart, text: string): void {
  const signature = opened(text, own);
  const space = signature.format === own ? -1 : signature.value.indexOf(" ");
  if (space > 0) {
    part.id = signature.value.slice(0, space);
    signature.value = signature.value.slice(space + 1);
  }
  part.signature = signature;
}

/** Keeps the signature of a text or a call: `>` of the next block, `<` of the one before. */
export function besideBlock(signature: Signature, where: "<" | ">"): Json {
  const { format, value } = signature;
  return { type: "redacted_thinking", data: sealed({ format, value: where + value }, own) };
}

/** What {@link besideBlock} kept, if it is that. */
export function beside(data: string): { where: string; signature: Signature } | undefined {
  const { format, value } = opened(data, own);
  const where = value[0];
  if (format === own || (where !== "<" && where !== ">")) return undefined;
  return { where, signature: { format, value: value.slice(1) } };
}

/** Whether a part may have a signature of its own besides thoughts. */
export function signs(
  part: Part | undefined,
): part is Extract<Part, { type: "text" | "tool_call" }> {
  return part?.type === "text" || part?.type === "tool_call";
}
