/**
 * What alerts are raised for and who is told, as the configuration says it.
 *
 * @module
 */
import type { SecretConfig } from "../export/config.ts";

/** Names of alerts. */
export type AlertName = "error_rate" | "key_expiry" | "provider_down" | "spend";

/** One of `alerts.webhooks`. */
export interface WebhookConfig {
  /** Takes a POST of JSON. */
  url: string;
  /** `whsec_` and 24 to 64 bytes as base64, as Standard Webhooks has it. */
  secret: SecretConfig;
  /** Alerts (`error_rate`) or events (`error_rate.raised`) that it is told of; all unless given. */
  events?: string[];
}

/** `alerts`; each alert is off unless it is there. */
export interface AlertsConfig {
  /** Who is told. */
  /** Who is told. */
  webhooks?: WebhookConfig[];
  /** Of each gateway: failed attempts by all attempts. */
  error_rate?: {
    /** Share, over 0 up to 1. */
    threshold: number;
    /** Seconds; 300 unless given. */
    window?: number;
    /** Attempts in the window below which nothing is raised; 20 unless given. */
    min_requests?: number;
  };
  /** Of each virtual key that is on. */
  key_expiry?: {
    /** Days before its end. */
    days: number;
  };
  /** Of each provider: fails, and answers nothing meanwhile. */
  provider_down?: {
    /** Failed attempts in the window without one that went well; 5 unless given. */
    failures?: number;
    /** Seconds; 60 unless given. */
    window?: number;
  };
  /** Of each gateway. */
  spend?: {
    /** US dollars in the window. */
    usd: number;
    /** Seconds; a day unless given. */
    window?: number;
  };
}
