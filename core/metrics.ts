/**
 * Figures for operators, in Prometheus' text format.
 *
 * @module
 */

/** One figure. */
interface Metric {
  kind: "counter" | "gauge";
  help: string;
  /** By the text of the labels. */
  values: Map<string, number | (() => number)>;
}

const none: Readonly<Record<string, string>> = Object.freeze({});

/** The figures of one gateway. Names begin with `sluice_`; labels are few and bounded. */
export class Metrics {
  readonly #all = new Map<string, Metric>();

  /** Counts up. */
  count(name: string, help: string, labels: Readonly<Record<string, string>> = none, by = 1): void {
    const { values } = this.#metric(name, "counter", help);
    const key = labelText(labels);
    values.set(key, (values.get(key) as number | undefined ?? 0) + by);
  }

  /** A figure that is read when the page is asked for. */
  gauge(name: string, help: string, labels: Record<string, string>, read: () => number): void {
    this.#metric(name, "gauge", help).values.set(labelText(labels), read);
  }

  #metric(name: string, kind: Metric["kind"], help: string): Metric {
    let metric = this.#all.get(name);
    if (metric === undefined) this.#all.set(name, metric = { kind, help, values: new Map() });
    return metric;
  }

  /** The page. */
  text(): string {
    let page = "";
    for (const [name, { kind, help, values }] of this.#all) {
      page += `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`;
      for (const [labels, value] of values) {
        page += `${name}${labels} ${typeof value === "function" ? value() : value}\n`;
      }
    }
    return page;
  }
}

/** Texts of labels that never change: who counts often freezes them. */
const texts = new WeakMap<Readonly<Record<string, string>>, string>();

function labelText(labels: Readonly<Record<string, string>>): string {
  if (!Object.isFrozen(labels)) return written(labels);
  let text = texts.get(labels);
  if (text === undefined) texts.set(labels, text = written(labels));
  return text;
}

function written(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) =>
    `${name}="${value.replace(/[\\"\n]/g, (c) => c === "\n" ? "\\n" : `\\${c}`)}"`
  );
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}
