/**
 * Bytes as text.
 *
 * @module
 */

/** Base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  const native = (bytes as { toBase64?(): string }).toBase64?.(); // of newer runtimes
  if (native !== undefined) return native;
  let binary = "";
  // As many arguments as any runtime takes. Spread they cost six times as much.
  for (let at = 0; at < bytes.length; at += 8192) {
    const codes = bytes.subarray(at, at + 8192) as unknown as number[];
    binary += String.fromCharCode.apply(null, codes);
  }
  return btoa(binary);
}

/** The bytes, or nothing where it is no base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
    return bytes;
  } catch {
    return undefined;
  }
}

/** Type and base64 of a data URL, or nothing. */
export function dataOf(url: string): { mime: string; data: string } | undefined {
  if (!url.startsWith("data:")) return undefined;
  const comma = url.indexOf(",");
  const head = url.slice(5, comma);
  if (comma < 0 || !head.endsWith(";base64")) return undefined;
  return { mime: head.split(";", 1)[0]!, data: url.slice(comma + 1) };
}

/** Vectors as OpenAI packs them: floats of four bytes, the lowest first. */
export function packed(vector: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(4 * vector.length));
  for (let i = 0; i < vector.length; i++) view.setFloat32(4 * i, vector[i]!, true);
  return toBase64(new Uint8Array(view.buffer));
}

/** The numbers of a packed vector; nothing where it is none. */
export function unpacked(text: string): number[] {
  const bytes = fromBase64(text) ?? new Uint8Array(0);
  const view = new DataView(bytes.buffer);
  return Array.from(
    { length: Math.floor(bytes.length / 4) },
    (_, i) => view.getFloat32(4 * i, true),
  );
}
