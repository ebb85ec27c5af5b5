/**
 * Masks credentials in what is about to be stored.
 *
 * @module
 */

import { sameOpening } from "../streams/alike.ts";

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
/** Characters of a text that may be a stream. */
const worthwhile = 2048;

const tokenChars = new Uint8Array(128);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+/=-") {
  tokenChars[char.charCodeAt(0)] = 1;
}

function isTokenChar(code: number): boolean {
  return code < 128 && tokenChars[code] === 1;
}

/**
 * Masks the known forms, and the secrets that are such runs. Looks at every twentieth character alone until
 * it is in a long run, and at what the lines of a stream begin with only once: in ordinary text that is
 * ten times cheaper than the pattern.
 */
function maskKnown(text: string, secrets: readonly string[]): string {
  let masked = "";
  let done = 0;
  // Each event of a stream has the same ids.
  const harmless = new Set<string>();
  const look = (from: number, to: number) => {
    for (let at = from + shortest - 1; at < to;) {
      if (!isTokenChar(text.charCodeAt(at))) {
        at += shortest;
        continue;
      }
      let start = at;
      while (start > from && isTokenChar(text.charCodeAt(start - 1))) start--;
      let end = at + 1;
      while (end < to && isTokenChar(text.charCodeAt(end))) end++;
      if (end - start >= shortest) {
        const run = text.slice(start, end);
        const hidden = text.startsWith(bearer, start - bearer.length)
          ? mask
          : harmless.has(run)
          ? run
          : without(run, secrets).replace(known, mask);
        if (hidden !== run) {
          masked += text.slice(done, start) + hidden;
          done = end;
        } else if (harmless.size < mostHarmless) harmless.add(run);
      }
      at = end + shortest;
    }
  };
  const opening = openingOf(text, secrets);
  if (opening === "") look(0, text.length);
  else {
    for (let from = 0; from < text.length;) {
      const line = text.indexOf("\n", from) + 1;
      const to = line === 0 ? text.length : line;
      const behind = from + opening.length;
      // Not `startsWith`, which V8 does a character at a time.
      look(text.slice(from, behind) === opening ? behind : from, to);
      from = to;
    }
  }
  if (done > 0) text = masked + text.slice(done);
  return text.includes("PRIVATE KEY") ? text.replace(privateKey, mask) : text;
}

/** What most lines of a stream begin with, if there is nothing to mask in it. */
function openingOf(text: string, secrets: readonly string[]): string {
  if (text.length < worthwhile) return "";
  // The first events may be of other kinds; two lines behind a third of the text are as good as any.
  let at = text.indexOf("\n", text.length / 3) + 1;
  const lines: string[] = [];
  while (lines.length < 2 && at > 0) {
    const end = text.indexOf("\n", at);
    if (end - at > 2 * shortest) lines.push(text.slice(at, end));
    at = end + 1;
  }
  const opening = lines.length < 2 ? "" : sameOpening(lines[0]!, lines[1]!);
  return opening !== "" && maskKnown(opening, secrets) === opening ? opening : "";
}

function without(text: string, secrets: readonly string[]): string {
  for (const secret of secrets) if (text.includes(secret)) text = text.replaceAll(secret, mask);
  return text;
}

/** True for what can only be in a run that is looked at. */
function isRun(secret: string): boolean {
  if (secret.length < shortest) return false;
  for (let i = 0; i < secret.length; i++) if (!isTokenChar(secret.charCodeAt(i))) return false;
  return true;
}

/** Masks text, and these very secrets wherever they stand. */
export type Redactor = (text: string, secrets?: readonly string[]) => string;

/**
 * A redactor for the known forms.
 *
 * @param own Masks what else there is to mask.
 */
export function createRedactor(own: (text: string) => string = (text) => text): Redactor {
  return (text, secrets = []) => {
    const others = secrets.filter((secret) => !isRun(secret));
    return own(maskKnown(without(text, others), secrets));
  };
}

/** Redactors of gateways, by their lists of patterns; what patterns need is loaded with the first of them. */
export class Redactors {
  readonly #known = new WeakMap<readonly string[], Redactor>();
  readonly #more: readonly string[];

  /** @param more Patterns besides those of the lists. */
  constructor(more: readonly string[] = []) {
    this.#more = more;
  }

  /** To be waited for before the first {@link of} of a list; nothing where it may be asked at once. */
  ready(list: readonly string[], report: (message: string) => void): Promise<void> | undefined {
    if (this.#known.has(list)) return undefined;
    const patterns = [...list, ...this.#more];
    if (patterns.length === 0) {
      this.#known.set(list, createRedactor());
      return undefined;
    }
    return import("./patterns.ts").then(({ masking }) => {
      this.#known.set(list, createRedactor(masking(patterns, mask, report)));
    });
  }

  /** The redactor of a list that is ready. */
  of(list: readonly string[]): Redactor {
    return this.#known.get(list)!;
  }
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
  const masked = redact(text, secrets);
  return masked === text ? bytes : encoder.encode(masked);
}
