/**
 * The rows that a query selects, as a list that is loaded where it is looked at, with what arrives on top.
 * A page is asked for behind the last row of the one before, which costs the same wherever it is; by its
 * number only where somebody jumped.
 *
 * Places in the list hold still while rows arrive: the list is of rows up to the newest one at its
 * beginning, and later ones stand in front of it.
 */
import { ApiFailure, type Envelope, soon } from "../../api.ts";
import { type Soon, then } from "../../early.ts";
import { Live, type LiveState } from "./live.ts";
import { apiQuery, type Filter, isOpen, type Query } from "./query.ts";
import { logsPath, type Row } from "./row.ts";

/** Rows of a page; by number, the API has no larger ones. */
const pageSize = 50;
/** Pages that are kept: the ones looked at last. */
const mostPages = 400;
/** Rows on top of the list after which it is begun anew. */
const mostLive = 500;

type Page = { rows: Row[] } | "loading";

export class Rows {
  /** Rows of the list, without {@link fresh}; nothing until the first page is there. */
  total: number | undefined;
  /** There are more than could be counted. */
  isCapped = false;
  error: unknown;
  /** Rows that came since, the latest first. */
  fresh: Row[] = [];
  /** Rows that wait to be shown. */
  pending: Row[] = [];
  live: LiveState = "off";
  isPaused = false;
  /** The reader is at the top, and sees rows as they arrive. */
  isFollowing = true;
  readonly #gateway: string;
  readonly #query: Query;
  readonly #pages = new Map<number, Page>();
  readonly #known = new Set<string>();
  readonly #stop = new AbortController();
  readonly #told: () => void;
  #bound: Filter[] = [];
  #live: Live | undefined;
  #frame = 0;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #flushedAt = 0;
  #fixed: URLSearchParams | undefined;
  #retries = 0;
  /** The last row of all is loaded: there is nothing to be counted. */
  #isEndKnown = false;
  #counted: Soon<void> = undefined;
  /** The store has no pages behind a row. */
  #isNumbered = false;

  /** @param told Called, once a frame at most, when anything is different. */
  constructor(gateway: string, query: Query, told: () => void) {
    this.#gateway = gateway;
    this.#query = query;
    this.#told = told;
    void this.#begin();
    cancelAnimationFrame(this.#frame); // whoever makes it is about to draw it
  }

  /** Rows in all, as far as is known. */
  get length(): number {
    return this.fresh.length + (this.total ?? 0);
  }

  /** The row at a place, if it is loaded. */
  at(index: number): Row | undefined {
    if (index < this.fresh.length) return this.fresh[index];
    const place = index - this.fresh.length;
    const page = this.#pages.get(Math.floor(place / pageSize));
    return page === undefined || page === "loading" ? undefined : page.rows[place % pageSize];
  }

  /** Where a row is, if it is loaded. */
  indexOf(id: string): number {
    const among = this.fresh.findIndex((row) => row.id === id);
    if (among >= 0) return among;
    for (const [number, page] of this.#pages) {
      const at = page === "loading" ? -1 : page.rows.findIndex((row) => row.id === id);
      if (at >= 0) return this.fresh.length + number * pageSize + at;
    }
    return -1;
  }

  /** Sees to it that these places are loaded, and the ones around them. */
  want(first: number, last: number): void {
    if (this.total === undefined) return;
    const most = Math.ceil(this.total / pageSize) - 1;
    const from = Math.max(0, Math.floor((first - this.fresh.length) / pageSize));
    const to = Math.min(most, Math.floor((last - this.fresh.length) / pageSize) + 1);
    for (let page = from; page <= to; page++) {
      const found = this.#pages.get(page);
      if (found === undefined) {
        // Behind that one, once it is there.
        if (this.#pages.get(page - 1) !== "loading") void this.#load(page);
      } else { // looked at last
        this.#pages.delete(page);
        this.#pages.set(page, found);
      }
    }
  }

  /** Puts a changed row in the place of the old one. */
  replace(row: Row): void {
    const swap = (rows: Row[]) => {
      const at = rows.findIndex(({ id }) => id === row.id);
      if (at >= 0) rows[at] = row;
    };
    swap(this.fresh);
    for (const page of this.#pages.values()) if (page !== "loading") swap(page.rows);
    this.#tell();
  }

  /** Values of a field among the rows that are loaded, for suggestions. */
  valuesOf(field: keyof Row): string[] {
    const found = new Set<string>();
    const all = [
      this.fresh,
      ...[...this.#pages.values()].map((page) => page === "loading" ? [] : page.rows),
    ];
    for (const row of all.flat()) {
      const value = row[field];
      if (typeof value === "string" && value !== "") found.add(value);
      if (found.size >= 100) break;
    }
    return [...found].sort();
  }

  pause(isPaused: boolean): void {
    this.isPaused = isPaused;
    this.#flushSoon();
    this.#tell();
  }

  follow(isFollowing: boolean): void {
    if (this.isFollowing === isFollowing) return;
    this.isFollowing = isFollowing;
    this.#flushSoon();
  }

  /** Shows what waits. */
  flush(): void {
    if (this.pending.length === 0) return;
    this.fresh = [...this.pending, ...this.fresh]
      .sort((a, b) => a.created_at < b.created_at ? 1 : -1);
    this.pending = [];
    if (this.fresh.length > mostLive) this.#restart();
    this.#tell();
  }

  close(): void {
    this.#stop.abort();
    this.#live?.close();
    clearTimeout(this.#flushTimer);
    cancelAnimationFrame(this.#frame);
  }

  retry(): void {
    this.error = undefined;
    this.#pages.clear();
    void this.#begin();
    this.#tell();
  }

  #restart(): void {
    this.#pages.clear();
    this.#bound = [];
    this.#fixed = undefined;
    const fresh = this.fresh;
    void then(this.#begin(), () => {
      // Until the list was there, these stood for it.
      if (this.fresh === fresh) this.fresh = [];
      this.#tell();
    });
  }

  #begin(): Soon<void> {
    this.#isEndKnown = false;
    this.#counted = this.#count();
    return this.#load(0);
  }

  #count(): Soon<void> {
    const params = new URLSearchParams(this.#asked());
    params.set("per_page", "1");
    const counted = then(this.#ask(params), ({ result_info: info }) => {
      const count = info?.total_count ?? 0;
      // None that was counted in time is not none.
      if (count === 0 || this.#isEndKnown) return;
      this.total = Math.max(count, this.total ?? 0);
      this.isCapped = info?.["total_count_exact"] === false;
      this.#tell();
    });
    // The list says what is wrong.
    return counted instanceof Promise ? counted.catch(() => {}) : counted;
  }

  #ask(params: URLSearchParams): Soon<Envelope<Row[]>> {
    return soon<Row[]>(`${logsPath(this.#gateway)}?${params}`, this.#stop.signal);
  }

  /** A range ends where it ended when the list was begun. */
  #asked(): URLSearchParams {
    return this.#fixed ??= apiQuery(this.#query);
  }

  #load(number: number): Soon<void> {
    this.#pages.set(number, "loading");
    const after = this.#before(number);
    const found = after === undefined ? this.#numbered(number) : this.#behind(number, after);
    return found instanceof Promise
      ? found.then(
        (rows) => this.#put(number, rows),
        (error) => this.#failed(number, after, error),
      )
      : this.#put(number, found);
  }

  #failed(number: number, after: string | undefined, error: unknown): Soon<void> {
    if (this.#stop.signal.aborted) return;
    if (after !== undefined && error instanceof ApiFailure && error.status === 400) {
      const isFirst = !this.#isNumbered;
      this.#isNumbered = true;
      if (isFirst) return this.#load(number);
    }
    this.#pages.delete(number);
    // Places further down are asked for again when they are looked at.
    if (this.total === undefined || this.#retries++ > 5) this.error = error;
    else setTimeout(() => this.#tell(), 1000 * this.#retries);
    this.#tell();
  }

  #put(number: number, rows: Row[]): Soon<void> {
    this.#retries = 0;
    // So that the list has its length from the beginning.
    return then(number === 0 && rows.length === pageSize ? this.#counted : undefined, () => {
      this.#pages.set(number, { rows });
      for (const key of this.#pages.keys()) {
        if (this.#pages.size <= mostPages) break;
        if (key !== 0) this.#pages.delete(key);
      }
      if (number === 0) this.#watch(rows);
      const end = number * pageSize + rows.length;
      if (rows.length < pageSize && (rows.length > 0 || number === 0)) {
        this.#isEndKnown = true;
        this.total = end;
        this.isCapped = false;
      } else if (rows.length === 0) this.total = Math.min(this.total ?? 0, end);
      else if (this.total === undefined || (this.isCapped && end >= this.total)) {
        this.isCapped = true;
        this.total = end + pageSize; // there may be more: whoever gets there sees
      }
      this.#tell();
    });
  }

  /** The row that a page is behind: empty for the first one, nothing where it is not known. */
  #before(number: number): string | undefined {
    const { order } = this.#query;
    if (this.#isNumbered || (order !== "" && order !== "created_at")) return undefined;
    if (number === 0) return "";
    const page = this.#pages.get(number - 1);
    return page === undefined || page === "loading" ? undefined : page.rows[pageSize - 1]?.id;
  }

  #numbered(number: number): Soon<Row[]> {
    const params = this.#bound.length > 0 ? this.#bounded() : new URLSearchParams(this.#asked());
    params.set("per_page", String(pageSize));
    params.set("page", String(number + 1));
    return then(this.#ask(params), ({ result }) => result);
  }

  /** The API looks for a moment at a time: where few rows fit, what there is so far is shown. */
  #behind(number: number, after: string, rows: Row[] = []): Soon<Row[]> {
    const params = new URLSearchParams(this.#asked());
    params.set("after", after);
    params.set("per_page", String(pageSize - rows.length));
    return then(this.#ask(params), ({ result, result_info: info }) => {
      rows.push(...result);
      const next = info?.["next"];
      if (typeof next !== "string" || rows.length === pageSize) return rows;
      if (number === 0 && rows.length > 0) {
        this.#pages.set(0, { rows: [...rows] });
        this.total = Math.max(this.total ?? 0, rows.length);
        this.#tell();
      }
      return this.#behind(number, next, rows);
    });
  }

  #bounded(): URLSearchParams {
    const params = new URLSearchParams(this.#asked());
    const filters = JSON.parse(params.get("filters") ?? "[]") as unknown[];
    for (const { key, operator, values } of this.#bound) {
      filters.push({ key, operator, value: values });
    }
    params.set("filters", JSON.stringify(filters));
    return params;
  }

  /** From now on, with what arrives. */
  #watch(rows: readonly Row[]): void {
    for (const { id } of rows) this.#known.add(id);
    if (!isOpen(this.#query)) return;
    const newest = rows[0]?.created_at;
    if (newest !== undefined) {
      const until = new Date(Date.parse(newest) + 1).toISOString();
      this.#bound = [{ key: "created_at", operator: "lt", values: [until] }];
    }
    this.#live ??= new Live(
      logsPath(this.#gateway),
      () => apiQuery(this.#query),
      (arrived) => this.#arrive(arrived),
      (state) => {
        this.live = state;
        this.#tell();
      },
    );
  }

  #arrive(rows: readonly Row[]): number {
    const fresh = rows.filter(({ id }) => !this.#known.has(id));
    for (const { id } of fresh) this.#known.add(id);
    if (this.#known.size > 20_000) {
      for (const id of this.#known) {
        if (this.#known.size <= 10_000) break;
        this.#known.delete(id);
      }
    }
    if (fresh.length === 0) return 0;
    this.pending.push(...fresh);
    this.#flushSoon();
    this.#tell();
    return fresh.length;
  }

  /** A row is shown at once, those of a busy gateway some at a time. */
  #flushSoon(): void {
    if (this.isPaused || !this.isFollowing || this.#flushTimer !== undefined) return;
    this.#flushTimer = setTimeout(() => {
      this.#flushTimer = undefined;
      this.#flushedAt = Date.now();
      if (!this.isPaused && this.isFollowing) this.flush();
    }, Math.max(0, this.#flushedAt + 150 - Date.now()));
  }

  #tell(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(this.#told);
  }
}
