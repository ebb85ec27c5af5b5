/**
 * The universal endpoint: one request with several steps, each a whole request of its own (spec 1.2).
 *
 * @module
 */
import type { Context } from "./context.ts";
import { Code, GatewayError, isGatewayError } from "./error.ts";
import { forwardedHeaders } from "./headers.ts";
import { elements, members, type Span } from "./json-spans.ts";
import { kindOf, shown } from "./nearest.ts";
import { assertSafePath, assertSafeQuery } from "./path.ts";
import type { Provider } from "./provider.ts";
import { compat } from "./unified/compat.ts";

/** Stands where a provider stands as long as it is not known which step it will be. */
export const universal: Provider = {
  slug: "universal",
  baseURL: "https://universal.invalid",
  format: "none",
  url() {
    const message = "The universal endpoint needs the plugin 'fallback' in the chain";
    throw new GatewayError(501, Code.notServed, message);
  },
};

/** Most steps of a request. */
const mostSteps = 20;
/** Most bytes of names and values of a step's headers. */
const headerBytes = 32 * 1024;

/** Members of a step's `config`, and the headers that say the same. */
const config = {
  requestTimeout: "cf-aig-request-timeout",
  maxAttempts: "cf-aig-max-attempts",
  retryDelay: "cf-aig-retry-delay",
  backoff: "cf-aig-backoff",
} as const;
const backoffs = ["constant", "linear", "exponential"];

/** What a client that speaks to several providers at once says to all of them. */
const general = ["accept", "accept-encoding", "accept-language", "user-agent"];
/** Headers of the gateway, which may stand in a step. */
const ownHeader = /^(?:cf-|x-sluice-)/;

type Json = Record<string, unknown>;

/**
 * The steps of a universal request, as contexts of their own: provider, path, headers and body. What the
 * request says to the gateway holds for each step that does not say otherwise; of its credentials no step
 * gets any. Rejects with a 400 that names the step and the member (code 8030), a provider that is not
 * there (2008) or a path that may not be sent on (8002), before any step is tried.
 */
export async function stepsOf(ctx: Context): Promise<Context[]> {
  const bytes = await ctx.bytes();
  const value = parsed(bytes);
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) throw bad("", "an empty array", "at least one step");
  if (list.length > mostSteps) throw bad("", `${list.length} steps`, `at most ${mostSteps}`);
  const spans: Span[] = Array.isArray(value) ? elements(bytes) : [{ start: 0, end: bytes.length }];
  return list.map((step, index) => {
    if (!isObject(step)) throw bad(`[${index}]`, kindOf(step), "an object");
    return stepOf(ctx, step, index, () => {
      const { start, end } = members(bytes, spans[index]!.start).get("query")!;
      return bytes.subarray(start, end);
    });
  });
}

function stepOf(ctx: Context, step: Json, index: number, query: () => Uint8Array): Context {
  const at = (name: string) => `[${index}].${name}`;
  const provider = providerOf(ctx, step.provider, at("provider"));
  if (typeof step.endpoint !== "string") {
    throw bad(at("endpoint"), kindOf(step.endpoint), "the path at the provider, a string");
  }
  if (typeof step.query !== "object" || step.query === null) {
    throw bad(
      at("query"),
      kindOf(step.query),
      "the body of the request to the provider, an object",
    );
  }
  const clientHeaders = headersOf(ctx, step, at);
  if (!clientHeaders.has("content-type")) clientHeaders.set("content-type", "application/json");
  return ctx.with({
    provider,
    method: "POST",
    ...pathOf(
      provider === compat ? step.endpoint.replace(/^\/?(?:v1\/)?/, "") : step.endpoint,
      at("endpoint"),
    ),
    clientHeaders,
    headers: forwardedHeaders(clientHeaders, headerBytes),
    body: query(),
    step: index,
  });
}

function providerOf(ctx: Context, name: unknown, at: string): Provider {
  if (typeof name !== "string") throw bad(at, kindOf(name), "a provider's slug, a string");
  if (name === "compat") return compat;
  try {
    return ctx.host.provider(name, ctx.request.headers);
  } catch (error) {
    throw located(error, `${at} '${shown(name)}'`);
  }
}

function pathOf(endpoint: string, at: string): { path: string; query: string } {
  const mark = endpoint.indexOf("?");
  const path = (mark < 0 ? endpoint : endpoint.slice(0, mark)).replace(/^\/+/, "");
  const query = mark < 0 ? "" : endpoint.slice(mark);
  try {
    assertSafePath(`/${path}`);
    assertSafeQuery(query);
  } catch (error) {
    throw located(error, at);
  }
  return { path, query: query === "?" ? "" : query };
}

/** A step's own, over what the request says to the gateway. */
function headersOf(ctx: Context, step: Json, at: (name: string) => string): Headers {
  const headers = new Headers();
  ctx.request.headers.forEach((value, name) => {
    if (ownHeader.test(name) || general.includes(name)) headers.set(name, value);
  });
  const strict = headers.get("cf-aig-no-wholesale") === "true";
  for (const [name, value] of settingsOf(step.config, at)) headers.set(name, value);
  if (step.authorization !== undefined && step.authorization !== null) {
    if (typeof step.authorization !== "string") {
      throw bad(at("authorization"), kindOf(step.authorization), "a string");
    }
    set(headers, "authorization", step.authorization, at("authorization"));
  }
  const given = step.headers ?? {};
  if (!isObject(given)) throw bad(at("headers"), kindOf(given), "an object");
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined) continue;
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    set(headers, name, text, at(`headers.${shown(name)}`));
  }
  // A step can be stricter than its request, not less strict.
  if (strict) headers.set("cf-aig-no-wholesale", "true");
  return headers;
}

function set(headers: Headers, name: string, value: string, at: string): void {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw bad(at, "no name of a header", "one");
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
    throw bad(at, "text that no header can hold", "visible characters of Latin-1");
  }
  headers.set(name, value);
}

/** A step's `config`, as headers. Members that nobody knows are ignored. */
function settingsOf(value: unknown, at: (name: string) => string): [name: string, value: string][] {
  if (value === undefined || value === null) return [];
  if (!isObject(value)) throw bad(at("config"), kindOf(value), "an object");
  return Object.entries(config).flatMap(([member, header]) => {
    const setting = value[member];
    if (setting === undefined || setting === null) return [];
    const isWord = member === "backoff";
    const fits = isWord
      ? typeof setting === "string" && backoffs.includes(setting)
      : (typeof setting === "number" || typeof setting === "string") &&
        /^\d{1,15}(?:\.\d+)?$/.test(String(setting));
    if (fits) return [[header, isWord ? String(setting) : String(Math.round(Number(setting)))]];
    const expected = isWord ? backoffs.map((name) => `'${name}'`).join(", ") : "a number from 0";
    throw bad(at(`config.${member}`), kindOf(setting), expected);
  });
}

function parsed(bytes: Uint8Array): unknown {
  try {
    // What no UTF-8 is would be read one way here, and sent on as it is.
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw bad(
      "",
      bytes.length === 0 ? "no body" : "a body that is not JSON",
      "a JSON array of steps",
    );
  }
}

function bad(at: string, found: string, expected: string): GatewayError {
  const where = at === "" ? "" : `'${at}' is `;
  const message = `Universal request: ${where}${found}; expected ${expected}`;
  return new GatewayError(400, Code.badSteps, message);
}

function located(error: unknown, at: string): unknown {
  if (!isGatewayError(error)) return error;
  return new GatewayError(error.status, error.code, `Universal request: ${at}: ${error.message}`);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
