/**
 * Who may manage the gateway: whoever has the admin token, or, where there is none and nobody else can
 * connect, the machine itself, which is not to say every page that its browser shows.
 *
 * @module
 */
import { isLoopbackHost } from "../cors.ts";
import { Code, GatewayError } from "../error.ts";
import { networkOf } from "../limits/network.ts";
import type { Metrics } from "../metrics.ts";
import { ApiCode, ApiError } from "./answer.ts";
import { hasSession } from "./session.ts";

/** Who may manage the gateway; with neither member, nobody, and the paths are not there. */
export interface AdminOptions {
  /** Bearer token that is asked for. */
  token?: string;
  /**
   * True where nobody but this machine can connect. Without a token, requests whose `host` is not a
   * loopback name, that came through a proxy or from a page of another origin are refused then. Custom
   * providers may be on this machine, too.
   */
  loopback?: boolean;
}

/** Throws unless the request may manage the gateway. */
export type Access = (request: Request, ip: string | undefined) => void | Promise<void>;

/** What an {@link Access} needs. */
export interface AccessOptions {
  metrics: Metrics;
  /** Milliseconds since 1970. */
  now(): number;
  report(message: string): void;
}

/** Wrong tokens of one client in a minute that are answered with 401; more are 429. */
const tries = 10;
const minute = 60_000;
/** Clients whose tries are remembered. */
const mostClients = 1000;
/** Requests of those who may, in so many milliseconds, that one process answers; more are 429. */
const most = 2000, span = 10_000;

/** The check of {@link AdminOptions}, or nothing when nobody may. */
export function createAccess(
  admin: AdminOptions | undefined,
  options: AccessOptions,
): Access | undefined {
  const token = admin?.token?.trim();
  if (token) return bounded(byToken(token, options), options);
  return admin?.loopback === true ? bounded(assertLocal, options) : undefined;
}

/** A script that has lost its way must not take from requests what it is there to look after. */
function bounded(access: Access, { metrics, now }: AccessOptions): Access {
  let since = -Infinity;
  let count = 0;
  return async (request, ip) => {
    await access(request, ip);
    const at = now();
    if (at - since >= span || at < since) {
      since = at;
      count = 0;
    }
    if (++count <= most) return;
    metrics.count("sluice_admin_limited_total", "Management requests over the limit");
    const seconds = Math.ceil((since + span - at) / 1000);
    const message = `More than ${most} management requests in ${span / 1000} s; try again in ` +
      `${seconds} s`;
    throw new ApiError(429, [{ code: ApiCode.tooMany, message }], {
      "retry-after": String(seconds),
    });
  };
}

/**
 * A right token always gets in, however many wrong ones came from the same address: nobody can lock the
 * operator out. What keeps others out is the length of the token; the limit spares work and shows in
 * the metrics.
 */
function byToken(token: string, { metrics, now }: AccessOptions): Access {
  const failures = new Map<string, { count: number; since: number }>();
  let expected: Uint8Array | undefined;

  function refuse(ip: string): ApiError {
    const at = now();
    const client = networkOf(ip);
    let tried = failures.get(client);
    if (tried === undefined || at - tried.since >= minute || at < tried.since) {
      tried = { count: 0, since: at };
      failures.delete(client);
      if (failures.size >= mostClients) {
        for (const oldest of failures.keys()) {
          failures.delete(oldest);
          break;
        }
      }
      failures.set(client, tried);
    }
    metrics.count("sluice_admin_refused_total", "Requests with a wrong admin token");
    if (++tried.count <= tries) return unauthenticated();
    const seconds = Math.ceil((tried.since + minute - at) / 1000);
    const message = `Authentication error: too many wrong tokens; try again in ${seconds} s`;
    return new ApiError(429, [{ code: ApiCode.authentication, message }], {
      "retry-after": String(seconds),
    });
  }

  return async ({ headers }, ip = "") => {
    if (headers.has("cookie") && await hasSession(headers, token, now())) return;
    const given = [
      /^bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "")?.[1],
      headers.get("x-auth-key")?.trim(), // Cloudflare's clients with an "API key"
    ].filter((text) => text !== undefined && text !== "");
    if (given.length === 0) throw unauthenticated();
    expected ??= await digest(token);
    let right = false;
    for (const text of given) right = equal(await digest(text!), expected) || right;
    if (!right) throw refuse(ip);
  };
}

function unauthenticated(): ApiError {
  const message = "Authentication error: send the admin token as 'authorization: Bearer <token>'";
  return new ApiError(401, [{ code: ApiCode.authentication, message }], {
    "www-authenticate": "Bearer",
  });
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Takes the same time wherever the two differ. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

/** What proxies and tunnels add; one that adds nothing cannot be told from the operator. */
const proxied = [
  ...[
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "cf-ray",
  ],
  ...["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-server"],
];

/**
 * Refuses what only looks as if it came from the operator: a name that somebody else's DNS points here
 * (rebinding), a proxy that brings the world in, a page of another origin (those of other local ports
 * included: any development server may be on one).
 */
function assertLocal({ url, headers }: Request): void {
  const host = (headers.get("host") ?? hostOf(url)).toLowerCase();
  if (!isLoopbackHost(host)) throw refused("under another name than 'localhost'");
  if (proxied.some((name) => headers.has(name))) {
    throw refused("through a proxy");
  }
  const site = headers.get("sec-fetch-site") ?? "none";
  const origin = headers.get("origin");
  const own = origin === null || /^https?:\/\/(.*)$/.exec(origin)?.[1]?.toLowerCase() === host;
  if (!own || (site !== "same-origin" && site !== "none")) throw refused("from a page elsewhere");
}

function hostOf(url: string): string {
  return /^[a-z]+:\/\/([^/?]*)/.exec(url)?.[1] ?? "";
}

function refused(how: string): GatewayError {
  return new GatewayError(
    403,
    Code.originRefused,
    `Without an admin token the gateway is managed from its own machine only, and not ${how}; ` +
      "set SLUICE_ADMIN_TOKEN and send it as a bearer token",
  );
}
