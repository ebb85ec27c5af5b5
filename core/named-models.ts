/**
 * Which models a request names, for rules that must not be got around: what a provider might read
 * otherwise counts as not named.
 *
 * @module
 */
import type { Context } from "./context.ts";

/** Endpoints whose model is the body's `model`; on others a provider may take it from elsewhere. */
const byBody =
  /(?:^|\/)(?:chat|completions|complete|responses|responses\/input_tokens|messages|messages\/count_tokens|embed|embeddings|multimodalembeddings|contextualizedembeddings|rerank|classify|moderations|ocr|images\/(?:generations|edits|variations)|audio\/(?:speech|transcriptions|translations)|videos|api\/generate)\/?$/;

/** All models that a request names, each of which its provider may use; nothing when it names none. */
export async function namedModels(ctx: Context): Promise<string[] | undefined> {
  const { provider, path, clientHeaders } = ctx;
  const ofPath = provider.model?.(path, clientHeaders);
  if (ofPath !== undefined) return [decoded(ofPath)];
  if (ctx.method === "GET" || ctx.method === "HEAD") {
    const ofQuery = [...new URLSearchParams(ctx.query).getAll("model")];
    return ofQuery.length > 0 ? ofQuery : undefined;
  }
  if (!byBody.test(path)) return undefined;
  const bytes = await ctx.bytes();
  const type = ctx.headers["content-type"] ?? "";
  return /^multipart\/form-data\b/i.test(type) ? await formModels(bytes, type) : jsonModels(bytes);
}

async function formModels(bytes: Uint8Array, type: string): Promise<string[] | undefined> {
  try {
    const body = new Response(bytes as Uint8Array<ArrayBuffer>, {
      headers: { "content-type": type },
    });
    const values = (await body.formData()).getAll("model");
    const texts = values.filter((value) => typeof value === "string");
    return texts.length > 0 && texts.length === values.length ? texts : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Values of every top-level `model` of a JSON object, in whatever case and however escaped: of two, some
 * parsers take the first and some the last. Nothing when the text is not JSON in UTF-8, or when one of
 * them is no string.
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
          if (text[colon] === ":" && isModel(text.slice(at, end + 1))) {
            const start = afterSpace(text, colon + 1);
            if (text[start] !== '"') return undefined;
            found.push(JSON.parse(text.slice(start, endOf(text, start) + 1)) as string);
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

/** @param quoted A string of JSON. */
function isModel(quoted: string): boolean {
  if (quoted.length < 7 || quoted.length > 32) return false;
  return (JSON.parse(quoted) as string).toLowerCase() === "model";
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
