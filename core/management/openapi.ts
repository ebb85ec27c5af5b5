/**
 * The management API in OpenAPI 3.1, from the table of its handlers and the schemas that they check bodies
 * with. Loaded when it is asked for.
 *
 * @module
 */
import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import { keptSettings } from "../settings/effective.ts";
import { version } from "../version.ts";
import { resources } from "./mod.ts";
import { type Told, told } from "./openapi-paths.ts";
import { bodies as ownBodies } from "./schema.ts";
import { evaluationBodies } from "./schema-evaluations.ts";
import { settingsBodies } from "./schema-settings.ts";

const bodies = { ...ownBodies, ...evaluationBodies, ...settingsBodies };

const text = { type: "string" };
const nullableText = { type: ["string", "null"] };
const date = { type: "string", format: "date-time" };
const dated = { created_at: date, modified_at: date };
const uuid = { type: "string", format: "uuid" };

/** What answers have beside what was said. */
const answered: Readonly<Record<string, [body: string | undefined, properties: object]>> = {
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
  Evaluation: [undefined, {
    ...dated,
    id: uuid,
    name: text,
    gateway_id: text,
    account_id: text,
    account_tag: text,
    processed: { type: "boolean" },
    total_logs: { type: "integer" },
    datasets: { type: "array", items: { $ref: "#/components/schemas/Dataset" } },
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
};

/** Answers `GET /openapi.json`. */
export function openAPI(request: Request): Response {
  const body = { ...documentOf(), servers: [{ url: new URL(request.url).origin }] };
  return Response.json(body, { headers: { "cache-control": "no-cache" } });
}

function documentOf(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of resources.flatMap((resource) => Object.keys(resource))) {
    const [method = "", path = ""] = route.split(" ");
    const at = `/client/v4/accounts/{account_id}/ai-gateway/${pathOf(path)}`;
    (paths[at] ??= {})[method.toLowerCase()] = operation(method, path, told[route]);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Sluice management API",
      version,
      description:
        "Cloudflare's paths, bodies and envelope, and Sluice's own beside them. Settings " +
        `that are kept and have no effect: ${keptSettings.join(", ")}.`,
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: {
        ...Object.fromEntries(
          Object.entries(bodies).map(([name, schema]) => [
            name,
            schemaOf(schema),
          ]),
        ),
        ...Object.fromEntries(
          Object.entries(answered).map(([name, [body, properties]]) => [
            name,
            body === undefined ? { type: "object", properties } : {
              type: "object",
              properties: {
                ...schemaOf(bodies[body]!).properties,
                ...properties,
              },
            },
          ]),
        ),
        Problem: {
          type: "object",
          required: ["code", "message"],
          properties: {
            code: { type: "integer" },
            message: text,
            path: { type: "array", items: { type: ["string", "integer"] } },
          },
        },
      },
    },
  };
}

function schemaOf(schema: Parameters<typeof toJsonSchema>[0]): JsonSchema {
  const { $schema: _, ...rest } = toJsonSchema(schema, { errorMode: "ignore", typeMode: "input" });
  return rest;
}

function pathOf(path: string): string {
  return path.replace(/:(\w+)/g, (_, name: string) => `{${nameOf(name, path)}}`);
}

function nameOf(name: string, path: string): string {
  if (name === "gateway") return "gateway_id";
  return path.includes("/url/") ? "provider" : name;
}

function operation(method: string, path: string, known: Told | undefined): unknown {
  const variables = [...path.matchAll(/:(\w+)/g)].map(([, name]) => nameOf(name!, path));
  const query = [...known?.list ? ["page", "per_page"] : [], ...known?.query ?? []];
  const operationId = `${method.toLowerCase()}_${
    path.replace(/:gateway\//, "").replace(/\W+/g, "_")
  }`;
  return {
    operationId,
    summary: known?.summary ?? `${method} ${path}`,
    parameters: [
      ...["account_id", ...variables].map((name) => ({
        name,
        in: "path",
        required: true,
        schema: text,
      })),
      ...query.map((name) => ({ name, in: "query", schema: paramOf(name) })),
    ],
    ...known?.body !== undefined && {
      requestBody: {
        required: true,
        content: { "application/json": { schema: { $ref: `#/components/schemas/${known.body}` } } },
      },
    },
    responses: {
      200: isBytes(path)
        ? { description: "The bytes", content: { "*/*": {} } }
        : { description: "Success", content: { "application/json": { schema: success(known) } } },
      "4XX": { description: "Failure", content: { "application/json": { schema: failed } } },
      "5XX": { description: "Failure", content: { "application/json": { schema: failed } } },
    },
  };
}

function isBytes(path: string): boolean {
  return /\/logs\/:id\/(?:request|response)$/.test(path);
}

function paramOf(name: string): unknown {
  if (name === "page" || name === "per_page" || name === "limit") {
    return { type: "integer", minimum: 1 };
  }
  if (["enable", "beta", "meta_info", "processed"].includes(name)) return { type: "boolean" };
  if (name === "order_by_direction") return { enum: ["asc", "desc"] };
  return name === "filters" ? { type: "array", items: { type: "object" } } : text;
}

function success(known: Told | undefined): unknown {
  const one = known?.result === undefined ? {} : { $ref: `#/components/schemas/${known.result}` };
  const whole = { type: "integer" };
  return {
    type: "object",
    required: ["success", "result", "errors", "messages"],
    properties: {
      success: { const: true },
      result: known?.list ? { type: "array", items: one } : one,
      errors: { type: "array", maxItems: 0 },
      messages: { type: "array" },
      ...known?.list && {
        result_info: {
          type: "object",
          properties: { page: whole, per_page: whole, count: whole, total_count: whole },
        },
      },
    },
  };
}

const failed = {
  type: "object",
  required: ["success", "result", "errors", "messages"],
  properties: {
    success: { const: false },
    result: { type: "null" },
    errors: { type: "array", items: { $ref: "#/components/schemas/Problem" } },
    messages: { type: "array" },
  },
};
