/**
 * What providers send to keep a connection alive, which is no progress.
 *
 * @module
 */

/** Longer pieces are not looked at: they are more than that. */
const longest = 128;
const decoder = new TextDecoder();

/**
 * True for a chunk that holds nothing but comments, blank lines and pings (`: OPENROUTER PROCESSING`,
 * `: keep-alive`, Anthropic's `event: ping`, the blank lines of DeepSeek).
 */
export function isHeartbeat(chunk: Uint8Array): boolean {
  if (chunk.length > longest) return false;
  const first = chunk[0];
  // `:`, `e` of `event: ping`, `d` of a ping without a name, or white space.
  if (first !== undefined && first > 0x20 && first !== 0x3a && first !== 0x65 && first !== 0x64) {
    return false;
  }
  for (const line of decoder.decode(chunk).split(/\r\n|\n|\r/)) {
    if (line.trim() === "" || line.startsWith(":")) continue;
    if (
      /^(?:event: ?(?:ping|keep-?alive)|data: ?\{"type": ?"(?:ping|keep-?alive)"\s*\})$/.test(
        line.trim(),
      )
    ) {
      continue;
    }
    return false;
  }
  return true;
}
