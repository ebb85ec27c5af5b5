/** What becomes of rows when the store is slow, away or full. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { RetentionRules } from "../../core/log/retention.ts";
import type { LogEntry, LogRow } from "../../core/log/row.ts";
import { LogWriter } from "../../core/log/writer.ts";
import { Metrics } from "../../core/metrics.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import type { Logs } from "../../core/storage/ports.ts";

let number = 0;
function entry(gateway = "default", body = "", createdAt = number): LogEntry {
  const id = `row-${String(number++).padStart(6, "0")}`;
  const row = { id, gateway, created_at: createdAt, metadata: null } as unknown as LogRow;
  const payload = { bytes: new TextEncoder().encode(body), complete: true };
  return body === "" ? { row } : { row, request: payload };
}

/** A store that can be away, and refuse a row. */
function moody(logs: Logs = memoryLogs()) {
  const state = { away: false, refuses: "" };
  const store: Logs = {
    ...bound(logs),
    append: (entries) => {
      if (state.away || entries.some(({ row }) => row.id === state.refuses)) {
        return Promise.reject(new Error("no"));
      }
      return logs.append(entries);
    },
  };
  return { store, state };
}

function bound(logs: Logs): Logs {
  const methods = [
    "append",
    "list",
    "count",
    "extremes",
    "get",
    "payload",
    "patch",
    "delete",
    "close",
  ];
  const object = Object.fromEntries(
    methods.map((
      name,
    ) => [name, (logs as unknown as Record<string, CallableFunction>)[name]!.bind(logs)]),
  );
  return { driver: logs.driver, ...object } as unknown as Logs;
}

function writer(
  logs: Logs,
  rules?: Partial<RetentionRules>,
  limits: { rows?: number; bytes?: number; immediate?: boolean; now?(): number } = {},
) {
  const metrics = new Metrics();
  const reports: string[] = [];
  const made = new LogWriter({
    logs,
    metrics,
    now: () => 1_000_000_000,
    report: (message) => reports.push(message),
    rulesOf: () =>
      rules && {
        log_management: 1000,
        log_management_strategy: "DELETE_OLDEST",
        log_retention_days: 0,
        log_retention_bytes: 0,
        ...rules,
      },
    ...limits,
  });
  return { writer: made, metrics, reports };
}

const stored = (logs: Logs) => logs.count({});

describe("the log's writer", () => {
  it("keeps rows while the store is away, and writes each once when it is back", async () => {
    const logs = memoryLogs();
    const { store, state } = moody(logs);
    const { writer: log, reports } = writer(store);
    state.away = true;
    for (let i = 0; i < 300; i++) log.push(entry());
    await log.flush();
    assert.deepEqual([log.waiting, await stored(logs)], [300, 0]);
    state.away = false;
    await log.flush();
    assert.deepEqual([log.waiting, await stored(logs)], [0, 300]);
    assert.match(reports[0]!, /does not take rows/);
    assert.match(reports.at(-1)!, /takes rows again/);
    assert.equal(reports.length, 2);
  });

  it("lets go of a row that the store never takes, and of no other", async () => {
    const logs = memoryLogs();
    const { store, state } = moody(logs);
    const { writer: log, metrics } = writer(store);
    const entries = Array.from({ length: 10 }, () => entry());
    state.refuses = entries[4]!.row.id;
    for (const one of entries) log.push(one);
    while (log.waiting > 0) await log.flush();
    assert.equal(await stored(logs), 9);
    assert.match(metrics.text(), /sluice_log_rows_refused_total 1/);
  });

  it("sheds bodies before rows, and counts both", async () => {
    const logs = memoryLogs();
    const { store, state } = moody(logs);
    const { writer: log, metrics } = writer(store, undefined, { rows: 5, bytes: 25 });
    state.away = true;
    const entries = Array.from({ length: 7 }, () => entry("default", "0123456789"));
    for (const one of entries) log.push(one);
    state.away = false;
    await log.flush();
    assert.equal(await stored(logs), 5);
    assert.ok(await logs.payload("default", entries[1]!.row.id, "request"));
    assert.equal(await logs.payload("default", entries[2]!.row.id, "request"), undefined);
    assert.match(metrics.text(), /sluice_log_rows_shed_total 2/);
    assert.match(metrics.text(), /sluice_log_payloads_shed_total 3/);
  });

  it("takes bodies again once those that waited are written", async () => {
    const logs = memoryLogs();
    const { writer: log } = writer(logs, undefined, { bytes: 10 });
    const entries = Array.from({ length: 4 }, () => entry("default", "0123456789"));
    for (const one of entries) {
      log.push(one);
      await log.flush();
    }
    for (const one of entries) assert.ok(await logs.payload("default", one.row.id, "request"));
  });
});

describe("retention", () => {
  it("deletes the oldest rows over the number", async () => {
    const logs = memoryLogs();
    const { writer: log } = writer(logs, { log_management: 10 });
    const entries = Array.from({ length: 25 }, (_, i) => entry("default", "", i));
    for (const one of entries) log.push(one);
    await log.flush();
    await log.retain();
    const left = await logs.list({ direction: "asc" }, { offset: 0, limit: 50 });
    assert.deepEqual(left.map((row) => row.id), entries.slice(15).map(({ row }) => row.id));
  });

  it("stops inserting at the number", async () => {
    const logs = memoryLogs();
    const strategy = { log_management: 10, log_management_strategy: "STOP_INSERTING" } as const;
    const { writer: log, metrics } = writer(logs, strategy);
    const entries = Array.from({ length: 25 }, (_, i) => entry("default", "", i));
    for (const one of entries) log.push(one);
    await log.flush();
    const left = await logs.list({ direction: "asc" }, { offset: 0, limit: 50 });
    assert.deepEqual(left.map((row) => row.id), entries.slice(0, 10).map(({ row }) => row.id));
    assert.match(metrics.text(), /sluice_log_rows_over_cap_total 15/);
  });

  it("deletes rows that are too old", async () => {
    const logs = memoryLogs();
    const { writer: log } = writer(logs, { log_retention_days: 1 });
    const day = 86_400_000;
    log.push(entry("default", "", 1_000_000_000 - day - 1));
    const young = entry("default", "", 1_000_000_000 - day + 1);
    log.push(young);
    await log.flush();
    await log.retain();
    const left = await logs.list({}, { offset: 0, limit: 50 });
    assert.deepEqual(left.map((row) => row.id), [young.row.id]);
  });

  const tenEach = () => Array.from({ length: 25 }, (_, i) => entry("default", "0123456789", i));
  const left = async (logs: Logs) =>
    (await logs.list({ direction: "asc" }, { offset: 0, limit: 50 })).map((row) => row.id);

  it("deletes the oldest rows over the bytes of their bodies", async () => {
    const logs = memoryLogs();
    const entries = [...tenEach(), entry("default", "", 25)];
    // Some are there before the process is.
    await logs.append(entries.slice(0, 12));
    const { writer: log } = writer(logs, { log_retention_bytes: 105 });
    for (const one of entries.slice(12)) log.push(one);
    log.push(entry("other", "0".repeat(100)));
    await log.flush();
    await log.retain();
    const kept = entries.slice(15).map(({ row }) => row.id);
    assert.deepEqual((await left(logs)).slice(0, kept.length), kept);
    assert.equal(await logs.count({ gateway: "other" }), 1);
  });

  it("keeps the smaller number of both", async () => {
    const logs = memoryLogs();
    const { writer: log } = writer(logs, { log_retention_bytes: 105, log_management: 4 });
    for (const one of tenEach()) log.push(one);
    await log.flush();
    await log.retain();
    assert.equal(await stored(logs), 4);
  });

  it("takes rows without bodies over the bytes where none may be deleted", async () => {
    const logs = memoryLogs();
    const entries = tenEach();
    await logs.append(entries.slice(0, 5));
    const { writer: log, metrics } = writer(logs, {
      log_retention_bytes: 105,
      log_management_strategy: "STOP_INSERTING",
    });
    for (const one of entries.slice(5)) {
      log.push(one);
      await log.flush();
    }
    await log.retain();
    assert.equal(await stored(logs), 25);
    const { bytes } = await logs.sizes!("default", undefined, 50);
    assert.deepEqual(bytes.reverse(), entries.map((_, i) => i < 10 ? 10 : 0));
    assert.match(metrics.text(), /sluice_log_payloads_over_cap_total 15/);
  });

  it("keeps each gateway's rows apart", async () => {
    const logs = memoryLogs();
    const { writer: log } = writer(logs, { log_management: 3 });
    for (let i = 0; i < 5; i++) log.push(entry("a", "", i));
    for (let i = 0; i < 2; i++) log.push(entry("b", "", i));
    await log.flush();
    await log.retain();
    assert.deepEqual([await logs.count({ gateway: "a" }), await logs.count({ gateway: "b" })], [
      3,
      2,
    ]);
  });

  it("writes the rows of several requests with the first, where requests have to", async () => {
    const logs = memoryLogs();
    const { writer: log } = writer(logs, undefined, { immediate: true });
    const work = Array.from({ length: 20 }, () => log.push(entry()));
    assert.deepEqual(work.map((one) => one !== undefined), [true, ...Array(19).fill(false)]);
    assert.deepEqual([log.waiting, await stored(logs)], [20, 0]);
    await work[0];
    assert.deepEqual([log.waiting, await stored(logs)], [0, 20]);
    const next = log.push(entry());
    assert.ok(next !== undefined);
    await next;
    assert.equal(await stored(logs), 21);
  });

  it("writes with another request when the first was ended before it did", async () => {
    const logs = memoryLogs();
    let now = 1000;
    const { writer: log } = writer(logs, undefined, { immediate: true, now: () => now });
    const ended = log.push(entry()); // nobody waits for it
    now += 150;
    assert.equal(log.push(entry()), undefined);
    now += 300;
    const other = log.push(entry());
    assert.ok(other !== undefined);
    await other;
    assert.equal(await stored(logs), 3);
    await ended;
  });

  it("writes a full batch at once, also where the first holds out for more", async () => {
    const logs = memoryLogs();
    const { writer: log } = writer(logs, undefined, { immediate: true });
    const work = Array.from({ length: 256 }, () => log.push(entry()));
    await work.at(-1);
    assert.equal(await stored(logs), 256);
    await work[0];
    assert.equal(await stored(logs), 256);
  });

  it("loses the row alone that the store refuses, where requests have to write", async () => {
    const logs = memoryLogs();
    const { store, state } = moody(logs);
    const { writer: log } = writer(store, undefined, { immediate: true });
    const rows = [entry(), entry(), entry()];
    state.refuses = rows[1]!.row.id;
    const [work] = rows.map((row) => log.push(row));
    await work;
    assert.deepEqual([log.waiting, await stored(logs)], [0, 2]);
  });

  it("keeps all rows of requests while the store is away for seconds", async () => {
    const logs = memoryLogs();
    let failures = 0;
    const store: Logs = {
      ...bound(logs),
      append: (entries) =>
        failures++ < 5 ? Promise.reject(new Error("away")) : logs.append(entries),
    };
    const { writer: log, metrics } = writer(store, undefined, { immediate: true });
    const [work] = [entry(), entry()].map((row) => log.push(row));
    await work;
    assert.deepEqual([log.waiting, await stored(logs)], [0, 2]);
    assert.doesNotMatch(metrics.text(), /rows_shed_total \d/);
  });

  it("tries again where requests have to write", async () => {
    const logs = memoryLogs();
    const { store, state } = moody(logs);
    const { writer: log } = writer(store, { log_management: 1 }, { immediate: true });
    await log.push(entry());
    assert.equal(await stored(logs), 1);
    state.away = true;
    const second = log.push(entry());
    await Promise.resolve();
    assert.equal(log.waiting, 1);
    state.away = false;
    await second;
    assert.equal(log.waiting, 0);
    // The cap is kept, too.
    assert.equal(await stored(logs), 1);
  });
});
