/**
 * Limits over time, on the counters of a store: what a window holds, and when there is room again.
 *
 * @module
 */
import { Advances } from "./advances.ts";
import type { Metrics } from "../metrics.ts";
import { unref } from "../settler.ts";
import type { Count, Counters, Span } from "../storage/ports.ts";

/** How much in which time. */
export interface Limit {
  limit: number;
  /** Seconds. */
  window: number;
  /**
   * `sliding` unless given: no stretch of time as long as the window ever holds more than the limit.
   * `fixed` windows are aligned to the clock (spec 5.1), and two of them meet at a border.
   */
  technique?: "fixed" | "sliding";
}

/** What became of an amount. */
export interface Taken {
  /** False when the limit is used up; nothing was counted then. */
  ok: boolean;
  /** What is left in the window. */
  remaining: number;
  /** Milliseconds since 1970 at which there is room again. */
  resetAt: number;
  /** The same in whole seconds from now, 1 at least. */
  retryAfter: number;
  /** False when the store could not be asked: then everything is let through. */
  known: boolean;
}

/** One of several limits that an operation must keep. */
export interface Claim {
  /** Of the counter: segments of `[a-z0-9._-]` joined by `:`. */
  key: string;
  /** What the operation takes; 0 where that is only known afterwards ({@link Limiter.settle}). */
  amount: number;
  rule: Limit;
  /** Asked of the store each time: no unit of it may be taken ahead ({@link Advances}). */
  exact?: boolean;
}

/** Parts of a sliding window: it moves on by one of them at a time. */
const grain = 60;

/** Where a rule's amounts are counted. A part more than the window has, since the first one is cut. */
export function spanOf({ window, technique }: Limit): Span {
  const ms = Math.min(Math.max(window * 1000 || 0, 1), 1e12);
  if (technique === "fixed") return { slots: 1, slotMs: ms };
  const slotMs = Math.max(1, Math.floor(ms / grain));
  return { slots: Math.ceil(ms / slotMs) + 1, slotMs };
}

/** Limits of one gateway; a store that is away limits nobody. */
export class Limiter {
  readonly #counters: Counters;
  readonly #metrics: Metrics;
  readonly #advances: Advances | undefined;

  /**
   * Failures of the store are counted in `metrics`; the store's own guard reports them.
   *
   * @param ahead `false`: no units are taken ahead, since work may not outlive its request (Workers).
   */
  constructor(counters: Counters, metrics: Metrics, ahead: boolean = true) {
    this.#counters = counters;
    this.#metrics = metrics;
    if (!ahead || !counters.shared) return;
    this.#advances = new Advances(
      (...addition) => counters.add(...addition),
      () => this.#unsettled(),
    );
  }

  /**
   * Counts an amount, unless the limit would be exceeded. An amount of 0 counts nothing, and is let
   * through while the window holds less than the limit. Never rejects.
   *
   * @param now Milliseconds since 1970.
   * @param exact As {@link Claim.exact}; only single units are taken ahead.
   */
  take(
    key: string,
    amount: number,
    rule: Limit,
    now: number,
    exact: boolean = false,
  ): Taken | Promise<Taken> {
    const span = spanOf(rule);
    const found = amount === 1 && !exact && this.#advances !== undefined
      ? this.#advances.take(key, span, rule.limit, now)
      : this.#counters.add(key, amount, span, rule.limit, now);
    if (!(found instanceof Promise)) return takenOf(found, amount, rule, span, now);
    return found.then((found) => takenOf(found, amount, rule, span, now), () => {
      this.#metrics.count(
        "sluice_limits_open_total",
        "Amounts let through because the store of counts could not be asked",
      );
      return { ok: true, remaining: rule.limit, resetAt: now, retryAfter: 1, known: false };
    });
  }

  /**
   * Counts what has been used already, over the limit if need be; a negative amount gives back, in the
   * window that `now` is in. What is no number counts nothing. Never rejects.
   *
   * @returns False when the store could not be asked.
   */
  async settle(key: string, amount: number, rule: Limit, now: number): Promise<boolean> {
    if (!Number.isFinite(amount) || amount === 0) return true;
    try {
      await this.#counters.add(key, amount, spanOf(rule), Infinity, now);
      return true;
    } catch {
      this.#unsettled();
      return false;
    }
  }

  #unsettled(): void {
    this.#metrics.count("sluice_limits_unsettled_total", "Amounts used that could not be counted");
  }

  /**
   * Takes all amounts or none.
   *
   * @returns One for each claim, or up to the first that was refused: the last one is not `ok` then.
   */
  takeAll(claims: readonly Claim[], now: number): Taken[] | Promise<Taken[]> {
    const all: Taken[] = [];
    for (const { key, amount, rule, exact } of claims) {
      const taken = this.take(key, amount, rule, now, exact);
      if (taken instanceof Promise) return this.#takeRest(claims, now, all, taken);
      all.push(taken);
      if (!taken.ok) return this.#takeRest(claims, now, all, undefined);
    }
    return all;
  }

  async #takeRest(
    claims: readonly Claim[],
    now: number,
    all: Taken[],
    next: Taken | Promise<Taken> | undefined,
  ): Promise<Taken[]> {
    for (;;) {
      if (next !== undefined) all.push(await next);
      if (all.at(-1)?.ok === false) break;
      const claim = claims[all.length];
      if (claim === undefined) return all;
      next = this.take(claim.key, claim.amount, claim.rule, now, claim.exact);
    }
    await this.giveBack(claims.filter((_, i) => all[i]?.ok && all[i].known), now);
    return all;
  }

  /** Takes all amounts or none; gives back the claim that was refused. */
  async admit(
    claims: readonly Claim[],
    now: number,
  ): Promise<{ claim: Claim; taken: Taken } | undefined> {
    const all = await this.takeAll(claims, now);
    const taken = all.at(-1);
    return taken === undefined || taken.ok ? undefined : { claim: claims[all.length - 1]!, taken };
  }

  /** Undoes {@link admit} for an operation that was none. */
  async giveBack(claims: readonly Claim[], now: number): Promise<void> {
    await Promise.all(claims.map(({ key, amount, rule, exact }) => {
      const isKept = amount === 1 && exact !== true &&
        this.#advances?.giveBack(key, spanOf(rule), rule.limit, now);
      return isKept ? undefined : this.settle(key, -amount, rule, now);
    }));
  }

  /** Gives back what was taken ahead. Never rejects. */
  async flush(): Promise<void> {
    await this.#advances?.flush();
  }
}

function takenOf(
  { added, total, oldest }: Count,
  amount: number,
  { limit }: Limit,
  { slots, slotMs }: Span,
  now: number,
): Taken {
  const freeAt = slots === 1
    ? (Math.floor(now / slotMs) + 1) * slotMs
    : (oldest || now) + slots * slotMs;
  return {
    ok: amount === 0 ? total < limit : added,
    remaining: Math.max(0, limit - total),
    resetAt: freeAt,
    retryAfter: Math.max(1, Math.ceil((freeAt - now) / 1000)),
    known: true,
  };
}

/**
 * A place among a limited number, held until it is released: a claim on a sliding window, moved on
 * before the window ends. A process that dies moves nothing on, so its places are free one window later.
 */
export class Lease {
  readonly #limiter: Limiter;
  readonly #claim: Claim;
  readonly #now: () => number;
  /** Where in time the claim is counted. */
  #at: number;
  #moves: number;
  #moving: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #held = true;

  /**
   * @param claim One that was taken.
   * @param at When.
   * @param longest Seconds after which it is not moved on any more: what nobody releases is free some time.
   */
  constructor(
    limiter: Limiter,
    claim: Claim,
    at: number,
    now: () => number,
    longest: number = 7200,
  ) {
    this.#limiter = limiter;
    this.#claim = claim;
    this.#at = at;
    this.#now = now;
    this.#moves = Math.ceil(longest * 3 / claim.rule.window);
    this.#wait();
  }

  #wait(): void {
    if (!this.#held || this.#moves-- <= 0) return;
    const pause = this.#claim.rule.window * 1000 / 3;
    this.#timer = unref(setTimeout(() => this.#moving = this.#move(), pause));
  }

  async #move(): Promise<void> {
    const { key, amount, rule } = this.#claim;
    const at = this.#now();
    // In this order: a place too many for a moment is better than one too few.
    if (await this.#limiter.settle(key, amount, rule, at)) {
      await this.#limiter.settle(key, -amount, rule, this.#at);
      this.#at = at;
    }
    this.#wait();
  }

  /** Gives the place back, once. Never rejects. */
  async release(): Promise<void> {
    if (!this.#held) return;
    this.#held = false;
    clearTimeout(this.#timer);
    await this.#moving;
    const { key, amount, rule } = this.#claim;
    await this.#limiter.settle(key, -amount, rule, this.#at);
  }
}
