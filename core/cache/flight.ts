/**
 * Identical requests at the same time: the first one asks, the others get its answer.
 *
 * @module
 */
import type { Feed } from "../streams/feed.ts";
import type { Fault } from "../formats/draft.ts";
import type { End } from "../log/row.ts";
import type { About, Entry } from "./entry.ts";
import type { Relay } from "./relay.ts";

/** Status and headers of an answer that mean the same to everybody. */
export interface Lasting {
  status: number;
  headers: Readonly<Record<string, string>>;
}

/** What became of the first request, for the others. */
export type Outcome =
  /** An answer was stored. */
  | { kind: "entry"; entry: Entry; status: "HIT" | "STALE" }
  /** A short one came. */
  | { kind: "whole"; head: Lasting; body: Uint8Array; about: About }
  /** One is on its way. */
  | {
    kind: "live";
    head: Lasting;
    relay: Relay;
    fault: Fault | undefined;
    done: Promise<Done | undefined>;
  }
  /** The provider failed. */
  | { kind: "failed"; error: unknown }
  /** What happened was about the first request alone: ask yourself. */
  | { kind: "again" };

/** A body that came to its end, which may be an error. */
export interface Done {
  about: About;
  body: Uint8Array;
  end: End;
}

/** One request on its way, and who waits for it. */
export class Flight {
  readonly #abort = new AbortController();
  readonly #decided = Promise.withResolvers<Outcome>();
  /** The first request's client is still there. */
  #led = true;
  /** Others who want the answer, as long as it is not there. */
  #waiting = 0;
  #relay: Relay | undefined;
  #open = true;
  readonly #onAbandoned: () => void;

  /** @param onAbandoned Called when nobody wants the answer any more: nobody may join from then on. */
  constructor(onAbandoned: () => void) {
    this.#onAbandoned = onAbandoned;
  }

  /** Ends when nobody wants the answer any more. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What became of it; never rejects. */
  get outcome(): Promise<Outcome> {
    return this.#decided.promise;
  }

  /** The first request's client has left. */
  leaveLead(): void {
    this.#led = false;
    this.#endIfLeft();
  }

  /** One more. */
  join(): void {
    if (this.#relay === undefined) this.#waiting++;
    else this.#relay.expected++;
  }

  /** One less, before there was anything. */
  leave(): void {
    if (this.#relay !== undefined) return this.#relay.unexpect();
    this.#waiting--;
    this.#endIfLeft();
  }

  #endIfLeft(): void {
    if (this.#led || this.#waiting > 0 || !this.#open) return;
    this.#onAbandoned();
    this.#abort.abort(new DOMException("The client left", "AbortError"));
  }

  /** Told once; the first request has its answer and waits no longer. */
  decide(outcome: Outcome): void {
    if (!this.#open) return;
    this.#open = false;
    if (outcome.kind === "live") {
      this.#relay = outcome.relay;
      this.#relay.expected += this.#waiting;
    }
    this.#decided.resolve(outcome);
  }
}

/** All requests on their way. */
export class Flights {
  /** By the text of the request: one that was looked for before is found fast. */
  readonly #all = new Map<string, { way: string; flight: Flight }[]>();

  /** @param way What decides besides the text. */
  find(text: string, way: string): Flight | undefined {
    return this.#all.get(text)?.find((one) => one.way === way)?.flight;
  }

  /** A new one, which others find as long as they may join it. */
  start(text: string, way: string): { flight: Flight; remove(): void } {
    const remove = () => {
      const left = this.#all.get(text)?.filter((one) => one.flight !== flight) ?? [];
      if (left.length > 0) this.#all.set(text, left);
      else this.#all.delete(text);
    };
    const flight = new Flight(remove);
    const known = this.#all.get(text);
    if (known === undefined) this.#all.set(text, [{ way, flight }]);
    else known.push({ way, flight });
    flight.outcome.then(({ kind }) => kind === "live" || remove());
    return { flight, remove };
  }
}

/** A feed that nobody reads. */
export function drain(feed: Feed): Promise<void> {
  return new Promise((resolve) =>
    feed.attach({ data: () => true, end: resolve, fail: () => resolve() })
  );
}
