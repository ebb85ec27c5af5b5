/**
 * Writes spans as OTLP has them, at once and without a model in between: on the way of each request that
 * is the difference between one and ten microseconds. Two encodings, one face.
 *
 * @module
 */
import { type Attributes, Double, type Name, type Value } from "./attribute.ts";
import { utf8, varintSize, Wire } from "./wire.ts";

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

const kinds = { internal: 1, server: 2, client: 3 } as const;
/** The attributes' tag in a span. */
const tag = 0x4a;

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
    return this.#wire.at;
  }

  begin(head: SpanHead): void {
    const wire = this.#wire;
    wire.room(256);
    wire.byte(0x12); // ScopeSpans.spans
    this.#start = wire.at;
    wire.at += 2;
    wire.byte(0x0a);
    wire.byte(16);
    wire.hex(head.traceId);
    wire.byte(0x12);
    wire.byte(8);
    wire.hex(head.spanId);
    if (head.state !== undefined) wire.text(0x1a, head.state);
    if (head.parentId !== undefined) {
      wire.byte(0x22);
      wire.byte(8);
      wire.hex(head.parentId);
    }
    wire.text(0x2a, head.name);
    wire.byte(0x30);
    wire.byte(kinds[head.kind]);
    wire.byte(0x39);
    wire.fixed64(head.start * 1e6);
    wire.byte(0x41);
    wire.fixed64(head.end * 1e6);
  }

  statics(statics: Statics): void {
    if (statics.wire === undefined) {
      const before = this.#wire;
      this.#wire = new Wire(1024);
      try {
        for (const [name, value] of statics.attributes) this.other(name, value);
        statics.wire = this.#wire.written();
      } finally {
        this.#wire = before;
      }
    }
    this.#wire.raw(statics.wire);
  }

  text(name: Name, value: string): void {
    const wire = this.#wire;
    const start = wire.at;
    const { length } = value;
    this.#open(name, varintSize(length) + 1 + length);
    wire.byte(0x0a);
    if (wire.ascii(value)) return;
    wire.at = start;
    const bytes = utf8(value);
    this.#open(name, varintSize(bytes.length) + 1 + bytes.length);
    wire.field(0x0a, bytes);
  }

  int(name: Name, value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) return;
    this.#open(name, varintSize(value) + 1);
    this.#wire.byte(0x18);
    this.#wire.varint(value);
  }

  double(name: Name, value: number): void {
    this.#open(name, 9);
    this.#wire.byte(0x21);
    this.#wire.double(value);
  }

  other(name: Name, value: Value | Double): void {
    if (typeof value === "string") this.text(name, value);
    else if (typeof value === "boolean") {
      this.#open(name, 2);
      this.#wire.byte(0x10);
      this.#wire.byte(value ? 1 : 0);
    } else if (typeof value === "number") {
      if (Number.isSafeInteger(value) && value >= 0) this.int(name, value);
      else this.double(name, value);
    } else if (value instanceof Double) this.double(name, value.value);
    else {
      const list = new Wire(128);
      for (const text of value) list.nested(0x0a, () => list.text(0x0a, text));
      const bytes = list.written();
      this.#open(name, varintSize(bytes.length) + 1 + bytes.length);
      this.#wire.field(0x2a, bytes);
    }
  }

  /** All of a `KeyValue` before what its `AnyValue` holds. */
  #open({ key }: Name, size: number): void {
    const wire = this.#wire;
    wire.byte(tag);
    wire.varint(key.length + 1 + varintSize(size) + size);
    wire.raw(key);
    wire.byte(0x12);
    wire.varint(size);
  }

  end(error: string | undefined): void {
    const wire = this.#wire;
    if (error !== undefined) {
      wire.nested(0x7a, () => {
        if (error !== "") wire.text(0x12, error);
        wire.byte(0x18);
        wire.byte(2);
      });
    }
    wire.close(this.#start);
    this.count++;
  }

  drop(): void {
    this.#wire.at = this.#start - 1; // its tag
  }

  take(): Uint8Array<ArrayBuffer> {
    const { at, bytes } = this.#wire;
    const scoped = this.#scope.length + at;
    const inner = this.#prefix.length + 1 + varintSize(scoped) + scoped;
    const out = new Wire(inner + 16);
    out.byte(0x0a); // ExportTraceServiceRequest.resource_spans
    out.varint(inner);
    out.raw(this.#prefix);
    out.byte(0x12); // ResourceSpans.scope_spans
    out.varint(scoped);
    out.raw(this.#scope);
    out.raw(bytes.subarray(0, at));
    this.#wire.at = 0;
    // One large batch must not stay in memory for ever.
    if (bytes.length > 4 * 1024 * 1024) this.#wire = new Wire(4096);
    this.count = 0;
    return out.bytes.subarray(0, out.at);
  }
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
    return utf8(body) as Uint8Array<ArrayBuffer>;
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
