/**
 * From the configuration and what is stored to the tables that requests are served from. Loaded once
 * something is stored.
 *
 * @module
 */
import { type GatewaySettings, parseConfig } from "../config/config.ts";
import type { Provider } from "../provider.ts";
import type { ProviderEntry, Setup } from "../config/setup.ts";
import type { Dialect } from "../unified/dialect.ts";
import { isPrivateAddress } from "./address.ts";
import { admissionTo } from "./reach.ts";
import { priceRules } from "./prices.ts";
import type { GatewayRecord, ProviderRecord, Records } from "./records.ts";
import { rowsOf, type Snapshot } from "./snapshot.ts";

/** Settings of the API that the gateway only keeps and gives back (spec 14.1). */
export const keptSettings: readonly string[] = [
  ...["dlp", "guardrails", "log_classification", "spend_limits", "store_id", "stripe"],
  ...["workers_ai_billing_mode", "zdr"],
];

/**
 * What is stored over the configuration. An object that has not changed is the same as before: others tie
 * to it what they made of it.
 *
 * @param before Of the same configuration.
 * @param report Told of what cannot be used.
 */
export function withRecords(
  setup: Setup,
  records: Records,
  before: Snapshot,
  report: (message: string) => void,
): Snapshot {
  const gateways = new Map(setup.gateways);
  for (const [id, record] of records.gateways) {
    const old = before.gateways.get(id);
    if (old !== undefined && same(before.records.gateways.get(id), record)) {
      gateways.set(id, old);
      continue;
    }
    try {
      gateways.set(id, settingsOf(setup, record));
    } catch {
      // With the configuration's settings it might let in whom it should not.
      gateways.delete(id);
      report(`Gateway '${id}' is not served: its stored settings are not of this version`);
    }
  }
  const providers = new Map(setup.providers);
  for (const [id, record] of records.providers) {
    if (record.enable !== true) continue;
    const name = `custom-${record.slug}`;
    const old = before.providers.get(name);
    const keep = old !== undefined && same(before.records.providers.get(id), record);
    providers.set(name, keep ? old : entryOf(record, setup));
  }
  const prices = priceRules(records);
  const { config, loopback } = setup;
  return { config, loopback, gateways, providers, records, prices, rows: rowsOf(providers) };
}

/** The settings of a gateway with a record; throws a `ConfigError` where they do not fit together. */
export function settingsOf(setup: Setup, { id, settings }: GatewayRecord): GatewaySettings {
  const { routes: _, ...base } = setup.config.gateways[id] ?? {};
  const given = Object.entries(settings).filter(([name]) => !keptSettings.includes(name));
  const all = Object.entries({ ...base, ...Object.fromEntries(given) })
    .filter(([, value]) => value !== null);
  const { gateways } = parseConfig({ gateways: { own: Object.fromEntries(all) } });
  const { routes: _routes, ...own } = gateways.own!;
  return { ...own, id, open: own.open ?? setup.config.open };
}

/** What a record says is in its row alone, so that whoever has the row has all of one revision. */
function entryOf(record: ProviderRecord, { config, loopback, resolve }: Setup): ProviderEntry {
  const { base_url, format, key_header: header, key_scheme: scheme } = record;
  const headers = headersOf(record.headers);
  const slug = `custom-${record.slug}`;
  const rules = { any: config.allow_private_providers, loopback };
  const provider: Provider = {
    slug,
    baseURL: base_url.replace(/\/+$/, ""),
    ...format !== null && format !== undefined && { format },
    ...(header ?? scheme ?? null) !== null && {
      key: keyOf(header ?? "authorization", scheme ?? undefined),
    },
    ...headers !== undefined && { headers },
    ...isPrivateAddress(base_url) && { local: true },
    ...resolve !== undefined && !rules.any && {
      admit: admissionTo(slug, base_url, rules, resolve),
    },
    ...isRoot(base_url) && (format ?? "openai-chat") === "openai-chat" && { dialect: rooted },
  };
  // All that has a say in the answers of the provider, for keys of the cache.
  return { provider, settings: {}, salt: JSON.stringify([record.id, base_url, record.headers]) };
}

function keyOf(header: string, scheme: string | undefined): NonNullable<Provider["key"]> {
  const word = scheme ?? (header === "authorization" ? "Bearer" : undefined);
  return { header, ...word !== undefined && { scheme: word } };
}

/**
 * Cloudflare's examples have bases without a path, and the unified API appends `/v1/...` to them (spec 1.9);
 * a native request's path is appended as it is.
 */
const rooted: Dialect = {
  chat: { "openai-chat": "v1/chat/completions" },
  endpoints: Object.fromEntries(
    [
      ...["completions", "embeddings", "images/generations", "images/edits", "images/variations"],
      ...["audio/speech", "audio/transcriptions", "audio/translations", "rerank", "moderations"],
      "models",
    ].map((name) => [name, `v1/${name}`]),
  ),
};

function isRoot(base: string): boolean {
  return URL.canParse(base) && new URL(base).pathname === "/";
}

/** Headers of a provider, names in lower case; nothing where there are none. */
export function headersOf(text: string | null): Record<string, string> | undefined {
  if (text === null || text === undefined || text === "") return undefined;
  const found: unknown = JSON.parse(text);
  const pairs = Object.entries(found as Record<string, unknown>)
    .map(([name, value]) => [name.toLowerCase(), String(value)]);
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
