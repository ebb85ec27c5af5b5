/**
 * Telemetry of one gateway: a span for each request and one for each attempt, figures of both, a line for
 * each request. Loaded where the configuration asks for it.
 *
 * @module
 */
import type { Attempt } from "../attempt.ts";
import type { Context } from "../context.ts";
import { Holdout } from "../holdout.ts";
import type { Host } from "../host.ts";
import { readAnswer } from "../formats/read.ts";
import { Redactors } from "../log/redact.ts";
import type { Measured } from "../measured.ts";
import { unref } from "../settler.ts";
import { version } from "../version.ts";
import { inputContent, outputContent } from "./content.ts";
import { type Batch, Exporter } from "./exporter.ts";
import { Figures } from "./figures.ts";
import { Lines } from "./lines.ts";
import { metricsJson, metricsWire } from "./metrics-otlp.ts";
import { Operation, type Owner } from "./operation.ts";
import { type Prefixes, prefixesOf } from "./resource.ts";
import { type Target, targetOfGateway, type TelemetrySettings } from "./settings.ts";
import { JsonSpans, type SpanWriter, WireSpans } from "./span-writer.ts";
import { type SpanContent, SpanMaker } from "./spans.ts";
import { isSampled, type Trace, traceOf } from "./trace.ts";

/** What a {@link Telemetry} needs. */
export interface TelemetryOptions {
  host: Host;
  settings: TelemetrySettings;
  /** What was sent as credentials, in case an answer quotes it. */
  secretsOf(attempt: Attempt): readonly string[];
  /** Where lines go. */
  print(text: string): void;
}

/** Exporters that take the same bytes. */
interface Group {
  writer: SpanWriter;
  exporters: readonly Exporter[];
}

/** Bytes of a batch that is full. */
const fullBatch = 1024 * 1024;
/** Bytes of a body that are exported as content: a span is no place for more. */
const mostContent = 64 * 1024;
/** Gateways' own exporters that are remembered. */
const mostGroups = 256;

const decoder = new TextDecoder();

/** The service. */
export class Telemetry implements Owner {
  readonly #host: Host;
  readonly #settings: TelemetrySettings;
  readonly #options: TelemetryOptions;
  readonly #prefixes: Prefixes;
  readonly #figures: Figures | undefined;
  readonly #maker: SpanMaker;
  readonly #lines: Lines | undefined;
  readonly #groups: readonly Group[];
  readonly #metricsTo: readonly { target: Target; exporter: Exporter }[];
  readonly #ownGroups = new Map<string, readonly Group[]>();
  #byList = new WeakMap<object, readonly Group[]>();
  readonly #redactors = new Redactors();
  readonly #startedAt: number;
  #measuredAt: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #holdout: Holdout;
  /** One for all requests: told of each attempt. */
  readonly #listener = (measured: Measured): void | Promise<void> => this.#told(measured);

  constructor(options: TelemetryOptions) {
    const { host, settings } = options;
    this.#options = options;
    this.#host = host;
    this.#settings = settings;
    this.#prefixes = prefixesOf({
      ...settings.resource,
      // Figures of several processes, or isolates, must not be taken for one's.
      "service.instance.id": settings.resource["service.instance.id"] ?? crypto.randomUUID(),
      "service.version": settings.resource["service.version"] ?? version,
    });
    this.#figures = settings.metrics ? new Figures(host.metrics) : undefined;
    this.#maker = new SpanMaker(this.#figures);
    this.#lines = settings.lines ? new Lines(options.print, host.immediate) : undefined;
    this.#groups = this.#grouped(settings.traces);
    this.#metricsTo = settings.metricsTo.map((target) => ({
      target,
      exporter: this.#exporter(target, "metrics"),
    }));
    this.#startedAt = this.#measuredAt = host.now();
    this.#holdout = new Holdout(settings.delay, host.now, () => this.#sendNow());
    host.attach(this);
  }

  get propagate(): boolean {
    return this.#settings.propagate;
  }

  /** To be waited for before a request begins, where it is a promise. */
  ready({ gateway }: Context): Promise<void> | undefined {
    return this.#redactors.ready(gateway.log_redact, this.#host.report);
  }

  /** A request begins. */
  begin(ctx: Context): Operation {
    const traced = this.#groups.length > 0 || this.#groupsOf(ctx).length > 0;
    const trace = traced ? traceOf(ctx.clientHeaders, ctx.requestId) : undefined;
    const operation = new Operation(ctx, this, trace, trace !== undefined && this.#sampled(trace));
    ctx.shared.trace = operation;
    const keep = this.#settings.content && operation.sampled ? mostContent : 0;
    ctx.onAttempt(this.#listener, { keep });
    return operation;
  }

  #sampled({ decided, traceId }: Trace): boolean {
    const { byParent, sample } = this.#settings;
    return byParent && decided !== undefined ? decided : isSampled(traceId, sample);
  }

  #told(measured: Measured): void | Promise<void> {
    const { attempt } = measured;
    const { ctx } = attempt;
    const operation = ctx.shared.trace as Operation;
    const secrets = measured.error === null ? [] : this.#options.secretsOf(attempt);
    if (measured.error !== null) {
      const message = this.#redactors.of(ctx.gateway.log_redact)(measured.error.message, secrets)
        .slice(0, 500);
      measured = { ...measured, error: { ...measured.error, message } };
    }
    const content = operation.sampled ? this.#contentOf(measured) : undefined;
    const kind = this.#maker.attempt(measured, operation);
    if (operation.sampled) {
      this.#write(
        ctx,
        (writer) => this.#maker.writeAttempt(writer, kind, operation, measured, content),
      );
    }
    const over = operation.told(measured, content?.raw);
    if (over !== undefined || !this.#host.immediate) return over;
    // One that comes behind its request, such as a fresh answer for the cache.
    return operation.sampled && operation.isOver ? this.#sendSoon() : undefined;
  }

  /** A request is over. */
  over(operation: Operation): void | Promise<void> {
    const { ctx } = operation;
    this.#maker.count(operation);
    if (operation.sampled) {
      this.#write(ctx, (writer) => this.#maker.writeRequest(writer, operation));
    }
    this.#lines?.push(this.#maker.line(operation));
    if (this.#host.immediate) return this.#sendSoon();
    this.due();
  }

  #write(ctx: Context, write: (writer: SpanWriter) => void): void {
    for (const group of this.#groups) this.#writeTo(group, write);
    const own = this.#groupsOf(ctx);
    for (const group of own) this.#writeTo(group, write);
  }

  #writeTo(group: Group, write: (writer: SpanWriter) => void): void {
    const { writer } = group;
    try {
      write(writer);
    } catch (error) {
      // One that cannot be written must not spoil the others.
      writer.drop();
      throw error;
    }
    if (this.#host.immediate) return;
    if (this.#isFull(writer)) seal(group);
    else this.#timer ??= unref(setTimeout(() => this.#sealAll(), this.#settings.delay));
  }

  #isFull({ count, size }: SpanWriter): boolean {
    return count >= this.#settings.batch || size >= fullBatch;
  }

  #sealAll(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const group of this.#allGroups()) seal(group);
  }

  *#allGroups(): Iterable<Group> {
    yield* this.#groups;
    for (const groups of this.#ownGroups.values()) yield* groups;
  }

  /** On Workers: soon, or at once where a batch is full. Never rejects. */
  #sendSoon(): Promise<void> | undefined {
    let waits = false;
    for (const { writer } of this.#allGroups()) {
      if (this.#isFull(writer)) return this.#sendNow();
      waits ||= writer.count > 0;
    }
    if (!waits) return this.#sendNow(); // figures, where it is time
    return this.#holdout.join();
  }

  async #sendNow(): Promise<void> {
    const sending: Promise<void>[] = [];
    for (const group of this.#allGroups()) {
      const { writer, exporters } = group;
      if (writer.count === 0) continue;
      const batch = { count: writer.count, body: writer.take() };
      for (const exporter of exporters) sending.push(exporter.send(batch));
    }
    if (this.#isDue()) {
      for (const { target, exporter } of this.#metricsTo) {
        const batch = this.#metricsBatch(target);
        if (batch !== undefined) sending.push(exporter.send(batch));
      }
    }
    await Promise.all(sending);
  }

  /** True once for each interval. */
  #isDue(): boolean {
    if (this.#metricsTo.length === 0) return false;
    const now = this.#host.now();
    if (now - this.#measuredAt < this.#settings.interval) return false;
    this.#measuredAt = now;
    return true;
  }

  /** Exports the figures, where it is time; Workers do so behind requests alone. */
  due(): void {
    if (!this.#host.immediate && this.#isDue()) this.#exportMetrics();
  }

  #exportMetrics(): void {
    for (const { target, exporter } of this.#metricsTo) {
      const batch = this.#metricsBatch(target);
      // Sums since the beginning: what waits already is out of date.
      if (batch !== undefined && exporter.waiting === 0) exporter.push(batch);
    }
  }

  #metricsBatch({ json }: Target): Batch | undefined {
    const { metrics, now } = this.#host;
    const { resource, scope, metricsJson: prefix } = this.#prefixes;
    const span = { start: this.#startedAt, now: now() };
    const batch = json
      ? metricsJson(metrics, prefix, span)
      : metricsWire(metrics, resource, scope, span);
    return batch.count === 0 ? undefined : batch;
  }

  /** Sends and prints all that waits. Never rejects. */
  async flush(): Promise<void> {
    this.#lines?.flush();
    this.#sealAll();
    this.#exportMetrics();
    const exporters = [...this.#allGroups()].flatMap(({ exporters }) => exporters);
    await Promise.all(
      [...exporters, ...this.#metricsTo.map(({ exporter }) => exporter)]
        .map((exporter) => exporter.flush()),
    );
  }

  /** Exporters of a gateway's own. */
  #groupsOf({ gateway }: Context): readonly Group[] {
    const list = gateway.otel;
    if (list === undefined || list === null || list.length === 0) return none;
    let groups = this.#byList.get(list);
    if (groups !== undefined) return groups;
    // Settings that were read again are the same as long as they say the same.
    const key = JSON.stringify(list);
    groups = this.#ownGroups.get(key);
    if (groups === undefined) {
      if (this.#ownGroups.size >= mostGroups) this.#forget();
      this.#ownGroups.set(key, groups = this.#grouped(list.map(targetOfGateway)));
    }
    this.#byList.set(list, groups);
    return groups;
  }

  /** Lets go of those that were made first; what they hold is sent. */
  #forget(): void {
    const [key, groups] = this.#ownGroups.entries().next().value!;
    for (const group of groups) seal(group);
    this.#ownGroups.delete(key);
    this.#byList = new WeakMap();
  }

  #grouped(targets: readonly Target[]): readonly Group[] {
    const { resource, scope, spansJson } = this.#prefixes;
    const groups: Group[] = [];
    for (const json of [false, true]) {
      const some = targets.filter((target) => target.json === json);
      if (some.length === 0) continue;
      groups.push({
        writer: json ? new JsonSpans(spansJson) : new WireSpans(resource, scope),
        exporters: some.map((target) => this.#exporter(target, "traces")),
      });
    }
    return groups;
  }

  #exporter(target: Target, signal: "traces" | "metrics"): Exporter {
    const { metrics, now, report, transport } = this.#host;
    return new Exporter({
      target,
      signal,
      queue: this.#settings.queue,
      transport,
      metrics,
      now,
      report,
    });
  }

  /** What was said, masked; nothing unless it was asked for, and the caller does not mind. */
  #contentOf(measured: Measured): SpanContent | undefined {
    if (!this.#settings.content) return undefined;
    const { attempt, sent, body } = measured;
    const { ctx } = attempt;
    const { clientHeaders: headers } = ctx;
    if (headers.get("cf-aig-collect-log") === "false") return undefined;
    if (headers.get("cf-aig-collect-log-payload") === "false") return undefined;
    const redact = this.#redactors.of(ctx.gateway.log_redact);
    const secrets = this.#options.secretsOf(attempt);
    const textOf = (bytes: Uint8Array) => redact(decoder.decode(bytes), secrets);
    const isText = /json|^text\//.test(ctx.headers["content-type"] ?? "json");
    const request = sent === undefined || !isText ? "" : textOf(sent.subarray(0, mostContent));
    const readable = /json|^text\/|event-stream|eventstream/.test(measured.contentType);
    const answer = readable ? body.subarray(0, mostContent) : undefined;
    const said = answer === undefined ? "" : readAnswer({
      provider: ctx.provider.slug,
      format: ctx.provider.format,
      path: ctx.path,
      status: measured.status,
      contentType: measured.contentType,
      head: answer,
    }).text();
    const isBinary = /eventstream/.test(measured.contentType);
    return {
      raw: { request, answer: answer === undefined || isBinary ? "" : textOf(answer) },
      input: inputContent(request),
      output: outputContent(redact(said, secrets), measured.finish),
    };
  }
}

const none: readonly Group[] = [];

function seal({ writer, exporters }: Group): void {
  const { count } = writer;
  if (count === 0) return;
  const batch = { count, body: writer.take() };
  for (const exporter of exporters) exporter.push(batch);
}
