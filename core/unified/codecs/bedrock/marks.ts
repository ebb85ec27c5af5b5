/**
 * What travels inside Converse without a member of its own.
 *
 * Signatures of other formats: of a thought in `reasoningText.signature` or `redactedContent`, with the id of
 * its item before a space; of a text or a call (Gemini) in a block of `redactedContent` behind it, which
 * clients keep and send back as they do with a model's own.
 *
 * Names and ids: Bedrock takes letters, digits, `_` and `-` only, 64 of them. A name's other characters
 * stand as their codes, so that an answer is read without memory of its request; ids are only compared.
 *
 * @module
 */
import type { ChatFormat, ReasoningPart, Signature } from "../../chat.ts";
import { opened, sealed } from "../../signature.ts";

export { answerTool, freeform } from "../anthropic/marks.ts";

/** The format. */
export const own = "bedrock-converse";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes of a text as base64. */
export function base64(text: string): string {
  let binary = "";
  for (const byte of encoder.encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The text whose bytes these are; nothing for what is no base64. */
export function unbase64(data: string): string | undefined {
  try {
    return decoder.decode(Uint8Array.from(atob(data), (char) => char.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

/** `reasoningText.signature`, or `redactedContent` (base64) of a redacted thought. */
export function signatureText(part: ReasoningPart, signature: Signature): string {
  const { format, value } = signature;
  if (format === own) return value;
  const text = sealed(
    part.id === undefined ? signature : { format, value: `${part.id} ${value}` },
    own,
  );
  return part.redacted === true ? base64(text) : text;
}

/** Gives a thought back its signature, and its id. */
export function sign(part: ReasoningPart, signature: Signature): void {
  const space = signature.format === own ? -1 : signature.value.indexOf(" ");
  if (space > 0) {
    part.id = signature.value.slice(0, space);
    signature.value = signature.value.slice(space + 1);
  }
  part.signature = signature;
}

/** How base64 of a sealed signature begins. */
const sealedPrefix = base64("sluice");

/** The signature of `redactedContent`. */
export function openRedacted(data: string): Signature {
  if (!data.startsWith(sealedPrefix)) return { format: own, value: data };
  return opened(unbase64(data) ?? data, own);
}

/** `redactedContent` that keeps the signature of the text or the call before it. */
export function behind({ format, value }: Signature): string {
  return base64(sealed({ format, value: `<${value}` }, own));
}

/** What {@link behind} kept, if it is that. */
export function behindOf({ format, value }: Signature): Signature | undefined {
  return format === own || value[0] !== "<" ? undefined : { format, value: value.slice(1) };
}

/** A signature that Claude on Bedrock takes: its own, and Anthropic's, which hold on every platform. */
export function claudes(format: ChatFormat): boolean {
  return format === own || format === "anthropic-messages";
}

const most = 64;

/** A tool's name in Bedrock's alphabet; `cut` is called where it is too long to be read back. */
export function writeName(name: string, cut: () => void): string {
  if (/^[\w-]{1,64}$/.test(name) && readName(name) === name) return name;
  const text = name.replace(/_(?=x[0-9a-f])/g, "_x5f_")
    .replace(/[^\w-]/gu, (char) => `_x${char.codePointAt(0)!.toString(16)}_`);
  if (text.length <= most) return text || "_";
  cut();
  return `${text.slice(0, 50)}_${hash(name)}`;
}

/** The name that {@link writeName} wrote. */
export function readName(name: string): string {
  if (!name.includes("_x")) return name;
  return name.replace(/_x([0-9a-f]{1,6})_/g, (whole, code: string) => {
    const point = parseInt(code, 16);
    return point > 0x10ffff ? whole : String.fromCodePoint(point);
  });
}

/** An id in Bedrock's alphabet, the same for the same; Mistral's models want nine letters or digits. */
export function writeId(id: string, mistral: boolean): string {
  if (mistral) return /^[A-Za-z0-9]{9}$/.test(id) ? id : hash(id).slice(0, 9);
  if (/^[\w-]{1,64}$/.test(id)) return id;
  return `${id.replace(/[^\w-]/g, "_").slice(0, 50)}_${hash(id)}`;
}

/** Twelve letters or digits (FNV-1a, twice). */
function hash(text: string): string {
  const half = (seed: number): string => {
    let value = seed;
    for (let at = 0; at < text.length; at++) {
      value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
    }
    return (value >>> 0).toString(36).padStart(7, "0").slice(1);
  };
  return half(0x811c9dc5) + half(0x1b873593);
}
