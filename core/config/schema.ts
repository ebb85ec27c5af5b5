/**
 * The schema of the configuration. The only file of the core that knows valibot, but for the bodies of the
 * management API.
 *
 * @module
 */
import * as v from "valibot";
import type { StorageConfig } from "./config.ts";
import type { RateLimitDimension } from "./config.ts";
import { alertsSchema, exportsSchema } from "./schema-duties.ts";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const name = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9_-]{0,63}$/i, "a name of letters, digits, '-' and '_'"),
);
export const headerName = v.pipe(
  v.string(),
  v.regex(/^[\w!#$%&'*+.^`|~-]+$/, "a header name"),
  v.toLowerCase(),
);
export const headerValue = v.pipe(
  v.string(),
  v.regex(/^[\t\x20-\x7e\x80-\xff]*$/, "a header value"),
);
const url = v.pipe(
  v.string(),
  v.check(isBaseURL, "an absolute http(s) URL without user, query or fragment"),
  v.transform((text) => text.replace(/\/+$/, "")),
);

const glob = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(256),
);
const globList = v.pipe(v.array(glob), v.maxLength(1000, "a list of 1,000 at most"));
/** Stamped on each row of the log. */
const stamp = v.pipe(
  v.record(
    v.pipe(v.string(), v.maxLength(256, "text of 256 characters at most")),
    v.union([
      v.pipe(v.string(), v.maxLength(4096, "text of 4,096 characters at most")),
      v.number(),
      v.boolean(),
    ]),
  ),
  v.check((entries) => Object.keys(entries).length <= 64, "an object of 64 entries at most"),
);
/** As long as a timer can be. */
const milliseconds = v.pipe(count, v.maxValue(2 ** 31 - 1));
const positive = v.pipe(v.number(), v.finite(), v.gtValue(0));
const price = v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)));

/** What a virtual key may say of itself, in the configuration as in the management API. */
export const keyRules = {
  enabled: v.optional(v.boolean()),
  expires_at: v.nullish(v.pipe(
    v.string(),
    v.check((text) => !Number.isNaN(Date.parse(text)), "a date and time as in RFC 3339"),
  )),
  gateways: v.optional(globList),
  providers: v.optional(globList),
  models: v.optional(globList),
  metadata: v.optional(stamp),
  // Each is a call to the store of counts, with each request.
  limits: v.optional(v.pipe(
    v.array(v.strictObject({
      limit: positive,
      window: positive,
      unit: v.picklist(["requests", "tokens"]),
      technique: v.optional(v.picklist(["fixed", "sliding"])),
    })),
    v.maxLength(32, "a list of 32 at most"),
  )),
};

const rateLimit = v.pipe(
  v.strictObject({
    name: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(64))),
    by: v.optional(v.array(v.custom<RateLimitDimension>(
      isDimension,
      "'key', 'provider', 'model', 'ip' or 'metadata.<name>'",
    ))),
    providers: v.optional(v.array(glob)),
    models: v.optional(v.array(glob)),
    unit: v.picklist(["requests", "tokens", "concurrent"]),
    limit: positive,
    window: v.optional(positive),
    technique: v.optional(v.picklist(["fixed", "sliding"])),
  }),
  v.check(
    ({ unit, window, technique }) =>
      unit === "concurrent"
        ? window === undefined && technique === undefined
        : window !== undefined,
    "a 'window' in seconds, or neither 'window' nor 'technique' where 'unit' is 'concurrent'",
  ),
);
const rateLimits = v.pipe(
  v.array(rateLimit),
  v.check((rules) => {
    const names = rules.flatMap(({ name }) => name ?? []);
    return new Set(names).size === names.length;
  }, "rules whose names differ"),
);

const keySource = v.union([
  v.strictObject({
    env: v.union([v.string(), v.array(v.string())]),
    weight: v.optional(positive),
  }),
  v.strictObject({
    value: v.union([v.string(), v.record(v.string(), v.unknown())]),
    weight: v.optional(positive),
  }),
], "an object with either 'env' or 'value'");

/** One of `otel`; the bounds are Cloudflare's. */
const otel = v.strictObject({
  url: v.pipe(v.string(), v.maxLength(2048), v.check(isHTTP, "an absolute http(s) URL")),
  headers: v.optional(v.record(headerName, v.pipe(headerValue, v.maxLength(4096))), {}),
  authorization: v.optional(v.pipe(headerValue, v.maxLength(256))),
  content_type: v.optional(v.picklist(["json", "protobuf"])),
});

const telemetry = v.strictObject({
  exporters: v.optional(v.array(v.strictObject({
    url: v.pipe(v.string(), v.maxLength(2048), v.check(isHTTP, "an absolute http(s) URL")),
    headers: v.optional(
      v.record(headerName, v.union([headerValue, v.strictObject({ env: v.string() })])),
    ),
    content_type: v.optional(v.picklist(["json", "protobuf"])),
    compression: v.optional(v.picklist(["gzip", "none"])),
    timeout: v.optional(v.pipe(milliseconds, v.minValue(1))),
  }))),
  service_name: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(256))),
  resource: v.optional(v.record(v.pipe(v.string(), v.minLength(1)), v.string())),
  sample: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
  content: v.optional(v.boolean()),
  metrics: v.optional(v.boolean()),
  propagate: v.optional(v.boolean()),
  lines: v.optional(v.boolean()),
  delay: v.optional(milliseconds),
  queue: v.optional(v.pipe(count, v.minValue(1))),
  metrics_interval: v.optional(v.pipe(positive, v.maxValue(86_400))),
});

/** Settings of a gateway, in the configuration as in the management API. */
export const gatewaySettings = {
  authentication: v.optional(v.boolean(), false),
  open: v.optional(v.boolean()),
  errors: v.optional(v.picklist(["true", "strict"]), "true"),
  compat: v.optional(v.picklist(["lossy", "strict"]), "lossy"),
  cache_ttl: v.optional(count, 0),
  cache_stale_while_revalidate: v.optional(count, 0),
  cache_stale_if_error: v.optional(count, 0),
  cache_replay: v.optional(v.picklist(["instant", "original", "cap-1s"]), "instant"),
  byok_only: v.optional(v.boolean(), false),
  access: v.nullish(
    v.strictObject({
      team_domain: url,
      audience: v.union([v.string(), v.array(v.string())]),
      jwks_url: v.optional(v.pipe(v.string(), v.url())),
    }),
    null,
  ),
  collect_logs: v.optional(v.boolean(), true),
  collect_log_payload: v.optional(v.boolean(), true),
  log_payload_bytes: v.optional(v.pipe(count, v.maxValue(10 * 1024 * 1024)), 1024 * 1024),
  log_redact: v.optional(
    v.array(v.pipe(v.string(), v.check(isPattern, "a regular expression as with the flag 'u'"))),
    [],
  ),
  log_management: v.optional(v.pipe(count, v.minValue(1)), 10_000_000),
  log_management_strategy: v.optional(
    v.picklist(["DELETE_OLDEST", "STOP_INSERTING"]),
    "DELETE_OLDEST",
  ),
  log_retention_days: v.optional(v.pipe(v.number(), v.minValue(0)), 0),
  log_retention_bytes: v.optional(count, 0),
  rate_limiting_limit: v.optional(count, 0),
  rate_limiting_interval: v.optional(count, 60),
  rate_limiting_technique: v.optional(v.picklist(["fixed", "sliding"]), "sliding"),
  rate_limiting_failure: v.optional(v.picklist(["open", "closed"]), "open"),
  rate_limits: v.optional(rateLimits, []),
  retry_max_attempts: v.optional(v.pipe(count, v.minValue(1), v.maxValue(5)), 1),
  retry_delay: v.optional(v.pipe(count, v.maxValue(60_000)), 500),
  retry_backoff: v.optional(v.picklist(["constant", "linear", "exponential"]), "exponential"),
  fallback: v.optional(
    v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(256))), v.maxLength(10)),
    [],
  ),
  timeout_first_byte: v.optional(milliseconds, 0),
  timeout_idle: v.optional(milliseconds, 0),
  timeout_total: v.optional(milliseconds, 0),
  tokens: v.optional(
    v.array(v.strictObject({
      name: v.pipe(v.string(), v.maxLength(256)), // a part of the keys of counters
      hash: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, "'sha256:' and 64 hex digits")),
      ...keyRules,
    })),
    [],
  ),
  routes: v.optional(v.record(name, v.unknown())),
  cache_invalidate_on_update: v.optional(v.boolean(), false),
  logpush: v.optional(v.boolean(), false),
  logpush_public_key: v.nullish(
    v.pipe(v.string(), v.minLength(16), v.maxLength(1024)),
    null,
  ),
  otel: v.optional(v.pipe(v.array(otel), v.maxLength(5)), []),
};
const gateway = v.strictObject(gatewaySettings);

const hostName = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/** The whole configuration. */
export const schema = v.strictObject({
  account: v.optional(name),
  open: v.optional(v.boolean(), false),
  gateways: v.optional(v.record(name, gateway), {}),
  providers: v.optional(
    v.record(
      name,
      v.strictObject({
        base_url: v.optional(url),
        headers: v.optional(v.record(headerName, headerValue)),
        format: v.optional(v.picklist([
          "openai-chat",
          "openai-responses",
          "anthropic-messages",
          "gemini",
          "bedrock-converse",
          "cohere-v2",
          "none",
        ])),
        key_header: v.optional(headerName),
        key_scheme: v.optional(headerValue),
        account_id: v.optional(name),
        region: v.optional(name),
        project: v.optional(name),
        token_url: v.optional(url),
      }),
    ),
    {},
  ),
  keys: v.optional(
    v.record(
      name,
      v.record(
        name,
        v.union(
          [keySource, v.array(keySource)],
          "an object with either 'env' or 'value', or a list",
        ),
      ),
    ),
    {},
  ),
  storage: v.optional(
    v.record(
      name,
      v.custom<StorageConfig>(
        isStorage,
        "an object with 'driver', a driver of unstorage, or a store",
      ),
    ),
    {},
  ),
  telemetry: v.optional(telemetry),
  models: v.optional(v.record(v.pipe(v.string(), v.minLength(1)), v.string()), {}),
  prices: v.optional(
    v.record(
      v.pipe(v.string(), v.regex(/^[^/]+\/.+$/, "'provider/model'")),
      v.strictObject({
        input: price,
        output: price,
        cache_read: price,
        cache_write: price,
        per_request: price,
      }),
    ),
    {},
  ),
  hosts: v.optional(
    v.array(
      v.pipe(v.string(), v.toLowerCase(), v.regex(hostName, "a host name, with or without port")),
    ),
    [],
  ),
  cors: v.optional(v.strictObject({ origins: v.union([v.literal("*"), v.array(v.string())]) })),
  limits: v.optional(
    v.strictObject({
      body_bytes: v.optional(count, 512 * 1024 * 1024),
      header_bytes: v.optional(count, 32 * 1024),
      url_bytes: v.optional(count, 16 * 1024),
    }),
    {},
  ),
  stored_settings: v.optional(v.boolean()),
  allow_private_providers: v.optional(v.boolean(), false),
  exports: v.optional(exportsSchema, []),
  alerts: v.optional(alertsSchema),
});

/** One thing that does not fit. */
export interface SchemaIssue {
  /** From the outermost key. */
  path: string[];
  /** A key that the schema does not know. */
  unknownKey: boolean;
  received: string;
  expected: string;
}

/** Checks a configuration and fills in the defaults. */
export function check(
  input: unknown,
): { value: v.InferOutput<typeof schema> } | { issues: SchemaIssue[] } {
  const result = v.safeParse(schema, input);
  if (result.success) return { value: result.output };
  return {
    issues: result.issues.map((issue) => ({
      path: (issue.path ?? []).map((item) => String(item.key)),
      unknownKey: issue.type === "strict_object" && issue.expected === "never",
      received: issue.received,
      // A message of the schema's own says what is expected; valibot's begin with "Invalid".
      expected: issue.message.startsWith("Invalid")
        ? String(issue.expected ?? issue.requirement)
        : issue.message,
    })),
  };
}

interface Walkable {
  type: string;
  wrapped?: Walkable;
  value?: Walkable;
  item?: Walkable;
  entries?: Record<string, Walkable>;
}

/** The schema inside `optional`. */
function unwrap(at: Walkable | undefined): Walkable | undefined {
  return at?.wrapped ? unwrap(at.wrapped) : at;
}

/** The keys that the schema knows at a path. */
export function keysAt(path: readonly string[]): string[] {
  let at: Walkable | undefined = schema as unknown as Walkable;
  for (const key of path) {
    at = unwrap(at);
    at = at?.entries?.[key] ?? at?.value ?? at?.item;
  }
  return Object.keys(unwrap(at)?.entries ?? {});
}

function isDimension(text: unknown): boolean {
  return typeof text === "string" && /^(?:key|provider|model|ip|metadata\..{1,64})$/.test(text);
}

function isStorage(value: unknown): boolean {
  const { driver, getItem } = Object(value) as { driver?: unknown; getItem?: unknown };
  return typeof driver === "string" || typeof getItem === "function";
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, "gu"); // as it is used
    return true;
  } catch {
    return false;
  }
}

function isHTTP(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function isBaseURL(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === "" &&
    !/[?#\\\s]/.test(text);
}
