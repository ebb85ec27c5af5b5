/**
 * What the page's own requests to models are sent with: a virtual key that is good for an hour and that only
 * this page's memory has. Gateways ask for one where they authenticate, and lend stored provider keys to
 * whoever has one.
 */
import { account, base, call, get } from "./api.ts";

interface Key {
  id: string;
  name: string;
  key?: string;
  expires_at: string | null;
}

/** Name of these keys. */
const name = "dashboard";
const lifetime = 3600_000;
/** Milliseconds before its end at which a key is no longer begun with: answers may be long. */
const margin = 5 * 60_000;

const keys = new Map<string, { until: number; key: Promise<string> }>();
/** Paths of the keys that were made, in the API. */
const made = new Set<string>();

// Whoever leaves leaves no key behind. A page that comes back makes another one.
addEventListener("pagehide", () => {
  keys.clear();
  for (const path of made) {
    fetch(base + path, { method: "DELETE", keepalive: true }).catch(() => {}); // it ends by itself
  }
  made.clear();
});

/** Headers that let a request into a gateway; rejects with an `ApiFailure` where no key can be made. */
export async function playHeaders(gateway: string): Promise<Record<string, string>> {
  let held = keys.get(gateway);
  if (held === undefined || held.until - margin < Date.now()) {
    const until = Date.now() + lifetime;
    held = { until, key: newKey(gateway, until) };
    held.key.catch(() => keys.delete(gateway)); // the next one tries again
    keys.set(gateway, held);
  }
  return { "cf-aig-authorization": `Bearer ${await held.key}` };
}

/** Where the unified API of a gateway is, for this page. */
export function unifiedBase(gateway: string): string {
  return `/v1/${account}/${encodeURIComponent(gateway)}/compat`;
}

async function newKey(gateway: string, until: number): Promise<string> {
  const path = `/gateways/${encodeURIComponent(gateway)}/virtual_keys`;
  const { result } = await call<Key>("POST", path, {
    name,
    expires_at: new Date(until).toISOString(),
  });
  made.add(`${path}/${result.id}`);
  sweep(path).catch(() => {});
  return result.key ?? "";
}

/** Earlier ones that are over are of no use to anybody. */
async function sweep(path: string): Promise<void> {
  const { result } = await get<Key[]>(`${path}?per_page=100`);
  for (const { id, name: named, expires_at } of result) {
    if (named !== name || expires_at === null || Date.parse(expires_at) > Date.now()) continue;
    await call("DELETE", `${path}/${id}`);
  }
}
