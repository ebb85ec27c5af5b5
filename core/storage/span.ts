/**
 * The arithmetic of counts, the same for every store: which slots a span covers, and when a sum is over
 * its limit.
 *
 * Clocks of processes differ and jump. A slot ahead of the clock by less than a span counts, as if it
 * were now: a limit stays exact between machines whose clocks differ, and after a jump back what was
 * counted is still counted, once. A slot further ahead is of a clock that was wrong, and counts for
 * nobody until its time comes.
 *
 * @module
 */
import { checkKey, InputError } from "./key.ts";
import type { Count, Span } from "./ports.ts";

/** One call of `Counters.add`, checked and worked out. */
export interface Addition {
  /** Key and grain: spans of different grain under one key do not mix. */
  id: string;
  /** The slot that `now` is in. */
  slot: number;
  /** Slots count after this one... */
  after: number;
  /** ...up to this one. */
  until: number;
  amount: number;
  /** The sum may not be over this; `Infinity` where nothing is refused. */
  most: number;
  /** Milliseconds since 1970 at which the slot of this addition has ceased to count for every clock. */
  expires: number;
}

/** Throws an {@link InputError} on what is no count; on hostile amounts as well, which must not poison a sum. */
export function additionOf(
  key: string,
  amount: number,
  span: Span,
  limit: number,
  now: number,
): Addition {
  checkKey(key);
  const { slots, slotMs } = span;
  if (!Number.isFinite(amount)) throw new InputError(`Amount ${amount} is not a number`);
  if (!Number.isFinite(now)) throw new InputError(`Time ${now} is not a number`);
  if (typeof limit !== "number" || Number.isNaN(limit)) {
    throw new InputError("The limit is not a number");
  }
  if (!Number.isSafeInteger(slots) || slots < 1 || !(slotMs >= 1) || slotMs === Infinity) {
    throw new InputError(`A span of ${slots} slots of ${slotMs} ms cannot be counted`);
  }
  const slot = Math.floor(now / slotMs);
  return {
    id: `${key}@${slotMs}`,
    slot,
    after: slot - slots,
    until: slot + slots - 1,
    amount,
    // Sums of fractions are off by some 1e-16 each: three times 0.1 must fit into 0.3.
    most: amount < 0 ? Infinity : limit === -Infinity ? limit : limit + Math.abs(limit) * 1e-12,
    expires: (slot + 2 * slots) * slotMs,
  };
}

/** What a store found, as the port tells it. */
export function countOf(total: number, oldest: number | null, added: boolean, span: Span): Count {
  return { added, total, oldest: oldest === null ? 0 : oldest * span.slotMs };
}

/** The slots of one count, where a store holds them as values. */
export interface Slots {
  /** Ascending. */
  slots: number[];
  /** One for each slot. */
  amounts: number[];
}

/** Carries out an addition on slots; they are changed only if something was added. */
export function addToSlots({ slots, amounts }: Slots, addition: Addition, span: Span): Count {
  const { slot, after, until, amount, most } = addition;
  let total = 0;
  let oldest: number | null = null;
  for (let i = 0; i < slots.length; i++) {
    if (slots[i]! <= after || slots[i]! > until) continue;
    total += amounts[i]!;
    oldest ??= slots[i]!;
  }
  const added = total + amount <= most;
  if (!added || amount === 0) return countOf(total, oldest, added, span);
  // What a clock that is a whole span behind does not count either.
  while (slots.length > 0 && slots[0]! <= after - span.slots) {
    slots.shift();
    amounts.shift();
  }
  let at = slots.length;
  while (at > 0 && slots[at - 1]! > slot) at--;
  if (at > 0 && slots[at - 1] === slot) amounts[at - 1]! += amount;
  else {
    slots.splice(at, 0, slot);
    amounts.splice(at, 0, amount);
  }
  return countOf(total + amount, oldest === null || slot < oldest ? slot : oldest, true, span);
}
