/**
 * Which rows: filters, text, time and order, as they stand in the address (`f=cost.gt.0.1`, values apart by
 * `|`), and as the API is asked for them.
 */
import { type Range, rangeFrom, ranges } from "../../range.ts";

export type Operator = "eq" | "neq" | "contains" | "lt" | "gt";

export interface Filter {
  key: string;
  operator: Operator;
  values: string[];
}

export interface Query extends Range {
  filters: Filter[];
  search: string;
  /** Empty: the latest first. */
  order: string;
  direction: "asc" | "desc";
}

const shape = /^(metadata\.(?:key|value)|\w+)\.(eq|neq|contains|lt|gt)\.([^]*)$/;

export function queryFrom(params: URLSearchParams): Query {
  return {
    filters: params.getAll("f").flatMap((text): Filter[] => {
      const [, key = "", operator, value = ""] = shape.exec(text) ?? [];
      if (operator === undefined) return [];
      const values = value.split("|").map((one) =>
        one.replaceAll("%7C", "|").replaceAll("%25", "%")
      );
      return [{ key, operator: operator as Operator, values }];
    }),
    search: params.get("q") ?? "",
    ...rangeFrom(params),
    order: params.get("order") ?? "",
    direction: params.get("dir") === "asc" ? "asc" : "desc",
  };
}

/** The query of the page's address; empty, or begins with a question mark. */
export function addressOf({ filters, search, range, from, to, order, direction }: Query): string {
  const params = new URLSearchParams();
  for (const { key, operator, values } of filters) {
    const text = values.map((one) => one.replaceAll("%", "%25").replaceAll("|", "%7C")).join("|");
    params.append("f", `${key}.${operator}.${text}`);
  }
  const plain = {
    q: search,
    range,
    from,
    to,
    order,
    dir: order && direction === "asc" ? "asc" : "",
  };
  for (const [name, value] of Object.entries(plain)) if (value) params.set(name, value);
  const text = params.toString();
  return text && `?${text}`;
}

/** True where new rows may appear at the top. */
export const isOpen = ({ order, to }: Query): boolean => order === "" && to === "";

/** True where rows are left out. */
export const isNarrowed = (query: Query): boolean =>
  query.filters.length > 0 || query.search !== "" || query.range !== "" || query.from !== "" ||
  query.to !== "";

/** Parameters of the API; `more` are filters besides. */
export function apiQuery(query: Query, more: readonly Filter[] = []): URLSearchParams {
  const time = (operator: Operator, value: string): Filter[] =>
    value === "" ? [] : [{ key: "created_at", operator, values: [value] }];
  const since = query.range === ""
    ? query.from
    : new Date(Date.now() - ranges[query.range] * 60_000).toISOString();
  const filters = [...query.filters, ...time("gt", since), ...time("lt", query.to), ...more];
  const params = new URLSearchParams();
  if (filters.length > 0) {
    params.set(
      "filters",
      JSON.stringify(
        filters.map(({ key, operator, values }) => ({ key, operator, value: values })),
      ),
    );
  }
  if (query.search !== "") params.set("search", query.search);
  if (query.order !== "") {
    params.set("order_by", query.order);
    params.set("order_by_direction", query.direction);
  }
  return params;
}

/** What a filter is of: a single one, or a metadata key with the value right behind it. */
export interface Chip {
  at: number;
  count: 1 | 2;
  key: string;
  operator: Operator;
  values: string[];
}

export function chipsOf(filters: readonly Filter[]): Chip[] {
  const chips: Chip[] = [];
  for (let at = 0; at < filters.length; at++) {
    const { key, operator, values } = filters[at]!;
    const next = filters[at + 1];
    const isPair = key === "metadata.key" && operator === "eq" && next?.key === "metadata.value";
    if (isPair) {
      const name = `metadata.${values[0]}`;
      chips.push({ at, count: 2, key: name, operator: next.operator, values: next.values });
      at++;
    } else chips.push({ at, count: 1, key, operator, values });
  }
  return chips;
}
