/**
 * Selections of log rows for stores that have no query language of their own.
 *
 * @module
 */
import type { LogRow } from "../log/row.ts";
import {
  cleanText,
  type Condition,
  conditionsOf,
  lowerCase,
  metadataText,
  orderingOf,
  searchOf,
} from "./logs-conditions.ts";
import { InputError } from "./key.ts";
import type {
  LogExtremes,
  LogField,
  LogOrder,
  LogPage,
  LogSelection,
  LogSums,
  LogWalk,
} from "./ports.ts";

/** A row and its place in the order of arrival. */
export interface Arrived {
  row: LogRow;
  arrival: number;
}

/** Tells whether a row is selected. */
export function matcherOf(selection: LogSelection): (row: LogRow) => boolean {
  const { gateway } = selection;
  const conditions = conditionsOf(selection);
  const search = searchOf(selection);
  return (row) =>
    (gateway === undefined || row.gateway === gateway) &&
    conditions.every((condition) => matches(row, condition)) &&
    (search === undefined || found(row, search));
}

function found(row: LogRow, search: string): boolean {
  const { id, event_id, provider, model, path, user_agent, metadata, error } = row;
  const texts = [id, event_id, provider, model, path, user_agent, metadataText(metadata)];
  const all = [...texts, error?.message].filter((text) => typeof text === "string").join("\n");
  return lowerCase(cleanText(all)).includes(search);
}

function matches(row: LogRow, condition: Condition): boolean {
  const { key, kind, operator } = condition;
  if (operator === "neq") return !matches(row, { ...condition, operator: "eq" });
  if (kind === "key") return keyMatches(row, condition);
  if (kind === "value") return valueMatches(row, condition);
  const value = read(row, key as PlainField);
  if (value === null || value === "") {
    return condition.unknown || (value === "" && compare(value, condition));
  }
  if (key === "model" && operator === "eq") {
    // What a model is called without its provider in front.
    const name = String(value);
    return compare(name, condition) || compare(name.slice(name.indexOf("/") + 1), condition);
  }
  return compare(value, condition);
}

function keyMatches({ metadata }: LogRow, condition: Condition): boolean {
  const keys = Object.keys(metadata ?? {});
  return (condition.unknown && keys.length === 0) ||
    keys.some((key) => compare(cleanText(key), condition));
}

function valueMatches({ metadata }: LogRow, condition: Condition): boolean {
  const { entry, unknown } = condition;
  const entries = Object.entries(metadata ?? {});
  const values = entries
    .filter(([name]) => entry === undefined || cleanText(name) === entry)
    .map(([, value]) => typeof value === "number" && !Number.isFinite(value) ? null : value);
  return (unknown && (values.length === 0 || values.includes(null))) || values.some((value) => {
    if (value === null) return false;
    if (typeof value !== "boolean") {
      return compare(typeof value === "string" ? cleanText(value) : value, condition);
    }
    return condition.operator === "eq" && condition.texts.includes(String(value));
  });
}

/** Text with text, numbers with numbers. */
function compare(value: string | number, { operator, texts, numbers }: Condition): boolean {
  if (typeof value === "number") {
    if (operator === "eq") return numbers.includes(value);
    if (operator === "contains") return false;
    return numbers.some((number) => operator === "lt" ? value < number : value > number);
  }
  if (operator === "eq") return texts.includes(value);
  if (operator === "contains") {
    const folded = lowerCase(value);
    return texts.some((text) => folded.includes(text));
  }
  const sign = operator === "lt" ? -1 : 1;
  return texts.some((text) => compareText(value, text) * sign > 0);
}

type PlainField = Exclude<LogField, "metadata.key" | "metadata.value">;

/** A field as it is compared; null where nothing is known. */
function read(row: LogRow, field: PlainField): string | number | null {
  const value = field === "tokens" ? tokensOf(row) : row[field];
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "string") return cleanText(value);
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function tokensOf({ tokens_in, tokens_out }: LogRow): number | null {
  if (tokens_in === null && tokens_out === null) return null;
  return (tokens_in ?? 0) + (tokens_out ?? 0);
}

/** Compares text as its UTF-8 bytes compare: by code points, not by UTF-16 units. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i), right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for what is beyond all other units. */
const rank = (unit: number): number =>
  unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;

/** Sorts in place, as a selection says. @param descending Unless the selection has a direction. */
export function sortRows<T extends Arrived>(
  rows: T[],
  selection: LogSelection,
  descending: boolean,
): T[] {
  const ordering = orderingOf(selection, descending);
  const sign = ordering.descending ? -1 : 1;
  const value = ({ row }: Arrived) => read(row, ordering.by as LogOrder & PlainField);
  return rows.sort((a, b) => {
    const left = value(a), right = value(b);
    if (left !== right) {
      if (left === null) return 1;
      if (right === null) return -1;
      const order = typeof left === "string"
        ? compareText(left, String(right))
        : left - Number(right);
      if (order !== 0) return order * sign;
    }
    return (a.row.created_at - b.row.created_at || a.arrival - b.arrival) * sign;
  });
}

/** Where a walk goes on: behind a row, which may be gone if the time is known that it was made at. */
export function placeOf(after: string): { id: string; time: number | undefined } {
  const [, time, id] = /^(-?\d{1,16}(?:\.\d{1,20})?):(.*)$/s.exec(after) ?? [];
  return id === undefined ? { id: after, time: undefined } : { id, time: Number(time) };
}

/** What {@link placeOf} reads. */
export function placeText({ created_at, id }: { created_at: number; id: string }): string {
  return `${created_at}:${id}`;
}

/** There is no row to go on behind. */
export function noPlace(after: string): InputError {
  return new InputError(`The log has no row '${after.slice(0, 100)}' to go on behind`);
}

/** All rows of the gateway that a selection is about. */
export function ofGateway({ gateway }: LogSelection): LogSelection {
  return gateway === undefined ? {} : { gateway };
}

/** A page of rows, as a log's `walk` gives it. @param rows All of the gateway, in no order. */
export function walkRows<T extends Arrived>(
  rows: T[],
  selection: LogSelection,
  { after, limit }: LogWalk,
): LogPage {
  const order = { direction: selection.direction ?? "desc" } as const;
  const sorted = sortRows(rows, order, true);
  let from = 0;
  if (after !== undefined) {
    const { id, time } = placeOf(after);
    from = sorted.findIndex(({ row }) => row.id === id) + 1;
    if (from === 0) {
      if (time === undefined) throw noPlace(after);
      const reached = order.direction === "desc"
        ? ({ row }: T) => row.created_at <= time
        : ({ row }: T) => row.created_at >= time;
      from = sorted.findIndex(reached);
      if (from < 0) return { rows: [], next: null };
    }
  }
  const matches = matcherOf(selection);
  const found: LogRow[] = [];
  for (; from < sorted.length && found.length < limit; from++) {
    if (matches(sorted[from]!.row)) found.push(structuredClone(sorted[from]!.row));
  }
  return { rows: found, next: from < sorted.length ? placeText(sorted[from - 1]!.row) : null };
}

/** Extremes of rows. */
export function extremesOf(rows: Iterable<LogRow>): LogExtremes {
  const found: LogExtremes = {
    min_cost: null,
    max_cost: null,
    min_duration: null,
    max_duration: null,
    min_tokens_in: null,
    max_tokens_in: null,
    min_tokens_out: null,
    max_tokens_out: null,
    min_total_tokens: null,
    max_total_tokens: null,
  };
  for (const row of rows) {
    for (const [name, field] of figures) {
      const value = read(row, field);
      if (typeof value !== "number") continue;
      const min = `min_${name}` as const, max = `max_${name}` as const;
      found[min] = Math.min(found[min] ?? value, value);
      found[max] = Math.max(found[max] ?? value, value);
    }
  }
  return found;
}

/** Sums of the rows that are in any of some selections. */
export function sumsOf(rows: Iterable<LogRow>, selections: readonly LogSelection[]): LogSums {
  const matchers = selections.map(matcherOf);
  const sums: LogSums = {
    rows: 0,
    cost: 0,
    costs: 0,
    duration: 0,
    durations: 0,
    likes: 0,
    feedbacks: 0,
  };
  for (const row of rows) {
    if (!matchers.some((matches) => matches(row))) continue;
    sums.rows++;
    const cost = read(row, "cost"), duration = read(row, "duration");
    if (typeof cost === "number") {
      sums.cost += cost;
      sums.costs++;
    }
    if (typeof duration === "number") {
      sums.duration += duration;
      sums.durations++;
    }
    if (row.feedback === 1) sums.likes++;
    if (row.feedback !== null) sums.feedbacks++;
  }
  return sums;
}

/** What there are extremes of, and the field it is. */
export const figures: readonly (readonly [
  "cost" | "duration" | "tokens_in" | "tokens_out" | "total_tokens",
  "cost" | "duration" | "tokens_in" | "tokens_out" | "tokens",
])[] = [
  ["cost", "cost"],
  ["duration", "duration"],
  ["tokens_in", "tokens_in"],
  ["tokens_out", "tokens_out"],
  ["total_tokens", "tokens"],
];
