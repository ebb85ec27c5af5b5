// A PostgreSQL of its own for a test: on a free port, with its files in a temporary folder.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { freePort } from "./redis.ts";

/** Where `initdb` and `postgres` are: in the path, or where Debian has them. */
const folder = [
  ...(process.env["PATH"] ?? "").split(delimiter),
  ...versions("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`),
].find((path) => existsSync(join(path, "initdb")) && existsSync(join(path, "postgres")));

function versions(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path).sort((a, b) => Number(b) - Number(a));
}

/** PostgreSQL refuses to run as root. */
const user = process.getuid?.() === 0 ? id("postgres") ?? id("nobody") : undefined;

function id(name: string): { uid: number; gid: number } | undefined {
  const [uid, gid] = ["-u", "-g"].map((of) => Number(spawnSync("id", [of, name]).stdout));
  return uid && gid ? { uid, gid } : undefined;
}

/** Why tests of PostgreSQL are skipped; false when the programs are there. */
export const noPostgres: string | false = folder === undefined
  ? "no programs 'initdb' and 'postgres'"
  : process.getuid?.() === 0 && user === undefined
  ? "PostgreSQL does not run as root, and there is no user 'postgres' or 'nobody'"
  : false;

export interface TestPostgres {
  /** Of the database `postgres`, as a superuser, password included. */
  url: string;
  password: string;
  /** Ends all of it at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts again on the same port. */
  start(): Promise<void>;
  /** Stops answering, with all connections open. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

/** A command as a user that PostgreSQL accepts: not every runtime can start one as another user. */
function command(program: string, args: string[]): [string, string[]] {
  const path = join(folder!, program);
  if (user === undefined) return [path, args];
  const { uid, gid } = user;
  return ["setpriv", [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", path, ...args]];
}

function childrenOf(parent: number | undefined): number[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map(Number).filter((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      return Number(/^PPid:\s*(\d+)/m.exec(status)?.[1]) === parent;
    } catch {
      return false; // it ended while we looked
    }
  });
}

export async function startPostgres(): Promise<TestPostgres> {
  const home = mkdtempSync(join(tmpdir(), "sluice-postgres-"));
  const data = join(home, "data");
  const password = "pass word/of:the@tests";
  const secret = join(home, "password");
  writeFileSync(secret, password);
  if (user !== undefined) {
    for (const path of [home, secret]) {
      chownSync(path, user.uid, user.gid);
    }
  }
  const made = spawnSync(...command("initdb", [
    ...["--pgdata", data, "--username", "sluice", "--pwfile", secret, "--no-sync"],
    ...["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8"],
  ]));
  if (made.status !== 0) throw new Error(`initdb failed:\n${made.stderr}`);
  const port = await freePort();
  let child: ChildProcess | undefined;
  let exited = Promise.resolve();
  /** The processes of one server are a group; Deno sends a child of its own no second signal. */
  const signal = (name: NodeJS.Signals) => {
    if (child?.exitCode === null && child.signalCode === null) process.kill(child.pid!, name);
  };
  /** The server and what it has started, each of which is a group of its own. */
  const signalAll = (name: NodeJS.Signals) => {
    signal(name);
    for (const pid of childrenOf(child?.pid)) {
      try {
        process.kill(pid, name);
      } catch {
        // It ended while we looked.
      }
    }
  };
  const atExit = () => signal("SIGQUIT");
  process.on("exit", atExit);
  const postgres: TestPostgres = {
    url: `postgresql://sluice:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    password,
    async start() {
      const settings = {
        listen_addresses: "127.0.0.1",
        port,
        unix_socket_directories: "",
        fsync: "off",
        max_connections: 30,
      };
      const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
      child = spawn(...command("postgres", ["-D", data, ...args]), {
        stdio: ["ignore", "ignore", "pipe"],
      });
      exited = new Promise((resolve) => child!.once("close", () => resolve()));
      let output = "";
      await new Promise<void>((resolve, reject) => {
        child!.stderr!.setEncoding("utf8").on("data", (text: string) => {
          output = (output + text).slice(-10_000);
          if (output.includes("ready to accept connections")) resolve();
        });
        exited.then(() => reject(new Error(`postgres ended:\n${output}`)));
      });
    },
    async kill() {
      // Ends at once without saying goodbye to anybody; SIGKILL would leave its children behind.
      signal("SIGQUIT");
      await exited;
    },
    freeze: () => signalAll("SIGSTOP"),
    thaw: () => signalAll("SIGCONT"),
    async close() {
      process.off("exit", atExit);
      postgres.thaw();
      await postgres.kill();
      rmSync(home, { recursive: true, force: true });
    },
  };
  await postgres.start();
  return postgres;
}
