/** Reads what is exported with OpenTelemetry's own definitions, and a collector that keeps it. */
import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import protobuf from "protobufjs";

const folder = fileURLToPath(new URL("./otlp-proto/", import.meta.url));
const root = new protobuf.Root();
for (const file of readdirSync(folder)) {
  if (file.endsWith(".proto")) protobuf.parse(readFileSync(join(folder, file), "utf8"), root);
}
root.resolveAll();

const types: Record<string, string> = {
  traces: "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest",
  metrics: "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest",
};

export interface Exported {
  signal: "traces" | "metrics";
  path: string;
  headers: Record<string, string>;
  /** As OTLP's JSON has it, whichever encoding it came in. */
  body: any;
}

export interface Span {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  traceState: string | undefined;
  /** Milliseconds since 1970. */
  start: number;
  end: number;
  attributes: Record<string, unknown>;
  status: { code?: number; message?: string } | undefined;
  resource: Record<string, unknown>;
}

/** Reads a request; fails on anything that the definitions do not know. */
export function exported(
  path: string,
  headers: Record<string, string>,
  bytes: Uint8Array,
): Exported {
  const signal = path.endsWith("/v1/metrics") ? "metrics" : "traces";
  const type = root.lookupType(types[signal]!);
  const data = headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
  const plain = (message: protobuf.Message) =>
    hexed(type.toObject(message, { longs: String, arrays: false, bytes: Array }));
  if (headers["content-type"] === "application/x-protobuf") {
    const message = type.decode(data);
    assert.equal(type.verify(message), null);
    // Nothing unknown was skipped: what is known makes as many bytes again.
    assert.equal(type.encode(message).finish().length <= data.length, true);
    return { signal, path, headers, body: plain(message) };
  }
  assert.equal(headers["content-type"], "application/json");
  const json = JSON.parse(new TextDecoder().decode(data));
  const body = plain(type.fromObject(unhexed(json)));
  assert.deepEqual(sorted(body), sorted(withoutEmpty(json)));
  return { signal, path, headers, body };
}

const ids = new Set(["traceId", "spanId", "parentSpanId"]);

function hexed(value: any, key = ""): any {
  if (ids.has(key)) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map((item) => hexed(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, hexed(item, name)]));
}

function unhexed(value: any, key = ""): any {
  if (ids.has(key)) return [...Buffer.from(value, "hex")];
  if (Array.isArray(value)) return value.map((item) => unhexed(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, unhexed(item, name)]),
  );
}

/** Without empty lists and texts, which the other encoding does not tell from none. */
function withoutEmpty(value: any): any {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([name, item]) =>
      !(Array.isArray(item) && item.length === 0) && !(item === "" && name === "unit")
    ).map(([name, item]) => [name, withoutEmpty(item)]),
  );
}

function sorted(value: any): any {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([name, item]) => !(item === "" && name === "unit"))
      .sort(([a], [b]) => a < b ? -1 : 1).map(([name, item]) => [name, sorted(item)]),
  );
}

function valueOf(value: any): unknown {
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.intValue !== undefined) return Number(value.intValue);
  if (value.doubleValue !== undefined) return value.doubleValue;
  if (value.boolValue !== undefined) return value.boolValue;
  return (value.arrayValue?.values ?? []).map(valueOf);
}

/** By name; each name only once. */
export function attributesOf(list: any[] = []): Record<string, unknown> {
  const names = list.map(({ key }) => key);
  assert.equal(new Set(names).size, names.length, `twice: ${names}`);
  return Object.fromEntries(list.map(({ key, value }) => [key, valueOf(value)]));
}

export function spansOf(exports: readonly Exported[]): Span[] {
  return exports.filter(({ signal }) => signal === "traces").flatMap(({ body }) =>
    (body.resourceSpans ?? []).flatMap((resourceSpans: any) =>
      resourceSpans.scopeSpans.flatMap((scopeSpans: any) => {
        assert.equal(scopeSpans.scope.name, "@sluice/gateway");
        return scopeSpans.spans.map((span: any): Span => ({
          ...span,
          parentSpanId: span.parentSpanId,
          traceState: span.traceState,
          start: Number(BigInt(span.startTimeUnixNano) / 1000n) / 1000,
          end: Number(BigInt(span.endTimeUnixNano) / 1000n) / 1000,
          attributes: attributesOf(span.attributes),
          status: span.status,
          resource: attributesOf(resourceSpans.resource.attributes),
        }));
      })
    )
  );
}

/** Figures of the last export, by name. */
export function figuresOf(exports: readonly Exported[]): Map<string, any> {
  const last = exports.findLast(({ signal }) => signal === "metrics");
  return new Map(
    (last?.body.resourceMetrics ?? []).flatMap((resource: any) =>
      resource.scopeMetrics.flatMap((scope: any) =>
        scope.metrics.map((metric: any) => [metric.name, metric])
      )
    ),
  );
}

export interface Collector {
  url: string;
  exports: Exported[];
  /** All requests, those that were refused included. */
  requests: number;
  /** Answers the next requests so; then with 200. */
  answers: { status: number; headers?: Record<string, string>; body?: string }[];
  /** Resolves once there are so many spans. */
  spans(count: number): Promise<Span[]>;
  /** Resolves once this is true of what came. */
  until(holds: () => boolean): Promise<void>;
  close(): Promise<void>;
}

/** A collector over HTTP. */
export async function startCollector(): Promise<Collector> {
  let changed = Promise.withResolvers<void>();
  const server = http.createServer((req, res) => {
    const parts: Uint8Array[] = [];
    req.on("data", (part) => parts.push(part));
    req.on("end", () => {
      collector.requests++;
      const answer = collector.answers.shift();
      if (answer !== undefined) res.writeHead(answer.status, answer.headers).end(answer.body);
      else {
        const headers = req.headers as Record<string, string>;
        collector.exports.push(exported(req.url!, headers, Buffer.concat(parts)));
        res.writeHead(200, { "content-type": headers["content-type"] }).end(
          headers["content-type"] === "application/json" ? "{}" : undefined,
        );
      }
      changed.resolve();
      changed = Promise.withResolvers();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exports: [],
    requests: 0,
    answers: [],
    async spans(count) {
      await collector.until(() => spansOf(collector.exports).length >= count);
      return spansOf(collector.exports);
    },
    async until(holds) {
      while (!holds()) await changed.promise;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return collector;
}
