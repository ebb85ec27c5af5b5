import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useLocale } from "../i18n.ts";
import { hrefOf } from "../router.ts";
import type { PageProps } from "../shell.tsx";
import { FirstRun } from "../ui/first-run.tsx";
import { Failure, Skeleton, useLoaded } from "../ui/mod.tsx";
import "./overview.css";
import { latestRows, percentile, type Row, sum } from "./overview/rows.ts";
import { words } from "./overview/words.ts";

/** Milliseconds between two looks. */
const pause = 5000;

export function Overview({ gateway }: PageProps): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const { value: rows, error, reload } = useLoaded(
    `overview ${gateway}`,
    (signal) => latestRows(gateway, 10, signal),
  );
  useEffect(() => {
    const timer = setInterval(() => document.hidden || reload(), pause);
    return () => clearInterval(timer);
  }, [gateway]);
  return (
    <>
      <div class="head">
        <h1>{t("nav.overview")}</h1>
        {rows !== undefined && rows.length > 0 && (
          <span class="soft">
            {w("of", {
              count: locale.number(rows.length),
              since: locale.time(rows.at(-1)!.created_at),
            })}
          </span>
        )}
      </div>
      {rows === undefined
        ? error === undefined
          ? <Skeleton lines={6} height={40} />
          : <Failure error={error} onRetry={reload} />
        : rows.length === 0
        ? <FirstRun gateway={gateway} onArrived={reload} />
        : <Figures rows={rows} />}
    </>
  );
}

function Figures({ rows }: { rows: Row[] }): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  const answered = rows.filter(({ success, cached }) => success && !cached);
  const durations = answered.map(({ duration }) => duration);
  const firsts = answered.flatMap(({ timings }) => timings.first_token ?? []);
  const part = (count: number) => locale.percent(count / rows.length);
  const failed = rows.filter(({ success }) => !success).length;
  const figures: [string, string][] = [
    [w("requests"), locale.number(rows.length)],
    [w("errors"), part(failed)],
    [
      w("tokens"),
      `${locale.number(sum(rows, (row) => row.tokens_in), true)} / ${
        locale.number(sum(rows, (row) => row.tokens_out), true)
      }`,
    ],
    [w("cost"), locale.money(sum(rows, (row) => row.cost))],
    [w("hits"), part(rows.filter(({ cached }) => cached).length)],
    [w("saved"), locale.money(sum(rows, (row) => row.cost_parts?.saved ?? null))],
    [w("p50"), locale.duration(percentile(durations, 0.5))],
    [w("p90"), locale.duration(percentile(durations, 0.9))],
    [w("first"), locale.duration(percentile(firsts, 0.5))],
  ];
  return (
    <>
      <div class="grid figures">
        {figures.map(([name, value]) => (
          <div class="card figure" key={name}>
            <span class="soft">{name}</span>
            <span class="value">{value}</span>
          </div>
        ))}
      </div>
      <Traffic rows={rows} />
      <Models rows={rows} />
      <Latest rows={rows.slice(0, 8)} />
    </>
  );
}

/** How many requests there were in each of forty slices of the time that the rows are from. */
function Traffic({ rows }: { rows: Row[] }): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  const times = rows.map(({ created_at }) => Date.parse(created_at));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  const slices = Array.from({ length: 40 }, () => ({ all: 0, failed: 0 }));
  rows.forEach(({ success }, i) => {
    const slice =
      slices[Math.min(39, Math.floor((times[i]! - from) / Math.max(1, to - from) * 40))]!;
    slice.all++;
    if (!success) slice.failed++;
  });
  const most = Math.max(...slices.map(({ all }) => all));
  return (
    <div class="card">
      <div class="head">
        <h2>{w("traffic")}</h2>
      </div>
      <div
        class="bars"
        role="img"
        aria-label={`${w("traffic")}: ${locale.time(from)} – ${locale.time(to)}`}
      >
        {slices.map(({ all, failed }, i) => (
          <span
            key={i}
            title={`${locale.time(from + (to - from) * i / 40)}: ${all}`}
            style={{ height: `${all / most * 100}%` }}
          >
            {failed > 0 && <i style={{ height: `${failed / all * 100}%` }} />}
          </span>
        ))}
      </div>
    </div>
  );
}

function Models({ rows }: { rows: Row[] }): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  const groups = Map.groupBy(rows, ({ provider, model }) => model || provider);
  const sorted = [...groups].sort(([, a], [, b]) => b.length - a.length).slice(0, 8);
  return (
    <div class="card">
      <div class="head">
        <h2>{w("models")}</h2>
      </div>
      <div class="table-wrap" tabIndex={0}>
        <table class="table">
          <thead>
            <tr>
              <th>{w("model")}</th>
              <th class="num">{w("requests")}</th>
              <th class="num">{w("errors")}</th>
              <th class="num">{w("tokens")}</th>
              <th class="num">{w("cost")}</th>
              <th class="num">{w("p50")}</th>
            </tr>
          </thead>
          <tbody>
            {sorted.map(([model, own]) => (
              <tr key={model}>
                <td>{model}</td>
                <td class="num">{locale.number(own.length)}</td>
                <td class="num">
                  {locale.percent(own.filter(({ success }) => !success).length / own.length)}
                </td>
                <td class="num">
                  {locale.number(sum(own, (row) => row.tokens_in), true)} /{" "}
                  {locale.number(sum(own, (row) => row.tokens_out), true)}
                </td>
                <td class="num">{locale.money(sum(own, (row) => row.cost))}</td>
                <td class="num">
                  {locale.duration(percentile(own.map(({ duration }) => duration), 0.5))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Latest({ rows }: { rows: Row[] }): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  return (
    <div class="card">
      <div class="head">
        <h2>{w("latest")}</h2>
        <a href={hrefOf("logs")}>{w("open")}</a>
      </div>
      <div class="table-wrap" tabIndex={0}>
        <table class="table">
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                <td class="soft">{locale.time(row.created_at)}</td>
                <td>{row.model || row.provider}</td>
                <td>
                  <span class={`badge ${row.success ? row.cached ? "accent" : "good" : "bad"}`}>
                    {row.cached ? w("hits") : row.status_code}
                  </span>
                </td>
                <td class="num">{locale.duration(row.duration)}</td>
                <td class="num">{locale.money(row.cost)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
