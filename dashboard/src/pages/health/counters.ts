/** The gateway's own figures, from its Prometheus text. */

export interface Counter {
  name: string;
  /** `status="hit"`. */
  labels: string;
  help: string;
  value: number;
}

/** Without histograms, which say nothing to people as they stand. */
export function countersOf(text: string): Counter[] {
  const help = new Map<string, string>();
  return text.split("\n").flatMap((line): Counter[] => {
    const [, named, said] = /^# HELP (\S+) (.*)$/.exec(line) ?? [];
    if (named !== undefined) help.set(named, said!);
    const [, name, labels = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined || /_(?:bucket|sum)$/.test(name)) return [];
    return [{ name, labels, help: help.get(name) ?? "", value: Number(value) }];
  });
}

/** What was given up under load, or because a store was away: all should be 0. */
const shed = [
  "sluice_log_rows_shed_total",
  "sluice_log_payloads_shed_total",
  "sluice_log_rows_refused_total",
  "sluice_log_rows_over_cap_total",
  "sluice_limits_open_total",
  "sluice_limits_unsettled_total",
  "sluice_cache_store_failures_total",
  "sluice_export_failures_total",
] as const;

/** Sums over all labels; what was never counted is 0. */
export function shedOf(counters: readonly Counter[]): { name: string; value: number }[] {
  return shed.map((name) => ({
    name,
    value: counters.filter((one) => one.name === name).reduce((sum, { value }) => sum + value, 0),
  }));
}

const telemetry = ["sluice_telemetry_exported_total", "sluice_telemetry_dropped_total"] as const;

/** What this process has sent to collectors, and what it could not send. */
export function telemetryOf(counters: readonly Counter[]) {
  return counters.flatMap(({ name, labels, value }) => {
    const known = telemetry.find((one) => one === name);
    return known === undefined ? [] : [{ name: known, labels, value }];
  });
}
