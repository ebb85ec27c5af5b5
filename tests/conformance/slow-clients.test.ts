// A client that dribbles its head holds a connection on Node for seconds, not for ever.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { it } from "node:test";
import { onEachRuntime, toUpstream } from "../support/suite.ts";

onEachRuntime(toUpstream, (bench, runtime) => {
  // The servers of the other runtimes have limits of their own, which nobody can set.
  if (runtime !== "node") return;

  it(
    "an unfinished head is answered with 408 and the connection is closed",
    { timeout: 40_000 },
    async () => {
      const { hostname, port } = new URL(bench.gateway.url);
      const socket = connect(Number(port), hostname);
      let text = "";
      socket.on("data", (chunk) => text += chunk);
      socket.on("error", () => {}); // a write may meet the closed connection
      socket.write("GET /health HTTP/1.1\r\nhost: x\r\n");
      const dribble = setInterval(() => socket.write("x-a: b\r\n"), 1000);
      await new Promise((closed) => socket.once("close", closed));
      clearInterval(dribble);
      assert.match(text, /^HTTP\/1\.1 408 /);
    },
  );
});
