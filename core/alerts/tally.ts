/**
 * What alerts want to know of attempts, added up in memory: no request waits for more than an addition.
 *
 * @module
 */
import type { Measured } from "../measured.ts";

/** Figures since the last look. */
export interface Sums {
  requests: number;
  errors: number;
  /** US dollars. */
  cost: number;
}

/** Figures by gateway and by provider. */
export interface Tallied {
  gateways: Map<string, Sums>;
  providers: Map<string, Sums>;
}

/** Adds attempts up. */
export class Tally {
  #sums: Tallied = { gateways: new Map(), providers: new Map() };

  /** A client that left says nothing about a provider. */
  readonly add = (measured: Measured): void => {
    const { attempt: { ctx }, status, end, cost } = measured;
    if (end === "client_abort" && status < 400) return this.#spent(ctx.gateway.id, cost);
    const good = status < 400 && (end === "complete" || end === "guard_stop");
    const gateway = of(this.#sums.gateways, ctx.gateway.id);
    gateway.requests++;
    if (!good) gateway.errors++;
    if (cost !== null) gateway.cost += cost;
    const provider = of(this.#sums.providers, ctx.provider.slug);
    // What a provider refuses shows that it is there.
    if (status >= 500 || (status < 400 && !good)) provider.errors++;
    else provider.requests++;
  };

  #spent(gateway: string, cost: number | null): void {
    if (cost !== null) of(this.#sums.gateways, gateway).cost += cost;
  }

  /** What was added since the last time. */
  take(): Tallied {
    const sums = this.#sums;
    this.#sums = { gateways: new Map(), providers: new Map() };
    return sums;
  }
}

function of(sums: Map<string, Sums>, id: string): Sums {
  let found = sums.get(id);
  if (found === undefined) sums.set(id, found = { requests: 0, errors: 0, cost: 0 });
  return found;
}
