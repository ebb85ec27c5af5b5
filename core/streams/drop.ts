/**
 * What becomes of an answer that is not used.
 *
 * @module
 */
import { unwanted } from "./observe.ts";

/** Bytes and milliseconds for which the rest of an answer that nobody wants is read. */
export const rest: Readonly<{ bytes: number; ms: number }> = { bytes: 64 * 1024, ms: 1000 };

/** Method of a response that knows how to be dropped. */
export const droppable: unique symbol = Symbol.for("sluice.droppable") as never;

/** A response that knows. */
export interface Droppable {
  [droppable](): void;
}

/**
 * For an answer that is not used. What is left of a short one is read, so that its connection can serve
 * again; a longer one is cancelled.
 */
export function drop(response: Response): void {
  if (droppable in response) return (response as Response & Droppable)[droppable]();
  if (response.body === null || response.body.locked) return;
  const reader = response.body.getReader();
  const stop = () => reader.cancel(unwanted).catch(() => {});
  const timer = setTimeout(stop, rest.ms);
  let left = rest.bytes;
  const read = async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      left -= value.length;
      if (left < 0) return stop();
    }
  };
  read().catch(() => {}).finally(() => clearTimeout(timer));
}
