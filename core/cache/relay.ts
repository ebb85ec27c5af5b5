/**
 * One body for several readers: recorded as it comes, read by each at its own pace. The source goes as
 * fast as the fastest reader; when the last one leaves, it is closed.
 *
 * @module
 */
import type { Feed, Sink } from "../streams/feed.ts";
import type { Ending } from "../streams/observe.ts";
import { type Allowance, joined } from "../streams/tape.ts";

/** How a {@link Relay} works. */
export interface RelayOptions {
  /** Most bytes that are kept; a longer body passes through, and nobody can join any more. */
  limit: number;
  /** Shared by all that keep bodies. */
  allowance: Allowance;
  /** Called once, when the body is over for all. */
  onEnd(): void;
  /** Called once, when a body turns out to be too long to be kept. */
  onOverflow(): void;
}

/** A body on its way. */
export class Relay implements Sink {
  readonly #options: RelayOptions;
  readonly #source: Feed;
  readonly #chunks: Uint8Array[] = [];
  readonly #readers = new Set<Reader>();
  /** Index of the first chunk that is still there. */
  #first = 0;
  #held = 0;
  #taken = 0;
  #settled = false;
  #starting: (() => void)[] = [];
  /** When each chunk came, by `performance.now()`; as long as all are kept. */
  readonly times: number[] = [];
  /** Bytes so far. */
  size = 0;
  /** All chunks are kept, so that a reader can still join. */
  whole = true;
  /** How the body ended; nothing as long as it lasts. */
  ending: Ending | undefined;
  /** Why the body broke off. */
  error: Error | undefined;
  /** Readers that will come: the source is not closed for want of one. */
  expected = 0;

  constructor(source: Feed, options: RelayOptions) {
    this.#source = source;
    this.#options = options;
  }

  /** Begins; the first reader is open. What the source has already is passed on before this returns. */
  start(): void {
    this.#source.attach(this);
  }

  /** A reader from the first chunk on. */
  open(): Reader {
    const reader = new Reader(this);
    this.#readers.add(reader);
    return reader;
  }

  /** Resolves with the first chunk, or at the end of a body that had none. */
  started(): Promise<void> {
    if (this.size > 0 || this.ending !== undefined) return Promise.resolve();
    return new Promise((resolve) => this.#starting.push(resolve));
  }

  /** All bytes; only while they are {@link whole}. */
  bytes(): Uint8Array {
    return joined(this.#chunks, this.size);
  }

  /** Bytes of each chunk. */
  sizes(): number[] {
    return this.#chunks.map((chunk) => chunk.byteLength);
  }

  /** A reader that was expected has come, or does not. */
  unexpect(): void {
    this.expected--;
    this.#closeIfLeft();
    this.#free();
  }

  /** Nobody joins any more: what no reader needs may go. */
  settle(): void {
    this.#settled = true;
    this.#free();
  }

  // The source's side.

  data(chunk: Uint8Array): boolean {
    if (this.ending !== undefined) return false;
    const { byteLength } = chunk;
    this.size += byteLength;
    if (this.whole) this.#keep(byteLength);
    this.#chunks.push(chunk);
    this.#held += byteLength;
    const { count } = this;
    let wanted = false;
    for (const reader of this.#readers) if (reader.next(count - 1)) wanted = true;
    this.#begin();
    if (!this.whole) this.#trim();
    return wanted;
  }

  end(): void {
    this.#over("closed");
  }

  fail(error: Error): void {
    this.#over("broken", error);
  }

  // The readers' side.

  /** Chunks so far. */
  get count(): number {
    return this.#first + this.#chunks.length;
  }

  chunkAt(index: number): Uint8Array {
    return this.#chunks[index - this.#first]!;
  }

  /** A reader that has all there is wants more. */
  want(): void {
    if (this.ending === undefined) this.#source.resume();
  }

  leave(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    this.#closeIfLeft();
    this.#free();
  }

  #keep(bytes: number): void {
    const { limit, allowance } = this.#options;
    if (this.size <= limit && allowance.take(bytes)) {
      this.#taken += bytes;
      this.times.push(performance.now());
      return;
    }
    this.whole = false;
    this.times.length = 0;
    this.#giveBack();
    this.#options.onOverflow();
  }

  /** Lets go of what all readers have; a reader that is too far behind is given up. */
  #trim(): void {
    for (;;) {
      let slowest: Reader | undefined;
      for (const reader of this.#readers) {
        if (slowest === undefined || reader.at < slowest.at) slowest = reader;
      }
      const until = slowest?.at ?? this.count;
      let gone = 0;
      while (this.#first + gone < until) this.#held -= this.#chunks[gone++]!.byteLength;
      this.#chunks.splice(0, gone);
      this.#first += gone;
      if (this.#held <= this.#options.limit || this.#readers.size < 2) return;
      slowest!.fail(new Error("The client is too slow for an answer that it shares with others"));
    }
  }

  #closeIfLeft(): void {
    if (this.ending !== undefined || this.#readers.size > 0 || this.expected > 0) return;
    this.#over("cancelled");
    this.#source.abort("The client left");
  }

  #over(how: Ending, error?: Error): void {
    if (this.ending !== undefined) return;
    this.ending = how;
    this.error = error ?? (how === "closed" ? undefined : new Error("The answer was given up"));
    for (const reader of [...this.#readers]) reader.finish();
    this.#begin();
    this.#options.onEnd();
    this.#free();
  }

  #begin(): void {
    for (const resolve of this.#starting) resolve();
    this.#starting.length = 0;
  }

  #free(): void {
    const isRead = this.#readers.size > 0 || this.expected > 0;
    if (!this.#settled || this.ending === undefined || isRead) return;
    this.#chunks.length = 0;
    this.#giveBack();
  }

  #giveBack(): void {
    this.#options.allowance.give(this.#taken);
    this.#taken = 0;
  }
}

/** One reader. */
export class Reader implements Feed {
  readonly #relay: Relay;
  #sink: Sink | undefined;
  #flowing = false;
  #busy = false;
  #over = false;
  #failure: Error | undefined;
  /** Index of its next chunk. */
  at = 0;

  constructor(relay: Relay) {
    this.#relay = relay;
  }

  attach(sink: Sink): void {
    this.#sink = sink;
    if (this.#failure !== undefined) sink.fail(this.#failure);
    else this.resume();
  }

  resume(): void {
    const relay = this.#relay;
    const sink = this.#sink;
    if (this.#busy || this.#over || sink === undefined) return;
    this.#busy = true;
    this.#flowing = true;
    while (this.#flowing && !this.#over && this.at < relay.count) {
      this.#flowing = sink.data(relay.chunkAt(this.at++));
    }
    this.#busy = false;
    this.finish();
    if (this.#flowing && !this.#over) relay.want();
  }

  /** A new chunk is there; true when the reader has it, and wants more. */
  next(index: number): boolean {
    if (this.#sink === undefined || this.#busy || !this.#flowing || this.at !== index) return false;
    this.#busy = true;
    this.#flowing = this.#sink.data(this.#relay.chunkAt(this.at++));
    this.#busy = false;
    return this.#flowing && !this.#over;
  }

  /** Ends, if the body has ended and the reader has all of it. */
  finish(): void {
    const { ending, error, count } = this.#relay;
    if (ending === undefined || this.#over || this.#sink === undefined || this.at < count) return;
    this.#over = true;
    if (ending === "closed") this.#sink.end();
    else this.#sink.fail(error!);
    this.#relay.leave(this);
  }

  /** Is given up: what it has written to fails. */
  fail(error: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = error;
    this.#sink?.fail(error);
    this.#relay.leave(this);
  }

  abort(_why: string): void {
    this.#over = true;
    this.#relay.leave(this);
  }
}
