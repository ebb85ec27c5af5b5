/**
 * Reasoning items of a client's stream.
 *
 * @module
 */
import { type Json, object } from "../../../formats/json.ts";
import type { NativePart, ReasoningPart, Signature } from "../../chat.ts";
import { sealed } from "../../signature.ts";
import { marks } from "./items-read.ts";
import { opening, type Script } from "./script.ts";
import { format } from "./shape.ts";

function texted(text: string, summary: boolean): Json {
  return { type: summary ? "summary_text" : "reasoning_text", text };
}

function place(script: Script, id: string, summary: boolean): string {
  return `${script.at(id)},"${summary ? "summary" : "content"}_index":0`;
}

/** Events that open a thought, and how those begin that tell more of it. */
export function beginThought(script: Script, summary: boolean): [said: string, prefix: string] {
  const id = script.next("rs");
  const at = place(script, id, summary);
  const event = `response.reasoning_${summary ? "summary_text" : "text"}.delta`;
  const item = { id, type: "reasoning", summary: [], ...!summary && { content: [] } };
  const said = script.added(item) +
    script.say(
      `response.${summary ? "reasoning_summary" : "content"}_part.added`,
      `${at},"part":${JSON.stringify(texted("", summary))}`,
    );
  return [said, `${opening(event)}${at},"delta":`];
}

/** What a thought has come to. */
export interface Thought {
  text: string;
  signature: Signature | undefined;
  /** Of {@link beginThought}; empty where nothing was told. */
  prefix: string;
}

/** Events that close a thought; none where nothing was thought. */
export function endThought(
  script: Script,
  { text, signature, prefix }: Thought,
  value: ReasoningPart,
  isSummary: boolean,
): string {
  const told = prefix !== "";
  if (!told && signature === undefined) return "";
  const id = script.next("rs");
  const summary = !told || isSummary;
  const part = texted(text, summary);
  let out = "";
  if (!told) out = script.added({ id, type: "reasoning", summary: [] });
  else if (!script.silent) {
    const at = place(script, id, summary);
    out = script.say(
      `response.reasoning_${summary ? "summary_text" : "text"}.done`,
      `${at},"text":${JSON.stringify(text)}`,
    ) + script.say(
      `response.${summary ? "reasoning_summary" : "content"}_part.done`,
      `${at},"part":${JSON.stringify(part)}`,
    );
  }
  const mark = value.redacted && signature?.format !== format ? marks.redacted : "";
  return out + script.done({
    id,
    type: "reasoning",
    summary: told && summary ? [part] : [],
    ...!summary && { content: [part] },
    ...signature !== undefined && {
      encrypted_content: sealed({ ...signature, value: mark + signature.value }, format),
    },
  });
}

/** A signature of what stands before or after, as an item of its own. */
export function sayMark(script: Script, mark: string, signature: Signature): string {
  const id = script.next("rs");
  const encrypted_content = sealed({ ...signature, value: mark + signature.value }, format);
  return script.added({ id, type: "reasoning", summary: [] }) +
    script.done({ id, type: "reasoning", summary: [], encrypted_content });
}

/**
 * A block that only its own provider knows, to come back as it was; a search of Anthropic's is shown as
 * one of this format besides.
 */
export function sayNative(script: Script, { format, value }: NativePart): string {
  const query = object(value.input)?.query;
  const isSearch = value.type === "server_tool_use" && value.name === "web_search" &&
    typeof query === "string";
  const out = isSearch ? saySearch(script, query) : "";
  return out + sayMark(script, marks.native, { format, value: JSON.stringify(value) });
}

function saySearch(script: Script, query: string): string {
  const id = script.next("ws");
  const item = {
    id,
    type: "web_search_call",
    status: "completed",
    action: { type: "search", query },
  };
  const at = script.at(id);
  return script.added({ ...item, status: "in_progress" }) +
    script.say("response.web_search_call.in_progress", at) +
    script.say("response.web_search_call.searching", at) +
    script.say("response.web_search_call.completed", at) + script.done(item);
}
