/**
 * What queries and bodies of the management API may hold; those of settings are in `schema-settings.ts`.
 *
 * @module
 */
import * as v from "valibot";
import { keyRules } from "../config/schema.ts";
import { nearest, shown } from "../nearest.ts";
import type { LogOrder } from "../storage/ports.ts";
import type { KeyInput } from "../auth/virtual-keys.ts";
import { ApiCode, ApiError, type ApiProblem, invalid } from "./answer.ts";

/** A page of a list: `offset` and `limit` for the store, the rest for the answer. */
export interface Page {
  page: number;
  per_page: number;
  offset: number;
  limit: number;
}

/** `PATCH` of a log row; what is absent stays. */
export interface LogEdit {
  feedback?: -1 | 0 | 1 | null | undefined;
  score?: number | null | undefined;
  metadata?: Record<string, string | number | boolean | null> | null | undefined;
}

/** `POST` of a stored provider key. */
export interface ProviderConfigInput {
  provider_slug: string;
  alias: string;
  secret?: string | undefined;
  secret_id?: string | undefined;
  default_config?: boolean | undefined;
  rate_limit?: number | undefined;
  rate_limit_period?: number | undefined;
}

/** Most problems that one answer lists. */
const mostProblems = 20;

const whole = (from: number, to: number) => {
  const message = `a whole number from ${from} to ${to}`;
  return v.pipe(
    v.string(message),
    v.regex(/^\d{1,12}$/, message),
    v.transform(Number),
    v.check((n) => n >= from && n <= to, message),
  );
};
const direction = v.picklist(["asc", "desc"]);
const order = v.picklist([
  ...["created_at", "provider", "model", "model_type", "success", "cached", "cost"] as const,
  ...["tokens_in", "tokens_out", "duration", "feedback"] as const,
]);
const flag = v.pipe(
  v.picklist(["true", "false", "1", "0"], "true or false"),
  v.transform((text) => text === "true" || text === "1"),
);

const logList = v.object({
  order_by: v.optional(order, "created_at"),
  order_by_direction: v.optional(direction),
  direction: v.optional(direction),
  search: v.optional(v.pipe(v.string(), v.maxLength(1024, "text of 1,024 characters at most"))),
  meta_info: v.optional(flag, "false"),
});

const logDelete = v.strictObject({
  order_by: v.optional(order, "created_at"),
  order_by_direction: v.optional(direction, "asc"),
  limit: v.optional(whole(1, 10_000), "10000"),
});

const scalar = v.union([
  v.pipe(v.string(), v.maxLength(4096)),
  v.pipe(v.number(), v.finite()),
  v.boolean(),
  v.null(), // as rows have them
], "text of 4,096 characters at most, a number, a boolean or null");

const logEdit = v.object({
  feedback: v.nullish(v.picklist([-1, 0, 1], "-1, 1 or null")),
  score: v.nullish(v.pipe(
    v.number("a number from 0 to 100, or null"),
    v.check((n) => n >= 0 && n <= 100, "a number from 0 to 100, or null"),
  )),
  metadata: v.nullish(v.pipe(
    v.record(v.pipe(v.string(), v.maxLength(256)), scalar, "an object, or null"),
    v.check((entries) => Object.keys(entries).length <= 64, "an object of 64 entries at most"),
  )),
});

const keyName = v.pipe(
  v.string("text of 1 to 256 characters"),
  v.trim(),
  v.minLength(1, "text of 1 to 256 characters"),
  v.maxLength(256, "text of 1 to 256 characters"),
);

const virtualKey = v.strictObject({ name: keyName, ...keyRules });

/** All may be absent; what is null goes back to what it is without. */
const virtualKeyEdit = v.strictObject({
  name: v.optional(keyName),
  enabled: v.nullish(keyRules.enabled),
  expires_at: keyRules.expires_at,
  gateways: v.nullish(keyRules.gateways),
  providers: v.nullish(keyRules.providers),
  models: v.nullish(keyRules.models),
  metadata: v.nullish(keyRules.metadata),
  limits: v.nullish(keyRules.limits),
});

/** Goes into a header, unless it is credentials of several parts. */
const secret = v.pipe(
  v.string("text"),
  v.trim(),
  v.minLength(1, "the provider's key"),
  v.maxLength(32_768, "text of 32,768 characters at most"),
  v.check(
    (text) => text.startsWith("{") ? isJson(text) : /^[\x20-\x7e]+$/.test(text),
    "a key without line breaks, or credentials as a JSON object",
  ),
);
const count = v.pipe(
  v.number("a whole number above 0"),
  v.check((n) => Number.isSafeInteger(n) && n > 0, "a whole number above 0"),
);

const providerConfig = v.object({
  provider_slug: v.string("the provider's slug"),
  alias: v.optional(
    v.pipe(
      v.string("text"),
      v.regex(/^[a-z0-9][a-z0-9_-]{0,63}$/i, "1 to 64 letters, digits, '-' and '_'"),
    ),
    "default",
  ),
  secret: v.optional(secret),
  secret_id: v.optional(v.string()),
  default_config: v.optional(v.boolean()),
  rate_limit: v.optional(count),
  rate_limit_period: v.optional(count),
});

const rotation = v.object({ secret });

const purgedBy = v.optional(v.pipe(
  v.string("text of 1 to 8,192 characters"),
  v.minLength(1, "text of 1 to 8,192 characters"),
  v.maxLength(8192, "text of 1 to 8,192 characters"),
));
const purge = v.strictObject({
  all: v.optional(v.boolean()),
  key: purgedBy,
  provider: purgedBy,
  model: purgedBy,
});

/** For the OpenAPI document. */
export const bodies: Readonly<Record<string, v.GenericSchema>> = {
  LogEdit: logEdit,
  VirtualKeyCreate: virtualKey,
  VirtualKeyEdit: virtualKeyEdit,
  ProviderConfigCreate: providerConfig,
  ProviderConfigRotate: rotation,
  CachePurge: purge,
  LogListQuery: logList,
  LogDeleteQuery: logDelete,
};

/** `page` and `per_page` (spec 14.2); past the last page there is nothing. */
export function pageOf(query: URLSearchParams, most: number): Page {
  const schema = v.object({
    page: v.optional(whole(1, 1_000_000_000), "1"),
    per_page: v.optional(whole(1, most), "20"),
  });
  const { page, per_page } = check(schema, Object.fromEntries(query), "query");
  return { page, per_page, offset: (page - 1) * per_page, limit: per_page };
}

/** The rest of the query of a list of log rows, filters aside. */
export function logListOf(query: URLSearchParams): {
  order_by: LogOrder;
  direction: "asc" | "desc";
  search: string | undefined;
  meta_info: boolean;
} {
  const found = check(logList, Object.fromEntries(query), "query");
  const { order_by, search, meta_info } = found;
  const direction = found.order_by_direction ?? found.direction ?? "desc";
  return { order_by, direction, search, meta_info };
}

/** The query of a deletion, filters aside; an unknown name could mean a filter, so it is refused. */
export function logDeleteOf(query: URLSearchParams): {
  order_by: LogOrder;
  order_by_direction: "asc" | "desc";
  limit: number;
} {
  const rest = [...query].filter(([name]) => !name.startsWith("filters"));
  return check(logDelete, Object.fromEntries(rest), "query", ["filters"]);
}

/** Body of `PATCH logs/:id` (spec 8.6). */
export function logEditOf(body: unknown): LogEdit {
  return check(logEdit, body, "body");
}

/** Body of `POST virtual_keys`. */
export function virtualKeyOf(body: unknown): KeyInput {
  return check(virtualKey, body, "body");
}

/** Body of `PATCH virtual_keys/:id`. */
export function virtualKeyEditOf(
  body: unknown,
): { [Name in keyof KeyInput]?: KeyInput[Name] | null } {
  return check(virtualKeyEdit, body, "body");
}

/** Body of `POST provider_configs` (spec 14.6). */
export function providerConfigOf(body: unknown): ProviderConfigInput {
  return check(providerConfig, body, "body");
}

/** Body of `PUT provider_configs/:id`. */
export function rotationOf(body: unknown): { secret: string } {
  return check(rotation, body, "body");
}

/** Body of `POST cache/purge`. */
export function purgeOf(body: unknown): {
  all?: boolean | undefined;
  key?: string | undefined;
  provider?: string | undefined;
  model?: string | undefined;
} {
  return check(purge, body, "body");
}

/** @param also Names that are known and read elsewhere, for what an unknown one may have meant. */
export function check<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  where: "query" | "body",
  also: readonly string[] = [],
): v.InferOutput<Schema> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw invalid([where], "The body must be a JSON object");
  }
  const result = v.safeParse(schema, input);
  if (result.success) return result.output;
  const problems = result.issues.slice(0, mostProblems).map((issue): ApiProblem => {
    const keys = (issue.path ?? []).map(({ key }) => typeof key === "number" ? key : String(key));
    const path = [where, ...keys];
    return { code: ApiCode.invalid, message: messageOf(issue, keys, where, schema, also), path };
  });
  throw new ApiError(400, problems);
}

/** What was found is not told: it may be a key. */
function messageOf(
  issue: v.BaseIssue<unknown>,
  keys: (string | number)[],
  where: string,
  schema: unknown,
  also: readonly string[],
): string {
  const what = where === "query" ? "parameter" : "field";
  const last = shown(String(keys.at(-1) ?? ""));
  if (issue.type === "strict_object" && issue.expected === "never") {
    const known = [...namesIn(schema, keys.slice(0, -1)), ...also];
    const near = nearest(last, known);
    const hint = near === undefined ? `known: ${known.join(", ")}` : `did you mean '${near}'?`;
    return `Unknown ${what} '${last}'; ${hint}`;
  }
  const name = `'${keys.map((key) => shown(String(key))).join(".")}'`;
  if (issue.received === "undefined") return `${capital(what)} ${name} is missing`;
  const expected = issue.message.startsWith("Invalid")
    ? String(issue.expected ?? issue.requirement)
    : issue.message;
  return `${capital(what)} ${name} must be ${expected}`;
}

interface Walkable {
  wrapped?: Walkable;
  item?: Walkable;
  entries?: Record<string, Walkable>;
}

/** The names that a schema knows at a path. */
function namesIn(schema: unknown, path: readonly (string | number)[]): string[] {
  let at = schema as Walkable | undefined;
  for (const key of [...path, undefined]) {
    while (at?.wrapped) at = at.wrapped;
    if (key !== undefined) at = at?.entries?.[key] ?? at?.item;
  }
  return Object.keys(at?.entries ?? {});
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}
