/**
 * SHA-256 in hex. The only file that knows @noble/hashes: for the short texts that most requests are, Web
 * Crypto's digest costs several times as much, since it is made elsewhere and waited for.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";

/** From here on the platform's is cheaper, and holds nobody up. */
const short = 4096;

const encoder = new TextEncoder();
const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hexOf(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += digits[byte]!;
  return hex;
}

/** A digest of the runtime's own that is there at once. */
export type Digest = (data: string | Uint8Array) => string;

/** The digest of a text or of bytes; at once where they are short, or the runtime has a way. */
export function digestOf(data: string | Uint8Array, native?: Digest): string | Promise<string> {
  if (native !== undefined) return native(data);
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  if (bytes.byteLength <= short) return hexOf(sha256(bytes));
  return crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>).then((digest) =>
    hexOf(new Uint8Array(digest))
  );
}
