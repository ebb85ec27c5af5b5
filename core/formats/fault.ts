/**
 * What went wrong, in each provider's shape of an error.
 *
 * @module
 */
import type { Fault } from "./draft.ts";
import { type Json, list, object, string, written } from "./json.ts";

/** Enough to know; some providers send the whole request back. */
const longest = 1000;

/**
 * The error that a body tells, or nothing.
 *
 * @param failed The status was an error, so that a bare `message` or `detail` is one.
 */
export function faultOf(body: unknown, failed = false): Fault | undefined {
  const one = object(Array.isArray(body) ? body[0] : body); // Gemini may wrap it in an array
  if (one === undefined) return undefined;
  const error = object(one.error);
  if (error !== undefined) {
    return fault(
      messageOf(error.message) ?? messageOf(error.detail) ?? text(error),
      [error.code, error.type, error.status],
    );
  }
  const bare = string(one.error) ?? string(list(one.error)[0]);
  if (bare !== undefined) return fault(bare, [one.code, one.error_type]); // xAI, Ollama, TGI
  const first = object(list(one.errors)[0]); // Cloudflare
  if (first !== undefined && (failed || one.success === false)) {
    return fault(messageOf(first.message), [first.code]);
  }
  if (!failed && one.type !== "error") return undefined;
  const detail = object(one.detail);
  return fault(
    messageOf(one.message) ?? messageOf(one.detail) ?? string(one.err_msg) ?? string(one.title),
    [
      one.code,
      one.error_type,
      one.error_code,
      one.err_code,
      one.__type,
      detail?.status,
      one.status,
    ],
  );
}

/** The error of a body that is no JSON; of a page its title. */
export function faultOfText(body: string): Fault | undefined {
  const title = /<title[^>]*>([^<]{1,300})/i.exec(body.slice(0, 20_000))?.[1];
  const message = title ?? (/^\s*</.test(body) ? undefined : body.slice(0, longest));
  return fault(message?.trim(), []);
}

function fault(message: string | undefined, codes: readonly unknown[]): Fault | undefined {
  if (message === undefined || message === "") return undefined;
  const code = codes.find((code) =>
    (typeof code === "string" && code !== "") || (typeof code === "number" && isFinite(code))
  ) as string | number | undefined;
  return {
    code: typeof code === "string" ? code.slice(0, 200) : code ?? null,
    message: message.slice(0, longest),
  };
}

/** A message that may be a string, a FastAPI list of `{ loc, msg }`, or an object around one. */
function messageOf(value: unknown): string | undefined {
  if (typeof value === "string") return string(value);
  const lines = list(value).slice(0, 8).map((item) => {
    const one = object(item);
    const where = list(one?.loc).filter((part) => typeof part !== "object").join(".");
    const what = string(one?.msg) ?? string(one?.message) ?? string(item) ?? "";
    return where === "" ? what : `${where}: ${what}`;
  }).filter((line) => line !== "");
  if (lines.length > 0) return lines.join("; ");
  const one = object(value);
  if (one === undefined) return undefined;
  return string(one.message) ?? string(one.error) ??
    (Array.isArray(one.detail) ? messageOf(one.detail) : undefined) ?? text(one);
}

function text(value: Json): string | undefined {
  return Object.keys(value).length === 0 ? undefined : string(written(value));
}
