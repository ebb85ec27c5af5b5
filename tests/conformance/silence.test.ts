// Nobody gives up on a provider that is silent: some servers close after 10 s without a byte.
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { open, readBytes } from "../support/client.ts";
import { runtimes, startGateway } from "../support/gateway.ts";
import { mockPath, toUpstream } from "../support/suite.ts";
import { startUpstream } from "../support/upstream.ts";

// All at once, so that the wait is paid only once.
test("silence", { concurrency: runtimes.length }, async (t) => {
  const upstream = await startUpstream();
  const gateways = await Promise.all(
    runtimes.map((name) => startGateway(name, toUpstream(upstream))),
  );
  const streams = new Map<string, ServerResponse>();
  upstream.handle((req, res) => {
    if (req.url!.startsWith("/slow")) return void setTimeout(() => res.end("at last"), 15_000);
    res.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
    streams.set(req.url!, res);
  });

  await Promise.all(gateways.flatMap(({ runtime, url }) => [
    t.test(`${runtime}: a stream that is silent for 15 s lives on`, async () => {
      const answer = await open(url, `${mockPath}/silent/${runtime}`);
      assert.equal((await readBytes(answer, 9)).toString(), "data: 1\n\n");
      await new Promise((resolve) => setTimeout(resolve, 15_000));
      streams.get(`/silent/${runtime}`)!.end("data: 2\n\n");
      assert.equal((await readBytes(answer, 9)).toString(), "data: 2\n\n");
    }),
    t.test(`${runtime}: a provider that thinks for 15 s is waited for`, async () => {
      const answer = await open(url, `${mockPath}/slow/${runtime}`, { method: "POST" });
      assert.equal((await readBytes(answer, 7)).toString(), "at last");
    }),
  ]));
  await Promise.all(gateways.map((gateway) => gateway.stop("SIGKILL")));
  await upstream.close();
});
