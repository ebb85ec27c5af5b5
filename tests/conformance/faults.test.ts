// Ten thousand requests to a provider that fails in every way there is: each ends as it should, each has
// its one row with the right figures, no key is kept, and nothing is left behind.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { exchangeOf, pasted } from "../support/exchanges.ts";
import { type FaultyUpstream, once, startFaults } from "../support/faults.ts";
import { eventOf, nameOf, type Outcome, perform, virtualKey } from "../support/faulty-client.ts";
import {
  type RunningGateway,
  type RuntimeName,
  runtimes,
  startGateway,
} from "../support/gateway.ts";
import { type Idle, idle, settled } from "../support/idle.ts";
import { adminToken, ask, manage, metricOf, readRows, type Row } from "../support/logs.ts";
import { closedPort } from "../support/upstream.ts";
import { costOf, keys, prices, secrets, wrongOf, wrongRow } from "../support/verdicts.ts";

/** Another one makes other requests. */
const seed = Number(process.env.SLUICE_TEST_SEED ?? 1);
/** Requests of each runtime; the first thousand warm it up. */
const counts: Record<RuntimeName, number> = {
  bun: 10_000,
  node: 10_000,
  deno: 10_000,
  workers: 10_000,
};
const warm = 1000;
const connections = 50;
for (const runtime of runtimes) {
  describe(`${runtime}: ${counts[runtime]} requests, ${connections} at a time`, () => {
    const outcomes = new Map<number, Outcome>();
    let upstream: FaultyUpstream;
    let gateway: RunningGateway;
    let folder: string;
    const rows: Row[] = [];
    const bodies: Body[] = [];
    let warmed: Idle;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "sluice-faults-"));
      upstream = await startFaults(once((n) => exchangeOf(seed, n)), keys);
      const gone = await closedPort();
      gateway = await startGateway(runtime, {
        bare: true,
        config: {
          gateways: {
            default: {
              authentication: true,
              tokens: [{ name: "test", hash: `sha256:${sha256(virtualKey)}` }],
            },
          },
          providers: {
            openai: { base_url: `${upstream.url}/v1` },
            "custom-gone": { base_url: `http://127.0.0.1:${gone}` },
            ...Object.fromEntries(
              ["anthropic", "google-ai-studio", "aws-bedrock", "cohere"]
                .map((slug) => [slug, { base_url: upstream.url }]),
            ),
          },
          keys: Object.fromEntries(
            Object.entries(keys).map(([slug, value]) => [slug, { default: { value } }]),
          ),
          prices,
        },
        env: {
          SLUICE_ADMIN_TOKEN: adminToken,
          ...runtime !== "workers" && { SLUICE_DATA: folder },
          // V8 takes what it is given: with less, what is left is what is used.
          NODE_OPTIONS: "--max-old-space-size=256",
        },
      });
    });
    after(async () => {
      await gateway?.stop("SIGKILL");
      await upstream?.close();
      if (folder) rmSync(folder, { recursive: true, force: true });
    });

    it("every request ends, and none ends as if it were whole when it is not", {
      timeout: 300_000,
    }, async (t) => {
      const began = performance.now();
      await load(0, warm);
      warmed = await idle(gateway, upstream);
      await load(warm, counts[runtime]);
      await settled(gateway, upstream);
      t.diagnostic(`${Math.round((performance.now() - began) / 1000)} s`);
      const wrong = [...outcomes.values()].flatMap((outcome) => wrongOf(outcome, runtime));
      assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} requests went wrong`);
      assert.deepEqual(upstream.problems.slice(0, 10), [], `${upstream.problems.length} problems`);
    });

    it("every attempt has exactly one row, which tells how it ended", {
      timeout: 120_000,
    }, async () => {
      await collect();
      const byEvent = Map.groupBy(rows, ({ event_id }) => event_id);
      const wrong: string[] = [];
      for (const outcome of outcomes.values()) {
        const found = byEvent.get(eventOf(outcome.exchange.n)) ?? [];
        byEvent.delete(eventOf(outcome.exchange.n));
        if (found.length !== 1) wrong.push(`${nameOf(outcome)} has ${found.length} rows`);
        else {wrong.push(
            ...wrongRow(outcome, found[0]!, runtime).map((why) => `${nameOf(outcome)}: ${why}`),
          );}
      }
      assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} are wrong`);
      assert.deepEqual([...byEvent.keys()], [], "Rows without a request");
      assert.equal(await metricOf(gateway, "sluice_log_rows_shed_total"), 0);
      assert.equal(await metricOf(gateway, "sluice_log_payloads_shed_total"), 0);
    });

    it("tokens and costs add up to what the provider said", () => {
      const reported = rows.filter(({ usage_quality }) => usage_quality === "reported");
      const heard = new Set(reported.map(({ event_id }) => event_id));
      const exchanges = [...outcomes.values()].map(({ exchange }) => exchange)
        .filter(({ n, fault }) => fault !== "cut-now" || heard.has(eventOf(n)));
      const told = exchanges.flatMap(({ told }) => told ?? []);
      assert.equal(sum(reported, (row) => row.tokens_in), sum(told, ({ input }) => input));
      assert.equal(sum(reported, (row) => row.tokens_out), sum(told, ({ output }) => output));
      const cost = sum(reported, (row) => row.cost);
      const expected = sum(exchanges, costOf);
      assert.ok(expected > 10);
      assert.ok(Math.abs(cost - expected) < 1e-6, `$${cost} instead of $${expected}`);
    });

    it("no key is in a row, in a body or on the console", () => {
      const shown = rows.find((row) => secrets.some((key) => JSON.stringify(row).includes(key)));
      assert.equal(shown, undefined, "A key is in a row");
      for (const { row, which, text } of bodies) {
        const outcome = outcomes.get(numberOf(row))!;
        const key = secrets.find((key) => text.includes(key));
        assert.equal(key, undefined, `The ${which} of ${nameOf(outcome)} holds a key`);
        const { exchange } = outcome;
        const masked = exchange.body.replaceAll(pasted, "[redacted]");
        if (which === "request" && exchange.body.length < 60_000) assert.equal(text, masked);
      }
      assert.ok(bodies.length > counts[runtime] / 40, `Only ${bodies.length} bodies are kept`);
      const printed = secrets.find((key) => gateway.output().includes(key));
      assert.equal(printed, undefined, gateway.output().slice(0, 2000));
    });

    it("nothing is left behind", { timeout: 60_000 }, async (t) => {
      const now = await idle(gateway, upstream);
      assert.equal(upstream.active, 0, "Answers to clients that left go on");
      t.diagnostic(
        `${warmed.descriptors} descriptors became ${now.descriptors}, ` +
          `${warmed.resident} MB became ${now.resident} MB`,
      );
      assert.ok(now.descriptors <= warmed.descriptors + connections / 2);
      assert.ok(now.resident <= warmed.resident + 200);
    });

    if (runtime !== "workers") {
      it("no key is in the files that are left", { timeout: 60_000 }, async () => {
        assert.equal(await gateway.stop("SIGTERM"), 0, gateway.output().slice(-2000));
        const names = readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
        let bytes = 0;
        for (const name of names) {
          const file = readFileSync(name);
          bytes += file.length;
          for (const key of secrets) assert.ok(!file.includes(key), `${name} holds a key`);
        }
        assert.ok(bytes > 1_000_000, `${bytes} bytes are not what was written`);
      });
    }

    async function load(from: number, to: number): Promise<void> {
      // Workers without a database keep the last 1000 rows.
      const part = runtime === "workers" ? 1000 : to - from;
      for (let start = from; start < to; start += part) {
        const end = Math.min(to, start + part);
        let next = start;
        const one = async () => {
          const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
          while (next < end) {
            const n = next++;
            outcomes.set(n, await perform(gateway, upstream, exchangeOf(seed, n), agent));
          }
          agent.destroy();
        };
        await Promise.all(Array.from({ length: connections }, one));
        if (runtime === "workers") await collect();
      }
    }

    /** Moves rows, and some bodies, from the gateway to here. */
    async function collect(): Promise<void> {
      await settled(gateway, upstream);
      const part = await readRows(gateway);
      rows.push(...part);
      for (const row of part) {
        // Those whose error quotes a key, and some of the others.
        if (row.status_code !== 401 && numberOf(row) % 40 !== 0) continue;
        for (const which of ["request", "response"] as const) {
          const answer = await ask(gateway, "GET", `/logs/${row.id}/${which}`);
          const text = await answer.text();
          if (answer.ok) bodies.push({ row, which, text });
        }
      }
      await manage(gateway, "DELETE", "/logs");
    }
  });
}

/** A body as the gateway keeps it. */
interface Body {
  row: Row;
  which: "request" | "response";
  text: string;
}

const numberOf = (row: Row) => Number(row.event_id.slice("fault-".length));

function sum<T>(items: readonly T[], value: (item: T) => number | null): number {
  return items.reduce((total, item) => total + (value(item) ?? 0), 0);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
