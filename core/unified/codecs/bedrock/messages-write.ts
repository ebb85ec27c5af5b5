/**
 * The conversation in Converse's terms: instructions on top, turns that alternate and begin with a user's,
 * results of tools before whatever else a user says.
 *
 * @module
 */
import { type Json, worded } from "../../../formats/json.ts";
import type { ChatRequest, Part } from "../../chat.ts";
import { writeBlocks, writeCache, type Writing } from "./blocks-write.ts";

/** One of `messages`. */
export interface Turn {
  role: string;
  content: Json[];
}

/** Stands where Bedrock wants a text and there is none. */
const nothing: Json = { text: "." };

/** `system`, empty where there is none, and `messages`. */
export function converse(
  request: ChatRequest,
  writing: Writing,
): { system: Json[]; messages: Turn[] } {
  const { same, model, lost } = writing;
  const system: Json[] = [];
  const messages: Turn[] = [];
  let waiting: Json[] = [];
  const settle = (): void => {
    if (waiting.length === 0 || messages.at(-1)?.role !== "user") return;
    messages.push({ role: "system", content: waiting });
    waiting = [];
  };
  for (const { role, parts, name, extra } of request.messages) {
    const instructs = role === "system" || role === "developer";
    const content = instructs ? instructions(parts, writing) : writeBlocks(parts, writing);
    if (!same) {
      if (name !== undefined) lost.drop("messages.name");
      for (const key in extra) lost.drop(`messages.${key}`);
    }
    if (instructs) {
      if (messages.length === 0) system.push(...content);
      else if (same) messages.push({ role: "system", content });
      // Elsewhere than on top only the newest models take one, and after a user's turn.
      else (model.claude?.system === true ? waiting : system).push(...content);
      continue;
    }
    if (content.length === 0 && !same) continue;
    if (role === "assistant") settle();
    const last = messages.at(-1);
    if (last?.role === role) last.content.push(...content);
    else messages.push({ role, content });
  }
  settle();
  system.push(...waiting);
  if (!same) finish(system, messages, writing);
  if (request.cache !== undefined) {
    const point = writeCache(request.cache, writing);
    if (point !== undefined) messages.at(-1)?.content.push(point);
  }
  return { system, messages };
}

function instructions(parts: readonly Part[], writing: Writing): Json[] {
  if (writing.same) return writeBlocks(parts, writing);
  return parts.flatMap((part) => {
    if (part.type === "text") return writeBlocks([part], writing);
    writing.lost.drop(`messages.${part.type}`);
    return [];
  });
}

function finish(system: Json[], messages: Turn[], { model }: Writing): void {
  for (const turn of messages) {
    if (turn.role !== "user") continue;
    turn.content = resultsFirst(turn.content);
    if (turn.content.some((block) => "document" in block) && !turn.content.some(isSaid)) {
      turn.content.push(nothing);
    }
  }
  if (messages[0]?.role !== "user") messages.unshift({ role: "user", content: [] });
  const first = messages[0]!.content;
  if (!model.system && system.length > 0) first.unshift(...system.splice(0));
  if (first.length === 0) first.push(nothing);
  // An answer that is to be continued may not end in white space.
  const last = messages.at(-1)!;
  const end = last.content.at(-1);
  if (last.role === "assistant" && typeof end?.text === "string") {
    last.content[last.content.length - 1] = { text: end.text.trimEnd() };
  }
}

/** A cache point stays behind its block. */
function resultsFirst(content: readonly Json[]): Json[] {
  const results: Json[] = [];
  const others: Json[] = [];
  let into = others;
  for (const block of content) {
    if (!("cachePoint" in block)) into = "toolResult" in block ? results : others;
    into.push(block);
  }
  return [...results, ...others];
}

function isSaid(block: Json): boolean {
  return "text" in block;
}

/** Tools that the conversation tells of, without which it is refused. */
export function called(messages: readonly Turn[]): string[] {
  const names = new Set<string>();
  let any = false;
  for (const { content } of messages) {
    for (const { toolUse, toolResult } of content) {
      if (toolUse !== undefined) names.add(worded((toolUse as Json).name));
      any ||= toolUse !== undefined || toolResult !== undefined;
    }
  }
  return names.size === 0 && any ? ["tool"] : [...names];
}

/**
 * The model is to go on after a tool's result, and the thoughts that led to the call are gone. With a budget
 * for thoughts Claude refuses that.
 */
export function lostThoughts(messages: readonly Turn[]): boolean {
  const last = messages.findLast(({ role }) => role !== "system");
  if (last?.role !== "user" || !last.content.some((block) => "toolResult" in block)) return false;
  const answer = messages.findLast(({ role }) => role === "assistant");
  return answer?.content[0] !== undefined && !("reasoningContent" in answer.content[0]);
}
