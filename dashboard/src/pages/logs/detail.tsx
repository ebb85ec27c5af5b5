/** One request: a drawer beside the list, or a page of its own where there is no room for both. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, get } from "../../api.ts";
import { Failure, Icon, Skeleton, useLoaded } from "../../ui/mod.tsx";
import { Again } from "./again.tsx";
import { useBodies } from "./bodies.ts";
import { Code } from "./code.tsx";
import { Status } from "./columns.tsx";
import { Facts } from "./facts.tsx";
import type { Filter } from "./query.ts";
import { Raw } from "./raw.tsx";
import { logsPath, modelName, type Row } from "./row.ts";
import { Talk } from "./talk.tsx";
import { useWords, type Words } from "./words.ts";

const tabs = ["facts", "talk", "raw", "code", "again"] as const;
/** The tab stays while one goes through rows. */
let lastTab: (typeof tabs)[number] = "facts";

export function Detail(
  { gateway, id, known, isNarrow, onClose, onPrevious, onNext, onOpen, onFilter, onChanged }: {
    gateway: string;
    id: string;
    /** The row, where the list has it. */
    known: Row | undefined;
    isNarrow: boolean;
    onClose(): void;
    onPrevious: (() => void) | undefined;
    onNext: (() => void) | undefined;
    onOpen(id: string): void;
    onFilter(filters: Filter[]): void;
    onChanged(row: Row): void;
  },
): JSX.Element {
  const words = useWords();
  const { w, t, time } = words;
  const [tab, setTab] = useState(lastTab);
  const panel = useRef<HTMLElement>(null);
  const { value: loaded, error, reload } = useLoaded(
    `${gateway} ${id}`,
    (signal) => get<Row>(logsPath(gateway, id), signal).then(({ result }) => result),
  );
  const row = loaded ?? known;
  const bodies = useBodies(gateway, tab === "facts" ? undefined : loaded);

  useEffect(() => {
    panel.current?.focus({ preventScroll: true });
  }, []);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as Element;
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (target.closest("dialog, input, textarea, select, [role=tablist], [role=grid], pre")) {
        return;
      }
      if (event.key === "Escape") onClose();
      else if (event.key === "ArrowUp" && onPrevious) onPrevious();
      else if (event.key === "ArrowDown" && onNext) onNext();
      else return;
      event.preventDefault();
    };
    // The list has its own keys, but closing is the same from everywhere.
    const onEscape = (event: KeyboardEvent) => {
      const target = event.target as Element;
      if (event.key === "Escape" && target.closest("[role=grid], [role=tablist]")) onClose();
    };
    addEventListener("keydown", onKey);
    addEventListener("keydown", onEscape);
    return () => {
      removeEventListener("keydown", onKey);
      removeEventListener("keydown", onEscape);
    };
  });
  const choose = (next: (typeof tabs)[number]) => {
    lastTab = next;
    setTab(next);
  };
  const onTabKey = (event: KeyboardEvent) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length]!;
    choose(next);
    panel.current?.querySelector<HTMLElement>(`#log-tab-${next}`)?.focus();
    event.preventDefault();
  };
  const title = row === undefined ? t("loading") : modelName(row) || row.path;
  return (
    <section
      ref={panel}
      class={`logs-detail ${isNarrow ? "page" : "drawer"}`}
      role="dialog"
      aria-modal={isNarrow}
      aria-label={title}
      tabIndex={-1}
    >
      <header>
        <div class="head">
          <h2 class="clip" title={title}>{title}</h2>
          {row !== undefined && (
            <Thumbs row={row} gateway={gateway} words={words} onChanged={onChanged} />
          )}
          <button
            type="button"
            class="button plain icon"
            aria-label={w("previous")}
            disabled={!onPrevious}
            onClick={onPrevious}
          >
            <Icon name="up" />
          </button>
          <button
            type="button"
            class="button plain icon"
            aria-label={w("next")}
            disabled={!onNext}
            onClick={onNext}
          >
            <Icon name="down" />
          </button>
          <button type="button" class="button plain icon" aria-label={t("close")} onClick={onClose}>
            <Icon name="close" />
          </button>
        </div>
        {row !== undefined && (
          <div class="row">
            <Status row={row} words={words} />
            <span class="soft">{row.provider}</span>
            <span class="soft">{time(row.created_at)}</span>
            {row.streamed && <span class="badge">{w("streamed")}</span>}
          </div>
        )}
        <div class="tabs" role="tablist" aria-label={w("detail")} onKeyDown={onTabKey}>
          {tabs.map((name) => (
            <button
              key={name}
              id={`log-tab-${name}`}
              type="button"
              role="tab"
              aria-selected={tab === name}
              aria-controls="log-tab"
              tabIndex={tab === name ? 0 : -1}
              onClick={() => choose(name)}
            >
              {w(`tab.${name}`)}
            </button>
          ))}
        </div>
      </header>
      <div
        class="logs-detail-body"
        id="log-tab"
        role="tabpanel"
        aria-labelledby={`log-tab-${tab}`}
        tabIndex={0}
      >
        {error !== undefined && loaded === undefined
          ? <Failure error={error} onRetry={reload} />
          : row === undefined
          ? <Skeleton lines={8} height={18} />
          : tab === "facts"
          ? <Facts row={row} gateway={gateway} words={words} onOpen={onOpen} onFilter={onFilter} />
          : bodies.error !== undefined
          ? <Failure error={bodies.error} onRetry={bodies.reload} />
          : bodies.value === undefined
          ? <Skeleton lines={8} height={18} />
          : tab === "talk"
          ? <Talk row={row} bodies={bodies.value} words={words} />
          : tab === "raw"
          ? <Raw row={row} bodies={bodies.value} words={words} />
          : tab === "code"
          ? <Code row={row} bodies={bodies.value} gateway={gateway} words={words} />
          : <Again row={row} bodies={bodies.value} gateway={gateway} words={words} />}
      </div>
    </section>
  );
}

/** What people say of the answer. */
function Thumbs(
  { row, gateway, words: { w }, onChanged }: {
    row: Row;
    gateway: string;
    words: Words;
    onChanged(row: Row): void;
  },
): JSX.Element {
  const [said, setSaid] = useState({ feedback: row.feedback, score: row.score });
  // What is typed stays while answers come back and the list is read again.
  const [typed, setTyped] = useState<string>();
  const [failed, setFailed] = useState(false);
  const latest = useRef(said);
  const show = (change: Partial<typeof said>) => {
    latest.current = { ...latest.current, ...change };
    setSaid(latest.current);
  };
  useEffect(() => show({ feedback: row.feedback, score: row.score }), [row]);
  const say = (change: Partial<typeof said>) => {
    const { feedback, score } = latest.current;
    show(change);
    setFailed(false);
    call("PATCH", logsPath(gateway, row.id), change).then(
      () => onChanged({ ...row, ...latest.current }),
      () => {
        show("score" in change ? { score } : { feedback });
        setFailed(true);
      },
    );
  };
  return (
    <div class="row logs-thumbs" role="group" aria-label={w("feedback")}>
      {failed && <span class="bad" role="alert">{w("feedback.failed")}</span>}
      {([[1, "thumbUp", "good"], [-1, "thumbDown", "poor"]] as const).map(([value, icon, name]) => (
        <button
          key={value}
          type="button"
          class={`button plain icon ${said.feedback === value ? name : ""}`}
          aria-label={w(name)}
          aria-pressed={said.feedback === value}
          onClick={() => say({ feedback: said.feedback === value ? null : value })}
        >
          <Icon name={icon} />
        </button>
      ))}
      <input
        class="input"
        type="number"
        min={0}
        max={100}
        aria-label={w("score")}
        title={w("score")}
        placeholder={w("score.short")}
        value={typed ?? said.score ?? ""}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onChange={(event) => {
          const { value } = event.currentTarget;
          setTyped(undefined);
          const score = value === "" ? null : Math.max(0, Math.min(100, Number(value)));
          if (score !== said.score) say({ score });
        }}
      />
    </div>
  );
}
