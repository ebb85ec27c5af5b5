/**
 * Which trace a request belongs to: W3C Trace Context, Cloudflare's own headers (spec 2), or a new one.
 *
 * @module
 */

/** A place in a trace. */
export interface Trace {
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits; nothing where the trace begins here. */
  parentId: string | undefined;
  /** As it came; belongs to the parent. */
  state: string | undefined;
  /** Whoever is further out decided so; nothing where nobody did. */
  decided: boolean | undefined;
}

const traceparent = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const traceId = /^[0-9a-f]{32}$/i;
const spanId = /^[0-9a-f]{16}$/i;
const nothing = /^0+$/;

/**
 * The trace of a request. A new one has the digits of the request's own id, so that one is found from the
 * other. What cannot be read is as if it were not there.
 *
 * @param requestId UUIDv7.
 */
export function traceOf(headers: Headers, requestId: string): Trace {
  const w3c = headers.get("traceparent");
  const given = headers.get("cf-aig-otel-trace-id");
  const parent = headers.get("cf-aig-otel-parent-span-id");
  let trace: Trace | undefined;
  if (w3c !== null) {
    const found = traceparent.exec(w3c);
    if (found !== null) {
      const [, version, id, from, flags, more] = found as unknown as string[];
      // Later versions may say more; this one may not, and `ff` is none.
      const readable = version !== "ff" && (version !== "00" || more === undefined);
      if (readable && !nothing.test(id!) && !nothing.test(from!)) {
        trace = {
          traceId: id!,
          parentId: from!,
          state: headers.get("tracestate")?.slice(0, 512) ?? undefined,
          decided: (parseInt(flags!, 16) & 1) === 1,
        };
      }
    }
  }
  if (given !== null && traceId.test(given) && !nothing.test(given)) {
    const id = given.toLowerCase();
    // Of another trace, the parent is none.
    const same = trace?.traceId === id ? trace : undefined;
    trace = { traceId: id, parentId: same?.parentId, state: same?.state, decided: true };
  }
  if (parent !== null && spanId.test(parent) && !nothing.test(parent)) {
    trace ??= { traceId: digits(requestId), parentId: undefined, state: undefined, decided: true };
    trace.parentId = parent.toLowerCase();
  }
  return trace ?? {
    traceId: digits(requestId),
    parentId: undefined,
    state: undefined,
    decided: undefined,
  };
}

function digits(uuid: string): string {
  return uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(14, 18) + uuid.slice(19, 23) +
    uuid.slice(24);
}

/** Id of the span of an attempt: the random half of its own UUIDv7. */
export function attemptSpan(id: string): string {
  return id.slice(19, 23) + id.slice(24);
}

/**
 * Id of the span of a request. The first attempt has the same UUID; there the first digit says which
 * variant of UUID it is (8 to b), here it is 0 to 3.
 */
export function requestSpan(id: string): string {
  return String(parseInt(id[19]!, 16) & 3) + id.slice(20, 23) + id.slice(24);
}

/** True for that share of all traces; the same for everybody who asks of one trace. */
export function isSampled(traceId: string, share: number): boolean {
  if (share >= 1) return true;
  // The rightmost seven bytes are random (W3C Trace Context, level 2); six of them are enough.
  return parseInt(traceId.slice(20), 16) < share * 2 ** 48;
}
