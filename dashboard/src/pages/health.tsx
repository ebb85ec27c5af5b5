import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { type Dictionary, useLocale } from "../i18n.ts";
import type { PageProps } from "../shell.tsx";
import { Failure, Skeleton, useLoaded } from "../ui/mod.tsx";
import { latestRows, percentile, type Row } from "./overview/rows.ts";

const words = {
  en: {
    stores: "Stores",
    store: "Use",
    driver: "Driver",
    state: "State",
    ok: "Up",
    away: "Away",
    storesHint: "What is away is gone without: see the page of storage for what that means.",
    waiting: "Rows that wait to be written",
    providers: "Providers, the latest 500 requests",
    provider: "Provider",
    requests: "Requests",
    failed: "Failed",
    latency: "Latency, median / 90%",
    counters: "Counters",
    name: "Name",
    value: "Value",
    none: "Nothing has been counted yet.",
  },
  zh: {
    stores: "存储",
    store: "用途",
    driver: "驱动",
    state: "状态",
    ok: "正常",
    away: "不可用",
    storesHint: "不可用的存储会被跳过：其影响见存储文档。",
    waiting: "等待写入的行",
    providers: "提供商（最近 500 个请求）",
    provider: "提供商",
    requests: "请求",
    failed: "失败",
    latency: "延迟（中位数 / 90%）",
    counters: "计数器",
    name: "名称",
    value: "值",
    none: "还没有计数。",
  },
} satisfies Dictionary;

interface Health {
  stores?: Record<string, { driver: string; up: boolean }>;
  log?: { rows_waiting: number };
}

interface Loaded {
  health: Health;
  metrics: [string, string][];
  rows: Row[];
}

async function load(gateway: string, signal: AbortSignal): Promise<Loaded> {
  const [health, metrics, rows] = await Promise.all([
    fetch("/health?full=1", { signal }).then((response) => response.json() as Promise<Health>),
    fetch("/metrics", { signal }).then((response) => response.ok ? response.text() : ""),
    latestRows(gateway, 10, signal),
  ]);
  const lines = metrics.split("\n").filter((line) =>
    /^sluice_[^ ]+ /.test(line) && !/_bucket/.test(line)
  );
  return {
    health,
    rows,
    metrics: lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  };
}

export function Health({ gateway }: PageProps): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const { value, error, reload } = useLoaded(
    `health ${gateway}`,
    (signal) => load(gateway, signal),
  );
  useEffect(() => {
    const timer = setInterval(() => document.hidden || reload(), 5000);
    return () => clearInterval(timer);
  }, [gateway]);
  return (
    <>
      <div class="head">
        <h1>{t("nav.health")}</h1>
      </div>
      {value === undefined
        ? error === undefined
          ? <Skeleton lines={6} height={32} />
          : <Failure error={error} onRetry={reload} />
        : (
          <>
            <Stores health={value.health} />
            <Providers rows={value.rows} />
            <section class="card">
              <div class="head">
                <h2>{w("counters")}</h2>
              </div>
              <div class="card-body table-wrap" tabIndex={0}>
                {value.metrics.length === 0
                  ? <p class="soft">{w("none")}</p>
                  : (
                    <table class="table">
                      <thead>
                        <tr>
                          <th>{w("name")}</th>
                          <th class="num">{w("value")}</th>
                        </tr>
                      </thead>
                      <tbody>
                        {value.metrics.map(([name, count]) => (
                          <tr key={name}>
                            <td class="mono">{name}</td>
                            <td class="num">{locale.number(Number(count))}</td>
                          </tr>
                        ))}
                      </tbody>
                    </table>
                  )}
              </div>
            </section>
          </>
        )}
    </>
  );
}

function Stores({ health }: { health: Health }): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  return (
    <section class="card">
      <div class="head">
        <h2>{w("stores")}</h2>
        <span class="soft">{w("waiting")}: {locale.number(health.log?.rows_waiting ?? 0)}</span>
      </div>
      <div class="card-body stack">
        <div class="table-wrap" tabIndex={0}>
          <table class="table">
            <thead>
              <tr>
                <th>{w("store")}</th>
                <th>{w("driver")}</th>
                <th>{w("state")}</th>
              </tr>
            </thead>
            <tbody>
              {Object.entries(health.stores ?? {}).map(([use, { driver, up: good }]) => {
                return (
                  <tr key={use}>
                    <td>{use}</td>
                    <td class="mono">{driver}</td>
                    <td>
                      <span class={`badge ${good ? "good" : "bad"}`}>
                        {w(good ? "ok" : "away")}
                      </span>
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
        <p class="soft">{w("storesHint")}</p>
      </div>
    </section>
  );
}

function Providers({ rows }: { rows: Row[] }): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  const groups = [...Map.groupBy(rows.filter(({ cached }) => !cached), ({ provider }) => provider)];
  return (
    <section class="card">
      <div class="head">
        <h2>{w("providers")}</h2>
      </div>
      <div class="card-body table-wrap" tabIndex={0}>
        {groups.length === 0 ? <p class="soft">{w("none")}</p> : (
          <table class="table">
            <thead>
              <tr>
                <th>{w("provider")}</th>
                <th class="num">{w("requests")}</th>
                <th class="num">{w("failed")}</th>
                <th class="num">{w("latency")}</th>
              </tr>
            </thead>
            <tbody>
              {groups.map(([provider, own]) => {
                const durations = own.map(({ duration }) => duration);
                const failed = own.filter(({ success }) => !success).length / own.length;
                return (
                  <tr key={provider}>
                    <td>{provider}</td>
                    <td class="num">{locale.number(own.length)}</td>
                    <td class={`num ${failed > 0.1 ? "bad" : ""}`}>{locale.percent(failed)}</td>
                    <td class="num">
                      {locale.duration(percentile(durations, 0.5))} /{" "}
                      {locale.duration(percentile(durations, 0.9))}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        )}
      </div>
    </section>
  );
}
