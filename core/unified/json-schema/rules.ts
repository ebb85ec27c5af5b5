/**
 * What each target takes of JSON Schema.
 *
 * @module
 */
import type { SchemaRules } from "../json-schema.ts";

const basic = [
  "type",
  "description",
  "enum",
  "properties",
  "required",
  "items",
  "anyOf",
] as const;

/**
 * Gemini's `responseSchema` and `parameters`: a subset of OpenAPI 3.0 (types of `Schema` in the official
 * SDK; formats as the Gemini API refuses others). Titles stay out, since Gemini 2.5 Flash takes those of a
 * tool's parameters for functions (googleapis/python-genai, issue 1732).
 */
export const geminiSchema: SchemaRules = {
  keywords: [
    ...basic,
    "format",
    "propertyOrdering",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
  ],
  values: { format: ["enum", "date-time", "float", "double", "int32", "int64"] },
  inlineRefs: true,
  typed: true,
  stringEnums: true,
  ordering: true,
  nullable: "nullable",
};

/**
 * Gemini's `responseJsonSchema` and `parametersJsonSchema` (the list is in the official SDK's docs of
 * `responseJsonSchema`). References are inlined, since recursion is only unrolled to a limited degree.
 */
export const geminiJsonSchema: SchemaRules = {
  keywords: [
    ...basic,
    "format",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "additionalProperties",
    "propertyOrdering",
  ],
  values: { format: ["date-time", "date", "time", "float", "double", "int32", "int64"] },
  inlineRefs: true,
};

/** OpenAI's structured outputs and tools with `strict: true` ("Supported schemas" of its guide). */
export const openAIStrict: SchemaRules = {
  keywords: [
    ...basic,
    "title",
    "additionalProperties",
    "pattern",
    "format",
    "multipleOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
  ],
  values: {
    format: [
      "date-time",
      "time",
      "date",
      "duration",
      "email",
      "hostname",
      "ipv4",
      "ipv6",
      "uuid",
    ],
  },
  recursion: true,
  closed: true,
  allRequired: true,
  typed: true,
};

/** Anthropic's structured outputs and tools with `strict: true`; what its own SDKs leave in a schema. */
export const anthropicSchema: SchemaRules = {
  keywords: [...basic, "title", "additionalProperties", "format", "minItems"],
  values: {
    format: [
      "date-time",
      "time",
      "date",
      "duration",
      "email",
      "hostname",
      "uri",
      "ipv4",
      "ipv6",
      "uuid",
    ],
    minItems: [0, 1],
  },
  closed: true,
};

/** Bedrock Converse's `outputConfig.textFormat`: as Anthropic's, whose models serve it. */
export const bedrockSchema: SchemaRules = { ...anthropicSchema };

/** Cohere's `response_format.json_schema` and strict tools ("Parameter types support" of its docs). */
export const cohereSchema: SchemaRules = {
  keywords: [...basic, "title", "additionalProperties", "pattern", "format"],
  values: {
    format: ["date-time", "uuid", "date", "time"],
    pattern: /^(?!.*\(\?[=!])[^^$]*$/,
  },
  someRequired: true,
};
