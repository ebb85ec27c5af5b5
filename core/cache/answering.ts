/**
 * Answers that were given before, and answers that are being given: what was asked already is not asked
 * again. The plugin `cache` loads it when something is to be cached.
 *
 * @module
 */
import { isOfAttempt } from "../again.ts";
import { apart, behind, onAbort } from "./apart.ts";
import { Endpoints, mostBytes } from "./endpoint.ts";
import { type About, type Entry, expiryOf } from "./entry.ts";
import { drain, type Flight, Flights, type Lasting, type Outcome } from "./flight.ts";
import { giveOwn, giveShared, giveStored, type Job } from "./give.ts";
import { Identities, wayOf } from "./identity.ts";
import { isFailure, lastingHeaders, mayStore } from "./judge.ts";
import type { CacheOptions } from "./options.ts";
import { pass } from "./pass.ts";
import type { Policy } from "./policy.ts";
import { keepPassing, keepWhole, type Recording, relayed, shortAnswer } from "./recorder.ts";
import type { Facts } from "./served.ts";
import type { Context } from "../context.ts";
import { Code, GatewayError } from "../error.ts";
import { type Feed, feedOf } from "../streams/feed.ts";
import type { Next } from "../plugin.ts";
import { drop } from "../streams/drop.ts";

/** All that one plugin answers. */
export class Answers {
  readonly #options: CacheOptions;
  readonly #limit: number;
  readonly #memory: number;
  readonly #identities = new Identities();
  readonly #flights = new Flights();
  readonly #endpoints = new Endpoints();
  /** Entries that are being fetched anew, and since when. */
  readonly #renewals = new Map<string, number>();

  constructor(options: CacheOptions) {
    this.#options = options;
    this.#limit = options.entryBytes ?? 10 * 1024 * 1024;
    this.#memory = options.memoryBytes ?? 32 * 1024 * 1024;
  }

  /** Answers a request for which the cache is on. */
  answer(ctx: Context, next: Next, policy: Policy): Promise<Response> {
    const explicit = policy.key !== undefined || ctx.clientHeaders.has("cf-aig-cache-ttl");
    const never = this.#endpoints.never(ctx, explicit);
    return never === undefined ? this.#of(ctx, next, policy) : pass(ctx, next, never);
  }

  async #of(ctx: Context, next: Next, policy: Policy): Promise<Response> {
    const { host: { cache } } = ctx;
    const began = cache.now();
    const sent = await ctx.bytes();
    if (sent.byteLength > mostBytes) return pass(ctx, next, "the body is over 25 MiB");
    const found = this.#identities.of(ctx, sent, policy, cache.saltOf(ctx.provider.slug));
    const asked = found instanceof Promise ? await found : found;
    if (typeof asked === "string") return pass(ctx, next, asked);
    const job: Job = { ctx, next, policy, asked, sent, began };
    const peeked = cache.peek(asked, (work) => ctx.waitUntil(work));
    const entry = peeked instanceof Promise ? await peeked : peeked;
    const answer = entry && this.#fromEntry(job, entry);
    if (answer !== undefined) {
      this.#identities.remember(asked);
      return answer;
    }
    return await this.#others(job, entry);
  }

  /** The entry, if it is good, or if a new one can be fetched behind it. */
  #fromEntry(job: Job, entry: Entry): Response | undefined {
    const age = job.ctx.host.now() - expiryOf(entry);
    if (age < 0) return giveStored(job, entry, "HIT");
    if (age >= job.policy.staleWhileRevalidate * 1000) return undefined;
    this.#renew(job);
    return giveStored(job, entry, "STALE");
  }

  /** The answer of an identical request that is on its way; else this one's, for all that come after it. */
  async #others(job: Job, old: Entry | undefined): Promise<Response> {
    const { ctx, asked } = job;
    asked.read = undefined;
    const alone = this.#options.coalesce === false || ctx.host.immediate ||
      ctx.signal !== undefined;
    if (alone) return await this.#lookup(job, old, undefined);
    const way = wayOf(ctx) + asked.form;
    for (;;) {
      const flight = this.#flights.find(asked.text, way);
      if (flight === undefined) break;
      const answer = await this.#follow(job, flight);
      if (answer === "alone") return await this.#lookup(job, old, undefined);
      if (answer !== "again") return answer;
    }
    const leader = this.#flights.start(asked.text, way);
    try {
      return await this.#lookup(job, old, leader);
    } catch (error) {
      leader.flight.decide({ kind: "again" });
      throw error;
    }
  }

  /** What the store has; else what the provider says. */
  async #lookup(job: Job, old: Entry | undefined, leader: Leader | undefined): Promise<Response> {
    const { ctx, asked } = job;
    const { cache, now } = ctx.host;
    const looked = cache.find(asked, (work) => ctx.waitUntil(work), this.#memory);
    const found = looked instanceof Promise ? await looked : looked;
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
      return giveStored(job, at.spare, "STALE");
    };
    let response: Response;
    let body: Uint8Array | undefined;
    try {
      const answer = shortAnswer(inner, await next(inner));
      ({ response, body } = answer instanceof Promise ? await answer : answer);
    } catch (error) {
      const ofProvider = isOfAttempt(ctx, error);
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
    const head: Lasting = { status, headers: lastingHeaders(response) };
    if (body !== undefined) {
      const about = keepWhole(recording, response, body);
      flight?.decide({ kind: "whole", head, body, about });
    } else if (bodiless.has(status)) flight?.decide({ kind: "again" });
    else if (leader !== undefined) {
      response = this.#share(job, recording, response, head, leader);
    } else if (mayStore(response)) response = keepPassing(recording, response);
    return giveOwn(ctx, response, at.why);
  }

  /** Lets others read an answer on its way. */
  #share(
    { ctx }: Job,
    recording: Recording,
    response: Response,
    head: Lasting,
    { flight, remove }: Leader,
  ): Response {
    const { status, statusText, headers } = response;
    const { relay, done } = relayed(recording, response, remove);
    const reader = relay.open();
    const { fault } = ctx.shared;
    flight.decide({ kind: "live", head, relay, fault, done });
    // Whoever comes from now on, such as the next attempt, asks anew.
    if (status >= 400 || fault !== undefined) remove();
    const { signal } = ctx.request;
    done.then(onAbort(signal, () => reader.fail(signal.reason ?? gone)));
    const answer = ctx.host.respond({ status, statusText, headers }, reader, ctx.request);
    relay.start();
    return answer;
  }

  /** The answer of another's request; or what to do where there is none. */
  async #follow(job: Job, flight: Flight): Promise<Response | "again" | "alone"> {
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
        return giveStored(job, outcome.entry, outcome.status);
      case "failed":
        ctx.shared.failure = outcome.error;
        throw outcome.error;
      case "whole": {
        const { head, body, about } = outcome;
        const contentType = head.headers["content-type"] ?? "";
        const facts: Facts = { about, end: "complete", contentType, body, sent: job.sent };
        return giveShared(job, head, body, facts);
      }
      case "live":
        return this.#join(job, outcome);
      case "again":
        return "again";
    }
  }

  /** Reads along, if what came so far is still there. */
  #join(job: Job, { relay, head, fault, done }: Live): Response | "again" | "alone" {
    const { ctx } = job;
    const failed = relay.size === 0 && relay.ending !== undefined && relay.ending !== "closed";
    if (failed || !relay.whole) {
      relay.unexpect();
      return failed ? "again" : "alone";
    }
    const reader = relay.open();
    relay.unexpect();
    let left = false;
    const leave = () => left ||= relay.ending === undefined;
    const watched: Feed = {
      attach: (sink) => reader.attach(sink),
      resume: () => reader.resume(),
      abort(why) {
        leave();
        reader.abort(why);
      },
    };
    const { signal } = ctx.request;
    const stay = onAbort(signal, () => {
      leave();
      reader.fail(signal.reason ?? gone);
    });
    ctx.shared.fault = fault;
    const facts = done.then((done): Facts => {
      stay();
      return {
        about: done?.about ?? { ...nobody, provider: ctx.provider.slug, model: job.asked.model },
        end: left ? "client_abort" : done?.end ?? "upstream_cut",
        contentType: head.headers["content-type"] ?? "",
        body: done?.body ?? nothing,
        sent: job.sent,
      };
    });
    return giveShared(job, head, watched, facts);
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
    const work = async () => {
      try {
        // Another process may have been faster.
        const found = await cache.find(asked, (work) => ctx.waitUntil(work), this.#memory);
        if (found.entry !== undefined && ctx.host.now() < expiryOf(found.entry)) return;
        const at: Asking = { other: found.other, spare: undefined, why: "expired" };
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
const gone = new Error("The client left");
/** Statuses of an answer that has no body. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/** What is known of an answer that was never whole. */
const nobody: Omit<About, "provider" | "model"> = {
  modelType: "",
  finish: null,
  usage: null,
  quality: null,
  cost: null,
  streamed: true,
};
