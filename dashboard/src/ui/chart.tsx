/**
 * Figures over time, as bars on top of each other or as lines. The legend has the values of the step that is
 * pointed at; arrow keys go through the steps. Drawn on a grid of its own that the browser stretches, so that
 * nothing is measured and nothing jumps.
 */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";

export interface Series {
  name: string;
  /** Of CSS. */
  color: string;
  /** One for each step; null where nothing is known. */
  values: readonly (number | null)[];
  /** Of all steps together, where that says something. */
  total?: number | null | undefined;
  /** Stands behind the others, and is not added to them. */
  isBefore?: boolean;
}

interface ChartProps {
  title: string;
  kind: "bars" | "lines";
  series: readonly Series[];
  /** Names of the steps. */
  steps: readonly string[];
  /** Which steps are named below, and how. */
  marks: readonly (readonly [step: number, name: string])[];
  format(value: number | null): string;
  /** The same in few letters. */
  short(value: number): string;
  /** The step that is pointed at. */
  at: number | undefined;
  onAt(step: number | undefined): void;
}

const width = 1000, height = 100;

export function Chart(
  { title, kind, series, steps, marks, format, short, at, onAt }: ChartProps,
): JSX.Element {
  const count = steps.length;
  const top = useMemo(() => topOf(kind, series, count), [kind, series, count]);
  const drawing = useMemo(
    () => <Drawing kind={kind} series={series} count={count} top={top} />,
    [kind, series, count, top],
  );
  const place = (event: PointerEvent) => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    onAt(Math.max(0, Math.min(count - 1, Math.floor((event.clientX - left) / width * count))));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const now = at ?? count;
    const to = {
      ArrowLeft: now - 1,
      ArrowDown: now - 1,
      ArrowRight: now + 1,
      ArrowUp: now + 1,
      Home: 0,
      End: count - 1,
    }[event.key];
    if (event.key === "Escape") onAt(undefined);
    else if (to === undefined) return;
    else onAt(Math.max(0, Math.min(count - 1, to)));
    event.preventDefault();
  };
  const step = at === undefined || at >= count ? undefined : at;
  const read = step === undefined
    ? title
    : `${steps[step]}: ${
      series.map(({ name, values }) => `${name} ${format(values[step] ?? null)}`).join(", ")
    }`;
  return (
    <section class="card chart">
      <div class="head">
        <h2>{title}</h2>
        <span class="soft num">{step !== undefined && steps[step]}</span>
      </div>
      <ul class="chart-legend">
        {series.map(({ name, color, values, total, isBefore }) => (
          <li key={name}>
            <i class={isBefore ? "before" : ""} style={{ background: color }} />
            <span class="clip soft" title={name}>{name}</span>
            <span class="num">
              {step !== undefined
                ? format(values[step] ?? null)
                : total === undefined
                ? ""
                : format(total)}
            </span>
          </li>
        ))}
      </ul>
      <div class="chart-plot">
        <span class="chart-top faint" aria-hidden="true">{top > 0 && short(top)}</span>
        <span class="chart-middle faint" aria-hidden="true">{top > 0 && short(top / 2)}</span>
        <div
          class="chart-area"
          role="slider"
          tabIndex={0}
          aria-label={title}
          aria-valuemin={0}
          aria-valuemax={Math.max(0, count - 1)}
          aria-valuenow={step ?? Math.max(0, count - 1)}
          aria-valuetext={read}
          onPointerMove={place}
          onPointerDown={place}
          onPointerLeave={() => onAt(undefined)}
          onBlur={() => onAt(undefined)}
          onKeyDown={onKeyDown}
        >
          {drawing}
          {step !== undefined && (
            <span
              class="chart-at"
              style={{ left: `${step / count * 100}%`, width: `${100 / count}%` }}
            />
          )}
        </div>
        <div class="chart-marks faint" aria-hidden="true">
          {marks.map(([mark, name]) => (
            <span key={mark} style={{ left: `${(mark + .5) / count * 100}%` }}>{name}</span>
          ))}
        </div>
      </div>
    </section>
  );
}

/** The end of the scale: a round number above all of them. */
function topOf(kind: ChartProps["kind"], series: readonly Series[], count: number): number {
  let most = 0;
  for (let step = 0; step < count; step++) {
    let sum = 0;
    for (const { values, isBefore } of series) {
      const value = values[step] ?? 0;
      if (kind === "bars" && !isBefore) sum += value;
      most = Math.max(most, value, sum);
    }
  }
  if (most === 0) return 0;
  const unit = 10 ** Math.floor(Math.log10(most));
  return unit * [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((times) => unit * times >= most * .999)!;
}

function Drawing(
  { kind, series, count, top }: {
    kind: ChartProps["kind"];
    series: readonly Series[];
    count: number;
    top: number;
  },
): JSX.Element {
  const y = (value: number) => Math.round((1 - value / (top || 1)) * height * 10) / 10;
  const below = new Array<number>(count).fill(0);
  return (
    <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="chart-grid" d={`M0 0H${width}M0 ${height / 2}H${width}M0 ${height}H${width}`} />
      {kind === "bars" &&
        series.filter(({ isBefore }) => !isBefore).map((one) => (
          <path key={one.name} fill={one.color} d={barsOf(one.values, below, count, y)} />
        ))}
      {series.filter(({ isBefore }) => kind === "lines" || isBefore).map((one) => (
        <path
          key={one.name}
          class={one.isBefore ? "chart-line before" : "chart-line"}
          stroke={one.color}
          d={lineOf(one.values, count, y)}
        />
      ))}
    </svg>
  );
}

/** @param below Where the bars begin, and then where they end. */
function barsOf(
  values: Series["values"],
  below: number[],
  count: number,
  y: (value: number) => number,
): string {
  const each = width / count;
  let path = "";
  for (let step = 0; step < count; step++) {
    const value = values[step] ?? 0;
    if (value <= 0) continue;
    const from = y(below[step]!), to = y(below[step]! += value);
    path += `M${(each * (step + .12)).toFixed(1)} ${from}V${to}h${
      (each * .76).toFixed(1)
    }V${from}z`;
  }
  return path;
}

/** Begins anew behind steps that nothing is known of; a step alone is a dot. */
function lineOf(values: Series["values"], count: number, y: (value: number) => number): string {
  let path = "", isOn = false;
  for (let step = 0; step < count; step++) {
    const value = values[step] ?? null;
    if (value === null) isOn = false;
    else {
      const x = (width / count * (step + .5)).toFixed(1);
      path += isOn ? `L${x} ${y(value)}` : `M${x} ${y(value)}h.1`;
      isOn = true;
    }
  }
  return path;
}
