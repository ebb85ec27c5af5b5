/**
 * Where in a request a gateway token may stand, and how it is taken out again.
 *
 * @module
 */
import type { Changes, Context } from "../context.ts";
import { credentialOf } from "../provider.ts";
import { looksLikeKey } from "./virtual-keys.ts";

/** A text that may be a gateway token. */
export interface Candidate {
  text: string;
  /** Header in lower case, or `?` and a name in the query. */
  place: string;
}

/** The header that is for gateway tokens and nothing else. */
export const ownHeader = "cf-aig-authorization";
/** Headers in which clients send the key of whoever they talk to. */
const sharedHeaders = ["authorization", "x-api-key", "x-goog-api-key", "api-key", "xi-api-key"];
const sharedQuery = /[?&](key|api_key)=([^&]*)/g;

/**
 * All texts of a request that may be gateway tokens; nothing when there is none.
 *
 * @param anyText A token may look like anything; otherwise those of shared places begin with `sl-`.
 */
export function candidatesOf(ctx: Context, anyText: boolean): Candidate[] | undefined {
  const { headers, query, provider } = ctx;
  let found: Candidate[] | undefined;
  const add = (text: string, place: string) => {
    if (text !== "") (found ??= []).push({ text, place });
  };
  const own = ctx.request.headers.get(ownHeader);
  if (own !== null) add(credentialOf(own), ownHeader);
  const look = (name: string) => {
    const value = headers[name];
    if (value === undefined || (!anyText && !value.includes("sl-"))) return;
    // A header that was sent twice arrives as a list.
    for (const part of value.includes(",") ? value.split(",") : [value]) {
      const text = credentialOf(part);
      if (anyText || looksLikeKey(text)) add(text, name);
    }
  };
  for (const name of sharedHeaders) look(name);
  const header = provider.key?.header;
  if (header !== undefined && !sharedHeaders.includes(header)) look(header);
  if (query !== "") {
    for (const [, name = "", value = ""] of query.matchAll(sharedQuery)) {
      const text = decoded(value);
      if (anyText || looksLikeKey(text)) add(text, `?${name}`);
    }
  }
  return found;
}

/** What is to change so that none of these places goes upstream; nothing when none would. */
export function without(ctx: Context, places: readonly string[]): Changes | undefined {
  let headers: Record<string, string> | undefined;
  let query = ctx.query;
  for (const place of places) {
    if (place.startsWith("?")) {
      const name = place.slice(1);
      const parts = query.slice(1).split("&").filter((part) => !part.startsWith(`${name}=`));
      query = parts.length === 0 ? "" : `?${parts.join("&")}`;
    } else if (place in ctx.headers) {
      headers ??= { ...ctx.headers };
      delete headers[place];
    }
  }
  if (headers === undefined && query === ctx.query) return undefined;
  return { query, ...headers !== undefined && { headers } };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
