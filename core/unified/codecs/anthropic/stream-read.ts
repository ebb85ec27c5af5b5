/**
 * A provider's stream. Blocks come one after the other, so each is a part; one that this form has no word for
 * is put together and told when it is whole.
 *
 * @module
 */
import { anthropicUsage } from "../../../formats/anthropic.ts";
import { metricsUsage } from "../../../formats/bedrock.ts";
import { type Counts, merge, settle } from "../../../formats/counts.ts";
import type { Event } from "../../../formats/frames.ts";
import { type Json, object, parse, string, written } from "../../../formats/json.ts";
import type { ChatEvent, Part } from "../../chat.ts";
import type { StreamReader, Target } from "../../codec.ts";
import { finishOf, headOf, ofChoice, refusalOf } from "./answer.ts";
import { readBlock, readCitation } from "./blocks-read.ts";
import { readFault } from "./fault.ts";
import { answerTool, beside, freeform, own } from "./marks.ts";

type Emit = (event: ChatEvent) => void;

/** How the open block is told: as it grows, or when it is whole. */
type Kind = "none" | "text" | "reasoning" | "tool" | "answer" | "whole";

/** Reads one stream. */
export class Reader implements StreamReader {
  readonly #target: Target;
  readonly #counts: Counts = {};
  #started = false;
  #over = false;
  #kind: Kind = "none";
  /** Of the open block, as the provider counts. */
  #index: unknown;
  #part = -1;
  #block: Json = {};
  /** Input of the open block so far, where it is not told at once. */
  #input = "";
  #told = false;
  #calls = false;
  #last: Json | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  event(event: Event, emit: Emit): void {
    if (this.#over) return;
    try {
      const json = object(event.json);
      if (json !== undefined) this.#take(json, emit);
      else if (event.text !== "[DONE]" && (event.text ?? event.json) !== undefined) {
        this.#fail("an event that is no JSON", emit);
      }
    } catch {
      this.#fail("an event that cannot be read", emit);
    }
  }

  end(emit: Emit): void {
    if (this.#over) return;
    if (this.#last?.stop_reason != null) this.#end(emit);
    else this.#fail("no end of its answer", emit);
  }

  #fail(what: string, emit: Emit): void {
    const message = `Provider '${this.#target.provider}' sent ${what}`;
    this.#over = true;
    emit({ type: "error", fault: { status: 502, kind: "server", message } });
  }

  #take(json: Json, emit: Emit): void {
    switch (json.type) {
      case "content_block_delta":
        return this.#delta(json, emit);
      case "content_block_start":
        return this.#open(json, emit);
      case "content_block_stop":
        if (json.index === this.#index) this.#close(emit);
        return;
      case "message_start":
        return this.#start(object(json.message) ?? {}, emit);
      case "message_delta": {
        const usage = object(json.usage);
        if (usage !== undefined) this.#use(usage);
        const { context_management } = json;
        this.#last = { ...this.#last, ...object(json.delta), context_management };
        return;
      }
      case "message_stop": {
        // Bedrock's own count, which is what it charges.
        const metrics = object(json["amazon-bedrock-invocationMetrics"]);
        const counts = metrics && metricsUsage(metrics);
        if (counts !== undefined) merge(this.#counts, counts);
        return this.#end(emit);
      }
    }
    if (json.type !== "error" && json.error === undefined) return; // pings, and what is new
    this.#over = true;
    emit({ type: "error", fault: readFault(200, json) });
  }

  #use(usage: Json): void {
    merge(this.#counts, anthropicUsage(usage));
  }

  #start(message: Json, emit: Emit): void {
    if (this.#started) {
      if (this.#part >= 0) this.#fail("the beginning of another answer", emit);
      return;
    }
    this.#started = true;
    const usage = object(message.usage);
    if (usage !== undefined) this.#use(usage);
    // Its output is provisional.
    const told = settle({ ...this.#counts, output: undefined, reasoning: undefined });
    emit({
      type: "start",
      ...headOf(message, this.#target),
      ...told !== undefined && { usage: told },
    });
  }

  #open({ index, content_block }: Json, emit: Emit): void {
    if (!this.#started) this.#start({}, emit);
    if (this.#kind !== "none") this.#close(emit);
    const block = object(content_block) ?? {};
    this.#index = index;
    this.#block = block;
    this.#input = "";
    this.#told = false;
    switch (block.type) {
      case "text": {
        this.#kind = "text";
        const { text, citations, ...more } = block;
        this.#begin(readBlock({ ...more, text: "" }, "content_block"), emit);
        if (string(text) !== undefined) this.#text(text as string, emit);
        if (Array.isArray(citations)) { for (const one of citations) this.#cite(one, emit); }
        return;
      }
      case "thinking": {
        this.#kind = "reasoning";
        const { thinking, signature, ...more } = block;
        this.#begin(readBlock({ ...more, thinking: "" }, "content_block"), emit);
        if (string(thinking) !== undefined) this.#text(thinking as string, emit);
        if (string(signature) !== undefined) this.#sign(signature as string, emit);
        return;
      }
      case "tool_use": {
        const name = string(block.name) ?? "";
        if (name === answerTool) {
          this.#kind = "answer";
          return this.#begin({ type: "text", text: "" }, emit);
        }
        this.#calls = true;
        if (name.endsWith(freeform)) break;
        this.#kind = "tool";
        const part = readBlock({ ...block, input: {} }, "content_block") as Part & {
          arguments: string;
        };
        part.arguments = "";
        return this.#begin(part, emit);
      }
    }
    this.#kind = "whole";
    this.#block = { ...block };
  }

  #begin(value: Part, emit: Emit): void {
    emit({ type: "part_start", choice: 0, part: ++this.#part, value });
  }

  #text(text: string, emit: Emit): void {
    emit({ type: "text", choice: 0, part: this.#part, text });
  }

  #sign(value: string, emit: Emit): void {
    emit({ type: "signature", choice: 0, part: this.#part, signature: { format: own, value } });
  }

  #cite(value: unknown, emit: Emit): void {
    for (const citation of readCitation(value)) {
      emit({ type: "citation", choice: 0, part: this.#part, citation });
    }
  }

  #delta(json: Json, emit: Emit): void {
    const delta = json.delta as Json | null | undefined;
    if (
      this.#kind === "none" || json.index !== this.#index || typeof delta !== "object" || !delta
    ) {
      return this.#fail("a piece of a block that is not open", emit);
    }
    const { text } = delta;
    if (this.#kind === "text") {
      if (typeof text === "string") this.#text(text, emit);
      else if (delta.citation !== undefined) this.#cite(delta.citation, emit);
      return;
    }
    if (this.#kind === "reasoning") {
      if (string(delta.thinking) !== undefined) this.#text(delta.thinking as string, emit);
      else if (string(delta.signature) !== undefined) this.#sign(delta.signature as string, emit);
      return;
    }
    const piece = delta.partial_json;
    if (typeof piece !== "string") {
      if (this.#kind === "whole") this.#grow(delta);
      return;
    }
    if (piece === "") return;
    this.#told = true;
    if (this.#kind === "whole") this.#input += piece;
    else if (this.#kind === "answer") this.#text(piece, emit);
    else emit({ type: "arguments", choice: 0, part: this.#part, text: piece });
  }

  /** Other blocks grow by members of the same name, such as `content` of a compaction. */
  #grow({ type: _, ...delta }: Json): void {
    for (const name in delta) {
      if (name === "__proto__" || delta[name] == null) continue;
      const so = this.#block[name];
      const more = delta[name];
      this.#block[name] = typeof so === "string" && typeof more === "string" ? so + more : more;
    }
  }

  #close(emit: Emit): void {
    const kind = this.#kind;
    this.#kind = "none";
    this.#index = undefined;
    if (kind === "whole") {
      if (this.#told) this.#block.input = parse(this.#input) ?? this.#input;
      const { data } = this.#block;
      const kept = this.#block.type === "redacted_thinking" && typeof data === "string";
      if (kept && beside(data as string) !== undefined) return;
      this.#begin(readBlock(this.#block, "content_block"), emit);
    } else if (!this.#told && (kind === "tool" || kind === "answer")) {
      // Without arguments no piece of them comes; some send them whole with the start.
      const text = written(object(this.#block.input) ?? {});
      if (kind === "tool") emit({ type: "arguments", choice: 0, part: this.#part, text });
      else this.#text(text, emit);
    }
    emit({ type: "part_end", choice: 0, part: this.#part });
  }

  #end(emit: Emit): void {
    this.#over = true;
    if (!this.#started) this.#start({}, emit);
    if (this.#kind !== "none") this.#close(emit);
    const last = this.#last ?? {};
    const refusal = refusalOf(last.stop_details);
    if (refusal !== undefined) {
      this.#begin(refusal, emit);
      emit({ type: "part_end", choice: 0, part: this.#part });
    }
    const finish = finishOf(last.stop_reason, this.#calls);
    const met = string(last.stop_sequence);
    const extra = ofChoice(last, finish);
    emit({
      type: "finish",
      choice: 0,
      finish,
      ...met !== undefined && { stop_sequence: met },
      ...extra !== undefined && { extra },
    });
    const usage = settle(this.#counts);
    if (usage !== undefined) emit({ type: "usage", usage });
    emit({ type: "end" });
  }
}
