/** What was changed and not saved, by gateway: another page may be looked at in between. */
export type Changes = Readonly<Record<string, unknown>>;

const drafts = new Map<string, Changes>();

export function draftOf(gateway: string): Changes {
  return drafts.get(gateway) ?? {};
}

export function keepDraft(gateway: string, changes: Changes): void {
  if (Object.keys(changes).length === 0) drafts.delete(gateway);
  else drafts.set(gateway, changes);
}

export function hasDraft(gateway: string): boolean {
  return drafts.has(gateway);
}

// Whoever leaves the dashboard is asked.
addEventListener("beforeunload", (event) => {
  if (drafts.size > 0) event.preventDefault();
});
