// Ten thousand requests with everything on: auth, log, cache, limits, fallback, retries and timeouts, in
// front of a provider that fails in every way there is. Each ends as it should, each attempt has its one row
// with the right figures, limits and costs add up, and nothing is left behind.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type FaultyUpstream, startFaults } from "../support/faults.ts";
import { eventOf, type Outcome, virtualKey } from "../support/faulty-client.ts";
import {
  type RunningGateway,
  type RuntimeName,
  runtimes,
  startGateway,
} from "../support/gateway.ts";
import { type Idle, idle, settled } from "../support/idle.ts";
import { travel } from "../support/journey-client.ts";
import {
  isGood,
  isOfAttempt,
  isRefused,
  type Seen,
  wrongJourney,
} from "../support/journey-verdicts.ts";
import {
  exchangeIn,
  type Journey,
  journeyOf,
  limited,
  probeOf,
  probes,
} from "../support/journeys.ts";
import { adminToken, manage, metricOf, readRows, type Row } from "../support/logs.ts";
import { closedPort } from "../support/upstream.ts";
import { costOf, keys, prices, secrets } from "../support/verdicts.ts";

/** Another one makes other requests. */
const seed = Number(process.env.SLUICE_TEST_SEED ?? 1);
/** Requests of each runtime; the first part warms it up. */
const counts: Record<RuntimeName, number> = {
  bun: 10_000,
  node: 10_000,
  deno: 10_000,
  workers: 5000,
};
const warm = 2000;
const connections = 50;
/** Far more than what comes. */
const most = { requests: 1_000_000, of: 900_000, tokens: 1e12, concurrent: 1000 };

for (const runtime of runtimes) {
  const count = counts[runtime];
  describe(`${runtime}: ${count} requests with everything on, ${connections} at a time`, () => {
    const journeys = new Map<number, Journey>();
    const outcomes = new Map<number, Outcome>();
    const rows: Row[] = [];
    const seen: Seen[] = [];
    let upstream: FaultyUpstream;
    let gateway: RunningGateway;
    let folder: string;
    let warmed: Idle;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "sluice-everything-"));
      upstream = await startFaults((n, times) => exchangeIn(seed, n, times, runtime), keys);
      const gone = await closedPort();
      const day = { unit: "requests", window: 86_400 };
      const config = {
        gateways: {
          default: {
            authentication: true,
            tokens: [{ name: "test", hash: `sha256:${sha256(virtualKey)}` }],
            timeout_first_byte: 30_000,
            timeout_idle: 30_000,
            rate_limits: [
              { ...day, name: "all", limit: most.requests },
              { ...day, name: "anthropic", providers: ["anthropic"], limit: most.of },
              {
                ...day,
                name: "user",
                providers: ["cohere"],
                by: ["metadata.user"],
                limit: limited.limit,
              },
              { name: "tokens", unit: "tokens", window: 86_400, limit: most.tokens },
              { name: "places", unit: "concurrent", limit: most.concurrent },
            ],
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
      };
      gateway = await startGateway(runtime, {
        bare: true,
        ...runtime === "workers" && { config },
        env: {
          SLUICE_ADMIN_TOKEN: adminToken,
          ...runtime !== "workers" && {
            SLUICE_DATA: folder,
            SLUICE_CONFIG: "tests/support/everything.config.ts",
            TEST_CONFIG: JSON.stringify(config),
            TEST_SEED: String(seed),
            TEST_RUNTIME: runtime,
          },
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

    it("every request ends with a right answer or a right error, and each attempt has its row", {
      timeout: 300_000,
    }, async (t) => {
      const began = performance.now();
      await load(0, warm);
      warmed = await idle(gateway, upstream);
      await load(warm, count);
      await settled(gateway, upstream);
      t.diagnostic(`${Math.round((performance.now() - began) / 1000)} s`);
      await collect();
      const byEvent = Map.groupBy(rows, ({ event_id }) => event_id);
      for (const [n, outcome] of outcomes) {
        const found = byEvent.get(eventOf(n)) ?? [];
        byEvent.delete(eventOf(n));
        found.sort((a, b) => a.attempt - b.attempt);
        seen.push({ journey: journey(n), outcome, rows: found });
      }
      const wrong = seen.flatMap((one) => wrongJourney(one, runtime));
      assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} are wrong`);
      assert.deepEqual([...byEvent.keys()], [], "Rows without a request");
      assert.deepEqual(upstream.problems.slice(0, 10), [], `${upstream.problems.length} problems`);
      assert.equal(await metricOf(gateway, "sluice_log_rows_shed_total"), 0);
    });

    it("each attempt that came has one row, and what was answered well is not asked again", (t) => {
      const groups = Map.groupBy(seen, ({ journey: { n, group } }) => group ?? `alone ${n}`);
      let hits = 0;
      let coalesced = 0;
      const stalled = rows.filter(({ end }) => end === "stalled").length;
      t.diagnostic(`${rows.length} rows, ${stalled} attempts that stalled`);
      for (const [name, members] of groups) {
        const [{ journey: { steps, kind } }] = members as [Seen];
        const sent = members.flatMap(({ rows }) => rows)
          .filter((row) => isOfAttempt(row) && row.provider !== "custom-gone");
        const came = steps.reduce((sum, { number }) => sum + upstream.came(number), 0);
        assert.equal(sent.length, came, `${name}: rows of attempts`);
        if (kind !== "shared") continue;
        const how = members.map(({ outcome: { headers } }) => headers["cf-aig-cache-status"]);
        hits += how.filter((status) => status === "HIT").length;
        coalesced += how.filter((status) => status === "COALESCED").length;
        const good = steps[0]!.attempts.slice(0, came).filter(isGood).length;
        if (runtime !== "workers") assert.ok(good <= 1, `${name} was answered ${good} times`);
      }
      t.diagnostic(`${hits} hits, ${coalesced} coalesced`);
      assert.ok(hits > count / 20, `${hits} hits`);
      if (runtime !== "workers") assert.ok(coalesced > count / 20, `${coalesced} coalesced`);
    });

    it("limits have counted exactly what passed", async () => {
      for (let user = 0; user < limited.users; user++) {
        const own = seen.filter(({ journey }) => journey.user === `limited-${user}`);
        const passed = own.filter((one) => !isRefused(one)).length;
        assert.ok(own.length > limited.limit, `${own.length} requests of a user`);
        assert.equal(passed, limited.limit, `user ${user}`);
      }
      const passed = seen.filter((one) => !isRefused(one) && one.rows.some(isOfAttempt));
      const of = passed.filter(({ rows }) =>
        rows.some((r) => isOfAttempt(r) && r.provider === "anthropic")
      );
      const tokens = sum(rows, (r) => r.cached ? 0 : (r.tokens_in ?? 0) + (r.tokens_out ?? 0));
      const first = await probe(probes);
      assert.deepEqual(first, { requests: passed.length, tokens, concurrent: 0 });
      assert.equal((await probe(probes + 1)).requests, of.length);
    });

    it("tokens and costs add up to what the providers said", () => {
      const isReported = ({ cached, usage_quality }: Row) =>
        !cached && usage_quality === "reported";
      const expected = sum(seen, ({ rows, journey: { steps } }) => {
        return sum(rows.filter(isReported), (row) => {
          const all = steps.flatMap(({ attempts }) => attempts);
          const exchange = all.find(({ told, wire: { slug } }) =>
            slug === row.provider && told?.input === row.tokens_in && told.output === row.tokens_out
          );
          assert.ok(exchange, `Nobody told ${JSON.stringify(row)}`);
          return costOf(exchange);
        });
      });
      const cost = sum(rows.filter(isReported), (row) => row.cost);
      assert.ok(expected > 10);
      assert.ok(Math.abs(cost - expected) < 1e-6, `$${cost} instead of $${expected}`);
      assert.equal(sum(rows.filter(({ cached }) => cached), (row) => row.cost), 0);
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
      const printed = secrets.find((key) => gateway.output().includes(key));
      assert.equal(printed, undefined, "A key is on the console");
    });

    function journey(n: number): Journey {
      let found = journeys.get(n);
      if (found === undefined) journeys.set(n, found = journeyOf(seed, n, runtime));
      return found;
    }

    async function load(from: number, to: number): Promise<void> {
      // Workers without a database keep the last 1000 rows.
      const part = runtime === "workers" ? 500 : to - from;
      for (let start = from; start < to; start += part) {
        const end = Math.min(to, start + part);
        let next = start;
        const one = async () => {
          const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
          while (next < end) {
            const n = next++;
            outcomes.set(n, await travel(gateway, upstream, journey(n), agent));
          }
          agent.destroy();
        };
        await Promise.all(Array.from({ length: connections }, one));
        if (runtime === "workers") await collect();
      }
    }

    /** Moves rows from the gateway to here. */
    async function collect(): Promise<void> {
      await settled(gateway, upstream);
      rows.push(...await readRows(gateway));
      await manage(gateway, "DELETE", "/logs");
    }

    /** What the limits say was taken before a request. */
    async function probe(number: number): Promise<Record<string, number>> {
      const { path, headers, body } = probeOf(number);
      const answer = await fetch(`${gateway.url}/v1/acc/default/${path}`, {
        method: "POST",
        headers: { ...headers, "cf-aig-authorization": `Bearer ${virtualKey}` },
        body,
      });
      const left = (unit: string) => Number(answer.headers.get(`x-ratelimit-remaining-${unit}`));
      assert.equal(answer.status, 200, await answer.text());
      // Set aside for the request, and for an answer as long as may be.
      const own = Math.ceil(body.length / 4) + (JSON.parse(body).max_tokens ?? 1000);
      return {
        requests: most[number % 2 === 0 ? "requests" : "of"] - left("requests") - 1,
        tokens: most.tokens - left("tokens") - own,
        concurrent: most.concurrent - left("concurrent") - 1,
      };
    }
  });
}

function sum<T>(items: readonly T[], value: (item: T) => number | null): number {
  return items.reduce((total, item) => total + (value(item) ?? 0), 0);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
