/**
 * The gateway: a `fetch`. Finds the route, builds the context, runs the chain, dresses the answer.
 *
 * @module
 */
import { v7 as uuidv7 } from "uuid";
import type { Config } from "./config.ts";
import { Context, type Platform } from "./context.ts";
import { isLoopback, openTo, preflight } from "./cors.ts";
import { Code, errorResponse, GatewayError, isGatewayError } from "./error.ts";
import { forwardedHeaders, mutable } from "./headers.ts";
import { nearest, suggestion } from "./nearest.ts";
import { assertSafePath, assertSafeQuery, splitURL } from "./path.ts";
import { compose, type Plugin } from "./plugin.ts";
import type { Provider, Tools } from "./provider.ts";
import { createRouter, type NativeRoute, restOf } from "./router.ts";
import { runtimeName } from "./runtime.ts";
import { setUp } from "./setup.ts";
import { type Transport, upstream, webTransport } from "./upstream.ts";
import { version } from "./version.ts";

/** What `createGateway` takes: the configuration, and what only code can give. */
export interface GatewayOptions extends Config {
  /** The chain; the first is the outermost. */
  plugins?: readonly Plugin[];
  /** Providers on top of the built-in ones; the last of one name wins. */
  adapters?: readonly Provider[];
  /** Where `keys.*.env` is looked up; nothing is ever read from the process. */
  env?: Readonly<Record<string, unknown>>;
  /** Instead of the platform's `fetch`. */
  fetch?: typeof fetch;
  /** Instead of a transport over `fetch`, for runtimes that have a faster way. */
  transport?: Transport;
  /** Milliseconds since 1970; the platform's clock unless given. */
  now?: () => number;
  /** Told what an operator should know: a setting without effect, the cause of a 500. */
  report?: (message: string, cause?: unknown) => void;
}

/** A gateway. */
export interface Gateway {
  /**
   * Answers a request. Never rejects. The second argument is what the runtime knows of the request;
   * what Workers, Bun and Deno pass there on their own is understood too.
   */
  fetch(request: Request, platform?: unknown, execution?: unknown): Promise<Response>;
}

/**
 * Builds a gateway from built-in rows plus {@link GatewayOptions}. Throws a `ConfigError` that lists
 * everything wrong in the configuration.
 */
export function createGatewayWith(builtins: readonly Provider[], options: GatewayOptions): Gateway {
  const { plugins = [], adapters = [], env = {}, now = Date.now, report = () => {}, ...rest } =
    options;
  const { fetch: fetcher, transport, ...input } = rest;
  const { config, providers, gateways, keyring } = setUp({
    input,
    rows: [...builtins, ...adapters],
    plugins,
    env,
    report,
  });

  const web = fetcher ?? ((input, init) => fetch(input, init));
  const tools: Tools = { fetch: web, now, memo: new Map() };
  const limits = config.limits;
  const cors = config.cors ?? { origins: "*" };
  const route = createRouter();
  const run = compose(
    plugins,
    upstream({
      transport: transport ?? webTransport(web),
      tools,
      bodyLimit: limits.body_bytes,
      settingsOf: (slug) => providers.get(slug)?.settings ?? {},
      keyring,
    }),
  );

  function contextFor(
    request: Request,
    platform: Platform,
    found: NativeRoute,
    path: string,
    query: string,
    requestId: string,
  ): Context {
    if (
      config.account !== undefined && found.account !== undefined &&
      found.account !== config.account
    ) {
      throw new GatewayError(
        400,
        Code.unknownGateway,
        `This gateway does not serve account '${found.account}'`,
      );
    }
    const gateway = gateways.get(found.gateway ?? "default");
    if (gateway === undefined) {
      const known = [...gateways.keys()];
      throw new GatewayError(
        400,
        Code.unknownGateway,
        `No gateway '${found.gateway}' is configured; ${
          suggestion(found.gateway ?? "", known, "gateways")
        }`,
      );
    }
    const provider = providers.get(found.provider)?.provider;
    if (provider === undefined) {
      const names = [...providers.keys()];
      if (found.depth === 1 && nearest(found.provider, names) === undefined) throw noRoute(path);
      throw new GatewayError(
        400,
        Code.unknownProvider,
        `Invalid provider '${found.provider}'; ${suggestion(found.provider, names, "providers")}`,
      );
    }
    const headers = request.headers;
    const origin = headers.get("origin");
    if (provider.local && origin !== null && config.cors === undefined && !isLoopback(origin)) {
      throw new GatewayError(
        403,
        Code.originRefused,
        `Provider '${provider.slug}' runs on the operator's machine and is closed to pages of other ` +
          "sites; list the page's origin in 'cors.origins' to open it",
      );
    }
    return new Context({
      request,
      platform,
      account: found.account ?? config.account ?? "default",
      gateway,
      provider,
      method: request.method,
      path: restOf(path, found.depth),
      query,
      headers: forwardedHeaders(headers, limits.header_bytes),
      body: undefined,
      signal: undefined,
      requestId,
      eventId: headers.get("cf-aig-event-id") ?? requestId,
      step: 0,
    });
  }

  async function handle(request: Request, platform: Platform): Promise<Response> {
    const started = performance.now();
    const requestId = uuidv7();
    const origin = request.headers.get("origin");
    let ctx: Context | undefined;
    let response: Response;
    try {
      const early = origin === null ? undefined : preflight(request, cors);
      if (early) return early;
      if (request.url.length > limits.url_bytes) {
        throw new GatewayError(
          414,
          Code.urlTooLong,
          `The URL is over ${limits.url_bytes} characters`,
        );
      }
      const { path, query } = splitURL(request.url);
      assertSafePath(path);
      assertSafeQuery(query);
      const found = await route(request.method, path);
      if (found === undefined) throw noRoute(path);
      if (found.kind === "health") {
        response = Response.json({ status: "ok", runtime: runtimeName(), version });
      } else if (found.kind === "later") {
        throw new GatewayError(501, Code.notServed, `${found.what} is not served by this version`);
      } else {
        ctx = contextFor(request, platform, found, path, query, requestId);
        response = mutable(await run(ctx));
      }
    } catch (error) {
      if (!(isGatewayError(error))) report("A request failed inside the gateway", error);
      response = errorResponse(error, ctx?.gateway.errors === "strict");
    }
    const headers = response.headers;
    headers.set("cf-aig-request-id", requestId);
    if (ctx !== undefined) {
      headers.set("cf-aig-event-id", ctx.eventId);
      headers.set("cf-aig-step", String(ctx.step));
      headers.set("cf-aig-provider", ctx.provider.slug);
      if (ctx.shared.model !== undefined) headers.set("cf-aig-model", ctx.shared.model);
      const upstreamMs = ctx.shared.upstreamMs;
      const ownMs = performance.now() - started - upstreamMs;
      headers.append(
        "server-timing",
        `gateway;dur=${ownMs.toFixed(2)}, upstream;dur=${upstreamMs.toFixed(2)}`,
      );
    }
    if (origin !== null) openTo(origin, cors, headers);
    return response;
  }

  return {
    fetch: (request, platform, execution) => handle(request, platformOf(platform, execution)),
  };
}

/** Whatever a runtime passes beside the request: ours, or the execution context of Workers. */
function platformOf(platform: unknown, execution: unknown): Platform {
  for (const candidate of [platform, execution]) {
    if (typeof (candidate as Platform | undefined)?.waitUntil === "function") {
      return candidate as Platform;
    }
  }
  return {};
}

function noRoute(path: string): GatewayError {
  return new GatewayError(
    404,
    Code.unknownRoute,
    `No route '${
      path.slice(0, 200)
    }'; requests go to /v1/{account}/{gateway}/{provider}/{the provider's ` +
      "own path}, or /{provider}/{path} for gateway 'default'",
  );
}
