/**
 * What requests are served from.
 *
 * @module
 */
import type { Provider } from "../provider.ts";
import type { Setup } from "../config/setup.ts";
import type { PriceRule } from "../usage/cost.ts";
import { noRecords, type Records } from "./records.ts";

/** Settings as they are in force, until something changes; a request keeps those that it began with. */
export interface Snapshot extends Pick<Setup, "config" | "gateways" | "providers" | "loopback"> {
  /** What is stored. */
  readonly records: Records;
  readonly prices: readonly PriceRule[];
  /** Each provider once. */
  readonly rows: readonly Provider[];
}

/** Without anything stored. */
export function configured(setup: Setup): Snapshot {
  return {
    config: setup.config,
    loopback: setup.loopback,
    gateways: setup.gateways,
    providers: setup.providers,
    records: noRecords,
    prices: [],
    rows: rowsOf(setup.providers),
  };
}

/** Each provider of a table once. */
export function rowsOf(providers: Snapshot["providers"]): Provider[] {
  return [...new Set([...providers.values()].map(({ provider }) => provider))];
}
