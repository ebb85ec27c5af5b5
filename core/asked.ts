/**
 * What a request says in headers for the gateway.
 *
 * @module
 */
import type { Context } from "./context.ts";
import { Code, GatewayError } from "./error.ts";

/**
 * A whole number, brought within its bounds; nothing when it is not there. Anything that is no number from
 * 0 up is a 400 (code 8007).
 */
export function askedNumber(
  ctx: Context,
  name: string,
  least: number,
  most: number,
): number | undefined {
  const text = ctx.clientHeaders.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) {
    throw new GatewayError(
      400,
      Code.badHeader,
      `The header '${name}' must be a whole number from ${least} to ${most}`,
    );
  }
  return Math.min(Math.max(Number(text), least), most);
}

/** One of several words; nothing when it is not there. Any other is a 400 (code 8007). */
export function askedWord<Word extends string>(
  ctx: Context,
  name: string,
  words: readonly Word[],
): Word | undefined {
  const text = ctx.clientHeaders.get(name);
  if (text === null) return undefined;
  const word = words.find((word) => word === text);
  if (word !== undefined) return word;
  const list = words.map((word) => `'${word}'`).join(", ");
  throw new GatewayError(400, Code.badHeader, `The header '${name}' must be one of ${list}`);
}
