/**
 * What a key and a time to live may be: the same on every driver, so that what works on one works on
 * all of them.
 *
 * @module
 */

/** Segments are file names on some drivers: none may be `.` or `..`. */
const segment = "(?!\\.\\.?(?::|$))[a-z0-9._-]+";
const form = new RegExp(`^${segment}(?::${segment})*$`);

/** What Workers KV allows, the least of all drivers. */
const longest = 512;

/** A defect of the caller: a key, a time or an amount that no store could be given. */
export class InputError extends TypeError {}

/** A key as it came; throws an {@link InputError} on one that no driver could be given. */
export function checkKey(key: string): string {
  if (key.length <= longest && form.test(key)) return key;
  throw new InputError(
    `Invalid key of storage '${key.slice(0, 64)}': segments of [a-z0-9._-] joined by ':', ` +
      `at most ${longest} characters; anything else goes in as its digest`,
  );
}

/** A prefix as it came; it ends in `:`. */
export function checkPrefix(prefix: string): string {
  if (!prefix.endsWith(":")) {
    throw new InputError(`Prefix '${prefix.slice(0, 64)}' must end in ':'`);
  }
  checkKey(prefix.slice(0, -1));
  return prefix;
}

/**
 * When a value expires, in milliseconds since 1970: `Infinity` is never, and what is not after `now`
 * is gone already.
 *
 * @param ttl Seconds, fractions included.
 */
export function expiryOf(ttl: number | undefined, now: number): number {
  if (ttl === undefined) return Infinity;
  if (typeof ttl === "number" && !Number.isNaN(ttl)) return now + ttl * 1000;
  throw new InputError(`Invalid time to live: ${String(ttl)} is not a number of seconds`);
}
