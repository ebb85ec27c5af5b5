// One target, one pass: load from load.ts, CPU and memory from proc.ts.
import { closedLoop, type Endpoint, openStreams, sleep, takeTurns, type Timing } from "./load.ts";
import { eventsPerStream, type Scenario } from "./payload.ts";
import { cpu, cpuBetween, memory } from "./proc.ts";
import { answers, type Running, type Target } from "./targets.ts";

/** Numbers of requests per slice, turns and rounds. */
export interface Plan {
  warmJson: number;
  json: number;
  burst: number;
  paced: number;
  jsonTurns: number;
  streamTurns: number;
  rounds: number;
  memoryRounds: number;
}

/** What one round finds; medians over the rounds have the same names. */
export interface Sample {
  requestsPerSecond: number;
  jsonCpuUs: number;
  burstEventCpuUs: number;
  pacedEventCpuUs: number;
  addedP50Ms: number;
  addedP99Ms: number;
  firstByteMs: number;
  coldStartMs: number;
  peakMB: number;
  idleMB: number;
  streamsMB: number;
  streamsOpened: number;
  streamsLeft: number;
}

export type Figure = keyof Sample;

export const heldStreams = 1000;

export const fullPlan: Plan = {
  warmJson: 20_000,
  json: 4000,
  burst: 160,
  paced: 96,
  jsonTurns: 500,
  streamTurns: 150,
  rounds: 5,
  memoryRounds: 3,
};
export const quickPlan: Plan = {
  warmJson: 10_000,
  json: 2000,
  burst: 60,
  paced: 64,
  jsonTurns: 200,
  streamTurns: 60,
  rounds: 3,
  memoryRounds: 0,
};

export function percentile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

const slices: Record<Scenario, number> = { json: 5, burst: 5, paced: 3, late: 1, hold: 1 };
const connections: Record<Scenario, number> = { json: 32, burst: 16, paced: 64, late: 1, hold: 1 };

async function cpuOf(
  running: Running,
  scenario: Scenario,
  count: number,
): Promise<{ us: number; seconds: number }> {
  const load = {
    scenario,
    count,
    connections: connections[scenario],
    // Streams that all began together would also send each event together.
    staggerMs: scenario === "paced" ? 500 : 0,
  };
  const before = cpu(running.pids);
  const { seconds } = await closedLoop(running.endpoint, load);
  // What the target does after the answer (logs, settling) belongs to the request.
  await sleep(running.settleMs);
  return { us: cpuBetween(before, cpu(running.pids)) / 1000 / count, seconds };
}

export async function warmUp(running: Running, plan: Plan): Promise<void> {
  await cpuOf(running, "json", plan.warmJson);
  await cpuOf(running, "burst", 4 * plan.burst);
  await cpuOf(running, "paced", 64);
  // Streams bring new shapes, for which compiled code may be thrown away.
  await cpuOf(running, "json", plan.warmJson);
}

/**
 * The targets of one family under load. Each kind is cut into slices that alternate between the
 * targets: another program on the machine, or a changed clock speed, then meets all alike.
 */
export async function underLoad(
  targets: Running[],
  plan: Plan,
): Promise<(Partial<Sample> | Error)[]> {
  const found: (Partial<Sample> | Error)[] = targets.map(() => ({}));
  const run = async (
    scenario: Scenario,
    count: number,
    note: (us: number, seconds: number) => Partial<Sample>,
  ): Promise<void> => {
    const parts = targets.map(() => ({ us: [] as number[], seconds: [] as number[] }));
    for (let slice = 0; slice < slices[scenario]; slice++) {
      for (const [i, target] of targets.entries()) {
        if (found[i] instanceof Error) continue;
        try {
          const { us, seconds } = await cpuOf(target, scenario, count);
          parts[i]!.us.push(us);
          parts[i]!.seconds.push(seconds);
        } catch (error) {
          found[i] = error as Error;
        }
      }
    }
    for (const [i, { us, seconds }] of parts.entries()) {
      if (found[i] instanceof Error) continue;
      Object.assign(found[i]!, note(median(us), median(seconds)));
    }
  };
  await run("json", plan.json, (us, seconds) => ({
    requestsPerSecond: plan.json / seconds,
    jsonCpuUs: us,
  }));
  await run("burst", plan.burst, (us) => ({ burstEventCpuUs: us / eventsPerStream }));
  await run("paced", plan.paced, (us) => ({ pacedEventCpuUs: us / eventsPerStream }));
  for (const [i, sample] of found.entries()) {
    if (!(sample instanceof Error)) sample.peakMB = memory(targets[i]!.pids, "VmHWM");
  }
  return found;
}

/** Latency at concurrency 1, added to what the upstream alone takes; an error where one failed. */
export async function latency(
  upstream: Endpoint,
  targets: Running[],
  plan: Plan,
): Promise<(Partial<Sample> | Error)[]> {
  const endpoints = [upstream, ...targets.map((target) => target.endpoint)];
  const [direct, ...json] = await takeTurns(endpoints, "json", plan.jsonTurns);
  // A first event that others follow at once would meet an upstream and a driver busy with those.
  const [, ...late] = await takeTurns(endpoints, "late", plan.streamTurns);
  if (!direct || direct instanceof Error) throw direct ?? new Error("The upstream is gone");
  const total = (timings: Timing[], part: number): number =>
    percentile(timings.map((timing) => timing.total), part);
  return targets.map((_, i) => {
    const [whole, stream] = [json[i]!, late[i]!];
    if (whole instanceof Error) return whole;
    if (stream instanceof Error) return stream;
    return {
      addedP50Ms: total(whole, 0.5) - total(direct, 0.5),
      addedP99Ms: total(whole, 0.99) - total(direct, 0.99),
      firstByteMs: percentile(stream.map((timing) => timing.firstByte), 0.5),
    };
  });
}

/** A new process: cold start and, if asked, memory with many streams open. */
export async function fresh(
  target: Target,
  upstream: string,
  withMemory: boolean,
): Promise<Partial<Sample>> {
  const started = performance.now();
  const running = await target.start(upstream);
  try {
    const { host, port, path } = running.endpoint;
    const url = `http://${host}:${port}${
      target.kind === "bare" ? path : target.kind === "peer" ? "/" : "/health"
    }`;
    const deadline = performance.now() + 10_000;
    while (!(await answers(url))) {
      if (performance.now() > deadline) throw new Error(`${url} does not answer`);
      await sleep(2);
    }
    const coldStartMs = performance.now() - started;
    return withMemory
      ? { coldStartMs, ...(await streamMemory(running, upstream)) }
      : { coldStartMs };
  } finally {
    await running.stop();
  }
}

async function streamMemory(running: Running, upstream: string): Promise<Partial<Sample>> {
  await cpuOf(running, "json", 500);
  await cpuOf(running, "burst", 32);
  await sleep(1000);
  const idleMB = memory(running.pids, "VmRSS");
  const streams = await openStreams(running.endpoint, heldStreams, 10_000);
  await sleep(1000);
  const openMB = memory(running.pids, "VmRSS");
  streams.close();
  const held = async (): Promise<number> =>
    Number(await (await fetch(`${upstream}/?s=held`)).text());
  const deadline = performance.now() + 2000;
  let streamsLeft = await held();
  while (streamsLeft > 0 && performance.now() < deadline) {
    await sleep(running.settleMs);
    streamsLeft = await held();
  }
  return { idleMB, streamsMB: openMB - idleMB, streamsOpened: streams.opened, streamsLeft };
}
