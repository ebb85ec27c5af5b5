/**
 * What a gateway offers its plugins: stores, the log, metrics, a clock.
 *
 * @module
 */
import type { AnswerCache } from "./cache/answers.ts";
import { type Respond, webRespond } from "./streams/feed.ts";
import { idSource } from "./id.ts";
import { Keyring } from "./auth/keyring.ts";
import { providerNamed } from "./locate.ts";
import { Limiter } from "./limits/limiter.ts";
import { LogWriter } from "./log/writer.ts";
import { Metrics } from "./metrics.ts";
import type { Provider, ProviderSettings } from "./provider.ts";
import { ProviderKeys } from "./auth/provider-keys.ts";
import { runtimeName } from "./runtime.ts";
import { Settings } from "./settings/settings.ts";
import { Settler } from "./settler.ts";
import type { ProviderEntry, Setup } from "./config/setup.ts";
import { guardStores } from "./storage/guard.ts";
import { lazyLogs } from "./storage/logs-lazy.ts";
import { memoryCounters, memoryKV } from "./storage/memory.ts";
import type { Stores } from "./storage/ports.ts";
import { Allowance } from "./streams/tape.ts";
import type { TelemetryConfig, TelemetrySettings } from "./telemetry/settings.ts";
import type { Transport } from "./upstream.ts";
import { lazyPricer, type Pricer } from "./usage/cost.ts";
import { VirtualKeys } from "./auth/virtual-keys.ts";

/** One for each gateway, handed to plugins as `ctx.host`. */
export interface Host {
  /** Behind time limits and health. */
  readonly stores: Stores;
  /**
   * What callers show instead of a provider's key.
   *
   * @internal
   */
  readonly virtualKeys: VirtualKeys;
  /**
   * Stored provider keys.
   *
   * @internal
   */
  readonly providerKeys: ProviderKeys;
  /**
   * What is configured and what was changed since, over the management API.
   *
   * @internal
   */
  readonly settings: Settings;
  /**
   * Lends provider keys to requests.
   *
   * @internal
   */
  readonly keyring: Keyring;
  /**
   * Limits over time.
   *
   * @internal
   */
  readonly limiter: Limiter;
  /**
   * Stored answers; there once {@link openCache} has resolved.
   *
   * @internal
   */
  readonly cache: AnswerCache;
  /**
   * Loads what keeps answers: many gateways never need it.
   *
   * @internal
   */
  openCache(): Promise<AnswerCache>;
  /**
   * Takes log rows and writes them in batches; reading goes through `stores.logs`.
   *
   * @internal
   */
  readonly log: LogWriter;
  /** Figures for `/metrics`. */
  readonly metrics: Metrics;
  /**
   * Prices usage.
   *
   * @internal
   */
  readonly pricer: Pricer;
  /**
   * Work after answers.
   *
   * @internal
   */
  readonly settler: Settler;
  /**
   * What all tapes together may hold.
   *
   * @internal
   */
  readonly allowance: Allowance;
  /**
   * A request's work must end with it: nothing waits for company (Workers).
   *
   * @internal
   */
  readonly immediate: boolean;
  /**
   * Configuration or environment may ask for telemetry.
   *
   * @internal
   */
  readonly mayTrace: boolean;
  /**
   * What telemetry is asked for, by these options over the configuration and the environment; nothing where
   * none of them asks for any.
   *
   * @internal
   */
  telemetry(options: TelemetryConfig | undefined): Promise<TelemetrySettings | undefined>;
  /**
   * Takes a plugin's own work behind requests.
   *
   * @internal
   */
  attach(work: SideWork): void;
  /** Names of models as configured: `{ fast: "groq/llama-3.3-70b-versatile" }`. */
  readonly models: Readonly<Record<string, string>>;
  /** For requests of a plugin's own. */
  readonly fetch: typeof fetch;
  /**
   * The same, at the cost of those to providers.
   *
   * @internal
   */
  readonly transport: Transport;
  /**
   * For answers of a plugin's own.
   *
   * @internal
   */
  readonly respond: Respond;
  /**
   * As `providerNamed`.
   *
   * @internal
   */
  provider(name: string, headers: Headers): Provider;
  /** All of them, by slug. */
  readonly providers: readonly Provider[];
  /** Settings of a provider, by slug. */
  settingsOf(slug: string): ProviderSettings;
  /** A new UUIDv7. */
  nextId(): string;
  /** Milliseconds since 1970. */
  now(): number;
  /** Tells the operator. */
  report(message: string, cause?: unknown): void;
}

/** Work of a plugin behind requests. Must not reject. */
export interface SideWork {
  /** All that waits; after what is left to do behind answers. */
  flush(): Promise<void>;
  /** What is due by now; called each second or so. */
  due(): void | Promise<void>;
}

/** The host as the gateway has it. */
export interface OwnHost extends Host {
  /** Does what is due beside requests. */
  due(): Promise<void>;
  /** Writes what waits to be written. */
  flush(): Promise<void>;
  /** The same, and closes the stores. */
  close(): Promise<void>;
}

/** What a host is made of. */
export interface HostOptions {
  setup: Setup;
  /** The management API is on. */
  managed: boolean;
  stores: Partial<Stores> | undefined;
  /** Where the names of OpenTelemetry are looked up. */
  env: Readonly<Record<string, unknown>>;
  fetch: typeof fetch;
  transport: Transport;
  digest: ((data: string | Uint8Array) => string) | undefined;
  now(): number;
  report(message: string, cause?: unknown): void;
}

/** Bytes of bodies that are kept at a time, answers in flight and rows that wait counted apart. */
const tapes = 64 * 1024 * 1024;
/** Attempts that may wait to be read. */
const waiting = 50_000;
/** Names in the environment that ask for telemetry. */
const asking = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
  "SLUICE_LOG",
];

/** Builds the services of one gateway. */
export function createHost(options: HostOptions): OwnHost {
  const { setup, env, now, report } = options;
  const metrics = new Metrics();
  const given: Stores = {
    // Unlike answers, keys are never let go of for want of room.
    keys: options.stores?.keys ?? memoryKV({ maxBytes: Infinity, maxEntries: Infinity }),
    cache: options.stores?.cache ?? memoryKV(),
    counters: options.stores?.counters ?? memoryCounters(),
    logs: options.stores?.logs ??
      lazyLogs(
        "memory",
        async () => (await import("./storage/logs-memory.ts")).memoryLogs(),
      ),
  };
  const stores = guardStores(given, { now, report });
  const immediate = runtimeName() === "workers";
  const pricer = lazyPricer({ prices: setup.config.prices, now, report });
  const settings = new Settings({
    setup,
    kv: stores.keys,
    now,
    immediate,
    managed: options.managed,
    report,
    onChange: ({ prices }) => pricer.use(prices),
  });
  const rulesOf = (gateway: string) => settings.last.gateways.get(gateway);
  const salts = new WeakMap<ProviderEntry, string>();
  const log = new LogWriter({ logs: stores.logs, metrics, now, report, rulesOf, immediate });
  const settler = new Settler(waiting, () => {
    metrics.count("sluice_log_rows_shed_total", "Log rows dropped under overload");
  }, (error) => report("What was left to do after an answer failed", error));
  const { tokens: configured, vault, keys, config } = setup;
  const providerKeys = new ProviderKeys({ kv: stores.keys, now, vault });
  const limiter = new Limiter(stores.counters, metrics, !immediate);
  let cache: AnswerCache | undefined;
  let opening: Promise<AnswerCache> | undefined;
  const openCache = () =>
    opening ??= import("./cache/answers.ts").then(({ AnswerCache }) =>
      cache = new AnswerCache({
        kv: stores.cache,
        metrics,
        now,
        immediate,
        digest: options.digest,
        saltOf,
      })
    );
  /** Another server behind the same name answers otherwise. */
  function saltOf(slug: string): string {
    const entry = settings.last.providers.get(slug);
    if (entry === undefined) return "{}";
    let salt = salts.get(entry);
    if (salt === undefined) salts.set(entry, salt = entry.salt ?? JSON.stringify(entry.settings));
    return salt;
  }
  const others: SideWork[] = [];
  const flush = async () => {
    await settler.drain();
    await log.flush();
    await cache?.flush();
    await limiter.flush();
    await Promise.all(others.map((work) => work.flush()));
  };
  return {
    stores,
    virtualKeys: new VirtualKeys({ kv: stores.keys, now, configured, immediate }),
    providerKeys,
    settings,
    keyring: new Keyring({
      keys,
      stored: providerKeys,
      limiter,
      pages: { cors: config.cors, hosts: config.hosts, loopback: setup.loopback },
      now,
      immediate,
      report,
    }),
    limiter,
    get cache() {
      return cache!;
    },
    openCache,
    log,
    metrics,
    settler,
    allowance: new Allowance(tapes),
    // A timer of one request may not do the work of another there.
    immediate,
    pricer,
    mayTrace: config.telemetry !== undefined || asking.some((name) => Boolean(env[name])),
    async telemetry(options) {
      const { telemetrySettings } = await import("./telemetry/settings.ts");
      const { telemetry } = config;
      const asked = options === undefined ? telemetry : { ...telemetry, ...options };
      return telemetrySettings(asked, env, report);
    },
    attach: (work) => void others.push(work),
    models: config.models,
    fetch: options.fetch,
    transport: options.transport,
    respond: options.transport.respond ?? webRespond,
    settingsOf: (slug) => settings.last.providers.get(slug)?.settings ?? {},
    get providers() {
      return settings.last.rows;
    },
    provider: (name, headers) => providerNamed(settings.last, name, headers),
    nextId: idSource(),
    now,
    report,
    flush,
    async due() {
      await Promise.all(others.map((work) => work.due()));
    },
    async close() {
      await flush();
      await Promise.allSettled(Object.values(given).map((store) => store.close()));
    },
  };
}
