/**
 * Which alerts hold, from figures over their windows. What was raised falls back only once it is well
 * under its threshold, or nobody could read messages for all that come.
 *
 * @module
 */
import type { Counters, Span } from "../storage/ports.ts";
import { digestKey } from "../storage/ports.ts";
import type { AlertName, AlertsConfig } from "./config.ts";
import type { Sums, Tallied } from "./tally.ts";

/** Something that is, or is not, as it should be. */
export interface Verdict {
  alert: AlertName;
  /** Id of a gateway, slug of a provider, id of a virtual key. */
  subject: string;
  /** What to do, where it was not raised or where it was; nothing in between. */
  state: "raise" | "resolve" | undefined;
  /** For the message. */
  data: Record<string, string | number | null>;
}

/** A window moves in so many steps. */
const slots = 12;
/** Share of a threshold under which an alert is over. */
const under = 0.8;

/** Sums over windows, of all processes that share the store of counts. */
export class Judge {
  readonly #config: AlertsConfig;
  readonly #counters: Counters;
  /** When something was last added, by subject. */
  readonly #seen = { gateways: new Map<string, number>(), providers: new Map<string, number>() };

  constructor(config: AlertsConfig, counters: Counters) {
    this.#config = config;
    this.#counters = counters;
  }

  /**
   * Adds what came, and judges whatever came lately or was raised. Rejects as the store does.
   *
   * @param raised Subjects by alert.
   */
  async verdicts(
    { gateways, providers }: Tallied,
    raised: (alert: AlertName) => string[],
    now: number,
  ): Promise<Verdict[]> {
    const { error_rate: rate, provider_down: down, spend } = this.#config;
    const none: Sums = { requests: 0, errors: 0, cost: 0 };
    const longest = 2000 * Math.max(rate?.window ?? 300, spend?.window ?? 86_400);
    const verdicts: Promise<Verdict>[] = [];
    const known = [...raised("error_rate"), ...raised("spend")];
    for (const id of recent(this.#seen.gateways, gateways, known, now, longest)) {
      const sums = gateways.get(id) ?? none;
      if (rate !== undefined) verdicts.push(this.#rate(rate, id, sums, now));
      if (spend !== undefined) verdicts.push(this.#spend(spend, id, sums, now));
    }
    if (down !== undefined) {
      const window = 2000 * (down.window ?? 60);
      const known = raised("provider_down");
      for (const slug of recent(this.#seen.providers, providers, known, now, window)) {
        verdicts.push(this.#down(down, slug, providers.get(slug) ?? none, now));
      }
    }
    return await Promise.all(verdicts);
  }

  async #sum(name: string, subject: string, add: number, window: number, now: number) {
    const span: Span = { slots, slotMs: Math.max(1000, Math.ceil(window * 1000 / slots)) };
    const key = `alerts:${name}:${await digestKey(subject)}`;
    return (await this.#counters.add(key, add, span, Infinity, now)).total;
  }

  async #rate(
    { threshold, window = 300, min_requests: least = 20 }: NonNullable<AlertsConfig["error_rate"]>,
    subject: string,
    sums: Sums,
    now: number,
  ): Promise<Verdict> {
    const requests = await this.#sum("requests", subject, sums.requests, window, now);
    const errors = await this.#sum("errors", subject, sums.errors, window, now);
    const share = requests === 0 ? 0 : errors / requests;
    return {
      alert: "error_rate",
      subject,
      state: requests >= least && share >= threshold
        ? "raise"
        : requests < least || share < threshold * under
        ? "resolve"
        : undefined,
      data: { gateway: subject, requests, errors, error_rate: share, threshold, window },
    };
  }

  async #spend(
    { usd, window = 86_400 }: NonNullable<AlertsConfig["spend"]>,
    subject: string,
    { cost }: Sums,
    now: number,
  ): Promise<Verdict> {
    const spent = await this.#sum("spend", subject, cost, window, now);
    return {
      alert: "spend",
      subject,
      state: spent >= usd ? "raise" : spent < usd * under ? "resolve" : undefined,
      data: { gateway: subject, spent_usd: spent, threshold_usd: usd, window },
    };
  }

  async #down(
    { failures: most = 5, window = 60 }: NonNullable<AlertsConfig["provider_down"]>,
    subject: string,
    sums: Sums,
    now: number,
  ): Promise<Verdict> {
    const answers = await this.#sum("answers", subject, sums.requests, window, now);
    const failures = await this.#sum("failures", subject, sums.errors, window, now);
    return {
      alert: "provider_down",
      subject,
      state: answers > 0 ? "resolve" : failures >= most ? "raise" : undefined,
      data: { provider: subject, failures, answers, window },
    };
  }
}

/** Subjects of which something came within so many milliseconds, and known ones. */
function recent(
  seen: Map<string, number>,
  came: ReadonlyMap<string, Sums>,
  known: readonly string[],
  now: number,
  within: number,
): string[] {
  for (const id of came.keys()) seen.set(id, now);
  for (const [id, at] of seen) if (now - at > within) seen.delete(id);
  return [...new Set([...seen.keys(), ...known])];
}
