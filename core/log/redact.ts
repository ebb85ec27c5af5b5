/**
 * Masks credentials in what is about to be stored.
 *
 * @module
 */

/** What takes the place of a credential. */
export const mask = "[redacted]";

/**
 * Forms of credentials that can be told by their beginning: OpenAI and those who took over its form,
 * Google, Groq, xAI, Hugging Face, Replicate, Perplexity, AWS, GitHub, Slack, Cloudflare, JWTs, and
 * Sluice's own virtual keys. Each is a run of at least {@link shortest} characters of {@link isTokenChar}.
 */
const known = new RegExp(
  [
    "\\b(?:sk|pk|rk|sl|pplx|xai|csk|fw|r8|hf|gsk|nvapi|key)[-_][A-Za-z0-9_-]{20,}",
    "\\bAIza[A-Za-z0-9_-]{35}",
    "\\bya29\\.[A-Za-z0-9._-]{20,}",
    "\\b(?:AKIA|ASIA)[A-Z0-9]{16}\\b",
    "\\bgh[pousr]_[A-Za-z0-9]{36,}",
    "\\bxox[abprs]-[A-Za-z0-9-]{20,}",
    // Not at each word: a run of many would be read to its end from each of them.
    "(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\\.eyJ[A-Za-z0-9_-]{10,}\\.[A-Za-z0-9_-]+",
  ].join("|"),
  "g",
);
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?/g;
const bearer = "earer ";
const shortest = 20;
/** Runs of one text that are remembered. */
const mostHarmless = 32;

const tokenChars = new Uint8Array(128);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/=-") {
  tokenChars[char.charCodeAt(0)] = 1;
}

function isTokenChar(code: number): boolean {
  return code < 128 && tokenChars[code] === 1;
}

/**
 * Masks the known forms. Looks at every twentieth character alone until it is in a long run: in ordinary
 * text that is ten times cheaper than the pattern.
 */
function maskKnown(text: string): string {
  let masked = "";
  let done = 0;
  // Each event of a stream has the same ids.
  const harmless = new Set<string>();
  for (let at = shortest - 1; at < text.length;) {
    if (!isTokenChar(text.charCodeAt(at))) {
      at += shortest;
      continue;
    }
    let start = at;
    while (start > done && isTokenChar(text.charCodeAt(start - 1))) start--;
    let end = at + 1;
    while (end < text.length && isTokenChar(text.charCodeAt(end))) end++;
    if (end - start >= shortest) {
      const run = text.slice(start, end);
      const hidden = text.startsWith(bearer, start - bearer.length)
        ? mask
        : harmless.has(run)
        ? run
        : run.replace(known, mask);
      if (hidden !== run) {
        masked += text.slice(done, start) + hidden;
        done = end;
      } else if (harmless.size < mostHarmless) harmless.add(run);
    }
    at = end + shortest;
  }
  if (done > 0) text = masked + text.slice(done);
  return text.includes("PRIVATE KEY") ? text.replace(privateKey, mask) : text;
}

/** Masks text. */
export type Redactor = (text: string) => string;

/** A redactor for the known forms and for patterns of the operator's own (regular expressions). */
export function createRedactor(patterns: readonly string[]): Redactor {
  const own = patterns.map((pattern) => new RegExp(pattern, "gu"));
  return (text) => {
    let masked = maskKnown(text);
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
