/**
 * Ids.
 *
 * @module
 */
import { v7 } from "uuid";

const size = 16;

/** True for a UUID of any version, in lower case: as part of a key it can be nothing else. */
export function isUUID(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

/** A source of UUIDv7 that asks the platform for randomness once in 256 ids: on Node each time counts. */
export function idSource(): () => string {
  const pool = new Uint8Array(256 * size);
  let at = pool.length;
  const rng = () => {
    if (at === pool.length) {
      crypto.getRandomValues(pool);
      at = 0;
    }
    return pool.subarray(at, at += size);
  };
  return () => v7({ rng });
}
