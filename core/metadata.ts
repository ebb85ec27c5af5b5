/**
 * `cf-aig-metadata`: what a caller says about a request, for logs, limits and routes.
 *
 * @module
 */
import { caller, type Context, createKey, type Key } from "./context.ts";

/** Values by name. */
export type Metadata = Readonly<Record<string, string | number | boolean | null>>;

const parsed: Key<Metadata | null> = createKey("metadata");

/** Entries of the caller's own that are kept (spec: the first five). */
const most = 5;
/** Characters of an entry's name, and of its value: the log keeps many in memory. */
const longestName = 256, longestValue = 1024;

/**
 * The metadata of a request, the caller's virtual key's included, or null when there is none. A header
 * that is not an object of plain values is ignored as far as it is not.
 */
export function metadataOf(ctx: Context): Metadata | null {
  // A step of a universal request may have its own.
  const shared = ctx.clientHeaders === ctx.request.headers;
  const known = shared ? ctx.get(parsed) : undefined;
  if (known !== undefined) return known;
  const header = ctx.clientHeaders.get("cf-aig-metadata");
  const stamped = ctx.get(caller)?.metadata;
  let found: Metadata | null = null;
  if (header !== null || stamped !== undefined) {
    found = { ...header === null ? {} : parse(header), ...stamped };
    if (Object.keys(found).length === 0) found = null;
  }
  if (shared) ctx.set(parsed, found);
  return found;
}

function parse(header: string): Record<string, string | number | boolean | null> {
  let value: unknown;
  try {
    value = JSON.parse(header);
  } catch {
    return {};
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const entries = Object.entries(value).filter(([name, entry]) =>
    !name.startsWith("cf.") && (entry === null || typeof entry !== "object")
  );
  return Object.fromEntries(
    entries.slice(0, most).map(([name, entry]) => [
      name.slice(0, longestName),
      typeof entry === "string" ? entry.slice(0, longestValue) : entry,
    ]),
  );
}
