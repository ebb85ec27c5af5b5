/**
 * Masks credentials in what is about to be stored.
 *
 * @module
 */

/** What takes the place of a credential. */
export const mask = "[redacted]";

/**
 * Forms of credentials that can be told by their beginning: OpenAI and those who took over its form,
 * Google, Groq, xAI, Hugging Face, Replicate, Perplexity, AWS, GitHub, Slack, Cloudflare, JWTs, private
 * keys, and Sluice's own virtual keys.
 */
const known = new RegExp(
  [
    "\\b(?:sk|pk|rk|sl|pplx|xai|csk|fw|r8|hf|gsk|nvapi|key)[-_][A-Za-z0-9_-]{20,}",
    "\\bAIza[A-Za-z0-9_-]{35}",
    "\\bya29\\.[A-Za-z0-9._-]{20,}",
    "\\b(?:AKIA|ASIA)[A-Z0-9]{16}\\b",
    "\\bgh[pousr]_[A-Za-z0-9]{36,}",
    "\\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "\\beyJ[A-Za-z0-9_-]{10,}\\.eyJ[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]+",
    "-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
    "(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{16,}",
  ].join("|"),
  "g",
);

/** Masks text. */
export type Redactor = (text: string) => string;

/** A redactor for the known forms and for patterns of the operator's own (regular expressions). */
export function createRedactor(patterns: readonly string[]): Redactor {
  const own = patterns.map((pattern) => new RegExp(pattern, "gu"));
  return (text) => {
    let masked = text.replace(known, mask);
    for (const pattern of own) masked = masked.replace(pattern, mask);
    return masked;
  };
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Masks a body of text; the same bytes where there was nothing to mask. */
export function redactBytes(
  bytes: Uint8Array,
  redact: Redactor,
  secrets: readonly string[],
): Uint8Array {
  if (bytes.byteLength === 0) return bytes;
  const text = decoder.decode(bytes);
  const masked = redactText(text, redact, secrets);
  return masked === text ? bytes : encoder.encode(masked);
}

/** Masks text, and these very secrets wherever they stand. */
export function redactText(text: string, redact: Redactor, secrets: readonly string[]): string {
  for (const secret of secrets) if (text.includes(secret)) text = text.replaceAll(secret, mask);
  return redact(text);
}
