// `npm run bench`: starts everything, measures in turns, prints tables, writes results.json.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { analytics } from "./analytics.ts";
import { gzippedKB } from "./bundle.ts";
import { dashboard } from "./dashboard.ts";
import { fresh, fullPlan, latency, type Plan, quickPlan, underLoad, warmUp } from "./measure.ts";
import { start, stop } from "./proc.ts";
import { bars, barTable, figures, medianOf, notes, type Result } from "./report.ts";
import { soak } from "./soak.ts";
import { allTargets, type Family, root, type Running, type Target } from "./targets.ts";
import { telemetry } from "./telemetry.ts";

interface Entry {
  target: Target;
  result: Result;
  running: Running | undefined;
}

const usage = `Usage: npm run bench -- [--quick] [--rounds N] [--only node,bun,deno,workers,nginx]
                        [--no-memory] [--json FILE] | --soak | --analytics | --telemetry | --dashboard`;
const families = ["node", "bun", "deno", "workers", "nginx"];
let failed = false;

function options(): {
  plan: Plan;
  only: string[];
  file: string;
  long: boolean;
  sums: boolean;
  traces: boolean;
  pages: boolean;
} {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
        only: { type: "string", default: families.join(",") },
        "no-memory": { type: "boolean", default: false },
        soak: { type: "boolean", default: false },
        analytics: { type: "boolean", default: false },
        telemetry: { type: "boolean", default: false },
        dashboard: { type: "boolean", default: false },
        json: { type: "string", default: join(root, "bench/results.json") },
      },
    });
    const plan = { ...(values.quick ? quickPlan : fullPlan) };
    if (values.rounds) plan.rounds = Number(values.rounds);
    if (!(plan.rounds >= 1 && plan.rounds <= 100)) throw new Error("--rounds takes 1 to 100");
    if (values["no-memory"]) plan.memoryRounds = 0;
    const only = values.only.split(",");
    const unknown = only.find((name) => !families.includes(name));
    if (unknown !== undefined) throw new Error(`--only does not know "${unknown}"`);
    return {
      plan,
      only,
      file: values.json,
      long: values.soak,
      sums: values.analytics,
      traces: values.telemetry,
      pages: values.dashboard,
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** A target that breaks is left out from then on; the others go on, and the run fails at its end. */
async function attempt(entry: Entry, what: string, run: () => void | Promise<void>): Promise<void> {
  if (entry.result.note) return;
  progress(`${entry.target.name}: ${what}`);
  try {
    await run();
  } catch (error) {
    failed = true;
    const stderr = entry.running?.stderr().trim();
    entry.result.note = `FAILED at ${what}: ${(error as Error).message}`;
    console.error(`\n${entry.target.name}: ${entry.result.note}${stderr ? `\n${stderr}` : ""}`);
    await entry.running?.stop();
    entry.running = undefined;
  }
}

async function oneRound(
  entries: Entry[],
  upstream: string,
  plan: Plan,
  round: number,
): Promise<void> {
  const samples = new Map(entries.map((entry) => [entry, {}]));
  const add = (entry: Entry, sample: object): void => {
    Object.assign(samples.get(entry)!, sample);
  };
  const { hostname, port } = new URL(upstream);
  const direct = { host: hostname, port: Number(port), path: "/v1/chat/completions" };
  for (const family of new Set(entries.map((entry) => entry.target.family))) {
    const together = async (
      what: string,
      measure: (group: Running[]) => Promise<(object | Error)[]>,
    ): Promise<void> => {
      progress(`round ${round + 1}, ${what} of ${family}`);
      const group = entries.filter((one) => one.target.family === family && one.running);
      const found = await measure(group.map((one) => one.running!));
      for (const [i, one] of group.entries()) {
        await attempt(one, `round ${round + 1}, ${what}`, () => {
          const sample = found[i]!;
          if (sample instanceof Error) throw sample;
          add(one, sample);
        });
      }
    };
    await together("load", (group) => underLoad(group, plan));
    await together("latency", (group) => latency(direct, group, plan));
  }
  for (const entry of entries) {
    await attempt(entry, `round ${round + 1}, fresh start`, async () => {
      add(entry, await fresh(entry.target, upstream, round < plan.memoryRounds));
    });
  }
  for (const [entry, sample] of samples) {
    if (Object.keys(sample).length) entry.result.rounds.push(sample);
  }
}

function version(command: string, ...args: string[]): string {
  try {
    const text = execFileSync(command, args, { encoding: "utf8" });
    return /\d+\.\d+\.\d[\w.-]*/.exec(text)?.[0] ?? text.trim();
  } catch {
    return "not there";
  }
}

function machine(): Record<string, unknown> {
  const bin = (name: string): string => join(root, "node_modules/.bin", name);
  const packageVersion = (name: string): string =>
    JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")).version;
  return {
    cpu: cpus()[0]?.model.trim(),
    cores: cpus().length,
    kernel: version("uname", "-r"),
    node: version(bin("node"), "--version"),
    bun: version(bin("bun"), "--version"),
    deno: version(bin("deno"), "--version"),
    workerd: packageVersion("workerd"),
    undici: packageVersion("undici"),
    load: readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 3).join(" "),
  };
}

async function bundleSize(only: string[]): Promise<number | undefined> {
  const entry = join(root, "runtimes/workers.ts");
  if (!only.includes("workers") || !existsSync(entry)) return undefined;
  try {
    return await gzippedKB(entry);
  } catch (error) {
    failed = true;
    console.error(`runtimes/workers.ts does not bundle: ${(error as Error).message}`);
    return undefined;
  }
}

function medians(result: Result): Record<string, number | undefined> {
  const names = new Set(result.rounds.flatMap((round) => Object.keys(round)));
  return Object.fromEntries(
    [...names].map((name) => [name, medianOf(result, name as Parameters<typeof medianOf>[1])]),
  );
}

async function main(): Promise<void> {
  if (!existsSync("/proc/self/schedstat")) {
    throw new Error("The bench reads CPU and memory from /proc, so it needs Linux");
  }
  const { plan, only, file, long, sums, traces, pages } = options();
  if (sums) {
    failed = !(await analytics());
    return;
  }
  if (traces) {
    failed = !(await telemetry(only as Family[], plan));
    return;
  }
  if (pages) {
    failed = !(await dashboard(only as Family[]));
    return;
  }
  if (long) {
    failed = !(await soak(only as Family[]));
    return;
  }
  const facts = machine();
  const began = new Date();
  const mock = await start([process.execPath, "bench/upstream.ts"], {}, root);
  const entries: Entry[] = [];
  for (const target of allTargets()) {
    if (!only.includes(target.family as Family)) continue;
    const { name, family, kind, missing } = target;
    const result: Result = { name, family, kind, rounds: [] };
    const entry: Entry = { target, result, running: undefined };
    entries.push(entry);
    if (missing) result.note = `skipped: ${missing}`;
    await attempt(entry, "start", async () => {
      entry.running = await target.start(mock.url);
    });
    await attempt(entry, "warm-up", () => warmUp(entry.running!, plan));
  }
  for (let round = 0; round < plan.rounds; round++) await oneRound(entries, mock.url, plan, round);
  await Promise.all(entries.map((entry) => entry.running?.stop()));
  await stop(mock.child);
  progress("");

  const results = entries.map((entry) => entry.result);
  const list = bars(results, await bundleSize(only));
  console.log(`${facts["cpu"]}, ${facts["cores"]} cores; medians of ${plan.rounds} rounds\n`);
  console.log(figures(results));
  if (list.length) console.log(`\n${barTable(list)}`);
  const remarks = notes(results);
  if (remarks.length) console.log(`\n${remarks.join("\n")}`);
  const seconds = (Date.now() - began.getTime()) / 1000;
  const out = {
    date: began.toISOString(),
    seconds,
    machine: facts,
    plan,
    targets: results.map((result) => ({ ...result, medians: medians(result) })),
    bars: list,
  };
  writeFileSync(file, `${JSON.stringify(out, null, 2)}\n`);
  console.log(`\n${seconds.toFixed(0)} s; raw figures in ${file}`);
}

try {
  await main();
} catch (error) {
  failed = true;
  console.error((error as Error).message);
}
// Open handles of broken targets must not keep the run alive.
process.exit(failed ? 1 : 0);
