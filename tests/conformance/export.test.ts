// Exports and alerts of gateways as processes: killed between batches, several on one store, on Workers
// by its cron.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { Webhook } from "standardwebhooks";
import {
  type RunningGateway,
  type RuntimeName,
  runtimes,
  startGateway,
} from "../support/gateway.ts";
import { adminToken, readRows, until } from "../support/logs.ts";
import { type S3Double, s3Keys, s3Region, startS3 } from "../support/s3.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const secret = `whsec_${btoa("a secret of thirty-two characters")}`;
const path = "/v1/acc/default/openai/chat/completions";

for (const runtime of runtimes) {
  describe(`exports and alerts on ${runtime}`, () => {
    let upstream: Upstream;
    let hook: Upstream;
    let s3: S3Double;
    let folder: string;
    const running = new Set<RunningGateway>();

    before(async () => {
      [upstream, hook, s3] = await Promise.all([startUpstream(), startUpstream(), startS3()]);
    });
    after(async () => {
      await Promise.all([...running].map((gateway) => gateway.stop("SIGKILL")));
      await Promise.all([upstream?.close(), hook?.close(), s3?.close()]);
    });
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "sluice-export-"));
      upstream.reset();
      hook.reset();
      s3.objects.clear();
      s3.puts.length = 0;
      s3.answer = undefined;
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    const start = async (name: RuntimeName = runtime, more: Record<string, unknown> = {}) => {
      const gateway = await startGateway(name, {
        config: {
          gateways: { default: { logpush: true } },
          providers: { openai: { base_url: `${upstream.url}/v1` } },
          exports: [{
            name: "archive",
            to: "s3",
            url: s3.url,
            bucket: "logs",
            region: s3Region,
            access_key_id: s3Keys.accessKeyId,
            secret_access_key: { env: "S3_SECRET" },
            interval: 1,
            timeout: 1,
            bodies: true,
            batch_rows: 20,
          }],
          alerts: {
            webhooks: [{ url: `${hook.url}/alerts`, secret: { env: "HOOK_SECRET" } }],
            error_rate: { threshold: 0.5, min_requests: 5 },
          },
          ...more,
        },
        env: {
          SLUICE_DATA: folder,
          SLUICE_ADMIN_TOKEN: adminToken,
          S3_SECRET: s3Keys.secretAccessKey,
          HOOK_SECRET: secret,
        },
      });
      running.add(gateway);
      void gateway.exited.then(() => running.delete(gateway));
      return gateway;
    };
    /** Asks one after the other; ids of their rows. */
    const ask = async (gateway: RunningGateway, times: number): Promise<string[]> => {
      const ids: string[] = [];
      for (let i = 0; i < times; i++) {
        const response = await fetch(gateway.url + path, {
          method: "POST",
          headers: { authorization: "Bearer sk-own", "content-type": "application/json" },
          body: '{"model":"gpt-4o-mini","messages":[]}',
        });
        await response.arrayBuffer();
        ids.push(response.headers.get("cf-aig-log-id")!);
      }
      return ids;
    };
    const exported = () => s3.lines().map(({ ID }) => ID as string);
    /** On Workers the work is that of a cron, which comes when it is called. */
    const tick = async (gateway: RunningGateway) => {
      if (runtime !== "workers") return;
      const response = await fetch(`${gateway.url}/cdn-cgi/handler/scheduled`);
      assert.equal(response.status, 200, await response.text());
    };

    it("send rows to S3 and a signed message to a webhook", { timeout: 120_000 }, async () => {
      upstream.handle((_req, res) => {
        res.statusCode = 500;
        res.end('{"error":{"message":"broken"}}');
      });
      const gateway = await start();
      const ids = await ask(gateway, 6);
      // On Workers, what comes behind an export has to wait for a minute.
      await until("All rows are stored", async () => (await readRows(gateway)).length === 6);
      await until("All rows are exported", async () => {
        await tick(gateway);
        return exported().length >= ids.length;
      }, 60_000);
      assert.deepEqual(exported().sort(), ids.sort());
      assert.deepEqual(s3.refused, []);
      const [line] = s3.lines();
      assert.equal(line.Gateway, "default");
      assert.deepEqual(line.RequestBody, { model: "gpt-4o-mini", messages: [] });

      await until("The webhook hears of it", async () => {
        await tick(gateway);
        return hook.requests.length > 0;
      }, 60_000);
      const message = hook.requests[0]!;
      const { type, data } = new Webhook(secret).verify(
        message.body.toString(),
        message.headers as Record<string, string>,
      ) as { type: string; data: Record<string, unknown> };
      assert.equal(type, "error_rate.raised");
      assert.deepEqual([data.gateway, data.error_rate], ["default", 1]);

      const health = await (await fetch(`${gateway.url}/health?full=1`)).json() as {
        exports: { name: string; up: boolean }[];
      };
      assert.deepEqual(health.exports.map(({ name, up }) => [name, up]), [["archive", true]]);
      await gateway.stop();
    });

    if (runtime === "workers") return; // what it keeps is the platform's

    it("lose nothing when a process is killed between batches", { timeout: 120_000 }, async () => {
      s3.answer = { status: 503 };
      let gateway = await start();
      const ids = await ask(gateway, 130);
      s3.answer = undefined;
      await s3.next(); // one batch is there, and more are to come
      await gateway.stop("SIGKILL");
      const before = exported().length;
      gateway = await start();
      ids.push(...await ask(gateway, 10));
      // What was answered 200 ms before the end may not have been stored.
      await until("The rest is exported", () => exported().length >= ids.length, 60_000);
      assert.ok(before > 0 && before < ids.length, `${before} rows before`);
      assert.deepEqual(exported().sort(), ids.sort());
      await gateway.stop();
    });

    it("are done by one of several processes, and all is out at the end", {
      timeout: 120_000,
    }, async () => {
      const other = runtimes.find((name) => name !== runtime && name !== "workers") ?? runtime;
      const gateways = await Promise.all([start(), start(other)]);
      const ids: string[] = [];
      for (let round = 0; round < 4; round++) {
        for (const part of await Promise.all(gateways.map((each) => ask(each, 15)))) {
          ids.push(...part);
        }
        await until("Something is exported", () => exported().length > round * 30, 30_000);
      }
      for (const gateway of gateways) await gateway.stop();
      assert.deepEqual(exported().sort(), ids.sort());
      assert.equal(new Set(s3.puts).size, s3.puts.length);
    });
  });
}
