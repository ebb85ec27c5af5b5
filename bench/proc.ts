// Child processes and what the kernel says about them.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export interface Cpu {
  tasks: number;
  ticks: number;
}

export interface Started {
  child: ChildProcess;
  url: string;
  stderr: () => string;
}

const running = new Set<ChildProcess>();

/** Ends a child's whole process group: nginx and miniflare have children of their own. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (child.pid) process.kill(-child.pid, name);
  } catch {
    // Already gone.
  }
}

process.on("exit", () => {
  for (const child of running) signal(child, "SIGKILL");
});
for (const [name, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  process.on(name, () => process.exit(code));
}

/** Spawns and waits for the first line of standard output that holds a URL. */
export function start(
  command: string[],
  env: Record<string, string | undefined>,
  cwd: string,
  timeoutMs = 30_000,
): Promise<Started> {
  const [file, ...args] = command;
  const child = spawn(file!, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let output = "";
  let errors = "";
  child.stderr?.on("data", (data) => errors = (errors + data).slice(-4000));
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      signal(child, "SIGKILL");
      running.delete(child);
      reject(new Error(`"${command.join(" ")}" ${why}\n${errors || output}`.trimEnd()));
    };
    const timer = setTimeout(() => fail(`printed no URL within ${timeoutMs} ms`), timeoutMs);
    const onExit = (code: number | null): void =>
      fail(`ended with code ${code} before it listened`);
    child.once("error", (error) => fail(`did not start: ${error.message}`));
    child.once("exit", onExit);
    const onData = (data: Buffer): void => {
      output += data;
      const url = /http:\/\/[\w.[\]-]+:\d+/.exec(output.slice(0, output.lastIndexOf("\n")))?.[0];
      if (!url) return;
      clearTimeout(timer);
      child.stdout?.off("data", onData).resume();
      child.off("exit", onExit);
      resolve({ child, url, stderr: () => errors });
    };
    child.stdout?.on("data", onData);
  });
}

export async function stop(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return;
  const gone = child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise<void>((resolve) => child.once("exit", () => resolve()));
  signal(child, "SIGTERM");
  const timer = setTimeout(() => signal(child, "SIGKILL"), 3000);
  await gone;
  clearTimeout(timer);
  // The leader may be gone before its children.
  signal(child, "SIGKILL");
  running.delete(child);
}

/** The process and all its descendants. */
export function tree(pid: number): number[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const ppid = Number(statFields(Number(name))[1]);
    parents.set(ppid, [...parents.get(ppid) ?? [], Number(name)]);
  }
  const found = [pid];
  for (const one of found) found.push(...parents.get(one) ?? []);
  return found;
}

export function named(pids: number[], name: string): number[] {
  return pids.filter((pid) => read(`/proc/${pid}/comm`).trim() === name);
}

/** CPU so far in nanoseconds, by two clocks: threads' own (exact) and the process's (10 ms). */
export function cpu(pids: number[]): Cpu {
  const sum: Cpu = { tasks: 0, ticks: 0 };
  for (const pid of pids) {
    for (const task of list(`/proc/${pid}/task`)) {
      sum.tasks += Number(read(`/proc/${pid}/task/${task}/schedstat`).split(" ")[0] || 0);
    }
    const fields = statFields(pid);
    sum.ticks += (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 1e7;
  }
  return sum;
}

/** Nanoseconds between two readings; the coarse clock wins when a thread has ended in between. */
export function cpuBetween(before: Cpu, after: Cpu): number {
  const tasks = after.tasks - before.tasks;
  const ticks = after.ticks - before.ticks;
  return ticks - tasks > 5e7 ? ticks : tasks;
}

/** A memory line of /proc/PID/status, in MB, summed. */
export function memory(pids: number[], line: "VmRSS" | "VmHWM"): number {
  const kb = pids.map((pid) =>
    Number(new RegExp(`${line}:\\s+(\\d+)`).exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
  );
  return kb.reduce((a, b) => a + b, 0) / 1024;
}

function statFields(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
