// A gateway on one SQLite file that is killed, stopped, and shared: what was answered is not forgotten.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { within } from "../support/client.ts";
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
  type Load,
  loadConfig,
  plain,
  providerKeys,
  startLoad,
} from "../support/load.ts";
import { adminToken, healthOf, manage, readRows, type Row, until } from "../support/logs.ts";

const configured = "sl-configured0key0of0the0kill0test01234567";
/** Milliseconds before a kill whose rows may be lost. */
const lost = 1000;

for (const runtime of runtimes) {
  // What Workers keeps is the platform's.
  if (runtime === "workers") continue;
  describe(`${runtime} on SQLite`, () => {
    let upstream: FaultyUpstream;
    let folder: string;
    const running = new Set<RunningGateway>();

    before(async () => {
      upstream = await startFaults(once(plain), providerKeys);
    });
    after(async () => {
      for (const gateway of running) await gateway.stop("SIGKILL");
      await upstream.close();
    });

    const start = async (name: RuntimeName = runtime) => {
      const gateway = await startGateway(name, {
        config: loadConfig(upstream.url, configured),
        env: { SLUICE_DATA: folder, SLUICE_ADMIN_TOKEN: adminToken },
      });
      running.add(gateway);
      void gateway.exited.then(() => running.delete(gateway));
      return gateway;
    };
    const fresh = () => {
      folder = mkdtempSync(join(tmpdir(), "sluice-kill-"));
      return () => rmSync(folder, { recursive: true, force: true });
    };
    let number = 0;
    /** Numbers of requests that no other load uses. */
    const from = () => number += 100_000;

    it("killed twice under load, it has all keys, counts, and rows but those of the last second", {
      timeout: 120_000,
    }, async (t) => {
      const clean = fresh();
      try {
        let gateway = await start();
        const { key, id } = await manage<{ key: string; id: string }>(
          gateway,
          "POST",
          "/virtual_keys",
          { name: "stored" },
        );
        const limits = [{ limit: 50, window: 86_400, unit: "requests" }];
        const limited = await manage<{ key: string }>(gateway, "POST", "/virtual_keys", {
          name: "limited",
          limits,
        });
        assert.equal(await goodOnes(gateway, limited.key, from(), 20), 20);

        const answers: Answer[] = [];
        const kills: number[] = [];
        for (let kill = 0; kill < 2; kill++) {
          const loads = [configured, key].map((token) =>
            startLoad({ url: gateway.url, token, from: from(), clients: 10 })
          );
          await until("A thousand answers", () => count(loads) >= 1000, 30_000);
          await gateway.stop("SIGKILL");
          kills.push(Date.now());
          await Promise.all(loads.map((load) => load.stop()));
          answers.push(...loads.flatMap((load) => load.answers));
          gateway = await start();
          const { stores } = await healthOf(gateway);
          for (const store of Object.values(stores)) assert.equal(store.up, true);
        }
        // The key of the management API, the one of the configuration, and what was counted.
        for (const token of [configured, key]) {
          assert.equal((await askOnce(gateway.url, token, from())).status, 200);
        }
        assert.equal(
          (await manage<{ name: string }>(gateway, "GET", `/virtual_keys/${id}`)).name,
          "stored",
        );
        assert.equal(await goodOnes(gateway, limited.key, from(), 40), 30);

        const good = answers.filter(({ status }) => status === 200);
        assert.ok(good.length >= 2000);
        const rows = await readRows(gateway);
        const byEvent = Map.groupBy(rows, ({ event_id }) => event_id);
        assert.deepEqual([...byEvent].filter(([, rows]) => rows.length > 1), []);
        const missing = good.filter(({ event }) => !byEvent.has(event));
        const late = missing.filter(({ at }) =>
          !kills.some((kill) => at > kill - lost && at <= kill)
        );
        t.diagnostic(`${missing.length} rows of ${good.length} are lost, of two kills`);
        assert.deepEqual(late, [], `Rows that were older than ${lost} ms are lost`);
        assertFigures(rows, good);
        assert.equal(await gateway.stop("SIGTERM"), 0, gateway.output());
      } finally {
        clean();
      }
    });

    it("SIGTERM loses nothing", { timeout: 60_000 }, async () => {
      const clean = fresh();
      try {
        let gateway = await start();
        const load = startLoad({ url: gateway.url, token: configured, from: from(), clients: 20 });
        await until("A thousand answers", () => count([load]) >= 1000, 30_000);
        const code = await within(12_000, "The exit", gateway.stop("SIGTERM"));
        assert.equal(code, 0, gateway.output());
        await load.stop();
        gateway = await start();
        const rows = await readRows(gateway);
        const good = load.answers.filter(({ status }) => status === 200);
        const events = new Set(rows.map(({ event_id }) => event_id));
        assert.deepEqual(good.filter(({ event }) => !events.has(event)), []);
        assert.equal(events.size, rows.length);
        assertFigures(rows, good);
        await gateway.stop("SIGTERM");
      } finally {
        clean();
      }
    });

    // Of two runtimes, where there are two: they have a file in common and nothing else.
    const other = runtimes.find((name) => name !== runtime && name !== "workers") ?? runtime;
    it(`two processes have one file open at once (the other is ${other})`, {
      timeout: 120_000,
    }, async () => {
      const clean = fresh();
      try {
        const [a, b] = await Promise.all([start(), start(other)]);
        const { key, id } = await manage<{ key: string; id: string }>(a, "POST", "/virtual_keys", {
          name: "shared",
        });
        const loads = [a, b].map(({ url }) =>
          startLoad({ url, token: key, from: from(), clients: 10 })
        );
        await until("Answers of both", () => loads.every((load) => count([load]) >= 500), 30_000);
        await Promise.all(loads.map((load) => load.stop()));
        for (const load of loads) {
          assert.deepEqual(load.answers.filter(({ status }) => status !== 200), []);
        }

        // Both have counted on one account.
        const limits = [{ limit: 40, window: 86_400, unit: "requests" }];
        const limited = await manage<{ key: string }>(b, "POST", "/virtual_keys", {
          name: "limited",
          limits,
        });
        const passed = await Promise.all(
          [a, b].map((each) => goodOnes(each, limited.key, from(), 50)),
        );
        assert.equal(passed[0]! + passed[1]!, 40);

        // Ended through one, a key opens nothing at the other 5 s later.
        await manage(b, "DELETE", `/virtual_keys/${id}`);
        await until("The end of the key", async () => {
          return (await askOnce(a.url, key, from())).status === 401;
        }, 5500);

        // One is killed while both write; the other goes on.
        const more = [a, b].map(({ url }) =>
          startLoad({ url, token: configured, from: from(), clients: 10 })
        );
        await until("Answers of both", () => more.every((load) => count([load]) >= 500), 30_000);
        await a.stop("SIGKILL");
        const before = count([more[1]!]);
        await until("Answers of the other", () => count([more[1]!]) >= before + 500, 30_000);
        await Promise.all(more.map((load) => load.stop()));
        assert.deepEqual(more[1]!.answers.filter(({ status }) => status !== 200), []);

        const rows = await readRows(b);
        const events = new Set(rows.map(({ event_id }) => event_id));
        const kept = [...loads, more[1]!].flatMap(({ answers }) => answers);
        assert.deepEqual(kept.filter(({ event }) => !events.has(event)), []);
        assert.equal(events.size, rows.length);
        assert.equal(await b.stop("SIGTERM"), 0, b.output());
      } finally {
        clean();
      }
    });
  });
}

function count(loads: readonly Load[]): number {
  return loads.reduce((sum, { answers }) => {
    return sum + answers.filter(({ status }) => status === 200).length;
  }, 0);
}

/** How many of `times` requests with a limited key are answered; the others are refused with 429. */
async function goodOnes(
  { url }: RunningGateway,
  token: string,
  from: number,
  times: number,
): Promise<number> {
  const statuses: number[] = [];
  await Promise.all(Array.from({ length: 5 }, async (_, client) => {
    for (let i = client; i < times; i += 5) {
      statuses.push((await askOnce(url, token, from + i)).status);
    }
  }));
  const good = statuses.filter((status) => status === 200).length;
  assert.equal(statuses.filter((status) => status === 429).length, times - good, `${statuses}`);
  return good;
}

/** Rows tell what the provider told. */
function assertFigures(rows: readonly Row[], answers: readonly Answer[]): void {
  const byEvent = new Map(rows.map((row) => [row.event_id, row]));
  for (const { n, event } of answers) {
    const row = byEvent.get(event);
    if (row === undefined) continue;
    const { told } = plain(n);
    assert.deepEqual([row.tokens_in, row.tokens_out], [told?.input, told?.output], event);
    assert.equal(row.end, "complete");
  }
}
