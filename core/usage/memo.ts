/**
 * A bounded memory that forgets what has not been asked for in a while.
 *
 * @module
 */

/** Two generations of a map: what the older one still holds is carried over when asked for. */
export class Memo<T> {
  readonly #most: number;
  #young = new Map<string, T>();
  #old = new Map<string, T>();

  /** @param most Entries in each generation. */
  constructor(most: number) {
    this.#most = most;
  }

  /** What was remembered. */
  get(key: string): T | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const older = this.#old.get(key);
    if (older !== undefined) this.set(key, older);
    return older;
  }

  /** Remembers. */
  set(key: string, value: T): void {
    if (this.#young.size >= this.#most) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
