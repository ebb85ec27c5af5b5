/**
 * What one request takes of its limits, and when it gives it back: requests never, places of answers
 * under way once the answer is over, tokens as far as they were not used.
 *
 * @module
 */
import type { Attempt } from "../attempt.ts";
import { type Context, createKey, type Key } from "../context.ts";
import { Code, GatewayError } from "../error.ts";
import { type Claim, Lease } from "./limiter.ts";
import { type Finding, overLimit } from "./rate-headers.ts";
import type { Bucket, RateRule } from "./rate-rules.ts";
import { observe } from "../streams/observe.ts";
import { TokenHold } from "./token-hold.ts";
import { tokensOf } from "../usage/forecast.ts";

/** What is counted once for a client request, however many steps and attempts it takes. */
interface State {
  /** By key of the bucket; requests that have been counted are in it. */
  findings: Map<string, Finding>;
  places?: Map<string, Place>;
  /** Numbers of attempts whose tokens have been counted. */
  attempts?: Set<number>;
}

/** A place of a concurrent rule; answers of several steps may be under way in it. */
interface Place {
  key: string;
  lease: Lease;
  answers: number;
}

/** A claim of a rule. */
interface Asked extends Claim {
  unit: RateRule["unit"];
  of: RateRule;
}

const stateKey: Key<State> = createKey("rateLimit");

/** One passage of a request, and what it has taken. */
export class Admission {
  readonly #ctx: Context;
  readonly #state: State;
  readonly #claims: Asked[] = [];
  readonly #places: Place[] = [];
  /** Where some tokens were asked for. */
  #tokens: TokenHold | undefined;
  #at = 0;
  /** Numbers of the first attempt of this passage, and of the first that is not. */
  #first = 0;
  #last = Infinity;

  /**
   * @param tokens What the request may cost, 0 where that is known only afterwards; nothing where it can
   *   cost none.
   */
  constructor(ctx: Context, buckets: readonly Bucket[], tokens: number | undefined) {
    let state = ctx.get(stateKey);
    if (state === undefined) {
      state = { findings: new Map() };
      ctx.set(stateKey, state);
    }
    this.#ctx = ctx;
    this.#state = state;
    for (const { key, rule: of } of buckets) {
      const { unit, limit: rule } = of;
      let amount = 1;
      if (unit === "requests") {
        if (state.findings.has(key)) continue;
      } else if (unit === "tokens") {
        if (tokens === undefined) continue;
        // What alone is over the limit gets in while nothing else is counted.
        amount = Math.min(tokens, rule.limit);
      } else {
        const place = state.places?.get(key);
        if (place !== undefined) {
          place.answers++;
          this.#places.push(place);
          continue;
        }
      }
      // Places move on in time, and tokens come in other amounts.
      this.#claims.push({ key, amount, rule, unit, of, exact: unit !== "requests" });
    }
  }

  /** What is known of the limits of the request. */
  get findings(): Iterable<Finding> {
    return this.#state.findings.values();
  }

  /**
   * Takes what is asked for, or nothing. Throws where a limit is used up, and where its store is away and
   * `failure` is `closed`.
   */
  async take(failure: "open" | "closed"): Promise<void> {
    const { host, gateway, shared } = this.#ctx;
    const claims = this.#claims;
    const at = this.#at = host.now();
    const taken = host.limiter.takeAll(claims, at);
    const all = taken instanceof Promise ? await taken : taken;
    const last = all.at(-1);
    if (last?.ok === false) {
      this.#release();
      const rule = claims[all.length - 1]!.of;
      host.metrics.count("sluice_rate_limited_total", "Requests refused by a rate limit", {
        gateway: gateway.id,
        rule: rule.name,
      });
      throw overLimit({ rule, taken: last, at });
    }
    if (failure === "closed" && all.some(({ known }) => !known)) {
      this.#release();
      await host.limiter.giveBack(claims.filter((_, i) => all[i]!.known), at);
      throw new GatewayError(
        503,
        Code.storeAway,
        "The store of this gateway's rate limits cannot be reached; try again in a moment",
        { headers: { "retry-after": "1" } },
      );
    }
    for (const [i, claim] of claims.entries()) {
      const { key, unit, of: rule } = claim;
      this.#state.findings.set(key, { rule, taken: all[i]!, at });
      // What may not have been counted is not given back.
      if (unit === "tokens" && !all[i]!.known) claim.amount = 0;
      if (unit === "concurrent") {
        const lease = new Lease(host.limiter, claim, at, () => host.now());
        const place: Place = { key, lease, answers: 1 };
        (this.#state.places ??= new Map()).set(key, place);
        this.#places.push(place);
      }
    }
    const tokens = claims.filter(({ unit }) => unit === "tokens");
    if (tokens.length === 0) return;
    this.#tokens = new TokenHold(host.limiter, tokens, at);
    this.#first = shared.attempts;
    this.#ctx.onAttempt(({ attempt, status, usage }) =>
      this.#use(attempt, status, tokensOf(usage))
    );
  }

  /** The rest of the chain has thrown. */
  async failed(): Promise<void> {
    this.#last = this.#ctx.shared.attempts;
    this.#release();
    await this.#tokens?.refund();
  }

  /** The head of the answer is there; gives back the answer to use. */
  answered(response: Response): Response | Promise<Response> {
    const { attempts, cached, fault } = this.#ctx.shared;
    this.#last = attempts;
    const answer = this.#places.length === 0
      ? response
      : observe(response, { chunk() {}, end: () => this.#release() }, this.#ctx.request.signal);
    if (cached !== true && this.#tokens === undefined) return answer;
    // A failure, which a stream may begin with, and an answer that no provider was asked for cost none.
    const isFree = response.status >= 400 || fault !== undefined || this.#last === this.#first;
    return this.#giveBack(isFree, cached === true).then(() => answer);
  }

  async #giveBack(tokens: boolean, requests: boolean): Promise<void> {
    if (requests) {
      const claims = this.#claims.filter(({ unit }) => unit === "requests");
      await this.#ctx.host.limiter.giveBack(claims, this.#at);
    }
    if (tokens) await this.#tokens?.refund();
  }

  #release(): void {
    const { places } = this.#state;
    for (const place of this.#places.splice(0)) {
      if (--place.answers > 0) continue;
      if (places?.get(place.key) === place) places.delete(place.key);
      this.#ctx.waitUntil(place.lease.release());
    }
  }

  /** An attempt is over: its tokens come out of what was set aside, what is missing is counted now. */
  async #use(attempt: Attempt, status: number, tokens: number): Promise<void> {
    const { number, ctx } = attempt;
    const attempts = this.#state.attempts ??= new Set();
    const own = number >= this.#first && number < this.#last && !attempts.has(number) &&
      ctx.step === this.#ctx.step && ctx.provider === this.#ctx.provider;
    if (!own) return;
    attempts.add(number);
    await this.#tokens?.use(tokens, this.#ctx.host.now());
    if (status < 400) await this.#tokens?.refund();
  }
}
