/**
 * Filters of log rows in a query. Cloudflare declares `filters` as an array of `{key, operator, value[]}`
 * and not how it is written (spec 14.3), so every way that a client is known to write it is read:
 *
 * - `filters.key=cached&filters.operator=eq&filters.value=true&filters.key=...`: Cloudflare's SDKs for
 *   JavaScript and Python; the one for Go, and with it Terraform, sends all keys first, then all
 *   operators, then all values;
 * - `filters[0][key]=...`, `filters[][key]=...`, and with dots instead of brackets;
 * - JSON: one array, one object, or an object for each `filters`, `filters[]` or `filters[0]`.
 *
 * A filter that cannot be understood is an error and never left out: deletions go by filters.
 *
 * @module
 */
import { nearest, shown } from "../nearest.ts";
import { type FieldKind, fieldKinds } from "../storage/logs-conditions.ts";
import { type LogField, logFields, type LogFilter } from "../storage/ports.ts";
import { ApiError, invalid } from "./answer.ts";

/** Most filters of one request, and most values of one filter. */
const mostFilters = 50, mostValues = 200;

const operators: readonly string[] = ["eq", "neq", "contains", "lt", "gt"];

/** Fields without fractions: stores may have none there. */
const integers: ReadonlySet<LogField> = new Set(
  ["tokens", "tokens_in", "tokens_out", "feedback", "status_code", "step"] as const,
);

type Kind = FieldKind | "integer" | "time";

function kindOf(key: LogField): Kind {
  return key === "created_at" ? "time" : integers.has(key) ? "integer" : fieldKinds[key];
}

/** A filter before it is checked. */
interface Raw {
  key?: unknown;
  operator?: unknown;
  value?: unknown;
}

type Member = "key" | "operator" | "value";

const filterName =
  /^filters(?:\[(\d*)\]|\.(\d+)(?=\.|$))?(?:\[(key|operator|value)\]|\.(key|operator|value))?(?:\[\d*\]|\.\d+)?$/;

/** All filters of a query, checked, their values in the type of their field. */
export function filtersOf(query: URLSearchParams): LogFilter[] {
  const numbered = new Map<string, Raw>();
  const listed: [Member, string][] = [];
  const whole: unknown[] = [];
  for (const [name, text] of query) {
    if (!/^filters|^filter(?:$|[.[])/.test(name)) continue;
    const [, bracketed, dotted, ...members] = filterName.exec(name) ?? refuse(name);
    const member = (members[0] ?? members[1]) as Member | undefined;
    const index = bracketed ?? dotted ?? "";
    if (member === undefined) whole.push(...fromJson(text));
    else if (index === "") listed.push([member, text]);
    else {
      const raw = numbered.get(index) ?? {};
      numbered.set(index, raw);
      add(raw, member, text);
    }
  }
  const inOrder = [...numbered].sort(([a], [b]) => Number(a) - Number(b)).map(([, raw]) => raw);
  const raws = [...grouped(listed), ...inOrder, ...whole];
  if (raws.length > mostFilters) throw wrong(`at most ${mostFilters} filters can be combined`);
  return raws.map(checked);
}

/** Filters in a body: the same rules, as `{key, operator, value[]}`. */
export function filtersOfBody(raws: readonly unknown[]): LogFilter[] {
  try {
    if (raws.length > mostFilters) throw wrong(`at most ${mostFilters} filters can be combined`);
    return raws.map(checked);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const inBody = error.problems.map(({ path = [], ...rest }) => ({
      ...rest,
      path: ["body", ...path.slice(1)],
    }));
    throw new ApiError(error.status, inBody);
  }
}

function refuse(name: string): never {
  throw invalid(
    ["query", shown(name)],
    `Parameter '${shown(name)}' is not a way to write 'filters'`,
  );
}

function fromJson(text: string): unknown[] {
  try {
    return [JSON.parse(text) as unknown].flat();
  } catch {
    throw wrong("JSON was expected: an array of {key, operator, value}");
  }
}

/** Values add up, the other members are there once. */
function add(raw: Raw, member: Member, text: string): void {
  if (member === "value") raw.value = [...(raw.value as unknown[] | undefined) ?? [], text];
  else raw[member] = text;
}

/** Cuts a list of members into filters: a new one begins where a member would be there twice. */
function grouped(listed: readonly [Member, string][]): Raw[] {
  const shape = listed.map(([member]) => member[0]).join("");
  if (/^k{2,}o{2,}v+$/.test(shape)) return byColumn(listed);
  const raws: Raw[] = [];
  let last: Member | undefined;
  for (const [member, text] of listed) {
    const current = raws.at(-1);
    const again = current?.[member] !== undefined && !(member === "value" && last === "value");
    const raw = current === undefined || again ? {} : current;
    if (raw !== current) raws.push(raw);
    add(raw, member, text);
    last = member;
  }
  return raws;
}

/** One value each, or it cannot be told whose they are. */
function byColumn(listed: readonly [Member, string][]): Raw[] {
  const column = (of: Member) => listed.flatMap(([member, text]) => member === of ? [text] : []);
  const [keys, ops, values] = [column("key"), column("operator"), column("value")];
  if (ops.length !== keys.length || values.length !== keys.length) {
    throw wrong("it cannot be told which values belong to which key; write them as JSON");
  }
  return keys.map((key, i) => ({ key, operator: ops[i], value: [values[i]] }));
}

function checked(raw: unknown, i: number): LogFilter {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    throw wrong("an object of key, operator and value was expected", i);
  }
  const { key, operator, value } = raw as Raw;
  if (typeof key !== "string") throw wrong("'key' is missing", i, "key");
  const field = logFields.find((name) => name === key);
  if (field === undefined) {
    const near = nearest(key, logFields);
    const hint = near === undefined ? `known: ${logFields.join(", ")}` : `did you mean '${near}'?`;
    throw wrong(`unknown key '${shown(key)}'; ${hint}`, i, "key");
  }
  if (typeof operator !== "string" || !operators.includes(operator)) {
    throw wrong(`'operator' must be one of ${operators.join(", ")}`, i, "operator");
  }
  const values = value === undefined ? [] : [value].flat();
  if (values.length === 0 || values.length > mostValues) {
    throw wrong(`'value' must be a list of 1 to ${mostValues} values`, i, "value");
  }
  return filter(field, operator as LogFilter["operator"], values, i);
}

/** Turns values into the type of the field. */
function filter(
  key: LogField,
  operator: LogFilter["operator"],
  values: readonly unknown[],
  i: number,
): LogFilter {
  const kind = kindOf(key);
  const textual = kind === "text" || kind === "key" || kind === "value";
  if (operator === "contains" && !textual) {
    throw wrong(`'contains' is for text, and '${key}' is none`, i, "operator");
  }
  if ((operator === "lt" || operator === "gt") && kind === "boolean") {
    throw wrong(`'${operator}' is for numbers and text, and '${key}' is neither`, i, "operator");
  }
  const value = values.flatMap((each) => {
    const found = typed(kind, each, operator);
    if (found === undefined) {
      const what = typeof each === "object" && each !== null
        ? "an object"
        : `'${shown(`${each}`)}'`;
      throw wrong(`'${key}' cannot be compared with ${what}`, i, "value");
    }
    return found;
  });
  return { key, operator, value };
}

/** A value, or the values that it may mean; nothing when it is none for the field. */
function typed(
  kind: Kind,
  value: unknown,
  operator: LogFilter["operator"],
): LogFilter["value"] | undefined {
  // SDKs write null as nothing at all.
  if (value === null || value === "") {
    if (operator === "contains") return value === "" ? [""] : undefined;
    if (operator !== "eq" && operator !== "neq") return undefined;
    return kind === "value" && value === "" ? ["", null] : [null];
  }
  if (typeof value === "number" && !Number.isFinite(value)) return undefined;
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
    return undefined;
  }
  const text = String(value);
  switch (kind) {
    case "boolean":
      if (text === "true" || text === "1") return [true];
      return text === "false" || text === "0" ? [false] : undefined;
    case "number":
      return numeric(text) ? [Number(text)] : undefined;
    case "integer": {
      if (!numeric(text)) return undefined;
      const n = Number(text);
      if (Number.isInteger(n)) return [n];
      return operator === "gt" ? [Math.floor(n)] : operator === "lt" ? [Math.ceil(n)] : undefined;
    }
    case "time": {
      const at = timeOf(text);
      return at === undefined ? undefined : [at];
    }
    case "value":
      return [value];
    default:
      return [text];
  }
}

function numeric(text: string): boolean {
  return /^-?(?:\d{1,15}(?:\.\d{1,20})?|\.\d{1,20})(?:e-?\d{1,2})?$/i.test(text);
}

/** Milliseconds since 1970, from RFC 3339 or from themselves. */
function timeOf(text: string): number | undefined {
  if (/^\d{9,15}$/.test(text)) return Number(text);
  if (!/^\d{4}-\d\d(?:-\d\d|$)/.test(text)) return undefined;
  // A plus sign that was not encoded is a space.
  const at = Date.parse(text.replace(/ (?=\d\d:?\d\d$)/, text.includes("T") ? "+" : " "));
  return Number.isNaN(at) ? undefined : at;
}

function wrong(what: string, i?: number, member?: Member): ApiError {
  const path: (string | number)[] = ["query", "filters"];
  if (i !== undefined) path.push(i);
  if (member !== undefined) path.push(member);
  return invalid(path, i === undefined ? `Filters: ${what}` : `Filter ${i + 1}: ${what}`);
}

/** The parameters that came before filters: `min_cost=0.1`, `success=true`, ... (spec 14.3). */
export function oldFiltersOf(query: URLSearchParams): LogFilter[] {
  const found: LogFilter[] = [];
  const add = (name: string, key: LogField, operator: LogFilter["operator"], text: string) => {
    const kind = kindOf(key);
    const value = text === "" ? undefined : typed(kind, text, operator);
    if (value === undefined) {
      throw invalid(["query", name], `Parameter '${name}' must be ${expected[kind] ?? "text"}`);
    }
    found.push({ key, operator, value: value.map((each) => within(kind, each, operator)) });
  };
  for (const name of equalities) {
    const text = query.get(name);
    // This one knows no other thumb down.
    if (text !== null) add(name, name, "eq", name === "feedback" && text === "0" ? "-1" : text);
  }
  for (const [name, key, operator] of bounds) {
    const text = query.get(name);
    if (text !== null) add(name, key, operator, text);
  }
  return found;
}

const expected: { readonly [Of in Kind]?: string } = {
  time: "a date and time, as 2026-01-31T12:00:00Z",
  boolean: "true or false",
  number: "a number",
  integer: "a whole number",
};
const equalities = [
  ...["cached", "success", "feedback", "model", "model_type", "provider"] as const,
  ...["request_content_type", "response_content_type"] as const,
];
const bounds: readonly (readonly [string, LogField, "gt" | "lt"])[] = [
  ["start_date", "created_at", "gt"],
  ["end_date", "created_at", "lt"],
  ...([
    ["cost", "cost"],
    ["duration", "duration"],
    ["tokens_in", "tokens_in"],
    ["tokens_out", "tokens_out"],
    ["total_tokens", "tokens"],
  ] as const).flatMap(([name, key]) =>
    [[`min_${name}`, key, "gt"], [`max_${name}`, key, "lt"]] as const
  ),
];

/** The bounds count as within, `gt` and `lt` do not: so they move by less than any figure is exact to. */
function within(
  kind: Kind,
  value: LogFilter["value"][number],
  operator: LogFilter["operator"],
): LogFilter["value"][number] {
  if (typeof value !== "number" || (operator !== "gt" && operator !== "lt")) return value;
  const slack = kind === "number" ? Math.max(Math.abs(value) * Number.EPSILON, 1e-12) : 1;
  return operator === "gt" ? value - slack : value + slack;
}
