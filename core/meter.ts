/**
 * The meter: what an attempt used, cost and took, found in the bytes that passed without holding them
 * back. It runs only where a plugin asked (`ctx.onAttempt`); each attempt is read once, however many
 * ask, after its answer is over.
 *
 * @module
 */
import type { Attempt, Watch } from "./attempt.ts";
import { Code, isGatewayError } from "./error.ts";
import { readAnswer, type Reading } from "./formats/read.ts";
import { readRequest } from "./formats/request.ts";
import { gunzip } from "./streams/gunzip.ts";
import type { Host } from "./host.ts";
import { leaveKnown } from "./known.ts";
import type { End } from "./log/row.ts";
import type { AttemptListener, Measured } from "./measured.ts";
import { type Ending, tells } from "./streams/observe.ts";
import { lastWords, stoppedBy } from "./streams/ending.ts";
import { streamShape } from "./streams/error-event.ts";
import { passing } from "./streams/passing.ts";
import { joined, Tape, type Whole, wholeBody } from "./streams/tape.ts";
import { type CostParts, parseCustomCost, totalOf } from "./usage/cost.ts";
import { estimateTokens } from "./usage/estimate.ts";

/** What is kept of a body for the reader, also where nobody wants the body itself. */
const forReader = { head: 64 * 1024, tail: 64 * 1024 };
/** Answers up to this size that are no stream and say their length are read before they go out. */
const holdLimit = 64 * 1024;
const nothing = new Uint8Array(0);

/** Measures one attempt. */
export class Meter implements Watch {
  readonly #attempt: Attempt;
  readonly #host: Host;
  readonly #keep: number;
  readonly #listeners: readonly AttemptListener[];
  #status = 0;
  #type = "";
  #latency: number | undefined;
  #encoded = false;
  #sent: Tape | undefined;
  /** Ends what the platform was told to wait for. */
  #over: (() => void) | undefined;
  /** The answer is on a tape, which tells all else. */
  #taped = false;
  /** Why it ended early: the client had left, or the attempt's signal. */
  #stopped: End | undefined;
  /** What the tape tells, where that was asked before its end. */
  #reading: Reading | undefined;

  /** @param keep Most bytes of each body that a listener wants. */
  constructor(attempt: Attempt, host: Host, keep: number, listeners: readonly AttemptListener[]) {
    this.#attempt = attempt;
    this.#host = host;
    this.#keep = keep;
    this.#listeners = listeners;
    if (!host.immediate) return;
    // From now on: a client that leaves takes with it whatever is not waited for.
    const done = Promise.withResolvers<void>();
    attempt.ctx.waitUntil(done.promise);
    this.#over = done.resolve;
  }

  /** A body streams upstream. */
  sent(bytes: Uint8Array): void {
    const head = Math.max(this.#keep, forReader.head);
    this.#sent ??= new Tape({ head, tail: 0 }, this.#host.allowance);
    this.#sent.chunk(bytes);
  }

  /** The head of the answer is there. */
  answered(response: Response): Response | Promise<Response> {
    const { headers, status } = response;
    const { ctx } = this.#attempt;
    this.#status = status;
    this.#type = headers.get("content-type") ?? "";
    this.#latency = performance.now() - this.#attempt.started;
    this.#encoded = headers.has("content-encoding");
    const length = headers.get("content-length");
    if (
      length !== null && Number(length) <= holdLimit && !this.#encoded &&
      !this.#type.startsWith("text/event-stream") && ctx.method !== "HEAD" &&
      status !== 204 && status !== 205 && status !== 304 &&
      (ctx.hold === undefined || streamShape(this.#type, ctx.path) === undefined)
    ) return this.#hold(response, Number(length));
    return this.#watch(response);
  }

  #watch(response: Response): Response | Promise<Response> {
    const { ctx } = this.#attempt;
    const head = Math.max(this.#keep, forReader.head);
    const tape = new Tape({ head, tail: forReader.tail }, this.#host.allowance);
    const over = this.#later(() => this.#settle(tape));
    const mayEnd = !this.#encoded && response.ok && !response.headers.has("content-length") &&
      streamShape(this.#type, ctx.path) !== undefined;
    tape.onEnd = () => {
      // Now: a server that closes the answer of a broken upstream ends the request's signal as well.
      this.#stopped = stoppedBy(ctx, tape.ending!);
      const last = mayEnd ? this.#lastWords(tape) : undefined;
      over();
      return last;
    };
    this.#taped = true;
    const passed = passing(response, ctx, tape);
    if (!mayEnd || !this.#host.immediate) return passed;
    return passed instanceof Promise ? passed.then(telling) : telling(passed);
  }

  /** What is to follow the last bytes of a stream. */
  #lastWords(tape: Tape): Uint8Array | undefined {
    const [head, tail, skipped] = tape.parts();
    return lastWords({
      ctx: this.#attempt.ctx,
      contentType: this.#type,
      ending: tape.ending!,
      stopped: this.#stopped,
      // Once: the row is made of it as well.
      reading: this.#reading = this.#readBytes(head, tail, skipped),
      tail: tape.starved ? undefined : tail ?? head,
    });
  }

  /** There was no answer, or it broke while it was held. */
  failed(error: unknown): void {
    if (this.#taped) return;
    const cut = this.#status !== 0;
    const gateway = isGatewayError(error) ? error : undefined;
    const { code = Code.internal, message = "The gateway failed", status = 500 } = gateway ?? {};
    let end: End = cut ? "upstream_cut" : "error";
    if (code === Code.clientClosed) end = "client_abort";
    else if (status === 504) end = "stalled";
    const measured = this.#blank(performance.now());
    Object.assign(measured, { status, end, error: { code, message } });
    this.#later(() => this.#finish(measured))();
  }

  /** Runs the work after the answer. */
  #later(work: () => void | Promise<void>): () => void {
    const { settler } = this.#host;
    const over = this.#over;
    return over === undefined ? () => settler.push(work) : () => settler.run(work).finally(over);
  }

  /** A short answer, if it is whole soon: its usage and cost are told in headers. */
  #hold(response: Response, length: number): Response | Promise<Response> {
    const held = wholeBody(response, length);
    const use = ({ response: whole, bytes }: Whole) =>
      bytes === undefined ? this.#watch(whole) : this.#held(whole, bytes);
    return held instanceof Promise ? held.then(use) : use(held);
  }

  #held(whole: Response, bytes: Uint8Array): Response | Promise<Response> {
    this.#attempt.ctx.observer?.end("closed");
    const now = performance.now();
    const measured = this.#blank(now);
    measured.firstByte = measured.total;
    leaveKnown(whole, { bytes, reading: this.#reading = this.#readBytes(bytes, undefined, 0) });
    this.#read(measured, bytes, undefined, 0, "closed", true);
    const priced = this.#price(measured);
    const told = () => this.#told(whole, measured);
    return priced instanceof Promise ? priced.then(told) : told();
  }

  /** A short answer with its figures in its head. */
  #told(whole: Response, measured: Measured): Response {
    const { usage, cost } = measured;
    if (usage?.input !== undefined) whole.headers.set("x-sluice-tokens-in", String(usage.input));
    if (usage?.output !== undefined) whole.headers.set("x-sluice-tokens-out", String(usage.output));
    if (cost !== null) whole.headers.set("x-sluice-cost", decimal(cost));
    // What is known already is told at once: a queue would keep all of the request alive.
    if (usage !== null && !this.#host.immediate) {
      this.#host.settler.run(() => this.#finish(measured));
    } else this.#later(() => this.#finish(measured))();
    return whole;
  }

  async #settle(tape: Tape): Promise<void> {
    const { started } = this.#attempt;
    const measured = this.#blank(tape.endedAt);
    const firstAt = tape.times[0];
    if (firstAt !== undefined) measured.firstByte = firstAt - started;
    let [head, tail, skipped] = tape.parts();
    // A platform may have decoded already, and left the header.
    const packed = this.#encoded && head[0] === 0x1f && head[1] === 0x8b;
    if (packed) {
      const whole = skipped === 0 && tail !== undefined ? joined([head, tail], tape.size) : head;
      head = await gunzip(whole, Math.max(this.#keep, forReader.head));
      tail = undefined;
      skipped = 0;
    }
    measured.chunkTimes = tape.times;
    measured.size = tape.size;
    measured.bodyComplete = tail === undefined && !tape.starved && skipped === 0;
    const offset = this.#read(measured, head, tail, skipped, tape.ending!, false);
    if (measured.streamed && offset !== undefined && !packed) {
      const at = tape.timeAt(offset - 1);
      if (at !== undefined) measured.firstToken = at - started;
    }
    const priced = this.#price(measured);
    if (priced instanceof Promise) await priced;
    await this.#finish(measured);
    tape.release();
  }

  /** Fills in what the body tells; gives back where the first content ends. */
  #read(
    measured: Measured,
    head: Uint8Array,
    tail: Uint8Array | undefined,
    skipped: number,
    ending: Ending,
    whole: boolean,
  ): number | undefined {
    const reading = this.#reading ?? this.#readBytes(head, tail, skipped);
    measured.body = head;
    measured.streamed = reading.streamed;
    measured.modelType = reading.modelType;
    measured.finish = reading.finish ?? null;
    measured.error = reading.error ?? null;
    measured.answeredAs = reading.model;
    if (measured.model === "") measured.model = reading.model ?? "";
    if (whole) measured.size = head.byteLength;
    const proven = whole || reading.end === "proven";
    if (reading.error !== undefined && this.#status < 300) measured.end = "error";
    else if (proven || (ending === "closed" && reading.end === "unprovable")) {
      measured.end = "complete";
    } else if (ending === "closed" && !reading.streamed && measured.size === 0) {
      measured.end = "complete";
    } else measured.end = this.#stopped ?? "upstream_cut";
    if (reading.usage !== undefined) {
      measured.usage = reading.usage;
      measured.quality = "reported";
    } else this.#text = () => reading.text();
    return reading.firstContent;
  }

  #readBytes(head: Uint8Array, tail: Uint8Array | undefined, skipped: number): Reading {
    const { ctx } = this.#attempt;
    return readAnswer({
      provider: ctx.provider.slug,
      format: ctx.provider.format,
      path: ctx.path,
      status: this.#status,
      contentType: this.#type,
      head,
      ...tail !== undefined && { tail, skipped },
    });
  }

  /** Text of the answer, kept for an estimate. */
  #text: (() => string) | undefined;

  #price(measured: Measured): void | Promise<void> {
    const { usage, model } = measured;
    if (usage === null) return;
    const { ctx, startedAt } = this.#attempt;
    const header = ctx.clientHeaders.get("cf-aig-custom-cost");
    const custom = header === null ? undefined : parseCustomCost(header);
    const provider = ctx.provider.slug;
    const found = this.#host.pricer.cost({
      provider,
      model,
      usage,
      at: startedAt,
      ...custom !== undefined && { custom },
    });
    const set = (parts: CostParts | null) => {
      measured.costParts = parts;
      measured.cost = parts === null ? null : totalOf(parts);
    };
    if (found instanceof Promise) return found.then(set);
    set(found);
  }

  /** What needs more than what the answer says, and then the listeners. */
  #finish(measured: Measured): void | Promise<void> {
    const sent = this.#sent;
    if (measured.sent === undefined && sent !== undefined) {
      measured.sent = joined(sent.head, sent.headSize);
      measured.sentSize = sent.size;
      measured.sentComplete = sent.size === sent.headSize;
    }
    if (measured.model === "" && measured.sent !== undefined) {
      measured.model = this.#request(measured.sent).model ?? "";
    }
    const text = this.#text;
    const generates = measured.modelType === "chat" || measured.modelType === "completion" ||
      measured.modelType === "embeddings";
    if (measured.usage === null && text !== undefined && generates && measured.status < 300) {
      return this.#estimate(measured, text()).then(() => this.#tell(measured));
    }
    return this.#tell(measured);
  }

  #request(sent: Uint8Array): ReturnType<typeof readRequest> {
    const { ctx } = this.#attempt;
    const contentType = ctx.headers["content-type"] ?? "";
    return readRequest({ contentType, path: ctx.path, body: sent });
  }

  /** The provider said nothing: counted here, and flagged. */
  async #estimate(measured: Measured, answer: string): Promise<void> {
    const prompt = measured.sent === undefined ? "" : this.#request(measured.sent).text();
    let input = 0;
    let output = 0;
    try {
      input = await estimateTokens(prompt, measured.model);
      if (measured.modelType !== "embeddings") {
        output = await estimateTokens(answer, measured.model);
      }
    } catch (error) {
      // The tokenizer is not to be had: the row says nothing of tokens then.
      this.#host.report("Tokens that a provider did not report could not be estimated", error);
    }
    if (input + output === 0) return;
    measured.usage = { input, output };
    measured.quality = "estimated";
    await this.#price(measured);
  }

  #tell(measured: Measured): void | Promise<void> {
    let work: Promise<void>[] | undefined;
    const failed = (error: unknown) => this.#host.report("A plugin failed after an answer", error);
    for (const listener of this.#listeners) {
      try {
        const more = listener(measured);
        if (more !== undefined) (work ??= []).push(more.catch(failed));
      } catch (error) {
        failed(error);
      }
    }
    this.#sent?.release();
    return work && Promise.all(work).then(() => {});
  }

  #blank(endedAt: number): Measured {
    const attempt = this.#attempt;
    return {
      attempt,
      status: this.#status,
      contentType: this.#type,
      latency: this.#latency ?? endedAt - attempt.started,
      firstByte: null,
      firstToken: null,
      chunkTimes: undefined,
      total: endedAt - attempt.started,
      end: "complete",
      streamed: false,
      model: attempt.model ?? "",
      answeredAs: undefined,
      modelType: "",
      finish: null,
      usage: null,
      quality: null,
      cost: null,
      costParts: null,
      error: null,
      body: nothing,
      bodyComplete: true,
      size: 0,
      sent: attempt.body,
      sentComplete: true,
      sentSize: attempt.body?.byteLength ?? 0,
    };
  }
}

function telling(response: Response): Response {
  return Object.assign(response, { [tells]: true });
}

/** Dollars without an exponent. */
function decimal(cost: number): string {
  return cost.toFixed(12).replace(/\.?0+$/, "");
}
