// Redis and PostgreSQL as stores: both fail and come back under load, and two gateways share them.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type FaultyUpstream, once, startFaults } from "../support/faults.ts";
import {
  type RunningGateway,
  type RuntimeName,
  runtimes,
  startGateway,
} from "../support/gateway.ts";
import {
  type Answer,
  askOnce,
  loadConfig,
  plain,
  providerKeys,
  startLoad,
} from "../support/load.ts";
import {
  adminToken,
  ask,
  healthOf,
  manage,
  metricOf,
  readRows,
  rowsOf,
  until,
} from "../support/logs.ts";
import { noPostgres, startPostgres, type TestPostgres } from "../support/postgres.ts";
import { noRedis, startRedis, type TestRedis } from "../support/redis.ts";

const configured = "sl-configured0key0of0the0outage0test012345";
/** Milliseconds within which an answer has not been waiting for a store, on a busy machine. */
const noticeable = 900;
/** Milliseconds that an answer may wait for a store that is asked about a stored key, and is silent. */
const patience = 3000;
/** Milliseconds in which a key that another process changed is as it is. */
const spread = 5500;

const skip = noRedis || noPostgres;

for (const runtime of runtimes) {
  // It has neither; its stores are the platform's.
  if (runtime === "workers") continue;
  describe(`${runtime} on Redis and PostgreSQL`, { skip }, () => {
    let upstream: FaultyUpstream;
    let redis: TestRedis;
    let postgres: TestPostgres;
    let gateway: RunningGateway;
    let second: RunningGateway;
    let number = 0;
    /** Numbers of requests that no other load uses. */
    const from = () => number += 100_000;

    const start = (name: RuntimeName) =>
      startGateway(name, {
        config: loadConfig(upstream.url, configured),
        env: {
          REDIS_URL: redis.url,
          DATABASE_URL: postgres.url,
          SLUICE_ADMIN_TOKEN: adminToken,
        },
      });
    const status = async (token: string, at = gateway) =>
      (await askOnce(at.url, token, from())).status;

    before(async () => {
      upstream = await startFaults(once(plain), providerKeys);
      [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
      gateway = await start(runtime);
      // Of another runtime, where there is one: they have the stores in common and nothing else.
      second = await start(
        runtimes.find((name) => name !== runtime && name !== "workers") ?? runtime,
      );
    }, { timeout: 120_000 });
    after(async () => {
      await Promise.all([gateway?.stop("SIGKILL"), second?.stop("SIGKILL")]);
      await Promise.all([upstream?.close(), redis?.close(), postgres?.close()]);
    });

    for (const how of ["killed", "frozen"] as const) {
      it(`both ${how} under load and back: nobody waits, no row is lost or doubled`, {
        timeout: 180_000,
      }, async (t) => {
        const { key } = await manage<{ key: string }>(gateway, "POST", "/virtual_keys", {
          name: `stored before they are ${how}`,
        });
        assert.equal(await status(key), 200);
        const loads = [[configured, 10], [key, 5]].map(([token, clients]) =>
          startLoad({
            url: gateway.url,
            token: token as string,
            from: from(),
            clients: clients as number,
            pause: 20,
          })
        );
        const answered = () => loads.every(({ answers }) => answers.length >= 100);
        await until("Answers before", answered);

        if (how === "killed") await Promise.all([redis.kill(), postgres.kill()]);
        else {
          redis.freeze();
          postgres.freeze();
        }
        const away = Date.now();
        // One that is silent counts as down once it has let calls wait for some time, and a log waits long.
        const down = how === "killed" ? ["keys", "logs"] as const : ["keys"] as const;
        await until("Stores that are down", async () => {
          const { stores } = await healthOf(gateway);
          return down.every((store) => !stores[store].up);
        }, 30_000);
        for (const store of down) {
          assert.equal(await metricOf(gateway, "sluice_store_up", `store="${store}"`), 0);
        }
        assert.ok((await healthOf(gateway)).log.rows_waiting > 0);
        // Nobody can tell whether it is good: that is no reason to call it bad.
        const strange = await askOnce(gateway.url, `sl-${"unknown".repeat(6)}`, from());
        assert.equal(strange.status, 503, strange.body);
        assert.ok(strange.took < 3000, `A refusal took ${strange.took} ms`);
        assert.equal((await ask(gateway, "POST", "/virtual_keys", { name: "x" })).status, 503);
        const later = Date.now();
        await until(
          "Answers in the meantime",
          () => loads.every(({ answers }) => answers.filter(({ at }) => at > later).length >= 100),
        );

        if (how === "killed") await Promise.all([redis.start(), postgres.start()]);
        else {
          redis.thaw();
          postgres.thaw();
        }
        const back = Date.now();
        await until("Stores that are up", async () => {
          const { stores: { keys, logs } } = await healthOf(gateway);
          return keys.up && logs.up;
        }, 30_000);
        assert.equal(await metricOf(gateway, "sluice_store_up", 'store="keys"'), 1);
        assert.equal(await metricOf(gateway, "sluice_store_up", 'store="logs"'), 1);
        await Promise.all(loads.map((load) => load.stop()));
        await until("Rows that waited", async () => {
          return (await healthOf(gateway)).log.rows_waiting === 0;
        }, 60_000);

        assert.equal(await status(key), 200);
        // It is left alone for a second after it failed.
        const refused = await until("A refusal", async () => {
          const answer = await askOnce(gateway.url, `sl-${"unknown".repeat(6)}`, from());
          return answer.status !== 503 && answer;
        }, 3000);
        assert.equal(refused.status, 401, refused.body);
        const answers = loads.flatMap(({ answers }) => answers);
        assert.deepEqual(answers.filter(({ status }) => status !== 200).slice(0, 5), []);
        const during = answers.filter(({ at }) => at >= away && at <= back);
        const [slowest, slowestStored] = loads.map((load) =>
          Math.round(Math.max(...load.answers.map(({ took }) => took)))
        );
        t.diagnostic(
          `${answers.length} answers, ${during.length} without stores in ${back - away} ms; ` +
            `the slowest in ${slowest} ms, with a stored key in ${slowestStored} ms`,
        );
        assert.ok(slowest! < noticeable, `An answer took ${slowest} ms`);
        assert.ok(slowestStored! < patience, `An answer took ${slowestStored} ms`);
        await assertOneRowEach(gateway, answers);
        assert.equal(await metricOf(gateway, "sluice_log_rows_shed_total"), 0);
      });
    }

    it("a key made through one gateway opens the other, and ends there within 5 s", async () => {
      const { key, id } = await manage<{ key: string; id: string }>(
        gateway,
        "POST",
        "/virtual_keys",
        { name: "shared" },
      );
      assert.equal(await status(key, second), 200);
      assert.equal(await status(key, gateway), 200);
      await manage(second, "PATCH", `/virtual_keys/${id}`, { enabled: false });
      await until("The end of the key", async () => await status(key, gateway) === 401, spread);
      await manage(second, "PATCH", `/virtual_keys/${id}`, { enabled: true });
      await until("Its return", async () => await status(key, gateway) === 200, spread);
      await manage(gateway, "DELETE", `/virtual_keys/${id}`);
      await until("The end of the key", async () => await status(key, second) === 401, spread);
      assert.equal(await status(key, gateway), 401);
    });

    it("rows of both are in one list", async () => {
      const answers = await Promise.all(
        [gateway, second].map(({ url }) => askOnce(url, configured, from())),
      );
      for (const reader of [gateway, second]) {
        for (const { event } of answers) assert.equal((await rowsOf(reader, event)).length, 1);
      }
    });

    it("a limit of requests holds across both, to the request", async () => {
      const { key } = await manage<{ key: string }>(gateway, "POST", "/virtual_keys", {
        name: "limited",
        limits: [{ limit: 50, window: 86_400, unit: "requests" }],
      });
      const first = from();
      const statuses = await Promise.all(
        Array.from({ length: 120 }, async (_, i) => {
          const { url } = i % 2 === 0 ? gateway : second;
          return (await askOnce(url, key, first + i)).status;
        }),
      );
      assert.equal(statuses.filter((status) => status === 200).length, 50);
      assert.equal(statuses.filter((status) => status === 429).length, 70);
    });

    it("a limit of tokens holds across both, to the request that crosses it", async () => {
      const first = from();
      const tokens = (n: number) => {
        const { input, output } = plain(n).told!;
        return input! + output!;
      };
      // The fifth request is the one that uses it up.
      const limit = [0, 1, 2, 3].reduce((sum, i) => sum + tokens(first + i), 0) + 1;
      const { key } = await manage<{ key: string }>(gateway, "POST", "/virtual_keys", {
        name: "limited",
        limits: [{ limit, window: 86_400, unit: "tokens" }],
      });
      const statuses: number[] = [];
      for (let i = 0; i < 7; i++) {
        const at = i % 2 === 0 ? gateway : second;
        const { status, event } = await askOnce(at.url, key, first + i);
        statuses.push(status);
        // Tokens are counted once the answer is over, as its row is written.
        if (status === 200) await rowsOf(at, event);
      }
      assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429]);
    });
  });
}

async function assertOneRowEach(gateway: RunningGateway, answers: readonly Answer[]) {
  const counts = new Map<string, number>();
  for (const { event_id } of await readRows(gateway)) {
    counts.set(event_id, (counts.get(event_id) ?? 0) + 1);
  }
  const wrong = answers.filter(({ event }) => counts.get(event) !== 1);
  assert.deepEqual(
    wrong.slice(0, 5).map(({ event, at }) => ({ event, at, rows: counts.get(event) ?? 0 })),
    [],
    `${wrong.length} of ${answers.length} answers do not have one row`,
  );
}
