/**
 * A table of any length: only the rows that are in sight are there. Rows have one height, so where each of
 * them is follows from its number.
 */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../../ui/mod.tsx";
import { type Column, Status } from "./columns.tsx";
import type { Query } from "./query.ts";
import { modelName, type Row } from "./row.ts";
import type { Rows } from "./rows.ts";
import { type Name, useWords, type Words } from "./words.ts";

/** Pixels of a row; on narrow screens it has two lines. */
const heights = { wide: 36, narrow: 60 };
/** Pixels between columns, and beside them. */
const gap = 12, margin = 16;
/** Rows beyond what is in sight, above and below. */
const spare = 8;
/** Browsers do not make anything taller. */
const tallest = 15_000_000;

export function Table(
  { rows, version, columns, isNarrow, open, query, onOpen, onOrder }: {
    rows: Rows;
    /** Of the rows: another one, other rows. */
    version: number;
    columns: readonly Column[];
    isNarrow: boolean;
    /** Id of the row that is open. */
    open: string;
    query: Query;
    onOpen(row: Row): void;
    onOrder(order: string, direction: "asc" | "desc"): void;
  },
): JSX.Element {
  const words = useWords();
  const { w } = words;
  const ref = useRef<HTMLDivElement>(null);
  const height = isNarrow ? heights.narrow : heights.wide;
  const [view, setView] = useState(() => ({ first: 0, size: Math.ceil(innerHeight / height) }));
  const [active, setActive] = useState(-1);
  const count = Math.min(rows.length, Math.floor(tallest / height));
  const first = Math.max(0, Math.min(view.first, count - 1) - spare);
  const last = Math.min(count, view.first + view.size + spare);

  const look = () => {
    const box = ref.current;
    if (box === null) return;
    const at = Math.floor(box.scrollTop / height);
    const size = Math.ceil(box.clientHeight / height) + 1;
    rows.follow(box.scrollTop < height / 2);
    // Half of the spare rows may be used up before others are made, and some more are no harm.
    setView((old) =>
      old.size >= size && old.size - size < spare &&
        (old.first === at || (Math.abs(old.first - at) < spare / 2 && at !== 0))
        ? old
        : { first: at, size }
    );
  };
  useLayoutEffect(look, [height, rows]);
  useEffect(() => {
    const watch = new ResizeObserver(look);
    watch.observe(ref.current!);
    return () => watch.disconnect();
  }, [height, rows]);
  useLayoutEffect(() => {
    ref.current!.scrollTop = 0;
    setActive(-1);
  }, [rows]);
  // Places that are only passed by are not loaded.
  useEffect(() => {
    const timer = setTimeout(() => rows.want(first, last), 80);
    return () => clearTimeout(timer);
  }, [rows, version, first, last]);
  // The row that is open stays in sight while one goes through them.
  useLayoutEffect(() => {
    const at = open === "" ? -1 : rows.indexOf(open);
    if (at < 0) return;
    setActive(at);
    show(at);
  }, [open]);

  const show = (at: number) => {
    const box = ref.current!;
    const head = isNarrow ? 0 : heights.wide;
    const top = at * height;
    if (top < box.scrollTop) box.scrollTop = top;
    const bottom = top + height + head - box.clientHeight;
    if (bottom > box.scrollTop) box.scrollTop = bottom;
  };
  const go = (at: number) => {
    const to = Math.max(0, Math.min(count - 1, at));
    setActive(to);
    show(to);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== ref.current) return;
    const page = Math.max(1, view.size - 3);
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page }[event.key];
    if (by !== undefined) go(active + by);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(count - 1);
    else if (event.key === "Enter") {
      const row = rows.at(active);
      if (row !== undefined) onOpen(row);
    } else return;
    event.preventDefault();
  };

  const shown: JSX.Element[] = [];
  for (let index = first; index < last; index++) {
    const row = rows.at(index);
    shown.push(
      <div
        key={row?.id ?? index}
        id={`log-${index}`}
        role="row"
        aria-rowindex={index + 2}
        aria-selected={index === active}
        class={`logs-row${row?.id === open ? " on" : ""}`}
        style={{ transform: `translateY(${index * height}px)` }}
        onClick={() => {
          if (row === undefined) return;
          setActive(index);
          onOpen(row);
        }}
      >
        {row === undefined
          ? (
            <span role="gridcell" class="logs-wait">
              <span class="skeleton" />
            </span>
          )
          : isNarrow
          ? <Narrow row={row} words={words} />
          : columns.map((column) => (
            <span key={column.id} role="gridcell" class={column.isNumber ? "num" : "clip"}>
              {column.cell(row, words)}
            </span>
          ))}
      </div>,
    );
  }
  const template = columns.map(({ least, share }) =>
    share === undefined ? `${least}px` : `minmax(${least}px, ${share}fr)`
  ).join(" ");
  const least = columns.reduce((sum, column) => sum + column.least + gap, 2 * margin - gap);
  return (
    <div
      ref={ref}
      class={`logs-table ${isNarrow ? "narrow" : ""}`}
      role="grid"
      aria-label={w("table")}
      aria-rowcount={rows.total === undefined || rows.isCapped ? -1 : rows.length + 1}
      aria-activedescendant={active >= first && active < last ? `log-${active}` : undefined}
      tabIndex={0}
      onScroll={look}
      onKeyDown={onKeyDown}
      style={{ "--columns": template, "--least": `${isNarrow ? 0 : least}px` }}
    >
      <div class={isNarrow ? "hush" : "logs-head"} role="row" aria-rowindex={1}>
        {isNarrow ? <span role="columnheader">{w("table")}</span> : columns.map((column) => (
          <Heading
            key={column.id}
            column={column}
            query={query}
            onOrder={onOrder}
            words={words}
          />
        ))}
      </div>
      <div class="logs-body" role="rowgroup" style={{ height: `${count * height}px` }}>{shown}</div>
    </div>
  );
}

function Heading(
  { column: { id, order, isNumber }, query, onOrder, words: { w } }: {
    column: Column;
    query: Query;
    onOrder(order: string, direction: "asc" | "desc"): void;
    words: Words;
  },
): JSX.Element {
  const name = w(`col.${id}` as Name);
  const isOn = order !== undefined && (query.order || "created_at") === order;
  const kind = isNumber ? "num" : "clip";
  if (order === undefined) return <span role="columnheader" class={kind}>{name}</span>;
  return (
    <span
      role="columnheader"
      class={kind}
      aria-sort={isOn ? (query.direction === "asc" ? "ascending" : "descending") : "none"}
    >
      <button
        type="button"
        tabIndex={-1}
        onClick={() => {
          const next = isOn && query.direction === "desc" ? "asc" : "desc";
          // The latest first is how it is anyway, and the one order in which rows arrive.
          onOrder(order === "created_at" && next === "desc" ? "" : order, next);
        }}
      >
        {name}
        {isOn && <Icon name={query.direction === "asc" ? "up" : "down"} />}
      </button>
    </span>
  );
}

function Narrow({ row, words }: { row: Row; words: Words }): JSX.Element {
  const { time, duration, money, number, w } = words;
  const tokens = row.tokens_in === null && row.tokens_out === null
    ? null
    : (row.tokens_in ?? 0) + (row.tokens_out ?? 0);
  return (
    <span role="gridcell" class="logs-narrow">
      <span class="clip strong">{modelName(row) || row.path}</span>
      <span class="num soft">{time(row.created_at)}</span>
      <span class="row">
        <Status row={row} words={words} />
        <span class="soft clip">{row.provider}</span>
      </span>
      <span class="num soft">
        {[
          duration(row.duration),
          tokens !== null && w("tokens.n", { n: number(tokens, true) }),
          money(row.cost),
        ]
          .filter(Boolean).join(" · ")}
      </span>
    </span>
  );
}
