/**
 * Seeing a body pass: who looks at it sees the chunks as they came, at the pace of whoever reads, and may
 * add to its end.
 *
 * @module
 */
import { runtimeName } from "../runtime.ts";

/**
 * How the body of an answer ended, as far as the connection tells: `broken` may be the client, too, or the
 * attempt's signal. `dropped`: the gateway itself had no use for the rest.
 */
export type Ending = "closed" | "broken" | "cancelled" | "dropped";

/** Sees a body pass. Must not throw, must not change a chunk. */
export interface Observer {
  /** Before anything else. */
  begin?(source: Source): void;
  chunk(bytes: Uint8Array): void;
  /**
   * Called once. What it gives back is sent behind what came, and then the body ends cleanly, even if
   * that is an empty array; without it the body ends as it did.
   */
  end(how: Ending): Uint8Array | void;
}

/** Where an observed body comes from. */
export interface Source {
  /** False while nobody asks for more, because the client is slow. */
  readonly waiting: boolean;
}

/** Two observers of one body, of which either may be missing. The second is not shown what the first adds. */
export function both(
  first: Observer | undefined,
  second: Observer | undefined,
): Observer | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return {
    begin(source) {
      first.begin?.(source);
      second.begin?.(source);
    },
    chunk(bytes) {
      first.chunk(bytes);
      second.chunk(bytes);
    },
    end(how) {
      const last = first.end(how);
      if (last === undefined) return second.end(how);
      // What is added was no part of the provider's answer.
      second.end(last.length === 0 ? "closed" : "broken");
      return last;
    },
  };
}

/** Method of a response that a runtime can show to an observer at less cost than a Web stream. */
export const observable: unique symbol = Symbol.for("sluice.observable") as never;

/** A response that knows a cheaper way. */
export interface Observable {
  /** As {@link observe}. */
  [observable](observer: Observer): void;
  /** The body, if it is whole within that many milliseconds. The response can still be sent. */
  [wholly](patience: number): Uint8Array | Promise<Uint8Array | undefined>;
}

/** Method of a response that can show its whole body and still be sent. */
export const wholly: unique symbol = Symbol.for("sluice.wholly") as never;

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
  return withBody(response, streamOf(pumpOf(body, observer, signal)));
}

/** Bytes of an answer. */
export type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Bytes of one read into a buffer of ours. */
const readSize = 16 * 1024;

/** What a pump writes to: the controller of a stream. */
export interface Out {
  enqueue(chunk: Uint8Array<ArrayBuffer>): void;
  close(): void;
  error(error: unknown): void;
}

/** The source of a stream. */
export interface Pump {
  pull(out: Out): Promise<void>;
  cancel(reason: unknown): Promise<void>;
}

/** Shows chunks to an observer; tuned by CPU per event of streams of small ones. */
export function pumpOf(body: Body, observer: Observer, signal?: AbortSignal): Pump {
  const runtime = runtimeName();
  // Deno: a read without a buffer of ours allocates 64 KiB each time, and costs twice as much.
  const byob = runtime === "deno" ? byobReader(body) : undefined;
  const reader = byob ?? body.getReader();
  /** A new one for each read would cost as much as the rest of it. */
  let buffer: ArrayBuffer | undefined;
  const read = (): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> =>
    byob?.read(new Uint8Array(buffer ?? new ArrayBuffer(readSize))) as Promise<
      ReadableStreamReadResult<Uint8Array<ArrayBuffer>>
    > ?? (reader as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>).read();
  /** A small chunk does not keep the buffer, which the next read gets. */
  const owned = (chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    if (byob === undefined) return chunk;
    const small = chunk.length <= readSize / 2;
    buffer = small && chunk.buffer.byteLength === readSize ? chunk.buffer : undefined;
    return small ? chunk.slice() : chunk;
  };
  let open = true;
  let waiting = false;
  observer.begin?.({
    get waiting() {
      return waiting;
    },
  });
  const end = (how: Ending) => {
    if (!open) return undefined;
    open = false;
    return observer.end(how) as Uint8Array<ArrayBuffer> | undefined;
  };
  const finish = (out: Out, last: Uint8Array<ArrayBuffer> | undefined) => {
    if (last !== undefined && last.length > 0) out.enqueue(last);
    out.close();
  };
  // workerd cancels no stream as long as there is something to wait for, such as its end.
  if (runtime === "workers" && signal !== undefined) {
    const leave = () => {
      end("cancelled");
      reader.cancel(signal.reason).catch(() => {});
    };
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave);
  }
  return {
    // Not an async function: that alone is a tenth of the cost.
    pull(out) {
      waiting = true;
      return read().then(({ done, value }) => {
        waiting = false;
        if (done) return finish(out, end("closed"));
        const chunk = owned(value);
        observer.chunk(chunk);
        out.enqueue(chunk);
      }, (error) => {
        const last = end("broken");
        if (last === undefined) {
          out.error(runtime === "bun" ? new Error("The body broke off") : error);
        } else finish(out, last);
      });
    },
    cancel(reason) {
      end(reason === unwanted ? "dropped" : "cancelled");
      return reader.cancel(reason);
    },
  };
}

/** The pumps of streams that have not been sent yet; Workers only. */
const pumps = new WeakMap<Body, Pump>();

/** The stream of a pump. */
export function streamOf(pump: Pump): Body {
  const runtime = runtimeName();
  // Bun asks for each chunk in a turn of its own where nothing is read ahead.
  const body: Body = new ReadableStream(pump, { highWaterMark: runtime === "bun" ? 1 : 0 });
  if (runtime === "workers") pumps.set(body, pump);
  return body;
}

/** The response with another body of the same length. */
export function withBody(response: Response, body: Body): Response {
  const same = pumps.has(body) ? body : ofLength(body, lengthOf(response));
  return discreet(new Response(same, response));
}

/** What is encoded is decoded when it is read, and encoded again. */
function lengthOf({ headers }: Response): string | null {
  return headers.has("content-encoding") ? null : headers.get("content-length");
}

/**
 * An answer as it leaves the gateway. workerd lets chunks lie that it takes out of a stream of ours, 50 to
 * 90 MB of each GB; what is written into a stream of its own it frees.
 *
 * @param direct Nobody but the platform reads it: whoever cancels a stream of workerd's own is noticed only
 * with the next chunk, and it is the signal of the request that tells of a client.
 */
export function sendable(response: Response, direct: boolean): Response {
  const body = response.body as Body | null;
  const pump = body === null || body.locked ? undefined : pumps.get(body);
  if (pump === undefined) return response;
  const length = lengthOf(response);
  if (length === null && !direct) return response;
  const { FixedLengthStream, IdentityTransformStream } = globalThis as unknown as WorkersStreams;
  const { readable, writable } = length === null
    ? new IdentityTransformStream()
    : new FixedLengthStream(Number(length));
  run(pump, writable);
  const sent = new Response(readable, response);
  return tells in response ? Object.assign(sent, { [tells]: true }) : sent;
}

interface WorkersStreams {
  FixedLengthStream: new (length: number) => TransformStream<Uint8Array, Uint8Array>;
  IdentityTransformStream: new () => TransformStream<Uint8Array, Uint8Array>;
}

/** Reads the next chunk once the one before was taken. */
function run(pump: Pump, writable: WritableStream<Uint8Array>): void {
  const writer = writable.getWriter();
  const ignore = () => {};
  writer.closed.catch(ignore); // a write tells as well
  let open = true;
  let written: Promise<void> | undefined;
  const out: Out = {
    enqueue: (chunk) => void (written = writer.write(chunk)),
    close() {
      open = false;
      writer.close().catch(ignore);
    },
    error(error) {
      open = false;
      writer.abort(error).catch(ignore);
    },
  };
  const taken = () => written;
  const next = () => {
    if (open) pump.pull(out).then(taken).then(next, left);
  };
  const left = (reason: unknown) => pump.cancel(reason).catch(ignore);
  next();
}

/** Member of a response whose body, when it fails, does so with an error that holds no URL. */
export const tame: unique symbol = Symbol.for("sluice.tame") as never;

/** Says so of a response, where it matters: Bun prints the error with which a body fails. */
export function discreet(response: Response): Response {
  return runtimeName() === "bun" ? Object.assign(response, { [tame]: true }) : response;
}

/**
 * A body with its declared length. workerd forgets it on the way through JavaScript, and with it how to
 * tell whoever gets the body that it was cut.
 */
export function ofLength(
  body: ReadableStream<Uint8Array>,
  length: string | null | undefined,
): Body {
  const { FixedLengthStream } = globalThis as Partial<WorkersStreams>;
  if (FixedLengthStream === undefined || typeof length !== "string") return body as Body;
  const { readable, writable } = new FixedLengthStream(Number(length));
  body.pipeTo(writable).catch(() => {}); // whoever reads learns of it
  return readable as Body;
}

/** Nothing for streams that are not made of bytes, such as those of plugins. */
export function byobReader(body: Body): ReadableStreamBYOBReader | undefined {
  try {
    return body.getReader({ mode: "byob" });
  } catch {
    return undefined;
  }
}

/** The reason with which a body is cancelled that nobody wants. */
export const unwanted: Error = new Error("Nobody wants the answer");

/** Member of a response whose stream says by itself when it breaks off. */
export const tells: unique symbol = Symbol.for("sluice.tells") as never;
