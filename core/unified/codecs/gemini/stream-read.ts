/**
 * A stream of Google's: each event is an answer with only what is new. It has no other end than that its
 * candidates have told why they stopped and the body is over.
 *
 * @module
 */
import type { Event } from "../../../formats/frames.ts";
import { type Json, object } from "../../../formats/json.ts";
import type { ChatEvent, Part, Signature, TokenLogprob } from "../../chat.ts";
import type { StreamReader, Target } from "../../codec.ts";
import { rest, set } from "../openai-chat/expect.ts";
import {
  aboutAnswer,
  AnswerCalls,
  blockedChoice,
  candidateExtra,
  finishOf,
  readLogprobs,
} from "./answer-read.ts";
import { readFault } from "./fault.ts";
import { readCitations } from "./grounding.ts";
import { PartialArgs } from "./partial-args.ts";
import { readPart } from "./parts-read.ts";
import { readUsage } from "./usage.ts";
import { readSignature } from "./wire.ts";

type Emit = (event: ChatEvent) => void;

/** One candidate so far. */
interface Candidate {
  choice: number;
  /** Parts begun. */
  count: number;
  open?: "text" | "reasoning" | "call" | undefined;
  /** The open text is signed: what follows is another part. */
  signed: boolean;
  called: boolean;
  /** The answer's text, for where its sources are, and the last part of it. */
  text: string[];
  said?: number;
  /** Members besides the content, the later ones over the earlier. */
  about: Json;
  args?: PartialArgs | undefined;
  logprobs?: TokenLogprob[] | undefined;
}

/** Most candidates; Google gives no more than eight. */
const mostCandidates = 64;
const ofStart = new Set(["candidates", "modelVersion", "responseId", "usageMetadata"]);

/** See `ChatCodec.readStream`. */
export class GeminiReader implements StreamReader {
  readonly #target: Target;
  readonly #calls: AnswerCalls;
  readonly #candidates = new Map<number, Candidate>();
  #started = false;
  #over = false;
  #feedback: Json | undefined;
  #usage: unknown;

  constructor(target: Target) {
    this.#target = target;
    this.#calls = new AnswerCalls(target.requestId);
  }

  event(event: Event, emit: Emit): void {
    if (this.#over) return;
    const { json } = event;
    if (Array.isArray(json)) {
      for (const one of json) this.#answer(object(one), emit);
    } else if (json !== undefined) this.#answer(object(json), emit);
    else if (event.text !== undefined && !/^\s*(?:\[DONE\]\s*)?$/.test(event.text)) {
      this.#fail(emit, "The provider's stream has an event that is no JSON");
    }
  }

  end(emit: Emit): void {
    if (this.#over) return;
    const candidates = [...this.#candidates.values()];
    if (candidates.length === 0) {
      const { parts: [value], finish } = blockedChoice(this.#feedback);
      if (value !== undefined) {
        this.#over = true;
        emit({ type: "part_start", choice: 0, part: 0, value });
        emit({ type: "part_end", choice: 0, part: 0 });
        emit({ type: "finish", choice: 0, finish });
        return this.#done(emit);
      }
    }
    if (
      candidates.length === 0 || candidates.some(({ about }) => about.finishReason === undefined)
    ) {
      return this.#fail(emit, "The provider broke off before its answer was complete");
    }
    this.#over = true;
    for (const candidate of candidates) this.#finish(candidate, emit);
    this.#done(emit);
  }

  #done(emit: Emit): void {
    const usage = readUsage(this.#usage);
    if (usage !== undefined) emit({ type: "usage", usage });
    emit({ type: "end" });
  }

  #fail(emit: Emit, message: string): void {
    this.#over = true;
    emit({ type: "error", fault: { status: 502, kind: "server", code: "upstream_cut", message } });
  }

  #answer(body: Json | undefined, emit: Emit): void {
    if (body === undefined || this.#over) return;
    if (typeof body.error === "object" && body.error !== null) {
      this.#over = true;
      const code = object(body.error)?.code;
      const status = typeof code === "number" && code >= 400 && code < 600 ? code : 502;
      emit({ type: "error", fault: readFault(status, body) });
      return;
    }
    if (!this.#started) this.#start(body, emit);
    if (body.usageMetadata !== undefined) this.#usage = body.usageMetadata;
    if (body.promptFeedback !== undefined) this.#feedback = object(body.promptFeedback);
    const { candidates } = body;
    if (!Array.isArray(candidates)) return;
    for (let i = 0; i < candidates.length; i++) {
      const one = object(candidates[i]);
      if (one !== undefined) this.#candidate(one, i, emit);
    }
  }

  #start(body: Json, emit: Emit): void {
    this.#started = true;
    const event: ChatEvent = { type: "start", ...aboutAnswer(body, this.#target) };
    set(event, "usage", readUsage(body.usageMetadata));
    set(event, "extra", rest(body, ofStart));
    emit(event);
  }

  #candidate(one: Json, position: number, emit: Emit): void {
    const choice = typeof one.index === "number" ? one.index : position;
    let candidate = this.#candidates.get(choice);
    if (candidate === undefined) {
      if (this.#candidates.size >= mostCandidates) return;
      candidate = { choice, count: 0, signed: false, called: false, text: [], about: {} };
      this.#candidates.set(choice, candidate);
    }
    for (const key in one) {
      if (key === "logprobsResult") {
        const read = readLogprobs(one.logprobsResult);
        if (read !== undefined) candidate.logprobs = [...candidate.logprobs ?? [], ...read];
      } else if (key !== "content" && key !== "index" && one[key] !== null) {
        candidate.about[key] = one[key];
      }
    }
    const parts = object(one.content)?.parts;
    if (!Array.isArray(parts)) return;
    for (let i = 0; i < parts.length; i++) {
      const part = object(parts[i]);
      if (part !== undefined) this.#part(part, candidate, emit);
    }
  }

  #part(raw: Json, candidate: Candidate, emit: Emit): void {
    const call = object(raw.functionCall);
    if (call !== undefined) return this.#call(raw, call, candidate, emit);
    if (candidate.args !== undefined) this.#endCall(candidate, emit);
    const part = readPart(raw, this.#calls);
    if (part === undefined || part.type === "tool_result") return;
    if ((part.type === "text" || part.type === "reasoning") && part.extra === undefined) {
      this.#text(part.type, part.text, part.signature, candidate, emit);
      return;
    }
    if (part.type === "text") candidate.text.push(part.text);
    this.#close(candidate, emit);
    this.#open(part, candidate, emit);
    this.#close(candidate, emit, true);
  }

  #text(
    type: "text" | "reasoning",
    text: string,
    signature: Signature | undefined,
    candidate: Candidate,
    emit: Emit,
  ): void {
    if (text === "" && signature === undefined) return;
    if (candidate.open !== type || candidate.signed) {
      this.#close(candidate, emit);
      if (type === "text") candidate.said = candidate.count;
      this.#open({ type, text: "" }, candidate, emit);
      candidate.open = type;
    }
    const { choice } = candidate;
    const part = candidate.count - 1;
    if (text !== "") {
      const event: ChatEvent = { type: "text", choice, part, text };
      if (type === "text") {
        candidate.text.push(text);
        if (candidate.logprobs !== undefined) {
          event.logprobs = candidate.logprobs;
          candidate.logprobs = undefined;
        }
      }
      emit(event);
    }
    if (signature !== undefined) {
      emit({ type: "signature", choice, part, signature });
      candidate.signed = true;
    }
  }

  /** A call comes whole, but for the arguments that Vertex AI may stream. */
  #call(raw: Json, call: Json, candidate: Candidate, emit: Emit): void {
    const { choice } = candidate;
    if (candidate.args !== undefined && typeof call.name === "string") {
      this.#endCall(candidate, emit);
    }
    if (candidate.args === undefined) {
      if (call.name === undefined && call.args === undefined) return; // ends what is over
      const part = readPart(raw, this.#calls);
      if (part?.type !== "tool_call") return;
      const { signature, extra, arguments: whole, ...value } = part;
      const grows = call.willContinue === true || call.partialArgs !== undefined;
      this.#close(candidate, emit);
      this.#open({ ...value, ...!grows && extra && { extra }, arguments: "" }, candidate, emit);
      candidate.called = true;
      candidate.open = "call";
      const place = candidate.count - 1;
      if (signature !== undefined) emit({ type: "signature", choice, part: place, signature });
      if (!grows) {
        emit({ type: "arguments", choice, part: place, text: whole });
        return this.#close(candidate, emit);
      }
      candidate.args = new PartialArgs();
    } else {
      const signature = readSignature(raw.thoughtSignature);
      if (signature !== undefined) {
        emit({ type: "signature", choice, part: candidate.count - 1, signature });
      }
    }
    candidate.args.add(call);
    if (call.willContinue !== true) this.#endCall(candidate, emit);
  }

  #endCall(candidate: Candidate, emit: Emit): void {
    const { choice, args } = candidate;
    if (args === undefined) return;
    candidate.args = undefined;
    emit({ type: "arguments", choice, part: candidate.count - 1, text: args.text });
    this.#close(candidate, emit);
  }

  #open(value: Part, candidate: Candidate, emit: Emit): void {
    candidate.signed = false;
    emit({ type: "part_start", choice: candidate.choice, part: candidate.count++, value });
  }

  #close(candidate: Candidate, emit: Emit, whole = false): void {
    const { open } = candidate;
    if (open === undefined && !whole) return;
    candidate.open = undefined;
    emit({ type: "part_end", choice: candidate.choice, part: candidate.count - 1 });
  }

  #finish(candidate: Candidate, emit: Emit): void {
    const { choice, about } = candidate;
    this.#endCall(candidate, emit);
    if (candidate.open === "text") {
      const part = candidate.count - 1;
      if (candidate.logprobs !== undefined) {
        emit({ type: "text", choice, part, text: "", logprobs: candidate.logprobs });
      }
    }
    const { said: part } = candidate;
    const cited = about.groundingMetadata !== undefined || about.citationMetadata !== undefined;
    if (part !== undefined && cited) {
      for (const citation of readCitations(about, candidate.text.join(""))) {
        emit({ type: "citation", choice, part, citation });
      }
    }
    this.#close(candidate, emit);
    const finish = finishOf(about.finishReason, candidate.called);
    const event: ChatEvent = { type: "finish", choice, finish };
    set(event, "extra", candidateExtra(about, finish));
    emit(event);
  }
}
