/**
 * Failures. The SDK takes its class from the status.
 *
 * @module
 */
import { faultOf, faultOfText } from "../../../formats/fault.ts";
import { type Json, object, string, worded } from "../../../formats/json.ts";
import type { ChatFault, FaultKind } from "../../chat.ts";

const kinds: Readonly<Record<number, FaultKind>> = {
  401: "authentication",
  402: "billing",
  403: "permission",
  404: "not_found",
  408: "timeout",
  413: "too_large",
  429: "rate_limit",
  498: "authentication",
  499: "timeout",
  503: "overloaded",
  504: "timeout",
};

/** @param status Of the answer; 200 in a stream. */
export function readFault(status: number, body: unknown): ChatFault {
  const one = object(body);
  const fault = faultOf(body, true) ?? (typeof body === "string" ? faultOfText(body) : undefined);
  const message = fault?.message ?? `The provider answered with status ${status}`;
  const type = string(one?.error_type) ?? (fault?.code == null ? null : worded(fault.code));
  const failed = status >= 400 ? status : one?.finish_reason === "TIMEOUT" ? 504 : 502;
  return {
    status: failed,
    kind: kinds[failed] ?? (failed < 500 ? "invalid_request" : "server"),
    message,
    code: type === "TOO_MANY_TOKENS" ? "context_length_exceeded" : type,
    param: null,
  };
}

/** The body of an error. */
export function writeFault({ message, code }: ChatFault, requestId: string): Json {
  const error_type = code === "context_length_exceeded" ? "TOO_MANY_TOKENS" : code;
  return { id: requestId, message, ...error_type != null && { error_type } };
}
