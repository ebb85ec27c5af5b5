/**
 * Units of a limit that a process takes ahead of its requests, so that not each of them asks the store.
 * They are counted there before they are used: no more gets in than may, however many processes share the
 * limit. A unit is used in the slot of time in which it was counted, so that it counts as long as it must,
 * and what is not used soon goes back.
 *
 * @module
 */
import { unref } from "../settler.ts";
import type { Count, Span } from "../storage/ports.ts";

/** Units ahead are at most this part of what is left: near the limit each request asks for itself. */
const part = 1 / 64;
/** Most units at a time. */
const most = 1024;
/** Milliseconds in which units have to be used up for there to be more of them the next time. */
const quick = 100;
/** Milliseconds between two looks for units that nobody uses; they go back at the second one. */
const tick = 100;

/** Units of one limit, in the store's books as used. */
interface Advance {
  key: string;
  limit: number;
  span: Span;
  /** When they were counted. */
  at: number;
  slot: number;
  /** How many there were. */
  size: number;
  left: number;
  /** What the store found then. */
  found: Count;
  looks: number;
  /** More are on their way. */
  asking: boolean;
}

/** Counts in the store, as `Counters.add`. */
export type Add = (
  key: string,
  amount: number,
  span: Span,
  limit: number,
  now: number,
) => Promise<Count>;

/** The units that one process has ahead. */
export class Advances {
  readonly #add: Add;
  readonly #onLoss: () => void;
  readonly #all = new Map<string, Advance>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param onLoss Told of units that could not be given back: they count until their time is over. */
  constructor(add: Add, onLoss: () => void) {
    this.#add = add;
    this.#onLoss = onLoss;
  }

  /** Takes one unit; what is ahead of others' requests is not in the sum. Rejects as the store does. */
  take(key: string, span: Span, limit: number, now: number): Count | Promise<Count> {
    const known = this.#all.get(key);
    if (known === undefined || !isOf(known, span, limit)) {
      return this.#ask(key, span, limit, now, known);
    }
    const inTime = slotOf(span, now) === known.slot;
    if (inTime && known.left > 0) {
      return use(known);
    }
    return known.asking
      ? this.#add(key, 1, span, limit, now)
      : this.#ask(key, span, limit, now, known);
  }

  /** Takes a unit back that was taken at that time; false where that is to be told to the store. */
  giveBack(key: string, span: Span, limit: number, now: number): boolean {
    const known = this.#all.get(key);
    if (known === undefined || !isOf(known, span, limit)) return false;
    if (slotOf(span, now) !== known.slot) return false;
    known.left++;
    this.#wait();
    return true;
  }

  /** Gives back all that is not used. Never rejects. */
  async flush(): Promise<void> {
    const all = [...this.#all.values()];
    this.#all.clear();
    await Promise.all(all.map((advance) => this.#return(advance)));
  }

  async #ask(
    key: string,
    span: Span,
    limit: number,
    now: number,
    old: Advance | undefined,
  ): Promise<Count> {
    const next: Advance = {
      key,
      limit,
      span,
      at: now,
      slot: slotOf(span, now),
      size: old === undefined || !isOf(old, span, limit) ? 1 : sizeAfter(old, now),
      left: 0,
      found: old?.found ?? { added: false, total: 0, oldest: 0 },
      looks: 0,
      asking: true,
    };
    this.#all.set(key, next);
    // The old one's may be of a time that is over.
    if (old !== undefined) this.#return(old);
    let found: Count;
    try {
      found = await this.#add(key, next.size, span, limit, now);
      if (!found.added && next.size > 1) {
        next.size = 1;
        found = await this.#add(key, 1, span, limit, now);
      }
    } catch (error) {
      if (this.#all.get(key) === next) this.#all.delete(key);
      throw error;
    } finally {
      next.asking = false;
    }
    next.found = found;
    if (found.added) next.left += next.size;
    // One may have been given back meanwhile.
    const taken = next.left > 0 ? use(next) : found;
    // Meanwhile it may have been let go of.
    if (this.#all.get(key) !== next) this.#return(next);
    this.#wait();
    return taken;
  }

  #wait(): void {
    this.#timer ??= unref(setTimeout(() => this.#look(), tick));
  }

  #look(): void {
    this.#timer = undefined;
    for (const [key, advance] of this.#all) {
      if (advance.asking || ++advance.looks < 2) continue;
      this.#all.delete(key);
      this.#return(advance);
    }
    if (this.#all.size > 0) this.#wait();
  }

  async #return(advance: Advance): Promise<void> {
    const { key, left, span, at } = advance;
    if (left === 0) return;
    advance.left = 0;
    await this.#add(key, -left, span, Infinity, at).catch(this.#onLoss);
  }
}

function isOf(advance: Advance, span: Span, limit: number): boolean {
  return advance.limit === limit && advance.span.slotMs === span.slotMs &&
    advance.span.slots === span.slots;
}

function slotOf({ slotMs }: Span, now: number): number {
  return Math.floor(now / slotMs);
}

/** As many as were used up fast, twice; never much of what is left. */
function sizeAfter({ size, at, left, limit, found: { total } }: Advance, now: number): number {
  const took = now - at;
  const wanted = left > 0 || !(took >= 0 && took < 2 * quick) ? 1 : took < quick ? 2 * size : size;
  return Math.max(1, Math.min(wanted, most, Math.floor((limit - total) * part)));
}

/** One of them; the others are not in its sum. */
function use(advance: Advance): Count {
  const { found: { total, oldest }, left } = advance;
  advance.left = left - 1;
  return { added: true, total: total - left + 1, oldest };
}
