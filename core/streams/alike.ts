/**
 * The events of a stream are much alike: what most of them begin with has to be looked at once.
 *
 * @module
 */

/** Characters below which it is not worth the while. */
const shortest = 40;

/**
 * What two texts have in common at their beginning, up to where a key of JSON begins: no word, no key and
 * no value's first character is cut in two there. Empty where that is short.
 */
export function sameOpening(one: string, other: string): string {
  const most = Math.min(one.length, other.length);
  let end = 0;
  while (end < most && one.charCodeAt(end) === other.charCodeAt(end)) end++;
  for (; end > shortest; end--) {
    if (one.charCodeAt(end) !== 0x22) continue;
    const before = one.charCodeAt(end - 1);
    if (before === 0x2c || before === 0x7b) return one.slice(0, end);
  }
  return "";
}
