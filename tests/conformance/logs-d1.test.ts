// The log in D1, as Cloudflare simulates it.
import { after, before, describe } from "node:test";
import { Miniflare } from "miniflare";
import { sqlLogs } from "../../core/storage/logs-sql.ts";
import { type D1Binding, d1Database } from "../../runtimes/workers/d1.ts";
import { runtimes } from "../support/gateway.ts";
import { analyticsContract, analyticsNames, analyticsNow } from "../support/analytics-contract.ts";
import { logsContract } from "../support/logs-contract.ts";

if (runtimes.includes("workers")) {
  describe("Workers", () => {
    let miniflare: Miniflare;
    before(() => {
      miniflare = new Miniflare({
        modules: true,
        script: "export default {};",
        compatibilityDate: "2026-04-20",
        d1Databases: { SLUICE_DB: "logs", SLUICE_SUMS: "sums" },
      });
    });
    after(async () => await miniflare?.dispose());

    logsContract("D1", {
      async open() {
        const binding = await miniflare.getD1Database("SLUICE_DB") as unknown as D1Binding;
        return sqlLogs(d1Database(binding, []));
      },
      size: 800_000,
      selections: 80,
    });

    analyticsContract("D1", {
      async open() {
        const binding = await miniflare.getD1Database("SLUICE_SUMS") as unknown as D1Binding;
        const options = { now: () => analyticsNow, metadata: analyticsNames };
        const first = sqlLogs(d1Database(binding, []), options);
        await first.count({});
        return [first, sqlLogs(d1Database(binding, []), options)];
      },
      source: "rollups",
      questions: 60,
    });
  });
}
