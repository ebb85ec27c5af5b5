/**
 * Writes spans as OTLP has them, at once and without a model in between: on the way of each request that
 * is the difference between one and ten microseconds. Two encodings, one face.
 *
 * @module
 */
import { type Attributes, Double, type Name, type Value } from "./attribute.ts";
import { type Message, varintSize, Wire } from "./wire.ts";

/** What is written of a span before its attributes. */
export interface SpanHead {
  /** 32 hex digits. */
  traceId: string;
  /** 16 hex digits. */
  spanId: string;
  parentId: string | undefined;
  state: string | undefined;
  name: string;
  kind: "server" | "client" | "internal";
  /** Milliseconds since 1970. */
  start: number;
  end: number;
}

/** Attributes that many spans have alike; each encoding remembers what it makes of them. */
export interface Statics {
  readonly attributes: Attributes;
  wire?: Uint8Array;
  json?: string;
}

/** Writes a batch of spans. */
export interface SpanWriter {
  /** Spans so far. */
  readonly count: number;
  /** Bytes so far, about. */
  readonly size: number;
  begin(head: SpanHead): void;
  statics(statics: Statics): void;
  text(name: Name, value: string): void;
  /** A whole number; anything else is left out. */
  int(name: Name, value: number): void;
  double(name: Name, value: number): void;
  other(name: Name, value: Value | Double): void;
  /** @param error What failed; nothing where nothing did. */
  end(error: string | undefined): void;
  /** Forgets the span that was begun. */
  drop(): void;
  /** The body of a request with all of them; begins the next batch. */
  take(): Uint8Array<ArrayBuffer>;
}

const encoder = new TextEncoder();
const kinds = { internal: 1, server: 2, client: 3 } as const;

/** As Protocol Buffers. */
export class WireSpans implements SpanWriter {
  readonly #prefix: Uint8Array;
  readonly #scope: Uint8Array;
  #wire = new Wire(4096);
  #start = 0;
  count = 0;

  /**
   * @param prefix Fields of `ResourceSpans` before its spans.
   * @param scope Fields of `ScopeSpans` before its spans.
   */
  constructor(prefix: Uint8Array, scope: Uint8Array) {
    this.#prefix = prefix;
    this.#scope = scope;
  }

  get size(): number {
    return this.#wire.pos;
  }

  begin(head: SpanHead): void {
    const wire = this.#wire;
    this.#start = wire.open(2); // ScopeSpans.spans
    wire.hex(1, head.traceId);
    wire.hex(2, head.spanId);
    if (head.state !== undefined) wire.writeStringField(3, head.state);
    if (head.parentId !== undefined) wire.hex(4, head.parentId);
    wire.writeStringField(5, head.name);
    wire.writeVarintField(6, kinds[head.kind]);
    wire.writeFixed64Field(7, head.start * 1e6);
    wire.writeFixed64Field(8, head.end * 1e6);
  }

  statics(statics: Statics): void {
    if (statics.wire === undefined) {
      const wire = new Wire();
      for (const [name, value] of statics.attributes) attribute(wire, name, value);
      statics.wire = wire.written();
    }
    this.#wire.raw(statics.wire);
  }

  text(name: Name, value: string): void {
    attribute(this.#wire, name, value);
  }

  int(name: Name, value: number): void {
    if (Number.isSafeInteger(value) && value >= 0) attribute(this.#wire, name, value);
  }

  double(name: Name, value: number): void {
    attribute(this.#wire, name, new Double(value));
  }

  other(name: Name, value: Value | Double): void {
    attribute(this.#wire, name, value);
  }

  end(error: string | undefined): void {
    const wire = this.#wire;
    if (error !== undefined) {
      wire.nested(15, () => {
        if (error !== "") wire.writeStringField(2, error);
        wire.writeVarintField(3, 2);
      });
    }
    wire.close(this.#start);
    this.count++;
  }

  drop(): void {
    this.#wire.pos = this.#start - 3; // its tag, and its length
  }

  take(): Uint8Array<ArrayBuffer> {
    const { pos, buf } = this.#wire;
    const scoped = this.#scope.length + pos;
    const inner = this.#prefix.length + 1 + varintSize(scoped) + scoped;
    const out = new Wire(inner + 16);
    out.writeTag(1, 2); // ExportTraceServiceRequest.resource_spans
    out.writeVarint(inner);
    out.raw(this.#prefix);
    out.writeTag(2, 2); // ResourceSpans.scope_spans
    out.writeVarint(scoped);
    out.raw(this.#scope);
    out.raw(buf.subarray(0, pos));
    this.#wire.pos = 0;
    // One large batch must not stay in memory for ever.
    if (buf.length > 4 * 1024 * 1024) this.#wire = new Wire(4096);
    this.count = 0;
    return out.buf.subarray(0, out.pos) as Uint8Array<ArrayBuffer>;
  }
}

/** One of a span's. */
function attribute(wire: Wire, name: Name, value: Value | Double): void {
  wire.writeTag(9, 2);
  wire.writeRawMessage(keyAndValue, { name, value });
}

function keyAndValue(of: { name: Name; value: Value | Double }, wire: Message): void {
  (wire as Wire).raw(of.name.key);
  wire.writeMessage(2, anyValue, of.value);
}

function anyValue(value: Value | Double, wire: Message): void {
  if (typeof value === "string") wire.writeStringField(1, value);
  else if (typeof value === "boolean") wire.writeBooleanField(2, value);
  else if (typeof value === "number") {
    if (Number.isSafeInteger(value) && value >= 0) wire.writeVarintField(3, value);
    else wire.writeDoubleField(4, value);
  } else if (value instanceof Double) wire.writeDoubleField(4, value.value);
  else wire.writeMessage(5, texts, value);
}

function texts(list: readonly string[], wire: Message): void {
  for (const text of list) wire.writeMessage(1, anyValue, text);
}

/** As JSON, in OTLP's own way: ids in hex, enumerations as numbers, whole numbers of 64 bits as texts. */
export class JsonSpans implements SpanWriter {
  readonly #prefix: string;
  #text = "";
  #first = true;
  #begun = "";
  count = 0;

  /** @param prefix All that stands before the first span. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get size(): number {
    return this.#text.length;
  }

  begin(head: SpanHead): void {
    const parent = head.parentId === undefined ? "" : `,"parentSpanId":"${head.parentId}"`;
    const state = head.state === undefined ? "" : `,"traceState":${JSON.stringify(head.state)}`;
    this.#begun = `{"traceId":"${head.traceId}","spanId":"${head.spanId}"${parent}${state},"name":${
      JSON.stringify(head.name)
    },"kind":${kinds[head.kind]},"startTimeUnixNano":"${nanos(head.start)}","endTimeUnixNano":"${
      nanos(head.end)
    }","attributes":[`;
    this.#first = true;
  }

  #add(text: string): void {
    this.#begun += this.#first ? text : `,${text}`;
    this.#first = false;
  }

  statics(statics: Statics): void {
    statics.json ??= statics.attributes.map(([name, value]) => attributeJson(name, value)).join();
    if (statics.json !== "") this.#add(statics.json);
  }

  text(name: Name, value: string): void {
    this.#add(`${name.json}"stringValue":${JSON.stringify(value)}}}`);
  }

  int(name: Name, value: number): void {
    if (Number.isSafeInteger(value) && value >= 0) this.#add(`${name.json}"intValue":"${value}"}}`);
  }

  double(name: Name, value: number): void {
    if (Number.isFinite(value)) this.#add(`${name.json}"doubleValue":${value}}}`);
  }

  other(name: Name, value: Value | Double): void {
    this.#add(attributeJson(name, value));
  }

  end(error: string | undefined): void {
    const status = error === undefined
      ? ""
      : error === ""
      ? `,"status":{"code":2}`
      : `,"status":{"message":${JSON.stringify(error)},"code":2}`;
    this.#text += `${this.count === 0 ? "" : ","}${this.#begun}]${status}}`;
    this.#begun = "";
    this.count++;
  }

  drop(): void {
    this.#begun = "";
  }

  take(): Uint8Array<ArrayBuffer> {
    const body = `${this.#prefix}${this.#text}]}]}]}`;
    this.#text = "";
    this.count = 0;
    return encoder.encode(body);
  }
}

/** An attribute as JSON. */
export function attributeJson(name: Name, value: Value | Double): string {
  return `${name.json}${valueJson(value)}}}`;
}

function valueJson(value: Value | Double): string {
  if (typeof value === "string") return `"stringValue":${JSON.stringify(value)}`;
  if (typeof value === "boolean") return `"boolValue":${value}`;
  if (value instanceof Double) return `"doubleValue":${value.value}`;
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? `"intValue":"${value}"` : `"doubleValue":${value}`;
  }
  const values = value.map((text) => `{"stringValue":${JSON.stringify(text)}}`).join();
  return `"arrayValue":{"values":[${values}]}`;
}

/** Milliseconds as nanoseconds in decimal: more digits than a number has. */
export function nanos(ms: number): string {
  const whole = Math.floor(ms);
  return `${whole}${String(Math.floor((ms - whole) * 1e6)).padStart(6, "0")}`;
}
