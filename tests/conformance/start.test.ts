// Starting, refusing to start, and stopping.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { open, readAll, readBytes, send, within } from "../support/client.ts";
import { type RuntimeName, runtimes, StartError, startGateway } from "../support/gateway.ts";
import { mockPath, onEachRuntime, toUpstream } from "../support/suite.ts";
import { startUpstream } from "../support/upstream.ts";

onEachRuntime((upstream) => ({ ...toUpstream(upstream), bare: false }), (bench, runtime) => {
  it("says what it is under /health", async () => {
    const answer = await send(bench.gateway.url, "/health");
    assert.equal(answer.status, 200);
    assert.match(answer.headers["content-type"] ?? "", /^application\/json\b/);
    const body = JSON.parse(answer.body.toString());
    assert.match(body.version, /^\d+\.\d+\.\d+/);
    assert.deepEqual(body, { status: "ok", runtime, version: body.version });
  });

  // A worker has no line of its own: wrangler prints it.
  if (runtime !== "workers") {
    it("prints one line with its URL", () => {
      const lines = bench.gateway.output().split("\n").filter((line) => line.includes("http://"));
      assert.deepEqual(lines.map((line) => line.includes(bench.gateway.url)), [true]);
    });
  }
});

for (const runtime of runtimes) {
  describe(`${runtime}: a configuration with an unknown key`, () => {
    it("ends the process before it listens, and says what to change", async () => {
      const config = { gateways: { default: { cach_ttl: 60 } } };
      const error = await refusal(runtime, config);
      // wrangler has no code of its own for a worker that cannot start.
      if (runtime === "workers") assert.notEqual(error.exitCode, 0);
      else {
        assert.equal(error.exitCode, 78, error.message);
        assert.doesNotMatch(error.output, /http:\/\/127\.0\.0\.1/);
      }
      for (const part of ["gateways.default", "cach_ttl", "cache_ttl"]) {
        assert.ok(error.message.includes(part), `"${part}" is not in: ${error.message}`);
      }
    });

    it("names what was found and what was expected", async () => {
      const error = await refusal(runtime, { gateways: { default: { cache_ttl: "soon" } } });
      assert.match(error.message, /gateways\.default\.cache_ttl/);
      assert.match(error.message, /soon/);
      assert.match(error.message, /number|integer/i);
    });
  });

  // workerd is not ours to stop.
  if (runtime === "workers") continue;
  describe(`${runtime}: SIGTERM`, () => {
    it("stops listening, lets a stream in flight finish, and exits with 0", async () => {
      const upstream = await startUpstream();
      const gateway = await startGateway(runtime, toUpstream(upstream));
      try {
        const ending = Promise.withResolvers<void>();
        upstream.handle(async (_req, res) => {
          res.writeHead(200, { "content-type": "text/event-stream" });
          res.write("data: 1\n\n");
          await ending.promise;
          res.end("data: 2\n\n");
        });
        const answer = await open(gateway.url, `${mockPath}/stream`);
        assert.equal((await readBytes(answer, 9)).toString(), "data: 1\n\n");

        const stopped = gateway.stop("SIGTERM");
        // Refused connections show that it no longer listens, while the stream is still open.
        await within(5000, "Closing the port", refused(gateway.url));
        ending.resolve();
        assert.equal((await readAll(answer)).body.toString(), "data: 2\n\n");
        assert.equal(await within(5000, "The exit", stopped), 0, gateway.output());
      } finally {
        await gateway.stop("SIGKILL");
        await upstream.close();
      }
    });

    it("exits at once with 0 when nothing is in flight", async () => {
      const gateway = await startGateway(runtime);
      await send(gateway.url, "/health");
      assert.equal(await within(5000, "The exit", gateway.stop("SIGTERM")), 0, gateway.output());
    });
  });
}

async function refusal(runtime: RuntimeName, config: unknown): Promise<StartError> {
  const error: unknown = await startGateway(runtime, { config }).then(
    (gateway) => gateway.stop("SIGKILL"),
    (reason) => reason,
  );
  assert.ok(error instanceof StartError, `It started, or broke: ${error}`);
  return error;
}

async function refused(url: string): Promise<void> {
  while (await send(url, "/health").then(() => true, () => false)) {
    // The next attempt is the wait.
  }
}
