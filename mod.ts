/**
 * Sluice, an AI gateway as a library.
 *
 * Where to read on: `core/gateway.ts` (one request from route to answer), `core/plugin.ts` (the chain),
 * `core/context.ts` (what a plugin sees), `core/provider.ts` (what a provider is), `core/upstream.ts`
 * (the innermost step), then one row in `adapters/rows.ts`.
 *
 * ```ts
 * import { createGateway } from "@sluice/gateway";
 *
 * const gateway = createGateway({ providers: { openai: { base_url: "https://api.openai.com/v1" } } });
 * const response = await gateway.fetch(new Request("http://localhost/health"));
 * console.log(await response.json());
 * ```
 *
 * @module
 */
import { providers } from "./adapters/mod.ts";
import { createGatewayWith, type Gateway, type GatewayOptions } from "./core/gateway.ts";

/**
 * Builds a gateway with every built-in provider. Throws a {@link ConfigError} that lists everything
 * that is wrong in the configuration.
 */
export function createGateway(options: GatewayOptions = {}): Gateway {
  return createGatewayWith(providers, options);
}

export { ConfigError, type ConfigProblem } from "./core/config/config.ts";
export type {
  AccessConfig,
  Config,
  GatewayConfig,
  GatewaySettings,
  KeyConfig,
  KeyLimit,
  KeyRules,
  LimitsConfig,
  OtelConfig,
  ProviderConfig,
  RateLimitDimension,
  RateLimitRule,
  StorageConfig,
  TokenConfig,
} from "./core/config/config.ts";
export type { Attempt } from "./core/attempt.ts";
export {
  type Admission,
  admission,
  authenticated,
  type Caller,
  caller,
  type Changes,
  type Context,
  createKey,
  type Key,
  type Platform,
  type Shared,
} from "./core/context.ts";
export type { AlertName, AlertsConfig, WebhookConfig } from "./core/alerts/config.ts";
export type { CorsSettings } from "./core/cors.ts";
export type { AnyExport, ExportConfig, SecretConfig, WriteFile } from "./core/export/config.ts";
export {
  Code,
  errorResponse,
  GatewayError,
  type GatewayErrorOptions,
  isGatewayError,
} from "./core/error.ts";
export {
  type AdminOptions,
  createGatewayWith,
  type Gateway,
  type GatewayOptions,
} from "./core/gateway.ts";
export type { Host } from "./core/host.ts";
export type { End, LogEntry, LogRow, Payload, Timings, UsageQuality } from "./core/log/row.ts";
export type { AttemptListener, Measured } from "./core/measured.ts";
export {
  Histogram,
  type Metric,
  type MetricFamily,
  type MetricLabels,
  type MetricName,
  Metrics,
} from "./core/metrics.ts";
export { joinURL } from "./core/path.ts";
export { definePlugin, type Next, type Plugin, type PluginHooks } from "./core/plugin.ts";
export {
  baseOf,
  type Call,
  defineProvider,
  type FormatName,
  hostPart,
  type KeyHeader,
  type Provider,
  type ProviderSettings,
  type Tools,
} from "./core/provider.ts";
export {
  denoCounters,
  denoDriver,
  type DenoKv,
  type DenoKvAtomic,
  type DenoKvEntry,
  type DenoKvKey,
} from "./core/storage/deno-kv.ts";
export { StoreError, type StoreUse } from "./core/storage/guard.ts";
export { type DriverOptions, type KVDriver, type KVOptions, kvOver } from "./core/storage/kv.ts";
export { kvLogs, type KVLogsOptions } from "./core/storage/logs-kv.ts";
export { memoryLogs, type MemoryLogsOptions } from "./core/storage/logs-memory.ts";
export {
  memoryCounters,
  type MemoryCountersOptions,
  memoryKV,
  type MemoryKVOptions,
} from "./core/storage/memory.ts";
export type { ErrorKind, Figures, FigureValues, Percentiles } from "./core/analytics/figures.ts";
export type {
  Analysis,
  AnalyticsQuery,
  Dimension,
  Group,
  GroupValue,
  Interval,
} from "./core/analytics/query.ts";
export type * from "./core/storage/ports.ts";
export { type Exchange, type Transport, webTransport } from "./core/upstream.ts";
export type { CostParts, PriceOverride } from "./core/usage/cost.ts";
export type { Usage } from "./core/usage/usage.ts";
export type { TelemetryConfig, TelemetryExporter } from "./core/telemetry/settings.ts";
export { version } from "./core/version.ts";
export { providers } from "./adapters/mod.ts";
export * from "./plugins/mod.ts";
