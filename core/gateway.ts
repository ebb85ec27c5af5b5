/**
 * The gateway: a `fetch`. Finds the route, builds the context, runs the chain, dresses the answer.
 *
 * @module
 */
import { assertDeclaredLength } from "./body.ts";
import type { Config, GatewaySettings } from "./config/config.ts";
import { Context, ipOf, type Platform, platformOf } from "./context.ts";
import { type CorsSettings, openTo, preflight } from "./cors.ts";
import { createDuties } from "./duties.ts";
import { Code, errorResponse, GatewayError, isGatewayError } from "./error.ts";
import type { Dashboard } from "./dashboard/mod.ts";
import type { WriteFile } from "./export/config.ts";
import { forwardedHeaders, headerText, mutable } from "./headers.ts";
import { createHost } from "./host.ts";
import { providerNamed } from "./locate.ts";
import type { AdminOptions } from "./management/access.ts";
import type { Manage } from "./management/mod.ts";
import { nearest, shown, suggestion } from "./nearest.ts";
import { assertSafePath, assertSafeQuery, splitURL } from "./path.ts";
import { compose, type Plugin } from "./plugin.ts";
import type { Provider, Tools } from "./provider.ts";
import {
  createRouter,
  type ManagementRoute,
  type NativeRoute,
  restOf,
  type Route,
  type UnifiedRoute,
  type UniversalRoute,
  unservedOf,
} from "./router.ts";
import { runtimeName } from "./runtime.ts";
import type { Snapshot } from "./settings/snapshot.ts";
import { setUp } from "./config/setup.ts";
import { healthOf } from "./storage/guard.ts";
import type { Stores } from "./storage/ports.ts";
import { sendable } from "./streams/observe.ts";
import { compat } from "./unified/compat.ts";
import { withUnified } from "./unified/plugin.ts";
import { universal } from "./universal.ts";
import { type Transport, upstream, webTransport } from "./upstream.ts";
import { version } from "./version.ts";

/** What `createGateway` takes: the configuration, and what only code can give. */
export interface GatewayOptions extends Config {
  /** The chain; the first is the outermost. */
  plugins?: readonly Plugin[];
  /** Providers on top of the built-in ones; the last of one name wins. */
  adapters?: readonly Provider[];
  /**
   * Where `keys.*.env` and `SLUICE_MASTER_KEY` (32 bytes as base64, for stored provider keys) are looked
   * up; nothing is ever read from the process.
   */
  env?: Readonly<Record<string, unknown>>;
  /** Memory for each that is not given. */
  stores?: Partial<Stores>;
  /** The management API and `/metrics`; not served unless given. */
  admin?: AdminOptions;
  /** Instead of the platform's `fetch`. */
  fetch?: typeof fetch;
  /** Instead of a transport over `fetch`, for runtimes that have a faster way. */
  transport?: Transport;
  /** SHA-256 in hex, where the runtime has one that is there at once; it costs a tenth of our own. */
  digest?: (data: string | Uint8Array) => string;
  /**
   * Addresses of a name, for runtimes that can look names up: what is stored over the management API must
   * not lead to an inner address under a public name.
   */
  resolve?: (name: string) => Promise<readonly string[]>;
  /** Writes a file whole or not at all and makes its folder, for exports to files. */
  writeFile?: WriteFile;
  /** Milliseconds since 1970; the platform's clock unless given. */
  now?: () => number;
  /** Told what an operator should know: a setting without effect, the cause of a 500. */
  report?: (message: string, cause?: unknown) => void;
}

export type { AdminOptions };

/** A gateway. */
export interface Gateway {
  /**
   * Answers a request. Never rejects. The second argument is what the runtime knows of the request;
   * what Workers, Bun and Deno pass there on their own is understood too.
   */
  fetch(request: Request, platform?: unknown, execution?: unknown): Promise<Response>;
  /** Loads what the first answers will want, such as the price table. */
  warm(): Promise<void>;
  /**
   * Does what is due beside requests: exports, alerts. To be called each second or so, or by a cron; it
   * returns at once where nothing is due. Never rejects.
   */
  run(): Promise<void>;
  /** Writes what waits to be written. */
  flush(): Promise<void>;
  /** The same, exports what there is, and closes the stores. */
  close(): Promise<void>;
}

/**
 * Builds a gateway from built-in rows plus {@link GatewayOptions}. Throws a `ConfigError` that lists
 * everything wrong in the configuration.
 */
export function createGatewayWith(builtins: readonly Provider[], options: GatewayOptions): Gateway {
  const { plugins = [], adapters = [], env = {}, now = Date.now, report = () => {}, ...rest } =
    options;
  const { fetch: fetcher, transport, digest, stores, admin, resolve, writeFile, ...input } = rest;
  const setup = setUp({
    input,
    rows: [...builtins, ...adapters],
    plugins,
    env,
    report,
    loopback: admin?.loopback === true,
    resolve,
  });
  const { config } = setup;

  const web = fetcher ?? ((input, init) => fetch(input, init));
  const way = transport ?? webTransport(web);
  const tools: Tools = { fetch: web, now, memo: new Map() };
  const limits = config.limits;
  const cors = config.cors ?? { origins: "*" };
  // To manage the gateway a page must have been named: "any" is for what every caller may do.
  const adminCors = cors.origins === "*" ? { origins: [] } : cors;
  if (stores === undefined && Object.keys(config.storage).length > 0) {
    report("'storage' has no effect here: pass `stores` to createGateway");
  }
  const host = createHost({
    setup,
    managed: Boolean(admin?.token) || admin?.loopback === true,
    stores,
    env,
    fetch: web,
    transport: way,
    digest,
    now,
    report,
  });
  const duties = createDuties({ host, setup, env, writeFile });
  if (admin?.token && admin.token.trim().length < shortestToken) {
    report(
      `The admin token is shorter than ${shortestToken} characters and can be guessed; take a ` +
        "longer one, such as the output of 'openssl rand -hex 32'",
    );
  }
  // Loaded when it is asked for: requests to providers never need it.
  let manage: Promise<Manage> | undefined;
  let dashboard: Promise<Dashboard> | undefined;
  const route = createRouter();
  const run = compose(
    withUnified(plugins),
    upstream({
      transport: way,
      tools,
      bodyLimit: limits.body_bytes,
      settingsOf: host.settingsOf,
      keyring: host.keyring,
    }),
  );

  async function handle(request: Request, platform: Platform): Promise<Response> {
    const started = performance.now();
    const requestId = host.nextId();
    const origin = request.headers.get("origin");
    let ctx: Context | undefined;
    let endpoint: string | undefined;
    let response: Response;
    let pages: CorsSettings = cors;
    try {
      if (origin !== null && request.method === "OPTIONS") {
        const asked = await route("OPTIONS", splitURL(request.url).path);
        const early = preflight(request, isAdmin(asked) ? adminCors : cors);
        if (early) return early;
      }
      if (request.url.length > limits.url_bytes) {
        throw new GatewayError(
          414,
          Code.urlTooLong,
          `The URL is over ${limits.url_bytes} characters`,
        );
      }
      if (request.method === "TRACE" || request.method === "CONNECT") {
        throw new GatewayError(
          405,
          Code.badMethod,
          `Method ${request.method} is not for a gateway`,
        );
      }
      assertDeclaredLength(request.headers, limits.body_bytes);
      const { path, query } = splitURL(request.url);
      assertSafePath(path);
      assertSafeQuery(query);
      const matched = route(request.method, path);
      const found = matched instanceof Promise ? await matched : matched;
      if (found === undefined) throw noRoute(path);
      if (found.kind === "health") {
        const full = /[?&]full=1(?:&|$)/.test(query);
        response = Response.json({
          status: "ok",
          runtime: runtimeName(),
          version,
          ...full &&
            {
              stores: healthOf(host.stores),
              log: { rows_waiting: host.settler.waiting + host.log.waiting },
              ...duties?.health(),
            },
        });
      } else if (isAdmin(found)) {
        pages = adminCors;
        manage ??= import("./management/mod.ts").then(({ createManagement }) =>
          createManagement({ host, setup, admin, report })
        );
        response = await (await manage)(request, found, query, ipOf(platform));
      } else if (found.kind === "openapi") {
        if (!admin?.token && admin?.loopback !== true) throw noRoute(path);
        response = (await import("./management/openapi.ts")).openAPI(request);
      } else if (found.kind === "dashboard") {
        pages = adminCors;
        if (!admin?.token && admin?.loopback !== true) throw noRoute(path);
        dashboard ??= import("./dashboard/mod.ts").then(({ createDashboard }) =>
          createDashboard({ host, account: setup.config.account, admin, report })
        );
        response = await (await dashboard)(request, path, ipOf(platform));
      } else if (found.kind === "later") {
        throw new GatewayError(501, Code.notServed, `${found.what} is not served by this version`);
      } else {
        if (found.kind === "unified") endpoint = found.endpoint;
        const settings = host.settings.current(platform);
        const { gateway, provider } = locate(
          settings instanceof Promise ? await settings : settings,
          found,
          path,
          request,
        );
        ctx = new Context({
          host,
          request,
          platform,
          account: found.account ?? config.account ?? "default",
          gateway,
          provider,
          method: request.method,
          path: found.kind === "native" ? restOf(path, found.depth) : endpoint ?? "",
          query,
          headers: forwardedHeaders(request.headers, limits.header_bytes),
          clientHeaders: request.headers,
          body: undefined,
          signal: undefined,
          hold: undefined,
          observer: undefined,
          requestType: found.kind === "unified" ? "compat" : found.kind,
          requestId,
          eventId: request.headers.get("cf-aig-event-id")?.slice(0, 256) || requestId,
          step: 0,
          bodyLimit: limits.body_bytes,
        });
        duties?.request(ctx);
        response = mutable(await run(ctx));
      }
    } catch (error) {
      if (!isGatewayError(error)) report("A request failed inside the gateway", error);
      const asked = endpoint ?? (ctx ? undefined : unservedOf(splitURL(request.url).path));
      response = asked === undefined
        ? errorResponse(error, ctx?.gateway.errors === "strict")
        : await import("./unified/failure.ts").then(({ failureOf }) =>
          failureOf(error, {
            path: asked,
            headers: request.headers,
            id: requestId,
            routed: endpoint !== undefined,
          })
        );
    }
    try {
      const { headers } = response;
      headers.set("cf-aig-request-id", requestId);
      if (ctx !== undefined) {
        headers.set("cf-aig-event-id", ctx.eventId);
        const { attempt = ctx, logId, model, upstreamMs } = ctx.shared;
        if (logId !== undefined) headers.set("cf-aig-log-id", logId);
        headers.set("cf-aig-step", String(attempt.step));
        if (attempt.provider !== universal && attempt.provider !== compat) {
          headers.set("cf-aig-provider", attempt.provider.slug);
        }
        if (model !== undefined) headers.set("cf-aig-model", headerText(model));
        // A page of a provider's must not act as one of the gateway's own, which may manage it.
        if (!neverPage.test(headers.get("content-type") ?? "")) {
          headers.append("content-security-policy", "sandbox");
          headers.set("x-content-type-options", "nosniff");
        }
        const ownMs = performance.now() - started - upstreamMs;
        headers.append(
          "server-timing",
          `gateway;dur=${ownMs.toFixed(2)}, upstream;dur=${upstreamMs.toFixed(2)}`,
        );
      }
      if (origin !== null) openTo(origin, pages, headers);
      return response;
    } catch (error) {
      // A runtime may end when this rejects.
      report("An answer could not be given", error);
      await response.body?.cancel().catch(() => {});
      return errorResponse(error);
    }
  }

  return {
    fetch(request, platform, execution) {
      const answer = handle(request, platformOf(platform, execution));
      if (!host.immediate) return answer;
      return answer.then((response) => sendable(response, execution !== undefined));
    },
    async warm() {
      const usage = { input: 0, output: 0 };
      await host.pricer.cost({ provider: "openai", model: "gpt-4o-mini", usage, at: now() });
    },
    async run() {
      await Promise.all([duties?.run(), host.due()]);
    },
    flush: () => host.flush(),
    async close() {
      await host.flush();
      await duties?.run(true);
      await host.close();
    },
  };
}

/** Types that no browser shows as a page; of several, it may take any. */
const neverPage = /^(?:application\/json|text\/event-stream|audio\/|video\/)[^,]*$/i;

/** Characters of an admin token below which it is reported. */
const shortestToken = 16;

/** The gateway and the provider that a URL names, or an error that tells which of them is not there. */
function locate(
  settings: Snapshot,
  found: NativeRoute | UniversalRoute | UnifiedRoute,
  path: string,
  { method, headers }: Request,
): { gateway: GatewaySettings; provider: Provider } {
  const { config, gateways, providers } = settings;
  const { account } = found;
  // Cloudflare's REST surface has no gateway in its path.
  const id = found.gateway ??
    (found.kind === "unified" && found.rest ? headers.get("cf-aig-gateway-id") : null) ?? "default";
  if (config.account !== undefined && account !== undefined && account !== config.account) {
    const message = `This gateway does not serve account '${shown(account)}'`;
    throw new GatewayError(400, Code.unknownGateway, message);
  }
  const gateway = gateways.get(id);
  if (gateway === undefined) {
    const hint = suggestion(id, [...gateways.keys()], "gateways");
    throw new GatewayError(
      400,
      Code.unknownGateway,
      `No gateway '${shown(id)}' is configured; ${hint}`,
    );
  }
  if (found.kind === "unified") return { gateway, provider: compat };
  if (found.kind === "universal") {
    if (method === "POST") return { gateway, provider: universal };
    if (headers.get("upgrade")?.toLowerCase() === "websocket") {
      const message = "The universal endpoint's WebSocket is not served by this version";
      throw new GatewayError(501, Code.notServed, message);
    }
    throw new GatewayError(
      405,
      Code.badMethod,
      "The universal endpoint takes a POST with a JSON array of steps; a provider's own API is at " +
        "/v1/{account}/{gateway}/{provider}/{path}",
      { headers: { allow: "POST" } },
    );
  }
  const { provider: name, depth } = found;
  if (depth === 1 && !providers.has(name) && nearest(name, [...providers.keys()]) === undefined) {
    throw noRoute(path);
  }
  return { gateway, provider: providerNamed(settings, name, headers) };
}

function isAdmin(found: Route | undefined): found is ManagementRoute | { kind: "metrics" } {
  return found?.kind === "management" || found?.kind === "metrics";
}

function noRoute(path: string): GatewayError {
  return new GatewayError(
    404,
    Code.unknownRoute,
    `No route '${
      shown(path)
    }'; requests go to /v1/{account}/{gateway}/{provider}/{the provider's own path}, ` +
      "or /{provider}/{path} for gateway 'default'",
  );
}
