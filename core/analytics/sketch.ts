/**
 * Percentiles that can be added up: values are counted in buckets whose borders grow by 3%, the same ones
 * everywhere, so that the sketch of an hour is the sum of those of its minutes.
 *
 * @module
 */

/** Growth of a bucket: whatever is in it is told with an error of 1.5% at most. */
const growth = Math.log(1.03);
/** Smallest and largest bucket, about 0.001 and 1e9; the smallest holds 0 as well. */
const least = -234, most = 702;

/** How many values are in which bucket. */
export class Sketch {
  /** Bucket of the first count. */
  #base = 0;
  /** Counts from there on, without a gap. */
  #counts: number[] = [];

  /** Counts a value; what is no number of 0 or more is left out. */
  add(value: number | null): void {
    if (value === null || !(value >= 0)) return;
    const bucket = value === 0 ? least : Math.round(Math.log(value) / growth);
    const at = bucket < least ? least : bucket > most ? most : bucket;
    this.#reach(at, at);
    this.#counts[at - this.#base]!++;
  }

  /** Adds all values of another one. */
  merge(other: Sketch): void {
    const counts = other.#counts;
    if (counts.length === 0) return;
    this.#reach(other.#base, other.#base + counts.length - 1);
    const offset = other.#base - this.#base;
    for (let i = 0; i < counts.length; i++) this.#counts[offset + i]! += counts[i]!;
  }

  /** As it is stored: the first bucket, then counts; what is negative is that many buckets of 0. */
  stored(): number[] {
    const numbers: number[] = [];
    let gap = 0;
    for (const [i, count] of this.#counts.entries()) {
      if (count === 0) {
        gap++;
        continue;
      }
      if (numbers.length === 0) numbers.push(this.#base + i);
      else if (gap > 0) numbers.push(-gap);
      gap = 0;
      numbers.push(count);
    }
    return numbers;
  }

  /** Adds what {@link stored} made of another one. */
  addStored(numbers: readonly number[]): void {
    if (numbers.length < 2) return;
    let last = numbers[0]! - 1;
    for (let i = 1; i < numbers.length; i++) last += numbers[i]! < 0 ? -numbers[i]! : 1;
    if (!(numbers[0]! >= least && last <= most)) return; // nothing of ours
    this.#reach(numbers[0]!, last);
    const counts = this.#counts;
    let at = numbers[0]! - this.#base;
    for (let i = 1; i < numbers.length; i++) {
      const count = numbers[i]!;
      if (count < 0) at -= count;
      else counts[at++]! += count;
    }
  }

  /**
   * Values that so many of all values are not above; null where there are none.
   *
   * @param shares From 0 to 1, in their order: 0.9 is the 90th percentile.
   */
  percentiles(shares: readonly number[]): (number | null)[] {
    let total = 0;
    for (const count of this.#counts) total += count;
    if (total === 0) return shares.map(() => null);
    let at = 0;
    let seen = this.#counts[0]!;
    return shares.map((share) => {
      const wanted = Math.max(1, Math.ceil(total * share - 1e-9));
      while (seen < wanted) seen += this.#counts[++at]!;
      const bucket = this.#base + at;
      return bucket === least ? 0 : Math.exp(bucket * growth);
    });
  }

  /** Makes room for buckets. */
  #reach(from: number, to: number): void {
    const counts = this.#counts;
    if (counts.length === 0) this.#base = from;
    else if (from < this.#base) {
      this.#counts = [...new Array<number>(this.#base - from).fill(0), ...counts];
      this.#base = from;
    }
    while (this.#counts.length <= to - this.#base) this.#counts.push(0);
  }
}
