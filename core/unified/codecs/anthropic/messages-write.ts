/**
 * The conversation in Anthropic's terms: instructions on top, turns that alternate, results of tools before
 * whatever else a user says.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { ChatRequest } from "../../chat.ts";
import type { Lost } from "../../lost.ts";
import { contentOf, dropExtra, writeBlocks, type Writing } from "./blocks-write.ts";
import type { Claude } from "./claude.ts";
import { own } from "./marks.ts";

/** `system`, empty where there is none, and `messages`. */
export interface Conversation {
  system: Json[];
  messages: Turn[];
}

/** One of `messages`. */
export interface Turn {
  role: string;
  content: Json[];
  extra?: Json;
}

/** What was read from this format stays in its own turns; what was not is merged as the API wants it. */
export function converse(request: ChatRequest, claude: Claude, lost: Lost): Conversation {
  const writing: Writing = { from: request.format, lost };
  const same = request.format === own;
  const system: Json[] = [];
  const messages: Turn[] = [];
  let waiting: Json[] = [];
  // An instruction may only follow a user's turn.
  const settle = (): void => {
    if (waiting.length === 0 || messages.at(-1)?.role !== "user") return;
    messages.push({ role: "system", content: waiting });
    waiting = [];
  };
  for (const { role, parts, name, instructions, extra } of request.messages) {
    const content = writeBlocks(parts, writing);
    if (same) {
      if (instructions === true) system.push(...content);
      else messages.push({ role, content, ...extra !== undefined && { extra } });
      continue;
    }
    if (name !== undefined) lost.drop("messages.name");
    dropExtra(extra, lost, "messages.");
    if (role === "system" || role === "developer") {
      const late = claude.system && messages.length > 0;
      (late ? waiting : system).push(...content);
      continue;
    }
    if (content.length === 0) continue;
    if (role === "assistant") settle();
    const last = messages.at(-1);
    if (last?.role === role) last.content.push(...content);
    else messages.push({ role, content });
  }
  settle();
  system.push(...waiting);
  if (same) return { system, messages };
  finished(messages);
  if (messages[0]?.role !== "user") {
    // A conversation begins with a user; instructions alone are none.
    const content = messages.length === 0 ? system.splice(0) : [];
    if (content.length === 0) content.push({ type: "text", text: "." });
    messages.unshift({ role: "user", content });
  }
  return { system, messages };
}

function finished(messages: Turn[]): void {
  for (const turn of messages) {
    if (turn.role !== "user" || turn.content.length < 2) continue;
    const results = turn.content.filter(isResult);
    if (results.length === 0) continue;
    turn.content = [...results, ...turn.content.filter((block) => !isResult(block))];
  }
  // An answer that is to be continued may not end in white space.
  const last = messages.at(-1);
  const end = last?.content.at(-1);
  if (last?.role === "assistant" && end?.type === "text") end.text = String(end.text).trimEnd();
}

function isResult(block: Json): boolean {
  return block.type === "tool_result";
}

/** The turns as they stand in the body. */
export function turns(messages: readonly Turn[]): Json[] {
  return messages.map(({ role, content, extra }) => ({
    role,
    content: contentOf(content),
    ...extra,
  }));
}

/**
 * The model is to go on after a tool's result, and the thoughts that led to the call are gone. With a budget
 * for thoughts the API refuses that.
 */
export function lostThoughts(messages: readonly Turn[]): boolean {
  const last = messages.findLast(({ role }) => role !== "system");
  if (last?.role !== "user" || !last.content.some(isResult)) return false;
  const answer = messages.findLast(({ role }) => role === "assistant");
  const first = answer?.content[0]?.type;
  return first !== "thinking" && first !== "redacted_thinking";
}
