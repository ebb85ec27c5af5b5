/**
 * The configuration: one schema and one meaning, whether it comes from JSON, from a TypeScript file
 * or from `createGateway`.
 *
 * @module
 */
import type { AlertsConfig } from "../alerts/config.ts";
import type { CorsSettings } from "../cors.ts";
import type { ExportConfig } from "../export/config.ts";
import { nearest } from "../nearest.ts";
import type { PriceOverride } from "../usage/cost.ts";
import type { FormatName, ProviderSettings } from "../provider.ts";
import { check, keysAt } from "./schema.ts";
import type { KVDriver } from "../storage/kv.ts";
import type { Counters, KV, Logs } from "../storage/ports.ts";
import type { TelemetryConfig } from "../telemetry/settings.ts";

/** `gateways.<id>`; names and defaults are Cloudflare's where it has the setting. */
export interface GatewayConfig {
  /** A gateway token is required. */
  authentication?: boolean;
  /** Lends stored provider keys to callers that nobody has authenticated. */
  open?: boolean;
  /** `strict` refuses what the unified API could only send on without some of its parameters. */
  compat?: "lossy" | "strict";
  /** `strict` answers with Cloudflare's own statuses: an upstream failure is 400 there, not 502. */
  errors?: "true" | "strict";
  /** Seconds; 0 is off. */
  cache_ttl?: number;
  /** Seconds for which an answer that has expired is given while a new one is fetched. */
  cache_stale_while_revalidate?: number;
  /** Seconds for which an answer that has expired is given when there is no new one. */
  cache_stale_if_error?: number;
  /** How a stored stream is sent: at once, as it came, or as it came with no pause over a second. */
  cache_replay?: "instant" | "original" | "cap-1s";
  /** Requests need a key that the caller brings or that is stored; without one they are a 400. */
  byok_only?: boolean;
  /** Cloudflare Access in front: its JWTs stand in for a gateway token. */
  access?: AccessConfig | null;
  /** Log rows are written. */
  collect_logs?: boolean;
  /** Log rows keep the bodies of request and answer; without it, only what is known about them. */
  collect_log_payload?: boolean;
  /** Most bytes of each body that a row keeps; 1 MiB unless given. */
  log_payload_bytes?: number;
  /** Regular expressions; what they match in a body is masked before it is stored. */
  log_redact?: string[];
  /** Most rows; 10,000,000 unless given. */
  log_management?: number;
  /** What happens at that number of rows. */
  log_management_strategy?: "DELETE_OLDEST" | "STOP_INSERTING";
  /** Days that a row is kept; 0 is for ever. */
  log_retention_days?: number;
  /**
   * Most bytes of stored bodies; the oldest rows go with theirs, or, where rows are not to go
   * (`STOP_INSERTING`), new ones come without. 0 is any, and the default.
   */
  log_retention_bytes?: number;
  /** Requests per interval; 0 is off. */
  rate_limiting_limit?: number;
  /** Seconds. */
  rate_limiting_interval?: number;
  /** How the interval moves. */
  rate_limiting_technique?: "fixed" | "sliding";
  /** What becomes of requests while the store of counts is away; `open` lets them through. */
  rate_limiting_failure?: "open" | "closed";
  /** Limits beside the one above; all of them hold. */
  rate_limits?: RateLimitRule[];
  /** 1 to 5. */
  retry_max_attempts?: number;
  /** Milliseconds. */
  retry_delay?: number;
  /** How the delay grows. */
  retry_backoff?: "constant" | "linear" | "exponential";
  /**
   * Models (`provider/model`, aliases of `models`) that are asked one after the other when a chat of the
   * unified API fails, 10 at most. Those that the caller's key is not for are left out.
   */
  fallback?: string[];
  /** Milliseconds to the first byte of an answer; 0 is off. */
  timeout_first_byte?: number;
  /** Milliseconds between two chunks of an answer; 0 is off. */
  timeout_idle?: number;
  /** Milliseconds to the end of an answer; 0 is off. */
  timeout_total?: number;
  /** Virtual keys, by hash. */
  tokens?: TokenConfig[];
  /** Dynamic routes, by name. */
  routes?: Record<string, unknown>;
  /** Stored answers are forgotten when a setting of the cache changes. */
  cache_invalidate_on_update?: boolean;
  /** Rows are exported, where an export is configured. */
  logpush?: boolean;
  /** PEM of an RSA key; what is exported is encrypted with it. */
  logpush_public_key?: string | null;
  /** Where traces of this gateway go. */
  otel?: OtelConfig[];
}

/** One of `gateways.<id>.otel` (spec 14.1, 8.8). */
export interface OtelConfig {
  /** Of an OTLP/HTTP receiver. */
  url: string;
  /** Sent with each export; values may be credentials. */
  headers: Record<string, string>;
  /** Value of the header `authorization`. */
  authorization?: string;
  /** `json` unless given. */
  content_type?: "json" | "protobuf";
}

/** What a limit tells apart. */
export type RateLimitDimension = "key" | "provider" | "model" | "ip" | `metadata.${string}`;

/** One of `gateways.<id>.rate_limits`. */
export interface RateLimitRule {
  /** For messages; a rule with a name goes on counting when its figures are changed. */
  name?: string;
  /** Each combination of values is counted on its own; requests without a value are counted together. */
  by?: RateLimitDimension[];
  /** Globs over provider slugs; all unless given. */
  providers?: string[];
  /** Globs over `model` and `provider/model`; all requests unless given, also those that name no model. */
  models?: string[];
  /** `concurrent` limits how many are answered at a time. */
  unit: "requests" | "tokens" | "concurrent";
  /** Most of that unit, in a window or at a time. */
  limit: number;
  /** Seconds; not for `concurrent`. */
  window?: number;
  /** `sliding` unless given; not for `concurrent`. */
  technique?: "fixed" | "sliding";
}

/** What a virtual key may do, and what becomes of its requests. */
export interface KeyRules {
  /** On unless false. */
  enabled?: boolean;
  /** RFC 3339; never unless given. */
  expires_at?: string | null;
  /** Globs over gateway ids; the one that it is made for unless given. */
  gateways?: string[];
  /** Globs over provider slugs; all unless given. */
  providers?: string[];
  /** Globs over `model` and `provider/model`; all unless given. */
  models?: string[];
  /** Stamped on each log row, over what the caller sends. */
  metadata?: Record<string, string | number | boolean>;
  /** Its own limits; all of them hold. */
  limits?: KeyLimit[];
}

/** One limit of a virtual key. */
export interface KeyLimit {
  /** Most requests or tokens in a window. */
  limit: number;
  /** Seconds. */
  window: number;
  /** What is counted: requests as they come, tokens as they were used. */
  unit: "requests" | "tokens";
  /** `sliding` unless given. */
  technique?: "fixed" | "sliding";
}

/** `gateways.<id>.tokens`: a virtual key of which only the hash is known. */
export interface TokenConfig extends KeyRules {
  /** For people and log rows. */
  name: string;
  /** `sha256:` and the hex SHA-256 of the key. */
  hash: string;
}

/** `gateways.<id>.access`: whose JWTs are accepted. */
export interface AccessConfig {
  /** `https://<team>.cloudflareaccess.com`, which is also the issuer. */
  team_domain: string;
  /** Application audience tag; several when more than one application is in front. */
  audience: string | string[];
  /** Where the keys are, when not at `<team_domain>/cdn-cgi/access/certs`. */
  jwks_url?: string;
}

/** `providers.<slug>`: an override of a built-in provider, or a custom one (`custom-<name>`). */
export interface ProviderConfig extends ProviderSettings {
  /** Wire format of a custom provider; `openai-chat` unless given. */
  format?: FormatName;
  /** Header in which a custom provider takes its key; `authorization` unless given. */
  key_header?: string;
  /** Word before the key; `Bearer` in `authorization`, none elsewhere, unless given. */
  key_scheme?: string;
}

/** Where a provider key is. */
export type KeyConfig =
  & {
    /** Share of the requests, where an alias has several keys; 1 unless given. */
    weight?: number;
  }
  & (
    | {
      /** Name of an environment variable, or several that make one object. */
      env: string | string[];
    }
    | {
      /** The key; an object for credentials of several parts (Bedrock, Vertex AI). */
      value: string | Record<string, unknown>;
    }
  );

/**
 * `storage.<use>`: a driver's name with its own options, or, where the configuration is code, a driver of
 * unstorage or a store of one's own.
 */
export type StorageConfig =
  | ({ driver: string } & Record<string, unknown>)
  | KVDriver
  | KV
  | Counters
  | Logs;

/** `limits`: what a request may cost, in bytes. */
export interface LimitsConfig {
  /** Request body; 512 MiB unless given. */
  body_bytes?: number;
  /** Names and values of all request headers; 32 KiB unless given. */
  header_bytes?: number;
  /** The request URL; 16 KiB unless given. */
  url_bytes?: number;
}

/** The whole configuration. */
export interface Config {
  /** Account id that URLs must name; any is accepted when absent. */
  account?: string;
  /** `open` of every gateway that does not say otherwise. */
  open?: boolean;
  /** By id; `default` is always there. */
  gateways?: Record<string, GatewayConfig>;
  /** By slug or alias. */
  providers?: Record<string, ProviderConfig>;
  /** By provider and alias; several keys of one alias share its requests by weight. */
  keys?: Record<string, Record<string, KeyConfig | KeyConfig[]>>;
  /** Stores by use (`keys`, `cache`, `counters`, `logs`); the entries of the runtimes open them. */
  storage?: Record<string, StorageConfig>;
  /** Traces, figures and lines of requests. */
  telemetry?: TelemetryConfig;
  /** Other names of models, for the unified API: `{ "fast": "groq/llama-3.3-70b-versatile" }`. */
  models?: Record<string, string>;
  /** Prices by `provider/model` or `provider/prefix*`; they win over the built-in table. */
  prices?: Record<string, PriceOverride>;
  /** Which pages may call the gateway; any, unless given. */
  cors?: CorsSettings;
  /**
   * Names, with a port or without, under which a gateway that listens on its own machine alone is asked, beside
   * `localhost`. Under others an `open` gateway lends nothing, and model servers on the machine are closed:
   * a page could have made its own name point here.
   */
  hosts?: string[];
  /** What a request may cost. */
  limits?: LimitsConfig;
  /**
   * What was changed over the management API counts. False: nothing is read and nothing can be changed.
   * True: no request is served before it was read. Unless given, as true where the management API is on;
   * elsewhere requests are served by the configuration while the store is away.
   */
  stored_settings?: boolean;
  /**
   * Custom providers that are made over the management API may be on inner addresses and over http; false
   * unless given.
   */
  allow_private_providers?: boolean;
  /** Where rows of the log go besides. */
  exports?: ExportConfig[];
  /** Who is told when something is not as it should be. */
  alerts?: AlertsConfig;
}

/** A gateway's settings with every default filled in. */
export interface GatewaySettings extends Readonly<Required<Omit<GatewayConfig, "routes">>> {
  /** As in the URL. */
  readonly id: string;
}

/** A gateway's settings with the defaults filled in, `open` aside: its default is the configuration's. */
type ParsedGateway =
  & Required<Omit<GatewayConfig, "open" | "routes">>
  & Pick<GatewayConfig, "open" | "routes">;

/** The configuration with every default filled in. */
export interface ParsedConfig {
  account?: string;
  open: boolean;
  gateways: Record<string, ParsedGateway>;
  providers: Record<string, ProviderConfig>;
  keys: Record<string, Record<string, KeyConfig | KeyConfig[]>>;
  storage: Record<string, StorageConfig>;
  telemetry?: TelemetryConfig;
  models: Record<string, string>;
  prices: Record<string, PriceOverride>;
  cors?: CorsSettings;
  hosts: string[];
  limits: Required<LimitsConfig>;
  stored_settings?: boolean;
  allow_private_providers: boolean;
  exports: ExportConfig[];
  alerts?: AlertsConfig;
}

/** One thing that is wrong in a configuration. */
export interface ConfigProblem {
  /** Where, such as `gateways.default.cache_ttl`. */
  path: string;
  /** What stands there; values that may be secret are not shown. */
  found: string;
  /** What may stand there. */
  expected: string;
}

/** A configuration that cannot be used; the message lists every problem. */
export class ConfigError extends Error {
  /** For `error.name` checks across copies of the package. */
  override readonly name: string = "ConfigError";
  /** Everything that is wrong, in the order of the text. */
  readonly problems: readonly ConfigProblem[];
  /** The message lists every problem. */
  constructor(problems: readonly ConfigProblem[]) {
    super(
      "The configuration cannot be used:\n" +
        problems.map((p) => `  ${p.path}: found ${p.found}, expected ${p.expected}`).join("\n"),
    );
    this.problems = problems;
  }
}

/** Keys below which nothing that was found is shown: URLs hold passwords, too. */
const mayHoldSecrets = new Set([
  ...["keys", "headers", "tokens", "storage", "otel", "telemetry", "exports", "alerts"],
  ...["base_url", "token_url", "team_domain", "jwks_url"],
]);

/** Checks a configuration and fills in the defaults; throws a {@link ConfigError}. */
export function parseConfig(input: unknown): ParsedConfig {
  const checked = check(input);
  if ("value" in checked) return checked.value;
  throw new ConfigError(checked.issues.map(({ path: keys, unknownKey, received, expected }) => {
    const path = keys.join(".") || "(the whole configuration)";
    if (unknownKey) {
      const unknown = keys.at(-1) ?? "";
      const known = keysAt(keys.slice(0, -1));
      const near = nearest(unknown, known);
      return {
        path,
        found: "an unknown key",
        expected: (near === undefined ? "" : `'${near}', the nearest of `) + known.join(", "),
      };
    }
    const secret = keys.some((key) => mayHoldSecrets.has(key));
    return { path, found: secret ? "something else" : received, expected };
  }));
}
