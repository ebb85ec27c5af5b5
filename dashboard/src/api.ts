/** The management API, as the pages use it. */
import { type Answer, ask, askOnce, type Soon } from "./early.ts";

/** What the API says of a failure. */
export class ApiFailure extends Error {
  readonly status: number;
  readonly code: number | undefined;
  /** All that is wrong, and where. */
  readonly problems: readonly Problem[];
  constructor(status: number, message: string, code?: number, problems: readonly Problem[] = []) {
    super(message);
    this.status = status;
    this.code = code;
    this.problems = problems;
  }
}

/** One thing that is wrong. */
export interface Problem {
  message: string;
  code?: number;
  /** `["body", "limits", 0, "unit"]`. */
  path?: readonly (string | number)[];
}

/** An answer's envelope. */
export interface Envelope<T> {
  result: T;
  result_info?:
    & { page: number; per_page: number; count: number; total_count: number }
    & Record<string, unknown>;
}

/** Any account is accepted where the configuration names none. */
export let account = "local";
/** Base of the API. */
export let base: string = `/client/v4/accounts/${account}/ai-gateway`;

/** The account that the configuration names. */
export function setAccount(name: string): void {
  account = name;
  base = `/client/v4/accounts/${encodeURIComponent(name)}/ai-gateway`;
}

/** Told when a request finds that nobody is signed in any more. */
export const onSignedOut: Set<() => void> = new Set();

const urlOf = (path: string): string => path.startsWith("/dashboard") ? path : base + path;

/** Asks the API; `path` begins behind `ai-gateway`. Rejects with an {@link ApiFailure}. */
export function call<T>(
  method: string,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Envelope<T>> {
  return ask(urlOf(path), {
    method,
    ...body !== undefined && {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    },
    ...signal && { signal },
  }).then(read<T>, failed(signal));
}

const failed = (signal?: AbortSignal) => (error: unknown): never => {
  throw signal?.aborted ? error : new ApiFailure(0, "");
};

function read<T>({ response, text }: Answer): Envelope<T> {
  let value:
    & { errors?: Problem[]; message?: string }
    & Partial<Envelope<T>> = {};
  try {
    value = JSON.parse(text);
  } catch { /* said below */ }
  if (response.ok) return value as Envelope<T>;
  if (response.status === 401) { for (const listener of onSignedOut) listener(); }
  const first = value.errors?.[0];
  throw new ApiFailure(
    response.status,
    first?.message ?? value.message ?? text.slice(0, 200),
    first?.code,
    value.errors,
  );
}

/** `GET`. */
export const get = <T>(path: string, signal?: AbortSignal): Promise<Envelope<T>> =>
  call<T>("GET", path, undefined, signal);

/** The same, and at once where the document has the answer. */
export function soon<T>(path: string, signal?: AbortSignal): Soon<Envelope<T>> {
  const answer = askOnce(urlOf(path), signal);
  // What failed is a promise as well.
  return answer instanceof Promise || !answer.response.ok
    ? Promise.resolve(answer).then(read<T>, failed(signal))
    : read<T>(answer);
}
