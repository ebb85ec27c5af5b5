// The log in D1, as Cloudflare simulates it.
import { after, before, describe } from "node:test";
import { sqlLogs } from "../../core/storage/logs-sql.ts";
import { d1Database } from "../../runtimes/workers/d1.ts";
import { type RemoteD1, startD1 } from "../support/d1-remote.ts";
import { runtimes } from "../support/gateway.ts";
import { analyticsContract, analyticsNames, analyticsNow } from "../support/analytics-contract.ts";
import { logsContract } from "../support/logs-contract.ts";

if (runtimes.includes("workers")) {
  describe("Workers", () => {
    let d1: RemoteD1;
    before(async () => {
      d1 = await startD1(["logs", "sums"]);
    });
    after(async () => await d1?.stop());

    logsContract("D1", {
      open: () => sqlLogs(d1Database(d1.binding("logs"), [])),
      size: 800_000,
      selections: 80,
    });

    analyticsContract("D1", {
      async open() {
        const binding = d1.binding("sums");
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
