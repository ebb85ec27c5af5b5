/** Six charts over the same steps: whoever points at a step in one reads it in all. */
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { type Locale, useLocale } from "../../i18n.ts";
import { Chart, type Series } from "../../ui/chart.tsx";
import {
  type Analysis,
  errorKinds,
  type Figures,
  type Group,
  type Interval,
  stepsOf,
  valuesOf,
} from "./ask.ts";
import { useGroupNames } from "./names.ts";
import { words } from "./words.ts";

type Read = (figures: Figures) => number | null;
type Percentile = "p50" | "p90" | "p99";

const color = (i: number): string => `var(--series-${i % 6 + 1})`;

export function Charts(
  { found, by, percentile, gateway }: {
    found: Analysis | undefined;
    /** What is told apart; empty is nothing. */
    by: string;
    percentile: Percentile;
    gateway: string;
  },
): JSX.Element {
  const locale = useLocale();
  const { number, money, duration } = locale;
  const w = locale.of(words);
  const nameOf = useGroupNames(gateway, by);
  const [at, setAt] = useState<number>();
  const steps = useMemo(() => found === undefined ? [] : stepsOf(found), [found]);
  const names = useMemo(
    () => stepNames(locale, steps, found?.interval ?? "hour"),
    [steps, locale.language],
  );
  const drawn = useMemo(() => {
    if (found === undefined) return undefined;
    const count = steps.length;
    const line = (
      group: Group | undefined,
      span: { start: string },
      read: Read,
      none: 0 | null,
    ) => valuesOf(group?.points ?? [], { ...span, interval: found.interval }, count, read, none);
    const [all] = found.series;
    const { previous } = found;
    const one = (name: string, tint: string, read: Read, isSum: boolean): Series => ({
      name,
      color: tint,
      values: line(all, found, read, isSum ? 0 : null),
      total: read(found.totals),
    });
    const before = (read: Read): Series[] =>
      previous === undefined || previous.totals.attempts === 0 ? [] : [{
        name: w("earlier"),
        color: "var(--faint)",
        values: line(previous.series[0], previous, read, 0),
        total: read(previous.totals),
        isBefore: true,
      }];
    const each = (read: Read, isSum: boolean): Series[] =>
      found.series.map((group, i) => ({
        name: nameOf(group.group),
        color: color(i),
        values: line(group, found, read, isSum ? 0 : null),
        total: read(group.totals),
      }));
    const tokens: Read = (all) => all.tokens_in + all.tokens_out;
    const percentiles = (which: "latency" | "first_token"): Series[] =>
      (["p50", "p90", "p99"] as const).map((p, i) =>
        one(w(p), color(i), (all) => all[which][p], false)
      );
    return {
      requests: by === ""
        ? [
          one(
            w("answered"),
            color(0),
            ({ attempts, errors, cached }) => Math.max(0, attempts - errors.total - cached),
            true,
          ),
          one(w("cached"), color(1), ({ cached }) => cached, true),
          one(w("errors"), "var(--bad)", ({ errors }) => errors.total, true),
          ...before(({ attempts }) => attempts),
        ]
        : each(({ attempts }) => attempts, true),
      errors: by === ""
        ? errorKinds.filter((kind) => found.totals.errors[kind] > 0).map((kind) =>
          one(w(kind), color(errorKinds.indexOf(kind) + 2), ({ errors }) => errors[kind], true)
        ).concat(before(({ errors }) => errors.total))
        : each(({ errors }) => errors.total, true),
      tokens: by === ""
        ? [
          one(w("in"), color(0), ({ tokens_in }) => tokens_in, true),
          one(w("out"), color(1), ({ tokens_out }) => tokens_out, true),
          ...before(tokens),
        ]
        : each(tokens, true),
      cost: by === ""
        ? [
          one(w("cost"), color(0), ({ cost }) => cost, true),
          one(w("saved"), color(1), ({ saved }) => saved, true),
          ...before(({ cost }) => cost),
        ]
        : each(({ cost }) => cost, true),
      latency: by === "" ? percentiles("latency") : each((all) => all.latency[percentile], false),
      first: by === ""
        ? percentiles("first_token")
        : each((all) => all.first_token[percentile], false),
    };
  }, [found, by, percentile, locale.language, nameOf]);
  const compact = (value: number) => number(value, true);
  const whole = (value: number | null) => number(value, (value ?? 0) >= 100_000);
  const chart = (
    name: "requests" | "errors" | "tokens" | "cost" | "latency" | "first",
    title: string,
    kind: "bars" | "lines",
    format: (value: number | null) => string,
    short: (value: number) => string,
  ) => (
    <Chart
      title={title}
      kind={kind}
      series={drawn?.[name] ?? none}
      steps={names.all}
      marks={names.marks}
      format={format}
      short={short}
      at={at}
      onAt={setAt}
    />
  );
  return (
    <div class="charts">
      {chart("requests", w("traffic"), "bars", whole, compact)}
      {chart("errors", w("errors"), "bars", whole, compact)}
      {chart("tokens", w("tokens"), "bars", whole, compact)}
      {chart("cost", w("cost"), "bars", money, (value) => money(value, true))}
      {chart("latency", w("latency.title"), "lines", duration, duration)}
      {chart("first", w("first.title"), "lines", duration, duration)}
    </div>
  );
}

const none: Series[] = [];

/** Days are those of UTC, as they are counted; all else is in the reader's time. */
function stepNames(
  { tag }: Locale,
  steps: readonly number[],
  interval: Interval,
): { all: string[]; marks: [step: number, name: string][] } {
  const day = { month: "short", day: "numeric" } as const;
  const hour = { hour: "2-digit", minute: "2-digit" } as const;
  const isLong = steps.length > 25 && interval === "hour";
  const [whole, brief] = interval === "day"
    ? [{ ...day, weekday: "short", timeZone: "UTC" } as const, { ...day, timeZone: "UTC" } as const]
    : [
      { ...day, ...hour },
      isLong ? day : interval === "hour" ? { hour: "numeric" } as const : hour,
    ];
  const format = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(tag, options);
    return (step: number) => format.format(step);
  };
  const every = Math.max(1, Math.ceil(steps.length / 4));
  const short = format(brief);
  return {
    all: steps.map(format(whole)),
    marks: steps.flatMap((step, i): [number, string][] =>
      i % every === every >> 1 ? [[i, short(step)]] : []
    ),
  };
}
