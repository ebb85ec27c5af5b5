/**
 * Failures. Amazon's SDKs take the class from a header or from `__type`, and in a stream from the type of
 * the message.
 *
 * @module
 */
import { faultOf, faultOfText } from "../../../formats/fault.ts";
import { type Json, object, string } from "../../../formats/json.ts";
import type { ChatFault, FaultKind } from "../../chat.ts";

/** Classes by the status that a fault has in a stream, which comes without one. Spec 3.1. */
const classes: Readonly<Record<string, readonly [FaultKind, number]>> = {
  accessdenied: ["permission", 403],
  unrecognizedclient: ["authentication", 403],
  expiredtoken: ["authentication", 403],
  invalidsignature: ["authentication", 403],
  resourcenotfound: ["not_found", 404],
  modeltimeout: ["timeout", 408],
  throttling: ["rate_limit", 429],
  modelnotready: ["overloaded", 429],
  servicequotaexceeded: ["invalid_request", 400],
  validation: ["invalid_request", 400],
  modelerror: ["server", 502],
  modelstreamerror: ["server", 502],
  internalserver: ["server", 500],
  serviceunavailable: ["overloaded", 503],
};

const names: Readonly<Record<FaultKind, string>> = {
  invalid_request: "ValidationException",
  too_large: "ValidationException",
  authentication: "AccessDeniedException",
  permission: "AccessDeniedException",
  billing: "AccessDeniedException",
  not_found: "ResourceNotFoundException",
  rate_limit: "ThrottlingException",
  overloaded: "ServiceUnavailableException",
  timeout: "ModelTimeoutException",
  server: "InternalServerException",
};

const statuses: Readonly<Record<number, FaultKind>> = {
  401: "authentication",
  402: "billing",
  403: "permission",
  404: "not_found",
  408: "timeout",
  413: "too_large",
  429: "rate_limit",
  503: "overloaded",
  504: "timeout",
};

/** @param status Of the answer; 200 in a stream. */
export function readFault(status: number, body: unknown): ChatFault {
  const one = object(body);
  const fault = faultOf(body, true) ?? (typeof body === "string" ? faultOfText(body) : undefined);
  const message = fault?.message ?? string(one?.Message) ??
    `The provider answered with status ${status}`;
  const told = string(object(one?.error)?.code) ?? string(one?.__type) ?? string(one?.code);
  const name = told?.replace(/^.*#/, "").replace(/:.*$/, "") ?? null;
  const key = name?.replace(/Exception$/, "").toLowerCase() ?? "";
  const known = Object.hasOwn(classes, key) ? classes[key] : undefined;
  // The model's own failure is no client's.
  const failed = status === 424 ? 502 : status >= 400 ? status : known?.[1] ?? 502;
  const kind = statuses[failed] ?? (failed < 500 ? "invalid_request" : "server");
  const long = failed === 400 &&
    /too long|input tokens? exceed|exceeds? the (?:model'?s )?max|context (?:length|window)/i.test(
      message,
    );
  return {
    status: failed,
    kind: known?.[0] ?? kind,
    message,
    code: long ? "context_length_exceeded" : name,
    param: null,
  };
}

/** The body of an error. */
export function writeFault(fault: ChatFault): Json {
  return { __type: names[fault.kind], message: fault.message };
}

const exceptions: Readonly<Partial<Record<FaultKind, string>>> = {
  rate_limit: "throttlingException",
  overloaded: "serviceUnavailableException",
  timeout: "modelStreamErrorException",
  server: "internalServerException",
};

/** The type of the message that ends a stream; there are five. */
export function exceptionOf({ kind }: ChatFault): string {
  return exceptions[kind] ?? "validationException";
}
