/**
 * The gateway's own failures: one class, stable codes, one body shape
 * (Cloudflare AI Gateway's, so that clients written for it keep working).
 *
 * @module
 */

/** Stable codes. 2000-2099 are Cloudflare's and keep its meaning; 8000 and up are Sluice's own. */
export const Code = {
  /** The gateway id in the URL does not exist. */
  unknownGateway: 2001,
  /** A limit of requests or tokens is used up. */
  rateLimited: 2003,
  /** The provider could not be reached, or its connection broke before an answer. */
  upstreamFailed: 2005,
  /** No such provider. */
  unknownProvider: 2008,
  /** A gateway token is missing or wrong. */
  unauthorized: 2009,
  /** The model of a request to the unified API names no provider. */
  badModel: 2019,
  /** `cf-aig-byok-alias` names a key that is not configured. */
  unknownKeyAlias: 2040,
  /** A defect of ours; the cause is for the operator only. */
  internal: 8000,
  /** No route has this path. */
  unknownRoute: 8001,
  /** The path or a part of it is not one that may be sent on. */
  badPath: 8002,
  /** The request body is over `limits.body_bytes`. */
  bodyTooLarge: 8003,
  /** The request headers are over `limits.header_bytes`. */
  headersTooLarge: 8004,
  /** The request URL is over `limits.url_bytes`. */
  urlTooLong: 8005,
  /** A credential has the wrong form. */
  badCredential: 8006,
  /** A header has a value that the gateway cannot act on. */
  badHeader: 8007,
  /** A page of another site may not call this provider. */
  originRefused: 8008,
  /** The client left before there was an answer. */
  clientClosed: 8009,
  /** A route that this version does not serve. */
  notServed: 8010,
  /** A method that would show the request to whoever sent it, or open a tunnel. */
  badMethod: 8011,
  /** The virtual key may not use this gateway, provider or model. */
  keyRefused: 8012,
  /** What tells good keys from bad ones cannot be reached. */
  authUnavailable: 8013,
  /** A stored provider key cannot be decrypted. */
  storedKeyUnusable: 8014,
  /** Nobody has a key for the provider, and the gateway sends no request without one. */
  noCredential: 8015,
  /** A provider key cannot be stored, or a setting needs what is not there. */
  noMasterKey: 8016,
  /** A store that the answer depends on is away. */
  storeAway: 8017,
  /** The body of a universal request is not an array of steps. */
  badSteps: 8030,
  /** The body of a request to the unified API is not what its format says. */
  badRequest: 8031,
  /** The provider has no such endpoint, or cannot say what the request asks. */
  notCarried: 8032,
} as const;

/** What may come with a {@link GatewayError}. */
export interface GatewayErrorOptions {
  /** The underlying error; never shown to a client. */
  cause?: unknown;
  /** Headers of the answer, such as `retry-after`. */
  headers?: Record<string, string>;
}

const marker: unique symbol = Symbol.for("sluice.GatewayError");

/**
 * A failure that the gateway answers with. `message` is shown to the client: it says what failed
 * and what to do, and never holds a key or a header value.
 */
export class GatewayError extends Error {
  /** For `error.name` checks. */
  override readonly name: string = "GatewayError";
  /** HTTP status, 400 to 599. */
  readonly status: number;
  /** Stable numeric code, see {@link Code}. */
  readonly code: number;
  /** Extra headers of the answer. */
  readonly headers: Record<string, string>;
  /** Recognised by {@link isGatewayError}, also across copies of the package. */
  readonly [marker]: true = true;

  /** The message is shown to the client; it holds no key and no header value. */
  constructor(status: number, code: number, message: string, options: GatewayErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
  }
}

/** True for a {@link GatewayError} of any copy of this package: two copies may meet in a program. */
export function isGatewayError(error: unknown): error is GatewayError {
  return typeof error === "object" && error !== null && marker in error;
}

/**
 * The answer for a failure: the body of Cloudflare AI Gateway, `{success, result, messages,
 * error: [{code, message}], name, httpCode, internalCode, message}`. Anything that is not a
 * {@link GatewayError} becomes a 500 that tells nothing of its cause.
 *
 * @param strict Cloudflare's own statuses (an upstream failure is 400 there) instead of true ones.
 */
export function errorResponse(error: unknown, strict = false): Response {
  const known = isGatewayError(error)
    ? error
    : new GatewayError(500, Code.internal, "The gateway failed; its own log has the cause");
  const status = strict && known.code === Code.upstreamFailed ? 400 : known.status;
  const { code, message } = known;
  return Response.json({
    success: false,
    result: [],
    messages: [],
    error: [{ code, message }],
    name: "AiGatewayError",
    httpCode: status,
    internalCode: code,
    message,
  }, { status, headers: known.headers });
}
