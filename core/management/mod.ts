/**
 * The management API (spec 14) and `/metrics`: who may, which resource, what body. A resource is one
 * file beside this one, and a line in {@link resources}.
 *
 * @module
 */
import { readBody } from "../body.ts";
import { Code, GatewayError, isGatewayError } from "../error.ts";
import type { Host } from "../host.ts";
import { shown, suggestion } from "../nearest.ts";
import { splitURL } from "../path.ts";
import type { ManagementRoute } from "../router.ts";
import { AuditLog } from "../settings/audit.ts";
import type { Setup } from "../config/setup.ts";
import { type AdminOptions, createAccess } from "./access.ts";
import { ApiCode, ApiError, failure, guard, invalid, notFound, success } from "./answer.ts";
import { actorOf, audit, auditBy } from "./audit.ts";
import { analytics } from "./analytics.ts";
import { cache } from "./cache.ts";
import { costs } from "./costs.ts";
import { customProviders } from "./custom-providers.ts";
import { datasets } from "./datasets.ts";
import { evaluations } from "./evaluations.ts";
import { gateways } from "./gateways.ts";
import { logs } from "./logs.ts";
import { metricsPage } from "./metrics-page.ts";
import { providerConfigs } from "./provider-configs.ts";
import { type Call, createMatcher, type Resource } from "./resource.ts";
import { virtualKeys } from "./virtual-keys.ts";

/** The first that fits a path counts: `custom-providers/costs` is no custom provider. */
export const resources: readonly Resource[] = [
  gateways,
  logs,
  analytics,
  virtualKeys,
  providerConfigs,
  cache,
  costs,
  customProviders,
  datasets,
  evaluations,
  audit,
];

/** What Cloudflare has below `ai-gateway/`, or the contract, and this version does not serve. */
const later: readonly [RegExp, string][] = [
  [/^billing(?:\/|$)/, "there is nothing to bill: providers bill their own keys"],
  [
    /^gateways\/[^/]+\/policies(?:\/|$)/,
    "limits are in 'rate_limits' of the gateway and in the rules of virtual keys",
  ],
  [
    /^gateways\/[^/]+\/custom-domains(?:\/|$)/,
    "point any name at the gateway: the paths without /v1/{account}/{gateway} are gateway 'default'",
  ],
  [/^gateways\/[^/]+\/routes(?:\/|$)/, "it is to come"],
];

/** Most bytes of a body. */
const bodyLimit = 1024 * 1024;

/** What {@link createManagement} needs. */
export interface ManagementOptions {
  host: Host;
  setup: Setup;
  /** Nobody may unless given. */
  admin: AdminOptions | undefined;
  report(message: string, cause?: unknown): void;
}

/**
 * Answers a request to the management API or `/metrics`; its own failures are answers, too. Rejects with
 * a `GatewayError` where nobody may manage the gateway: the paths are not there then.
 *
 * @param query Raw; empty, or begins with a question mark.
 * @param ip Address of the client, where it is known.
 */
export type Manage = (
  request: Request,
  found: ManagementRoute | { kind: "metrics" },
  query: string,
  ip?: string,
) => Promise<Response>;

/** Builds the management API of one gateway. */
export function createManagement({ host, setup, admin, report }: ManagementOptions): Manage {
  const access = createAccess(admin, { metrics: host.metrics, now: host.now, report });
  const find = createMatcher(resources);
  const changes = new AuditLog(host.stores.keys, host.now);
  let actor: Promise<string> | undefined;

  async function serve(
    request: Request,
    { account, path }: ManagementRoute,
    query: string,
    ip: string | undefined,
  ): Promise<Response> {
    const only = setup.config.account;
    if (only !== undefined && account !== only) {
      throw notFound(`this gateway does not serve account '${shown(account)}'`);
    }
    const segments = segmentsOf(path);
    const method = request.method === "HEAD" ? "GET" : request.method;
    const match = find(method, segments);
    if (match.kind === "method") {
      const allow = match.allow.join(", ");
      const message = `Method ${method} is not allowed here; allowed: ${allow}`;
      throw new ApiError(405, [{ code: ApiCode.method, message }], { allow });
    }
    if (match.kind === "none") {
      const why = later.find(([pattern]) => pattern.test(segments.join("/")))?.[1];
      if (why === undefined) throw notFound(`no path '${shown(path)}'`);
      const message = `'${shown(path)}' is not served by this version; ${why}`;
      throw new ApiError(501, [{ code: Code.notServed, message }]);
    }
    const { gateway } = match.params;
    if (gateway !== "") {
      // What needs the store says so itself; the rest is answered while the store is away.
      const { gateways } = await host.settings.latest().catch(() => host.settings.last);
      if (!gateways.has(gateway)) {
        const hint = suggestion(gateway, [...gateways.keys()], "gateways");
        throw notFound(`no gateway '${shown(gateway)}'; ${hint}`);
      }
    }
    const body = ["POST", "PUT", "PATCH"].includes(method) ? await jsonOf(request) : undefined;
    const call: Call = {
      host,
      setup,
      request,
      account,
      loopback: admin?.loopback === true,
      params: match.params,
      query: new URLSearchParams(query),
      body,
      audit: auditBy(host, changes, await (actor ??= actorOf(admin?.token)), ip),
    };
    const answer = await match.handler(call);
    return answer instanceof Response ? answer : success(answer);
  }

  return async (request, found, query, ip) => {
    if (access === undefined) throw notThere(request);
    try {
      await access(request, ip);
      const answer = found.kind === "metrics"
        ? metricsOf(request)
        : serve(request, found, query, ip);
      return guard(withoutBody(request, await answer));
    } catch (error) {
      return guard(withoutBody(request, failure(error, report)));
    }
  };

  function metricsOf({ method }: Request): Response {
    if (method === "GET" || method === "HEAD") return metricsPage(host);
    const message = `Method ${method} is not allowed here; allowed: GET`;
    throw new ApiError(405, [{ code: ApiCode.method, message }], { allow: "GET" });
  }
}

function withoutBody({ method }: Request, response: Response): Response {
  return method === "HEAD" ? new Response(null, response) : response;
}

/** As any other path that is not there, with what to do for the one who expected it. */
function notThere({ url }: Request): GatewayError {
  return new GatewayError(
    404,
    Code.unknownRoute,
    `No route '${shown(splitURL(url).path)}'; management is off here: set SLUICE_ADMIN_TOKEN ` +
      "(as a library: 'admin') to turn it on",
  );
}

/** Decoded; a slash at the end is ignored. */
function segmentsOf(path: string): string[] {
  return path.replace(/\/$/, "").split("/").map((segment) => {
    try {
      return decodeURIComponent(segment);
    } catch {
      throw notFound(`no path '${shown(path)}'`);
    }
  });
}

/**
 * The body of a request that changes something. It must say that it is JSON: a form of another site
 * cannot.
 */
async function jsonOf(request: Request): Promise<unknown> {
  const { headers } = request;
  if (!/^application\/(?:[\w.-]+\+)?json *(?:;|$)/i.test(headers.get("content-type") ?? "")) {
    const message = "The body must be JSON, with 'content-type: application/json'";
    throw new ApiError(415, [{ code: ApiCode.invalid, message, path: ["body"] }]);
  }
  const declared = Number(headers.get("content-length") ?? 0);
  let bytes: Uint8Array;
  try {
    if (declared > bodyLimit) throw tooLarge();
    bytes = await readBody(request, bodyLimit);
  } catch (error) {
    throw isGatewayError(error) && error.code === Code.bodyTooLarge ? tooLarge() : error;
  }
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw invalid(["body"], "The body is not JSON");
  }
}

function tooLarge(): ApiError {
  const message = `The body is over ${bodyLimit} bytes`;
  return new ApiError(413, [{ code: ApiCode.invalid, message, path: ["body"] }]);
}
