// The log of a real process on each runtime: what its rows say of recorded answers, of clients that leave,
// of large bodies, and what a caller may keep out of it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { it } from "node:test";
import { gzipSync } from "node:zlib";
import { answerOf, open, readAll, readBytes, request, send, within } from "../support/client.ts";
import { loadFixture, replay } from "../support/fixtures.ts";
import { adminToken, ask, detailOf, manage, readRows, rowsOf } from "../support/logs.ts";
import { recorded } from "../support/recorded-usage.ts";
import { providersAt, routeOf } from "../support/routes.ts";
import { onEachRuntime } from "../support/suite.ts";

const MiB = 1024 * 1024;
const sse = { "content-type": "text/event-stream" };
const json = { "content-type": "application/json" };
const chatPath = "/v1/acc/default/openai/chat/completions";
const token = "sl-token0of0the0log0test0123456789abcdefgh";

/** US dollars for a million tokens, of every model that is recorded. */
const price = { input: 1, output: 10, cache_read: 0.1, cache_write: 1.25 };

/** A small answer of OpenAI's. */
const completion = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  model: "gpt-house",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13 },
});
const chunk = (delta: unknown, finish: string | null = null) =>
  `data: ${
    JSON.stringify({
      object: "chat.completion.chunk",
      model: "gpt-house",
      choices: [{ index: 0, delta, finish_reason: finish }],
    })
  }\n\n`;

onEachRuntime(
  (upstream) => ({
    config: {
      gateways: {
        default: {
          tokens: [{
            name: "test",
            hash: `sha256:${createHash("sha256").update(token).digest("hex")}`,
            metadata: { team: "of the key" },
          }],
        },
        quiet: { collect_logs: false },
      },
      providers: providersAt(upstream.url),
      prices: Object.fromEntries(recorded.map(([, { model }]) => [model, price])),
    },
    env: { SLUICE_ADMIN_TOKEN: adminToken },
  }),
  (bench, runtime) => {
    let number = 0;
    const event = () => `log-${runtime}-${number++}`;
    const chat = JSON.stringify({
      model: "gpt-house",
      messages: [{ role: "user", content: "Hello" }],
    });
    /** Sends a chat; the headers say what is special about it. */
    const post = (headers: Record<string, string>, body: string | Buffer = chat, path = chatPath) =>
      send(bench.gateway.url, path, {
        method: "POST",
        headers: {
          ...json,
          authorization: "Bearer sk-key",
          "content-length": Buffer.byteLength(body),
          ...headers,
        },
        body,
      });
    const answerWith = (body: string | Buffer, headers: Record<string, string> = {}) => {
      bench.upstream.reset();
      bench.upstream.handle((_req, res) => {
        res.writeHead(200, { ...json, "content-length": Buffer.byteLength(body), ...headers });
        res.end(body);
      });
    };

    for (const [name, expected] of recorded) {
      it(`tells usage, cost and end of ${name}`, async () => {
        const fixture = loadFixture(name);
        const streamed = /stream/.test(name);
        const { responseBody: body } = fixture;
        bench.upstream.reset();
        bench.upstream.handle((_req, res) =>
          void replay(res, fixture, { cuts: [body.length >> 2, body.length >> 1] })
        );
        const id = event();
        const answer = await send(bench.gateway.url, routeOf(fixture)!.path, {
          method: "POST",
          headers: {
            ...json,
            "content-length": fixture.requestBody!.length,
            authorization: "Bearer sk-key",
            "cf-aig-event-id": id,
          },
          body: fixture.requestBody,
        });
        assert.deepEqual(answer.body, body);
        const row = await detailOf(bench.gateway, id);
        const { in: input, out: output, read = 0, write = 0 } = expected;
        assert.equal(row.id, answer.headers["cf-aig-log-id"]);
        assert.deepEqual(
          [row.model, row.tokens_in, row.tokens_out, row.usage_quality, row.finish_reason],
          [expected.model, input, output, "reported", expected.finish],
        );
        assert.deepEqual(
          [row.status_code, row.success, row.end, row.streamed, row.model_type],
          [200, true, "complete", streamed, "chat"],
        );
        if (expected.reasoning !== undefined) {
          assert.equal(row.usage_metadata.output_reasoning_tokens, expected.reasoning);
        }
        const [paidIn, paidOut] = expected.billed ?? [input, output];
        const cost = (paidIn - read - write) * 1 + read * 0.1 + write * 1.25 + paidOut * 10;
        assert.ok(Math.abs(row.cost! - cost / 1e6) < 1e-12, `${row.cost} instead of ${cost / 1e6}`);
        const { latency, first_byte, first_token, total } = row.timings;
        assert.ok(latency <= first_byte! && first_byte! <= total);
        if (streamed) assert.ok(first_byte! <= first_token! && first_token! <= total);
        else assert.equal(first_token, null);
        assert.deepEqual(
          [row.request_size, row.response_size],
          [fixture.requestBody!.length, body.length],
        );
        const kept = await ask(bench.gateway, "GET", `/logs/${row.id}/response`);
        assert.ok(Buffer.from(await kept.arrayBuffer()).equals(body), "The body is another");
      });
    }

    it("the first token is what was said first, not the first event", async () => {
      bench.upstream.reset();
      bench.upstream.handle((_req, res) => {
        res.writeHead(200, sse).write(chunk({ role: "assistant", content: "" }));
        setTimeout(() => {
          res.end(chunk({ content: "Hi" }) + chunk({}, "stop") + "data: [DONE]\n\n");
        }, 300);
      });
      const id = event();
      await post({ "cf-aig-event-id": id });
      const [row] = await rowsOf(bench.gateway, id);
      const { first_byte, first_token, total } = row!.timings;
      // By the clock of the process that waited; its timers may be a little early.
      assert.ok(first_token! - first_byte! > 250, JSON.stringify(row!.timings));
      assert.ok(total >= first_token!);
    });

    it("a client that leaves in the middle of a stream is told apart from a provider that does", async () => {
      bench.upstream.reset();
      const said = chunk({ content: "Hel" });
      bench.upstream.handle((_req, res) => void res.writeHead(200, sse).write(said));
      const id = event();
      const req = request(bench.gateway.url, chatPath, {
        method: "POST",
        headers: { ...json, authorization: "Bearer sk-key", "cf-aig-event-id": id },
      });
      req.on("error", () => {});
      const answered = answerOf(req);
      req.end(chat);
      const answer = await answered;
      answer.on("error", () => {});
      assert.equal(
        (await within(5000, "The start", readBytes(answer, said.length))).toString(),
        said,
      );
      // workerd alone takes a mere FIN for a client that still listens.
      if (runtime === "workers") req.socket!.resetAndDestroy();
      else req.destroy();
      await within(5000, "Closing the upstream", bench.upstream.requests[0]!.aborted);
      const row = await detailOf(bench.gateway, id);
      assert.deepEqual(
        [row.end, row.status_code, row.success, row.streamed, row.response_size],
        ["client_abort", 200, false, true, said.length],
      );

      bench.upstream.handle((_req, res) => {
        res.writeHead(200, sse).write(said);
        setTimeout(() => res.socket!.resetAndDestroy(), 50);
      });
      const other = event();
      await post({ "cf-aig-event-id": other }).catch(() => {});
      const [cut] = await rowsOf(bench.gateway, other);
      assert.deepEqual([cut!.end, cut!.success], ["upstream_cut", false]);
    });

    for (const declared of [true, false]) {
      it(`a request of 1.5 MiB ${declared ? "with its length" : "in chunks"}: its size, and its beginning`, async () => {
        answerWith(completion);
        const size = 1.5 * MiB;
        const start = `{"model":"gpt-house","messages":[{"role":"user","content":"`;
        const body = Buffer.from(`${start}${"x".repeat(size - start.length - 4)}"}]}`);
        assert.equal(body.length, size);
        const id = event();
        const req = request(bench.gateway.url, chatPath, {
          method: "POST",
          headers: {
            ...json,
            authorization: "Bearer sk-key",
            "cf-aig-event-id": id,
            ...declared && { "content-length": size },
          },
        });
        const answer = answerOf(req);
        for (let at = 0; at < size; at += 100_000) req.write(body.subarray(at, at + 100_000));
        req.end();
        assert.equal((await readAll(await answer)).status, 200);
        assert.equal((await bench.upstream.next()).body.length, size);
        const row = await detailOf(bench.gateway, id);
        assert.deepEqual(
          [row.request_size, row.request_head_complete, row.response_head_complete, row.model],
          [size, false, true, "openai/gpt-house"],
        );
        assert.ok(row.request_head.startsWith(start));
        const kept = await ask(bench.gateway, "GET", `/logs/${row.id}/request`);
        assert.equal(kept.headers.get("x-sluice-truncated"), "true");
        assert.ok(Buffer.from(await kept.arrayBuffer()).equals(body.subarray(0, MiB)));
      });
    }

    it("an answer of 1.5 MiB: its size, its beginning, and the usage at its end", async () => {
      const body = completion.replace(`"Hi"`, `"${"y".repeat(1.5 * MiB)}"`);
      answerWith(body);
      const id = event();
      assert.equal((await post({ "cf-aig-event-id": id })).body.length, body.length);
      const row = await detailOf(bench.gateway, id);
      assert.deepEqual(
        [row.response_size, row.response_head_complete, row.request_head_complete, row.end],
        [body.length, false, true, "complete"],
      );
      assert.deepEqual([row.tokens_in, row.tokens_out, row.usage_quality], [11, 2, "reported"]);
      const kept = await ask(bench.gateway, "GET", `/logs/${row.id}/response`);
      assert.equal(kept.headers.get("x-sluice-truncated"), "true");
      assert.equal(await kept.text(), body.slice(0, MiB));
    });

    it("a compressed answer is passed on as it is, and kept in plain text", async () => {
      const packed = gzipSync(completion);
      bench.upstream.reset();
      bench.upstream.handle((req, res) => {
        const accepted = /\bgzip\b/.test(String(req.headers["accept-encoding"]));
        res.writeHead(200, { ...json, ...accepted && { "content-encoding": "gzip" } });
        res.end(accepted ? packed : completion);
      });
      const id = event();
      await post({ "cf-aig-event-id": id, "accept-encoding": "gzip" });
      const row = await detailOf(bench.gateway, id);
      assert.deepEqual([row.tokens_in, row.tokens_out, row.end], [11, 2, "complete"]);
      assert.equal(row.response_head, completion);
    });

    it("what a caller keeps out: the row, or its bodies", async () => {
      answerWith(completion);
      const [without, bodiless] = [event(), event()];
      const answer = await post({ "cf-aig-event-id": without, "cf-aig-collect-log": "false" });
      assert.equal(answer.headers["cf-aig-log-id"], undefined);
      await post({ "cf-aig-event-id": bodiless, "cf-aig-collect-log-payload": "false" });
      const row = await detailOf(bench.gateway, bodiless);
      assert.deepEqual(
        [row.tokens_in, row.request_head, row.response_head, row.request_size],
        [11, "", "", chat.length],
      );
      for (const which of ["request", "response"]) {
        assert.equal((await ask(bench.gateway, "GET", `/logs/${row.id}/${which}`)).status, 404);
      }
      // It would be there before the other.
      const query =
        `&filters[0][key]=event_id&filters[0][operator]=eq&filters[0][value][]=${without}`;
      assert.deepEqual(await readRows(bench.gateway, query), []);
    });

    it("a gateway that keeps no log keeps the one of a caller who asks for it", async () => {
      answerWith(completion);
      const path = chatPath.replace("default", "quiet");
      const rows = async () => {
        const url = `${bench.gateway.url}/client/v4/accounts/acc/ai-gateway/gateways/quiet/logs`;
        const headers = { authorization: `Bearer ${adminToken}` };
        const { result } = await (await fetch(url, { headers })).json() as {
          result: { event_id: string }[];
        };
        return result.map(({ event_id }) => event_id);
      };
      await post({}, chat, path);
      assert.deepEqual(await rows(), []);
      const id = event();
      await post({ "cf-aig-event-id": id, "cf-aig-collect-log": "true" }, chat, path);
      assert.deepEqual(await rows(), [id]);
    });

    it("metadata of caller and key, price, agent and feedback are on the row", async () => {
      answerWith(completion);
      const id = event();
      const given = {
        team: "of the caller",
        n: 7,
        ok: true,
        "cf.user_id": "forged",
        deep: { a: 1 },
      };
      await post({
        "cf-aig-event-id": id,
        "cf-aig-authorization": `Bearer ${token}`,
        "cf-aig-metadata": JSON.stringify(given),
        "cf-aig-custom-cost": `{"per_token_in":0.001,"per_token_out":0.01}`,
        "user-agent": "tester/1.0",
      });
      const [row] = await rowsOf(bench.gateway, id);
      assert.deepEqual(JSON.parse(row!.metadata!), { team: "of the key", n: 7, ok: true });
      assert.deepEqual(
        [row!.user_agent, row!.custom_cost, row!.authentication, row!.key_id],
        ["tester/1.0", true, true, "config.default.test"],
      );
      assert.ok(Math.abs(row!.cost! - (11 * 0.001 + 2 * 0.01)) < 1e-12);
      await manage(bench.gateway, "PATCH", `/logs/${row!.id}`, { feedback: 1, score: 80 });
      const query = "&filters[0][key]=feedback&filters[0][operator]=eq&filters[0][value][]=1";
      assert.deepEqual((await readRows(bench.gateway, query)).map(({ id }) => id), [row!.id]);
    });

    it("a refusal of the gateway has a row as well", async () => {
      bench.upstream.reset();
      const id = event();
      const answer = await open(bench.gateway.url, "/v1/acc/default/openai/chat/completions", {
        method: "POST",
        headers: {
          ...json,
          "content-length": chat.length,
          "cf-aig-authorization": `Bearer ${token}`,
          "cf-aig-byok-alias": "nobody",
          "cf-aig-event-id": id,
        },
        body: chat,
      });
      assert.equal((await readAll(answer)).status, 400);
      const [row] = await rowsOf(bench.gateway, id);
      assert.deepEqual(
        [row!.status_code, row!.success, row!.end, row!.error?.code],
        [400, false, "error", 2040],
      );
      assert.equal(bench.upstream.requests.length, 0);
    });
  },
);
