/**
 * A provider's answer as one of the client's format: whole, as a stream, or as an error.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { Code, GatewayError } from "../error.ts";
import { type Feed, feedOf, type Sink } from "../streams/feed.ts";
import type { Event } from "../formats/frames.ts";
import { type Json, object, parse } from "../formats/json.ts";
import { assemble } from "./assemble.ts";
import { exactly } from "./exact.ts";
import type { ChatAnswer, ChatEvent, ChatFault, ChatFormat, Part } from "./chat.ts";
import type { Asked, ChatCodec, StreamReader, StreamWriter, Target } from "./codec.ts";
import type { ResponsesWriter } from "./codecs/openai-responses.ts";
import { eventsOf } from "./events.ts";
import { type Framer, framerFor } from "./framing.ts";
import { headersFrom } from "./headers.ts";
import { withClientName, withClientNames } from "./tool-names.ts";
import { wholeBytes, wholeText } from "./whole.ts";

/** Between which formats, and of which request. */
export interface Translation {
  from: ChatCodec;
  to: ChatCodec;
  target: Target;
  asked: Asked;
  /** What the provider calls tools that the client calls otherwise. */
  names?: ReadonlyMap<string, string>;
  /** Told of the answer as the client gets it, once it is whole (Responses). */
  onWhole?: (body: Json) => Promise<void>;
}

const encoder = new TextEncoder();

/** The answer in the client's format. Its headers are the provider's, but for those of the body. */
export async function translated(
  ctx: Context,
  response: Response,
  how: Translation,
): Promise<Response> {
  if (!response.ok) return await faultAnswer(ctx, response, how.from, how.to);
  const { from, to, target, asked } = how;
  const type = response.headers.get("content-type") ?? "";
  const streams = asked.request.stream;
  if (isStream(type)) {
    if (streams) return streamed(ctx, response, type, how);
    // Some providers stream what nobody asked to be streamed.
    return await assembled(ctx, response, type, how);
  }
  const text = await wholeText(response);
  const body = object(exactly(text));
  let fault: ChatFault | undefined;
  if (body === undefined || isFault(body)) {
    fault = from.readFault(response.status, body ?? text);
    if (fault.status < 400) fault = { ...fault, status: 502 };
    return faultResponse(response, fault, to, ctx.requestId);
  }
  if (!holdsAnswer(body, from.format)) throw unreadable(target);
  let answer;
  try {
    answer = from.readAnswer(body, target);
  } catch (cause) {
    throw unreadable(target, cause);
  }
  // An empty list says neither what the model answered nor why it did not.
  if (!answer.choices.some(({ index }) => index === 0)) throw unreadable(target);
  if (how.names !== undefined) answer = withClientNames(answer, how.names);
  const headers = headersFrom(response);
  if (!streams) {
    const written = to.writeAnswer(answer, asked);
    await how.onWhole?.(written);
    const lost = lostIn(answer, to.format);
    if (lost.length > 0) headers.set("x-sluice-dropped", lost.join(","));
    headers.set("content-type", "application/json");
    const bytes = encoder.encode(JSON.stringify(written));
    return ctx.host.respond({ status: response.status, headers }, bytes, ctx.request);
  }
  const writer = writerOf(how);
  headers.set("content-type", to.streamType);
  const parts: Uint8Array[] = [];
  for (const event of eventsOf(answer)) {
    const bytes = writer.write(event);
    parts.push(typeof bytes === "string" ? encoder.encode(bytes) : bytes);
  }
  return new Response(new Blob(parts as Uint8Array<ArrayBuffer>[]).stream() as BodyInit, {
    status: response.status,
    headers,
  });
}

/** What formats have no words for in an answer. */
const unsayable: Readonly<Partial<Record<ChatFormat, readonly Part["type"][]>>> = {
  "openai-chat": ["document", "video"],
  "openai-responses": ["document", "video"],
  "anthropic-messages": ["audio"],
  "cohere-v2": ["image", "audio", "document", "video"],
};

/** What the client does not get of a whole answer; the head of a stream is gone before it is known. */
function lostIn({ choices }: ChatAnswer, format: ChatFormat): string[] {
  const types = choices.flatMap(({ parts }) => parts.map(({ type }) => type));
  return (unsayable[format] ?? []).filter((type) => types.includes(type))
    .map((type) => `answer.${type}`);
}

/** Where these formats have what the model said; the readers of the others tell themselves. */
const saidIn: Readonly<Partial<Record<ChatFormat, string>>> = {
  "openai-responses": "output",
  "anthropic-messages": "content",
  "bedrock-converse": "output",
  "cohere-v2": "message",
};

function holdsAnswer(body: Json, from: ChatFormat): boolean {
  const name = saidIn[from];
  return name === undefined || typeof body[name] === "object" && body[name] !== null;
}

/** An error body where an answer was expected. */
function isFault(body: Json): boolean {
  if (body.status === "failed" && object(body.error) !== undefined) return true;
  if ("choices" in body || "output" in body || "candidates" in body || "content" in body) {
    return false;
  }
  // Amazon's and Cohere's are a message alone.
  return object(body.error) !== undefined || typeof body.error === "string" ||
    typeof (body.message ?? body.Message) === "string";
}

function isStream(type: string): boolean {
  return /^(?:text\/event-stream|application\/(?:vnd\.amazon\.eventstream|x-ndjson|ndjson|stream\+json))/i
    .test(type);
}

function unreadable(target: Target, cause?: unknown): GatewayError {
  return new GatewayError(
    502,
    Code.upstreamFailed,
    `The answer of provider '${target.provider}' is not what its format says`,
    { cause },
  );
}

function json(body: unknown, status: number, headers: Headers): Response {
  headers.set("content-type", "application/json");
  return new Response(JSON.stringify(body), { status, headers });
}

/** A provider's error as the client's format has it; of the same format only what is none of its shape. */
export async function faultAnswer(
  ctx: Context,
  response: Response,
  from: ChatCodec,
  to: ChatCodec,
): Promise<Response> {
  const text = await wholeText(response);
  const body = parse(text);
  const fault = from.readFault(response.status, body ?? text);
  const meant = await meantBy(ctx, fault);
  if (meant !== undefined) response.headers.set("x-sluice-did-you-mean", meant);
  if (from.format === to.format && hasShape(body, to.format)) {
    const type = response.headers.get("content-type") ?? "application/json";
    const headers = headersFrom(response);
    headers.set("content-type", type);
    return new Response(text, { status: response.status, headers });
  }
  if (meant !== undefined) fault.message += ` (did you mean '${meant}'?)`;
  return faultResponse(response, fault, to, ctx.requestId);
}

/** A name that is nearly the one that the provider does not know. */
async function meantBy({ shared }: Context, fault: ChatFault): Promise<string | undefined> {
  const { attempt, model } = shared;
  if (fault.status !== 400 && fault.status !== 404 || !attempt || !model) return undefined;
  const { meantModel } = await import("./meant.ts");
  return await meantModel(fault, attempt.provider.slug, model).catch(() => undefined);
}

function hasShape(body: unknown, format: ChatFormat): boolean {
  const error = object(object(body)?.error);
  switch (format) {
    case "openai-chat":
    case "openai-responses":
      return typeof error?.message === "string" && "type" in error;
    case "anthropic-messages":
      return typeof error?.type === "string" && object(body)?.type === "error";
    case "gemini":
      return typeof error?.status === "string";
    default:
      return typeof object(body)?.message === "string";
  }
}

function faultResponse(
  response: Response,
  fault: ChatFault,
  to: ChatCodec,
  requestId: string,
): Response {
  return json(to.writeFault(fault, requestId), fault.status, headersFrom(response));
}

async function assembled(
  ctx: Context,
  response: Response,
  type: string,
  { from, to, target, asked, names, onWhole }: Translation,
): Promise<Response> {
  const events: ChatEvent[] = [];
  const emit = (event: ChatEvent) => void events.push(event);
  const reader = from.readStream(target);
  const framer = framerFor(type, (event) => reader.event(event, emit));
  framer.push(await wholeBytes(response));
  framer.end();
  reader.end(emit);
  const failed = events.find((event) => event.type === "error");
  if (failed !== undefined) return faultResponse(response, failed.fault, to, ctx.requestId);
  const written = to.writeAnswer(
    assemble(names === undefined ? events : named(events, names), from.format),
    asked,
  );
  await onWhole?.(written);
  return json(written, 200, headersFrom(response));
}

function streamed(ctx: Context, response: Response, type: string, how: Translation): Response {
  const headers = headersFrom(response);
  headers.set("content-type", how.to.streamType);
  const feed = new TranslatedFeed(feedOf(response), type, how);
  return ctx.host.respond({ status: response.status, headers }, feed, ctx.request);
}

/** The events with the client's own names of tools. */
function* named(
  events: Iterable<ChatEvent>,
  names: ReadonlyMap<string, string>,
): Generator<ChatEvent> {
  for (const event of events) yield withClientName(event, names);
}

/** The writer of a stream; one of Responses knows the whole at its end. */
function writerOf({ to, asked, onWhole }: Translation): StreamWriter {
  const writer = to.writeStream(asked);
  if (onWhole === undefined) return writer;
  return {
    write(event) {
      const written = writer.write(event);
      if (event.type !== "end") return written;
      const { response } = writer as Partial<ResponsesWriter>;
      if (response !== undefined) void onWhole(response);
      return written;
    },
  };
}

/** A stream of one format, read as one of another. */
class TranslatedFeed implements Feed {
  readonly #source: Feed;
  readonly #framer: Framer;
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  readonly #emit: (event: ChatEvent) => void;
  /** What one chunk came to. */
  #text = "";
  #bytes: Uint8Array[] | undefined;
  #over = false;

  constructor(source: Feed, type: string, how: Translation) {
    const { from, target } = how;
    this.#source = source;
    this.#reader = from.readStream(target);
    this.#writer = writerOf(how);
    const { names } = how;
    this.#emit = names === undefined
      ? (event) => this.#write(event)
      : (event) => this.#write(withClientName(event, names));
    this.#framer = framerFor(type, (event: Event) => this.#reader.event(event, this.#emit));
  }

  attach(sink: Sink): void {
    const out = (): boolean => {
      let more = true;
      if (this.#bytes !== undefined) {
        for (const bytes of this.#bytes) more = sink.data(bytes);
        this.#bytes = undefined;
      }
      if (this.#text !== "") {
        more = sink.data(encoder.encode(this.#text));
        this.#text = "";
      }
      return more;
    };
    this.#source.attach({
      data: (chunk) => {
        if (this.#over) return true;
        try {
          this.#framer.push(chunk);
        } catch {
          this.#fail("The provider's stream cannot be read");
        }
        return out();
      },
      end: () => {
        if (!this.#over) {
          try {
            this.#framer.end();
            this.#reader.end(this.#emit);
          } catch {
            this.#fail("The provider's stream cannot be read");
          }
        }
        out();
        sink.end();
      },
      fail: () => {
        this.#fail("The provider broke off before its answer was complete");
        out();
        sink.end();
      },
    });
  }

  resume(): void {
    this.#source.resume();
  }

  abort(why: string): void {
    this.#over = true;
    this.#source.abort(why);
  }

  #write(event: ChatEvent): void {
    if (this.#over) return;
    if (event.type === "end" || event.type === "error") this.#over = true;
    const written = this.#writer.write(event);
    if (typeof written === "string") {
      this.#text += written;
      return;
    }
    this.#bytes ??= [];
    if (this.#text !== "") this.#bytes.push(encoder.encode(this.#text));
    this.#text = "";
    this.#bytes.push(written);
  }

  #fail(message: string): void {
    if (this.#over) return;
    this.#write({
      type: "error",
      fault: { status: 502, kind: "server", code: "upstream_cut", message },
    });
  }
}
