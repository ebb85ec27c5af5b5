/**
 * A stored stream, sent as it came.
 *
 * @module
 */
import type { Feed, Sink } from "../streams/feed.ts";
import type { Pace } from "./entry.ts";
import type { Replay } from "./policy.ts";

/** Longest pause of `cap-1s`, in milliseconds. */
const cap = 1000;
/** Pauses below this are none, in milliseconds. */
const least = 2;
/** Pieces that are told apart; of longer streams several are one. */
const most = 4096;

/** How a stream came: from the sizes and times of its pieces. */
export function paceOf(sizes: readonly number[], times: readonly number[], begin: number): Pace {
  const together = Math.ceil(sizes.length / most);
  const pace = { sizes: [] as number[], gaps: [] as number[] };
  let before = begin;
  for (let at = 0; at < sizes.length; at += together) {
    pace.sizes.push(sizes.slice(at, at + together).reduce((sum, size) => sum + size, 0));
    const time = times[at] ?? before;
    pace.gaps.push(Math.max(0, Math.round(time - before)));
    before = time;
  }
  return pace;
}

/** The body as it is to be sent: at once, or piece by piece. */
export function replayed(body: Uint8Array, pace: Pace | undefined, how: Replay): Uint8Array | Feed {
  if (how === "instant" || pace === undefined) return body;
  const { sizes, gaps } = pace;
  const sum = sizes.reduce((sum, size) => sum + size, 0);
  if (sum !== body.byteLength || sizes.length !== gaps.length) return body;
  if (!gaps.some((gap) => gap >= least)) return body;
  return new Player(body, sizes, how === "original" ? gaps : gaps.map((gap) => Math.min(gap, cap)));
}

/** Sends pieces when they are due, and no earlier than the reader has room. */
class Player implements Feed {
  readonly #body: Uint8Array;
  readonly #sizes: readonly number[];
  readonly #gaps: readonly number[];
  #sink: Sink | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #at = 0;
  #offset = 0;
  #due = 0;
  #flowing = true;

  constructor(body: Uint8Array, sizes: readonly number[], gaps: readonly number[]) {
    this.#body = body;
    this.#sizes = sizes;
    this.#gaps = gaps;
  }

  attach(sink: Sink): void {
    this.#sink = sink;
    this.#due = performance.now() + (this.#gaps[0] ?? 0);
    this.#run();
  }

  resume(): void {
    if (this.#flowing) return;
    this.#flowing = true;
    if (this.#timer === undefined) this.#run();
  }

  abort(): void {
    clearTimeout(this.#timer);
    this.#sink = undefined;
  }

  #run(): void {
    this.#timer = undefined;
    while (this.#flowing && this.#sink !== undefined) {
      if (this.#at === this.#sizes.length) {
        const sink = this.#sink;
        this.#sink = undefined;
        return sink.end();
      }
      const wait = this.#due - performance.now();
      if (wait >= least) {
        this.#timer = setTimeout(() => this.#run(), wait);
        return;
      }
      const end = this.#offset + this.#sizes[this.#at++]!;
      const piece = this.#body.subarray(this.#offset, end);
      this.#offset = end;
      this.#due += this.#gaps[this.#at] ?? 0;
      if (!this.#sink.data(piece)) this.#flowing = false;
    }
  }
}
