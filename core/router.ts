/**
 * The route table: which path means what. The only file that knows itty-router.
 *
 * @module
 */
import { IttyRouter } from "itty-router";

/** `{gw}/{provider}/...`, or `/{provider}/...` on gateway `default`. */
export interface NativeRoute {
  kind: "native";
  account?: string;
  gateway?: string;
  provider: string;
  /** Segments before the provider's own path. */
  depth: number;
}

/** `{gw}`, or `/` on gateway `default`. */
export interface UniversalRoute {
  kind: "universal";
  account?: string;
  gateway?: string;
}

/** `{gw}/compat/...`, `/v1/chat/completions` and its like: the unified API. */
export interface UnifiedRoute {
  kind: "unified";
  account?: string;
  gateway?: string;
  /** Without `compat/` and `v1/`, such as `chat/completions` or `v1beta/models/...`; raw. */
  endpoint: string;
  /** Cloudflare's REST surface, where a header names the gateway. */
  rest?: true;
}

/** `/client/v4/accounts/{account}/ai-gateway/...` */
export interface ManagementRoute {
  kind: "management";
  account: string;
  /** What follows `ai-gateway`, without the slash between; raw. */
  path: string;
}

/** What a path means. */
export type Route =
  | NativeRoute
  | UniversalRoute
  | UnifiedRoute
  | ManagementRoute
  | { kind: "health" }
  | { kind: "metrics" }
  | { kind: "openapi" }
  | { kind: "dashboard" }
  | {
    kind: "later";
    /** The subject of "... is not served by this version". */
    what: string;
  };

/** Finds the route of a path, or nothing; at once where the path was asked for before. */
export type Router = (
  method: string,
  path: string,
) => Route | undefined | Promise<Route | undefined>;

interface Params {
  account?: string;
  gateway?: string;
  provider?: string;
}

/** The paths of the unified API under the base URL that OpenAI, Anthropic and Gemini clients expect. */
const unified = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/responses/*",
  "/v1/messages",
  "/v1/messages/count_tokens",
  "/v1/embeddings",
  "/v1/models/*",
  "/v1/moderations",
  "/v1/rerank",
  "/v1/images/:action",
  "/v1/audio/:action",
  "/v1beta/*",
  "/v1alpha/*",
  "/compat/*",
];

/**
 * What clients ask for below the same base URLs, and the unified API has not. An account may have such a
 * name, so none of them is a route: they tell whose words a path without one is to be answered in.
 */
const others = new RegExp(
  "^/(?:upload/v1beta/|v1/(?:agents|assistants|audio|batches|chat|completions|containers|" +
    "conversations|environments|evals|files|fine_tuning|images|messages|organization|realtime|sessions|" +
    "skills|threads|uploads|vector_stores|videos)(?:/|$))",
);

/** The router wants whole URLs. */
const base = "http://gateway";

/** Builds the table. Exact paths stand before patterns: the first match wins. */
export function createRouter(): Router {
  const table = IttyRouter();
  table.all("/health", (): Route => ({ kind: "health" }));
  for (const path of unified) {
    table.all(
      path,
      ({ url }: { url: string }): Route => ({
        kind: "unified",
        endpoint: endpointOf(url.slice(base.length)),
      }),
    );
  }
  table.all(
    "/v1/:account/:gateway/compat/*",
    ({ params, url }: { params: Params; url: string }): Route => ({
      kind: "unified",
      account: params.account ?? "",
      gateway: params.gateway ?? "",
      endpoint: endpointOf(restOf(url.slice(base.length), 3)),
    }),
  );
  table.all(
    "/client/v4/accounts/:account/ai/v1/*",
    ({ params, url }: { params: Params; url: string }): Route => ({
      kind: "unified",
      account: params.account ?? "",
      endpoint: endpointOf(restOf(url.slice(base.length), 5)),
      rest: true,
    }),
  );
  table.all(
    "/client/v4/accounts/:account/ai-gateway/*",
    ({ params, url }: { params: Params; url: string }): Route => ({
      kind: "management",
      account: params.account ?? "",
      path: restOf(url.slice(base.length), 5),
    }),
  );
  table.all("/client/v4/*", (): Route => ({ kind: "later", what: "This part of the API" }));
  table.all("/dashboard/*", (): Route => ({ kind: "dashboard" }));
  table.get("/openapi.json", (): Route => ({ kind: "openapi" }));
  table.all("/metrics", (): Route => ({ kind: "metrics" }));
  table.all(
    "/v1/:account/:gateway",
    ({ params: { account = "", gateway = "" } }: { params: Params }): Route => ({
      kind: "universal",
      account,
      gateway,
    }),
  );
  table.post("/", (): Route => ({ kind: "universal" }));
  const native = (depth: number) => (request: { params: Params }): Route => ({
    kind: "native",
    ...request.params,
    provider: request.params.provider ?? "",
    depth,
  });
  table.all("/v1/:account/:gateway/:provider/*", native(4));
  table.all("/:provider/*", native(1));
  // Clients ask for the same few paths again and again, and a look costs a tenth of a match.
  const known = new Map<string, Route>();
  return (method, path) =>
    known.get(path) ??
      table.fetch({ method, url: base + path }).then((route: Route | undefined) => {
        if ((route?.kind === "native" || route?.kind === "unified") && path.length <= 256) {
          if (known.size === mostKnown) known.clear();
          known.set(path, route);
        }
        return route;
      });
}

/** Paths that are remembered. */
const mostKnown = 1000;

/** Whatever follows the first `depth` segments of a raw path, without the slash between. */
export function restOf(path: string, depth: number): string {
  let at = 0;
  for (let i = 0; i < depth; i++) {
    at = path.indexOf("/", at + 1);
    if (at < 0) return "";
  }
  return path.slice(at + 1);
}

/** What a path that has no route asks of the unified API, if a client of that may have sent it. */
export function unservedOf(path: string): string | undefined {
  return others.test(path) ? endpointOf(path) : undefined;
}

/** What is asked of the unified API: the path without the names of the API and of its version. */
function endpointOf(path: string): string {
  return path.replace(/^\/?(?:compat\/)?(?:v1\/)?/, "").replace(/\/$/, "");
}
