/**
 * A provider is a row of data: where it is, how its key travels, which wire format it speaks. What a
 * row cannot say (a host that depends on the path, a signature) is a small function on the row.
 *
 * @module
 */
import { Code, GatewayError } from "./error.ts";
import { joinURL } from "./path.ts";
import type { Dialect } from "./unified/dialect.ts";

/** The wire format that a provider speaks natively. */
export type FormatName =
  | "openai-chat"
  | "openai-responses"
  | "anthropic-messages"
  | "gemini"
  | "bedrock-converse"
  | "cohere-v2"
  | "none";

/** How a key travels: `header: scheme key`. */
export interface KeyHeader {
  /** In lower case. */
  header: string;
  /** Word before the key, such as `Bearer`; none when absent. */
  scheme?: string;
}

/** Configuration of one provider, as in `providers.<slug>`. */
export interface ProviderSettings {
  /** Replaces the row's `baseURL`. */
  base_url?: string;
  /** Added to each request that does not have them. */
  headers?: Record<string, string>;
  /** Cloudflare account of Workers AI, when the one in the URL is not it. */
  account_id?: string;
  /** AWS region of Bedrock, location of Vertex AI, for requests of the unified API. */
  region?: string;
  /** Google Cloud project of Vertex AI, for requests of the unified API. */
  project?: string;
  /** OAuth token endpoint of Vertex AI. */
  token_url?: string;
}

/** What a provider may use of the gateway. */
export interface Tools {
  /** For requests of the provider's own, such as to a token endpoint. */
  fetch: typeof fetch;
  /** Milliseconds since 1970. */
  now(): number;
  /** Lives as long as the gateway; keys are the provider's own. */
  memo: Map<string, unknown>;
}

/** One request on its way to a provider. `query`, `headers` and `url` are there to be changed. */
export interface Call {
  /** Account of the request's URL, or the configuration's. */
  readonly account: string;
  /** In upper case, as sent. */
  readonly method: string;
  /** After the provider's slug, no leading slash, raw and safe. */
  readonly path: string;
  /** Raw; empty, or begins with a question mark. */
  query: string;
  /** Configuration of the provider. */
  readonly settings: ProviderSettings;
  /** What it may use of the gateway. */
  readonly tools: Tools;
  /** Headers as the client sent them, the dropped ones included. */
  readonly client: Headers;
  /** What goes upstream, names in lower case. */
  headers: Record<string, string>;
  /** Absolute, with the query. Set once the provider's `url` has run. */
  url: string;
  /** The whole body; reads it into memory. */
  body(): Promise<Uint8Array>;
}

/** A row. Only `slug` and `baseURL` are needed for an OpenAI-compatible provider. */
export interface Provider {
  /** The path segment after the gateway: `{gw}/{slug}/...`. */
  readonly slug: string;
  /** Other names of the same provider. */
  readonly aliases?: readonly string[];
  /** Absolute, no trailing slash, with the version segment if every endpoint has the same. */
  readonly baseURL: string;
  /** Version segment to add to paths that have none, for bases without one. */
  readonly version?: string;
  /** `openai-chat` unless given. */
  readonly format?: FormatName;
  /** How a stored key travels; `authorization: Bearer` unless given. */
  readonly key?: KeyHeader;
  /** Added to each request that does not have them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** On the operator's own machine: pages of other sites are refused unless configured. */
  readonly local?: boolean;
  /**
   * What the unified API has to know of it; OpenAI's paths and format unless given.
   *
   * @internal
   */
  readonly dialect?: Dialect;
  /**
   * Waited for before each request where it gives something to wait for; rejects where none may be sent.
   *
   * @internal
   */
  admit?(call: Call): Promise<void> | undefined;
  /** The upstream URL without the query; base plus path unless given. */
  url?(call: Call): string;
  /** Model named by the path, for providers that do not take it from the body. */
  model?(path: string, client: Headers): string | undefined;
  /**
   * Puts a key on the call or makes the client's own usable; a plain header unless given.
   * `key` is absent when the client brought its own, or nobody has one.
   */
  authorize?(call: Call, key: string | undefined): void | Promise<void>;
}

/** Checks a row, and gives it back: the typed way to write one. */
export function defineProvider(provider: Provider): Provider {
  const { slug, baseURL } = provider;
  if (!/^[a-z0-9][a-z0-9-]*$/.test(slug)) {
    throw new TypeError(`Provider slug '${slug}' must be lower-case letters, digits and hyphens`);
  }
  if (!/^https?:\/\/[^/?#@\s]+(?:\/[^?#\s]*[^/?#\s])?$/.test(baseURL)) {
    throw new TypeError(
      `Provider '${slug}' has the baseURL '${baseURL}', which must be an absolute http(s) URL ` +
        "without trailing slash, query or user",
    );
  }
  const header = provider.key?.header;
  if (header !== undefined && header !== header.toLowerCase()) {
    throw new TypeError(
      `Provider '${slug}' has the key header '${header}', which must be lower case`,
    );
  }
  return provider;
}

/** The base URL in force. */
export function baseOf(provider: Provider, settings: ProviderSettings): string {
  return settings.base_url ?? provider.baseURL;
}

/** The upstream URL of a call, without the query. */
export function targetURL(provider: Provider, call: Call): string {
  return provider.url?.(call) ??
    joinURL(baseOf(provider, call.settings), call.path, provider.version);
}

/** Names of headers in which clients send a provider key; a provider's own comes on top. */
const keyHeaders = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];
/** Names under which a query holds a provider key. */
const keyQuery = /([?&])(?:key|api_key)=([^&]*)/g;

/** What clients send that insist on a key where there is none, alone or behind `sk-`. */
const placeholder =
  /^(?:sk-)?(?:undefined|null|none|n\/?a|empty|(?:dummy|fake|placeholder)(?:[-_](?:api[-_])?key)?|unused|ignored|not-(?:needed|required)|no-key(?:-(?:needed|required))?|your[-_]api[-_]key|ollama|lm-studio|x{3,})$/i;

/** What stands behind the scheme of a credential. */
export function credentialOf(value: string): string {
  return value.trim().replace(/^(?:bearer|token|key|basic|api-key)(?:\s+|$)/i, "");
}

/** Names of the headers in which a key for a provider may stand. */
function keyHeadersOf(provider: Provider): readonly string[] {
  const own = provider.key?.header;
  return own === undefined || keyHeaders.includes(own) ? keyHeaders : [own, ...keyHeaders];
}

/** True for the name of a header in which a key for the provider may stand. */
export function isKeyHeader(provider: Provider, name: string): boolean {
  return name === provider.key?.header || keyHeaders.includes(name);
}

/** True when the client sent a key for the provider, no placeholder; empty ones are taken off. */
export function hasClientKey(provider: Provider, call: Call): boolean {
  let found = false;
  for (const [, , value = ""] of call.query === "" ? [] : call.query.matchAll(keyQuery)) {
    if (value !== "" && !placeholder.test(value)) found = true;
  }
  for (const name of keyHeadersOf(provider)) {
    const value = call.headers[name];
    if (value === undefined) continue;
    const key = credentialOf(value);
    if (key === "") delete call.headers[name];
    else if (!placeholder.test(key)) found = true;
  }
  return found;
}

/** The client's own keys for the provider as it sent them, placeholders aside. */
export function clientKeys(
  provider: Provider,
  headers: Readonly<Record<string, string>>,
  query: string,
): string[] {
  const found: string[] = [];
  const add = (value: string | undefined): void => {
    if (value === undefined) return;
    const key = credentialOf(value);
    if (key !== "" && !placeholder.test(key)) found.push(value);
  };
  if (query !== "") { for (const [, , value] of query.matchAll(keyQuery)) add(value); }
  for (const name of keyHeadersOf(provider)) add(headers[name]);
  return found;
}

/** A query without keys. */
export function withoutKeys(query: string): string {
  return query === "" ? "" : query.replace(keyQuery, "$1");
}

/** Takes off what a client sends in place of a key that it does not have. */
export function dropPlaceholders(provider: Provider, call: Call): void {
  for (const name of keyHeadersOf(provider)) {
    const value = call.headers[name];
    if (value !== undefined && placeholder.test(credentialOf(value))) delete call.headers[name];
  }
  call.query = call.query.replace(
    keyQuery,
    (whole, mark: string, value: string) => value === "" || placeholder.test(value) ? mark : whole,
  ).replace(/([?&])&+/g, "$1").replace(/[?&]$/, "");
}

/** Puts a key on the call the provider's way. */
export function placeKey(provider: Provider, call: Call, key: string): void {
  const { header, scheme } = provider.key ?? { header: "authorization", scheme: "Bearer" };
  call.headers[header] = scheme === undefined || scheme === "" ? key : `${scheme} ${key}`;
}

/** A part of a path that is to become part of a host name, or a refusal. */
export function hostPart(value: string, pattern: RegExp, what: string): string {
  if (!pattern.test(value)) {
    throw new GatewayError(
      400,
      Code.badPath,
      `The path has no valid ${what} where one is expected`,
    );
  }
  return value;
}
