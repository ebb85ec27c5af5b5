/**
 * What the unified API has to know of the built-in providers, loaded once it is asked for one: requests to a
 * provider's own API need none of it.
 *
 * @module
 */
import type { Dialect } from "../core/unified/dialect.ts";

/** By slug; those of all rows are loaded together. */
const given = new Map<string, Dialect>();
let loading: Promise<void> | undefined;

/** The dialect of a row, from `dialects.ts`: empty until it is loaded. */
export function dialectOf(slug: string): Dialect {
  const dialect: Dialect = { load: loadDialects };
  given.set(slug, dialect);
  return dialect;
}

/** Fills in the dialects of all rows. */
export function loadDialects(): Promise<void> {
  return loading ??= import("./dialects.ts").then(({ dialects }) => {
    for (const [slug, dialect] of given) Object.assign(dialect, dialects[slug]);
  });
}
