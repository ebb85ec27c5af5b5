/**
 * Which entries of metadata analytics keep sums for: `SLUICE_ANALYTICS_METADATA=team,app`.
 *
 * @module
 */

/** Names at most: each of them keeps more sums apart. */
const most = 5;

/** Names in a text, with commas between them; none of what is no text. */
export function entryNames(text: unknown): string[] {
  if (typeof text !== "string") return [];
  const names = text.split(",").map((name) => name.trim()).filter((name) => name !== "");
  return [...new Set(names)].slice(0, most);
}
