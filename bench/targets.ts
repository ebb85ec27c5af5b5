// What can be measured, and how each is started.
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Endpoint, sleep } from "./load.ts";
import { answerBytes } from "./payload.ts";
import { named, start, type Started, stop, tree } from "./proc.ts";

export const root: string = fileURLToPath(new URL("..", import.meta.url));

export type Family = "node" | "bun" | "deno" | "workers" | "nginx";

export type Kind =
  | "bare"
  | "passing"
  | "translating"
  | "logging"
  | "limiting"
  | "hitting"
  | "peer";

export interface Target {
  name: string;
  family: Family;
  /**
   * `bare` does nothing but pass on; `passing` is a gateway that logs nothing; `translating` the same one
   * asked by a client of Anthropic for a provider of OpenAI's format; `logging` is one with a
   * virtual key asked for and each request in its SQLite file, bodies included; `limiting` has a cache
   * that never hits and a rate limit on top, `hitting` answers from that cache; `peer` is another gateway.
   */
  kind: Kind;
  /** Why it cannot be measured here, if so. */
  missing?: string;
  start(upstream: string): Promise<Running>;
}

export interface Running {
  endpoint: Endpoint;
  pid: number;
  /** The processes whose CPU and memory count. */
  pids: number[];
  stderr: () => string;
  /** How long after its last answer a target may still be at work. */
  settleMs: number;
  stop(): Promise<void>;
}

const folders: string[] = [];
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone with this process. */
function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-bench-"));
  folders.push(folder);
  return folder;
}

const bin = (name: string): string => join(root, "node_modules/.bin", name);
const bareName: Record<Exclude<Family, "nginx">, string> = {
  node: "http + undici dispatch",
  bun: "Bun.serve + fetch",
  deno: "Deno.serve + fetch",
  workers: "worker + fetch",
};
const commands = {
  node: (file: string) => [bin("node"), file],
  bun: (file: string) => [bin("bun"), "run", file],
  deno: (file: string) => [bin("deno"), "run", "-A", "--no-check", file],
  workers: (file: string) => [bin("node"), "bench/workerd.ts", file],
};

function running(started: Started, path: string, pids: number[]): Running {
  const { hostname, port } = new URL(started.url);
  return {
    endpoint: { host: hostname, port: Number(port), path },
    pid: started.child.pid!,
    pids,
    stderr: started.stderr,
    settleMs: 50,
    stop: () => stop(started.child),
  };
}

/** On Workers only workerd itself counts, not the tool that starts it. */
function counted(family: Family, pid: number): number[] {
  return family === "workers" ? named(tree(pid), "workerd") : tree(pid);
}

function bare(family: Exclude<Family, "nginx">, file: string, label = bareName[family]): Target {
  return {
    name: `${family} bare (${label})`,
    family,
    kind: "bare",
    async start(upstream) {
      const env: Record<string, string> = { UPSTREAM: upstream };
      // Bun's fetch allows 256 requests at a time unless told otherwise.
      if (family === "bun") env["BUN_CONFIG_MAX_HTTP_REQUESTS"] = "4096";
      const started = await start(commands[family](`bench/proxies/${file}.ts`), env, root);
      return running(started, "/v1/chat/completions", counted(family, started.child.pid!));
    },
  };
}

/** The virtual key that the logging gateway asks for. */
const key = "sl-bench-0123456789abcdefghijklmnopqrstuvwxyzAB";

/** A gateway as the bench starts it. @param more What else is configured, and what that is called. */
export function gateway(
  family: Exclude<Family, "nginx">,
  kind: "passing" | "translating" | "logging" | "limiting" | "hitting",
  more: { name: string; config: object } = { name: "", config: {} },
): Target {
  const file = `runtimes/${family}.ts`;
  const logging = kind !== "passing" && kind !== "translating";
  const cached = kind === "limiting" || kind === "hitting";
  const what = {
    passing: "",
    translating: ", translated",
    logging: ", auth + log",
    limiting: ", + cache miss + limit",
    hitting: ", cache hit",
  };
  return {
    name: `${family} gateway${what[kind]}${more.name}`,
    family,
    kind,
    ...(existsSync(join(root, file)) ? {} : { missing: `${file} is not there` }),
    async start(upstream) {
      const hash = `sha256:${createHash("sha256").update(key).digest("hex")}`;
      const config = {
        ...more.config,
        providers: {
          openai: { base_url: `${upstream}/v1` },
          // No query goes to them, and so the scenario is in the path.
          ...kind === "translating" && Object.fromEntries(
            Object.keys(answerBytes).map((
              name,
            ) => [`custom-${name}`, { base_url: `${upstream}/s/${name}/v1` }]),
          ),
        },
        gateways: {
          default: logging
            ? {
              authentication: true,
              tokens: [{ name: "bench", hash }],
              ...cached && { cache_ttl: 3600, rate_limiting_limit: 1e9 },
            }
            : { collect_logs: false },
        },
      };
      const data = logging ? temporary() : "memory";
      const started = await start(commands[family](file), {
        PORT: "0",
        HOST: "127.0.0.1",
        SLUICE_DATA: data,
        SLUICE_CONFIG: JSON.stringify(config),
        SLUICE_ADMIN_TOKEN: undefined,
      }, root);
      const path = "/v1/bench/default/openai/chat/completions";
      const target = running(started, path, counted(family, started.child.pid!));
      if (kind === "translating") {
        target.endpoint.path = "/v1/messages";
        target.endpoint.headers = { "anthropic-version": "2023-06-01" };
        target.endpoint.body = (scenario) => ({
          model: `custom-${scenario}/gpt-4o-mini`,
          stream: scenario !== "json",
          max_tokens: 256,
          system: "You are a helpful assistant that answers in one paragraph.",
          messages: [{
            role: "user",
            content: "Tell me about the quick brown fox and the lazy dog, briefly.",
          }],
          temperature: 0.7,
        });
      }
      if (kind === "limiting") target.endpoint.varied = true;
      if (logging) {
        target.endpoint.headers = { "cf-aig-authorization": `Bearer ${key}` };
        target.settleMs = 300; // rows are written up to 200 ms after the answer
      }
      return target;
    },
  };
}

/** How the peer is installed. */
const installPeer = "npm install --prefix bench/peer --ignore-scripts --no-package-lock";

/** The closest peer in TypeScript, with nothing turned on. */
function portkey(family: "node" | "bun"): Target {
  const file = "bench/peer/node_modules/@portkey-ai/gateway/build/start-server.js";
  return {
    name: `${family} Portkey`,
    family,
    kind: "peer",
    ...(existsSync(join(root, file))
      ? {}
      : { missing: `not installed, which '${installPeer}' does` }),
    async start(upstream) {
      const port = await freePort();
      // It prints colours around its address; so the shell says it first, and the caller polls.
      const [command, ...args] = commands[family](file);
      const line = [command, ...args, `--port=${port}`, "--headless"].map((part) => `'${part}'`);
      const script = `echo http://127.0.0.1:${port}; exec ${line.join(" ")}`;
      const started = await start(["/bin/sh", "-c", script], { NODE_ENV: "production" }, root);
      for (let tries = 0; tries < 1000 && !(await answers(started.url)); tries++) await sleep(5);
      const target = running(started, "/v1/chat/completions", tree(started.child.pid!));
      // It passes no query on, and so the scenario is in the path.
      target.endpoint.headers = (scenario) => ({
        "x-portkey-provider": "openai",
        "x-portkey-custom-host": `${upstream}/s/${scenario}/v1`,
      });
      return target;
    },
  };
}

function findNginx(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, "nginx")).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(address && typeof address === "object" ? address.port : 0));
    });
  });
}

const nginxConfig = (port: number, host: string): string => `
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr;
events { worker_connections 8192; }
http {
  access_log off;
  upstream provider {
    server ${host};
    keepalive 256;
    keepalive_requests 10000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    keepalive_requests 10000000;
    location / {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_read_timeout 1h;
    }
  }
}
`;

function nginx(): Target {
  const file = findNginx();
  return {
    name: "nginx",
    family: "nginx",
    kind: "bare",
    ...(file ? {} : { missing: "nginx is not installed" }),
    async start(upstream) {
      const folder = temporary();
      const port = await freePort();
      writeFileSync(join(folder, "nginx.conf"), nginxConfig(port, new URL(upstream).host));
      // nginx says nothing when it listens, so the shell says it first and the caller polls.
      const script = `echo http://127.0.0.1:${port}; exec "${file}" -p "${folder}" -c nginx.conf`;
      const started = await start(["/bin/sh", "-c", script], {}, root);
      for (let tries = 0; tries < 1000 && !(await answers(started.url)); tries++) await sleep(2);
      return running(started, "/v1/chat/completions", tree(started.child.pid!));
    },
  };
}

export async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url);
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

/** Gateways stand next to their bare proxies, so that pairs are measured close in time. */
export function allTargets(): Target[] {
  return [
    bare("node", "node-undici"),
    gateway("node", "passing"),
    gateway("node", "translating"),
    gateway("node", "logging"),
    gateway("node", "limiting"),
    gateway("node", "hitting"),
    portkey("node"),
    bare("node", "node-fetch", "http + fetch"),
    bare("bun", "bun"),
    gateway("bun", "passing"),
    gateway("bun", "translating"),
    gateway("bun", "logging"),
    gateway("bun", "limiting"),
    gateway("bun", "hitting"),
    portkey("bun"),
    bare("deno", "deno"),
    gateway("deno", "passing"),
    gateway("deno", "translating"),
    gateway("deno", "logging"),
    bare("workers", "workers"),
    gateway("workers", "passing"),
    gateway("workers", "translating"),
    gateway("workers", "logging"),
    nginx(),
  ];
}
