// Two processes on one store: what is changed in one holds there at once and in the other within 5 s, always
// whole, and streams in flight go on as they began. A worker is its own other: its stores are its own here.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type RunningGateway, runtimes, startGateway } from "../support/gateway.ts";
import { until } from "../support/logs.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const token = "an-admin-token-for-the-test";
/** Milliseconds in which a change must hold, and what a busy machine may add. */
const spread = 5_000, slack = 1_000;

// deno-lint-ignore no-explicit-any
type Json = any;

const withFiles = runtimes.filter((runtime) => runtime !== "workers");

for (const runtime of runtimes) {
  const other = withFiles.find((name) => name !== runtime) ?? runtime;
  describe(`settings of two processes, one on ${runtime}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-settings-"));
    let upstream: Upstream;
    let one: RunningGateway;
    let two: RunningGateway;

    const start = (name: typeof runtime) =>
      startGateway(name, {
        config: {
          allow_private_providers: true,
          providers: { openai: { base_url: `${upstream.url}/v1` } },
        },
        env: {
          SLUICE_ADMIN_TOKEN: token,
          ...name !== "workers" && { SLUICE_DATA: folder },
        },
      });
    const manage = async (
      method: string,
      path: string,
      body?: unknown,
      at: RunningGateway = one,
    ): Promise<Json> => {
      const response = await fetch(`${at.url}/client/v4/accounts/acc/ai-gateway/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...body !== undefined && { "content-type": "application/json" },
        },
        ...body !== undefined && { body: JSON.stringify(body) },
      });
      const answer: Json = await response.json();
      assert.equal(response.status, 200, JSON.stringify(answer));
      return answer.result;
    };
    const ask = (at: RunningGateway, path: string) =>
      fetch(`${at.url}/v1/acc/${path}`, {
        method: "POST",
        headers: { authorization: "Bearer sk-own", "content-type": "application/json" },
        body: '{"model":"gpt-4o-mini","stream":true,"messages":[]}',
      });
    const status = async (at: RunningGateway, path: string) => {
      const response = await ask(at, path);
      await response.arrayBuffer();
      return response.status;
    };
    /** Asks the other process until it answers like that, and checks how long it took. */
    const spreads = async (what: string, path: string, expected: number) => {
      const began = Date.now();
      await until(what, async () => await status(two, path) === expected, 15_000);
      const took = Date.now() - began;
      assert.ok(took <= spread + slack, `${what} took ${took} ms`);
    };

    before(async () => {
      upstream = await startUpstream();
      one = await start(runtime);
      two = runtime === "workers" ? one : await start(other);
    }, { timeout: 90_000 });
    after(async () => {
      await Promise.all([one?.stop("SIGKILL"), two?.stop("SIGKILL")]);
      await upstream?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it("hold in both, and a stream goes on", { timeout: 60_000 }, async () => {
      const path = "default/openai/chat/completions";
      let finish = () => {};
      upstream.handle((_req, res) => {
        res.setHeader("content-type", "text/event-stream");
        res.write('data: {"choices":[{"delta":{"content":"one"}}]}\n\n');
        finish = () =>
          res.end('data: {"choices":[{"delta":{"content":"two"}}]}\n\ndata: [DONE]\n\n');
      });
      const stream = await ask(two, path);
      assert.equal(stream.status, 200);
      const text = stream.text();
      upstream.handle((_req, res) => res.end("{}"));
      assert.equal(await status(two, path), 200);

      await manage("PATCH", "gateways/default", { authentication: true });
      assert.equal(await status(one, path), 401);
      await spreads("A token is asked for", path, 401);
      finish();
      assert.match(await text, /one[^]*two[^]*\[DONE\]/);
      await manage("DELETE", "gateways/default");
      assert.equal(await status(one, path), 200);
      await spreads("No token is asked for", path, 200);
    });

    it("bring gateways and custom providers, and take them away", { timeout: 60_000 }, async () => {
      upstream.handle((_req, res) => res.end("{}"));
      const path = "new/custom-acme/chat";
      assert.equal(await status(two, path), 400);
      await manage("POST", "gateways", {
        id: "new",
        cache_invalidate_on_update: true,
        cache_ttl: 0,
        collect_logs: true,
        rate_limiting_interval: 0,
        rate_limiting_limit: 0,
      });
      const { id } = await manage("POST", "custom-providers", {
        name: "Acme",
        slug: "acme",
        base_url: upstream.url,
        enable: true,
      });
      await spreads("Gateway and provider are there", path, 200);
      await manage("DELETE", `custom-providers/${id}`);
      await spreads("The provider is gone", path, 400);
      await manage("DELETE", "gateways/new");
    });

    it("are whole for requests that come meanwhile", { timeout: 60_000 }, async () => {
      const seen = { one: new Set<string>(), two: new Set<string>() };
      upstream.handle((req, res) => {
        const [, side = "", place = ""] = req.url!.split("/");
        seen[place as "one" | "two"].add(`${side} ${req.headers["x-side"]}`);
        res.end("{}");
      });
      const side = (name: string) => ({
        base_url: `${upstream.url}/${name}`,
        headers: JSON.stringify({ "x-side": name }),
      });
      const { id } = await manage("POST", "custom-providers", {
        name: "Sides",
        slug: "sides",
        enable: true,
        ...side("a"),
      });
      await until(
        "The provider is there",
        async () => await status(two, "default/custom-sides/two") === 200,
      );
      for (let i = 0; seen.two.size < 2 || i < 20; i++) {
        const asks = Array.from({ length: 30 }, async () => {
          assert.equal(await status(one, "default/custom-sides/one"), 200);
          assert.equal(await status(two, "default/custom-sides/two"), 200);
        });
        await manage("PATCH", `custom-providers/${id}`, side(i % 2 === 0 ? "b" : "a"));
        await Promise.all(asks);
      }
      assert.deepEqual([...seen.one].sort(), ["a a", "b b"]);
      assert.deepEqual([...seen.two].sort(), ["a a", "b b"]);
      await manage("DELETE", `custom-providers/${id}`);
    });

    it("of one object may be changed in both at the same time", { timeout: 60_000 }, async () => {
      const rounds = 10;
      for (let i = 1; i <= rounds; i++) {
        const [first, second] = await Promise.all([
          manage("PATCH", "gateways/default", { cache_ttl: i }),
          manage("PATCH", "gateways/default", { log_retention_days: i }, two),
        ]);
        // Each is answered with what it has stored.
        assert.equal(first.cache_ttl, i);
        assert.equal(second.log_retention_days, i);
      }
      const [here, there] = await Promise.all([
        manage("GET", "gateways/default"),
        manage("GET", "gateways/default", undefined, two),
      ]);
      assert.deepEqual(here, there);
      // What the earlier one of the last two said may be gone; the later one's is there.
      assert.ok(here.cache_ttl === rounds || here.log_retention_days === rounds);
      const rows: Json[] = await manage("GET", "gateways/default/audit_logs?per_page=100");
      for (const name of ["cache_ttl", "log_retention_days"]) {
        for (let i = 1; i <= rounds; i++) {
          assert.ok(rows.some((row) => row.new?.[name] === i), `${name} ${i}`);
        }
      }
      await manage("DELETE", "gateways/default");
    });

    if (runtime === "workers") return; // What it has stored goes with it here; see storage-workers.
    it("are there after a restart", { timeout: 60_000 }, async () => {
      await manage("PATCH", "gateways/default", { authentication: true });
      await two.stop("SIGKILL");
      two = await start(other);
      assert.equal(await status(two, "default/openai/chat/completions"), 401);
    });
  });
}
