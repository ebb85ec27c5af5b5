/**
 * A provider's stream. Content, plan and calls come one after the other. A citation may come after the text
 * that it is about has ended, so a text is closed by what follows it.
 *
 * @module
 */
import type { Event } from "../../../formats/frames.ts";
import { type Json, object, string } from "../../../formats/json.ts";
import type { ChatEvent, Part, ToolCallPart } from "../../chat.ts";
import type { StreamReader, Target } from "../../codec.ts";
import { callId } from "../../ids.ts";
import { answerTool, freeform } from "../anthropic/marks.ts";
import { finishOf, ofChoice, readLogprobs, usageOf } from "./answer.ts";
import { readCitation } from "./documents.ts";
import { readFault } from "./fault.ts";
import { thought, unwrap } from "./message-read.ts";

type Emit = (event: ChatEvent) => void;

/** How the open part is told: as it grows, or when it is whole. */
type Kind = "none" | "text" | "plan" | "reasoning" | "tool" | "answer" | "freeform";

/** Reads one stream. */
export class Reader implements StreamReader {
  readonly #target: Target;
  #started = false;
  #over = false;
  #finished = false;
  #kind: Kind = "none";
  #part = -1;
  #call: ToolCallPart | undefined;
  /** Arguments so far, of which the whole may be `null`. */
  #input = "";
  #calls = 0;

  constructor(target: Target) {
    this.#target = target;
  }

  event(event: Event, emit: Emit): void {
    if (this.#over) return;
    try {
      const json = event.json as Json | null | undefined;
      if (typeof json === "object" && json !== null) this.#take(json, emit);
      else if (event.text?.trim() !== "[DONE]" && (event.text ?? json) !== undefined) {
        this.#fail("an event that is no JSON", emit);
      }
    } catch {
      this.#fail("an event that cannot be read", emit);
    }
  }

  end(emit: Emit): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#finished) emit({ type: "end" });
    else this.#fail("no end of its answer", emit);
  }

  #fail(what: string, emit: Emit): void {
    this.#over = true;
    const message = `Provider '${this.#target.provider}' sent ${what}`;
    emit({ type: "error", fault: { status: 502, kind: "server", message } });
  }

  #take(json: Json, emit: Emit): void {
    if (this.#finished) return;
    const { type } = json;
    switch (type) {
      case "content-delta": {
        const content = messageOf(json).content as Json;
        if (typeof content.text === "string") this.#text(content.text, json.logprobs, emit);
        else if (typeof content.thinking === "string") this.#think(content.thinking, emit);
        else this.#fail("a piece of content that is none", emit);
        return;
      }
      case "tool-call-delta": {
        const call = messageOf(json).tool_calls as Json;
        return this.#grow((call.function as Json).arguments, emit);
      }
      case "tool-plan-delta": {
        const plan = messageOf(json).tool_plan as string;
        if (this.#kind !== "plan") {
          this.#begin("plan", { type: "text", text: "", extra: { tool_plan: true } }, emit);
        }
        if (plan !== "") emit({ type: "text", choice: 0, part: this.#part, text: plan });
        return;
      }
      case "message-start":
        return this.#start(string(json.id), emit);
      case "content-start": {
        const content = object(messageOf(json).content) ?? {};
        const thinks = content.type === "thinking" || typeof content.thinking === "string";
        this.#begin(thinks ? "reasoning" : "text", thinks ? thinking() : text(), emit);
        if (string(content.text) !== undefined) this.#text(content.text as string, undefined, emit);
        if (string(content.thinking) !== undefined) this.#think(content.thinking as string, emit);
        return;
      }
      case "tool-call-start":
        return this.#open(messageOf(json).tool_calls as Json, emit);
      case "tool-call-end":
        return this.#close(emit);
      case "citation-start": {
        const told = object(messageOf(json).citations);
        if (this.#kind !== "text" && this.#kind !== "plan" || told?.type === "THINKING_CONTENT") {
          return;
        }
        for (const citation of readCitation(told)) {
          emit({ type: "citation", choice: 0, part: this.#part, citation });
        }
        return;
      }
      case "message-end":
        return this.#finish(object(json.delta) ?? {}, emit);
    }
    if (type === undefined || type === "error" || json.error !== undefined) {
      this.#over = true;
      emit({ type: "error", fault: readFault(200, json) });
    }
    // What ends is told by what follows; what is new is passed over.
  }

  #start(id: string | undefined, emit: Emit): void {
    if (this.#started) return;
    this.#started = true;
    emit({ type: "start", id: id ?? "", model: this.#target.model });
  }

  #begin(kind: Kind, value: Part, emit: Emit): void {
    this.#close(emit);
    this.#start(undefined, emit);
    this.#kind = kind;
    emit({ type: "part_start", choice: 0, part: ++this.#part, value });
  }

  #text(piece: string, likely: unknown, emit: Emit): void {
    if (this.#kind !== "text") this.#begin("text", text(), emit);
    if (piece === "") return;
    if (likely === undefined) {
      emit({ type: "text", choice: 0, part: this.#part, text: piece });
      return;
    }
    const logprobs = readLogprobs(likely);
    emit({
      type: "text",
      choice: 0,
      part: this.#part,
      text: piece,
      ...logprobs.length > 0 && { logprobs },
    });
  }

  #think(piece: string, emit: Emit): void {
    if (this.#kind !== "reasoning") this.#begin("reasoning", thinking(), emit);
    if (piece !== "") emit({ type: "text", choice: 0, part: this.#part, text: piece });
  }

  #open(call: Json, emit: Emit): void {
    const told = call.function as Json;
    const name = string(told.name) ?? "";
    const early = string(told.arguments);
    this.#input = "";
    if (name === answerTool) this.#begin("answer", text(), emit);
    else {
      const id = string(call.id) ?? callId(this.#target.requestId, this.#calls);
      this.#calls++;
      const part: ToolCallPart = { type: "tool_call", id, name, arguments: "" };
      if (name.endsWith(freeform)) {
        this.#close(emit);
        this.#kind = "freeform";
        this.#call = part;
      } else this.#begin("tool", part, emit);
    }
    if (early !== undefined) this.#grow(early, emit);
  }

  #grow(piece: unknown, emit: Emit): void {
    if (typeof piece !== "string") return this.#fail("arguments that are no text", emit);
    const kind = this.#kind;
    if (kind !== "tool" && kind !== "answer" && kind !== "freeform") {
      return this.#fail("a piece of a call that has not begun", emit);
    }
    if (piece === "") return;
    // Without parameters all there is may be `null`, in pieces.
    const held = "null".startsWith(this.#input);
    this.#input += piece;
    if (kind === "freeform" || "null".startsWith(this.#input)) return;
    const out = held ? this.#input : piece;
    if (kind === "tool") emit({ type: "arguments", choice: 0, part: this.#part, text: out });
    else emit({ type: "text", choice: 0, part: this.#part, text: out });
  }

  #close(emit: Emit): void {
    const kind = this.#kind;
    if (kind === "none") return;
    this.#kind = "none";
    if (kind === "freeform") {
      const call = this.#call!;
      call.arguments = this.#input === "" ? "{}" : this.#input;
      unwrap(call);
      this.#begin("none", call, emit);
    } else if (kind === "reasoning") {
      emit({ type: "signature", choice: 0, part: this.#part, signature: thought });
    } else if ((kind === "tool" || kind === "answer") && "null".startsWith(this.#input)) {
      if (kind === "tool") emit({ type: "arguments", choice: 0, part: this.#part, text: "{}" });
      else emit({ type: "text", choice: 0, part: this.#part, text: "{}" });
    }
    emit({ type: "part_end", choice: 0, part: this.#part });
  }

  #finish(delta: Json, emit: Emit): void {
    this.#start(undefined, emit);
    const { finish_reason: reason } = delta;
    if (reason === "ERROR" || reason === "TIMEOUT" || delta.error !== undefined) {
      this.#over = true;
      const error = string(delta.error) ?? `The generation ended with ${reason}`;
      emit({ type: "error", fault: readFault(200, { ...delta, error }) });
      return;
    }
    this.#close(emit);
    this.#finished = true;
    const finish = finishOf(reason, this.#calls > 0);
    const extra = ofChoice(reason, finish);
    emit({ type: "finish", choice: 0, finish, ...extra !== undefined && { extra } });
    const usage = usageOf(delta.usage);
    if (usage !== undefined) emit({ type: "usage", usage });
  }
}

function messageOf(json: Json): Json {
  return (json.delta as Json).message as Json;
}

function text(): Part {
  return { type: "text", text: "" };
}

function thinking(): Part {
  return { type: "reasoning", text: "" };
}
