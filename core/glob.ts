/**
 * Patterns for names of gateways, providers and models.
 *
 * @module
 */

/**
 * A test for texts that match one of the patterns: `*` is any number of characters but `/`, `**` any
 * number of any; a lone `*` matches everything. Takes time in proportion to pattern times text at most,
 * whatever stands in them.
 */
export function globs(patterns: readonly string[]): (text: string) => boolean {
  const exact = new Set<string>();
  const tests: ((text: string) => boolean)[] = [];
  for (const pattern of patterns) {
    if (pattern === "*" || pattern === "**") return () => true;
    if (pattern.includes("*")) tests.push(glob(pattern));
    else exact.add(pattern);
  }
  return (text) => exact.has(text) || tests.some((test) => test(text));
}

type Part = string | typeof some | typeof any;
const some = 1, any = 2;

/** Follows all ways to match at once, so that none is tried twice. */
function glob(pattern: string): (text: string) => boolean {
  const parts: Part[] = (pattern.match(/\*+|[^*]/gu) ?? []).map((part) =>
    part === "*" ? some : part[0] === "*" ? any : part
  );
  return (text) => {
    /** `at[i]`: the text so far matches the first `i` parts. */
    let at = skip(parts, [true]);
    for (const char of text) {
      const next: boolean[] = [];
      for (const [i, part] of parts.entries()) {
        if (!at[i]) continue;
        if (part === char) next[i + 1] = true;
        else if (part === any || part === some && char !== "/") next[i] = true;
      }
      at = skip(parts, next);
    }
    return at[parts.length] === true;
  };
}

/** A star may stand for nothing. */
function skip(parts: readonly Part[], at: boolean[]): boolean[] {
  for (const [i, part] of parts.entries()) if (at[i] && typeof part !== "string") at[i + 1] = true;
  return at;
}
