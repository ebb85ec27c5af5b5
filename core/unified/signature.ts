/**
 * Signatures on their way through a client of another format: the client keeps them as if they were its
 * own format's and sends them back, and their own provider gets them again.
 *
 * @module
 */
import type { ChatFormat, Signature } from "./chat.ts";

const mark = "sluice.";
const formats: readonly string[] = [
  "openai-chat",
  "openai-responses",
  "anthropic-messages",
  "gemini",
  "bedrock-converse",
  "cohere-v2",
] satisfies ChatFormat[];

/** What a client of `format` is given to keep. */
export function sealed(signature: Signature, format: ChatFormat): string {
  return signature.format === format
    ? signature.value
    : `${mark}${signature.format}.${signature.value}`;
}

/** What a client of `format` sends back. */
export function opened(text: string, format: ChatFormat): Signature {
  if (text.startsWith(mark)) {
    const dot = text.indexOf(".", mark.length);
    const own = text.slice(mark.length, dot);
    if (dot > 0 && formats.includes(own)) {
      return { format: own as ChatFormat, value: text.slice(dot + 1) };
    }
  }
  return { format, value: text };
}
