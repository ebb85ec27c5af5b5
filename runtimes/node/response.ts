/**
 * A Web `Response` over an undici exchange. Its chunks go to the client's socket as they come, with
 * no Web stream between, unless somebody asks for one.
 *
 * @module
 */
import type { ServerResponse } from "node:http";
import type { Dispatcher } from "undici";
import {
  both,
  type Ending,
  type Observable,
  observable,
  observe,
  type Observer,
  wholly,
} from "../../core/streams/observe.ts";
import { type Feed, type Feeding, feeding } from "../../core/streams/feed.ts";
import { type Droppable, droppable, rest } from "../../core/streams/drop.ts";
import { type Look, type Peekable, peekable } from "../../core/streams/look.ts";
import { joined } from "../../core/streams/tape.ts";
import { NodeHeaders } from "./headers.ts";

/** Where chunks go. */
export interface Sink {
  /** False asks for a pause, which ends with {@link Answer.resume}. */
  data(chunk: Uint8Array): boolean;
  end(trailers: Record<string, string | string[]>): void;
  fail(error: Error): void;
}

/** Most bytes kept for a reader that has not come yet. */
const earlyLimit = 64 * 1024;

/** One exchange as undici reports it: holds what came early, then feeds one sink. */
export class Answer implements Dispatcher.DispatchHandler {
  readonly #resolve: (response: UpstreamResponse) => void;
  readonly #reject: (error: Error) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #started = false;
  #done = false;
  #aborted: Error | undefined;
  /** How it ends once {@link #aborted}. */
  #ending: Ending = "cancelled";
  readonly #leave: (() => void)[] = [];
  #sink: Sink | undefined;
  #observer: Observer | undefined;
  #look: Look | undefined;
  /** What an observer adds to the body; with it, the body ends cleanly. */
  #last: Uint8Array | undefined;
  #whole: { resolve(): void; reject(error: Error): void } | undefined;
  #early: Uint8Array[] = [];
  #earlySize = 0;
  #trailers: Record<string, string | string[]> | undefined;
  #error: Error | undefined;

  constructor(resolve: (response: UpstreamResponse) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted) controller.abort(this.#aborted);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[]>,
    statusText?: string,
  ): void {
    if (status < 200) return; // interim answers are for this hop
    this.#started = true;
    this.#resolve(new UpstreamResponse(this, status, statusText ?? "", new NodeHeaders(headers)));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#observer?.chunk(chunk);
    if (this.#look?.chunk(chunk)) this.#look = undefined;
    if (this.#sink) {
      if (!this.#sink.data(chunk)) controller.pause();
      return;
    }
    this.#early.push(chunk);
    this.#earlySize += chunk.byteLength;
    if (this.#earlySize > earlyLimit) controller.pause();
  }

  onResponseEnd(
    _controller: Dispatcher.DispatchController,
    trailers: Record<string, string | string[]>,
  ): void {
    this.#finish();
    this.#trailers = trailers;
    this.#ending = "closed";
    this.#last = this.#observer?.end("closed") ?? undefined;
    this.#whole?.resolve();
    this.#look?.end("closed");
    if (this.#sink) this.#end(this.#sink);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish();
    this.#error = error;
    if (this.#aborted === undefined) this.#ending = "broken";
    this.#last = this.#observer?.end(this.#ending) ?? undefined;
    if (!this.#started) this.#reject(error);
    else if (this.#sink) this.#end(this.#sink);
    this.#whole?.reject(error);
    this.#look?.end(this.#ending);
  }

  #end(sink: Sink): void {
    if (this.#error !== undefined && this.#last === undefined) return sink.fail(this.#error);
    if (this.#last !== undefined && this.#last.length > 0) sink.data(this.#last);
    sink.end(this.#trailers ?? {});
  }

  /** Shows the body to an observer: what came early, then what comes. */
  observe(observer: Observer): void {
    const waiting = () => !this.#controller?.paused;
    observer.begin?.({
      get waiting() {
        return waiting();
      },
    });
    for (const chunk of this.#early) observer.chunk(chunk);
    if (!this.#done) this.#observer = both(this.#observer, observer);
    else {
      const last = observer.end(this.#ending) ?? undefined;
      this.#last ??= last;
    }
  }

  /** Shows the beginning: what came early, then what comes, until enough was seen. */
  peek(look: Look): void {
    for (const chunk of this.#early) if (look.chunk(chunk)) return;
    if (this.#done) look.end(this.#ending);
    else this.#look = look;
  }

  /** What is left is read if it is short: the connection can then serve again. */
  drop(): void {
    if (this.#done) return;
    const stop = () => this.abort("Nobody wants the answer", "dropped");
    const timer = setTimeout(stop, rest.ms);
    timer.unref();
    const over = () => clearTimeout(timer);
    let size = 0;
    this.attach({
      data(chunk) {
        size += chunk.byteLength;
        if (size > rest.bytes) stop();
        return true;
      },
      end: over,
      fail: over,
    });
  }

  /** The body, if all of it came with its head, which is how most short ones come. */
  early(): Uint8Array | undefined {
    return this.#done && !this.#error ? joined(this.#early, this.#earlySize) : undefined;
  }

  /** The body, if it is whole within that many milliseconds. Only for bodies below {@link earlyLimit}. */
  async wholly(patience: number): Promise<Uint8Array | undefined> {
    if (!this.#done) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve, reject) => {
        this.#whole = { resolve, reject };
        timer = setTimeout(resolve, patience);
      }).finally(() => clearTimeout(timer));
      this.#whole = undefined;
    }
    if (this.#error) throw this.#error;
    return this.#done ? joined(this.#early, this.#earlySize) : undefined;
  }

  /** Takes the sink, hands it what came early, then what comes. */
  attach(sink: Sink): void {
    this.#sink = sink;
    const early = this.#early;
    this.#early = [];
    let room = true;
    for (const chunk of early) room = sink.data(chunk);
    if (this.#done) this.#end(sink);
    else if (room) this.resume();
    else this.#controller?.pause();
  }

  /** The only chunk of an answer that is already whole, so that it can leave in one write. */
  takeWhole(): Uint8Array | undefined {
    if (!this.#done || this.#error || this.#last || this.#early.length !== 1) return undefined;
    for (const _name in this.#trailers) return undefined;
    return this.#early.pop();
  }

  resume(): void {
    if (this.#controller?.paused) this.#controller.resume();
  }

  /** True once nothing more will come. */
  get done(): boolean {
    return this.#done;
  }

  /** Closes the upstream; nothing happens once the answer is whole. */
  abort(why: string, ending: Ending = "cancelled"): void {
    if (this.#done || this.#aborted) return;
    this.#aborted = new Error(why);
    this.#ending = ending;
    if (this.#controller) this.#controller.abort(this.#aborted); // reports back as an error
    else {
      this.#finish();
      this.#reject(this.#aborted);
    }
  }

  /** Aborts with a signal, for as long as the exchange lasts: a signal may outlive many of them. */
  follow(signal: AbortSignal, ending: Ending): void {
    const abort = () => this.abort("Aborted", ending);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort);
    this.#leave.push(() => signal.removeEventListener("abort", abort));
  }

  /** Aborts when the client's connection closes. One request may have many exchanges. */
  followClient(outgoing: ServerResponse): void {
    const abort = () => this.abort("The client left");
    outgoing.once("close", abort);
    this.#leave.push(() => outgoing.off("close", abort));
  }

  #finish(): void {
    this.#done = true;
    for (const leave of this.#leave) leave();
  }
}

/** What the transport answers with. */
export class UpstreamResponse implements Observable, Peekable, Droppable, Feeding {
  readonly status: number;
  readonly statusText: string;
  readonly headers: NodeHeaders;
  readonly url = "";
  readonly redirected = false;
  readonly type = "default";
  #answer: Answer | undefined;
  #web: Response | undefined;

  constructor(answer: Answer, status: number, statusText: string, headers: NodeHeaders) {
    this.#answer = answer;
    this.status = status;
    this.statusText = statusText;
    this.headers = headers;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The exchange, for who feeds it to a socket; nothing if the body has been asked for. */
  take(): Answer | undefined {
    const answer = this.#answer;
    this.#answer = undefined;
    return answer;
  }

  [observable](observer: Observer): void {
    if (this.#answer !== undefined) this.#answer.observe(observer);
    else if (this.#web !== undefined) this.#web = observe(this.#web, observer);
  }

  [feeding](): Feed | undefined {
    return this.take();
  }

  [peekable](look: Look): void {
    this.#answer?.peek(look);
  }

  [droppable](): void {
    const answer = this.take();
    if (answer !== undefined) answer.drop();
    else this.#web?.body?.cancel().catch(() => {});
  }

  [wholly](patience: number): Uint8Array | Promise<Uint8Array | undefined> {
    if (this.#answer === undefined) return new Uint8Array(0);
    return this.#answer.early() ?? this.#answer.wholly(patience);
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    return this.#native.body;
  }

  get bodyUsed(): boolean {
    return this.#web?.bodyUsed ?? this.#answer === undefined;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    return this.#native.arrayBuffer();
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#native.bytes();
  }

  text(): Promise<string> {
    return this.#native.text();
  }

  json(): Promise<unknown> {
    return this.#native.json();
  }

  blob(): Promise<Blob> {
    return this.#native.blob();
  }

  formData(): Promise<FormData> {
    return this.#native.formData();
  }

  clone(): Response {
    return this.#native.clone();
  }

  /** What `console.log` shows; the platform's own would look for a platform response. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `UpstreamResponse { status: ${this.status} }`;
  }

  /** The platform's own, once somebody wants the body as a Web stream. */
  get #native(): Response {
    if (this.#web === undefined) {
      const answer = this.take();
      const empty = answer === undefined || [204, 205, 304].includes(this.status);
      if (empty) answer?.attach({ data: () => true, end() {}, fail() {} });
      this.#web = new Response(empty ? null : toWeb(answer), {
        status: this.status,
        statusText: reasonPhrase(this.statusText),
        headers: [...this.headers],
      });
    }
    return this.#web;
  }
}

Object.setPrototypeOf(UpstreamResponse.prototype, Response.prototype);

/** A reason phrase that may be written, or none: HTTP allows bytes there that Node does not. */
export function reasonPhrase(text: string): string {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text) ? text : "";
}

function toWeb(answer: Answer): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    start(controller) {
      answer.attach({
        data(chunk) {
          controller.enqueue(chunk);
          return (controller.desiredSize ?? 0) > 0;
        },
        end: () => controller.close(),
        fail: (error) => controller.error(error),
      });
    },
    pull: () => answer.resume(),
    cancel: () => answer.abort("The body was cancelled"),
  });
}
