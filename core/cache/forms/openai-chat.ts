/**
 * OpenAI Chat Completions, `chat.completion` and its chunks, with the reasoning of those who took it over.
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
export const openAIChat: Converter = { toPlain, toEvents, terminator: "data: [DONE]\n\n" };

/** Texts of a message that come in pieces. */
const written = ["reasoning_content", "reasoning", "content", "refusal"] as const;

/** Figures of the provider's own that come with the last chunk, or change from chunk to chunk. */
const asides: ReadonlySet<string> = new Set([
  "x_groq",
  "time_info",
  "sla_metrics",
  "latency_checkpoint",
  "usage_breakdown",
]);
/** Random text that hides the length of others. */
const padding: ReadonlySet<string> = new Set(["obfuscation", "p"]);

interface Choice {
  role: unknown;
  texts: Partial<Record<(typeof written)[number], string | null>>;
  calls: Json[];
  logprobs: Json | null | undefined;
  finish: unknown;
  rest: Json;
}

function toPlain(events: readonly Json[]): Json {
  const top: Json = Object.create(null);
  const choices = new Map<number, Choice>();
  let usage: Json | undefined;
  for (const { choices: list, usage: told, object, ...rest } of events) {
    if (object !== "chat.completion.chunk" && object !== undefined) throw lossy;
    if (told !== null && told !== undefined) usage = objectOf(told);
    for (const key in rest) {
      if (padding.has(key)) continue;
      const known = top[key];
      if (asides.has(key)) {
        top[key] = rest[key];
        continue;
      }
      if (typeof rest[key] === "object") {
        nothing(rest[key]);
        top[key] ??= rest[key];
        continue;
      }
      if (known === undefined || known === null || known === "" || known === 0) {
        top[key] = rest[key];
      } else if (rest[key] !== known && key !== "created" && rest[key] !== null) throw lossy;
    }
    for (const one of objectsOf(list)) addChoice(choices, one);
  }
  // A plain answer always tells.
  if (usage === undefined || choices.size === 0) throw lossy;
  const { id, created, model, ...rest } = top;
  return {
    id,
    object: "chat.completion",
    created,
    model,
    choices: [...choices].sort(([a], [b]) => a - b).map(([index, choice]) =>
      plainChoice(index, choice)
    ),
    usage,
    ...rest,
  };
}

function addChoice(choices: Map<number, Choice>, part: Json): void {
  const { index, delta, finish_reason, logprobs, ...rest } = part;
  const at = indexOf(index);
  let choice = choices.get(at);
  if (choice === undefined) {
    choice = {
      role: "assistant",
      texts: {},
      calls: [],
      logprobs: undefined,
      finish: null,
      rest: Object.create(null),
    };
    choices.set(at, choice);
  }
  plainOnly(rest);
  for (const key in rest) {
    if (rest[key] !== null || !(key in choice.rest)) choice.rest[key] = rest[key];
  }
  if (finish_reason !== null && finish_reason !== undefined) choice.finish = textOf(finish_reason);
  if (logprobs !== undefined) addLogprobs(choice, logprobs);
  const { role, tool_calls, ...said } = objectOf(delta ?? {});
  if (role !== undefined && role !== null && role !== "") choice.role = textOf(role);
  for (const key of written) {
    const { [key]: text } = said;
    delete said[key];
    if (text === undefined) continue;
    const known = choice.texts[key] ?? null;
    choice.texts[key] = text === null ? known : (known ?? "") + textOf(text);
  }
  for (const call of objectsOf(tool_calls ?? [])) addCall(choice.calls, call);
  for (const key in said) nothing(said[key]);
}

function addLogprobs(choice: Choice, logprobs: unknown): void {
  if (logprobs === null) {
    choice.logprobs ??= null;
    return;
  }
  const known = choice.logprobs ?? {};
  for (const [key, list] of Object.entries(objectOf(logprobs))) {
    if (list === null) known[key] ??= null;
    else if (Array.isArray(list)) known[key] = [...(known[key] as unknown[] | null) ?? [], ...list];
    else throw lossy;
  }
  choice.logprobs = known;
}

function addCall(calls: Json[], part: Json): void {
  const { index, function: fn, ...rest } = part;
  const at = indexOf(index);
  if (at > calls.length) throw lossy;
  const { arguments: args = "", ...named } = objectOf(fn);
  plainOnly({ ...rest, ...named });
  const call = calls[at];
  if (call === undefined) {
    calls.push({ ...rest, function: { ...named, arguments: textOf(args) } });
    return;
  }
  const known = call.function as Json;
  for (const key in named) if (named[key] && named[key] !== known[key]) throw lossy;
  for (const key in rest) if (rest[key] && rest[key] !== call[key]) throw lossy;
  known.arguments = known.arguments as string + textOf(args);
}

function plainChoice(index: number, choice: Choice): Json {
  const { role, texts, calls, logprobs, finish, rest } = choice;
  if (finish === null) throw lossy;
  return {
    index,
    message: {
      role,
      content: texts.content ?? null,
      ...texts,
      ...calls.length > 0 && { tool_calls: calls },
    },
    ...logprobs !== undefined && { logprobs },
    finish_reason: finish,
    ...rest,
  };
}

function toEvents(body: Json, { usage: wanted }: { usage: boolean }): StreamEvent[] {
  const { id, object, created, model, choices, usage, ...rest } = body;
  if (object !== "chat.completion" && object !== undefined) throw lossy;
  const last: Json = {};
  for (const key in rest) {
    if (!asides.has(key)) continue;
    last[key] = rest[key];
    delete rest[key];
  }
  plainOnly(rest);
  const counts = objectOf(usage);
  const deltas = objectsOf(choices).flatMap(deltasOf);
  if (deltas.length === 0) throw lossy;
  const chunk = (choices: Json[], more: Json): StreamEvent => ({
    data: { id, object: "chat.completion.chunk", created, model, ...rest, choices, ...more },
  });
  const events = deltas.map((delta, at) => {
    if (at < deltas.length - 1) return chunk([delta], wanted ? { usage: null } : {});
    // Who did not ask for usage must not get a chunk without choices.
    return chunk([delta], { ...last, usage: wanted ? null : counts });
  });
  return wanted ? [...events, chunk([], { usage: counts })] : events;
}

/** The pieces of one choice. */
function deltasOf(choice: Json): Json[] {
  const { index, message, finish_reason, logprobs, ...rest } = choice;
  plainOnly(rest);
  const { role, tool_calls, ...said } = objectOf(message);
  const piece = (delta: Json, more: Json = {}): Json => ({
    index: indexOf(index),
    delta,
    ...logprobs !== undefined && { logprobs: null },
    finish_reason: null,
    ...more,
  });
  const texts: Json[] = [];
  const first: Json = { role: textOf(role) };
  for (const key of written) {
    const { [key]: text } = said;
    delete said[key];
    if (text === undefined) continue;
    first[key] = text === null ? null : "";
    if (text !== null && textOf(text) !== "") {
      // They are of the text, or of the refusal.
      const told = key === "content" || (key === "refusal" && said.content === null);
      texts.push(piece({ [key]: text }, told && logprobs ? { logprobs: objectOf(logprobs) } : {}));
    }
  }
  for (const key in said) nothing(said[key]);
  if (logprobs && !texts.some((piece) => piece.logprobs)) throw lossy;
  return [
    piece(first),
    ...texts,
    ...objectsOf(tool_calls ?? []).flatMap((call, at) =>
      callParts(call, at).map((part) => piece(part))
    ),
    piece({}, { finish_reason: textOf(finish_reason), ...rest }),
  ];
}

function callParts({ function: fn, ...rest }: Json, index: number): Json[] {
  const { arguments: args, ...named } = objectOf(fn);
  plainOnly({ ...rest, ...named });
  return [
    { tool_calls: [{ ...rest, index, function: { ...named, arguments: "" } }] },
    { tool_calls: [{ index, function: { arguments: textOf(args) } }] },
  ];
}
