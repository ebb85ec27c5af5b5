/**
 * Patterns of an operator's own. The texts are a caller's, who could write one that a backtracking engine
 * needs minutes for; so they are matched in time proportional to the text. Loaded where there are some.
 *
 * @module
 */
import { RE2JS } from "re2js";

/** Takes out what a pattern matches. */
type Take = (text: string, mask: string) => string;

/**
 * Masks what any of the patterns matches.
 *
 * @param patterns Regular expressions as with the flag `u`; throws a `SyntaxError` for what is none.
 * @param report Told of a pattern that only the platform's engine knows.
 */
export function masking(
  patterns: readonly string[],
  mask: string,
  report: (message: string) => void,
): (text: string) => string {
  const all = patterns.map((pattern) => takeOf(pattern, report));
  return (text) => all.reduce((masked, take) => take(masked, mask), text);
}

function takeOf(pattern: string, report: (message: string) => void): Take {
  const native = new RegExp(pattern, "gu");
  const platform: Take = (text, mask) => text.replace(native, () => mask);
  if (isPlain(pattern)) return platform;
  try {
    const linear = RE2JS.compile(RE2JS.translateRegExp(pattern), RE2JS.LOOKBEHINDS);
    return (text, mask) => linear.matcher(text).replaceAll(RE2JS.quoteReplacement(mask));
  } catch {
    report(
      `The pattern '${pattern}' of 'log_redact' needs the platform's own engine: a caller might send a ` +
        "text that it takes minutes for; without look-ahead, back-references and counts over 1000 it does not",
    );
    return platform;
  }
}

/** True where no text can take long: nothing is repeated but a given number of times. */
function isPlain(pattern: string): boolean {
  const choices = pattern.match(/[?|]/g)?.length ?? 0;
  return choices <= 4 && !/[*+]|\{\d*,|\{\d{3,}|\)[?{]/.test(pattern);
}
