/**
 * Limits in time for one attempt.
 *
 * @module
 */
import { askedNumber } from "../core/asked.ts";
import type { Context } from "../core/context.ts";
import { Code, GatewayError } from "../core/error.ts";
import { both, type Observer, type Source } from "../core/streams/observe.ts";
import { definePlugin, type Next, type Plugin } from "../core/plugin.ts";
import { isHeartbeat } from "../core/streams/heartbeat.ts";

/** Options of {@link timeout}, in milliseconds; 0 is off, over the gateway's settings as well. */
export interface TimeoutOptions {
  /** To the first byte of the answer's body (`timeout_first_byte`, `cf-aig-request-timeout`). */
  firstByte?: number;
  /** Between two chunks of it (`timeout_idle`, `x-sluice-timeout-idle`). */
  idle?: number;
  /** To its end (`timeout_total`, `x-sluice-timeout-total`). */
  total?: number;
}

/** The longest that a timer can do. */
const longest = 2 ** 31 - 1;
/** Looks within an idle limit; that many without progress are one too many. */
const looks = 4;

interface Limits {
  firstByte: number;
  idle: number;
  total: number;
}

/**
 * Gives an attempt up that takes too long: a 504 before the head of the answer, else a stream that ends
 * with an error event. What only keeps the connection alive (comments, pings) is neither a first byte nor
 * progress; a client that reads slowly is not held against the provider. Stands innermost, so that each
 * attempt has its own time. Every attempt has the limit, the last one, too.
 */
export function timeout(options: TimeoutOptions = {}): Plugin {
  return definePlugin("timeout", (ctx, next) => {
    const { gateway } = ctx;
    const asked = (name: string) => askedNumber(ctx, name, 0, longest);
    const limits: Limits = {
      firstByte: asked("cf-aig-request-timeout") ?? options.firstByte ?? gateway.timeout_first_byte,
      idle: asked("x-sluice-timeout-idle") ?? options.idle ?? gateway.timeout_idle,
      total: asked("x-sluice-timeout-total") ?? options.total ?? gateway.timeout_total,
    };
    return limits.firstByte + limits.idle + limits.total === 0 ? next() : run(ctx, next, limits);
  });
}

async function run(ctx: Context, next: Next, limits: Limits): Promise<Response> {
  const clock = new Clock(ctx.provider.slug, limits);
  const { signal } = clock;
  const { attempts } = ctx.shared;
  try {
    const response = await next(ctx.with({
      signal: ctx.signal === undefined ? signal : AbortSignal.any([ctx.signal, signal]),
      observer: both(ctx.observer, clock),
    }));
    // An answer that no attempt gave has no end to wait for.
    if (ctx.shared.attempts === attempts) clock.end();
    return response;
  } catch (error) {
    clock.end();
    throw error;
  }
}

type Timer = ReturnType<typeof setTimeout> | undefined;

/** Watches one attempt. */
class Clock implements Observer {
  readonly #provider: string;
  readonly #idle: number;
  readonly #stop = new AbortController();
  #first: Timer;
  #total: Timer;
  #looking: Timer;
  #source: Source | undefined;
  #started = false;
  #progress = true;
  #missed = 0;

  constructor(provider: string, { firstByte, idle, total }: Limits) {
    this.#provider = provider;
    this.#idle = idle;
    this.#first = this.#after(firstByte, `did not answer within ${firstByte} ms`);
    this.#total = this.#after(total, `did not complete its answer within ${total} ms`);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  begin(source: Source): void {
    this.#source = source;
    if (this.#idle > 0) this.#looking = setInterval(() => this.#look(), this.#idle / looks);
  }

  chunk(bytes: Uint8Array): void {
    if (this.#started && this.#idle === 0 || isHeartbeat(bytes)) return;
    this.#progress = true;
    if (this.#started) return;
    this.#started = true;
    clearTimeout(this.#first);
  }

  end(): void {
    clearTimeout(this.#first);
    clearTimeout(this.#total);
    clearInterval(this.#looking);
  }

  /** A timer for each chunk would cost more than all else that is done with it. */
  #look(): void {
    if (this.#progress || this.#source?.waiting === false) this.#missed = 0;
    else if (++this.#missed >= looks) {
      this.#over(`sent nothing for ${this.#idle} ms in the middle of its answer`);
    }
    this.#progress = false;
  }

  #after(ms: number, what: string): Timer {
    return ms > 0 ? setTimeout(() => this.#over(what), ms) : undefined;
  }

  #over(what: string): void {
    this.end();
    const message = `Provider '${this.#provider}' ${what}`;
    this.#stop.abort(new GatewayError(504, Code.upstreamFailed, message));
  }
}
