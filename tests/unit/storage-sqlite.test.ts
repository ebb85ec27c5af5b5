// Keys, cache and counts in SQLite.
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { sqlCounters } from "../../core/storage/sql-counters.ts";
import { sqlCache } from "../../core/storage/sql-cache.ts";
import { sqlKV } from "../../core/storage/sql-kv.ts";
import { openSqlite } from "../../runtimes/sqlite.ts";
import { countersContract } from "../support/counters-contract.ts";
import { Clock, kvContract } from "../support/kv-contract.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-sqlite-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const file = () => join(folder, `${files++}`, "sluice.db");

/** Closes the file with the store. */
const closing = <T>(store: T, { database }: ReturnType<typeof openSqlite>): T => ({
  ...store,
  close: () => database.dispose(),
});

kvContract("SQLite", {
  open({ now }) {
    const opened = openSqlite(file());
    return closing(sqlKV(opened.database, { now }), opened);
  },
});

countersContract("SQLite", {
  open() {
    const opened = openSqlite(file());
    return closing(sqlCounters(opened.sql), opened);
  },
});

describe("SQLite", () => {
  const minute = { slots: 1, slotMs: 60_000 };

  it("has what was written when the file is opened again", async () => {
    const path = file();
    const first = openSqlite(path);
    await sqlKV(first.database).set("a", { b: 1 });
    await sqlCounters(first.sql).add("budget", 2.5, minute, 10, 60_000);
    await first.database.dispose();
    const second = openSqlite(path);
    assert.deepEqual(await sqlKV(second.database).get("a"), { b: 1 });
    const { total } = await sqlCounters(second.sql).add("budget", 0, minute, 10, 60_000);
    assert.equal(total, 2.5);
    await second.database.dispose();
  });

  it("keeps keys and cache apart", async () => {
    const { database, sql } = openSqlite(":memory:");
    await sqlKV(database).set("a", 1);
    assert.equal(await sqlCache(sql).get("a"), undefined);
    await database.dispose();
  });

  it("removes what has expired from the file", async () => {
    const { database, sql } = openSqlite(":memory:");
    const clock = new Clock();
    const kv = sqlKV(database, { now: clock.now });
    const cache = sqlCache(sql, { now: clock.now });
    const counters = sqlCounters(sql);
    for (let i = 0; i < 50; i++) {
      await kv.set(`k:${i}`, i, 60);
      await cache.set(`k:${i}`, i, 60);
    }
    await counters.add("a", 1, minute, 10, clock.at);
    clock.pass(10 * 60_000);
    await kv.set("k:last", 1);
    await cache.set("k:last", 1);
    await counters.add("b", 1, minute, 10, clock.at);
    for (const table of ["kv_keys", "answers"]) {
      const keys = sql.rows(`SELECT key FROM ${table}`).map(({ key }) => key);
      assert.deepEqual(keys, ["k:last"]);
    }
    assert.equal(sql.rows("SELECT * FROM counts").length, 1);
    await database.dispose();
  });

  it("makes room for what is new in a cache that is full", async () => {
    const { database, sql } = openSqlite(":memory:");
    const kv = sqlCache(sql, { maxBytes: 1_000_000 });
    for (let i = 0; i < 2000; i++) {
      await kv.setBytes(`k:${i}`, new Uint8Array(5000));
      if (i % 2 === 0) await kv.set(`k:${i}`, "x".repeat(1000));
      if (i % 10 === 0) await kv.delete(`k:${i}`);
    }
    const [{ bytes } = {}] = sql.rows("SELECT bytes FROM answers_state");
    const [{ sum } = {}] = sql.rows("SELECT SUM(octet_length(value)) AS sum FROM answers");
    assert.equal(bytes, sum);
    assert.ok(Number(bytes) < 1_100_000, `${bytes}`);
    assert.equal((await kv.getBytes("k:1999"))?.length, 5000);
    assert.equal(await kv.getBytes("k:1"), undefined);
    await database.dispose();
  });

  it("finds keys by index", async () => {
    const { database, sql } = openSqlite(":memory:");
    const plan = sql.rows(
      "EXPLAIN QUERY PLAN SELECT key FROM kv_keys WHERE key >= 'a:' AND key < 'a;' AND expires > 1",
    );
    assert.match(String(plan[0]?.["detail"]), /SEARCH .* USING .*INDEX/);
    await database.dispose();
  });

  it("undoes a transaction that fails, and goes on", async () => {
    const { database, sql } = openSqlite(":memory:");
    const kv = sqlKV(database);
    assert.throws(() =>
      sql.transaction(() => {
        sql.rows("INSERT INTO kv_keys (key, value) VALUES ('a', '1')");
        throw new Error("stop");
      }), /stop/);
    assert.equal(await kv.get("a"), undefined);
    await kv.set("a", 2);
    assert.equal(await kv.get("a"), 2);
    await database.dispose();
  });

  it("says that the disk is full, and works again when there is room", async () => {
    const opened = openSqlite(file());
    const kv = sqlKV(opened.database);
    const counters = sqlCounters(opened.sql);
    await kv.set("before", 1);
    const [{ page_count: pages } = {}] = opened.sql.rows("PRAGMA page_count");
    opened.sql.rows(`PRAGMA max_page_count = ${pages}`);
    await assert.rejects(kv.setBytes("large", new Uint8Array(100_000)), /full/);
    await assert.rejects(async () => {
      for (let i = 0; i < 1000; i++) await counters.add(`c:${i}`, 1, minute, 1, 0);
    }, /full/);
    assert.equal(await kv.get("before"), 1);
    opened.sql.rows("PRAGMA max_page_count = 100000");
    await kv.setBytes("large", new Uint8Array(100_000));
    assert.equal((await counters.add("after", 1, minute, 1, 0)).added, true);
    await opened.database.dispose();
  });

  it("is for its owner only", async () => {
    const path = file();
    const { database } = openSqlite(path);
    await sqlKV(database).set("a", 1);
    assert.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
    for (const name of [path, `${path}-wal`]) assert.equal(statSync(name).mode & 0o777, 0o600);
    await database.dispose();
  });

  it("refuses a file that is no database, and one of a newer version", async () => {
    const path = file();
    const { database, sql } = openSqlite(path);
    sql.rows("PRAGMA user_version = 99");
    await database.dispose();
    assert.throws(() => openSqlite(path), /99/);
    const text = join(folder, "text.db");
    writeFileSync(text, "This is not a database, but long enough to look like one".repeat(20));
    assert.throws(() => openSqlite(text), /not a database/);
    assert.throws(() => openSqlite("/dev/null/sluice.db"), /ENOTDIR|EEXIST|not a directory/i);
  });
});
