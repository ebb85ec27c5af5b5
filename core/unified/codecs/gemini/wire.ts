/**
 * Google's JSON: members in camelCase or snake_case as the client likes, and bytes as base64 in either
 * alphabet.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { Signature } from "../../chat.ts";
import { opened, sealed } from "../../signature.ts";

/** The members in camelCase, one level deep; the same object where they are so already. */
export function camel(value: Json): Json {
  for (const key in value) {
    if (key.includes("_")) return renamed(value);
  }
  return value;
}

function renamed(value: Json): Json {
  const out: Json = {};
  for (const key of Object.keys(value)) out[camelName(key)] = value[key];
  return out;
}

/** `top_k` as `topK`. */
export function camelName(name: string): string {
  return name.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Begins what {@link wireSignature} makes of another format's: `sluice.` in base64. */
const foreign = "c2x1aWNlL";

/**
 * What a client is given to keep as `thoughtSignature`. Python's SDK decodes it, so that another format's
 * goes out as base64.
 */
export function wireSignature(signature: Signature): string {
  return signature.format === "gemini" ? signature.value : base64(sealed(signature, "gemini"));
}

/** What a client sends back. */
export function readSignature(value: unknown): Signature | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  if (value.startsWith(foreign)) {
    const text = fromBase64(value);
    if (text !== undefined) return opened(text, "gemini");
  }
  return { format: "gemini", value };
}

/** UTF-8 in base64. */
export function base64(text: string): string {
  let binary = "";
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function fromBase64(value: string): string | undefined {
  try {
    const binary = atob(value.replaceAll("-", "+").replaceAll("_", "/"));
    return new TextDecoder().decode(Uint8Array.from(binary, (char) => char.charCodeAt(0)));
  } catch {
    return undefined;
  }
}
