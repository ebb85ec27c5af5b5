/**
 * What blocks of log rows hold, in short, for SQLite, whose one index over time is of no help where few rows
 * fit: a walk leaves out the blocks that can hold none of them. Rows do not change but for what is said of
 * them later, so a block is read once, in the background, by the process that needs it; nothing is written,
 * and nothing has to be done when rows are. 4.2 KB for 1024 rows.
 *
 * @module
 */
import { type Condition, conditionsOf, lowerCase, searchOf } from "./logs-conditions.ts";
import type { LogSelection } from "./ports.ts";
import type { SqlRow, SqlValue } from "./sql.ts";

/** Rows from one `seq` to another, both included. */
export type Span = [low: number, high: number];

interface Block {
  /** Least and greatest of each number. */
  least: Float64Array;
  greatest: Float64Array;
  /** Bloom filters: of values, and of all three characters that stand in a row. */
  values: Uint32Array;
  trigrams: Uint32Array;
}

/** `seq`s of a block. */
const blockSize = 1024;
/** Newest blocks that are kept. */
const mostBlocks = 8192;
/** Milliseconds between two readings of everything because of metadata that changed. */
const rereading = 600_000;
const valueBits = 16_384;
const trigramBits = 16_384;

const numberColumns = [
  ...["created_at", "status_code", "success", "cached", "cost"],
  ...["duration", "tokens_in", "tokens_out", "step", "tokens"],
];
/** By column; the log calls one of them otherwise. */
const textFields = {
  provider: "provider",
  model: "model",
  model_type: "model_type",
  request_type: "request_type",
  request_content_type: "request_content_type",
  response_content_type: "response_content_type",
  path: "path",
  user_agent: "user_agent",
  key_id: "key_id",
  usage_quality: "usage_quality",
  dlp_action: "dlp_action",
  ending: "end",
};
const columns = [
  ...["seq", "gateway", "metadata", "error", ...Object.keys(textFields)],
  ...numberColumns.filter((name) => name !== "tokens"),
].join(", ");

/** Set in the same transaction as metadata that changes: what is known of it is no longer right. */
export const notePatches: string =
  "CREATE TEMP TRIGGER IF NOT EXISTS sluice_logs_patched AFTER UPDATE OF metadata ON main.sluice_logs " +
  "BEGIN INSERT INTO sluice_schema (name, version) VALUES ('logs-patched', 1) " +
  "ON CONFLICT (name) DO UPDATE SET version = version + 1; END";
const patches = "coalesce((SELECT version FROM sluice_schema WHERE name = 'logs-patched'), 0)";

/** What there is to know of the blocks of one table. */
export class LogBlocks {
  readonly #rows: (sql: string, ...values: SqlValue[]) => Promise<SqlRow[]>;
  readonly #size: number;
  readonly #blocks = new Map<number, Block>();
  /** How often metadata had changed before a block was first read. */
  #patched = -1;
  #readAt = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(
    rows: (sql: string, ...values: SqlValue[]) => Promise<SqlRow[]>,
    size: number = blockSize,
  ) {
    this.#rows = rows;
    this.#size = size;
  }

  /**
   * Where all rows of a selection are, in the order of `seq`; nothing where that is not known to be in at
   * most so many rows.
   */
  async spans(selection: LogSelection, most: number): Promise<Span[] | undefined> {
    if (this.#blocks.size === 0) return undefined;
    const { least, greatest, patched } = await this.#bounds();
    const mayHold = holder(selection, patched === this.#patched);
    if (mayHold === undefined) return undefined;
    const size = this.#size;
    const spans: Span[] = [];
    let unread = 0;
    let rows = 0;
    for (let n = Math.floor(least / size); n * size <= greatest; n++) {
      const block = this.#blocks.get(n);
      if (block === undefined) unread++;
      else if (!mayHold(block)) continue;
      rows += size;
      if (rows > most) break;
      const last = spans.at(-1);
      if (last !== undefined && last[1] + 1 === n * size) last[1] += size;
      else spans.push([n * size, (n + 1) * size - 1]);
    }
    // The last one is being written.
    if (unread > 4 || this.#isOld(patched)) void this.read();
    return rows > most ? undefined : spans;
  }

  /** Reads the blocks that are not known yet, one at a time; settles when all are, and never rejects. */
  read(): Promise<void> {
    return this.#reading ??= this.#read()
      // It is done another time.
      .catch(() => {})
      .finally(() => this.#reading = undefined);
  }

  async #read(): Promise<void> {
    const { least, greatest, patched } = await this.#bounds();
    if (this.#isOld(patched)) {
      this.#blocks.clear();
      this.#patched = patched;
      this.#readAt = performance.now();
    }
    const size = this.#size;
    const full = Math.floor((greatest + 1) / size);
    const first = Math.max(Math.floor(least / size), full - mostBlocks);
    for (const n of this.#blocks.keys()) if (n < first) this.#blocks.delete(n);
    for (let n = full - 1; n >= first; n--) {
      if (this.#blocks.has(n)) continue;
      const sql = `SELECT ${columns} FROM sluice_logs WHERE seq BETWEEN ?1 AND ?2`;
      this.#blocks.set(n, blockOf(await this.#rows(sql, n * size, (n + 1) * size - 1)));
      // Others get their turn in between.
      await new Promise((done) => setTimeout(done, 1));
    }
  }

  #isOld(patched: number): boolean {
    return patched !== this.#patched && performance.now() - this.#readAt > rereading;
  }

  async #bounds(): Promise<{ least: number; greatest: number; patched: number }> {
    const [row] = await this.#rows(
      "SELECT (SELECT min(seq) FROM sluice_logs) AS least, " +
        `(SELECT max(seq) FROM sluice_logs) AS greatest, ${patches} AS patched`,
    );
    const { least, greatest, patched } = row!;
    return {
      least: Number(least ?? 0),
      greatest: Number(greatest ?? -1),
      patched: Number(patched),
    };
  }
}

function blockOf(rows: SqlRow[]): Block {
  const block: Block = {
    least: new Float64Array(numberColumns.length).fill(Infinity),
    greatest: new Float64Array(numberColumns.length).fill(-Infinity),
    values: new Uint32Array(valueBits / 32),
    trigrams: new Uint32Array(trigramBits / 32),
  };
  const trigrams = (text: string) => {
    const folded = lowerCase(text);
    for (let i = 0; i + 3 <= folded.length; i++) set(block.trigrams, trigramPlace(folded, i));
  };
  // Most values are the same in many rows.
  const known = new Map<string, Set<unknown>>();
  /** Notes a value of a field; false if it was noted before. */
  const note = (field: string, value: unknown): boolean => {
    let values = known.get(field);
    if (values === undefined) known.set(field, values = new Set());
    else if (values.has(value)) return false;
    values.add(value);
    for (const bit of valuePlaces(`${field}\n${value}`)) set(block.values, bit);
    return true;
  };
  for (const [i, name] of numberColumns.entries()) {
    let least = Infinity, greatest = -Infinity;
    for (const row of rows) {
      const number = name === "tokens" ? tokensOf(row) : row[name];
      if (typeof number !== "number") continue;
      if (number < least) least = number;
      if (number > greatest) greatest = number;
    }
    block.least[i] = least;
    block.greatest[i] = greatest;
  }
  for (const [column, field] of Object.entries(textFields)) {
    for (const row of rows) {
      const text = row[column];
      if (typeof text !== "string" || !note(field, text)) continue;
      if (field === "model") note(field, text.slice(text.indexOf("/") + 1));
      trigrams(text);
    }
  }
  const seen = new Set<unknown>();
  for (const { gateway, error, metadata } of rows) {
    note("gateway", gateway);
    if (typeof error === "string" && !seen.has(error)) {
      seen.add(error);
      trigrams(error);
    }
    if (typeof metadata !== "string" || seen.has(metadata)) continue;
    seen.add(metadata);
    trigrams(metadata);
    const entries = JSON.parse(metadata) as Record<string, unknown>;
    for (const [name, value] of Object.entries(entries)) {
      note("metadata.key", name);
      // Nothing else is ever found by what it equals.
      if (typeof value !== "object") note("metadata.value", value);
    }
  }
  return block;
}

function tokensOf({ tokens_in, tokens_out }: SqlRow): unknown {
  if (typeof tokens_in !== "number") return tokens_out;
  return typeof tokens_out === "number" ? tokens_in + tokens_out : tokens_in;
}

/**
 * Tells whether a block may hold rows of a selection; nothing where every block may.
 *
 * @param metadata It is what it was when blocks were read.
 */
function holder(
  selection: LogSelection,
  metadata: boolean,
): ((block: Block) => boolean) | undefined {
  const tests = conditionsOf(selection).map((condition) => {
    const { key, kind, operator, unknown } = condition;
    if (unknown || operator === "neq") return undefined;
    if (kind === "key" || kind === "value") return metadata ? entryTest(condition) : undefined;
    return kind === "text"
      ? textTest(condition)
      : numberTest(condition, numberColumns.indexOf(key));
  });
  const search = searchOf(selection);
  // Changed metadata may be what is searched for.
  if (search !== undefined && metadata) tests.push(trigramTest([search]));
  const { gateway } = selection;
  const all = tests.filter((test) => test !== undefined);
  if (all.length === 0) return undefined;
  if (gateway !== undefined) all.push(valueTest([`gateway\n${gateway}`]));
  return (block) => all.every((test) => test(block));
}

type Test = (block: Block) => boolean;

function numberTest({ operator, numbers }: Condition, at: number): Test | undefined {
  if (at < 0) return undefined;
  return ({ least, greatest }) =>
    numbers.some((number) => {
      if (operator === "lt") return least[at]! < number;
      if (operator === "gt") return greatest[at]! > number;
      return least[at]! <= number && number <= greatest[at]!;
    });
}

const textNames: ReadonlySet<string> = new Set(Object.values(textFields));

function textTest({ key, operator, texts }: Condition): Test | undefined {
  if (!textNames.has(key)) return undefined;
  if (operator === "contains") return trigramTest(texts);
  return operator === "eq" ? valueTest(texts.map((text) => `${key}\n${text}`)) : undefined;
}

function entryTest({ key, operator, texts, numbers, entry }: Condition): Test | undefined {
  const named = entry === undefined ? undefined : valueTest([`metadata.key\n${entry}`]);
  // Numbers and booleans are found by their text, as JavaScript writes it.
  const value = operator === "contains"
    ? trigramTest(texts)
    : operator === "eq"
    ? valueTest([...texts, ...numbers].map((each) => `${key}\n${each}`))
    : undefined;
  if (named === undefined || value === undefined) return named ?? value;
  return (block) => named(block) && value(block);
}

/** Whether one of some values may be there. */
function valueTest(values: string[]): Test {
  const places = values.map(valuePlaces);
  return (block) => places.some((bits) => bits.every((bit) => has(block.values, bit)));
}

/** Whether one of some texts in lower case may be part of something. */
function trigramTest(texts: string[]): Test | undefined {
  const places = texts.map((text) =>
    Array.from({ length: Math.max(0, text.length - 2) }, (_, i) => i)
      .filter((i) => tells(text.slice(i, i + 3))).map((i) => trigramPlace(text, i))
  );
  if (places.some((bits) => bits.length === 0)) return undefined;
  return (block) => places.some((bits) => bits.every((bit) => has(block.trigrams, bit)));
}

/** False for what ids are made of, which no block has noted, and for what JSON may write otherwise. */
function tells(trigram: string): boolean {
  // deno-lint-ignore no-control-regex -- a search may have them
  return !/^[0-9a-f-]{3}$|["\\\0-\x1f\x7f]/.test(trigram);
}

/** Where the three characters from a place on are noted. */
function trigramPlace(text: string, at: number): number {
  const units = Math.imul(text.charCodeAt(at), 0x01000193) ^ text.charCodeAt(at + 1);
  const state = Math.imul(Math.imul(units, 0x01000193) ^ text.charCodeAt(at + 2), 0x85ebca6b);
  return (state ^ (state >>> 15)) & (trigramBits - 1);
}

/** Three places: FNV-1a over UTF-16 units, stirred, as its low bits alone say little. */
function valuePlaces(text: string): number[] {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  state = Math.imul(state ^ (state >>> 15), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return [state, state >>> 9, state >>> 18 ^ state].map((bits) => bits & (valueBits - 1));
}

function set(bits: Uint32Array, at: number): void {
  bits[at >>> 5]! |= 1 << (at & 31);
}

function has(bits: Uint32Array, at: number): boolean {
  return (bits[at >>> 5]! >>> (at & 31) & 1) === 1;
}
