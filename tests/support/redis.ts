// A Redis of its own for a test: on a free port, with its files in a temporary folder.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** Why tests of Redis are skipped; false when the program is there. */
export const noRedis: string | false = spawnSync("redis-server", ["--version"]).status === 0
  ? false
  : "no program 'redis-server'";

export interface TestRedis {
  url: string;
  port: number;
  /** Ends the process at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts again on the same port, with what was saved. */
  start(): Promise<void>;
  /** Stops answering, with all connections open. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

/** Every write is on disk before it is answered, so that a killed one comes back with all of it. */
const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];

export async function startRedis(
  { port: given, password }: { port?: number; password?: string } = {},
): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-redis-"));
  const port = given ?? await freePort();
  const options = password === undefined ? [] : ["--requirepass", password];
  let child: ChildProcess | undefined;
  let exited = Promise.resolve();
  // Deno sends a child of its own no second signal.
  const signal = (name: NodeJS.Signals) => {
    if (child?.exitCode === null && child.signalCode === null) process.kill(child.pid!, name);
  };
  const redis: TestRedis = {
    url: `redis://127.0.0.1:${port}`,
    port,
    async start() {
      const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder];
      child = spawn("redis-server", [...args, ...durable, ...options], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      const { stdout } = child;
      exited = new Promise((resolve) => child!.once("close", () => resolve()));
      let output = "";
      await new Promise<void>((resolve, reject) => {
        stdout!.setEncoding("utf8").on("data", (text: string) => {
          output += text;
          if (output.includes("Ready to accept connections")) resolve();
        });
        exited.then(() => reject(new Error(`redis-server ended:\n${output}`)));
      });
    },
    async kill() {
      signal("SIGKILL");
      await exited;
    },
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    async close() {
      await redis.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await redis.start();
  return redis;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
