/**
 * Failures. The SDK takes its class from the status, and in a stream from the word of the type.
 *
 * @module
 */
import { faultOf, faultOfText } from "../../../formats/fault.ts";
import { type Json, object, string, worded } from "../../../formats/json.ts";
import type { ChatFault, FaultKind } from "../../chat.ts";

/** Spec 3.2; the statuses are those of faults in a stream, which come without one. */
const words: readonly (readonly [word: string, kind: FaultKind, status: number])[] = [
  ["invalid_request_error", "invalid_request", 400],
  ["authentication_error", "authentication", 401],
  ["billing_error", "billing", 402],
  ["permission_error", "permission", 403],
  ["not_found_error", "not_found", 404],
  ["request_too_large", "too_large", 413],
  ["rate_limit_error", "rate_limit", 429],
  ["api_error", "server", 500],
  ["timeout_error", "timeout", 504],
  ["overloaded_error", "overloaded", 529],
];

/** Bedrock's exceptions in a stream. */
const exceptions: Readonly<Record<string, string>> = {
  throttlingException: "rate_limit_error",
  validationException: "invalid_request_error",
  serviceUnavailableException: "overloaded_error",
  modelTimeoutException: "timeout_error",
};

function kindOf(status: number): FaultKind {
  if (status === 408) return "timeout";
  if (status === 503) return "overloaded";
  const known = words.find(([, , own]) => own === status);
  return known?.[1] ?? (status < 500 ? "invalid_request" : "server");
}

/** @param status Of the answer; 200 in a stream. */
export function readFault(status: number, body: unknown): ChatFault {
  const error = object(object(body)?.error);
  const fault = faultOf(body, true) ?? (typeof body === "string" ? faultOfText(body) : undefined);
  const type = string(error?.type) ?? string(error?.code) ?? "";
  const word = Object.hasOwn(exceptions, type) ? exceptions[type] : type;
  const known = words.find(([name]) => name === word);
  const failed = status >= 400 ? status : known?.[2] ?? 502;
  const message = fault?.message ?? `The provider answered with status ${status}`;
  const told = string(object(error?.details)?.error_code) ??
    (known === undefined && fault?.code != null ? worded(fault.code) : null);
  return {
    status: failed,
    kind: known?.[1] ?? kindOf(failed),
    message,
    code: /prompt is too long|exceed(?:s|ed)? context/i.test(message)
      ? "context_length_exceeded"
      : told,
    param: /^([a-z_]+(?:\.\w+)*): /.exec(message)?.[1] ?? null,
  };
}

/** The body of an error. */
export function writeFault(fault: ChatFault, requestId: string): Json {
  const { kind, code } = fault;
  let { message } = fault;
  // By these words clients know that they have to shorten the conversation.
  const long = /prompt is too long/i;
  if (code === "context_length_exceeded" && !long.test(message)) {
    message = `prompt is too long: ${message}`;
  }
  const type = words.find(([, known]) => known === kind)?.[0] ?? "api_error";
  return {
    type: "error",
    error: { type, message, ...code != null && { details: { error_code: code } } },
    request_id: requestId,
  };
}
