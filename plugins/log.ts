/**
 * One row of the log for each attempt, and for each answer that came without one.
 *
 * @module
 */
import type { Attempt } from "../core/attempt.ts";
import { type Facts, served } from "../core/cache/served.ts";
import { authenticated, caller, type Context } from "../core/context.ts";
import { Code, isGatewayError } from "../core/error.ts";
import { redactBytes, type Redactor, Redactors } from "../core/log/redact.ts";
import type { LogEntry, LogRow, Payload } from "../core/log/row.ts";
import { metadataOf } from "../core/metadata.ts";
import type { Measured } from "../core/measured.ts";
import { definePlugin, type Plugin } from "../core/plugin.ts";
import { credentialOf } from "../core/provider.ts";
import { universal } from "../core/universal.ts";

/** Options of {@link log}; each wins over the gateway's setting of the same meaning. */
export interface LogOptions {
  /** Bodies are kept (`collect_log_payload`). */
  payload?: boolean;
  /** Most bytes of each body (`log_payload_bytes`). */
  payloadBytes?: number;
  /** Patterns masked in bodies, besides those of `log_redact`. */
  redact?: readonly string[];
}

/** Most characters of what a row quotes: rows wait in memory where their store is away. */
const longest = { agent: 512, path: 2048, type: 256 };

/** What is decided for one request. */
interface Plan {
  payload: boolean;
  bytes: number;
  redact: Redactor;
}

/**
 * Writes the log. Stands outermost, for a refusal further out is not logged: only callers that `auth`
 * turns away have no row. Wherever further in attempts are made, each gets its own. Nothing waits for
 * the store.
 */
export function log(options: LogOptions = {}): Plugin {
  const redactors = new Redactors(options.redact);
  const planOf = (ctx: Context): Plan | undefined => {
    const { gateway, clientHeaders: headers } = ctx;
    if (!flag(headers.get("cf-aig-collect-log"), gateway.collect_logs)) return undefined;
    const redact = redactors.of(gateway.log_redact);
    const payload = options.payload ?? gateway.collect_log_payload;
    return {
      payload: payload && flag(headers.get("cf-aig-collect-log-payload"), true),
      bytes: options.payloadBytes ?? gateway.log_payload_bytes,
      redact,
    };
  };

  return definePlugin("log", async (ctx, next) => {
    const loading = redactors.ready(ctx.gateway.log_redact, ctx.host.report);
    if (loading !== undefined) await loading;
    const plan = planOf(ctx);
    // Whose steps may each say otherwise.
    const hasSteps = ctx.provider === universal;
    if (plan === undefined && !hasSteps) return next();
    const started = performance.now();
    const startedAt = ctx.host.now();
    const before = ctx.shared.attempts;
    // Behind `fallback`, this runs once a step.
    if (!ctx.shared.logged) {
      const most = hasSteps || plan?.payload
        ? options.payloadBytes ?? ctx.gateway.log_payload_bytes
        : 0;
      const listener = (measured: Measured) => {
        const own = hasSteps ? planOf(measured.attempt.ctx) : plan;
        return own && ctx.host.log.push(entryOf(measured, own));
      };
      ctx.onAttempt(listener, { keep: most, logged: true });
    }
    try {
      const response = await next();
      const { shared } = ctx;
      const last = shared.attempt ?? ctx;
      const own = hasSteps ? planOf(last) : plan;
      if (own === undefined) delete shared.logId;
      else if (shared.attempts === before || shared.cached === true) {
        const row = rowWithout(last, startedAt, performance.now() - started, response.status, null);
        shared.logId = row.id;
        const facts = ctx.get(served);
        if (facts instanceof Promise) {
          ctx.waitUntil(facts.then((facts) => {
            const took = performance.now() - started;
            Object.assign(row, { duration: took, timings: { ...row.timings, total: took } });
            keep(ctx, entryOfServed(last, row, facts, own));
          }));
        } else keep(ctx, facts === undefined ? { row } : entryOfServed(last, row, facts, own));
      }
      return response;
    } catch (error) {
      if (plan !== undefined && ctx.shared.attempts === before && !byStranger(ctx, error)) {
        const { status, code, message } = isGatewayError(error)
          ? error
          : { status: 500, code: null, message: "The gateway failed" };
        const took = performance.now() - started;
        const row = rowWithout(ctx, startedAt, took, status, {
          code,
          message: plan.redact(message),
        });
        ctx.shared.logId = row.id;
        keep(ctx, { row });
      }
      throw error;
    }
  });
}

/** Strangers at the door get no row: there may be any number of them. */
function byStranger(ctx: Context, error: unknown): boolean {
  if (isGatewayError(error) && error.code === Code.unauthorized) return true;
  return ctx.gateway.authentication && ctx.get(authenticated) !== true;
}

function keep(ctx: Context, entry: LogEntry): void {
  const written = ctx.host.log.push(entry);
  if (written !== undefined) ctx.waitUntil(written);
}

/** A switch of a header, in either direction; anything but `true` and `false` says nothing. */
function flag(header: string | null, otherwise: boolean): boolean {
  return header === "true" ? true : header === "false" ? false : otherwise;
}

function entryOf(measured: Measured, plan: Plan): LogEntry {
  const { attempt, usage, error } = measured;
  const { ctx } = attempt;
  const { status, end } = measured;
  const secrets = secretsOf(attempt);
  const slug = ctx.provider.slug;
  const row: LogRow = {
    ...common(ctx, attempt.number),
    dropped: attempt.dropped === undefined ? null : [...attempt.dropped],
    id: attempt.id,
    created_at: attempt.startedAt,
    model: measured.model === "" ? "" : `${slug}/${measured.model}`,
    model_type: measured.modelType,
    path: pathOf(attempt.url),
    response_content_type: measured.contentType.slice(0, longest.type),
    status_code: status,
    success: status >= 200 && status < 300 && end === "complete" && error === null,
    step: ctx.step,
    duration: measured.total,
    timings: {
      total: measured.total,
      latency: measured.latency,
      first_byte: measured.firstByte,
      first_token: measured.firstToken,
    },
    streamed: measured.streamed,
    end,
    finish_reason: measured.finish,
    tokens_in: usage?.input ?? null,
    tokens_out: usage?.output ?? null,
    usage,
    usage_quality: measured.quality,
    cost: measured.cost,
    cost_parts: measured.costParts,
    custom_cost: measured.costParts?.source === "request" ||
      measured.costParts?.source === "config",
    byok: attempt.keyAlias ?? null,
    error: error === null ? null : {
      code: typeof error.code === "string" ? plan.redact(error.code, secrets) : error.code,
      message: plan.redact(error.message, secrets).slice(0, 2000),
    },
    request_size: measured.sentSize,
    response_size: measured.size,
  };
  if (!plan.payload) return { row };
  const request = payloadOf(measured.sent, measured.sentComplete, plan, secrets);
  const response = payloadOf(measured.body, measured.bodyComplete, plan, secrets);
  return { row, ...request && { request }, ...response && { response } };
}

/** The part of a body that is kept. */
function payloadOf(
  bytes: Uint8Array | undefined,
  complete: boolean,
  plan: Plan,
  secrets: readonly string[],
): Payload | undefined {
  if (bytes === undefined || bytes.byteLength === 0) return undefined;
  const short = bytes.byteLength <= plan.bytes ? bytes : bytes.subarray(0, plan.bytes);
  return { bytes: redactBytes(short, plan.redact, secrets), complete: complete && short === bytes };
}

/** A row for an answer from the cache, which cost nothing. */
function entryOfServed(ctx: Context, row: LogRow, facts: Facts, plan: Plan): LogEntry {
  const { about, end, contentType, body, sent } = facts;
  const { usage, cost: saved } = about;
  Object.assign(row, {
    model: about.model === "" ? "" : `${ctx.provider.slug}/${about.model}`,
    model_type: about.modelType,
    response_content_type: contentType.slice(0, longest.type),
    success: row.success && end === "complete",
    streamed: about.streamed,
    end,
    finish_reason: about.finish,
    tokens_in: usage?.input ?? null,
    tokens_out: usage?.output ?? null,
    usage,
    usage_quality: about.quality,
    cost_parts: { ...free, ...saved !== null && { saved } },
    request_size: sent.byteLength,
    response_size: body.byteLength,
  });
  if (!plan.payload) return { row };
  const request = payloadOf(sent, true, plan, secretsOf({ ctx, headers: ctx.headers }));
  const response = payloadOf(body, end === "complete", plan, []);
  return { row, ...request && { request }, ...response && { response } };
}

const free = {
  input: 0,
  cache_read: 0,
  cache_write: 0,
  output: 0,
  other: 0,
  source: "cache",
} as const;

/** A row for an answer that no provider gave. */
function rowWithout(
  ctx: Context,
  startedAt: number,
  took: number,
  status: number,
  error: LogRow["error"],
): LogRow {
  const { attempt: at = ctx } = ctx.shared;
  const cached = error === null && ctx.shared.cached === true;
  return {
    ...common(at, 0),
    dropped: null,
    id: ctx.shared.attempts === 0 ? ctx.requestId : ctx.host.nextId(),
    created_at: startedAt,
    model: ctx.shared.model === undefined ? "" : `${at.provider.slug}/${ctx.shared.model}`,
    model_type: "",
    path: `/${at.path}`.slice(0, longest.path),
    response_content_type: "",
    status_code: status,
    success: status >= 200 && status < 300,
    cached,
    step: at.step,
    duration: took,
    timings: { total: took, latency: took, first_byte: null, first_token: null },
    streamed: false,
    end: error === null ? "complete" : "error",
    finish_reason: null,
    tokens_in: null,
    tokens_out: null,
    usage: null,
    usage_quality: null,
    cost: cached ? 0 : null,
    cost_parts: null,
    custom_cost: false,
    byok: null,
    error,
    request_size: null,
    response_size: null,
  };
}

function common(ctx: Context, attempt: number) {
  return {
    event_id: ctx.eventId,
    request_id: ctx.requestId,
    gateway: ctx.gateway.id,
    provider: ctx.provider.slug,
    method: ctx.method,
    request_type: ctx.requestType,
    request_content_type: (ctx.headers["content-type"] ?? "").slice(0, longest.type),
    cached: false,
    attempt,
    metadata: metadataOf(ctx),
    feedback: null,
    score: null,
    authentication: ctx.get(authenticated) === true,
    wholesale: false,
    compatibilityMode: ctx.requestType === "compat",
    user_agent: (ctx.request.headers.get("user-agent") ?? "").slice(0, longest.agent),
    key_id: ctx.get(caller)?.keyId ?? null,
    dlp_action: null,
  } as const;
}

/** The path at the provider, without origin and query. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  return start < 0 ? "/" : url.slice(start, start + longest.path);
}

const keyHeaders = ["authorization", "x-api-key", "api-key", "x-goog-api-key", "xi-api-key"];

/** What was sent as credentials, the client's or ours, in case the provider quotes it. */
export function secretsOf({ ctx, headers }: Pick<Attempt, "ctx" | "headers">): string[] {
  const found: string[] = [];
  const { header, scheme = "" } = ctx.provider.key ?? {};
  const add = (value = "") => {
    const secret = value.startsWith(`${scheme} `)
      ? value.slice(scheme.length).trim()
      : credentialOf(value);
    if (secret.length >= 8) found.push(secret);
  };
  for (const name of keyHeaders) add(headers[name]);
  if (header !== undefined && !keyHeaders.includes(header)) add(headers[header]);
  const inQuery = /[?&](?:key|api_key)=([^&]{8,})/.exec(ctx.query)?.[1];
  if (inQuery !== undefined) found.push(inQuery);
  return found;
}
