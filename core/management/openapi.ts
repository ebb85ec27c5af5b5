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
import { answered, text } from "./openapi-answers.ts";
import { type Told, told } from "./openapi-paths.ts";
import { bodies as ownBodies } from "./schema.ts";
import { evaluationBodies } from "./schema-evaluations.ts";
import { settingsBodies } from "./schema-settings.ts";

const bodies = { ...ownBodies, ...evaluationBodies, ...settingsBodies };

/** Answers `GET /openapi.json`. */
export function openAPI(request: Request): Response {
  const url = URL.parse(request.url)?.origin ?? "/"; // a host header may hold anything
  const body = { ...documentOf(), servers: [{ url }] };
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
        URL: { type: "string", format: "uri" },
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
      200: {
        description: "Success",
        content: known?.type === undefined
          ? { "application/json": { schema: success(known) } }
          : { [known.type]: {} },
      },
      "4XX": { description: "Failure", content: { "application/json": { schema: failed } } },
      "5XX": { description: "Failure", content: { "application/json": { schema: failed } } },
    },
  };
}

/** Parameters that are one of some words. */
const choices: Readonly<Record<string, readonly string[]>> = {
  interval: ["minute", "hour", "day"],
  order: ["requests", "cost", "tokens", "errors"],
  order_by_direction: ["asc", "desc"],
};

function paramOf(name: string): unknown {
  if (name === "page" || name === "per_page" || name === "limit") {
    return { type: "integer", minimum: 1 };
  }
  if (["enable", "beta", "compare", "meta_info", "processed"].includes(name)) {
    return { type: "boolean" };
  }
  const words = choices[name];
  if (words !== undefined) return { enum: words };
  return name === "filters" ? { type: "array", items: { type: "object" } } : text;
}

/** With `meta_info`, of the rows of a log. */
const extremes = ["cost", "duration", "tokens_in", "tokens_out", "total_tokens"]
  .flatMap((name) => [`min_${name}`, `max_${name}`]);

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
          properties: {
            ...{ page: whole, per_page: whole, count: whole, total_count: whole },
            ...known.query?.includes("after") && {
              total_count_exact: { type: "boolean" },
              next: { type: ["string", "null"], description: "For `after`" },
              ...Object.fromEntries(extremes.map((name) => [name, { type: ["number", "null"] }])),
            },
          },
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
