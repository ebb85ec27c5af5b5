/**
 * Work after answers: done in small batches between requests, so that no answer waits for it.
 *
 * @module
 */

/** Milliseconds that work waits for company. */
const pause = 20;
/** Work done in a row before others get their turn. */
const batch = 64;

/** A queue of small pieces of work. */
export class Settler {
  readonly #most: number;
  readonly #onShed: () => void;
  readonly #onError: (error: unknown) => void;
  readonly #queue: (() => void | Promise<void>)[] = [];
  #taken = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;

  /**
   * @param most Pieces that may wait; more are dropped, and `onShed` is told of each.
   * @param onError Told of a piece that fails: the others are done all the same.
   */
  constructor(most: number, onShed: () => void, onError: (error: unknown) => void) {
    this.#most = most;
    this.#onShed = onShed;
    this.#onError = onError;
  }

  /** Pieces that wait, or are being done. */
  get waiting(): number {
    return this.#queue.length + this.#taken;
  }

  /** Does the work soon. */
  push(work: () => void | Promise<void>): void {
    if (this.#queue.length >= this.#most) return this.#onShed();
    this.#queue.push(work);
    this.#timer ??= unref(setTimeout(() => this.drain(), pause));
  }

  /** Does the work now. Never rejects. */
  async run(work: () => void | Promise<void>): Promise<void> {
    try {
      const more = work();
      if (more !== undefined) await more;
    } catch (error) {
      this.#onError(error);
    }
  }

  /** Does all that waits; resolves once it is done. Never rejects. */
  drain(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#running ??= this.#work().finally(() => this.#running = undefined);
  }

  async #work(): Promise<void> {
    while (this.#queue.length > 0) {
      const part = this.#queue.splice(0, batch);
      this.#taken = part.length;
      for (const work of part) {
        try {
          const more = work();
          if (more !== undefined) await more;
        } catch (error) {
          this.#onError(error);
        }
        this.#taken--;
      }
      if (this.#queue.length > 0) await new Promise((done) => setTimeout(done, 0));
    }
  }
}

/** A timer that does not keep a process alive, where there is such a thing. */
export function unref(timer: ReturnType<typeof setTimeout>): ReturnType<typeof setTimeout> {
  (timer as { unref?(): void }).unref?.();
  return timer;
}
