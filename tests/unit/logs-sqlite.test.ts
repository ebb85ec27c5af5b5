// The log in SQLite, in the file that all stores of a process share.
import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { sqlLogs } from "../../core/storage/logs-sql.ts";
import type { LogFilter, LogSelection } from "../../core/storage/ports.ts";
import { openSqlite } from "../../runtimes/sqlite.ts";
import { noon, row } from "../support/log-row.ts";
import { logsContract } from "../support/logs-contract.ts";

logsContract("SQLite", {
  open() {
    const { database } = openSqlite(":memory:");
    return { ...sqlLogs(database), close: () => database.dispose() };
  },
});

describe("sqlLogs on SQLite", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-logs-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const script = fileURLToPath(new URL("../support/logs-append.ts", import.meta.url));

  /** Processes that append, all begun at once; `batches` waits until a process wrote so many. */
  async function begin(
    ...all: string[][]
  ): Promise<{ children: ChildProcess[]; batches(count: number): Promise<void> }> {
    const deno = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
    const children = all.map((args) =>
      spawn(process.execPath, [...deno, script, ...args], { stdio: ["pipe", "pipe", "inherit"] })
    );
    const lines = (child: ChildProcess, count: number) =>
      new Promise<void>((resolve, reject) => {
        let found = 0;
        child.stdout!.on("data", (bytes: Uint8Array) => {
          found += bytes.filter((byte) => byte === 10).length;
          if (found >= count) resolve();
        });
        child.once("exit", () => reject(new Error(`ended after ${found} lines`)));
      });
    await Promise.all(children.map((child) => lines(child, 1)));
    const batches = async (count: number) => {
      await Promise.all(children.map((child) => lines(child, count)));
    };
    return { children, batches };
  }
  const ended = (child: ChildProcess) =>
    new Promise<number | null>((resolve) => child.once("exit", resolve));

  it("loses and doubles nothing when two processes append to a new file at once", async () => {
    const file = join(folder, "two.db");
    const { children } = await begin([file, "x", "60", "20"], [file, "y", "60", "20"]);
    const exits = Promise.all(children.map(ended));
    for (const child of children) child.stdin!.write("go");
    assert.deepEqual(await exits, [0, 0]);
    const { database } = openSqlite(file);
    const logs = sqlLogs(database);
    assert.equal(await logs.count({}), 2 * 60 * 19 + 60);
    assert.equal(await logs.count({ filters: [{ key: "id", operator: "gt", value: [""] }] }), 2340);
    const rows = await logs.list({}, { offset: 0, limit: 5000 });
    assert.equal(new Set(rows.map(({ id }) => id)).size, 2340);
    assert.equal((await logs.payload("default", "shared-59", "request"))?.bytes.length, 3000);
    await database.dispose();
  });

  it("has whole batches and their bodies after a process was killed in the middle", async () => {
    const file = join(folder, "killed.db");
    const { children: [child], batches } = await begin([file, "x", "100000", "50"]);
    const exit = ended(child);
    child.stdin!.write("go");
    await batches(20);
    child.kill("SIGKILL");
    await exit;
    const { database } = openSqlite(file);
    const logs = sqlLogs(database);
    const count = await logs.count({});
    assert.ok(count >= 20 * 50 && count % 50 === 0, `${count} rows`);
    const rows = await logs.list({}, { offset: 0, limit: 1_000_000 });
    assert.equal(rows.length, count);
    for (const { id } of rows.slice(0, 60)) {
      assert.equal((await logs.payload("default", id, "request"))?.bytes.length, 3000, id);
    }
    await logs.append([{ row: row("after") }]);
    assert.equal(await logs.count({ gateway: "default" }), count + 1);
    await database.dispose();
  });

  it("keeps rows and what was patched", async () => {
    const file = join(folder, "kept.db");
    const first = openSqlite(file).database;
    await sqlLogs(first).append([{ row: row("a") }]);
    assert.equal(await sqlLogs(first).patch("default", "a", { feedback: -1 }), true);
    await first.dispose();
    const second = openSqlite(file).database;
    assert.deepEqual(await sqlLogs(second).get("default", "a"), row("a", { feedback: -1 }));
    await second.dispose();
  });

  it("writes none of a batch with a row that cannot be written", async () => {
    const { database } = openSqlite(":memory:");
    const logs = sqlLogs(database);
    const broken = row("b", { user_agent: Symbol("none") as unknown as string });
    await assert.rejects(logs.append([row("a"), broken, row("c")].map((row) => ({ row }))));
    assert.equal(await logs.count({}), 0);
    assert.deepEqual(await logs.list({}, { offset: 0, limit: 10 }), []);
    await logs.append([{ row: row("a") }]);
    assert.equal(await logs.count({}), 1);
    await database.dispose();
  });

  it("refuses tables of a newer version, and says so", async () => {
    const { database } = openSqlite(":memory:");
    await sqlLogs(database).append([{ row: row("a") }]);
    await database.exec("UPDATE sluice_schema SET version = 99");
    const late = sqlLogs(database);
    await assert.rejects(late.append([{ row: row("b") }]), /version 99/);
    await assert.rejects(late.count({}), /version 99/);
    await database.dispose();
  });

  it("refuses a database that it was never tried with", () => {
    const { database } = openSqlite(":memory:");
    assert.throws(
      () => sqlLogs({ ...database, connector: "libsql", dialect: "libsql" }),
      TypeError,
    );
  });

  it("finds the same pages among the newest rows and beyond", async () => {
    const { database } = openSqlite(":memory:");
    const logs = sqlLogs(database);
    // More than the rows that a page is looked for in first; agents are no part of the index.
    const agent = (i: number) =>
      i === 3 ? "old" : i > 20_400 ? "new" : i % 2 === 0 ? "even" : "odd";
    for (let from = 0; from < 20_500; from += 500) {
      await logs.append(Array.from({ length: 500 }, (_, n) => ({
        row: row(`r${from + n}`, { created_at: noon + from + n, user_agent: agent(from + n) }),
      })));
    }
    await logs.append([{ row: row("other", { gateway: "other", user_agent: "odd" }) }]);
    const list = async (selection: LogSelection, offset: number, limit: number) =>
      (await logs.list(selection, { offset, limit })).map(({ id }) => id);
    const of = (...value: string[]): LogSelection => ({
      gateway: "default",
      filters: [{ key: "user_agent", operator: "eq", value } satisfies LogFilter],
    });
    assert.deepEqual(await list(of("new"), 0, 2), ["r20499", "r20498"]);
    assert.deepEqual(await list(of("new"), 97, 5), ["r20402", "r20401"]);
    assert.deepEqual(await list(of("new", "old"), 97, 5), ["r20402", "r20401", "r3"]);
    assert.deepEqual(await list(of("old"), 0, 5), ["r3"]);
    assert.deepEqual(await list(of("even"), 10_198, 5), ["r4", "r2", "r0"]);
    assert.deepEqual(await list({ ...of("even"), direction: "asc" }, 1, 2), ["r2", "r4"]);
    assert.deepEqual(await list({ ...of("odd"), gateway: "other" }, 0, 5), ["other"]);
    assert.deepEqual(await list({ ...of("odd"), gateway: undefined }, 10_197, 5), [
      "r5",
      "r1",
      "other",
    ]);
    assert.equal(await logs.count(of("even", "old")), 10_202);
    assert.equal((await logs.extremes(of("old"))).max_cost, 0.000123);
    assert.equal(await logs.delete(of("even"), 10_000), 10_000);
    assert.equal(await logs.count(of("even")), 201);
    assert.equal(await logs.count({ gateway: "default" }), 10_500);
    await database.dispose();
  });
});
