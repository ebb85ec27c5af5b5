/**
 * Answers that were given before, and answers that are being given: what was asked already is not asked
 * again.
 *
 * @module
 */
import { apart, behind, onAbort } from "../core/cache/apart.ts";
import { Endpoints, mostBytes } from "../core/cache/endpoint.ts";
import { type About, type Entry, expiryOf } from "../core/cache/entry.ts";
import { drain, Flight, type Outcome } from "../core/cache/flight.ts";
import { typeOf } from "../core/cache/forms.ts";
import { bodyIn } from "../core/cache/hot.ts";
import { type Asked, Identities, wayOf } from "../core/cache/identity.ts";
import { isFailure, lastingHeaders, mayStore } from "../core/cache/judge.ts";
import { type Policy, policyOf, type Replay } from "../core/cache/policy.ts";
import {
  keepPassing,
  keepWhole,
  type Recording,
  relayed,
  shortAnswer,
} from "../core/cache/recorder.ts";
import { replayed } from "../core/cache/replay.ts";
import { served } from "../core/cache/served.ts";
import type { Context } from "../core/context.ts";
import { Code, GatewayError, isGatewayError } from "../core/error.ts";
import { type Feed, feedOf, type Head } from "../core/feed.ts";
import { mutable } from "../core/headers.ts";
import { definePlugin, type Next, type Plugin } from "../core/plugin.ts";
import { drop } from "../core/streams/drop.ts";

/** Options of {@link cache}. */
export interface CacheOptions {
  /** How a stored stream is sent; over the gateway's `cache_replay`, under `cf-aig-cache-replay`. */
  replay?: Replay;
  /** Most bytes of an answer that is stored; 10 MiB unless given. */
  entryBytes?: number;
  /** Most bytes of answers in the memory of this process; 32 MiB unless given, 0 for none. */
  memoryBytes?: number;
  /** `false`: identical requests at the same time are all sent. */
  coalesce?: boolean;
}

/** `cf-aig-cache-status`; the first two are Cloudflare's. */
type Status = "HIT" | "MISS" | "STALE" | "COALESCED";

/**
 * Answers from the cache what was answered before (spec 4), and lets identical requests at the same time
 * wait for one answer. Stands inside `fallback`, and outside `rateLimit` and whatever else a provider's
 * answer costs. On where a gateway has a `cache_ttl`, or a request a `cf-aig-cache-key` or
 * `cf-aig-cache-ttl`. A store that is away is a cache with nothing in it.
 */
export function cache(options: CacheOptions = {}): Plugin {
  const answers = new Answers(options);
  const endpoints = new Endpoints();
  return definePlugin("cache", (ctx, next) => {
    const policy = policyOf(ctx, options.replay);
    if (typeof policy === "string") return without(ctx, next, policy);
    const { clientHeaders: headers } = ctx;
    const explicit = policy.key !== undefined || headers.has("cf-aig-cache-ttl");
    const never = endpoints.never(ctx, explicit);
    return never === undefined ? answers.of(ctx, next, policy) : without(ctx, next, never);
  });
}

/** One request, as long as it is answered. */
interface Job {
  ctx: Context;
  next: Next;
  policy: Policy;
  asked: Asked;
  sent: Uint8Array;
  began: number;
}

/** All that one plugin answers. */
class Answers {
  readonly #options: CacheOptions;
  readonly #limit: number;
  readonly #memory: number;
  readonly #identities = new Identities();
  readonly #flights = new Map<string, Flight>();
  /** Entries that are being fetched anew, and since when. */
  readonly #renewals = new Map<string, number>();

  constructor(options: CacheOptions) {
    this.#options = options;
    this.#limit = options.entryBytes ?? 10 * 1024 * 1024;
    this.#memory = options.memoryBytes ?? 32 * 1024 * 1024;
  }

  async of(ctx: Context, next: Next, policy: Policy): Promise<Response> {
    const { host: { cache } } = ctx;
    const began = cache.now();
    const sent = await ctx.bytes();
    if (sent.byteLength > mostBytes) return without(ctx, next, "the body is over 25 MiB");
    const found = this.#identities.of(ctx, sent, policy, cache.saltOf(ctx.provider.slug));
    const asked = found instanceof Promise ? await found : found;
    if (typeof asked === "string") return without(ctx, next, asked);
    const job: Job = { ctx, next, policy, asked, sent, began };
    const peeked = cache.peek(asked, (work) => ctx.waitUntil(work));
    const entry = peeked instanceof Promise ? await peeked : peeked;
    const answer = entry && this.#fromEntry(job, entry);
    if (answer !== undefined) return answer;
    return await this.#others(job, entry);
  }

  /** The entry, if it is good, or if a new one can be fetched behind it. */
  #fromEntry(job: Job, entry: Entry): Response | undefined {
    const age = job.ctx.host.now() - expiryOf(entry);
    if (age < 0) return serve(job, entry, "HIT");
    if (age >= job.policy.staleWhileRevalidate * 1000) return undefined;
    this.#renew(job);
    return serve(job, entry, "STALE");
  }

  /** The answer of an identical request that is on its way; else this one's, for all that come after it. */
  async #others(job: Job, old: Entry | undefined): Promise<Response> {
    const { ctx, asked } = job;
    const alone = this.#options.coalesce === false || ctx.host.immediate ||
      ctx.signal !== undefined;
    if (alone) return await this.#lookup(job, old, undefined);
    const name = `${wayOf(ctx)}${asked.form} ${asked.text}`;
    for (;;) {
      const flight = this.#flights.get(name);
      if (flight === undefined) break;
      const answer = await this.#follow(job, flight);
      if (answer !== undefined) return answer;
    }
    const remove = () => {
      if (this.#flights.get(name) === flight) this.#flights.delete(name);
    };
    const flight = new Flight(remove);
    this.#flights.set(name, flight);
    flight.outcome.then(({ kind }) => kind === "live" || remove());
    try {
      return await this.#lookup(job, old, { flight, remove });
    } catch (error) {
      flight.decide({ kind: "again" });
      throw error;
    }
  }

  /** What the store has; else what the provider says. */
  async #lookup(job: Job, old: Entry | undefined, leader: Leader | undefined): Promise<Response> {
    const { ctx, asked } = job;
    const { cache, now } = ctx.host;
    const found = await cache.find(asked, (work) => ctx.waitUntil(work), this.#memory);
    const { entry = old } = found;
    if (entry !== undefined && entry !== old) {
      const status = now() < expiryOf(entry) ? "HIT" : "STALE";
      const answer = this.#fromEntry(job, entry);
      if (answer !== undefined) {
        leader?.flight.decide({ kind: "entry", entry, status });
        return answer;
      }
    }
    const late = entry === undefined ? Infinity : now() - expiryOf(entry);
    const spare = late < job.policy.staleIfError * 1000 ? entry : undefined;
    const why = entry === undefined ? found.why : "what is stored has expired";
    return await this.#ask(job, { other: found.other, spare, why }, leader);
  }

  /** Asks the provider. */
  async #ask(job: Job, at: Asking, leader: Leader | undefined): Promise<Response> {
    const { ctx, next, asked, policy, began } = job;
    const { flight } = leader ?? {};
    const stay = flight === undefined
      ? () => {}
      : onAbort(ctx.request.signal, () => flight.leaveLead());
    const inner = flight === undefined
      ? ctx.with({ headers: { ...ctx.headers, "accept-encoding": "identity" } })
      : apart(ctx, flight.signal);
    const spared = (): Response | undefined => {
      if (at.spare === undefined) return undefined;
      flight?.decide({ kind: "entry", entry: at.spare, status: "STALE" });
      return serve(job, at.spare, "STALE");
    };
    let response: Response;
    let body: Uint8Array | undefined;
    try {
      ({ response, body } = await shortAnswer(inner, await next(inner)));
    } catch (error) {
      const ofProvider = error === ctx.shared.failure && !isClosed(error);
      const answer = ofProvider ? spared() : undefined;
      if (answer !== undefined) return answer;
      flight?.decide(ofProvider ? { kind: "failed", error } : { kind: "again" });
      throw error;
    } finally {
      stay();
    }
    if (isFailure(response.status)) {
      const answer = spared();
      if (answer !== undefined) {
        drop(response);
        return answer;
      }
    }
    const recording: Recording = {
      ctx: inner,
      asked,
      policy,
      began,
      other: at.other,
      limit: this.#limit,
      memory: this.#memory,
    };
    const { status } = response;
    const head: Head = { status, headers: lastingHeaders(response) };
    if (body !== undefined) {
      const about = keepWhole(recording, response, body);
      flight?.decide({ kind: "whole", head, body, about });
    } else if (leader !== undefined) {
      response = this.#share(job, recording, response, head, leader);
    } else if (mayStore(response)) response = keepPassing(recording, response);
    return marked(ctx, mutable(response), "MISS", at.why);
  }

  /** Lets others read an answer on its way. */
  #share(
    { ctx }: Job,
    recording: Recording,
    response: Response,
    head: Head,
    { flight, remove }: Leader,
  ): Response {
    const { status, statusText, headers } = response;
    const { relay, done } = relayed(recording, response, remove);
    const reader = relay.open();
    flight.decide({ kind: "live", head, relay, fault: ctx.shared.fault, done });
    done.then(onAbort(ctx.request.signal, () => reader.abort("The client left")));
    const answer = ctx.host.respond({ status, statusText, headers }, reader, ctx.request);
    relay.start();
    return answer;
  }

  /** The answer of another's request, or nothing when there is none. */
  async #follow(job: Job, flight: Flight): Promise<Response | undefined> {
    const { ctx } = job;
    const { signal } = ctx.request;
    let left = false;
    flight.join();
    const stay = onAbort(signal, () => {
      left = true;
      flight.leave();
    });
    const outcome = await flight.outcome;
    if (outcome.kind === "live") await outcome.relay.started();
    stay();
    if (left) throw new GatewayError(499, Code.clientClosed, "The client closed the request");
    switch (outcome.kind) {
      case "entry":
        return serve(job, outcome.entry, outcome.status);
      case "failed":
        ctx.shared.failure = outcome.error;
        throw outcome.error;
      case "whole": {
        const { head, body, about } = outcome;
        const { contentType } = note(job, about, head);
        ctx.set(served, { about, end: "complete", contentType, body, sent: job.sent });
        return answered(job, head, body, "COALESCED");
      }
      case "live":
        return this.#join(job, outcome);
      case "again":
        return undefined;
    }
  }

  /** Reads along; nothing when there is nothing to read. */
  #join(job: Job, { relay, head, fault, done }: Live): Response | undefined {
    const { ctx } = job;
    const failed = relay.size === 0 && relay.ending !== undefined && relay.ending !== "closed";
    if (failed || !relay.whole) {
      relay.unexpect();
      return undefined;
    }
    const reader = relay.open();
    relay.unexpect();
    let left = false;
    const leave = () => {
      left ||= relay.ending === undefined;
      reader.abort("The client left");
    };
    const watched: Feed = {
      attach: (sink) => reader.attach(sink),
      resume: () => reader.resume(),
      abort: leave,
    };
    const gone = onAbort(ctx.request.signal, leave);
    ctx.shared.fault = fault;
    const { contentType } = note(job, undefined, head);
    const facts = done.then((done) => {
      gone();
      return {
        about: done?.about ?? { ...nobody, provider: ctx.provider.slug, model: job.asked.model },
        end: left ? "client_abort" as const : done ? "complete" as const : "upstream_cut" as const,
        contentType,
        body: done?.body ?? nothing,
        sent: job.sent,
      };
    });
    ctx.set(served, facts);
    return answered(job, head, watched, "COALESCED");
  }

  /** Fetches a new answer behind the client's back, once at a time. */
  #renew(job: Job): void {
    const { ctx, asked } = job;
    const { cache } = ctx.host;
    const name = `${asked.form} ${asked.text}`;
    const at = ctx.host.now();
    if (at - (this.#renewals.get(name) ?? -Infinity) < renewal) return;
    this.#renewals.set(name, at);
    const inner = { ...job, ctx: behind(ctx, new AbortController().signal), began: cache.now() };
    const other = cache.otherThan(asked);
    const work = async () => {
      try {
        const at: Asking = { other, spare: undefined, why: "expired" };
        const response = await this.#ask(inner, at, undefined);
        await drain(feedOf(response));
      } catch {
        // The old answer stays as long as it may; the log has the failure.
      } finally {
        this.#renewals.delete(name);
      }
    };
    ctx.waitUntil(work());
  }
}

/** Milliseconds after which a renewal that has not ended is none. */
const renewal = 60_000;

/** The first of several identical requests. */
interface Leader {
  flight: Flight;
  /** Nobody joins any more. */
  remove(): void;
}

/** What is known when a provider is asked. */
interface Asking {
  /** Stored in another form, which cannot be given in this one. */
  other: Entry | undefined;
  /** Given when there is nothing better. */
  spare: Entry | undefined;
  why: string;
}

type Live = Extract<Outcome, { kind: "live" }>;

const nothing = new Uint8Array(0);

/** What is known of an answer that was never whole. */
const nobody: Omit<About, "provider" | "model"> = {
  modelType: "",
  finish: null,
  usage: null,
  quality: null,
  cost: null,
  streamed: true,
};

function isClosed(error: unknown): boolean {
  return isGatewayError(error) && error.code === Code.clientClosed;
}

/** A request that the cache has no part in. */
async function without(ctx: Context, next: Next, why: string): Promise<Response> {
  if (!asksWhy(ctx)) return next();
  const response = mutable(await next());
  response.headers.set("x-sluice-cache-reason", why);
  return response;
}

function asksWhy({ clientHeaders }: Context): boolean {
  return clientHeaders.get("x-sluice-debug") === "true";
}

function marked(ctx: Context, response: Response, status: Status, why: string): Response {
  count(ctx, status);
  response.headers.set("cf-aig-cache-status", status);
  if (asksWhy(ctx)) response.headers.set("x-sluice-cache-reason", why);
  return response;
}

function count({ host }: Context, status: Status): void {
  host.metrics.count(
    "sluice_cache_requests_total",
    "Requests that may be answered from the cache",
    {
      status: status.toLowerCase(),
    },
  );
}

/** An answer that was stored. */
function serve(job: Job, entry: Entry, status: "HIT" | "STALE"): Response {
  const { ctx, asked, policy, sent } = job;
  const body = bodyIn(entry, asked.forms, asked.form)!;
  const converted = body !== entry.body;
  const headers: Record<string, string> = { ...entry.headers };
  if (converted) headers["content-type"] = typeOf(asked.form);
  const head = { status: entry.status, headers };
  const { contentType } = note(job, entry.about, head);
  ctx.set(served, { about: entry.about, end: "complete", contentType, body, sent });
  const age = Math.max(0, Math.floor((ctx.host.now() - entry.stored) / 1000));
  const pace = converted ? undefined : entry.pace;
  return answered(job, head, replayed(body, pace, policy.replay), status, age);
}

/** Tells whoever else wants to know that this cost nothing. */
function note({ ctx, asked }: Job, about: About | undefined, { headers }: Head) {
  ctx.shared.cached = true;
  const model = about?.model || asked.model;
  if (model !== "") ctx.shared.model = model;
  return { contentType: (headers as Record<string, string>)["content-type"] ?? "" };
}

/** An answer that is not this request's own. */
function answered(
  { ctx }: Job,
  { status, headers: lasting }: Head,
  body: Uint8Array | Feed,
  how: Status,
  age?: number,
): Response {
  count(ctx, how);
  const headers = lasting as Record<string, string>;
  const own: Record<string, string> = {
    ...headers,
    "cf-aig-cache-status": how,
    ...age !== undefined && { age: String(age) },
    "x-sluice-cost": "0",
  };
  if (body instanceof Uint8Array) own["content-length"] = String(body.byteLength);
  if (asksWhy(ctx)) own["x-sluice-cache-reason"] = how.toLowerCase();
  return ctx.host.respond({ status, headers: own }, body, ctx.request);
}
