/** Whose trace a request is part of, who is told, and which are exported. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import type { GatewayOptions } from "../../mod.ts";
import { failing } from "./scripted.ts";
import { ask, collector, good, watched } from "./telemetry.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parent = "00f067aa0ba902b7";
const sampled = `00-${traceId}-${parent}-01`;
const exporters = [{ url: collector }];

async function spansWith(headers: Record<string, string>, options: GatewayOptions = {}) {
  const made = watched(options, [good]);
  const response = await ask(made, headers);
  assert.equal(response.status, 200);
  const spans = await made.spans();
  const request = spans.find(({ kind }) => kind === 2);
  const attempt = spans.find(({ kind }) => kind === 3);
  return { request, attempt, upstream: made.seen[0]!.headers };
}

describe("traceparent", () => {
  it("comes in, and goes out as the attempt", async () => {
    const headers = { traceparent: sampled, tracestate: "vendor=1" };
    const { request, attempt, upstream } = await spansWith(headers);
    assert.equal(request!.traceId, traceId);
    assert.equal(request!.parentSpanId, parent);
    assert.equal(request!.traceState, "vendor=1");
    assert.equal(attempt!.traceId, traceId);
    assert.equal(attempt!.parentSpanId, request!.spanId);
    assert.equal(upstream["traceparent"], `00-${traceId}-${attempt!.spanId}-01`);
    assert.equal(upstream["tracestate"], "vendor=1");
  });

  it("is each attempt's own", async () => {
    const made = watched({ gateways: { default: { retry_max_attempts: 2, retry_delay: 0 } } }, [
      failing(500),
      good,
    ]);
    await ask(made, { traceparent: sampled });
    const { attempts } = await made.trace();
    assert.deepEqual(
      made.seen.map(({ headers }) => headers["traceparent"]),
      attempts.map(({ spanId }) => `00-${traceId}-${spanId}-01`),
    );
    assert.notEqual(attempts[0]!.spanId, attempts[1]!.spanId);
  });

  it("goes out where none came in", async () => {
    const { request, attempt, upstream } = await spansWith({});
    assert.equal(upstream["traceparent"], `00-${request!.traceId}-${attempt!.spanId}-01`);
    assert.match(request!.traceId, /^[0-9a-f]{32}$/);
  });

  it("stays the caller's where providers are not to be told", async () => {
    const telemetry = { exporters, propagate: false };
    assert.equal((await spansWith({}, { telemetry })).upstream["traceparent"], undefined);
    const { upstream, request } = await spansWith({ traceparent: sampled }, { telemetry });
    assert.equal(upstream["traceparent"], sampled);
    assert.equal(request!.parentSpanId, parent);
  });

  for (
    const wrong of [
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
      `00-${"0".repeat(32)}-${parent}-01`,
      `00-${traceId}-${"0".repeat(16)}-01`,
      `ff-${traceId}-${parent}-01`,
      `00-${traceId.toUpperCase()}-${parent}-01`,
      `00-${traceId}-${parent}-01-more`,
      "x".repeat(8000),
    ]
  ) {
    it(`that cannot be read is none: ${wrong.slice(0, 60)}`, async () => {
      const { request, upstream } = await spansWith({ traceparent: wrong, tracestate: "a=1" });
      assert.notEqual(request!.traceId, traceId);
      assert.equal(request!.parentSpanId, undefined);
      assert.equal(request!.traceState, undefined);
      assert.equal(upstream["tracestate"], undefined);
    });
  }

  it("of a later version is read as far as it is known", async () => {
    const { request } = await spansWith({ traceparent: `01-${traceId}-${parent}-01-more` });
    assert.equal(request!.traceId, traceId);
  });
});

describe("Cloudflare's headers", () => {
  it("name trace and parent, and do not go upstream", async () => {
    const { request, upstream } = await spansWith({
      "cf-aig-otel-trace-id": traceId.toUpperCase(),
      "cf-aig-otel-parent-span-id": parent,
    });
    assert.equal(request!.traceId, traceId);
    assert.equal(request!.parentSpanId, parent);
    assert.deepEqual(Object.keys(upstream).filter((name) => name.startsWith("cf-")), []);
  });

  it("win over traceparent, whose state belongs to another trace", async () => {
    const { request, upstream } = await spansWith({
      traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-00`,
      tracestate: "vendor=1",
      "cf-aig-otel-trace-id": traceId,
    });
    assert.equal(request!.traceId, traceId);
    assert.equal(request!.parentSpanId, undefined);
    assert.equal(upstream["tracestate"], undefined);
  });

  it("that cannot be read are ignored", async () => {
    const { request } = await spansWith({
      "cf-aig-otel-trace-id": "not-hex",
      "cf-aig-otel-parent-span-id": "0".repeat(16),
    });
    assert.match(request!.traceId, /^[0-9a-f]{32}$/);
    assert.equal(request!.parentSpanId, undefined);
  });
});

describe("sampling", () => {
  it("is the caller's decision, which is passed on", async () => {
    const { request, upstream } = await spansWith({
      traceparent: `00-${traceId}-${parent}-00`,
    });
    assert.equal(request, undefined);
    assert.match(upstream["traceparent"]!, new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  });

  it("takes the share that is asked for, and counts all", async () => {
    const telemetry = { exporters, sample: 0.5 };
    const made = watched({ telemetry }, Array.from({ length: 200 }, () => good));
    for (let i = 0; i < 200; i++) await ask(made);
    const requests = (await made.spans()).filter(({ kind }) => kind === 2);
    assert.ok(requests.length > 50 && requests.length < 150, `${requests.length} of 200`);
    const traces = new Set(requests.map(({ traceId }) => traceId));
    const attempts = (await made.spans()).filter(({ kind }) => kind === 3);
    assert.deepEqual(new Set(attempts.map(({ traceId }) => traceId)), traces, "whole traces");
  });

  it("of none leaves nothing", async () => {
    const { request } = await spansWith({}, { telemetry: { exporters, sample: 0 } });
    assert.equal(request, undefined);
  });
});
