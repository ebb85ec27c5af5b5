/**
 * Calls of tools while their stream is read: whose a fragment is, in all the ways in which it is told, or
 * not told.
 *
 * @module
 */
import { type Json, object, string } from "../../../formats/json.ts";
import type { ToolCallPart } from "../../chat.ts";
import { argumentsOf } from "./answer-parts.ts";
import { set } from "./expect.ts";
import { type Emit, newSlot, type Parts, type Slot } from "./stream-parts.ts";
import { readGoogle } from "./thoughts.ts";

/** Of one choice. */
export class Calls {
  readonly #parts: Parts;
  readonly #name: () => string;
  /** By the index of the delta; below zero for those without. */
  readonly #slots: Map<number, Slot> = new Map();
  #last: Slot | undefined;

  /** @param name Makes up the id of a call that has none; each call asks once. */
  constructor(parts: Parts, name: () => string) {
    this.#parts = parts;
    this.#name = name;
  }

  /** There was one. */
  get any(): boolean {
    return this.#slots.size > 0;
  }

  /** Takes a call or a piece of one; false where it is more of one that was whole. */
  add(call: Json, emit: Emit): boolean {
    const custom = object(call.custom);
    const fn = custom ?? object(call.function) ?? {};
    const id = string(call.id);
    const name = string(fn.name);
    const text = argumentsOf(custom === undefined ? fn.arguments : fn.input);
    const index = typeof call.index === "number" ? call.index : undefined;
    let slot = this.#find(index, id, name);
    if (slot === undefined) {
      // Workers AI closes with a call of nothing.
      if (id === undefined && name === undefined && text === "") return true;
      slot = newSlot({ type: "tool_call", id: id ?? "", name: "", arguments: "" });
      this.#slots.set(index ?? -1 - this.#slots.size, slot);
    }
    this.#last = slot;
    const value = slot.value as ToolCallPart;
    const signature = call.extra_content ? readGoogle(call) : undefined;
    if (value.name !== "") {
      if (signature !== undefined) this.#parts.sign(slot, signature, emit);
      return text === "" || this.#parts.argue(slot, text, emit);
    }
    if (custom !== undefined || call.type === "custom") value.custom = true;
    if (id !== undefined) value.id = id;
    set(value, "signature", signature);
    slot.text += text;
    // It begins when its name is known.
    if (name === undefined) return true;
    value.name = name;
    const made = this.#name();
    value.id ||= made;
    this.#parts.add(slot, emit);
    return true;
  }

  #find(
    index: number | undefined,
    id: string | undefined,
    name: string | undefined,
  ): Slot | undefined {
    let slot: Slot | undefined;
    if (index !== undefined) slot = this.#slots.get(index);
    else if (id !== undefined) {
      for (const one of this.#slots.values()) if ((one.value as ToolCallPart).id === id) slot = one;
    } else if (name === undefined) slot = this.#last;
    // Some number all of their calls 0.
    const known = slot?.value as ToolCallPart | undefined;
    const other = known !== undefined && known.name !== "" && name !== undefined &&
      id !== undefined && id !== known.id;
    return other ? undefined : slot;
  }
}
