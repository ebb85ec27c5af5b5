/**
 * Looking at the beginning of a body before it goes anywhere.
 *
 * @module
 */
import {
  type Body,
  type Ending,
  observe,
  type Observer,
  type Out,
  pumpOf,
  streamOf,
  withBody,
} from "./observe.ts";

/** Looks at the beginning of a body before it goes anywhere. */
export interface Look {
  /** True once enough was seen. */
  chunk(bytes: Uint8Array): boolean;
  /** The body was over before that. */
  end(how: Ending): void;
}

/** Method of a response whose beginning can be looked at before it is sent. */
export const peekable: unique symbol = Symbol.for("sluice.peekable") as never;

/** A response that can be looked at. */
export interface Peekable {
  [peekable](look: Look): void;
}

/**
 * As {@link observe}, but gives the response back only once the look has seen enough, the body is over, or
 * `late` is settled. What came until then is kept, as it is, and goes out first.
 */
export async function observeOpening(
  response: Response,
  observer: Observer | undefined,
  look: Look,
  late: Promise<unknown>,
  signal?: AbortSignal,
): Promise<Response> {
  const over = Promise.withResolvers<void>();
  let looking = true;
  const once: Look = {
    chunk(bytes) {
      if (looking && !look.chunk(bytes)) return false;
      looking = false;
      over.resolve();
      return true;
    },
    end(how) {
      if (looking) look.end(how);
      looking = false;
      over.resolve();
    },
  };
  let given = response;
  if (peekable in response) {
    if (observer !== undefined) given = observe(response, observer);
    (given as Response & Peekable)[peekable](once);
    await Promise.race([over.promise, late]);
  } else if (response.body === null) {
    observer?.end("closed");
    once.end("closed");
  } else {
    const body = await openedBody(response.body, observer ?? nobody, once, late, signal);
    given = withBody(response, body);
  }
  looking = false;
  return given;
}

const nobody: Observer = { chunk() {}, end() {} };

async function openedBody(
  body: Body,
  observer: Observer,
  look: Look,
  late: Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<Body> {
  /** What a stream is to do that begins with what came already. */
  const early: ((out: Out) => void)[] = [];
  let enough = false;
  let over = false;
  const { pull, cancel } = pumpOf(body, {
    begin: (source) => observer.begin?.(source),
    chunk: (bytes) => observer.chunk(bytes),
    end(how) {
      over = true;
      const last = observer.end(how);
      if (!enough) look.end(how);
      enough = true;
      return last;
    },
  }, signal);
  const out: Out = {
    enqueue(chunk) {
      early.push((to) => to.enqueue(chunk));
      if (!enough) enough = look.chunk(chunk);
    },
    close: () => void early.push((to) => to.close()),
    error: (error) => void early.push((to) => to.error(error)),
  };
  let pending = Promise.resolve();
  const opened = (async () => {
    while (!enough && !over) await (pending = pull(out));
  })();
  await Promise.race([opened, late]);
  enough = true;
  return streamOf({
    async pull(to) {
      if (early.length === 0) await pending; // one that was late
      const first = early.shift();
      if (first === undefined) return pull(to);
      first(to);
    },
    cancel,
  });
}
