// Answers in SQLite: what the contract of a KV does not say.
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Directory, hashOf } from "../../core/storage/directory.ts";
import type { KV } from "../../core/storage/ports.ts";
import { sqlCache, type SqlCacheOptions } from "../../core/storage/sql-cache.ts";
import { openSqlite } from "../../runtimes/sqlite.ts";
import { kvContract } from "../support/kv-contract.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-sqlite-cache-"));
const opened: ReturnType<typeof openSqlite>[] = [];
after(async () => {
  for (const { database } of opened) await database.dispose();
  rmSync(folder, { recursive: true, force: true });
});
let files = 0;
const file = () => join(folder, `${files++}`, "sluice.db");

/** A connection of its own, as another process has. */
function open(path: string, options: SqlCacheOptions = {}) {
  const one = openSqlite(path);
  opened.push(one);
  return { kv: sqlCache(one.sql, options), sql: one.sql };
}

const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
const bytes = (value: string) => new TextEncoder().encode(value);

kvContract("SQLite, answers", { open: ({ now }) => open(file(), { now }).kv });

/** What processes see of each other does not depend on time but for a moment. */
async function eventually(look: () => Promise<unknown>, expected: unknown): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await look() === expected) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(await look(), expected);
}

describe("answers in SQLite", () => {
  it("are there when the file is opened again, however many", async () => {
    const path = file();
    const first = open(path);
    const count = 12_000;
    await Promise.all(
      Array.from({ length: count }, (_, i) => first.kv.setBytes(`k:${i}`, bytes(`${i}`), 60)),
    );
    await first.kv.setBytes("k:7", bytes("anew"));
    await first.kv.delete("k:8");
    const second = open(path);
    const found = await Promise.all(
      ["k:0", "k:7", "k:8", `k:${count - 1}`, "k:none"].map((key) => second.kv.getBytes(key)),
    );
    assert.deepEqual(found.map(text), ["0", "anew", undefined, `${count - 1}`, undefined]);
    assert.equal((await second.kv.keys("k:")).length, count - 1);
  });

  it("of another process are found, also written over, deleted and with others between", async () => {
    const path = file();
    const [a, b] = [open(path), open(path)];
    const seen = (kv: KV, key: string) => async () => text(await kv.getBytes(key));
    assert.equal(await seen(b.kv, "k:1")(), undefined);
    await a.kv.setBytes("k:1", bytes("one"));
    await eventually(seen(b.kv, "k:1"), "one");
    for (let i = 0; i < 20; i++) {
      const [one, other] = i % 2 === 0 ? [a, b] : [b, a];
      await one.kv.setBytes("k:1", bytes(`over ${i}`));
      assert.equal(await seen(other.kv, "k:1")(), `over ${i}`, "at once, as what it was is gone");
    }
    await b.kv.delete("k:1");
    assert.equal(await seen(a.kv, "k:1")(), undefined);
    await Promise.all(
      [a, b].flatMap(({ kv }, n) =>
        Array.from({ length: 50 }, (_, i) => kv.setBytes(`k:${n}:${i}`, bytes(`${n} ${i}`)))
      ),
    );
    await eventually(seen(a.kv, "k:1:49"), "1 49");
    await eventually(seen(b.kv, "k:0:49"), "0 49");
    assert.equal(a.sql.rows("SELECT id FROM answers").length, 100);
  });

  it("are as many bytes as their table says", async () => {
    const path = file();
    const both = [open(path), open(path)];
    for (let i = 0; i < 200; i++) {
      const { kv } = both[i % 2]!;
      await Promise.all([
        kv.setBytes(`k:${i % 30}`, new Uint8Array(i)),
        kv.set(`j:${i % 7}`, "ä".repeat(i), i % 3),
        kv.delete(`k:${i % 11}`),
      ]);
    }
    const [{ bytes } = {}] = both[0]!.sql.rows("SELECT bytes FROM answers_state");
    const [{ sum } = {}] = both[1]!.sql.rows(
      "SELECT TOTAL(octet_length(value)) AS sum FROM answers",
    );
    assert.equal(bytes, sum);
  });

  it("are no more than there may be, the latest", async () => {
    const { kv, sql } = open(file(), { maxRows: 1000 });
    for (let i = 0; i < 50; i++) {
      await Promise.all(
        Array.from({ length: 100 }, (_, n) => kv.setBytes(`k:${i * 100 + n}`, bytes("x"))),
      );
    }
    const [{ count } = {}] = sql.rows("SELECT COUNT(*) AS count FROM answers");
    assert.ok(Number(count) <= 1000 && Number(count) >= 900, `${count}`);
    assert.equal(text(await kv.getBytes("k:4999")), "x");
    assert.equal(await kv.getBytes("k:3000"), undefined);
  });

  it("are not written where the disk is full, and are when there is room", async () => {
    const { kv, sql } = open(file());
    await kv.setBytes("k:before", bytes("before"));
    const [{ page_count: pages } = {}] = sql.rows("PRAGMA page_count");
    sql.rows(`PRAGMA max_page_count = ${pages}`);
    const both = await Promise.allSettled([
      kv.setBytes("k:before", bytes("after")),
      kv.setBytes("k:large", new Uint8Array(100_000)),
    ]);
    assert.deepEqual(both.map(({ status }) => status), ["rejected", "rejected"]);
    assert.equal(text(await kv.getBytes("k:before")), "before");
    assert.equal(await kv.getBytes("k:large"), undefined);
    sql.rows("PRAGMA max_page_count = 100000");
    await kv.setBytes("k:large", new Uint8Array(100_000));
    assert.equal((await kv.getBytes("k:large"))?.length, 100_000);
  });

  it("are stored together, all or none", async () => {
    const { kv } = open(file());
    const value = bytes("x");
    await kv.setBytesOfAll!([{ key: "k:a", value, ttl: 60 }, { key: "k:b", value, ttl: 60 }]);
    assert.deepEqual((await kv.keys("k:")).sort(), ["k:a", "k:b"]);
    for (const wrong of [{ key: "K", value, ttl: 60 }, { key: "k:d", value, ttl: NaN }]) {
      await assert.rejects(kv.setBytesOfAll!([{ key: "k:c", value, ttl: 60 }, wrong]), TypeError);
    }
    await kv.setBytesOfAll!([]);
    assert.equal(await kv.getBytes("k:c"), undefined);
    assert.equal(text(await kv.getBytes("k:b")), "x");
  });

  it("surely lack only what is not there", async () => {
    const path = file();
    const [a, b] = [open(path), open(path)];
    assert.equal(a.kv.lacks!("k:a"), true);
    const set = a.kv.set("k:a", 1);
    assert.equal(a.kv.lacks!("k:a"), false, "it is on its way");
    await set;
    assert.equal(a.kv.lacks!("k:a"), false);
    assert.equal(a.kv.lacks!("k:b"), true);
    await eventually(() => Promise.resolve(b.kv.lacks!("k:a")), false);
    await a.kv.delete("k:a");
    assert.equal(a.kv.lacks!("k:a"), true);
  });

  it("of one turn: the last one of a key counts", async () => {
    const { kv } = open(file());
    await Promise.all([kv.set("k:a", 1), kv.set("k:a", 2), kv.delete("k:b"), kv.set("k:b", 3)]);
    assert.deepEqual([await kv.get("k:a"), await kv.get("k:b")], [2, 3]);
    const [, found] = await Promise.all([kv.set("k:a", 4), kv.get("k:a"), kv.delete("k:a")]);
    assert.equal(found, 4);
    assert.equal(await kv.get("k:a"), undefined);
  });
});

describe("a directory", () => {
  it("knows the latest row of each key, through growth, deletion and expiry", () => {
    const directory = new Directory();
    const known = new Map<string, number>();
    let seed = 1;
    const random = (most: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor(seed / 2_147_483_648 * most);
    };
    for (let id = 1; id <= 50_000; id++) {
      const key = `k:${random(8000)}`;
      const old = known.get(key);
      if (old !== undefined && random(3) === 0) {
        directory.delete(hashOf(key), old);
        known.delete(key);
        continue;
      }
      const isShort = random(2) === 0;
      directory.set(hashOf(key), id, isShort ? id : Infinity, id);
      if (isShort) known.delete(key); // may be there, or may not
      else known.set(key, id);
    }
    for (const [key, id] of known) assert.equal(directory.get(hashOf(key)), id);
    assert.equal(directory.get(hashOf("k:other")), undefined);
    const [first] = [...known.values()].sort((a, b) => a - b);
    directory.floor = first!;
    for (const [key, id] of known) {
      assert.equal(directory.get(hashOf(key)), id === first ? undefined : id);
    }
  });

  it("has no two of many keys in one place", () => {
    const hashes = new Set(Array.from({ length: 200_000 }, (_, i) => hashOf(`a:default:x:${i}`)));
    assert.equal(hashes.size, 200_000);
  });
});
