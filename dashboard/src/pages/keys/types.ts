/** Keys, as the API answers them. */

export interface KeyLimit {
  limit: number;
  /** Seconds. */
  window: number;
  unit: "requests" | "tokens";
  technique?: "fixed" | "sliding";
}

export interface VirtualKey {
  id: string;
  name: string;
  preview: string;
  enabled: boolean;
  expires_at: string | null;
  created_at: string;
  last_used_at?: string | null;
  gateways?: string[];
  providers?: string[];
  models?: string[];
  metadata?: Record<string, string | number | boolean>;
  limits?: KeyLimit[];
  /** In the answer that it is made with, alone. */
  key?: string;
}

export interface ProviderKey {
  id: string;
  provider_slug: string;
  alias: string;
  default_config: boolean;
  secret_preview: string;
  rate_limit?: number;
  rate_limit_period?: number;
  modified_at: string;
}

export interface ProviderChoice {
  slug: string;
  /** Aliases of the keys that the configuration has. */
  configured_keys?: string[];
}
