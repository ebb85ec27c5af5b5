/** Requests as they arrive and as they were, and one of them in full. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { go, hrefOf } from "../router.ts";
import type { PageProps } from "../shell.tsx";
import { FirstRun } from "../ui/first-run.tsx";
import { Empty, Failure, Icon } from "../ui/mod.tsx";
import { RangePicker } from "../ui/range.tsx";
import "./logs.css";
import { ColumnDialog, useColumns } from "./logs/columns.tsx";
import { Detail } from "./logs/detail.tsx";
import { FilterChips } from "./logs/filters.tsx";
import { addressOf, isNarrowed, isOpen, type Query, queryFrom } from "./logs/query.ts";
import { Remove } from "./logs/remove.tsx";
import type { Row } from "./logs/row.ts";
import { Rows } from "./logs/rows.ts";
import { Table } from "./logs/table.tsx";
import { useWords, type Words } from "./logs/words.ts";

const narrow = matchMedia("(max-width: 800px)");

function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(narrow.matches);
  useEffect(() => {
    const look = () => setNarrow(narrow.matches);
    narrow.addEventListener("change", look);
    return () => narrow.removeEventListener("change", look);
  }, []);
  return isNarrow;
}

/** The rows of a query; another query, another list. */
function useRows(gateway: string, query: Query): [Rows, number, () => void] {
  const [version, setVersion] = useState(0);
  const [round, setRound] = useState(0);
  const key = `${gateway} ${addressOf(query)} ${round}`;
  const rows = useMemo(() => new Rows(gateway, query, () => setVersion((n) => n + 1)), [key]);
  useEffect(() => () => rows.close(), [rows]);
  return [rows, version, () => setRound((n) => n + 1)];
}

export function Logs({ gateway, place }: PageProps): JSX.Element {
  const words = useWords();
  const { w, t, number } = words;
  const isNarrow = useNarrow();
  const address = place.query.toString();
  const query = useMemo(() => queryFrom(place.query), [address]);
  const [rows, version, again] = useRows(gateway, query);
  const [columns, setColumns] = useColumns();
  const [dialog, setDialog] = useState<"columns" | "remove">();
  const grid = useRef<HTMLDivElement>(null);
  const open = place.rest;

  const goTo = (next: Query) => go(hrefOf("logs", open) + addressOf(next), true);
  const openRow = (row: Row) => go(hrefOf("logs", row.id) + addressOf(query), open !== "");
  const close = () => {
    go(hrefOf("logs") + addressOf(query));
    grid.current?.querySelector<HTMLElement>("[role=grid]")?.focus({ preventScroll: true });
  };
  const at = open === "" ? -1 : rows.indexOf(open);
  const step = (by: number): (() => void) | undefined => {
    const row = at < 0 ? undefined : rows.at(at + by);
    return row && (() => openRow(row));
  };
  const isEmpty = rows.total === 0 && rows.length === 0;
  const isFirstRun = isEmpty && !isNarrowed(query) && rows.pending.length === 0;
  const showsNew = rows.pending.length > 0 && (!rows.isFollowing || rows.isPaused);

  return (
    <div class="logs">
      <div class="head">
        <h1>{t("nav.logs")}</h1>
        <span class="soft num" aria-live="off">
          {rows.total !== undefined && !isFirstRun &&
            (rows.length === 1
              ? w("count.one")
              : w("count", { n: number(rows.length) + (rows.isCapped ? "+" : "") }))}
        </span>
        {isOpen(query) && <LiveButton rows={rows} words={words} />}
        <button type="button" class="button" onClick={() => setDialog("columns")}>
          {w("columns")}
        </button>
        <button
          type="button"
          class="button danger"
          disabled={isEmpty}
          onClick={() => setDialog("remove")}
        >
          {t("delete")}
        </button>
      </div>
      <div class="logs-bar" hidden={isFirstRun}>
        <Search
          value={query.search}
          onChange={(search) => goTo({ ...query, search })}
          words={words}
        />
        <RangePicker
          value={query}
          names={["15m", "1h", "24h", "7d", "30d"]}
          isOpen
          onChange={(range) => goTo({ ...query, ...range })}
        />
        <FilterChips
          query={query}
          gateway={gateway}
          rows={rows}
          onChange={(filters) => goTo({ ...query, filters })}
        />
      </div>
      {rows.error !== undefined
        ? <Failure error={rows.error} onRetry={() => rows.retry()} />
        : isFirstRun
        ? <FirstRun gateway={gateway} />
        : (
          <div class="card logs-card" ref={grid}>
            {showsNew && (
              <button
                type="button"
                class="button primary logs-new"
                onClick={() => {
                  rows.pause(false);
                  rows.flush();
                  grid.current!.querySelector("[role=grid]")!.scrollTop = 0;
                }}
              >
                <Icon name="up" />
                {w("new", { n: number(rows.pending.length) })}
              </button>
            )}
            <Table
              rows={rows}
              version={version}
              columns={columns}
              isNarrow={isNarrow}
              open={open}
              query={query}
              onOpen={openRow}
              onOrder={(order, direction) => goTo({ ...query, order, direction })}
            />
            {rows.total === undefined && <Waiting words={words} />}
            {isEmpty && (
              <div class="logs-none">
                <Empty title={w("none")}>
                  <p>{w("none.hint")}</p>
                  <button
                    type="button"
                    class="button"
                    onClick={() => go(hrefOf("logs"))}
                  >
                    {w("none.clear")}
                  </button>
                </Empty>
              </div>
            )}
          </div>
        )}
      {open !== "" && (
        <Detail
          key={`${gateway} ${open}`}
          gateway={gateway}
          id={open}
          known={at < 0 ? undefined : rows.at(at)}
          isNarrow={isNarrow}
          onClose={close}
          onPrevious={step(-1)}
          onNext={step(1)}
          onOpen={(id) => go(hrefOf("logs", id) + addressOf(query), true)}
          onFilter={(filters) => goTo({ ...query, filters: [...query.filters, ...filters] })}
          onChanged={(row) => rows.replace(row)}
        />
      )}
      {dialog === "columns" && (
        <ColumnDialog
          chosen={columns}
          onChoose={setColumns}
          onClose={() => setDialog(undefined)}
        />
      )}
      {dialog === "remove" && (
        <Remove
          gateway={gateway}
          query={query}
          onDone={again}
          onClose={() => setDialog(undefined)}
        />
      )}
    </div>
  );
}

function LiveButton({ rows, words: { w } }: { rows: Rows; words: Words }): JSX.Element {
  const state = rows.isPaused ? "paused" : rows.live;
  return (
    <button
      type="button"
      class={`button logs-live ${state}`}
      title={w(`live.${state}`)}
      aria-pressed={!rows.isPaused}
      onClick={() => rows.pause(!rows.isPaused)}
    >
      <span class="dot" />
      {w(rows.isPaused ? "live.resume" : "live")}
      <span class="hush">{w(`live.${state}`)}</span>
    </button>
  );
}

/** Asks when nobody has typed for a moment. */
function Search(
  { value, onChange, words: { w } }: {
    value: string;
    onChange(value: string): void;
    words: Words;
  },
): JSX.Element {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), 350);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      class="input logs-search"
      type="search"
      aria-label={w("search")}
      placeholder={w("search")}
      title={w("search.hint")}
      maxLength={1024}
      value={text}
      onInput={(event) => setText(event.currentTarget.value)}
    />
  );
}

function Waiting({ words: { t } }: { words: Words }): JSX.Element {
  return (
    <div class="logs-waiting" role="status" aria-label={t("loading")}>
      {Array.from({ length: 12 }, (_, i) => <span key={i} class="skeleton" />)}
    </div>
  );
}
