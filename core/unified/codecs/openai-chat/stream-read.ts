/**
 * Answers of whoever speaks Chat Completions: a stream of them, and a whole one as a stream of one chunk.
 *
 * A choice is finished when the stream is: some repeat `finish_reason`, or say more after it.
 *
 * @module
 */
import { Code, GatewayError } from "../../../error.ts";
import { faultOf } from "../../../formats/fault.ts";
import type { Event } from "../../../formats/frames.ts";
import { type Json, list, object, string } from "../../../formats/json.ts";
import { assemble } from "../../assemble.ts";
import type { ChatAnswer, ChatEvent, TokenLogprob } from "../../chat.ts";
import type { StreamReader, Target } from "../../codec.ts";
import { callId } from "../../ids.ts";
import { citationOf, finishOf, logprobsOf, readAudio, sourcesOf, usageOf } from "./answer-parts.ts";
import { rest, set } from "./expect.ts";
import { readFault } from "./fault.ts";
import { readMedia } from "./media.ts";
import { thinkingOf } from "./messages-read.ts";
import { Calls } from "./stream-calls.ts";
import { type Emit, Parts, type Spoken } from "./stream-parts.ts";
import { Thinking } from "./stream-think.ts";
import { readDetail, readGoogle } from "./thoughts.ts";

/** More choices than anybody asks for. */
const mostChoices = 128;

const ofAnswer = new Set(
  "id,object,created,model,choices,usage,service_tier,system_fingerprint,obfuscation".split(","),
);
const ofChoice = new Set(
  "index,message,delta,finish_reason,stop_reason,logprobs,usage,text".split(","),
);
const ofMessage = new Set(
  ("role,content,refusal,annotations,audio,images,function_call,tool_calls,reasoning," +
    "reasoning_content,reasoning_details,extra_content,thought_signature,index").split(","),
);

/** One choice. */
interface State {
  index: number;
  parts: Parts;
  calls: Calls;
  /** Until it is known that there are no thoughts in the text, or no more. */
  thinking: Thinking | undefined;
  refused: boolean;
  finish: unknown;
  stop: string | undefined;
  extra: Json | undefined;
}

/** See `ChatCodec.readStream`. */
export class ChatStreamReader implements StreamReader {
  readonly #target: Target;
  readonly #whole: boolean;
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

  /** @param whole There is one chunk, and it is a whole answer. */
  constructor(target: Target, whole = false) {
    this.#target = target;
    this.#whole = whole;
  }

  event({ name, json, text }: Event, emit: Emit): void {
    if (this.#over) return;
    const body = json as Json | undefined;
    if (typeof body !== "object" || body === null) {
      const word = text?.trim() ?? "";
      if (word === "[DONE]") this.complete(emit);
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
    if (states.length > 0 && states.every(({ finish }) => finish)) this.complete(emit);
    else this.#stop("The provider's stream was cut before its end", emit);
  }

  /** The answer is all there, by whatever sign. */
  complete(emit: Emit): void {
    if (this.#over) return;
    if (this.#states.length === 0) {
      this.#stop("The provider ended without an answer", emit);
      return;
    }
    for (const state of this.#states) {
      const { index, parts, calls, refused, stop, extra } = state;
      state.thinking?.flush((type, text) => this.#say(state, type, text, undefined, emit));
      if (this.#sources !== undefined && parts.last?.value.type === "text") {
        parts.cite(sourcesOf(this.#sources), emit);
      }
      parts.finish(emit);
      let finish = finishOf(state.finish, calls.any, refused);
      if (stop !== undefined && finish === "stop") finish = "stop_sequence"; // vLLM
      const event: ChatEvent = { type: "finish", choice: index, finish };
      if (finish === "stop_sequence") set(event, "stop_sequence", stop);
      set(event, "extra", extra);
      emit(event);
    }
    this.#tellUsage(emit);
    this.#over = true;
    emit({ type: "end" });
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
    const extra = { ...this.#early, ...rest(body, ofAnswer) };
    if (Object.keys(extra).length > 0) event.extra = extra;
    emit(event);
  }

  /** No chunk: usage alone, an error without the name of one, or nothing of use. */
  #other(body: Json, emit: Emit): void {
    if (body.usage) this.#usage = body;
    else if (faultOf(body, true) !== undefined || Array.isArray(body)) this.#fail(body, emit);
  }

  #choice(choice: Json, position: number, emit: Emit): void {
    const { index } = choice;
    const state = this.#state(
      Number.isInteger(index) && index as number >= 0 ? index as number : position,
    );
    if (state === undefined) return;
    // Perplexity has both: in a stream the message is all that was said so far, else the delta is empty.
    let delta = this.#whole ? undefined : object(choice.delta);
    const whole = delta === undefined && !state.parts.said;
    if (whole) delta = object(choice.message);
    const logprobs = choice.logprobs ? logprobsOf(choice.logprobs) : undefined;
    if (delta !== undefined) this.#delta(state, delta, logprobs, emit);
    else if (typeof choice.text === "string") this.#say(state, "text", choice.text, logprobs, emit);
    if (choice.finish_reason || whole) {
      state.finish = choice.finish_reason;
      state.stop = string(choice.stop_reason);
      let extra = rest(choice, ofChoice);
      const message = whole && delta !== undefined ? rest(delta, ofMessage) : undefined;
      if (message !== undefined) extra = { ...extra, message };
      if (extra !== undefined) state.extra = { ...state.extra, ...extra };
    }
    // Moonshot has it here.
    if (choice.usage) this.#usage = { choices: [choice] };
  }

  #state(index: number): State | undefined {
    for (const state of this.#states) if (state.index === index) return state;
    if (this.#states.length >= mostChoices) return undefined;
    const parts = new Parts(index);
    const state: State = {
      index,
      parts,
      calls: new Calls(parts, () => callId(this.#target.requestId, this.#calls++)),
      thinking: new Thinking(),
      refused: false,
      finish: undefined,
      stop: undefined,
      extra: undefined,
    };
    this.#states.push(state);
    return state;
  }

  #delta(state: State, delta: Json, logprobs: TokenLogprob[] | undefined, emit: Emit): void {
    const { content, refusal, reasoning_details, tool_calls, audio } = delta;
    const { parts } = state;
    const thought = delta.reasoning_content ?? delta.reasoning;
    if (!(Array.isArray(reasoning_details) && this.#details(state, reasoning_details, emit))) {
      if (typeof thought === "string" && thought !== "") {
        this.#say(state, "reasoning", thought, undefined, emit);
      }
    }
    if (typeof content === "string") {
      // Empty beside calls, and for tokens that are no whole letter.
      if (content !== "" || logprobs !== undefined && !refusal) {
        if (state.thinking === undefined || logprobs !== undefined) {
          this.#say(state, "text", content, logprobs, emit);
        } else this.#think(state, state.thinking, content, emit);
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
    if (delta.annotations) parts.cite(list(delta.annotations).flatMap(citationOf), emit);
    if (delta.extra_content || delta.thought_signature) {
      const signature = readGoogle(delta);
      if (signature !== undefined) parts.sign(parts.of("text", emit), signature, emit);
    }
    if (typeof refusal === "string" && refusal !== "") {
      state.refused = true;
      this.#say(state, "refusal", refusal, logprobs, emit);
    }
    for (const value of delta.images ? list(delta.images) : []) {
      const image = readMedia({ ...object(value), type: "image_url" });
      if (image !== undefined) parts.begin(image, emit);
    }
    if (audio) this.#audio(parts, object(audio), emit);
    if (tool_calls) {
      // A line break in front of calls is no beginning of a thought.
      state.thinking?.flush((type, text) => this.#say(state, type, text, undefined, emit));
      // Older TGI has one that is no array.
      for (const value of Array.isArray(tool_calls) ? tool_calls : [tool_calls]) {
        const call = object(value);
        if (call !== undefined && !state.calls.add(call, emit)) this.#broken = true;
      }
    }
    if (delta.function_call) state.calls.add({ index: 0, function: delta.function_call }, emit);
  }

  #think(state: State, thinking: Thinking, text: string, emit: Emit): void {
    thinking.take(text, (type, piece) => this.#say(state, type, piece, undefined, emit));
    if (thinking.over) state.thinking = undefined;
  }

  #say(
    { parts }: State,
    type: Spoken,
    text: string,
    logprobs: TokenLogprob[] | undefined,
    emit: Emit,
  ): void {
    parts.grow(parts.of(type, emit), text, logprobs, emit);
  }

  /** False where they show nothing, so that what `reasoning` shows counts. */
  #details({ parts }: State, details: readonly unknown[], emit: Emit): boolean {
    let shown = false;
    for (const value of details) {
      const entry = object(value);
      const part = readDetail(entry);
      if (part === undefined) continue;
      const { text, signature, ...more } = part;
      let slot = parts.last;
      const same = slot?.value.type === "reasoning" && !part.redacted && !slot.value.redacted &&
        (slot.detail === undefined || slot.detail === entry!.index);
      if (!same) slot = parts.begin({ ...more, text: "" }, emit);
      slot!.detail = entry!.index;
      if (text !== "") {
        shown = true;
        parts.grow(slot!, text, undefined, emit);
      }
      if (signature !== undefined) parts.sign(slot!, signature, emit);
    }
    return shown;
  }

  #audio(parts: Parts, audio: Json | undefined, emit: Emit): void {
    if (audio === undefined) return;
    let slot = parts.last;
    if (slot?.value.type !== "audio") slot = parts.begin(readAudio(audio, this.#whole), emit);
    const data = string(audio.data);
    const transcript = string(audio.transcript);
    if (transcript !== undefined) parts.grow(slot, transcript, undefined, emit);
    if (data !== undefined) parts.data(slot, data, emit);
  }

  #tellUsage(emit: Emit): void {
    const usage = this.#usage === undefined ? undefined : usageOf(this.#usage, this.#target);
    if (usage !== undefined) emit({ type: "usage", usage });
  }

  #malformed(emit: Emit): void {
    this.#stop("The provider's stream has an event that cannot be read", emit);
  }

  #stop(message: string, emit: Emit): void {
    this.#fail({ error: { message, code: 502 } }, emit);
  }

  #fail(body: Json, emit: Emit): void {
    if (body.usage) this.#usage = body;
    this.#tellUsage(emit);
    this.#over = true;
    emit({ type: "error", fault: readFault(200, body) });
  }
}

/**
 * See `ChatCodec.readAnswer`.
 *
 * @throws GatewayError with the provider's own message where the body is an error, or no chat.
 */
export function readAnswer(body: Json, target: Target): ChatAnswer {
  const reader = new ChatStreamReader(target, true);
  const events: ChatEvent[] = [];
  const emit = (event: ChatEvent): void => void events.push(event);
  // Workers AI wraps what its native endpoint gives.
  reader.event({ json: Array.isArray(body.choices) ? body : object(body.result) ?? body }, emit);
  reader.complete(emit);
  const last = events.at(-1);
  if (last?.type === "error") {
    throw new GatewayError(last.fault.status, Code.upstreamFailed, last.fault.message);
  }
  return assemble(events);
}
