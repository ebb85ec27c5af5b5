/**
 * What a plugin sees of one request. Readonly: a plugin that wants something changed hands a changed
 * copy to `next`.
 *
 * @module
 */
import { readBody } from "./body.ts";
import type { GatewaySettings } from "./config/config.ts";
import type { Fault } from "./formats/draft.ts";
import type { Host } from "./host.ts";
import type { LogRow } from "./log/row.ts";
import type { AttemptListener } from "./measured.ts";
import type { Observer } from "./streams/observe.ts";
import type { Provider } from "./provider.ts";
import type { Exchange, Transport } from "./upstream.ts";

/** A typed key under which plugins share a value. */
export interface Key<T> {
  /** For messages; need not be unique. */
  readonly name: string;
  /** Never there; ties the key to its type. */
  readonly type?: T;
}

/** Makes a key; two keys of one name are different. */
export function createKey<T>(name: string): Key<T> {
  return { name };
}

/** Set by an auth plugin once it knows the caller: only then are stored provider keys lent. */
export const authenticated: Key<boolean> = createKey("authenticated");

/** Who calls, once an auth plugin knows. */
export interface Caller {
  /** Id of the virtual key; nothing for other ways to be known. */
  keyId?: string;
  /** Its name, for people. */
  keyName?: string;
  /** Stamped on the log rows of the request, over what the caller sends. */
  metadata?: Readonly<Record<string, string | number | boolean>>;
}

/** Set by an auth plugin together with {@link authenticated}. */
export const caller: Key<Caller> = createKey("caller");

/**
 * Set by an auth plugin that knows what its caller may use. Throws for a request that the caller may not
 * send, else gives it back, without what must not go upstream. Whoever sends a request somewhere else than
 * its URL says, asks before.
 */
export type Admission = (ctx: Context) => Context | Promise<Context>;

/** See {@link Admission}. */
export const admission: Key<Admission> = createKey("admission");

/** What the runtime knows of one request. */
export interface Platform {
  /** Address of the client's end of the connection. */
  ip?: string | (() => string | undefined) | undefined;
  /** Keeps the process (or the isolate) alive until the work is done. */
  waitUntil?: ((work: Promise<unknown>) => void) | undefined;
}

/** The address, where the runtime tells it. */
export function ipOf({ ip }: Platform): string | undefined {
  return typeof ip === "function" ? ip() : ip;
}

/** Whatever a runtime passes beside the request: ours, or the execution context of Workers. */
export function platformOf(platform: unknown, execution: unknown): Platform {
  for (const candidate of [platform, execution]) {
    const { waitUntil, ip } = (candidate ?? {}) as Platform;
    if (typeof waitUntil === "function" || typeof ip === "string" || typeof ip === "function") {
      return candidate as Platform;
    }
  }
  return {};
}

/** Members of a {@link Context} that a plugin may replace. */
export type Changes = Partial<
  Pick<
    Context,
    | "request"
    | "provider"
    | "model"
    | "account"
    | "method"
    | "path"
    | "query"
    | "headers"
    | "clientHeaders"
    | "body"
    | "signal"
    | "hold"
    | "observer"
    | "wire"
    | "step"
  >
>;

/** Tells providers which trace a request belongs to. */
export interface TraceScope {
  /** Sets the headers of an attempt, in place. */
  place(headers: Record<string, string>, attemptId: string): void;
}

/** What the copies of one context have in common; the core's own business. */
export interface Shared {
  /** Values of {@link Context.set}. */
  values?: Map<unknown, unknown>;
  /** The client's body, once somebody has read it. */
  bytes?: Promise<Uint8Array>;
  /** The context that last reached the innermost step, or of the step that is being tried. */
  attempt?: Context;
  /** What the innermost step threw last: a failure of its provider, no refusal of a plugin. */
  failure?: unknown;
  /**
   * The error that the last attempt's answer begins with, where a stream was held for its first content.
   *
   * @internal
   */
  fault?: Fault | undefined;
  /** The last attempt's key was refused, and another one of its pool is ready. */
  otherKey?: boolean;
  /** Attempts so far. */
  attempts: number;
  /** Told of each attempt once it is over. */
  listeners?: AttemptListener[];
  /** Most bytes of each body that a listener wants. */
  keep: number;
  /** Each attempt gets a row of the log. */
  logged?: boolean;
  /** What the last attempt's provider could not be told of the client's request (unified API). */
  dropped?: readonly string[];
  /** The answer came from the cache. */
  cached?: boolean;
  /** Id of the last log row of this request. */
  logId?: string;
  /** Model of the last attempt, where it could be told. */
  model?: string;
  /**
   * Set where the request is traced.
   *
   * @internal
   */
  trace?: TraceScope;
  /** Milliseconds spent waiting for providers. */
  upstreamMs: number;
}

/** One request, from route to answer. */
export class Context {
  /** The gateway's services. */
  readonly host: Host;
  /** The client's request. Its body can be read once: use {@link Context.bytes}. */
  readonly request: Request;
  /** What the runtime knows of the request. */
  readonly platform: Platform;
  /** Account segment of the URL. */
  readonly account: string;
  /** Settings of the gateway that the URL names. */
  readonly gateway: GatewaySettings;
  /** Row of the provider that the URL names. */
  readonly provider: Provider;
  /**
   * The one model that is asked for, where the gateway wrote the request; path or body name it in the
   * provider's way, or not at all.
   */
  readonly model: string | undefined;
  /** HTTP method, in upper case. */
  readonly method: string;
  /** Path after the provider's slug, no leading slash, raw. */
  readonly path: string;
  /** Raw; empty, or begins with a question mark. */
  readonly query: string;
  /** Headers that go upstream, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Headers as they were sent, those for the gateway included; of a step of a universal request, its own
   * over those of the request.
   */
  readonly clientHeaders: Headers;
  /** Body that goes upstream instead of the client's. */
  readonly body: Uint8Array | undefined;
  /** Ends the attempt; the client's departure ends it in any case. */
  readonly signal: AbortSignal | undefined;
  /**
   * Most milliseconds for which a streamed answer is held until its first content, because another attempt
   * can take over until then; nothing where it goes out at once.
   */
  readonly hold: number | undefined;
  /**
   * Sees the body of the answer pass.
   *
   * @internal
   */
  readonly observer: Observer | undefined;
  /**
   * Stands between the innermost step and the network, where a plugin has to: what it answers or throws
   * counts as the provider's, for the log, retries and limits alike.
   */
  readonly wire: ((exchange: Exchange, send: Transport) => Promise<Response>) | undefined;
  /** What was asked, in the words of the log. */
  readonly requestType: LogRow["request_type"];
  /** UUIDv7 of this request. */
  readonly requestId: string;
  /** Groups what belongs to one client request; the client's own `cf-aig-event-id` if it sent one. */
  readonly eventId: string;
  /** 0-based index in the fallback list. */
  readonly step: number;
  /** Most bytes that {@link Context.bytes} reads. */
  readonly bodyLimit: number;
  /** Shared by all copies. */
  readonly shared: Shared;

  /** Made by the gateway, one for each request. */
  constructor(
    init: Omit<
      Context,
      "with" | "get" | "set" | "bytes" | "onAttempt" | "waitUntil" | "shared" | "wire" | "model"
    >,
    shared: Shared = { upstreamMs: 0, attempts: 0, keep: 0 },
  ) {
    this.host = init.host;
    this.request = init.request;
    this.platform = init.platform;
    this.account = init.account;
    this.gateway = init.gateway;
    this.provider = init.provider;
    this.model = undefined;
    this.method = init.method;
    this.path = init.path;
    this.query = init.query;
    this.headers = init.headers;
    this.clientHeaders = init.clientHeaders;
    this.body = init.body;
    this.signal = init.signal;
    this.hold = init.hold;
    this.observer = init.observer;
    this.wire = undefined;
    this.requestType = init.requestType;
    this.requestId = init.requestId;
    this.eventId = init.eventId;
    this.step = init.step;
    this.bodyLimit = init.bodyLimit;
    this.shared = shared;
  }

  /** A copy with changes, for `next`. Values of {@link Context.set} are shared with it. */
  with(changes: Changes): Context {
    // Not a copy of whatever is there: that costs forty times as much on Node.
    const { model, wire } = this;
    const copy = new Context(this, this.shared);
    return Object.assign(copy, wire && { wire }, model !== undefined && { model }, changes);
  }

  /** A value that a plugin shared. */
  get<T>(key: Key<T>): T | undefined {
    return this.shared.values?.get(key) as T | undefined;
  }

  /** Shares a value with the plugins further in and out. */
  set<T>(key: Key<T>, value: T): void {
    (this.shared.values ??= new Map()).set(key, value);
  }

  /**
   * The whole body, read once and kept. A plugin that calls `next` more than once reads it first:
   * a body that nobody asked for streams through, and is gone after the first attempt.
   */
  bytes(): Promise<Uint8Array> {
    if (this.body !== undefined) return Promise.resolve(this.body);
    return this.shared.bytes ??= readBody(this.request, this.bodyLimit);
  }

  /**
   * Asks to be told of each attempt further in, once its answer is over: usage, cost, times, and how it
   * ended. Bodies are kept as far as `keep` says, in bytes; `logged` is for the log alone.
   */
  onAttempt(listener: AttemptListener, options: { keep?: number; logged?: boolean } = {}): void {
    const { shared } = this;
    (shared.listeners ??= []).push(listener);
    shared.keep = Math.max(shared.keep, options.keep ?? 0);
    if (options.logged) shared.logged = true;
  }

  /** Work that may go on after the answer. */
  waitUntil(work: Promise<unknown>): void {
    const quiet = work.catch(() => {});
    this.platform.waitUntil?.(quiet);
  }
}
