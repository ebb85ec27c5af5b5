/**
 * What answers of the management API have, for the OpenAPI document.
 *
 * @module
 */

/** Any text. */
export const text: { type: string } = { type: "string" };
const nullableText = { type: ["string", "null"] };
const date = { type: "string", format: "date-time" };
const dated = { created_at: date, modified_at: date };
const uuid = { type: "string", format: "uuid" };

const flag = { type: "boolean" };
const whole = { type: "integer" };
const number = { type: "number" };
const nullableNumber = { type: ["number", "null"] };
const object = (properties: object) => ({ type: "object", properties });
const numbers = (...names: string[]) => Object.fromEntries(names.map((name) => [name, number]));
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const logRow = {
  id: uuid,
  event_id: text,
  request_id: text,
  created_at: date,
  gateway: text,
  provider: text,
  model: { type: "string", description: "`provider/model`, or empty" },
  model_type: text,
  path: text,
  method: text,
  request_type: { enum: ["native", "universal", "compat", "binding", "websocket"] },
  request_content_type: text,
  response_content_type: text,
  status_code: whole,
  success: flag,
  cached: flag,
  step: whole,
  attempt: whole,
  duration: { type: "number", description: "Milliseconds" },
  timings: object({
    ...numbers("total", "latency"),
    first_byte: nullableNumber,
    first_token: nullableNumber,
  }),
  streamed: flag,
  end: { enum: ["complete", "upstream_cut", "stalled", "client_abort", "guard_stop", "error"] },
  finish_reason: nullableText,
  tokens_in: nullableNumber,
  tokens_out: nullableNumber,
  usage_metadata: {
    type: "object",
    description: "Parts of the tokens; what is not known is null or absent",
  },
  usage_quality: { enum: ["reported", "estimated", null] },
  cost: { type: ["number", "null"], description: "US dollars; null where the price is not known" },
  cost_parts: {
    ...object({
      ...numbers("input", "cache_read", "cache_write", "output", "other", "saved"),
      source: { enum: ["table", "provider", "request", "config", "cache"] },
    }),
    type: ["object", "null"],
  },
  custom_cost: flag,
  metadata: { type: ["string", "null"], description: "JSON as text" },
  feedback: { enum: [-1, 1, null] },
  score: nullableNumber,
  authentication: flag,
  wholesale: flag,
  byok: flag,
  byok_alias: nullableText,
  compatibilityMode: flag,
  dropped: { type: ["array", "null"], items: text },
  user_agent: text,
  key_id: { type: ["string", "null"], description: "Of the virtual key that called" },
  error: {
    ...object({ code: { type: ["integer", "string", "null"] }, message: text }),
    type: ["object", "null"],
  },
  dlp_action: text,
  location: object({ region: nullableText, colo: nullableText }),
  request: { type: "string", description: "Empty: bodies have paths of their own" },
  response: { type: "string", description: "Empty: bodies have paths of their own" },
};

const percentiles = object({ p50: nullableNumber, p90: nullableNumber, p99: nullableNumber });
const figures = {
  requests: whole,
  attempts: whole,
  errors: object(
    numbers("total", "rate_limited", "timeout", "client", "server", "cut", "aborted"),
  ),
  cached: whole,
  cost: { type: "number", description: "US dollars" },
  saved: { type: "number", description: "US dollars" },
  unpriced: whole,
  ...numbers("tokens_in", "tokens_out", "tokens_cached", "tokens_reasoning"),
  latency: percentiles,
  duration: percentiles,
  first_token: percentiles,
  tokens_per_second: percentiles,
};
const analytics = {
  start: date,
  end: date,
  source: { enum: ["rollups", "rows"] },
  complete: flag,
  totals: ref("Figures"),
  series: {
    type: "array",
    items: object({
      group: { type: ["object", "null"], description: "By dimension; null is the rest" },
      totals: ref("Figures"),
      points: { type: "array", items: ref("Point") },
    }),
  },
};

/** By name: the schema of the body that the answer gives back, if any, and what it has beside. */
export const answered: Readonly<Record<string, [body: string | undefined, properties: object]>> = {
  Gateway: ["GatewayPatch", {
    ...dated,
    id: text,
    account_id: text,
    account_tag: text,
    internal_id: text,
    is_default: { type: "boolean" },
    source: { enum: ["config", "config+stored", "stored"] },
    overrides: { type: "array", items: text, description: "Settings that are stored" },
  }],
  CustomProvider: ["CustomProviderPatch", {
    ...dated,
    id: uuid,
    account_id: text,
    account_tag: text,
    logo: text,
    requested_as: { type: "string", description: "The provider of requests: `custom-{slug}`" },
  }],
  Cost: [undefined, {
    ...dated,
    id: uuid,
    account_provider_id: uuid,
    model: text,
    model_rule: { enum: ["equals", "starts-with", "contains"] },
    cost_type: text,
    cost_in: { type: ["number", "null"] },
    cost_out: { type: ["number", "null"] },
    enable: { type: "boolean" },
    token_pricing: { type: ["string", "null"], description: "JSON as text" },
    changed_by: text,
    weight: { type: "integer" },
  }],
  Price: ["PricePatch", { ...dated, id: uuid, weight: { type: "integer" } }],
  VirtualKey: ["VirtualKeyEdit", {
    ...dated,
    id: text,
    preview: text,
    gateway: text,
    key: { type: "string", description: "In the answer of POST alone" },
    last_used_at: nullableText,
  }],
  ProviderConfig: [undefined, {
    id: uuid,
    alias: text,
    default_config: { type: "boolean" },
    gateway_id: text,
    provider_slug: text,
    secret_id: uuid,
    secret_preview: text,
    rate_limit: { type: "integer" },
    rate_limit_period: { type: "integer" },
    modified_at: date,
  }],
  Provider: [undefined, {
    slug: text,
    aliases: { type: "array", items: text },
    base_url: text,
    format: text,
    source: { enum: ["builtin", "config", "stored"] },
    configured_keys: { type: "array", items: { type: "string" } },
  }],
  EvaluationType: [undefined, {
    ...dated,
    id: uuid,
    name: text,
    type: { enum: ["cost", "speed", "human-feedback"] },
    description: text,
    unit: { enum: ["usd", "ms", "percent"] },
    enable: { type: "boolean" },
    mandatory: { type: "boolean" },
  }],
  Dataset: ["DatasetPut", { ...dated, id: uuid, gateway_id: text }],
  EvaluationDataset: ["DatasetPut", {
    ...dated,
    id: uuid,
    gateway_id: text,
    account_id: text,
    account_tag: text,
  }],
  Evaluation: [undefined, {
    ...dated,
    id: uuid,
    name: text,
    gateway_id: text,
    account_id: text,
    account_tag: text,
    processed: { type: "boolean" },
    total_logs: { type: "integer" },
    datasets: { type: "array", items: ref("EvaluationDataset") },
    results: {
      type: "array",
      items: {
        type: "object",
        properties: {
          ...dated,
          id: uuid,
          evaluation_id: uuid,
          evaluation_type_id: uuid,
          result: { type: "string", description: "A number; empty where no log has the figure" },
          unit: { enum: ["usd", "ms", "percent"] },
          status: { enum: [0, 1] },
          status_description: text,
          total_logs: { type: "integer", description: "Logs that have the figure" },
        },
      },
    },
  }],
  AuditRow: [undefined, {
    id: text,
    at: date,
    actor: text,
    ip: nullableText,
    action: { enum: ["create", "update", "delete", "purge", "rotate"] },
    resource_type: text,
    resource_id: text,
    gateway_id: text,
    old: { type: ["object", "null"] },
    new: { type: ["object", "null"] },
  }],
  LogRow: [undefined, logRow],
  LogDetail: [undefined, {
    ...logRow,
    request_head: text,
    request_head_complete: flag,
    request_size: nullableNumber,
    response_head: text,
    response_head_complete: flag,
    response_size: nullableNumber,
  }],
  Figures: [undefined, figures],
  Point: [undefined, { start: date, ...figures }],
  Analytics: [undefined, {
    interval: { enum: ["minute", "hour", "day"] },
    group_by: { type: "array", items: text },
    ...analytics,
    previous: object(analytics),
  }],
  Id: [undefined, { id: text }],
  Deleted: [undefined, { deleted: whole }],
  Purged: [undefined, { purged: whole }],
  Nothing: [undefined, {}],
};
