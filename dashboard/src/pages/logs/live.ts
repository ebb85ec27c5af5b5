/**
 * Rows as they arrive: events from the gateway, or the list asked for again and again where there are none,
 * be it that the gateway has none or that a proxy between holds them back.
 */
import { base, get } from "../../api.ts";
import type { Row } from "./row.ts";

export type LiveState = "off" | "starting" | "events" | "polling" | "away";

/** Milliseconds that the first sign of events may take. */
const patience = 4000;
/** Milliseconds between two looks at the list: without events, and beside them. */
const pace = 1000, watch = 10_000;

export class Live {
  readonly #path: string;
  readonly #query: () => URLSearchParams;
  readonly #arrived: (rows: Row[]) => number;
  readonly #state: (state: LiveState) => void;
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  #lastEvent = 0;
  #misses = 0;

  /** @param arrived Gets rows, some of which it may know, and says how many it did not. */
  constructor(
    path: string,
    query: () => URLSearchParams,
    arrived: (rows: Row[]) => number,
    state: (state: LiveState) => void,
  ) {
    this.#path = path;
    this.#query = query;
    this.#arrived = arrived;
    this.#state = state;
    state("starting");
    this.#listen();
  }

  close(): void {
    this.#isClosed = true;
    this.#source?.close();
    clearTimeout(this.#timer);
  }

  #listen(): void {
    const source = new EventSource(`${base}${this.#path}/live?${this.#query()}`);
    this.#source = source;
    this.#timer = setTimeout(() => this.#poll(), patience);
    const take = ({ data }: MessageEvent) => {
      this.#lastEvent = Date.now();
      try {
        this.#arrived([JSON.parse(String(data)) as Row]);
      } catch { /* the list has it as well */ }
    };
    source.addEventListener("row", take);
    source.onopen = () => {
      clearTimeout(this.#timer);
      this.#state("events");
      this.#timer = setTimeout(() => this.#look(), watch);
    };
    source.onerror = () => {
      // One that only broke off is begun again by the browser.
      if (source.readyState === EventSource.CLOSED) this.#poll();
    };
  }

  /** Events that a proxy holds back show by rows that are in the list and never came. */
  async #look(): Promise<void> {
    const since = Date.now();
    const missed = await this.#ask();
    if (this.#isClosed) return;
    // Rows that other processes wrote into the same store never come as events.
    this.#misses = missed > 0 ? this.#misses + 1 : 0;
    if (this.#misses > 1 || (missed > 0 && this.#lastEvent < since - pace)) return this.#poll();
    this.#timer = setTimeout(() => this.#look(), watch);
  }

  #poll(): void {
    this.#source?.close();
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const round = async () => {
      const found = document.hidden ? 0 : await this.#ask();
      if (this.#isClosed) return;
      this.#state(found < 0 ? "away" : "polling");
      this.#timer = setTimeout(round, found < 0 ? 5 * pace : pace);
    };
    void round();
  }

  /** Number of rows that were not known; -1 when there was no answer. */
  async #ask(): Promise<number> {
    const params = this.#query();
    params.set("per_page", "50");
    try {
      const { result } = await get<Row[]>(`${this.#path}?${params}`);
      return this.#isClosed ? 0 : this.#arrived(result);
    } catch {
      return -1;
    }
  }
}
