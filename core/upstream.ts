/**
 * The innermost step: addresses the provider, places the key, sends the bytes and hands back the
 * answer as it comes.
 *
 * @module
 */
import type { Attempt, Watch } from "./attempt.ts";
import { limited } from "./body.ts";
import type { Context } from "./context.ts";
import { Code, GatewayError, isGatewayError } from "./error.ts";
import type { Respond } from "./streams/feed.ts";
import { cleanAnswer, mutable } from "./headers.ts";
import type { Keyring } from "./auth/keyring.ts";
import {
  type Call,
  placeKey,
  type Provider,
  type ProviderSettings,
  targetURL,
  type Tools,
} from "./provider.ts";
import { Meter } from "./meter.ts";
import { ofLength } from "./streams/observe.ts";
import { runtimeName } from "./runtime.ts";
import { topLevelString } from "./scan.ts";
import { passing } from "./streams/passing.ts";

/** One HTTP exchange with a provider. */
export interface Exchange {
  /** Absolute, as it goes on the wire. */
  url: string;
  /** In upper case. */
  method: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** Bytes to send; when absent, the body of `client` streams through. */
  body: Uint8Array | undefined;
  /** The client's request: when it leaves, the exchange ends. */
  client: Request;
  /** Ends the exchange as well. */
  signal: AbortSignal | undefined;
  /** Most bytes of a streamed body. */
  bodyLimit: number;
  /** Sees the chunks of a streamed body. */
  onSent?: ((bytes: Uint8Array) => void) | undefined;
}

/**
 * Sends one exchange and answers when the head of the answer is there. Redirects are not followed
 * and content-encoding is left as it is. Rejects with the runtime's own error.
 */
export interface Transport {
  (exchange: Exchange): Promise<Response>;
  /**
   * Makes the gateway's own answers, where a runtime has a faster way than the platform's.
   *
   * @internal
   */
  readonly respond?: Respond;
}

/** The transport of any runtime with a Web `fetch`. */
export function webTransport(
  fetcher: typeof fetch = (input, init) => fetch(input, init),
): Transport {
  const runtime = runtimeName();
  // Others than these two decode what is compressed and cannot be told not to; so nothing is asked for.
  const handsOnCompressed = runtime === "bun" || runtime === "workers";
  return async (exchange) => {
    const { url, method, headers, client, signal, bodyLimit } = exchange;
    if (!handsOnCompressed) headers["accept-encoding"] = "identity";
    let overflow: GatewayError | undefined;
    const left = runtime === "workers" ? ownSignal(client.signal) : client.signal;
    const signals = [left, ...signal === undefined ? [] : [signal]];
    let body: Uint8Array | Blob | ReadableStream<Uint8Array> | null = exchange.body ?? null;
    if (method === "GET" || method === "HEAD") body = null; // `fetch` refuses even an empty one
    // Bytes it would send once more after a reset of a connection it reuses, and the model is paid twice.
    else if (body !== null && runtime === "deno") {
      body = new Blob([body as Uint8Array<ArrayBuffer>]);
    } else if (body === null && client.body !== null) {
      const { onSent } = exchange;
      if ("content-length" in headers) {
        body = onSent === undefined ? client.body : ofLength(
          client.body.pipeThrough(limited(Infinity, () => {}, onSent)),
          headers["content-length"],
        );
      } else {
        // Failing the stream is not enough: workerd then sends what it has as if it were whole.
        const stop = new AbortController();
        signals.push(stop.signal);
        body = client.body.pipeThrough(
          limited(bodyLimit, (error) => stop.abort(overflow = error), onSent),
        );
      }
    }
    const init = {
      method,
      headers,
      body,
      redirect: "manual",
      signal: signals.length === 1 ? left : AbortSignal.any(signals),
      duplex: "half",
      // Bun: hand on the bytes as they are, and never give up on a silent stream.
      decompress: false,
      timeout: false,
    };
    try {
      const response = await fetcher(url, init as RequestInit);
      if (overflow) throw overflow;
      if (runtime === "deno") return keptAlive(response);
      return handsOnCompressed ? response : asDecoded(response);
    } catch (error) {
      throw overflow ?? error; // some runtimes lose the reason on the way
    }
  };
}

/**
 * On Deno the signal of a fetch ends the body only as long as the response is not collected, even while a
 * copy of it is read: then a client that left kept its upstream open for ever.
 */
function keptAlive(response: Response): Response {
  if (response.body !== null) Object.assign(response.body, { response });
  return response;
}

/** workerd tells listeners that the client has left, and no fetch that has the signal. */
function ownSignal(signal: AbortSignal): AbortSignal {
  const own = new AbortController();
  if (signal.aborted) own.abort(signal.reason);
  else signal.addEventListener("abort", () => own.abort(signal.reason));
  return own.signal;
}

/** `fetch` of the Web decodes the body and leaves headers that speak of the encoded one. */
function asDecoded(response: Response): Response {
  if (!response.headers.has("content-encoding")) return response;
  const decoded = mutable(response);
  decoded.headers.delete("content-encoding");
  decoded.headers.delete("content-length");
  return decoded;
}

/** Bodies up to this size with a declared length are sent in one piece. */
const small = 64 * 1024;

/** What the innermost step needs of the gateway. */
export interface UpstreamOptions {
  transport: Transport;
  tools: Tools;
  bodyLimit: number;
  settingsOf(slug: string): ProviderSettings;
  keyring: Keyring;
}

/** Builds the innermost step of the chain. */
export function upstream(options: UpstreamOptions): (ctx: Context) => Promise<Response> {
  const { transport, tools, bodyLimit, keyring } = options;
  return async (ctx) => {
    const { shared } = ctx;
    shared.attempt = ctx;
    shared.fault = undefined;
    if (shared.otherKey) shared.otherKey = false;
    const started = performance.now();
    const number = shared.attempts++;
    const attempt: Attempt = {
      ctx,
      id: number === 0 ? ctx.requestId : ctx.host.nextId(),
      number,
      startedAt: tools.now(),
      started,
      url: "",
      model: undefined,
      body: undefined,
      headers: ctx.headers,
      dropped: shared.dropped,
      keyAlias: undefined,
    };
    if (shared.logged) shared.logId = attempt.id;
    const { listeners } = shared;
    const watch = listeners && new Meter(attempt, ctx.host, shared.keep, listeners);
    try {
      return await exchange(ctx, attempt, watch);
    } catch (error) {
      watch?.failed(error);
      shared.failure = error;
      throw error;
    } finally {
      shared.upstreamMs += performance.now() - started;
    }
  };

  async function exchange(
    ctx: Context,
    attempt: Attempt,
    watch: Watch | undefined,
  ): Promise<Response> {
    const { provider, request, clientHeaders } = ctx;
    const settings = options.settingsOf(provider.slug);
    const call: Call = {
      account: ctx.account,
      method: ctx.method,
      path: ctx.path,
      query: ctx.query,
      settings,
      tools,
      client: clientHeaders,
      headers: { ...provider.headers, ...settings.headers, ...ctx.headers },
      url: "",
      body: () => ctx.bytes(),
    };
    call.url = attempt.url = targetURL(provider, call);
    const admitted = provider.admit?.(call);
    if (admitted !== undefined) await admitted;
    // Before anything is signed.
    ctx.shared.trace?.place(call.headers, attempt.id);

    const loan = keyring.keyFor(ctx, call);
    const lent = loan instanceof Promise ? await loan : loan;
    attempt.keyAlias = lent?.alias;
    call.url += call.query;
    if (provider.authorize) {
      await authorize(provider.authorize.bind(provider), call, lent?.key, provider.slug);
    } else if (lent !== undefined) placeKey(provider, call, lent.key);
    attempt.headers = call.headers;

    if (ctx.method === "GET" || ctx.method === "HEAD") delete call.headers["content-length"];
    if (watch !== undefined) {
      // What the meter can read.
      const accepted = call.headers["accept-encoding"] ?? "";
      call.headers["accept-encoding"] = /\bgzip\b/.test(accepted) ? "gzip" : "identity";
    }
    if (ctx.hold !== undefined) call.headers["accept-encoding"] = "identity"; // it is looked at at once
    try {
      const body = attempt.body = await readyBytes(ctx, call.headers);
      const model = ctx.model ?? provider.model?.(ctx.path, clientHeaders) ??
        (body && topLevelString(body, "model"));
      if (model !== undefined) ctx.shared.model = attempt.model = model;
      const sent: Exchange = {
        url: call.url,
        method: ctx.method,
        headers: call.headers,
        body,
        client: request,
        signal: ctx.signal,
        bodyLimit,
        onSent: watch?.sent && ((bytes) => watch.sent?.(bytes)),
      };
      let response = mutable(await (ctx.wire?.(sent, transport) ?? transport(sent)));
      if (response.status < 200 || response.status > 599) {
        await response.body?.cancel();
        throw new TypeError(`Status ${response.status} is none of HTTP`);
      }
      cleanAnswer(response.headers);
      if (lent !== undefined) {
        response = await keyring.learn(lent, response, ctx.shared);
        if (response.status >= 400) {
          const { withoutKey } = await import("./auth/masking.ts");
          response = withoutKey(response, lent.key, call.headers);
        }
      }
      return await (watch?.answered(response) ?? passing(response, ctx));
    } catch (error) {
      throw asFailure(error, ctx);
    }
  }
}

/** A provider's own failure to use a key may quote it: nothing of its text goes on. */
async function authorize(
  run: NonNullable<Provider["authorize"]>,
  call: Call,
  key: string | undefined,
  slug: string,
): Promise<void> {
  try {
    await run(call, key);
  } catch (error) {
    if (isGatewayError(error)) throw error;
    throw new GatewayError(
      key === undefined ? 400 : 500,
      Code.badCredential,
      `The credential for '${slug}' cannot be used; it may hold a character that no header can`,
    );
  }
}

/** The body as bytes where somebody has read it or it is small; else nothing, and it streams. */
async function readyBytes(
  ctx: Context,
  headers: Record<string, string>,
): Promise<Uint8Array | undefined> {
  const declared = headers["content-length"];
  if (ctx.body !== undefined || ctx.shared.bytes !== undefined) {
    const bytes = await ctx.bytes();
    if (declared !== undefined || bytes.byteLength > 0) {
      headers["content-length"] = String(bytes.byteLength);
    }
    return bytes;
  }
  if (declared === undefined) return undefined;
  const length = Number(declared);
  return length > 0 && length <= small ? await ctx.bytes() : undefined;
}

/** What a failed exchange means to the client; messages of the runtime may hold a URL with a key. */
function asFailure(error: unknown, ctx: Context): unknown {
  if (ctx.signal?.aborted) return asTimeout(ctx.signal.reason, ctx);
  if (ctx.request.signal.aborted) {
    return new GatewayError(499, Code.clientClosed, "The client closed the request", {
      cause: error,
    });
  }
  for (let at = error; at instanceof Error; at = at.cause) if (isGatewayError(at)) return at;
  const reason = reasonOf(error);
  return new GatewayError(
    502,
    Code.upstreamFailed,
    `Failed to get response from provider '${ctx.provider.slug}'${reason}; ` +
      "check that its base URL can be reached from the gateway",
    { cause: error },
  );
}

/** `AbortSignal.timeout` has a reason of its own, which is no error for a client. */
function asTimeout(reason: unknown, ctx: Context): unknown {
  if (!(reason instanceof DOMException) || reason.name !== "TimeoutError") return reason;
  const message = `Provider '${ctx.provider.slug}' did not answer in time`;
  return new GatewayError(504, Code.upstreamFailed, message);
}

/** A system error code such as ` (ECONNREFUSED)`, the only part of such an error that is safe to show. */
function reasonOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === "string" && /^[A-Za-z_]{3,40}$/.test(code)) return ` (${code})`;
  }
  return "";
}
