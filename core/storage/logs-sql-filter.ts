/**
 * Selections of log rows as SQL. Every value is bound, none is ever part of the text.
 *
 * @module
 */
import { type Condition, conditionsOf, orderingOf, searchOf } from "./logs-conditions.ts";
import { compareText } from "./logs-match.ts";
import { coveredColumns, type Dialect } from "./logs-sql-schema.ts";
import type { LogField, LogSelection } from "./ports.ts";
import type { SqlValue } from "./sql.ts";

/** SQL with its values, `?1` or `$1` being the first of them. */
export class Query {
  readonly dialect: Dialect;
  /** D1 refuses patterns over 50 bytes. */
  readonly patterns: boolean;
  readonly values: SqlValue[] = [];

  constructor(dialect: Dialect, patterns: boolean) {
    this.dialect = dialect;
    this.patterns = patterns;
  }

  /** The name of a new parameter. */
  bind(value: SqlValue): string {
    this.values.push(value);
    return `${this.dialect === "sqlite" ? "?" : "$"}${this.values.length}`;
  }
}

/** A selection, translated. */
export interface Where {
  /** A condition, `TRUE` where there is none. */
  sql: string;
  /** The condition needs nothing but columns of the index over time. */
  covered: boolean;
  /** Only a part of the time, or a few rows: an index finds them. */
  narrow: boolean;
}

/** What stands for a field, where it is not the column of its name. */
const expressions: Partial<Record<LogField, string>> = {
  event_id: "coalesce(event_id, id)",
  tokens: "coalesce(tokens_in + tokens_out, tokens_in, tokens_out)",
  authentication: "flags & 1",
  wholesale: "(flags >> 1) & 1",
  compatibilityMode: "(flags >> 2) & 1",
  end: "ending",
};

/** A field, as SQL. */
export function columnOf(field: LogField): string {
  return expressions[field] ?? field;
}

const covered: ReadonlySet<string> = new Set([
  ...coveredColumns,
  ...["metadata.key", "metadata.value"],
]);

/** Whether the index over time holds a field. */
export function isCovered(field: LogField): boolean {
  return covered.has(field);
}

/** Translates a selection. */
export function whereOf(query: Query, selection: LogSelection): Where {
  const conditions = conditionsOf(selection);
  const search = searchOf(selection);
  const found = conditions.some(({ key, operator, unknown }) =>
    (key === "id" || key === "event_id") && operator === "eq" && !unknown
  );
  const parts: string[] = [];
  if (selection.gateway !== undefined) {
    // The plus keeps SQLite from walking through a whole gateway where it could look up an id.
    const column = found && query.dialect === "sqlite" ? "+gateway" : "gateway";
    parts.push(`${column} = ${query.bind(selection.gateway)}`);
  }
  for (const condition of conditions) parts.push(conditionSql(query, condition));
  if (search !== undefined) parts.push(contains(query, searched, [search]));
  return {
    sql: parts.length === 0 ? "TRUE" : parts.map((part) => `(${part})`).join(" AND "),
    covered: search === undefined && conditions.every(({ key }) => isCovered(key)),
    narrow: found ||
      conditions.some(({ key, operator }) =>
        key === "created_at" && (operator === "lt" || operator === "gt")
      ),
  };
}

/** All that `search` looks into, a line each. */
const searched =
  "concat_ws('\n', id, coalesce(event_id, id), provider, model, path, user_agent, metadata, error)";

/** `ORDER BY` of a selection. @param table Prefix of the columns. */
export function orderOf(selection: LogSelection, descending: boolean, table = ""): string {
  const ordering = orderingOf(selection, descending);
  const way = ordering.descending ? "DESC" : "ASC";
  const time = `${table}created_at ${way}, ${table}seq ${way}`;
  if (ordering.by === "created_at") return `ORDER BY ${time}`;
  return `ORDER BY ${table}${columnOf(ordering.by)} ${way} NULLS LAST, ${time}`;
}

function conditionSql(query: Query, condition: Condition): string {
  if (condition.operator === "neq") {
    const equal = conditionSql(query, { ...condition, operator: "eq" });
    return `NOT coalesce((${equal}), FALSE)`;
  }
  if (condition.kind === "key") return keySql(query, condition);
  if (condition.kind === "value") return valueSql(query, condition);
  const { key, kind, operator, unknown } = condition;
  const column = columnOf(key);
  const parts: string[] = [];
  if (kind !== "text") parts.push(...compare(query, `(${column})`, operator, condition.numbers));
  else if (operator === "contains") {
    if (condition.texts.length > 0) parts.push(contains(query, column, condition.texts));
  } else if (operator !== "eq" || condition.texts.length === 0) {
    parts.push(...compare(query, column, operator, condition.texts));
  } else if (key === "event_id") parts.push(eventSql(query, condition.texts));
  else {
    const list = oneOf(query, condition.texts);
    if (key === "model") parts.push(modelSql(query, condition.texts, list));
    else parts.push(`${column} ${list}`);
  }
  if (unknown && kind === "text") parts.push(`${column} IS NULL`, `${column} = ''`);
  if (unknown && kind === "number") parts.push(`(${column}) IS NULL`);
  return anyOf(parts);
}

const anyOf = (parts: string[]): string =>
  parts.length === 0 ? "FALSE" : parts.map((part) => `(${part})`).join(" OR ");

/** A model goes by its name without its provider in front, too. */
function modelSql({ dialect }: Query, texts: string[], list: string): string {
  const either = `model ${list} OR substr(model, ${position[dialect]}(model, '/') + 1) ${list}`;
  if (dialect !== "sqlite" || texts.length !== 1 || texts[0] === "") return either;
  // Both end alike, which is quicker to find out. (PostgreSQL would take it for a rare condition.)
  return `substr(model, -length(${list.slice(2)})) ${list} AND (${either})`;
}

/** Where a text is in another, from 1; 0 where it is not. */
const position: Record<Dialect, string> = { sqlite: "instr", postgresql: "strpos" };

/** Through the two indexes that know. */
function eventSql(query: Query, texts: string[]): string {
  const list = oneOf(query, texts);
  return `seq IN (SELECT seq FROM sluice_logs WHERE event_id ${list} UNION ALL ` +
    `SELECT seq FROM sluice_logs WHERE id ${list} AND event_id IS NULL)`;
}

/** Comparisons of a column, none where there are no values. */
function compare(
  query: Query,
  column: string,
  operator: Condition["operator"],
  values: string[] | number[],
): string[] {
  if (values.length === 0 || operator === "contains") return [];
  if (operator === "eq") return [`${column} ${oneOf(query, values)}`];
  // Alternatives: the widest one holds them all.
  const sorted = [...values].sort((a, b) =>
    typeof a === "string" ? compareText(a, String(b)) : a - Number(b)
  );
  const widest = operator === "lt" ? sorted.at(-1)! : sorted[0]!;
  return [`${column} ${operator === "lt" ? "<" : ">"} ${typed(query, widest)}`];
}

/** The right side of an equality. */
function oneOf(query: Query, values: string[] | number[]): string {
  if (values.length === 1) return `= ${typed(query, values[0]!)}`;
  return `IN (SELECT value FROM ${listed(query, values)})`;
}

/** A parameter; PostgreSQL is told what it is, where it could not tell. */
function typed(query: Query, value: string | number): string {
  const name = query.bind(value);
  if (query.dialect === "sqlite") return name;
  return `${name}::${typeof value === "number" ? "float8" : "text"}`;
}

/** Values as rows with a column `value`, in one parameter: D1 takes a hundred of them at most. */
function listed(query: Query, values: string[] | number[]): string {
  const name = query.bind(JSON.stringify(values));
  // By itself it has columns `id` and `path`, as a row of the log does.
  if (query.dialect === "sqlite") return `(SELECT value FROM json_each(${name})) AS list`;
  const type = typeof values[0] === "number" ? "::float8" : ` COLLATE "C"`;
  return `(SELECT text${type} AS value FROM json_array_elements_text(${name}::json) AS text) AS list`;
}

/** Characters of a pattern; SQLite takes 50,000 bytes. */
const longestPattern = 1000;

/** Whether text contains one of some texts in lower case. */
function contains(query: Query, text: string, texts: string[]): string {
  if (query.patterns && texts.length === 1 && texts[0]!.length <= longestPattern) {
    const pattern = `%${texts[0]!.replace(/[\\%_]/g, "\\$&")}%`;
    return `${text} LIKE ${query.bind(pattern)} ESCAPE '\\'`;
  }
  const at = position[query.dialect];
  if (texts.length === 1) return `${at}(lower(${text}), ${typed(query, texts[0]!)}) > 0`;
  return `EXISTS (SELECT 1 FROM ${listed(query, texts)} WHERE ${at}(lower(${text}), value) > 0)`;
}

/** Metadata as rows `m`: its keys, the types and the texts of its values. */
const entries: Record<Dialect, { from: string; key: string; type: string; text: string }> = {
  sqlite: { from: "json_each(metadata) AS m", key: "m.key", type: "m.type", text: "m.value" },
  postgresql: {
    from: "json_each(metadata::json) AS m",
    key: `(m.key COLLATE "C")`,
    type: "json_typeof(m.value)",
    text: `((m.value #>> '{}') COLLATE "C")`,
  },
};

const textType: Record<Dialect, string> = { sqlite: "text", postgresql: "string" };

function keySql(query: Query, { operator, texts, unknown }: Condition): string {
  const { from, key } = entries[query.dialect];
  const parts: string[] = [];
  if (texts.length > 0) {
    const matches = operator === "contains"
      ? contains(query, key, texts)
      : compare(query, key, operator, texts)[0];
    const sieve = operator === "eq" && texts.length === 1
      ? sieveOf(query, `${JSON.stringify(texts[0])}:`)
      : "";
    parts.push(`${sieve}EXISTS (SELECT 1 FROM ${from} WHERE ${matches})`);
  }
  if (unknown) parts.push(`NOT EXISTS (SELECT 1 FROM ${from})`);
  return anyOf(parts);
}

function valueSql(query: Query, condition: Condition): string {
  const { operator, texts, numbers, unknown, entry } = condition;
  const { dialect } = query;
  const { from, key, type, text } = entries[dialect];
  const parts: string[] = [];
  const isEntry = () => entry === undefined ? "" : `${key} = ${typed(query, entry)} AND `;
  const matches: string[] = [];
  if (texts.length > 0) {
    const compared = operator === "contains"
      ? contains(query, text, texts)
      : compare(query, text, operator, texts)[0];
    matches.push(`${type} = '${textType[dialect]}' AND ${compared}`);
  }
  if (numbers.length > 0 && dialect === "sqlite") {
    const compared = compare(query, text, operator, numbers)[0];
    matches.push(`${type} IN ('integer', 'real') AND ${compared}`);
  } else if (numbers.length > 0) {
    // CASE, as the parts of AND are looked at in any order.
    const compared = compare(query, `${text}::float8`, operator, numbers)[0];
    matches.push(`CASE WHEN ${type} = 'number' THEN ${compared} ELSE FALSE END`);
  }
  for (const truth of operator === "eq" ? ["true", "false"] : []) {
    if (!texts.includes(truth)) continue;
    matches.push(
      dialect === "sqlite"
        ? `${type} = '${truth}'`
        : `${type} = 'boolean' AND ${text} = '${truth}'`,
    );
  }
  if (matches.length > 0) {
    const exact = `EXISTS (SELECT 1 FROM ${from} WHERE ${isEntry()}(${anyOf(matches)}))`;
    parts.push(sieved(query, condition, exact));
  }
  if (unknown && entry !== undefined) {
    parts.push(`NOT EXISTS (SELECT 1 FROM ${from} WHERE ${isEntry()}${type} <> 'null')`);
  } else if (unknown) {
    parts.push(`NOT EXISTS (SELECT 1 FROM ${from})`);
    parts.push(`EXISTS (SELECT 1 FROM ${from} WHERE ${type} = 'null')`);
  }
  return anyOf(parts);
}

/**
 * A condition that is looked at only where metadata as text allows for it, and not even then where
 * nothing in it is escaped: all quotes are ends of keys and values there, so an entry that is in the
 * text is an entry.
 */
function sieved(
  query: Query,
  { operator, texts, numbers, entry }: Condition,
  exact: string,
): string {
  const [text] = texts;
  if (operator !== "eq" || texts.length !== 1) return exact;
  const written = JSON.stringify(text);
  if (numbers.length > 0 || text === "true" || text === "false") {
    // A number may be written in another way than its text.
    const same = numbers.length === 0 || String(numbers[0]) === text;
    return same ? `${sieveOf(query, written.slice(1, -1))}${exact}` : exact;
  }
  if (entry === undefined) return `${sieveOf(query, written)}${exact}`;
  const pair = `${JSON.stringify(entry)}:${written}`;
  const sieve = sieveOf(query, pair);
  // Behind the end of a key or a value there may stand what looks like such a name.
  if (/^"[:,}]/.test(pair)) return `${sieve}${exact}`;
  return `${sieve}(${position[query.dialect]}(metadata, '\\') = 0 OR ${exact})`;
}

/** What metadata must contain as text to be worth reading as JSON. */
function sieveOf(query: Query, text: string): string {
  return `${position[query.dialect]}(metadata, ${typed(query, text)}) > 0 AND `;
}
