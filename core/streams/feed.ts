/**
 * Bodies that are pushed: what a cache plays, and what several clients read at once. A runtime turns one
 * into an answer its own way ({@link Respond}), and gives up an answer's body as one where it can do so
 * without a Web stream between.
 *
 * @module
 */
import { byobReader } from "./observe.ts";
import { runtimeName } from "../runtime.ts";

/** Where chunks go. Must not throw, must not change a chunk. */
export interface Sink {
  /** False asks for a pause, which ends with {@link Feed.resume}. */
  data(chunk: Uint8Array): boolean;
  end(): void;
  fail(error: Error): void;
}

/** A body for one sink. */
export interface Feed {
  /** Called once; chunks may come before it returns. */
  attach(sink: Sink): void;
  /** The sink has room again. */
  resume(): void;
  /** The sink is gone: nothing comes any more. */
  abort(why: string): void;
}

/** Status and headers of an answer. */
export interface Head {
  status: number;
  statusText?: string;
  headers: Headers | Record<string, string>;
}

/** Makes an answer of a head and a body. When the client leaves, the feed is aborted. */
export type Respond = (head: Head, body: Uint8Array | Feed, client: Request) => Response;

/** Method of a response that gives up its body as a feed; nothing where it is a Web stream already. */
export const feeding: unique symbol = Symbol.for("sluice.feeding") as never;

/** A response that knows a cheaper way. */
export interface Feeding {
  [feeding](): Feed | undefined;
}

/** The body of a response, which cannot be used otherwise any more. */
export function feedOf(response: Response): Feed {
  const cheap = feeding in response ? (response as Response & Feeding)[feeding]() : undefined;
  return cheap ?? new WebFeed(response);
}

type Chunk = ReadableStreamReadResult<Uint8Array<ArrayBuffer>>;

/** Bytes of one read into a buffer of ours. */
const readSize = 16 * 1024;

/** A Web stream, read as fast as its sink takes it. */
class WebFeed implements Feed {
  /** On Deno a response that is collected can no longer be cancelled. */
  readonly #response: Response;
  readonly #read: (() => Promise<Chunk>) | undefined;
  readonly #cancel: (why: string) => Promise<void> = () => Promise.resolve();
  #sink: Sink | undefined;
  #reading = false;
  #over = false;

  constructor(response: Response) {
    this.#response = response;
    const { body } = response;
    if (body === null) return;
    // A read without a buffer of ours costs twice as much there.
    const byob = runtimeName() === "deno" ? byobReader(body) : undefined;
    if (byob !== undefined) {
      this.#read = () => byob.read(new Uint8Array(readSize)) as Promise<Chunk>;
      this.#cancel = (why) => byob.cancel(why);
      return;
    }
    const reader = body.getReader();
    this.#read = () => reader.read();
    this.#cancel = (why) => reader.cancel(why);
  }

  attach(sink: Sink): void {
    this.#sink = sink;
    this.resume();
  }

  resume(): void {
    const sink = this.#sink;
    if (this.#reading || this.#over || sink === undefined) return;
    if (this.#read === undefined) {
      this.#over = true;
      return sink.end();
    }
    this.#reading = true;
    this.#read().then(({ done, value }) => {
      this.#reading = false;
      if (this.#over) return;
      if (done) {
        this.#over = true;
        return sink.end();
      }
      // A small chunk must not keep a large buffer alive.
      const own = value.buffer.byteLength > 2 * value.byteLength ? value.slice() : value;
      if (sink.data(own)) this.resume();
    }, (error) => {
      this.#reading = false;
      if (this.#over) return;
      this.#over = true;
      sink.fail(error instanceof Error ? error : new Error("The body broke off"));
    });
  }

  abort(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancel(why).catch(() => {});
    void this.#response;
  }
}

/** An answer as the Web has it. */
export const webRespond: Respond = (head, body) => {
  if (body instanceof Uint8Array) return new Response(body as Uint8Array<ArrayBuffer>, head);
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      body.attach({
        data(chunk) {
          controller.enqueue(chunk);
          return (controller.desiredSize ?? 0) > 0;
        },
        end: () => controller.close(),
        fail: (error) => controller.error(error),
      });
    },
    pull: () => body.resume(),
    cancel: () => body.abort("The client left"),
  });
  return new Response(stream as BodyInit, head);
};
