/**
 * Paths stay raw: what the client wrote is what the provider gets. So nothing here decodes; a path
 * that an upstream could read as another host or as a way out of its base is refused instead.
 *
 * @module
 */
import { Code, GatewayError } from "./error.ts";

/** A request URL cut in two, nothing decoded or normalised. */
export interface RawURL {
  /** Begins with a slash. */
  path: string;
  /** Empty, or begins with a question mark. */
  query: string;
}

/** Cuts a URL as a runtime gives it (some normalise it, some hand on the request line). */
export function splitURL(url: string): RawURL {
  let start = url.startsWith("/") ? 0 : url.indexOf("://") + 3;
  while (start < url.length && url[start] !== "/" && url[start] !== "?") start++;
  const mark = url.indexOf("?", start);
  const path = mark < 0 ? url.slice(start) : url.slice(start, mark);
  return { path: path || "/", query: mark < 0 ? "" : url.slice(mark) };
}

// Once more encoded, and as an overlong sequence, for upstreams that decode too much.
const slash = "(?:/|%2f|%5c|%252f|%255c)";
const dot = "(?:\\.|%2e|%252e|%c0%ae)";
const unsafe = new RegExp(
  [
    "[\\\\#]", // a backslash is a slash to some; a fragment is never sent
    "[^\\x21-\\x7e]", // control characters, spaces, raw non-ASCII
    "%(?:[01][0-9a-f]|7f|5c)", // the same, encoded
    `(?:^|${slash})${dot}{1,2}(?:$|;|%3b|%20|${slash})`, // dot segments, however written
  ].join("|"),
  "i",
);

/** Refuses a path that could leave the upstream's base path or host. */
export function assertSafePath(path: string): void {
  if (unsafe.test(path)) {
    throw new GatewayError(
      400,
      Code.badPath,
      "The path has a dot segment, a backslash, a fragment or a character that must be " +
        "percent-encoded; send the provider's own path, percent-encoded once",
    );
  }
}

/** Refuses a query that a runtime would cut or re-read. */
export function assertSafeQuery(query: string): void {
  if (query.includes("#")) {
    throw new GatewayError(400, Code.badPath, "The query has a raw '#'; write it as '%23'");
  }
}

/** True for `v1`, `v2`, `v1beta`, `v1beta1`, `v1alpha`. */
export function isVersion(segment: string): boolean {
  return /^v\d+(?:(?:alpha|beta)\d*)?$/.test(segment);
}

/** The part before the first slash. */
export function firstSegment(path: string): string {
  const end = path.indexOf("/");
  return end < 0 ? path : path.slice(0, end);
}

/**
 * Base plus path, with the tolerance that users of OpenAI clients need: where the base ends in a
 * version segment and the path repeats that segment, or the whole path of the base, it is written
 * once; where neither has one, the provider's default is added.
 *
 * @param base An absolute URL without a trailing slash.
 * @param path Without a leading slash, already safe.
 * @param version The provider's default version segment, for bases that have none.
 */
export function joinURL(base: string, path: string, version?: string): string {
  const last = base.slice(base.lastIndexOf("/") + 1);
  if (isVersion(last)) {
    const whole = base.slice(base.indexOf("/", base.indexOf("://") + 3) + 1);
    path = withoutPrefix(path, whole) ?? withoutPrefix(path, last) ?? path;
  } else if (version !== undefined && !path.split("/", 2).some(isVersion)) {
    path = path === "" ? version : `${version}/${path}`;
  }
  return path === "" ? base : `${base}/${path}`;
}

function withoutPrefix(path: string, prefix: string): string | undefined {
  if (!path.startsWith(prefix)) return undefined;
  if (path.length === prefix.length) return "";
  return path[prefix.length] === "/" ? path.slice(prefix.length + 1) : undefined;
}

/** Scheme and authority of an absolute URL. */
export function originOf(url: string): string {
  return /^[a-z]+:\/\/[^/?]*/.exec(url)?.[0] ?? url;
}
