/** As the API has them. */

export interface Provider {
  slug: string;
  aliases?: string[];
  base_url: string;
  format: string;
  source: "builtin" | "config" | "stored";
  /** Aliases of the keys that the configuration has. */
  configured_keys?: string[];
}

export interface Custom {
  id: string;
  name: string;
  slug: string;
  requested_as: string;
  base_url: string;
  enable: boolean;
  /** JSON. */
  headers: string | null;
  format: string | null;
  key_header: string | null;
  key_scheme: string | null;
  description: string | null;
}

export interface Cost {
  id: string;
  model: string;
  model_rule: "equals" | "starts-with" | "contains";
  /** Dollars for a token. */
  cost_in: number | null;
  cost_out: number | null;
  /** JSON, by kind of token. */
  token_pricing: string | null;
  enable: boolean;
}

export const formats = [
  ...["openai-chat", "openai-responses", "anthropic-messages", "gemini"] as const,
  ...["bedrock-converse", "cohere-v2", "none"] as const,
];
