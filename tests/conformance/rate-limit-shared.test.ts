// Limits that several processes share: whatever comes at once, exactly as much gets in as may.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  type GatewayOptions,
  type RunningGateway,
  type RuntimeName,
  runtimes,
  startGateway,
} from "../support/gateway.ts";
import { noRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const limit = 1000;
const requests = 4000;
const path = "/v1/acc/default/custom-mock/x";

/** Seconds of a fixed window of which two minutes are left at least: none may end during a test. */
function longWindow(): number {
  const now = Date.now() / 1000;
  const found = [3600, 3571, 3559].find((seconds) => seconds - now % seconds > 120);
  return found ?? assert.fail("Three windows do not end at the same time");
}

const techniques = {
  fixed: () => ({ rate_limiting_interval: longWindow(), rate_limiting_technique: "fixed" }),
  sliding: () => ({ rate_limiting_interval: 60, rate_limiting_technique: "sliding" }),
};

/** Sends the requests to all gateways at once, some at a time to each; how many of each status came. */
async function hammer(gateways: readonly RunningGateway[]): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  let left = requests;
  const client = async (url: string, agent: http.Agent) => {
    while (left-- > 0) {
      const status = await new Promise<number>((resolve, reject) => {
        const req = http.get(`${url}${path}`, { agent }, (answer) => {
          answer.resume().on("end", () => resolve(answer.statusCode!)).on("error", reject);
        });
        req.on("error", reject);
      });
      counts[status] = (counts[status] ?? 0) + 1;
    }
  };
  await Promise.all(gateways.flatMap(({ url }) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 25 });
    return Array.from({ length: 25 }, () => client(url, agent));
  }));
  return counts;
}

/** Four processes, of all runtimes that share a store of this kind. */
const processes = (kinds: readonly RuntimeName[]) => {
  const there = kinds.filter((name) => runtimes.includes(name));
  return there.length === 0 ? [] : Array.from({ length: 4 }, (_, i) => there[i % there.length]!);
};

function exact(
  name: string,
  kinds: readonly RuntimeName[],
  setUp: () => Promise<GatewayOptions>,
  { skip = false, count = 4 }: { skip?: string | false; count?: number } = {},
): void {
  const started = processes(kinds).slice(0, count);
  if (started.length === 0) return;
  describe(`${name}, ${started.join(" + ")}`, { skip }, () => {
    let upstream: Upstream;
    before(async () => {
      upstream = await startUpstream();
    });
    after(() => upstream?.close());
    for (const [technique, settings] of Object.entries(techniques)) {
      it(`${limit} of ${requests} get in, ${technique}`, async () => {
        const { config, env, ...options } = await setUp();
        const gateways: RunningGateway[] = [];
        try {
          for (const runtime of started) {
            gateways.push(
              await startGateway(runtime, {
                ...options,
                env,
                config: {
                  gateways: {
                    default: { collect_logs: false, rate_limiting_limit: limit, ...settings() },
                  },
                  providers: { "custom-mock": { base_url: upstream.url } },
                  ...config as object,
                },
              }),
            );
          }
          upstream.reset();
          assert.deepEqual(await hammer(gateways), { 200: limit, 429: requests - limit });
          assert.equal(upstream.requests.length, limit);
        } finally {
          await Promise.all(gateways.map((gateway) => gateway.stop("SIGKILL")));
        }
      });
    }
  });
}

const folders: string[] = [];
const folder = () => {
  const path = mkdtempSync(join(tmpdir(), "sluice-limits-"));
  folders.push(path);
  return path;
};
after(() => folders.forEach((path) => rmSync(path, { recursive: true, force: true })));

let redis: TestRedis | undefined;
after(() => redis?.close());

exact("Redis", ["node", "bun", "deno"], async () => {
  await redis?.close();
  redis = await startRedis();
  return { env: { REDIS_URL: redis.url } };
}, { skip: noRedis });

exact("One SQLite file", ["node", "bun", "deno"], () => {
  return Promise.resolve({ env: { SLUICE_DATA: folder() } });
});

exact("One Deno KV", ["deno"], () => {
  const counters = { driver: "deno-kv", path: join(folder(), "kv") };
  return Promise.resolve({ config: { storage: { counters } } });
}, { count: 2 });

exact("One Durable Object", ["workers"], () => {
  return Promise.resolve({ bare: true, env: { SLUICE_DATA: "" } });
}, { count: 1 });
