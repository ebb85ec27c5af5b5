/**
 * What is remembered of things that are told apart by many marks: those seen last are found without a key
 * having to be made.
 *
 * @module
 */

/** A mark. */
export type Mark = string | number | boolean | null | undefined;

interface Entry<T> {
  marks: readonly Mark[];
  made: T;
}

/** Characters of a mark that is worth remembering. */
const longest = 300;
/** Of them, the last are compared one by one. */
const recent = 4;

/** Finds what was made for the same marks. */
export class Kinds<T> {
  readonly #most: number;
  readonly #all = new Map<string, Entry<T>>();
  readonly #last: Entry<T>[] = [];
  #next = 0;

  /** @param most Kinds that are remembered; some marks come from callers. */
  constructor(most: number) {
    this.#most = most;
  }

  /** What was made for these marks, or is made now. */
  of(marks: readonly Mark[], make: () => T): T {
    for (const entry of this.#last) if (same(entry.marks, marks)) return entry.made;
    // Many of them would be as much as somebody cares to send.
    if (marks.some((mark) => typeof mark === "string" && mark.length > longest)) return make();
    const key = JSON.stringify(marks);
    let entry = this.#all.get(key);
    if (entry === undefined) {
      if (this.#all.size >= this.#most) this.#all.clear();
      this.#all.set(key, entry = { marks, made: make() });
    }
    this.#last[this.#next] = entry;
    this.#next = (this.#next + 1) % recent;
    return entry.made;
  }
}

function same(a: readonly Mark[], b: readonly Mark[]): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
