/**
 * A look at JSON without parsing it.
 *
 * @module
 */

const quote = 0x22, backslash = 0x5c;
const decoder = new TextDecoder();

/**
 * The value of a top-level string member of a JSON object, found in one pass over the bytes and
 * without building anything; nothing when it is not there or is not a string.
 *
 * @param limit Bytes to look at; most clients write `model` first or soon.
 */
export function topLevelString(json: Uint8Array, key: string, limit = 65_536): string | undefined {
  const end = Math.min(json.length, limit);
  let depth = 0;
  let wanted = false;
  for (let i = 0; i < end; i++) {
    const byte = json[i];
    if (byte === 0x7b || byte === 0x5b) { // { [
      if (++depth === 1 && byte === 0x5b) return undefined;
      wanted = false;
    } else if (byte === 0x7d || byte === 0x5d) { // } ]
      if (--depth === 0) return undefined;
    } else if (byte === 0x2c) { // ,
      wanted = false;
    } else if (byte === quote) {
      const start = ++i;
      while (i < end && json[i] !== quote) i += json[i] === backslash ? 2 : 1;
      if (i >= end) return undefined;
      if (depth !== 1) continue;
      if (wanted) return text(json.subarray(start, i));
      let next = i + 1;
      while (next < end && (json[next] ?? 0) <= 0x20) next++;
      wanted = json[next] === 0x3a && i - start === key.length &&
        decoder.decode(json.subarray(start, i)) === key;
    } else if (depth === 0 && byte !== undefined && byte > 0x20) {
      return undefined; // not an object
    }
  }
  return undefined;
}

/** A name that may go into a header, or nothing. */
function text(bytes: Uint8Array): string | undefined {
  const value = decoder.decode(bytes);
  return /^[\x21-\x5b\x5d-\x7e][\x20-\x5b\x5d-\x7e]{0,255}$/.test(value) ? value : undefined;
}
