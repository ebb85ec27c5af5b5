/**
 * Limits over time, on the counters of a store: what a window holds, and when there is room again.
 *
 * @module
 */
import type { Metrics } from "./metrics.ts";
import type { Counters, Span } from "./storage/ports.ts";

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

  /** Failures of the store are counted in `metrics`; the store's own guard reports them. */
  constructor(counters: Counters, metrics: Metrics) {
    this.#counters = counters;
    this.#metrics = metrics;
  }

  /**
   * Counts an amount, unless the limit would be exceeded. An amount of 0 counts nothing, and is let
   * through while the window holds less than the limit. Never rejects.
   *
   * @param now Milliseconds since 1970.
   */
  async take(key: string, amount: number, rule: Limit, now: number): Promise<Taken> {
    const span = spanOf(rule);
    try {
      const { added, total, oldest } = await this.#counters.add(key, amount, span, rule.limit, now);
      const ok = amount === 0 ? total < rule.limit : added;
      const freeAt = span.slots === 1
        ? (Math.floor(now / span.slotMs) + 1) * span.slotMs
        : (oldest || now) + span.slots * span.slotMs;
      return {
        ok,
        remaining: Math.max(0, rule.limit - total),
        resetAt: freeAt,
        retryAfter: Math.max(1, Math.ceil((freeAt - now) / 1000)),
        known: true,
      };
    } catch {
      this.#metrics.count(
        "sluice_limits_open_total",
        "Amounts let through because the store of counts could not be asked",
      );
      return { ok: true, remaining: rule.limit, resetAt: now, retryAfter: 1, known: false };
    }
  }

  /**
   * Counts what has been used already, over the limit if need be; a negative amount gives back. What is
   * no number counts nothing. Never rejects.
   */
  async settle(key: string, amount: number, rule: Limit, now: number): Promise<void> {
    if (!Number.isFinite(amount) || amount === 0) return;
    try {
      await this.#counters.add(key, amount, spanOf(rule), Infinity, now);
    } catch {
      this.#metrics.count(
        "sluice_limits_unsettled_total",
        "Amounts used that could not be counted",
      );
    }
  }

  /** Takes all amounts or none; gives back the claim that was refused. */
  async admit(
    claims: readonly Claim[],
    now: number,
  ): Promise<{ claim: Claim; taken: Taken } | undefined> {
    for (const [i, claim] of claims.entries()) {
      const taken = await this.take(claim.key, claim.amount, claim.rule, now);
      if (taken.ok) continue;
      await this.giveBack(claims.slice(0, i), now);
      return { claim, taken };
    }
    return undefined;
  }

  /** Undoes {@link admit} for an operation that was none. */
  async giveBack(claims: readonly Claim[], now: number): Promise<void> {
    await Promise.all(claims.map(({ key, amount, rule }) => this.settle(key, -amount, rule, now)));
  }
}
