/** Answers that have expired, and are better than none. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { log } from "../../mod.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";
import { memoryKV } from "../../core/storage/memory.ts";
import { caching, chat, json, prompt } from "./caching.ts";

const settings = (more: Record<string, number>) => ({
  gateways: { default: { cache_ttl: 60, ...more } },
});
const numbered = (n: number) => ({ ...chat, id: `chatcmpl-${n}` });
const idOf = (text: string) => JSON.parse(text).id;

describe("stale while revalidate", () => {
  it("gives the old answer while a new one is fetched, once", async () => {
    const renewed = Promise.withResolvers<void>();
    const { ask, clock, sent } = caching(
      settings({ cache_stale_while_revalidate: 30 }),
      async () => {
        const answer = json(numbered(sent.length));
        if (sent.length === 2) await renewed.promise;
        return answer;
      },
    );
    await ask();
    clock.now += 60_000;
    for (let i = 0; i < 5; i++) {
      const old = await ask();
      assert.deepEqual([old.cache, idOf(old.text)], ["STALE", "chatcmpl-1"]);
      assert.equal(old.response.headers.get("age"), "60");
    }
    assert.equal(sent.length, 2);
    renewed.resolve();
    for (let tries = 0; tries < 100; tries++) {
      const { cache, text } = await ask();
      if (cache === "STALE") continue;
      assert.deepEqual([cache, idOf(text), sent.length], ["HIT", "chatcmpl-2", 2]);
      return;
    }
    assert.fail("The new answer never came");
  });

  it("ends with its time", async () => {
    const { ask, clock, sent } = caching(settings({ cache_stale_while_revalidate: 30 }));
    await ask();
    clock.now += 90_000;
    assert.equal((await ask()).cache, "MISS");
    assert.equal(sent.length, 2);
  });

  it("keeps the old answer when there is no new one, and tries again", async () => {
    const { ask, clock, sent, gateway } = caching(
      settings({ cache_stale_while_revalidate: 3600 }),
      () => sent.length === 1 ? json(chat) : json({ error: { message: "no" } }, { status: 500 }),
    );
    await ask();
    clock.now += 60_000;
    for (let i = 0; i < 3; i++) {
      assert.equal((await ask()).cache, "STALE");
      while (sent.length < i + 2) await new Promise((done) => setTimeout(done, 1));
      await gateway.flush();
    }
  });

  it("takes the new answer of another process where there is one", async () => {
    const clock = { now: 1_750_000_000_000 };
    const kv = { ...memoryKV({ now: () => clock.now }), driver: "shared" };
    const options = { ...settings({ cache_stale_while_revalidate: 3600 }), kv, clock };
    const one = caching(options);
    const other = caching(options);
    await one.ask();
    await one.gateway.flush();
    assert.equal((await other.ask()).cache, "HIT");
    clock.now += 60_000;
    assert.equal((await one.ask()).cache, "STALE");
    while ((await one.ask()).cache === "STALE") await one.gateway.flush();
    await one.gateway.flush();
    while ((await other.ask()).cache === "STALE") await other.gateway.flush();
    assert.deepEqual([one.sent.length, other.sent.length], [2, 0]);
  });

  it("may be asked for by a request, for which it is kept", async () => {
    const { ask, clock } = caching(settings({}));
    const headers = { "cf-aig-cache-stale-while-revalidate": "30" };
    await ask(prompt, { headers });
    clock.now += 60_000;
    assert.equal((await ask(prompt, { headers: {} })).cache, "MISS");
    clock.now += 61_000;
    assert.equal((await ask(prompt, { headers })).cache, "MISS");
    clock.now += 60_000;
    assert.equal((await ask(prompt, { headers })).cache, "STALE");
  });

  it("has two rows in the log: one free, one paid, with ids of their own", async () => {
    const logs = memoryLogs();
    const { ask, clock, gateway } = caching({
      ...settings({ cache_stale_while_revalidate: 30 }),
      around: [log()],
      stores: { logs },
    });
    await ask();
    clock.now += 60_000;
    await ask();
    for (let tries = 0; tries < 100 && await logs.count({}) < 3; tries++) {
      await gateway.flush();
      await new Promise((done) => setTimeout(done, 1));
    }
    const rows = await logs.list({}, { offset: 0, limit: 9 });
    assert.deepEqual(rows.map(({ cached }) => cached).sort(), [false, false, true]);
    assert.equal(new Set(rows.map(({ id }) => id)).size, 3);
  });
});

describe("stale if error", () => {
  const failures: [string, () => Response][] = [
    ["a failure", () => json({ error: { message: "no" } }, { status: 500 })],
    ["overload", () => json({ error: { message: "no" } }, { status: 429 })],
    ["no connection", () => {
      throw new TypeError("fetch failed");
    }],
  ];
  for (const [what, fail] of failures) {
    it(`gives the old answer after ${what}`, async () => {
      const { ask, clock, sent } = caching(
        settings({ cache_stale_if_error: 3600 }),
        () => sent.length === 1 ? json(chat) : fail(),
      );
      const first = await ask();
      clock.now += 61_000;
      const old = await ask();
      assert.deepEqual([old.status, old.cache, old.text], [200, "STALE", first.text]);
      assert.equal(sent.length, 2);
      clock.now += 3_600_000;
      assert.ok((await ask()).status >= 429);
    });
  }

  it("gives it to all who wait", async () => {
    const { ask, clock, sent } = caching(settings({ cache_stale_if_error: 60 }), async () => {
      await Promise.resolve();
      return sent.length === 1 ? json(chat) : json({}, { status: 503 });
    });
    await ask();
    clock.now += 61_000;
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask()));
    assert.deepEqual(answers.map(({ cache }) => cache), Array(5).fill("STALE"));
    assert.equal(sent.length, 2);
  });

  it("does not hide that a request is bad", async () => {
    const { ask, clock, sent } = caching(
      settings({ cache_stale_if_error: 60 }),
      () => sent.length === 1 ? json(chat) : json({}, { status: 400 }),
    );
    await ask();
    clock.now += 61_000;
    assert.equal((await ask()).status, 400);
  });

  it("has a row for the failure and one for the old answer", async () => {
    const logs = memoryLogs();
    const { ask, clock, gateway, sent } = caching({
      ...settings({ cache_stale_if_error: 60 }),
      around: [log()],
      stores: { logs },
    }, () => sent.length === 1 ? json(chat) : json({}, { status: 500 }));
    await ask();
    clock.now += 61_000;
    const { response } = await ask();
    await gateway.flush();
    const rows = await logs.list({}, { offset: 0, limit: 9 });
    assert.deepEqual(rows.map(({ status_code, cached }) => [status_code, cached]).sort(), [
      [200, false],
      [200, true],
      [500, false],
    ]);
    const told = rows.find(({ id }) => id === response.headers.get("cf-aig-log-id"));
    assert.equal(told!.cached, true);
  });
});
