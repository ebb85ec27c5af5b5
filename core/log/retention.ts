/**
 * How long rows stay: by age, and by number and bytes with Cloudflare's two strategies (stop inserting, or
 * delete the oldest).
 *
 * @module
 */
import type { Metrics } from "../metrics.ts";
import type { Logs } from "../storage/ports.ts";
import type { LogEntry } from "./row.ts";

/** `log_management`, `log_management_strategy` and `log_retention_*` of a gateway. */
export interface RetentionRules {
  /** Most rows. */
  log_management: number;
  log_management_strategy: "DELETE_OLDEST" | "STOP_INSERTING";
  /** 0 is for ever. */
  log_retention_days: number;
  /** Most bytes of bodies; 0 is any. */
  log_retention_bytes: number;
}

interface RetentionOptions {
  logs: Logs;
  metrics: Metrics;
  now(): number;
  report(message: string, cause?: unknown): void;
  rulesOf(gateway: string): RetentionRules | undefined;
  /** Requests must not wait for each other's work (Workers). */
  immediate?: boolean;
}

/** What is known of one gateway's rows. */
interface Known {
  /** Rows, as counted last, and those stored since. */
  rows: number;
  /** Bytes of bodies, as measured last, and those stored since. */
  bytes: number;
  /** Stored since the last look. */
  since: number;
  /** Bytes stored since they were measured, and when that was. */
  bytesSince: number;
  measuredAt: number;
  /** Time of the last look, in milliseconds since 1970. */
  at: number;
}

/** Milliseconds between two looks at most. */
const interval = 60_000;
/** Rows deleted in one go. */
const most = 10_000;
/** Milliseconds after which bytes are measured again: other processes write, too. */
const measuredFor = 3_600_000;

/** Keeps rows within the rules. */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #known = new Map<string, Known>();
  #running: Promise<void> | undefined;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Those of the entries that may be stored. */
  async admit(entries: LogEntry[]): Promise<LogEntry[]> {
    const { rulesOf, metrics } = this.#options;
    const admitted: LogEntry[] = [];
    for (const entry of entries) {
      const { gateway } = entry.row;
      const rules = rulesOf(gateway);
      if (rules?.log_management_strategy === "STOP_INSERTING") {
        const known = await this.#look(gateway);
        if (known !== undefined && known.rows >= rules.log_management) {
          metrics.count("sluice_log_rows_over_cap_total", "Log rows not stored: log_management");
          continue;
        }
        if (known !== undefined) known.rows++;
        const size = sizeOf(entry);
        const { log_retention_bytes: bound } = rules;
        if (known !== undefined && bound > 0 && size > 0) {
          if (known.bytes + size > bound) {
            metrics.count(
              "sluice_log_payloads_over_cap_total",
              "Log bodies not stored: log_retention_bytes",
            );
            admitted.push({ row: entry.row });
            continue;
          }
        }
      }
      admitted.push(entry);
    }
    return admitted;
  }

  /** Counts what was stored, and looks after it now and then: a promise while it does. */
  stored(entries: readonly LogEntry[]): Promise<void> | undefined {
    const { rulesOf, now } = this.#options;
    let due = false;
    for (const entry of entries) {
      const { gateway } = entry.row;
      const rules = rulesOf(gateway);
      if (rules === undefined) continue;
      const known = this.#of(gateway);
      known.since++;
      const size = sizeOf(entry);
      known.bytes += size;
      known.bytesSince += size;
      due ||= known.since >= Math.min(most, Math.ceil(rules.log_management / 20)) ||
        now() - known.at >= interval || this.#unmeasured(known, rules);
    }
    return due ? this.run() : undefined;
  }

  /** Deletes what is too old or too many. */
  run(): Promise<void> {
    if (this.#running !== undefined) return this.#running;
    const work = this.#run().catch((error) => {
      this.#options.report("Old log rows could not be deleted; the next try is in a minute", error);
    }).finally(() => this.#running = undefined);
    if (!this.#options.immediate) this.#running = work;
    return work;
  }

  async #run(): Promise<void> {
    const { logs, now, rulesOf } = this.#options;
    for (const [gateway, known] of this.#known) {
      const rules = rulesOf(gateway);
      if (rules === undefined) continue;
      known.since = 0;
      known.at = now();
      if (rules.log_retention_days > 0) {
        const before = now() - rules.log_retention_days * 86_400_000;
        const filters = [{ key: "created_at", operator: "lt", value: [before] } as const];
        const selection = { gateway, filters: filters.map((f) => ({ ...f, value: [...f.value] })) };
        while (await logs.delete({ ...selection, direction: "asc" }, most) === most);
      }
      known.rows = await logs.count({ gateway });
      const fits = this.#unmeasured(known, rules)
        ? await this.#measure(gateway, known, rules)
        : Infinity;
      if (rules.log_management_strategy !== "DELETE_OLDEST") continue;
      const keep = Math.min(rules.log_management, fits);
      while (known.rows > keep) {
        const over = Math.min(known.rows - keep, most);
        const gone = await logs.delete({ gateway, direction: "asc" }, over);
        if (gone === 0) break;
        known.rows -= gone;
      }
    }
  }

  #unmeasured({ bytesSince, measuredAt }: Known, { log_retention_bytes: bound }: RetentionRules) {
    return bound > 0 &&
      (bytesSince >= bound / 20 || this.#options.now() - measuredAt >= measuredFor);
  }

  /** Number of the latest rows whose bodies are within the bound. */
  async #measure(gateway: string, known: Known, { log_retention_bytes: bound }: RetentionRules) {
    const { logs, now } = this.#options;
    known.bytesSince = 0;
    known.measuredAt = now();
    const { measure } = await import("./measure.ts");
    const { bytes, rows } = await measure(logs, gateway, bound);
    known.bytes = bytes;
    return rows;
  }

  async #look(gateway: string): Promise<Known | undefined> {
    const known = this.#of(gateway);
    if (known.at > 0 && this.#options.now() - known.at < interval) return known;
    try {
      known.rows = await this.#options.logs.count({ gateway });
      const rules = this.#options.rulesOf(gateway);
      if (rules !== undefined && this.#unmeasured(known, rules)) {
        await this.#measure(gateway, known, rules);
      }
      known.at = this.#options.now();
      return known;
    } catch {
      return undefined; // the store is away: whatever can be written later is looked at then
    }
  }

  #of(gateway: string): Known {
    let known = this.#known.get(gateway);
    if (known === undefined) this.#known.set(gateway, known = fresh());
    return known;
  }
}

function fresh(): Known {
  return { rows: 0, bytes: 0, since: 0, bytesSince: 0, measuredAt: -Infinity, at: 0 };
}

/** Bytes of the bodies of a row. */
export function sizeOf({ request, response }: LogEntry): number {
  return (request?.bytes.byteLength ?? 0) + (response?.bytes.byteLength ?? 0);
}
