/**
 * What bodies and queries of the settings may hold (spec 14.1, 14.5).
 *
 * @module
 */
import * as v from "valibot";
import { gatewaySettings, headerName, headerValue } from "../config/schema.ts";
import type { FormatName } from "../provider.ts";
import type { Json } from "../storage/ports.ts";
import type { CostRecord, PriceRecord, ProviderRecord } from "../settings/records.ts";
import { check } from "./schema.ts";

/** Settings as they were said; null is the default. */
export type GatewayBody = { [name: string]: Json };

/** What was said of a custom provider, a cost, a price; null goes back to nothing. */
export type ProviderBody = Partial<Omit<ProviderRecord, "id" | "created_at" | "modified_at">>;
/** See {@link ProviderBody}. */
export type CostBody = Partial<Omit<CostRecord, "kind" | "id" | "created_at" | "modified_at">>;
/** See {@link ProviderBody}. */
export type PriceBody = Partial<Omit<PriceRecord, "kind" | "id" | "created_at" | "modified_at">>;

/** What answers have and bodies may bring back. */
const readOnly = {
  account_id: v.optional(v.unknown()),
  account_tag: v.optional(v.unknown()),
  created_at: v.optional(v.unknown()),
  modified_at: v.optional(v.unknown()),
};
const gatewayReadOnly = {
  ...readOnly,
  internal_id: v.optional(v.unknown()),
  is_default: v.optional(v.unknown()),
  source: v.optional(v.unknown()),
  overrides: v.optional(v.unknown()),
};

/** As the configuration has them; virtual keys and routes are objects of their own here. */
const { tokens: _tokens, routes: _routes, ...own } = gatewaySettings;

interface Wrapping {
  wrapped?: v.GenericSchema;
}

/** The same rules, but what is absent stays, and null is the default. */
const settable = Object.fromEntries(
  Object.entries(own).map(([name, rule]) => [
    name,
    v.nullish((rule as Wrapping).wrapped ?? rule as v.GenericSchema),
  ]),
);

const anything = v.custom<Json>(
  (value) => typeof value === "object" && !Array.isArray(value) && isShallow(value, 16),
  "an object of 16 levels at most",
);

/** Kept and given back; none of them has an effect here. */
const kept = {
  dlp: v.nullish(anything),
  guardrails: v.nullish(anything),
  log_classification: v.nullish(v.boolean()),
  spend_limits: v.nullish(anything),
  store_id: v.nullish(v.pipe(v.string(), v.maxLength(256))),
  stripe: v.nullish(anything),
  workers_ai_billing_mode: v.nullish(v.picklist(["postpaid", "unified"])),
  zdr: v.nullish(v.boolean()),
};

const whole = v.pipe(v.number("a whole number, 0 or more"), v.integer(), v.minValue(0));
/** Cloudflare asks for these in every POST and PUT. */
const required = {
  cache_invalidate_on_update: v.boolean(),
  cache_ttl: v.nullable(whole),
  collect_logs: v.boolean(),
  rate_limiting_interval: v.nullable(whole),
  rate_limiting_limit: v.nullable(whole),
};

const idText = "1 to 64 lower-case letters, digits and '_', with single '-' in between";
const gatewayId = v.pipe(
  v.string(idText),
  v.maxLength(64, idText),
  v.regex(/^[a-z0-9_]+(?:-[a-z0-9_]+)*$/, idText),
);

const gatewayCreate = v.strictObject({
  ...gatewayReadOnly,
  ...settable,
  ...kept,
  ...required,
  id: gatewayId,
});
const gatewayUpdate = v.strictObject({
  ...gatewayReadOnly,
  ...settable,
  ...kept,
  ...required,
  id: v.optional(v.unknown()),
});
const gatewayPatch = v.strictObject({
  ...gatewayReadOnly,
  ...settable,
  ...kept,
  id: v.optional(v.unknown()),
});

const text = (most: number) =>
  v.nullish(v.pipe(v.string(), v.maxLength(most, `text of ${most} characters at most`)));

const headers = v.nullish(v.pipe(
  v.string("a JSON object of headers, as text"),
  v.maxLength(8192, "text of 8,192 characters at most"),
  v.check(areHeaders, "a JSON object of headers, as text: names and values as HTTP has them"),
));

/** Headers that are the gateway's own business or HTTP's. */
const forbidden =
  /^(?:host|connection|keep-alive|content-length|transfer-encoding|upgrade|te|trailer|expect|proxy-connection|http2-settings|cf-aig-.*)$/;

const providerRest = {
  enable: v.nullish(v.boolean()),
  beta: v.nullish(v.boolean()),
  description: text(4096),
  link: text(2048),
  curl_example: text(16_384),
  js_example: text(16_384),
  position: v.nullish(v.pipe(v.number(), v.integer())),
  headers,
  format: v.nullish(v.picklist<FormatName[]>([
    "openai-chat",
    "openai-responses",
    "anthropic-messages",
    "gemini",
    "bedrock-converse",
    "cohere-v2",
    "none",
  ])),
  key_header: v.nullish(v.pipe(
    headerName,
    v.check((name) => !forbidden.test(name), "a header that HTTP does not live by"),
  )),
  key_scheme: v.nullish(headerValue),
};
const slugText = "1 to 64 letters, digits, '-' and '_'";
const providerMain = {
  name: v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(256)),
  slug: v.pipe(v.string(), v.regex(/^[a-zA-Z0-9_-]{1,64}$/, slugText)),
  base_url: v.pipe(v.string(), v.maxLength(2048)),
};
const providerReadOnly = {
  ...readOnly,
  id: v.optional(v.unknown()),
  logo: v.optional(v.unknown()),
  requested_as: v.optional(v.unknown()),
};
const providerCreate = v.strictObject({ ...providerReadOnly, ...providerMain, ...providerRest });
const providerPatch = v.strictObject({
  ...providerReadOnly,
  name: v.optional(providerMain.name),
  slug: v.optional(providerMain.slug),
  base_url: v.optional(providerMain.base_url),
  ...providerRest,
});

const price = v.nullish(v.pipe(
  v.number("dollars, 0 or more"),
  v.finite("dollars, 0 or more"),
  v.minValue(0, "dollars, 0 or more"),
));
const model = v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(256));
const rule = v.optional(v.picklist(["equals", "starts-with", "contains"]));
const priceReadOnly = {
  ...readOnly,
  id: v.optional(v.unknown()),
  kind: v.optional(v.unknown()),
  changed_by: v.optional(v.unknown()),
  weight: v.optional(v.unknown()),
};
const tokenPricing = v.strictObject(Object.fromEntries(
  [
    ...["input_tokens", "input_text_tokens", "input_cached_tokens", "input_cache_creation_tokens"],
    ...["input_audio_tokens", "input_video_tokens", "input_image_tokens", "input_image_count"],
    ...["output_tokens", "output_reasoning_tokens", "output_image_count", "total_tokens"],
  ].map((name) => [name, v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)))]),
));
const costRest = {
  model_rule: rule,
  cost_type: v.optional(v.literal("tokens")),
  cost_in: price,
  cost_out: price,
  enable: v.optional(v.boolean()),
  // Answers have it as text (spec 14.5), and what was answered may be brought back.
  token_pricing: v.nullish(v.union([
    tokenPricing,
    v.pipe(v.string(), v.transform(fromJson), tokenPricing),
  ], "an object of prices by kind of token")),
};
const providerId = v.pipe(v.string(), v.uuid("the id of a custom provider"));
const costCreate = v.strictObject({
  ...priceReadOnly,
  account_provider_id: providerId,
  model,
  ...costRest,
});
const costPatch = v.strictObject({
  ...priceReadOnly,
  account_provider_id: v.optional(providerId),
  model: v.optional(model),
  ...costRest,
});

const priceRest = {
  model_rule: rule,
  input: price,
  output: price,
  cache_read: price,
  cache_write: price,
  per_request: price,
  enable: v.optional(v.boolean()),
};
const provider = v.pipe(v.string(), v.minLength(1), v.maxLength(128));
const priceCreate = v.strictObject({ ...priceReadOnly, provider, model, ...priceRest });
const pricePatch = v.strictObject({
  ...priceReadOnly,
  provider: v.optional(provider),
  model: v.optional(model),
  ...priceRest,
});

/** For the OpenAPI document. */
export const settingsBodies: Readonly<Record<string, v.GenericSchema>> = {
  GatewayCreate: v.strictObject({ ...settable, ...kept, ...required, id: gatewayId }),
  GatewayUpdate: v.strictObject({ ...settable, ...kept, ...required }),
  GatewayPatch: v.strictObject({ ...settable, ...kept }),
  CustomProviderCreate: v.strictObject({ ...providerMain, ...providerRest }),
  CustomProviderPatch: v.partial(v.strictObject({ ...providerMain, ...providerRest })),
  CostCreate: v.strictObject({ account_provider_id: providerId, model, ...costRest }),
  CostPatch: v.partial(v.strictObject({ account_provider_id: providerId, model, ...costRest })),
  PriceCreate: v.strictObject({ provider, model, ...priceRest }),
  PricePatch: v.partial(v.strictObject({ provider, model, ...priceRest })),
};

/** Body of `POST gateways`. */
export function gatewayCreateOf(body: unknown): { id: string; settings: GatewayBody } {
  const { id, ...rest } = check(gatewayCreate, body, "body");
  return { id, settings: without(rest, gatewayReadOnly) as GatewayBody };
}

/** Body of `PUT` (whole) and `PATCH` of a gateway. */
export function gatewayUpdateOf(body: unknown, isWhole: boolean): GatewayBody {
  const { id: _, ...rest } = check(isWhole ? gatewayUpdate : gatewayPatch, body, "body");
  return without(rest, gatewayReadOnly) as GatewayBody;
}

/** Body of `POST` and `PATCH custom-providers`. */
export function providerOf(body: unknown, isNew: boolean): ProviderBody {
  const given = check(isNew ? providerCreate : providerPatch, body, "body");
  return without(given, providerReadOnly) as ProviderBody;
}

/** Body of `POST` and `PATCH custom-providers/costs`. */
export function costOf(body: unknown, isNew: boolean): CostBody {
  const given = check(isNew ? costCreate : costPatch, body, "body");
  return without(given, priceReadOnly) as CostBody;
}

/** Body of `POST` and `PATCH prices`. */
export function priceOf(body: unknown, isNew: boolean): PriceBody {
  const given = check(isNew ? priceCreate : pricePatch, body, "body");
  return without(given, priceReadOnly) as PriceBody;
}

const flag = v.optional(v.pipe(
  v.picklist(["true", "false", "1", "0"], "true or false"),
  v.transform((text) => text === "true" || text === "1"),
));
const word = v.optional(v.pipe(v.string(), v.maxLength(256, "text of 256 characters at most")));
const listQuery = v.object({
  search: word,
  enable: flag,
  beta: flag,
  account_provider_id: word,
  model_rule: word,
  cost_type: word,
  provider: word,
  order_by: word,
  order_by_direction: v.optional(v.picklist(["asc", "desc"])),
  action: word,
  actor: word,
  resource_type: word,
  resource_id: word,
});

/** Query of the lists of settings and of the audit log; pages aside. */
export function listQueryOf(query: URLSearchParams): v.InferOutput<typeof listQuery> {
  return check(listQuery, Object.fromEntries(query), "query");
}

/** What was said, without what only answers have, and without what was not said. */
function without(given: object, names: object): object {
  return Object.fromEntries(
    Object.entries(given).filter(([name, value]) => !(name in names) && value !== undefined),
  );
}

/** Whoever walks through it later must not run out of stack. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function areHeaders(text: string): boolean {
  if (text === "") return true;
  const found = fromJson(text);
  if (typeof found !== "object" || found === null || Array.isArray(found)) return false;
  return Object.entries(found).every(([name, value]) =>
    typeof value === "string" && v.is(headerName, name) && v.is(headerValue, value) &&
    !forbidden.test(name.toLowerCase())
  );
}
