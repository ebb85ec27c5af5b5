/**
 * The one shape of all answers of the management API: Cloudflare's v4 envelope (spec 12.1, 14).
 *
 * @module
 */
import { Code, isGatewayError } from "../error.ts";
import { StoreError } from "../storage/guard.ts";

/** Codes of the management API beside {@link Code}; all but the last are Cloudflare's. */
export const ApiCode = {
  /** The query or the body is not what was expected; `path` says where. */
  invalid: 7001,
  /** No such path, gateway or object. */
  notFound: 7002,
  /** Something of this id is there already. */
  exists: 7003,
  /** Custom providers: an address that may not be used. */
  baseURL: 1002,
  /** Custom providers: a slug that is taken. */
  slugTaken: 1003,
  /** Custom providers: there is none of this id. */
  noProvider: 1004,
  /** The admin token is missing or wrong. */
  authentication: 10000,
  /** Too many requests, all of somebody who may. */
  tooMany: 971,
  /** The path is there, and has no such method. */
  method: 10405,
  /** The store that the answer is in cannot be reached. */
  storeAway: 8017,
} as const;

/** One member of `errors`. */
export interface ApiProblem {
  code: number;
  message: string;
  /** Where: `["body", "limits", 0, "unit"]`. */
  path?: (string | number)[];
}

/** A failure that the management API answers with; messages hold no token and no key. */
export class ApiError extends Error {
  readonly status: number;
  readonly problems: readonly ApiProblem[];
  readonly headers: Record<string, string>;

  /** @param status HTTP status. */
  constructor(
    status: number,
    problems: readonly ApiProblem[],
    headers: Record<string, string> = {},
    cause?: unknown,
  ) {
    super(problems[0]?.message, { cause });
    this.status = status;
    this.problems = problems;
    this.headers = headers;
  }
}

/** A 400 that names the place. */
export function invalid(path: (string | number)[], message: string): ApiError {
  return new ApiError(400, [{ code: ApiCode.invalid, message, path }]);
}

/** A 404 in Cloudflare's words, with what is not there. */
export function notFound(what: string): ApiError {
  return new ApiError(404, [{ code: ApiCode.notFound, message: `Not Found: ${what}` }]);
}

/** What a handler has to say. */
export interface Result {
  result: unknown;
  /** Page and totals, for lists. */
  info?: Record<string, number | string | boolean | null>;
}

/** Never kept, never guessed at, never run. */
const guarded = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

/** Puts {@link guarded} on an answer. */
export function guard(response: Response): Response {
  for (const [name, value] of Object.entries(guarded)) response.headers.set(name, value);
  return response;
}

/** The envelope of a success. */
export function success({ result, info }: Result): Response {
  return Response.json({
    success: true,
    result,
    errors: [],
    messages: [],
    ...info && { result_info: info },
  });
}

/** The envelope of a failure; of an unexpected one, only `report` learns the cause. */
export function failure(
  error: unknown,
  report: (message: string, cause?: unknown) => void,
): Response {
  if (error instanceof ApiError) {
    if (error.cause !== undefined) report(error.message, error.cause);
    return envelope(error.status, error.problems, error.headers);
  }
  if (isGatewayError(error)) {
    const { status, code, message, headers } = error;
    if (error.cause !== undefined) report(message, error.cause);
    return envelope(status, [{ code, message }], headers);
  }
  if (error instanceof StoreError) {
    // The guard around the store has told the operator.
    const message = `${error.message}; the store is away or too slow, try again in a moment`;
    return envelope(503, [{ code: ApiCode.storeAway, message }], { "retry-after": "1" });
  }
  report("A management request failed inside the gateway", error);
  const message = "The gateway failed; its own log has the cause";
  return envelope(500, [{ code: Code.internal, message }], {});
}

function envelope(
  status: number,
  errors: readonly ApiProblem[],
  headers: Record<string, string>,
): Response {
  return Response.json({ success: false, result: null, errors, messages: [] }, { status, headers });
}
