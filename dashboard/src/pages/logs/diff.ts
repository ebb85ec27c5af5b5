/** What is different between two texts, word by word; line by line where they are long. */

export interface Change {
  kind: "same" | "out" | "in";
  text: string;
}

/** Most comparisons. */
const most = 4_000_000;

/** Pieces of both in their order; nothing for texts that are too long. */
export function differenceOf(before: string, after: string): Change[] | undefined {
  for (const split of [/(?<=\s)(?=\S)/, /(?<=\n)/]) {
    const a = before.split(split), b = after.split(split);
    let start = 0, end = 0;
    while (start < a.length && start < b.length && a[start] === b[start]) start++;
    while (
      end < a.length - start && end < b.length - start &&
      a[a.length - 1 - end] === b[b.length - 1 - end]
    ) end++;
    const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
    if (x.length * y.length > most) continue;
    const changes = [
      ...a.slice(0, start).map((text): Change => ({ kind: "same", text })),
      ...between(x, y),
      ...a.slice(a.length - end).map((text): Change => ({ kind: "same", text })),
    ];
    return joined(changes);
  }
  return undefined;
}

/** By the longest subsequence that both have. */
function between(a: readonly string[], b: readonly string[]): Change[] {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j]
        ? lengths[(i + 1) * width + j + 1]! + 1
        : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  const changes: Change[] = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      changes.push({ kind: "same", text: a[i]! });
      i++, j++;
    } else if (
      j >= b.length ||
      (i < a.length && lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)
    ) changes.push({ kind: "out", text: a[i++]! });
    else changes.push({ kind: "in", text: b[j++]! });
  }
  return changes;
}

function joined(changes: readonly Change[]): Change[] {
  const all: Change[] = [];
  for (const change of changes) {
    const last = all.at(-1);
    if (last?.kind === change.kind) last.text += change.text;
    else all.push({ ...change });
  }
  return all;
}
