/**
 * The gateway's own failures in the client's format, so that its SDK raises the class that it has for them.
 *
 * @module
 */
import { Code, GatewayError, isGatewayError } from "../error.ts";
import type { FaultKind } from "./chat.ts";
import { codecOf } from "./codecs/mod.ts";
import { errorFormatOf, noEndpoint } from "./endpoint.ts";

/** What is wrong with a path that leads nowhere. */
const astray: readonly number[] = [
  Code.unknownRoute,
  Code.unknownGateway,
  Code.unknownProvider,
  Code.badMethod,
];

/**
 * The answer for a failure.
 *
 * @param routed The path is the unified API's; else its clients may have meant it.
 */
export async function failureOf(
  error: unknown,
  { path, headers, id, routed }: { path: string; headers: Headers; id: string; routed: boolean },
): Promise<Response> {
  const known = !isGatewayError(error)
    ? new GatewayError(500, Code.internal, "The gateway failed; its own log has the cause")
    : !routed && astray.includes(error.code)
    ? noEndpoint(path, headers)
    : error;
  const { status, code, message } = known;
  const [, param = null] = /^'([\w.[\]]+)' is /.exec(message) ?? [];
  const codec = await codecOf(errorFormatOf(path, headers));
  const body = codec.writeFault(
    { status, kind: kindOf(status, code), message, code: String(code), param },
    id,
  );
  // Clients ask again after any status from 500 on, unless they are told that it is of no use.
  const never = status === 501 && { "x-should-retry": "false" };
  return Response.json(body, { status, headers: { ...known.headers, ...never } });
}

function kindOf(status: number, code: number): FaultKind {
  if (code === Code.unauthorized) return "authentication";
  switch (status) {
    case 401:
      return "authentication";
    case 402:
      return "billing";
    case 403:
      return "permission";
    case 404:
      return "not_found";
    case 408:
    case 504:
      return "timeout";
    case 413:
      return "too_large";
    case 429:
      return "rate_limit";
    case 503:
      return "overloaded";
    default:
      return status >= 500 ? "server" : "invalid_request";
  }
}
