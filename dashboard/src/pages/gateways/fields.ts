/** The settings of a gateway as the page shows them: in sections, each with the input that it needs. */
import type { Name } from "./words.ts";

export interface RateRule {
  name?: string;
  by?: string[];
  providers?: string[];
  models?: string[];
  unit: "requests" | "tokens" | "concurrent";
  limit: number;
  window?: number;
  technique?: "fixed" | "sliding";
}

export interface Receiver {
  url: string;
  headers?: Record<string, string>;
  authorization?: string;
  content_type?: "json" | "protobuf";
}

export interface Access {
  team_domain: string;
  audience: string | string[];
  jwks_url?: string;
}

/** As the API answers it. */
export interface Gateway extends Record<string, unknown> {
  id: string;
  source: "config" | "stored" | "config+stored";
  /** Names of the settings that are stored. */
  overrides: string[];
  created_at: string;
  modified_at: string;
  authentication: boolean;
  cache_ttl: number;
  rate_limiting_limit: number;
  rate_limiting_interval: number;
  rate_limits: RateRule[];
  retry_max_attempts: number;
  collect_logs: boolean;
  collect_log_payload: boolean;
  log_retention_days: number;
  otel: Receiver[];
}

/** Settings that are on or off, one of a few words, a number, or something of their own. */
export type Setting =
  | { kind: "switch"; name: Name }
  | { kind: "choice"; name: Name; options: readonly string[] }
  | {
    kind: "number";
    name: Name;
    unit?: "s" | "ms" | "B" | "d";
    min?: number;
    max?: number;
    /** Parts of one are fine. */
    parts?: boolean;
  }
  | { kind: "lines" | "text" | "rules" | "receivers" | "access"; name: Name };

export interface Section {
  name: "cache" | "limits" | "retries" | "logs" | "access" | "translation" | "telemetry";
  settings: readonly Setting[];
}

export const sections: readonly Section[] = [
  {
    name: "cache",
    settings: [
      { kind: "number", name: "cache_ttl", unit: "s" },
      { kind: "number", name: "cache_stale_while_revalidate", unit: "s" },
      { kind: "number", name: "cache_stale_if_error", unit: "s" },
      { kind: "choice", name: "cache_replay", options: ["instant", "original", "cap-1s"] },
      { kind: "switch", name: "cache_invalidate_on_update" },
    ],
  },
  {
    name: "limits",
    settings: [
      { kind: "number", name: "rate_limiting_limit" },
      { kind: "number", name: "rate_limiting_interval", unit: "s" },
      { kind: "choice", name: "rate_limiting_technique", options: ["sliding", "fixed"] },
      { kind: "choice", name: "rate_limiting_failure", options: ["open", "closed"] },
      { kind: "rules", name: "rate_limits" },
    ],
  },
  {
    name: "retries",
    settings: [
      { kind: "number", name: "retry_max_attempts", min: 1, max: 5 },
      { kind: "number", name: "retry_delay", unit: "ms", max: 60_000 },
      { kind: "choice", name: "retry_backoff", options: ["exponential", "linear", "constant"] },
      { kind: "lines", name: "fallback" },
      { kind: "number", name: "timeout_first_byte", unit: "ms" },
      { kind: "number", name: "timeout_idle", unit: "ms" },
      { kind: "number", name: "timeout_total", unit: "ms" },
    ],
  },
  {
    name: "logs",
    settings: [
      { kind: "switch", name: "collect_logs" },
      { kind: "switch", name: "collect_log_payload" },
      { kind: "number", name: "log_retention_days", unit: "d", parts: true },
      { kind: "number", name: "log_management", min: 1 },
      { kind: "number", name: "log_retention_bytes", unit: "B" },
      {
        kind: "choice",
        name: "log_management_strategy",
        options: ["DELETE_OLDEST", "STOP_INSERTING"],
      },
      { kind: "number", name: "log_payload_bytes", unit: "B", max: 10 * 1024 * 1024 },
      { kind: "lines", name: "log_redact" },
      { kind: "switch", name: "logpush" },
      { kind: "text", name: "logpush_public_key" },
    ],
  },
  {
    name: "access",
    settings: [
      { kind: "switch", name: "authentication" },
      { kind: "switch", name: "open" },
      { kind: "switch", name: "byok_only" },
      { kind: "access", name: "access" },
    ],
  },
  {
    name: "translation",
    settings: [
      { kind: "choice", name: "compat", options: ["lossy", "strict"] },
      { kind: "choice", name: "errors", options: ["true", "strict"] },
    ],
  },
  { name: "telemetry", settings: [{ kind: "receivers", name: "otel" }] },
];

/** Settings of Cloudflare's that are kept and have no effect here. */
export const withoutEffect = [
  "dlp",
  "guardrails",
  "log_classification",
  "spend_limits",
  "store_id",
  "stripe",
  "zdr",
] as const;

/** The same as it is, whatever order its members are in. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) =>
    isSame((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name])
  );
}
