/**
 * Figures for operators, in Prometheus' text format and for exporters.
 *
 * @module
 */

/** Labels of a figure. */
export type MetricLabels = Readonly<Record<string, string>>;

/** All figures of one name. */
export interface MetricFamily {
  /**
   * As it is exported. One with dots is OpenTelemetry's: on Prometheus' page it gets underscores, and the
   * unit and `_total` behind it, as that page wants them.
   */
  readonly name: string;
  /** What becomes of it. */
  readonly kind: "counter" | "gauge" | "histogram";
  /** For people. */
  readonly help: string;
  /** UCUM, such as `s` or `{token}`; empty when there is none. */
  readonly unit: string;
  /** Upper bounds of the buckets of a histogram, the last, infinite one left out. */
  readonly bounds: readonly number[];
  /** By the text of the labels. */
  readonly cells: ReadonlyMap<string, Metric>;
}

/** One figure with its labels. */
export interface Metric {
  /** By name. */
  readonly labels: MetricLabels;
  /** A counter's or a gauge's. */
  value: number | (() => number);
}

const none: MetricLabels = Object.freeze({});

/** How often which values were seen. */
export class Histogram implements Metric {
  /** By name. */
  readonly labels: MetricLabels;
  readonly #bounds: readonly number[];
  /** Observations by bucket; one more than there are bounds. */
  readonly buckets: number[];
  /** All observations. */
  count = 0;
  /** Their sum. */
  sum = 0;

  /**
   * With nothing in it.
   *
   * @param bounds Upper bounds, ascending.
   */
  constructor(labels: MetricLabels, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.buckets = new Array<number>(bounds.length + 1).fill(0);
  }

  /** The sum: what a histogram is as one number. */
  get value(): number {
    return this.sum;
  }

  /** Counts a value; what is no number is not counted. */
  observe(value: number): void {
    if (!Number.isFinite(value)) return;
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    this.buckets[at]!++;
    this.count++;
    this.sum += value;
  }
}

interface OwnFamily extends MetricFamily {
  readonly cells: Map<string, Metric>;
}

/** How a figure is to be known; each is told once, where the figure is first asked for. */
export interface MetricName {
  /** As {@link MetricFamily.name}. */
  name: string;
  /** For people. */
  help: string;
  /** UCUM. */
  unit?: string;
}

/** The figures of one gateway. Their own begin with `sluice_`; labels are few and bounded. */
export class Metrics {
  readonly #all = new Map<string, OwnFamily>();

  /** Counts up. */
  count(name: string, help: string, labels: MetricLabels = none, by = 1): void {
    const { cells } = this.#family({ name, help }, "counter");
    const text = labelText(labels);
    const cell = cells.get(text);
    if (cell === undefined) cells.set(text, { labels, value: by });
    else cell.value = cell.value as number + by;
  }

  /** A figure that is read when the page is asked for. */
  gauge(name: string, help: string, labels: MetricLabels, read: () => number): void {
    this.#family({ name, help }, "gauge").cells.set(labelText(labels), { labels, value: read });
  }

  /** A counter to hold on to, for those who count often: `value` is a number to add to. */
  counter(kind: MetricName, labels: MetricLabels = none): Metric & { value: number } {
    const { cells } = this.#family(kind, "counter");
    const text = labelText(labels);
    let cell = cells.get(text);
    if (cell === undefined) cells.set(text, cell = { labels, value: 0 });
    return cell as Metric & { value: number };
  }

  /** A histogram to hold on to. */
  histogram(kind: MetricName, bounds: readonly number[], labels: MetricLabels = none): Histogram {
    const { cells } = this.#family(kind, "histogram", bounds);
    const text = labelText(labels);
    let cell = cells.get(text);
    if (cell === undefined) cells.set(text, cell = new Histogram(labels, bounds));
    return cell as Histogram;
  }

  #family(
    { name, help, unit = "" }: MetricName,
    kind: MetricFamily["kind"],
    bounds: readonly number[] = [],
  ): OwnFamily {
    let family = this.#all.get(name);
    if (family === undefined) {
      this.#all.set(name, family = { name, kind, help, unit, bounds, cells: new Map() });
    }
    return family;
  }

  /** All figures. */
  families(): Iterable<MetricFamily> {
    return this.#all.values();
  }

  /** The page. */
  text(): string {
    let page = "";
    for (const family of this.#all.values()) {
      const name = pageName(family);
      page += `# HELP ${name} ${family.help}\n# TYPE ${name} ${family.kind}\n`;
      for (const [labels, cell] of family.cells) {
        if (cell instanceof Histogram) {
          page += histogramText(name, labels, cell, family.bounds);
        } else {
          const { value } = cell;
          page += `${name}${labels} ${typeof value === "function" ? value() : value}\n`;
        }
      }
    }
    return page;
  }
}

function histogramText(
  name: string,
  labels: string,
  { buckets, count, sum }: Histogram,
  bounds: readonly number[],
): string {
  const open = labels === "" ? "{" : `${labels.slice(0, -1)},`;
  let text = "";
  let below = 0;
  for (let i = 0; i < bounds.length; i++) {
    text += `${name}_bucket${open}le="${bounds[i]}"} ${below += buckets[i]!}\n`;
  }
  return text + `${name}_bucket${open}le="+Inf"} ${count}\n${name}_sum${labels} ${sum}\n` +
    `${name}_count${labels} ${count}\n`;
}

const units: Readonly<Record<string, string>> = { s: "_seconds", USD: "_usd", By: "_bytes" };

/** As OpenTelemetry's rules for Prometheus have it; units in braces are not told. */
function pageName({ name, kind, unit }: MetricFamily): string {
  if (!name.includes(".")) return name;
  const base = name.replace(/[^a-zA-Z0-9_]/g, "_") + (units[unit] ?? "");
  return kind === "counter" && !base.endsWith("_total") ? `${base}_total` : base;
}

/** Texts of labels that never change: who counts often freezes them. */
const texts = new WeakMap<MetricLabels, string>();

function labelText(labels: MetricLabels): string {
  if (!Object.isFrozen(labels)) return written(labels);
  let text = texts.get(labels);
  if (text === undefined) texts.set(labels, text = written(labels));
  return text;
}

function written(labels: MetricLabels): string {
  const parts = Object.entries(labels).map(([name, value]) =>
    `${name.replaceAll(".", "_")}="${
      value.replace(/[\\"\n]/g, (c) => c === "\n" ? "\\n" : `\\${c}`)
    }"`
  );
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}
