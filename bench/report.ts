// Tables for people, JSON for machines.
import type { Figure, Sample } from "./measure.ts";
import { heldStreams, median } from "./measure.ts";
import type { Family, Kind } from "./targets.ts";

export interface Result {
  name: string;
  family: Family;
  kind: Kind;
  /** Why there are no figures, or not all. */
  note?: string;
  rounds: Partial<Sample>[];
}

export interface Bar {
  name: string;
  limit: number;
  value: number | undefined;
  unit: string;
  pass: boolean | undefined;
}

export function medianOf(result: Result | undefined, figure: Figure): number | undefined {
  const values = result?.rounds.map((round) => round[figure]).filter((v) => v !== undefined) ?? [];
  return values.length ? median(values) : undefined;
}

/** Each round's pair was measured close in time, so pairs are compared before the median. */
function paired(
  gateway: Result | undefined,
  bare: Result | undefined,
  figure: Figure,
  compare: (gateway: number, bare: number) => number,
): number | undefined {
  const values: number[] = [];
  for (const [i, round] of gateway?.rounds.entries() ?? []) {
    const [a, b] = [round[figure], bare?.rounds[i]?.[figure]];
    if (a !== undefined && b !== undefined) values.push(compare(a, b));
  }
  return values.length ? median(values) : undefined;
}

const ratio = (a: number, b: number): number => a / b;
const difference = (a: number, b: number): number => a - b;

function bareOf(results: Result[], family: Family): Result | undefined {
  return results.find((result) => result.family === family && result.kind === "bare");
}

export function firstByteAdded(result: Result, results: Result[]): number | undefined {
  if (result.kind === "bare") return undefined;
  return paired(result, bareOf(results, result.family), "firstByteMs", difference);
}

export function bars(results: Result[], bundleKB: number | undefined): Bar[] {
  const list: Bar[] = [];
  const bar = (name: string, limit: number, value: number | undefined, unit = ""): void => {
    list.push({ name, limit, value, unit, pass: value === undefined ? undefined : value <= limit });
  };
  for (const family of ["node", "bun", "deno"] as const) {
    const bare = bareOf(results, family);
    const gateway = results.find((one) => one.family === family && one.kind === "passing");
    if (gateway?.rounds.length) {
      const times = (figure: Figure): number | undefined => paired(gateway, bare, figure, ratio);
      bar(`${family}: CPU per JSON request / bare`, 1.6, times("jsonCpuUs"));
      bar(`${family}: CPU per event, at once / bare`, 1.3, times("burstEventCpuUs"));
      bar(`${family}: CPU per event, paced / bare`, 1.3, times("pacedEventCpuUs"));
      if (family === "node") {
        const plain = results.find((result) => result.name.includes("http + fetch"));
        const value = paired(gateway, plain, "jsonCpuUs", ratio);
        bar("node: CPU per JSON request / fetch proxy", 0.5, value);
      }
      bar(`${family}: first byte added over bare`, 0.3, firstByteAdded(gateway, results), "ms");
    }
    const translating = results.find((one) => one.family === family && one.kind === "translating");
    if (translating?.rounds.length) {
      const times = (figure: Figure) => paired(translating, gateway, figure, ratio);
      const what = `${family}, translated / passed through: CPU per event`;
      bar(`${what}, at once`, 2.5, times("burstEventCpuUs"));
      bar(`${what}, paced`, 2.5, times("pacedEventCpuUs"));
      const added = paired(translating, gateway, "firstByteMs", difference);
      bar(`${family}, translated: first byte added over passed through`, 0.2, added, "ms");
    }
    const logging = results.find((one) => one.family === family && one.kind === "logging");
    if (logging?.rounds.length) {
      const times = (figure: Figure): number | undefined => paired(logging, bare, figure, ratio);
      const limit = { node: 2.0, bun: 2.2, deno: undefined }[family];
      if (limit !== undefined) {
        bar(`${family}, auth + log: CPU per JSON request / bare`, limit, times("jsonCpuUs"));
      }
      bar(`${family}, auth + log: CPU per event, at once / bare`, 1.6, times("burstEventCpuUs"));
      bar(`${family}, auth + log: CPU per event, paced / bare`, 1.6, times("pacedEventCpuUs"));
      const added = firstByteAdded(logging, results);
      bar(`${family}, auth + log: first byte added over bare`, 0.4, added, "ms");
    }
    const other = (kind: Kind) => results.find((one) => one.family === family && one.kind === kind);
    const limiting = other("limiting");
    if (limiting?.rounds.length) {
      const limit = family === "bun" ? 2.5 : 2.2;
      const value = paired(limiting, bare, "jsonCpuUs", ratio);
      bar(`${family}, auth + log + cache miss + limit: CPU per JSON request / bare`, limit, value);
      const peer = other("peer");
      if (peer?.rounds.length) {
        const most = family === "bun" ? 0.65 : 0.25;
        const against = paired(limiting, peer, "jsonCpuUs", ratio);
        bar(`${family}, the same against Portkey without plugins`, most, against);
      }
    }
    const hitting = other("hitting");
    if (hitting?.rounds.length) {
      bar(`${family}, cache hit: CPU / bare`, 1.0, paired(hitting, bare, "jsonCpuUs", ratio));
    }
    const opened = medianOf(gateway, "streamsOpened");
    const name = `${family}: memory of ${heldStreams} open streams`;
    if (opened === undefined) continue;
    // Fewer streams would make a smaller figure, which must not pass.
    bar(name, 100, opened < heldStreams ? Infinity : medianOf(gateway, "streamsMB"), "MB");
  }
  if (bundleKB !== undefined) bar("workers: bundle, minified and gzipped", 104, bundleKB, "KB");
  return list;
}

function fixed(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? "-" : value.toFixed(digits);
}

export function table(rows: string[][]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const line = (row: string[]): string =>
    row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("  ");
  return [
    line(rows[0]!),
    widths.map((width) => "-".repeat(width)).join("  "),
    ...rows.slice(1).map(line),
  ]
    .join("\n");
}

export function figures(results: Result[]): string {
  const head = [
    "target",
    "req/s",
    "us/JSON",
    "us/event once",
    "us/event paced",
    "+p50 ms",
    "+p99 ms",
    "TTFB+ ms",
    "cold ms",
    "peak MB",
    "idle MB",
    "+streams MB",
    "opened",
  ];
  const rows = results.filter((result) => result.rounds.length).map((result) => {
    const cell = (figure: Figure, digits = 1): string => fixed(medianOf(result, figure), digits);
    return [
      result.name,
      cell("requestsPerSecond", 0),
      cell("jsonCpuUs"),
      cell("burstEventCpuUs", 2),
      cell("pacedEventCpuUs", 2),
      cell("addedP50Ms", 3),
      cell("addedP99Ms", 3),
      fixed(firstByteAdded(result, results), 3),
      cell("coldStartMs", 0),
      cell("peakMB", 0),
      cell("idleMB", 0),
      cell("streamsMB", 0),
      cell("streamsOpened", 0),
    ];
  });
  return table([head, ...rows]);
}

export function barTable(list: Bar[]): string {
  const rows = list.map(({ name, limit, value, unit, pass }) => [
    name,
    value === Infinity ? "not all opened" : `${fixed(value, 2)} ${unit}`.trim(),
    `<= ${limit} ${unit}`.trim(),
    pass === undefined ? "no figure" : pass ? "pass" : "FAIL",
  ]);
  return table([["bar", "found", "limit", ""], ...rows]);
}

export function notes(results: Result[]): string[] {
  const lines = results.flatMap((result) => result.note ? [`${result.name}: ${result.note}`] : []);
  for (const result of results) {
    const opened = medianOf(result, "streamsOpened");
    const left = medianOf(result, "streamsLeft");
    if (opened !== undefined && opened < heldStreams) {
      lines.push(`${result.name}: only ${opened} of ${heldStreams} streams opened in 10 s`);
    }
    if (left) {
      lines.push(`${result.name}: ${left} upstream streams still open 2 s after clients left`);
    }
  }
  return lines;
}
