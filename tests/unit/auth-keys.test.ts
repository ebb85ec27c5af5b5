/** Virtual keys in their store: what is kept, what is remembered, and for how long. */
import { strict as assert } from "node:assert";
import { beforeEach, describe, it } from "node:test";
import { isGatewayError } from "../../core/error.ts";
import { memoryKV } from "../../core/storage/memory.ts";
import { digestKey, type KV } from "../../core/storage/ports.ts";
import { type KeyRecord, VirtualKeys } from "../../core/auth/virtual-keys.ts";

let at = 0;
const now = () => at;

/** A store that counts and can be away. */
function watched() {
  const kv = memoryKV({ now });
  const seen = { gets: 0, away: false, stored: [] as string[] };
  const store: KV = {
    ...kv,
    get(key) {
      seen.gets++;
      return seen.away ? Promise.reject(new Error("away")) : kv.get(key);
    },
    set(key, value, ttl) {
      seen.stored.push(key, JSON.stringify(value));
      return kv.set(key, value, ttl);
    },
  };
  return { store, seen };
}

async function unavailable(work: () => unknown): Promise<void> {
  await assert.rejects(async () => await work(), (error) => {
    assert.ok(isGatewayError(error));
    assert.equal(error.status, 503);
    assert.equal(error.code, 8013);
    assert.equal(error.headers["retry-after"], "1");
    return true;
  });
}

describe("virtual keys", () => {
  beforeEach(() => {
    at = Date.parse("2026-01-02T03:04:05Z");
  });

  it("shows a key once, and stores nothing of it but its hash", async () => {
    const { store, seen } = watched();
    const keys = new VirtualKeys({ kv: store, now });
    const { key, record } = await keys.create("default", { name: "ci", metadata: { team: "a" } });
    assert.match(key, /^sl-[A-Za-z0-9]{43}$/);
    assert.equal(record.preview, `${key.slice(0, 5)}…${key.slice(-4)}`);
    assert.match(record.id, /^[0-9a-f-]{36}$/);
    assert.equal(record.created_at, "2026-01-02T03:04:05.000Z");
    const all = seen.stored.join("\n");
    assert.ok(!all.includes(key.slice(5, -4)), "The store holds the key");
    assert.ok(all.includes(await digestKey(key)));
    const listed = await keys.list("default");
    assert.deepEqual(listed, [{ ...record, last_used_at: null }]);
    assert.ok(!JSON.stringify(listed).includes(key.slice(5, -4)));
    const other = await keys.create("default", { name: "ci" });
    assert.notEqual(other.key, key);
  });

  it("lists the newest first, each gateway its own", async () => {
    const keys = new VirtualKeys({ kv: memoryKV({ now }), now });
    for (const name of ["a", "b", "c"]) {
      await keys.create("one", { name });
      at += 1000;
    }
    const { record } = await keys.create("two", { name: "d" });
    assert.deepEqual((await keys.list("one")).map(({ name }) => name), ["c", "b", "a"]);
    assert.equal(await keys.get("one", record.id), undefined);
    assert.equal((await keys.get("two", record.id))?.name, "d");
    assert.equal(await keys.delete("one", record.id), false);
    assert.equal(await keys.update("one", record.id, { name: "x" }), undefined);
  });

  for (const id of ["", "..", "a:b", "../../x", "x".repeat(5000), "vkey:1"]) {
    it(`knows no key with the id '${id.slice(0, 10)}'`, async () => {
      const keys = new VirtualKeys({ kv: memoryKV({ now }), now });
      assert.equal(await keys.get("default", id), undefined);
      assert.equal(await keys.delete("default", id), false);
    });
  }

  it("finds a key from memory once it has been asked for", async () => {
    const { store, seen } = watched();
    const keys = new VirtualKeys({ kv: store, now });
    const { key, record } = await keys.create("default", { name: "ci" });
    const first = keys.find(key);
    assert.ok(first instanceof Promise);
    assert.deepEqual(await first, record);
    const before = seen.gets;
    const again = keys.find(key);
    assert.ok(!(again instanceof Promise));
    assert.equal(again, await first);
    assert.equal(seen.gets, before);
  });

  it("asks again behind the request's back after 2 s, and keeps the same record", async () => {
    const { store, seen } = watched();
    const keys = new VirtualKeys({ kv: store, now });
    const { key } = await keys.create("default", { name: "ci" });
    const first = await keys.find(key);
    at += 2500;
    const work: Promise<unknown>[] = [];
    const before = seen.gets;
    const ask = () => keys.find(key, "default", (each) => work.push(each));
    assert.equal(ask(), first);
    assert.equal(ask(), first);
    assert.equal(work.length, 1, "One look for all requests");
    await Promise.all(work);
    assert.equal(seen.gets, before + 1);
    at += 1500; // 4 s after the first answer, 1.5 s after the second
    assert.equal(ask(), first);
    assert.equal(seen.gets, before + 1);
  });

  it("takes a change of its own at once", async () => {
    const keys = new VirtualKeys({ kv: memoryKV({ now }), now });
    const { key, record: { id } } = await keys.create("default", { name: "ci", providers: ["x"] });
    assert.equal((await keys.find(key))?.enabled, true);
    const changed = await keys.update("default", id, { enabled: false, providers: null });
    assert.equal(changed?.enabled, false);
    assert.ok(!("providers" in changed!));
    assert.equal((await keys.find(key))?.enabled, false);
    assert.equal(await keys.delete("default", id), true);
    assert.equal(await keys.find(key), undefined);
    assert.deepEqual(await keys.list("default"), []);
    assert.equal(await keys.delete("default", id), false);
  });

  it("takes a change of another process within 5 s", async () => {
    const kv = memoryKV({ now });
    const [here, there] = [new VirtualKeys({ kv, now }), new VirtualKeys({ kv, now })];
    const { key, record } = await here.create("default", { name: "ci" });
    assert.ok(await there.find(key));
    await here.delete("default", record.id);
    at += 5000;
    assert.equal(await there.find(key), undefined);
  });

  it("does not take an answer from before a change of its own", async () => {
    const kv = memoryKV({ now });
    let hold: Promise<void> | undefined;
    let asked = () => {};
    const slow: KV = {
      ...kv,
      async get(key) {
        const value = await kv.get(key);
        const wait = hold;
        hold = undefined;
        if (wait) asked();
        await wait;
        return value;
      },
    };
    const keys = new VirtualKeys({ kv: slow, now });
    const { key, record } = await keys.create("default", { name: "ci" });
    const { promise, resolve } = Promise.withResolvers<void>();
    const started = new Promise<void>((done) => asked = done);
    hold = promise;
    const late = keys.find(key);
    await started;
    await keys.delete("default", record.id);
    resolve();
    assert.equal(await late, undefined);
    assert.equal(await keys.find(key), undefined);
  });

  it("keeps keys of the last 60 s while the store is away, and then lets nobody in", async () => {
    const { store, seen } = watched();
    const keys = new VirtualKeys({ kv: store, now });
    const { key } = await keys.create("default", { name: "ci" });
    const unseen = await keys.create("default", { name: "unseen" });
    assert.ok(await keys.find(key));
    seen.away = true;
    at += 10_000;
    assert.ok(await keys.find(key));
    const asked = seen.gets;
    assert.ok(await keys.find(key), "No request of the next second waits for the store");
    assert.equal(seen.gets, asked);
    await unavailable(() => keys.find(unseen.key));
    at += 49_000;
    assert.ok(await keys.find(key));
    at += 2_000;
    await unavailable(() => keys.find(key));
    seen.away = false;
    at += 1_000;
    assert.ok(await keys.find(key));
  });

  it("remembers what is no key for 2 s, and a bounded number of those", async () => {
    const { store, seen } = watched();
    const keys = new VirtualKeys({ kv: store, now });
    assert.equal(await keys.find("sl-nobody"), undefined);
    assert.equal(seen.gets, 1);
    assert.equal(keys.find("sl-nobody"), undefined);
    assert.equal(seen.gets, 1);
    for (let i = 0; i < 10_001; i++) await keys.find(`sl-guess-${i}`);
    const before = seen.gets;
    await keys.find("sl-nobody");
    assert.equal(seen.gets, before + 1, "It was forgotten for the sake of others");
    at += 2000;
    await keys.find("sl-guess-10000");
    assert.equal(seen.gets, before + 2);
  });

  it("asks the store for a bounded number of unknown keys at a time; known ones are not touched", async () => {
    const kv = memoryKV({ now });
    const { promise, resolve } = Promise.withResolvers<void>();
    let waiting = 0;
    let hang = false;
    const slow: KV = {
      ...kv,
      async get(key) {
        if (hang) {
          waiting++;
          await promise;
        }
        return kv.get(key);
      },
    };
    const keys = new VirtualKeys({ kv: slow, now });
    const { key } = await keys.create("default", { name: "ci" });
    assert.ok(await keys.find(key));
    hang = true;
    const asked = Array.from({ length: 2000 }, (_, i) => keys.find(`sl-guess-${i}`));
    const settled = Promise.allSettled(asked);
    assert.ok(!(keys.find(key) instanceof Promise));
    await unavailable(() => keys.find("sl-one-more"));
    resolve();
    const refused = (await settled).filter(({ status }) => status === "rejected").length;
    assert.ok(waiting <= 256, `${waiting} at a time`);
    assert.equal(refused, 2000 - waiting);
  });

  it("never asks a store for what cannot be a key", () => {
    const { store, seen } = watched();
    const keys = new VirtualKeys({ kv: store, now });
    assert.equal(keys.anyText, false);
    for (const text of ["sk-live-123", "", "x".repeat(100_000), "SL-abc", "__proto__"]) {
      assert.equal(keys.find(text), undefined);
    }
    assert.equal(seen.gets, 0);
  });

  it("knows keys of the configuration by hash, whatever they look like, with the store away", async () => {
    const { store, seen } = watched();
    seen.away = true;
    const record = (gateway: string): KeyRecord => ({
      id: `config.${gateway}.ci`,
      name: "ci",
      preview: "",
      enabled: true,
      expires_at: null,
      gateway,
      created_at: "",
      modified_at: "",
    });
    const text = "correct horse battery staple";
    const configured = new Map([[await digestKey(text), [record("a"), record("b")]]]);
    const keys = new VirtualKeys({ kv: store, now, configured });
    assert.equal(keys.anyText, true);
    assert.equal((await keys.find(text, "b"))?.gateway, "b");
    assert.equal((await keys.find(text, "a"))?.gateway, "a");
    assert.equal((await keys.find(text, "c"))?.gateway, "a");
    at += 3_600_000;
    assert.ok(!(keys.find(text, "a") instanceof Promise), "From memory for good");
    assert.equal(await keys.find("another text"), undefined);
    assert.equal(seen.gets, 0);
  });

  it("notes the last use once a minute", async () => {
    const { store, seen } = watched();
    const keys = new VirtualKeys({ kv: store, now });
    const { record } = await keys.create("default", { name: "ci" });
    const before = seen.stored.length;
    await keys.touch(record);
    assert.equal(keys.touch(record), undefined);
    assert.equal(seen.stored.length, before + 2);
    assert.equal((await keys.get("default", record.id))?.last_used_at, "2026-01-02T03:04:00.000Z");
    at += 60_000;
    await keys.touch(record);
    assert.equal((await keys.list("default"))[0]?.last_used_at, "2026-01-02T03:05:00.000Z");
  });

  it("keeps all of several changes made at once", async () => {
    const keys = new VirtualKeys({ kv: memoryKV({ now }), now });
    const { record: { id } } = await keys.create("default", { name: "ci" });
    await Promise.all([
      keys.update("default", id, { providers: ["openai"] }),
      keys.update("default", id, { models: ["gpt-*"] }),
      keys.update("default", id, { metadata: { a: 1 } }),
    ]);
    const { providers, models, metadata } = (await keys.get("default", id))!;
    assert.deepEqual({ providers, models, metadata }, {
      providers: ["openai"],
      models: ["gpt-*"],
      metadata: { a: 1 },
    });
  });

  it("takes nothing from a store that holds something else", async () => {
    const kv = memoryKV({ now });
    const keys = new VirtualKeys({ kv, now });
    for (const [i, value] of ["x", 1, null, [], {}, { id: 1, name: "a" }].entries()) {
      await kv.set(`vkey:${await digestKey(`sl-${i}`)}`, value as never);
      assert.equal(await keys.find(`sl-${i}`), undefined);
    }
  });
});
