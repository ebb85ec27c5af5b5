/**
 * Failures on purpose, so that one can see what retries, fallbacks, timeouts and clients make of them.
 *
 * @module
 */
import { type About, type Body, pause, withFault } from "../core/chaos/body.ts";
import { checkFault, type Fault, parseFaults, textOf } from "../core/chaos/fault.ts";
import type { Context } from "../core/context.ts";
import { Code, GatewayError } from "../core/error.ts";
import { globs } from "../core/glob.ts";
import { definePlugin, type Plugin } from "../core/plugin.ts";
import type { FormatName } from "../core/provider.ts";
import type { Exchange, Transport } from "../core/upstream.ts";

export type { Fault };

/** When something goes wrong. Of several rules the first one that strikes counts. */
export interface ChaosRule {
  /** What goes wrong; several things do in their order. */
  fault: Fault | readonly Fault[];
  /** 0 to 1; 1 unless given. */
  probability?: number;
  /** Once it strikes, so do all that follow, up to that many requests; 1 unless given. */
  burst?: number;
  /** Strikes that many times, and then no more. */
  times?: number;
  /** Globs over provider slugs; all unless given. */
  providers?: readonly string[];
  /** Globs over models; all requests unless given, also those whose model is not known. */
  models?: readonly string[];
  /** Globs over paths at the provider, without the leading slash; all unless given. */
  paths?: readonly string[];
}

/** Options of {@link chaos}. */
export interface ChaosOptions {
  /** All that match a request apply. */
  rules?: readonly ChaosRule[];
  /** The same seed makes the same requests fail, as long as they come in the same order. */
  seed?: number;
  /** A request may ask for a fault in `x-sluice-chaos`, such as `cut events=3`; that comes before rules. */
  header?: boolean;
}

const headerName = "x-sluice-chaos";

/**
 * Lets attempts fail. It works beneath the innermost step, so that log, retries and limits take a fault for
 * the provider's; in the chain it stands innermost. Answers that it had to do with say so in
 * `x-sluice-chaos`. Throws a `TypeError` on rules that are none.
 */
export function chaos(options: ChaosOptions = {}): Plugin {
  const random = options.seed === undefined ? Math.random : sequence(options.seed);
  const rules = (options.rules ?? []).map((rule) => ready(rule, random));

  return definePlugin("chaos", (ctx, next) => {
    const asked = options.header === true ? fromHeader(ctx) : undefined;
    if (asked === undefined && rules.length === 0) return next();
    return next(ctx.with({
      wire(exchange, send) {
        const attempt = ctx.shared.attempts;
        const found = asked ?? rules.find((strikes) => strikes.by(ctx))?.faults ?? [];
        const faults = found.filter(({ attempts = Infinity }) => attempt <= attempts);
        const inner: Transport = ctx.wire === undefined ? send : (sent) => ctx.wire!(sent, send);
        return faults.length === 0 ? inner(exchange) : fail(faults, ctx, exchange, inner);
      },
    }));
  });
}

function fromHeader(ctx: Context): readonly Fault[] | undefined {
  const text = ctx.clientHeaders.get(headerName);
  if (text === null) return undefined;
  try {
    return parseFaults(text);
  } catch (error) {
    throw new GatewayError(
      400,
      Code.badHeader,
      `The header '${headerName}' cannot be read: ${(error as Error).message}`,
    );
  }
}

/** A rule, made ready. */
interface Ready {
  faults: readonly Fault[];
  by(ctx: Context): boolean;
}

function ready(rule: ChaosRule, random: () => number): Ready {
  const { probability = 1, burst = 1, times = Infinity } = rule;
  if (typeof probability !== "number" || !(probability >= 0 && probability <= 1)) {
    throw new TypeError(`chaos: 'probability' is ${probability}, and must be 0 to 1`);
  }
  for (const [name, value] of Object.entries({ burst, times })) {
    if (value === Infinity || Number.isInteger(value) && value >= 1) continue;
    throw new TypeError(`chaos: '${name}' is ${value}, and must be a whole number from 1`);
  }
  const faults = [rule.fault].flat().map(checkFault);
  const provider = rule.providers && globs(rule.providers);
  const model = rule.models && globs(rule.models);
  const path = rule.paths && globs(rule.paths);
  let left = times;
  let inRow = 0;
  return {
    faults,
    by({ provider: { slug, aliases = [] }, path: at, shared }) {
      if (left <= 0) return false;
      if (provider !== undefined && ![slug, ...aliases].some(provider)) return false;
      if (model !== undefined && (shared.model === undefined || !model(shared.model))) return false;
      if (path !== undefined && !path(at)) return false;
      if (inRow > 0) inRow--;
      else if (random() < probability) inRow = burst - 1;
      else return false;
      left--;
      return true;
    },
  };
}

async function fail(
  faults: readonly Fault[],
  ctx: Context,
  exchange: Exchange,
  send: Transport,
): Promise<Response> {
  const { path, provider: { slug, format }, host } = ctx;
  const { client, signal } = exchange;
  const signals = signal === undefined ? [client.signal] : [client.signal, signal];
  let made: Response | undefined;
  for (const fault of faults) {
    host.metrics.count("sluice_chaos_total", "Faults made on purpose", {
      provider: slug,
      fault: fault.type,
    });
    if (fault.type === "delay") await pause(fault.ms ?? 1000, signals);
    else if (fault.type === "refuse") {
      throw Object.assign(new TypeError("fetch failed"), { code: "ECONNREFUSED" });
    } else if (fault.type === "status") made ??= answerOf(fault, format, path);
  }
  // What is compressed has no events to be seen.
  const headers = { ...exchange.headers, "accept-encoding": "identity" };
  const response = made ?? await send({ ...exchange, headers });
  const about: About = {
    contentType: response.headers.get("content-type") ?? "",
    path,
    format,
    signals,
  };
  const answerHeaders = new Headers([...response.headers]);
  answerHeaders.set(headerName, textOf(faults));
  let { body } = response;
  if (body !== null) {
    // A connection that breaks has promised more; all else has to look whole.
    if (faults.some(({ type }) => type !== "cut" && type !== "stall" && type !== "slow")) {
      answerHeaders.delete("content-length");
    }
    for (const fault of faults) body = withFault(body as Body, fault, about);
  }
  const { status, statusText } = response;
  return new Response(body, { status, statusText, headers: answerHeaders });
}

/** An error as a provider of that format writes it. */
function answerOf(
  { status = 503, retry_after = status === 429 ? 1 : undefined }: Extract<
    Fault,
    { type: "status" }
  >,
  format: FormatName = "openai-chat",
  path: string,
): Response {
  const message = `This answer is made on purpose (chaos): ${status}`;
  const type = status === 429
    ? "rate_limit_error"
    : status === 529 || status === 503
    ? "overloaded_error"
    : status < 500
    ? "invalid_request_error"
    : "api_error";
  const headers: Record<string, string> = {};
  if (retry_after !== undefined) headers["retry-after"] = String(retry_after);
  let body: unknown = { error: { message, type, param: null, code: null } };
  if (format === "anthropic-messages" || /(?:^|\/)messages$/.test(path)) {
    body = { type: "error", error: { type, message } };
  } else if (format === "gemini") {
    const name = status === 429
      ? "RESOURCE_EXHAUSTED"
      : status < 500
      ? "INVALID_ARGUMENT"
      : "UNAVAILABLE";
    body = { error: { code: status, message, status: name } };
  } else if (format === "bedrock-converse") {
    body = { message };
    headers["x-amzn-errortype"] = status === 429
      ? "ThrottlingException"
      : status < 500
      ? "ValidationException"
      : "ServiceUnavailableException";
  } else if (format === "cohere-v2") body = { message };
  return Response.json(body, { status, headers });
}

/** Numbers from 0 to 1 that follow from a seed: a linear congruential generator, begun some steps in. */
function sequence(seed: number): () => number {
  let state = seed >>> 0;
  const next = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  for (let i = 0; i < 8; i++) next();
  return next;
}
