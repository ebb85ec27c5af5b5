/**
 * All exports of one gateway. Loaded where one is configured.
 *
 * @module
 */
import { oneAtATime } from "../one-at-a-time.ts";
import type { ExportConfig } from "./config.ts";
import { Exporter, type ExporterOptions, type ExportHealth } from "./exporter.ts";

/** The exports of a gateway. */
export interface Exports {
  /** See {@link Exporter.run}. */
  run(last?: boolean): Promise<void>;
  health(): ExportHealth[];
}

/** One exporter each; none waits for another. */
export function createExports(
  configs: readonly ExportConfig[],
  options: ExporterOptions,
): Exports {
  const exporters = configs.map((config) => new Exporter(config, options));
  const runs = exporters.map((exporter) =>
    oneAtATime(options.immediate, (last) => exporter.run(last))
  );
  return {
    async run(last) {
      await Promise.all(runs.map((run) => run(last)));
    },
    health: () => exporters.map((exporter) => exporter.health()),
  };
}
