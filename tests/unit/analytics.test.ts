// Figures of many rows, in memory, in a KV, in SQLite and in PostgreSQL.
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { AnalyticsQuery } from "../../core/analytics/query.ts";
import { readingOf } from "../../core/analytics/reading.ts";
import { kvLogs } from "../../core/storage/logs-kv.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import { sqlLogs } from "../../core/storage/logs-sql.ts";
import { memoryKV } from "../../core/storage/memory.ts";
import { openPostgres } from "../../runtimes/postgres.ts";
import { openSqlite } from "../../runtimes/sqlite.ts";
import {
  analyticsContract,
  analyticsNames,
  analyticsNow,
  assertSame,
  rowAt,
} from "../support/analytics-contract.ts";
import { noon } from "../support/log-row.ts";
import { noPostgres, startPostgres, type TestPostgres } from "../support/postgres.ts";

const options: { now(): number; metadata: readonly string[]; mostRows?: number } = {
  now: () => analyticsNow,
  metadata: analyticsNames,
};
const minute = 60_000, hour = 60 * minute, day = 24 * hour;
const folder = mkdtempSync(join(tmpdir(), "sluice-analytics-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const onSqlite = (file: string, own: typeof options = options) => {
  const { database } = openSqlite(file);
  return { ...sqlLogs(database, own), close: () => database.dispose() };
};

analyticsContract("memory", {
  source: "rows",
  questions: 20,
  open() {
    const logs = memoryLogs();
    return [logs, logs];
  },
});

analyticsContract("KV", {
  source: "rows",
  questions: 20,
  open() {
    const logs = kvLogs(memoryKV());
    return [logs, logs];
  },
});

analyticsContract("SQLite", {
  source: "rollups",
  open: () => [onSqlite(join(folder, "two.db")), onSqlite(join(folder, "two.db"))],
});

describe("PostgreSQL", { skip: noPostgres }, () => {
  let server: TestPostgres;
  before(async () => {
    server = await startPostgres();
  });
  after(async () => await server?.close());

  analyticsContract("PostgreSQL", {
    source: "rollups",
    questions: 60,
    open() {
      const open = () => {
        const database = openPostgres(server.url);
        return { ...sqlLogs(database, options), close: () => database.dispose() };
      };
      return [open(), open()];
    },
  });
});

describe("sums in SQLite", () => {
  const requests = async (logs: ReturnType<typeof onSqlite>, query: Partial<AnalyticsQuery>) => {
    const found = await logs.analyze!({ start: 0, end: analyticsNow, ...query });
    return {
      ...found,
      attempts: found.groups.reduce((sum, { figures }) => sum + figures.values().attempts, 0),
    };
  };

  it("hold what a process wrote that was killed", async () => {
    const file = join(folder, "killed.db");
    const deno = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
    const script = fileURLToPath(new URL("../support/logs-append.ts", import.meta.url));
    const child = spawn(process.execPath, [...deno, script, file, "x", "100000", "7"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    let lines = 0;
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (bytes: Uint8Array) => {
        lines += bytes.filter((byte) => byte === 10).length;
        if (lines === 1) child.stdin.write("go");
        if (lines > 100) resolve();
      });
    });
    child.kill("SIGKILL");
    await ended;
    // That process went by the clock: of rows so long ago, days alone are kept.
    const logs = onSqlite(file, { ...options, now: Date.now });
    const rows = await logs.count({});
    assert.ok(rows >= 700, `${rows} rows`);
    const found = await requests(logs, { start: noon - day, group_by: ["model"] as const });
    assert.deepEqual([found.source, found.attempts], ["rollups", rows]);
    await logs.close();
  });

  it("go back to the hour and the day where minutes are not kept", async () => {
    const logs = onSqlite(join(folder, "long.db"));
    const at = (days: number) => noon - days * day;
    await logs.append([1, 4, 50, 200].map((days) => rowAt(`r${days}`, at(days))));
    const short = await requests(logs, { start: at(1) - 90_000, end: at(1) + minute });
    assert.deepEqual([short.start, short.attempts], [at(1) - 2 * minute, 1]);
    const longer = await requests(logs, { start: at(4) + 90_000, end: analyticsNow });
    assert.deepEqual([longer.start, longer.attempts], [at(4), 2]);
    assert.equal(longer.end, Math.ceil(analyticsNow / minute) * minute);
    const longest = await requests(logs, { start: at(200), interval: "day" });
    assert.deepEqual([longest.start, longest.attempts], [at(200) - 12 * hour, 4]);
    const minutes = await requests(logs, { start: at(50), end: at(50) + hour, interval: "minute" });
    assert.deepEqual([minutes.source, minutes.attempts], ["rows", 1]);
    await logs.close();
  });

  it("begin with the version that has them: what is older is looked up in the rows", async () => {
    const file = join(folder, "older.db");
    const { database } = openSqlite(file);
    const old = sqlLogs(database, options);
    await old.append([rowAt("old", noon - hour), rowAt("older", noon - 2 * hour)]);
    // As the first version left it.
    for (const table of ["sluice_rollups", "sluice_rollup_batches", "sluice_rollup_folds"]) {
      await database.exec(`DROP TABLE ${table}`);
    }
    await database.exec("DROP TABLE sluice_rollup_names");
    await database.exec("UPDATE sluice_schema SET version = 1 WHERE name = 'logs'");
    await database.dispose();
    const logs = onSqlite(file);
    await logs.append([rowAt("new", noon)]);
    const all = await requests(logs, { start: noon - day });
    assert.deepEqual([all.source, all.attempts], ["rows", 3]);
    const late = await requests(logs, { start: noon - minute });
    assert.deepEqual([late.source, late.attempts], ["rollups", 1]);
    await logs.close();
  });

  it("know an entry of metadata from when it was chosen", async () => {
    const file = join(folder, "chosen.db");
    const first = onSqlite(file, { ...options, metadata: [] });
    await first.append([rowAt("before", noon - hour, { metadata: { team: "x" } })]);
    await first.close();
    const logs = onSqlite(file);
    const later = noon - hour + minute;
    await logs.append([rowAt("behind", later, { metadata: { team: "x" } })]);
    const group_by = ["metadata.team"] as const;
    const all = await requests(logs, { start: noon - day, group_by });
    assert.deepEqual([all.source, all.attempts, all.groups[0]?.values], ["rows", 2, ["x"]]);
    const since = await requests(logs, { start: later, group_by });
    assert.deepEqual([since.source, since.attempts, since.groups[0]?.values], ["rollups", 1, [
      "x",
    ]]);
    await logs.close();
  });

  it("tell that rows were too many to look at all of them", async () => {
    const logs = onSqlite(":memory:", { ...options, mostRows: 5000 });
    for (let from = 0; from < 6000; from += 500) {
      await logs.append(Array.from({ length: 500 }, (_, i) => rowAt(`r${from + i}`, noon - from)));
    }
    const filters = [{ key: "path", operator: "contains" as const, value: ["/"] }] as never;
    const found = await requests(logs, { start: noon - day, filters });
    assert.deepEqual([found.source, found.complete, found.attempts], ["rows", false, 5000]);
    const sums = await requests(logs, { start: noon - day });
    assert.deepEqual([sums.source, sums.complete, sums.attempts], ["rollups", true, 6000]);
    await logs.close();
  });

  it("are the same however names are made up", async () => {
    const logs = onSqlite(":memory:");
    const reference = memoryLogs();
    const names = [
      "a",
      "a\nb",
      "b",
      "b\nc",
      "c",
      "\ud83d",
      "\ufffd",
      "a\0b",
      "a b",
      "",
      '"',
      "\\u0000",
    ];
    const entries = names.flatMap((provider, p) =>
      names.map((model, m) => rowAt(`${p}-${m}`, noon, { provider, model, key_id: model }))
    );
    await logs.append(entries);
    await reference.append(entries);
    const query = {
      start: noon - hour,
      end: noon + hour,
      group_by: ["provider", "model", "key"] as const,
    };
    assertSame(await logs.analyze!(query), await reference.analyze!(query), query);
    await logs.close();
  });
});

describe("readingOf", () => {
  const since = new Map([["", 0]]);

  it("cuts a time into whole days, whole hours and minutes, without gap or overlap", () => {
    const start = noon - 2 * day + 17 * minute, end = noon + 43 * minute;
    const reading = readingOf({ start, end, interval: "day" }, noon + hour, since)!;
    let at = start;
    for (const { grain, from, to } of reading.segments) {
      const step = [minute, hour, day][grain]!;
      assert.equal(from, at);
      assert.deepEqual([from % step, to % step], [0, 0]);
      at = to;
    }
    assert.equal(at, end);
    assert.deepEqual(reading.segments.map(({ grain }) => grain), [0, 1, 2, 1, 0]);
  });

  it("takes the shortest sums that know enough", () => {
    const level = (query: Partial<AnalyticsQuery>) =>
      readingOf({ start: noon - day, end: noon, ...query }, noon, since)?.level;
    assert.equal(level({}), 0);
    assert.equal(level({ group_by: ["model", "gateway"] }), 1);
    assert.equal(level({ group_by: ["key"] }), 2);
    assert.equal(level({ group_by: ["key", "model"] }), 3);
    assert.equal(level({ filters: [{ key: "cached", operator: "eq", value: [true] }] }), 3);
    assert.equal(level({ filters: [{ key: "cost", operator: "gt", value: [1] }] }), undefined);
    assert.equal(level({ group_by: ["metadata.team"] }), undefined);
  });
});
