/**
 * The events of a provider's stream. Not every provider sends all of them, or names them all alike (Bedrock
 * has `reasoning_part`), so a part opens at the first event that tells of it, and `*.done` events fill in
 * what was missed. Items of a provider's own tools are told once they are done.
 *
 * @module
 */
import type { Event } from "../../../formats/frames.ts";
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { ChatEvent, ChatFault, Part } from "../../chat.ts";
import type { StreamReader, Target } from "../../codec.ts";
import { opened } from "../../signature.ts";
import { readFault } from "../openai-chat/fault.ts";
import { finishOf, readOutput, usageOf } from "./answer-read.ts";
import { citationOf, format, logprobsOf } from "./shape.ts";

type Emit = (event: ChatEvent) => void;

/** The part that is open. */
interface Open {
  kind: "text" | "refusal" | "reasoning" | "tool_call";
  /** `output_index` of its item. */
  item: number;
  /** Its place in the item. */
  at: unknown;
  /** Characters told so far. */
  said: number;
  citations: number;
  /** Its own event said that it is over. */
  over: boolean;
}

/** Reads one stream. */
export class ResponsesReader implements StreamReader {
  readonly #target: Target;
  #started = false;
  #over = false;
  #parts = 0;
  #open: Open | undefined;
  /** Events of other items, until the open part is over. */
  #held: Json[] = [];
  /** Items whose end was told, and the number of parts of the others. */
  readonly #done = new Set<number>();
  readonly #told = new Map<number, number>();
  /** Where items stood by their ids: the whole answer at the end may leave some out. */
  readonly #places = new Map<unknown, number>();
  readonly #kinds = new Set<Part["type"]>();

  constructor(target: Target) {
    this.#target = target;
  }

  event({ json, name, text }: Event, emit: Emit): void {
    if (this.#over) return;
    const body = object(json);
    if (body === undefined) {
      if (text !== undefined && text.trim() !== "" && !text.startsWith("[DONE]")) {
        this.#fail("An event of the provider's stream is no JSON", emit);
      }
      return;
    }
    try {
      this.#take(body, typeof body.type === "string" ? body.type : name, emit);
    } catch {
      this.#fail("An event of the provider's stream is not what its format says", emit);
    }
  }

  end(emit: Emit): void {
    if (!this.#over) this.#fail("The provider's stream ended before its answer was complete", emit);
  }

  #take(body: Json, type: string | undefined, emit: Emit): void {
    const open = this.#open;
    if (
      open !== undefined && typeof body.output_index === "number" && body.output_index !== open.item
    ) {
      if (!open.over) {
        this.#held.push(body);
        return;
      }
      this.#close(emit);
    }
    switch (type) {
      case "response.output_text.delta":
        return this.#grow("text", body, body.content_index, emit);
      case "response.reasoning_summary_text.delta":
        return this.#grow("reasoning", body, body.summary_index, emit, true);
      case "response.reasoning_text.delta":
        return this.#grow("reasoning", body, "content", emit);
      case "response.refusal.delta":
        return this.#grow("refusal", body, body.content_index, emit);
      case "response.function_call_arguments.delta":
      case "response.custom_tool_call_input.delta":
        // A call whose name nobody told comes whole at its end.
        if (open?.kind === "tool_call") this.#say(open, body.delta, emit);
        return;
      case "response.output_item.added":
        return this.#added(body, emit);
      case "response.output_text.annotation.added":
        return this.#cite(open, body.annotation, emit);
      case "response.output_text.done":
      case "response.refusal.done":
        return this.#mend(type === "response.refusal.done" ? "refusal" : "text", body, emit);
      case "response.function_call_arguments.done":
      case "response.custom_tool_call_input.done":
        if (open?.kind === "tool_call") {
          this.#fill(open, body.arguments ?? body.input, emit);
          open.over = true;
        }
        return;
      case "response.content_part.done":
        return this.#partDone(body, emit);
      case "response.output_item.done":
        return this.#itemDone(body, emit);
      case "response.created":
      case "response.queued":
      case "response.in_progress":
        return this.#start(object(body.response) ?? {}, emit);
      case "response.completed":
      case "response.incomplete":
        return this.#finish(object(body.response) ?? {}, type, emit);
      case "response.failed":
      case "response.cancelled":
        return this.#fail("", emit, { error: object(body.response)?.error ?? {} });
      case "error":
      case "response.error":
        return this.#fail("", emit, body);
      case undefined:
        if (body.error) this.#fail("", emit, body); // OpenRouter
    }
  }

  #start(response: Json, emit: Emit): void {
    if (this.#started) return;
    this.#started = true;
    const { created_at, service_tier } = response;
    emit({
      type: "start",
      id: string(response.id) ?? "",
      model: string(response.model) ?? "",
      ...typeof created_at === "number" && { created: Math.floor(created_at) },
      ...typeof service_tier === "string" && { service_tier },
    });
  }

  #begin(open: Pick<Open, "kind" | "item" | "at">, value: Part, emit: Emit): Open {
    this.#close(emit);
    this.#start({}, emit);
    this.#told.set(open.item, (this.#told.get(open.item) ?? 0) + 1);
    this.#kinds.add(value.type);
    emit({ type: "part_start", choice: 0, part: this.#parts, value });
    return this.#open = { ...open, said: 0, citations: 0, over: false };
  }

  #close(emit: Emit): void {
    if (this.#open === undefined) return;
    this.#open = undefined;
    emit({ type: "part_end", choice: 0, part: this.#parts++ });
  }

  /** More of a text. Parts of a summary are paragraphs of one part. */
  #grow(
    kind: "text" | "refusal" | "reasoning",
    body: Json,
    at: unknown,
    emit: Emit,
    summary = false,
  ) {
    const item = typeof body.output_index === "number" ? body.output_index : 0;
    let open = this.#open;
    if (open?.kind === kind && summary && typeof open.at === "number") {
      if (open.at !== at && open.said > 0) this.#say(open, "\n\n", emit);
      open.at = at;
    } else if (open?.kind !== kind || open.at !== at) {
      const id = string(body.item_id);
      const value: Part = kind !== "reasoning" ? { type: kind, text: "" } : {
        type: kind,
        text: "",
        ...summary && { summary },
        ...id !== undefined && { id },
      };
      open = this.#begin({ kind, item, at }, value, emit);
    }
    this.#say(open, body.delta, emit, body.logprobs);
  }

  #say(open: Open, text: unknown, emit: Emit, scores?: unknown): void {
    if (typeof text !== "string") throw new TypeError("A delta is no text");
    if (text === "") return;
    open.said += text.length;
    const part = this.#parts;
    if (open.kind === "tool_call") {
      emit({ type: "arguments", choice: 0, part, text });
    } else if (Array.isArray(scores) && scores.length > 0) {
      const logprobs = logprobsOf(scores);
      emit({ type: "text", choice: 0, part, text, ...logprobs !== undefined && { logprobs } });
    } else emit({ type: "text", choice: 0, part, text });
  }

  /** The whole text is known: what was not told yet. */
  #fill(open: Open, whole: unknown, emit: Emit): void {
    if (typeof whole === "string" && whole.length > open.said) {
      this.#say(open, whole.slice(open.said), emit);
    }
  }

  #cite(open: Open | undefined, annotation: unknown, emit: Emit): void {
    if (open?.kind !== "text") return;
    open.citations++;
    const citation = citationOf(annotation);
    if (citation) emit({ type: "citation", choice: 0, part: this.#parts, citation });
  }

  #added(body: Json, emit: Emit): void {
    const item = object(body.item);
    if (item?.id !== undefined) this.#places.set(item.id, indexOf(body));
    const custom = item?.type === "custom_tool_call";
    const name = item?.name;
    if ((item?.type !== "function_call" && !custom) || typeof name !== "string") return;
    const id = string(item.call_id) ?? string(item.id);
    if (id === undefined) return; // at its end it has one
    const own = string(item.id);
    const open = this.#begin(
      { kind: "tool_call", item: indexOf(body), at: 0 },
      {
        type: "tool_call",
        id,
        name,
        arguments: "",
        ...custom && { custom },
        ...own !== undefined && { item_id: own },
      },
      emit,
    );
    // Some tell them at once, and again in a delta.
    if (typeof item.arguments === "string" && item.status === "completed") {
      this.#fill(open, item.arguments, emit);
    }
  }

  #mend(kind: "text" | "refusal", body: Json, emit: Emit): void {
    const whole = kind === "text" ? body.text : body.refusal;
    let open = this.#open;
    if (open?.kind !== kind || open.at !== body.content_index) {
      if (typeof whole !== "string" || whole === "") return;
      const item = indexOf(body);
      open = this.#begin({ kind, item, at: body.content_index }, { type: kind, text: "" }, emit);
    }
    this.#fill(open, whole, emit);
    open.over = true;
  }

  #partDone(body: Json, emit: Emit): void {
    const open = this.#open;
    if ((open?.kind !== "text" && open?.kind !== "refusal") || open.at !== body.content_index) {
      return;
    }
    this.#complete(open, object(body.part) ?? {}, emit);
    this.#close(emit);
    this.#release(emit);
  }

  #complete(open: Open, part: Json, emit: Emit): void {
    this.#fill(open, part.text ?? part.refusal, emit);
    for (const annotation of list(part.annotations).slice(open.citations)) {
      this.#cite(open, annotation, emit);
    }
  }

  #itemDone(body: Json, emit: Emit): void {
    const index = indexOf(body);
    const item = object(body.item);
    if (item === undefined || this.#done.has(index)) return;
    this.#done.add(index);
    this.#finishItem(item, index, emit);
    this.#close(emit);
    this.#release(emit);
  }

  #finishItem(item: Json, index: number, emit: Emit): void {
    const open = this.#open;
    const told = this.#told.get(index) ?? 0;
    if (item.type === "message") {
      const content = list(item.content);
      if (open?.item === index) this.#complete(open, object(content[told - 1]) ?? {}, emit);
      this.#whole({ ...item, content: content.slice(told) }, emit);
    } else if (told === 0) this.#whole(item, emit);
    else if (open?.item === index && open.kind === "tool_call") {
      this.#fill(open, item.arguments ?? item.input, emit);
    } else if (open?.item === index && open.kind === "reasoning") {
      const encrypted = string(item.encrypted_content);
      if (encrypted !== undefined) {
        const signature = opened(encrypted, format);
        emit({ type: "signature", choice: 0, part: this.#parts, signature });
      }
    }
  }

  /** An item of which nothing was told yet. */
  #whole(item: Json, emit: Emit): void {
    for (const part of readOutput([item])) {
      if (part.type === "text" && part.text === "") continue;
      this.#close(emit);
      this.#start({}, emit);
      this.#kinds.add(part.type);
      const at = { choice: 0, part: this.#parts++ };
      if (part.type === "tool_call") {
        emit({ type: "part_start", ...at, value: { ...part, arguments: "" } });
        if (part.arguments !== "") emit({ type: "arguments", ...at, text: part.arguments });
      } else if ("text" in part) {
        emit({ type: "part_start", ...at, value: { ...part, text: "" } });
        if (part.text !== "") emit({ type: "text", ...at, text: part.text });
      } else emit({ type: "part_start", ...at, value: part });
      emit({ type: "part_end", ...at });
    }
  }

  /** What came in between. */
  #release(emit: Emit): void {
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = [];
    for (const body of held) this.#take(body, string(body.type), emit);
  }

  #finish(response: Json, type: string, emit: Emit): void {
    this.#start(response, emit);
    const output = list(response.output).map((value) => object(value) ?? {});
    const places = output.map(({ id }, index) => this.#places.get(id) ?? index);
    while (this.#open !== undefined || this.#held.length > 0) {
      const item = this.#open?.item;
      const last = item === undefined ? undefined : output[places.indexOf(item)];
      if (last !== undefined && !this.#done.has(item!)) {
        this.#done.add(item!);
        this.#finishItem(last, item!, emit);
      }
      this.#close(emit);
      this.#release(emit);
    }
    for (const [index, item] of output.entries()) {
      const place = places[index]!;
      if (!this.#done.has(place) && !this.#told.has(place)) this.#whole(item, emit);
    }
    const usage = usageOf(response, this.#target);
    const status = type.slice("response.".length);
    emit({ type: "finish", choice: 0, finish: finishOf({ ...response, status }, this.#kinds) });
    if (usage !== undefined) emit({ type: "usage", usage });
    this.#over = true;
    emit({ type: "end" });
  }

  /** @param body What the provider says of it. */
  #fail(message: string, emit: Emit, body?: Json): void {
    this.#over = true;
    const fault: ChatFault = body === undefined
      ? { status: 502, kind: "server", code: "upstream_cut", message }
      : readFault(502, body);
    emit({ type: "error", fault });
  }
}

function indexOf(body: Json): number {
  return typeof body.output_index === "number" ? body.output_index : 0;
}
