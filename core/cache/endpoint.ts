/**
 * Which endpoints have answers that may be given twice.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { kindOfPath } from "../formats/kind.ts";
import { Memo } from "../usage/memo.ts";

/** Where something is kept, made or waited for at the provider, beside what {@link kindOfPath} knows. */
const stateful =
  /(?:^|\/)(?:assistants|threads|runs|conversations|containers|evals|sessions|realtime|predictions|tasks|jobs|async-invoke|queue|webhooks)(?:$|\/)/;
const lists = /(?:^|\/)models$/;

/** Most bytes of a request body (spec 4.2). */
export const mostBytes: number = 25 * 1024 * 1024;

/** Knows endpoints; a look costs a tenth of finding out. */
export class Endpoints {
  readonly #kept = new Memo<boolean>(1000);

  /**
   * Why a request is never answered from the cache, or nothing. A GET is, when the request itself says so:
   * what a client asks for again and again is often how far something has come.
   *
   * @param explicit The request names a key or a time of its own.
   */
  never(ctx: Context, explicit: boolean): string | undefined {
    const { method, path, headers, clientHeaders } = ctx;
    if (method !== "POST" && !(method === "GET" && explicit)) return `method ${method}`;
    const isList = method === "GET" && lists.test(path);
    if (!isList && this.#keeps(ctx)) return "the endpoint keeps state";
    if (headers.range !== undefined) return "a part was asked for";
    if (method === "GET") {
      return clientHeaders.get("upgrade") === null ? undefined : "a connection was asked for";
    }
    const length = headers["content-length"];
    if (length !== undefined && Number(length) > mostBytes) return "the body is over 25 MiB";
    const type = headers["content-type"] ?? "";
    // No two are the same: each has a boundary of its own.
    if (/^multipart\//i.test(type) && clientHeaders.get("cf-aig-cache-key") === null) {
      return "the body is a form";
    }
    // Without a length it cannot be told how much would have to be read.
    if (length === undefined && !/\bjson\b/i.test(type)) return "the body has no length";
    return undefined;
  }

  #keeps({ provider: { slug }, path }: Context): boolean {
    const name = `${slug}/${path}`;
    let keeps = this.#kept.get(name);
    if (keeps === undefined) {
      const kind = kindOfPath(slug, path);
      keeps = kind === "other" || kind === "video" || stateful.test(path);
      if (name.length <= 256) this.#kept.set(name, keeps);
    }
    return keeps;
  }
}
