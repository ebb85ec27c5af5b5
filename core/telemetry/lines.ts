/**
 * A line of JSON for each request, for those who collect what a process prints.
 *
 * @module
 */
import { unref } from "../settler.ts";

/** What a line says; `null` is "not known". */
export interface RequestLine {
  time: string;
  level: "info" | "warn" | "error";
  message: "request";
  gateway: string;
  method: string;
  path: string;
  status: number;
  duration_ms: number;
  overhead_ms: number;
  request_id: string;
  event_id: string;
  log_id: string | null;
  trace_id: string | null;
  provider: string | null;
  model: string | null;
  attempts: number;
  streamed: boolean;
  end: string;
  cache: string | null;
  tokens_in: number | null;
  tokens_out: number | null;
  cost: number | null;
  key_id: string | null;
  error: string | null;
}

/** Milliseconds that lines wait for company: a write to a pipe blocks. */
const pause = 100;
/** Characters that are written at once. */
const most = 64 * 1024;

/** Prints lines, some at a time. */
export class Lines {
  readonly #print: (text: string) => void;
  readonly #immediate: boolean;
  #text = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param immediate Nothing may wait (Workers). */
  constructor(print: (text: string) => void, immediate: boolean) {
    this.#print = print;
    this.#immediate = immediate;
  }

  /** Takes a line. */
  push(line: RequestLine): void {
    const text = JSON.stringify(line);
    this.#text += this.#text === "" ? text : `\n${text}`;
    if (this.#immediate || this.#text.length > most) this.flush();
    else this.#timer ??= unref(setTimeout(() => this.flush(), pause));
  }

  /** Prints what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#text;
    this.#text = "";
    if (text !== "") this.#print(text);
  }
}
