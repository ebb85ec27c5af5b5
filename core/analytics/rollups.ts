/**
 * Sums that are kept beside the rows of a database, so that nothing has to look at a million rows: what
 * they hold, and how a batch of rows comes into them.
 *
 * @module
 */
import type { LogRow } from "../log/row.ts";
import { cleanText, metadataText } from "../storage/logs-conditions.ts";
import { Figures } from "./figures.ts";
import { type Dimension, type Interval, intervals } from "./query.ts";

/** Steps of time that sums are kept for, by their number in the tables. */
export const grains: readonly Interval[] = ["minute", "hour", "day"];

/** Milliseconds that sums of a grain stay: three days, a hundred days, ten years. */
export const kept: readonly number[] = [3, 100, 3653].map((days) => days * intervals.day);

/** What sums are kept apart by, beside the gateway. */
type Apart = Exclude<Dimension, "gateway">;

/**
 * What sums are kept apart by, by their number in the tables; the last one has all of it. The others are
 * short cuts: where there are many keys and models, a month of the last one is long to read.
 */
export const levels: readonly (readonly Apart[])[] = [
  [],
  ["provider", "model"],
  ["key"],
  ["provider", "model", "key", "status", "cached"],
];

/** Values of all dimensions, those that a level does not have being null; metadata is JSON as text. */
export type Dims = [
  provider: string | null,
  model: string | null,
  key: string | null,
  status: number | null,
  cached: 0 | 1 | null,
  metadata: string | null,
];

/** Sums of one minute as a batch brings them: its beginning in milliseconds, and figures to add. */
type Cell = [gateway: string, minute: number, dims: Dims, figures: unknown[]];

/** Where sums stand in the tables. */
export interface RollupKey {
  gateway: string;
  /** Index in {@link grains}. */
  grain: number;
  /** Index in {@link levels}. */
  level: number;
  /** Milliseconds since 1970. */
  start: number;
  /** JSON of {@link Dims}. */
  dims: string;
}

/** Sums as they stand in the tables. */
export interface Rollup extends RollupKey {
  /** JSON of {@link Figures.stored}. */
  figures: string;
}

/** Sums of minutes, kept apart by everything that sums are kept apart by. */
export class Minutes {
  readonly #cells = new Map<
    string,
    { gateway: string; minute: number; dims: Dims; sum: Figures }
  >();
  readonly #names: readonly string[];

  /** @param names Entries of metadata that sums are kept apart by. */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** Counts a row. */
  add(row: LogRow): void {
    const { gateway, provider, model, key_id, status_code, cached, created_at: at } = row;
    const minute = Number.isFinite(at) ? Math.floor(at / intervals.minute) * intervals.minute : 0;
    const metadata = this.#names.length === 0 ? null : chosenOf(row, this.#names);
    const id = idOf(gateway, minute, provider, model, key_id, status_code, cached, metadata);
    let cell = this.#cells.get(id);
    if (cell === undefined) {
      const dims: Dims = [
        cleanText(provider),
        cleanText(model),
        key_id === null ? null : cleanText(key_id),
        Number.isFinite(status_code) ? status_code : 0,
        cached ? 1 : 0,
        metadata,
      ];
      cell = { gateway: cleanText(gateway), minute, dims, sum: new Figures() };
      this.#cells.set(id, cell);
    }
    cell.sum.add(row);
  }

  /** JSON for {@link addStored}. */
  stored(): string {
    return JSON.stringify(
      [...this.#cells.values()].map(({ gateway, minute, dims, sum }): Cell => [
        ...[gateway, minute, dims] as const,
        sum.stored(),
      ]),
    );
  }

  /** @param json As of {@link stored}. */
  addStored(json: string): void {
    for (const [gateway, minute, dims, figures] of JSON.parse(json) as Cell[]) {
      const [provider, model, key, status, cached, metadata] = dims;
      const id = idOf(gateway, minute, provider, model, key, status, cached === 1, metadata);
      let cell = this.#cells.get(id);
      if (cell === undefined) {
        this.#cells.set(id, cell = { gateway, minute, dims, sum: new Figures() });
      }
      cell.sum.addStored(figures);
    }
  }

  /**
   * The same at all grains and levels.
   *
   * @param now Milliseconds since 1970: what would not stay is not made at all.
   */
  fold(now: number): Fold {
    const finest = new Fold();
    const last = levels.length - 1;
    for (const { gateway, minute, dims, sum } of this.#cells.values()) {
      finest.add(
        { gateway, grain: 0, level: last, start: minute, dims: JSON.stringify(dims) },
        sum,
      );
    }
    const all = new Fold();
    for (const [key, sum] of finest) {
      const dims = JSON.parse(key.dims) as Dims;
      for (let level = 0; level <= last; level++) {
        all.add({ ...key, level, dims: JSON.stringify(dimsAt(level, dims)) }, sum);
      }
    }
    for (const [grain, name] of grains.entries()) {
      if (grain === 0) continue;
      for (const [key, sum] of [...all]) {
        if (key.grain !== grain - 1) continue;
        all.add(
          { ...key, grain, start: Math.floor(key.start / intervals[name]) * intervals[name] },
          sum,
        );
      }
    }
    return all.since(kept.map((time) => now - time));
  }
}

function idOf(
  gateway: string,
  minute: number,
  provider: string | null,
  model: string | null,
  key: string | null,
  status: number | null,
  cached: boolean,
  metadata: string | null,
): string {
  // Lengths keep apart what is written in one.
  const lengths = `${gateway.length} ${provider?.length} ${model?.length} ${key?.length}`;
  return `${minute} ${status} ${cached} ${lengths} ${gateway}${provider}${model}${key}${
    metadata ?? ""
  }`;
}

/** The entries by these names, in their order, as JSON; null where there is none. */
function chosenOf({ metadata }: LogRow, names: readonly string[]): string | null {
  if (metadata === null) return null;
  const found = names.filter((name) => Object.hasOwn(metadata, name));
  if (found.length === 0) return null;
  return metadataText(Object.fromEntries(found.map((name) => [name, metadata[name]])));
}

/** Sums that are to be added to the tables. */
export class Fold {
  readonly #found = new Map<string, [key: RollupKey, sum: Figures]>();

  /** Adds figures to those of a key. */
  add(key: RollupKey, figures: Figures): void {
    const id = rollupId(key);
    let found = this.#found.get(id);
    if (found === undefined) this.#found.set(id, found = [key, new Figures()]);
    found[1].merge(figures);
  }

  /** All keys and their sums. */
  [Symbol.iterator](): Iterator<[key: RollupKey, sum: Figures]> {
    return this.#found.values();
  }

  /** Those that begin at a time or later. @param times By grain. */
  since(times: readonly number[]): Fold {
    for (const [id, [{ grain, start }]] of this.#found) {
      if (start < times[grain]!) this.#found.delete(id);
    }
    return this;
  }

  /** What there is something to be added to. */
  get keys(): RollupKey[] {
    return [...this.#found.values()].map(([key]) => key);
  }

  /**
   * All sums together with those that are in the tables already; once.
   *
   * @param stored `figures` as it is in the tables.
   */
  onto(stored: (key: RollupKey) => string | undefined): Rollup[] {
    return [...this.#found.values()].map(([key, sum]) => {
      const before = stored(key);
      if (before !== undefined) sum.addStored(JSON.parse(before) as unknown[]);
      return { ...key, figures: JSON.stringify(sum.stored()) };
    });
  }
}

/** A key as one text. */
export function rollupId({ gateway, grain, level, start, dims }: RollupKey): string {
  return `${grain} ${level} ${start} ${gateway}\n${dims}`;
}

function dimsAt(level: number, dims: Dims): Dims {
  if (level === levels.length - 1) return dims;
  const names = levels[level]!;
  const [provider, model, key] = dims;
  return [
    names.includes("provider") ? provider : null,
    names.includes("model") ? model : null,
    names.includes("key") ? key : null,
    null,
    null,
    null,
  ];
}
