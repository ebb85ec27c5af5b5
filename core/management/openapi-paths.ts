/**
 * What the OpenAPI document says of each path, beside what the schemas tell.
 *
 * @module
 */

/** What the schemas do not tell of a path. */
export interface Told {
  summary: string;
  /** Name of the schema of the body. */
  body?: string;
  /** Name of the schema of `result`, or of its members where it is a list. */
  result?: string;
  list?: boolean;
  /** Media type of the answer where it is no envelope. */
  type?: string;
  query?: readonly string[];
}

const gatewayQuery = ["search"];
const analyticsQuery = [
  ...["start", "end", "interval", "group_by", "filters", "compare", "limit", "order"],
];
const g = "gateways/:gateway";

/** By method and path; what is not here is described by its path alone. */
export const told: Readonly<Record<string, Told>> = {
  "GET gateways": { summary: "Gateways", result: "Gateway", list: true, query: gatewayQuery },
  "POST gateways": { summary: "Make a gateway", body: "GatewayCreate", result: "Gateway" },
  [`GET ${g}`]: { summary: "A gateway", result: "Gateway" },
  [`PUT ${g}`]: { summary: "Change a gateway", body: "GatewayUpdate", result: "Gateway" },
  [`PATCH ${g}`]: { summary: "Change some settings", body: "GatewayPatch", result: "Gateway" },
  [`DELETE ${g}`]: {
    summary: "Delete a gateway with its keys and log, or go back to the configuration",
    result: "Gateway",
  },
  [`GET ${g}/url/:id`]: {
    summary: "URL of a provider, `universal` or `compat` on a gateway",
    result: "URL",
  },
  [`GET ${g}/logs`]: {
    summary: "Log rows",
    result: "LogRow",
    list: true,
    query: ["order_by", "order_by_direction", "search", "meta_info", "filters", "after"],
  },
  [`GET ${g}/logs/live`]: {
    summary: "Log rows as they come: server-sent events `row`, a row as in the list each",
    type: "text/event-stream",
    query: ["search", "filters"],
  },
  [`GET ${g}/analytics`]: {
    summary: "Figures of a gateway",
    result: "Analytics",
    query: analyticsQuery,
  },
  "GET analytics": {
    summary: "Figures of all gateways",
    result: "Analytics",
    query: analyticsQuery,
  },
  [`DELETE ${g}/logs`]: {
    summary: "Delete log rows",
    result: "Deleted",
    query: ["filters", "order_by", "order_by_direction", "limit"],
  },
  [`GET ${g}/logs/:id`]: { summary: "A log row", result: "LogDetail" },
  [`PATCH ${g}/logs/:id`]: {
    summary: "Feedback, score, metadata",
    body: "LogEdit",
    result: "Nothing",
  },
  [`GET ${g}/logs/:id/request`]: { summary: "The request's body as it was stored", type: "*/*" },
  [`GET ${g}/logs/:id/response`]: { summary: "The answer's body as it was stored", type: "*/*" },
  [`GET ${g}/virtual_keys`]: { summary: "Virtual keys", result: "VirtualKey", list: true },
  [`POST ${g}/virtual_keys`]: {
    summary: "Make a virtual key; it is in this answer alone",
    body: "VirtualKeyCreate",
    result: "VirtualKey",
  },
  [`GET ${g}/virtual_keys/:id`]: { summary: "A virtual key", result: "VirtualKey" },
  [`PATCH ${g}/virtual_keys/:id`]: {
    summary: "Change a virtual key",
    body: "VirtualKeyEdit",
    result: "VirtualKey",
  },
  [`DELETE ${g}/virtual_keys/:id`]: { summary: "Delete a virtual key", result: "Id" },
  [`GET ${g}/provider_configs`]: {
    summary: "Stored provider keys",
    result: "ProviderConfig",
    list: true,
  },
  [`POST ${g}/provider_configs`]: {
    summary: "Store a provider key",
    body: "ProviderConfigCreate",
    result: "ProviderConfig",
  },
  [`PUT ${g}/provider_configs/:id`]: {
    summary: "Put another secret in its place",
    body: "ProviderConfigRotate",
    result: "ProviderConfig",
  },
  [`DELETE ${g}/provider_configs/:id`]: {
    summary: "Delete a stored provider key",
    result: "ProviderConfig",
  },
  [`POST ${g}/cache/purge`]: {
    summary: "Forget stored answers",
    body: "CachePurge",
    result: "Purged",
  },
  [`GET ${g}/audit_logs`]: {
    summary: "Changes of a gateway",
    result: "AuditRow",
    list: true,
    query: ["action", "actor", "resource_type", "resource_id"],
  },
  "GET audit_logs": {
    summary: "Changes",
    result: "AuditRow",
    list: true,
    query: ["action", "actor", "resource_type", "resource_id"],
  },
  "GET custom-providers": {
    summary: "Custom providers",
    result: "CustomProvider",
    list: true,
    query: ["search", "enable", "beta", "order_by"],
  },
  "POST custom-providers": {
    summary: "Make a custom provider; requests name it `custom-{slug}`",
    body: "CustomProviderCreate",
    result: "CustomProvider",
  },
  "GET custom-providers/:id": { summary: "A custom provider", result: "CustomProvider" },
  "PATCH custom-providers/:id": {
    summary: "Change a custom provider",
    body: "CustomProviderPatch",
    result: "CustomProvider",
  },
  "DELETE custom-providers/:id": {
    summary: "Delete a custom provider with its prices",
    result: "CustomProvider",
  },
  "GET custom-providers/costs": {
    summary: "Prices of custom providers' models, in US dollars for one token",
    result: "Cost",
    list: true,
    query: ["search", "enable", "account_provider_id", "model_rule", "cost_type"],
  },
  "POST custom-providers/costs": { summary: "Make a price", body: "CostCreate", result: "Cost" },
  "GET custom-providers/costs/:id": { summary: "A price", result: "Cost" },
  "PATCH custom-providers/costs/:id": {
    summary: "Change a price",
    body: "CostPatch",
    result: "Cost",
  },
  "DELETE custom-providers/costs/:id": { summary: "Delete a price", result: "Cost" },
  "GET prices": {
    summary: "Prices over the built-in table, in US dollars for a million tokens",
    result: "Price",
    list: true,
    query: ["search", "enable", "provider", "model_rule"],
  },
  "POST prices": { summary: "Make a price", body: "PriceCreate", result: "Price" },
  "GET prices/:id": { summary: "A price", result: "Price" },
  "PATCH prices/:id": { summary: "Change a price", body: "PricePatch", result: "Price" },
  "DELETE prices/:id": { summary: "Delete a price", result: "Price" },
  "GET providers": {
    summary: "All providers that a request may name",
    result: "Provider",
    list: true,
    query: ["search"],
  },
  "GET evaluation-types": {
    summary: "What evaluations can tell",
    result: "EvaluationType",
    list: true,
    query: ["order_by", "order_by_direction"],
  },
  [`GET ${g}/datasets`]: {
    summary: "Datasets: saved filters of log rows",
    result: "Dataset",
    list: true,
    query: ["name", "enable", "search"],
  },
  [`POST ${g}/datasets`]: { summary: "Make a dataset", body: "DatasetPut", result: "Dataset" },
  [`GET ${g}/datasets/:id`]: { summary: "A dataset", result: "Dataset" },
  [`PUT ${g}/datasets/:id`]: {
    summary: "Replace a dataset",
    body: "DatasetPut",
    result: "Dataset",
  },
  [`DELETE ${g}/datasets/:id`]: { summary: "Delete a dataset", result: "Dataset" },
  [`GET ${g}/evaluations`]: {
    summary: "Evaluations with their results",
    result: "Evaluation",
    list: true,
    query: ["name", "processed", "search"],
  },
  [`POST ${g}/evaluations`]: {
    summary: "Evaluate the log rows that datasets have now",
    body: "EvaluationCreate",
    result: "Evaluation",
  },
  [`GET ${g}/evaluations/:id`]: { summary: "An evaluation", result: "Evaluation" },
  [`DELETE ${g}/evaluations/:id`]: { summary: "Delete an evaluation", result: "Evaluation" },
};
