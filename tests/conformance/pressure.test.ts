// Slow clients, clients that leave, and answers larger than memory.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { open, request, within } from "../support/client.ts";
import { mockPath, onEachRuntime, toUpstream } from "../support/suite.ts";

const MB = 1024 * 1024;
const sse = { "content-type": "text/event-stream" };

onEachRuntime(toUpstream, (bench, runtime) => {
  for (const when of ["before the first byte", "in a silent stream", "in a busy stream"]) {
    it(`a client that leaves ${when} closes the upstream`, async (t) => {
      bench.upstream.reset();
      let busy: NodeJS.Timeout | undefined;
      bench.upstream.handle((_req, res) => {
        if (when === "before the first byte") return;
        res.writeHead(200, sse).write("data: 1\n\n");
        if (when === "in a busy stream") busy = setInterval(() => res.write("data: 2\n\n"), 5);
      });
      try {
        const req = request(bench.gateway.url, `${mockPath}/left`, { method: "POST" });
        req.on("error", () => {});
        req.on("response", (answer) => answer.on("error", () => {}).resume());
        const first = when === "before the first byte" ? undefined : new Promise((resolve) => {
          req.on("response", (answer) => answer.once("data", resolve));
        });
        req.end("{}");
        const seen = await within(10_000, "The request", bench.upstream.next());
        await first;
        const left = performance.now();
        // workerd alone takes a mere FIN for a client that still listens; at the edge it never sees one.
        if (runtime === "workers") req.socket!.resetAndDestroy();
        else req.destroy();
        await within(1000, "Closing the upstream", seen.aborted);
        t.diagnostic(
          `${runtime}: upstream closed ${Math.round(performance.now() - left)} ms after`,
        );
      } finally {
        clearInterval(busy);
      }
    });
  }

  it("a client that does not read stops the provider from writing", async () => {
    bench.upstream.reset();
    let accepted = 0;
    const stuck = Promise.withResolvers<void>();
    const piece = Buffer.alloc(64 * 1024, "x");
    bench.upstream.handle(async (_req, res) => {
      res.writeHead(200, { "content-type": "application/octet-stream" });
      while (accepted < 256 * MB && !res.destroyed) {
        accepted += piece.length;
        if (res.write(piece)) continue;
        // Stuck is when nothing was taken for a whole second.
        const drained = new Promise<boolean>((resolve) => res.once("drain", () => resolve(true)));
        const late = new Promise<boolean>((resolve) => setTimeout(resolve, 1000, false));
        if (!await Promise.race([drained, late])) {
          stuck.resolve();
          await drained;
        }
      }
      stuck.resolve();
    });
    const answer = await open(bench.gateway.url, `${mockPath}/endless`);
    answer.on("error", () => {});
    await within(30_000, "Backpressure", stuck.promise);
    assert.ok(accepted < 64 * MB, `${accepted} bytes were taken for a client that reads nothing`);
    answer.destroy();
    await within(5000, "Closing the upstream", bench.upstream.requests[0]!.aborted);
  });

  for (const how of ["in chunks", "of a declared length"]) {
    it(`1 GB ${how} goes through in bounded memory`, { timeout: 90_000 }, async (t) => {
      const size = 1024 * MB;
      const piece = Buffer.alloc(256 * 1024, "y");
      bench.upstream.handle((_req, res) => {
        const length = how === "in chunks" ? {} : { "content-length": size };
        res.writeHead(200, { "content-type": "application/octet-stream", ...length });
        let left = size;
        const write = () => {
          while (left > 0) {
            left -= piece.length;
            if (!res.write(piece)) return void res.once("drain", write);
          }
          res.end();
        };
        write();
      });
      const before = residentBytes(bench.gateway.pid);
      let peak = before;
      const watch = setInterval(() => {
        peak = Math.max(peak, residentBytes(bench.gateway.pid));
      }, 50);
      try {
        const answer = await open(bench.gateway.url, `${mockPath}/huge`);
        let length = 0;
        for await (const part of answer) length += part.length;
        assert.ok(answer.complete);
        assert.equal(length, size);
      } finally {
        clearInterval(watch);
      }
      const growth = Math.round((peak - before) / MB);
      t.diagnostic(`${runtime}: ${Math.round(before / MB)} MB grew by ${growth} MB`);
      assert.ok(growth < 150, `Memory grew by ${growth} MB`);
    });
  }
});

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(status.match(/VmRSS:\s+(\d+) kB/)![1]) * 1024;
}
