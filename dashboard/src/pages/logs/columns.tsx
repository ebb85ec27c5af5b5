/** The columns that the table can have, and the choice of them, which this browser keeps. */
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { Dialog, Icon } from "../../ui/mod.tsx";
import { metadataOf, modelName, outcomeOf, type Row, speedOf } from "./row.ts";
import { type Name, useWords, type Words } from "./words.ts";

export interface Column {
  id: string;
  /** Pixels. */
  least: number;
  /** Of the room that is left. */
  share?: number;
  isNumber?: boolean;
  /** What the API sorts by. */
  order?: string;
  cell(row: Row, words: Words): ComponentChildren;
}

type Width = number | [least: number, share: number];

const text = (id: string, width: Width, cell: Column["cell"], order?: string): Column => ({
  id,
  ...typeof width === "number" ? { least: width } : { least: width[0], share: width[1] },
  cell,
  ...order !== undefined && { order },
});
const figure = (id: string, width: Width, cell: Column["cell"], order?: string): Column => ({
  ...text(id, width, cell, order),
  isNumber: true,
});

/** All columns, in their usual order. */
export const columns: readonly Column[] = [
  text("time", 140, (row, { time }) => time(row.created_at), "created_at"),
  text("status", 102, (row, words) => <Status row={row} words={words} />),
  text("provider", [84, 1], ({ provider }) => provider, "provider"),
  text("model", [114, 2], (row) => modelName(row) || row.path, "model"),
  figure("tokens_in", 64, (row, { number }) => number(row.tokens_in), "tokens_in"),
  figure("tokens_out", 64, (row, { number }) => number(row.tokens_out), "tokens_out"),
  figure("cost", 84, (row, { money }) => money(row.cost), "cost"),
  figure("duration", 72, (row, { duration }) => duration(row.duration), "duration"),
  figure("first_token", 78, (row, { duration }) => duration(row.timings.first_token)),
  text(
    "metadata",
    [70, 1.4],
    (row) => metadataOf(row).map(([k, v]) => `${k}=${v}`).join(" "),
  ),
  text(
    "feedback",
    76,
    ({ feedback }, { w }) =>
      feedback === null ? "" : (
        <span
          class={feedback > 0 ? "good" : "bad"}
          role="img"
          aria-label={w(feedback > 0 ? "good" : "poor")}
        >
          <Icon name={feedback > 0 ? "thumbUp" : "thumbDown"} />
        </span>
      ),
    "feedback",
  ),
  figure("speed", 92, (row, { number }) => number(speedOf(row))),
  text("end", 112, ({ end }, { w }) => w(`end.${end}` as Name)),
  text("finish", 112, ({ finish_reason }) => finish_reason),
  text("type", 104, ({ model_type }) => model_type, "model_type"),
  text("request_type", 92, ({ request_type }) => request_type),
  text("path", [140, 1.5], ({ path }) => path),
  text("key", 140, ({ key_id }) => key_id),
  text("user_agent", [120, 1.2], ({ user_agent }) => user_agent),
  figure("step", 72, ({ step, attempt }, { number }) => `${number(step)} / ${number(attempt)}`),
  figure("score", 72, ({ score }, { number }) => score === null ? "" : number(score)),
];

const usual = columns.slice(0, 10).map(({ id }) => id);
const place = "sluice.logs.columns";

/** How a request went: the status, and what it means where that is not all. */
export function Status({ row, words: { w } }: { row: Row; words: Words }): JSX.Element {
  const outcome = outcomeOf(row);
  return (
    <>
      <span
        class={`badge ${outcome}`}
        title={row.success ? undefined : w(`end.${row.end}` as Name)}
      >
        {row.status_code || "–"}
        {outcome === "warn" && <span class="hush">{w(`end.${row.end}` as Name)}</span>}
      </span>
      {row.cached && <span class="badge accent">{w("cached")}</span>}
    </>
  );
}

/** The chosen columns, and how to choose. */
export function useColumns(): [readonly Column[], (ids: readonly string[]) => void] {
  const [ids, setIds] = useState<readonly string[]>(() => {
    try {
      const kept = JSON.parse(localStorage.getItem(place) ?? "") as unknown;
      const known = Array.isArray(kept)
        ? kept.filter((id) => columns.some((one) => one.id === id))
        : [];
      return known.length > 0 ? known : usual;
    } catch {
      return usual;
    }
  });
  const choose = (next: readonly string[]) => {
    setIds(next);
    localStorage.setItem(place, JSON.stringify(next));
  };
  return [ids.map((id) => columns.find((one) => one.id === id)!), choose];
}

export function ColumnDialog(
  { chosen, onChoose, onClose }: {
    chosen: readonly Column[];
    onChoose(ids: readonly string[]): void;
    onClose(): void;
  },
): JSX.Element {
  const { w } = useWords();
  const ids = chosen.map(({ id }) => id);
  const all = [...chosen, ...columns.filter(({ id }) => !ids.includes(id))];
  const move = (id: string, by: number) => {
    const next = [...ids];
    const at = next.indexOf(id);
    next.splice(at, 1);
    next.splice(at + by, 0, id);
    onChoose(next);
  };
  return (
    <Dialog title={w("columns")} onClose={onClose}>
      <ul class="logs-columns">
        {all.map(({ id }) => {
          const at = ids.indexOf(id);
          const name = w(`col.${id}` as Name);
          return (
            <li key={id}>
              <label>
                <input
                  type="checkbox"
                  checked={at >= 0}
                  disabled={at >= 0 && ids.length === 1}
                  onChange={() =>
                    onChoose(at >= 0 ? ids.filter((one) => one !== id) : [...ids, id])}
                />
                {name}
              </label>
              {([["up", -1], ["down", 1]] as const).map(([icon, by]) => (
                <button
                  key={icon}
                  type="button"
                  class="button plain icon"
                  aria-label={w(`move.${icon}`, { name })}
                  disabled={at < 0 || at + by < 0 || at + by >= ids.length}
                  onClick={() => move(id, by)}
                >
                  <Icon name={icon} />
                </button>
              ))}
            </li>
          );
        })}
      </ul>
      <div class="row end">
        <button type="button" class="button" onClick={() => onChoose(usual)}>
          {w("columns.usual")}
        </button>
      </div>
    </Dialog>
  );
}
