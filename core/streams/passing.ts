/**
 * An answer on its way out of the innermost step: shown to whoever watches it, and held until its first
 * content where another attempt can still take over.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { Code, GatewayError } from "../error.ts";
import { both, observe, type Observer } from "./observe.ts";
import { drop } from "./drop.ts";
import { streamShape } from "./error-event.ts";
import { observeOpening } from "./look.ts";
import { Opening, type Verdict } from "./opening.ts";

/**
 * The answer to use instead. Where a stream is held and begins with an error, that is in `shared.fault`;
 * rejects when it is over before it has begun.
 *
 * @param tape Of the meter, if there is one.
 */
export function passing(
  response: Response,
  ctx: Context,
  tape?: Observer,
): Response | Promise<Response> {
  const observer = both(tape, ctx.observer);
  if (ctx.hold !== undefined && mayBeHeld(response, ctx)) {
    return held(response, ctx, ctx.hold, observer);
  }
  return observer === undefined ? response : observe(response, observer, ctx.request.signal);
}

function mayBeHeld({ ok, headers }: Response, { path }: Context): boolean {
  return ok && streamShape(headers.get("content-type") ?? "", path) !== undefined;
}

async function held(
  response: Response,
  ctx: Context,
  hold: number,
  observer: Observer | undefined,
): Promise<Response> {
  const { path, provider: { slug: provider }, shared, request } = ctx;
  const contentType = response.headers.get("content-type") ?? "";
  const opening = new Opening({ provider, path, contentType });
  let verdict: Verdict | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, hold));
  const answer = await observeOpening(
    response,
    observer,
    {
      chunk: (bytes) => (verdict = opening.add(bytes)) !== undefined,
      end: () => verdict = opening.end(),
    },
    late,
    request.signal,
  );
  clearTimeout(timer);
  if (verdict === "nothing") {
    drop(answer);
    throw new GatewayError(
      502,
      Code.upstreamFailed,
      `The stream of provider '${provider}' was over before its first content`,
    );
  }
  if (verdict !== undefined && verdict !== "answered") shared.fault = verdict.fault;
  return answer;
}
