/** An export over stores in memory, with a clock of its own. */
import { createExports, type Exports } from "../../core/export/mod.ts";
import type { ExportConfig } from "../../core/export/config.ts";
import type { ExporterOptions } from "../../core/export/exporter.ts";
import type { LogEntry, LogRow } from "../../core/log/row.ts";
import { Metrics } from "../../core/metrics.ts";
import { setUp } from "../../core/config/setup.ts";
import { configured } from "../../core/settings/snapshot.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import { memoryCounters, memoryKV } from "../../core/storage/memory.ts";
import type { Stores } from "../../core/storage/ports.ts";
import type { GatewayConfig } from "../../core/config/config.ts";
import { row } from "../support/log-row.ts";
import { type S3Double, s3Keys, s3Region } from "../support/s3.ts";

export interface Exporting {
  exports: Exports;
  stores: Stores;
  metrics: Metrics;
  reports: string[];
  clock: { now: number };
  write(...rows: (LogRow | LogEntry)[]): Promise<void>;
  /** The same, after all intervals and pauses. */
  later(): Promise<void>;
}

export const start = Date.UTC(2026, 1, 3, 4, 5, 6, 789);

export function freshStores(): Stores {
  return {
    keys: memoryKV(),
    cache: memoryKV(),
    counters: memoryCounters(),
    logs: memoryLogs(),
  };
}

export function exporting(
  config: ExportConfig,
  options: Partial<ExporterOptions> & { gateways?: Record<string, GatewayConfig> } = {},
): Exporting {
  const { gateways = { default: { logpush: true } }, ...rest } = options;
  const clock = { now: start };
  const reports: string[] = [];
  const metrics = new Metrics();
  const stores = options.stores ?? freshStores();
  const setup = setUp({ input: { gateways }, rows: [], plugins: [], env: {}, report() {} });
  const exports = createExports([config], {
    stores,
    metrics,
    settings: () => configured(setup),
    env: {},
    fetch: (input, init) => fetch(input, init),
    writeFile: undefined,
    now: () => clock.now,
    immediate: false,
    report: (message) => reports.push(message),
    ...rest,
  });
  return {
    exports,
    stores,
    metrics,
    reports,
    clock,
    write: (...rows) =>
      stores.logs.append(rows.map((entry) => "row" in entry ? entry : { row: entry })),
    async later() {
      clock.now += 400_000;
      await exports.run();
    },
  };
}

export function toS3(s3: S3Double, more: Partial<ExportConfig> = {}): ExportConfig {
  return {
    name: "archive",
    to: "s3",
    url: s3.url,
    bucket: "logs",
    prefix: "a b/",
    region: s3Region,
    access_key_id: s3Keys.accessKeyId,
    secret_access_key: s3Keys.secretAccessKey,
    ...more,
  } as ExportConfig;
}

export const many = (from: number, to: number, members: Partial<LogRow> = {}): LogRow[] =>
  Array.from({ length: to - from }, (_, i) => row(`r${from + i}`, members));
