/**
 * What a span says of a request and of an attempt, and what is counted of them. What many requests have
 * alike is put together once.
 *
 * @module
 */
import { caller } from "../context.ts";
import type { Measured } from "../measured.ts";
import { metadataOf } from "../metadata.ts";
import { splitURL } from "../path.ts";
import type { Usage } from "../usage/usage.ts";
import { type Name, nameOf } from "./attribute.ts";
import type { InputContent } from "./content.ts";
import { countStream, countTokens } from "./counting.ts";
import { type AttemptKind, describeAttempt, describeRequest, originOf } from "./describe.ts";
import type { Figures } from "./figures.ts";
import { Kinds } from "./kinds.ts";
import type { RequestLine } from "./lines.ts";
import { cloudflare, genAI, own } from "./names.ts";
import type { Content, Operation } from "./operation.ts";
import { parametersOf } from "./parameters.ts";
import type { SpanWriter, Statics } from "./span-writer.ts";
import { attemptSpan } from "./trace.ts";

/** What was said, in both families of names. */
export interface SpanContent {
  raw: Content;
  input: InputContent;
  /** JSON; empty where there is nothing. */
  output: string;
}

/** Kinds that are remembered; some of what tells them apart comes from callers. */
const mostKinds = 1000;
/** Bytes in which the id of an answer stands, where there is one. */
const beginning = 256;
/** Names that metadata may not take. */
const reserved = /^(?:gen_ai|sluice|cf|http|url|server|error|user_agent|service)\b/;

/** Writes spans and counts. */
export class SpanMaker {
  readonly #figures: Figures | undefined;
  readonly #attempts = new Kinds<AttemptKind>(mostKinds);
  readonly #requests = new Kinds<Statics>(mostKinds);
  readonly #metadata = new Map<string, Name>();

  constructor(figures: Figures | undefined) {
    this.#figures = figures;
  }

  /** Counts an attempt; gives back what its span needs. */
  attempt(measured: Measured, operation: Operation): AttemptKind {
    const kind = this.#kindOf(measured, operation.reasonOf(measured.attempt.id));
    const { figures } = kind;
    if (figures === undefined) return kind;
    figures.duration.observe(measured.total / 1000);
    if (measured.cost !== null) figures.cost.value += measured.cost;
    if (!kind.infers) return kind;
    if (measured.streamed) countStream(figures, measured);
    const { usage } = measured;
    if (usage !== null) countTokens(figures, usage);
    else if (measured.status >= 400) {
      figures.tokens("input_tokens", "unknown");
      figures.tokens("output_tokens", "unknown");
    }
    return kind;
  }

  #kindOf(measured: Measured, reason: string | undefined): AttemptKind {
    const { attempt } = measured;
    const { ctx } = attempt;
    const origin = originOf(attempt.url);
    return this.#attempts.of([
      ctx.gateway.id,
      ctx.provider.slug,
      measured.model,
      measured.answeredAs,
      measured.modelType,
      origin,
      measured.status,
      measured.end,
      measured.streamed,
      measured.finish,
      measured.quality,
      attempt.number,
      reason,
      ctx.step,
      attempt.keyAlias,
      ctx.method,
    ], () => describeAttempt(measured, origin, reason, this.#figures));
  }

  /** Writes the span of an attempt. */
  writeAttempt(
    writer: SpanWriter,
    kind: AttemptKind,
    operation: Operation,
    measured: Measured,
    content: SpanContent | undefined,
  ): void {
    const { attempt, usage, cost } = measured;
    const trace = operation.trace!;
    const start = operation.at(attempt.started);
    writer.begin({
      traceId: trace.traceId,
      spanId: attemptSpan(attempt.id),
      parentId: operation.spanId,
      state: trace.state,
      name: kind.spanName,
      kind: "client",
      start,
      end: start + measured.total,
    });
    writer.statics(kind.statics);
    if (attempt.ctx.shared.logged) writer.text(own.logId, attempt.id);
    if (kind.infers) {
      const { sent } = measured;
      if (sent !== undefined) {
        for (const { name, kind, value } of parametersOf(sent)) {
          if (kind === "int") writer.int(name, value as number);
          else if (kind === "double") writer.double(name, value as number);
          else if (kind === "text") writer.text(name, value as string);
          else writer.other(name, value as readonly string[]);
        }
      }
      const id = idOf(measured.body);
      if (id !== undefined) writer.text(genAI.responseId, id);
    }
    if (measured.streamed) {
      const { firstByte, firstToken } = measured;
      if (firstByte !== null) writer.double(genAI.timeToFirstChunk, firstByte / 1000);
      if (firstToken !== null) writer.double(own.timeToFirstToken, firstToken / 1000);
    }
    if (usage !== null) writeUsage(writer, usage);
    if (cost !== null) writer.double(cloudflare.cost, cost);
    const lost = attempt.ctx.shared.dropped;
    if (lost !== undefined && lost.length > 0) writer.other(own.lost, lost);
    if (content !== undefined) {
      if (content.input.messages) writer.text(genAI.inputMessages, content.input.messages);
      if (content.input.system) writer.text(genAI.systemInstructions, content.input.system);
      if (content.output !== "") writer.text(genAI.outputMessages, content.output);
    }
    const failed = measured.status >= 400 || measured.end !== "complete";
    writer.end(failed ? measured.error?.message ?? "" : undefined);
  }

  /** Counts a request. */
  count(operation: Operation): void {
    const figures = this.#figures?.ofRequest({
      gateway: operation.ctx.gateway.id,
      status: String(operation.status),
      cache: operation.cache,
      errorType: operation.errorType,
    });
    if (figures === undefined) return;
    figures.duration.observe(operation.took / 1000);
    figures.overhead.observe(operation.overhead / 1000);
  }

  /** Writes the span of a request. */
  writeRequest(writer: SpanWriter, operation: Operation): void {
    const { ctx, content } = operation;
    const trace = operation.trace!;
    writer.begin({
      traceId: trace.traceId,
      spanId: operation.spanId,
      parentId: trace.parentId,
      state: trace.state,
      name: "cf.aig.request",
      kind: "server",
      start: operation.startedAt,
      end: operation.startedAt + operation.took,
    });
    writer.statics(this.#requestKind(operation));
    writer.text(own.requestId, ctx.requestId);
    if (ctx.eventId !== ctx.requestId) writer.text(own.eventId, ctx.eventId.slice(0, 256));
    // Attempts have each their own.
    const { logId, attempts } = ctx.shared;
    if (logId !== undefined && attempts === 0) writer.text(own.logId, logId);
    const { tokensIn, tokensOut, cost, saved } = operation;
    if (tokensIn !== undefined) writer.int(genAI.inputTokens, tokensIn);
    if (tokensOut !== undefined) writer.int(genAI.outputTokens, tokensOut);
    if (cost !== undefined) writer.double(cloudflare.cost, cost);
    else if (operation.cache === "hit") writer.double(cloudflare.cost, 0);
    if (saved !== undefined) writer.double(own.saved, saved);
    const metadata = metadataOf(ctx);
    if (metadata !== null) {
      for (const [key, value] of Object.entries(metadata)) {
        if (value !== null && !reserved.test(key)) writer.other(this.#nameOf(key), value);
      }
    }
    if (content !== undefined) {
      if (content.request !== "") writer.text(cloudflare.prompt, content.request);
      if (content.answer !== "") writer.text(cloudflare.completion, content.answer);
    }
    // A caller's own mistake is no failure of who serves it.
    const failed = operation.status >= 500 || operation.status < 400 && operation.errorType !== "";
    writer.end(failed ? operation.error ?? "" : undefined);
  }

  #requestKind(operation: Operation): Statics {
    const { ctx } = operation;
    const path = splitURL(ctx.request.url).path;
    const agent = ctx.request.headers.get("user-agent") ?? "";
    const keyId = ctx.get(caller)?.keyId ?? "";
    return this.#requests.of([
      ctx.gateway.id,
      ctx.method,
      path,
      agent,
      keyId,
      operation.status,
      operation.cache,
      operation.errorType,
      operation.provider,
      operation.model,
      operation.modelType,
      operation.end,
      operation.streamed,
      ctx.shared.attempts,
    ], () => describeRequest(operation, { path, agent, keyId }));
  }

  /** Names of metadata are callers' own, and few for each. */
  #nameOf(key: string): Name {
    let name = this.#metadata.get(key);
    if (name === undefined) {
      if (this.#metadata.size >= mostKinds) this.#metadata.clear();
      this.#metadata.set(key, name = nameOf(key));
    }
    return name;
  }

  /** The line of a request. */
  line(operation: Operation): RequestLine {
    const { ctx, status, errorType, provider } = operation;
    return {
      time: new Date(operation.startedAt).toISOString(),
      level: status >= 500 ? "error" : errorType !== "" ? "warn" : "info",
      message: "request",
      gateway: ctx.gateway.id,
      method: ctx.method,
      path: splitURL(ctx.request.url).path.slice(0, 2048),
      status,
      duration_ms: rounded(operation.took),
      overhead_ms: rounded(operation.overhead),
      request_id: ctx.requestId,
      event_id: ctx.eventId,
      log_id: ctx.shared.logId ?? null,
      trace_id: operation.trace?.traceId ?? null,
      provider: provider ?? null,
      model: operation.model || null,
      attempts: ctx.shared.attempts,
      streamed: operation.streamed,
      end: operation.end,
      cache: operation.cache || null,
      tokens_in: operation.tokensIn ?? null,
      tokens_out: operation.tokensOut ?? null,
      cost: operation.cost ?? null,
      key_id: ctx.get(caller)?.keyId ?? null,
      error: errorType === "" ? null : operation.error ?? errorType,
    };
  }
}

function writeUsage(writer: SpanWriter, usage: Usage): void {
  const add = (name: Name, value: number | undefined) => {
    if (value !== undefined) writer.int(name, value);
  };
  add(genAI.inputTokens, usage.input);
  add(genAI.outputTokens, usage.output);
  add(genAI.cacheRead, usage.cache_read);
  add(genAI.cacheWrite, usage.cache_write);
  add(genAI.reasoning, usage.reasoning);
  add(genAI.audioInput, usage.input_audio);
  add(genAI.audioOutput, usage.output_audio);
  add(genAI.imageInput, usage.input_image);
  add(genAI.imageOutput, usage.output_image);
}

const idMember = [...`"id":`].map((char) => char.charCodeAt(0));

/** The id that a model's answer begins with, in whichever format. */
function idOf(body: Uint8Array): string | undefined {
  const end = Math.min(body.length, beginning);
  for (let at = 0; at < end; at++) {
    if (body[at] !== 0x22 || idMember.some((byte, i) => body[at + i] !== byte)) continue;
    at += idMember.length;
    if (body[at] === 0x20) at++;
    if (body[at++] !== 0x22) return undefined;
    let id = "";
    for (; at < body.length && id.length < 128; at++) {
      const byte = body[at]!;
      if (byte === 0x22) return id || undefined;
      if (byte === 0x5c || byte < 0x20 || byte > 0x7e) return undefined;
      id += String.fromCharCode(byte);
    }
    return undefined;
  }
  return undefined;
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
