/**
 * What telemetry is asked for: the configuration's `telemetry`, and the environment names of OpenTelemetry
 * for what it leaves open.
 *
 * @module
 */

/** One of `telemetry.exporters`. */
export interface TelemetryExporter {
  /**
   * OTLP over HTTP. A URL whose path ends in `/v1/traces` or `/v1/metrics` takes that alone; any other is a
   * collector's base for both.
   */
  url: string;
  /** Sent with each batch; never shown. An object names an environment variable. */
  headers?: Record<string, string | { env: string }>;
  /** `protobuf` unless given. */
  content_type?: "json" | "protobuf";
  /** Batches are sent compressed. */
  compression?: "gzip" | "none";
  /** Milliseconds that a collector may take for a batch; 10,000 unless given. */
  timeout?: number;
}

/** One of `gateways.<id>.otel` (spec 8.8): for traces alone. */
interface OtelExporter {
  /** As it is, such as `https://api.example/v1/traces`. */
  url: string;
  /** Sent with each batch; never shown. */
  headers?: Record<string, string> | null;
  /** The header `authorization`. */
  authorization?: string | null;
  /** `json` unless given, as on Cloudflare. */
  content_type?: "json" | "protobuf" | null;
}

/** `telemetry`. */
export interface TelemetryConfig {
  /** Where traces and metrics of all gateways go. */
  exporters?: TelemetryExporter[];
  /** `service.name`; `ai-gateway` unless given, as on Cloudflare. */
  service_name?: string;
  /** Attributes of the resource. */
  resource?: Record<string, string>;
  /** Share of the traces that are exported, 0 to 1; a caller's `traceparent` decides for its own. */
  sample?: number;
  /** Prompts and completions are exported, masked as in the log. */
  content?: boolean;
  /** Figures of requests and attempts, for `/metrics` and exporters; on unless false. */
  metrics?: boolean;
  /** Providers are told the trace (`traceparent`); on unless false. */
  propagate?: boolean;
  /** A line of JSON for each request on standard output. */
  lines?: boolean;
  /** Milliseconds that spans wait for company; 1000 unless given. */
  delay?: number;
  /** Most spans that wait for one exporter; 20,000 unless given. */
  queue?: number;
  /** Seconds between two exports of the figures; 60 unless given. */
  metrics_interval?: number;
}

/** Where one signal goes. */
export interface Target {
  url: string;
  headers: Readonly<Record<string, string>>;
  json: boolean;
  gzip: boolean;
  timeout: number;
}

/** Everything decided. */
export interface TelemetrySettings {
  traces: readonly Target[];
  metricsTo: readonly Target[];
  /** Attributes of the resource, `service.name` among them. */
  resource: Readonly<Record<string, string>>;
  /** Share of the traces without a parent. */
  sample: number;
  /** A parent's decision counts. */
  byParent: boolean;
  content: boolean;
  metrics: boolean;
  propagate: boolean;
  lines: boolean;
  delay: number;
  queue: number;
  /** Most spans of one batch. */
  batch: number;
  /** Milliseconds. */
  interval: number;
}

type Env = Readonly<Record<string, unknown>>;
type Report = (message: string) => void;

const signals = ["TRACES", "METRICS"] as const;
type Signal = typeof signals[number];

/** Nothing where neither asks for anything. */
export function telemetrySettings(
  config: TelemetryConfig | undefined,
  env: Env,
  report: Report,
): TelemetrySettings | undefined {
  const read = (name: string): string => {
    const value = env[name];
    return typeof value === "string" ? value.trim() : "";
  };
  const lines = config?.lines ?? read("SLUICE_LOG").toLowerCase() === "json";
  const off = read("OTEL_SDK_DISABLED").toLowerCase() === "true";
  const given = off ? { TRACES: undefined, METRICS: undefined } : {
    TRACES: fromEnv("TRACES", read, report),
    METRICS: fromEnv("METRICS", read, report),
  };
  const wanted = config !== undefined || given.TRACES !== undefined || given.METRICS !== undefined;
  if (!wanted && !lines) return undefined;
  const exporters = config?.exporters;
  const to = (signal: Signal): readonly Target[] => {
    if (exporters === undefined) return given[signal] === undefined ? [] : [given[signal]];
    return exporters.flatMap((exporter) => targetOf(exporter, signal, read, report) ?? []);
  };
  const sampler = samplerOf(read, report);
  const number = (name: string, otherwise: number): number => {
    const text = read(name);
    if (text === "") return otherwise;
    const value = Number(text);
    if (Number.isFinite(value) && value > 0) return value;
    report(`${name} has no effect: it is no positive number`);
    return otherwise;
  };
  const metrics = config?.metrics ?? wanted;
  return {
    traces: to("TRACES"),
    metricsTo: metrics ? to("METRICS") : [],
    resource: {
      ...resourceOf(read("OTEL_RESOURCE_ATTRIBUTES")),
      ...config?.resource,
      "service.name": config?.service_name ?? config?.resource?.["service.name"] ??
        (read("OTEL_SERVICE_NAME") ||
          (resourceOf(read("OTEL_RESOURCE_ATTRIBUTES"))["service.name"] ?? "ai-gateway")),
    },
    sample: config?.sample ?? sampler.share,
    byParent: config?.sample !== undefined || sampler.byParent,
    content: config?.content ??
      /^(?:true|span_only|span_and_event)$/i.test(
        read("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"),
      ),
    metrics,
    propagate: config?.propagate ?? read("OTEL_PROPAGATORS").toLowerCase() !== "none",
    lines,
    delay: config?.delay ?? number("OTEL_BSP_SCHEDULE_DELAY", 1000),
    queue: config?.queue ?? number("OTEL_BSP_MAX_QUEUE_SIZE", 20_000),
    batch: Math.min(number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1024), 4096),
    interval: config?.metrics_interval !== undefined
      ? config.metrics_interval * 1000
      : number("OTEL_METRIC_EXPORT_INTERVAL", 60_000),
  };
}

/** Where a gateway's own exporter goes. */
export function targetOfGateway(exporter: OtelExporter): Target {
  const { url, headers, authorization, content_type } = exporter;
  return {
    url,
    headers: { ...lowered(headers ?? {}), ...authorization ? { authorization } : {} },
    json: content_type !== "protobuf",
    gzip: false,
    timeout: 10_000,
  };
}

function targetOf(
  exporter: TelemetryExporter,
  signal: Signal,
  read: (name: string) => string,
  report: Report,
): Target | undefined {
  const url = signalURL(exporter.url, signal);
  if (url === undefined) return undefined;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(exporter.headers ?? {})) {
    const text = typeof value === "string" ? value : read(value.env);
    if (text !== "") headers[name.toLowerCase()] = text;
    else if (signal === "TRACES") {
      report(`A header of telemetry.exporters has no effect: its environment variable is not set`);
    }
  }
  return {
    url,
    headers,
    json: exporter.content_type === "json",
    gzip: exporter.compression === "gzip",
    timeout: exporter.timeout ?? 10_000,
  };
}

/** The URL of a signal at an exporter, or nothing where that does not take it. */
function signalURL(text: string, signal: Signal): string | undefined {
  const url = new URL(text);
  const own = /\/v1\/(traces|metrics|logs)\/?$/.exec(url.pathname)?.[1];
  if (own !== undefined) return own.toUpperCase() === signal ? text : undefined;
  url.pathname = url.pathname.replace(/\/*$/, `/v1/${signal.toLowerCase()}`);
  return url.href;
}

function fromEnv(signal: Signal, read: (name: string) => string, report: Report) {
  const name = (part: string) => `OTEL_EXPORTER_OTLP_${signal}_${part}`;
  const either = (part: string) => read(name(part)) || read(`OTEL_EXPORTER_OTLP_${part}`);
  const exporter = read(`OTEL_${signal}_EXPORTER`).toLowerCase();
  if (exporter !== "" && !exporter.split(",").map((part) => part.trim()).includes("otlp")) {
    return undefined;
  }
  const own = read(name("ENDPOINT"));
  const base = read("OTEL_EXPORTER_OTLP_ENDPOINT");
  const url = own || base;
  if (url === "") return undefined;
  const protocol = either("PROTOCOL").toLowerCase();
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    report(
      `${
        own ? name("ENDPOINT") : "OTEL_EXPORTER_OTLP_ENDPOINT"
      } has no effect: it is no http(s) URL`,
    );
    return undefined;
  }
  if (protocol === "grpc") {
    report(`OpenTelemetry over gRPC is not served: '${signal.toLowerCase()}' go by http/protobuf`);
  }
  const target: Target = {
    // The signal's own endpoint is used as it is.
    url: own || signalURL(base.replace(/\/v1\/(?:traces|metrics|logs)\/?$/, ""), signal)!,
    headers: headersOf(either("HEADERS")),
    json: protocol === "http/json",
    gzip: either("COMPRESSION").toLowerCase() === "gzip",
    timeout: Number(either("TIMEOUT")) || 10_000,
  };
  return target;
}

function samplerOf(
  read: (name: string) => string,
  report: Report,
): { share: number; byParent: boolean } {
  const name = read("OTEL_TRACES_SAMPLER").toLowerCase();
  const share = Number(read("OTEL_TRACES_SAMPLER_ARG") || "1");
  const ratio = share >= 0 && share <= 1 ? share : 1;
  switch (name) {
    case "":
    case "parentbased_always_on":
      return { share: 1, byParent: true };
    case "always_on":
      return { share: 1, byParent: false };
    case "always_off":
      return { share: 0, byParent: false };
    case "traceidratio":
      return { share: ratio, byParent: false };
    case "parentbased_traceidratio":
      return { share: ratio, byParent: true };
    case "parentbased_always_off":
      return { share: 0, byParent: true };
    default:
      report("OTEL_TRACES_SAMPLER has no effect: it names no sampler that there is here");
      return { share: 1, byParent: true };
  }
}

/** `a=1,b=2`, percent-encoded, as in the environment names of OpenTelemetry. */
function pairsOf(text: string): [string, string][] {
  return text.split(",").flatMap((pair): [string, string][] => {
    const at = pair.indexOf("=");
    if (at < 1) return [];
    try {
      return [[pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())]];
    } catch {
      return [[pair.slice(0, at).trim(), pair.slice(at + 1).trim()]];
    }
  });
}

function headersOf(text: string): Record<string, string> {
  return lowered(
    Object.fromEntries(
      pairsOf(text).filter(([name, value]) =>
        /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
      ),
    ),
  );
}

function resourceOf(text: string): Record<string, string> {
  return Object.fromEntries(pairsOf(text));
}

function lowered(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}
