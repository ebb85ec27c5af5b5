// The universal endpoint over real connections: steps at several providers, streams, clients that leave.
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { it } from "node:test";
import { open, readAll, readBytes, send, within } from "../support/client.ts";
import { loadFixture, replay } from "../support/fixtures.ts";
import { assertGatewayError, onEachRuntime } from "../support/suite.ts";

const path = "/v1/acc/default";
const query = '{"model": "gpt-4o-mini", "seed": 12345678901234567890, "2": 1, "1": "é \\u00e9"}';
const step = (provider: string, endpoint: string, extra = "") =>
  `{"provider":"${provider}","endpoint":"${endpoint}","headers":{"Authorization":"Bearer ${provider}"},"query":${query}${extra}}`;
const chat = step("openai", "chat/completions");
const messages = step("anthropic", "/v1/messages?beta=true");
const event = (content: string) =>
  `data: {"choices":[{"index":0,"delta":{"content":"${content}"},"finish_reason":null}]}\n\n`;

onEachRuntime(
  (upstream) => ({
    config: {
      providers: {
        openai: { base_url: `${upstream.url}/v1` },
        anthropic: { base_url: upstream.url },
        "workers-ai": { base_url: upstream.url },
      },
    },
  }),
  (bench, runtime) => {
    const post = (body: string, at = path, headers = {}) =>
      send(bench.gateway.url, at, {
        method: "POST",
        body,
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
          ...headers,
        },
      });

    it("each step goes to its provider as it was written, until one has answered", async () => {
      bench.upstream.reset();
      bench.upstream.handle((req, res) => {
        const isFirst = req.url!.includes("messages");
        res.writeHead(isFirst ? 529 : 200, { "content-type": "application/json" });
        res.end(isFirst ? '{"type":"error"}' : '{"ok":true}');
      });
      const answer = await post(`[${messages},${chat}]`);
      assert.equal(answer.status, 200);
      assert.equal(answer.body.toString(), '{"ok":true}');
      assert.equal(answer.headers["cf-aig-step"], "1");
      assert.equal(answer.headers["cf-aig-provider"], "openai");
      assert.equal(answer.headers["cf-aig-model"], "gpt-4o-mini");
      const seen = bench.upstream.requests;
      assert.deepEqual(seen.map(({ method, target }) => `${method} ${target}`), [
        "POST /v1/messages?beta=true",
        "POST /v1/chat/completions",
      ]);
      assert.deepEqual(seen.map(({ body }) => body.toString()), [query, query]);
      assert.deepEqual(seen.map(({ headers }) => headers["authorization"]), [
        "Bearer anthropic",
        "Bearer openai",
      ]);
    });

    it("answers in other places, too: at the root, and with a slash at the end", async () => {
      bench.upstream.reset();
      for (const at of ["/", `${path}/`]) {
        assert.equal((await post(chat, at)).status, 200, at);
      }
      assert.equal(bench.upstream.requests.length, 2);
    });

    it("takes a model as the endpoint of Workers AI", async () => {
      bench.upstream.reset();
      await post(`[${step("workers-ai", "@cf/meta/llama-3.1-8b-instruct")}]`);
      assert.equal(
        bench.upstream.requests[0]!.target,
        "/client/v4/accounts/acc/ai/run/@cf/meta/llama-3.1-8b-instruct",
      );
    });

    it("gives the last answer when all fail, as it is", async () => {
      bench.upstream.handle((req, res) => {
        const status = req.url!.includes("messages") ? 500 : 418;
        res.writeHead(status, { "content-type": "text/plain", "x-request-id": `up-${status}` });
        res.end(`status ${status}`);
      });
      const answer = await post(`[${messages},${chat}]`);
      assert.equal(answer.status, 418);
      assert.equal(answer.headers["x-request-id"], "up-418");
      assert.equal(answer.body.toString(), "status 418");
    });

    it("streams a recording, whatever it is cut into", async () => {
      const fixture = loadFixture("openai/chat-stream-tool-call-usage");
      const cuts = Array.from({ length: fixture.responseBody.length - 1 }, (_, i) => i + 1)
        .filter((at) => at < 2000 || at % 97 === 0);
      bench.upstream.handle((_req, res) => void replay(res, fixture, { cuts }));
      const answer = await post(`[${chat},${messages}]`);
      assert.equal(answer.headers["cf-aig-step"], "0");
      assert.equal(answer.body.toString(), fixture.responseBody.toString());
    });

    it("streams event by event once there was content", async () => {
      let res!: ServerResponse;
      const started = Promise.withResolvers<void>();
      bench.upstream.handle((_req, answer) => {
        res = answer.writeHead(200, { "content-type": "text/event-stream" });
        res.write(": wait\n\n");
        res.write(event("0"));
        started.resolve();
      });
      const answer = await open(bench.gateway.url, path, {
        method: "POST",
        body: `[${chat},${messages}]`,
      });
      await started.promise;
      await within(5000, "The beginning", readBytes(answer, ": wait\n\n".length));
      for (let n = 0; n < 5; n++) {
        const text = await within(5000, `Event ${n}`, readBytes(answer, event("0").length));
        assert.equal(text.toString(), event(String(n)));
        if (n < 4) res.write(event(String(n + 1)));
      }
      res.end("data: [DONE]\n\n");
      assert.equal((await readAll(answer)).body.toString(), "data: [DONE]\n\n");
    });

    // A platform that learns of it only when it writes cannot close what it holds back.
    if (runtime !== "workers") {
      it("closes the upstream of a client that leaves while its stream is held", async () => {
        bench.upstream.reset();
        bench.upstream.handle((_req, res) => {
          res.writeHead(200, { "content-type": "text/event-stream" });
          res.write(": wait\n\n");
        });
        const client = new AbortController();
        const answer = open(bench.gateway.url, path, {
          method: "POST",
          body: `[${chat},${messages}]`,
          signal: client.signal,
        });
        answer.catch(() => {});
        const seen = await bench.upstream.next();
        client.abort();
        await within(5000, "The end upstream", seen.aborted);
        assert.equal(bench.upstream.requests.length, 1);
      });
    }

    it("refuses what is no array of steps, and says where", async () => {
      bench.upstream.reset();
      const refusals: [body: string, message: RegExp][] = [
        ["", /no body/],
        ["[{]", /not JSON/],
        ["[]", /empty array/],
        [`[${chat},{"provider":"openai"}]`, /\[1\]\.endpoint/],
      ];
      for (const [body, message] of refusals) {
        assert.match(assertGatewayError(await post(body), 400, 8030), message);
      }
      assertGatewayError(await post(`[${step("opnai", "x")}]`), 400, 2008);
      assertGatewayError(await post(chat, "/v1/acc/nope"), 400, 2001);
      assertGatewayError(await send(bench.gateway.url, path), 405, 8011);
      assert.equal(bench.upstream.requests.length, 0);
    });
  },
);
