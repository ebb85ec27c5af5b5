/**
 * The tape: what passed of one answer, with the time of each chunk and how it ended. Chunks are kept as
 * they are, never copied, within a bound: the beginning up to one size, the end up to another. Whoever
 * needs to know more reads it once the answer is over.
 *
 * @module
 */

import { runtimeName } from "./runtime.ts";

/** How the body of an answer ended, as far as the connection tells: `broken` may be the client, too. */
export type Ending = "closed" | "broken" | "cancelled";

/** Sees a body pass. Must not throw, must not change a chunk. */
export interface Observer {
  chunk(bytes: Uint8Array): void;
  /** Called once. */
  end(how: Ending): void;
}

/** Method of a response that a runtime can show to an observer at less cost than a Web stream. */
export const observable: unique symbol = Symbol.for("sluice.observable") as never;

/** A response that knows a cheaper way. */
export interface Observable {
  /** As {@link observe}. */
  [observable](observer: Observer): void;
  /** The body, if it is whole within that many milliseconds. The response can still be sent. */
  [wholly](patience: number): Promise<Uint8Array | undefined>;
}

/** Method of a response that can show its whole body and still be sent. */
export const wholly: unique symbol = Symbol.for("sluice.wholly") as never;

/** Milliseconds that the rest of a short body may take before its answer goes out without it. */
const patience = 10;

/**
 * The whole of a body whose length is known, if it comes right behind its head; a slow one goes on piece
 * by piece. Gives back the response to use instead. Rejects when the body breaks off meanwhile.
 *
 * @param length As declared.
 */
export async function wholeBody(
  response: Response,
  length: number,
): Promise<{ response: Response; bytes?: Uint8Array }> {
  if (wholly in response) {
    const bytes = await (response as Response & Observable)[wholly](patience);
    return bytes === undefined ? { response } : { response, bytes };
  }
  const reader = response.body?.getReader();
  if (reader === undefined) return { response, bytes: new Uint8Array(0) };
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  let late = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let next = reader.read();
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
      next = reader.read();
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
      next = reader.read();
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return { response: withBody(response, rest) };
}

/**
 * The response with another body of the same length. workerd forgets a declared length on the way through
 * JavaScript, and with it how to tell its client that the body was cut.
 */
function withBody(response: Response, body: Body): Response {
  const { FixedLengthStream } = globalThis as {
    FixedLengthStream?: new (length: number) => TransformStream<Uint8Array, Uint8Array>;
  };
  const length = response.headers.get("content-length");
  if (
    FixedLengthStream === undefined || length === null ||
    response.headers.has("content-encoding") // decoded when it is read, and encoded again
  ) return new Response(body, response);
  const { readable, writable } = new FixedLengthStream(Number(length));
  body.pipeTo(writable).catch(() => {}); // whoever reads learns of it
  return new Response(readable as Body, response);
}

/**
 * Lets the observer see the body of a response. The chunks go on as they came, at the pace of whoever
 * reads; a reader that leaves cancels the source at once. Gives back what is to be used instead.
 *
 * @param signal Of the client's request: on Workers, all that tells that the client has left.
 */
export function observe(
  response: Response,
  observer: Observer,
  signal?: AbortSignal,
): Response {
  if (observable in response) {
    (response as Response & Observable)[observable](observer);
    return response;
  }
  const { body } = response;
  if (body === null) {
    observer.end("closed");
    return response;
  }
  return withBody(response, observed(body, observer, signal));
}

type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Bytes of one read into a buffer of ours. */
const readSize = 16 * 1024;

/** A pump, tuned by CPU per event of streams of small ones. */
function observed(body: Body, observer: Observer, signal?: AbortSignal): Body {
  const runtime = runtimeName();
  // Deno: a read without a buffer of ours allocates 64 KiB each time, and costs twice as much.
  const byob = runtime === "deno" ? byobReader(body) : undefined;
  const reader = byob ?? body.getReader();
  const read = (): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> =>
    byob?.read(new Uint8Array(readSize)) as Promise<
      ReadableStreamReadResult<Uint8Array<ArrayBuffer>>
    > ?? (reader as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>).read();
  let open = true;
  const end = (how: Ending) => {
    if (open) observer.end(how);
    open = false;
  };
  // workerd cancels no stream as long as there is something to wait for, such as its end.
  if (runtime === "workers") {
    signal?.addEventListener("abort", () => {
      end("cancelled");
      reader.cancel(signal.reason).catch(() => {});
    });
  }
  return new ReadableStream({
    // Not an async function: that alone is a tenth of the cost.
    pull: (controller) =>
      read().then(({ done, value }) => {
        if (done) {
          end("closed");
          controller.close();
          return;
        }
        // A small chunk must not keep a large buffer alive.
        observer.chunk(byob === undefined || value.length > readSize / 2 ? value : value.slice());
        controller.enqueue(value);
      }, (error) => {
        end("broken");
        controller.error(error);
      }),
    cancel(reason) {
      end("cancelled");
      return reader.cancel(reason);
    },
    // Bun asks for each chunk in a turn of its own where nothing is read ahead.
  }, { highWaterMark: runtime === "bun" ? 1 : 0 });
}

/** Nothing for streams that are not made of bytes, such as those of plugins. */
function byobReader(body: Body): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    return undefined;
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
  /** Called once, when the body is over. */
  onEnd: (() => void) | undefined;
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
  end(how: Ending): void {
    if (this.ending !== undefined) return;
    this.ending = how;
    this.endedAt = performance.now();
    this.onEnd?.();
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

  /** Forgets the chunks. */
  release(): void {
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
