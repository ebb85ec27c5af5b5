/**
 * Which requests are the same. All that has a say in the answer goes into one text; what cannot be told
 * apart from it is left out: metadata, user agent, ids of requests (spec 4.1).
 *
 * @module
 */
import type { Context } from "../context.ts";
import { readRequest } from "../formats/request.ts";
import { clientKeys, isKeyHeader, withoutKeys } from "../provider.ts";
import { Memo } from "../usage/memo.ts";
import { type Canonical, canonical, textOf } from "./canonical.ts";
import { type Digest, digestOf } from "./digest.ts";
import { type Form, type FormsName, formsOf } from "./forms.ts";
import type { Policy } from "./policy.ts";

/** A request, as the cache sees it. */
export interface Asked {
  gateway: string;
  /** Slug. */
  provider: string;
  /** As the request names it; empty when it does not. */
  model: string;
  /** `cf-aig-cache-key`. */
  key: string | undefined;
  /**
   * All that makes the answer but its form, in one unambiguous text. It holds credentials: it is for the
   * memory of this process alone.
   */
  text: string;
  /** Set where the answer can have several forms. */
  forms: FormsName | undefined;
  form: Form;
  /** Where it is in the store, once that was asked. */
  place?: string | Promise<string>;
  /** Set where the text is only the digest of what it should be. */
  digest?: string;
  /** How its body was read, where that is worth remembering. */
  read?: Read | undefined;
}

/** Members that change the form of an answer, or that ask the provider to keep something. */
const members = ["stream", "stream_options", "store", "background", "conversation"];

/** Headers that change an answer. */
const relevant: ReadonlySet<string> = new Set([
  "accept",
  "anthropic-beta",
  "anthropic-version",
  "api-version",
  "cartesia-version",
  "openai-beta",
  "openai-organization",
  "openai-project",
  "parallel-beta",
  "prefer",
  "x-goog-user-project",
  "x-use-cache",
  "x-wait-for-model",
]);

/** Names of headers that may hold a credential which no provider's row tells of. */
const credential =
  /(?:^|[-_])(?:key|token|auth|authorization|secret|password|credential|jwt|signature)s?(?:[-_]|$)/;

/** Headers that hold nothing but a token for the gateway. */
const gatewayTokens = ["cf-aig-authorization", "cf-access-jwt-assertion", "cf-access-token"];

/** Headers for the gateway that change how an answer is got. */
const ways = [
  "cf-aig-request-timeout",
  "x-sluice-timeout-idle",
  "x-sluice-timeout-total",
  "cf-aig-max-attempts",
  "cf-aig-retry-delay",
  "cf-aig-backoff",
  "cf-aig-no-wholesale",
];

/** JSON bodies up to this size are put in order; longer ones must be the same byte for byte. */
const orderly = 4 * 1024 * 1024;
/** Longer texts are kept as their digest; where that is cheap, all are. */
const longest = 64 * 1024;

/** Bodies up to this size are remembered: many clients ask the same again and again. */
const remembered = 4096;

/** What was read of a body. */
interface Read {
  /** The body, where it is short. */
  body: string;
  /** It is remembered. */
  known: boolean;
  json: Canonical | undefined;
  /** What stood before it in the text of the last request that had it, and that text. */
  about: string;
  text: string;
}

/** Tells which requests are the same. */
export class Identities {
  readonly #bodies = new Memo<Read>(256);

  /**
   * The request, or why it is never answered from the cache.
   *
   * @param salt What the provider's configuration has a say in.
   */
  of(
    ctx: Context,
    body: Uint8Array,
    policy: Policy,
    salt: string,
  ): Asked | string | Promise<Asked> {
    return askedOf(ctx, body, this.#read(body), policy, salt);
  }

  /** What was asked has an answer: it may well be asked again, as it stands. */
  remember({ read }: Asked): void {
    if (read === undefined || read.known) return;
    read.known = true;
    if (read.body !== "") this.#bodies.set(read.body, read);
  }

  #read(body: Uint8Array): Read {
    const none: Read = { body: "", known: false, json: undefined, about: "", text: "" };
    if (body.byteLength === 0 || body.byteLength > orderly) return none;
    const text = textOf(body);
    if (text === undefined) return none;
    const isShort = body.byteLength <= remembered;
    const known = isShort ? this.#bodies.get(text) : undefined;
    if (known !== undefined) return known;
    return {
      body: isShort ? text : "",
      known: false,
      json: canonical(text, members),
      about: "",
      text: "",
    };
  }
}

function askedOf(
  ctx: Context,
  body: Uint8Array,
  known: Read,
  policy: Policy,
  salt: string,
): Asked | string | Promise<Asked> {
  const { gateway, provider, path, method } = ctx;
  const forms = method === "POST" ? formsOf(path) : undefined;
  const { json: read } = known;
  const left: Canonical["left"] = read?.left ?? {};
  if (left['"background"'] === "true") return "the answer comes later";
  if (left['"store"'] === "true") return "the provider is to keep the answer";
  const { '"conversation"': conversation } = left;
  if (conversation !== undefined && conversation !== "null") return "a conversation goes on";

  const wanted = read === undefined ? undefined : formOf(forms, path, ctx.query, left);
  const shaped = wanted === undefined ? undefined : forms;
  const form = wanted ?? "own";
  const place = [gateway.id, ctx.account, provider.slug, salt];
  const model = provider.model?.(path, ctx.clientHeaders) ?? read?.model ?? "";
  const asked: Asked = {
    gateway: gateway.id,
    provider: provider.slug,
    model,
    key: policy.key,
    text: "",
    forms: shaped,
    form,
  };
  if (policy.key !== undefined) {
    // Nobody else's answer, and none of another shape: the key stands for all the rest.
    const stream = shaped === undefined && streams(ctx, body);
    asked.text = JSON.stringify([1, "key", ...place, shaped ?? path, stream, policy.key]);
    return asked;
  }
  const about = [
    1,
    "request",
    ...place,
    method,
    shaped === "gemini" ? path.replace(/:streamGenerateContent$/, ":generateContent") : path,
    queryOf(ctx.query, shaped),
    identityOf(ctx),
    headersOf(ctx, shaped !== undefined),
    ctx.clientHeaders.get("x-fal-target-url") ?? "",
  ];
  if (read === undefined) {
    about[1] = "bytes";
    about.push(ctx.headers["content-type"] ?? "");
    asked.text = JSON.stringify(about);
    return body.byteLength === 0 ? asked : withBody(asked, body, ctx.host.cache.digest);
  }
  const { '"store"': store = "", '"background"': background = "" } = left;
  about.push(store, background);
  if (shaped === undefined || shaped === "gemini") {
    about.push(left['"stream"'] ?? "", left['"stream_options"'] ?? "");
  }
  const front = JSON.stringify(about);
  // A text that was looked for before is found faster.
  const { digest } = ctx.host.cache;
  if (known.about !== front) {
    const text = `${front}\n${read.text}`;
    known.about = front;
    known.text = digest === undefined ? text : digest(text);
  }
  asked.text = known.text;
  asked.read = known;
  if (digest !== undefined) asked.digest = asked.text;
  return asked.text.length > longest ? shortened(asked) : asked;
}

/** What decides besides whether a request can wait for another's answer. */
export function wayOf({ clientHeaders }: Context): string {
  let way = "";
  for (const name of ways) {
    const value = clientHeaders.get(name);
    if (value !== null) way += `${name}:${value}\n`;
  }
  return way;
}

/** True for a request that asks for a stream in whatever way. */
function streams({ headers, path }: Context, body: Uint8Array): boolean {
  const contentType = headers["content-type"] ?? "";
  return readRequest({ contentType, path, body }).stream === true;
}

/** With a body that is no JSON, or too long to be put in order. */
async function withBody(
  asked: Asked,
  body: Uint8Array,
  digest: Digest | undefined,
): Promise<Asked> {
  asked.text += "\n" + await digestOf(body, digest);
  return asked;
}

async function shortened(asked: Asked): Promise<Asked> {
  asked.text = asked.digest = await digestOf(asked.text);
  return asked;
}

/** The form that is asked for, or nothing where only the request's own is known. */
function formOf(
  forms: FormsName | undefined,
  path: string,
  query: string,
  left: Readonly<Record<string, string>>,
): Form | undefined {
  if (forms === undefined) return undefined;
  if (forms === "gemini") {
    if (path.endsWith(":generateContent")) {
      return /[?&]alt=(?!json)/.test(query) ? undefined : "plain";
    }
    return /[?&]alt=sse(?:&|$)/.test(query)
      ? "stream"
      : /[?&]alt=/.test(query)
      ? undefined
      : "list";
  }
  const { '"stream"': stream = "false", '"stream_options"': options = "null" } = left;
  if (stream === "false" || stream === "null") return options === "null" ? "plain" : undefined;
  if (stream !== "true") return undefined;
  if (options === "null" || options === "{}" || options === '{"include_usage":false}') {
    return "stream";
  }
  return forms === "openai-chat" && options === '{"include_usage":true}'
    ? "stream-usage"
    : undefined;
}

/** Without keys, in the order of names. */
function queryOf(query: string, forms: FormsName | undefined): string {
  if (query === "") return "";
  const parts = withoutKeys(query).slice(1).split("&").filter((part) =>
    part !== "" && !(forms === "gemini" && part.startsWith("alt="))
  );
  const nameOf = (part: string) => part.split("=", 1)[0]!;
  return parts.sort((a, b) => nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0).join("&");
}

/** Whose answer it is: of the owner of the client's key, or of all to whom the gateway's is lent. */
function identityOf(ctx: Context): string[] {
  const { provider, headers, query, host, clientHeaders } = ctx;
  const own = clientKeys(provider, headers, query);
  if (own.length > 0) return own;
  if (!host.keyring.mayBorrow(ctx)) {
    // Who that is will be known further in.
    return gatewayTokens.flatMap((name) => clientHeaders.get(name) ?? []);
  }
  return ["", clientHeaders.get("cf-aig-byok-alias") ?? ""];
}

function headersOf({ headers, provider }: Context, shaped: boolean): string[] {
  const found: string[] = [];
  for (const name in headers) {
    if (!relevant.has(name) && !name.startsWith("x-amzn-bedrock-")) {
      if (!credential.test(name) || isKeyHeader(provider, name)) continue; // those are in the identity
      if (name === "idempotency-key") continue;
    }
    const value = headers[name]!;
    if (name === "accept" && isUsual(value, shaped)) continue;
    found.push(`${name}:${value}`);
  }
  return found.length > 1 ? found.sort() : found;
}

/** What clients ask for that do not care; where the body tells, a stream of events as well. */
function isUsual(accept: string, shaped: boolean): boolean {
  if (accept === "*/*" || accept === "application/json") return true;
  return shaped &&
    /^[\s,]*(?:(?:\*\/\*|application\/json|text\/event-stream)[\s,]*)+$/.test(accept);
}
