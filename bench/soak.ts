// `npm run bench -- --soak`: what only a long run tells. Rows lost at a steady 2,000 requests a second, and
// memory after a million requests, on a gateway with auth, log and a SQLite file.
import { Client, closedLoop, type Endpoint, sleep } from "./load.ts";
import { memory, start, stop } from "./proc.ts";
import { type Bar, barTable } from "./report.ts";
import { type Family, gateway, root, type Running } from "./targets.ts";

const rate = 2000;
const seconds = 60;
const [early, late] = [10_000, 1_000_000];

type Runtime = "node" | "bun" | "deno";

/** Runs both on each family; true when all bars hold. */
export async function soak(families: readonly Family[]): Promise<boolean> {
  const mock = await start([process.execPath, "bench/upstream.ts"], {}, root);
  const bars: Bar[] = [];
  for (const family of families) {
    if (family !== "node" && family !== "bun" && family !== "deno") continue;
    bars.push(await memoryOf(family, mock.url), await rowsOf(family, mock.url));
  }
  await stop(mock.child);
  console.log(barTable(bars));
  return bars.every((one) => one.pass);
}

async function memoryOf(family: Runtime, upstream: string): Promise<Bar> {
  const running = await gateway(family, "logging").start(upstream);
  const { endpoint, pids } = running;
  const load = { scenario: "json", connections: 32, timeoutMs: 3_600_000 } as const;
  await closedLoop(endpoint, { ...load, count: early });
  await sleep(3000);
  const small = memory(pids, "VmRSS");
  await closedLoop(endpoint, { ...load, count: late - early });
  await sleep(3000);
  const large = memory(pids, "VmRSS");
  console.log(
    `${family}: ${small.toFixed(0)} MB after ${early}, ${large.toFixed(0)} MB after ${late}`,
  );
  await running.stop();
  return bar(`${family}: memory after ${late} requests / after ${early}`, 1.1, large / small, "");
}

async function rowsOf(family: Runtime, upstream: string): Promise<Bar> {
  const running = await gateway(family, "logging").start(upstream);
  const { endpoint } = running;
  const sent = await steady(endpoint);
  const stored = await settled(running, sent);
  await running.stop();
  return bar(`${family}: rows lost of ${sent} at ${rate}/s`, 0, sent - stored, "");
}

function bar(name: string, limit: number, value: number, unit: string): Bar {
  return { name, limit, value, unit, pass: value <= limit };
}

/** Requests at a steady pace, whatever the answers do; resolves with how many were answered. */
async function steady(endpoint: Endpoint): Promise<number> {
  const idle: Client[] = [];
  let answered = 0;
  let failed: Error | undefined;
  const started = performance.now();
  const pending = new Set<Promise<void>>();
  for (let sent = 0; sent < rate * seconds && failed === undefined;) {
    const due = Math.min(rate * seconds, Math.floor((performance.now() - started) / 1000 * rate));
    for (; sent < due; sent++) {
      const client = idle.pop() ?? new Client(endpoint, "json");
      const one = new Promise<void>((done) =>
        client.send(() => {
          answered++;
          idle.push(client);
          done();
        }, (error) => {
          failed = error;
          done();
        })
      );
      pending.add(one);
      void one.then(() => pending.delete(one));
    }
    await sleep(2);
  }
  await Promise.all(pending);
  for (const client of idle) client.close();
  if (failed !== undefined) throw failed;
  return answered;
}

async function rows({ host, port }: Endpoint): Promise<number> {
  const path = "/client/v4/accounts/bench/ai-gateway/gateways/default/logs?per_page=1";
  const answer = await fetch(`http://${host}:${port}${path}`);
  const { result_info } = await answer.json() as { result_info: { total_count: number } };
  return result_info.total_count;
}

/** The rows once they are as many as expected, or do not become more. */
async function settled({ endpoint }: Running, expected: number): Promise<number> {
  let count = await rows(endpoint);
  for (let tries = 0; tries < 50 && count < expected; tries++) {
    await sleep(200);
    count = await rows(endpoint);
  }
  return count;
}
