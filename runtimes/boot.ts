/**
 * What Bun, Deno and Node start alike: environment, configuration, ready line, shutdown.
 *
 * @module
 */
import { hash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { parseConfig } from "../core/config/config.ts";
import {
  type AdminOptions,
  ConfigError,
  createGateway,
  type Gateway,
  type GatewayOptions,
  standardPlugins,
  version,
} from "../mod.ts";
import { resolveName } from "./resolve.ts";
import { openStores } from "./stores.ts";
import { writeFile } from "./write-file.ts";

/** A server as the runtimes have it. */
export interface Listening {
  port: number;
  /** Stops accepting; resolves when the last answer is out. */
  stop(): Promise<unknown>;
}

/** How a runtime serves. */
export type Serve = (gateway: Gateway, at: {
  port: number;
  hostname: string;
  waitUntil(work: Promise<unknown>): void;
}) => Listening | Promise<Listening>;

/** Exit code of a configuration that cannot be used (`EX_CONFIG` of sysexits). */
const badConfig = 78;

/** Milliseconds that streams in flight get after SIGTERM or SIGINT. */
const grace = 10_000;

/** Milliseconds between two looks at what is due beside requests. */
const tick = 1000;

/** Reads environment and configuration, serves, and lives until it is told to stop. */
export async function boot(
  runtime: string,
  serve: Serve,
  options: GatewayOptions = {},
): Promise<void> {
  const env = process.env;
  const hostname = env["HOST"] || "127.0.0.1";
  let gateway: Gateway;
  let port: number;
  try {
    port = portOf(env["PORT"]);
    const config = await loadConfig(env["SLUICE_CONFIG"]);
    gateway = createGateway({
      plugins: standardPlugins(),
      digest: (data) => hash("sha256", data, "hex"),
      writeFile,
      resolve: resolveName,
      ...config,
      ...options,
      env,
      report,
      stores: { ...await openStores({ env, config, report }), ...config.stores },
      admin: adminOf(env["SLUICE_ADMIN_TOKEN"], hostname),
    });
  } catch (error) {
    console.error(
      error instanceof ConfigError ? error.message : `Sluice cannot start: ${text(error)}`,
    );
    process.exit(badConfig);
  }
  const work = new Set<Promise<unknown>>();
  const waitUntil = (promise: Promise<unknown>) => {
    const quiet = promise.catch(() => {}); // a plugin's failure must not end the process
    work.add(quiet);
    quiet.finally(() => work.delete(quiet));
  };
  let server: Listening;
  try {
    server = await serve(gateway, { port, hostname, waitUntil });
  } catch (error) {
    console.error(`Sluice cannot listen on ${hostname}:${port}: ${text(error)}`);
    process.exit(1);
  }
  const shown = hostname.includes(":") ? `[${hostname}]` : hostname;
  const ready = `Sluice ${version} on ${runtime}, ready at http://${shown}:${server.port}`;
  console.log(inLines ? lineOf("info", ready) : ready);
  gateway.warm().catch(() => {}); // what fails here is reported when it is needed
  const ticking = setInterval(() => gateway.run(), tick);

  const stop = async () => {
    clearInterval(ticking);
    const timer = new Promise((done) => setTimeout(done, grace));
    await Promise.race([server.stop(), timer]);
    await Promise.race([Promise.allSettled(work).then(() => gateway.close()), timer]);
    process.exit(0);
  };
  // A failure that somebody has lost must not end the answers to all others.
  process.on("unhandledRejection", (cause) => report("A failure was lost", cause));
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}

/** Without a token, the management API is for this machine alone. */
function adminOf(token: string | undefined, hostname: string): AdminOptions {
  const loopback = /^(?:localhost|127(?:\.\d+){3}|::1)$/.test(hostname);
  if (token !== undefined && token !== "") return { token, loopback };
  if (loopback) return { loopback };
  console.error(
    `Sluice: the management API and the dashboard are off: ${hostname} is open to others, and ` +
      "SLUICE_ADMIN_TOKEN is not set",
  );
  return {};
}

function portOf(value: string | undefined): number {
  if (value === undefined || value === "") return 8787;
  const port = Number(value);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new ConfigError([{
    path: "PORT",
    found: `'${value}'`,
    expected: "a number from 0 to 65535",
  }]);
}

/** `SLUICE_CONFIG` is a path, or JSON that begins with a brace; without it, the file in the folder. */
async function loadConfig(source: string | undefined): Promise<GatewayOptions> {
  if (source?.trimStart().startsWith("{")) return parse("SLUICE_CONFIG", source);
  const path = source ||
    ["ts", "js", "json"].map((end) => `gateway.config.${end}`).find(existsSync);
  if (path === undefined) return {};
  if (!existsSync(path)) {
    throw new ConfigError([{
      path: "SLUICE_CONFIG",
      found: `'${path}'`,
      expected: "a file that exists",
    }]);
  }
  if (path.endsWith(".json")) return parse(path, readFileSync(path, "utf8"));
  const module = await import(pathToFileURL(resolve(path)).href);
  if (typeof module.default !== "object" || module.default === null) {
    throw new ConfigError([{
      path,
      found: "no object",
      expected: "the configuration as default export",
    }]);
  }
  return module.default;
}

function parse(path: string, json: string): GatewayOptions {
  let config: GatewayOptions;
  try {
    config = JSON.parse(json);
  } catch (error) {
    // The text itself may hold keys: only the position is told.
    const where = /position \d+|line \d+ column \d+/.exec(text(error))?.[0];
    const found = `text that is not JSON${where ? ` at ${where}` : ""}`;
    throw new ConfigError([{ path, found, expected: "JSON" }]);
  }
  parseConfig(config); // what only code can give, such as `plugins`, is an unknown key here
  return config;
}

/** All that is printed is JSON, a line each. */
const inLines = process.env["SLUICE_LOG"]?.trim().toLowerCase() === "json";

function lineOf(level: "info" | "warn", message: string, detail?: string): string {
  return JSON.stringify({ time: new Date().toISOString(), level, message, detail });
}

/** To the console, without what may be a key. */
function report(message: string, cause?: unknown): void {
  const told = cause instanceof Error ? cause.stack ?? cause.message : cause;
  const detail = told === undefined ? undefined : redact(String(told));
  if (inLines) console.error(lineOf("warn", message, detail));
  else console.error(`Sluice: ${message}${detail === undefined ? "" : `: ${detail}`}`);
}

function redact(line: string): string {
  return line.replace(
    /([?&](?:key|api_key|token)=|(?:bearer|basic|token|key)\s+)[^\s&"']+/gi,
    "$1[redacted]",
  );
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
