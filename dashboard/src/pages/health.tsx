/** Whether providers answer, and how the gateway itself is. */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { askOnce, then } from "../early.ts";
import { type Locale, useLocale } from "../i18n.ts";
import type { PageProps } from "../shell.tsx";
import { Failure, Skeleton, useLoaded } from "../ui/mod.tsx";
import "./health.css";
import { countersOf, shedOf, telemetryOf } from "./health/counters.ts";
import { type Name, words } from "./health/words.ts";
import {
  type Analysis,
  analysisPath,
  analyze,
  day,
  errorKinds,
  type Group,
  stepsOf,
  valuesOf,
} from "./overview/ask.ts";
import { words as figureWords } from "./overview/words.ts";

interface Store {
  driver: string;
  up: boolean;
  error: string | null;
  failures: number;
  calls: number;
  lastMs: number;
}

interface State {
  stores?: Record<string, Store>;
  log?: { rows_waiting: number };
}

/** Part of failures from which on a provider is in trouble, and from which on it is worth a look. */
const trouble = { bad: .2, warn: .05 };

function toneOf(failed: number, all: number): "good" | "warn" | "bad" | "" {
  if (all === 0) return "";
  const part = failed / all;
  return part >= trouble.bad ? "bad" : part >= trouble.warn ? "warn" : "good";
}

export function Health({ gateway }: PageProps): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const providers = useLoaded(
    gateway,
    (signal) => analyze(analysisPath(gateway, day, "provider", 100, false, false), signal),
  );
  const state = useLoaded(
    "state",
    (signal) => then(askOnce("/health?full=1", signal), ({ text }) => JSON.parse(text) as State),
  );
  const metrics = useLoaded(
    "metrics",
    (signal) =>
      then(
        askOnce("/metrics", signal),
        ({ response, text }) => countersOf(response.ok ? text : ""),
      ),
  );
  const all = [providers, state, metrics];
  useEffect(() => {
    const timer = setInterval(() => document.hidden || all.forEach(({ reload }) => reload()), 5000);
    return () => clearInterval(timer);
  }, [gateway]);
  const shed = shedOf(metrics.value ?? []);
  const sent = telemetryOf(metrics.value ?? []);
  return (
    <>
      <div class="head">
        <h1>{t("nav.health")}</h1>
      </div>
      <Providers loaded={providers} />
      <div class="halves">
        <section class="card">
          <div class="head">
            <h2>{w("stores")}</h2>
            {state.value?.log && (
              <span class="soft">
                {w("waiting", { count: locale.number(state.value.log.rows_waiting) })}
              </span>
            )}
          </div>
          {state.value === undefined
            ? (
              <div class="card-body">
                {state.error === undefined
                  ? <Skeleton lines={5} height={22} />
                  : <Failure error={state.error} onRetry={state.reload} />}
              </div>
            )
            : <Stores stores={state.value.stores ?? {}} />}
        </section>
        <section class="card">
          <div class="head">
            <h2>{w("shed")}</h2>
          </div>
          {metrics.value === undefined
            ? (
              <div class="card-body">
                {metrics.error === undefined
                  ? <Skeleton lines={5} height={22} />
                  : <Failure error={metrics.error} onRetry={metrics.reload} />}
              </div>
            )
            : (
              <>
                <dl class="shed">
                  {shed.map(({ name, value }) => (
                    <div key={name}>
                      <dt>{w(name as Name)}</dt>
                      <dd class={`num ${value > 0 ? "badge warn" : "soft"}`}>
                        {locale.number(value)}
                      </dd>
                    </div>
                  ))}
                </dl>
                <p class="card-body soft">{w("shed.hint")}</p>
              </>
            )}
        </section>
      </div>
      {metrics.value !== undefined && (
        <section class="card">
          <div class="head">
            <h2>{w("telemetry")}</h2>
          </div>
          {sent.length === 0 && <p class="card-body soft">{w("telemetry.none")}</p>}
          <dl class="shed">
            {sent.map(({ name, labels, value }) => (
              <div key={name + labels}>
                <dt>
                  {w(name)} <code class="soft">{labels}</code>
                </dt>
                <dd class="num">{locale.number(value)}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      {metrics.value !== undefined && metrics.value.length > 0 && (
        <details class="card counters">
          <summary>
            <h2>{w("counters")}</h2>
          </summary>
          <div class="table-wrap" tabIndex={0}>
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">{w("name")}</th>
                  <th scope="col" class="num">{w("value")}</th>
                </tr>
              </thead>
              <tbody>
                {metrics.value.map(({ name, labels, help, value }) => (
                  <tr key={name + labels}>
                    <td title={help}>
                      <code>{name}</code> <span class="soft">{labels}</span>
                    </td>
                    <td class="num">{locale.number(value)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </details>
      )}
    </>
  );
}

function Stores({ stores }: { stores: NonNullable<State["stores"]> }): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  const names = Object.keys(stores);
  return (
    <>
      <div class="table-wrap" tabIndex={0}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{w("store")}</th>
              <th scope="col">{w("driver")}</th>
              <th scope="col">{w("state")}</th>
              <th scope="col" class="num">{w("calls")}</th>
              <th scope="col" class="num">{w("failed")}</th>
              <th scope="col" class="num">{w("last")}</th>
            </tr>
          </thead>
          <tbody>
            {names.map((use) => (
              <tr key={use}>
                <td>{Object.hasOwn(words.en, `use.${use}`) ? w(`use.${use}` as Name) : use}</td>
                <td class="mono">{stores[use]!.driver}</td>
                <td>
                  <span class={`badge ${stores[use]!.up ? "good" : "bad"}`}>
                    {w(stores[use]!.up ? "up" : "away")}
                  </span>
                </td>
                <td class="num">{locale.number(stores[use]!.calls, true)}</td>
                <td class="num">{locale.number(stores[use]!.failures)}</td>
                <td class="num">{locale.duration(stores[use]!.lastMs || null)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {names.some((use) => !stores[use]!.up) && (
        <div class="card-body">
          <div class="note warn">
            <span>{w("stores.hint")}</span>
            {names.map((use) => stores[use]!.error && <code key={use}>{stores[use]!.error}</code>)}
          </div>
        </div>
      )}
    </>
  );
}

function Providers(
  { loaded: { value, error, reload } }: {
    loaded: { value: Analysis | undefined; error: unknown; reload(): void };
  },
): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  return (
    <section class="card">
      <div class="head">
        <h2>{w("providers")}</h2>
        <span class="soft">{w("day")}</span>
      </div>
      {value === undefined
        ? (
          <div class="card-body">
            {error === undefined
              ? <Skeleton lines={4} height={24} />
              : <Failure error={error} onRetry={reload} />}
          </div>
        )
        : value.series.length === 0
        ? <p class="card-body soft">{w("quiet")}</p>
        : (
          <div class="table-wrap" tabIndex={0}>
            <table class="table providers">
              <thead>
                <tr>
                  <th scope="col">{w("provider")}</th>
                  <th scope="col">{w("state")}</th>
                  <th scope="col">{w("hours")}</th>
                  <th scope="col" class="num">{w("attempts")}</th>
                  <th scope="col" class="num">{w("failed")}</th>
                  <th scope="col">{w("why")}</th>
                  <th scope="col" class="num">{w("latency")}</th>
                  <th scope="col" class="num">{w("first")}</th>
                </tr>
              </thead>
              <tbody>
                {value.series.map((group) => (
                  <Provider
                    key={JSON.stringify(group.group)}
                    group={group}
                    found={value}
                    locale={locale}
                  />
                ))}
              </tbody>
            </table>
          </div>
        )}
    </section>
  );
}

function Provider(
  { group, found, locale }: { group: Group; found: Analysis; locale: Locale },
): JSX.Element {
  const { number, percent, duration } = locale;
  const w = locale.of(words);
  const kindName = locale.of(figureWords);
  const { totals } = group;
  const steps = stepsOf(found);
  const valuesAt = (read: Parameters<typeof valuesOf>[3]) =>
    valuesOf(group.points, found, steps.length, read, 0);
  const all = valuesAt(({ attempts, cached }) => attempts - cached);
  const failed = valuesAt(({ errors }) => errors.total);
  const asked = totals.attempts - totals.cached;
  // How it is now: the last two hours that have something to say.
  const [now, before] = all.flatMap((count, i) => count ? [[failed[i] ?? 0, count]] : []).slice(-2)
    .reverse();
  const lately = (now?.[1] ?? 0) >= 5 || before === undefined
    ? now
    : [now![0]! + before[0]!, now![1]! + before[1]!];
  const tone = toneOf(lately?.[0] ?? 0, lately?.[1] ?? 0);
  const hour = new Intl.DateTimeFormat(locale.tag, { hour: "2-digit", minute: "2-digit" });
  return (
    <tr>
      <td>{String(group.group?.["provider"] ?? w("others"))}</td>
      <td>
        <span class={`badge ${tone}`}>{w(tone === "" ? "unused" : tone)}</span>
      </td>
      <td>
        <span
          class="hours"
          role="img"
          aria-label={w("hours.of", { failed: percent(part(totals.errors.total, asked)) })}
        >
          {steps.map((step, i) => (
            <i
              key={step}
              class={toneOf(failed[i] ?? 0, all[i] ?? 0)}
              title={`${hour.format(step)}: ${number(failed[i])} / ${number(all[i])}`}
            />
          ))}
        </span>
      </td>
      <td class="num">{number(asked)}</td>
      <td class="num">{percent(part(totals.errors.total, asked))}</td>
      <td class="soft why">
        {errorKinds.filter((kind) => totals.errors[kind] > 0).map((kind) => (
          <div key={kind}>{kindName(kind)}: {number(totals.errors[kind])}</div>
        ))}
      </td>
      <td class="num">
        {duration(totals.latency.p50)} / {duration(totals.latency.p90)}
      </td>
      <td class="num">
        {duration(totals.first_token.p50)} / {duration(totals.first_token.p90)}
      </td>
    </tr>
  );
}

const part = (some: number, all: number): number | null => all === 0 ? null : some / all;
