/**
 * How a streamed answer ended, and what its client is told where that is not as it should.
 *
 * @module
 */
import type { Context } from "../context.ts";
import type { Reading } from "../formats/read.ts";
import type { End } from "../log/row.ts";
import type { Ending } from "./observe.ts";
import { errorEvent } from "./error-event.ts";

/** What is known of a stream at its end. */
export interface Ended {
  ctx: Context;
  contentType: string;
  ending: Ending;
  /** As {@link stoppedBy} has it. */
  stopped: End | undefined;
  /** What its bytes tell. */
  reading: Reading;
  /** Its last bytes; nothing where not all were kept that should have been. */
  tail: Uint8Array | undefined;
}

const nothing = new Uint8Array(0);

/** Who ended an answer before its time, if it was not the provider: asked as soon as it has ended. */
export function stoppedBy({ signal, request }: Context, ending: Ending): End | undefined {
  if (ending === "closed") return undefined;
  if (ending === "dropped") return "guard_stop";
  if (ending === "broken" && signal?.aborted) {
    const { status, name } = (signal.reason ?? {}) as { status?: unknown; name?: unknown };
    return status === 504 || name === "TimeoutError" ? "stalled" : "guard_stop";
  }
  return ending === "cancelled" || request.signal.aborted ? "client_abort" : undefined;
}

/**
 * What follows the last bytes of a stream: an error event where it breaks off or ends without what its
 * format ends with, nothing but a clean end where it broke after its end or after an error of the
 * provider's own. Undefined leaves the end as it was.
 */
export function lastWords(ended: Ended): Uint8Array | undefined {
  const { ctx, ending, stopped, reading, tail } = ended;
  if (ending === "cancelled" || ending === "dropped" || stopped === "client_abort") {
    return undefined;
  }
  if (reading.end === "proven" || reading.error !== undefined) {
    return ending === "closed" ? undefined : nothing;
  }
  // A stream of a kind that nobody knows may well be over, and so may one that was not kept.
  const isKnown = reading.end === "missing" && reading.modelType !== "other" && tail !== undefined;
  if (ending === "closed" && !isKnown) return undefined;
  const { path, provider: { format } } = ctx;
  const mishap = stopped === "stalled"
    ? { code: "upstream_stalled", message: "The provider stopped in the middle of its answer" }
    : {
      code: "upstream_cut",
      message: "The provider broke off before its answer was complete",
    };
  return errorEvent({ contentType: ended.contentType, path, format, tail }, mishap);
}
