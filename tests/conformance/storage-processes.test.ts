// Several processes on the same stores, and ones that are killed.
import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { after, describe, it } from "node:test";
import { openStores } from "../../runtimes/stores.ts";
import { root, runtimes } from "../support/gateway.ts";
import { noRedis, startRedis } from "../support/redis.ts";

const script = "tests/support/store-process.ts";
const commands: Record<string, string[]> = {
  node: ["node", script],
  bun: ["bun", script],
  deno: ["deno", "run", "-A", "--no-check", script],
};
const available = runtimes.filter((runtime) => runtime !== "workers");

const folder = mkdtempSync(join(tmpdir(), "sluice-processes-"));
const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

class Process {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly exited: Promise<unknown>;

  constructor([program, ...args]: string[], env: Record<string, string>) {
    this.#child = spawn(join(root, "node_modules/.bin", program!), args, {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    children.add(this.#child);
    // Not its "close", which comes only after all that it wrote was read.
    this.exited = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  tell(command: unknown): void {
    this.#child.stdin!.write(`${JSON.stringify(command)}\n`);
  }

  /** The next line; undefined at the end. */
  async next(): Promise<any> {
    const { value, done } = await this.#lines.next();
    return done ? undefined : JSON.parse(value);
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }

  async end(): Promise<void> {
    this.#child.stdin!.end();
    await this.exited;
  }
}

/** Four processes, of all runtimes where they may be mixed. */
async function exactly(env: Record<string, string>, expected: string): Promise<void> {
  const processes = Array.from(
    { length: 4 },
    (_, i) => new Process(commands[available[i % available.length]!]!, env),
  );
  for (const each of processes) {
    const { ready } = await each.next();
    assert.equal(ready[2], expected);
  }
  const add = ["limit:hammered", 1, 500];
  const at = Date.now();
  for (const each of processes) each.tell({ add, times: 400, at });
  const found = await Promise.all(processes.map((each) => each.next()));
  const sum = found.reduce((all, { added }) => all + added, 0);
  assert.equal(sum, 500, JSON.stringify(found));
  // Nothing is lost where all write at once.
  for (const each of processes) each.tell({ add: ["budget", 0.25, 1e9], times: 100, at });
  await Promise.all(processes.map((each) => each.next()));
  processes[0]!.tell({ add: ["budget", 0, 100], times: 1, at });
  assert.deepEqual(await processes[0]!.next(), { added: 1 });
  processes[0]!.tell({ add: ["budget", 0.01, 100], times: 1, at });
  assert.deepEqual(await processes[0]!.next(), { added: 0 });
  await Promise.all(processes.map((each) => each.end()));
}

describe("four processes on one limit", () => {
  it("let exactly the limit through on one SQLite file, which all of them create", async () => {
    await exactly({ SLUICE_DATA: join(folder, "shared") }, "sqlite");
  });

  it("let exactly the limit through on Redis", { skip: noRedis }, async () => {
    const redis = await startRedis();
    try {
      await exactly({ SLUICE_DATA: join(folder, "with-redis"), REDIS_URL: redis.url }, "redis");
    } finally {
      await redis.close();
    }
  });
});

for (const runtime of available) {
  describe(`${runtime}: a process that is killed`, () => {
    it("has lost nothing that it had stored", async () => {
      const env = { SLUICE_DATA: join(folder, `killed-${runtime}`) };
      const victim = new Process(commands[runtime]!, env);
      await victim.next();
      victim.tell({ write: "kept", at: 0 });
      let wrote = 0;
      while (wrote < 300) ({ wrote } = await victim.next());
      await victim.kill();
      // What it had said by then was stored, whether it was read or not.
      for (let line = await victim.next(); line !== undefined; line = await victim.next()) {
        wrote = line.wrote;
      }
      const stores = await openStores({ env, report: assert.fail });
      for (let i = 0; i < wrote; i++) assert.deepEqual(await stores.keys.get(`kept:${i}`), { i });
      const span = { slots: 10, slotMs: 3_600_000 };
      const { total } = await stores.counters.add("kept", 0, span, Infinity, 0);
      assert.ok(total >= wrote / 2 && total <= wrote / 2 + 0.5, `${total} after ${wrote}`);
      for (const store of Object.values(stores)) await store.close();
    });
  });
}

if (available.includes("deno")) {
  describe("deno: without a disk", () => {
    it("keeps all of it in Deno KV", async () => {
      const command = ["deno", "run", "--allow-env", "--allow-read", "--no-check", script];
      const child = new Process(command, { DENO_DIR: join(folder, "deno"), NO_COLOR: "1" });
      assert.deepEqual((await child.next()).ready, Array(4).fill("deno-kv"));
      await child.end();
    });
  });
}
