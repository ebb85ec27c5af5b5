/**
 * A stream of Chat Completions, of whoever speaks it.
 *
 * Deltas of one choice may mix; parts of a {@link ChatEvent} stream come one after the other. So what
 * belongs to a later part waits while the arguments of an open call are no valid JSON yet. A choice is
 * finished when the stream is: some repeat `finish_reason`, or say more after it.
 *
 * @module
 */
import type { Event } from "../../../formats/frames.ts";
import { faultOf } from "../../../formats/fault.ts";
import { type Json, list, object, parse, string } from "../../../formats/json.ts";
import type {
  ChatEvent,
  Citation,
  Part,
  ReasoningPart,
  Signature,
  TokenLogprob,
  ToolCallPart,
} from "../../chat.ts";
import type { StreamReader, Target } from "../../codec.ts";
import { callId } from "../../ids.ts";
import {
  argumentsOf,
  citationOf,
  finishOf,
  logprobsOf,
  ofAnswer,
  ofChoice,
  readAudio,
  readImage,
  sourcesOf,
  usageOf,
} from "./answer-read.ts";
import { rest, set } from "./expect.ts";
import { readFault } from "./fault.ts";
import { thinkingOf } from "./messages-read.ts";
import { readDetail, readGoogle } from "./thoughts.ts";

type Emit = (event: ChatEvent) => void;

/** More choices than anybody asks for. */
const mostChoices = 128;

/** A part that is open, waits, or is closed. */
interface Slot {
  value: Part;
  /** Its number once it is open. */
  part: number;
  closed: boolean;
  /** All arguments so far; of other parts what waits. */
  text: string;
  data: string;
  citations?: Citation[];
  /** Of `reasoning_details`. */
  detail?: unknown;
}

/** One choice. */
interface State {
  index: number;
  parts: number;
  /** The open one, then those that wait. */
  slots: Slot[];
  /** By the index of the delta; below zero for those without. */
  calls: Map<number, Slot>;
  call: Slot | undefined;
  said: boolean;
  refused: boolean;
  finish: string | undefined;
  stop: string | undefined;
  extra: Json | undefined;
}

/** See `ChatCodec.readStream`. */
export class ChatStreamReader implements StreamReader {
  readonly #target: Target;
  readonly #states: State[] = [];
  #started = false;
  #over = false;
  /** More arguments came for a call that was whole. */
  #broken = false;
  #calls = 0;
  /** Of the last chunk that told any. */
  #usage: Json | undefined;
  #sources: Json | undefined;
  #early: Json | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  event({ name, json, text }: Event, emit: Emit): void {
    if (this.#over) return;
    const body = json as Json | undefined;
    if (typeof body !== "object" || body === null) {
      const word = text?.trim() ?? "";
      if (word === "[DONE]") this.#complete(emit);
      else if (word !== "" || json !== undefined) this.#malformed(emit);
      return;
    }
    if (body.error || name === "error") return this.#fail(body, emit);
    const { choices } = body;
    if (!Array.isArray(choices)) return this.#other(body, emit);
    if (!this.#started) this.#start(body, emit);
    if (body.usage || body.x_groq) this.#usage = body;
    if (body.citations || body.search_results) this.#sources = body;
    for (let i = 0; i < choices.length; i++) {
      const choice = choices[i] as Json | null;
      if (typeof choice === "object" && choice !== null) this.#choice(choice, i, emit);
    }
    if (this.#broken) this.#malformed(emit);
  }

  end(emit: Emit): void {
    if (this.#over) return;
    const states = this.#states;
    if (states.length > 0 && states.every(({ finish }) => finish !== undefined)) {
      this.#complete(emit);
      return;
    }
    this.#stop(502, "The provider's stream was cut before its end", emit);
  }

  #start(body: Json, emit: Emit): void {
    const id = string(body.id);
    // Azure's first chunk tells of the prompt's filters only.
    if ((body.choices as unknown[]).length === 0 && id === undefined) {
      this.#early = rest(body, ofAnswer);
      return;
    }
    this.#started = true;
    const event: ChatEvent = { type: "start", id: id ?? "", model: string(body.model) ?? "" };
    if (typeof body.created === "number") event.created = body.created;
    set(event, "service_tier", string(body.service_tier));
    set(event, "fingerprint", string(body.system_fingerprint));
    const extra = rest(body, ofAnswer);
    if (extra !== undefined || this.#early !== undefined) {
      event.extra = { ...this.#early, ...extra };
    }
    emit(event);
  }

  /** No chunk: usage alone, an error without the name of one, or nothing of use. */
  #other(body: Json, emit: Emit): void {
    if (body.usage) this.#usage = body;
    else if (faultOf(body, true) !== undefined || Array.isArray(body)) this.#fail(body, emit);
  }

  #choice(choice: Json, position: number, emit: Emit): void {
    const index = typeof choice.index === "number" ? choice.index : position;
    const state = this.#state(index);
    if (state === undefined) return;
    // Perplexity has both, the message being all that was said so far.
    const delta = object(choice.delta) ?? (state.said ? undefined : object(choice.message));
    const logprobs = choice.logprobs ? logprobsOf(choice.logprobs) : undefined;
    if (delta !== undefined) this.#delta(state, delta, logprobs, emit);
    else if (typeof choice.text === "string") this.#say(state, "text", choice.text, logprobs, emit);
    if (choice.finish_reason) {
      state.finish = String(choice.finish_reason);
      state.stop = string(choice.stop_reason);
      const extra = rest(choice, ofChoice);
      if (extra !== undefined) state.extra = { ...state.extra, ...extra };
    }
    // Moonshot has it here.
    if (choice.usage) this.#usage = { choices: [choice] };
  }

  #state(index: number): State | undefined {
    for (const state of this.#states) if (state.index === index) return state;
    if (this.#states.length >= mostChoices || !(Number.isInteger(index) && index >= 0)) {
      return undefined;
    }
    const state: State = {
      index,
      parts: 0,
      slots: [],
      calls: new Map(),
      call: undefined,
      said: false,
      refused: false,
      finish: undefined,
      stop: undefined,
      extra: undefined,
    };
    this.#states.push(state);
    return state;
  }

  #delta(state: State, delta: Json, logprobs: TokenLogprob[] | undefined, emit: Emit): void {
    const { content, reasoning_details, tool_calls } = delta;
    const thought = delta.reasoning_content ?? delta.reasoning;
    if (!(Array.isArray(reasoning_details) && this.#details(state, reasoning_details, emit))) {
      if (typeof thought === "string" && thought !== "") {
        this.#say(state, "reasoning", thought, undefined, emit);
      }
    }
    if (delta.annotations) this.#cite(state, list(delta.annotations).flatMap(citationOf), emit);
    if (typeof content === "string") {
      if (content !== "" || logprobs !== undefined) {
        this.#say(state, "text", content, logprobs, emit);
      }
    } else if (Array.isArray(content)) {
      for (const value of content) {
        const one = object(value);
        if (one?.type === "thinking") {
          this.#say(state, "reasoning", thinkingOf(one), undefined, emit);
        } else if (typeof one?.text === "string") {
          this.#say(state, "text", one.text, logprobs, emit);
        }
      }
    }
    if (typeof delta.refusal === "string" && delta.refusal !== "") {
      state.refused = true;
      this.#say(state, "refusal", delta.refusal, logprobs, emit);
    }
    if (delta.extra_content) {
      const signature = readGoogle(delta);
      if (signature !== undefined) {
        this.#sign(state, this.#slot(state, "text", emit), signature, emit);
      }
    }
    if (delta.images) {
      for (const value of list(delta.images)) {
        const image = readImage(value);
        if (image !== undefined) this.#begin(state, image, emit);
      }
    }
    if (delta.audio) this.#audio(state, object(delta.audio), emit);
    if (tool_calls) {
      // Older TGI has one that is no array.
      for (const call of Array.isArray(tool_calls) ? tool_calls : [tool_calls]) {
        this.#call(state, object(call), emit);
      }
    }
    if (delta.function_call) this.#call(state, { index: 0, function: delta.function_call }, emit);
  }

  /** False where they show nothing, so that what `reasoning` shows counts. */
  #details(state: State, details: readonly unknown[], emit: Emit): boolean {
    let shown = false;
    for (const value of details) {
      const entry = object(value);
      const part = readDetail(entry);
      if (part === undefined) continue;
      if (part.text !== "") shown = true;
      const last = state.slots.at(-1);
      const same = !part.redacted && last?.value.type === "reasoning" && !last.value.redacted &&
        (last.detail === undefined || last.detail === entry!.index);
      if (!same) {
        const { signature, ...value } = part;
        const slot = this.#begin(state, { ...value, text: "" }, emit);
        slot.detail = entry!.index;
        if (part.text !== "") this.#grow(state, slot, part.text, undefined, emit);
        if (signature !== undefined) this.#sign(state, slot, signature, emit);
        continue;
      }
      last.detail = entry!.index;
      if (part.text !== "") this.#grow(state, last, part.text, undefined, emit);
      if (part.signature !== undefined) this.#sign(state, last, part.signature, emit);
    }
    return shown;
  }

  #say(
    state: State,
    type: "text" | "reasoning" | "refusal",
    text: string,
    logprobs: TokenLogprob[] | undefined,
    emit: Emit,
  ): void {
    this.#grow(state, this.#slot(state, type, emit), text, logprobs, emit);
  }

  /** The last part if it is of this type, else a new one. */
  #slot(state: State, type: "text" | "reasoning" | "refusal", emit: Emit): Slot {
    const { slots } = state;
    const last = slots[slots.length - 1];
    if (last !== undefined && last.value.type === type && !(last.value as ReasoningPart).redacted) {
      return last;
    }
    return this.#begin(state, { type, text: "" }, emit);
  }

  #grow(
    state: State,
    slot: Slot,
    text: string,
    logprobs: TokenLogprob[] | undefined,
    emit: Emit,
  ): void {
    if (slot !== state.slots[0]) slot.text += text;
    else if (logprobs === undefined) {
      emit({ type: "text", choice: state.index, part: slot.part, text });
    } else emit({ type: "text", choice: state.index, part: slot.part, text, logprobs });
  }

  #sign(state: State, slot: Slot, signature: Signature, emit: Emit): void {
    if (slot === state.slots[0]) {
      emit({ type: "signature", choice: state.index, part: slot.part, signature });
    } else (slot.value as ReasoningPart).signature = signature;
  }

  #cite(state: State, citations: Citation[], emit: Emit): void {
    if (citations.length === 0) return;
    const slot = this.#slot(state, "text", emit);
    if (slot === state.slots[0]) this.#emitCitations(state, slot, citations, emit);
    else (slot.citations ??= []).push(...citations);
  }

  #emitCitations(state: State, { part }: Slot, citations: Citation[], emit: Emit): void {
    for (const citation of citations) {
      emit({ type: "citation", choice: state.index, part, citation });
    }
  }

  #audio(state: State, audio: Json | undefined, emit: Emit): void {
    if (audio === undefined) return;
    let slot = state.slots.at(-1);
    if (slot?.value.type !== "audio") {
      const value = readAudio({ ...audio, data: "", transcript: "" }, "audio/pcm");
      slot = this.#begin(state, value, emit);
    }
    const data = string(audio.data);
    const transcript = string(audio.transcript);
    if (transcript !== undefined) this.#grow(state, slot, transcript, undefined, emit);
    if (data === undefined) return;
    if (slot !== state.slots[0]) slot.data += data;
    else emit({ type: "data", choice: state.index, part: slot.part, data });
  }

  #call(state: State, call: Json | undefined, emit: Emit): void {
    if (call === undefined) return;
    const custom = object(call.custom);
    const fn = custom ?? object(call.function) ?? {};
    const id = string(call.id);
    const name = string(fn.name);
    const text = argumentsOf(custom === undefined ? fn.arguments : fn.input);
    const { calls } = state;
    let key = typeof call.index === "number" ? call.index : undefined;
    let slot = key !== undefined ? calls.get(key) : id === undefined ? state.call : undefined;
    if (key === undefined && id !== undefined) {
      for (const known of calls.values()) if ((known.value as ToolCallPart).id === id) slot = known;
    }
    const known = slot?.value as ToolCallPart | undefined;
    // Some number all of their calls 0.
    const other = known !== undefined && name !== undefined && known.name !== "" &&
      id !== undefined && known.id !== id;
    if (slot === undefined || other) {
      // Workers AI closes with a call of nothing.
      if (id === undefined && name === undefined && text === "") return;
      slot = newSlot({ type: "tool_call", id: id ?? "", name: "", arguments: "" });
      if (custom !== undefined || call.type === "custom") {
        (slot.value as ToolCallPart).custom = true;
      }
      calls.set(key ??= -1 - calls.size, slot);
    }
    state.call = slot;
    const value = slot.value as ToolCallPart;
    const signature = call.extra_content ? readGoogle(call) : undefined;
    if (value.name === "") {
      if (id !== undefined) value.id = id;
      set(value, "signature", signature);
      if (name === undefined) {
        slot.text += text;
        return;
      }
      value.name = name;
      value.id ||= callId(this.#target.requestId, this.#calls);
      this.#calls++;
      slot.text += text;
      this.#enqueue(state, slot, emit);
      return;
    }
    if (signature !== undefined) this.#sign(state, slot, signature, emit);
    if (text === "") return;
    if (slot.closed) {
      if (text.trim() !== "") this.#broken = true;
      return;
    }
    slot.text += text;
    if (slot !== state.slots[0]) return;
    emit({ type: "arguments", choice: state.index, part: slot.part, text });
    while (state.slots.length > 1 && isComplete(state.slots[0]!)) this.#advance(state, emit);
  }

  #begin(state: State, value: Part, emit: Emit): Slot {
    const slot = newSlot(value);
    this.#enqueue(state, slot, emit);
    return slot;
  }

  /** Opens it, or has it wait. */
  #enqueue(state: State, slot: Slot, emit: Emit): void {
    const { slots } = state;
    state.said = true;
    slots.push(slot);
    if (slots.length === 1) this.#open(state, slot, emit);
    else while (slots.length > 1 && isComplete(slots[0]!)) this.#advance(state, emit);
  }

  #open(state: State, slot: Slot, emit: Emit): void {
    const { text, data, citations, value } = slot;
    slot.part = state.parts++;
    const event = { choice: state.index, part: slot.part };
    emit({ type: "part_start", ...event, value });
    if (value.type === "tool_call") {
      if (text !== "") emit({ type: "arguments", ...event, text });
    } else if (text !== "") emit({ type: "text", ...event, text });
    if (data !== "") emit({ type: "data", ...event, data });
    if (citations !== undefined) this.#emitCitations(state, slot, citations, emit);
  }

  #close(state: State, emit: Emit): void {
    const slot = state.slots.shift()!;
    const event = { choice: state.index, part: slot.part };
    slot.closed = true;
    if (slot.value.type === "tool_call" && !slot.value.custom && slot.text.trim() === "") {
      emit({ type: "arguments", ...event, text: "{}" });
    }
    if (slot.value.type === "text" && this.#sources !== undefined && state.slots.length === 0) {
      this.#emitCitations(state, slot, sourcesOf(this.#sources), emit);
    }
    emit({ type: "part_end", ...event });
  }

  #advance(state: State, emit: Emit): void {
    this.#close(state, emit);
    const [next] = state.slots;
    if (next !== undefined) this.#open(state, next, emit);
  }

  #complete(emit: Emit): void {
    if (this.#states.length === 0) {
      this.#stop(502, "The provider's stream ended without an answer", emit);
      return;
    }
    for (const state of this.#states) {
      while (state.slots.length > 0) this.#advance(state, emit);
      let finish = finishOf(state.finish ?? "stop", state.calls.size > 0, state.refused);
      if (state.stop !== undefined && finish === "stop") finish = "stop_sequence";
      emit({
        type: "finish",
        choice: state.index,
        finish,
        ...finish === "stop_sequence" && state.stop !== undefined && { stop_sequence: state.stop },
        ...state.extra !== undefined && { extra: state.extra },
      });
    }
    this.#emitUsage(emit);
    this.#over = true;
    emit({ type: "end" });
  }

  #emitUsage(emit: Emit): void {
    const usage = this.#usage === undefined ? undefined : usageOf(this.#usage, this.#target);
    if (usage !== undefined) emit({ type: "usage", usage });
  }

  #malformed(emit: Emit): void {
    this.#stop(502, "The provider's stream has an event that cannot be read", emit);
  }

  #stop(status: number, message: string, emit: Emit): void {
    this.#emitUsage(emit);
    this.#over = true;
    emit({ type: "error", fault: { status, kind: "server", message } });
  }

  #fail(body: Json, emit: Emit): void {
    if (body.usage) this.#usage = body;
    this.#emitUsage(emit);
    this.#over = true;
    emit({ type: "error", fault: readFault(200, body) });
  }
}

function newSlot(value: Part): Slot {
  return { value, part: -1, closed: false, text: "", data: "" };
}

/** False for a call whose arguments are still to come. */
function isComplete({ value, text }: Slot): boolean {
  if (value.type !== "tool_call" || value.custom) return true;
  return text.trimEnd().endsWith("}") && parse(text) !== undefined;
}
