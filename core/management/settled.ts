/**
 * Rows on their way to the store, for who reads it.
 *
 * @module
 */
import type { Host } from "../host.ts";

/** Milliseconds that a reader waits for them. */
const patience = 1000;

/** Rows that wait are written first, or whoever reads right after an answer would not find its row. */
export async function settled(host: Host): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((done) => timer = setTimeout(done, patience));
  const work = host.settler.drain().then(() => host.log.flush()).catch(() => {});
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
