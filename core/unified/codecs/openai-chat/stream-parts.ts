/**
 * The parts of one choice while its stream is read. Deltas may mix; the events of a stream may not: a part
 * that begins while the arguments of an open call are no valid JSON yet has to wait.
 *
 * @module
 */
import { parse } from "../../../formats/json.ts";
import type {
  ChatEvent,
  Citation,
  Part,
  ReasoningPart,
  Signature,
  TextPart,
  TokenLogprob,
} from "../../chat.ts";

/** Takes the events. */
export type Emit = (event: ChatEvent) => void;

/** A part that is open, waits, or is closed. */
export interface Slot {
  value: Part;
  /** Its number once it is open. */
  part: number;
  closed: boolean;
  /** All arguments so far; of other parts what waits. */
  text: string;
  data: string;
  /** Index of the `reasoning_details` that it comes from. */
  detail?: unknown;
}

/** A part before it is begun. */
export function newSlot(value: Part): Slot {
  return { value, part: -1, closed: false, text: "", data: "" };
}

/** Types that grow by text. */
export type Spoken = "text" | "reasoning" | "refusal";

/** Of one choice. */
export class Parts {
  readonly #choice: number;
  /** The open one, then those that wait. */
  readonly #slots: Slot[] = [];
  #count = 0;
  /** Something was begun. */
  said = false;

  constructor(choice: number) {
    this.#choice = choice;
  }

  /** The last that was begun and is not closed. */
  get last(): Slot | undefined {
    return this.#slots[this.#slots.length - 1];
  }

  /** The last part if it is of this type, else a new one. */
  of(type: Spoken, emit: Emit): Slot {
    const { last } = this;
    if (last?.value.type === type && !(last.value as ReasoningPart).redacted) return last;
    return this.begin({ type, text: "" }, emit);
  }

  begin(value: Part, emit: Emit): Slot {
    const slot = newSlot(value);
    this.add(slot, emit);
    return slot;
  }

  /** Opens it, or has it wait. */
  add(slot: Slot, emit: Emit): void {
    this.said = true;
    this.#slots.push(slot);
    if (this.#slots.length === 1) this.#open(slot, emit);
    else this.#proceed(emit);
  }

  grow(slot: Slot, text: string, logprobs: TokenLogprob[] | undefined, emit: Emit): void {
    if (slot !== this.#slots[0]) slot.text += text;
    else if (logprobs === undefined) {
      emit({ type: "text", choice: this.#choice, part: slot.part, text });
    } else emit({ type: "text", choice: this.#choice, part: slot.part, text, logprobs });
  }

  /** More arguments; false where the call was whole. */
  argue(slot: Slot, text: string, emit: Emit): boolean {
    if (slot.closed) return text.trim() === "";
    slot.text += text;
    if (slot === this.#slots[0]) {
      emit({ type: "arguments", choice: this.#choice, part: slot.part, text });
      this.#proceed(emit);
    }
    return true;
  }

  data(slot: Slot, data: string, emit: Emit): void {
    if (slot !== this.#slots[0]) slot.data += data;
    else emit({ type: "data", choice: this.#choice, part: slot.part, data });
  }

  sign(slot: Slot, signature: Signature, emit: Emit): void {
    if (slot !== this.#slots[0]) (slot.value as TextPart).signature = signature;
    else emit({ type: "signature", choice: this.#choice, part: slot.part, signature });
  }

  cite(citations: readonly Citation[], emit: Emit): void {
    if (citations.length === 0) return;
    const slot = this.of("text", emit);
    if (slot !== this.#slots[0]) {
      const value = slot.value as TextPart;
      value.citations = [...value.citations ?? [], ...citations];
      return;
    }
    for (const citation of citations) {
      emit({ type: "citation", choice: this.#choice, part: slot.part, citation });
    }
  }

  /** Closes them all, in order. */
  finish(emit: Emit): void {
    while (this.#slots.length > 0) this.#advance(emit);
  }

  /** Closes what is complete and has others behind it. */
  #proceed(emit: Emit): void {
    while (this.#slots.length > 1 && isComplete(this.#slots[0]!)) this.#advance(emit);
  }

  #open(slot: Slot, emit: Emit): void {
    const { text, data, value } = slot;
    const type = value.type === "tool_call" ? "arguments" : "text";
    slot.part = this.#count++;
    const at = { choice: this.#choice, part: slot.part };
    emit({ type: "part_start", ...at, value });
    if (text !== "") emit({ type, ...at, text });
    if (data !== "") emit({ type: "data", ...at, data });
  }

  #advance(emit: Emit): void {
    const slot = this.#slots.shift()!;
    const { value, text } = slot;
    const at = { choice: this.#choice, part: slot.part };
    slot.closed = true;
    if (value.type === "tool_call" && !value.custom && text.trim() === "") {
      emit({ type: "arguments", ...at, text: "{}" });
    }
    emit({ type: "part_end", ...at });
    const [next] = this.#slots;
    if (next !== undefined) this.#open(next, emit);
  }
}

/** False for a call whose arguments are still to come. */
function isComplete({ value, text }: Slot): boolean {
  if (value.type !== "tool_call" || value.custom) return true;
  return text.trimEnd().endsWith("}") && parse(text) !== undefined;
}
