// The stores of Workers on workerd: KV, D1 and a Durable Object, as Cloudflare simulates them.
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { build } from "esbuild";
import { Miniflare, type MiniflareOptions } from "miniflare";
import { countersContract } from "../support/counters-contract.ts";
import { root, runtimes } from "../support/gateway.ts";
import { kvContract } from "../support/kv-contract.ts";
import { call, remoteCounters, remoteKV, type Send } from "../support/stores-remote.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-workers-"));
const running = new Set<Miniflare>();

async function start(
  bindings: Partial<MiniflareOptions>,
): Promise<{ send: Send; stop(): Promise<void> }> {
  const miniflare = new Miniflare({
    modules: true,
    script: readFileSync(join(folder, "worker.js"), "utf8"),
    compatibilityDate: "2026-04-20",
    ...bindings,
  } as MiniflareOptions);
  running.add(miniflare);
  const url = await miniflare.ready;
  return {
    async send(body) {
      const answer = await fetch(url, { method: "POST", body });
      if (!answer.ok) throw new Error(await answer.text());
      return await answer.text();
    },
    async stop() {
      running.delete(miniflare);
      await miniflare.dispose();
    },
  };
}

const counters = {
  durableObjects: { SLUICE_COUNTERS: { className: "SluiceCounters", useSQLite: true } },
};

/** Every byte of a value travels as a number. */
const size = 2 ** 16;

if (runtimes.includes("workers")) {
  before(async () => {
    await build({
      entryPoints: [join(root, "tests/support/stores-worker.ts")],
      outfile: join(folder, "worker.js"),
      bundle: true,
      format: "esm",
      target: "esnext",
      conditions: ["workerd", "worker", "browser"],
      external: ["cloudflare:*"],
      logLevel: "silent",
    });
  });
  after(async () => {
    for (const miniflare of running) await miniflare.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  kvContract("Workers KV", {
    size,
    async open({ now }) {
      const { send } = await start({ kvNamespaces: ["SLUICE_KV"], ...counters });
      return remoteKV(send, "keys", now);
    },
  });

  kvContract("D1", {
    size,
    async open({ now }) {
      const { send } = await start({ d1Databases: ["SLUICE_DB"], ...counters });
      return remoteKV(send, "keys", now);
    },
  });

  countersContract("Durable Object", {
    async open() {
      return remoteCounters((await start(counters)).send);
    },
  });

  describe("Stores of Workers", () => {
    it("are the bindings that are there", async () => {
      const { send } = await start({
        kvNamespaces: ["SLUICE_KV"],
        d1Databases: ["SLUICE_DB"],
        ...counters,
      });
      const drivers = await call(send, "drivers");
      assert.deepEqual(drivers, ["workers-kv", "workers-kv", "durable-object", "d1"]);
      assert.deepEqual(await call(send, "reports"), []);
    });

    it("log into D1", async () => {
      const { send } = await start({ d1Databases: ["SLUICE_DB"], ...counters });
      assert.equal(await call(send, "logs", "count", [{}]), 0);
    });

    it("are in memory without bindings, which is said once", async () => {
      const { send } = await start(counters);
      assert.deepEqual(await call(send, "drivers"), [
        "memory",
        "memory",
        "durable-object",
        "memory",
      ]);
      await call(send, "keys", "set", ["a", 1]);
      assert.equal(await call(send, "keys", "get", ["a"]), 1);
      const reports = await call(send, "reports");
      assert.equal(reports.length, 1);
      assert.match(reports[0], /SLUICE_KV.*SLUICE_DB/);
    });

    it("are in memory when SLUICE_DATA says so", async () => {
      const { send } = await start({
        ...counters,
        bindings: { SLUICE_DATA: "memory" },
        kvNamespaces: ["SLUICE_KV"],
      });
      assert.deepEqual(await call(send, "drivers"), ["memory", "memory", "memory", "memory"]);
      assert.deepEqual(await call(send, "reports"), []);
    });

    it("forget counts that have expired, and count anew", async () => {
      const { send } = await start(counters);
      const short = { slots: 1, slotMs: 1 };
      const day = { slots: 1, slotMs: 86_400_000 };
      const add = (span: unknown, amount: number) =>
        call(send, "counters", "add", ["a", amount, span, 1, span === day ? Date.now() : 1000]);
      assert.equal((await add(short, 1)).added, true);
      assert.equal((await add(day, 1)).added, true);
      await call(send, "clean", "a@1");
      await call(send, "clean", "a@86400000");
      assert.equal((await add(short, 0)).total, 0);
      assert.equal((await add(short, 1)).added, true);
      assert.equal((await add(day, 0)).total, 1);
    });

    it("keep counts and values across a restart", async () => {
      const persist = {
        kvNamespaces: ["SLUICE_KV"],
        ...counters,
        kvPersist: join(folder, "kv"),
        durableObjectsPersist: join(folder, "do"),
      };
      const day = { slots: 1, slotMs: 86_400_000 };
      const first = await start(persist);
      await call(first.send, "keys", "set", ["a", { b: 1 }]);
      await call(first.send, "counters", "add", ["budget", 2.5, day, 10, Date.now()]);
      await first.stop();
      const second = await start(persist);
      assert.deepEqual(await call(second.send, "keys", "get", ["a"]), { b: 1 });
      const { total } = await call(second.send, "counters", "add", [
        "budget",
        0,
        day,
        10,
        Date.now(),
      ]);
      assert.equal(total, 2.5);
      await second.stop();
    });
  });
}
