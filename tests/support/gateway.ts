// Starts the real gateway as a process of its own, on any of the four runtimes.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { workerdArguments } from "./workerd.ts";

export type RuntimeName = "node" | "bun" | "deno" | "workers";

const all: RuntimeName[] = ["node", "bun", "deno", "workers"];
const wanted = process.env.SLUICE_TEST_RUNTIMES?.split(",").map((name) => name.trim());

export const runtimes: RuntimeName[] = wanted ? all.filter((name) => wanted.includes(name)) : all;
if (!runtimes.length) throw new Error(`SLUICE_TEST_RUNTIMES names none of ${all.join(", ")}`);

export interface RunningGateway {
  runtime: RuntimeName;
  url: string;
  /** The process that serves requests: on Workers that is workerd, not wrangler. */
  pid: number;
  output(): string;
  /** The exit code; null when a signal ended the process. */
  exited: Promise<number | null>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

export interface GatewayOptions {
  config?: unknown;
  env?: Record<string, string>;
  /** Workers only: on workerd itself, without the proxies of `wrangler dev` in between. */
  bare?: boolean;
}

/** Thrown when the process ends before it is ready. */
export class StartError extends Error {
  output: string;
  exitCode: number | null;
  constructor(message: string, output: string, exitCode: number | null) {
    super(`${message}\n${output}`);
    this.output = output;
    this.exitCode = exitCode;
  }
}

export const root = fileURLToPath(new URL("../../", import.meta.url));
const bin = (name: string) => join(root, "node_modules/.bin", name);
const startLimit = 60_000;
// Longer than the 10 s that the gateway itself allows for streams in flight.
const stopLimit = 15_000;

/** Answers with the running gateway once `GET /health` is 200. */
export async function startGateway(
  runtime: RuntimeName,
  options: GatewayOptions = {},
): Promise<RunningGateway> {
  const state = mkdtempSync(join(tmpdir(), "sluice-test-"));
  const vars: Record<string, string> = {
    SLUICE_DATA: "memory",
    ...(options.config === undefined ? {} : { SLUICE_CONFIG: JSON.stringify(options.config) }),
    ...options.env,
  };
  const { command, args } = runtime === "workers" && options.bare
    ? { command: bin("workerd"), args: await workerdArguments(root, state, vars) }
    : commandOf(runtime, vars, state);
  const child = spawn(command, args, {
    cwd: root,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: process.env.HOME ?? "",
      ...(runtime === "workers" ? wranglerEnv(state) : { PORT: "0", HOST: "127.0.0.1", ...vars }),
    },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that whatever it starts can be ended with it.
    detached: true,
  });
  const guard = guardOf(child, state);

  let output = "";
  let stdout = "";
  const readyUrl = Promise.withResolvers<string>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    stdout += text;
    const url = stdout.match(/http:\/\/(?:127\.0\.0\.1|0\.0\.0\.0):\d+/)?.[0]
      .replace("0.0.0.0", "127.0.0.1");
    const port = options.bare && stdout.match(/"event":"listen".*"port":(\d+)/)?.[1];
    if (url) readyUrl.resolve(url);
    else if (port) readyUrl.resolve(`http://127.0.0.1:${port}`);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => output += text);

  const exited = new Promise<number | null>((resolve) => {
    child.on("error", (error) => {
      output += `${error}\n`;
      resolve(null);
    });
    child.on("close", (code) => resolve(code));
  }).then((code) => {
    guard.kill();
    killGroup(child);
    rmSync(state, { recursive: true, force: true, maxRetries: 3 });
    return code;
  });

  const timer = setTimeout(() => killGroup(child), startLimit);
  const early = exited.then((code) => {
    throw new StartError(
      `The ${runtime} gateway ended before it was ready (${code})`,
      output,
      code,
    );
  });
  // After the start it is no failure that the process ends.
  early.catch(() => {});
  try {
    const url = await Promise.race([readyUrl.promise, early]);
    await Promise.race([healthy(url), early]);
    return {
      runtime,
      url,
      pid: runtime === "workers" ? workerdOf(child.pid!) : child.pid!,
      output: () => output,
      exited,
      stop(signal = "SIGTERM") {
        // Neither wrangler nor workerd lets streams finish.
        if (runtime === "workers") killGroup(child);
        else child.kill(signal);
        const limit = setTimeout(() => killGroup(child), stopLimit);
        return exited.finally(() => clearTimeout(limit));
      },
    };
  } catch (error) {
    killGroup(child);
    const code = await exited;
    throw error instanceof StartError ? error : new StartError(String(error), output, code);
  } finally {
    clearTimeout(timer);
  }
}

function commandOf(
  runtime: RuntimeName,
  vars: Record<string, string>,
  state: string,
): { command: string; args: string[] } {
  switch (runtime) {
    case "node":
      return { command: bin("node"), args: ["runtimes/node.ts"] };
    case "bun":
      return { command: bin("bun"), args: ["run", "runtimes/bun.ts"] };
    case "deno":
      return { command: bin("deno"), args: ["run", "-A", "runtimes/deno.ts"] };
    case "workers": {
      const args = [
        "node_modules/wrangler/bin/wrangler.js",
        ...["dev", "-c", "runtimes/wrangler.jsonc", "--ip", "127.0.0.1", "--port", "0"],
        ...["--inspector-port", "0", "--persist-to", state, "--show-interactive-dev-session=false"],
        ...Object.entries(vars).flatMap(([name, value]) => ["--var", `${name}:${value}`]),
      ];
      // The system's own node may be older than what wrangler asks for.
      return { command: bin("node"), args };
    }
  }
}

/** Keeps wrangler silent, offline and out of the home folder. */
function wranglerEnv(state: string): Record<string, string> {
  return {
    CI: "true",
    NO_COLOR: "1",
    WRANGLER_SEND_METRICS: "false",
    // Its banner looks for updates on the network.
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_REGISTRY_PATH: join(state, "registry"),
    WRANGLER_LOG_PATH: join(state, "logs"),
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
  };
}

/** A worker cannot exit: one that could not be configured answers `/health` with an error. */
async function healthy(url: string): Promise<void> {
  let last = "nothing";
  for (let wrong = 0; wrong < 10;) {
    const response = await fetch(`${url}/health`).catch(() => undefined);
    const text = await response?.text().catch(() => "");
    if (response?.status === 200) return;
    if (response) {
      last = `${response.status} ${text}`;
      wrong++;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`GET /health did not answer 200 but ${last}`);
}

/** A shell that outlives a crash of this process just long enough to end the gateway's group. */
function guardOf(child: ChildProcess, state: string): ChildProcess {
  const script = 'read _; kill -9 -"$0" 2>/dev/null; rm -rf "$1"';
  const guard = spawn("/bin/sh", ["-c", script, String(child.pid), state], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  return guard;
}

function killGroup(child: ChildProcess): void {
  if (!child.pid) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody is left in the group.
  }
}

/** The workerd process that runs in wrangler's process group. */
function workerdOf(group: number): number {
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const [, name, rest] = stat.match(/^\d+ \((.*)\) (.*)$/s) ?? [];
      if (name === "workerd" && Number(rest?.split(" ")[2]) === group) return Number(entry);
    } catch {
      // The process ended while we looked.
    }
  }
  return group;
}
