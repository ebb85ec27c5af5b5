/**
 * Gateways: `gateways` (spec 14.1). Those of the configuration are there as well; what is said of one here
 * wins, until it is deleted.
 *
 * @module
 */
import type { GatewaySettings } from "../config/config.ts";
import { Code, isGatewayError } from "../error.ts";
import { providerNamed } from "../locate.ts";
import { shown } from "../nearest.ts";
import { settingsOf } from "../settings/effective.ts";
import type { Snapshot } from "../settings/snapshot.ts";
import type { GatewayRecord } from "../settings/records.ts";
import { needs } from "../config/setup.ts";
import type { Json } from "../storage/ports.ts";
import { ApiCode, ApiError, invalid, notFound, type Result } from "./answer.ts";
import { datasetsOf } from "./datasets.ts";
import { evaluationsOf } from "./evaluations.ts";
import { addressFaultOf, type Call, type Resource } from "./resource.ts";
import { pageOf } from "./schema.ts";
import {
  type GatewayBody,
  gatewayCreateOf,
  gatewayUpdateOf,
  listQueryOf,
} from "./schema-settings.ts";

/** `gateways`. */
export const gateways: Resource = {
  "GET gateways": list,
  "POST gateways": create,
  "GET gateways/:gateway": get,
  "PUT gateways/:gateway": (call) => update(call, true),
  "PATCH gateways/:gateway": (call) => update(call, false),
  "DELETE gateways/:gateway": remove,
  "GET gateways/:gateway/url/:id": url,
};

/** Gateways that may be stored; each is in the memory of each process. */
const most = 5_000;
/** Characters of all that is said of one gateway. */
const longest = 64 * 1024;
/** Log rows that are deleted at a time. */
const batch = 10_000;

/** What kept settings are, unless something was said. */
const unsaid: { [name: string]: Json } = {
  guardrails: null,
  log_classification: false,
  spend_limits: null,
  store_id: null,
  stripe: null,
  workers_ai_billing_mode: "postpaid",
  zdr: false,
};

/** A gateway as it is answered. */
export function gatewayJson(
  settings: Snapshot,
  gateway: GatewaySettings,
  account: string,
): { [name: string]: Json } {
  const { id, tokens: _, ...own } = gateway;
  const record = settings.records.gateways.get(id);
  const isConfigured = id === "default" || Object.hasOwn(settings.config.gateways, id);
  return {
    id,
    account_id: account,
    account_tag: account,
    internal_id: id,
    is_default: id === "default",
    // What the configuration has was there before anything that is known.
    created_at: record?.created_at ?? "1970-01-01T00:00:00.000Z",
    modified_at: record?.modified_at ?? "1970-01-01T00:00:00.000Z",
    ...unsaid,
    ...own as unknown as { [name: string]: Json },
    ...record?.settings,
    source: record === undefined ? "config" : isConfigured ? "config+stored" : "stored",
    // The store gives back in an order of its own.
    overrides: Object.keys(record?.settings ?? {}).sort(),
  };
}

async function list({ host, account, query }: Call): Promise<Result> {
  const { page, per_page, offset, limit } = pageOf(query, 100);
  const { search = "" } = listQueryOf(query);
  const settings = await host.settings.latest();
  const found = [...settings.gateways.values()]
    .filter(({ id }) => id.toLowerCase().includes(search.toLowerCase()))
    .sort((a, b) => a.id < b.id ? -1 : 1);
  const result = found.slice(offset, offset + limit)
    .map((gateway) => gatewayJson(settings, gateway, account));
  return { result, info: { page, per_page, count: result.length, total_count: found.length } };
}

async function get({ host, account, params }: Call): Promise<Result> {
  const settings = await host.settings.latest();
  return { result: gatewayJson(settings, gatewayIn(settings, params.gateway), account) };
}

async function create(call: Call): Promise<Result> {
  const { host, account, body } = call;
  const { id, settings: given } = gatewayCreateOf(body);
  const at = new Date(host.now()).toISOString();
  const record: GatewayRecord = { id, created_at: at, modified_at: at, settings: given };
  const settings = await host.settings.change(async (store) => {
    const settings = await host.settings.latest();
    if (settings.gateways.has(id) || await store.get("gateway", id) !== undefined) {
      const message = `Gateway '${id}' already exists; change it with PUT`;
      throw new ApiError(409, [{ code: ApiCode.exists, message, path: ["body", "id"] }]);
    }
    if (settings.records.gateways.size >= most) {
      throw invalid(["body", "id"], `There are ${most} gateways already`);
    }
    assertUsable(call, record);
    await assertAddresses(call, given);
    await store.put("gateway", record);
    return settingsWith(call, settings, id, record);
  });
  const result = gatewayJson(settings, gatewayIn(settings, id), account);
  await call.audit({ action: "create", type: "gateway", id, gateway: id, new: result });
  return { result };
}

/** What is absent stays as it was: clients know different parts of the settings. */
async function update(call: Call, isWhole: boolean): Promise<Result> {
  const { host, account, params: { gateway: id }, body } = call;
  const given = gatewayUpdateOf(body, isWhole);
  const at = new Date(host.now()).toISOString();
  const { before, after } = await host.settings.change(async (store) => {
    const settings = await host.settings.latest();
    gatewayIn(settings, id);
    const old = await store.get("gateway", id);
    const record: GatewayRecord = {
      id,
      created_at: old?.created_at ?? at,
      modified_at: at,
      settings: { ...old?.settings, ...given },
    };
    assertUsable(call, record);
    await assertAddresses(call, given);
    await store.put("gateway", record);
    return {
      before: settingsWith(call, settings, id, old),
      after: settingsWith(call, settings, id, record),
    };
  });
  const was = gatewayIn(before, id);
  const is = gatewayIn(after, id);
  if (is.cache_invalidate_on_update && cacheOf(was) !== cacheOf(is)) {
    await (await host.openCache()).purge(id, {});
  }
  const result = gatewayJson(after, is, account);
  await call.audit({
    action: "update",
    type: "gateway",
    id,
    gateway: id,
    old: gatewayJson(before, was, account),
    new: result,
  });
  return { result };
}

/**
 * A gateway of the configuration goes back to it, and keeps what belongs to it; any other is gone with its
 * keys and its log. The settings go last: what fails before can be tried again, and no key outlives them.
 */
async function remove(call: Call): Promise<Result> {
  const { host, account, params: { gateway: id } } = call;
  const before = await host.settings.latest();
  const was = gatewayIn(before, id);
  const old = gatewayJson(before, was, account);
  const stays = id === "default" || Object.hasOwn(before.config.gateways, id);
  if (stays && !before.records.gateways.has(id)) {
    throw new ApiError(400, [{
      code: ApiCode.invalid,
      message: id === "default"
        ? "Gateway 'default' is always there, and nothing of it is stored"
        : `Gateway '${shown(id)}' is the configuration's; take it out there`,
      path: ["path", "gateway"],
    }]);
  }
  if (!stays) await emptied(call, id);
  await host.settings.change((store) => store.delete("gateway", [id]));
  if (stays) {
    const is = gatewayIn(await host.settings.latest(), id);
    if (was.cache_invalidate_on_update && cacheOf(was) !== cacheOf(is)) {
      await (await host.openCache()).purge(id, {});
    }
  }
  await call.audit({ action: "delete", type: "gateway", id, gateway: id, old });
  return { result: old };
}

async function emptied({ host }: Call, gateway: string): Promise<void> {
  for (const { id } of await host.virtualKeys.list(gateway)) {
    await host.virtualKeys.delete(gateway, id);
  }
  for (const { id } of await host.providerKeys.list(gateway)) {
    await host.providerKeys.delete(gateway, id);
  }
  await datasetsOf(host).clear(gateway);
  await evaluationsOf(host).clear(gateway);
  await (await host.openCache()).purge(gateway, {});
  await host.settler.drain();
  await host.log.flush();
  while (await host.stores.logs.delete({ gateway }, batch) === batch);
}

/** Where clients find a provider on a gateway, as they reach the gateway now. */
async function url({ host, account, params: { gateway, id }, request }: Call): Promise<Result> {
  const asked = URL.parse(request.url);
  if (asked === null) throw invalid(["headers", "host"], "Header 'host' must be that of a URL");
  const { origin, protocol } = asked;
  const outside = request.headers.get("x-forwarded-proto");
  const base = outside === "https" && protocol === "http:"
    ? origin.replace(/^http:/, "https:")
    : origin;
  const root = `${base}/v1/${encodeURIComponent(account)}/${encodeURIComponent(gateway)}`;
  if (id === "universal") return { result: root };
  if (id === "compat") return { result: `${root}/compat` };
  try {
    providerNamed(await host.settings.latest(), id, new Headers());
  } catch (error) {
    if (isGatewayError(error) && error.code === Code.unknownProvider) {
      throw invalid(["path", "provider"], error.message);
    }
    throw error;
  }
  return { result: `${root}/${id}` };
}

/** The settings with a gateway as it was read, or written: another process may have changed it since. */
function settingsWith(
  { setup }: Call,
  settings: Snapshot,
  id: string,
  record: GatewayRecord | undefined,
): Snapshot {
  const gateways = new Map(settings.gateways);
  const records = new Map(settings.records.gateways);
  const own = record === undefined ? setup.gateways.get(id) : settingsOf(setup, record);
  if (own !== undefined) gateways.set(id, own);
  if (record === undefined) records.delete(id);
  else records.set(id, record);
  return { ...settings, gateways, records: { ...settings.records, gateways: records } };
}

function gatewayIn(settings: Snapshot, id: string): GatewaySettings {
  const found = settings.gateways.get(id);
  if (found === undefined) throw notFound(`no gateway '${shown(id)}'`);
  return found;
}

/** Refuses what would leave the gateway less guarded than it says. */
function assertUsable({ setup }: Call, record: GatewayRecord): void {
  if (JSON.stringify(record.settings).length > longest) {
    throw invalid(["body"], `The settings of a gateway are over ${longest} characters`);
  }
  let settings: GatewaySettings;
  try {
    settings = settingsOf(setup, record);
  } catch (error) {
    throw invalid(["body"], (error as Error).message.replaceAll("gateways.own.", ""));
  }
  if (settings.authentication && !setup.plugins.has(needs.tokens!.plugin)) {
    throw invalid(
      ["body", "authentication"],
      "Field 'authentication' must be false: no plugin named 'auth' is in the chain, and every caller " +
        "would get in",
    );
  }
}

/** As for custom providers: whoever may manage the gateway must not reach what only its machine can. */
async function assertAddresses(call: Call, { otel, access }: GatewayBody): Promise<void> {
  const look = async (path: (string | number)[], url: Json | undefined) => {
    if (typeof url !== "string") return;
    // A collector may be told apart by a query, which no base URL has.
    const fault = await addressFaultOf(call, url.replace(/[?#].*$/s, ""));
    if (fault === undefined) return;
    throw invalid(["body", ...path], `Field '${path.join(".")}' ${fault}`);
  };
  for (const [i, { url }] of ((otel ?? []) as { url: string }[]).entries()) {
    await look(["otel", i, "url"], url);
  }
  const { team_domain, jwks_url } = (access ?? {}) as { team_domain?: string; jwks_url?: string };
  await look(["access", "team_domain"], team_domain);
  await look(["access", "jwks_url"], jwks_url);
}

/** What stored answers depend on. */
function cacheOf(gateway: GatewaySettings): string {
  return JSON.stringify(
    Object.entries(gateway).filter(([name]) =>
      name.startsWith("cache_") && name !== "cache_invalidate_on_update"
    ),
  );
}
