// A cache that several processes share: what one was told, all know; and of what nobody knows yet, each
// asks once, however many want it.
import assert from "node:assert/strict";
import type http from "node:http";
import { after, before, beforeEach, describe, it } from "node:test";
import { type Answer, send } from "../support/client.ts";
import { loadFixture } from "../support/fixtures.ts";
import { type RunningGateway, runtimes, startGateway } from "../support/gateway.ts";
import { adminToken, manage, until } from "../support/logs.ts";
import { noRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const available = runtimes.filter((runtime) => runtime !== "workers");
/** Three processes, of all runtimes that can share a Redis. */
const kinds = available.length === 0
  ? []
  : Array.from({ length: 3 }, (_, i) => available[i % available.length]!);
const chat = loadFixture("openai/chat-plain").responseBody;
const stream = loadFixture("openai/chat-stream-plain").responseBody;
const path = "/v1/acc/default/openai/chat/completions";

describe(
  `one Redis, ${kinds.join(" + ")}`,
  { skip: kinds.length === 0 ? "no process" : noRedis },
  () => {
    const gateways: RunningGateway[] = [];
    let redis: TestRedis;
    let upstream: Upstream;

    before(async () => {
      redis = await startRedis();
      upstream = await startUpstream();
      for (const runtime of kinds) {
        gateways.push(
          await startGateway(runtime, {
            config: {
              gateways: { default: { cache_ttl: 600 } },
              providers: { openai: { base_url: `${upstream.url}/v1` } },
            },
            env: { REDIS_URL: redis.url, SLUICE_ADMIN_TOKEN: adminToken },
          }),
        );
      }
    });
    after(async () => {
      await Promise.all(gateways.map((gateway) => gateway.stop("SIGKILL")));
      await upstream?.close();
      await redis?.close();
    });
    beforeEach(() => upstream.reset());

    const ask = (gateway: RunningGateway, content: string, streamed = false): Promise<Answer> =>
      send(gateway.url, path, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer sk-test-1234567890" },
        body: JSON.stringify({
          model: "gpt-4o-mini",
          messages: [{ role: "user", content }],
          ...streamed && { stream: true, stream_options: { include_usage: true } },
        }),
      });
    const statusOf = ({ headers }: Answer) => String(headers["cf-aig-cache-status"]);
    const answer = (res: http.ServerResponse, streamed: boolean) =>
      streamed
        ? res.writeHead(200, { "content-type": "text/event-stream" }).end(stream)
        : res.writeHead(200, {
          "content-type": "application/json",
          "content-length": chat.length,
        }).end(chat);

    /** What is stored is there for others a moment after the answer. */
    const hit = (gateway: RunningGateway, content: string, streamed: boolean) =>
      until(`A hit on ${gateway.runtime}`, async () => {
        const found = await ask(gateway, content, streamed);
        return statusOf(found) === "HIT" && found;
      });

    for (const streamed of [false, true]) {
      const what = streamed ? "a stream" : "an answer";
      const expected = streamed ? stream : chat;

      it(`${what} that one process was given is a hit in the others`, async () => {
        for (const [i, first] of gateways.entries()) {
          upstream.reset();
          // A process that looks too early asks for itself, so that only the first is given one.
          upstream.handle((_req, res) => {
            if (upstream.requests.length === 1) answer(res, streamed);
            else res.writeHead(500).end();
          });
          const content = `told by ${i}, ${streamed}`;
          const told = await ask(first, content, streamed);
          assert.equal(statusOf(told), "MISS");
          for (const gateway of gateways) {
            assert.deepEqual((await hit(gateway, content, streamed)).body, expected);
          }
        }
      });

      it(`each process asks once for ${what} that all want at once`, async () => {
        const each = 100;
        const asked: http.ServerResponse[] = [];
        upstream.handle((_req, res) => {
          asked.push(res);
          // One that came too often would be answered as well, and counted.
          if (asked.length >= gateways.length) {
            for (const res of asked.filter((res) => !res.headersSent)) answer(res, streamed);
          }
        });
        const content = `at once, ${streamed}`;
        const found = await Promise.all(
          gateways.map((gateway) =>
            Promise.all(Array.from({ length: each }, () => ask(gateway, content, streamed)))
          ),
        );
        for (const [i, answers] of found.entries()) {
          for (const { status, body } of answers) {
            assert.equal(status, 200);
            assert.deepEqual(body, expected);
          }
          const counts = Object.groupBy(answers, statusOf);
          assert.equal(counts.MISS?.length, 1, `${kinds[i]} asked ${counts.MISS?.length} times`);
          assert.ok((counts.COALESCED?.length ?? 0) > 0, `Nobody waited on ${kinds[i]}`);
        }
        assert.equal(upstream.requests.length, gateways.length);
      });
    }

    it("what one process purges is soon gone from the others", async () => {
      upstream.handle((_req, res) => answer(res, false));
      const [first, ...others] = gateways as [RunningGateway];
      await ask(first, "purged");
      for (const gateway of gateways) await hit(gateway, "purged", false);
      const { purged } = await manage<{ purged: number }>(first, "POST", "/cache/purge", {
        all: true,
      });
      assert.ok(purged > 0);
      // Nothing new, so that no process is given what another has just asked for.
      upstream.handle((_req, res) => void res.writeHead(500).end());
      for (const gateway of [first, ...others]) {
        await until(`A miss on ${gateway.runtime}`, async () => {
          return statusOf(await ask(gateway, "purged")) === "MISS";
        }, 5000);
      }
    });
  },
);
