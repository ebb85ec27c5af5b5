// Which stores a configuration and an environment lead to.
import { strict as assert } from "node:assert";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import memoryDriver from "unstorage/drivers/memory";
import { ConfigError } from "../../core/config/config.ts";
import { memoryCounters, memoryKV } from "../../core/storage/memory.ts";
import type { Stores } from "../../core/storage/ports.ts";
import { openSqlite } from "../../runtimes/sqlite.ts";
import { openStores } from "../../runtimes/stores.ts";
import { freePort } from "../support/redis.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-stores-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let folders = 0;
const fresh = () => join(folder, `${folders++}`);

interface Opened {
  stores: Stores;
  drivers: string[];
  reports: string[];
  close(): Promise<void>;
}

async function open(
  env: Record<string, string>,
  storage?: Record<string, unknown>,
): Promise<Opened> {
  const reports: string[] = [];
  const stores = await openStores({
    env,
    config: { storage },
    report: (message) => reports.push(message),
  });
  return {
    stores,
    drivers: [stores.keys, stores.cache, stores.counters, stores.logs].map(({ driver }) => driver),
    reports,
    async close() {
      for (const store of Object.values(stores)) await store.close();
    },
  };
}

/** The one problem of stores that cannot be used as configured. */
async function problems(
  env: Record<string, string>,
  storage?: Record<string, unknown>,
): Promise<ConfigError> {
  const error: unknown = await open({ SLUICE_DATA: "memory", ...env }, storage).then(
    ({ close }) => close(),
    (reason) => reason,
  );
  assert.ok(error instanceof ConfigError, `It opened, or broke: ${error}`);
  return error;
}

const memory = { SLUICE_DATA: "memory" };
const span = { slots: 1, slotMs: 60_000 };

describe("openStores", () => {
  it("keeps the log in one SQLite file and all else in another", async () => {
    const data = fresh();
    const opened = await open({ SLUICE_DATA: data });
    assert.deepEqual(opened.drivers, ["sqlite", "sqlite", "sqlite", "sqlite"]);
    assert.equal(opened.stores.counters.shared, true);
    assert.deepEqual(opened.reports, []);
    await opened.stores.keys.set("a", 1);
    await opened.close();
    assert.ok(existsSync(join(data, "sluice.db")));
    assert.ok(existsSync(join(data, "sluice-logs.db")));
    const again = await open({ SLUICE_DATA: data });
    assert.equal(await again.stores.keys.get("a"), 1);
    assert.equal(await again.stores.cache.get("a"), undefined);
    await again.close();
  });

  it("keeps all of it in memory when it is told to", async () => {
    const { drivers, reports, stores, close } = await open(memory);
    assert.deepEqual(drivers, ["memory", "memory", "memory", "memory"]);
    assert.deepEqual(reports, []);
    // No number of keys makes one of them go.
    for (let i = 0; i < 2000; i++) await stores.keys.set(`k:${i}`, "x".repeat(40_000));
    assert.equal((await stores.keys.keys("k:")).length, 2000);
    await close();
  });

  it("holds a file open until the last store on it is closed", async () => {
    const { stores } = await open({ SLUICE_DATA: fresh() });
    await stores.keys.close();
    await stores.keys.close();
    await stores.counters.close();
    await stores.logs.close();
    await stores.cache.set("a", 1);
    await stores.cache.close();
    await assert.rejects(stores.cache.get("a"));
  });

  it("starts without a Redis that is away, and says so once", async () => {
    const url = `redis://user:secret@127.0.0.1:${await freePort()}`;
    const { drivers, reports, stores, close } = await open({ ...memory, REDIS_URL: url });
    assert.deepEqual(drivers, ["redis", "redis", "redis", "memory"]);
    assert.equal(reports.length, 1);
    assert.match(reports[0]!, /Redis at 127\.0\.0\.1:\d+ is away \(ECONNREFUSED\)/);
    assert.doesNotMatch(reports[0]!, /secret/);
    await assert.rejects(stores.keys.get("a"), { code: "ECONNREFUSED" });
    await close();
  });

  it("starts without a PostgreSQL that is away, and says so once", async () => {
    const url = `postgres://user:secret@127.0.0.1:${await freePort()}/logs`;
    const { drivers, reports, stores, close } = await open({ ...memory, DATABASE_URL: url });
    assert.deepEqual(drivers, ["memory", "memory", "memory", "postgresql"]);
    assert.equal(reports.length, 1);
    assert.match(reports[0]!, /PostgreSQL at 127\.0\.0\.1:\d+ is away \(ECONNREFUSED\)/);
    assert.doesNotMatch(reports[0]!, /secret/);
    await assert.rejects(stores.logs.count({}));
    await close();
  });

  it("takes a use from the configuration, and the rest from the environment", async () => {
    const { drivers, close } = await open({ SLUICE_DATA: fresh() }, {
      cache: { driver: "memory", max_bytes: 1000 },
      logs: { driver: "sqlite", path: join(fresh(), "logs.db") },
    });
    assert.deepEqual(drivers, ["sqlite", "memory", "sqlite", "sqlite"]);
    await close();
  });

  it("takes any driver of unstorage by name", async () => {
    const base = fresh();
    const { drivers, reports, stores, close } = await open(memory, {
      keys: { driver: "fs", base },
      cache: { driver: "fs-lite", base },
    });
    assert.deepEqual(drivers, ["fs", "fs-lite", "memory", "memory"]);
    assert.deepEqual(reports, []);
    await stores.keys.set("a:b", { c: "1" });
    assert.deepEqual(await stores.keys.get("a:b"), { c: "1" });
    await stores.cache.setBytes("a:b", Uint8Array.of(0, 255));
    assert.deepEqual([...(await stores.cache.getBytes("a:b"))!], [0, 255]);
    assert.deepEqual(await stores.cache.keys("a:"), ["a:b"]);
    await close();
  });

  it("counts in memory where a driver cannot count, and says what that means", async () => {
    const { stores, reports, close } = await open(memory, {
      counters: { driver: "fs-lite", base: fresh() },
    });
    assert.equal(stores.counters.driver, "memory");
    assert.equal(stores.counters.shared, false);
    assert.equal(reports.length, 1);
    assert.match(reports[0]!, /'fs-lite' cannot count.*each process/);
    assert.equal((await stores.counters.add("a", 1, span, 1, 0)).added, true);
    await close();
  });

  it("takes drivers and stores that were made in code", async () => {
    const driver = memoryDriver();
    const counters = memoryCounters();
    const own = { ...memoryKV(), driver: "mine" };
    const { drivers, stores, close } = await open(memory, {
      keys: { driver },
      cache: own,
      counters,
    });
    assert.deepEqual(drivers, ["memory", "mine", "memory", "memory"]);
    assert.equal(stores.cache, own);
    assert.equal(stores.counters, counters);
    await stores.keys.set("a", 1);
    assert.match(String(driver.getItem("sluice:keys:a")), /1$/);
    await close();
  });

  it("names a driver that there is when it is given one that there is not", async () => {
    const { message } = await problems({}, { cache: { driver: "rediss" } });
    assert.match(message, /storage\.cache\.driver: found 'rediss'.*did you mean 'redis'/);
    for (const driver of ["__proto__", "constructor", "../x", "toString"]) {
      assert.match((await problems({}, { cache: { driver } })).message, /storage\.cache\.driver/);
    }
  });

  it("refuses uses, options and places that there are not", async () => {
    const cases: [Record<string, unknown>, RegExp][] = [
      [{ key: { driver: "memory" } }, /storage\.key: found an unknown key.*'keys'/],
      [
        { cache: { driver: "sqlite", pth: "x" } },
        /storage\.cache\.pth: found an unknown key.*path/,
      ],
      [
        { cache: { driver: "memory", max_bytes: "1" } },
        /max_bytes: found string, expected a number/,
      ],
      [{ logs: { driver: "redis", url: "redis://127.0.0.1:1" } }, /storage\.logs\.driver.*'redis'/],
      [
        { cache: { driver: "postgresql", url: "postgres://127.0.0.1:1/a" } },
        /storage\.cache\.driver/,
      ],
      [{ cache: { driver: "fs" } }, /storage\.cache.*'fs'.*base/],
      [{ cache: { driver: "mongodb" } }, /storage\.cache.*'mongodb'.*cannot be used/],
      [{ cache: {} }, /storage\.cache\.driver/],
    ];
    for (const [storage, expected] of cases) {
      assert.match((await problems({}, storage)).message, expected);
    }
  });

  it("never shows what may hold a password", async () => {
    for (const url of ["http://u:secret@h", "secret", "redis://:secret@", "redis//u:secret@h"]) {
      const redis = await problems({ REDIS_URL: url });
      assert.match(redis.message, /REDIS_URL: found something else, expected a URL/);
      const postgres = await problems({ DATABASE_URL: url });
      assert.match(postgres.message, /DATABASE_URL: found something else, expected a URL/);
      const cache = await problems({}, { cache: { driver: "redis", url } });
      assert.match(cache.message, /storage\.cache/);
      for (const { message } of [redis, postgres, cache]) assert.doesNotMatch(message, /secret/);
    }
  });

  it("tells all problems at once, each once", async () => {
    const error = await problems({ REDIS_URL: "x", DATABASE_URL: "y" }, { keys: { driver: "z" } });
    const paths = error.problems.map(({ path }) => path);
    assert.deepEqual(paths, ["storage.keys.driver", "REDIS_URL", "DATABASE_URL"]);
  });

  it("refuses a folder that cannot be one, and says where", async () => {
    const file = fresh();
    writeFileSync(file, "");
    const { message } = await problems({ SLUICE_DATA: join(file, "data") });
    assert.match(message, /SLUICE_DATA: found '.*sluice\.db', which cannot be used/);
  });

  it("refuses a file that is broken or of a newer version, and leaves it as it is", async () => {
    const broken = fresh();
    mkdirSync(broken);
    writeFileSync(join(broken, "sluice.db"), "no database ".repeat(1000));
    assert.match((await problems({ SLUICE_DATA: broken })).message, /SLUICE_DATA.*not a database/);

    const newer = fresh();
    const { database, sql } = openSqlite(join(newer, "sluice.db"));
    sql.rows("PRAGMA user_version = 99");
    await database.dispose();
    assert.match((await problems({ SLUICE_DATA: newer })).message, /SLUICE_DATA.*version 99/);

    const newerLogs = fresh();
    const first = await open({ SLUICE_DATA: newerLogs });
    await first.close();
    const file = openSqlite(join(newerLogs, "sluice-logs.db"));
    file.sql.rows("UPDATE sluice_schema SET version = 98");
    await file.database.dispose();
    assert.match((await problems({ SLUICE_DATA: newerLogs })).message, /SLUICE_DATA.*98/);
  });
});
