/**
 * Which virtual keys end soon.
 *
 * @module
 */
import type { KeyRecord } from "../auth/virtual-keys.ts";
import type { Verdict } from "./judge.ts";

const day = 86_400_000;

/** @param raised Ids of keys of which it was said. @returns What to say of keys, those that are gone included. */
export function expiryVerdicts(
  keys: readonly KeyRecord[],
  days: number,
  raised: readonly string[],
  now: number,
): Verdict[] {
  const verdicts = new Map<string, Verdict>();
  for (const { id, name, gateway, enabled, expires_at } of keys) {
    const left = expires_at === null ? Infinity : Date.parse(expires_at) - now;
    // Of one that has ended by now it was said, or nobody needs to hear it any more.
    const state = !enabled || left > days * day ? "resolve" : left > 0 ? "raise" : undefined;
    verdicts.set(id, {
      alert: "key_expiry",
      subject: id,
      state,
      data: { gateway, key_id: id, key_name: name, expires_at },
    });
  }
  for (const id of raised) {
    if (verdicts.has(id)) continue;
    verdicts.set(id, { alert: "key_expiry", subject: id, state: "resolve", data: { key_id: id } });
  }
  return [...verdicts.values()];
}
