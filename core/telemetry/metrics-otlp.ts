/**
 * All figures as OTLP has them, in both encodings.
 *
 * @module
 */
import { Histogram, type MetricFamily, type MetricLabels, type Metrics } from "../metrics.ts";
import { nanos } from "./span-writer.ts";
import { utf8, Wire } from "./wire.ts";

/** When the figures began and when they were read, in milliseconds since 1970. */
export interface Span {
  start: number;
  now: number;
}

/** Sums since the beginning, not since the last export. */
const cumulative = 2;

/** The body of a request, as JSON. @param prefix All that stands before the first figure. */
export function metricsJson(
  metrics: Metrics,
  prefix: string,
  { start, now }: Span,
): { body: Uint8Array<ArrayBuffer>; count: number } {
  const times = `"startTimeUnixNano":"${nanos(start)}","timeUnixNano":"${nanos(now)}"`;
  let count = 0;
  const texts: string[] = [];
  for (const family of metrics.families()) {
    const points = pointsOf(family).map(([labels, value]) => {
      count++;
      const attributes = JSON.stringify(
        Object.entries(labels).filter(([, text]) => text !== "")
          .map(([key, text]) => ({ key, value: { stringValue: text } })),
      );
      const head = `{"attributes":${attributes},${times}`;
      if (typeof value === "number") {
        const point = Number.isSafeInteger(value) ? `"asInt":"${value}"` : `"asDouble":${value}`;
        return `${head},${point}}`;
      }
      const buckets = JSON.stringify(value.buckets.map(String));
      return `${head},"count":"${value.count}","sum":${value.sum},"bucketCounts":${buckets},` +
        `"explicitBounds":${JSON.stringify(family.bounds)}}`;
    });
    if (points.length === 0) continue;
    const { name, help, unit, kind } = family;
    const [member, more] = kind === "gauge"
      ? ["gauge", ""]
      : kind === "counter"
      ? ["sum", `,"aggregationTemporality":${cumulative},"isMonotonic":true`]
      : ["histogram", `,"aggregationTemporality":${cumulative}`];
    texts.push(
      `{"name":${JSON.stringify(name)},"description":${JSON.stringify(help)},"unit":${
        JSON.stringify(unit)
      },"${member}":{"dataPoints":[${points.join()}]${more}}}`,
    );
  }
  return { body: utf8(`${prefix}${texts.join()}]}]}]}`) as Uint8Array<ArrayBuffer>, count };
}

/**
 * The same as Protocol Buffers.
 *
 * @param prefix Fields of `ResourceMetrics` before its figures.
 * @param scope Fields of `ScopeMetrics` before its figures.
 */
export function metricsWire(
  metrics: Metrics,
  prefix: Uint8Array,
  scope: Uint8Array,
  { start, now }: Span,
): { body: Uint8Array<ArrayBuffer>; count: number } {
  const wire = new Wire(16 * 1024);
  let count = 0;
  wire.nested(0x0a, () => {
    wire.raw(prefix);
    wire.nested(0x12, () => {
      wire.raw(scope);
      for (const family of metrics.families()) {
        const points = pointsOf(family);
        if (points.length === 0) continue;
        count += points.length;
        wire.nested(0x12, () => familyWire(wire, family, points, start, now));
      }
    });
  });
  return { body: wire.written(), count };
}

function familyWire(
  wire: Wire,
  family: MetricFamily,
  points: readonly Point[],
  start: number,
  now: number,
): void {
  wire.text(0x0a, family.name);
  wire.text(0x12, family.help);
  wire.text(0x1a, family.unit);
  const tag = family.kind === "gauge" ? 0x2a : family.kind === "counter" ? 0x3a : 0x4a;
  wire.nested(tag, () => {
    for (const [labels, value] of points) {
      wire.nested(0x0a, () => {
        const isNumber = typeof value === "number";
        for (const [name, text] of Object.entries(labels)) {
          if (text === "") continue;
          wire.nested(isNumber ? 0x3a : 0x4a, () => {
            wire.text(0x0a, name);
            wire.nested(0x12, () => wire.text(0x0a, text));
          });
        }
        wire.byte(0x11);
        wire.fixed64(start * 1e6);
        wire.byte(0x19);
        wire.fixed64(now * 1e6);
        if (isNumber && Number.isSafeInteger(value) && value >= 0) {
          wire.byte(0x31);
          wire.fixed64(value);
        } else if (isNumber) {
          wire.byte(0x21);
          wire.double(value);
        } else {
          wire.byte(0x21);
          wire.fixed64(value.count);
          wire.byte(0x29);
          wire.double(value.sum);
          wire.byte(0x32);
          wire.varint(value.buckets.length * 8);
          for (const bucket of value.buckets) wire.fixed64(bucket);
          wire.byte(0x3a);
          wire.varint(family.bounds.length * 8);
          for (const bound of family.bounds) wire.double(bound);
        }
      });
    }
    if (family.kind === "gauge") return;
    wire.byte(0x10);
    wire.byte(cumulative);
    if (family.kind === "counter") {
      wire.byte(0x18);
      wire.byte(1);
    }
  });
}

type Point = readonly [MetricLabels, number | Histogram];

function pointsOf({ cells }: MetricFamily): Point[] {
  const points: Point[] = [];
  for (const cell of cells.values()) {
    if (cell instanceof Histogram) points.push([cell.labels, cell]);
    else {
      const value = typeof cell.value === "function" ? cell.value() : cell.value;
      if (Number.isFinite(value)) points.push([cell.labels, value]);
    }
  }
  return points;
}
