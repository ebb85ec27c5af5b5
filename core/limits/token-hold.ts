/**
 * Tokens that are set aside of limits while a request is under way, so that a crowd of requests cannot use what
 * only one of them may.
 *
 * @module
 */
import type { Claim, Limiter, Taken } from "./limiter.ts";

/** Tries to set aside what is left, while others take and give back. */
const tries = 8;

/** What one request has set aside. */
export class TokenHold {
  readonly #limiter: Limiter;
  readonly #claims: readonly Claim[];
  readonly #at: number;

  /**
   * @param claims That were counted; their amounts become less as they are used.
   * @param at When.
   */
  constructor(limiter: Limiter, claims: readonly Claim[], at: number) {
    this.#limiter = limiter;
    this.#claims = claims;
    this.#at = at;
  }

  /** Tokens that were used come out of what was set aside; what is missing is counted now. */
  async use(tokens: number, now: number): Promise<void> {
    await Promise.all(this.#claims.map(async (claim) => {
      const covered = Math.min(tokens, claim.amount);
      claim.amount -= covered;
      await this.#limiter.settle(claim.key, tokens - covered, claim.rule, now);
    }));
  }

  /** Gives back what is left, where it was counted. */
  async refund(): Promise<void> {
    await Promise.all(this.#claims.map(async (claim) => {
      const { key, amount, rule } = claim;
      claim.amount = 0;
      await this.#limiter.settle(key, -amount, rule, this.#at);
    }));
  }
}

/**
 * Sets aside what a request may cost, or as much of it as is left: whoever finds something left gets in. The
 * limit that has nothing left is given back instead.
 *
 * @param settle Counts what answers that are over have used and left.
 */
export async function setAside(
  limiter: Limiter,
  rules: readonly Claim[],
  tokens: number,
  at: number,
  settle: () => Promise<void>,
): Promise<TokenHold | { claim: Claim; taken: Taken }> {
  const claims: Claim[] = [];
  const hold = new TokenHold(limiter, claims, at);
  for (const claim of rules) {
    let [amount, taken] = await most(limiter, claim, tokens, at);
    if (!taken.ok) {
      // The answer to the request before may be over, and its tokens not yet counted.
      await settle();
      [amount, taken] = await most(limiter, claim, tokens, at);
    }
    if (!taken.ok) {
      await hold.refund();
      return { claim, taken };
    }
    // What may not have been counted is not given back.
    claims.push({ ...claim, amount: taken.known ? amount : 0 });
  }
  return hold;
}

async function most(
  limiter: Limiter,
  { key, rule }: Claim,
  tokens: number,
  at: number,
): Promise<[number, Taken]> {
  let amount = Math.min(tokens, rule.limit);
  for (let i = 1;; i++) {
    const taken = await limiter.take(key, amount, rule, at, true);
    if (taken.ok || taken.remaining <= 0 || amount === 0) return [amount, taken];
    amount = i < tries ? Math.min(amount, taken.remaining) : 0;
  }
}
