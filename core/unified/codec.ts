/**
 * What a format has to be able to do, as a client's and as a provider's.
 *
 * @module
 */
import type { Event } from "../formats/frames.ts";
import type { Json } from "../formats/json.ts";
import type { ChatAnswer, ChatEvent, ChatFault, ChatFormat, ChatRequest } from "./chat.ts";
import type { Takes } from "./dialect.ts";
import type { Lost } from "./lost.ts";

/** What a request says besides its body. */
export interface Place {
  /** Model in the path, for formats that have it there. */
  model?: string;
  /** A stream by the path, for formats that say it there. */
  stream?: boolean;
}

/** Where a request goes. */
export interface Target {
  /** Slug of the provider. */
  provider: string;
  /** As the provider names it. */
  model: string;
  /** Makes up ids; the same for the same count. */
  requestId: string;
  /** Milliseconds since 1970. */
  now(): number;
  /** What the provider takes beyond its format (`Dialect.takes`). */
  takes?: readonly Takes[];
}

/** What the client asked, as far as its answer depends on it. */
export interface Asked {
  request: ChatRequest;
  /** As the client named the model. */
  model: string;
  /** Makes up ids. */
  requestId: string;
  /** Milliseconds since 1970. */
  now(): number;
}

/** Reads the events of one stream. */
export interface StreamReader {
  /** Never throws: what cannot be read is an `error` event, or nothing. */
  event(event: Event, emit: (event: ChatEvent) => void): void;
  /**
   * The body is over. Emits `end` when the stream had come to its end by its own signs, else an `error` of
   * status 502 that says it was cut; nothing when one of the two was emitted before.
   */
  end(emit: (event: ChatEvent) => void): void;
}

/** Writes one stream. */
export interface StreamWriter {
  /** Bytes to send, framed as the format wants; empty for nothing. */
  write(event: ChatEvent): string | Uint8Array;
}

/** A format. All functions are pure: state of a stream lives in its reader or writer. */
export interface ChatCodec {
  readonly format: ChatFormat;

  /**
   * A client's request. Throws a `GatewayError` (400, `Code.badRequest`) that names the member, what it is
   * and what was expected, where the request could not mean anything; lets pass what a provider may judge.
   */
  readRequest(body: Json, place: Place): ChatRequest;
  writeAnswer(answer: ChatAnswer, asked: Asked): Json;
  writeStream(asked: Asked): StreamWriter;
  /** `content-type` of its streams. */
  readonly streamType: string;
  writeFault(fault: ChatFault, requestId: string): Json;
  /**
   * A body of the format without what this gateway made up in answers, as it goes to a provider of the same
   * format; unless given, it is read and written.
   */
  withoutForeign?(body: Json): Json;
  /** How the format spells a member of {@link ChatRequest}, such as `topK` for `top_k`. */
  spelling(name: string): string;

  /**
   * The body for a provider. What it cannot carry is told to `lost` by the member's canonical name
   * (`logit_bias`, `messages.image`, `tools.web_search`, `output.schema.pattern`); `extra` of another format
   * by its own. Never changes the request.
   */
  writeRequest(request: ChatRequest, target: Target, lost: Lost): Json;
  /** Headers that the request needs, names in lower case. */
  headers?(request: ChatRequest, target: Target): Record<string, string>;
  readAnswer(body: Json, target: Target): ChatAnswer;
  readStream(target: Target): StreamReader;
  /** @param body Parsed where it is JSON, else its text. */
  readFault(status: number, body: unknown): ChatFault;
}
