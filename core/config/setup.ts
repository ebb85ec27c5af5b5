/**
 * From a configuration to the tables that a request is served from. Everything that can be wrong is
 * found here, before the first request.
 *
 * @module
 */
import {
  ConfigError,
  type ConfigProblem,
  type GatewaySettings,
  type KeyConfig,
  parseConfig,
  type ParsedConfig,
  type ProviderConfig,
} from "./config.ts";
import type { KeyTable, PoolKey } from "../auth/keyring.ts";
import { suggestion } from "../nearest.ts";
import type { Plugin } from "../plugin.ts";
import { defineProvider, type Provider, type ProviderSettings } from "../provider.ts";
import type { Resolve } from "../settings/reach.ts";
import { createVault, masterKeyFrom, type Vault } from "../auth/vault.ts";
import type { KeyRecord } from "../auth/virtual-keys.ts";

/** A provider as configured. */
export interface ProviderEntry {
  provider: Provider;
  settings: ProviderSettings;
  /** What has a say in its answers, where that is not all in `settings`. */
  salt?: string;
}

/** What a request is served from. */
export interface Setup {
  config: ParsedConfig;
  /** By slug and by alias. */
  providers: ReadonlyMap<string, ProviderEntry>;
  /** By id. */
  gateways: ReadonlyMap<string, GatewaySettings>;
  /** Provider keys of the configuration. */
  keys: KeyTable;
  /** Virtual keys of the configuration, by the hex SHA-256 of the key. */
  tokens: ReadonlyMap<string, readonly KeyRecord[]>;
  /** Encrypts what is stored; none without a master key. */
  vault: Vault | undefined;
  /** Names of the plugins in the chain. */
  plugins: ReadonlySet<string>;
  /** Nobody but this machine can connect. */
  loopback: boolean;
  /** Looks names up. */
  resolve: Resolve | undefined;
}

interface SetupInput {
  input: unknown;
  rows: readonly Provider[];
  plugins: readonly Plugin[];
  env: Readonly<Record<string, unknown>>;
  report(message: string): void;
  loopback?: boolean;
  resolve?: Resolve | undefined;
}

/** Builds the tables; throws a {@link ConfigError} that lists every problem. */
export function setUp(
  { input, rows, plugins, env, report, loopback = false, resolve }: SetupInput,
): Setup {
  const config = parseConfig(input);
  const problems: ConfigProblem[] = [];
  const providers = providerTable(rows, config, problems);
  const keys = keyTable(config, providers, env, problems, report);
  const vault = vaultFrom(env, problems);
  checkPlugins(config, plugins, problems, report);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    config,
    providers,
    gateways: gatewayTable(config),
    keys,
    tokens: tokenTable(config),
    vault,
    plugins: new Set(plugins.map(({ name }) => name)),
    loopback,
    resolve,
  };
}

function vaultFrom(
  env: Readonly<Record<string, unknown>>,
  problems: ConfigProblem[],
): Vault | undefined {
  const text = env.SLUICE_MASTER_KEY;
  if (typeof text !== "string" || text.trim() === "") return undefined;
  const key = masterKeyFrom(text);
  if (key !== undefined) return createVault(key);
  problems.push({
    path: "SLUICE_MASTER_KEY (environment)",
    found: "something else",
    expected: "32 bytes in base64, such as from 'openssl rand -base64 32'",
  });
  return undefined;
}

/** The keys of `gateways.<id>.tokens`; one key may be listed by several gateways. */
function tokenTable(config: ParsedConfig): Map<string, KeyRecord[]> {
  const table = new Map<string, KeyRecord[]>();
  const ids = new Set<string>();
  for (const [gateway, { tokens }] of Object.entries(config.gateways)) {
    for (const { hash, ...token } of tokens) {
      const digest = hash.slice("sha256:".length);
      const base = `config.${gateway}.${token.name}`.toLowerCase().replace(/[^a-z0-9._-]/g, "-");
      let id = base;
      for (let n = 2; ids.has(id); n++) id = `${base}.${n}`;
      ids.add(id);
      const record: KeyRecord = {
        ...token,
        id,
        preview: "",
        enabled: token.enabled ?? true,
        expires_at: token.expires_at ?? null,
        gateway,
        created_at: "",
        modified_at: "",
      };
      table.set(digest, [...table.get(digest) ?? [], record]);
    }
  }
  return table;
}

function gatewayTable(config: ParsedConfig): Map<string, GatewaySettings> {
  const withDefault = { default: {}, ...config.gateways };
  const { gateways } = parseConfig({ gateways: withDefault });
  return new Map(
    Object.entries(gateways).map(([id, { routes: _routes, ...settings }]) => [
      id,
      { ...settings, id, open: settings.open ?? config.open },
    ]),
  );
}

function providerTable(
  rows: readonly Provider[],
  config: ParsedConfig,
  problems: ConfigProblem[],
): Map<string, ProviderEntry> {
  const table = new Map<string, ProviderEntry>();
  const add = (provider: Provider, settings: ProviderSettings) => {
    for (const name of [provider.slug, ...provider.aliases ?? []]) {
      table.set(name, { provider, settings });
    }
  };
  for (const row of rows) add(row, {});
  for (const [name, given] of Object.entries(config.providers)) {
    const path = `providers.${name}`;
    const known = table.get(name)?.provider;
    if (known !== undefined) {
      const { format, key_header, key_scheme, ...settings } = given;
      add(
        (format ?? key_header ?? key_scheme) !== undefined
          ? { ...known, ...customParts(given) }
          : known,
        settings,
      );
    } else if (!name.startsWith("custom-")) {
      const names = [...table.keys()];
      problems.push({
        path,
        found: "an unknown provider",
        expected: `a built-in one or 'custom-${name}'; ${suggestion(name, names, "providers")}`,
      });
    } else if (given.base_url === undefined) {
      problems.push({ path: `${path}.base_url`, found: "nothing", expected: "a base URL" });
    } else {
      try {
        const row = { slug: name, baseURL: given.base_url, ...customParts(given) };
        add(defineProvider(row), given);
      } catch (error) {
        problems.push({ path, found: `'${name}'`, expected: (error as Error).message });
      }
    }
  }
  return table;
}

function customParts(given: ProviderConfig): Pick<Provider, "format" | "key"> {
  const { format, key_header: header, key_scheme: scheme } = given;
  return {
    ...format && { format },
    ...(header ?? scheme) !== undefined && {
      key: {
        header: header ?? "authorization",
        ...scheme !== undefined
          ? { scheme }
          : (header ?? "authorization") === "authorization" && { scheme: "Bearer" },
      },
    },
  };
}

function keyTable(
  config: ParsedConfig,
  providers: ReadonlyMap<string, ProviderEntry>,
  env: Readonly<Record<string, unknown>>,
  problems: ConfigProblem[],
  report: (message: string) => void,
): KeyTable {
  const table = new Map<string, Map<string, PoolKey[]>>();
  for (const [name, aliases] of Object.entries(config.keys)) {
    const slug = providers.get(name)?.provider.slug;
    if (slug === undefined) {
      const expected = suggestion(name, [...providers.keys()], "providers");
      problems.push({ path: `keys.${name}`, found: "an unknown provider", expected });
      continue;
    }
    const keys = table.get(slug) ?? new Map<string, PoolKey[]>();
    table.set(slug, keys);
    for (const [alias, sources] of Object.entries(aliases)) {
      for (const source of [sources].flat()) {
        const key = readKey(source, env);
        if (key === undefined) {
          report(`keys.${name}.${alias} has no effect: its environment variable is not set`);
        } else {
          keys.set(alias, [...keys.get(alias) ?? [], { key, weight: source.weight ?? 1 }]);
        }
      }
    }
  }
  return table;
}

function readKey(source: KeyConfig, env: Readonly<Record<string, unknown>>): string | undefined {
  if ("value" in source) {
    return typeof source.value === "string" ? source.value.trim() : JSON.stringify(source.value);
  }
  // Files and shells leave line ends behind.
  const read = (name: string) => {
    const value = env[name];
    return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
  };
  if (typeof source.env === "string") return read(source.env);
  const parts = source.env.flatMap((name) => {
    const value = read(name);
    return value === undefined ? [] : [[name, value]];
  });
  return parts.length > 0 ? JSON.stringify(Object.fromEntries(parts)) : undefined;
}

/** Settings that only work with a plugin in the chain, and the value that means off. */
export const needs: Record<string, { plugin: string; off: unknown }> = {
  cache_ttl: { plugin: "cache", off: 0 },
  cache_stale_while_revalidate: { plugin: "cache", off: 0 },
  cache_stale_if_error: { plugin: "cache", off: 0 },
  rate_limiting_limit: { plugin: "rateLimit", off: 0 },
  rate_limits: { plugin: "rateLimit", off: undefined },
  retry_max_attempts: { plugin: "retry", off: 1 },
  fallback: { plugin: "fallback", off: undefined },
  timeout_first_byte: { plugin: "timeout", off: 0 },
  timeout_idle: { plugin: "timeout", off: 0 },
  timeout_total: { plugin: "timeout", off: 0 },
  tokens: { plugin: "auth", off: undefined },
  access: { plugin: "auth", off: null },
  routes: { plugin: "fallback", off: undefined },
  otel: { plugin: "otel", off: undefined },
};

/** A gateway that would be less than what its configuration says must not look as if it were. */
function checkPlugins(
  config: ParsedConfig,
  plugins: readonly Plugin[],
  problems: ConfigProblem[],
  report: (message: string) => void,
): void {
  const order = plugins.map((plugin) => plugin.name);
  const names = new Set(order);
  for (const [id, settings] of Object.entries(config.gateways)) {
    if (settings.authentication && !names.has("auth")) {
      problems.push({
        path: `gateways.${id}.authentication`,
        found: "true",
        expected:
          "false, since no plugin named 'auth' is in the chain and every caller would get in",
      });
    }
    const isEarly = names.has("cache") && order.indexOf("cache") < order.indexOf("auth");
    if (settings.authentication && isEarly) {
      report(`gateways.${id}: nothing is cached, since 'cache' stands outside of 'auth'`);
    }
    for (const [key, { plugin, off }] of Object.entries(needs)) {
      const value = settings[key as keyof typeof settings];
      const isOff = value === off || (Array.isArray(value) && value.length === 0);
      if (!isOff && !names.has(plugin)) {
        report(`gateways.${id}.${key} has no effect: no plugin named '${plugin}' is in the chain`);
      }
    }
  }
}
