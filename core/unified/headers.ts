/**
 * What of a client's headers goes to a provider that the client does not know, and where its key goes.
 *
 * @module
 */
import type { Context } from "../context.ts";
import { type Call, clientKeys, credentialOf, placeKey, type Provider } from "../provider.ts";
import { compat } from "./compat.ts";

/** What any provider may know of a client. */
const general = ["accept-language", "user-agent"];
/** Where a key may stand. */
const credentials = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/**
 * Headers of the request to a provider, the client's key placed its way.
 *
 * @param native The client speaks the provider's own format, and its headers mean something there.
 */
export function headersTo(
  ctx: Context,
  provider: Provider,
  native: boolean,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name in ctx.headers) {
    if (native ? !credentials.includes(name) : general.includes(name)) {
      headers[name] = ctx.headers[name]!;
    }
  }
  delete headers["content-length"];
  headers["content-type"] = "application/json";
  // What is translated is read here.
  headers["accept-encoding"] = native ? ctx.headers["accept-encoding"] ?? "identity" : "identity";
  const [key] = clientKeys(compat, ctx.headers, ctx.query);
  if (key !== undefined) {
    const value = credentialOf(key);
    // A row that signs takes what it needs out of a bearer.
    if (provider.authorize !== undefined && provider.key === undefined) {
      headers["authorization"] = `Bearer ${value}`;
    } else placeKey(provider, { headers } as unknown as Call, value);
  }
  return headers;
}

/**
 * Headers of a translated answer: the provider's, but for those that speak of its body. They are taken off
 * the provider's answer, which is not handed on: a copy is a sixth of what a translated stream adds.
 */
export function headersFrom(response: Response): Headers {
  let { headers } = response;
  try {
    headers.delete("content-length");
  } catch {
    headers = new Headers(headers); // a plugin handed on what `fetch` gave it
  }
  for (const name of ofBody) headers.delete(name);
  return headers;
}

const ofBody = [
  "content-length",
  "content-encoding",
  "content-type",
  "content-md5",
  "content-digest",
  "digest",
  "etag",
  "last-modified",
  "accept-ranges",
  "transfer-encoding",
  "vary",
  "x-amzn-bedrock-content-type",
];
