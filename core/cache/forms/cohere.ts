/**
 * Cohere's chat (v2): the answer, and its events.
 *
 * @module
 */
import type { Json } from "../../formats/json.ts";
import {
  type Converter,
  indexOf,
  lossy,
  nothing,
  objectOf,
  objectsOf,
  plainOnly,
  type StreamEvent,
  textOf,
} from "./convert.ts";

/** The format's two forms. */
export const cohere: Converter = { toPlain, toEvents };

interface Draft {
  id: unknown;
  role: unknown;
  content: Json[];
  plan: string;
  calls: Json[];
  citations: Json[];
  end: Json | undefined;
}

function toPlain(events: readonly Json[]): Json {
  const draft: Draft = {
    id: undefined,
    role: undefined,
    content: [],
    plan: "",
    calls: [],
    citations: [],
    end: undefined,
  };
  for (const event of events) {
    if (draft.end !== undefined) throw lossy;
    readEvent(event, draft);
  }
  const { id, role, content, plan, calls, citations, end } = draft;
  if (end === undefined || role === undefined) throw lossy;
  const { finish_reason, usage, ...rest } = end;
  for (const key in rest) nothing(rest[key]);
  return {
    id,
    message: {
      role,
      ...plan !== "" && { tool_plan: plan },
      ...content.length > 0 && { content },
      ...calls.length > 0 && { tool_calls: calls },
      ...citations.length > 0 && { citations },
    },
    finish_reason: textOf(finish_reason),
    usage: objectOf(usage),
  };
}

function readEvent({ type, id, index, delta, ...rest }: Json, draft: Draft): void {
  for (const key in rest) nothing(rest[key]);
  if (type === "content-end" || type === "tool-call-end" || type === "citation-end") return;
  const { message, ...more } = objectOf(delta);
  if (type === "message-end") {
    draft.end = more;
    return;
  }
  for (const key in more) nothing(more[key]);
  const said = objectOf(message);
  switch (type) {
    case "message-start":
      draft.id = id;
      draft.role = textOf(said.role);
      return;
    case "content-start":
      if (indexOf(index) !== draft.content.length) throw lossy;
      draft.content.push({ ...objectOf(said.content) });
      return;
    case "content-delta":
      return grow(draft.content[indexOf(index)], objectOf(said.content));
    case "tool-plan-delta":
      draft.plan += textOf(said.tool_plan);
      return;
    case "tool-call-start": {
      if (indexOf(index) !== draft.calls.length) throw lossy;
      const call = objectOf(said.tool_calls);
      draft.calls.push({ ...call, function: { ...objectOf(call.function) } });
      return;
    }
    case "tool-call-delta": {
      const call = draft.calls[indexOf(index)];
      return grow(objectOf(call?.function), objectOf(objectOf(said.tool_calls).function));
    }
    case "citation-start":
      draft.citations.push(objectOf(said.citations));
      return;
    default:
      throw lossy;
  }
}

/** Adds text to the members that have some. */
function grow(part: Json | undefined, delta: Json): void {
  if (part === undefined) throw lossy;
  for (const key in delta) {
    if (key !== "text" && key !== "thinking" && key !== "arguments") throw lossy;
    part[key] = textOf(part[key] ?? "") + textOf(delta[key]);
  }
}

function toEvents({ id, message, finish_reason, usage, ...rest }: Json): StreamEvent[] {
  for (const key in rest) nothing(rest[key]);
  const { role, content, tool_plan, tool_calls, citations, ...more } = objectOf(message);
  for (const key in more) nothing(more[key]);
  const events: StreamEvent[] = [];
  const say = (type: string, data: Json): void => {
    events.push({ name: type, data: { type, ...data } });
  };
  const start = { role: textOf(role), content: [], tool_plan: "", tool_calls: [], citations: [] };
  say("message-start", { id, delta: { message: start } });
  if (tool_plan) say("tool-plan-delta", { delta: { message: { tool_plan: textOf(tool_plan) } } });
  for (const [index, part] of objectsOf(content ?? []).entries()) {
    const { type, ...told } = part;
    const member = type === "thinking" ? "thinking" : "text";
    const { [member]: text, ...others } = told;
    for (const key in others) nothing(others[key]);
    const began = { type: textOf(type), [member]: "" };
    say("content-start", { index, delta: { message: { content: began } } });
    say("content-delta", { index, delta: { message: { content: { [member]: textOf(text) } } } });
    say("content-end", { index });
  }
  for (const [index, call] of objectsOf(tool_calls ?? []).entries()) {
    const { function: fn, ...about } = call;
    const { arguments: args = "", ...named } = objectOf(fn);
    plainOnly({ ...about, ...named });
    const began = { ...about, function: { ...named, arguments: "" } };
    const grown = { function: { arguments: textOf(args) } };
    say("tool-call-start", { index, delta: { message: { tool_calls: began } } });
    say("tool-call-delta", { index, delta: { message: { tool_calls: grown } } });
    say("tool-call-end", { index });
  }
  for (const [index, citation] of objectsOf(citations ?? []).entries()) {
    say("citation-start", { index, delta: { message: { citations: citation } } });
    say("citation-end", { index });
  }
  say("message-end", { delta: { finish_reason: textOf(finish_reason), usage: objectOf(usage) } });
  return events;
}
