/**
 * Where the parts of a JSON text stand in its bytes, so that a part can be sent on as it was written:
 * numbers too long for JavaScript, the order of keys and spaces included.
 *
 * @module
 */

/** From the first byte to the one behind the last. */
export interface Span {
  start: number;
  end: number;
}

const quote = 0x22, comma = 0x2c, colon = 0x3a, backslash = 0x5c;
const decoder = new TextDecoder();

/** Elements of the array at `at` of a text that is known to be JSON; a byte order mark may stand before. */
export function elements(json: Uint8Array, at = 0): Span[] {
  return parts(json, at).map(({ value }) => value);
}

/** Members of the object at `at`, likewise. Of several with one name it is the last, as with `JSON.parse`. */
export function members(json: Uint8Array, at = 0): Map<string, Span> {
  return new Map(
    parts(json, at).map(({ name, value }) => [
      JSON.parse(decoder.decode(json.subarray(name!.start, name!.end))) as string,
      value,
    ]),
  );
}

function parts(json: Uint8Array, at: number): { name?: Span; value: Span }[] {
  const found: { name?: Span; value: Span }[] = [];
  at = skipped(json, at) + 1; // behind the bracket
  for (;;) {
    let start = skipped(json, at);
    if (start >= json.length || isClosing(json[start]!)) return found;
    let end = endOf(json, start);
    let name: Span | undefined;
    at = skipped(json, end);
    if (json[at] === colon) {
      name = { start, end };
      start = skipped(json, at + 1);
      end = endOf(json, start);
      at = skipped(json, end);
    }
    found.push({ ...name && { name }, value: { start, end } });
    if (json[at] === comma) at++;
  }
}

/** Where the value that begins at `at` ends. */
function endOf(json: Uint8Array, at: number): number {
  let depth = 0;
  for (; at < json.length; at++) {
    const byte = json[at]!;
    if (byte === quote) {
      at++;
      while (at < json.length && json[at] !== quote) at += json[at] === backslash ? 2 : 1;
      if (depth === 0) return at + 1;
    } else if (isOpening(byte)) depth++;
    else if (isClosing(byte)) {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
    } else if (depth === 0 && (byte === comma || byte <= 0x20)) return at;
  }
  return at;
}

/** Behind white space and a byte order mark. */
function skipped(json: Uint8Array, at: number): number {
  while (at < json.length && (json[at]! <= 0x20 || isMark(json[at]!))) at++;
  return at;
}

const isOpening = (byte: number): boolean => byte === 0x7b || byte === 0x5b;
const isClosing = (byte: number): boolean => byte === 0x7d || byte === 0x5d;
const isMark = (byte: number): boolean => byte === 0xef || byte === 0xbb || byte === 0xbf;
