/**
 * Several keys of one alias: each gets its share of the requests, and one that its provider refuses
 * rests for a while.
 *
 * @module
 */
import { wholeBody } from "../streams/tape.ts";

/** One key of an alias. */
export interface PoolKey {
  key: string;
  /** Share of the requests. */
  weight: number;
}

interface Seat extends PoolKey {
  /** How far its turn is; the furthest is next. */
  turn: number;
  /** Milliseconds since 1970. */
  restsUntil: number;
}

/** Keys in turn. */
export class KeyPool {
  readonly #seats: Seat[];

  /** @param keys At least one. */
  constructor(keys: readonly PoolKey[]) {
    this.#seats = keys.map(({ key, weight }) => ({ key, weight, turn: 0, restsUntil: 0 }));
  }

  /** Number of keys. */
  get size(): number {
    return this.#seats.length;
  }

  /**
   * The next key, by smooth weighted turns: with weights 2 and 1 it is a, b, a. Those that rest are left
   * out; when all do, it is the one that wakes first.
   */
  next(now: number): PoolKey {
    const [only] = this.#seats;
    if (only !== undefined && this.#seats.length === 1) return only;
    let best: Seat | undefined, first: Seat | undefined;
    let sum = 0;
    for (const seat of this.#seats) {
      if (first === undefined || seat.restsUntil < first.restsUntil) first = seat;
      if (seat.restsUntil > now) continue;
      sum += seat.weight;
      seat.turn += seat.weight;
      if (best === undefined || seat.turn > best.turn) best = seat;
    }
    if (best === undefined) return first!;
    best.turn -= sum;
    return best;
  }

  /** One of the keys does not rest. */
  isReady(now: number): boolean {
    return this.#seats.some(({ restsUntil }) => restsUntil <= now);
  }

  /** A key rests; one that rests longer already stays at that. */
  rest(key: PoolKey, ms: number, now: number): void {
    const seat = this.#seats.find((each) => each === key);
    if (seat !== undefined) seat.restsUntil = Math.max(seat.restsUntil, now + ms);
  }
}

/** Milliseconds that a key rests, whatever its provider asks for. */
const least = 1_000, most = 3_600_000;
/** Milliseconds of rest where the provider asks for none. */
const afterLimit = 10_000, afterRefusal = 60_000;
/** Errors longer than this are not read. */
const longestError = 16 * 1024;

/**
 * How long the key of an answer should rest, in milliseconds, or nothing when the answer is not the key's
 * fault; and the answer, which may have been read for that.
 */
export async function restAfter(
  response: Response,
  now: number,
): Promise<{ response: Response; ms?: number }> {
  const { status, headers } = response;
  const rest = (otherwise: number) => {
    const asked = retryAfter(headers, now) ?? otherwise;
    return Math.min(Math.max(asked, least), most);
  };
  if (status === 429) return { response, ms: rest(afterLimit) };
  if (status === 401 || status === 402) return { response, ms: rest(afterRefusal) };
  // Google says 400, Amazon 403; both say 403 also of a model that the key may not use.
  if (status !== 400 && status !== 403) return { response };
  if (
    /^(?:UnrecognizedClient|ExpiredToken|InvalidSignature)/.test(
      headers.get("x-amzn-errortype") ?? "",
    )
  ) {
    return { response, ms: rest(afterRefusal) };
  }
  const length = headers.get("content-length");
  if (length === null || Number(length) > longestError || headers.has("content-encoding")) {
    return { response };
  }
  const { response: whole, bytes } = await wholeBody(response, Number(length));
  if (bytes === undefined) return { response: whole };
  return badKey.test(new TextDecoder().decode(bytes))
    ? { response: whole, ms: rest(afterRefusal) }
    : { response: whole };
}

/** True for an answer that {@link restAfter} has something to say about. */
export function mayBeKeysFault(status: number): boolean {
  return status === 429 || (status >= 400 && status <= 403);
}

/** How providers say that it is the key: Google, xAI, Amazon, and those that copy OpenAI. */
const badKey =
  /API_KEY_INVALID|invalid_api_key|api[ _-]?key (?:not valid|expired|not found)|(?:incorrect|invalid|expired|disabled|revoked) api[ _-]?key|security token included in the request is (?:invalid|expired)/i;

/** Milliseconds that an answer asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date. */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const precise = headers.get("retry-after-ms");
  if (precise !== null && /^\d{1,12}(?:\.\d+)?$/.test(precise)) return Number(precise);
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  if (/^\d{1,9}(?:\.\d+)?$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
