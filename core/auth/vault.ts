/**
 * Secrets at rest: AES-256-GCM with the operator's master key.
 *
 * @module
 */

/** Encrypts and decrypts with one master key. */
export interface Vault {
  /**
   * Encrypts a text; twice the same text gives two different results.
   *
   * @param context What the text is for: only with the same context is it decrypted.
   */
  seal(text: string, context: readonly string[]): Promise<string>;
  /** Decrypts what {@link Vault.seal} made; throws a {@link VaultError}. */
  open(sealed: string, context: readonly string[]): Promise<string>;
}

/** Something that cannot be decrypted. */
export class VaultError extends Error {
  /** For `error.name` checks. */
  override readonly name: string = "VaultError";
}

/** Bytes in front of what is encrypted: version, id of the master key, nonce. */
const version = 1, idSize = 4, nonceSize = 12, headSize = 1 + idSize + nonceSize;

/** 32 bytes from base64 (either alphabet), or nothing when the text is not that. */
export function masterKeyFrom(text: string): Uint8Array | undefined {
  const bytes = fromBase64(text.trim().replace(/-/g, "+").replace(/_/g, "/"));
  return bytes?.length === 32 ? bytes : undefined;
}

/** A vault with a master key of 32 bytes. */
export function createVault(masterKey: Uint8Array): Vault {
  const raw = new Uint8Array(masterKey);
  let ready: Promise<{ key: CryptoKey; id: Uint8Array }> | undefined;
  const load = () =>
    ready ??= (async () => {
      const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, [
        "encrypt",
        "decrypt",
      ]);
      const id = new Uint8Array(await crypto.subtle.digest("SHA-256", raw)).slice(0, idSize);
      return { key, id };
    })();

  return {
    async seal(text, context) {
      const { key, id } = await load();
      const nonce = crypto.getRandomValues(new Uint8Array(nonceSize));
      const encrypted = await crypto.subtle.encrypt(
        { name: "AES-GCM", iv: nonce, additionalData: bound(context) },
        key,
        new TextEncoder().encode(text),
      );
      const sealed = new Uint8Array(headSize + encrypted.byteLength);
      sealed[0] = version;
      sealed.set(id, 1);
      sealed.set(nonce, 1 + idSize);
      sealed.set(new Uint8Array(encrypted), headSize);
      return toBase64(sealed);
    },
    async open(sealed, context) {
      const { key, id } = await load();
      const bytes = fromBase64(sealed);
      if (bytes === undefined || bytes.length < headSize || bytes[0] !== version) {
        throw new VaultError("What is stored is not a secret of this version");
      }
      if (id.some((byte, i) => byte !== bytes[1 + i])) {
        throw new VaultError("It was stored with another SLUICE_MASTER_KEY");
      }
      try {
        const text = await crypto.subtle.decrypt(
          {
            name: "AES-GCM",
            iv: bytes.subarray(1 + idSize, headSize),
            additionalData: bound(context),
          },
          key,
          bytes.subarray(headSize),
        );
        return new TextDecoder().decode(text);
      } catch (cause) {
        throw new VaultError("What is stored was changed, or moved from another place", { cause });
      }
    },
  };
}

/** JSON, since no two lists have the same. */
function bound(context: readonly string[]): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(context));
}

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
