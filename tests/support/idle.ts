// A gateway with nothing to do: what it holds then is what it keeps.
import { readdirSync, readFileSync } from "node:fs";
import type { FaultyUpstream } from "./faults.ts";
import type { RunningGateway } from "./gateway.ts";
import { healthOf, until } from "./logs.ts";

export interface Idle {
  descriptors: number;
  /** MB */
  resident: number;
}

/** Once all rows are written and nothing goes on. */
export async function idle(gateway: RunningGateway, upstream: FaultyUpstream): Promise<Idle> {
  await settled(gateway, upstream);
  let last = -1;
  // Connections of clients that are gone are closed a moment later.
  await until("A stable number of descriptors", async () => {
    const before = last;
    last = readdirSync(`/proc/${gateway.pid}/fd`).length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return last === before;
  });
  const status = readFileSync(`/proc/${gateway.pid}/status`, "utf8");
  const resident = Math.round(Number(status.match(/VmRSS:\s+(\d+) kB/)![1]) / 1024);
  return { descriptors: last, resident };
}

/** Once all answers are over and all rows are written. */
export async function settled(gateway: RunningGateway, upstream: FaultyUpstream): Promise<void> {
  await until("An end of all answers", () => upstream.active === 0);
  await until("An empty queue", async () => (await healthOf(gateway)).log.rows_waiting === 0);
}
