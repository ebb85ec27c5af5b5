/**
 * What a selection of log rows means, worked out once for every store: which fields there are, what
 * values are compared as, and in which order rows come.
 *
 * @module
 */
import { InputError } from "./key.ts";
import type { LogField, LogFilter, LogOrder, LogSelection } from "./ports.ts";

/** What a field is compared as. Booleans are 0 and 1. */
export type FieldKind = "text" | "number" | "boolean" | "key" | "value";

/** Kinds of all fields; `key` and `value` are those of metadata. */
export const fieldKinds: Readonly<Record<LogField, FieldKind>> = {
  "id": "text",
  "created_at": "number",
  "request_content_type": "text",
  "response_content_type": "text",
  "request_type": "text",
  "success": "boolean",
  "cached": "boolean",
  "provider": "text",
  "model": "text",
  "model_type": "text",
  "cost": "number",
  "tokens": "number",
  "tokens_in": "number",
  "tokens_out": "number",
  "duration": "number",
  "feedback": "number",
  "event_id": "text",
  "metadata.key": "key",
  "metadata.value": "value",
  "authentication": "boolean",
  "wholesale": "boolean",
  "compatibilityMode": "boolean",
  "dlp_action": "text",
  "user_agent": "text",
  "status_code": "number",
  "step": "number",
  "path": "text",
  "key_id": "text",
  "end": "text",
  "usage_quality": "text",
};

/** A filter with its values in the types that stores compare. */
export interface Condition {
  key: LogField;
  kind: FieldKind;
  operator: LogFilter["operator"];
  /** What text is compared with; in ASCII lower case when the operator is `contains`. */
  texts: string[];
  /** What numbers and booleans are compared with. */
  numbers: number[];
  /** `null` was among the values: also what is not known. */
  unknown: boolean;
  /** Of `metadata.value`: only the value of this entry. */
  entry: string | undefined;
}

/**
 * Conditions of a selection. A value that its field cannot have matches nothing; a field or an operator
 * that does not exist is an {@link InputError}.
 *
 * - Text is compared in the order of its UTF-8 bytes; `contains` ignores the case of ASCII letters.
 * - `null` is text that is absent or empty, a number that is not known, metadata without the entry.
 * - `neq` is exactly what `eq` is not. `contains` is for text; `lt` and `gt` are not for booleans.
 * - A `metadata.value` right behind a `metadata.key` that equals one name is that entry's value.
 *   Numbers and booleans in metadata equal their text as well; `lt` and `gt` compare with the
 *   numbers there if the value is one, else with the texts; `contains` looks into texts only.
 */
export function conditionsOf({ filters = [] }: LogSelection): Condition[] {
  return filters.map((filter, i) => {
    const before = filters[i - 1];
    const named = filter.key === "metadata.value" && before?.key === "metadata.key" &&
      before.operator === "eq" && before.value.length === 1 && before.value[0] !== null;
    return condition(filter, named ? cleanText(String(before.value[0])) : undefined);
  });
}

const operators: readonly string[] = ["eq", "neq", "contains", "lt", "gt"];

function condition({ key, operator, value }: LogFilter, entry: string | undefined): Condition {
  if (!Object.hasOwn(fieldKinds, key)) throw new InputError(`Log rows have no field '${key}'`);
  if (!operators.includes(operator)) throw new InputError(`Filters have no operator '${operator}'`);
  const kind = fieldKinds[key];
  const known = value.filter((each) => each !== null);
  const found: Condition = {
    key,
    kind,
    operator,
    texts: [],
    numbers: [],
    unknown: value.length > known.length && (operator === "eq" || operator === "neq"),
    entry,
  };
  const compares = operator === "lt" || operator === "gt";
  if (kind === "boolean") {
    if (!compares && operator !== "contains") found.numbers = known.flatMap(truthOf);
  } else if (kind === "number") {
    if (operator !== "contains") found.numbers = known.flatMap((each) => numbersOf(key, each));
  } else {
    if (kind === "value" && operator !== "contains") {
      found.numbers = known.flatMap((each) => numbersOf(key, each));
    }
    const others = kind === "value" && compares
      ? known.filter((each) => numbersOf(key, each).length === 0)
      : known;
    found.texts = others.map((each) => cleanText(String(each)));
    if (operator === "contains") found.texts = found.texts.map(lowerCase);
  }
  return found;
}

function truthOf(value: string | number | boolean): number[] {
  const text = String(value).toLowerCase();
  return text === "true" || text === "1" ? [1] : text === "false" || text === "0" ? [0] : [];
}

function numbersOf(key: LogField, value: string | number | boolean): number[] {
  if (typeof value === "boolean") return [];
  const text = String(value).trim();
  let number = text === "" ? NaN : Number(text);
  if (key === "created_at" && Number.isNaN(number)) number = Date.parse(text);
  // Thumbs down was 0 once.
  if (key === "feedback" && number === 0) number = -1;
  return Number.isFinite(number) ? [number] : [];
}

/** Text as every store can keep it: SQLite ends text at a NUL here and there, PostgreSQL refuses it. */
export function cleanText(text: string): string {
  return (text.includes("\0") ? text.replaceAll("\0", "\ufffd") : text).toWellFormed();
}

/** ASCII letters in lower case: the folding that all stores have alike. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** What `search` looks for, or nothing. */
export function searchOf({ search }: LogSelection): string | undefined {
  return search === undefined || search === "" ? undefined : lowerCase(cleanText(search));
}

/** Metadata as it is stored and searched; null when there is none. */
export function metadataText(
  metadata: Readonly<Record<string, unknown>> | null | undefined,
): string | null {
  if (metadata === null || metadata === undefined) return null;
  const text = JSON.stringify(metadata);
  if (!/\\u(?:0000|d[89a-f])/.test(text)) return text;
  const cleaned = Object.entries(metadata).map(([name, value]) => [
    cleanText(name),
    typeof value === "string" ? cleanText(value) : value,
  ]);
  return JSON.stringify(Object.fromEntries(cleaned));
}

/** How rows are sorted: by a field, then by time, then by arrival, all in one direction. */
export interface Ordering {
  by: LogOrder;
  descending: boolean;
}

const orders: ReadonlySet<LogOrder> = new Set(
  [
    ...["created_at", "provider", "model", "model_type", "success", "cached"] as const,
    ...["cost", "tokens_in", "tokens_out", "duration", "feedback"] as const,
  ],
);

/**
 * The order of a selection; an {@link InputError} where rows cannot be sorted by its field.
 *
 * @param descending Unless the selection has a direction.
 */
export function orderingOf(selection: LogSelection, descending: boolean): Ordering {
  const { order_by: by = "created_at", direction } = selection;
  if (!orders.has(by)) throw new InputError(`Log rows cannot be sorted by '${by}'`);
  return { by, descending: direction === undefined ? descending : direction === "desc" };
}
