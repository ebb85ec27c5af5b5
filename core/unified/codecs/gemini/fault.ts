/**
 * Google's errors: a status in a word beside the number, and details by type.
 *
 * @module
 */
import { faultOf, faultOfText } from "../../../formats/fault.ts";
import { type Json, list, object, string } from "../../../formats/json.ts";
import type { ChatFault, FaultKind } from "../../chat.ts";

const kinds: Readonly<Record<string, FaultKind>> = {
  INVALID_ARGUMENT: "invalid_request",
  FAILED_PRECONDITION: "invalid_request",
  OUT_OF_RANGE: "invalid_request",
  ALREADY_EXISTS: "invalid_request",
  UNIMPLEMENTED: "invalid_request",
  UNAUTHENTICATED: "authentication",
  PERMISSION_DENIED: "permission",
  NOT_FOUND: "not_found",
  RESOURCE_EXHAUSTED: "rate_limit",
  DEADLINE_EXCEEDED: "timeout",
  UNAVAILABLE: "overloaded",
  INTERNAL: "server",
  UNKNOWN: "server",
  DATA_LOSS: "server",
  CANCELLED: "server",
  ABORTED: "server",
};

/** See `ChatCodec.readFault`. A wrong key is a 400 at Google's and a 401 everywhere else. */
export function readFault(status: number, body: unknown): ChatFault {
  const error = object(object(Array.isArray(body) ? body[0] : body)?.error) ?? {};
  const told = typeof body === "string" ? faultOfText(body) : faultOf(body, true);
  const word = string(error.status);
  const details = list(error.details).map((detail) => object(detail) ?? {});
  const reason = string(details.find(({ reason }) => typeof reason === "string")?.reason);
  const fault: ChatFault = {
    status,
    kind: (word === undefined || !Object.hasOwn(kinds, word) ? undefined : kinds[word]) ??
      kindOf(status),
    message: told?.message ?? `The provider answered with status ${status}`,
    code: reason ?? word ?? null,
    param: paramOf(details),
  };
  if (reason === "API_KEY_INVALID" || /API key (?:not valid|expired)/i.test(fault.message)) {
    return { ...fault, status: 401, kind: "authentication" };
  }
  if (/input token count.*exceeds/i.test(fault.message)) fault.code = "context_length_exceeded";
  return fault;
}

function paramOf(details: readonly Json[]): string | null {
  for (const { fieldViolations } of details) {
    const field = string(object(list(fieldViolations)[0])?.field);
    if (field !== undefined) return field;
  }
  return null;
}

function kindOf(status: number): FaultKind {
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
    case 529:
      return "overloaded";
    default:
      return status >= 500 ? "server" : "invalid_request";
  }
}

const words: Readonly<Record<FaultKind, string>> = {
  invalid_request: "INVALID_ARGUMENT",
  authentication: "UNAUTHENTICATED",
  billing: "FAILED_PRECONDITION",
  permission: "PERMISSION_DENIED",
  not_found: "NOT_FOUND",
  too_large: "INVALID_ARGUMENT",
  rate_limit: "RESOURCE_EXHAUSTED",
  overloaded: "UNAVAILABLE",
  timeout: "DEADLINE_EXCEEDED",
  server: "INTERNAL",
};

/** See `ChatCodec.writeFault`. */
export function writeFault(fault: ChatFault): Json {
  const { status, kind, message, code, param } = fault;
  const details: Json[] = [];
  if (typeof code === "string" && code !== words[kind]) {
    const type = "type.googleapis.com/google.rpc.ErrorInfo";
    details.push({ "@type": type, reason: code, domain: "sluice" });
  }
  if (typeof param === "string") {
    const type = "type.googleapis.com/google.rpc.BadRequest";
    details.push({ "@type": type, fieldViolations: [{ field: param, description: message }] });
  }
  return {
    error: { code: status, message, status: words[kind], ...details.length > 0 && { details } },
  };
}
