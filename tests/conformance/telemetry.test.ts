// Telemetry of real processes: a collector gets what OpenTelemetry's own definitions can read, a page for
// Prometheus, lines on standard output; and what becomes of all that when the collector or the process goes.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { runtimes, startGateway } from "../support/gateway.ts";
import { type Collector, figuresOf, startCollector } from "../support/otlp.ts";
import { send } from "../support/client.ts";
import { mockPath, onEachRuntime, toUpstream } from "../support/suite.ts";
import { startUpstream } from "../support/upstream.ts";

const adminToken = "admin-token-of-the-tests";
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const path = `${mockPath}/v1/chat/completions`;
const chat = JSON.stringify({
  model: "house",
  messages: [{ role: "user", content: "private words" }],
});
const completion = JSON.stringify({
  id: "chatcmpl-9",
  model: "house-2",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13 },
});
const chunk = (delta: unknown, finish: string | null = null) =>
  `data: ${JSON.stringify({ model: "house-2", choices: [{ delta, finish_reason: finish }] })}\n\n`;
const post = (url: string, headers: Record<string, string> = {}, body = chat, at = path) =>
  send(url, at, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      ...headers,
    },
    body,
  });

let collector: Collector;
before(async () => {
  collector = await startCollector();
});
after(() => collector.close());

onEachRuntime(
  (upstream) => {
    const { config } = toUpstream(upstream);
    return {
      config: {
        ...config as object,
        gateways: {
          default: {},
          team: { otel: [{ url: `${collector.url}/team/v1/traces`, headers: { "x-team": "t" } }] },
        },
        telemetry: {
          exporters: [{ url: collector.url, headers: { "x-key": { env: "COLLECTOR_KEY" } } }],
          delay: 50,
          metrics_interval: 0.001,
        },
      },
      env: {
        SLUICE_ADMIN_TOKEN: adminToken,
        COLLECTOR_KEY: "secret-of-the-collector",
        OTEL_SERVICE_NAME: "under-test",
        SLUICE_LOG: "json",
      },
    };
  },
  (bench, runtime) => {
    const answerWith = (stream: boolean) => {
      bench.upstream.reset();
      bench.upstream.handle((_req, res) => {
        if (!stream) {
          res.writeHead(200, {
            "content-type": "application/json",
            "content-length": Buffer.byteLength(completion),
          });
          return res.end(completion);
        }
        res.writeHead(200, { "content-type": "text/event-stream" });
        res.write(chunk({ role: "assistant" }));
        res.write(chunk({ content: "Hi" }));
        res.end(chunk({}, "stop") + "data: [DONE]\n\n");
      });
    };
    const fresh = () => {
      collector.exports.length = 0;
      collector.requests = 0;
    };

    it("exports many requests at once, none of them twice", async () => {
      fresh();
      answerWith(false);
      const count = 40;
      await Promise.all(Array.from({ length: count }, () => post(bench.gateway.url)));
      const spans = await collector.spans(2 * count);
      assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, 2 * count);
      assert.equal(spans.length, 2 * count);
      const exports = collector.exports.filter(({ signal }) => signal === "traces");
      assert.ok(exports.length < count, `${exports.length} exports of ${count} requests`);
    });

    for (const streamed of [false, true]) {
      it(`exports ${streamed ? "a stream" : "an answer"}, as part of the caller's trace`, async () => {
        fresh();
        answerWith(streamed);
        const answer = await post(bench.gateway.url, {
          traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
          "cf-aig-event-id": "event-1",
        }, JSON.stringify({ ...JSON.parse(chat), stream: streamed }));
        assert.equal(answer.status, 200);
        const spans = await collector.spans(2);
        assert.equal(spans.length, 2);
        const request = spans.find(({ kind }) => kind === 2)!;
        const attempt = spans.find(({ kind }) => kind === 3)!;
        assert.deepEqual(
          [request.name, request.traceId, request.parentSpanId],
          ["cf.aig.request", traceId, "00f067aa0ba902b7"],
        );
        assert.deepEqual(
          [attempt.name, attempt.traceId, attempt.parentSpanId],
          ["chat house", traceId, request.spanId],
        );
        assert.equal(request.resource["service.name"], "under-test");
        assert.equal(request.attributes["sluice.event.id"], "event-1");
        assert.equal(attempt.attributes["gen_ai.response.model"], "house-2");
        assert.equal(attempt.attributes["sluice.stream.end"], "complete");
        assert.equal(attempt.attributes["sluice.log.id"], answer.headers["cf-aig-log-id"]);
        if (!streamed) assert.equal(attempt.attributes["gen_ai.usage.input_tokens"], 11);
        else assert.equal(attempt.attributes["gen_ai.request.stream"], true);
        const { headers } = bench.upstream.requests[0]!;
        assert.equal(headers["traceparent"], `00-${traceId}-${attempt.spanId}-01`);
        const [exported] = collector.exports.filter(({ signal }) => signal === "traces");
        assert.equal(exported!.headers["x-key"], "secret-of-the-collector");
        assert.ok(!JSON.stringify(collector.exports.map(({ body }) => body)).includes("private"));
      });
    }

    it("exports figures", async () => {
      fresh();
      answerWith(false);
      await post(bench.gateway.url);
      await post(bench.gateway.url); // Workers export them behind requests
      await collector.until(() => figuresOf(collector.exports).size > 0);
      const { histogram } = figuresOf(collector.exports).get("gen_ai.client.inference.duration");
      assert.ok(Number(histogram.dataPoints[0].count) >= 1);
    });

    it("has figures for Prometheus behind the token", async () => {
      answerWith(false);
      await post(bench.gateway.url);
      const page = await send(bench.gateway.url, "/metrics", {
        headers: { authorization: `Bearer ${adminToken}` },
      });
      const text = page.body.toString();
      assert.match(
        text,
        /^gen_ai_client_inference_duration_seconds_count\{.*gen_ai_request_model="house".*\} \d+$/m,
      );
      assert.ok(!text.includes("secret-of-the-collector"));
      assert.equal((await send(bench.gateway.url, "/metrics")).status, 401);
    });

    it("exports a gateway's requests to its own exporter as well, as JSON", async () => {
      fresh();
      answerWith(false);
      await post(bench.gateway.url, {}, chat, path.replace("/default/", "/team/"));
      const own = () => collector.exports.filter(({ path }) => path.startsWith("/team/"));
      await collector.until(() => own().length > 0);
      const [exported] = own();
      assert.equal(exported!.headers["content-type"], "application/json");
      assert.equal(exported!.headers["x-team"], "t");
      assert.equal(exported!.headers["x-key"], undefined);
    });

    it("prints a line of JSON for each request", async () => {
      answerWith(false);
      const answer = await post(bench.gateway.url, { authorization: "Bearer sk-0123456789abcdef" });
      const id = answer.headers["cf-aig-request-id"];
      const own = () => bench.gateway.output().split("\n").find((line) => line.includes(`${id}`));
      while (own() === undefined) await new Promise((done) => setTimeout(done, 20));
      const line = JSON.parse(own()!.slice(own()!.indexOf("{")));
      assert.deepEqual(
        [line.message, line.status, line.model, line.tokens_in, line.attempts],
        ["request", 200, "house", 11, 1],
      );
      assert.ok(!bench.gateway.output().includes("sk-0123456789abcdef"));
      assert.ok(!bench.gateway.output().includes("secret-of-the-collector"));
    });

    it("serves while the collector does not answer, and tries again", async () => {
      fresh();
      answerWith(false);
      const traces = () => collector.exports.filter(({ signal }) => signal === "traces");
      collector.answers.push(
        ...Array.from({ length: 2 }, () => ({ status: 503, headers: { "retry-after": "0" } })),
      );
      for (let i = 0; i < 3; i++) assert.equal((await post(bench.gateway.url)).status, 200);
      await collector.until(() => traces().length > 0 && collector.answers.length === 0);
      await collector.spans(runtime === "workers" ? 2 : 6);
    });
  },
);

describe("a process that is told to stop", () => {
  for (const runtime of runtimes.filter((name) => name !== "workers")) {
    it(`exports what waits, on ${runtime}`, async () => {
      const last = await startCollector();
      const upstream = await startUpstream();
      try {
        const gateway = await startGateway(runtime, {
          config: {
            ...toUpstream(upstream).config as object,
            telemetry: { exporters: [{ url: last.url }], delay: 600_000 },
          },
        });
        for (let i = 0; i < 5; i++) await post(gateway.url);
        assert.equal(last.requests, 0);
        assert.equal(await gateway.stop("SIGTERM"), 0);
        assert.equal((await last.spans(10)).length, 10);
        assert.ok(figuresOf(last.exports).has("sluice.request.duration"));
      } finally {
        await last.close();
        await upstream.close();
      }
    });

    it(`ends although its collector is gone, on ${runtime}`, async () => {
      const gone = await startCollector();
      const upstream = await startUpstream();
      await gone.close();
      try {
        const gateway = await startGateway(runtime, {
          config: {
            ...toUpstream(upstream).config as object,
            telemetry: { exporters: [{ url: gone.url, headers: { a: "the-secret" } }] },
          },
        });
        assert.equal((await post(gateway.url)).status, 200);
        assert.equal(await gateway.stop("SIGTERM"), 0);
        assert.match(gateway.output(), /The telemetry exporter '127\.0\.0\.1:\d+' is away/);
        assert.ok(!gateway.output().includes("the-secret"));
      } finally {
        await upstream.close();
      }
    });
  }
});
