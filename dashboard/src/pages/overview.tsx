/** What went through a gateway in a time, and how that differs from the time before. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { soon } from "../api.ts";
import { then } from "../early.ts";
import { useLocale } from "../i18n.ts";
import { type Range, rangeFrom } from "../range.ts";
import { go, hrefOf } from "../router.ts";
import type { PageProps } from "../shell.tsx";
import { FirstRun } from "../ui/first-run.tsx";
import { Failure, useLoaded } from "../ui/mod.tsx";
import { RangePicker } from "../ui/range.tsx";
import "./overview.css";
import { analysisPath, analyze, day } from "./overview/ask.ts";
import { Charts } from "./overview/charts.tsx";
import { Figures } from "./overview/figures.tsx";
import { Groups } from "./overview/groups.tsx";
import { Latest, type Row } from "./overview/latest.tsx";
import { Split } from "./overview/split.tsx";
import { words } from "./overview/words.ts";

/** Milliseconds between two looks: at a short time, and at a long one. */
const pause = { short: 5000, long: 30_000 };
/** Groups that are told apart in charts, and in the table. */
const most = { charts: 5, table: 20 };

const place = (range: Range, by: string): string => {
  const given = Object.entries({ ...range, by }).filter(([, value]) => value !== "");
  return hrefOf("overview", "", Object.fromEntries(given));
};

export function Overview({ gateway, place: { query } }: PageProps): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const by = query.get("by") ?? "";
  const asked = rangeFrom(query);
  const range = asked.range === "" && asked.from === "" ? day : asked;
  const [percentile, setPercentile] = useState<"p50" | "p90" | "p99">("p90");
  const key = `${gateway} ${JSON.stringify(range)}`;
  const all = useLoaded(key, (signal) => analyze(analysisPath(gateway, range, "", 1), signal));
  const groups = useLoaded(`${key} ${by}`, (signal) => {
    const path = by === ""
      ? analysisPath(gateway, range, "model", most.table, true)
      : analysisPath(gateway, range, by, most.charts);
    return then(analyze(path, signal), (found) => ({ by: by || "model", found }));
  });
  const latest = useLoaded(
    gateway,
    (signal) =>
      then(
        soon<Row[]>(`/gateways/${encodeURIComponent(gateway)}/logs?per_page=20`, signal),
        ({ result }) => result,
      ),
  );
  const reload = () => {
    all.reload();
    groups.reload();
    latest.reload();
  };
  const isShort = range.range !== "" && /[mh]$/.test(range.range);
  useEffect(() => {
    if (range.range === "" && range.to !== "") return; // it is over
    const timer = setInterval(
      () => document.hidden || reload(),
      isShort ? pause.short : pause.long,
    );
    return () => clearInterval(timer);
  }, [key, by]);

  const rows = latest.value;
  if (rows?.length === 0 && !all.value?.totals.attempts) {
    return (
      <>
        <div class="head">
          <h1>{t("nav.overview")}</h1>
        </div>
        <FirstRun gateway={gateway} onArrived={reload} />
      </>
    );
  }
  const split = groups.value?.by === by ? groups.value.found : undefined;
  return (
    <>
      <div class="head">
        <h1>{t("nav.overview")}</h1>
        <Split by={by} rows={rows ?? []} onChange={(next) => go(place(range, next), true)} />
        {by !== "" && (
          <label>
            <span class="hush">{w("percentile")}</span>
            <select
              class="input"
              value={percentile}
              onChange={(event) => setPercentile(event.currentTarget.value as "p50")}
            >
              <option value="p50">{w("p50")}</option>
              <option value="p90">{w("p90")}</option>
              <option value="p99">{w("p99")}</option>
            </select>
          </label>
        )}
        <RangePicker
          value={range}
          names={["1h", "24h", "7d", "30d", "90d"]}
          onChange={(next) => go(place(next, by), true)}
        />
      </div>
      {all.value?.complete === false && <p class="note warn">{w("incomplete")}</p>}
      {all.error !== undefined && all.value === undefined
        ? <Failure error={all.error} onRetry={reload} />
        : (
          <div class="overview" aria-busy={all.value === undefined}>
            <Figures found={all.value} />
            <Charts
              found={by === "" ? all.value : split}
              by={by}
              percentile={percentile}
              gateway={gateway}
            />
            <Groups
              found={groups.value?.found}
              by={groups.value?.by ?? "model"}
              range={range}
              gateway={gateway}
            />
          </div>
        )}
      <Latest rows={rows?.slice(0, 8)} error={latest.error} onRetry={reload} />
    </>
  );
}
