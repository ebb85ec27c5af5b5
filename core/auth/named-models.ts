/**
 * Which models a request names, for rules that must not be got around: what a provider might read
 * otherwise counts as not named.
 *
 * @module
 */
import type { Context } from "../context.ts";

/** Endpoints whose model is the body's `model`; on others a provider may take it from elsewhere. */
const byBody =
  /(?:^|\/)(?:chat|completions|complete|responses|responses\/input_tokens|messages|messages\/count_tokens|embed|embeddings|multimodalembeddings|contextualizedembeddings|rerank|classify|moderations|ocr|images\/(?:generations|edits|variations)|audio\/(?:speech|transcriptions|translations)|videos|api\/generate)\/?$/;

/**
 * What an upstream may read as another path: something encoded, a parameter of a segment, an empty
 * segment. No endpoint that {@link byBody} means needs any.
 */
const ambiguous = /%|;|\/\//;

/** A type with one boundary and nothing else: of two, some parsers take the first and some the last. */
const formType = /^multipart\/form-data *; *boundary=(?:"[^"\\]{1,70}"|[\w'()+./:=?-]{1,70}) *$/i;
/** Another way to write the name of a part; some parsers know it. */
const otherName = /[;\s]name\*/i;

/** Most characters of a model's name: patterns are compared with all of it. */
const longest = 512;
/** Most models of one request, likewise. */
const most = 100;

/**
 * All models that a request names, each of which its provider may use; nothing when it names none.
 *
 * @param sure False where a name that its provider might read otherwise is better than none.
 */
export async function namedModels(ctx: Context, sure = true): Promise<string[] | undefined> {
  const { provider, path, clientHeaders } = ctx;
  if (ctx.model !== undefined) return [ctx.model];
  const ofPath = provider.model?.(path, clientHeaders);
  if (ofPath !== undefined) return [decoded(ofPath)];
  if (ctx.method === "GET" || ctx.method === "HEAD") {
    const ofQuery = [...new URLSearchParams(ctx.query).getAll("model")];
    return ofQuery.length > 0 ? ofQuery : undefined;
  }
  if (!byBody.test(path)) return undefined;
  // Of a row without a format nobody knows whether its body is what counts.
  if (sure && (ambiguous.test(path) || provider.format === "none")) return undefined;
  if (sure && (ctx.headers["content-encoding"] ?? "identity") !== "identity") return undefined;
  const bytes = await ctx.bytes();
  const type = ctx.headers["content-type"] ?? "";
  const isForm = /^multipart\//i.test(type);
  const found = isForm ? await formModels(bytes, type, sure) : jsonModels(bytes);
  if (found?.some(({ length }) => length > longest)) return undefined;
  if (found === undefined || found.length <= most) return found;
  return sure ? undefined : found.slice(0, most);
}

async function formModels(
  bytes: Uint8Array,
  type: string,
  sure: boolean,
): Promise<string[] | undefined> {
  if (
    sure && (!formType.test(type) || otherName.test(new TextDecoder("latin1").decode(bytes)))
  ) return undefined;
  try {
    const body = new Response(bytes as Uint8Array<ArrayBuffer>, {
      headers: { "content-type": type },
    });
    const values = [...await body.formData()].flatMap(([name, value]) =>
      name.toLowerCase() === "model" ? [value] : []
    );
    const texts = values.filter((value) => typeof value === "string");
    return texts.length > 0 && texts.length === values.length ? texts : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Values of every top-level `model` of a JSON object, in whatever case and however escaped: of two, some
 * parsers take the first and some the last. Likewise those in a list `models`, which OpenRouter and
 * Perplexity try in turn. Nothing when the text is not JSON in UTF-8, or when one of them is no string.
 */
export function jsonModels(bytes: Uint8Array): string[] | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const value: unknown = JSON.parse(text); // from here on the text is known to be JSON
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const found: string[] = [];
    let depth = 0;
    for (let at = 0; at < text.length; at++) {
      const char = text[at];
      if (char === "{" || char === "[") depth++;
      else if (char === "}" || char === "]") depth--;
      else if (char === '"') {
        const end = endOf(text, at);
        if (depth === 1) {
          const colon = afterSpace(text, end + 1);
          const name = text[colon] === ":" ? nameOf(text.slice(at, end + 1)) : undefined;
          if (name === "model" || name === "models") {
            const start = afterSpace(text, colon + 1);
            const list = name === "models" ? listOf(text, start) : undefined;
            if (name === "model" && text[start] === '"') found.push(stringAt(text, start));
            else if (list !== undefined) found.push(...list);
            else return undefined;
          }
        }
        at = end;
      }
    }
    return found.length > 0 ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Index of the quote that ends a string. */
function endOf(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  for (;;) {
    let slashes = 0;
    while (text[end - 1 - slashes] === "\\") slashes++;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
}

function afterSpace(text: string, at: number): number {
  while (" \t\r\n".includes(text[at] ?? "x")) at++;
  return at;
}

function stringAt(text: string, start: number): string {
  return JSON.parse(text.slice(start, endOf(text, start) + 1)) as string;
}

/** The strings of an array; nothing when it is none, or holds anything else. */
function listOf(text: string, start: number): string[] | undefined {
  if (text[start] !== "[") return undefined;
  const found: string[] = [];
  for (let at = afterSpace(text, start + 1); text[at] !== "]";) {
    if (text[at] !== '"') return undefined;
    found.push(stringAt(text, at));
    at = afterSpace(text, endOf(text, at) + 1);
    if (text[at] === ",") at = afterSpace(text, at + 1);
  }
  return found;
}

/** @param quoted A string of JSON, as the name of a member; longer ones than are of interest have none. */
function nameOf(quoted: string): string | undefined {
  if (quoted.length < 7 || quoted.length > 38) return undefined;
  return (JSON.parse(quoted) as string).toLowerCase();
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
