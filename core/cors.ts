/**
 * Pages of other origins may call the gateway: chat apps do so from the browser. Applies to every
 * answer, the gateway's own errors included, or the page could not read them.
 *
 * @module
 */

/** `cors` of the configuration. */
export interface CorsSettings {
  /** Origins that may call; `"*"` is any, `[]` none. */
  origins: "*" | readonly string[];
}

const exposed = [
  "age",
  "cf-aig-cache-status",
  "cf-aig-event-id",
  "cf-aig-log-id",
  "cf-aig-model",
  "cf-aig-provider",
  "cf-aig-request-id",
  "cf-aig-step",
  "content-type",
  "location",
  "request-id",
  "retry-after",
  "retry-after-ms",
  "server-timing",
  "x-request-id",
  "x-ratelimit-limit-concurrent",
  "x-ratelimit-limit-requests",
  "x-ratelimit-limit-tokens",
  "x-ratelimit-remaining-concurrent",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-remaining-tokens",
  "x-ratelimit-reset-requests",
  "x-ratelimit-reset-tokens",
  "x-should-retry",
  "x-sluice-cache-reason",
  "x-sluice-did-you-mean",
  "x-sluice-dropped",
  "x-sluice-ratelimit-limit-concurrent",
  "x-sluice-ratelimit-limit-requests",
  "x-sluice-ratelimit-limit-tokens",
  "x-sluice-ratelimit-remaining-concurrent",
  "x-sluice-ratelimit-remaining-requests",
  "x-sluice-ratelimit-remaining-tokens",
  "x-sluice-ratelimit-reset-requests",
  "x-sluice-ratelimit-reset-tokens",
  "x-sluice-tokens",
].join(", ");

/** True when a page of the origin may call the gateway. */
export function originAllowed(settings: CorsSettings, origin: string): boolean {
  return settings.origins === "*" || settings.origins.includes(origin);
}

/** True for a page served by the machine that it runs on. */
function isLoopback(origin: string): boolean {
  return /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(origin);
}

/** Which pages are the operator's own. */
export interface OwnPages {
  /** `cors` of the configuration, where it has one. */
  cors?: CorsSettings | undefined;
  /** `hosts` of the configuration. */
  hosts: readonly string[];
  /** Nobody but this machine can connect to the gateway. */
  loopback: boolean;
}

/** True for a `host` header that names this machine. */
export function isLoopbackHost(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(host);
}

/**
 * True for a request under a name that nobody gave a gateway which only its own machine can reach: it may be
 * from a page whose name was made to point here, and to its browser the page is of the same site.
 */
export function underStrangeName(headers: Headers, { hosts, loopback }: OwnPages): boolean {
  const host = headers.get("host");
  if (!loopback || host === null || isLoopbackHost(host)) return false;
  const name = host.toLowerCase();
  return !hosts.some((own) => own === name || own === name.replace(/:\d+$/, ""));
}

/**
 * True when a page that is neither the operator's own nor listed by them is behind the request. Such a
 * page may use a provider with a key of its own, but nothing of the operator's: no stored key, no model
 * server on their machine. An implicit `*` lists nobody.
 */
export function fromStrangePage(headers: Headers, own: OwnPages): boolean {
  const { cors: listed } = own;
  if (underStrangeName(headers, own)) return true;
  const origin = headers.get("origin");
  if (origin === null) return headers.get("sec-fetch-site") === "cross-site"; // `<img src>` has no origin
  return !isLoopback(origin) && !(listed !== undefined && originAllowed(listed, origin));
}

/** The answer to a preflight request, or nothing when the request is not one. */
export function preflight(request: Request, settings: CorsSettings): Response | undefined {
  if (request.method !== "OPTIONS") return undefined;
  const origin = request.headers.get("origin");
  const method = request.headers.get("access-control-request-method");
  if (origin === null || method === null) return undefined;
  const headers = new Headers({ vary: "origin, access-control-request-headers" });
  if (originAllowed(settings, origin)) {
    headers.set("access-control-allow-origin", origin);
    headers.set("access-control-allow-methods", method);
    const asked = request.headers.get("access-control-request-headers");
    if (asked !== null) headers.set("access-control-allow-headers", asked);
    if (request.headers.get("access-control-request-private-network") === "true") {
      headers.set("access-control-allow-private-network", "true");
    }
    headers.set("access-control-max-age", "86400");
  }
  return new Response(null, { status: 204, headers });
}

/** Opens an answer to the page that asked for it, in place of whatever the provider said. */
export function openTo(origin: string, settings: CorsSettings, headers: Headers): void {
  if (!originAllowed(settings, origin)) {
    headers.delete("access-control-allow-origin");
    headers.append("vary", "origin");
    return;
  }
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", exposed);
  headers.delete("access-control-allow-credentials");
  headers.append("vary", "origin");
}
