// Analytics of a log, whatever stands behind it: they must say what a look at all rows says.
import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import type { FigureValues } from "../../core/analytics/figures.ts";
import type { Analysis, AnalyticsQuery, Dimension } from "../../core/analytics/query.ts";
import type { LogEntry, LogRow } from "../../core/log/row.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import type { LogFilter, Logs } from "../../core/storage/ports.ts";
import { noon, row } from "./log-row.ts";
import { type Random, randomEntries, source } from "./logs-random.ts";

const minute = 60_000, hour = 60 * minute, day = 24 * hour;

/** When these tests are; entries of metadata that sums are kept for. */
export const analyticsNow: number = noon + 90_000;
export const analyticsNames: readonly string[] = ["team", "a"];

export interface AnalyticsContract {
  /** Opens two logs on one new store, with the time and the names of these tests. */
  open(): [Logs, Logs] | Promise<[Logs, Logs]>;
  /** What questions about sums are answered from. */
  source: Analysis["source"];
  /** Questions; 150 unless given. */
  questions?: number;
}

/** Groups by their values, as they are shown. */
function shown({ groups }: Analysis): Map<string, { figures: FigureValues; points: unknown }> {
  const entries = groups.filter(({ figures }) => figures.rank("requests") > 0)
    .map(({ values, figures, points }) =>
      [JSON.stringify(values), {
        figures: figures.values(),
        points: Object.fromEntries(
          [...points].sort(([a], [b]) => a - b).map(([at, point]) => [at, point.values()]),
        ),
      }] as const
    );
  return new Map(entries.toSorted(([a], [b]) => a < b ? -1 : 1));
}

/** Sums in another order may differ in the last digits. */
function rounded(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(
      value instanceof Map ? [...value] : value,
      (_, each) => typeof each === "number" ? Number(each.toPrecision(9)) : each,
    ),
  );
}

export function assertSame(found: Analysis, expected: Analysis, what: unknown): void {
  assert.deepEqual(rounded(shown(found)), rounded(shown(expected)), JSON.stringify(what));
}

function entries(random: Random, count: number): LogEntry[] {
  return randomEntries(random, count, analyticsNow).map(({ row: own }) => {
    const at = analyticsNow - random.pick([0, minute, 3 * minute, hour, 5 * hour, day, 2 * day]) -
      random.int(90_000);
    const first_token = random.chance(0.5) ? random.int(500) : null;
    const latency = random.int(3000);
    const request_id = random.chance(0.8) ? own.id : "another";
    const total = latency + random.int(9000);
    const cost_parts = own.cost_parts && own.cached ? { ...own.cost_parts, saved: 0.5 } : null;
    const metadata = random.chance(0.5) ? { team: random.pick(["x", "y", 1, true]) } : own.metadata;
    const timings = { total, latency, first_byte: null, first_token };
    return {
      row: { ...own, created_at: at, request_id, duration: total, timings, cost_parts, metadata },
    };
  });
}

const dimensions: Dimension[] = [
  ...["gateway", "provider", "model", "key", "status", "cached", "metadata.team"] as const,
];

function question(random: Random): AnalyticsQuery {
  const interval = random.pick(["minute", "hour", "day", undefined] as const);
  const end = Math.ceil(analyticsNow / minute) * minute - random.pick([0, 2 * minute, day]);
  const start = end - random.pick([minute, 10 * minute, hour, 7 * hour, day]);
  const filters: LogFilter[] = [];
  if (random.chance(0.3)) {
    filters.push({ key: "provider", operator: "eq", value: ["openai", "a"] });
  }
  if (random.chance(0.2)) filters.push({ key: "model", operator: "neq", value: ["gpt-4o"] });
  if (random.chance(0.2)) filters.push({ key: "cached", operator: "eq", value: [false] });
  if (random.chance(0.2)) filters.push({ key: "status_code", operator: "gt", value: [399] });
  if (random.chance(0.2)) filters.push({ key: "key_id", operator: "eq", value: [null, "a"] });
  if (random.chance(0.2)) {
    filters.push({ key: "metadata.key", operator: "eq", value: ["team"] });
    filters.push({ key: "metadata.value", operator: "eq", value: [random.pick(["x", 1, true])] });
  }
  const group_by = dimensions.filter(() => random.chance(0.2));
  return {
    ...random.chance(0.7) && { gateway: random.pick(["default", "other"]) },
    start,
    end,
    ...interval !== undefined && { interval },
    group_by,
    filters,
  };
}

export function analyticsContract(
  name: string,
  { open, source: from, questions = 150 }: AnalyticsContract,
): void {
  describe(`analytics: ${name}`, () => {
    let logs: Logs, other: Logs;
    const reference = memoryLogs({ maxRows: 100_000 });
    before(async () => {
      [logs, other] = await open();
    });
    after(async () => {
      await logs?.close();
      if (other !== logs) await other?.close();
    });
    const write = async (log: Logs, given: LogEntry[]) => {
      await log.append(given);
      await reference.append(given);
    };
    const same = async (query: AnalyticsQuery, expected = from) => {
      const found = await logs.analyze!(query);
      assert.equal(found.source, expected, JSON.stringify(query));
      assert.equal(found.complete, true);
      assertSame(found, await reference.analyze!(query), query);
    };

    it("is nothing where there is nothing", async () => {
      const query = { start: analyticsNow - day, end: analyticsNow };
      assert.deepEqual((await logs.analyze!(query)).groups, []);
    });

    it("is what the rows come to, written by two at once and asked for in between", async () => {
      const random = source(11);
      for (let round = 0; round < 6; round++) {
        const batches = Array.from({ length: 8 }, () => entries(random, 1 + random.int(12)));
        await Promise.all(batches.map((batch, i) => write(i % 2 === 0 ? logs : other, batch)));
        for (let i = 0; i < questions / 6; i++) await same(question(random));
      }
    });

    it("counts a row that is written twice once", async () => {
      const random = source(13);
      const batch = entries(random, 20);
      await write(logs, batch);
      const more = entries(random, 5);
      await write(other, [...batch, ...more]);
      await write(logs, [...more, ...more]);
      for (let i = 0; i < 10; i++) await same(question(random));
    });

    it("looks at the rows for what there are no sums of", async () => {
      const end = Math.ceil(analyticsNow / minute) * minute;
      for (
        const query of [
          { group_by: ["metadata.q"], interval: "hour" },
          { filters: [{ key: "path", operator: "contains", value: ["a"] }] },
          { group_by: ["model"], filters: [{ key: "duration", operator: "gt", value: [4000] }] },
        ] satisfies Partial<AnalyticsQuery>[]
      ) await same({ start: end - day, end, ...query } as AnalyticsQuery, "rows");
    });

    it("keeps what it has counted when rows go", async () => {
      const query: AnalyticsQuery = {
        start: noon - 2 * day,
        end: Math.ceil(analyticsNow / minute) * minute,
        group_by: ["model", "status"],
        interval: "hour",
      };
      const last = entries(source(17), 10);
      await write(other, last);
      await write(logs, entries(source(19), 10));
      const expected = await reference.analyze!(query);
      while (await logs.delete({}, 1000) > 0);
      const found = await logs.analyze!(query);
      if (from === "rollups") assertSame(found, expected, query);
      else assert.deepEqual(found.groups, []);
    });
  });
}

/** A row of a minute. */
export function rowAt(id: string, at: number, members: Partial<LogRow> = {}): LogEntry {
  return { row: row(id, { created_at: at, ...members }) };
}
