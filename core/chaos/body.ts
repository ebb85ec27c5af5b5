/**
 * Faults in the body of an answer. The body stays a stream: what nobody reads is not asked for, and who
 * leaves ends its source.
 *
 * @module
 */
import type { FormatName } from "../provider.ts";
import { awsException } from "../streams/aws-exception.ts";
import { errorEvent, streamShape } from "../streams/error-event.ts";
import { joined } from "../streams/tape.ts";
import { eventsOf } from "./events.ts";
import type { Fault } from "./fault.ts";

/** The body of an answer. */
export type Body = ReadableStream<Uint8Array<ArrayBuffer>>;

/** What is known of it. */
export interface About {
  contentType: string;
  /** After the provider's slug, no query. */
  path: string;
  format: FormatName | undefined;
  /** End the exchange. */
  signals: readonly AbortSignal[];
}

/** What becomes of a body once a fault strikes. */
type Verdict = "cut" | "stall" | "end";

/** One fault at work on a body. */
interface Stage {
  /** Hands on what is to be of a chunk; a verdict is the last thing that it gives. */
  (bytes: Uint8Array): Verdict | void | Promise<Verdict | void>;
}

type Emit = (bytes: Uint8Array) => void;

/** The body with a fault; those that are not of bodies leave it as it is. */
export function withFault(body: Body, fault: Fault, about: About): Body {
  switch (fault.type) {
    case "cut":
    case "stall":
    case "end":
    case "malformed":
    case "error":
      return through(body, about, (emit) => struck(fault, about, emit));
    case "slow":
      return through(
        body,
        about,
        (emit) => slowed(fault.bytes ?? 16, fault.ms ?? 100, about, emit),
      );
    case "truncate":
      return through(body, about, (emit) => truncated(fault.bytes ?? 10, emit));
    default:
      return body;
  }
}

function through(body: Body, { signals }: About, build: (emit: Emit) => Stage): Body {
  const reader = body.getReader();
  let out!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  let emitted = false;
  let over = false;
  const stage = build((bytes) => {
    if (bytes.length === 0) return;
    emitted = true;
    out.enqueue(bytes as Uint8Array<ArrayBuffer>);
  });
  const leave = (reason: unknown) => void reader.cancel(reason).catch(() => {});
  const carryOut = (verdict: Verdict | void) => {
    if (verdict === undefined) return;
    over = true;
    if (verdict === "stall") {
      // The source goes on waiting, as a connection would.
      onAbort(signals, (reason) => {
        leave(reason);
        try {
          out.error(reason);
        } catch {
          // Already cancelled.
        }
      });
      return;
    }
    leave(new Error("chaos"));
    if (verdict === "end") out.close();
    else out.error(Object.assign(new TypeError("terminated"), { code: "ECONNRESET" }));
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => void (out = controller),
    async pull() {
      emitted = false;
      while (!emitted && !over) {
        const { done, value } = await reader.read();
        if (done) return out.close();
        carryOut(await stage(value));
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

type Placed = Extract<Fault, { type: "cut" | "stall" | "end" | "malformed" | "error" }>;

/** Something happens in one place; in the middle of the first piece where a body has no events. */
function struck(fault: Placed, about: About, emit: Emit): Stage {
  const { contentType, path } = about;
  const bytes = "bytes" in fault ? fault.bytes : undefined;
  const isStream = streamShape(contentType, path) !== undefined;
  const events = eventsOf(contentType, path);
  let left = bytes ?? fault.events ?? 1;
  let over = false;
  let last: Uint8Array | undefined;

  function placeIn(chunk: Uint8Array): number | undefined {
    if (over) return undefined;
    if (bytes === undefined && !isStream) return fault.type === "error" ? 0 : chunk.length >> 1;
    if (left === 0) return 0;
    if (bytes !== undefined) {
      if (chunk.length >= left) return left;
      left -= chunk.length;
      return undefined;
    }
    const ends = events.ends(chunk);
    if (ends.length >= left) return ends[left - 1];
    left -= ends.length;
    return undefined;
  }

  return (chunk) => {
    const at = placeIn(chunk);
    if (at === undefined) {
      last = chunk;
      return emit(chunk);
    }
    over = true;
    if (at > 0) emit(last = chunk.subarray(0, at));
    switch (fault.type) {
      case "malformed":
        emit(malformed(about));
        return emit(chunk.subarray(at));
      case "error":
        emit(errorOf(about, last));
        return "end";
      default:
        return fault.type;
    }
  };
}

const encoder = new TextEncoder();

function malformed({ contentType, path }: About): Uint8Array {
  const broken = '{"choices":[{"delta":{"content":"Hel';
  switch (streamShape(contentType, path)) {
    case "sse":
      return encoder.encode(`data: ${broken}\n\n`);
    case "aws": {
      const message = awsException("chaos", {});
      message[message.length - 1]! ^= 0xff; // its checksum
      return message;
    }
    case "list":
      return encoder.encode(`,\n${broken}`);
    default:
      return encoder.encode(`${broken}\n`);
  }
}

/** As the provider would put it; of a body that is no stream, an error with status 200. */
function errorOf(about: About, tail: Uint8Array | undefined): Uint8Array {
  const what = { code: "overloaded", message: "The model is overloaded (chaos)" };
  const event = errorEvent({ ...about, tail }, what);
  return event ?? encoder.encode(JSON.stringify({ error: { ...what, type: "api_error" } }));
}

function slowed(size: number, ms: number, { signals }: About, emit: Emit): Stage {
  return async (bytes) => {
    for (let at = 0; at < bytes.length; at += Math.max(size, 1)) {
      await pause(ms, signals);
      emit(bytes.subarray(at, at + Math.max(size, 1)));
    }
  };
}

/** Holds back as many bytes as are to be missing. */
function truncated(size: number, emit: Emit): Stage {
  let held = new Uint8Array(0);
  return (bytes) => {
    const all = joined([held, bytes], held.length + bytes.length);
    const cut = Math.max(0, all.length - size);
    if (cut > 0) emit(all.subarray(0, cut));
    held = all.slice(cut);
  };
}

/** Waits; rejects with the reason of the first signal that ends the exchange. */
export function pause(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const off = onAbort(signals, (reason) => {
      clearTimeout(timer);
      reject(reason);
    });
    const timer = setTimeout(() => {
      off();
      resolve();
    }, ms);
  });
}

/** Calls back once, also for a signal that has been aborted before; gives back what ends the listening. */
function onAbort(signals: readonly AbortSignal[], run: (reason: unknown) => void): () => void {
  const listeners = signals.map((signal) => ({
    signal,
    listen: () => {
      off();
      run(signal.reason);
    },
  }));
  const off = () => {
    for (const { signal, listen } of listeners) signal.removeEventListener("abort", listen);
  };
  for (const { signal, listen } of listeners) {
    if (signal.aborted) {
      queueMicrotask(listen);
      break;
    }
    signal.addEventListener("abort", listen);
  }
  return off;
}
