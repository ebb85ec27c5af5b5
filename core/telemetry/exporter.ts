/**
 * The way of batches to one collector: a bounded queue, tries again where OTLP says so, and nothing that a
 * request would wait for.
 *
 * @module
 */
import type { Metrics } from "../metrics.ts";
import { unref } from "../settler.ts";
import type { Transport } from "../upstream.ts";
import { version } from "../version.ts";
import type { Target } from "./settings.ts";

/** Spans or figures, encoded. */
export interface Batch {
  body: Uint8Array<ArrayBuffer>;
  /** Spans, or points of figures. */
  count: number;
}

/** What an {@link Exporter} needs. */
export interface ExporterOptions {
  target: Target;
  signal: "traces" | "metrics";
  /** Most spans that wait. */
  queue: number;
  transport: Transport;
  metrics: Metrics;
  now(): number;
  report(message: string): void;
  /** Milliseconds between tries; for tests. */
  backoff?: { first: number; most: number };
}

/** Most bytes that wait. */
const mostBytes = 16 * 1024 * 1024;
/** Requests at a time while all is well. */
const parallel = 4;
/** Milliseconds; doubled with each failure. */
const standard = { first: 1000, most: 30_000 };
/** A collector may not ask for a longer pause, in milliseconds. */
const longestPause = 5 * 60_000;
/** Tries of {@link Exporter.send}. */
const triesAtOnce = 3;

/** What became of a batch. `again` holds the milliseconds that the collector asked for, if it did. */
type Outcome = { done: true } | { done: false; again: number | undefined; why: string };

/** Sends batches to one collector. */
export class Exporter {
  readonly #options: ExporterOptions;
  readonly #labels: { signal: string; exporter: string };
  readonly #backoff: { first: number; most: number };
  readonly #queue: Batch[] = [];
  readonly #underway = new Set<Promise<unknown>>();
  #spans = 0;
  #bytes = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #full = false;
  /** Nothing is wrong, as far as the operator was told. */
  #well = true;

  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? standard;
    // Never more of a URL than this: path and query may hold a key.
    this.#labels = Object.freeze({
      signal: options.signal,
      exporter: new URL(options.target.url).host,
    });
  }

  /** Spans that wait. */
  get waiting(): number {
    return this.#spans;
  }

  /** Takes a batch; the oldest ones go where there are too many. */
  push(batch: Batch): void {
    this.#add(batch);
    this.#shed();
    if (this.#failures === 0) this.#start();
  }

  #add(batch: Batch, first = false): void {
    if (first) this.#queue.unshift(batch);
    else this.#queue.push(batch);
    this.#spans += batch.count;
    this.#bytes += batch.body.byteLength;
  }

  #next(): Batch | undefined {
    const batch = this.#queue.shift();
    if (batch !== undefined) {
      this.#spans -= batch.count;
      this.#bytes -= batch.body.byteLength;
    }
    return batch;
  }

  #shed(): void {
    while (
      this.#queue.length > 1 && (this.#spans > this.#options.queue || this.#bytes > mostBytes)
    ) {
      this.#lost(this.#next()!, "queue_full");
      if (!this.#full) {
        this.#full = true;
        this.#options.report(
          `${this.#name} is away for too long: the oldest ${this.#what} are dropped`,
        );
      }
    }
  }

  get #name(): string {
    return `The telemetry exporter '${this.#labels.exporter}'`;
  }

  get #what(): string {
    return this.#options.signal === "traces" ? "spans" : "figures";
  }

  #lost({ count }: Batch, reason: string): void {
    this.#options.metrics.count(
      "sluice_telemetry_dropped_total",
      "Spans, or points of figures, that were not exported",
      { ...this.#labels, reason },
      count,
    );
  }

  #start(): void {
    while (this.#queue.length > 0 && this.#underway.size < (this.#failures > 0 ? 1 : parallel)) {
      const sending: Promise<unknown> = this.#one(this.#next()!).finally(() => {
        this.#underway.delete(sending);
        if (this.#failures === 0) this.#start();
      });
      this.#underway.add(sending);
    }
  }

  async #one(batch: Batch): Promise<void> {
    const outcome = await this.#post(batch);
    if (outcome.done) return;
    this.#add(batch, true);
    this.#shed();
    const { first, most } = this.#backoff;
    const wait = outcome.again ??
      Math.min(first * 2 ** (this.#failures - 1), most) * (.5 + Math.random() / 2);
    this.#timer ??= unref(setTimeout(() => {
      this.#timer = undefined;
      this.#start();
    }, wait));
  }

  /** Sends a batch with its request (Workers), where nothing can wait; never rejects. */
  async send(batch: Batch): Promise<void> {
    for (let tries = 1;; tries++) {
      const outcome = await this.#post(batch);
      if (outcome.done) return;
      const wait = outcome.again ?? this.#backoff.first * 2 ** (tries - 1);
      if (tries === triesAtOnce || wait > 10_000) return this.#lost(batch, "failed");
      await new Promise((done) => setTimeout(done, wait));
    }
  }

  /** Sends all that waits, each batch once; stops at the first that fails. Never rejects. */
  async flush(): Promise<void> {
    await Promise.all(this.#underway);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (let batch = this.#next(); batch !== undefined; batch = this.#next()) {
      const outcome = await this.#post(batch);
      if (outcome.done) continue;
      this.#add(batch, true);
      // Whoever goes on after this has them tried again.
      this.#timer ??= unref(setTimeout(() => {
        this.#timer = undefined;
        this.#start();
      }, outcome.again ?? this.#backoff.first));
      return;
    }
    await Promise.all(this.#underway);
  }

  async #post(batch: Batch): Promise<Outcome> {
    const { target, transport } = this.#options;
    const headers: Record<string, string> = {
      "user-agent": `sluice/${version}`,
      ...target.headers,
      "content-type": target.json ? "application/json" : "application/x-protobuf",
    };
    let outcome: Outcome;
    // Not `AbortSignal.timeout`: on Node one keeps what it was given to, the body of a batch, until its end.
    const abort = new AbortController();
    const late = new DOMException("No answer in time", "TimeoutError");
    const timer = unref(setTimeout(() => abort.abort(late), target.timeout));
    try {
      let { body } = batch;
      if (target.gzip) {
        body = await gzipped(body);
        headers["content-encoding"] = "gzip";
      }
      const { url } = target;
      const response = await transport({
        url,
        method: "POST",
        headers,
        body,
        client: new Request(url, { method: "POST" }),
        signal: abort.signal,
        bodyLimit: body.byteLength,
      });
      outcome = await this.#judge(response, batch);
    } catch (error) {
      outcome = { done: false, again: undefined, why: whyOf(error) };
    } finally {
      clearTimeout(timer);
    }
    if (!outcome.done) {
      this.#failures++;
      this.#trouble(`${this.#name} is away; ${this.#what} wait in memory: ${outcome.why}`);
    }
    return outcome;
  }

  async #judge(response: Response, batch: Batch): Promise<Outcome> {
    const { status } = response;
    if (status >= 200 && status < 300) {
      const bytes = await shortBody(response);
      const refused = refusedOf(bytes, response.headers.get("content-type") ?? "");
      const lost = Math.min(refused, batch.count);
      if (lost > 0) {
        this.#lost({ ...batch, count: lost }, "refused");
        this.#trouble(`${this.#name} takes only a part of the ${this.#what}`);
      } else this.#took(batch);
      return { done: true };
    }
    await response.body?.cancel();
    const why = `status ${status}`;
    if (status === 429 || status === 502 || status === 503 || status === 504) {
      const after = pauseOf(response.headers.get("retry-after"), this.#options.now());
      return { done: false, again: after, why };
    }
    // Nothing else gets better by itself.
    this.#lost(batch, "refused");
    this.#trouble(`${this.#name} takes no ${this.#what}: ${why}`);
    this.#failures = 0;
    return { done: true };
  }

  #took({ count }: Batch): void {
    if (!this.#well) this.#options.report(`${this.#name} takes ${this.#what} again`);
    this.#well = true;
    this.#full = false;
    this.#failures = 0;
    this.#options.metrics.count(
      "sluice_telemetry_exported_total",
      "Spans, or points of figures, that a collector took",
      this.#labels,
      count,
    );
  }

  /** Said once, until all is well again. */
  #trouble(message: string): void {
    if (this.#well) this.#options.report(message);
    this.#well = false;
  }
}

/** A reason that holds nothing of a URL. */
function whyOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string" && /^[A-Za-z_]{3,40}$/.test(code)) return code;
    if (at.name === "TimeoutError") return "no answer in time";
  }
  return "no connection";
}

/** Milliseconds of a `retry-after`, in seconds or as a date. */
function pauseOf(header: string | null, now: number): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), longestPause);
}

/** Most bytes of a collector's answer that are looked at. */
const longestAnswer = 16 * 1024;

async function shortBody(response: Response): Promise<Uint8Array> {
  const length = Number(response.headers.get("content-length") ?? "0");
  if (length > longestAnswer) {
    await response.body?.cancel();
    return new Uint8Array(0);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  return bytes.length > longestAnswer ? new Uint8Array(0) : bytes;
}

/** Spans or points that the collector did not take of a batch that it took (`partial_success`). */
function refusedOf(bytes: Uint8Array, contentType: string): number {
  if (bytes.length === 0) return 0;
  if (contentType.startsWith("application/json")) {
    try {
      const { partialSuccess = {} } = JSON.parse(new TextDecoder().decode(bytes));
      const { rejectedSpans, rejectedDataPoints } = partialSuccess;
      return Number(rejectedSpans ?? rejectedDataPoints ?? 0) || 0;
    } catch {
      return 0;
    }
  }
  // ExportTraceServiceResponse { partial_success = 1 { rejected_spans = 1 } }
  if (bytes[0] !== 0x0a || bytes[2] !== 0x08) return 0;
  let value = 0;
  for (let at = 3, shift = 1; at < bytes.length; at++, shift *= 128) {
    value += (bytes[at]! & 127) * shift;
    if (bytes[at]! < 128) break;
  }
  return value;
}

async function gzipped(body: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([body]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
