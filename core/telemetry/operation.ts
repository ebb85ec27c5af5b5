/**
 * One client request from arrival to the end of its answer: the span that stands above its attempts, and
 * what is summed up of them.
 *
 * @module
 */
import { type Facts, served } from "../cache/served.ts";
import type { Context, TraceScope } from "../context.ts";
import { isGatewayError } from "../error.ts";
import type { End } from "../log/row.ts";
import type { Measured } from "../measured.ts";
import { attemptSpan, requestSpan, type Trace } from "./trace.ts";

/** What an operation needs of its telemetry. */
export interface Owner {
  /** Providers are told the trace. */
  readonly propagate: boolean;
  /** The operation is over. */
  over(operation: Operation): void | Promise<void>;
}

/** Text that is exported, where content is. */
export interface Content {
  request: string;
  answer: string;
}

/** One client request. */
export class Operation implements TraceScope {
  readonly ctx: Context;
  readonly #owner: Owner;
  /** By `performance.now()`. */
  readonly started: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Nothing where nobody exports traces. */
  readonly trace: Trace | undefined;
  /** Its spans are exported. */
  readonly sampled: boolean;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Milliseconds; to the head of the answer, to its end, and what the gateway took of the first. */
  took = 0;
  overhead = 0;
  status = 0;
  /** `hit`, `miss`, ...; empty where there is no cache. */
  cache = "";
  /** Empty where nothing failed. */
  errorType = "";
  error: string | undefined;
  end: End = "complete";
  streamed = false;
  /** Slug and model of the last attempt, or of the stored answer. */
  provider: string | undefined;
  model = "";
  modelType = "";
  tokensIn: number | undefined;
  tokensOut: number | undefined;
  cost: number | undefined;
  saved: number | undefined;
  content: Content | undefined;
  /** Step of the last attempt. */
  #step: number | undefined;
  #again: Map<string, "retry" | "fallback"> | undefined;
  /** Number of the last attempt that was told of. */
  #last = 0;
  #told = 0;
  #returned = false;
  #over = false;

  constructor(ctx: Context, owner: Owner, trace: Trace | undefined, sampled: boolean) {
    this.ctx = ctx;
    this.#owner = owner;
    this.trace = trace;
    this.sampled = sampled;
    this.spanId = requestSpan(ctx.requestId);
    this.started = performance.now();
    this.startedAt = ctx.host.now();
  }

  /** Why there was an attempt; nothing for the first. */
  reasonOf(attemptId: string): "retry" | "fallback" | undefined {
    return this.#again?.get(attemptId);
  }

  /** Everything was told. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Milliseconds since 1970 of a moment by `performance.now()`: the parts of one trace by one clock. */
  at(moment: number): number {
    return this.startedAt + moment - this.started;
  }

  /** Tells a provider its place in the trace. */
  place(headers: Record<string, string>, attemptId: string): void {
    const { step } = this.ctx.shared.attempt ?? this.ctx;
    if (this.#step !== undefined) {
      (this.#again ??= new Map()).set(attemptId, step === this.#step ? "retry" : "fallback");
    }
    this.#step = step;
    const { trace } = this;
    if (trace === undefined || !this.#owner.propagate) return;
    const flags = this.sampled ? "01" : "00";
    headers["traceparent"] = `00-${trace.traceId}-${attemptSpan(attemptId)}-${flags}`;
    if (trace.state === undefined) delete headers["tracestate"];
  }

  /** The head of the answer is there. */
  answered(response: Response): void | Promise<void> {
    const now = performance.now();
    this.#head(now, response.status);
    this.cache = response.headers.get("cf-aig-cache-status")?.toLowerCase() ?? "";
    const { shared } = this.ctx;
    if (shared.cached === true) {
      const facts = this.ctx.get(served);
      if (facts instanceof Promise) {
        // Still on its way.
        return facts.then((facts) => {
          this.#useFacts(facts);
          this.took = performance.now() - this.started;
        }, () => {}).then(() => this.#returnedNow());
      }
      if (facts !== undefined) this.#useFacts(facts);
    }
    return this.#returnedNow();
  }

  /** There is no answer. */
  failed(error: unknown): void | Promise<void> {
    this.#head(performance.now(), isGatewayError(error) ? error.status : 500);
    this.error = isGatewayError(error) ? error.message : "The gateway failed";
    return this.#returnedNow();
  }

  #head(now: number, status: number): void {
    this.status = status;
    this.took = now - this.started;
    this.overhead = this.took - this.ctx.shared.upstreamMs;
  }

  #returnedNow(): void | Promise<void> {
    this.#returned = true;
    return this.#finish();
  }

  #useFacts({ about, end }: Facts): void {
    this.provider ??= (this.ctx.shared.attempt ?? this.ctx).provider.slug;
    this.model = about.model;
    this.modelType = about.modelType;
    this.streamed = about.streamed;
    this.end = end;
    if (about.cost !== null) this.saved = about.cost;
  }

  /** An attempt is over. */
  told(measured: Measured, content: Content | undefined): void | Promise<void> {
    this.#told++;
    const { attempt, usage, cost } = measured;
    // Attempts that fail are told of later.
    if (attempt.number >= this.#last) {
      this.#last = attempt.number;
      this.provider = attempt.ctx.provider.slug;
      this.model = measured.model;
      this.modelType = measured.modelType;
      this.end = measured.end;
      this.streamed = measured.streamed;
      this.error = measured.error?.message ?? this.error;
      this.content = content;
    }
    if (usage?.input !== undefined) this.tokensIn = (this.tokensIn ?? 0) + usage.input;
    if (usage?.output !== undefined) this.tokensOut = (this.tokensOut ?? 0) + usage.output;
    if (cost !== null) this.cost = (this.cost ?? 0) + cost;
    this.took = Math.max(this.took, attempt.started + measured.total - this.started);
    return this.#finish();
  }

  #finish(): void | Promise<void> {
    if (!this.#returned || this.#over || this.#told < this.ctx.shared.attempts) return;
    this.#over = true;
    const { status, end } = this;
    this.errorType = status >= 400 ? String(status) : end === "complete" ? "" : end;
    if (this.errorType === "") this.error = undefined;
    return this.#owner.over(this);
  }
}
