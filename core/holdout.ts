/**
 * Work that requests share where nothing outlives them (Workers): the first one holds out for all that come
 * to it within a pause, and does the work for them.
 *
 * @module
 */

/** One kind of such work. */
export class Holdout {
  readonly #pause: number;
  readonly #now: () => number;
  readonly #work: () => Promise<void>;
  /** Whoever holds out has done the work by then, or was ended before. */
  #until = -Infinity;

  /**
   * @param pause Milliseconds.
   * @param now Milliseconds since 1970.
   */
  constructor(pause: number, now: () => number, work: () => Promise<void>) {
    this.#pause = pause;
    this.#now = now;
    this.#work = work;
  }

  /** A promise for the request's `waitUntil`; nothing where another request does the work. */
  join(): Promise<void> | undefined {
    const at = this.#now();
    const longest = 2 * this.#pause;
    if (at < this.#until && this.#until - at <= longest) return undefined;
    this.#until = at + longest;
    return new Promise<void>((done) => setTimeout(done, this.#pause)).then(() => {
      this.#until = -Infinity;
      return this.#work();
    });
  }
}
