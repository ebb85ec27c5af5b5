/** The way to collectors: several of them, tries again, what happens while one is away. */
import { strict as assert } from "node:assert";
import { after, before, describe, it } from "node:test";
import { Metrics } from "../../mod.ts";
import { Exporter } from "../../core/telemetry/exporter.ts";
import { spansOf, startCollector } from "../support/otlp.ts";
import { ask, collector, good, page, type Sent, watched } from "./telemetry.ts";

const many = (count: number) => Array.from({ length: count }, () => good);
const traces = ({ url }: Sent) => url.endsWith("/v1/traces");
const metrics = false;

describe("exporters", () => {
  it("get each the same, with their own headers and encoding", async () => {
    const made = watched({
      env: { KEY: "secret-of-env" },
      telemetry: {
        metrics,
        exporters: [
          { url: collector, headers: { "X-Key": { env: "KEY" } } },
          { url: "http://collector-2.test/v1/traces", content_type: "json", headers: { a: "b" } },
          { url: "http://collector-3.test/v1/metrics" },
        ],
      },
    }, [good]);
    await ask(made);
    await made.spans();
    assert.deepEqual(
      made.sent.filter(traces).map(({ url, headers }) => [
        url,
        headers["content-type"],
        headers["x-key"],
        headers["a"],
      ]).sort(),
      [
        ["http://collector-2.test/v1/traces", "application/json", undefined, "b"],
        ["http://collector.test/v1/traces", "application/x-protobuf", "secret-of-env", undefined],
      ],
    );
  });

  it("of a gateway get its requests alone, as JSON unless it says otherwise", async () => {
    const made = watched({
      telemetry: undefined as never,
      gateways: {
        default: {},
        team: {
          otel: [
            { url: "http://collector.test/ingest", headers: { "X-Team": "t" } },
            {
              url: "http://collector-2.test/v1/traces",
              authorization: "Bearer abc",
              content_type: "protobuf",
              headers: {},
            },
          ],
        },
      },
    }, many(2));
    await ask(made);
    await ask(made, {}, undefined, "/v1/acc/team/openai/chat/completions");
    const spans = await made.spans();
    assert.equal(spans.length, 4, "two spans, twice");
    assert.ok(spans.every(({ attributes }) => attributes["sluice.gateway"] === "team"));
    assert.deepEqual(
      made.sent.map(({ url, headers }) => [
        url,
        headers["content-type"],
        headers["authorization"],
        headers["x-team"],
      ]).sort(),
      [
        ["http://collector-2.test/v1/traces", "application/x-protobuf", "Bearer abc", undefined],
        ["http://collector.test/ingest", "application/json", undefined, "t"],
      ],
    );
  });

  it("are not followed to where they redirect, for their headers are secret", async () => {
    const made = watched(
      { telemetry: { metrics, exporters: [{ url: collector }] } },
      [good],
      () => new Response(null, { status: 307, headers: { location: "http://evil.test/" } }),
    );
    await ask(made);
    await made.spans();
    assert.deepEqual(made.sent.map(({ url }) => new URL(url).host), ["collector.test"]);
    assert.deepEqual(made.seen.length, 1);
  });
});

describe("a collector that is away", () => {
  const exporters = [{
    url: "http://collector.test/otlp?token=secret-in-url",
    headers: { authorization: "Bearer secret-in-header" },
  }];

  it("holds nothing up, is reported once without a secret, and gets all later", async () => {
    let away = true;
    const never = Promise.withResolvers<Response>();
    const asked = Promise.withResolvers<void>();
    const made = watched({ telemetry: { metrics, exporters } }, many(3), () => {
      asked.resolve();
      return away ? never.promise : undefined;
    });
    for (let i = 0; i < 3; i++) assert.equal((await ask(made)).status, 200);
    const flushed = made.gateway.flush();
    await asked.promise;
    assert.equal((await made.post("/health", {})).status, 200, "others are served meanwhile");
    away = false;
    never.reject(Object.assign(new TypeError("to http://u:secret@x failed"), {
      code: "ECONNREFUSED",
    }));
    await flushed;
    const spans = await made.spans();
    assert.equal(spans.length, 6);
    assert.deepEqual(made.reports, [
      "The telemetry exporter 'collector.test' is away; spans wait in memory: ECONNREFUSED",
      "The telemetry exporter 'collector.test' takes spans again",
    ]);
  });

  it("costs a bounded queue: the oldest spans are dropped, and counted", async () => {
    let away = true;
    const made = watched(
      { telemetry: { metrics, exporters, queue: 6, delay: 0 } },
      many(8),
      () => away ? new Response(null, { status: 503 }) : undefined,
    );
    for (let i = 0; i < 8; i++) {
      await ask(made, { "cf-aig-event-id": `event-${i}` });
      await made.gateway.flush();
    }
    away = false;
    const spans = await made.spans();
    assert.deepEqual(
      spans.flatMap(({ attributes }) => attributes["sluice.event.id"] ?? []),
      ["event-5", "event-6", "event-7"],
    );
    const text = await page(made);
    assert.match(
      text,
      /^sluice_telemetry_dropped_total\{signal="traces",exporter="collector\.test",reason="queue_full"\} 10$/m,
    );
    assert.match(
      text,
      /^sluice_telemetry_exported_total\{signal="traces",exporter="collector\.test"\} 6$/m,
    );
    assert.ok(!text.includes("secret") && !made.reports.join().includes("secret"));
  });

  it("that refuses for good is not asked again for the same, and is told of once", async () => {
    let status = 401;
    const made = watched(
      { telemetry: { metrics, exporters } },
      many(3),
      () => status === 200 ? undefined : new Response("secret", { status }),
    );
    for (let i = 0; i < 2; i++) {
      await ask(made);
      assert.deepEqual(await made.spans(), []);
    }
    assert.equal(made.sent.length, 2);
    status = 200;
    await ask(made);
    assert.equal((await made.spans()).length, 2);
    assert.deepEqual(made.reports, [
      "The telemetry exporter 'collector.test' takes no spans: status 401",
      "The telemetry exporter 'collector.test' takes spans again",
    ]);
    assert.match(await page(made), /reason="refused"\} 4$/m);
  });

  it("that takes a part is told of", async () => {
    for (
      const [type, body] of [
        ["application/json", '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}'],
        ["application/x-protobuf", new Uint8Array([0x0a, 4, 0x08, 1, 0x12, 0])],
      ] as const
    ) {
      const made = watched(
        { telemetry: { metrics, exporters } },
        [good],
        () => new Response(body, { headers: { "content-type": type } }),
      );
      await ask(made);
      await made.gateway.flush();
      assert.match(await page(made), /reason="refused"\} 1$/m);
      assert.equal(made.reports.length, 1);
    }
  });
});

describe("tries again", () => {
  const backoff = { first: 1, most: 5 };
  // What waits for its next try keeps no process alive.
  let alive: ReturnType<typeof setInterval>;
  before(() => {
    alive = setInterval(() => {}, 1000);
  });
  after(() => clearInterval(alive));
  const batch = () => ({ body: new Uint8Array([1]), count: 1 });

  function exporter(answers: (Response | Error)[], now = Date.now) {
    const asked = Promise.withResolvers<void>();
    let times = 0;
    const made = new Exporter({
      target: { url: "http://c.test/", headers: {}, json: false, gzip: false, timeout: 5000 },
      signal: "traces",
      queue: 100,
      metrics: new Metrics(),
      report: () => {},
      now,
      backoff,
      transport: () => {
        times++;
        const answer = answers.shift();
        if (answers.length === 0) asked.resolve();
        return answer instanceof Error
          ? Promise.reject(answer)
          : Promise.resolve(answer ?? new Response());
      },
    });
    return { made, all: asked.promise, times: () => times };
  }

  for (const status of [429, 502, 503, 504]) {
    it(`behind ${status}`, async () => {
      const { made, all, times } = exporter([new Response(null, { status }), new Response()]);
      made.push(batch());
      await all;
      await made.flush();
      assert.equal(times(), 2);
    });
  }

  for (const status of [400, 401, 404, 413, 500, 501]) {
    it(`not behind ${status}`, async () => {
      const { made, all, times } = exporter([new Response(null, { status })]);
      made.push(batch());
      await all;
      await made.flush();
      assert.equal(times(), 1);
    });
  }

  it("behind a connection that fails", async () => {
    const { made, all, times } = exporter([new TypeError("x"), new TypeError("y"), new Response()]);
    made.push(batch());
    await all;
    await made.flush();
    assert.equal(times(), 3);
  });

  for (
    const [what, after] of [
      ["seconds", "0"],
      ["a date", new Date(0).toUTCString()],
    ] as const
  ) {
    it(`when the collector says, in ${what}`, async () => {
      const headers = { "retry-after": after };
      const { made, all, times } = exporter([
        new Response(null, { status: 429, headers }),
        new Response(),
      ]);
      made.push(batch());
      await all;
      await made.flush();
      assert.equal(times(), 2);
    });
  }

  it("not before the collector says", async () => {
    const headers = { "retry-after": "60" };
    const { made, times } = exporter([new Response(null, { status: 429, headers })]);
    await made.send(batch());
    assert.equal(times(), 1, "a request of Workers cannot wait that long");
  });
});

describe("a real collector", () => {
  it("gets batches while requests come in, on its own time", async () => {
    const real = await startCollector();
    try {
      const made = watched({
        telemetry: { metrics, delay: 1, exporters: [{ url: real.url }] },
      }, many(5));
      real.answers.push({ status: 429, headers: { "retry-after": "0" } }, { status: 503 });
      for (let i = 0; i < 5; i++) await ask(made);
      const spans = await real.spans(10);
      assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, 10);
      assert.equal(spansOf(real.exports).length, 10);
    } finally {
      await real.close();
    }
  });
});
