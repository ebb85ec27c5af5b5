/**
 * Writes log rows in batches, keeps them while the store is away, and lets go of some when there are too
 * many: bodies first, then rows, each counted.
 *
 * @module
 */
import { Holdout } from "../holdout.ts";
import type { Metrics } from "../metrics.ts";
import { unref } from "../settler.ts";
import type { Logs } from "../storage/ports.ts";
import { Retention, type RetentionRules, sizeOf } from "./retention.ts";
import type { LogEntry, LogRow } from "./row.ts";

/** What a {@link LogWriter} needs. */
export interface LogWriterOptions {
  logs: Logs;
  metrics: Metrics;
  /** Milliseconds since 1970. */
  now(): number;
  report(message: string, cause?: unknown): void;
  /** Rows that each gateway may keep. */
  rulesOf(gateway: string): RetentionRules | undefined;
  /** Rows have to be written by requests: nothing outlives them (Workers). */
  immediate?: boolean;
  /** Most rows that wait; 50,000 unless given. */
  rows?: number;
  /** Most bytes of bodies that wait; 64 MiB unless given. */
  bytes?: number;
}

/** Milliseconds that a row waits for company: what a killed process may lose. */
const pause = 200;
/** Rows of one batch. */
const batch = 256;
/** Bytes of bodies that make a batch full: a process on SQLite answers nobody while it writes one. */
const batchBytes = 1024 * 1024;
/** Milliseconds until the next try when the store is away: doubled each time, up to the second. */
const retry = { first: 250, most: 5000 };
/** Failures of a batch after which its rows are tried one by one: one of them may be to blame. */
const triesTogether = 3;

/** The way of all rows into the store. */
export class LogWriter {
  readonly #watchers = new Set<(rows: readonly LogRow[]) => void>();
  readonly #options: LogWriterOptions;
  readonly #retention: Retention;
  readonly #most: { rows: number; bytes: number };
  #queue: LogEntry[] = [];
  #bytes = 0;
  /** Rows that requests are writing. */
  #taken = 0;
  readonly #holdout: Holdout;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #failures = 0;

  constructor(options: LogWriterOptions) {
    this.#options = options;
    this.#most = { rows: options.rows ?? 50_000, bytes: options.bytes ?? 64 * 1024 * 1024 };
    this.#retention = new Retention(options);
    this.#holdout = new Holdout(pause, options.now, () => this.#writeHeld());
    const { metrics } = options;
    metrics.gauge("sluice_log_rows_waiting", "Log rows not yet stored", {}, () => this.waiting);
  }

  /** Rows that are not stored yet. */
  get waiting(): number {
    return this.#queue.length + this.#taken;
  }

  /** Takes a row. A promise where the row's own request has to write what waits; never rejects. */
  push(entry: LogEntry): void | Promise<void> {
    const { metrics, immediate } = this.#options;
    if (this.#queue.length >= this.#most.rows) {
      metrics.count("sluice_log_rows_shed_total", "Log rows dropped under overload");
      return;
    }
    const size = sizeOf(entry);
    if (size > 0 && this.#bytes + size > this.#most.bytes) {
      metrics.count("sluice_log_payloads_shed_total", "Log bodies dropped under overload");
      entry = { row: entry.row };
    } else this.#bytes += size;
    this.#queue.push(entry);
    const isFull = this.#queue.length >= batch || this.#bytes >= batchBytes;
    if (immediate) return isFull ? this.#writeHeld() : this.#holdout.join();
    if (this.#writing !== undefined) return;
    if (isFull) this.#start();
    else this.#timer ??= unref(setTimeout(() => this.#start(), pause));
  }

  /** Writes all that waits; resolves when it is stored, or the store has failed. */
  async flush(): Promise<void> {
    if (this.#options.immediate) return await this.#writeHeld();
    while (this.#queue.length > 0) {
      const failures = this.#failures;
      await this.#start();
      if (this.#failures > failures) return;
    }
    await this.#writing;
  }

  /** Keeps rows within their gateway's rules now. */
  retain(): Promise<void> {
    return this.#retention.run();
  }

  /** Tells of rows once they are stored; the function that it gives back ends that. */
  watch(listener: (rows: readonly LogRow[]) => void): () => void {
    this.#watchers.add(listener);
    return () => void this.#watchers.delete(listener);
  }

  /** Writes all that waits, for all requests that it is of; what the store does not take is lost. */
  async #writeHeld(): Promise<void> {
    while (this.#queue.length > 0) {
      const part = this.#take();
      this.#taken += part.length;
      const admitted = await this.#retention.admit(part);
      const stored = admitted.length === 0 ? admitted : await this.#append(admitted);
      this.#taken -= part.length;
      this.#release(part);
      if (stored.length > 0) await this.#stored(stored);
      const lost = admitted.length - stored.length;
      if (lost === 0) continue;
      this.#options.metrics.count(
        "sluice_log_rows_shed_total",
        "Log rows dropped under overload",
        {},
        lost,
      );
    }
  }

  /** Tries for some seconds, which a request can wait; gives back what the store took. */
  async #append(entries: LogEntry[]): Promise<readonly LogEntry[]> {
    for (let tries = 1, wait = retry.first;; tries++, wait *= 2) {
      try {
        await this.#options.logs.append(entries);
        return entries;
      } catch (error) {
        this.#failures++;
        if (this.#failures === 1) {
          this.#options.report("The log store does not take rows; they wait for seconds", error);
        }
        if (tries === triesTogether && entries.length > 1) {
          const { taken } = await this.#oneByOne(entries);
          if (taken.length > 0) return taken;
        }
        if (wait > retry.most) return [];
        await new Promise((done) => setTimeout(done, wait));
      }
    }
  }

  #start(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
      if (this.#queue.length === 0) return;
      const wait = this.#failures === 0
        ? 0
        : Math.min(retry.first * 2 ** (this.#failures - 1), retry.most);
      this.#timer ??= unref(setTimeout(() => this.#start(), wait));
    });
  }

  async #write(): Promise<void> {
    const part = this.#take();
    if (part.length === 0) return;
    const admitted = await this.#retention.admit(part);
    try {
      if (admitted.length > 0) await this.#options.logs.append(admitted);
      this.#stored(admitted);
    } catch (error) {
      await this.#failed(admitted, error);
    }
    if (admitted.length === part.length) return;
    const kept = new Set(admitted);
    this.#release(part.filter((entry) => !kept.has(entry)));
  }

  #take(): LogEntry[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#queue.length && count < batch && bytes < batchBytes) {
      bytes += sizeOf(this.#queue[count++]!);
    }
    return this.#queue.splice(0, count);
  }

  #stored(entries: readonly LogEntry[]): Promise<void> | undefined {
    if (this.#failures > 0) this.#options.report("The log store takes rows again");
    this.#failures = 0;
    if (!this.#options.immediate) { for (const entry of entries) this.#bytes -= sizeOf(entry); }
    this.#options.metrics.count("sluice_log_rows_total", "Log rows stored", {}, entries.length);
    if (this.#watchers.size > 0) {
      const rows = entries.map(({ row }) => row);
      for (const listener of this.#watchers) listener(rows);
    }
    return this.#retention.stored(entries);
  }

  async #failed(entries: LogEntry[], error: unknown): Promise<void> {
    if (this.#failures === 0) {
      this.#options.report("The log store does not take rows; they wait in memory", error);
    }
    this.#failures++;
    if (this.#failures === triesTogether && entries.length > 1) {
      const { left, taken } = await this.#oneByOne(entries);
      if (taken.length > 0) {
        this.#stored(taken);
        this.#release(left);
        this.#options.metrics.count(
          "sluice_log_rows_refused_total",
          "Log rows that the store does not take",
          {},
          left.length,
        );
        return;
      }
    }
    this.#queue = [...entries, ...this.#queue];
  }

  async #oneByOne(entries: readonly LogEntry[]): Promise<{ left: LogEntry[]; taken: LogEntry[] }> {
    const left: LogEntry[] = [];
    const taken: LogEntry[] = [];
    for (const entry of entries) {
      try {
        await this.#options.logs.append([entry]);
        taken.push(entry);
      } catch {
        left.push(entry);
        if (taken.length === 0 && left.length >= 3) break; // the store, not a row
      }
    }
    return { left, taken };
  }

  #release(entries: readonly LogEntry[]): void {
    for (const entry of entries) this.#bytes -= sizeOf(entry);
  }
}
