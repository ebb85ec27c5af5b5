/** The sums, each beside that of the time before. */
import type { JSX } from "preact";
import { useLocale } from "../../i18n.ts";
import type { Analysis, Figures as Values } from "./ask.ts";
import { words } from "./words.ts";

/** What more of it means. */
type Sense = "good" | "bad" | "neither";

export function Figures({ found }: { found: Analysis | undefined }): JSX.Element {
  const locale = useLocale();
  const { number, money, percent, duration } = locale;
  const w = locale.of(words);
  const now = found?.totals, before = found?.previous?.totals;
  const part = (some: number, all: number) => all === 0 ? null : some / all;
  const times = (which: "latency" | "first_token") => ({
    value: (all: Values) => all[which].p50,
    say: duration,
    sense: "bad" as Sense,
    more: (all: Values) =>
      w("times", { p90: duration(all[which].p90), p99: duration(all[which].p99) }),
  });
  const figures: {
    name: string;
    value(all: Values): number | null;
    say(value: number | null): string;
    sense: Sense;
    more?(all: Values): string;
  }[] = [
    { name: w("requests"), value: (all) => all.requests, say: number, sense: "neither" },
    {
      name: w("errors"),
      value: (all) => part(all.errors.total, all.attempts),
      say: percent,
      sense: "bad",
      more: (all) => w("of", { some: number(all.errors.total), all: number(all.attempts) }),
    },
    {
      name: w("tokens"),
      value: (all) => all.tokens_in + all.tokens_out,
      say: (value) => number(value, (value ?? 0) >= 100_000),
      sense: "neither",
      more: (all) =>
        w("inout", { in: number(all.tokens_in, true), out: number(all.tokens_out, true) }),
    },
    {
      name: w("cost"),
      value: (all) => all.cost,
      say: money,
      sense: "bad",
      more: (all) => all.unpriced > 0 ? w("unpriced", { count: number(all.unpriced) }) : "",
    },
    {
      name: w("hits"),
      value: (all) => part(all.cached, all.attempts),
      say: percent,
      sense: "good",
      more: (all) => w("of", { some: number(all.cached), all: number(all.attempts) }),
    },
    { name: w("saved"), value: (all) => all.saved, say: money, sense: "good" },
    { name: w("latency"), ...times("latency") },
    { name: w("first"), ...times("first_token") },
  ];
  return (
    <dl class="figures">
      {figures.map(({ name, value, say, sense, more }) => (
        <div class="card figure" key={name}>
          <dt class="soft">{name}</dt>
          <dd class="value">
            {now === undefined
              ? <span class="skeleton" style={{ width: "60%" }} />
              : say(value(now))}
          </dd>
          <dd class="soft change">
            {now !== undefined && before !== undefined && before.attempts > 0 && (
              <Change now={value(now)} before={value(before)} say={say} sense={sense} />
            )}
          </dd>
          <dd class="soft more">{now !== undefined && more?.(now)}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Change(
  { now, before, say, sense }: {
    now: number | null;
    before: number | null;
    say(value: number | null): string;
    sense: Sense;
  },
): JSX.Element | null {
  const locale = useLocale();
  const w = locale.of(words);
  if (now === null || before === null || (now === 0 && before === 0)) return null;
  const title = w("before", { value: say(before) });
  if (before === 0) return <span title={title}>{w("new")}</span>;
  const change = now / before - 1;
  const isBetter = change > 0 === (sense === "good");
  const tone = sense === "neither" || Math.abs(change) < .02 ? "" : isBetter ? "good" : "bad";
  return (
    <span title={title}>
      <span class={tone}>{locale.change(change)}</span>
      <span class="hush">{title}</span>
    </span>
  );
}
