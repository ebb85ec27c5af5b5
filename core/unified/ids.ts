/**
 * Ids where a format has none: the same answer read twice has the same ones, and no two of one
 * conversation are equal.
 *
 * @module
 */

/** Id of the nth call of a tool in an answer, made from the request's id; letters, digits, `_` only. */
export function callId(requestId: string, index: number): string {
  return `call_${requestId.replaceAll("-", "").slice(-24)}${index}`;
}
