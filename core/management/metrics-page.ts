/**
 * `/metrics`: the gateway's figures and the health of its stores, as Prometheus reads them.
 *
 * @module
 */
import type { Host } from "../host.ts";
import { Metrics } from "../metrics.ts";
import { healthOf } from "../storage/guard.ts";

/** The page. */
export function metricsPage(host: Host): Response {
  return new Response(host.metrics.text() + storesText(host), {
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  });
}

function storesText({ stores }: Host): string {
  const page = new Metrics();
  for (const [store, health] of Object.entries(healthOf(stores))) {
    const { driver, up, calls, failures, lastMs } = health;
    const labels = { store, driver };
    const help = {
      up: "1 while a store is used, 0 while it counts as down",
      calls: "Calls to a store that were tried",
      failures: "Calls to a store that failed",
      last: "Milliseconds that the last answer of a store took",
    };
    page.gauge("sluice_store_up", help.up, labels, () => up ? 1 : 0);
    page.count("sluice_store_calls_total", help.calls, labels, calls);
    page.count("sluice_store_failures_total", help.failures, labels, failures);
    page.gauge("sluice_store_last_ms", help.last, labels, () => lastMs);
  }
  return page.text();
}
