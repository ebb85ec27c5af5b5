/**
 * Which endpoints have answers that may be given twice.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { kindOfPath } from "../formats/kind.ts";

/** Where something is kept, made or waited for at the provider, beside what {@link kindOfPath} knows. */
const stateful =
  /(?:^|\/)(?:assistants|threads|runs|conversations|containers|evals|sessions|realtime|predictions|tasks|jobs|async-invoke|queue|webhooks)(?:$|\/)/;
const lists = /(?:^|\/)models$/;

/** Most bytes of a request body (spec 4.2). */
export const mostBytes: number = 25 * 1024 * 1024;

/**
 * Why a request is never answered from the cache, or nothing. A GET is, when the request itself says so:
 * what a client asks for again and again is often how far something has come.
 *
 * @param explicit The request names a key or a time of its own.
 */
export function neverCached(ctx: Context, explicit: boolean): string | undefined {
  const { method, path, headers, provider } = ctx;
  if (method !== "POST" && !(method === "GET" && explicit)) return `method ${method}`;
  const kind = kindOfPath(provider.slug, path);
  const isList = method === "GET" && lists.test(path);
  if ((kind === "other" && !isList) || kind === "video" || stateful.test(path)) {
    return "the endpoint keeps state";
  }
  if (headers.range !== undefined) return "a part was asked for";
  const { upgrade } = { upgrade: method === "GET" ? ctx.request.headers.get("upgrade") : null };
  if (upgrade !== null) return "a connection was asked for";
  const length = Number(headers["content-length"] ?? 0);
  if (length > mostBytes) return "the body is over 25 MiB";
  const type = headers["content-type"] ?? "";
  if (/^multipart\//i.test(type)) {
    // No two are the same: each has a boundary of its own.
    if (ctx.clientHeaders.get("cf-aig-cache-key") === null) return "the body is a form";
  }
  // Without a length it cannot be told how much would have to be read.
  if (method === "POST" && headers["content-length"] === undefined && !/\bjson\b/i.test(type)) {
    return "the body has no length";
  }
  return undefined;
}
