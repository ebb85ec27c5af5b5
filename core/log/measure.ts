/**
 * How many bytes the bodies of a gateway's rows have. Loaded where they have a bound.
 *
 * @module
 */
import type { Logs, LogSizes } from "../storage/ports.ts";

/** Rows that are asked for in one go. */
const atOnce = 2_000;

/** The latest rows whose bodies are within a bound together: `Infinity` where all are, and their bytes. */
export async function measure(
  logs: Logs,
  gateway: string,
  bound: number,
): Promise<{ rows: number; bytes: number }> {
  let rows = 0;
  let bytes = 0;
  let before: string | null | undefined;
  while (before !== null && logs.sizes !== undefined) {
    const page: LogSizes = await logs.sizes(gateway, before, atOnce);
    for (const size of page.bytes) {
      if (bytes + size > bound) return { rows, bytes };
      bytes += size;
      rows++;
    }
    before = page.next;
    // SQLite answers at once: others get their turn in between.
    if (before !== null) await new Promise((done) => setTimeout(done, 0));
  }
  return { rows: Infinity, bytes };
}
