/**
 * The tape: what passed of one answer, with the time of each chunk and how it ended. Chunks are kept as
 * they are, never copied, within a bound: the beginning up to one size, the end up to another. Whoever
 * needs to know more reads it once the answer is over.
 *
 * @module
 */
import { discreet, type Ending, type Observable, type Observer, wholly } from "./observe.ts";
import { runtimeName } from "../runtime.ts";

/** A response to use, and its body if that is all there. */
export interface Whole {
  response: Response;
  bytes?: Uint8Array;
}

/** Milliseconds that the rest of a short body may take before its answer goes out without it. */
const patience = 10;

/**
 * The whole of a body whose length is known, if it comes right behind its head; a slow one goes on piece
 * by piece. Gives back the response to use instead. Rejects when the body breaks off meanwhile.
 *
 * @param length As declared.
 */
export function wholeBody(response: Response, length: number): Whole | Promise<Whole> {
  if (!(wholly in response)) return readWhole(response, length);
  const found = (response as Response & Observable)[wholly](patience);
  const use = (bytes: Uint8Array | undefined): Whole =>
    bytes === undefined ? { response } : { response, bytes };
  return found instanceof Promise ? found.then(use) : use(found);
}

async function readWhole(response: Response, length: number): Promise<Whole> {
  if (runtimeName() === "bun") return await copied(response, length);
  const reader = response.body?.getReader();
  if (reader === undefined) return { response, bytes: new Uint8Array(0) };
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  let late = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  // One that nobody waits for yet must not end the process when it fails.
  const read = () => {
    const result = reader.read();
    result.catch(() => {});
    return result;
  };
  let next = read();
  const tooLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patience);
  });
  try {
    while (size < length) {
      const result = await Promise.race([next, tooLate]);
      if (result === undefined) {
        late = true;
        break;
      }
      if (result.done) throw new Error("The body is shorter than its head says");
      parts.push(result.value);
      size += result.value.byteLength;
      // Behind the last byte as well: whoever watches the body is told of its end by a read.
      next = read();
    }
  } finally {
    clearTimeout(timer);
  }
  if (!late) {
    const bytes = joined(parts, size) as Uint8Array<ArrayBuffer>;
    return { response: new Response(bytes, response), bytes };
  }
  const rest = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const part = parts.shift();
      if (part !== undefined) return controller.enqueue(part);
      const { done, value } = await next;
      if (done) return controller.close();
      controller.enqueue(value);
      next = read();
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return { response: new Response(rest, response) };
}

/** The same for Bun, which copies a short body at a tenth of what it costs to read one in JavaScript. */
async function copied(response: Response, length: number): Promise<Whole> {
  const copy = response.clone().bytes();
  copy.catch(() => {}); // one that comes too late is nobody's any more
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patience);
  });
  try {
    const bytes = await Promise.race([copy, tooLate]);
    if (bytes === undefined) return { response };
    if (bytes.byteLength < length) throw new Error("The body is shorter than its head says");
    return { response: discreet(response), bytes };
  } finally {
    clearTimeout(timer);
  }
}

/** Bounds of a {@link Tape}, in bytes. */
export interface TapeLimits {
  /** Most bytes kept of the beginning. */
  head: number;
  /** Most bytes kept of the end, once the beginning is full. */
  tail: number;
}

/** Bytes that all tapes together may keep; what does not fit is not kept. */
export class Allowance {
  #left: number;
  /** @param bytes Most bytes at a time. */
  constructor(bytes: number) {
    this.#left = bytes;
  }
  /** False when there is not enough left. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }
  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#left += bytes;
  }
}

/** Records one body. */
export class Tape implements Observer {
  /** Chunks of the beginning. */
  readonly head: Uint8Array[] = [];
  /** When each chunk of the beginning came, by `performance.now()`. */
  readonly times: number[] = [];
  /** Bytes in {@link head}. */
  headSize = 0;
  /** Chunks of the end; they follow {@link head}, after a gap where `size` says so. */
  readonly tail: Uint8Array[] = [];
  /** Bytes in {@link tail}. */
  tailSize = 0;
  /** Bytes of the whole body. */
  size = 0;
  /** How it ended; nothing as long as it lasts. */
  ending: Ending | undefined;
  /** By `performance.now()`. */
  endedAt = 0;
  /** Chunks were left out because all tapes together held too much. */
  starved = false;
  readonly #limits: TapeLimits;
  readonly #allowance: Allowance;
  /** Called once, when the body is over; may add to its end. */
  onEnd: (() => Uint8Array | void) | undefined;
  #taken = 0;

  /** @param allowance Shared by all tapes. */
  constructor(limits: TapeLimits, allowance: Allowance) {
    this.#limits = limits;
    this.#allowance = allowance;
  }

  /** The next chunk. */
  chunk(bytes: Uint8Array): void {
    const length = bytes.byteLength;
    this.size += length;
    if (this.size === length + this.headSize && !this.starved) { // nothing was left out so far
      this.times.push(performance.now());
      const room = this.#limits.head - this.headSize;
      const part = length <= room ? bytes : bytes.subarray(0, room);
      if (part.byteLength > 0 && this.#keep(this.head, part)) this.headSize += part.byteLength;
      if (length <= room) return;
      bytes = bytes.subarray(room);
    }
    this.#toTail(bytes);
  }

  #toTail(bytes: Uint8Array): void {
    const most = this.#limits.tail;
    if (bytes.byteLength > most) bytes = bytes.subarray(bytes.byteLength - most);
    if (bytes.byteLength === 0) return;
    while (this.tail.length > 0 && this.tailSize + bytes.byteLength > most) {
      const oldest = this.tail.shift()!;
      this.tailSize -= oldest.byteLength;
      this.#taken -= oldest.byteLength;
      this.#allowance.give(oldest.byteLength);
    }
    if (this.#keep(this.tail, bytes)) this.tailSize += bytes.byteLength;
  }

  #keep(list: Uint8Array[], bytes: Uint8Array): boolean {
    if (!this.#allowance.take(bytes.byteLength)) {
      this.starved = true;
      return false;
    }
    this.#taken += bytes.byteLength;
    list.push(bytes);
    return true;
  }

  /** The body is over. */
  end(how: Ending): Uint8Array | void {
    if (this.ending !== undefined) return;
    this.ending = how;
    this.endedAt = performance.now();
    return this.onEnd?.();
  }

  /** When the byte at `offset` of the beginning had come, by `performance.now()`. */
  timeAt(offset: number): number | undefined {
    let end = 0;
    for (let i = 0; i < this.head.length; i++) {
      end += this.head[i]!.byteLength;
      if (offset < end) return this.times[i];
    }
    return undefined;
  }

  /** Beginning and end as far as they were kept, and how many bytes are missing between. */
  parts(): [head: Uint8Array, tail: Uint8Array | undefined, skipped: number] {
    return [
      this.#whole ??= joined(this.head, this.headSize),
      this.tailSize > 0 ? joined(this.tail, this.tailSize) : undefined,
      this.size - this.headSize - this.tailSize,
    ];
  }

  /** The beginning in one piece, once somebody wanted it. */
  #whole: Uint8Array | undefined;

  /** Forgets the chunks. */
  release(): void {
    this.#whole = undefined;
    this.#allowance.give(this.#taken);
    this.#taken = 0;
    this.head.length = 0;
    this.tail.length = 0;
  }
}

/** Chunks as one; no copy where there is only one. */
export function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
