/**
 * All figures as OTLP has them, in both encodings.
 *
 * @module
 */
import { Histogram, type MetricFamily, type MetricLabels, type Metrics } from "../metrics.ts";
import { nanos } from "./span-writer.ts";
import { Wire } from "./wire.ts";

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
  return { body: new TextEncoder().encode(`${prefix}${texts.join()}]}]}]}`), count };
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
  wire.nested(1, () => {
    wire.raw(prefix);
    wire.nested(2, () => {
      wire.raw(scope);
      for (const family of metrics.families()) {
        const points = pointsOf(family);
        if (points.length === 0) continue;
        count += points.length;
        wire.nested(2, () => familyWire(wire, family, points, start, now));
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
  wire.writeStringField(1, family.name);
  wire.writeStringField(2, family.help);
  wire.writeStringField(3, family.unit);
  const field = family.kind === "gauge" ? 5 : family.kind === "counter" ? 7 : 9;
  wire.nested(field, () => {
    for (const [labels, value] of points) {
      wire.nested(1, () => {
        const isNumber = typeof value === "number";
        for (const [name, text] of Object.entries(labels)) {
          if (text === "") continue;
          wire.nested(isNumber ? 7 : 9, () => {
            wire.writeStringField(1, name);
            wire.nested(2, () => wire.writeStringField(1, text));
          });
        }
        wire.writeFixed64Field(2, start * 1e6);
        wire.writeFixed64Field(3, now * 1e6);
        if (isNumber && Number.isSafeInteger(value) && value >= 0) {
          wire.writeFixed64Field(6, value);
        } else if (isNumber) {
          wire.writeDoubleField(4, value);
        } else {
          wire.writeFixed64Field(4, value.count);
          wire.writeDoubleField(5, value.sum);
          wire.writePackedFixed64(6, [...value.buckets]);
          wire.writePackedDouble(7, [...family.bounds]);
        }
      });
    }
    if (family.kind === "gauge") return;
    wire.writeVarintField(2, cumulative);
    if (family.kind === "counter") wire.writeBooleanField(3, true);
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
