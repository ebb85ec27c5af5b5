/**
 * What a target could not carry: nothing is dropped in silence.
 *
 * @module
 */

/** Names of what was left out of one request, in the order in which they were met. */
export class Lost {
  readonly #names = new Set<string>();

  /** @param name Canonical, such as `logit_bias` or `messages.image`. */
  drop(name: string): void {
    this.#names.add(name);
  }

  /** Each name once. */
  get names(): readonly string[] {
    return [...this.#names];
  }
}
