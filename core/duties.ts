/**
 * What a gateway does beside requests: exports, alerts. Servers call {@link Duties.run} each second, a
 * Worker in its cron and behind requests. What does the work is loaded where some is configured.
 *
 * @module
 */
import type { Alerts } from "./alerts/mod.ts";
import { Tally } from "./alerts/tally.ts";
import type { Context } from "./context.ts";
import type { WriteFile } from "./export/config.ts";
import type { Exports } from "./export/mod.ts";
import type { Host } from "./host.ts";
import type { Setup } from "./config/setup.ts";

/** What {@link createDuties} needs. */
export interface DutiesOptions {
  host: Host;
  setup: Setup;
  env: Readonly<Record<string, unknown>>;
  writeFile: WriteFile | undefined;
}

/** The duties of one gateway. */
export interface Duties {
  /** Does what is due. Never rejects. @param last The process ends. */
  run(last?: boolean): Promise<void>;
  /** A request begins: alerts hear of its attempts; on Workers, what is due is done behind it. */
  request(ctx: Context): void;
  health(): Record<string, unknown>;
}

/** Milliseconds between two runs behind requests. */
const pause = 60_000;

/** Nothing where nothing is configured. */
export function createDuties(
  { host, setup, env, writeFile }: DutiesOptions,
): Duties | undefined {
  const { exports: configs, alerts: config } = setup.config;
  if (configs.length === 0 && config === undefined) return undefined;
  const { now } = host;
  const tally = config && new Tally();
  let exports: Exports | undefined;
  let alerts: Alerts | undefined;
  let ranAt = -Infinity;

  async function load(): Promise<void> {
    const options = { ...host, env, writeFile, settings: () => host.settings.current({}) };
    if (configs.length > 0) {
      const { createExports } = await import("./export/mod.ts");
      exports ??= createExports(configs, options);
    }
    if (config !== undefined) {
      const { createAlerts } = await import("./alerts/mod.ts");
      const configuredKeys = [...setup.tokens.values()].flat();
      alerts ??= createAlerts({ ...options, config, tally: tally!, configuredKeys });
    }
  }

  async function run(last = false): Promise<void> {
    ranAt = now();
    try {
      if (exports === undefined && alerts === undefined) await load();
      await Promise.all([exports?.run(last), alerts?.run(last)]);
    } catch (error) {
      host.report("Exports and alerts failed", error);
    }
  }

  return {
    run,
    request(ctx) {
      if (tally !== undefined) ctx.onAttempt(tally.add);
      if (host.immediate && !(now() - ranAt < pause)) ctx.waitUntil(run());
    },
    health: () => ({
      ...configs.length > 0 && {
        exports: exports?.health() ??
          configs.map(({ name }) => ({ name, up: true, lag_seconds: 0 })),
      },
      ...config !== undefined &&
        { alerts: alerts?.health() ?? { raised: {}, messages_waiting: 0 } },
    }),
  };
}
