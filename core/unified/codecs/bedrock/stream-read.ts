/**
 * A provider's stream. Blocks come one after the other, so each is a part; only those of calls say that they
 * begin. One that this form has no word for is put together and told when it is whole.
 *
 * @module
 */
import type { Event } from "../../../formats/frames.ts";
import { type Json, list, object, parse, string, written } from "../../../formats/json.ts";
import type { ChatEvent, Part, ToolCallPart } from "../../chat.ts";
import type { StreamReader, Target } from "../../codec.ts";
import { finishOf, ofChoice, usageOf } from "./answer.ts";
import { readBlock, readCitation, readFreeform } from "./blocks-read.ts";
import { readFault } from "./fault.ts";
import { answerTool, freeform, own, readName } from "./marks.ts";

type Emit = (event: ChatEvent) => void;

/** How the open block is told: as it grows, or when it is whole. */
type Kind =
  | "none"
  | "text"
  | "reasoning"
  | "tool"
  | "answer"
  | "freeform"
  | "image"
  | "redacted"
  | "whole";

/** Reads one stream. */
export class Reader implements StreamReader {
  readonly #target: Target;
  #started = false;
  #over = false;
  #finished = false;
  #kind: Kind = "none";
  /** Of the open block, as the provider counts. */
  #index: unknown;
  #part = -1;
  /** Something of the open block was told. */
  #told = false;
  /** The open block where it is told when it is whole, and its input so far. */
  #block: Json = {};
  #call: ToolCallPart | undefined;
  #input = "";
  #calls = false;

  constructor(target: Target) {
    this.#target = target;
  }

  event(event: Event, emit: Emit): void {
    if (this.#over) return;
    try {
      const json = event.json as Json | null | undefined;
      if (typeof json === "object" && json !== null) this.#take(json, emit);
      else this.#fail("an event that is no JSON", emit);
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
    const delta = json.contentBlockDelta as Json | undefined;
    if (delta !== undefined) return this.#delta(delta, emit);
    if (json.error !== undefined) {
      this.#over = true;
      return emit({ type: "error", fault: readFault(200, json) });
    }
    if (json.contentBlockStart !== undefined) {
      return this.#open(json.contentBlockStart as Json, emit);
    }
    const stop = object(json.contentBlockStop);
    if (stop !== undefined) {
      if (stop.contentBlockIndex === this.#index) this.#close(emit);
      return;
    }
    if (json.messageStart !== undefined) return this.#start(emit);
    const last = object(json.messageStop);
    if (last !== undefined) this.#finish(last, emit);
    const usage = usageOf(object(json.metadata)?.usage);
    if (usage !== undefined) {
      this.#start(emit);
      emit({ type: "usage", usage });
    }
  }

  #start(emit: Emit): void {
    if (this.#started) return;
    this.#started = true;
    emit({ type: "start", id: "", model: this.#target.model });
  }

  #finish(last: Json, emit: Emit): void {
    this.#start(emit);
    if (this.#finished) return;
    this.#close(emit);
    this.#finished = true;
    const finish = finishOf(last.stopReason, this.#calls);
    const extra = ofChoice(last, finish);
    emit({ type: "finish", choice: 0, finish, ...extra !== undefined && { extra } });
  }

  #open({ contentBlockIndex: index, start }: Json, emit: Emit): void {
    this.#close(emit);
    this.#index = index;
    const { toolUse, toolResult, image } = object(start) ?? {} as Json;
    const call = object(toolUse);
    if (call !== undefined && call.type !== "server_tool_use") {
      const name = string(call.name) ?? "";
      if (name === answerTool) return this.#begin("answer", { type: "text", text: "" }, emit);
      this.#calls = true;
      const id = string(call.toolUseId) ?? "";
      const part: ToolCallPart = { type: "tool_call", id, name: readName(name), arguments: "" };
      if (!name.endsWith(freeform)) return this.#begin("tool", part, emit);
      this.#call = part;
      this.#kind = "freeform";
      this.#input = "";
    } else if (call !== undefined || toolResult !== undefined) {
      this.#kind = "whole";
      this.#block = call === undefined
        ? { toolResult: { ...object(toolResult), content: [] } }
        : { toolUse: { ...call } };
      this.#input = "";
    } else if (object(image) !== undefined) {
      const mime = `image/${string((image as Json).format) ?? "png"}`;
      const source = { kind: "base64", mime, data: "" } as const;
      this.#begin("image", { type: "image", source }, emit);
    }
  }

  #begin(kind: Kind, value: Part, emit: Emit): void {
    if (!this.#started) this.#start(emit);
    this.#kind = kind;
    this.#told = false;
    emit({ type: "part_start", choice: 0, part: ++this.#part, value });
  }

  #delta(event: Json, emit: Emit): void {
    const delta = event.delta as Json;
    if (event.contentBlockIndex !== this.#index) {
      this.#close(emit);
      this.#index = event.contentBlockIndex;
    }
    const { text } = delta;
    if (typeof text === "string") {
      if (this.#kind !== "text") this.#turn("text", { type: "text", text: "" }, emit);
      this.#text(text, emit);
    } else if (delta.toolUse !== undefined) this.#grow((delta.toolUse as Json).input, emit);
    else if (delta.reasoningContent !== undefined) {
      this.#think(delta.reasoningContent as Json, emit);
    } else if (delta.citation !== undefined) {
      if (this.#kind !== "text") this.#turn("text", { type: "text", text: "" }, emit);
      for (const citation of readCitation(delta.citation)) {
        emit({ type: "citation", choice: 0, part: this.#part, citation });
      }
    } else if (delta.image !== undefined) {
      const data = string(object((delta.image as Json).source)?.bytes);
      if (this.#kind === "image" && data !== undefined) {
        emit({ type: "data", choice: 0, part: this.#part, data });
      }
    } else if (Array.isArray(delta.toolResult) && this.#kind === "whole") {
      const result = object(this.#block.toolResult);
      if (result !== undefined) result.content = [...list(result.content), ...delta.toolResult];
    } else if ("text" in delta) this.#fail("a text that is none", emit);
    // What is new is passed over.
  }

  /** A block that did not say that it begins, or goes on as another kind. */
  #turn(kind: Kind, value: Part, emit: Emit): void {
    const index = this.#index;
    this.#close(emit);
    this.#index = index;
    this.#begin(kind, value, emit);
  }

  #text(text: string, emit: Emit): void {
    if (text !== "") emit({ type: "text", choice: 0, part: this.#part, text });
  }

  #grow(input: unknown, emit: Emit): void {
    if (input === "") return;
    const kind = this.#kind;
    if (typeof input !== "string") this.#fail("arguments that are no text", emit);
    else if (kind === "tool") {
      this.#told = true;
      emit({ type: "arguments", choice: 0, part: this.#part, text: input });
    } else if (kind === "answer") {
      this.#told = true;
      this.#text(input, emit);
    } else if (kind === "freeform" || kind === "whole") this.#input += input;
    else this.#fail("a piece of a call that has not begun", emit);
  }

  #think(thought: Json, emit: Emit): void {
    const { text, signature, redactedContent } = thought;
    if (typeof redactedContent === "string") {
      if (this.#kind === "redacted") {
        this.#input = btoa(atob(this.#input) + atob(redactedContent));
      } else {
        const index = this.#index;
        this.#close(emit);
        this.#index = index;
        this.#kind = "redacted";
        this.#input = redactedContent;
      }
      return;
    }
    if (this.#kind !== "reasoning") this.#turn("reasoning", { type: "reasoning", text: "" }, emit);
    if (typeof text === "string") this.#text(text, emit);
    const value = string(signature);
    if (value !== undefined) {
      emit({ type: "signature", choice: 0, part: this.#part, signature: { format: own, value } });
    }
  }

  #close(emit: Emit): void {
    const kind = this.#kind;
    this.#kind = "none";
    this.#index = undefined;
    if (kind === "none") return;
    if (kind === "whole") {
      const use = object(this.#block.toolUse);
      if (use !== undefined) {
        use.input = this.#input === "" ? {} : parse(this.#input) ?? this.#input;
      }
      this.#begin("none", { type: "native", format: own, value: this.#block }, emit);
    } else if (kind === "freeform") {
      const call = this.#call!;
      call.arguments = this.#input === "" ? "{}" : this.#input;
      readFreeform(call);
      this.#begin("none", call, emit);
    } else if (kind === "redacted") {
      const redactedContent = this.#input;
      this.#begin(
        "none",
        readBlock({ reasoningContent: { redactedContent } }, "", "provider"),
        emit,
      );
    } else if (!this.#told && kind === "tool") {
      emit({ type: "arguments", choice: 0, part: this.#part, text: "{}" });
    } else if (!this.#told && kind === "answer") this.#text(written({}), emit);
    emit({ type: "part_end", choice: 0, part: this.#part });
  }
}
