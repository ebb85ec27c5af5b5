// The examples, started as their first lines say, with requests that go through to a provider.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, afterEach, before, describe, it } from "node:test";
import { send } from "../support/client.ts";
import { root, type RuntimeName, runtimes } from "../support/gateway.ts";
import { freePort } from "../support/redis.ts";
import { assertGatewayError } from "../support/suite.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const bin = (name: string) => join(root, "node_modules/.bin", name);
const folder = mkdtempSync(join(tmpdir(), "sluice-examples-"));

let upstream: Upstream;
before(async () => {
  upstream = await startUpstream();
});

const running: ChildProcess[] = [];
async function stopAll(): Promise<void> {
  await Promise.all(
    running.splice(0).map((child) => {
      const exited = new Promise((resolve) => child.once("close", resolve));
      try {
        process.kill(-child.pid!, "SIGKILL"); // with whatever it has started
      } catch {
        return; // it has ended
      }
      return exited;
    }),
  );
}
afterEach(stopAll);
after(async () => {
  await stopAll();
  await upstream?.close();
  for (const left of [folder, join(root, "examples/workers/.wrangler")]) {
    rmSync(left, { recursive: true, force: true, maxRetries: 3 });
  }
});

/** Starts a program and answers with its URL once `path` is served. */
async function start(
  port: number,
  command: string,
  args: readonly string[],
  { path = "/", env = {} }: { path?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const child = spawn(command, args, {
    cwd: root,
    env: {
      PATH: process.env.PATH ?? "",
      HOME: process.env.HOME ?? "",
      PORT: String(port),
      OPENAI_BASE_URL: `${upstream.url}/v1`,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  running.push(child);
  let output = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding("utf8").on("data", (text: string) => output += text);
  }
  let ended = false;
  child.once("close", () => ended = true);
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 60_000;
  while (!ended && Date.now() < deadline) {
    const status = await send(url, path).then(({ status }) => status, () => 0);
    if (status === 200) return url;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return assert.fail(`It did not start:\n${output}`);
}

const chat = {
  method: "POST",
  headers: { authorization: "Bearer sk-own", "content-type": "application/json" },
  body: '{"model":"gpt-4o-mini","messages":[]}',
};

/** A request that the provider gets, with its answer. */
async function passes(url: string, path: string, init: typeof chat = chat): Promise<void> {
  upstream.reset();
  upstream.handle((_req, res) => {
    res.setHeader("content-type", "text/event-stream");
    res.write('data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n');
    res.end("data: [DONE]\n\n");
  });
  const { status, body } = await send(url, path, init);
  assert.equal(status, 200, body.toString());
  assert.match(body.toString(), /"Hi".*\[DONE\]\n\n$/s);
  const [got] = upstream.requests;
  assert.equal(got!.target, "/v1/chat/completions");
  assert.equal(got!.body.toString(), init.body);
}

const on = (runtime: RuntimeName, name: string, fn: () => Promise<void>) => {
  if (runtimes.includes(runtime)) it(name, { timeout: 90_000 }, fn);
};

describe("examples", () => {
  const passesHono = async (url: string) => {
    assert.equal((await send(url, "/")).body.toString(), "The app");
    await passes(url, "/ai/openai/chat/completions");
    await passes(url, "/ai/v1/me/default/openai/v1/chat/completions");
    assertGatewayError(await send(url, "/ai/opnai/chat/completions", chat), 400, 2008);
  };

  on("node", "Hono on Node", async () => {
    const port = await freePort();
    const args = ["tests/support/serve.ts", "examples/hono.ts", "default"];
    await passesHono(await start(port, bin("node"), args));
  });

  on("bun", "Hono on Bun", async () => {
    await passesHono(await start(await freePort(), bin("bun"), ["run", "examples/hono.ts"]));
  });

  on("deno", "Hono on Deno", async () => {
    const port = await freePort();
    const args = ["serve", "-A", "--host", "127.0.0.1", "--port", `${port}`, "examples/hono.ts"];
    await passesHono(await start(port, bin("deno"), args));
  });

  on("node", "Next.js: a route handler that lends its key to who has signed in", async () => {
    const port = await freePort();
    const args = ["tests/support/serve.ts", "examples/next/app/ai/[...path]/route.ts", "POST"];
    const url = await start(port, bin("node"), args, {
      path: "/ai/health",
      env: { OPENAI_API_KEY: "sk-of-the-app" },
    });
    const path = "/ai/openai/chat/completions";
    const { authorization: _none, ...plain } = chat.headers;
    assertGatewayError(await send(url, path, { ...chat, headers: plain }), 401, 9001);
    const signedIn = { ...chat, headers: { ...plain, cookie: "a=b; user=ann" } };
    await passes(url, path, signedIn as unknown as typeof chat);
    assert.equal(upstream.requests[0]!.headers.authorization, "Bearer sk-of-the-app");
    assert.equal(upstream.requests[0]!.headers.cookie, undefined);
    for (let i = 0; i < 19; i++) assert.equal((await send(url, path, signedIn)).status, 200);
    assertGatewayError(await send(url, path, signedIn), 429, 2003);
    const other = { ...chat, headers: { ...plain, cookie: "user=bob" } };
    assert.equal((await send(url, path, other)).status, 200);
  });

  on("deno", "Deno Deploy: keys, counts and logs are in Deno KV", async () => {
    const env = { KV_PATH: join(folder, "kv"), SLUICE_ADMIN_TOKEN: "admin-of-the-test" };
    const started = async () => {
      const args = ["run", "-A", "examples/deno-deploy/main.ts"];
      return start(await freePort(), bin("deno"), args, { path: "/health", env });
    };
    const manage = async (url: string, method: string, path: string, body?: unknown) => {
      const at = `/client/v4/accounts/me/ai-gateway/gateways/default/${path}`;
      const answer = await send(url, at, {
        method,
        headers: {
          authorization: `Bearer ${env.SLUICE_ADMIN_TOKEN}`,
          "content-type": "application/json",
        },
        ...body !== undefined && { body: JSON.stringify(body) },
      });
      assert.equal(answer.status, 200, answer.body.toString());
      return JSON.parse(answer.body.toString()).result;
    };
    const first = await started();
    const { key } = await manage(first, "POST", "virtual_keys", { name: "app" });
    const withKey = { ...chat, headers: { ...chat.headers, "cf-aig-authorization": key } };
    await passes(first, "/openai/chat/completions", withKey);
    let rows: unknown[] = [];
    for (let i = 0; rows.length === 0 && i < 200; i++) rows = await manage(first, "GET", "logs");
    assert.equal(rows.length, 1);
    await stopAll();

    const second = await started();
    await passes(second, "/openai/chat/completions", withKey);
    const { headers } = await send(second, "/openai/chat/completions", chat);
    assert.equal(headers["x-ratelimit-remaining-requests"], "17", "the first one's is counted");
  });

  on("workers", "Workers: own plugin, limits in a Durable Object", async () => {
    const port = await freePort();
    const url = await start(port, bin("node"), [
      ...["node_modules/wrangler/bin/wrangler.js", "dev", "-c", "examples/workers/wrangler.jsonc"],
      ...["--ip", "127.0.0.1", "--port", `${port}`, "--inspector-port", "0"],
      ...["--persist-to", join(folder, "worker"), "--show-interactive-dev-session=false"],
      ...["--var", `OPENAI_BASE_URL:${upstream.url}/v1`],
    ], {
      path: "/health",
      env: {
        CI: "true",
        NO_COLOR: "1",
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_HIDE_BANNER: "true",
        WRANGLER_SEND_ERROR_REPORTS: "false",
        WRANGLER_REGISTRY_PATH: join(folder, "registry"),
        WRANGLER_LOG_PATH: join(folder, "logs"),
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
      },
    });
    await passes(url, "/openai/chat/completions");
    const { headers } = await send(url, "/openai/chat/completions", chat);
    assert.match(String(headers["x-colo"]), /^\w+$/);
    assert.equal(headers["x-ratelimit-remaining-requests"], "18");
    for (let i = 0; i < 18; i++) {
      assert.equal((await send(url, "/openai/chat/completions", chat)).status, 200);
    }
    assertGatewayError(await send(url, "/openai/chat/completions", chat), 429, 2003);
  });
});
