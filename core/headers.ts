/**
 * Which headers travel. Client to provider: everything but what belongs to the gateway, to one
 * connection, to a browser session or to the proxies in between. Provider to client: everything but
 * what belongs to the upstream connection or would change the gateway's own origin.
 *
 * @module
 */
import { Code, GatewayError } from "./error.ts";

const staysHere: ReadonlySet<string> = new Set([
  "host",
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "http2-settings",
  "cookie",
  "origin",
  "forwarded",
  "via",
  "x-real-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "true-client-ip",
  "cdn-loop",
  "x-fal-target-url",
  // Would make another method of it than the one that was looked at.
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "access-control-request-method",
  "access-control-request-headers",
  "access-control-request-private-network",
]);

const staysHerePrefix = /^(?:cf-|x-forwarded-|x-original-|x-sluice-|sec-)/;

/**
 * The client's headers as they go upstream, names in lower case.
 *
 * @param limit Most bytes of names and values; more is a 431.
 */
export function forwardedHeaders(headers: Headers, limit: number): Record<string, string> {
  const kept: Record<string, string> = {};
  let size = 0;
  headers.forEach((value, name) => {
    size += name.length + value.length;
    if (!staysHere.has(name) && !staysHerePrefix.test(name)) kept[name] = value;
  });
  if (size > limit) {
    throw new GatewayError(
      431,
      Code.headersTooLarge,
      `The request headers hold ${size} bytes; at most ${limit} are accepted (limits.header_bytes)`,
    );
  }
  const connection = headers.get("connection");
  if (connection !== null && connection.toLowerCase() !== "keep-alive") {
    for (const name of connection.toLowerCase().split(",")) delete kept[name.trim()];
  }
  // A runtime would ask for compression on its own, and hand bytes to a client that cannot read them.
  kept["accept-encoding"] ??= "identity";
  return kept;
}

const endsHere: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "transfer-encoding",
  "trailer",
  "upgrade",
  // Would act on the gateway's origin or on a server in front of it.
  "set-cookie",
  "alt-svc",
  "strict-transport-security",
  "clear-site-data",
  "service-worker-allowed",
  "nel",
  "report-to",
  "x-accel-redirect",
  "x-sendfile",
  // What only the gateway says, and not each time.
  "cf-aig-cache-status",
  "cf-aig-log-id",
  "cf-aig-model",
  "x-sluice-cost",
  "x-sluice-dropped",
]);

/** True for a header, or a trailer, of an answer that must not reach the client; lower case. */
export function isNotForClients(name: string): boolean {
  return endsHere.has(name);
}

/** Takes away, in place, what must not reach the client. */
export function cleanAnswer(headers: Headers): void {
  const connection = headers.get("connection");
  if (connection !== null && !/^(?:keep-alive|close)$/i.test(connection)) {
    for (const name of connection.match(/[\w!#$%&'*+.^`|~-]+/g) ?? []) headers.delete(name);
  }
  for (const name of endsHere) headers.delete(name);
}

/** Most characters of {@link headerText}. */
const longestText = 512;

/** What somebody wrote in a body, as a header can hold it: what it cannot is percent-encoded. */
export function headerText(text: string): string {
  if (text.length > longestText) text = text.slice(0, longestText);
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text.toWellFormed().replace(/[^\x20-\x7e]/gu, encodeURIComponent);
}

/** The same answer with headers that can be changed; fetch makes them immutable on some runtimes. */
export function mutable(response: Response): Response {
  try {
    response.headers.delete("cf-aig-step");
    return response;
  } catch {
    return new Response(response.body, response);
  }
}
