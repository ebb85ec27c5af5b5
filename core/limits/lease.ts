/**
 * Work that one process at a time is to do, of all that share a store of counts. Where counts are not
 * shared, each process does it.
 *
 * @module
 */
import type { Counters, Span } from "../storage/ports.ts";

/** Slots that a lease covers, the one that it begins in included. */
const slots = 4;

/**
 * Takes a lease; gives back what ends it, or nothing where another process has it. A process that dies
 * holds its lease for `seconds` at least and a third more at most. Rejects as the store does.
 *
 * @param key Of the store of counts.
 */
export async function takeLease(
  counters: Counters,
  key: string,
  seconds: number,
  now: number,
): Promise<(() => Promise<void>) | undefined> {
  const span: Span = { slots, slotMs: Math.ceil((seconds * 1000) / (slots - 1)) };
  const { added } = await counters.add(key, 1, span, 1, now);
  if (!added) return undefined;
  return async () => {
    await counters.add(key, -1, span, Infinity, now);
  };
}
