/**
 * What is stored of the settings, as it is stored: names are Cloudflare's (spec 14.1, 14.5).
 *
 * @module
 */
import type { FormatName } from "../provider.ts";
import type { Json } from "../storage/ports.ts";

/** Key of the text that changes whenever something else does. */
export const revisionKey = "settings:revision";

/** When something was made and changed; RFC 3339. */
interface Dated {
  created_at: string;
  modified_at: string;
}

/** A gateway that was made or changed over the API. */
export interface GatewayRecord extends Dated {
  /** As in the URL. */
  id: string;
  /** What was said, over the configuration; null is the default of the setting. */
  settings: { [name: string]: Json };
}

/** A custom provider. */
export interface ProviderRecord extends Dated {
  /** UUID. */
  id: string;
  /** Without the `custom-` in front that requests name it by. */
  slug: string;
  name: string;
  base_url: string;
  /** Requests may name it. */
  enable: boolean;
  beta: boolean;
  description: string | null;
  link: string | null;
  curl_example: string | null;
  js_example: string | null;
  position: number | null;
  /** JSON object of headers, as text; values may be credentials. */
  headers: string | null;
  /** Ours: the wire format; `openai-chat` unless given. */
  format: FormatName | null;
  /** Ours: header in which it takes its key; `authorization` unless given. */
  key_header: string | null;
  /** Ours: word before the key. */
  key_scheme: string | null;
}

/** How a price finds its model. */
export type ModelRule = "equals" | "starts-with" | "contains";

/** A price of a custom provider's model, as Cloudflare has them: US dollars for ONE token. */
export interface CostRecord extends Dated {
  kind: "cost";
  /** UUID. */
  id: string;
  /** Id of the custom provider. */
  account_provider_id: string;
  model: string;
  model_rule: ModelRule;
  cost_type: string;
  cost_in: number | null;
  cost_out: number | null;
  enable: boolean;
  token_pricing: { [name: string]: number } | null;
}

/** A price of any provider's model, ours, as in the configuration: US dollars for a MILLION tokens. */
export interface PriceRecord extends Dated {
  kind: "price";
  /** UUID. */
  id: string;
  /** Slug. */
  provider: string;
  model: string;
  model_rule: ModelRule;
  input: number | null;
  output: number | null;
  cache_read: number | null;
  cache_write: number | null;
  per_request: number | null;
  enable: boolean;
}

/** Everything that is stored. */
export interface Records {
  gateways: ReadonlyMap<string, GatewayRecord>;
  /** By id. */
  providers: ReadonlyMap<string, ProviderRecord>;
  /** By id. */
  prices: ReadonlyMap<string, CostRecord | PriceRecord>;
}

/** Nothing is stored. */
export const noRecords: Records = {
  gateways: new Map(),
  providers: new Map(),
  prices: new Map(),
};
