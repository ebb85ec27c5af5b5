/**
 * One export: follows the log, and notes how far it has come once a batch is delivered. So a batch may
 * be delivered twice, and none is left out.
 *
 * @module
 */
import { globs } from "../glob.ts";
import { takeLease } from "../limits/lease.ts";
import type { Metrics } from "../metrics.ts";
import type { Snapshot } from "../settings/snapshot.ts";
import { StoreError } from "../storage/guard.ts";
import type { Stores } from "../storage/ports.ts";
import { type Batch, gzip, nextBatch } from "./batch.ts";
import type { ExportConfig } from "./config.ts";
import {
  type Deliver,
  DeliveryError,
  destinationOf,
  type DestinationOptions,
} from "./destinations.ts";
import { timeText } from "./record.ts";
import { type Seal, sealWith } from "./seal.ts";

/** What an {@link Exporter} needs. */
export interface ExporterOptions extends DestinationOptions {
  stores: Stores;
  metrics: Metrics;
  /** Settings in force. */
  settings(): Snapshot | Promise<Snapshot>;
  /** Milliseconds since 1970. */
  now(): number;
  /** Work must end with its request, and what was stored shows late elsewhere (Workers). */
  immediate: boolean;
  report(message: string, cause?: unknown): void;
}

/** How an export is, as `/health` says it. */
export interface ExportHealth {
  name: string;
  /** False since something failed, until a batch went out. */
  up: boolean;
  /** Seconds since the oldest row that has not gone out; 0 where none is known. */
  lag_seconds: number;
}

/** Milliseconds in a row that one process exports for: others get their turn, and a Worker must end. */
const turn = 5_000;
/** Milliseconds until the next try: doubled each time, up to the second. */
const retry = { first: 1_000, most: 300_000 };
/** Seconds that a lease is longer than a batch may take to be delivered. */
const margin = 15;
/** Seconds after which what Workers KV was told shows everywhere. */
const shownAfter = 61;

/** Exports the rows of some gateways to one place. */
export class Exporter {
  readonly #config: ExportConfig;
  readonly #options: ExporterOptions;
  readonly #named: ((gateway: string) => boolean) | undefined;
  readonly #seals = new Map<string, Promise<Seal>>();
  #gateways: Snapshot["gateways"] = new Map();
  #deliver: Deliver | undefined;
  #nextAt = -Infinity;
  #failures = 0;
  /** Milliseconds since 1970: of the oldest row that is known to wait. */
  #waitingSince: number | undefined;
  /** Fewer than configured after a batch was too large. */
  #rows: number;

  constructor(config: ExportConfig, options: ExporterOptions) {
    this.#config = config;
    this.#options = options;
    this.#named = config.gateways && globs(config.gateways);
    this.#rows = config.batch_rows ?? 1000;
    const label = { export: config.name };
    options.metrics.gauge(
      "sluice_export_lag_seconds",
      "Age of the oldest log row that waits to be exported",
      label,
      () => this.health().lag_seconds,
    );
    this.#count("sluice_export_rows_total", 0);
    this.#count("sluice_export_failures_total", 0);
  }

  /** See {@link ExportHealth}. */
  health(): ExportHealth {
    const since = this.#waitingSince;
    return {
      name: this.#config.name,
      up: this.#failures === 0,
      lag_seconds: since === undefined
        ? 0
        : Math.max(0, Math.round((this.#options.now() - since) / 1000)),
    };
  }

  /**
   * Exports what there is, if it is time to. Never rejects.
   *
   * @param last Whether or not it is time: the process ends.
   */
  async run(last = false): Promise<void> {
    const { now, report } = this.#options;
    const began = now();
    if (began < this.#nextAt && (!last || this.#failures > 0)) return;
    const { interval = 30, name } = this.#config;
    this.#nextAt = began + interval * 1000;
    try {
      this.#gateways = (await this.#options.settings()).gateways;
      if (![...this.#gateways.keys()].some((gateway) => this.#takes(gateway))) return;
      const done = await this.#turn(began, last);
      if (!done) this.#nextAt = now();
      if (done === undefined) return; // another process has it
      if (this.#failures > 0) report(`Export '${name}' goes on`);
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      this.#count("sluice_export_failures_total", 1);
      this.#waitingSince ??= began;
      const wait = Math.min(retry.first * 2 ** (this.#failures - 1), retry.most);
      this.#nextAt = now() + wait * (0.75 + Math.random() / 4);
      if (this.#failures === 1) {
        const text = messageOf(error);
        report(
          text.startsWith("Export ")
            ? text
            : `Export '${name}' fails with ${text}; it is tried again`,
        );
      }
    }
  }

  /** True where all is out, false where there is more, nothing where another process has its turn. */
  async #turn(began: number, last: boolean): Promise<boolean | undefined> {
    const { stores, now, immediate } = this.#options;
    const { name, timeout = 15 } = this.#config;
    if (stores.logs.arrivals === undefined) {
      throw new DeliveryError(`Export '${name}' has no effect: the log's store cannot be followed`);
    }
    this.#deliver ??= destinationOf(this.#config, this.#options);
    const seconds = Math.max(timeout + margin, immediate ? shownAfter : 0);
    const release = await takeLease(stores.counters, `exports:lease:${name}`, seconds, began);
    if (release === undefined) return undefined;
    let moved = false;
    try {
      for (let place = await this.#place();;) {
        const batch = await this.#batch(place);
        if (batch.lines.length > 0) await this.#send(batch, timeout);
        if (batch.place !== place) {
          if (now() - began > seconds * 1000 || await this.#place() !== place) {
            throw new DeliveryError(`another process that exports the same`);
          }
          moved = true;
          await stores.keys.set(this.#key, { place: batch.place!, at: timeText(now()) });
        }
        place = batch.place;
        if (!batch.more) {
          this.#waitingSince = undefined;
          return true;
        }
        if (now() - began > (last ? 2 : 1) * turn) return false;
      }
    } finally {
      // On Workers, another instance might not see yet how far this one has come.
      if (!immediate || !moved) await release().catch(() => {});
    }
  }

  get #key(): string {
    return `exports:${this.#config.name}`;
  }

  async #place(): Promise<string | undefined> {
    const stored = await this.#options.stores.keys.get(this.#key);
    const { place } = Object(stored) as { place?: unknown };
    return typeof place === "string" ? place : undefined;
  }

  #batch(place: string | undefined): Promise<Batch> {
    const { bodies = false, body_bytes = 400_000, batch_bytes = 5 * 1024 * 1024 } = this.#config;
    return nextBatch(place, {
      logs: this.#options.stores.logs,
      takes: (gateway) => this.#takes(gateway),
      sealOf: (gateway) => this.#sealOf(gateway),
      bodies,
      bodyBytes: body_bytes,
      rows: this.#rows,
      bytes: batch_bytes,
    });
  }

  async #send(batch: Batch, timeout: number): Promise<void> {
    const { lines, first } = batch;
    this.#waitingSince = first!.created_at;
    const bytes = await gzip(lines);
    const [day, time] = timeText(first!.created_at).replace(/[-:]|\.\d+/g, "").split("T");
    const name = `${day}/${day}T${time}_${first!.id.replace(/[^\w-]/g, "")}`;
    try {
      await this.#deliver!(
        { name, bytes, rows: lines.length },
        AbortSignal.timeout(timeout * 1000),
      );
    } catch (error) {
      if (error instanceof DeliveryError && error.tooLarge && lines.length > 1) {
        this.#rows = Math.ceil(lines.length / 2);
      }
      throw error;
    }
    this.#count("sluice_export_rows_total", lines.length);
    this.#count("sluice_export_bytes_total", bytes.length);
  }

  #count(name: string, by: number): void {
    this.#options.metrics.count(name, helps[name]!, { export: this.#config.name }, by);
  }

  #takes(gateway: string): boolean {
    if (this.#named !== undefined) return this.#named(gateway);
    return this.#gateways.get(gateway)?.logpush === true;
  }

  async #sealOf(gateway: string): Promise<Seal | undefined> {
    const pem = this.#gateways.get(gateway)?.logpush_public_key ?? null;
    if (pem === null) return undefined;
    let seal = this.#seals.get(pem);
    if (seal === undefined) {
      if (this.#seals.size >= mostSeals) this.#seals.clear();
      this.#seals.set(pem, seal = sealWith(pem));
    }
    try {
      return await seal;
    } catch {
      // Never in the clear instead.
      throw new DeliveryError(
        `Export '${this.#config.name}' stands still: 'logpush_public_key' of gateway '${gateway}' is not ` +
          "the PEM of an RSA public key",
      );
    }
  }
}

/** What failed, without what may be a secret: addresses may hold tokens, and errors quote them. */
function messageOf(error: unknown): string {
  if (error instanceof DeliveryError || error instanceof StoreError) return error.message;
  if (!(error instanceof Error)) return "an error";
  const { code } = Object(error.cause) as { code?: unknown };
  return typeof code === "string" ? code : error.name;
}

/** Public keys that are kept ready. */
const mostSeals = 100;

const helps: Readonly<Record<string, string>> = {
  sluice_export_rows_total: "Log rows exported",
  sluice_export_bytes_total: "Compressed bytes exported",
  sluice_export_failures_total: "Tries of an export that failed",
};
