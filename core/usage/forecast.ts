/**
 * How many tokens a request may cost, guessed before it is sent: for limits and budgets that hold while
 * requests are under way. It costs a look at the bytes, parses nothing, and is bounded.
 *
 * @module
 */
import type { Context } from "../context.ts";
import type { Usage } from "./usage.ts";

/** A guess, in tokens. */
export interface Forecast {
  /** Of the prompt. */
  input: number;
  /** Most that the request lets the model answer with; nothing when it does not say. */
  output: number | undefined;
}

/** Bytes that one token stands for: English text has about four. */
const bytesPerToken = 4;
/** Bytes in which media are looked for; what comes behind is taken to be of the same kind. */
const looked = 256 * 1024;
/** No text has a run of so many characters of base64. */
const mediaRun = 1024;
/** What a picture costs, roughly: providers count tiles, not bytes. */
const perMedium = 1000;
/** Bytes at the beginning and at the end in which the parameter is looked for. */
const edge = 64 * 1024;

/** What all formats call it. Inside of a string its quotes would be escaped. */
const parameter =
  /"(?:max_(?:completion_|output_|new_)?tokens|max_tokens_to_sample|max(?:Output)?Tokens|maxTokenCount|num_predict)"\s*:\s*([\d.eE+]{1,20})/g;
const decoder = new TextDecoder();

/** Guesses what a request with this body may cost. Never throws. */
export function forecastTokens(body: Uint8Array): Forecast {
  let output = maximumIn(body.subarray(0, edge));
  if (body.byteLength > edge) {
    output = larger(output, maximumIn(body.subarray(Math.max(edge, body.byteLength - edge))));
  }
  return { input: inputOf(body), output };
}

/** How {@link costOf} guesses. */
export interface CostOptions {
  /** `false` guesses nothing. */
  estimate?: false | ((ctx: Context, body: Uint8Array) => number) | undefined;
  /** For the answer to a request that names no maximum; 1000 unless given. */
  outputTokens?: number | undefined;
}

const media = /^(?:multipart|audio|image|video)\/|^application\/(?:octet-stream|pdf|zip)\b/i;

/** Tokens that a request may cost, 0 where that is known only afterwards; nothing for one that can cost none. */
export function costOf(
  ctx: Context,
  options: CostOptions = {},
): undefined | number | Promise<number> {
  if (ctx.method === "GET" || ctx.method === "HEAD") return undefined;
  // A file or a recording is no prompt, and streams on unread.
  const isFile = media.test(ctx.headers["content-type"] ?? "");
  return options.estimate === false || isFile ? 0 : estimated(ctx, options);
}

async function estimated(
  ctx: Context,
  { estimate, outputTokens = 1000 }: CostOptions,
): Promise<number> {
  const body = await ctx.bytes();
  if (body.byteLength === 0) return 0;
  if (estimate) {
    const tokens = estimate(ctx, body);
    return tokens > 0 && Number.isFinite(tokens) ? tokens : 0;
  }
  const { input, output = outputTokens } = forecastTokens(body);
  return input + output;
}

/** Tokens that count against limits; 0 where nothing is known. */
export function tokensOf(usage: Usage | null): number {
  const { input = 0, output = 0, total = 0 } = usage ?? {};
  const tokens = Math.max(input + output, total, 0);
  return Number.isFinite(tokens) ? tokens : 0;
}

/** The largest, since only one of them is at the top level, and it may be any. */
function maximumIn(bytes: Uint8Array): number | undefined {
  let found: number | undefined;
  for (const [, digits] of decoder.decode(bytes).matchAll(parameter)) {
    const value = Number(digits);
    if (Number.isFinite(value) && value >= 0) found = larger(found, value);
  }
  return found;
}

function larger(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? a ?? b : Math.max(a, b);
}

function inputOf(body: Uint8Array): number {
  const { byteLength } = body;
  // Too short to hold a picture that matters.
  if (byteLength < 4 * mediaRun) return Math.ceil(byteLength / bytesPerToken);
  const end = Math.min(byteLength, looked);
  let media = 0;
  let mediaBytes = 0;
  let start = 0;
  for (let at = 0; at <= end; at++) {
    if (at < end && isBase64[body[at]!] === 1) continue;
    if (at - start >= mediaRun) {
      media++;
      mediaBytes += at - start;
    }
    start = at + 1;
  }
  const text = (end - mediaBytes) * byteLength / end;
  return Math.ceil(text / bytesPerToken) + media * perMedium;
}

const isBase64 = new Uint8Array(256);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-") {
  isBase64[char.charCodeAt(0)] = 1;
}
