/**
 * Errors in OpenAI's shape, and as those who speak its format spell them.
 *
 * @module
 */
import { faultOf, faultOfText } from "../../../formats/fault.ts";
import { type Json, object, string, worded } from "../../../formats/json.ts";
import type { ChatFault, FaultKind } from "../../chat.ts";

/** Statuses that have a kind of their own; others are bad requests below 500, else the server's. */
const kinds: Readonly<Record<number, FaultKind>> = {
  401: "authentication",
  402: "billing",
  403: "permission",
  404: "not_found",
  408: "timeout",
  413: "too_large",
  424: "server",
  429: "rate_limit",
  498: "overloaded", // Groq
  503: "overloaded",
  504: "timeout",
  529: "overloaded",
};

/** Words of an error's `type` or `code`, for streams, where there is no status. */
const words: readonly (readonly [RegExp, number])[] = [
  [/insufficient_quota|billing|payment/, 402],
  [/rate_limit|too_many|resource_exhausted|throttl/, 429],
  [/overloaded|unavailable|capacity/, 503],
  [/timeout/, 504],
  [/authentication|api_key|unauthorized/, 401],
  [/permission|forbidden/, 403],
  [/not_found/, 404],
  [/server_error|api_error|internal/, 500],
  [/invalid|context_length|bad_request|validation|tool_use_failed|unsupported/, 400],
];

/** How those who have no code for it say that a prompt does not fit. */
const tooLong =
  /(?:prompt|messages) (?:is |are )?too long|maximum (?:context|prompt) length|context (?:length|window)|too_many_prompt_tokens/i;

/** See `ChatCodec.readFault`. A status below 400 is that of a stream that had already begun. */
export function readFault(status: number, body: unknown): ChatFault {
  const one = object(Array.isArray(body) ? body[0] : body);
  const error = object(one?.error) ?? one;
  const read = typeof body === "string" ? faultOfText(body) : faultOf(body, true);
  const code = string(error?.code) ?? (read?.code == null ? null : worded(read.code));
  const word = `${code} ${string(error?.type) ?? ""}`.toLowerCase();
  let told = status;
  if (status < 400 || status === 502) {
    told = [error?.status_code, error?.code, error?.status, one?.code].map(Number).find((number) =>
      Number.isInteger(number) && number >= 400 && number < 600
    ) ?? words.find(([words]) =>
      words.test(word)
    )?.[1] ?? 502;
  }
  const message = read?.message ?? `The provider failed with status ${told}`;
  // xAI's word for a wrong key.
  if (told === 400 && /incorrect api key|invalid api key/i.test(message)) told = 401;
  let kind = kinds[told] ?? (told >= 500 ? "server" : "invalid_request");
  if (/insufficient_quota|billing_/.test(word)) kind = "billing";
  const long = kind === "invalid_request" && tooLong.test(`${word} ${message}`);
  return {
    status: told,
    kind,
    message,
    code: long ? "context_length_exceeded" : code,
    param: string(error?.param) ?? null,
  };
}

const types: Readonly<Record<FaultKind, string>> = {
  invalid_request: "invalid_request_error",
  authentication: "authentication_error",
  billing: "insufficient_quota",
  permission: "permission_error",
  not_found: "invalid_request_error",
  too_large: "invalid_request_error",
  rate_limit: "rate_limit_error",
  overloaded: "overloaded_error",
  timeout: "timeout_error",
  server: "server_error",
};

/** See `ChatCodec.writeFault`: `{ error: { message, type, param, code } }`. */
export function writeFault({ kind, message, code, param }: ChatFault): Json {
  return { error: { message, type: types[kind], param: param ?? null, code: code ?? null } };
}
