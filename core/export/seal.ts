/**
 * Encryption of exported rows as Cloudflare's Logpush has it (spec 8.7): AES-256-GCM with a key of each
 * row's own, which only the holder of an RSA key can unwrap. What is encrypted reads `{key, iv, data}`,
 * all base64; the tag is at the end of `data`.
 *
 * @module
 */
import { toBase64 } from "../unified/base64.ts";
import { type ExportRecord, sealedColumns } from "./record.ts";

/** Replaces what may be private in a record. */
export type Seal = (record: ExportRecord) => Promise<ExportRecord>;

/** Rejects where the PEM holds no RSA public key. */
export async function sealWith(pem: string): Promise<Seal> {
  const algorithm = { name: "RSA-OAEP", hash: "SHA-256" };
  const wrapping = await crypto.subtle.importKey("spki", spkiOf(pem), algorithm, false, [
    "encrypt",
  ]);
  const encoder = new TextEncoder();
  return async (record) => {
    const raw = crypto.getRandomValues(new Uint8Array(32));
    const wrapped = await crypto.subtle.encrypt("RSA-OAEP", wrapping, raw);
    const key = toBase64(new Uint8Array(wrapped));
    const aes = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt"]);
    const sealed = { ...record };
    for (const column of sealedColumns) {
      const value = record[column];
      if (isEmpty(value)) continue;
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const text = typeof value === "string" ? value : JSON.stringify(value);
      const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, aes, encoder.encode(text));
      sealed[column] = { key, iv: toBase64(iv), data: toBase64(new Uint8Array(data)) };
    }
    return sealed;
  };
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === "object" && Object.keys(value!).length === 0);
}

/** `rsaEncryption` without parameters, as DER. */
const rsa = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];

/** DER of a `PUBLIC KEY`, or of a bare `RSA PUBLIC KEY` (PKCS #1) with its algorithm around it. */
function spkiOf(pem: string): Uint8Array<ArrayBuffer> {
  const [, bare, text = ""] =
    /-----BEGIN (RSA )?PUBLIC KEY-----([A-Za-z0-9+/=\s]*)-----END/.exec(pem) ?? [];
  const der = Uint8Array.from(atob(text.replace(/\s+/g, "")), (c) => c.charCodeAt(0));
  if (bare === undefined) return der;
  const bits = [3, ...lengthOf(der.length + 1), 0, ...der];
  return Uint8Array.from([0x30, ...lengthOf(rsa.length + bits.length), ...rsa, ...bits]);
}

/** A length in DER. */
function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}
