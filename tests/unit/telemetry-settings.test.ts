/** What telemetry is asked for: configuration and OpenTelemetry's environment. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { ConfigError, createGateway, type TelemetryConfig } from "../../mod.ts";
import { telemetrySettings } from "../../core/telemetry/settings.ts";

function settings(env: Record<string, string>, config?: TelemetryConfig) {
  const reports: string[] = [];
  const found = telemetrySettings(config, env, (message) => reports.push(message));
  return { found, reports };
}

describe("the environment", () => {
  it("asks for nothing when it says nothing", () => {
    assert.equal(settings({}).found, undefined);
    assert.equal(settings({ OTEL_SERVICE_NAME: "x", SLUICE_LOG: "text" }).found, undefined);
  });

  it("names a collector for both signals, with headers and a protocol", () => {
    const { found, reports } = settings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.test:4318/base/",
      OTEL_EXPORTER_OTLP_HEADERS: "api-key=a%20b, X-Team=t,broken,bad header=1",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_EXPORTER_OTLP_TIMEOUT: "2500",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=prod,service.name=from-resource",
    });
    const target = {
      headers: { "api-key": "a b", "x-team": "t" },
      json: false,
      gzip: true,
      timeout: 2500,
    };
    assert.deepEqual(found!.traces, [{ url: "http://c.test:4318/base/v1/traces", ...target }]);
    assert.deepEqual(found!.metricsTo, [{ url: "http://c.test:4318/base/v1/metrics", ...target }]);
    assert.deepEqual(found!.resource, {
      "deployment.environment": "prod",
      "service.name": "from-resource",
    });
    assert.equal(found!.metrics, true);
    assert.deepEqual(reports, []);
  });

  it("may name each signal's own, which is used as it is", () => {
    const { found } = settings({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://t.test/ingest?x=1",
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: "a=1",
      OTEL_EXPORTER_OTLP_HEADERS: "b=2",
      OTEL_SERVICE_NAME: "mine",
    });
    const [target, ...more] = found!.traces;
    assert.deepEqual(more, []);
    assert.equal(target!.url, "https://t.test/ingest?x=1");
    assert.equal(target!.json, true);
    assert.deepEqual(target!.headers, { a: "1" });
    assert.deepEqual(found!.metricsTo, []);
    assert.equal(found!.resource["service.name"], "mine");
  });

  it("may turn off all, or a signal", () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.test" };
    assert.equal(settings({ ...env, OTEL_SDK_DISABLED: "true" }).found, undefined);
    const { found } = settings({ ...env, OTEL_METRICS_EXPORTER: "none" });
    assert.equal(found!.metricsTo.length, 0);
    assert.equal(found!.traces.length, 1);
  });

  it("chooses a sampler, a pace and a size", () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.test",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.25",
      OTEL_BSP_SCHEDULE_DELAY: "5000",
      OTEL_BSP_MAX_QUEUE_SIZE: "2048",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "512",
      OTEL_METRIC_EXPORT_INTERVAL: "10000",
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: "true",
      OTEL_PROPAGATORS: "none",
    };
    const { found } = settings(env);
    const { sample, byParent, delay, queue, batch, interval, content, propagate } = found!;
    assert.deepEqual(
      { sample, byParent, delay, queue, batch, interval, content, propagate },
      {
        sample: 0.25,
        byParent: false,
        delay: 5000,
        queue: 2048,
        batch: 512,
        interval: 10_000,
        content: true,
        propagate: false,
      },
    );
    for (
      const [name, share, byParent] of [
        ["always_on", 1, false],
        ["always_off", 0, false],
        ["parentbased_always_on", 1, true],
        ["parentbased_always_off", 0, true],
        ["parentbased_traceidratio", 0.25, true],
        ["xray", 1, true],
      ] as const
    ) {
      const { found, reports } = settings({ ...env, OTEL_TRACES_SAMPLER: name });
      assert.deepEqual([found!.sample, found!.byParent], [share, byParent], name);
      assert.equal(reports.length, name === "xray" ? 1 : 0);
    }
  });

  it("that cannot be used is reported, without its value", () => {
    const { found, reports } = settings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://user:secret@c.test",
      OTEL_BSP_SCHEDULE_DELAY: "secret",
      SLUICE_LOG: "json",
    });
    assert.deepEqual(found!.traces, []);
    assert.ok(reports.length >= 2 && !reports.join().includes("secret"), reports.join());
    const grpc = settings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://c.test:4317",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    });
    assert.match(grpc.reports.join("\n"), /gRPC is not served/);
  });

  it("gives way to the configuration", () => {
    const { found } = settings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://env.test",
      OTEL_SERVICE_NAME: "env",
      OTEL_TRACES_SAMPLER: "always_off",
    }, { exporters: [{ url: "http://config.test" }], service_name: "config", sample: 1 });
    assert.deepEqual(found!.traces.map(({ url }) => url), ["http://config.test/v1/traces"]);
    assert.equal(found!.resource["service.name"], "config");
    assert.deepEqual([found!.sample, found!.byParent], [1, true]);
  });
});

describe("the configuration", () => {
  const problem = (telemetry: unknown): string => {
    try {
      createGateway({ telemetry: telemetry as TelemetryConfig });
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.message;
    }
    throw new Error("It was taken");
  };

  it("tells what is wrong, and shows no URL and no header", () => {
    const url = "ftp://user:hunter2@c.test";
    const text = problem({ exporters: [{ url, headers: { a: "hunter2\n" } }] });
    assert.match(text, /telemetry\.exporters\.0\.url: found something else, expected an absolute/);
    assert.match(text, /telemetry\.exporters\.0\.headers/);
    assert.ok(!text.includes("hunter2"));
    assert.match(
      problem({ exporter: [] }),
      /telemetry\.exporter: found an unknown key, expected 'exporters'/,
    );
    assert.match(problem({ sample: 2 }), /telemetry\.sample/);
  });

  it("is told of a header whose variable is not set", () => {
    const { found, reports } = settings({}, {
      exporters: [{ url: "http://c.test", headers: { a: { env: "NOT_SET" } } }],
    });
    assert.deepEqual(found!.traces[0]!.headers, {});
    assert.equal(reports.length, 1);
  });
});
